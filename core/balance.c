// SPDX-License-Identifier: GPL-2.0-or-later OR MIT
#include "core/balance.h"

#include "core/turns.h"

/* round(2^32 * log2(1 + i/128)) for i from 0 to 128 */
static const u64 log2_table[129] = {
	0x000000000ULL, 0x002dfca17ULL, 0x005b9e5a1ULL, 0x0088e68ebULL, 0x00b5d69bbULL, 0x00e26fd5dULL, 0x010eb38a0ULL,
	0x013aa2fddULL, 0x01663f6fbULL, 0x01918a16eULL, 0x01bc84241ULL, 0x01e72ec11ULL, 0x02118b11aULL, 0x023b9a32fULL,
	0x02655d3c5ULL, 0x028ed53f3ULL, 0x02b803474ULL, 0x02e0e85aaULL, 0x0309857a0ULL, 0x0331dba0fULL, 0x0359ebc5bULL,
	0x0381b6d9cULL, 0x03a93dc98ULL, 0x03d0817cfULL, 0x03f782d72ULL, 0x041e42b6fULL, 0x0444c1f6bULL, 0x046b016caULL,
	0x049101eacULL, 0x04b6c43f1ULL, 0x04dc4933bULL, 0x0501918ecULL, 0x05269e12fULL, 0x054b6f7f1ULL, 0x0570068e8ULL,
	0x059463f92ULL, 0x05b888736ULL, 0x05dc74aeaULL, 0x06002958cULL, 0x0623a71ccULL, 0x0646eea24ULL, 0x066a008e4ULL,
	0x068cdd82aULL, 0x06af861e6ULL, 0x06d1fafddULL, 0x06f43cba8ULL, 0x07164beb5ULL, 0x073829249ULL, 0x0759d4f81ULL,
	0x077b4ff51ULL, 0x079c9aa88ULL, 0x07bdb59cdULL, 0x07dea15a3ULL, 0x07ff5e66aULL, 0x081fed45dULL, 0x08404e794ULL,
	0x086082807ULL, 0x088089d8bULL, 0x08a064fd5ULL, 0x08c01467cULL, 0x08df988f5ULL, 0x08fef1e98ULL, 0x091e20ea1ULL,
	0x093d2602cULL, 0x095c01a3aULL, 0x097ab43afULL, 0x09993e356ULL, 0x09b79ffdbULL, 0x09d5d9fd5ULL, 0x09f3ec9bdULL,
	0x0a11d83f5ULL, 0x0a2f9d4c5ULL, 0x0a4d3c25eULL, 0x0a6ab52daULL, 0x0a8808c38ULL, 0x0aa537465ULL, 0x0ac241135ULL,
	0x0adf26866ULL, 0x0afbe7fa1ULL, 0x0b1885c7bULL, 0x0b3500472ULL, 0x0b5157cf3ULL, 0x0b6d8cb54ULL, 0x0b899f4d9ULL,
	0x0ba58feb2ULL, 0x0bc15edffULL, 0x0bdd0c7caULL, 0x0bf89910cULL, 0x0c1404eaeULL, 0x0c2f50586ULL, 0x0c4a7ba58ULL,
	0x0c65871daULL, 0x0c80730b0ULL, 0x0c9b3fb6dULL, 0x0cb5ed695ULL, 0x0cd07c69eULL, 0x0ceaecfebULL, 0x0d053f6d2ULL,
	0x0d1f73f9cULL, 0x0d398ae81ULL, 0x0d53847acULL, 0x0d6d60f39ULL, 0x0d8720936ULL, 0x0da0c39a5ULL, 0x0dba4a47bULL,
	0x0dd3b4d9dULL, 0x0ded038e6ULL, 0x0e0636a24ULL, 0x0e1f4e517ULL, 0x0e384ad75ULL, 0x0e512c6e5ULL, 0x0e69f3506ULL,
	0x0e829fb69ULL, 0x0e9b31d94ULL, 0x0eb3a9f02ULL, 0x0ecc08322ULL, 0x0ee44cd5aULL, 0x0efc78104ULL, 0x0f148a170ULL,
	0x0f2c831e4ULL, 0x0f446359bULL, 0x0f5c2afc6ULL, 0x0f73da38eULL, 0x0f8b7140fULL, 0x0fa2f045eULL, 0x0fba57787ULL,
	0x0fd1a708cULL, 0x0fe8df264ULL, 0x100000000ULL,
};

