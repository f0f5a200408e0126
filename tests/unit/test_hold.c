// SPDX-License-Identifier: GPL-2.0-or-later
/* Who waits, for what and for how long; and the steps that look at open connections and at a pool's shares. */
#include "tests/unit/build.h"

#define SOURCES                                                                                                        \
	"sources: { s0: { address = \"192.0.2.1\"; address6 = \"2001:db8::1\"; }; s1: { address = \"192.0.2.2\"; };"   \
	" s2: { address = \"192.0.2.3\"; }; spare: { address = \"192.0.2.9\"; }; };"
#define POOLS(more)                                                                                                    \
	"pools: { main: { members: { s0 = 1; s1 = 1; }; " more " }; other: { members: { s2 = 1; }; };"                 \
	" reserve: { members: { spare = 1; }; }; };"
#define P0 "p0: { prefixes = [ \"198.51.100.0/24\", \"2001:db8:100::/48\" ]; wait = 20; wait-max = 3; };"
#define P1 "p1: { prefixes = [ \"203.0.113.0/24\" ]; wait = 0; };"
#define PROVIDERS "providers: { " P0 P1 " default: { wait-max = 5; }; };"
#define ROUTES "routes = ( { class = \"c\"; pool = \"other\"; }, { pool = \"main\"; } );"
#define CLASSES "classes: { c: { users = [ 7 ]; }; };"
#define POLICY SOURCES POOLS("") PROVIDERS CLASSES ROUTES
#define WITH_OVERFLOW SOURCES POOLS("overflow = \"reserve\";") PROVIDERS CLASSES ROUTES

#define AT_P0 "198.51.100.7"
#define AT_P1 "203.0.113.7"
#define NOW 1000000ULL

static struct build b;

static struct mx_verdict ask(const struct mx_flow *flow, u64 waited)
{
	struct mx_verdict v;

	mx_state_changed(&b.state); /* tests write into it as they like */
	mx_decide(b.snapshot, &b.state, flow, MX_NONE, (struct mx_moment){ NOW, waited }, &v);
	return v;
}

static struct mx_verdict ask_to(const char *to, u64 waited)
{
	struct mx_flow flow = flow_to(to);

	return ask(&flow, waited);
}

static struct mx_verdict answer_to(const char *to, u64 waited)
{
	struct mx_flow flow = flow_to(to);
	struct mx_verdict v = ask(&flow, waited);

	mx_account(b.snapshot, &b.state, &flow, NOW, &v);
	return v;
}

/* No room in connections; `ready` is when there will be. */
static void fill(struct mx_room *room, enum mx_reason why, u64 ready)
{
	*room = (struct mx_room){ .limited = 1u << MX_CONNECTIONS, .opened = true, .ready = ready };
	room->why[MX_CONNECTIONS] = (u8)why;
}

static void fill_lane(u32 provider, u32 source, enum mx_reason why, u64 ready)
{
	fill(&mx_state_lane(&b.state, provider, source)->room, why, ready);
}

static void give(u32 provider, u32 source, u32 n)
{
	struct mx_room *room = &mx_state_lane(&b.state, provider, source)->room;

	room->left[MX_CONNECTIONS] = room->covered[MX_CONNECTIONS] = n;
}

