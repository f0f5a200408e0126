// SPDX-License-Identifier: GPL-2.0-or-later
/* The second look at deliveries over reused connections, by the bytes that these carried. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/names.h"
#include "tests/unit/rep_store.h"
#include "tools/mxrep/match.h"

#define T0 (1795293515ll * REP_SECOND)
#define HOUR ((u32)(T0 / REP_SECOND / 3600))

static struct rep_store *store;
static struct rep_flows *flows;
static struct rep_queue *queue;
static struct rep_habit habit;
static u32 lanes[2];

static int set_up(void **state)
{
	(void)state;
	store = rep_store_made();
	rep_store_begin(store);
	flows = rep_flows_new();
	queue = rep_queue_new();
	habit = (struct rep_habit){ 0 };
	lanes[0] = rep_store_lane(store, "mx1", "google", "");
	lanes[1] = rep_store_lane(store, "mx2", "google", "");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	rep_flows_free(flows);
	rep_queue_free(queue);
	rep_store_gone(store);
	return 0;
}

/* A connection of a source (0 or 1), over for long. */
static struct rep_flow *over(u32 source, u64 said, u64 heard)
{
	static u16 port = 1000;
	struct rep_flow flow = { .opened = T0,
				 .closed = T0 + 20 * REP_SECOND,
				 .from_port = ++port,
				 .to = { 0, 0xc633640a },
				 .to_port = 25,
				 .source = mx_name(source ? "mx2" : "mx1"),
				 .lane = lanes[source],
				 .said = said,
				 .heard = heard };

	return rep_flows_open(flows, &flow);
}

/* A delivery that is taken to be of `flow`; size 0: one that was turned down before its message. */
static void booked(struct rep_flow *flow, u32 size, enum rep_how how)
{
	struct rep_booked b = { .time = T0 + 5 * REP_SECOND,
				.hour = HOUR,
				.n = 1,
				.what = size ? REP_WHAT_SENT : REP_WHAT_BOUNCED,
				.how = how,
				.size = size ? size : 700,
				.sender = 20,
				.recipient = 18,
				.reply = size ? 30 : 70,
				.has_body = size };

	flow->deliveries++;
	rep_flow_book(flow, &b);
	rep_store_count(store, HOUR, flow->lane, b.what, b.category, how, 1);
}

/* The bytes of a dialogue with so many deliveries. */
static u64 said(u32 with, u64 sizes, u32 without)
{
	return 45 + sizes + with * 96 + without * 84;
}
static u64 heard(u32 with, u32 without)
{
	return 210 + with * (30 + 80) + without * (70 + 40);
}

static s64 counted(u32 source, enum rep_what what)
{
	return rep_store_number(store, 0, "SELECT sum(n) FROM count WHERE lane = ? AND what = ?", "ii",
				(s64)lanes[source], (s64)what);
}

static u32 match(void)
{
	u32 moved = rep_match(flows, queue, store, &habit, T0 + 60 * REP_SECOND);

	rep_store_commit(store);
	rep_store_begin(store);
	return moved;
}

static void test_sizes_tell(void **state)
{
	struct rep_flow *a = over(0, said(2, 5000 + 900, 0), heard(2, 0)),
			*b = over(1, said(3, 2000 + 70000 + 800, 0), heard(3, 0));

	(void)state;
	booked(a, 70000, REP_AMBIGUOUS);
	booked(a, 900, REP_INFERRED);
	booked(a, 800, REP_AMBIGUOUS);
	booked(b, 2000, REP_INFERRED);
	booked(b, 5000, REP_AMBIGUOUS);
	assert_int_equal(match(), 3);
	assert_int_equal(counted(0, REP_WHAT_SENT), 2);
	assert_int_equal(counted(1, REP_WHAT_SENT), 3);
	assert_int_equal(match(), 0); /* looked at once */
}

/* All messages are of one size: how many each connection carried, and how many were turned down. */
static void look_at_counts(void)
{
	static const struct {
		u32 source, with, without, booked_with, booked_without;
	} all[] = { { 0, 40, 9, 33, 12 }, { 1, 28, 14, 35, 4 },  { 0, 1, 0, 1, 6 }, { 1, 1, 0, 1, 0 },
		    { 1, 25, 3, 30, 3 },  { 0, 35, 12, 31, 13 }, { 1, 1, 0, 0, 0 } };
	struct rep_flow *flow;
	u32 i, n;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		flow = over(all[i].source, said(all[i].with, all[i].with * 700, all[i].without),
			    heard(all[i].with, all[i].without));
		for (n = 0; n < all[i].booked_with; n++)
			booked(flow, 700, REP_AMBIGUOUS);
		for (n = 0; n < all[i].booked_without; n++)
			booked(flow, 0, REP_AMBIGUOUS);
	}
	assert_true(match() > 0);
	assert_int_equal(counted(0, REP_WHAT_SENT), 76);
	assert_int_equal(counted(0, REP_WHAT_BOUNCED), 21);
	assert_int_equal(counted(1, REP_WHAT_SENT), 55);
	assert_int_equal(counted(1, REP_WHAT_BOUNCED), 17);
}