u64 mx_balance_key(const char *name, size_t length)
{
	u64 hash = 0xcbf29ce484222325ULL; /* FNV-1a, 64 bits */
	size_t i;

	for (i = 0; i < length; i++)
		hash = (hash ^ (u8)name[i]) * 0x100000001b3ULL;
	return mx_mix64(hash);
}

u64 mx_balance_neg_log2(u64 n)
{
	u32 zeros = (u32)__builtin_clzll(n);
	u64 fraction = (n << zeros) << 1; /* what stands behind the leading one */
	u32 i = (u32)(fraction >> 57);
	u64 between = (fraction >> 25) & 0xffffffffULL;
	u64 step = log2_table[i + 1] - log2_table[i];
	u64 log = ((u64)(63 - zeros) << 32) + log2_table[i] + ((step * between) >> 32);

	return (64ULL << 32) - log;
}

static struct mx_lane_id lane_of(const struct mx_ballot *b, u32 member)
{
	return (struct mx_lane_id){ b->provider,
				    mx_snapshot_members(b->snapshot)[b->pool->first_member + member].source,
				    b->network };
}

static u32 pool_of(const struct mx_ballot *b)
{
	return (u32)(b->pool - mx_snapshot_pools(b->snapshot));
}

enum mx_reason mx_balance_candidate(const struct mx_ballot *b, u32 member)
{
	enum mx_reason reason = mx_state_candidate(b->state, b->snapshot, pool_of(b), b->provider, member, b->family);

	if (reason == MX_REASON_CANDIDATE && b->network)
		return mx_state_network_candidate(b->state, b->snapshot, lane_of(b, member), b->now);
	return reason;
}

/* Whether nothing but what is kept beside the credit decides who is a candidate. */
static bool is_plain(const struct mx_ballot *b)
{
	return b->pool->max_share == 100 && !b->state->ledger_stuck && !b->network;
}

/* The same as mx_balance_candidate(), fast: a pool is walked through three times for each connection. */
static inline enum mx_reason ask(const struct mx_ballot *b, bool plain, const struct mx_slot *slot, u32 member)
{
	if (plain && slot->version == b->state->version)
		return mx_slot_shut(slot, b->family);
	return mx_balance_candidate(b, member);
}

/* The weights of all candidates. *why as in balance.h. */
static s64 total_weight(const struct mx_ballot *b, const struct mx_slot *slots, bool plain, enum mx_reason *why)
{
	s64 total = 0;
	u32 i;

	*why = MX_REASON_NO_ADDRESS;
	for (i = 0; i < b->pool->members; i++) {
		enum mx_reason reason = ask(b, plain, &slots[i], i);

		if (reason > *why)
			*why = reason;
		if (reason == MX_REASON_CANDIDATE)
			total += slots[i].weight;
	}
	return total;
}

/* The member whose turn it is, as far as that is known without asking all. */
static u16 next_in_turn(const struct mx_ballot *b)
{
	return is_plain(b) ? mx_turns_next(b->state, b->snapshot, pool_of(b), b->provider, b->family) : MX_NONE;
}

