// SPDX-License-Identifier: GPL-2.0-or-later
/* Counts in the store, rates, and judgements. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/rep_store.h"
#include "tools/mxrep/judge.h"

static const struct rep_judge usual = {
	.suspicious = 1000, .spammer = 10000, .complaints = 300, .deferred = 20000, .minimum = 200
};

static enum rep_judgement judged(u64 messages, u64 bad, u64 complaints, u64 blocked)
{
	struct rep_counts c = { .bad = bad, .blocked = blocked };

	c.what[REP_WHAT_SENT] = messages - bad - blocked;
	c.what[REP_WHAT_BOUNCED] = bad;
	c.what[REP_WHAT_DEFERRED] = blocked;
	c.what[REP_WHAT_COMPLAINT] = complaints;
	return rep_judge(&c, &usual, NULL, 0);
}

/* Wilson's interval, from a table: 10 of 100 at one-sided 95 % is at least 6.07 %, 1 of 3 at least 7.8 %. */
static void test_rate_at_least(void **state)
{
	(void)state;
	assert_true(rep_rate_at_least(0, 0) == 0);
	assert_true(rep_rate_at_least(0, 1000) == 0);
	assert_int_equal((int)(rep_rate_at_least(10, 100) * 10000), 607);
	assert_int_equal((int)(rep_rate_at_least(1, 3) * 10000), 782);
	assert_int_equal((int)(rep_rate_at_least(100000, 1000000) * 10000), 995);
	assert_true(rep_rate_at_least(5, 3) <= 1); /* more complaints than messages: some were of yesterday */
}

static void test_a_few_condemn_nobody(void **state)
{
	(void)state;
	assert_int_equal(judged(3, 1, 0, 0), REP_UNJUDGED);
	assert_int_equal(judged(199, 199, 0, 0), REP_UNJUDGED);
	assert_int_equal(judged(200, 0, 0, 0), REP_ACCEPTABLE);
	assert_int_equal(judged(200, 3, 0, 0), REP_ACCEPTABLE); /* 1.5 %, but that may be chance */
	assert_int_equal(judged(200, 6, 0, 0), REP_SUSPICIOUS);
	assert_int_equal(judged(10000, 110, 0, 0), REP_ACCEPTABLE);
	assert_int_equal(judged(10000, 120, 0, 0), REP_SUSPICIOUS);
	assert_int_equal(judged(1000, 100, 0, 0), REP_SUSPICIOUS);
	assert_int_equal(judged(1000, 120, 0, 0), REP_SPAMMER);
}

static void test_complaints_and_blocks(void **state)
{
	(void)state;
	assert_int_equal(judged(10000, 0, 30, 0), REP_ACCEPTABLE);
	assert_int_equal(judged(10000, 0, 45, 0), REP_SUSPICIOUS); /* surely over 0.3 % */
	assert_int_equal(judged(1000, 60, 60, 0), REP_SPAMMER);    /* both together */
	assert_int_equal(judged(1000, 0, 0, 200), REP_ACCEPTABLE);
	assert_int_equal(judged(1000, 0, 0, 230), REP_SUSPICIOUS);
}

static struct rep_store *store;

static int set_up(void **state)
{
	(void)state;
	store = rep_store_made();
	return store == NULL;
}

static int tear_down(void **state)
{
	(void)state;
	rep_store_gone(store);
	return 0;
}

