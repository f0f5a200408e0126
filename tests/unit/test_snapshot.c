// SPDX-License-Identifier: GPL-2.0-or-later
/* Nobody trusts a snapshot: every damage is found, or does no harm. */
#include "core/classify.h"
#include "tests/unit/build.h"

static const char policy[] =
	"sources: { mx1: { address = \"192.0.2.1\"; address6 = \"2001:db8::1\"; }; mx2: { address = \"192.0.2.2\"; }; "
	"};"
	"pools: { main: { members: { mx1 = 3; mx2 = 1; }; overflow = \"second\"; }; second: { members: { mx2 = 1; }; "
	"}; };"
	"providers: { google: { prefixes = [ \"198.51.100.0/24\", \"2001:db8:100::/48\" ]; }; };"
	"classes: { c: { users = [ 1, 2 ]; groups = [ 3 ]; marks = [ 4 ]; clients = [ \"10.0.0.0/8\" ]; }; };"
	"routes = ( { class = \"c\"; pool = \"second\"; }, { pool = \"main\"; } );";

static void *copy_of(const struct mx_snapshot *s)
{
	void *copy = malloc(s->size);

	memcpy(copy, s, s->size);
	return copy;
}

#define SECTION(s, id, type) ((type *)((char *)(s) + (s)->section[MX_SECTION_##id].offset))

