// SPDX-License-Identifier: GPL-2.0-or-later OR MIT
#include "core/state.h"

struct parts {
	u64 usable, source_room, provider_room, held, slots, lanes, groups, refused, held_total, passed, end;
};

static u64 align8(u64 n)
{
	return (n + 7) & ~7ULL;
}

static struct parts parts_of(const struct mx_snapshot *s)
{
	u64 sources = mx_snapshot_count(s, MX_SECTION_SOURCES);
	u64 providers = mx_snapshot_count(s, MX_SECTION_PROVIDERS);
	u64 pools = mx_snapshot_count(s, MX_SECTION_POOLS);
	struct parts p;

	p.usable = 0;
	p.source_room = align8(sources);
	p.provider_room = p.source_room + sources * sizeof(struct mx_room);
	p.held = p.provider_room + providers * sizeof(struct mx_room);
	p.slots = p.held + align8(providers * sizeof(u32));
	p.lanes = p.slots + s->slots * sizeof(struct mx_slot);
	p.groups = p.lanes + sources * providers * sizeof(struct mx_lane);
	p.refused = p.groups + pools * providers * sizeof(struct mx_group);
	p.held_total = p.refused + providers * MX_REASON_COUNT * sizeof(u64);
	p.passed = p.held_total + providers * sizeof(u64);
	p.end = p.passed + providers * sizeof(u64);
	return p;
}

u64 mx_state_size(const struct mx_snapshot *s)
{
	return parts_of(s).end;
}

void mx_state_init(struct mx_state *st, const struct mx_snapshot *s, void *memory)
{
	struct parts p = parts_of(s);
	u8 *base = memory;

	st->sources = mx_snapshot_count(s, MX_SECTION_SOURCES);
	st->providers = mx_snapshot_count(s, MX_SECTION_PROVIDERS);
	st->ledger_stuck = false;
	st->usable = base + p.usable;
	st->source_room = (struct mx_room *)(base + p.source_room);
	st->provider_room = (struct mx_room *)(base + p.provider_room);
	st->held = (u32 *)(base + p.held);
	st->slots = (struct mx_slot *)(base + p.slots);
	st->lanes = (struct mx_lane *)(base + p.lanes);
	st->groups = (struct mx_group *)(base + p.groups);
	st->refused = (u64 *)(base + p.refused);
	st->held_total = (u64 *)(base + p.held_total);
	st->passed = (u64 *)(base + p.passed);
}

void mx_state_bound_credit(struct mx_state *st, const struct mx_pool *pool, u32 provider)
{
	s64 total = 0;
	u32 i;

	for (i = 0; i < pool->members; i++)
		total += mx_state_slot(st, pool, provider, i)->weight;
	for (i = 0; i < pool->members; i++) {
		s64 *credit = &mx_state_slot(st, pool, provider, i)->credit;

		if (*credit > total)
			*credit = total;
		if (*credit < -total)
			*credit = -total;
	}
}

/* --- room ------------------------------------------------------------------------------------------------------- */

enum mx_reason mx_state_room(const struct mx_state *st, const struct mx_snapshot *s, u32 provider, u32 source)
{
	u32 messages = mx_state_messages(st, s, provider, source);
	enum mx_reason reason = mx_room_for(&mx_state_lane(st, provider, source)->room, messages);

	if (reason == MX_REASON_CANDIDATE)
		reason = mx_room_for(&st->source_room[source], messages);
	if (reason == MX_REASON_CANDIDATE)
		reason = mx_room_for(&st->provider_room[provider], messages);
	return reason;
}

static u64 ready_of(const struct mx_room *room, u32 messages)
{
	return mx_room_for(room, messages) == MX_REASON_CANDIDATE ? 0 : room->ready;
}

u64 mx_state_ready(const struct mx_state *st, const struct mx_snapshot *s, u32 provider, u32 source)
{
	u32 messages = mx_state_messages(st, s, provider, source);
	u64 ready = ready_of(&mx_state_lane(st, provider, source)->room, messages);
	u64 other = ready_of(&st->source_room[source], messages);

	if (other > ready)
		ready = other;
	other = ready_of(&st->provider_room[provider], messages);
	return other > ready ? other : ready;
}

static bool covers(const struct mx_room *room, struct mx_span limits, u32 messages)
{
	return !limits.count || (room->opened && mx_room_covers(room, messages));
}

bool mx_state_covered(const struct mx_state *st, const struct mx_snapshot *s, u32 provider, u32 source)
{
	u32 messages = mx_state_messages(st, s, provider, source);

	return covers(&mx_state_lane(st, provider, source)->room, mx_snapshot_lane_limits(s, provider, source),
		      messages) &&
	       covers(&st->source_room[source], mx_snapshot_sources(s)[source].limits, messages) &&
	       covers(&st->provider_room[provider], mx_snapshot_providers(s)[provider].total_limits, messages);
}

/* Whether this connection leaves no room for another. */
static bool is_last(const struct mx_room *room, u32 messages)
{
	return ((room->limited & (1u << MX_CONNECTIONS)) && room->left[MX_CONNECTIONS] <= 1) ||
	       ((room->limited & (1u << MX_MESSAGES)) && room->left[MX_MESSAGES] < 2 * messages);
}

