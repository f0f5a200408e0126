// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/build.h"

#include <math.h>

#include "core/balance.h"

#define HEAD                                                                                                           \
	"sources: { mx1: { address = \"192.0.2.1\"; }; mx2: { address = \"192.0.2.2\"; };"                             \
	" mx3: { address = \"192.0.2.3\"; }; };"                                                                       \
	"providers: { google: { prefixes = [ \"198.51.100.0/24\" ]; }; };"                                             \
	"routes = ( { pool = \"main\"; } );"
#define POOL(a, b, c) HEAD "pools: { main: { members: { mx1 = " #a "; mx2 = " #b "; mx3 = " #c "; }; }; };"

/* one pool of eight sources; the test sets the weights */
#define EIGHT                                                                                                          \
	"sources: { a: { address = \"192.0.2.1\"; }; b: { address = \"192.0.2.2\"; }; c: { address = \"192.0.2.3\"; "  \
	"};"                                                                                                           \
	" d: { address = \"192.0.2.4\"; }; e: { address = \"192.0.2.5\"; }; f: { address = \"192.0.2.6\"; };"          \
	" g: { address = \"192.0.2.7\"; }; h: { address = \"192.0.2.8\"; }; };"                                        \
	"providers: { google: { prefixes = [ \"198.51.100.0/24\" ]; }; }; routes = ( { pool = \"main\"; } );"          \
	"pools: { main: { members: { a = 1; b = 1; c = 1; d = 1; e = 1; f = 1; g = 1; h = 1; }; }; };"

static void test_every_moment_within_one(void **state)
{
	static const double weight[] = { 5, 3, 1 };
	struct mx_flow flow = flow_to("198.51.100.7");
	u32 n[3] = { 0 }, i, j, run = 0, last = 9;
	struct build b;

	(void)state;
	build_up(&b, POOL(5, 3, 1));
	for (i = 1; i <= 90000; i++) {
		struct mx_verdict v = serve(&b, &flow);

		assert_int_equal(v.reason, MX_REASON_WEIGHTED);
		n[v.source]++;
		run = v.source == last ? run + 1 : 1;
		last = v.source;
		assert_in_range(run, 1, 2); /* never a burst */
		for (j = 0; j < 3; j++)
			assert_true(fabs(n[j] - i * weight[j] / 9) < 1);
	}
	build_down(&b);
}

/* Any weights, any number of sources: a whole connection is never missing, and never too many. */
static void test_every_pool_within_one(void **state)
{
	static const u32 hard[] = { 1, 4, 56, 56 };
	struct mx_flow flow = flow_to("198.51.100.7");
	u64 seed = 20;
	u32 pools, i, j;

	(void)state;
	print_message("# seed %llu\n", (unsigned long long)seed);
	for (pools = 0; pools < 300; pools++) {
		u32 members = pools ? 1 + (u32)(random_next(&seed) % 8) : 4;
		u64 n[8] = { 0 }, weight[8] = { 0 }, total = 0;
		struct build b;

		build_up(&b, EIGHT);
		for (j = 0; j < members; j++) {
			weight[j] = pools ? 1 + random_next(&seed) % (random_next(&seed) % 2 ? 1000 : 9) : hard[j];
			total += weight[j];
		}
		for (j = 0; j < 8; j++)
			mx_state_slot(&b.state, mx_snapshot_pools(b.snapshot), 0, j)->weight = (u32)weight[j] * 1000;
		for (i = 1; i <= 2000; i++) {
			n[serve(&b, &flow).source]++;
			for (j = 0; j < members; j++)
				assert_true(llabs((s64)(n[j] * total) - (s64)(i * weight[j])) < (s64)total);
		}
		build_down(&b);
	}
}

