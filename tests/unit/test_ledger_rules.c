// SPDX-License-Identifier: GPL-2.0-or-later
/* The ledger's rules one by one; test_ledger.c mixes them. */
#include "tests/unit/drive.h"

#define HOUR 3600000ULL
#define DAY (24 * HOUR)

#define SOURCES "sources: { s0: { address = \"192.0.2.1\"; }; s1: { address = \"192.0.2.2\"; }; };"
#define MAIN "pools: { main: { members: { s0 = 1; s1 = 1; }; }; }; routes = ( { pool = \"main\"; } );"
#define P0 "prefixes = [ \"198.51.100.0/24\" ];"
#define P1 "prefixes = [ \"203.0.113.0/24\" ];"
#define AT_P0 "198.51.100.7"
#define AT_P1 "203.0.113.7"

/* one source */
#define ALONE(source, providers)                                                                                       \
	"sources: { s0: { address = \"192.0.2.1\"; " source " }; };"                                                   \
	"pools: { main: { members: { s0 = 1; }; }; }; routes = ( { pool = \"main\"; } );"                              \
	"providers: { " providers " };"

static struct drive d;

static u32 serve_to(const char *to, u32 n)
{
	struct mx_flow flow = flow_to(to);
	u32 assigned = 0;

	while (n--)
		assigned += drive_serve(&d, &flow).action == MX_ASSIGN;
	return assigned;
}

static struct mx_verdict ask(const char *to, u64 waited)
{
	struct mx_flow flow = flow_to(to);

	return drive_decide(&d, &flow, waited);
}

struct look {
	const char *source, *provider;
	struct mx_limit limit;
	struct mx_quota found;
	bool any;
};

static void look_at(const struct mx_quota *q, void *arg)
{
	struct look *l = arg;

	assert_true(q->limit.unit != MX_MESSAGES || q->used == q->settled + q->estimated);
	if (q->limit.unit == l->limit.unit && q->limit.period == l->limit.period && q->source == l->source &&
	    q->provider == l->provider) {
		l->found = *q;
		l->any = true;
	}
}

static struct mx_quota quota(const char *source, const char *provider, enum mx_unit unit, enum mx_period period)
{
	struct look l = {
		source ? mx_name(source) : NULL, provider ? mx_name(provider) : NULL, { 0, unit, period }, { 0 }, false
	};

	mx_ledger_quota(d.ledger, d.now, look_at, &l);
	assert_true(l.any);
	return l.found;
}

/* A limit that is smaller than what a connection elsewhere costs is spent to the last unit, and frees in time. */
static void test_small_limit_beside_a_large_charge(void **state)
{
	u64 start = (DRIVE_START / DAY + 1) * DAY, full;

	(void)state;
	drive_up(&d,
		 ALONE("limits = [ \"7 messages/hour\" ];", "p0: {" P0 " }; p1: {" P1 " messages-per-connection = 10; "
							    "wait = 0; };"),
		 start);
	assert_int_equal(serve_to(AT_P0, 20), 7);
	assert_int_equal(ask(AT_P1, 0).reason, MX_REASON_LIMIT_HOUR);
	full = d.now;
	d.now = full + HOUR;
	assert_int_equal(serve_to(AT_P0, 1), 0);
	d.now = full + HOUR + HOUR / 24;
	assert_int_equal(serve_to(AT_P0, 20), 7);
	drive_down(&d);
}

/* Where 3 and 1 messages are charged, what frees for the one is not kept from it until it is enough for the other. */
static void test_frees_for_the_smaller_first(void **state)
{
	u64 start = (DRIVE_START / DAY + 1) * DAY;
	u32 i;

	(void)state;
	drive_up(&d,
		 ALONE("limits = [ \"6 messages/hour\" ];",
		       "p0: {" P0 " }; p1: {" P1 " messages-per-connection = 3; };"),
		 start);
	for (i = 0; i < 6; i++, d.now += 300000)
		assert_int_equal(serve_to(AT_P0, 1), 1);
	for (i = 0; i < 6; i++) {
		d.now = start + i * 300000 + HOUR + HOUR / 24 - 1;
		assert_int_equal(serve_to(AT_P0, 2), 0);
		d.now++;
		assert_int_equal(serve_to(AT_P0, 2), 1);
	}
	drive_down(&d);
}

