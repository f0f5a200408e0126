// SPDX-License-Identifier: GPL-2.0-or-later
/* The ledger and the decision together, over time: who waits gets his turn, days follow each other. */
#include "daemon/names.h"
#include "tests/unit/build.h"

#include "daemon/ledger.h"

#define HOUR 3600000ULL
#define DAY (24 * HOUR)
#define START (20000 * DAY) /* 2024-10-04 */

struct bench {
	struct build b;
	struct mx_ledger *ledger;
	const char *sources[4], *providers[4];
	struct mx_ledger_row rows[16];
};

static void set_up(struct bench *t, const char *text)
{
	u32 i;

	memset(t, 0, sizeof(*t));
	setenv("TZ", "UTC", 1);
	build_up(&t->b, text);
	for (i = 0; i < t->b.config->source_count; i++)
		t->sources[i] = mx_name(t->b.config->sources[i].name);
	for (i = 0; i < t->b.config->provider_count; i++)
		t->providers[i] = mx_name(t->b.config->providers[i].name);
	t->ledger = mx_ledger_new();
	mx_ledger_adopt(t->ledger,
			&(struct mx_ledger_terms){ t->b.config, t->b.snapshot, &t->b.state, t->sources, t->providers },
			START, START);
}

static void tear_down(struct bench *t)
{
	mx_ledger_free(t->ledger);
	build_down(&t->b);
}

static void write_down(struct bench *t, u64 now)
{
	u32 n = mx_ledger_collect(t->ledger, t->rows, 16, true, now);

	mx_ledger_written(t->ledger, t->rows, n, true, now);
}

/* As the daemon decides one, with a ledger that is written when somebody waits for it. */
static struct mx_verdict ask(struct bench *t, const struct mx_flow *flow, u64 now, u64 waited)
{
	struct mx_lane_id lane;
	struct mx_verdict v;
	u32 tries;

	mx_ledger_tick(t->ledger, now, now);
	for (tries = 0; tries < 3; tries++) {
		mx_decide(t->b.snapshot, &t->b.state, flow, MX_NONE, (struct mx_moment){ now, waited }, &v);
		lane = (struct mx_lane_id){ v.provider, v.source, 0 };
		if (v.action != MX_HOLD || v.reason != MX_REASON_LEDGER)
			break;
		mx_ledger_want(t->ledger, lane, now);
		write_down(t, now);
	}
	mx_account(t->b.snapshot, &t->b.state, flow, now, &v);
	if (v.action == MX_ASSIGN)
		mx_ledger_charge(t->ledger, lane, 1, now);
	return v;
}

#define ONE_SOURCE "sources: { a: { address = \"192.0.2.1\"; }; };"
#define ONE_POOL "pools: { main: { members: { a = 1; }; }; }; routes = ( { pool = \"main\"; } );"

/* One turn a second: who has waited ten seconds for his gets it, and is not refused because the ledger has to write. */
static void test_waiting_for_room_is_not_waiting_for_the_ledger(void **unused)
{
	struct mx_flow flow = flow_to("198.51.100.1");
	u64 now = START + HOUR;
	struct mx_verdict v;
	struct bench t;

	(void)unused;
	set_up(&t, ONE_SOURCE ONE_POOL "providers: { isp: { prefixes = [ \"198.51.100.0/24\" ]; pace = \"even\";"
				       "limits = [ \"3600 connections/hour\" ]; }; };");
	while ((v = ask(&t, &flow, now, 0)).action == MX_ASSIGN)
		;
	assert_int_equal(v.action, MX_HOLD);
	assert_int_equal(v.reason, MX_REASON_PACE);
	write_down(&t, now); /* nothing is left: there is nothing to lend ahead */
	now = mx_ledger_next(t.ledger);
	mx_state_forget_held(&t.b.state, t.b.snapshot);
	v = ask(&t, &flow, now, 10000);
	assert_int_equal(v.action, MX_ASSIGN);
	tear_down(&t);
}

/* While the ledger does not write, as many wait for it as may wait for room, and as long; the others two seconds. */
static void test_patience_with_the_ledger_ends(void **unused)
{
	static const struct {
		u32 held;
		u64 waited;
		enum mx_action action;
	} cases[] = {
		{ 0, 0, MX_HOLD },      { 0, 10000, MX_HOLD }, { 0, 21999, MX_HOLD },   { 0, 22000, MX_REFUSE },
		{ 19, 10000, MX_HOLD }, { 20, 1999, MX_HOLD }, { 20, 2000, MX_REFUSE },
	};
	struct mx_flow flow = flow_to("198.51.100.1");
	struct bench t;
	size_t i;

	(void)unused;
	set_up(&t, ONE_SOURCE ONE_POOL "providers: { isp: { prefixes = [ \"198.51.100.0/24\" ];"
				       "limits = [ \"10 connections/hour\" ]; }; };");
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mx_verdict v;

		t.b.state.held[mx_config_provider(t.b.config, "isp")] = cases[i].held;
		mx_decide(t.b.snapshot, &t.b.state, &flow, MX_NONE, (struct mx_moment){ START, cases[i].waited }, &v);
		assert_int_equal(v.action, cases[i].action);
		assert_int_equal(v.reason, MX_REASON_LEDGER);
	}
	tear_down(&t);
}

/* What is sent after 24 hours belongs to the next day, whose cap may be a smaller one; whatever was left of the first.
 */
