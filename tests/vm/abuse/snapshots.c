// SPDX-License-Identifier: GPL-2.0-or-later
/*
 *	snapshots cuts | fields | costs | flips SEED COUNT
 *
 * Snapshots that are cut short or lie. Whatever is refused has the words of mx_snapshot_check() here, and leaves the
 * policy in force as it was (see victim.h).
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "core/balance.h"
#include "core/decide.h"
#include "tests/vm/abuse/victim.h"
#include "tests/vm/abuse/wire.h"

#define PIECE 32768
#define BEFORE 6 /* generations */
#define IN_FORCE 7
#define BEGUN 8

#define INCOMPLETE "the snapshot is not complete"
#define PIECES "pieces of a snapshot come in order, none is empty, and the last ends where it ends"
#define CHECKSUM "the snapshot is not what its checksum says"
#define SIZES "a snapshot has at least the size of its header, and at most 128 MiB"

static struct victim victim;
static struct wire *wire;
static const char *words = ""; /* of the last answer */
static u32 tried;

/* --- asking ----------------------------------------------------------------------------------------------------- */

static int begin(u64 generation, u64 size, u64 checksum)
{
	size_t at = wire_begin(wire, MXLOAD_CMD_BEGIN);
	u64 seed = 1;

	wire_put(wire, MXLOAD_A_GENERATION, &generation, sizeof(generation));
	wire_put(wire, MXLOAD_A_SIZE, &size, sizeof(size));
	wire_put(wire, MXLOAD_A_CHECKSUM, &checksum, sizeof(checksum));
	wire_put(wire, MXLOAD_A_SEED, &seed, sizeof(seed));
	wire_end(wire, at);
	return wire_ask(wire, &words);
}

static int chunk(u64 generation, u64 offset, const void *data, u32 size)
{
	size_t at = wire_begin(wire, MXLOAD_CMD_CHUNK);

	wire_put(wire, MXLOAD_A_GENERATION, &generation, sizeof(generation));
	wire_put(wire, MXLOAD_A_OFFSET, &offset, sizeof(offset));
	wire_put(wire, MXLOAD_A_DATA, data, size);
	wire_end(wire, at);
	return wire_ask(wire, &words);
}

static int commit(u64 generation)
{
	size_t at = wire_begin(wire, MXLOAD_CMD_COMMIT);
	u32 valid = VICTIM_VALID;

	wire_put(wire, MXLOAD_A_GENERATION, &generation, sizeof(generation));
	wire_put(wire, MXLOAD_A_VALID, &valid, sizeof(valid));
	wire_end(wire, at);
	return wire_ask(wire, &words);
}

/* Sends the first `size` bytes of a snapshot that is said to have `said`. The error of the piece that had one, or 0. */
static int send_pieces(u64 generation, const void *snapshot, u64 size, u64 said, u64 checksum)
{
	int error = begin(generation, said, checksum);
	u64 at;

	for (at = 0; !error && at < size; at += PIECE)
		error = chunk(generation, at, (const u8 *)snapshot + at, size - at < PIECE ? (u32)(size - at) : PIECE);
	return error;
}

static int send_whole(const void *snapshot, u64 size)
{
	return send_pieces(BEGUN, snapshot, size, size, mx_snapshot_checksum(snapshot, size));
}

static void expect(const char *what, int error, const char *expected)
{
	const char *touched = victim_touched(&victim);

	tried++;
	if (!error)
		die("%s: accepted; expected \"%s\"", what, expected);
	if (strcmp(words, expected))
		die("%s: \"%s\" (%s); expected \"%s\"", what, words, strerror(-error), expected);
	if (touched)
		die("%s touched the policy in force: %s", what, touched);
}

/* --- cut short -------------------------------------------------------------------------------------------------- */

