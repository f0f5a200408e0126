// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/mxload/duration.h"

static void test_durations(void **state)
{
	(void)state;
	assert_int_equal(mx_duration_parse("1s"), 1);
	assert_int_equal(mx_duration_parse("90s"), 90);
	assert_int_equal(mx_duration_parse("15m"), 900);
	assert_int_equal(mx_duration_parse("2h"), 7200);
	assert_int_equal(mx_duration_parse("7d"), 604800);
	assert_int_equal(mx_duration_parse("007d"), 604800);
}

static void test_ten_years_at_most(void **state)
{
	(void)state;
	assert_int_equal(mx_duration_parse("3650d"), 315360000);
	assert_int_equal(mx_duration_parse("3651d"), -1);
	assert_int_equal(mx_duration_parse("87600h"), 315360000);
	assert_int_equal(mx_duration_parse("87601h"), -1);
	assert_int_equal(mx_duration_parse("315360000s"), 315360000);
	assert_int_equal(mx_duration_parse("315360001s"), -1);
	assert_int_equal(mx_duration_parse("9223372036854775807d"), -1);
	assert_int_equal(mx_duration_parse("99999999999999999999999s"), -1);
}

static void test_anything_else(void **state)
{
	static const char *const wrong[] = { "",    "s",    "5",   "0s", "0d", "-5s", "+5s",  " 5s",   "5 s",
					     "5s ", "1.5h", "5ms", "5S", "5w", "5y",  "0x5s", "2h30m", "two hours" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (mx_duration_parse(wrong[i]) != -1)
			fail_msg("taken for a duration: \"%s\"", wrong[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_durations), cmocka_unit_test(test_ten_years_at_most),
					    cmocka_unit_test(test_anything_else) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