static void test_a_day_ends_without_being_used_up(void **unused)
{
	struct mx_flow flow = flow_to("198.51.100.1");
	struct bench t;
	u32 first, i;

	(void)unused;
	for (first = 500; first <= 600; first++) {
		set_up(&t,
		       "schedules: { odd: { daily = [ 1000, 30 ]; }; };"
		       "sources: { a: { address = \"192.0.2.1\";"
		       "warmup: { started = \"2024-10-01\"; schedule = \"odd\"; scope = \"source\"; }; }; };" ONE_POOL);
		for (i = 0; i < first; i++)
			assert_int_equal(ask(&t, &flow, START, 0).action, MX_ASSIGN);
		for (i = 0; i < 30; i++)
			assert_int_equal(ask(&t, &flow, START + DAY, 0).action, MX_ASSIGN);
		assert_int_equal(ask(&t, &flow, START + DAY, 0).reason, MX_REASON_WARMUP);
		tear_down(&t);
	}
}

/* The next day's larger hour begins with the day, not when the hour before has run out. */
static void test_a_day_of_hours_ends_in_time(void **unused)
{
	struct mx_flow flow = flow_to("198.51.100.1");
	struct bench t;
	u32 i;

	(void)unused;
	set_up(&t, "schedules: { hours: { hourly = [ 20, 28 ]; }; };"
		   "sources: { a: { address = \"192.0.2.1\";"
		   "warmup: { started = \"2024-10-01\"; schedule = \"hours\"; scope = \"source\"; }; }; };" ONE_POOL);
	for (i = 0; i < 20; i++)
		assert_int_equal(ask(&t, &flow, START, 0).action, MX_ASSIGN);
	for (i = 0; i < 20; i++)
		assert_int_equal(ask(&t, &flow, START + DAY - HOUR / 2, 0).action, MX_ASSIGN);
	assert_int_equal(ask(&t, &flow, START + DAY - 1, 0).action, MX_HOLD);
	mx_state_forget_held(&t.b.state, t.b.snapshot);
	for (i = 0; i < 8; i++)
		assert_int_equal(ask(&t, &flow, START + DAY, 0).action, MX_ASSIGN);
	assert_int_equal(ask(&t, &flow, START + DAY, 0).reason, MX_REASON_WARMUP);
	tear_down(&t);
}

/* A source's limit is shared by providers that charge 1 and 100 messages: the last 50 are for the first of them. */
static void test_what_is_left_is_lent_to_small_connections(void **unused)
{
	struct mx_flow flow = flow_to("198.51.100.1");
	struct bench t;
	u32 i;

	(void)unused;
	set_up(&t, "sources: { a: { address = \"192.0.2.1\"; limits = [ \"50 messages/day\" ]; }; };" ONE_POOL
		   "providers: { small: { prefixes = [ \"198.51.100.0/24\" ]; };"
		   "large: { prefixes = [ \"203.0.113.0/24\" ]; messages-per-connection = 100; }; };");
	for (i = 0; i < 50; i++)
		assert_int_equal(ask(&t, &flow, START, 0).action, MX_ASSIGN);
	assert_int_equal(ask(&t, &flow, START, 0).reason, MX_REASON_LIMIT_DAY);
	tear_down(&t);
}

/* The module tells how many it has made since it was last asked: that leaves what they had left one by one. */
static void test_many_at_once_are_charged_as_one_by_one(void **unused)
{
	static const char *const text =
		"sources: { a: { address = \"192.0.2.1\"; limits = [ \"1000 messages/day\" ];"
		"warmup: { started = \"2024-10-01\"; schedule = \"steep\"; }; }; };"
		"schedules: { steep: { hourly = [ 100, 200 ]; }; };" ONE_POOL
		"providers: { isp: { prefixes = [ \"198.51.100.0/24\" ]; pace = \"even\"; messages-per-connection = 3;"
		"limits = [ \"900 messages/hour\", \"5000 connections/week\" ]; }; };";
	struct bench at_once, one_by_one;
	struct mx_lane_id lane = { 0 };
	u32 n, i;

	(void)unused;
	set_up(&at_once, text);
	set_up(&one_by_one, text);
	lane.provider = mx_config_provider(at_once.b.config, "isp");
	mx_ledger_charge(at_once.ledger, lane, 7, START + HOUR);
	for (i = 0; i < 7; i++)
		mx_ledger_charge(one_by_one.ledger, lane, 1, START + HOUR);
	n = mx_ledger_collect(at_once.ledger, at_once.rows, 16, true, START + HOUR);
	assert_int_equal(n, 3); /* of the source, of the provider, and of one at the other */
	assert_int_equal(mx_ledger_collect(one_by_one.ledger, one_by_one.rows, 16, true, START + HOUR), n);
	for (i = 0; i < n; i++) {
		const struct mx_ledger_row *row = &at_once.rows[i], *other = &one_by_one.rows[i];

		assert_int_equal(row->spent[MX_CONNECTIONS], 7);
		assert_int_equal(row->spent[MX_MESSAGES], 21);
		assert_memory_equal(row->spent, other->spent, sizeof(row->spent));
		assert_memory_equal(row->lease, other->lease, sizeof(row->lease));
		assert_memory_equal(row->data, other->data, sizeof(row->data));
	}
	tear_down(&one_by_one);
	tear_down(&at_once);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_at_once_are_charged_as_one_by_one),
		cmocka_unit_test(test_waiting_for_room_is_not_waiting_for_the_ledger),
		cmocka_unit_test(test_patience_with_the_ledger_ends),
		cmocka_unit_test(test_a_day_ends_without_being_used_up),
		cmocka_unit_test(test_a_day_of_hours_ends_in_time),
		cmocka_unit_test(test_what_is_left_is_lent_to_small_connections),
	};

	return cmocka_run_group_tests_name("turns", tests, NULL, NULL);
}