static void test_when_to_wait(void **state)
{
	(void)state;
	build_up(&b, POLICY);
	fill_lane(0, 0, MX_REASON_LIMIT_DAY, NOW + 20001);
	fill_lane(0, 1, MX_REASON_PACE, NOW + 19999);
	assert_int_equal(ask_to(AT_P0, 0).action, MX_HOLD); /* for the one that is ready first */
	assert_int_equal(ask_to(AT_P0, 0).reason, MX_REASON_PACE);
	assert_int_equal(ask_to(AT_P0, 0).mark, 0);
	assert_int_equal(ask_to(AT_P0, 2).action, MX_REFUSE); /* its patience ends before */
	assert_int_equal(ask_to(AT_P0, 2).reason, MX_REASON_PACE);
	fill_lane(0, 1, MX_REASON_PACE, NOW + 20000);
	assert_int_equal(ask_to(AT_P0, 0).action, MX_REFUSE);
	fill_lane(0, 1, MX_REASON_PACE, MX_NEVER);
	assert_int_equal(ask_to(AT_P0, 0).action, MX_REFUSE);
	fill_lane(0, 1, MX_REASON_LIMIT_WEEK, NOW - 5); /* due, and asked about soon */
	assert_int_equal(ask_to(AT_P0, 19999).action, MX_HOLD);
	assert_int_equal(ask_to(AT_P0, 20000).action, MX_REFUSE);
	fill_lane(1, 0, MX_REASON_PACE, NOW + 1);
	fill_lane(1, 1, MX_REASON_PACE, NOW);
	assert_int_equal(ask_to(AT_P1, 0).action, MX_REFUSE);  /* never, there */
	mx_state_lane(&b.state, 0, 1)->flags = MX_LANE_PAUSED; /* that one has room, but rests */
	fill_lane(0, 1, MX_REASON_PACE, NOW + 1);
	assert_int_equal(ask_to(AT_P0, 0).action, MX_REFUSE);
	assert_int_equal(ask_to(AT_P0, 0).reason, MX_REASON_LIMIT_DAY);
	build_down(&b);
}

/* All rooms that a connection takes from must be ready; the last of them counts. */
static void test_each_room_counts(void **state)
{
	(void)state;
	build_up(&b, POLICY);
	mx_state_lane(&b.state, 0, 1)->flags = MX_LANE_PAUSED;
	fill_lane(0, 0, MX_REASON_LIMIT_HOUR, NOW + 5);
	assert_int_equal(ask_to(AT_P0, 0).action, MX_HOLD);
	fill(&b.state.source_room[0], MX_REASON_LIMIT_DAY, NOW + 30000);
	assert_int_equal(ask_to(AT_P0, 0).action, MX_REFUSE);
	fill(&b.state.source_room[0], MX_REASON_LIMIT_DAY, NOW + 9);
	assert_int_equal(ask_to(AT_P0, 0).action, MX_HOLD);
	fill(&b.state.provider_room[0], MX_REASON_LIMIT_WEEK, MX_NEVER);
	assert_int_equal(ask_to(AT_P0, 0).action, MX_REFUSE);
	give(0, 0, 1);
	assert_int_equal(ask_to(AT_P0, 0).reason, MX_REASON_LIMIT_DAY); /* its own first, then of all that it sends */
	b.state.source_room[0].left[MX_CONNECTIONS] = 1;
	assert_int_equal(ask_to(AT_P0, 0).reason, MX_REASON_LIMIT_WEEK); /* then of all that goes there */
	build_down(&b);
}

static void test_how_many_wait(void **state)
{
	u32 i;

	(void)state;
	build_up(&b, POLICY);
	fill_lane(0, 0, MX_REASON_PACE, NOW + 10);
	fill_lane(0, 1, MX_REASON_PACE, NOW + 10);
	for (i = 0; i < 3; i++)
		assert_int_equal(answer_to(AT_P0, 0).action, MX_HOLD);
	assert_int_equal(b.state.held[0], 3);
	assert_int_equal(answer_to(AT_P0, 0).action, MX_REFUSE);
	assert_int_equal(*mx_state_refused(&b.state, 0, MX_REASON_PACE), 1);
	assert_int_equal(answer_to("192.0.2.77", 0).action, MX_ASSIGN); /* others are no concern of theirs */
	mx_state_forget_held(&b.state, b.snapshot);
	assert_int_equal(b.state.held[0], 0);
	assert_int_equal(answer_to(AT_P0, 5).action, MX_HOLD);
	build_down(&b);
}