static void test_counts_tell(void **state)
{
	(void)state;
	look_at_counts();

	/* What our own MTA says with each of them serves at other hosts: as said() has it, less the addresses. */
	assert_true(habit.is_known);
	assert_float_equal(habit.each, 84 - 20 - 18, 1);
	assert_float_equal(habit.body, 96 - 84, 1);
}

/* Another MTA of this host has other habits: what was learned of the one does not harm the other. */
static void test_other_habit(void **state)
{
	(void)state;
	habit = (struct rep_habit){ true, 75, -9 };
	look_at_counts();
}

/* Whatever the bytes say: what is known stays, and nothing goes to a connection that was not there. */
static void test_what_cannot_be(void **state)
{
	struct rep_flow *a = over(0, said(1, 900, 0), heard(1, 0)), *b = over(1, said(2, 900 + 5000, 0), heard(2, 0));

	(void)state;
	booked(a, 900, REP_EXACT);
	booked(a, 5000, REP_EXACT);
	booked(b, 900, REP_INFERRED);
	assert_int_equal(match(), 0);

	a = over(0, said(1, 900, 0), heard(1, 0));
	b = over(1, said(2, 900 + 5000, 0), heard(2, 0));
	b->opened = T0 + 9 * REP_SECOND;
	booked(a, 900, REP_AMBIGUOUS);
	booked(a, 5000, REP_AMBIGUOUS);
	booked(b, 900, REP_EXACT);
	assert_int_equal(match(), 0);
	assert_int_equal(counted(0, REP_WHAT_SENT), 4);
}

/* Further recipients go where their message goes. */
static void test_recipients(void **state)
{
	struct rep_flow *a = over(0, said(1, 900, 0), heard(1, 0)), *b = over(1, said(1, 8000, 0), heard(1, 0));

	(void)state;
	booked(a, 8000, REP_AMBIGUOUS);
	a->deliveries--;
	booked(a, 8000, REP_AMBIGUOUS);
	booked(b, 900, REP_AMBIGUOUS);
	assert_int_equal(match(), 2);
	assert_int_equal(counted(0, REP_WHAT_SENT), 1);
	assert_int_equal(counted(1, REP_WHAT_SENT), 2);
}

/* A line of a host that was passed over does not tell the address, but another of the same message does. */
static void test_address_from_elsewhere(void **state)
{
	struct rep_flow *a = over(0, said(1, 900, 0) + 66 + 60, heard(1, 1)),
			*b = over(1, said(1, 900, 0) + 66 + 10, heard(1, 1));

	(void)state;
	booked(a, 900, REP_AMBIGUOUS);
	booked(a, 0, REP_AMBIGUOUS);
	booked(b, 900, REP_AMBIGUOUS);
	booked(b, 0, REP_AMBIGUOUS);
	a->carried.items[1].what = REP_WHAT_DEFERRED;
	rep_store_count(store, HOUR, lanes[0], REP_WHAT_BOUNCED, 0, REP_AMBIGUOUS, -1);
	rep_store_count(store, HOUR, lanes[0], REP_WHAT_DEFERRED, 0, REP_AMBIGUOUS, 1);
	a->carried.items[1].recipient = b->carried.items[1].recipient = 0;
	a->carried.items[1].queue_id = 1ull << 40;
	b->carried.items[1].queue_id = 2ull << 40;
	rep_queue_remember(queue, 1ull << 40)->recipient = 10;
	rep_queue_remember(queue, 2ull << 40)->recipient = 60;
	assert_true(match() >= 2);
	assert_int_equal(counted(0, REP_WHAT_SENT), 1);
	assert_int_equal(counted(0, REP_WHAT_BOUNCED), 1);
	assert_int_equal(counted(1, REP_WHAT_DEFERRED), 1);
}