static void test_counts_add_up(void **state)
{
	u32 hour = (u32)(time(NULL) / 3600), lane, other, round;
	struct rep_counts_list l;

	(void)state;
	for (round = 0; round < 2; round++) {
		rep_store_begin(store);
		lane = rep_store_lane(store, "mx1", "google", "");
		other = rep_store_lane(store, "mx2", "google", "");
		assert_int_not_equal(lane, other);
		assert_int_equal(rep_store_lane(store, "mx1", "google", ""), lane);
		rep_store_count(store, hour, lane, REP_WHAT_SENT, REP_NONE, REP_EXACT, 90);
		rep_store_count(store, hour - 1, lane, REP_WHAT_SENT, REP_NONE, REP_INFERRED, 5);
		rep_store_count(store, hour, lane, REP_WHAT_BOUNCED, REP_USER_UNKNOWN, REP_EXACT, 3);
		rep_store_count(store, hour, lane, REP_WHAT_BOUNCED, REP_CONTENT, REP_EXACT, 2);
		rep_store_count(store, hour, lane, REP_WHAT_LATE, REP_USER_UNKNOWN, REP_EXACT, 1);
		rep_store_count(store, hour, lane, REP_WHAT_TRAP, REP_NONE, REP_EXACT, 1);
		rep_store_count(store, hour, lane, REP_WHAT_DEFERRED, REP_RATE_LIMITED, REP_AMBIGUOUS, 4);
		rep_store_count(store, hour, other, REP_WHAT_SENT, REP_NONE, REP_EXACT, 7);
		rep_store_count(store, 1000, other, REP_WHAT_SENT, REP_NONE, REP_EXACT, 1000);
		rep_store_commit(store);
	}
	l = rep_counts_read(store, REP_BY_LANE, (hour - 10) * 3600LL, 0);
	assert_int_equal(l.count, 2);
	assert_string_equal(l.items[0].source, "mx1");
	assert_int_equal(rep_counts_messages(&l.items[0]), 2 * 104);
	assert_int_equal(l.items[0].bad, 2 * 5);
	assert_int_equal(l.items[0].blocked, 2 * 4);
	assert_int_equal(l.items[0].category[REP_USER_UNKNOWN], 2 * 4);
	assert_int_equal(l.items[0].how[REP_EXACT], 2 * 95);
	assert_int_equal(l.items[0].how[REP_INFERRED], 2 * 5);
	assert_int_equal(l.items[0].how[REP_AMBIGUOUS], 2 * 4);
	assert_int_equal(l.items[1].what[REP_WHAT_SENT], 14);
	rep_counts_free(&l);
	l = rep_counts_read(store, REP_BY_PROVIDER, (hour - 10) * 3600LL, 0);
	assert_int_equal(l.count, 1);
	assert_int_equal(rep_counts_messages(&l.items[0]), 2 * 111);
	rep_counts_free(&l);
	l = rep_counts_read(store, REP_BY_LANE, 0, 1001 * 3600);
	assert_int_equal(l.count, 1);
	assert_int_equal(rep_counts_messages(&l.items[0]), 2000);
	rep_counts_free(&l);
	rep_store_tidy(store, (hour - 10) * 3600LL);
	l = rep_counts_read(store, REP_BY_LANE, 0, 0);
	assert_int_equal(l.items[1].what[REP_WHAT_SENT], 14);
	rep_counts_free(&l);
}

static void test_what_is_forgotten(void **state)
{
	struct rep_counts_list l;

	(void)state;
	rep_store_begin(store);
	rep_store_count(store, 500000, rep_store_lane(store, "a", "b", ""), REP_WHAT_SENT, REP_NONE, REP_EXACT, 1);
	rep_store_message(store, 1, 2, 1, 500000);
	rep_store_forget(store);
	rep_store_begin(store);
	rep_store_count(store, 500000, rep_store_lane(store, "c", "b", ""), REP_WHAT_SENT, REP_NONE, REP_EXACT, 2);
	rep_store_commit(store);
	l = rep_counts_read(store, REP_BY_LANE, 0, 0);
	assert_int_equal(l.count, 1);
	assert_string_equal(l.items[0].source, "c");
	rep_counts_free(&l);
	assert_int_equal(rep_store_find_message(store, 1, 2), 0);
}

static void test_messages(void **state)
{
	u64 message = 0xfedcba9876543210u, recipient = 0xabcdef0123456789u;

	(void)state;
	rep_store_begin(store);
	rep_store_message(store, message, recipient, 7, 500000);
	rep_store_message(store, message, ~recipient, 8, 500000);
	rep_store_message(store, ~message, recipient, 9, 500000);
	rep_store_commit(store);
	assert_int_equal(rep_store_find_message(store, message, recipient), 7);
	assert_int_equal(rep_store_find_message(store, message, ~recipient), 8);
	assert_int_equal(rep_store_find_message(store, ~message, 0), 9); /* whoever it went to */
	assert_int_equal(rep_store_find_message(store, message, 1), 0);
	assert_int_equal(rep_store_find_message(store, 12345, 0), 0);
}

static void test_books_differ(void **state)
{
	u64 book = rep_store_book(store);

	(void)state;
	assert_int_not_equal(book, 0);
	assert_true(rep_store_book(store) == book);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate_at_least),
		cmocka_unit_test(test_a_few_condemn_nobody),
		cmocka_unit_test(test_complaints_and_blocks),
		cmocka_unit_test_setup_teardown(test_counts_add_up, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_forgotten, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_messages, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_books_differ, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
