// SPDX-License-Identifier: GPL-2.0-or-later
/* Which connection carried a delivery. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/names.h"
#include "tools/mxrep/flows.h"

#define SECOND 1000000ll
#define T0 (1795293515ll * SECOND)

static struct rep_flows *flows;

static int set_up(void **state)
{
	(void)state;
	flows = rep_flows_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	rep_flows_free(flows);
	return 0;
}

/* To 198.51.100.`to`, from port `port` of a source; opened so many ms after T0. */
static struct rep_flow *opened(u32 to, u16 port, const char *source, s64 ms, u32 process)
{
	struct rep_flow f = { .opened = T0 + ms * 1000,
			      .from = { 0, 0xc0000202 },
			      .to = { 0, 0xc6336400 + to },
			      .from_port = port,
			      .to_port = 25,
			      .source = mx_name(source),
			      .process = process };

	return rep_flows_open(flows, &f);
}

/* A line of the second that begins `ms` after T0. */
static struct rep_line line(u32 to, const char *queue_id, u32 pid, u32 uses, s64 ms)
{
	return (struct rep_line){ .kind = REP_LINE_ATTEMPT,
				  .time = T0 + ms * 1000,
				  .queue_id = { queue_id, strlen(queue_id) },
				  .pid = pid,
				  .has_address = true,
				  .address = { 0, 0xc6336400 + to },
				  .port = 25,
				  .uses = uses,
				  .connect_ms = 50,
				  .transfer_ms = 100 };
}

static void expect(struct rep_line l, const char *own, struct rep_flow *want, enum rep_how how)
{
	enum rep_how got;

	assert_ptr_equal(rep_flows_carried(flows, &l, own ? mx_name(own) : NULL, &got), want);
	assert_int_equal(got, how);
}

static void test_by_process(void **state)
{
	struct rep_flow *a = opened(10, 1001, "mx1", 0, 71), *b = opened(10, 1002, "mx2", 10, 72);

	(void)state;
	expect(line(10, "A", 72, 1, 1000), NULL, b, REP_EXACT);
	expect(line(10, "B", 71, 1, 1000), NULL, a, REP_EXACT);
	b->process = 0;
	b->local_process = 5; /* as its own pid namespace knows it */
	expect(line(10, "C", 5, 1, 1000), NULL, b, REP_EXACT);
	/* a second connection of one process: the first has had its line */
	b = opened(10, 1003, "mx3", 300, 71);
	expect(line(10, "D", 71, 1, 1000), NULL, b, REP_EXACT);
}

/* Postfix does not say how often a connection was used that it gave up: one that its process has just made it was. */
static void test_passed_over(void **state)
{
	struct rep_flow *a = opened(10, 1001, "mx1", 0, 71), *b = opened(10, 1002, "mx2", 10, 72);

	(void)state;
	expect(line(10, "A", 72, 0, 1000), NULL, b, REP_EXACT);
	expect(line(10, "B", 71, 1, 1000), NULL, a, REP_EXACT);
	expect(line(10, "C", 71, 0, 1500), NULL, a, REP_AMBIGUOUS); /* it was used: by whom now? */
}

static void test_by_port(void **state)
{
	struct rep_flow *a = opened(10, 1001, "mx1", 0, 0);
	struct rep_line l = line(10, "A", 0, 1, 1000);

	(void)state;
	opened(10, 1002, "mx2", 0, 0);
	l.local_port = 1001;
	expect(l, NULL, a, REP_EXACT);
	l.local_port = 1003;
	expect(l, NULL, NULL, REP_UNKNOWN); /* it is known to be none of them */
}

