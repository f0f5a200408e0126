// SPDX-License-Identifier: GPL-2.0-or-later OR MIT
#include "core/turns.h"

struct parts {
	u64 usable, source_room, provider_room, held, slots, lanes, groups, order, refused, held_total, passed, end;
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
	p.order = p.groups + pools * providers * sizeof(struct mx_group);
	p.refused = p.order + align8(s->slots * sizeof(u16));
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
	st->version = 1;
	st->learned = NULL;
	st->networks = NULL;
	st->ledger_stuck = false;
	st->usable = base + p.usable;
	st->source_room = (struct mx_room *)(base + p.source_room);
	st->provider_room = (struct mx_room *)(base + p.provider_room);
	st->held = (u32 *)(base + p.held);
	st->slots = (struct mx_slot *)(base + p.slots);
	st->lanes = (struct mx_lane *)(base + p.lanes);
	st->groups = (struct mx_group *)(base + p.groups);
	st->order = (u16 *)(base + p.order);
	st->refused = (u64 *)(base + p.refused);
	st->held_total = (u64 *)(base + p.held_total);
	st->passed = (u64 *)(base + p.passed);
}

void mx_state_set_weight(struct mx_state *st, const struct mx_snapshot *s, u32 pool, u32 provider, u32 member,
			 u32 weight)
{
	mx_turns_settle(st, s, pool, provider);
	mx_state_slot(st, &mx_snapshot_pools(s)[pool], provider, member)->weight = weight;
}

