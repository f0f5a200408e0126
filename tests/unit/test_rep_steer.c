// SPDX-License-Identifier: GPL-2.0-or-later
/* What is decided about what was seen; what the daemon makes of it is the lab's. */
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

#include "daemon/names.h"
#include "tests/unit/rep_store.h"
#include "tools/mxrep/steer.h"

static struct rep_steer steer;

static int set_up(void **state)
{
	static struct rep_settings settings;

	(void)state;
	settings = (struct rep_settings){ .judge = { 1000, 10000, 0, 20000, 100 }, .window = 86400 };
	steer = (struct rep_steer){ rep_store_made(), &settings, false };
	return steer.store == NULL;
}

static int tear_down(void **state)
{
	(void)state;
	rep_store_gone(steer.store);
	return 0;
}

/* A reply that asks for a rest of 100 s, so many seconds ago. */
static struct rep_sign sign_of(const char *source, s64 ago, enum rep_how how)
{
	return (struct rep_sign){ .time = time(NULL) - ago,
				  .lane = rep_store_lane(steer.store, source ? source : "", "yahoo", ""),
				  .source = source ? mx_name(source) : NULL,
				  .provider = mx_name("yahoo"),
				  .meaning = { REP_RATE_LIMITED, REP_SCOPE_SOURCE, 100, 7 },
				  .outcome = REP_DEFERRED,
				  .how = how,
				  .reply = { "421 \033[31mno", 12 } };
}

static void tell(struct rep_sign sign)
{
	rep_store_begin(steer.store);
	rep_steer_sign(&steer, &sign);
	rep_store_commit(steer.store);
}

static s64 actions(const char *what)
{
	return rep_store_number(steer.store, -1, "SELECT count(*) FROM action WHERE what = ?", "s", what);
}

static s64 last_value(const char *what)
{
	return rep_store_number(
		steer.store, -1,
		"SELECT CAST(value * 1000 AS INTEGER) FROM action WHERE what = ? ORDER BY id DESC LIMIT 1", "s", what);
}

/* The rest that stands on a lane is over. */
static void wake(void)
{
	rep_store_run(steer.store, "UPDATE standing SET rest_until = ?", "i", (s64)time(NULL) - 5);
}

static void test_a_rest_for_each_block(void **state)
{
	(void)state;
	tell(sign_of("mx1", 0, REP_EXACT));
	assert_int_equal(actions("backoff"), 1);
	assert_int_equal(last_value("backoff"), 100000);
	tell(sign_of("mx1", 0, REP_EXACT)); /* of a connection that was made before */
	assert_int_equal(actions("backoff"), 1);
	tell(sign_of("mx2", 0, REP_EXACT));
	assert_int_equal(actions("backoff"), 2);
	wake();
	tell(sign_of("mx1", 0, REP_EXACT));
	assert_int_equal(last_value("backoff"), 200000);
	wake();
	tell(sign_of("mx1", 0, REP_EXACT));
	assert_int_equal(last_value("backoff"), 400000);
	rep_store_run(steer.store, "UPDATE standing SET rest_signed = rest_signed - 100000", "");
	wake();
	tell(sign_of("mx1", 0, REP_EXACT)); /* that was long ago */
	assert_int_equal(last_value("backoff"), 100000);
	assert_int_equal(
		rep_store_number(steer.store, -1, "SELECT count(*) FROM action WHERE instr(reason, char(27))", ""), 0);
}

static void test_no_rest(void **state)
{
	struct rep_sign sign = sign_of("mx1", 0, REP_EXACT);

	(void)state;
	tell(sign_of(NULL, 0, REP_UNKNOWN));  /* nobody knows whose it was */
	tell(sign_of("mx1", 700, REP_EXACT)); /* an old log */
	sign.meaning.scope = REP_SCOPE_RECIPIENT;
	tell(sign);
	sign.meaning.scope = REP_SCOPE_SOURCE;
	sign.meaning.pause = 0;
	tell(sign);
	sign.meaning.pause = 100;
	sign.outcome = REP_SENT;
	tell(sign);
	assert_int_equal(actions("backoff"), 0);
}

/* One answer that may be another source's is not enough, three are. */
static void test_a_guess(void **state)
{
	struct rep_sign sign = sign_of("mx1", 0, REP_AMBIGUOUS);
	u32 i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_int_equal(actions("backoff"), 0);
		rep_store_begin(steer.store);
		rep_steer_sign(&steer, &sign);
		rep_store_count(steer.store, (u32)(sign.time / 3600), sign.lane, REP_WHAT_DEFERRED, REP_RATE_LIMITED,
				REP_AMBIGUOUS, 1);
		rep_store_commit(steer.store);
	}
	assert_int_equal(actions("backoff"), 1);
}

static void count(const char *provider, enum rep_what what, enum rep_category category, s32 n)
{
	rep_store_begin(steer.store);
	rep_store_count(steer.store, (u32)(time(NULL) / 3600), rep_store_lane(steer.store, "mx1", provider, ""), what,
			category, REP_EXACT, n);
	rep_store_commit(steer.store);
}

static void test_factors(void **state)
{
	s64 now = time(NULL);

	(void)state;
	count("google", REP_WHAT_SENT, REP_NONE, 950);
	count("default", REP_WHAT_SENT, REP_NONE, 500);
	count("default", REP_WHAT_BOUNCED, REP_USER_UNKNOWN, 500);
	rep_steer_judge(&steer, now);
	assert_int_equal(actions("factor"), 0); /* at default it is nobody's as a whole */
	count("google", REP_WHAT_BOUNCED, REP_USER_UNKNOWN, 50);
	rep_steer_judge(&steer, now);
	assert_int_equal(last_value("factor"), 500);
	count("google", REP_WHAT_BOUNCED, REP_USER_UNKNOWN, 200);
	rep_steer_judge(&steer, now); /* worse: at once */
	assert_int_equal(last_value("factor"), 100);
	assert_int_equal(actions("factor"), 2);
	count("google", REP_WHAT_SENT, REP_NONE, 1000000);
	rep_steer_judge(&steer, now + 60); /* better: not so quickly */
	assert_int_equal(actions("factor"), 2);
	rep_steer_judge(&steer, now + 3700);
	assert_int_equal(last_value("factor"), 1000);
	assert_int_equal(actions("warmup"), 3);
}

/* What a dry run would have done stands in nobody's way. */
static void test_dry_run(void **state)
{
	(void)state;
	steer.dry = true;
	count("google", REP_WHAT_SENT, REP_NONE, 950);
	count("google", REP_WHAT_BOUNCED, REP_USER_UNKNOWN, 50);
	rep_steer_judge(&steer, time(NULL));
	rep_steer_judge(&steer, time(NULL));
	tell(sign_of("mx1", 0, REP_EXACT));
	tell(sign_of("mx1", 0, REP_EXACT));
	assert_int_equal(actions("factor"), 1); /* said once */
	assert_int_equal(actions("backoff"), 1);
	assert_int_equal(rep_store_number(steer.store, -1, "SELECT count(*) FROM action WHERE result <> 'dry-run'", ""),
			 0);
	steer.dry = false;
	rep_steer_judge(&steer, time(NULL));
	tell(sign_of("mx1", 0, REP_EXACT));
	assert_int_equal(actions("factor"), 2);
	assert_int_equal(actions("backoff"), 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_a_rest_for_each_block),
		TEST(test_no_rest),
		TEST(test_a_guess),
		TEST(test_factors),
		TEST(test_dry_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
