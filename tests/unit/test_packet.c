// SPDX-License-Identifier: GPL-2.0-or-later
/* What is read out of the first bytes of a packet. Each packet is given in a block of its exact size (for ASan). */
#include "tests/unit/build.h"

#include "daemon/packet.h"

#define PORTS "\x9c\x40\x00\x19\x12\x34\x56\x78" /* 40000 to 25, sequence number 0x12345678 */
#define IP4(ihl, fragment, protocol)                                                                                   \
	ihl "\x00\x00\x3c\x00\x00" fragment "\x40" protocol "\x00\x00\x0a\x00\x00\x01\xc6\x33\x64\x07"
#define FROM6 "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
#define TO6 "\x20\x01\x0d\xb8\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02"
#define IP6(next) "\x60\x00\x00\x00\x00\x28" next "\x40" FROM6 TO6

static bool parse(const void *bytes, size_t length, struct mx_flow *flow, u32 *sequence)
{
	void *exact = malloc(length ? length : 1);
	bool good;

	memcpy(exact, bytes, length);
	good = mx_packet_parse(exact, length, flow, sequence);
	free(exact);
	return good;
}

static void expect4(const char *bytes, size_t length)
{
	struct mx_flow flow = { .mark = 3, .user = 4, .group = 5 };
	u32 sequence = 0;

	assert_true(parse(bytes, length, &flow, &sequence));
	assert_int_equal(flow.family, MX_IPV4);
	assert_true(flow.from.hi == 0 && flow.from.lo == 0x0a000001);
	assert_true(flow.to.hi == 0 && flow.to.lo == 0xc6336407);
	assert_int_equal(flow.from_port, 40000);
	assert_int_equal(flow.to_port, 25);
	assert_int_equal(sequence, 0x12345678);
	assert_true(flow.mark == 3 && flow.user == 4 && flow.group == 5);
}

static void expect6(const char *bytes, size_t length)
{
	struct mx_flow flow = { 0 };
	u32 sequence = 0;

	assert_true(parse(bytes, length, &flow, &sequence));
	assert_int_equal(flow.family, MX_IPV6);
	assert_true(flow.from.hi == 0x20010db800000000ULL && flow.from.lo == 1);
	assert_true(flow.to.hi == 0x20010db801000000ULL && flow.to.lo == 2);
	assert_int_equal(flow.from_port, 40000);
	assert_int_equal(flow.to_port, 25);
	assert_int_equal(sequence, 0x12345678);
}

/* None of the shorter beginnings of a packet is one. */
static void refuse_shorter(const char *bytes, size_t length)
{
	struct mx_flow flow;
	u32 sequence;

	while (length--)
		assert_false(parse(bytes, length, &flow, &sequence));
}

static void refuse(const char *bytes, size_t length)
{
	struct mx_flow flow;
	u32 sequence;

	assert_false(parse(bytes, length, &flow, &sequence));
	refuse_shorter(bytes, length);
}

#define GOOD4(bytes) (expect4(bytes, sizeof(bytes) - 1), refuse_shorter(bytes, sizeof(bytes) - 1))
#define GOOD6(bytes) (expect6(bytes, sizeof(bytes) - 1), refuse_shorter(bytes, sizeof(bytes) - 1))
#define BAD(bytes) refuse(bytes, sizeof(bytes) - 1)

static void test_ipv4(void **state)
{
	static const char options[] = IP4("\x46", "\x40\x00", "\x06") "\x94\x04\x00\x00" PORTS;
	static const char longest[] = IP4("\x4f", "\x40\x00", "\x06") "\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"
								      "\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"
								      "\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"
								      "\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01" PORTS;

	(void)state;
	GOOD4(IP4("\x45", "\x40\x00", "\x06") PORTS);
	GOOD4(IP4("\x45", "\x20\x00", "\x06") PORTS); /* the first of several fragments */
	GOOD4(options);
	GOOD4(longest);
	BAD(IP4("\x45", "\x00\x01", "\x06") PORTS); /* a later fragment has no ports */
	BAD(IP4("\x45", "\x40\x00", "\x11") PORTS); /* UDP */
	BAD(IP4("\x44", "\x40\x00", "\x06") PORTS); /* a header shorter than a header */
	BAD(IP4("\x40", "\x40\x00", "\x06") PORTS);
	BAD(IP4("\x55", "\x40\x00", "\x06") PORTS); /* IP version 5 */
	BAD(IP4("\x05", "\x40\x00", "\x06") PORTS);
}

static void test_ipv6(void **state)
{
	static const char one[] = IP6("\x00") "\x06\x00\x01\x04\x00\x00\x00\x00" PORTS;
	static const char all[] = IP6("\x00") "\x2b\x00\x01\x04\x00\x00\x00\x00"
					      "\x3c\x00\x00\x00\x00\x00\x00\x00"
					      "\x06\x01\x01\x0c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" PORTS;
	static const char beyond[] = IP6("\x00") "\x06\xff\x01\x04\x00\x00\x00\x00" PORTS;
	static const char endless[] = IP6("\x00") "\x00\x00\x01\x04\x00\x00\x00\x00"
						  "\x00\x00\x01\x04\x00\x00\x00\x00" PORTS;

	(void)state;
	GOOD6(IP6("\x06") PORTS);
	GOOD6(one);
	GOOD6(all);
	BAD(beyond);  /* the header says it is longer than the packet */
	BAD(endless); /* nothing but headers */
	BAD(IP6("\x11") PORTS);
	BAD(IP6("\x3b") PORTS); /* no next header */
}

/* Random bytes behind a plausible beginning: the answer may be anything, the reads stay inside (ASan watches). */
static void test_random(void **state)
{
	static const u8 next[] = { 0, 6, 43, 60, 6, 44, 17, 255 };
	u64 seed = 20261122;
	u8 bytes[128];
	u32 i, j, good = 0;

	(void)state;
	print_message("# seed %llu\n", (unsigned long long)seed);
	for (i = 0; i < 200000; i++) {
		size_t length = random_next(&seed) % (sizeof(bytes) + 1);
		struct mx_flow flow;
		u32 sequence;

		for (j = 0; j < sizeof(bytes); j += 8) {
			u64 r = random_next(&seed);

			memcpy(bytes + j, &r, 8);
		}
		bytes[0] = (u8)((i % 2 ? 0x60 : 0x40) | (bytes[0] & 15));
		bytes[i % 2 ? 6 : 9] = next[random_next(&seed) % 8];
		for (j = 40; i % 2 && j + 8 <= sizeof(bytes); j += 8) { /* likely chains of headers */
			bytes[j] = next[bytes[j] % 8];
			bytes[j + 1] %= 4;
		}
		good += parse(bytes, length, &flow, &sequence);
	}
	assert_in_range(good, 5000, 195000); /* both sides were tried */
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_ipv4), cmocka_unit_test(test_ipv6),
					    cmocka_unit_test(test_random) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
