// SPDX-License-Identifier: GPL-2.0-or-later
/* Unknown destinations get from one thread to the other in order, once a day, and no more than there is room for. */
#include "tests/unit/build.h"

#include <pthread.h>
#include <sys/eventfd.h>

#include "daemon/reverse.h"

static struct mx_wonders *wonders;

static int up(void **state)
{
	(void)state;
	wonders = mx_wonders_new();
	mx_wonders_want(wonders, true);
	return 0;
}

static int down(void **state)
{
	(void)state;
	mx_wonders_free(wonders);
	return 0;
}

static bool add(const char *text, u32 now)
{
	enum mx_family family;
	struct mx_addr addr;

	assert_true(mx_addr_parse(text, &family, &addr));
	return mx_wonders_add(wonders, family, addr, now);
}

static void is_next(const char *expected)
{
	char text[MX_ADDR_TEXT];
	struct mx_wonder w;

	assert_true(mx_wonders_take(wonders, &w));
	assert_string_equal(mx_addr_text(w.family, w.addr, text), expected);
}

static void test_in_order(void **state)
{
	struct mx_wonder w;
	eventfd_t count;

	(void)state;
	assert_false(mx_wonders_take(wonders, &w));
	assert_int_equal(eventfd_read(mx_wonders_fd(wonders), &count), -1);
	assert_true(add("198.51.100.1", 5));
	assert_true(add("2001:db8::1", 5));
	assert_int_equal(eventfd_read(mx_wonders_fd(wonders), &count), 0);
	is_next("198.51.100.1");
	assert_true(add("198.51.100.2", 5));
	is_next("2001:db8::1");
	is_next("198.51.100.2");
	assert_false(mx_wonders_take(wonders, &w));
}

static void test_once_a_day(void **state)
{
	struct mx_wonder w;

	(void)state;
	assert_true(add("2001:db8::1", 5));
	assert_false(add("2001:db8::1", 5));
	assert_true(add("2001:db8::2", 5)); /* of the same network, with another name */
	assert_true(add("2001:db8:0:1::1", 5));
	is_next("2001:db8::1");
	assert_false(add("2001:db8::1", 5 + MX_WONDER_AGAIN - 1));
	assert_true(add("2001:db8::1", 5 + MX_WONDER_AGAIN));
	while (mx_wonders_take(wonders, &w))
		;
}

static void test_sooner_when_nobody_answered(void **state)
{
	struct mx_wonder w;

	(void)state;
	assert_true(add("198.51.100.1", 5));
	assert_true(mx_wonders_take(wonders, &w));
	mx_wonders_again(wonders, &w, 20);
	assert_false(add("198.51.100.1", 20 + MX_WONDER_AGAIN_SOON - 1));
	assert_true(add("198.51.100.1", 20 + MX_WONDER_AGAIN_SOON));
}

static void test_full(void **state)
{
	struct mx_wonder w;
	u32 i;

	(void)state;
	for (i = 0; i < MX_WONDERS; i++)
		assert_true(mx_wonders_add(wonders, MX_IPV4, (struct mx_addr){ 0, 0xc6336400 + i }, 5));
	assert_false(add("203.0.113.1", 5));
	is_next("198.51.100.0");
	assert_true(add("203.0.113.1", 5)); /* what was dropped was not taken for seen */
	for (i = 1; i < MX_WONDERS; i++)
		assert_true(mx_wonders_take(wonders, &w));
	is_next("203.0.113.1");
	assert_false(mx_wonders_take(wonders, &w));
}

static void test_nobodys_addresses(void **state)
{
	static const char *const not_asked[] = {
		"0.1.2.3",    "10.1.2.3",   "100.64.0.1",  "100.127.9.9", "127.0.0.1",       "169.254.1.1",
		"172.16.0.1", "172.31.9.9", "192.168.1.1", "224.0.0.1",   "255.255.255.255", "::1",
		"fc00::1",    "fdff::1",    "fe80::1",     "febf::1",     "ff02::1",
	};
	static const char *const asked[] = {
		"1.1.1.1",   "9.255.255.255", "11.0.0.1",   "100.63.0.1", "100.128.0.1", "126.0.0.1",
		"128.0.0.1", "169.253.1.1",   "172.15.0.1", "172.32.0.1", "192.167.1.1", "192.169.1.1",
		"223.1.1.1", "2001:db8::1",   "2a00::1",    "fbff::1",
	};
	struct mx_wonder w;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(not_asked) / sizeof(not_asked[0]); i++)
		if (add(not_asked[i], 5))
			fail_msg("%s", not_asked[i]);
	for (i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		if (!add(asked[i], 5))
			fail_msg("%s", asked[i]);
	while (mx_wonders_take(wonders, &w))
		;
	mx_wonders_want(wonders, false);
	assert_false(add("1.2.3.4", 5));
}

#define EACH 5000 /* that a thread has taken from it: several times what fits at once */

/* What is full or locked takes no address: a thread goes on to the next one until it has got rid of its share. */
static void *add_many(void *arg)
{
	struct mx_addr addr = { 0x20010db800000000ULL | (uintptr_t)arg, 0 };
	u32 taken = 0;

	for (; taken < EACH; addr.lo++)
		taken += mx_wonders_add(wonders, MX_IPV6, addr, 5);
	return NULL;
}

/* What two threads were told was taken comes out, each in its order and once. */
static void test_threads(void **state)
{
	u64 next[3] = { 0 }, got[3] = { 0 };
	pthread_t threads[2];
	struct mx_wonder w;

	(void)state;
	pthread_create(&threads[0], NULL, add_many, (void *)1);
	pthread_create(&threads[1], NULL, add_many, (void *)2);
	while (got[1] + got[2] < 2 * EACH) {
		u32 from;

		if (!mx_wonders_take(wonders, &w))
			continue;
		from = w.addr.hi & 3;
		assert_true(from == 1 || from == 2);
		assert_true(w.addr.lo >= next[from]);
		next[from] = w.addr.lo + 1;
		got[from]++;
	}
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	assert_false(mx_wonders_take(wonders, &w));
	assert_int_equal(got[1], EACH);
}

static void is_name(const char *address, const char *expected)
{
	char name[MX_DNS_NAME];
	enum mx_family family;
	struct mx_addr addr;

	assert_true(mx_addr_parse(address, &family, &addr));
	assert_string_equal(mx_reverse_name(family, addr, name), expected);
}

static void test_reverse_name(void **state)
{
	(void)state;
	is_name("198.51.100.7", "7.100.51.198.in-addr.arpa");
	is_name("255.254.253.252", "252.253.254.255.in-addr.arpa");
	is_name("2001:db8:12ab::f0", "0.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.b.a.2.1.8.b.d.0.1.0.0.2.ip6.arpa");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_in_order, up, down),
		cmocka_unit_test_setup_teardown(test_once_a_day, up, down),
		cmocka_unit_test_setup_teardown(test_sooner_when_nobody_answered, up, down),
		cmocka_unit_test_setup_teardown(test_full, up, down),
		cmocka_unit_test_setup_teardown(test_nobodys_addresses, up, down),
		cmocka_unit_test_setup_teardown(test_threads, up, down),
		cmocka_unit_test(test_reverse_name),
	};

	return cmocka_run_group_tests_name("wonders", tests, NULL, NULL);
}