/* Room has come while others wait for it: who has just arrived waits behind, but not for another pool or family. */
static void test_nobody_overtakes(void **state)
{
	struct mx_flow flow = flow_to(AT_P0);

	(void)state;
	build_up(&b, POLICY);
	fill_lane(0, 0, MX_REASON_PACE, NOW + 10);
	fill_lane(0, 1, MX_REASON_LIMIT_HOUR, NOW + 10000);
	assert_int_equal(answer_to(AT_P0, 0).action, MX_HOLD);
	give(0, 0, 1);
	assert_int_equal(ask_to(AT_P0, 0).action, MX_HOLD);
	assert_int_equal(ask_to(AT_P0, 0).reason, MX_REASON_PACE);
	assert_int_equal(ask_to("2001:db8:100::1", 0).action, MX_ASSIGN);
	flow.user = 7;
	assert_int_equal(ask(&flow, 0).action, MX_ASSIGN);
	mx_state_forget_held(&b.state, b.snapshot);
	assert_int_equal(answer_to(AT_P0, 100).action, MX_ASSIGN); /* the first in line */
	assert_int_equal(answer_to(AT_P0, 50).action, MX_HOLD);
	build_down(&b);
}

/* Destinations of the default provider are strangers to each other. */
static void test_default_provider_does_not_queue(void **state)
{
	u16 other = 2;

	(void)state;
	build_up(&b, POLICY);
	assert_int_equal(other, b.snapshot->default_provider);
	fill_lane(other, 0, MX_REASON_PACE, NOW + 10);
	fill_lane(other, 1, MX_REASON_PACE, NOW + 10);
	assert_int_equal(answer_to("192.0.2.77", 0).action, MX_HOLD);
	give(other, 0, 1);
	assert_int_equal(answer_to("192.0.3.77", 0).action, MX_ASSIGN);
	build_down(&b);
}

static void test_then_overflow_then_refusal(void **state)
{
	u32 i;

	(void)state;
	build_up(&b, WITH_OVERFLOW);
	fill_lane(0, 0, MX_REASON_LIMIT_HOUR, NOW + 5000);
	fill_lane(0, 1, MX_REASON_LIMIT_DAY, NOW + 90000000);
	for (i = 0; i < 3; i++)
		assert_int_equal(answer_to(AT_P0, 0).action, MX_HOLD);
	assert_int_equal(answer_to(AT_P0, 0).reason, MX_REASON_OVERFLOW); /* too many wait */
	mx_state_forget_held(&b.state, b.snapshot);
	assert_int_equal(ask_to(AT_P0, 16000).reason, MX_REASON_OVERFLOW); /* too long */
	assert_int_equal(ask_to(AT_P0, 16000).source, 3);
	fill_lane(0, 3, MX_REASON_PACE, NOW + 1); /* nobody waits for an overflow pool */
	assert_int_equal(ask_to(AT_P0, 16000).action, MX_REFUSE);
	assert_int_equal(ask_to(AT_P0, 16000).reason, MX_REASON_LIMIT_DAY); /* of the pool that was routed to */
	build_down(&b);
}

/* The ledger has not written it down: a short wait, whatever `wait` is; then a refusal that says so. */
static void test_ledger(void **state)
{
	struct mx_verdict v;

	(void)state;
	build_up(&b,
		 SOURCES POOLS(
			 "") "providers: { p0: { prefixes = [ \"198.51.100.0/24\" ]; limits = [ \"9 connections/day\" "
			     "]; wait = 0; }; };" CLASSES ROUTES);
	v = ask_to(AT_P0, 0);
	assert_int_equal(v.action, MX_HOLD);
	assert_int_equal(v.reason, MX_REASON_LEDGER);
	assert_int_equal(v.source, 0);
	assert_int_equal(v.member, MX_NONE);
	assert_int_equal(ask_to(AT_P0, MX_LEDGER_PATIENCE - 1).action, MX_HOLD);
	v = ask_to(AT_P0, MX_LEDGER_PATIENCE);
	assert_int_equal(v.action, MX_REFUSE);
	assert_int_equal(v.reason, MX_REASON_LEDGER);
	fill_lane(0, 0, MX_REASON_LIMIT_DAY, 0);
	give(0, 0, 5);
	assert_int_equal(ask_to(AT_P0, 0).action, MX_ASSIGN);
	mx_state_lane(&b.state, 0, 0)->room.covered[MX_CONNECTIONS] = 0;
	assert_int_equal(ask_to(AT_P0, 0).reason, MX_REASON_LEDGER);
	fill_lane(0, 1, MX_REASON_LIMIT_DAY, 0);
	give(0, 1, 5);
	assert_int_equal(ask_to(AT_P0, 0).source, 0); /* in a moment it will have a lease */
	b.state.ledger_stuck = true;
	assert_int_equal(ask_to(AT_P0, 0).source, 1); /* it will not */
	assert_int_equal(ask_to(AT_P0, 0).action, MX_ASSIGN);
	mx_state_lane(&b.state, 0, 1)->room.covered[MX_CONNECTIONS] = 0;
	assert_int_equal(ask_to(AT_P0, MX_LEDGER_PATIENCE).action, MX_REFUSE);
	assert_int_equal(ask_to(AT_P0, MX_LEDGER_PATIENCE).reason, MX_REASON_LEDGER);
	build_down(&b);
}