/* What was learned before a reload counts in what is waited for after it. */
static void test_reload_after_learning(void **state)
{
	static const char text[] = ALONE("limits = [ \"12 messages/hour\" ];", "p0: {" P0 " }; p1: {" P1 " };");
	u64 start = (DRIVE_START / DAY + 1) * DAY;

	(void)state;
	drive_up(&d, text, start);
	assert_int_equal(serve_to(AT_P1, 1), 1);
	mx_ledger_settle(d.ledger, (struct mx_lane_id){ 1, 0, 0 }, d.now, 1, 5, 5, d.now);
	assert_int_equal(mx_state_lane(&d.b.state, 1, 0)->messages, 5);
	assert_int_equal(serve_to(AT_P0, 4), 4);
	drive_commit(&d);
	drive_reload(&d, text);
	drive_commit(&d);
	assert_int_equal(ask(AT_P1, 20000).reason, MX_REASON_LIMIT_HOUR); /* 3 are left */
	d.now += HOUR + HOUR / 24;
	assert_int_equal(serve_to(AT_P1, 1), 1);
	drive_down(&d);
}

static void test_limits_are_reached(void **state)
{
	u64 start = (DRIVE_START / DAY + 1) * DAY;
	u32 day;

	(void)state;
	drive_up(&d,
		 SOURCES MAIN "providers: { p0: {" P0 " limits = [ \"53 messages/day\" ]; total-limits = [ \"100 "
			      "connections/day\" ]; messages-per-connection = 2; }; };",
		 start);
	for (day = 0; day < 3; day++, d.now += DAY + HOUR)
		assert_int_equal(serve_to(AT_P0, 200), 52); /* an odd one is left of each */
	drive_down(&d);
	drive_up(&d, SOURCES MAIN "providers: { p0: {" P0 " total-limits = [ \"101 connections/day\" ]; }; };", start);
	assert_int_equal(serve_to(AT_P0, 200), 101);
	assert_int_equal(quota(NULL, "p0", MX_CONNECTIONS, MX_DAY).used, 101);
	drive_down(&d);
}

/* Nothing is spent that is not in the file, and nobody is turned away for that. */
static void test_first_use_waits_for_cover(void **state)
{
	struct mx_verdict v;

	(void)state;
	drive_up(&d, SOURCES MAIN "providers: { p0: {" P0 " limits = [ \"1000 connections/day\" ]; }; };", DRIVE_START);
	v = ask(AT_P0, 0);
	assert_int_equal(v.action, MX_HOLD);
	assert_int_equal(v.reason, MX_REASON_LEDGER);
	assert_int_equal(v.source, 0);
	assert_true(mx_ledger_is_urgent(d.ledger));
	v = ask(AT_P0, 0); /* behind it */
	assert_int_equal(v.action, MX_HOLD);
	assert_int_equal(v.source, MX_NONE);
	assert_true(drive_collect(&d, true));
	mx_state_forget_held(&d.b.state, d.b.snapshot);
	assert_int_equal(ask(AT_P0, 1).action, MX_HOLD); /* it is not in the file yet */
	drive_land(&d, LANDED);
	mx_state_forget_held(&d.b.state, d.b.snapshot);
	assert_int_equal(ask(AT_P0, 2).action, MX_ASSIGN);
	v = ask(AT_P0, 20000 + MX_LEDGER_PATIENCE); /* s1 has its first use too; this one has waited long enough */
	assert_int_equal(v.action, MX_REFUSE);
	assert_int_equal(v.reason, MX_REASON_LEDGER);
	assert_int_equal(v.source, 1);
	drive_down(&d);
}

