/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/*
 * How one of several candidates is chosen. Both ways ask all of them and keep nothing but the slots' credit; while
 * weights and candidates stay, the round robin goes by an order instead (turns.h), to the same effect.
 */
#ifndef MX_CORE_BALANCE_H
#define MX_CORE_BALANCE_H

#include "core/flow.h"
#include "core/state.h"

/* A 64-bit mixing function (the finalizer of splitmix64): every bit of the result depends on every bit of n. */
static inline u64 mx_mix64(u64 n)
{
	n ^= n >> 30;
	n *= 0xbf58476d1ce4e5b9ULL;
	n ^= n >> 27;
	n *= 0x94d049bb133111ebULL;
	return n ^ (n >> 31);
}

/* A number for the addresses and ports of a connection; another `seed` mixes differently. */
static inline u64 mx_flow_key(const struct mx_flow *f, u64 seed)
{
	u64 key = mx_mix64((seed + f->family) ^ f->from.lo);

	key = mx_mix64(key ^ f->from.hi);
	key = mx_mix64(key + f->to.lo);
	key = mx_mix64(key ^ f->to.hi);
	return mx_mix64(key + (((u64)f->from_port << 16) | f->to_port));
}

/* The key of a source by its name: the same on every host and in every version. */
u64 mx_balance_key(const char *name, size_t length);

/*
 * -log2(n / 2^64) in 32 fraction bits, for n > 0, right to 2e-5. By a table of log2(1 + i/128) and a straight line in
 * between.
 */
u64 mx_balance_neg_log2(u64 n);

/* What a choice is made from: the members of a pool at a provider, for one family. */
struct mx_ballot {
	const struct mx_snapshot *snapshot;
	const struct mx_state *state;
	const struct mx_pool *pool; /* of the snapshot */
	u32 provider;
	enum mx_family family;
	u64 network; /* of the destination, where each is judged by itself; see networks.h. Else 0 */
	u64 now;     /* ms of the ledger's clock */
};

/*
 * Both return the chosen member, or MX_NONE when there is no candidate; *why is then the reason of the member that
 * came furthest.
 *
 * mx_balance_weighted: smooth weighted round robin. With every connection each candidate gains its weight as credit and
 * the chosen one pays the sum of all, so credit / sum is what a source is owed, in connections. Who would be owed
 * something is due; among those the one wins that would first be owed a whole connection. This is the earliest deadline
 * first in the windows of Baruah, Cohen, Plaxton and Varvel, Proportionate Progress (Algorithmica 15, 1996): while
 * weights and candidates stay, no share is ever off by a whole connection, whatever the weights are; 5/3/1 gives
 * 1 2 1 1 2 1 2 1 3. (Taking the richest, as is common, is off by more than one with 1/4/56/56.) Changes nothing:
 * mx_balance_spend() does, once for each connection.
 *
 * mx_balance_sticky: weighted rendezvous hashing (Mosko and others, draft-ietf-bess-weighted-hrw): each source scores
 * -log2(hash(source, destination's /24 or /64)) / weight, the lowest wins. When a source goes, only its destinations
 * move; when a weight grows, destinations move to that source only.
 */
u16 mx_balance_weighted(const struct mx_ballot *ballot, enum mx_reason *why);
u16 mx_balance_sticky(const struct mx_ballot *ballot, struct mx_addr to, enum mx_reason *why);

/* Whether a member may be chosen: MX_REASON_CANDIDATE, or the reason why not. */
enum mx_reason mx_balance_candidate(const struct mx_ballot *ballot, u32 member);

/*
 * When there is no candidate: the earliest time at which one of the members that only lack room will have it, in ms of
 * the ledger's clock; 0 for "any moment" (a connection has to close), MX_NEVER when none of them will.
 */
u64 mx_balance_ready(const struct mx_ballot *ballot);

/* Books one round in which `member` was served. */
void mx_balance_spend(const struct mx_ballot *ballot, u16 member);

#endif