/* The sender knows that it is short, and hides it: its size and checksum are those of what comes. */
static void cut_and_hidden(const struct mx_snapshot *s, u64 size)
{
	const char *expected = size < sizeof(*s) ? SIZES : mx_snapshot_check(s, size);
	struct mx_snapshot *liar = malloc(size + sizeof(*s));

	expect("cut, with the size of what is left", send_whole(s, size), expected);
	memcpy(liar, s, size);
	if (size >= sizeof(*s)) {
		liar->size = size;
		expected = mx_snapshot_check(liar, size);
		expect("cut, and its header says so", send_whole(liar, size), expected);
	}
	free(liar);
}

/* The rest never comes, or something else does. */
static void cut_and_left(const struct mx_snapshot *s, u64 size)
{
	u64 checksum = mx_snapshot_checksum(s, s->size);
	int error = send_pieces(BEGUN, s, size, s->size, checksum);

	if (error)
		die("the first %llu bytes are refused: %s", (unsigned long long)size, words);
	expect("a snapshot without its end", commit(BEGUN), INCOMPLETE);
	expect("a gap", chunk(BEGUN, size + 1, s, 1), PIECES);
	expect("a snapshot that is gone", commit(BEGUN), "there is no policy of this generation for that");
}

static void cuts(void)
{
	struct mx_snapshot *s = victim_snapshot(BEGUN);
	u64 size;

	for (size = 1; size < s->size; size++) {
		if (size % 8 > 1 && size % 8 < 7)
			continue;
		cut_and_hidden(s, size);
		if (size > sizeof(*s) && size % 8)
			cut_and_left(s, size);
	}
	free(s);
}

/* --- lies ------------------------------------------------------------------------------------------------------- */

#define SECTION(s, id, type) ((type *)((char *)(s) + (s)->section[MX_SECTION_##id].offset))
#define FIRST(id, type) SECTION(s, id, struct type)[0]
#define LAST(id, type) SECTION(s, id, struct type)[s->section[MX_SECTION_##id].count - 1]

static struct mx_snapshot *copy_of(const struct mx_snapshot *s)
{
	struct mx_snapshot *copy = malloc(s->size);

	return memcpy(copy, s, s->size);
}

static void expect_lie(const char *what, const struct mx_snapshot *liar, u64 size)
{
	const char *expected = mx_snapshot_check(liar, size);

	if (!expected)
		die("%s: this is right", what);
	expect(what, send_whole(liar, size), expected);
}

