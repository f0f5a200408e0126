// SPDX-License-Identifier: GPL-2.0-or-later
/* No interval of a period's length ever holds more than the limit, wherever it starts; and little is lost by that. */
#include "tests/unit/build.h"

#include "core/window.h"

#define CHARGES 3000

struct charge {
	u64 time;
	u32 n;
};

/* The largest sum of charges in any interval [t, t + length]: both ends count. */
static u64 largest(const struct charge *c, u32 count, u64 length)
{
	u64 sum = 0, most = 0;
	u32 i, first = 0;

	for (i = 0; i < count; i++) {
		sum += c[i].n;
		while (c[i].time - c[first].time > length)
			sum -= c[first++].n;
		most = sum > most ? sum : most;
	}
	return most;
}

/* Now and then exactly at an edge, a millisecond before, one after; now and then at the same time, or much later. */
static u64 next_time(u64 *seed, u64 now, u64 length)
{
	u64 width = length / 24;

	switch (random_next(seed) % 8) {
	case 0:
		return (now / width + 1) * width;
	case 1:
		return (now / width + 1) * width - 1 > now ? (now / width + 1) * width - 1 : now;
	case 2:
		return (now / width + 1) * width + 1;
	case 3:
		return now + length - 1 + random_next(seed) % 3;
	case 4:
	case 5:
		return now;
	default:
		return now + random_next(seed) % width;
	}
}

static void test_never_over_the_limit(void **state)
{
	struct charge *c = calloc(CHARGES, sizeof(*c));
	u64 seed = 3;
	u32 run;

	(void)state;
	print_message("# seed %llu\n", (unsigned long long)seed);
	for (run = 0; run < 1000; run++) {
		enum mx_period period = run % MX_PERIODS;
		enum mx_unit unit = run / MX_PERIODS % MX_UNITS;
		u32 limit = 1 + (u32)(random_next(&seed) % (run % 2 ? 5 : 500)), count = 0, i;
		u64 now = random_next(&seed) % 2000000000000;
		struct mx_window w = { 0 };

		for (i = 0; i < CHARGES; i++) {
			u32 n = 1 + (u32)(random_next(&seed) % 3);
			enum mx_count what = unit == MX_CONNECTIONS   ? MX_COUNT_CONNECTIONS
					     : random_next(&seed) % 2 ? MX_COUNT_ESTIMATED
								      : MX_COUNT_SETTLED;
			u64 at;

			now = next_time(&seed, now, mx_period_length(period));
			at = mx_window_free_at(&w, period, now, unit, limit, n);
			assert_true(at == MX_NEVER ? n > limit : n <= limit);
			assert_true((at == now) == (mx_window_used(&w, period, now, unit) + n <= limit));
			if (at != now)
				continue;
			mx_window_charge(&w, period, now, what, n);
			c[count++] = (struct charge){ now, n };
		}
		assert_true(count > 0);
		assert_true(largest(c, count, mx_period_length(period)) <= limit);
	}
	free(c);
}

/* What is full frees within a width of the exact time, and free_at says when. */
static void test_free_in_time(void **state)
{
	const enum mx_unit unit = MX_CONNECTIONS;
	enum mx_period period;

	(void)state;
	for (period = 0; period < MX_PERIODS; period++) {
		u64 length = mx_period_length(period), start = 1000000007000, at;
		struct mx_window w = { 0 };

		mx_window_charge(&w, period, start, MX_COUNT_CONNECTIONS, 3);
		mx_window_charge(&w, period, start + length / 2, MX_COUNT_CONNECTIONS, 2);
		mx_window_charge(&w, period, start + length / 2, MX_COUNT_ESTIMATED, 70); /* another unit */
		assert_int_equal(mx_window_used(&w, period, start + length, unit), 5);
		at = mx_window_free_at(&w, period, start + length / 2, unit, 5, 1);
		assert_in_range(at, start + length + 1, start + length + length / 24);
		assert_int_equal(at, mx_window_less_at(&w, period, start + length / 2, unit));
		assert_int_equal(mx_window_used(&w, period, at, unit), 2);
		assert_int_equal(mx_window_used(&w, period, at - 1, unit), 5);
		assert_true(mx_window_free_at(&w, period, at, unit, 5, 3) == at);
		assert_in_range(mx_window_free_at(&w, period, at, unit, 5, 4), start + length * 3 / 2 + 1,
				start + length * 3 / 2 + length / 24);
		assert_true(mx_window_free_at(&w, period, at, unit, 5, 6) == MX_NEVER);
		assert_true(mx_window_less_at(&w, period, start + 2 * length, unit) == MX_NEVER);
	}
}

