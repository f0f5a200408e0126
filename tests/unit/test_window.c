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
static u64 largest(const struct charge *c, u32 count, u32 length)
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

/* Now and then exactly at an edge, a second before, a second after; now and then in the same second, or much later. */
static u64 next_time(u64 *seed, u64 now, u32 length)
{
	u32 width = length / 24;

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
		u32 limit = 1 + (u32)(random_next(&seed) % (run % 2 ? 5 : 500)), count = 0, i;
		u64 now = random_next(&seed) % 2000000000;
		struct mx_window w = { 0 };

		for (i = 0; i < CHARGES; i++) {
			u32 n = 1 + (u32)(random_next(&seed) % 3);
			u64 at;

			now = next_time(&seed, now, mx_period_length(period));
			at = mx_window_free_at(&w, period, now, limit, n);
			assert_true(at == MX_NEVER ? n > limit : n <= limit);
			assert_true((at == now) == (mx_window_used(&w, period, now) + n <= limit));
			if (at != now)
				continue;
			mx_window_charge(&w, period, now, n);
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
	enum mx_period period;

	(void)state;
	for (period = 0; period < MX_PERIODS; period++) {
		u32 length = mx_period_length(period);
		struct mx_window w = { 0 };
		u64 start = 1000000007, at;

		mx_window_charge(&w, period, start, 3);
		mx_window_charge(&w, period, start + length / 2, 2);
		assert_int_equal(mx_window_used(&w, period, start + length), 5);
		at = mx_window_free_at(&w, period, start + length / 2, 5, 1);
		assert_in_range(at, start + length + 1, start + length + length / 24);
		assert_int_equal(mx_window_used(&w, period, at), 2);
		assert_int_equal(mx_window_used(&w, period, at - 1), 5);
		assert_true(mx_window_free_at(&w, period, at, 5, 3) == at);
		assert_in_range(mx_window_free_at(&w, period, at, 5, 4), start + length * 3 / 2 + 1,
				start + length * 3 / 2 + length / 24);
		assert_true(mx_window_free_at(&w, period, at, 5, 6) == MX_NEVER);
	}
}

static void test_returned(void **state)
{
	struct mx_window w = { 0 };

	(void)state;
	mx_window_charge(&w, MX_HOUR, 100000, 5);
	mx_window_charge(&w, MX_HOUR, 101000, 2);
	mx_window_return(&w, MX_HOUR, 100000, 1);
	assert_int_equal(mx_window_used(&w, MX_HOUR, 101000), 6);
	mx_window_return(&w, MX_HOUR, 101000, 9); /* no more than was charged then */
	assert_int_equal(mx_window_used(&w, MX_HOUR, 101000), 4);
	mx_window_return(&w, MX_HOUR, 100500, 1); /* nothing was charged then */
	assert_int_equal(mx_window_used(&w, MX_HOUR, 101000), 4);
	mx_window_charge(&w, MX_HOUR, 104400, 1);
	mx_window_return(&w, MX_HOUR, 100000, 4); /* no longer counted: this room was free already */
	assert_int_equal(mx_window_used(&w, MX_HOUR, 104400), 1);
}

/* A clock that goes back frees nothing, and takes nothing away when it comes forward again. */
static void test_a_clock_that_goes_back(void **state)
{
	struct mx_window w = { 0 };

	(void)state;
	mx_window_charge(&w, MX_DAY, 1000000, 5);
	assert_int_equal(mx_window_used(&w, MX_DAY, 10), 5);
	assert_int_equal(mx_window_free_at(&w, MX_DAY, 10, 5, 1), (1000000 / 3600 + 25) * 3600);
	mx_window_charge(&w, MX_DAY, 10, 1);
	assert_int_equal(mx_window_used(&w, MX_DAY, 1000000), 6);
	assert_int_equal(mx_window_used(&w, MX_DAY, 1000000 + 86400), 6);
	assert_int_equal(mx_window_used(&w, MX_DAY, 1000000 + 90000), 0);
}

static void test_no_overflow(void **state)
{
	struct mx_window w = { 0 };

	(void)state;
	mx_window_charge(&w, MX_WEEK, 5000000, 0xfffffff0);
	mx_window_charge(&w, MX_WEEK, 5000000, 0xff);
	mx_window_charge(&w, MX_WEEK, 5100000, 0xff);
	assert_true(mx_window_used(&w, MX_WEEK, 5100000) == 0xffffffff);
	assert_true(sizeof(struct mx_window) * MX_PERIODS * 2 <= 1024 - 200); /* every limit of a lane in 1 KB */
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_never_over_the_limit),
					    cmocka_unit_test(test_free_in_time), cmocka_unit_test(test_returned),
					    cmocka_unit_test(test_a_clock_that_goes_back),
					    cmocka_unit_test(test_no_overflow) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