/* Exim may write of a delivery long after it, and need not say how long it took; a port is used again later. */
static void test_by_port_late(void **state)
{
	struct rep_flow *a = opened(10, 1001, "mx1", 0, 0), *b;
	struct rep_line l = line(10, "A", 0, 1, 60000);

	(void)state;
	a->closed = T0 + SECOND;
	l.local_port = 1001;
	l.connect_ms = l.transfer_ms = 0;
	expect(l, NULL, a, REP_EXACT);
	b = opened(10, 1001, "mx2", 70000, 0);
	expect(l, NULL, a, REP_EXACT); /* the other was opened later */
	l.time = b->opened - SECOND;   /* as far as whole seconds tell, it may be this one's */
	expect(l, NULL, b, REP_EXACT);
	b->failed = true;
	expect(l, NULL, a, REP_EXACT);
	a->refused = true;
	expect(l, NULL, NULL, REP_UNKNOWN);
	a->refused = false;
	a->passed = true;
	expect(l, NULL, NULL, REP_UNKNOWN);
}

static void test_only_source(void **state)
{
	struct rep_flow *a = opened(10, 1001, "mx1", 0, 0), *b = opened(10, 1002, "mx1", 10, 0);

	(void)state;
	opened(11, 1003, "mx2", 0, 0);
	expect(line(10, "A", 7, 1, 1000), NULL, a, REP_EXACT);
	expect(line(10, "B", 8, 1, 1000), NULL, b, REP_EXACT);
	expect(line(10, "C", 9, 2, 1000), NULL, a, REP_EXACT);
	expect(line(12, "D", 7, 1, 1000), NULL, NULL, REP_UNKNOWN);
}

/* conn_use tells which of them it was, as long as it tells one alone. */
static void test_by_uses(void **state)
{
	struct rep_flow *a = opened(10, 1001, "mx1", 0, 0), *b = opened(10, 1002, "mx2", 10, 0);

	(void)state;
	expect(line(10, "A", 7, 1, 1000), NULL, a, REP_AMBIGUOUS); /* both are new: in turn */
	expect(line(10, "B", 7, 2, 2000), NULL, a, REP_INFERRED);
	expect(line(10, "C", 7, 1, 1000), NULL, b, REP_INFERRED);
	expect(line(10, "D", 8, 3, 3000), NULL, a, REP_INFERRED);
	expect(line(10, "E", 8, 2, 3000), NULL, b, REP_INFERRED);
	expect(line(10, "F", 8, 3, 3000), NULL, b, REP_INFERRED);
	expect(line(10, "G", 8, 4, 3000), NULL, a, REP_AMBIGUOUS);
}

static void test_by_quoted_address(void **state)
{
	struct rep_flow *b;

	(void)state;
	opened(10, 1001, "mx1", 0, 0);
	b = opened(10, 1002, "mx2", 10, 0);
	expect(line(10, "A", 7, 1, 1000), "mx2", b, REP_EXACT);
}

/* Several recipients of one message are one use. */
static void test_recipients(void **state)
{
	struct rep_flow *a = opened(10, 1001, "mx1", 0, 71), *b = opened(10, 1002, "mx2", 10, 72);

	(void)state;
	expect(line(10, "A", 71, 1, 1000), NULL, a, REP_EXACT);
	expect(line(10, "A", 71, 1, 1000), NULL, a, REP_EXACT);
	expect(line(10, "A", 71, 1, 1000), NULL, a, REP_EXACT);
	assert_int_equal(a->uses, 1);
	expect(line(10, "A", 72, 1, 1000), NULL, b, REP_EXACT); /* more of them by another process */
	assert_int_equal(b->uses, 1);
}

static void test_times(void **state)
{
	struct rep_flow *a = opened(10, 1001, "mx1", 0, 0), *b;

	(void)state;
	a->closed = T0 + SECOND;
	expect(line(10, "A", 7, 1, 9000), NULL, NULL, REP_UNKNOWN); /* it was over */
	b = opened(10, 1002, "mx2", 8000, 0);
	expect(line(10, "B", 7, 1, 9000), NULL, b, REP_EXACT);
	expect(line(10, "C", 7, 1, 5000), NULL, NULL, REP_UNKNOWN); /* neither was there */
	b->refused = true;
	expect(line(10, "D", 7, 2, 9000), NULL, NULL, REP_UNKNOWN);
}

