// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/vm/abuse/forge.h"

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <string.h>

#include "core/balance.h"
#include "core/learned.h"
#include "core/reason.h"
#include "tests/vm/abuse/victim.h"

#define CONTENT_MAX 61500 /* bytes of an attribute: a little more than the module takes */

/* --- numbers ---------------------------------------------------------------------------------------------------- */

u64 forge_number(struct forge *f)
{
	return mx_mix64(f->random += 0x9e3779b97f4a7c15ULL);
}

static u32 pick(struct forge *f, u32 n)
{
	return (u32)(forge_number(f) % n);
}

static bool one_in(struct forge *f, u32 n)
{
	return !pick(f, n);
}

/* Mostly below `limit`; now and then just there, or anything. */
static u32 index_below(struct forge *f, u32 limit)
{
	switch (pick(f, 200)) {
	case 0:
		return limit;
	case 1:
		return ~0u;
	case 2:
		return (u32)forge_number(f);
	default:
		return pick(f, limit);
	}
}

static u64 edge(struct forge *f)
{
	static const u64 edges[] = {
		0, 1, 2, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 1ULL << 63, ~0ULL,
	};

	return one_in(f, 4) ? forge_number(f) : edges[pick(f, sizeof(edges) / sizeof(edges[0]))];
}

/* --- what stands in an attribute -------------------------------------------------------------------------------- */

static u32 count_of(const struct forge *f, enum mx_section section)
{
	return mx_snapshot_count(f->snapshot, section);
}

static size_t fill_slot(struct forge *f, void *to)
{
	struct mxload_slot e = { .slot = index_below(f, f->snapshot->slots), .set = index_below(f, 4) };

	e.weight = one_in(f, 30) ? (u32)edge(f) : pick(f, 1000001);
	e.credit = one_in(f, 30) ? (s64)edge(f) : (s64)pick(f, 1000000) - 500000;
	e.carried = (u32)edge(f);
	e.asked = (u32)edge(f);
	e.reserved = one_in(f, 200);
	memcpy(to, &e, sizeof(e));
	return sizeof(e);
}

static size_t fill_source(struct forge *f, void *to)
{
	struct mxload_source e = { (u16)index_below(f, count_of(f, MX_SECTION_SOURCES)), (u16)index_below(f, 4) };

	memcpy(to, &e, sizeof(e));
	return sizeof(e);
}

static size_t fill_provider(struct forge *f, void *to)
{
	struct mxload_provider e = { (u16)index_below(f, count_of(f, MX_SECTION_PROVIDERS)), (u16)index_below(f, 2) };

	memcpy(to, &e, sizeof(e));
	return sizeof(e);
}

static size_t fill_lane(struct forge *f, void *to)
{
	struct mxload_lane e = { .provider = (u16)index_below(f, count_of(f, MX_SECTION_PROVIDERS)),
				 .source = (u16)index_below(f, count_of(f, MX_SECTION_SOURCES)),
				 .state = (u8)index_below(f, 3),
				 .why = (u8)index_below(f, MX_REASON_COUNT),
				 .reserved = one_in(f, 200),
				 .padding = one_in(f, 200),
				 .ready = edge(f) };

	e.grant = e.state == MXLOAD_LANE_LEASED || one_in(f, 60) ? (u32)edge(f) : 0;
	memcpy(to, &e, sizeof(e));
	return sizeof(e);
}

static size_t fill_learned(struct forge *f, void *to)
{
	struct mxload_learned e = { .hi = edge(f),
				    .lo = edge(f),
				    .slot = index_below(f, MX_LEARNED_SLOTS),
				    .provider = (u16)index_below(f, count_of(f, MX_SECTION_PROVIDERS)),
				    .family = (u8)index_below(f, MX_FAMILIES),
				    .origin = (u8)index_below(f, MX_ORIGIN_COUNT) };

	memcpy(to, &e, sizeof(e));
	return sizeof(e);
}

static size_t fill_flow(struct forge *f, void *to)
{
	struct mxload_flow e = victim_flow(pick(f, 1000));

	if (one_in(f, 4)) {
		e.to_hi = edge(f);
		e.to_lo = edge(f);
		e.family = (u8)index_below(f, MX_FAMILIES);
	}
	e.now = edge(f);
	e.waited = edge(f);
	memcpy(to, &e, sizeof(e));
	return sizeof(e);
}

