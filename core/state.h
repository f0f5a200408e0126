/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/*
 * What changes while a snapshot is in force: weights and states (set by the operator), round-robin credit and
 * counters (by decisions). It is kept apart from the snapshot, so that a reload keeps it: the daemon carries it over
 * by name.
 *
 * Whoever calls mx_decide() and mx_account() keeps others away from the state meanwhile.
 */
#ifndef MX_CORE_STATE_H
#define MX_CORE_STATE_H

#include "core/reason.h"
#include "core/snapshot.h"

/* A member of a pool at a provider. */
struct mx_slot {
	s64 credit; /* of the smooth weighted round robin, in the unit of weight */
	u32 weight; /* effective weight in thousandths: weight x reputation factor */
	u32 reserved;
};

#define MX_LANE_PAUSED 1u

/* A source at a provider. */
struct mx_lane {
	u32 flags;
	u32 reserved;
	u64 connections; /* assigned */
	u64 expected; /* what the weights asked for, in thousandths of a connection; see mx_state_settle_expected() */
	u64 established;
	u64 failed; /* never established */
	u64 bytes_sent;
	u64 bytes_received;
};

/* A pool at a provider: decisions by family since the expected shares were last worked out. */
struct mx_group {
	u64 decided[MX_FAMILIES];
};

struct mx_state {
	u32 sources;
	u32 providers;
	u8 *usable;              /* [source]: bit 1 << enum mx_family where its address is on this host */
	struct mx_slot *slots;   /* see mx_state_slot() */
	struct mx_lane *lanes;   /* see mx_state_lane() */
	struct mx_group *groups; /* see mx_state_group() */
	u64 *refused;            /* see mx_state_refused() */
	u64 *passed;             /* [provider] */
};

/* Bytes that the state of a snapshot takes. */
u64 mx_state_size(const struct mx_snapshot *s);

/*
 * Lays out the state of `s` in `memory` (mx_state_size() bytes, aligned to 8, all zero): no weight, no source
 * usable, nothing paused, all counters 0. The memory stays the caller's and is used as long as the state.
 */
void mx_state_init(struct mx_state *st, const struct mx_snapshot *s, void *memory);

static inline struct mx_slot *mx_state_slot(const struct mx_state *st, const struct mx_pool *pool, u32 provider,
					    u32 member)
{
	return &st->slots[pool->first_slot + provider * pool->members + member];
}

static inline struct mx_lane *mx_state_lane(const struct mx_state *st, u32 provider, u32 source)
{
	return &st->lanes[provider * st->sources + source];
}

static inline struct mx_group *mx_state_group(const struct mx_state *st, u32 pool, u32 provider)
{
	return &st->groups[pool * st->providers + provider];
}

static inline u64 *mx_state_refused(const struct mx_state *st, u32 provider, enum mx_reason reason)
{
	return &st->refused[provider * MX_REASON_COUNT + reason];
}

/*
 * To be called when weights have changed: bounds the credit of the members of `pool` at `provider` to one connection in
 * the new unit, so that nobody is paid in a long burst for what was owed under weights that were larger.
 */
void mx_state_bound_credit(struct mx_state *st, const struct mx_pool *pool, u32 provider);

/*
 * Whether `member` of `pool` may be chosen at `provider` for a destination of `family`: MX_REASON_CANDIDATE, or the
 * reason why not.
 */
static inline enum mx_reason mx_state_candidate(const struct mx_state *st, const struct mx_snapshot *s,
						const struct mx_pool *pool, u32 provider, u32 member,
						enum mx_family family)
{
	u32 source = mx_snapshot_members(s)[pool->first_member + member].source;
	u32 bit = 1u << family;

	if (!(mx_snapshot_sources(s)[source].families & bit))
		return MX_REASON_NO_ADDRESS;
	if (!(st->usable[source] & bit))
		return MX_REASON_UNUSABLE;
	if (!mx_state_slot(st, pool, provider, member)->weight)
		return MX_REASON_WEIGHT_ZERO;
	if (mx_state_lane(st, provider, source)->flags & MX_LANE_PAUSED)
		return MX_REASON_PAUSED;
	return MX_REASON_CANDIDATE;
}

/*
 * Books what the weights asked for since the last call into the lanes' `expected`. To be called before anything that
 * mx_state_candidate() or the weights depend on is changed, and before the figures are read.
 */
void mx_state_settle_expected(struct mx_state *st, const struct mx_snapshot *s);

#endif