static MX_APART u16 weighted_among_all(const struct mx_ballot *ballot, enum mx_reason *why)
{
	const struct mx_slot *slots = mx_state_slot(ballot->state, ballot->pool, ballot->provider, 0);
	bool plain = is_plain(ballot), best_due = false;
	s64 total = total_weight(ballot, slots, plain, why);
	s64 best_left = 0, best_weight = 0;
	u16 best = MX_NONE;
	u32 i;

	for (i = 0; i < ballot->pool->members; i++) {
		s64 weight = slots[i].weight, credit = slots[i].credit;
		bool due = credit + weight > 0;
		s64 left = total - credit; /* left / weight rounds, and a whole connection is owed */

		if ((best_due && !due) || ask(ballot, plain, &slots[i], i) != MX_REASON_CANDIDATE)
			continue;
		/* |left| < 2^38 (three times 65535 weights of 10^6) and weight <= 10^6 < 2^20: the products fit */
		if (best == MX_NONE || (due && !best_due) || left * best_weight < best_left * weight) {
			best = (u16)i;
			best_due = due;
			best_left = left;
			best_weight = weight;
		}
	}
	return best;
}

u16 mx_balance_weighted(const struct mx_ballot *ballot, enum mx_reason *why)
{
	u16 next = next_in_turn(ballot);

	if (next != MX_NONE) {
		*why = MX_REASON_CANDIDATE;
		return next;
	}
	mx_turns_settle(ballot->state, ballot->snapshot, pool_of(ballot), ballot->provider);
	return weighted_among_all(ballot, why);
}

static MX_APART void spend_among_all(const struct mx_ballot *ballot, u16 member)
{
	struct mx_slot *slots = mx_state_slot(ballot->state, ballot->pool, ballot->provider, 0);
	bool plain = is_plain(ballot);
	s64 total = 0;
	u32 i;

	mx_turns_settle(ballot->state, ballot->snapshot, pool_of(ballot), ballot->provider);
	for (i = 0; i < ballot->pool->members; i++) {
		if (ask(ballot, plain, &slots[i], i) != MX_REASON_CANDIDATE)
			continue;
		slots[i].credit += slots[i].weight;
		total += slots[i].weight;
	}
	slots[member].credit -= total;
	if (plain)
		mx_turns_seen(ballot->state, ballot->snapshot, pool_of(ballot), ballot->provider, ballot->family);
}

void mx_balance_spend(const struct mx_ballot *ballot, u16 member)
{
	if (member == next_in_turn(ballot))
		mx_turns_take(ballot->state, ballot->snapshot, pool_of(ballot), ballot->provider);
	else
		spend_among_all(ballot, member);
}

u16 MX_APART mx_balance_sticky(const struct mx_ballot *ballot, struct mx_addr to, enum mx_reason *why)
{
	const struct mx_member *members = &mx_snapshot_members(ballot->snapshot)[ballot->pool->first_member];
	const struct mx_source *sources = mx_snapshot_sources(ballot->snapshot);
	u64 network = mx_mix64(mx_network_of(to, ballot->family)); /* that greylisting knows it by */
	u64 best_log = 0, best_weight = 0;
	u16 best = MX_NONE;
	u32 i;

	*why = MX_REASON_NO_ADDRESS;
	for (i = 0; i < ballot->pool->members; i++) {
		u64 weight = mx_state_slot(ballot->state, ballot->pool, ballot->provider, i)->weight;
		enum mx_reason reason = mx_balance_candidate(ballot, i);
		u64 log;

		if (reason > *why)
			*why = reason;
		if (reason != MX_REASON_CANDIDATE)
			continue;
		/* log < 2^39 and weight <= 10^6: the products of the comparison fit */
		log = mx_balance_neg_log2(mx_mix64(network ^ sources[members[i].source].key) | 1);
		if (best == MX_NONE || log * best_weight < best_log * weight) {
			best = (u16)i;
			best_log = log;
			best_weight = weight;
		}
	}
	return best;
}

u64 MX_APART mx_balance_ready(const struct mx_ballot *ballot)
{
	u64 earliest = MX_NEVER;
	u32 i;

	for (i = 0; i < ballot->pool->members; i++) {
		enum mx_reason reason = mx_balance_candidate(ballot, i);
		u64 ready;

		if (reason < MX_REASON_LIMIT_HOUR || reason > MX_REASON_CONCURRENCY)
			continue;
		ready = mx_state_ready(ballot->state, ballot->snapshot, lane_of(ballot, i));
		earliest = ready < earliest ? ready : earliest;
	}
	return earliest;
}