void mx_state_take_room(struct mx_state *st, const struct mx_snapshot *s, u32 provider, u32 source)
{
	u32 messages = mx_state_messages(st, s, provider, source), i;
	struct mx_room *rooms[] = { &mx_state_lane(st, provider, source)->room, &st->source_room[source],
				    &st->provider_room[provider] };
	bool last = false;

	for (i = 0; i < 3; i++)
		last |= is_last(rooms[i], messages);
	if (last) /* who may be chosen changes */
		mx_state_settle_expected(st, s);
	for (i = 0; i < 3; i++)
		mx_room_take(rooms[i], messages);
}

void mx_state_forget_held(struct mx_state *st, const struct mx_snapshot *s)
{
	u32 groups = mx_snapshot_count(s, MX_SECTION_POOLS) * st->providers, i;

	memset(st->held, 0, st->providers * sizeof(st->held[0]));
	for (i = 0; i < groups; i++)
		memset(st->groups[i].held, 0, sizeof(st->groups[i].held));
}

/* --- max-share -------------------------------------------------------------------------------------------------- */

#define CONNECTION 100 /* in the unit of mx_slot.carried */
#define AHEAD 100      /* how far a member may be ahead of its share: shares are never even after each connection */

/* What a member has carried beyond its share when the next connection is asked for. */
static u32 carried(const struct mx_group *group, const struct mx_slot *slot, u32 max_share)
{
	u64 let = (u64)(group->asked + 1 - slot->asked) * max_share;

	return let < slot->carried ? slot->carried - (u32)let : 0;
}

void mx_state_book_share(struct mx_state *st, const struct mx_snapshot *s, u32 pool, u32 provider, u16 member)
{
	const struct mx_pool *p = &mx_snapshot_pools(s)[pool];
	struct mx_group *group = mx_state_group(st, pool, provider);

	if (member != MX_NONE) {
		struct mx_slot *slot = mx_state_slot(st, p, provider, member);

		slot->carried = carried(group, slot, p->max_share) + CONNECTION;
		slot->asked = group->asked + 1;
	}
	group->asked++;
}

/* --- candidates ------------------------------------------------------------------------------------------------- */

static bool expects(const struct mx_state *st, const struct mx_snapshot *s, const struct mx_pool *pool, u32 provider,
		    u32 member, enum mx_family family)
{
	u32 source = mx_snapshot_members(s)[pool->first_member + member].source;

	return mx_state_eligible(st, s, pool, provider, member, family) == MX_REASON_CANDIDATE &&
	       mx_state_room(st, s, provider, source) == MX_REASON_CANDIDATE;
}

enum mx_reason mx_state_candidate(const struct mx_state *st, const struct mx_snapshot *s, u32 pool, u32 provider,
				  u32 member, enum mx_family family)
{
	const struct mx_pool *p = &mx_snapshot_pools(s)[pool];
	u32 source = mx_snapshot_members(s)[p->first_member + member].source;
	const struct mx_lane *lane = mx_state_lane(st, provider, source);
	enum mx_reason reason = mx_state_eligible(st, s, p, provider, member, family);

	if (reason == MX_REASON_CANDIDATE)
		reason = mx_state_room(st, s, provider, source);
	if (reason != MX_REASON_CANDIDATE)
		return reason;
	if (lane->slots && lane->open >= lane->slots)
		return lane->flags & MX_LANE_BACKING_OFF ? MX_REASON_BACKING_OFF : MX_REASON_CONCURRENCY;
	if (p->max_share < 100 &&
	    carried(mx_state_group(st, pool, provider), mx_state_slot(st, p, provider, member), p->max_share) > AHEAD)
		return MX_REASON_MAX_SHARE;
	if (st->ledger_stuck && !mx_state_covered(st, s, provider, source))
		return MX_REASON_LEDGER;
	return MX_REASON_CANDIDATE;
}

static void settle_group(struct mx_state *st, const struct mx_snapshot *s, const struct mx_pool *pool, u32 provider,
			 enum mx_family family, u64 decided)
{
	u64 total = 0;
	u32 i;

	for (i = 0; i < pool->members; i++)
		if (expects(st, s, pool, provider, i, family))
			total += mx_state_slot(st, pool, provider, i)->weight;
	for (i = 0; total && i < pool->members; i++) {
		u32 source = mx_snapshot_members(s)[pool->first_member + i].source;
		u64 weight = mx_state_slot(st, pool, provider, i)->weight;

		if (expects(st, s, pool, provider, i, family))
			mx_state_lane(st, provider, source)->expected += mx_div64(decided * 1000 * weight, total);
	}
}

void mx_state_settle_expected(struct mx_state *st, const struct mx_snapshot *s)
{
	u32 pools = mx_snapshot_count(s, MX_SECTION_POOLS);
	u32 pool, provider, family;

	for (pool = 0; pool < pools; pool++)
		for (provider = 0; provider < st->providers; provider++)
			for (family = 0; family < MX_FAMILIES; family++) {
				u64 *decided = &mx_state_group(st, pool, provider)->decided[family];

				if (!*decided)
					continue;
				settle_group(st, s, &mx_snapshot_pools(s)[pool], provider, family, *decided);
				*decided = 0;
			}
}