/* The same where a destination's network is warmed up by itself. */
static void test_ledger_of_a_network(void **state)
{
	struct mx_networks *networks = calloc(1, sizeof(*networks));
	struct mx_flow flow = flow_to("192.0.2.77");
	struct mx_network_lane *lane, gone;
	u16 best;

	(void)state;
	build_up(&b,
		 "schedules: { s: { daily = [ 10 ]; }; };"
		 "sources: { s0: { address = \"192.0.2.1\"; warmup: { started = \"2026-01-01\"; schedule = \"s\"; }; };"
		 " s1: { address = \"192.0.2.2\"; warmup: { started = \"2026-01-01\"; schedule = \"s\"; }; }; };"
		 "pools: { main: { members: { s0 = 1; s1 = 1; }; }; }; routes = ( { pool = \"main\"; } );");
	b.state.networks = networks;
	assert_int_equal(ask(&flow, 0).reason, MX_REASON_LEDGER);
	best = ask(&flow, 0).source;
	lane = mx_networks_add(networks, mx_network_of(flow.to, flow.family),
			       mx_snapshot_sources(b.snapshot)[1 - best].key, 1, &gone);
	lane->room =
		(struct mx_room){ .opened = true, .limited = 1u << MX_MESSAGES, .left = { 5, 0 }, .covered = { 5, 0 } };
	assert_int_equal(ask(&flow, 0).source, best);
	b.state.ledger_stuck = true; /* then who has a lease serves */
	assert_int_equal(ask(&flow, 0).action, MX_ASSIGN);
	assert_int_equal(ask(&flow, 0).source, 1 - best);
	lane->room.left[MX_MESSAGES] = 0;
	lane->room.why[MX_MESSAGES] = MX_REASON_WARMUP;
	lane->room.ready = MX_NEVER;
	assert_int_equal(ask(&flow, MX_LEDGER_PATIENCE).action, MX_REFUSE);
	assert_int_equal(ask(&flow, MX_LEDGER_PATIENCE).reason, MX_REASON_LEDGER);
	build_down(&b);
	free(networks);
}

static void test_concurrency(void **state)
{
	struct mx_lane *s0, *s1;

	(void)state;
	build_up(&b, POLICY);
	s0 = mx_state_lane(&b.state, 0, 0);
	s1 = mx_state_lane(&b.state, 0, 1);
	s0->slots = 2;
	s1->slots = 1;
	assert_int_equal(answer_to(AT_P0, 0).action, MX_ASSIGN);
	assert_int_equal(answer_to(AT_P0, 0).action, MX_ASSIGN);
	assert_int_equal(answer_to(AT_P0, 0).source, 0);
	assert_int_equal(s0->open, 2);
	assert_int_equal(s1->open, 1);
	assert_int_equal(answer_to(AT_P0, 0).action, MX_HOLD); /* a connection has to close: that may be any moment */
	assert_int_equal(ask_to(AT_P0, 19999).reason, MX_REASON_CONCURRENCY);
	assert_int_equal(ask_to(AT_P0, 20000).action, MX_REFUSE);
	mx_state_forget_held(&b.state, b.snapshot);
	s1->flags = MX_LANE_BACKING_OFF;
	assert_int_equal(ask_to(AT_P0, 20000).reason, MX_REASON_CONCURRENCY); /* of the one that came furthest */
	s0->flags = MX_LANE_BACKING_OFF;
	assert_int_equal(ask_to(AT_P0, 0).reason, MX_REASON_BACKING_OFF);
	s1->open--;
	assert_int_equal(ask_to(AT_P0, 0).source, 1);
	s1->slots = 0; /* no limit */
	s1->open = 100000;
	assert_int_equal(ask_to(AT_P0, 0).source, 1);
	build_down(&b);
}