/* Rather than none, one that was open before anybody looked. */
static void test_no_time(void **state)
{
	struct rep_flow *a = opened(10, 1001, "mx1", 0, 0), *b;

	(void)state;
	a->opened = 0;
	b = opened(10, 1002, "mx2", 8000, 0);
	expect(line(10, "A", 7, 1, 9000), NULL, b, REP_EXACT);
	expect(line(10, "B", 7, 1, 5000), NULL, a, REP_EXACT);
	a->closed = T0 + SECOND;
	expect(line(10, "C", 7, 1, 5000), NULL, NULL, REP_UNKNOWN);
}

/* The daemon was away: what it does not tell of now is over. */
static void test_doubt(void **state)
{
	struct rep_flow *a = opened(10, 1001, "mx1", 0, 0), *b = opened(10, 1002, "mx2", 0, 0),
			*c = opened(10, 1003, "mx3", 0, 0);

	(void)state;
	c->closed = T0 + SECOND;
	rep_flows_doubt(flows);
	b->is_in_doubt = false;
	rep_flows_end_doubted(flows, T0 + 5 * SECOND);
	assert_int_equal(a->closed, T0 + 5 * SECOND);
	assert_int_equal(b->closed, 0);
	assert_int_equal(c->closed, T0 + SECOND);
}

static void test_refusals(void **state)
{
	struct mx_addr to = { 0, 0xc633640a };
	struct rep_flow *a = opened(10, 1001, "", 0, 0);

	(void)state;
	assert_false(rep_flows_refused(flows, MX_IPV4, to, 25, T0));
	a->refused = true;
	assert_true(rep_flows_refused(flows, MX_IPV4, to, 25, T0));
	assert_true(rep_flows_refused(flows, MX_IPV4, to, 25, T0 + 4 * SECOND));
	assert_false(rep_flows_refused(flows, MX_IPV4, to, 25, T0 + 6 * SECOND));
	assert_false(rep_flows_refused(flows, MX_IPV4, to, 26, T0));
}

static void test_caller_comes_first(void **state)
{
	struct rep_flow ends = { .from = { 0, 0xc0000202 }, .to = { 0, 0xc633640a }, .from_port = 1001, .to_port = 25 };
	struct rep_flow *a;

	(void)state;
	rep_flows_expect(flows, &ends, 71, 3);
	a = opened(10, 1001, "mx1", 0, 0);
	assert_int_equal(a->process, 71);
	assert_int_equal(a->local_process, 3);
	a = opened(10, 1001, "mx1", 500, 0);
	assert_int_equal(a->process, 0); /* once */
}

static void test_expiry(void **state)
{
	struct rep_flow *a = opened(10, 1001, "mx1", 0, 0), *b = opened(10, 1002, "mx2", 0, 0), gone = *a;

	(void)state;
	a->closed = T0 + SECOND;
	rep_flows_expire(flows, T0 + 100 * SECOND);
	assert_int_equal(rep_flows_count(flows), 2);
	rep_flows_expire(flows, T0 + 200 * SECOND);
	assert_int_equal(rep_flows_count(flows), 1);
	assert_ptr_equal(rep_flows_find(flows, b), b);
	assert_null(rep_flows_find(flows, &gone));
	/* the same ends again: the one before is over */
	opened(10, 1002, "mx3", 1000, 0);
	assert_int_equal(b->closed, T0 + SECOND);
}

#define MANY 40000u

/* What a flow was opened with, and whether it is still there; the list that the tables are compared with. */
static struct {
	struct rep_flow *flow;
	struct rep_flow ends;
	s64 opened;
	bool refused, gone;
} list[MANY];
static u32 list_count, list_gone;

static struct rep_flow *listed(const struct rep_flow *ends)
{
	u32 i;

