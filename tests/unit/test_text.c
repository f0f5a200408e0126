// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/build.h"

static void expect_address(const char *text, enum mx_family family, u64 hi, u64 lo, const char *canonical)
{
	char buffer[MX_ADDR_TEXT];
	enum mx_family got;
	struct mx_addr addr;

	assert_true(mx_addr_parse(text, &got, &addr));
	assert_int_equal(got, family);
	assert_true(addr.hi == hi && addr.lo == lo);
	assert_string_equal(mx_addr_text(family, addr, buffer), canonical);
}

static void test_addresses(void **state)
{
	static const char *const wrong[] = { "",
					     " 192.0.2.1",
					     "192.0.2.1 ",
					     "192.0.2",
					     "192.0.2.256",
					     "192.0.2.01",
					     "192.0.2.1.5",
					     "192.0.2.1/24",
					     "0x7f000001",
					     "mx1",
					     ":",
					     "2001:db8::1::2",
					     "2001:db8::g",
					     "fe80::1%eth0",
					     "::ffff:192.0.2.1",
					     "[2001:db8::1]" };
	enum mx_family family;
	struct mx_addr addr;
	u32 i;

	(void)state;
	expect_address("192.0.2.1", MX_IPV4, 0, 0xc0000201, "192.0.2.1");
	expect_address("0.0.0.0", MX_IPV4, 0, 0, "0.0.0.0");
	expect_address("255.255.255.255", MX_IPV4, 0, 0xffffffff, "255.255.255.255");
	expect_address("2001:DB8:0:0:0:0:0:1", MX_IPV6, 0x20010db800000000ULL, 1, "2001:db8::1");
	expect_address("::", MX_IPV6, 0, 0, "::");
	expect_address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", MX_IPV6, ~0ULL, ~0ULL,
		       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (mx_addr_parse(wrong[i], &family, &addr))
			fail_msg("taken for an address: \"%s\"", wrong[i]);
}

static void expect_prefix(const char *text, u8 length, const char *canonical)
{
	char buffer[MX_ADDR_TEXT];
	enum mx_family family;
	struct mx_addr addr;
	u8 got;

	assert_null(mx_prefix_parse(text, &family, &addr, &got));
	assert_int_equal(got, length);
	assert_string_equal(mx_prefix_text(family, addr, got, buffer), canonical);
}

static void test_prefixes(void **state)
{
	static const char *const wrong[] = {
		"",
		"/",
		"/24",
		"192.0.2.0/",
		"192.0.2.0/33",
		"192.0.2.0/-1",
		"192.0.2.0/+24",
		"192.0.2.0/ 24",
		"192.0.2.0/24 ",
		"192.0.2.0/24/24",
		"192.0.2.0/255.255.255.0",
		"192.0.2.0/18446744073709551640",
		"192.0.2.1/24",
		"128.0.0.0/0",
		"2001:db8::/129",
		"2001:db8::1/64",
		"2001:db8:0:0:1::/64",
		"192.0.2/24",
		"0000000000000000000000000000000000000000000000000000000000000000000000/8"
	};
	enum mx_family family;
	struct mx_addr addr;
	u8 length;
	u32 i;

	(void)state;
	expect_prefix("192.0.2.0/24", 24, "192.0.2.0/24");
	expect_prefix("192.0.2.1", 32, "192.0.2.1");
	expect_prefix("192.0.2.1/32", 32, "192.0.2.1");
	expect_prefix("0.0.0.0/0", 0, "0.0.0.0/0");
	expect_prefix("255.255.255.255/32", 32, "255.255.255.255");
	expect_prefix("::/0", 0, "::/0");
	expect_prefix("2001:DB8::/32", 32, "2001:db8::/32");
	expect_prefix("2001:db8::/64", 64, "2001:db8::/64");
	expect_prefix("2001:db8:0:0:8000::/65", 65, "2001:db8:0:0:8000::/65");
	expect_prefix("2001:db8::1/128", 128, "2001:db8::1");
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (!mx_prefix_parse(wrong[i], &family, &addr, &length))
			fail_msg("taken for a prefix: \"%s\"", wrong[i]);
}

/* What is expected is said according to the mistake. */
static void test_what_was_expected(void **state)
{
	enum mx_family family;
	struct mx_addr addr;
	u8 length;

	(void)state;
	assert_string_equal(mx_prefix_parse("192.0.2.0/33", &family, &addr, &length), "expected a length from 0 to 32");
	assert_string_equal(mx_prefix_parse("2001:db8::/x", &family, &addr, &length),
			    "expected a length from 0 to 128");
	assert_string_equal(mx_prefix_parse("192.0.2.1/24", &family, &addr, &length),
			    "expected no bits set behind the length");
	assert_string_equal(mx_prefix_parse("example.net", &family, &addr, &length),
			    "expected an address or address/length");
}

static void test_bytes(void **state)
{
	static const u8 v4[] = { 192, 0, 2, 1 };
	static const u8 v6[] = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2 };
	u8 back[16];

	(void)state;
	assert_true(mx_addr_from_bytes(MX_IPV4, v4).lo == 0xc0000201);
	assert_true(mx_addr_from_bytes(MX_IPV6, v6).hi == 0x20010db800000000ULL);
	assert_true(mx_addr_from_bytes(MX_IPV6, v6).lo == 0x102);
	mx_addr_to_bytes(MX_IPV4, mx_addr_from_bytes(MX_IPV4, v4), back);
	assert_memory_equal(back, v4, sizeof(v4));
	mx_addr_to_bytes(MX_IPV6, mx_addr_from_bytes(MX_IPV6, v6), back);
	assert_memory_equal(back, v6, sizeof(v6));
}

static void test_random_prefixes_read_back(void **state)
{
	u64 seed = 20261123;
	u32 i;

	(void)state;
	print_message("# seed %llu\n", (unsigned long long)seed);
	for (i = 0; i < 100000; i++) {
		enum mx_family family = i % 2 ? MX_IPV6 : MX_IPV4, got;
		u8 length = (u8)(random_next(&seed) % (mx_family_bits(family) + 1u)), got_length;
		struct mx_addr addr = { random_next(&seed), random_next(&seed) }, back;
		char text[MX_ADDR_TEXT];

		if (family == MX_IPV4)
			addr = (struct mx_addr){ 0, addr.lo & 0xffffffff };
		addr = mx_addr_first(addr, family, length);
		mx_prefix_text(family, addr, length, text);
		if (family == MX_IPV6 && !addr.hi && addr.lo >> 32 == 0xffff)
			continue; /* mapped addresses are refused on purpose */
		if (mx_prefix_parse(text, &got, &back, &got_length))
			fail_msg("%s does not read back", text);
		assert_int_equal(got, family);
		assert_int_equal(got_length, length);
		assert_int_equal(mx_addr_cmp(addr, back), 0);
	}
}

static void test_time(void **state)
{
	char text[MX_TIME_TEXT];

	(void)state;
	assert_string_equal(mx_time_text(0, text), "1970-01-01T00:00:00Z");
	assert_string_equal(mx_time_text(1793491199, text), "2026-10-31T23:59:59Z");
	setenv("TZ", "America/New_York", 1);
	tzset();
	assert_string_equal(mx_time_text(1793491200, text), "2026-11-01T00:00:00Z"); /* UTC wherever the host is */
	unsetenv("TZ");
	tzset();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_what_was_expected),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_random_prefixes_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
