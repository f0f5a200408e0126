/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/*
 * Whose turn is next in the round robin of a pool at a provider (see balance.h), without walking through the pool:
 * while weights and candidates stay, all gain credit at a steady pace, and only the one that was served falls back.
 *
 * Two heaps. Those that are due, by when they would first be owed a whole connection: the first one is next. And those
 * that were served ahead of their time, by when they are due again. A turn moves one or two of them: O(log members).
 * What everybody gained since the order was made is not added to each credit but counted in `rounds`; mx_turns_settle()
 * adds it, for everyone who reads a credit, or changes one or a weight. The choice is the same as that of the long way,
 * ties included.
 *
 * The order is made when two connections in a row met the same candidates, and is void with the next version of the
 * state. Where candidates change with every connection (max-share, networks) there is none.
 */
#ifndef MX_CORE_TURNS_H
#define MX_CORE_TURNS_H

#include "core/state.h"

/* The places of a pool at a provider in `order`. */
static inline u16 *mx_turns_order(const struct mx_state *st, const struct mx_pool *pool, u32 provider)
{
	return &st->order[pool->first_slot + provider * pool->members];
}

/* The member that is next, or MX_NONE: nobody knows without asking all. */
static inline u16 mx_turns_next(const struct mx_state *st, const struct mx_snapshot *s, u32 pool, u32 provider,
				enum mx_family family)
{
	const struct mx_turns *t = &mx_state_group(st, pool, provider)->turns;

	if (t->version != st->version || !(t->families & (1u << family)) || !t->due)
		return MX_NONE;
	return *mx_turns_order(st, &mx_snapshot_pools(s)[pool], provider);
}

/* The one that is next was served. */
void mx_turns_take(const struct mx_state *st, const struct mx_snapshot *s, u32 pool, u32 provider);

/*
 * A connection of `family` was booked the long way, and the credits are settled: the order is made when the one before
 * met the same candidates. Every member's slot says whether it is a candidate, for this version.
 */
void mx_turns_seen(const struct mx_state *st, const struct mx_snapshot *s, u32 pool, u32 provider,
		   enum mx_family family);

/* Adds to each credit what it has gained; the order is void. To be called before a weight or a credit is changed. */
void mx_turns_settle(const struct mx_state *st, const struct mx_snapshot *s, u32 pool, u32 provider);

#endif