void mx_state_bound_credit(struct mx_state *st, const struct mx_snapshot *s, u32 index, u32 provider)
{
	const struct mx_pool *pool = &mx_snapshot_pools(s)[index];
	s64 total = 0;
	u32 i;

	mx_turns_settle(st, s, index, provider);
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

#define ROOMS 4

/* Every room that a connection takes from; that of the network is NULL when it has no place. */
struct rooms {
	struct mx_room *room[ROOMS];
	u32 count;
};

/* Only who warms up lane by lane has room to watch at a network. */
static bool warms_network(const struct mx_snapshot *s, struct mx_lane_id lane)
{
	return lane.network && mx_snapshot_sources(s)[lane.source].warmup == MX_WARMS_LANES;
}

static struct rooms rooms_of(const struct mx_state *st, const struct mx_snapshot *s, struct mx_lane_id lane)
{
	struct rooms r = { { &mx_state_lane(st, lane.provider, lane.source)->room, &st->source_room[lane.source],
			     &st->provider_room[lane.provider] },
			   3 };

	if (warms_network(s, lane)) {
		struct mx_network_lane *network = mx_state_network_lane(st, s, lane);

		r.room[r.count++] = network ? &network->room : NULL;
	}
	return r;
}

/* Most connections: the ledger has looked at all of them, and none has a bound. */
static bool are_free(const struct rooms *r)
{
	const struct mx_room *const *room = (const struct mx_room *const *)r->room;

	return r->count == 3 && (room[0]->opened & room[1]->opened & room[2]->opened) &&
	       !(room[0]->limited | room[1]->limited | room[2]->limited);
}

/* Whether there are limits behind the room of that number: then nothing is spent before the ledger has looked. */
static bool is_bound(const struct mx_snapshot *s, struct mx_lane_id lane, u32 number)
{
	const struct mx_source *source = &mx_snapshot_sources(s)[lane.source];

	switch (number) {
	case 0:
		return (source->warmup == MX_WARMS_LANES && lane.provider != s->default_provider) ||
		       mx_snapshot_lane_limits(s, lane.provider, lane.source).count;
	case 1:
		return source->warmup == MX_WARMS_WHOLE || source->limits.count;
	case 2:
		return mx_snapshot_providers(s)[lane.provider].total_limits.count;
	default:
		return true;
	}
}

/* Adds one more bound: messages are counted in connections. */
static void leave(struct mx_left *left, const struct mx_room *room, enum mx_unit unit, u32 messages)
{
	u32 n = unit == MX_MESSAGES ? room->left[unit] / messages : room->left[unit];

	if (!(room->limited & (1u << unit)) || n >= left->connections)
		return;
	*left = (struct mx_left){ n, (enum mx_reason)room->why[unit] };
}

struct mx_left mx_state_left(const struct mx_state *st, const struct mx_snapshot *s, struct mx_lane_id lane)
{
	u32 messages = mx_state_messages(st, s, lane.provider, lane.source), i;
	struct mx_left left = { ~0u, MX_REASON_CANDIDATE };
	struct rooms r = rooms_of(st, s, lane);

	for (i = 0; i < r.count; i++)
		if (r.room[i]) {
			leave(&left, r.room[i], MX_MESSAGES, messages);
			leave(&left, r.room[i], MX_CONNECTIONS, messages);
		}
	return left;
}

u64 mx_state_ready(const struct mx_state *st, const struct mx_snapshot *s, struct mx_lane_id lane)
{
	u32 messages = mx_state_messages(st, s, lane.provider, lane.source), i;
	struct rooms r = rooms_of(st, s, lane);
	u64 ready = 0;

	for (i = 0; i < r.count; i++)
		if (r.room[i] && mx_room_for(r.room[i], messages) != MX_REASON_CANDIDATE && r.room[i]->ready > ready)
			ready = r.room[i]->ready;
	return ready;
}

bool mx_state_covered(const struct mx_state *st, const struct mx_snapshot *s, struct mx_lane_id lane)
{
	u32 messages = mx_state_messages(st, s, lane.provider, lane.source), i;
	struct rooms r = rooms_of(st, s, lane);

	if (are_free(&r))
		return true;
	for (i = 0; i < r.count; i++) {
		bool opened = r.room[i] && r.room[i]->opened;

		if (opened ? !mx_room_covers(r.room[i], messages) : is_bound(s, lane, i))
			return false;
	}
	return true;
}

/* Whether this connection leaves no room for another. */
static bool is_last(const struct mx_room *room, u32 messages)
{
	return ((room->limited & (1u << MX_CONNECTIONS)) && room->left[MX_CONNECTIONS] <= 1) ||
	       ((room->limited & (1u << MX_MESSAGES)) && room->left[MX_MESSAGES] < 2 * messages);
}

void mx_state_take_room(struct mx_state *st, const struct mx_snapshot *s, struct mx_lane_id lane)
{
	u32 messages = mx_state_messages(st, s, lane.provider, lane.source), i;
	struct rooms r = rooms_of(st, s, lane);
	bool last = false;

	if (are_free(&r))
		return;
	for (i = 0; i < r.count; i++)
		last |= r.room[i] && r.room[i]->limited && is_last(r.room[i], messages);
	if (last) /* who may be chosen changes */
		mx_state_settle_expected(st, s);
	for (i = 0; i < r.count; i++)
		if (r.room[i])
			mx_room_take(r.room[i], messages);
	if (last)
		mx_state_changed(st);
}

enum mx_reason mx_state_network_candidate(const struct mx_state *st, const struct mx_snapshot *s, struct mx_lane_id id,
					  u64 now)
{
	const struct mx_source *source = &mx_snapshot_sources(s)[id.source];
	const struct mx_network_lane *lane = mx_state_network_lane(st, s, id);
	enum mx_reason reason = MX_REASON_CANDIDATE;

	if (lane && (lane->flags & MX_LANE_PAUSED))
		return MX_REASON_PAUSED;
	if (lane && lane->slots && lane->open >= lane->slots)
		return lane->flags & MX_LANE_BACKING_OFF ? MX_REASON_BACKING_OFF : MX_REASON_CONCURRENCY;
	if (lane)
		reason = mx_room_for(&lane->room, mx_state_messages(st, s, id.provider, id.source));
	else if (source->warmup == MX_WARMS_LANES && st->networks &&
		 !mx_networks_has_place(st->networks, id.network, source->key, (u32)mx_div64(now, 1000)))
		reason = MX_REASON_WARMUP;
	if (reason == MX_REASON_CANDIDATE && st->ledger_stuck && !mx_state_covered(st, s, id))
		reason = MX_REASON_LEDGER;
	return reason;
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

/*
 * How far a member may be ahead of its share when the next connection is asked for, so that nobody is disturbed whose
 * weight asks for no more. By round robin it gains less than two connections on its share between any two moments (see
 * balance.h), and the next connection lets it fall back by `max_share`. By the destinations' hash it is chance.
 */
static u32 ahead(const struct mx_snapshot *s, u32 provider, u32 max_share)
{
	return mx_snapshot_providers(s)[provider].balance == MX_STICKY ? 20 * CONNECTION : 2 * CONNECTION - max_share;
}

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

/* All but what changes with every connection. */
static MX_APART enum mx_reason steady(const struct mx_state *st, const struct mx_snapshot *s,
				      const struct mx_pool *pool, u32 provider, u32 member, enum mx_family family)
{
	u32 source = mx_snapshot_members(s)[pool->first_member + member].source;
	const struct mx_lane *lane = mx_state_lane(st, provider, source);
	enum mx_reason reason = mx_state_eligible(st, s, pool, provider, member, family);

	if (reason == MX_REASON_CANDIDATE)
		reason = mx_state_room(st, s, provider, source);
	if (reason == MX_REASON_CANDIDATE && lane->slots && lane->open >= lane->slots)
		reason = lane->flags & MX_LANE_BACKING_OFF ? MX_REASON_BACKING_OFF : MX_REASON_CONCURRENCY;
	return reason;
}

/* Pools are large and asked for every connection; what is known of a member is kept beside its credit. */
static enum mx_reason known(const struct mx_state *st, const struct mx_snapshot *s, const struct mx_pool *pool,
			    u32 provider, u32 member, enum mx_family family)
{
	struct mx_slot *slot = mx_state_slot(st, pool, provider, member);

	if (slot->version != st->version) {
		slot->shut4 = (u8)steady(st, s, pool, provider, member, MX_IPV4) & 63;
		slot->shut6 = (u8)steady(st, s, pool, provider, member, MX_IPV6) & 63;
		slot->version = st->version;
	}
	return mx_slot_shut(slot, family);
}

enum mx_reason mx_state_candidate(const struct mx_state *st, const struct mx_snapshot *s, u32 pool, u32 provider,
				  u32 member, enum mx_family family)
{
	const struct mx_pool *p = &mx_snapshot_pools(s)[pool];
	enum mx_reason reason = known(st, s, p, provider, member, family);

	if (reason != MX_REASON_CANDIDATE)
		return reason;
	if (p->max_share < 100 && carried(mx_state_group(st, pool, provider), mx_state_slot(st, p, provider, member),
					  p->max_share) > ahead(s, provider, p->max_share))
		return MX_REASON_MAX_SHARE;
	if (st->ledger_stuck &&
	    !mx_state_covered(
		    st, s, (struct mx_lane_id){ provider, mx_snapshot_members(s)[p->first_member + member].source, 0 }))
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

void MX_APART mx_state_settle_expected(struct mx_state *st, const struct mx_snapshot *s)
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
