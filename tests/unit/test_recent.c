// SPDX-License-Identifier: GPL-2.0-or-later
/* A repeated SYN has the answer of the first; nothing else has; the room is bounded. */
#include "tests/unit/build.h"

#include "daemon/recent.h"

static struct mx_recent *recent;

static int up(void **state)
{
	(void)state;
	recent = mx_recent_new();
	return 0;
}

static int down(void **state)
{
	(void)state;
	mx_recent_free(recent);
	return 0;
}

static struct mx_flow some_flow(void)
{
	struct mx_flow flow = flow_to("198.51.100.1");

	flow.from = (struct mx_addr){ 0, 0x0a000001 };
	flow.from_port = 40000;
	return flow;
}

static bool found(const struct mx_flow *flow, u32 sequence, u32 now)
{
	u32 mark;

	return mx_recent_find(recent, flow, sequence, now, &mark);
}

static void test_only_the_same(void **state)
{
	struct mx_flow flow = some_flow(), other;
	u32 mark = 0;

	(void)state;
	assert_false(found(&flow, 7, 1000));
	mx_recent_add(recent, &flow, 7, 1000, 0x20000);
	assert_true(mx_recent_find(recent, &flow, 7, 1003, &mark));
	assert_int_equal(mark, 0x20000);
	assert_false(found(&flow, 8, 1003));
	other = flow;
	other.from.lo++;
	assert_false(found(&other, 7, 1003));
	other = flow;
	other.to.lo++;
	assert_false(found(&other, 7, 1003));
	other = flow;
	other.from_port++;
	assert_false(found(&other, 7, 1003));
	other = flow;
	other.to_port++;
	assert_false(found(&other, 7, 1003));
	other = flow;
	other.family = MX_IPV6;
	assert_false(found(&other, 7, 1003));
	other = flow;
	other.to = flow.from; /* the way back is another connection */
	other.from = flow.to;
	assert_false(found(&other, 7, 1003));
}

static void test_ipv6_by_all_its_bits(void **state)
{
	struct mx_flow flow = flow_to("2001:db8::1"), other;

	(void)state;
	flow.from = (struct mx_addr){ 0x20010db800000001ULL, 5 };
	mx_recent_add(recent, &flow, 7, 1000, 0x10000);
	assert_true(found(&flow, 7, 1000));
	other = flow;
	other.from.hi++;
	assert_false(found(&other, 7, 1000));
	other = flow;
	other.to.hi++;
	assert_false(found(&other, 7, 1000));
}

/* Longer than a SYN is repeated, shorter than a port and sequence number come again. */
static void test_forgotten_in_time(void **state)
{
	struct mx_flow flow = some_flow();

	(void)state;
	mx_recent_add(recent, &flow, 7, 1000, 0x20000);
	assert_true(found(&flow, 7, 1127));
	assert_false(found(&flow, 7, 1300));
	mx_recent_add(recent, &flow, 7, 1300, 0x30000);
	assert_true(found(&flow, 7, 1300));
}

static u32 count_found(u32 first, u32 count, u32 now)
{
	struct mx_flow flow = some_flow();
	u32 i, n = 0, mark;

	for (i = first; i < first + count; i++)
		if (mx_recent_find(recent, &flow, i, now, &mark)) {
			assert_int_equal(mark, i);
			n++;
		}
	return n;
}

static void add_many(u32 first, u32 count, u32 now)
{
	struct mx_flow flow = some_flow();
	u32 i;

	for (i = first; i < first + count; i++)
		mx_recent_add(recent, &flow, i, now, i);
}

static void test_many_at_once(void **state)
{
	(void)state;
	add_many(0, 20000, 1000); /* a third of the room; 99.2 % are to be expected */
	assert_in_range(count_found(0, 20000, 1001), 19600, 20000);
}

static void test_the_oldest_goes(void **state)
{
	(void)state;
	add_many(0, 200000, 1000); /* more than there is room for */
	assert_in_range(count_found(0, 200000, 1000), 60000, 65536);
	add_many(500000, 800, 1000); /* also within one second */
	assert_in_range(count_found(500000, 800, 1000), 798, 800);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_only_the_same), TEST(test_ipv6_by_all_its_bits),
					    TEST(test_forgotten_in_time), TEST(test_many_at_once),
					    TEST(test_the_oldest_goes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
