// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "daemon/exposition.h"

static const struct mx_metric counter = { "mxload_some_total", MX_METRIC_COUNTER, "Some of \"them\"." };
static const struct mx_metric gauge = { "mxload_level", MX_METRIC_GAUGE, "One\\line\nand another." };
static const struct mx_label none[] = { { NULL, NULL } };

static char *text;
static size_t size;

static FILE *begin(void)
{
	return open_memstream(&text, &size);
}

static void check(FILE *out, const char *expected)
{
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void test_a_family_says_what_it_is(void **state)
{
	FILE *out = begin();

	(void)state;
	mx_expose(out, &counter);
	mx_expose_sample(out, &counter, none, 7);
	mx_expose(out, &gauge);
	check(out, "# HELP mxload_some_total Some of \"them\".\n"
		   "# TYPE mxload_some_total counter\n"
		   "mxload_some_total 7\n"
		   "# HELP mxload_level One\\\\line\\nand another.\n"
		   "# TYPE mxload_level gauge\n");
}

static void test_values_of_labels_are_escaped(void **state)
{
	const struct mx_label labels[] = { { "source", "mx\"1\\" }, { "provider", "a\nb{},= " }, { NULL, NULL } };
	FILE *out = begin();

	(void)state;
	mx_expose_sample(out, &counter, labels, 1);
	check(out, "mxload_some_total{source=\"mx\\\"1\\\\\",provider=\"a\\nb{},= \"} 1\n");
}

static void test_a_label_without_a_value_is_left_out(void **state)
{
	const struct mx_label first[] = { { "source", NULL }, { "provider", "google" }, { NULL, NULL } };
	const struct mx_label last[] = { { "source", "mx1" }, { "provider", "" }, { NULL, NULL } };
	const struct mx_label all[] = { { "source", NULL }, { "provider", "" }, { NULL, NULL } };
	FILE *out = begin();

	(void)state;
	mx_expose_sample(out, &gauge, first, 1);
	mx_expose_sample(out, &gauge, last, 2);
	mx_expose_sample(out, &gauge, all, 3);
	check(out, "mxload_level{provider=\"google\"} 1\nmxload_level{source=\"mx1\"} 2\nmxload_level 3\n");
}

static void test_numbers_are_exact(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 9007199254740992.0, "9007199254740992" },
		{ 1234567890123456.0, "1234567890123456" },
		{ 0.5, "0.5" },
		{ 0.476, "0.476" },
		{ -1, "-1" },
		{ NAN, "NaN" },
		{ INFINITY, "+Inf" },
		{ -INFINITY, "-Inf" },
	};
	char expected[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		FILE *out = begin();

		mx_expose_sample(out, &gauge, none, cases[i].value);
		snprintf(expected, sizeof(expected), "mxload_level %s\n", cases[i].text);
		check(out, expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_family_says_what_it_is),
		cmocka_unit_test(test_values_of_labels_are_escaped),
		cmocka_unit_test(test_a_label_without_a_value_is_left_out),
		cmocka_unit_test(test_numbers_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