#define DAMAGE(what)                                                                                                   \
	do {                                                                                                           \
		struct mx_snapshot *s = copy_of(b.snapshot);                                                           \
		what;                                                                                                  \
		if (!mx_snapshot_check(s, b.snapshot->size))                                                           \
			fail_msg("not found: %s", #what);                                                              \
		free(s);                                                                                               \
	} while (0)

static void test_every_kind_of_damage(void **state)
{
	struct build b;

	(void)state;
	build_up(&b, policy);
	assert_null(mx_snapshot_check(b.snapshot, b.snapshot->size));
	assert_non_null(mx_snapshot_check(b.snapshot, b.snapshot->size - 1));
	assert_non_null(mx_snapshot_check(b.snapshot, 8));
	DAMAGE(s->magic++);
	DAMAGE(s->version++);
	DAMAGE(s->size++);
	DAMAGE(s->slots++);
	DAMAGE(s->mark_mask = 0);
	DAMAGE(s->mark_mask = 0x0fff0001);
	DAMAGE(SECTION(s, SOURCES, struct mx_source)[1].mark = SECTION(s, SOURCES, struct mx_source)[0].mark);
	DAMAGE(SECTION(s, BY_MARK, u16)[1] = 0);
	DAMAGE(SECTION(s, BY_MARK, u16)[0] = 2);
	DAMAGE(s->section[MX_SECTION_BY_MARK].count = 1);
	DAMAGE(s->default_provider = (u16)mx_snapshot_count(s, MX_SECTION_PROVIDERS));
	DAMAGE(s->section[MX_SECTION_ROUTES].offset += 8);
	DAMAGE(s->section[MX_SECTION_ROUTES].count = 1ULL << 40);
	DAMAGE(SECTION(s, SOURCES, struct mx_source)[0].mark = 0);
	DAMAGE(SECTION(s, SOURCES, struct mx_source)[0].mark = 0x0fff0000);
	DAMAGE(SECTION(s, SOURCES, struct mx_source)[0].mark = 0x0ffe0000);
	DAMAGE(SECTION(s, SOURCES, struct mx_source)[0].mark = 1);
	DAMAGE(SECTION(s, SOURCES, struct mx_source)[0].families = 0);
	DAMAGE(SECTION(s, POOLS, struct mx_pool)[0].members = 0);
	DAMAGE(SECTION(s, POOLS, struct mx_pool)[1].first_slot++);
	DAMAGE(SECTION(s, POOLS, struct mx_pool)[1].overflow = 7);
	DAMAGE(SECTION(s, POOLS, struct mx_pool)[1].overflow = 0);
	DAMAGE(SECTION(s, MEMBERS, struct mx_member)[2].source = 2);
	DAMAGE(SECTION(s, PROVIDERS, struct mx_provider)[0].balance = 2);
	DAMAGE(SECTION(s, ROUTES, struct mx_route)[0].pool = 2);
	DAMAGE(SECTION(s, ROUTES, struct mx_route)[0].class = 1);
	DAMAGE(SECTION(s, ROUTES, struct mx_route)[0].provider = 2);
	DAMAGE(SECTION(s, ROUTES, struct mx_route)[1].provider = 0);
	DAMAGE(SECTION(s, CLASSES, struct mx_class)[0].users.count = 3);
	DAMAGE(SECTION(s, CLASSES, struct mx_class)[0].marks.first = 0xffffffff);
	DAMAGE(SECTION(s, CLIENTS, struct mx_net)[0].family = 2);
	DAMAGE(SECTION(s, USERS, u32)[1] = MX_NO_ID);
	DAMAGE(SECTION(s, GROUPS, u32)[0] = MX_NO_ID);
	DAMAGE(SECTION(s, PREFIX4, u32)[0] = 1);
	DAMAGE(SECTION(s, PREFIX4, u32)[1] = 0);
	DAMAGE(SECTION(s, PREFIX4_VALUE, u16)[1] = 2);
	DAMAGE(SECTION(s, PREFIX6, struct mx_addr)[1].hi = 0);
	DAMAGE(SECTION(s, PREFIX6_VALUE, u16)[1] = 2);
	DAMAGE(SECTION(s, EXEMPT4, u32)[0] = 1);
	DAMAGE(SECTION(s, EXEMPT4_VALUE, u16)[0] = 1);
	DAMAGE(SECTION(s, EXEMPT6, struct mx_addr)[0].lo = 1);
	DAMAGE(SECTION(s, EXEMPT6_VALUE, u16)[0] = 1);
	DAMAGE(SECTION(s, SOURCES, struct mx_source)[1].families = 4);
	DAMAGE(SECTION(s, POOLS, struct mx_pool)[0].overflow = 0);
	DAMAGE(SECTION(s, POOLS, struct mx_pool)[1].first_member = 1);
	DAMAGE(SECTION(s, POOLS, struct mx_pool)[1].members = 0xffffffff);
	DAMAGE(SECTION(s, ROUTES, struct mx_route)[1].class = 0);
	DAMAGE(SECTION(s, CLASSES, struct mx_class)[0].groups = ((struct mx_span){ 1, 1 }));
	DAMAGE(SECTION(s, CLASSES, struct mx_class)[0].clients = ((struct mx_span){ 0, 0xffffffff }));
	DAMAGE(s->section[MX_SECTION_PREFIX4].count = 0);
	DAMAGE(s->section[MX_SECTION_PREFIX4_VALUE].count--);
	DAMAGE(s->section[MX_SECTION_SOURCES].count = 0);
	DAMAGE(s->section[MX_SECTION_ROUTES].count = 0);
	build_down(&b);
}

static const char limited[] =
	"clients = [ \"10.0.0.0/8\", \"fd00::/8\" ];"
	"sources: { mx1: { address = \"192.0.2.1\"; limits = [ \"9 messages/week\" ]; }; mx2: { address = "
	"\"192.0.2.2\"; }; };"
	"pools: { main: { members: { mx1 = 3; mx2 = 1; }; }; second: { members: { mx2 = 1; }; }; };"
	"providers: { isp: { prefixes = [ \"198.51.100.0/24\" ]; limits = [ \"5 connections/hour\" ]; concurrency = 5;"
	"    total-limits = [ \"8 connections/day\" ];"
	"    sources: { mx1: { limits = [ \"2 connections/hour\", \"7 connections/day\" ]; }; mx2: { concurrency = 3; "
	"}; "
	"}; }; };"
	"routes = ( { pool = \"main\"; } );";

#define RULE(s, i) SECTION(s, LANE_RULES, struct mx_lane_rule)[i]

static void test_damage_of_limits(void **state)
{
	const struct mx_span far = { 0xfffffff0, 0x20 };
	struct build b;

	(void)state;
	build_up(&b, limited);
	assert_null(mx_snapshot_check(b.snapshot, b.snapshot->size));
	assert_int_equal(mx_snapshot_count(b.snapshot, MX_SECTION_LANE_RULES), 2);
	DAMAGE(SECTION(s, LIMITS, struct mx_limit)[0].most = 0);
	DAMAGE(SECTION(s, LIMITS, struct mx_limit)[0].unit = MX_UNITS);
	DAMAGE(SECTION(s, LIMITS, struct mx_limit)[0].period = MX_PERIODS);
	DAMAGE(SECTION(s, SOURCES, struct mx_source)[0].limits = far);
	DAMAGE(SECTION(s, SOURCES, struct mx_source)[0].warmup = MX_WARMS_WHOLE + 1);
	DAMAGE(SECTION(s, PROVIDERS, struct mx_provider)[0].limits = far);
	DAMAGE(SECTION(s, PROVIDERS, struct mx_provider)[0].total_limits = far);
	DAMAGE(SECTION(s, PROVIDERS, struct mx_provider)[0].messages = 0);
	DAMAGE(SECTION(s, POOLS, struct mx_pool)[0].max_share = 0);
	DAMAGE(SECTION(s, POOLS, struct mx_pool)[0].max_share = 101);
	DAMAGE(RULE(s, 0).provider = 99);
	DAMAGE(RULE(s, 0).source = 2);
	DAMAGE(RULE(s, 1) = RULE(s, 0));
	DAMAGE(RULE(s, 0).limits = far);
	DAMAGE(SECTION(s, SERVED, struct mx_net)[1].family = MX_FAMILIES);
	build_down(&b);
}

/* A source's own limits and cap at a provider stand before the provider's for each source. */
static void test_rules_of_lanes(void **state)
{
	const struct mx_limit *limits;
	struct mx_span span;
	struct build b;
	u32 isp;

	(void)state;
	build_up(&b, limited);
	limits = mx_snapshot_limits(b.snapshot);
	isp = !b.snapshot->default_provider;
	span = mx_snapshot_lane_limits(b.snapshot, isp, 0);
	assert_int_equal(span.count, 2);
	assert_int_equal(limits[span.first].most, 2);
	assert_int_equal(mx_snapshot_lane_concurrency(b.snapshot, isp, 0), 5);
	span = mx_snapshot_lane_limits(b.snapshot, isp, 1);
	assert_int_equal(span.count, 1);
	assert_int_equal(limits[span.first].most, 5);
	assert_int_equal(mx_snapshot_lane_concurrency(b.snapshot, isp, 1), 3);
	assert_int_equal(mx_snapshot_lane_limits(b.snapshot, !isp, 1).count, 0);
	assert_int_equal(mx_snapshot_lane_concurrency(b.snapshot, !isp, 1), 0);
	build_down(&b);
}

/* A slot is a member of a pool at a provider: which pool's it is. */
static void test_pool_of_a_slot(void **state)
{
	struct build b;
	u32 i;

	(void)state;
	build_up(&b, limited);
	assert_int_equal(b.snapshot->slots, 2 * 3);
	for (i = 0; i < b.snapshot->slots; i++)
		assert_int_equal(mx_snapshot_pool_of_slot(b.snapshot, i), i < 2 * 2 ? 0 : 1);
	build_down(&b);
}

/* Who is asked about: every connection of this host to a port of ours, and those of the clients that it forwards. */
static void test_who_is_asked_about(void **state)
{
	struct mx_flow flow = { .family = MX_IPV4, .from = { 0, 0x0a010203 }, .to_port = 25 };
	struct build b;

	(void)state;
	build_up(&b, limited);
	assert_true(mx_classify_asked(b.snapshot, &flow, false));
	assert_true(mx_classify_asked(b.snapshot, &flow, true));
	flow.from.lo = 0x0b000000;
	assert_true(mx_classify_asked(b.snapshot, &flow, false));
	assert_false(mx_classify_asked(b.snapshot, &flow, true));
	flow.from.lo = 0x09ffffff;
	assert_false(mx_classify_asked(b.snapshot, &flow, true));
	flow.family = MX_IPV6;
	flow.from = (struct mx_addr){ 0xfd00000000000000, 0 };
	assert_true(mx_classify_asked(b.snapshot, &flow, true));
	flow.to_port = 26;
	assert_false(mx_classify_asked(b.snapshot, &flow, true));
	assert_false(mx_classify_asked(b.snapshot, &flow, false));
	build_down(&b);
}

/* `pools` pools of one source, each overflowing into the next. */
static void build_row(struct build *b, u32 pools)
{
	static char text[16384];
	size_t at = (size_t)sprintf(text, "sources: { mx1: { address = \"192.0.2.1\"; }; }; pools: {");
	u32 i;

	for (i = 0; i < pools; i++) {
		at += (size_t)sprintf(text + at, "p%u: { members: { mx1 = 1; };", i);
		if (i + 1 < pools)
			at += (size_t)sprintf(text + at, "overflow = \"p%u\";", i + 1);
		at += (size_t)sprintf(text + at, "};");
	}
	sprintf(text + at, "}; routes = ( { pool = \"p0\"; } );");
	build_up(b, text);
}

/* A connection overflows through so many pools and no more: who checks a snapshot does not walk for long, either. */
static void test_pools_in_a_row(void **state)
{
	struct mx_snapshot *s;
	u32 counts[MX_SECTION_COUNT], i;
	struct build b;

	(void)state;
	build_row(&b, MX_OVERFLOW_MAX + 1);
	assert_null(mx_snapshot_check(b.snapshot, b.snapshot->size));
	for (i = 0; i < MX_SECTION_COUNT; i++)
		counts[i] = mx_snapshot_count(b.snapshot, i);
	counts[MX_SECTION_POOLS]++; /* one more, that overflows into the first; members and slots are as few */
	counts[MX_SECTION_MEMBERS]++;
	s = calloc(1, mx_snapshot_layout(NULL, counts));
	mx_snapshot_layout(s, counts);
	for (i = 0; i < MX_SECTION_COUNT; i++)
		memcpy((char *)s + s->section[i].offset, (char *)b.snapshot + b.snapshot->section[i].offset,
		       (i + 1 < MX_SECTION_COUNT ? b.snapshot->section[i + 1].offset : b.snapshot->size) -
			       b.snapshot->section[i].offset);
	s->mark_mask = b.snapshot->mark_mask;
	s->slots = b.snapshot->slots + 1;
	SECTION(s, POOLS, struct mx_pool)
	[MX_OVERFLOW_MAX + 1] = (struct mx_pool){ MX_OVERFLOW_MAX + 1, 1, b.snapshot->slots, MX_NONE, 100 };
	assert_null(mx_snapshot_check(s, s->size));
	SECTION(s, POOLS, struct mx_pool)[MX_OVERFLOW_MAX].overflow = MX_OVERFLOW_MAX + 1;
	assert_string_equal(mx_snapshot_check(s, s->size), "overflow pools in a circle, or too many in a row");
	free(s);
	build_down(&b);
}

/* Marks are given in any order; a connection's mark leads back to its source, whatever other bits it carries. */
static void test_source_of_a_mark(void **state)
{
	static const u32 numbers[] = { 700, 3 };
	struct mx_snapshot *s;
	struct build b;

	(void)state;
	build_up(&b, policy);
	s = mx_compile(b.config, numbers, 1);
	assert_int_equal(mx_snapshot_source_of_mark(s, 700 << 16), 0);
	assert_int_equal(mx_snapshot_source_of_mark(s, 3 << 16), 1);
	assert_int_equal(mx_snapshot_source_of_mark(s, 3 << 16 | 0x70000041), 1);
	assert_int_equal(mx_snapshot_source_of_mark(s, 4 << 16), MX_NONE);
	assert_int_equal(mx_snapshot_source_of_mark(s, 2 << 16), MX_NONE);
	assert_int_equal(mx_snapshot_source_of_mark(s, 800 << 16), MX_NONE);
	assert_int_equal(mx_snapshot_source_of_mark(s, 0), MX_NONE);
	assert_int_equal(mx_snapshot_source_of_mark(s, mx_mark_refuse(s->mark_mask)), MX_NONE);
	free(s);
	build_down(&b);
}

/* Random bytes change: either the check says so, or deciding by it stays in bounds (the sanitizers watch). */
static void test_random_damage(void **state)
{
	u64 seed = 20261121;
	u32 i, j, passed = 0;
	struct build b;

	(void)state;
	print_message("# seed %llu\n", (unsigned long long)seed);
	build_up(&b, policy);
	for (i = 0; i < 20000; i++) {
		struct mx_snapshot *s = copy_of(b.snapshot);
		struct mx_verdict v;
		struct mx_state st;
		void *memory;

		for (j = 0; j < 1 + i % 3; j++)
			((u8 *)s)[random_next(&seed) % b.snapshot->size] = (u8)random_next(&seed);
		if (!mx_snapshot_check(s, b.snapshot->size)) {
			memory = calloc(1, mx_state_size(s));
			mx_state_init(&st, s, memory);
			memset(st.usable, 3, st.sources);
			for (j = 0; j < s->slots; j++)
				st.slots[j].weight = 1000;
			for (j = 0; j < 20; j++) {
				struct mx_flow flow = { .family = j % 2, .user = j % 4, .group = 3, .mark = 4 };

				flow.to = (struct mx_addr){ j % 2 ? random_next(&seed) : 0,
							    j % 2 ? random_next(&seed) : (u32)random_next(&seed) };
				mx_decide(s, &st, &flow, MX_NONE, (struct mx_moment){ 0, 0 }, &v);
				mx_account(s, &st, &flow, 0, &v);
			}
			mx_state_settle_expected(&st, s);
			free(memory);
			passed++;
		}
		free(s);
	}
	assert_in_range(passed, 100, 19000); /* both sides were tried */
	build_down(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind_of_damage), cmocka_unit_test(test_damage_of_limits),
		cmocka_unit_test(test_rules_of_lanes),       cmocka_unit_test(test_pool_of_a_slot),
		cmocka_unit_test(test_who_is_asked_about),   cmocka_unit_test(test_pools_in_a_row),
		cmocka_unit_test(test_source_of_a_mark),     cmocka_unit_test(test_random_damage)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