/* --- max-share --------------------------------------------------------------------------------------------------- */

#define SHARED(share)                                                                                                  \
	SOURCES "pools: { main: { members: { s0 = 5; s1 = 3; s2 = 2; }; max-share = " #share                           \
		"; }; other: { members: { s2 = 1; }; }; reserve: { members: { spare = 1; }; }; };" PROVIDERS CLASSES   \
			ROUTES

static struct mx_pool *shared_by(u32 percent)
{
	struct mx_pool *pool;

	build_up(&b, SHARED(60));
	pool = (struct mx_pool *)(uintptr_t)mx_snapshot_pools(b.snapshot);
	pool->max_share = (u16)percent;
	return pool;
}

/* The last healthy source does not get everybody's mail, and what it gets comes evenly. */
static void test_share_of_the_last(void **state)
{
	static const u32 shares[] = { 60, 34, 90, 1 }, first[] = { 4, 3, 12, 3 }, then[] = { 2, 1, 9, 1 };
	u32 i, run;

	(void)state;
	for (run = 0; run < 4; run++) {
		u32 share = shares[run], served = 0, burst = 0, most = first[run];

		shared_by(share);
		b.state.usable[1] = b.state.usable[2] = 0;
		for (i = 1; i <= 1000; i++) {
			struct mx_verdict v = answer_to(AT_P0, 0);

			if (v.action == MX_ASSIGN) {
				served++;
				assert_in_range(++burst, 1, most);
				continue;
			}
			assert_int_equal(v.action, MX_REFUSE); /* nobody waits for another's share */
			assert_int_equal(v.reason, MX_REASON_MAX_SHARE);
			assert_true(served * 100 >= i * share);
			if (served == i - 1) /* the first time */
				assert_int_equal(burst, most);
			burst = 0;
			most = then[run];
		}
		assert_in_range(served, share * 10, share * 10 + 2);
		build_down(&b);
	}
}

/* While all are well, and no weight asks for more than the share, nothing is disturbed. */
static void test_share_of_the_healthy(void **state)
{
	u64 seed = 31;
	u32 run, i, j;

	(void)state;
	print_message("# seed %llu\n", (unsigned long long)seed);
	for (run = 0; run < 200; run++) {
		u64 n[3] = { 0 }, weight[3], total = 0, largest = 0;
		struct mx_pool *pool;

		pool = shared_by(100);
		for (j = 0; j < 3; j++) {
			weight[j] = 1 + random_next(&seed) % 100;
			mx_state_slot(&b.state, pool, 0, j)->weight = (u32)weight[j] * 1000;
			total += weight[j];
			largest = weight[j] > largest ? weight[j] : largest;
		}
		pool->max_share = (u16)((largest * 100 + total - 1) / total);
		for (i = 1; i <= 1000; i++) {
			struct mx_verdict v = answer_to(AT_P0, 0);

			assert_int_equal(v.action, MX_ASSIGN);
			n[v.source]++;
			for (j = 0; j < 3; j++) /* never a whole connection off */
				assert_true(n[j] * total < i * weight[j] + total &&
					    n[j] * total + total > i * weight[j]);
		}
		build_down(&b);
	}
}