/* With a full disk what was leased is spent, by whoever has some left; then it is said why not. */
static void test_failing_commits(void **state)
{
	const struct mx_room *room;
	struct mx_verdict v;
	u32 covered, n = 0, i;

	(void)state;
	drive_up(&d, SOURCES MAIN "providers: { p0: {" P0 " limits = [ \"1000 connections/day\" ]; }; };", DRIVE_START);
	assert_int_equal(serve_to(AT_P0, 20), 20);
	drive_commit(&d);
	assert_int_equal(serve_to(AT_P0, 1), 1);
	assert_true(drive_collect(&d, true));
	drive_land(&d, FAILED);
	for (covered = 0, i = 0; i < 2; i++) {
		room = &mx_state_lane(&d.b.state, 0, i)->room;
		covered += room->covered[MX_CONNECTIONS];
	}
	assert_true(covered > 0);
	for (i = 0; i < 200; i++) {
		v = ask(AT_P0, MX_LEDGER_PATIENCE);
		n += v.action == MX_ASSIGN;
		if (n == covered && drive_collect(&d, true)) /* nor do rows that may be there or not give more */
			drive_land(&d, i % 2 ? FAILED : FAILED_BUT_THERE);
	}
	assert_int_equal(n, covered);
	assert_int_equal(v.action, MX_REFUSE);
	assert_int_equal(v.reason, MX_REASON_LEDGER);
	drive_commit(&d);
	assert_int_equal(ask(AT_P0, 1).action, MX_ASSIGN);
	drive_down(&d);
}

static u32 lease_in_file(const char *source, const char *provider)
{
	u32 i;

	for (i = 0; i < d.file_count; i++)
		if (!strcmp(d.file[i].source, source) && !strcmp(d.file[i].provider, provider))
			return d.file[i].lease[MX_CONNECTIONS];
	return 0;
}

/* What is lost with the daemon is what was leased: each account counts one lease too much at most, never too little. */
static void test_crash(void **state)
{
	static const char text[] =
		SOURCES MAIN "providers: { p0: {" P0 " limits = [ \"1000 connections/day\" ]; total-limits = "
			     "[ \"2000 messages/week\" ]; messages-per-connection = 3; }; };";
	u64 lost = 0;
	u32 i, lease, used, made = 0;

	(void)state;
	drive_up(&d, text, DRIVE_START);
	for (i = 0; i < 12; i++) {
		assert_int_equal(serve_to(AT_P0, 10 + i), 10 + i);
		made += 10 + i;
		lease = lease_in_file("s0", "p0") + lease_in_file("s1", "p0");
		used = quota("s0", "p0", MX_CONNECTIONS, MX_DAY).used + quota("s1", "p0", MX_CONNECTIONS, MX_DAY).used;
		assert_true(lease > 0);
		d.now += 10;
		drive_restart(&d, text);
		lost += mx_ledger_lost(d.ledger);
		assert_int_equal(mx_ledger_lost(d.ledger), lease);
		assert_in_range(quota("s0", "p0", MX_CONNECTIONS, MX_DAY).used +
					quota("s1", "p0", MX_CONNECTIONS, MX_DAY).used,
				used, used + lease);
		assert_true(used >= made);
	}
	assert_true(lost > 12);
	drive_down(&d);
}

/* A smaller lease may have come into the file though its commit failed: no more than that is spent. */
static void test_a_smaller_lease_that_failed(void **state)
{
	static const char text[] = ALONE("", "p0: {" P0 " limits = [ \"10000 connections/day\" ]; };");
	u32 made, lease, i;

	(void)state;
	drive_up(&d, text, DRIVE_START);
	made = serve_to(AT_P0, 500);
	assert_int_equal(made, 500);
	drive_commit(&d);
	lease = lease_in_file("s0", "p0");
	d.now += 60000; /* hardly anything was used of it */
	made += serve_to(AT_P0, 1);
	assert_true(drive_collect(&d, true));
	drive_land(&d, FAILED_BUT_THERE);
	assert_in_range(lease_in_file("s0", "p0"), 1, lease - 2);
	for (i = 0; i < 1000; i++)
		made += ask(AT_P0, MX_LEDGER_PATIENCE).action == MX_ASSIGN;
	assert_true(made > 501);
	drive_restart(&d, text);
	assert_in_range(quota("s0", "p0", MX_CONNECTIONS, MX_DAY).used, made, made + lease);
	drive_down(&d);
}

