// SPDX-License-Identifier: GPL-2.0-or-later
/* An even pace: nobody gets ahead of it by more than the bucket's depth, and who waits loses next to nothing. */
#include "tests/unit/drive.h"

#include "core/pace.h"

#define HOUR 3600000ULL
#define DAY (24 * HOUR)

#if defined(__SANITIZE_ADDRESS__)
#define RUNS 60
#else
#define RUNS 600
#endif
#define CHARGES 1000

/* No interval between two charges, both included, holds more than its even part and the depth. */
static void assert_even(const u64 *time, const u32 *n, u32 count, u64 interval, u64 depth)
{
	u32 first, last;

	for (first = 0; first < count; first += 7) {
		u64 sum = 0;

		for (last = first; last < count; last++) {
			sum += n[last];
			if (sum * interval > time[last] - time[first] + depth)
				fail_msg("%llu units in %llu us, one takes %llu", (unsigned long long)sum,
					 (unsigned long long)(time[last] - time[first]), (unsigned long long)interval);
		}
	}
}

static void test_never_ahead(void **state)
{
	static u64 time[CHARGES];
	static u32 charged[CHARGES];
	u64 seed = 41;
	u32 run, i;

	(void)state;
	print_message("# seed %llu\n", (unsigned long long)seed);
	for (run = 0; run < RUNS; run++) {
		enum mx_period period = run % MX_PERIODS;
		u32 most = 1 + (u32)(random_next(&seed) % (run % 2 ? 20 : 100000)), n = 1 + run % 9, count = 0;
		u64 interval = mx_pace_interval(most, mx_period_length(period)), now = 1000000 * DRIVE_START;
		u64 depth = interval * n > MX_PACE_DEPTH ? interval * n : MX_PACE_DEPTH;
		u64 full_at = mx_pace_begin(interval, n, now);

		for (i = 0; i < CHARGES; i++) {
			u32 wanted = 1 + (u32)(random_next(&seed) % n);
			u64 ready = mx_pace_ready(full_at, interval, n, wanted);

			switch (random_next(&seed) % 4) {
			case 0:
				now = ready > now ? ready : now;
				break;
			case 1:
				now = ready > now + 1 ? ready - 1 : now;
				break;
			case 2:
				now += random_next(&seed) % (3 * interval);
				break;
			}
			assert_true((mx_pace_left(full_at, interval, n, now) >= wanted) == (now >= ready));
			if (now < ready)
				continue;
			full_at = mx_pace_take(full_at, interval, wanted, now);
			time[count] = now;
			charged[count++] = wanted;
		}
		assert_true(count > CHARGES / 10);
		assert_even(time, charged, count, interval, depth);
	}
}

static void test_depth(void **state)
{
	u64 now = 1000000000000, second = 1000000;

	(void)state;
	/* 864 a day: one in 100 s and 1/24 more; a bucket of 15 minutes holds 8 */
	assert_int_equal(mx_pace_interval(864, DAY), 100 * second * 25 / 24 + 1);
	assert_int_equal(mx_pace_left(0, 100 * second, 1, now), 9);
	assert_int_equal(mx_pace_left(now, 100 * second, 1, now), 9);
	assert_int_equal(mx_pace_left(now + 850 * second, 100 * second, 1, now), 0);
	assert_int_equal(mx_pace_left(now + 800 * second, 100 * second, 1, now), 1);
	assert_int_equal(mx_pace_left(0, 3600 * second, 1, now), 1); /* a connection always fits */
	assert_int_equal(mx_pace_left(0, 3600 * second, 5, now), 5);
	assert_true(mx_pace_ready(now, 3600 * second, 2, 3) == MX_NEVER);
	assert_int_equal(mx_pace_left(mx_pace_begin(100 * second, 3, now), 100 * second, 3, now), 3);
	assert_int_equal(mx_pace_left(0, 1, 1, now), 900 * second);
}

/* --- in the ledger ----------------------------------------------------------------------------------------------- */

#define POLICY(limits)                                                                                                 \
	"sources: { s0: { address = \"192.0.2.1\"; }; };"                                                              \
	"pools: { main: { members: { s0 = 1; }; }; }; routes = ( { pool = \"main\"; } );"                              \
	"providers: { p0: { prefixes = [ \"198.51.100.0/24\" ]; pace = \"even\"; " limits " }; };"

static struct drive d;

/*
 * Somebody always waits, and is asked about when the ledger says: how many are served in `length`. Nobody waits for
 * longer than `gap` ms, which he would if the pace ran into the limit.
 */