/* A weight that shrinks a thousand times leaves no debt of a thousand connections behind. */
static void test_no_burst_after_a_change(void **state)
{
	struct mx_flow flow = flow_to("198.51.100.7");
	u32 i, run = 0, last = 9, j;
	struct build b;
	s64 before[2];

	(void)state;
	build_up(&b, POOL(1000, 1000, 0));
	serve(&b, &flow);
	for (j = 0; j < 2; j++)
		mx_state_slot(&b.state, mx_snapshot_pools(b.snapshot), 0, j)->weight = 1000;
	mx_state_bound_credit(&b.state, b.snapshot, 0, 0);
	for (i = 0; i < 21; i++) {
		u32 source = serve(&b, &flow).source;

		run = source == last ? run + 1 : 1;
		last = source;
		assert_in_range(run, 1, 3);
	}
	for (j = 0; j < 2; j++)
		before[j] = mx_state_slot(&b.state, mx_snapshot_pools(b.snapshot), 0, j)->credit;
	assert_int_equal(llabs(before[0]), 1000);
	mx_state_bound_credit(&b.state, b.snapshot, 0, 0); /* what is in order stays */
	for (j = 0; j < 2; j++)
		assert_true(mx_state_slot(&b.state, mx_snapshot_pools(b.snapshot), 0, j)->credit == before[j]);
	build_down(&b);
}

/* The book's way, with names and numbers of its own: who is owed, and by when a whole connection. */
static u32 naive(double *owed, const double *weight, const int *there, u32 count)
{
	double total = 0, best_by = 0;
	u32 best = count, i;
	int best_due = 0;

	for (i = 0; i < count; i++)
		total += there[i] ? weight[i] : 0;
	for (i = 0; i < count; i++) {
		double by = (total - owed[i]) / weight[i];
		int due = owed[i] + weight[i] > 0;

		if (!there[i] || due < best_due)
			continue;
		if (best == count || due > best_due || by < best_by) {
			best = i;
			best_by = by;
			best_due = due;
		}
	}
	for (i = 0; i < count; i++)
		owed[i] += there[i] ? weight[i] : 0;
	if (best < count)
		owed[best] -= total;
	return best;
}

static void test_against_oracle(void **state)
{
	struct mx_flow flow = flow_to("198.51.100.7");
	double credit[3] = { 0 }, weight[3] = { 5, 3, 1 };
	int there[3] = { 1, 1, 1 };
	u64 seed = 4711;
	struct build b;
	u32 i, j;

	(void)state;
	print_message("# seed %llu\n", (unsigned long long)seed);
	build_up(&b, POOL(5, 3, 1));
	for (i = 0; i < 200000; i++) {
		u32 expected;

		if (random_next(&seed) % 50 == 0) { /* now and then a weight changes or a source rests */
			j = (u32)(random_next(&seed) % 3);
			weight[j] = (double)(random_next(&seed) % 1001);
			mx_state_slot(&b.state, mx_snapshot_pools(b.snapshot), 0, j)->weight = (u32)weight[j] * 1000;
			there[j] = weight[j] > 0;
		}
		expected = naive(credit, weight, there, 3);
		assert_int_equal(serve(&b, &flow).source, expected == 3 ? MX_NONE : expected);
	}
	build_down(&b);
}

static void test_who_is_left_out(void **state)
{
	struct mx_flow flow = flow_to("198.51.100.7");
	u32 n[3] = { 0 }, i;
	struct build b;
	u16 google;

	(void)state;
	build_up(&b, POOL(5, 0, 3));
	google = mx_config_provider(b.config, "google");
	for (i = 0; i < 8000; i++)
		n[serve(&b, &flow).source]++;
	assert_true(n[0] == 5000 && n[1] == 0 && n[2] == 3000); /* no weight, no mail */
	mx_state_lane(&b.state, google, 0)->flags = MX_LANE_PAUSED;
	for (i = 0; i < 1000; i++)
		assert_int_equal(serve(&b, &flow).source, 2);
	mx_state_lane(&b.state, google, 0)->flags = 0;
	memset(n, 0, sizeof(n));
	for (i = 0; i < 80; i++) /* back with its share: the time away is not made up for */
		n[serve(&b, &flow).source]++;
	assert_in_range(n[0], 49, 51);
	mx_state_lane(&b.state, google, 0)->flags = MX_LANE_PAUSED;
	mx_state_slot(&b.state, mx_snapshot_pools(b.snapshot), google, 2)->weight = 0;
	assert_int_equal(decide(&b, &flow).action, MX_REFUSE);
	assert_int_equal(decide(&b, &flow).reason, MX_REASON_PAUSED);
	build_down(&b);
}

