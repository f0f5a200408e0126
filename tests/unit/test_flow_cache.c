// SPDX-License-Identifier: GPL-2.0-or-later
/* What was kept of a connection is found, of no other, and no longer than it lasts; the room is bounded. */
#include "tests/unit/build.h"

#include "daemon/flow_cache.h"

#define LIFETIME 130

static struct mx_flow_cache *cache;

static int up(void **state)
{
	(void)state;
	cache = mx_flow_cache_new(16384, LIFETIME);
	return 0;
}

static int down(void **state)
{
	(void)state;
	free(cache);
	return 0;
}

static struct mx_flow some_flow(void)
{
	struct mx_flow flow = flow_to("198.51.100.1");

	flow.from = (struct mx_addr){ 0, 0x0a000001 };
	flow.from_port = 40000;
	return flow;
}

static const struct mx_flow_entry *find(const struct mx_flow *flow, u32 more, u32 now)
{
	struct mx_flow_place place = mx_flow_cache_place(cache, flow, more);

	return mx_flow_cache_find(cache, &place, now);
}

static bool found(const struct mx_flow *flow, u32 more, u32 now)
{
	return find(flow, more, now) != NULL;
}

static void add(const struct mx_flow *flow, u32 more, u32 now, u32 value)
{
	struct mx_flow_place place = mx_flow_cache_place(cache, flow, more);

	mx_flow_cache_add(&place, now, value);
}

static void test_only_the_same(void **state)
{
	struct mx_flow flow = some_flow(), other;

	(void)state;
	assert_false(found(&flow, 7, 1000));
	add(&flow, 7, 1000, 0x20000);
	assert_int_equal(find(&flow, 7, 1003)->value, 0x20000);
	assert_int_equal(find(&flow, 7, 1003)->time, 1000);
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
	add(&flow, 7, 1000, 0x10000);
	assert_true(found(&flow, 7, 1000));
	other = flow;
	other.from.hi++;
	assert_false(found(&other, 7, 1000));
	other = flow;
	other.to.hi++;
	assert_false(found(&other, 7, 1000));
}

static void test_forgotten_in_time(void **state)
{
	struct mx_flow flow = some_flow();

	(void)state;
	add(&flow, 7, 1000, 0x20000);
	assert_true(found(&flow, 7, 1000 + LIFETIME - 1));
	assert_false(found(&flow, 7, 1000 + LIFETIME));
	add(&flow, 7, 1300, 0x30000);
	assert_true(found(&flow, 7, 1300));
}

static u32 count_found(u32 first, u32 count, u32 now)
{
	struct mx_flow flow = some_flow();
	u32 i, n = 0;

	for (i = first; i < first + count; i++) {
		const struct mx_flow_entry *entry = find(&flow, i, now);

		if (entry)
			assert_int_equal(entry->value, i);
		n += entry != NULL;
	}
	return n;
}

static void add_many(u32 first, u32 count, u32 now)
{
	struct mx_flow flow = some_flow();
	u32 i;

	for (i = first; i < first + count; i++)
		add(&flow, i, now, i);
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

/* What is taken out is gone, and what stands beside it in the bucket is not. */
static void test_taken_out(void **state)
{
	struct mx_flow flow = some_flow();
	u32 i;

	(void)state;
	add_many(0, 20000, 1000);
	for (i = 0; i < 20000; i += 2) {
		struct mx_flow_place place = mx_flow_cache_place(cache, &flow, i);
		struct mx_flow_entry *entry = mx_flow_cache_find(cache, &place, 1000);

		if (entry)
			mx_flow_cache_take(&place, entry);
	}
	for (i = 0; i < 20000; i += 2)
		assert_false(found(&flow, i, 1000));
	for (i = 1; i < 20000; i += 2)
		if (found(&flow, i, 1000))
			assert_int_equal(find(&flow, i, 1000)->value, i);
	assert_in_range(count_found(0, 20000, 1000), 9800, 10000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_only_the_same),     TEST(test_ipv6_by_all_its_bits),
					    TEST(test_forgotten_in_time), TEST(test_many_at_once),
					    TEST(test_the_oldest_goes),   TEST(test_taken_out) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