struct entry {
	size_t (*fill)(struct forge *f, void *to);
	size_t size;
	u8 bad_at, bad_size; /* a field that is wrong when all its bits are set */
};

#define ENTRY(type, field, fill)                                                                                       \
	{                                                                                                              \
		fill, sizeof(struct type), (u8) __builtin_offsetof(struct type, field),                                \
			(u8)sizeof(((struct type *)NULL)->field)                                                       \
	}

static const struct entry entries[__MXLOAD_A_END] = {
	[MXLOAD_A_SLOTS] = ENTRY(mxload_slot, slot, fill_slot),
	[MXLOAD_A_SOURCES] = ENTRY(mxload_source, source, fill_source),
	[MXLOAD_A_PROVIDERS] = ENTRY(mxload_provider, provider, fill_provider),
	[MXLOAD_A_LANES] = ENTRY(mxload_lane, provider, fill_lane),
	[MXLOAD_A_LEARNED] = ENTRY(mxload_learned, slot, fill_learned),
	[MXLOAD_A_FLOWS] = ENTRY(mxload_flow, family, fill_flow),
};

static size_t fill_array(struct forge *f, u8 attribute, u8 *to)
{
	const struct entry *e = &entries[attribute];
	u32 count = one_in(f, 50) ? pick(f, 3) * 129 : 1 + pick(f, 4), i;
	size_t size = 0;

	if (one_in(f, 2000))
		count = (u32)(CONTENT_MAX / e->size);
	for (i = 0; i < count && size + e->size <= CONTENT_MAX; i++)
		size += e->fill(f, to + size);
	return size;
}

static u64 generation(struct forge *f, u8 command)
{
	bool of_begun = command == MXLOAD_CMD_SET || command == MXLOAD_CMD_COMMIT;

	if (command == MXLOAD_CMD_BEGIN || command == MXLOAD_CMD_CHUNK)
		return one_in(f, 10) ? f->in_force : f->hopeless;
	if (command == MXLOAD_CMD_DROP && !one_in(f, f->tame ? 3 : 300)) /* or there is soon nothing to attack */
		return edge(f);
	if (command == MXLOAD_CMD_COMMIT && !f->tame && !one_in(f, 300))
		return f->hopeless;
	if (of_begun && !one_in(f, 4))
		return f->theme == FORGE_SETTING ? f->begun : f->hopeless;
	switch (pick(f, 10)) {
	case 0:
		return edge(f);
	case 1:
		return f->before;
	case 2:
		return f->begun;
	default:
		return f->in_force;
	}
}

/* Nearly always too small or too large: every policy that is begun costs megabytes. */
static u64 size_of_snapshot(struct forge *f)
{
	if (one_in(f, 12))
		return f->snapshot->size;
	if (one_in(f, 2000))
		return MXLOAD_SNAPSHOT_MAX / (1 + pick(f, 4));
	return one_in(f, 2) ? pick(f, sizeof(struct mx_snapshot)) : MXLOAD_SNAPSHOT_MAX + 1 + (edge(f) >> 1);
}

static u64 number(struct forge *f, u8 attribute, u8 command)
{
	static const u32 valid[] = { 1, 1000, 60000, 60001, 3599999, 3600000, 0, 3600001, ~0u };

	switch (attribute) {
	case MXLOAD_A_GENERATION:
		return generation(f, command);
	case MXLOAD_A_SIZE:
		return size_of_snapshot(f);
	case MXLOAD_A_OFFSET:
		return one_in(f, 3) ? edge(f) : 0;
	case MXLOAD_A_VALID:
		return valid[pick(f, sizeof(valid) / sizeof(valid[0]))];
	case MXLOAD_A_FLAGS:
		return one_in(f, 10) ? edge(f) : pick(f, 2) * (command == MXLOAD_CMD_DECIDE ? MXLOAD_BOOK : MXLOAD_ALL);
	case MXLOAD_A_AT:
		return one_in(f, 4) ? edge(f) : pick(f, 20);
	default: /* checksum and seed */
		return forge_number(f);
	}
}

static bool is_short(u8 attribute)
{
	return attribute == MXLOAD_A_VALID || attribute == MXLOAD_A_FLAGS || attribute == MXLOAD_A_AT;
}