static u32 estimated(const struct mx_window *w, u64 now)
{
	return mx_window_count(w, MX_HOUR, now, MX_COUNT_ESTIMATED);
}

static void test_returned(void **state)
{
	struct mx_window w = { 0 };

	(void)state;
	mx_window_charge(&w, MX_HOUR, 100000000, MX_COUNT_ESTIMATED, 5);
	mx_window_charge(&w, MX_HOUR, 101000000, MX_COUNT_ESTIMATED, 2);
	mx_window_return(&w, MX_HOUR, 100000000, MX_COUNT_ESTIMATED, 1);
	assert_int_equal(estimated(&w, 101000000), 6);
	mx_window_return(&w, MX_HOUR, 101000000, MX_COUNT_ESTIMATED, 3); /* more than was charged then: out of older */
	assert_int_equal(estimated(&w, 101000000), 3);
	mx_window_return(&w, MX_HOUR, 100000000 - 150000, MX_COUNT_ESTIMATED, 1); /* nothing was charged before */
	mx_window_return(&w, MX_HOUR, 100000000, MX_COUNT_SETTLED, 1);            /* nor of this */
	assert_int_equal(estimated(&w, 101000000), 3);
	mx_window_charge(&w, MX_HOUR, 104400000, MX_COUNT_ESTIMATED, 1);
	mx_window_return(&w, MX_HOUR, 100000000, MX_COUNT_ESTIMATED, 4); /* counted no longer: it was free already */
	assert_int_equal(estimated(&w, 104400000), 1);
}

/* A report that comes late counts from when the messages were sent. */
static void test_charged_late(void **state)
{
	struct mx_window w = { 0 };
	u64 now = 100000000, hour = mx_period_length(MX_HOUR);

	(void)state;
	mx_window_charge(&w, MX_HOUR, now, MX_COUNT_ESTIMATED, 5);
	mx_window_charge_late(&w, MX_HOUR, now - hour / 2, MX_COUNT_SETTLED, 3);
	mx_window_charge_late(&w, MX_HOUR, now - 2 * hour, MX_COUNT_SETTLED, 100);
	assert_int_equal(mx_window_used(&w, MX_HOUR, now, MX_MESSAGES), 8);
	assert_int_equal(mx_window_used(&w, MX_HOUR, now + hour / 2 + hour / 24, MX_MESSAGES), 5);
	mx_window_charge_late(&w, MX_HOUR, now + hour, MX_COUNT_SETTLED, 1); /* or from the newest bucket on */
	assert_int_equal(mx_window_count(&w, MX_HOUR, now + hour, MX_COUNT_SETTLED), 1);
}

/* A clock that goes back frees nothing, and takes nothing away when it comes forward again. */
static void test_a_clock_that_goes_back(void **state)
{
	struct mx_window w = { 0 };
	const enum mx_unit unit = MX_CONNECTIONS;
	const u64 late = 1000000000, second = 1000;

	(void)state;
	mx_window_charge(&w, MX_DAY, late, MX_COUNT_CONNECTIONS, 5);
	assert_int_equal(mx_window_used(&w, MX_DAY, 10 * second, unit), 5);
	assert_int_equal(mx_window_free_at(&w, MX_DAY, 10 * second, unit, 5, 1), (late / 3600000 + 25) * 3600000);
	mx_window_charge(&w, MX_DAY, 10 * second, MX_COUNT_CONNECTIONS, 1);
	assert_int_equal(mx_window_used(&w, MX_DAY, late, unit), 6);
	assert_int_equal(mx_window_used(&w, MX_DAY, late + 86400 * second, unit), 6);
	assert_int_equal(mx_window_used(&w, MX_DAY, late + 90000 * second, unit), 0);
}

static void test_no_overflow(void **state)
{
	struct mx_window w = { 0 };
	const u64 now = 5000000000;

	(void)state;
	mx_window_charge(&w, MX_WEEK, now, MX_COUNT_ESTIMATED, 0xfffffff0);
	mx_window_charge(&w, MX_WEEK, now, MX_COUNT_ESTIMATED, 0xff);
	mx_window_charge(&w, MX_WEEK, now + 100000000, MX_COUNT_SETTLED, 0xff);
	assert_true(mx_window_used(&w, MX_WEEK, now + 100000000, MX_MESSAGES) == 0xffffffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_never_over_the_limit),
					    cmocka_unit_test(test_free_in_time),
					    cmocka_unit_test(test_returned),
					    cmocka_unit_test(test_charged_late),
					    cmocka_unit_test(test_a_clock_that_goes_back),
					    cmocka_unit_test(test_no_overflow) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
