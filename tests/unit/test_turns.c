// SPDX-License-Identifier: GPL-2.0-or-later
/* The order of the round robin chooses as if all were asked every time. */
#include "tests/unit/build.h"

#include "core/turns.h"

#define SOURCES 40

/* Two of the same: one keeps its order, the other has to ask all for every connection. */
struct twins {
	struct build quick, slow;
};

static char *configuration(u32 sources, u32 without6)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	u32 i;

	fputs("sources: {", out);
	for (i = 0; i < sources; i++) {
		fprintf(out, " s%u: { address = \"192.0.2.%u\";", i, i + 1);
		if (i >= without6)
			fprintf(out, " address6 = \"2001:db8::%u\";", i + 1);
		fputs(" };", out);
	}
	fputs(" }; providers: { google: { prefixes = [ \"198.51.100.0/24\", \"2001:db8:1::/48\" ]; }; };"
	      " routes = ( { pool = \"main\"; } ); pools: { main: { members: {",
	      out);
	for (i = 0; i < sources; i++)
		fprintf(out, " s%u = 1;", i);
	fputs(" }; }; };", out);
	fclose(out);
	return text;
}

static void twins_up(struct twins *t, u32 sources, u32 without6)
{
	char *text = configuration(sources, without6);

	build_up(&t->quick, text);
	build_up(&t->slow, text);
	free(text);
}

static void twins_down(struct twins *t)
{
	build_down(&t->quick);
	build_down(&t->slow);
}

static void set_weight(struct build *b, u32 member, u32 weight)
{
	mx_state_set_weight(&b->state, b->snapshot, 0, 0, member, weight);
	mx_state_bound_credit(&b->state, b->snapshot, 0, 0);
	mx_state_changed(&b->state);
}

static void set_flags(struct build *b, u32 source, u32 flags)
{
	mx_state_lane(&b->state, 0, source)->flags = flags;
	mx_state_changed(&b->state);
}

static void set_room(struct build *b, u32 source, u32 left)
{
	struct mx_room *room = &mx_state_lane(&b->state, 0, source)->room;

	*room = (struct mx_room){ .limited = left ? 1u << MX_CONNECTIONS : 0,
				  .why[MX_CONNECTIONS] = MX_REASON_LIMIT_HOUR,
				  .ready = MX_NEVER };
	room->left[MX_CONNECTIONS] = left;
	mx_state_changed(&b->state);
}

static u16 serve_quickly(struct build *b, const struct mx_flow *flow)
{
	struct mx_verdict v;

	mx_decide(b->snapshot, &b->state, flow, MX_NONE, (struct mx_moment){ 0, 0 }, &v);
	mx_account(b->snapshot, &b->state, flow, 0, &v);
	return v.member;
}

/* Both are asked; returns whether the quick one knew without asking all. */
static bool serve_both(struct twins *t, const struct mx_flow *flow)
{
	bool known = mx_turns_next(&t->quick.state, t->quick.snapshot, 0, 0, flow->family) != MX_NONE;

	assert_int_equal(serve_quickly(&t->quick, flow), serve(&t->slow, flow).member);
	return known;
}

static void settled_alike(struct twins *t, u32 sources)
{
	const struct mx_pool *pool = mx_snapshot_pools(t->quick.snapshot);
	u32 i;

	mx_turns_settle(&t->quick.state, t->quick.snapshot, 0, 0);
	for (i = 0; i < sources; i++)
		assert_true(mx_state_slot(&t->quick.state, pool, 0, i)->credit ==
			    mx_state_slot(&t->slow.state, pool, 0, i)->credit);
}

static u32 random_weight(u64 *seed)
{
	switch (random_next(seed) % 4) {
	case 0:
		return (u32)(random_next(seed) % (MX_WEIGHT_MAX + 1));
	case 1:
		return (u32)(random_next(seed) % 3 * 1000); /* many alike, and some none */
	default:
		return (u32)(1 + random_next(seed) % 9) * 1000;
	}
}

static void change(struct twins *t, u32 sources, u64 *seed)
{
	u32 at = (u32)(random_next(seed) % sources), n;

	switch (random_next(seed) % 5) {
	case 0:
		n = random_weight(seed);
		set_weight(&t->quick, at, n);
		set_weight(&t->slow, at, n);
		break;
	case 1:
		n = random_next(seed) % 2 ? MX_LANE_PAUSED : 0;
		set_flags(&t->quick, at, n);
		set_flags(&t->slow, at, n);
		break;
	case 2: /* it is the last connection that changes who is a candidate */
		n = (u32)(random_next(seed) % 20);
		set_room(&t->quick, at, n);
		set_room(&t->slow, at, n);
		break;
	case 3: /* nothing was changed */
		mx_state_bound_credit(&t->quick.state, t->quick.snapshot, 0, 0);
		mx_state_bound_credit(&t->slow.state, t->slow.snapshot, 0, 0);
		break;
	default: /* the same candidates */
		mx_state_changed(&t->quick.state);
		break;
	}
}

static void test_as_if_all_were_asked(void **state)
{
	struct mx_flow four = flow_to("198.51.100.7"), six = flow_to("2001:db8:1::7");
	u64 seed = 77, known = 0, all = 0;
	u32 pools, i, j;

	(void)state;
	print_message("# seed %llu\n", (unsigned long long)seed);
	for (pools = 0; pools < 400; pools++) {
		u32 sources = 1 + (u32)(random_next(&seed) % SOURCES);
		u32 without6 = pools % 2 ? (u32)(random_next(&seed) % sources) : 0;
		u32 often = 1 + (u32)(random_next(&seed) % 300), sixes = (u32)(random_next(&seed) % 3);
		struct twins t;

		twins_up(&t, sources, without6);
		for (j = 0; j < sources; j++) {
			u32 weight = random_weight(&seed);

			set_weight(&t.quick, j, weight);
			set_weight(&t.slow, j, weight);
		}
		for (i = 0; i < 3000; i++) {
			if (random_next(&seed) % often == 0)
				change(&t, sources, &seed);
			known += serve_both(&t, sixes && random_next(&seed) % 10 < 3 * sixes ? &six : &four);
			all++;
		}
		settled_alike(&t, sources);
		twins_down(&t);
	}
	print_message("# %llu of %llu were known\n", (unsigned long long)known, (unsigned long long)all);
	assert_in_range(known, all / 2, all); /* it is the order that was tried */
}

/* Long enough for what everybody gained to be added up. */
static void test_for_a_long_time(void **state)
{
	static const u32 weight[] = { 1000000, 999999, 1, 1000, 500000 };
	struct mx_flow flow = flow_to("198.51.100.7");
	struct twins t;
	u32 i, known = 0;

	(void)state;
	twins_up(&t, 5, 0);
	for (i = 0; i < 5; i++) {
		set_weight(&t.quick, i, weight[i]);
		set_weight(&t.slow, i, weight[i]);
	}
	for (i = 0; i < 2200000; i++)
		known += serve_both(&t, &flow);
	assert_in_range(known, i - 10, i - 2);
	settled_alike(&t, 5);
	twins_down(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_as_if_all_were_asked),
					    cmocka_unit_test(test_for_a_long_time) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