static size_t content(struct forge *f, u8 attribute, u8 command, u8 *to)
{
	u64 n;

	if (entries[attribute].fill)
		return fill_array(f, attribute, to);
	if (attribute == MXLOAD_A_DATA) {
		n = one_in(f, 20) ? 0 : 1 + pick(f, 500);
		memcpy(to, f->snapshot, n);
		return n;
	}
	n = number(f, attribute, command);
	memcpy(to, &n, sizeof(n)); /* short ones are the first bytes: the machine is little-endian */
	return is_short(attribute) ? sizeof(u32) : sizeof(u64);
}

/* --- what is wrong with a message ------------------------------------------------------------------------------- */

enum harm {
	HARM_LEAVE_OUT,
	HARM_DOUBLE,
	HARM_SIZE,
	HARM_SAID_LENGTH,
	HARM_TYPE,
	HARM_NOISE,
	HARM_NEST,
	HARM_ATTRIBUTES, /* those above are of one attribute */
	HARM_FLIP = HARM_ATTRIBUTES,
	HARM_CUT,
	HARM_COMMAND,
	HARM_FLAGS,
	HARM_MESSAGE_LENGTH,
	HARM_MESSAGE_TYPE,
	HARMS,
};

static void noise(struct forge *f, u8 *to, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		to[i] = (u8)forge_number(f);
}

/* Attributes in attributes, as deep as they fit. */
static size_t nest(struct forge *f, u8 *to, size_t size)
{
	size_t at = 0;

	size = (size < 8 ? 64 : size) & ~3u;
	for (at = 0; at + sizeof(struct nlattr) <= size; at += sizeof(struct nlattr)) {
		struct nlattr a = { (u16)(size - at), (u16)(pick(f, __MXLOAD_A_END) | NLA_F_NESTED) };

		memcpy(to + at, &a, sizeof(a));
	}
	return size;
}

static u16 other_type(struct forge *f, u16 type)
{
	switch (pick(f, 4)) {
	case 0:
		return type | NLA_F_NESTED;
	case 1:
		return type | NLA_F_NET_BYTEORDER;
	case 2:
		return (u16)forge_number(f);
	default:
		return (u16)pick(f, __MXLOAD_A_END + 2);
	}
}

static void put(struct forge *f, struct wire *w, u8 attribute, u8 command, int harm)
{
	static u8 bytes[CONTENT_MAX + 512];
	size_t size = content(f, attribute, command, bytes), begin = w->length;
	u16 type = harm == HARM_TYPE ? other_type(f, attribute) : attribute;

	if (harm == HARM_SIZE)
		size = one_in(f, 2) ? size + 1 + pick(f, 8) : pick(f, (u32)size + 1);
	if (harm == HARM_NOISE)
		noise(f, bytes, size);
	if (harm == HARM_NEST)
		size = nest(f, bytes, size > 4096 ? 4096 : size);
	if (harm != HARM_LEAVE_OUT)
		wire_put(w, type, bytes, size);
	if (harm == HARM_SAID_LENGTH)
		((struct nlattr *)(w->bytes + begin))->nla_len = (u16)(one_in(f, 2) ? pick(f, 16) : forge_number(f));
	if (harm == HARM_DOUBLE)
		put(f, w, attribute, command, HARMS);
}

static void harm_message(struct forge *f, struct wire *w, size_t begin, int harm)
{
	struct nlmsghdr *h = (struct nlmsghdr *)(w->bytes + begin);
	size_t head = begin + sizeof(*h), size = w->length - head;
	u32 i;

	if (harm == HARM_FLIP)
		for (i = 0; i <= pick(f, 4); i++)
			w->bytes[head + pick(f, (u32)size)] ^= (u8)(1u << pick(f, 8));
	if (harm == HARM_CUT)
		w->length -= pick(f, (u32)size + 1);
	if (harm == HARM_COMMAND)
		noise(f, w->bytes + head, 1 + pick(f, 4));
	if (harm == HARM_FLAGS)
		h->nlmsg_flags = (u16)(one_in(f, 2) ? forge_number(f) : h->nlmsg_flags ^ (1u << pick(f, 16)));
	if (harm == HARM_MESSAGE_TYPE)
		h->nlmsg_type = (u16)pick(f, NLMSG_MIN_TYPE);
}