/* A daemon that ends in order gives its leases back. */
static void test_end_in_order(void **state)
{
	static const char text[] = SOURCES MAIN "providers: { p0: {" P0 " limits = [ \"1000 connections/day\" ]; }; };";

	(void)state;
	drive_up(&d, text, DRIVE_START);
	assert_int_equal(serve_to(AT_P0, 31), 31);
	mx_ledger_end_leases(d.ledger);
	while (drive_collect(&d, false))
		drive_land(&d, LANDED);
	drive_restart(&d, text);
	assert_int_equal(mx_ledger_lost(d.ledger), 0);
	assert_int_equal(quota("s0", "p0", MX_CONNECTIONS, MX_DAY).used, 16);
	assert_int_equal(quota("s1", "p0", MX_CONNECTIONS, MX_DAY).used, 15);
	drive_down(&d);
}

/* --- reports ----------------------------------------------------------------------------------------------------- */

static const struct mx_lane_id lane = { 0, 0, 0 };

static u32 charge_now(void)
{
	return mx_state_messages(&d.b.state, d.b.snapshot, 0, 0);
}

#define REPORTED                                                                                                       \
	ALONE("limits = [ \"100000 messages/week\", \"9000 messages/day\", \"5000 connections/day\" ];",               \
	      "p0: {" P0 " messages-per-connection = 4; };")

static void assert_used(u32 settled, u32 estimated)
{
	struct mx_quota week = quota("s0", NULL, MX_MESSAGES, MX_WEEK), day = quota("s0", NULL, MX_MESSAGES, MX_DAY);

	assert_int_equal(week.settled, settled);
	assert_int_equal(week.estimated, estimated);
	assert_int_equal(week.used, settled + estimated);
	assert_int_equal(day.used, week.used);
}

/* charged = settled + estimated - refunded, at every moment */
static void test_the_books_balance(void **state)
{
	u64 then;

	(void)state;
	drive_up(&d, REPORTED, DRIVE_START);
	then = d.now;
	assert_int_equal(serve_to(AT_P0, 5), 5);
	assert_used(0, 20);
	d.now += 1000;
	assert_int_equal(quota("s0", NULL, MX_CONNECTIONS, MX_DAY).used, 5);
	mx_ledger_refund(d.ledger, lane, then, 4, d.now);
	assert_int_equal(quota("s0", NULL, MX_CONNECTIONS, MX_DAY).used, 4);
	assert_used(0, 16);
	mx_ledger_settle(d.ledger, lane, then, 2, 19, 19, d.now); /* of 8: up, to 9.5 a connection */
	assert_used(19, 8);
	assert_int_equal(charge_now(), 10);
	assert_int_equal(serve_to(AT_P0, 1), 1);
	assert_used(19, 18);
	mx_ledger_settle(d.ledger, lane, then, 1, 0, 0, d.now); /* of 4: down */
	assert_used(19, 14);
	drive_down(&d);
}

/* No more is given back than a connection was charged for, whatever has been learned in between. */
static void test_refunds_are_no_gain(void **state)
{
	u64 first, second;

	(void)state;
	drive_up(&d, REPORTED, DRIVE_START);
	first = d.now;
	assert_int_equal(serve_to(AT_P0, 3), 3); /* at 4 */
	mx_ledger_settle(d.ledger, lane, first, 1, 9, 9, d.now);
	d.now += 5000;
	assert_int_equal(serve_to(AT_P0, 1), 1); /* at 9 */
	d.now += 2000;
	second = d.now;
	assert_int_equal(serve_to(AT_P0, 1), 1);
	d.now += 5000;
	mx_ledger_settle(d.ledger, lane, second, 1, 9, 9, d.now); /* nothing new is learned by that */
	assert_int_equal(charge_now(), 9);
	assert_used(18, 17);
	mx_ledger_refund(d.ledger, lane, first, 4, d.now);
	assert_used(18, 13);
	drive_reload(&d,
		     ALONE("limits = [ \"100000 messages/week\", \"9000 messages/day\", \"5000 connections/day\" ];",
			   "p0: {" P0 " messages-per-connection = 30; };"));
	mx_ledger_refund(d.ledger, lane, first, 4, d.now);
	assert_used(18, 9);
	mx_ledger_refund(d.ledger, lane, second, 9, d.now);
	assert_used(18, 0);
	serve_to(AT_P0, 1); /* at 9; then it goes up once more: the first ones were charged 4 all the same */
	mx_ledger_settle(d.ledger, lane, d.now, 64, 64 * 12, 64 * 12, d.now);
	serve_to(AT_P0, 3);
	assert_used(18 + 64 * 12, 36);
	mx_ledger_refund(d.ledger, lane, first, 4, d.now);
	assert_used(18 + 64 * 12, 32);
	drive_down(&d);
}