static u32 wait_for(u64 length, u64 gap)
{
	struct mx_flow flow = flow_to("198.51.100.7");
	u64 end = d.now + length, last = d.now, next;
	u32 n = 0;

	while (d.now < end) {
		struct mx_verdict v = drive_serve(&d, &flow);

		if (v.action == MX_ASSIGN) {
			assert_in_range(d.now - last, 0, gap);
			last = d.now;
			n++;
			continue;
		}
		assert_true(v.reason == MX_REASON_PACE || v.reason == MX_REASON_WARMUP ||
			    v.reason <= MX_REASON_LIMIT_WEEK);
		next = mx_ledger_next(d.ledger);
		assert_true(next > d.now && next != MX_NEVER);
		d.now = next;
	}
	return n;
}

/* What connections of `each` messages or connections take at the pace of a limit. */
static u64 gap_of(u32 most, u64 period, u32 each)
{
	return mx_pace_interval(most, period) * each / 1000 + 2;
}

/* He who waits is served at 96 % of the rate, and never meets the limit itself. */
static void assert_rate(const char *text, u32 each, u64 period, u32 most)
{
	u32 n;

	drive_up(&d, text, DRIVE_START);
	n = wait_for(10 * period, gap_of(most, period, each)) * each;
	assert_in_range(n, most * 10 * 95 / 100, most * 10);
	drive_down(&d);
}

static void test_rate(void **state)
{
	(void)state;
	assert_rate(POLICY("limits = [ \"1440 connections/day\" ];"), 1, DAY, 1440);
	assert_rate(POLICY("limits = [ \"600 connections/hour\" ];"), 1, HOUR, 600);
	assert_rate(POLICY("total-limits = [ \"70000 messages/week\" ]; messages-per-connection = 25;"), 25, 7 * DAY,
		    70000);
	assert_rate(POLICY("limits = [ \"48 messages/day\" ]; messages-per-connection = 3;"), 3, DAY, 48);
	assert_rate(
		POLICY("limits = [ \"20000 connections/week\", \"1200 connections/day\", \"1000000 messages/hour\" ];"),
		1, DAY, 1200);
}

/* The slowest limit sets it, and room comes evenly: no two together, but for what had gathered. */
static void test_even(void **state)
{
	struct mx_flow flow = flow_to("198.51.100.7");
	u64 last = 0, gap = 25 * DAY / 24 / 480, seed = 5;
	u32 n, burst, i;

	(void)state;
	drive_up(&d, POLICY("limits = [ \"480 connections/day\", \"100 connections/hour\" ]; wait = 0;"), DRIVE_START);
	for (i = 0; i < 3000; i++, d.now += random_next(&seed) % 60000) {
		struct mx_verdict v = drive_serve(&d, &flow);

		if (v.action != MX_ASSIGN) {
			assert_true(v.reason == MX_REASON_PACE || v.reason == MX_REASON_LIMIT_DAY);
			continue;
		}
		assert_true(d.now + 1 - last >= gap || !last || d.now - last > 60000);
		last = d.now;
	}
	d.now += 5 * HOUR;
	for (burst = 0; drive_serve(&d, &flow).action == MX_ASSIGN; burst++)
		;
	assert_int_equal(burst, 900000 / gap);
	n = wait_for(DAY, DAY);
	assert_in_range(n, 440, 480);
	drive_down(&d);
}

/* A cap of a warm-up is paced like a limit. */
static void test_warmup_is_paced(void **state)
{
	(void)state;
	drive_up(&d,
		 "schedules: { s: { daily = [ 96, 192 ]; }; };"
		 "sources: { s0: { address = \"192.0.2.1\"; warmup: { started = \"2026-01-01\"; schedule = \"s\"; }; "
		 "}; };"
		 "pools: { main: { members: { s0 = 1; }; }; }; routes = ( { pool = \"main\"; } );"
		 "providers: { p0: { prefixes = [ \"198.51.100.0/24\" ]; pace = \"even\"; }; };",
		 DRIVE_START + 1);
	assert_in_range(wait_for(DAY, gap_of(96, DAY, 1)), 90, 96);
	assert_in_range(wait_for(DAY, gap_of(96, DAY, 1)), 180, 192);
	drive_down(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_never_ahead), cmocka_unit_test(test_depth),           cmocka_unit_test(test_rate),
		cmocka_unit_test(test_even),        cmocka_unit_test(test_warmup_is_paced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