/* Asking changes nothing: explain is free. */
static void test_asking_is_free(void **state)
{
	struct mx_flow flow = flow_to("198.51.100.7");
	struct build b;
	u32 i, j;

	(void)state;
	build_up(&b, POOL(5, 3, 1));
	for (i = 0; i < 100; i++) {
		u16 source = decide(&b, &flow).source;

		for (j = 0; j < 3; j++)
			assert_int_equal(decide(&b, &flow).source, source);
		assert_int_equal(serve(&b, &flow).source, source);
	}
	build_down(&b);
}

static void test_log(void **state)
{
	u64 seed = 99, n;
	u32 i;

	(void)state;
	print_message("# seed %llu\n", (unsigned long long)seed);
	for (i = 0; i < 100000; i++) {
		n = random_next(&seed) >> (i % 60) | 1;
		assert_true(fabs(ldexp((double)mx_balance_neg_log2(n), -32) - (64 - log2((double)n))) < 2e-5);
	}
	assert_true(mx_balance_neg_log2(1) == 64ULL << 32);
	assert_true(mx_balance_neg_log2(1ULL << 63) == 1ULL << 32);
	assert_in_range(mx_balance_neg_log2(~0ULL), 0, 1 << 16);
	for (n = 1; n < 1ULL << 62; n += 1 + n / 200) /* never rises */
		assert_true(mx_balance_neg_log2(n) >= mx_balance_neg_log2(n + 1));
}

static u16 sticky(struct build *b, u32 i)
{
	struct mx_flow flow = flow_to("203.0.113.1");

	flow.to.lo = (u64)i << 8;
	return decide(b, &flow).source;
}

static void test_sticky(void **state)
{
	const u32 networks = 100000;
	u16 *before = malloc(networks * sizeof(*before));
	u32 n[3] = { 0 }, i, moved = 0;
	struct mx_flow flow = flow_to("203.0.113.1"), near = flow_to("203.0.113.250");
	struct mx_pool const *pool;
	struct build b;
	u16 usual;

	(void)state;
	build_up(&b, POOL(5, 3, 1));
	pool = mx_snapshot_pools(b.snapshot);
	usual = mx_config_provider(b.config, "default");
	assert_int_equal(decide(&b, &flow).reason, MX_REASON_STICKY);
	assert_int_equal(decide(&b, &flow).source, decide(&b, &near).source); /* the same /24 */
	for (i = 1; i < networks; i++)
		n[before[i] = sticky(&b, i)]++;
	assert_true(fabs(n[0] / 1e5 - 5 / 9.) < 0.01 && fabs(n[1] / 1e5 - 3 / 9.) < 0.01);

	/* A source rests: only its own destinations move. */
	mx_state_lane(&b.state, usual, 1)->flags = MX_LANE_PAUSED;
	for (i = 1; i < networks; i++)
		if (before[i] != 1)
			assert_int_equal(sticky(&b, i), before[i]);
	mx_state_lane(&b.state, usual, 1)->flags = 0;

	/* A weight grows: destinations move to that source only, and the right share of them. */
	mx_state_slot(&b.state, pool, usual, 2)->weight = 4000;
	for (i = 1; i < networks; i++)
		if (sticky(&b, i) != before[i]) {
			assert_int_equal(sticky(&b, i), 2);
			moved++;
		}
	assert_true(fabs(moved / 1e5 - (4 / 12. - 1 / 9.)) < 0.01);
	free(before);
	build_down(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_moment_within_one),
					    cmocka_unit_test(test_every_pool_within_one),
					    cmocka_unit_test(test_no_burst_after_a_change),
					    cmocka_unit_test(test_against_oracle),
					    cmocka_unit_test(test_who_is_left_out),
					    cmocka_unit_test(test_asking_is_free),
					    cmocka_unit_test(test_log),
					    cmocka_unit_test(test_sticky) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