static void compose(struct forge *f, struct wire *w, size_t begin, u8 command, int harm)
{
	static const u8 takes[][8] = {
		[MXLOAD_CMD_STATUS] = { 0 },
		[MXLOAD_CMD_BEGIN] = { MXLOAD_A_GENERATION, MXLOAD_A_SIZE, MXLOAD_A_CHECKSUM, MXLOAD_A_SEED },
		[MXLOAD_CMD_CHUNK] = { MXLOAD_A_GENERATION, MXLOAD_A_OFFSET, MXLOAD_A_DATA },
		[MXLOAD_CMD_SET] = { MXLOAD_A_GENERATION, MXLOAD_A_SLOTS, MXLOAD_A_SOURCES, MXLOAD_A_PROVIDERS,
				     MXLOAD_A_LANES, MXLOAD_A_LEARNED, MXLOAD_A_VALID },
		[MXLOAD_CMD_COMMIT] = { MXLOAD_A_GENERATION, MXLOAD_A_VALID },
		[MXLOAD_CMD_DROP] = { MXLOAD_A_GENERATION },
		[MXLOAD_CMD_COUNTERS] = { MXLOAD_A_GENERATION, MXLOAD_A_AT, MXLOAD_A_FLAGS },
		[MXLOAD_CMD_RECALL] = { MXLOAD_A_GENERATION, MXLOAD_A_LANES },
		[MXLOAD_CMD_DECIDE] = { MXLOAD_A_GENERATION, MXLOAD_A_FLOWS, MXLOAD_A_FLAGS },
	};
	const u8 *a = takes[command];
	u32 count = (u32)strlen((const char *)a), harmed = count ? pick(f, count) : 0, i;

	for (i = 0; i < count; i++) {
		bool needless = command == MXLOAD_CMD_SET && i && i != harmed;

		if (!needless || one_in(f, 4))
			put(f, w, a[i], command, i == harmed ? harm : HARMS);
	}
	if (!count && harm < HARM_ATTRIBUTES)
		put(f, w, (u8)(1 + pick(f, __MXLOAD_A_END - 1)), command, harm);
	if (harm >= HARM_ATTRIBUTES)
		harm_message(f, w, begin, harm);
}

/* --- what must not happen --------------------------------------------------------------------------------------- */

static struct nlattr *next_attribute(u8 *bytes, size_t end, size_t *at)
{
	struct nlattr *a = (struct nlattr *)(void *)(bytes + *at);

	if (*at + sizeof(*a) > end || a->nla_len < sizeof(*a) || *at + a->nla_len > end)
		return NULL;
	*at += NLA_ALIGN(a->nla_len);
	return a;
}

/* Whether any of its attributes says one of these generations. */
static bool says(struct wire *w, size_t begin, u64 one, u64 other)
{
	struct nlattr *a;
	size_t at = begin;
	u64 said;

	while ((a = next_attribute(w->bytes, w->length, &at))) {
		if ((a->nla_type & NLA_TYPE_MASK) != MXLOAD_A_GENERATION || a->nla_len < sizeof(*a) + sizeof(said))
			continue;
		memcpy(&said, a + 1, sizeof(said));
		if (said == one || said == other)
			return true;
	}
	return false;
}

/* Whether it might book what it decides. */
static bool books(struct wire *w, size_t begin)
{
	struct nlattr *a;
	size_t at = begin;

	while ((a = next_attribute(w->bytes, w->length, &at)))
		if ((a->nla_type & NLA_TYPE_MASK) == MXLOAD_A_FLAGS && a->nla_len > sizeof(*a) &&
		    *(const u8 *)(a + 1) & MXLOAD_BOOK)
			return true;
	return false;
}

/* The first entry of an array becomes wrong, so that none is looked at. */
static bool spoil(struct nlattr *a)
{
	u16 type = a->nla_type & NLA_TYPE_MASK;

	if (type == MXLOAD_A_VALID && a->nla_len >= sizeof(*a) + sizeof(u32)) {
		memset(a + 1, 0, sizeof(u32));
		return true;
	}
	if (type >= __MXLOAD_A_END || !entries[type].size || a->nla_len < sizeof(*a) + entries[type].size)
		return false;
	memset((u8 *)(a + 1) + entries[type].bad_at, 0xff, entries[type].bad_size);
	return true;
}