/* messages-per-connection is changed while connections are open. */
static void test_refund_after_a_reload(void **state)
{
	u64 then;

	(void)state;
	drive_up(&d, REPORTED, DRIVE_START);
	then = d.now;
	assert_int_equal(serve_to(AT_P0, 3), 3);
	d.now += 5000;
	drive_reload(&d,
		     ALONE("limits = [ \"100000 messages/week\", \"9000 messages/day\", \"5000 connections/day\" ];",
			   "p0: {" P0 " messages-per-connection = 10; };"));
	mx_ledger_refund(d.ledger, lane, then, 4, d.now);
	assert_used(0, 8);
	assert_int_equal(serve_to(AT_P0, 1), 1);
	mx_ledger_refund(d.ledger, lane, then, 4, d.now);
	assert_used(0, 14);
	drive_down(&d);
}

static void test_the_learned_average(void **state)
{
	u32 i;

	(void)state;
	drive_up(&d, REPORTED, DRIVE_START);
	assert_int_equal(charge_now(), 4);
	serve_to(AT_P0, 1);
	mx_ledger_settle(d.ledger, lane, d.now, 10, 71, 71, d.now);
	assert_int_equal(charge_now(), 8); /* 7.1 rounded up */
	mx_ledger_settle(d.ledger, lane, d.now, 1, 8, 8, d.now);
	assert_int_equal(charge_now(), 8);
	for (i = 0; i < 2000 && charge_now() > 2; i++) /* 1.5 each: it comes down, and stays there */
		mx_ledger_settle(d.ledger, lane, d.now, 2, 3, 3, d.now);
	assert_in_range(i, 32, 200);
	for (i = 0; i < 200; i++)
		mx_ledger_settle(d.ledger, lane, d.now, 2, 3, 3, d.now);
	assert_int_equal(charge_now(), 2);
	mx_ledger_settle(d.ledger, lane, d.now, 1000, 5001, 5001, d.now); /* many at once count for themselves */
	assert_int_equal(charge_now(), 6);
	drive_down(&d);
}

/* It is over by what the open ones carried beyond their charge, and by no more. */
static void test_over(void **state)
{
	u64 then;

	(void)state;
	drive_up(&d, ALONE("limits = [ \"20 messages/day\" ];", "p0: {" P0 " messages-per-connection = 2; };"),
		 DRIVE_START);
	then = d.now;
	assert_int_equal(serve_to(AT_P0, 20), 10);
	d.now += 60000;
	mx_ledger_settle(d.ledger, lane, then, 10, 33, 33, d.now);
	assert_int_equal(quota("s0", NULL, MX_MESSAGES, MX_DAY).used, 33);
	assert_int_equal(serve_to(AT_P0, 5), 0);
	d.now = then + DAY + HOUR;
	assert_int_equal(serve_to(AT_P0, 1), 1); /* at 4 each now */
	d.now += 2000;
	assert_int_equal(serve_to(AT_P0, 20), 4);
	mx_ledger_settle(d.ledger, lane, d.now, 4, 5, 5, d.now);
	assert_int_equal(quota("s0", NULL, MX_MESSAGES, MX_DAY).used, 9);
	assert_int_equal(serve_to(AT_P0, 20), 2);
	assert_int_equal(quota("s0", NULL, MX_MESSAGES, MX_DAY).used, 17);
	drive_down(&d);
}