/* What most messages took is not known: their lines tell no sizes. */
static void test_no_sizes(void **state)
{
	struct rep_flow *a = over(0, said(1, 900, 0), heard(1, 0)), *b = over(1, said(1, 900, 2), heard(1, 2));
	u32 i;

	(void)state;
	booked(a, 900, REP_AMBIGUOUS);
	booked(b, 900, REP_AMBIGUOUS);
	for (i = 0; i < 2; i++)
		booked(a, 0, REP_AMBIGUOUS);
	a->carried.items[0].size = b->carried.items[0].size = 0;
	assert_int_equal(match(), 0);
	a->is_matched = b->is_matched = false;
	a->carried.items[0].size = b->carried.items[0].size = 900;
	assert_int_equal(match(), 2);
	assert_int_equal(counted(1, REP_WHAT_BOUNCED), 2);
}

/* A dialogue that is encrypted has more to it than its deliveries: nothing is made of its bytes. */
static void test_encrypted(void **state)
{
	struct rep_flow *flow;
	u32 i, n;

	(void)state;
	for (i = 0; i < 6; i++) {
		flow = over(i % 2, said(2, 1400, 1) + 700, heard(2, 1) + (i < 3 ? 4200 : 1100));
		for (n = 0; n < 2; n++)
			booked(flow, 700, REP_AMBIGUOUS);
		booked(flow, 0, REP_AMBIGUOUS);
	}
	assert_int_equal(match(), 0);
}

/* What one carried before mxrep began is not known: nothing is taken to be of it because of its bytes. */
static void test_was_before(void **state)
{
	struct rep_flow *a = over(0, said(1, 900, 0), heard(1, 0)), *b = over(1, said(2, 900 + 5000, 0), heard(2, 0));

	(void)state;
	booked(a, 900, REP_AMBIGUOUS);
	booked(a, 5000, REP_AMBIGUOUS);
	booked(b, 900, REP_AMBIGUOUS);
	b->was_before = true;
	assert_int_equal(match(), 0);
	a->is_matched = b->was_before = false;
	assert_true(match() > 0);
	assert_int_equal(counted(1, REP_WHAT_SENT), 2);
}

/* Exim: a delivery without a port was guessed to be of a connection that another line names; it goes to its own. */
static void test_nameless(void **state)
{
	struct rep_flow *a = over(0, 0, 0), *b = over(0, 0, 0), *before = over(0, 0, 0);
	u32 i;

	(void)state;
	over(1, 0, 0); /* its */
	before->closed = T0 + REP_SECOND;
	before->opened = T0 - 9 * REP_SECOND;
	b->opened = T0 + REP_SECOND;
	booked(a, 900, REP_EXACT);
	booked(a, 0, REP_AMBIGUOUS);
	booked(b, 0, REP_EXACT);
	a->carried.items[0].is_named = true;
	b->carried.items[0].time += REP_SECOND;
	b->carried.items[0].what = REP_WHAT_DEFERRED;
	rep_store_count(store, HOUR, lanes[0], REP_WHAT_BOUNCED, 0, REP_EXACT, -1);
	rep_store_count(store, HOUR, lanes[0], REP_WHAT_DEFERRED, 0, REP_EXACT, 1);
	for (i = 0; i < 2; i++)
		a->carried.items[i].size = 0;
	b->carried.items[0].size = 0;
	assert_true(match() > 0);
	assert_int_equal(counted(0, REP_WHAT_SENT), 1);
	assert_int_equal(counted(1, REP_WHAT_BOUNCED), 1);
	assert_int_equal(counted(0, REP_WHAT_DEFERRED), 1);
}

/* Nothing is guessed where the daemon cannot tell, or a connection to the host may yet carry some of it. */
static void test_not_yet(void **state)
{
	struct rep_flow *a = over(0, said(1, 900, 0), heard(1, 0)), *b = over(1, said(2, 900 + 5000, 0), heard(2, 0)),
			*c;

	(void)state;
	booked(a, 900, REP_AMBIGUOUS);
	booked(a, 5000, REP_AMBIGUOUS);
	booked(b, 900, REP_AMBIGUOUS);
	c = over(1, 0, 0);
	c->closed = 0;
	assert_int_equal(match(), 0);
	c->closed = T0 + 50 * REP_SECOND;
	assert_int_equal(match(), 0); /* its bytes are not known */
	assert_int_equal(counted(0, REP_WHAT_SENT), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sizes_tell, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_counts_tell, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_other_habit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_cannot_be, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_recipients, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_address_from_elsewhere, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_sizes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_encrypted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nameless, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_was_before, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_yet, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("rep_match", tests, NULL, NULL);
}
