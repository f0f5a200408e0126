// SPDX-License-Identifier: GPL-2.0-or-later
/* Who lives on an allowance gets its part of the time, however it is spent: in little pieces, in large ones, late. */
#include "tests/unit/build.h"

#include "daemon/allowance.h"

#define SECOND 1000000ULL

/* Works in pieces of so many microseconds whenever it may, for `length`; returns how long it has worked. */
static u64 work(struct mx_allowance *a, u64 begin, u64 length, u64 piece)
{
	u64 now = begin, worked = 0;

	while (now < begin + length) {
		mx_allowance_left(a, now);
		if (mx_allowance_wait(a)) {
			now += mx_allowance_wait(a);
			continue;
		}
		mx_allowance_spend(a, piece);
		worked += piece;
		now += piece;
	}
	return worked;
}

static void test_its_part(void **state)
{
	static const u64 pieces[] = { 1, 7, 100, 3000, 40000 };
	u32 i;

	(void)state;
	for (i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		struct mx_allowance a = { 0 };
		u64 worked = work(&a, 5, 60 * SECOND, pieces[i]);

		/* What it works counts as time that passes, too; and what is worth beginning for is left over. */
		assert_in_range(worked, 60 * SECOND / MX_ALLOWANCE_PART * 9 / 10,
				60 * SECOND / MX_ALLOWANCE_PART * 11 / 10 + MX_ALLOWANCE_AT_ONCE + pieces[i]);
	}
}

static void test_nothing_is_saved_up_for_long(void **state)
{
	struct mx_allowance a = { 0 };

	(void)state;
	assert_int_equal(mx_allowance_left(&a, 3600 * SECOND), MX_ALLOWANCE_AT_ONCE);
	assert_int_equal(mx_allowance_left(&a, 7200 * SECOND), MX_ALLOWANCE_AT_ONCE);
	mx_allowance_spend(&a, MX_ALLOWANCE_AT_ONCE);
	assert_int_equal(mx_allowance_left(&a, 7200 * SECOND), 0);
	assert_true(mx_allowance_wait(&a) > 0);
}

static void test_a_debt_ends(void **state)
{
	struct mx_allowance a = { 0 };
	u64 now = 9 * SECOND;

	(void)state;
	mx_allowance_left(&a, now);
	mx_allowance_spend(&a, 1000 * SECOND);
	mx_allowance_spend(&a, UINT64_MAX);
	assert_int_equal(mx_allowance_left(&a, now), MX_ALLOWANCE_DEBT_MAX);
	now += mx_allowance_wait(&a);
	assert_true(now < 12 * SECOND);
	assert_true(mx_allowance_left(&a, now) > 0);
	assert_int_equal(mx_allowance_wait(&a), 0);
}

static void test_a_clock_that_stands_gives_nothing(void **state)
{
	struct mx_allowance a = { .at = 50 };

	(void)state;
	assert_int_equal(mx_allowance_left(&a, 50), 0);
	assert_int_equal(mx_allowance_left(&a, 49), 0);
	assert_int_equal(mx_allowance_left(&a, 50 + MX_ALLOWANCE_PART - 1), 0);
	assert_int_equal(mx_allowance_left(&a, 50 + MX_ALLOWANCE_PART), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_its_part),
		cmocka_unit_test(test_nothing_is_saved_up_for_long),
		cmocka_unit_test(test_a_debt_ends),
		cmocka_unit_test(test_a_clock_that_stands_gives_nothing),
	};

	return cmocka_run_group_tests_name("allowance", tests, NULL, NULL);
}
