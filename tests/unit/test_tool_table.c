// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tools/mxload/table.h"

/* Prints (and frees) the table and compares. */
static void expect(struct mx_table *table, const char *expected)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	mx_table_print(table, out);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void test_columns(void **state)
{
	struct mx_table *t = mx_table_new("SOURCE", ">CONNECTIONS", "STATE", (char *)NULL);

	(void)state;
	mx_table_cell(t, "%s", "mx1");
	mx_table_cell(t, "%d", 7);
	mx_table_cell(t, "active");
	mx_table_cell(t, "a-longer-source");
	mx_table_cell(t, "%llu", 12345678901234ULL);
	mx_table_cell(t, "paused");
	expect(t, "SOURCE              CONNECTIONS  STATE\n"
		  "mx1                           7  active\n"
		  "a-longer-source  12345678901234  paused\n");
}

static void test_no_rows(void **state)
{
	(void)state;
	expect(mx_table_new("SOURCE", ">N", "STATE", (char *)NULL), "SOURCE  N  STATE\n");
}

static void test_no_blanks_at_the_end(void **state)
{
	struct mx_table *t = mx_table_new("A", ">B", "C", (char *)NULL);

	(void)state;
	mx_table_cell(t, "x");
	mx_table_cell(t, "1");
	mx_table_cell(t, "%s", "");
	mx_table_cell(t, "y");
	mx_table_cell(t, "%s", "");
	mx_table_cell(t, "%s", "");
	mx_table_cell(t, "%s", "");
	mx_table_cell(t, "2");
	mx_table_cell(t, "z");
	expect(t, "A  B  C\nx  1\ny\n   2  z\n");
}

static void test_one_column(void **state)
{
	struct mx_table *t = mx_table_new("NAME", (char *)NULL);

	(void)state;
	mx_table_cell(t, "a");
	mx_table_cell(t, "longest");
	expect(t, "NAME\na\nlongest\n");
}

static void test_many_rows(void **state)
{
	struct mx_table *t = mx_table_new(">N", ">SQUARE", (char *)NULL);
	char *text = NULL, *line;
	size_t size, rows = 0;
	FILE *out;
	int i;

	(void)state;
	for (i = 0; i < 5000; i++) {
		mx_table_cell(t, "%d", i);
		mx_table_cell(t, "%d", i * i);
	}
	out = open_memstream(&text, &size);
	mx_table_print(t, out);
	fclose(out);
	for (line = text; *line; line += 15, rows++) /* 4 + 2 + 8 and the newline */
		assert_int_equal(line[14], '\n');
	assert_int_equal(rows, 5001);
	assert_int_equal(size, 5001 * 15);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_columns), cmocka_unit_test(test_no_rows),
					    cmocka_unit_test(test_no_blanks_at_the_end),
					    cmocka_unit_test(test_one_column), cmocka_unit_test(test_many_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
