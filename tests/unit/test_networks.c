// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of destination networks: bounded, and never at the cost of one that is needed. */
#include "tests/unit/build.h"

#include "core/balance.h"

static struct mx_networks *networks;

static int up(void **state)
{
	(void)state;
	networks = calloc(1, sizeof(*networks));
	return 0;
}

static int down(void **state)
{
	(void)state;
	free(networks);
	return 0;
}

static u64 network_of(const char *text)
{
	struct mx_flow flow = flow_to(text);

	return mx_network_of(flow.to, flow.family);
}

static void test_names(void **state)
{
	static const char *const each[] = { "0.0.0.0",   "192.0.2.0", "255.255.255.0", "::",
					    "0:0:0:1::", "0:1::",     "0:0:8000::",    "2001:db8:1:2::",
					    "0:2::",     "fd00::",    "fe80::" };
	const u32 count = sizeof(each) / sizeof(each[0]);
	u32 i, j;

	(void)state;
	for (i = 0; i < count; i++) {
		struct mx_flow flow = flow_to(each[i]);
		u64 network = network_of(each[i]);
		enum mx_family family;
		struct mx_addr first = mx_network_first(network, &family);

		assert_true(network != 0);
		assert_true((network < 1ULL << 33) == (flow.family == MX_IPV4));
		assert_int_equal(family, flow.family);
		assert_int_equal(mx_addr_cmp(first, flow.to), 0);
		for (j = 0; j < i; j++)
			assert_true(network_of(each[j]) != network);
	}
	assert_true(network_of("192.0.2.1") == network_of("192.0.2.255"));
	assert_true(network_of("2001:db8::1") == network_of("2001:db8::ffff:0:0:1"));
}

static void test_found_again(void **state)
{
	struct mx_network_lane gone, *lane, *other;

	(void)state;
	assert_null(mx_networks_find(networks, 5, 6));
	lane = mx_networks_add(networks, 5, 6, 1000, &gone);
	assert_int_equal(gone.network, 0);
	lane->failed = 7;
	other = mx_networks_add(networks, 6, 5, 1000, &gone);
	assert_ptr_not_equal(lane, other);
	assert_ptr_equal(mx_networks_find(networks, 5, 6), lane);
	assert_ptr_equal(mx_networks_add(networks, 5, 6, 1001, &gone), lane);
	assert_int_equal(gone.network, 0);
	assert_int_equal(lane->failed, 7);
	assert_int_equal(lane->used, 1001);
}

static bool is_needed(const struct mx_network_lane *lane, u32 now)
{
	return lane->flags || lane->needed > now;
}

/* Who is not needed and was used least lately; NULL: a place is free. */
static const struct mx_network_lane *oldest_of(const struct mx_network_lane *bucket, u32 now, bool *any)
{
	const struct mx_network_lane *oldest = NULL;
	u32 i;

	*any = false;
	for (i = 0; i < MX_NETWORK_WAYS; i++) {
		if (!bucket[i].network) {
			*any = true;
			return NULL;
		}
		if (!is_needed(&bucket[i], now) && (!oldest || bucket[i].used < oldest->used))
			oldest = &bucket[i];
	}
	*any = oldest != NULL;
	return oldest;
}

static const struct mx_network_lane *bucket_of(u64 network, u64 source)
{
	return networks->lane[mx_mix64(network ^ source) % MX_NETWORK_BUCKETS];
}

static void make_needed(struct mx_network_lane *lane, u64 *seed, u32 now)
{
	lane->flags = random_next(seed) % 16 ? 0 : MX_LANE_BACKING_OFF;
	lane->needed = random_next(seed) % 3 ? 0 : now + (u32)(random_next(seed) % 20000);
}

/* As many as come: what has to go is the oldest that is not needed, and what is needed stays. */
static void test_who_goes(void **state)
{
	u64 seed = 9, refused = 0, gone_count = 0;
	u32 i, now = 1000;

	(void)state;
	print_message("# seed %llu\n", (unsigned long long)seed);
	for (i = 0; i < 300000; i++, now += random_next(&seed) % 2) {
		u64 network = 1 + random_next(&seed) % 20000, source = random_next(&seed) % 2 + 7;
		bool known = mx_networks_find(networks, network, source), any;
		const struct mx_network_lane *oldest = oldest_of(bucket_of(network, source), now, &any);
		struct mx_network_lane expected = { 0 }, gone, *lane;

		if (oldest && !known)
			expected = *oldest;
		assert_int_equal(mx_networks_has_place(networks, network, source, now), any);
		lane = mx_networks_add(networks, network, source, now, &gone);
		assert_memory_equal(&gone, &expected, sizeof(gone));
		assert_int_equal(lane != NULL, known || any);
		refused += !lane;
		gone_count += gone.network != 0;
		if (!lane)
			continue;
		assert_true(lane->network == network && lane->source == source && lane->used == now);
		assert_ptr_equal(mx_networks_find(networks, network, source), lane);
		if (!known)
			make_needed(lane, &seed, now);
	}
	assert_true(refused > 1000 && gone_count > 1000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_names), TEST(test_found_again), TEST(test_who_goes) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
