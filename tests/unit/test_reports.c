// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/reports.h"
#include "daemon/store.h"

static void test_a_report_counts_once(void **state)
{
	struct mx_reports r = { 0 };

	(void)state;
	assert_false(mx_reports_has(&r, "a", 1));
	mx_reports_take(&r, "a", 1);
	assert_true(mx_reports_has(&r, "a", 1));
	assert_false(mx_reports_has(&r, "a", 2));
	assert_false(mx_reports_has(&r, "b", 1));
	mx_reports_take(&r, "a", 7);
	assert_true(mx_reports_has(&r, "a", 6)); /* numbers may be left out, and then they are over */
	assert_int_equal(r.count, 1);
}

static void test_the_book_used_longest_ago_goes(void **state)
{
	struct mx_reports r = { 0 };
	char book[MX_BOOK_MAX + 2];
	u32 i;

	(void)state;
	for (i = 0; i < MX_BOOKS; i++) {
		snprintf(book, sizeof(book), "book %u", i);
		mx_reports_take(&r, book, i + 1);
	}
	mx_reports_take(&r, "book 0", 50);
	mx_reports_take(&r, "new", 1);
	assert_true(mx_reports_has(&r, "book 0", 50));
	assert_true(mx_reports_has(&r, "new", 1));
	assert_false(mx_reports_has(&r, "book 1", 1));
	assert_true(mx_reports_has(&r, "book 2", 3));
	memset(book, 'x', MX_BOOK_MAX + 1);
	book[MX_BOOK_MAX + 1] = '\0';
	mx_reports_take(&r, book, 1);
	assert_false(mx_reports_has(&r, book, 1));
	assert_true(mx_reports_has(&r, "book 2", 3));
}

static void test_they_are_written_with_the_accounts(void **state)
{
	char path[] = "/tmp/mxload-reports-XXXXXX";
	struct mx_clock_mark mark = { .boot_id = "x" };
	struct mx_reports r = { 0 }, read = { 0 };
	struct mx_store *store;

	(void)state;
	close(mkstemp(path));
	mx_reports_take(&r, "older", 5);
	mx_reports_take(&r, "newer", (u64)INT64_MAX);
	store = mx_store_open(path);
	assert_null(mx_store_put_accounts(store, NULL, 0, &mark, &r));
	assert_null(mx_store_put_accounts(store, NULL, 0, &mark, NULL)); /* they stay */
	mx_store_close(store);
	store = mx_store_open(path);
	mx_store_reports(store, &read);
	mx_store_close(store);
	unlink(path);
	assert_int_equal(read.count, 2);
	assert_string_equal(read.items[0].book, "newer");
	assert_true(read.items[0].serial == (u64)INT64_MAX);
	assert_string_equal(read.items[1].book, "older");
	assert_int_equal(read.items[1].serial, 5);
	assert_false(read.changed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_report_counts_once),
		cmocka_unit_test(test_the_book_used_longest_ago_goes),
		cmocka_unit_test(test_they_are_written_with_the_accounts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