/* Messages are told while a connection is open, and the connection when it is over: the average is that of both. */
static void test_told_in_two(void **state)
{
	u64 then;

	(void)state;
	drive_up(&d, ALONE("limits = [ \"40 messages/day\" ];", "p0: {" P0 " messages-per-connection = 2; };"),
		 DRIVE_START);
	then = d.now;
	assert_int_equal(serve_to(AT_P0, 1), 1);
	d.now += 60000;
	assert_int_equal(mx_ledger_settle(d.ledger, lane, d.now, 0, 9, 9, d.now), 0);
	assert_int_equal(quota("s0", NULL, MX_MESSAGES, MX_DAY).used, 11); /* as long as it is open, with its charge */
	d.now += 60000;
	assert_int_equal(mx_ledger_settle(d.ledger, lane, then, 1, 0, 9, d.now), 2);
	assert_int_equal(quota("s0", NULL, MX_MESSAGES, MX_DAY).used, 9);
	assert_int_equal(serve_to(AT_P0, 1), 1);
	assert_int_equal(quota("s0", NULL, MX_MESSAGES, MX_DAY).used, 18); /* 9 is what the next one is charged */
	drive_down(&d);
}

/* A report reaches those who wait for room: what it gives back can be spent. */
static void test_settled_down_is_room(void **state)
{
	u64 then;

	(void)state;
	drive_up(&d, ALONE("limits = [ \"20 messages/day\" ];", "p0: {" P0 " messages-per-connection = 10; };"),
		 DRIVE_START);
	then = d.now;
	assert_int_equal(serve_to(AT_P0, 3), 2);
	d.now += 60000;
	mx_ledger_settle(d.ledger, lane, then, 2, 2, 2, d.now);
	assert_int_equal(serve_to(AT_P0, 30), 18);
	drive_down(&d);
}

static void assert_left(u32 connections, enum mx_reason limit)
{
	struct mx_left left = mx_state_left(&d.b.state, d.b.snapshot, (struct mx_lane_id){ 0, 0, 0 });

	assert_int_equal(left.connections, connections);
	assert_int_equal(left.limit, limit);
}

#define LEFT(connections)                                                                                              \
	ALONE("limits = [ \"30 messages/day\" ];",                                                                     \
	      "p0: { " P0 " limits = [ \"" #connections " connections/hour\" ]; messages-per-connection = 4; };")

/* What is left is told in connections, of whichever limit is nearer: one charges four messages here. */
static void test_left(void **state)
{
	(void)state;
	drive_up(&d, LEFT(5), DRIVE_START);
	serve_to(AT_P0, 1);
	assert_left(4, MX_REASON_LIMIT_HOUR);
	drive_down(&d);
	drive_up(&d, LEFT(50), DRIVE_START);
	serve_to(AT_P0, 4);
	assert_left(3, MX_REASON_LIMIT_DAY); /* 14 messages */
	drive_down(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_left),
		cmocka_unit_test(test_small_limit_beside_a_large_charge),
		cmocka_unit_test(test_frees_for_the_smaller_first),
		cmocka_unit_test(test_reload_after_learning),
		cmocka_unit_test(test_limits_are_reached),
		cmocka_unit_test(test_first_use_waits_for_cover),
		cmocka_unit_test(test_failing_commits),
		cmocka_unit_test(test_crash),
		cmocka_unit_test(test_a_smaller_lease_that_failed),
		cmocka_unit_test(test_end_in_order),
		cmocka_unit_test(test_the_books_balance),
		cmocka_unit_test(test_refunds_are_no_gain),
		cmocka_unit_test(test_refund_after_a_reload),
		cmocka_unit_test(test_the_learned_average),
		cmocka_unit_test(test_over),
		cmocka_unit_test(test_told_in_two),
		cmocka_unit_test(test_settled_down_is_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