/* A destination keeps its source while all are well; with one left its share is kept all the same. */
static void test_share_of_the_sticky(void **state)
{
	struct mx_flow flow = flow_to("11.0.0.1");
	u64 seed = 8;
	u32 i, served = 0;

	(void)state;
	print_message("# seed %llu\n", (unsigned long long)seed);
	shared_by(60);
	for (i = 0; i < 20000; i++) {
		struct mx_verdict v;

		flow.to.lo = 0x0b000001 + (random_next(&seed) % 100000 << 8);
		b.state.groups[b.snapshot->default_provider].asked += 1000; /* as if nobody had carried much */
		v = ask(&flow, 0);
		b.state.groups[b.snapshot->default_provider].asked -= 1000;
		assert_int_equal(ask(&flow, 0).source, v.source);
		mx_account(b.snapshot, &b.state, &flow, NOW, &v);
	}
	b.state.usable[1] = b.state.usable[2] = 0;
	for (i = 0; i < 1000; i++)
		served += answer_to("11.0.0.1", 0).action == MX_ASSIGN;
	assert_in_range(served, 600, 625);
	build_down(&b);
}

/* One rests for a while; what it missed is not made up for at the cost of the share. */
static void test_share_comes_back(void **state)
{
	u32 n[4] = { 0 }, i;

	(void)state;
	build_up(&b, SHARED(60));
	b.state.usable[1] = b.state.usable[2] = 0;
	for (i = 0; i < 1000; i++)
		answer_to(AT_P0, 0);
	b.state.usable[1] = b.state.usable[2] = 1;
	for (i = 0; i < 1000; i++) {
		struct mx_verdict v = answer_to(AT_P0, 0);

		assert_int_equal(v.action, MX_ASSIGN);
		n[v.source]++;
	}
	assert_in_range(n[0], 497, 503);
	assert_in_range(n[1], 297, 303);
	build_down(&b);
}

/* --- sticky ------------------------------------------------------------------------------------------------------ */

/* A source that has no room loses its destinations for so long, and nobody else's move. */
static void test_sticky_moves_only_what_it_must(void **state)
{
	struct mx_flow flow = flow_to("11.0.0.1");
	u16 *before = malloc(20000 * sizeof(*before));
	u32 i, moved = 0, own = 0;

	(void)state;
	build_up(&b, SOURCES "pools: { main: { members: { s0 = 1; s1 = 2; s2 = 1; spare = 1; }; }; };"
			     "routes = ( { pool = \"main\"; } );");
	for (i = 0; i < 20000; i++) {
		flow.to.lo = 0x0b000001 + (i << 8);
		before[i] = ask(&flow, 0).source;
	}
	fill_lane(0, 1, MX_REASON_LIMIT_DAY, NOW + 100000);
	for (i = 0; i < 20000; i++) {
		struct mx_verdict v;

		flow.to.lo = 0x0b000001 + (i << 8);
		v = ask(&flow, 0);
		assert_int_equal(v.reason, MX_REASON_STICKY);
		assert_int_not_equal(v.source, 1);
		own += before[i] == 1;
		moved += v.source != before[i];
	}
	assert_int_equal(moved, own);
	assert_in_range(own, 7600, 8400);
	give(0, 1, 1);
	for (i = 0; i < 20000; i++) {
		flow.to.lo = 0x0b000001 + (i << 8);
		assert_int_equal(ask(&flow, 0).source, before[i]);
	}
	free(before);
	build_down(&b);
}

/* --- networks ---------------------------------------------------------------------------------------------------- */

/* What one network says of a source concerns nobody else. */
static void test_one_network(void **state)
{
	struct mx_networks *networks = calloc(1, sizeof(*networks));
	struct mx_flow here = flow_to("192.0.2.77"), near = flow_to("192.0.2.1"), far = flow_to("192.0.3.1");
	struct mx_network_lane *lane[2], gone;
	u32 i;

	(void)state;
	build_up(&b, POLICY);
	b.state.networks = networks;
	for (i = 0; i < 2; i++)
		lane[i] = mx_networks_add(networks, mx_network_of(here.to, here.family),
					  mx_snapshot_sources(b.snapshot)[i].key, 1, &gone);
	lane[0]->flags = MX_LANE_PAUSED;
	assert_int_equal(ask(&here, 0).source, 1);
	lane[1]->flags = MX_LANE_PAUSED;
	assert_int_equal(ask(&near, 0).action, MX_REFUSE);
	assert_int_equal(ask(&near, 0).reason, MX_REASON_PAUSED);
	assert_int_equal(ask(&far, 0).action, MX_ASSIGN);
	lane[1]->flags = MX_LANE_BACKING_OFF;
	lane[1]->slots = 1;
	assert_int_equal(ask(&here, 0).source, 1);
	lane[1]->open = 1;
	assert_int_equal(ask(&here, 0).action, MX_HOLD);
	assert_int_equal(ask(&here, 0).reason, MX_REASON_BACKING_OFF);
	build_down(&b);
	free(networks);
}