static bool spoil_all(struct wire *w, size_t begin)
{
	struct nlattr *a;
	size_t at = begin;
	bool spoilt = false;

	while ((a = next_attribute(w->bytes, w->length, &at)))
		spoilt |= spoil(a);
	return spoilt;
}

/* Nothing in it can be made wrong: it asks for an attribute that does not exist. */
static bool spoil_generation(struct wire *w, size_t begin)
{
	struct nlattr *a;
	size_t at = begin;

	while ((a = next_attribute(w->bytes, w->length, &at)))
		if ((a->nla_type & NLA_TYPE_MASK) == MXLOAD_A_GENERATION)
			a->nla_type = 0x2000;
	return true;
}

/*
 * Makes a message wrong that would be right for a policy that has to stay as it is, and returns whether it was. Those
 * that would put in force what is begun, too.
 */
static bool tame(struct forge *f, struct wire *w, size_t begin)
{
	size_t attributes = begin + sizeof(struct nlmsghdr) + sizeof(struct genlmsghdr);
	bool of_victim;

	if (!f->tame || attributes > w->length)
		return false;
	of_victim = says(w, attributes, f->in_force, f->before);
	switch (w->bytes[attributes - sizeof(struct genlmsghdr)]) {
	case MXLOAD_CMD_SET:
	case MXLOAD_CMD_RECALL:
		return of_victim && spoil_all(w, attributes);
	case MXLOAD_CMD_DECIDE:
		return of_victim && books(w, attributes) && spoil_all(w, attributes);
	case MXLOAD_CMD_DROP:
		return of_victim && spoil_generation(w, attributes);
	case MXLOAD_CMD_COMMIT:
		return says(w, attributes, f->begun, f->begun) && spoil_all(w, attributes);
	default:
		return false;
	}
}

static u8 command_of(struct forge *f)
{
	static const u8 setting[] = { MXLOAD_CMD_STATUS, MXLOAD_CMD_SET,    MXLOAD_CMD_SET,      MXLOAD_CMD_SET,
				      MXLOAD_CMD_COMMIT, MXLOAD_CMD_DROP,   MXLOAD_CMD_COUNTERS, MXLOAD_CMD_RECALL,
				      MXLOAD_CMD_RECALL, MXLOAD_CMD_DECIDE, MXLOAD_CMD_DECIDE };
	static const u8 beginning[] = { MXLOAD_CMD_BEGIN, MXLOAD_CMD_CHUNK, MXLOAD_CMD_CHUNK, MXLOAD_CMD_SET,
					MXLOAD_CMD_COMMIT };

	return f->theme == FORGE_SETTING ? setting[pick(f, sizeof(setting))] : beginning[pick(f, sizeof(beginning))];
}

struct forge_expectation forge_message(struct forge *f, struct wire *w)
{
	u8 command = command_of(f);
	size_t begin = wire_begin(w, command);
	int harm = one_in(f, 2) ? HARMS : (int)pick(f, HARMS);
	struct forge_expectation e = { 0 };
	struct nlmsghdr *h = (struct nlmsghdr *)(w->bytes + begin);

	compose(f, w, begin, command, harm);
	e.refused = tame(f, w, begin);
	e.command = w->bytes[begin + sizeof(*h)];
	e.words = h->nlmsg_type == w->family && w->length - begin >= sizeof(*h) + sizeof(struct genlmsghdr) &&
		  e.command > MXLOAD_CMD_UNSPEC && e.command < MXLOAD_CMD_DECISIONS &&
		  (h->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP;
	e.refused = e.refused && e.words && h->nlmsg_flags & NLM_F_REQUEST;
	e.answered = h->nlmsg_flags & NLM_F_ACK;
	wire_end(w, begin);
	if (harm == HARM_MESSAGE_LENGTH) { /* too short for its own header, or longer than what comes */
		h->nlmsg_len = one_in(f, 2) ? pick(f, sizeof(*h)) : h->nlmsg_len + 4 + pick(f, 100000);
		e = (struct forge_expectation){ .command = e.command, .last = true };
	}
	return e;
}