	for (i = list_count; i-- > 0;)
		if (!list[i].gone && list[i].ends.from_port == ends->from_port && list[i].ends.to.lo == ends->to.lo)
			return list[i].flow;
	return NULL;
}

static bool listed_refused(struct mx_addr to, s64 time)
{
	u32 i;

	for (i = 0; i < list_count; i++)
		if (list[i].refused && !list[i].gone && list[i].ends.to.lo == to.lo &&
		    list[i].opened >= time - 5 * SECOND && list[i].opened < time + 5 * SECOND)
			return true;
	return false;
}

static void compare(s64 now)
{
	struct rep_flow ends = { .from = { 0, 0xc0000202 }, .to_port = 25 };

	ends.from_port = (u16)(1000 + random() % 3000);
	ends.to = (struct mx_addr){ 0, 0xc6336400 + (u32)random() % 3 };
	assert_ptr_equal(rep_flows_find(flows, &ends), listed(&ends));
	now -= random() % (200 * SECOND);
	assert_int_equal(rep_flows_refused(flows, MX_IPV4, ends.to, 25, now), listed_refused(ends.to, now));
	assert_int_equal(rep_flows_count(flows), list_count - list_gone);
}

static void list_one(u32 to, u16 port, s64 ms)
{
	struct rep_flow *flow = opened(to, port, "mx1", ms, 0);

	flow->refused = random() % 400 == 0;
	flow->closed = flow->opened;
	list[list_count].flow = flow;
	list[list_count].ends = *flow;
	list[list_count].opened = flow->opened;
	list[list_count++].refused = flow->refused;
}

static void list_expire(s64 now)
{
	u32 i;

	for (i = 0; i < list_count; i++) {
		if (list[i].gone || now - list[i].opened < REP_FLOW_KEPT)
			continue;
		list[i].gone = true;
		list_gone++;
	}
}

/* A listing, the latest first; then as they come, and are forgotten: the same as by a list that is searched through. */
static void test_many(void **state)
{
	s64 ms;

	(void)state;
	srandom(7);
	for (ms = 0; ms > -100000; ms -= 50)
		list_one((u32)random() % 3, (u16)(5000 + list_count), ms);
	for (ms = 0; list_count < MANY; ms += random() % 20) {
		list_one((u32)random() % 3, (u16)(1000 + random() % 3000), ms);
		if (random() % 50 == 0)
			compare(T0 + ms * 1000);
		if (random() % 2000 == 0) {
			s64 now = T0 + ms * 1000;

			rep_flows_expire(flows, now);
			list_expire(now);
			compare(now);
		}
	}
}

/* Where each is looked for among all to its host, this takes minutes. */
static void test_all_to_one_host(void **state)
{
	u32 i;

	(void)state;
	for (i = 0; i < REP_FLOWS_MAX; i++)
		opened(10 + i / 50000, (u16)i, "mx1", i, 0)->closed = T0 + SECOND;
	for (i = 0; i < REP_FLOWS_MAX; i++) {
		struct rep_flow ends = { .from = { 0, 0xc0000202 },
					 .to = { 0, 0xc633640a + i / 50000 },
					 .from_port = (u16)i,
					 .to_port = 25 };

		assert_int_equal(rep_flows_find(flows, &ends)->opened, T0 + i * 1000ll);
	}
	rep_flows_expire(flows, T0 + 2 * REP_FLOW_KEPT);
	assert_int_equal(rep_flows_count(flows), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_by_process),
		TEST(test_passed_over),
		TEST(test_by_port),
		TEST(test_by_port_late),
		TEST(test_only_source),
		TEST(test_by_uses),
		TEST(test_by_quoted_address),
		TEST(test_recipients),
		TEST(test_times),
		TEST(test_no_time),
		TEST(test_doubt),
		TEST(test_refusals),
		TEST(test_caller_comes_first),
		TEST(test_expiry),
		TEST(test_many),
		TEST(test_all_to_one_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