/* --- the books --------------------------------------------------------------------------------------------------- */

/* At random: each decision has one reason, and each is in the books once. */
static void test_every_decision_is_booked(void **state)
{
	static const char *const to[] = { AT_P0, AT_P1, "192.0.2.77", "2001:db8:100::1", "127.9.9.9" };
	u64 seed = 15, counted[4] = { 0 }, assigned = 0, refused = 0, passed = 0;
	u32 i, j, reason;

	(void)state;
	print_message("# seed %llu\n", (unsigned long long)seed);
	build_up(&b, "exempt = [ \"127.9.9.0/24\" ];" WITH_OVERFLOW);
	for (i = 0; i < 100000; i++) {
		u32 provider = (u32)(random_next(&seed) % 3), source = (u32)(random_next(&seed) % 4);
		struct mx_lane *lane = mx_state_lane(&b.state, provider, source);
		struct mx_verdict v;

		lane->flags = random_next(&seed) % 4 ? 0 : MX_LANE_PAUSED;
		fill_lane(provider, source, MX_REASON_LIMIT_HOUR, NOW + random_next(&seed) % 40000);
		give(provider, source, (u32)(random_next(&seed) % 3));
		mx_state_forget_held(&b.state, b.snapshot);
		v = answer_to(to[random_next(&seed) % 5], random_next(&seed) % 3 ? 0 : 20000);
		counted[v.action]++;
		assert_true((v.action == MX_PASS) == (v.reason == MX_REASON_EXEMPT));
		assert_true((v.action == MX_ASSIGN) == (v.reason >= MX_REASON_WEIGHTED));
		assert_true((v.action == MX_ASSIGN) == (v.member != MX_NONE));
		assert_true((v.action == MX_HOLD) == (v.mark == 0));
	}
	for (i = 0; i < b.state.providers; i++) {
		for (j = 0; j < b.state.sources; j++)
			assigned += mx_state_lane(&b.state, i, j)->connections;
		for (reason = 0; reason < MX_REASON_COUNT; reason++)
			refused += *mx_state_refused(&b.state, i, reason);
		passed += b.state.passed[i];
	}
	assert_int_equal(assigned, counted[MX_ASSIGN]);
	assert_int_equal(refused, counted[MX_REFUSE]);
	assert_int_equal(passed, counted[MX_PASS]);
	assert_true(counted[MX_HOLD] > 1000 && refused > 1000 && assigned > 1000 && passed > 1000);
	build_down(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_when_to_wait),
		cmocka_unit_test(test_each_room_counts),
		cmocka_unit_test(test_how_many_wait),
		cmocka_unit_test(test_nobody_overtakes),
		cmocka_unit_test(test_default_provider_does_not_queue),
		cmocka_unit_test(test_then_overflow_then_refusal),
		cmocka_unit_test(test_ledger),
		cmocka_unit_test(test_ledger_of_a_network),
		cmocka_unit_test(test_concurrency),
		cmocka_unit_test(test_share_of_the_last),
		cmocka_unit_test(test_share_of_the_healthy),
		cmocka_unit_test(test_share_of_the_sticky),
		cmocka_unit_test(test_share_comes_back),
		cmocka_unit_test(test_sticky_moves_only_what_it_must),
		cmocka_unit_test(test_one_network),
		cmocka_unit_test(test_every_decision_is_booked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