#define LIE(what)                                                                                                      \
	do {                                                                                                           \
		struct mx_snapshot *s = copy_of(whole);                                                                \
		what;                                                                                                  \
		expect_lie(#what, s, whole->size);                                                                     \
		free(s);                                                                                               \
	} while (0)

#define LIES_OF_SPAN(id, type, span)                                                                                   \
	do {                                                                                                           \
		LIE(FIRST(id, type).span.first = 0x7fffffff);                                                          \
		LIE(FIRST(id, type).span.count = 0x7fffffff);                                                          \
		LIE(FIRST(id, type).span = ((struct mx_span){ ~0u, 1 }));                                              \
		LIE(FIRST(id, type).span = ((struct mx_span){ 1, ~0u }));                                              \
		LIE(FIRST(id, type).span = ((struct mx_span){ 0x80000000, 0x80000000 }));                              \
	} while (0)

#define LIES_OF_PREFIX4(id, limit)                                                                                     \
	do {                                                                                                           \
		LIE(SECTION(s, id, u32)[0] = 1);                                                                       \
		LIE(SECTION(s, id, u32)[1] = 0);                                                                       \
		LIE(SECTION(s, id, u32)[2] = SECTION(s, id, u32)[1]);                                                  \
		LIE(SECTION(s, id##_VALUE, u16)[0] = (u16)(limit));                                                    \
		LIE(SECTION(s, id##_VALUE, u16)[s->section[MX_SECTION_##id].count - 1] = 0xfffe);                      \
	} while (0)

#define LIES_OF_PREFIX6(id, limit)                                                                                     \
	do {                                                                                                           \
		LIE(FIRST(id, mx_addr).lo = 1);                                                                        \
		LIE(FIRST(id, mx_addr).hi = 1);                                                                        \
		LIE(SECTION(s, id, struct mx_addr)[1] = ((struct mx_addr){ 0, 0 }));                                   \
		LIE(SECTION(s, id, struct mx_addr)[2] = SECTION(s, id, struct mx_addr)[1]);                            \
		LIE(SECTION(s, id##_VALUE, u16)[0] = (u16)(limit));                                                    \
		LIE(SECTION(s, id##_VALUE, u16)[s->section[MX_SECTION_##id].count - 1] = 0xfffe);                      \
	} while (0)

static void lies_of_header(const struct mx_snapshot *whole)
{
	u32 sources = mx_snapshot_count(whole, MX_SECTION_SOURCES);

	LIE(s->magic ^= 1);
	LIE(s->version++);
	LIE(s->version = 0);
	LIE(s->size++);
	LIE(s->size -= 8);
	LIE(s->size = ~0ULL);
	LIE(s->slots++);
	LIE(s->slots--);
	LIE(s->slots = ~0u);
	LIE(s->mark_mask = 0);
	LIE(s->mark_mask = 0x0fff0001);
	LIE(s->mark_mask = 1);
	LIE(s->mark_mask = 0xf0000000);
	LIE(s->default_provider = (u16)mx_snapshot_count(whole, MX_SECTION_PROVIDERS));
	LIE(s->default_provider = MX_NONE);
	LIE(SECTION(s, BY_MARK, u16)[0] = (u16)sources);
	LIE(SECTION(s, BY_MARK, u16)[1] = SECTION(s, BY_MARK, u16)[0]);
}

static void lies_of_sections(const struct mx_snapshot *whole)
{
	static const u64 counts[] = { 0x7fffffff, 0x80000000, 1ULL << 32, 1ULL << 61, 1ULL << 63, ~0ULL };
	static const u64 offsets[] = { 0, 8, 1, 1ULL << 32, 1ULL << 63, ~0ULL, ~7ULL };
	u32 i, j;

	for (i = 0; i < MX_SECTION_COUNT; i++) {
		LIE(s->section[i].offset += 8);
		LIE(s->section[i].offset -= 8);
		LIE(s->section[i].offset = s->section[(i + 1) % MX_SECTION_COUNT].offset);
		LIE(s->section[i].offset = s->size);
		LIE(s->section[i].count += 8);
		for (j = 0; j < sizeof(offsets) / sizeof(offsets[0]); j++)
			LIE(s->section[i].offset = offsets[j]);
		for (j = 0; j < sizeof(counts) / sizeof(counts[0]); j++)
			LIE(s->section[i].count = counts[j]);
	}
}

static void lies_of_sources(const struct mx_snapshot *whole)
{
	LIE(FIRST(SOURCES, mx_source).mark = 0);
	LIE(FIRST(SOURCES, mx_source).mark = 1);
	LIE(FIRST(SOURCES, mx_source).mark = s->mark_mask);
	LIE(FIRST(SOURCES, mx_source).mark = s->mark_mask & (s->mark_mask - 1));
	LIE(FIRST(SOURCES, mx_source).mark = LAST(SOURCES, mx_source).mark);
	LIE(FIRST(SOURCES, mx_source).families = 0);
	LIE(FIRST(SOURCES, mx_source).families = 4);
	LIE(FIRST(SOURCES, mx_source).families = 0x101);
	LIE(FIRST(SOURCES, mx_source).warmup = MX_WARMS_WHOLE + 1);
	LIES_OF_SPAN(SOURCES, mx_source, limits);
	LIE(FIRST(LIMITS, mx_limit).most = 0);
	LIE(LAST(LIMITS, mx_limit).unit = MX_UNITS);
	LIE(LAST(LIMITS, mx_limit).period = MX_PERIODS);
}

static void lies_of_pools(const struct mx_snapshot *whole)
{
	LIE(FIRST(POOLS, mx_pool).members = 0);
	LIE(FIRST(POOLS, mx_pool).members++);
	LIE(LAST(POOLS, mx_pool).members--);
	LIE(LAST(POOLS, mx_pool).members = ~0u);
	LIE(FIRST(POOLS, mx_pool).first_member = 1);
	LIE(LAST(POOLS, mx_pool).first_slot++);
	LIE(LAST(POOLS, mx_pool).first_slot = ~0u);
	LIE(LAST(POOLS, mx_pool).overflow = 7);
	LIE(LAST(POOLS, mx_pool).overflow = 0xfffe);
	LIE(LAST(POOLS, mx_pool).overflow = 0);
	LIE(LAST(POOLS, mx_pool).overflow = 1);
	LIE(FIRST(POOLS, mx_pool).max_share = 0);
	LIE(FIRST(POOLS, mx_pool).max_share = 101);
	LIE(FIRST(MEMBERS, mx_member).source = (u16)s->section[MX_SECTION_SOURCES].count);
	LIE(LAST(MEMBERS, mx_member).source = MX_NONE);
}

static void lies_of_providers(const struct mx_snapshot *whole)
{
	LIE(FIRST(PROVIDERS, mx_provider).balance = MX_STICKY + 1);
	LIE(LAST(PROVIDERS, mx_provider).messages = 0);
	LIES_OF_SPAN(PROVIDERS, mx_provider, limits);
	LIES_OF_SPAN(PROVIDERS, mx_provider, total_limits);
	LIE(FIRST(LANE_RULES, mx_lane_rule).provider = (u16)s->section[MX_SECTION_PROVIDERS].count);
	LIE(FIRST(LANE_RULES, mx_lane_rule).source = (u16)s->section[MX_SECTION_SOURCES].count);
	LIES_OF_SPAN(LANE_RULES, mx_lane_rule, limits);
}

static void lies_of_classes(const struct mx_snapshot *whole)
{
	LIE(FIRST(ROUTES, mx_route).class = (u16)s->section[MX_SECTION_CLASSES].count);
	LIE(FIRST(ROUTES, mx_route).provider = (u16)s->section[MX_SECTION_PROVIDERS].count);
	LIE(FIRST(ROUTES, mx_route).pool = (u16)s->section[MX_SECTION_POOLS].count);
	LIE(LAST(ROUTES, mx_route).pool = MX_NONE);
	LIE(LAST(ROUTES, mx_route).class = 0);
	LIE(LAST(ROUTES, mx_route).provider = 0);
	LIES_OF_SPAN(CLASSES, mx_class, marks);
	LIES_OF_SPAN(CLASSES, mx_class, users);
	LIES_OF_SPAN(CLASSES, mx_class, groups);
	LIES_OF_SPAN(CLASSES, mx_class, clients);
	LIE(SECTION(s, USERS, u32)[1] = ~0u);
	LIE(SECTION(s, GROUPS, u32)[0] = ~0u);
	LIE(FIRST(CLIENTS, mx_net).family = MX_FAMILIES);
	LIE(LAST(SERVED, mx_net).family = ~0u);
}

/* Right in itself, and wrong where it comes. */
static void lies_about_it(const struct mx_snapshot *whole)
{
	u64 checksum = mx_snapshot_checksum(whole, whole->size), size = whole->size;
	int error;

	expect("a wrong checksum", send_pieces(BEGUN, whole, size, size, checksum ^ 1), CHECKSUM);
	expect("another generation", send_pieces(BEGUN + 1, whole, size, size, checksum),
	       "the snapshot is of another generation");
	expect("the generation in force", begin(IN_FORCE, size, checksum),
	       "a policy of this generation is, or was just, in force");
	expect("the one before", begin(BEFORE, size, checksum),
	       "a policy of this generation is, or was just, in force");
	expect("no bytes", begin(BEGUN, 0, checksum), SIZES);
	expect("too many bytes", begin(BEGUN, MXLOAD_SNAPSHOT_MAX + 1, checksum), SIZES);
	expect("all bytes there are", begin(BEGUN, ~0ULL, checksum), SIZES);
	error = begin(BEGUN, size, checksum) ?: chunk(BEGUN, 0, whole, 8);
	if (error)
		die("a right beginning is refused: %s", words);
	expect("more than is left", chunk(BEGUN, 8, whole, (u32)size), PIECES);
	error = begin(BEGUN, size, checksum) ?: chunk(BEGUN, 0, whole, 8);
	if (error)
		die("a right beginning is refused: %s", words);
	expect("the same again", chunk(BEGUN, 0, whole, 8), PIECES);
}

static void fields(void)
{
	struct mx_snapshot *whole = victim_snapshot(BEGUN);

	lies_about_it(whole);
	lies_of_header(whole);
	lies_of_sections(whole);
	lies_of_sources(whole);
	lies_of_pools(whole);
	lies_of_providers(whole);
	lies_of_classes(whole);
	LIES_OF_PREFIX4(PREFIX4, mx_snapshot_count(whole, MX_SECTION_PROVIDERS));
	LIES_OF_PREFIX4(EXEMPT4, 1);
	LIES_OF_PREFIX6(PREFIX6, mx_snapshot_count(whole, MX_SECTION_PROVIDERS));
	LIES_OF_PREFIX6(EXEMPT6, 1);
	free(whole);
}

/* --- by chance -------------------------------------------------------------------------------------------------- */

#define FLOWS 1000u

/* A source of the policy with a mark of its own, or, where the destination is exempt, nobody's. */
static bool is_sane(const struct mx_snapshot *s, const struct mxload_verdict *v)
{
	if (v->action == MX_PASS)
		return v->mark == mx_mark_pass(s->mark_mask);
	return v->source < mx_snapshot_count(s, MX_SECTION_SOURCES) && v->mark && !(v->mark & ~s->mark_mask);
}

/* What core accepts does no harm: it takes force, and a thousand flows are decided by it. */
static void decide_by(const struct mx_snapshot *s)
{
	struct mxload_flow *flows = calloc(FLOWS, sizeof(*flows));
	struct mxload_verdict *verdicts = calloc(FLOWS, sizeof(*verdicts));
	const char *wrong = victim_push(victim.link, s);
	u32 i;

	for (i = 0; i < FLOWS; i++)
		flows[i] = victim_flow(i);
	if (!wrong)
		wrong = mx_module_link_commit(victim.link, s->generation, VICTIM_VALID);
	if (!wrong)
		wrong = mx_module_link_decide(victim.link, s->generation, flows, FLOWS, true, verdicts);
	if (wrong)
		die("a snapshot that is right cannot be used: %s", wrong);
	for (i = 0; i < FLOWS; i++)
		if (verdicts[i].left == MXLOAD_LEFT_NOT && !is_sane(s, &verdicts[i]))
			die("flow %u: source %u with mark 0x%x", i, verdicts[i].source, verdicts[i].mark);
	free(flows);
	free(verdicts);
	wrong = mx_module_link_drop(victim.link, s->generation);
	if (wrong)
		die("it cannot be dropped: %s", wrong);
}

/* In the sections mostly: those of the header are soon found. */
static void flip(u64 random, struct mx_snapshot *s)
{
	u64 head = sizeof(*s), size = s->size, count = 1 + random % 3, at; /* `size` may be what is flipped */

	for (; count; count--) {
		random = mx_mix64(random);
		at = random % 16 ? head + (random >> 8) % (size - head) : (random >> 8) % head;
		((u8 *)s)[at] ^= (u8)(1u << (random >> 4 & 7));
	}
}

static void flips(u64 seed, u32 count)
{
	u32 i, accepted = 0;

	for (i = 0; i < count; i++) {
		u64 random = mx_mix64(seed + i), generation = BEGUN + i;
		struct mx_snapshot *s = victim_snapshot(generation);
		u64 size = s->size, checksum;
		const char *wrong;
		int error;

		flip(random, s);
		checksum = mx_snapshot_checksum(s, size);
		wrong = mx_snapshot_check(s, size)
				?: s->generation != generation ? "the snapshot is of another generation"
							       : NULL;
		if (wrong) {
			error = send_pieces(generation, s, size, size, checksum);
			expect("flipped bits", error, wrong);
		} else {
			decide_by(s);
			accepted++;
			victim_set_up(&victim, ~(u64)i, generation);
		}
		free(s);
	}
	printf("%u snapshots with flipped bits, seed %llu: %u were right, and decided %u flows each\n", count,
	       (unsigned long long)seed, accepted, FLOWS);
	if (!accepted || accepted == count)
		die("all or none of them were right");
}

/* --- large ones ------------------------------------------------------------------------------------------------- */

#define PATIENCE_MSEC 8000 /* of an emulated machine, for the kernel to say no */

/* A snapshot of one source at one provider, everything of the same kind as often as told. To be freed. */
static struct mx_snapshot *large(const u32 counts[MX_SECTION_COUNT])
{
	struct mx_snapshot *s = calloc(1, mx_snapshot_layout(NULL, counts));
	u32 i, members = counts[MX_SECTION_MEMBERS] / counts[MX_SECTION_POOLS];

	mx_snapshot_layout(s, counts);
	s->generation = BEGUN;
	s->mark_mask = 0x0fffffff;
	s->slots = counts[MX_SECTION_MEMBERS] * counts[MX_SECTION_PROVIDERS];
	for (i = 0; i < counts[MX_SECTION_SOURCES]; i++) {
		SECTION(s, SOURCES, struct mx_source)[i] = (struct mx_source){ .key = i, .mark = i + 1, .families = 3 };
		SECTION(s, BY_MARK, u16)[i] = (u16)i;
	}
	for (i = 0; i < counts[MX_SECTION_POOLS]; i++)
		SECTION(s, POOLS, struct mx_pool)
	[i] = (struct mx_pool){ i * members, members, i * members * counts[MX_SECTION_PROVIDERS], MX_NONE, 100 };
	for (i = 0; i < counts[MX_SECTION_PROVIDERS]; i++)
		SECTION(s, PROVIDERS, struct mx_provider)[i] = (struct mx_provider){ .key = i, .messages = 1 };
	for (i = 0; i < counts[MX_SECTION_ROUTES]; i++)
		SECTION(s, ROUTES, struct mx_route)[i] = (struct mx_route){ MX_NONE, MX_NONE, 0, 0 };
	for (i = MX_SECTION_PREFIX4_VALUE; i <= MX_SECTION_EXEMPT6_VALUE; i += 2)
		*(u16 *)((char *)s + s->section[i].offset) = 0xffff;
	return s;
}

#define SMALL                                                                                                          \
	{                                                                                                              \
		[MX_SECTION_SOURCES] = 1, [MX_SECTION_BY_MARK] = 1, [MX_SECTION_POOLS] = 1, [MX_SECTION_MEMBERS] = 1,  \
		[MX_SECTION_PROVIDERS] = 1, [MX_SECTION_ROUTES] = 1, [MX_SECTION_PREFIX4] = 1,                         \
		[MX_SECTION_PREFIX4_VALUE] = 1, [MX_SECTION_PREFIX6] = 1, [MX_SECTION_PREFIX6_VALUE] = 1,              \
		[MX_SECTION_EXEMPT4] = 1, [MX_SECTION_EXEMPT4_VALUE] = 1, [MX_SECTION_EXEMPT6] = 1,                    \
		[MX_SECTION_EXEMPT6_VALUE] = 1                                                                         \
	}

static u64 now_msec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000 + (u64)t.tv_nsec / 1000000;
}

/* Refused, and soon: the kernel does nothing else meanwhile. Frees it. */
static void expect_no(const char *what, struct mx_snapshot *s, const char *expected)
{
	u64 start = now_msec(), took;
	int error = send_whole(s, s->size);

	took = now_msec() - start;
	printf("%s: %llu bytes, %llu ms\n", what, (unsigned long long)s->size, (unsigned long long)took);
	expect(what, error, expected);
	if (took > PATIENCE_MSEC)
		die("%s took %llu ms to be refused", what, (unsigned long long)took);
	free(s);
}

static void small_one(void)
{
	const u32 counts[MX_SECTION_COUNT] = SMALL;
	struct mx_snapshot *s = large(counts);

	if (send_whole(s, s->size))
		die("a small snapshot is refused: %s", words);
	free(s);
}

static void long_overflow(void)
{
	u32 counts[MX_SECTION_COUNT] = SMALL, i;
	struct mx_snapshot *s;

	counts[MX_SECTION_POOLS] = counts[MX_SECTION_MEMBERS] = MX_NONE - 1;
	s = large(counts);
	for (i = 0; i + 1 < counts[MX_SECTION_POOLS]; i++)
		SECTION(s, POOLS, struct mx_pool)[i].overflow = (u16)(i + 1);
	expect_no("a long way through overflow pools", s, "overflow pools in a circle, or too many in a row");
}

/* Every route asks a class, and every class looks through the same long list of users. */
static void busy_classes(void)
{
	u32 counts[MX_SECTION_COUNT] = SMALL, i, classes = 60000;
	struct mx_snapshot *s;

	counts[MX_SECTION_CLASSES] = classes;
	counts[MX_SECTION_USERS] = 100000;
	counts[MX_SECTION_ROUTES] = classes + 1;
	s = large(counts);
	for (i = 0; i < classes; i++) {
		SECTION(s, CLASSES, struct mx_class)[i].users = (struct mx_span){ 0, counts[MX_SECTION_USERS] };
		SECTION(s, ROUTES, struct mx_route)[i].class = (u16)i;
	}
	expect_no("classes with much to compare", s, "a connection would take too long to decide");
}

static void costs(void)
{
	const u32 many = 60000;
	u32 counts[MX_SECTION_COUNT] = SMALL;

	small_one();
	long_overflow();
	busy_classes();
	counts[MX_SECTION_POOLS] = 1;
	counts[MX_SECTION_MEMBERS] = 2000000;
	expect_no("a pool of two million", large(counts), "a connection would take too long to decide");
	counts[MX_SECTION_MEMBERS] = 1;
	counts[MX_SECTION_SOURCES] = counts[MX_SECTION_BY_MARK] = counts[MX_SECTION_PROVIDERS] = many;
	expect_no("too many lanes", large(counts), "the policy has more lanes than there can be");
	counts[MX_SECTION_SOURCES] = counts[MX_SECTION_BY_MARK] = counts[MX_SECTION_PROVIDERS] = 1;
	counts[MX_SECTION_ROUTES] = 70000;
	expect_no("too many routes", large(counts), "no route, or too many");
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (unshare(CLONE_NEWNET))
		die("no network namespace: %s", strerror(errno));
	wire = wire_open();
	if (!wire)
		die("the module is not loaded");
	victim_set_up(&victim, BEFORE, IN_FORCE);
	if (!strcmp(what, "cuts"))
		cuts();
	else if (!strcmp(what, "fields"))
		fields();
	else if (!strcmp(what, "costs"))
		costs();
	else if (!strcmp(what, "flips") && argc == 4)
		flips(strtoull(argv[2], NULL, 0), (u32)atoi(argv[3]));
	else
		die("usage: snapshots cuts | fields | costs | flips SEED COUNT");
	if (tried)
		printf("%u were refused\n", tried);
	victim_tear_down(&victim);
	wire_close(wire);
	return 0;
}
