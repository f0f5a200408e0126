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

#include "core/learned.h"
#include "core/networks.h"
#include "core/room.h"
#include "core/snapshot.h"

#define MX_WEIGHT_MAX 1000000 /* in thousandths */

/* A member of a pool at a provider. There are as many as members times providers: it is kept small. */
struct mx_slot {
	s64 credit;      /* of the smooth weighted round robin, in the unit of weight; see mx_turns_settle() */
	u32 weight : 20; /* effective weight in thousandths: weight x reputation factor; at most MX_WEIGHT_MAX */
	u32 shut4 : 6;   /* enum mx_reason: why it is no candidate over IPv4, but for max-share; */
	u32 shut6 : 6;   /* and over IPv6. MX_REASON_CANDIDATE: it is */
	u32 carried;     /* of its max-share, in hundredths of a connection, at the time of `asked` */
	u32 asked;       /* of the group */
	u32 version;     /* of the state, when `shut4` and `shut6` were worked out */
};

/* Why it is no candidate, as far as that was worked out. */
static inline enum mx_reason mx_slot_shut(const struct mx_slot *slot, enum mx_family family)
{
	return (enum mx_reason)(family == MX_IPV4 ? slot->shut4 : slot->shut6);
}

#define MX_LANE_PAUSED 1u
#define MX_LANE_BACKING_OFF 2u /* its slots are those of a source that comes back after a block */

/* A source at a provider. */
struct mx_lane {
	u32 flags;
	u32 slots;    /* connections that it may have open; 0: no limit */
	u32 open;     /* that it has open, at most: counted up here, and down by a census */
	u32 messages; /* charged for a connection, as learned; 0: what the provider says */
	u32 price;    /* what the last connections were charged for; 0: there were none */
	u32 returned; /* what those up to `since` were charged for at least */
	u32 since;    /* in seconds of the ledger's clock */
	u32 reserved;
	struct mx_room room;
	u64 connections; /* assigned */
	u64 expected; /* what the weights asked for, in thousandths of a connection; see mx_state_settle_expected() */
	u64 adopted;  /* open when the daemon started: of the one before */
	u64 established;
	u64 failed;      /* never established: its charge is given back */
	u64 reset;       /* established, and ended by a reset */
	u64 early;       /* established, and closed before mail could have passed */
	u64 charged;     /* messages: what the windows were charged in all, less what was given back */
	u64 settled;     /* messages: as reported */
	u64 refunded;    /* messages: of connections that failed */
	u64 reported[3]; /* messages that were sent, deferred, bounced */
	u64 bytes_sent;
	u64 bytes_received;
};

/* The order of the round robin at a provider, see turns.h. All 0: there is none. */
struct mx_turns {
	s64 total;   /* the weights of all that are in it */
	u32 version; /* of the state, when a connection was last booked the long way */
	u32 rounds;  /* since it was made */
	u16 count;   /* of members */
	u16 due, waiting;
	u8 families; /* bits: whose candidates they are */
	u8 seen;     /* enum mx_family: of that connection */
};

/* A pool at a provider. */
struct mx_group {
	u64 decided[MX_FAMILIES]; /* since the expected shares were last worked out */
	u32 held[MX_FAMILIES];    /* connections that wait for room */
	u8 why[MX_FAMILIES];      /* enum mx_reason: why the first of them waits */
	u16 reserved;
	u32 asked; /* connections that were routed here; wraps */
	struct mx_turns turns;
};

struct mx_state {
	u32 sources;
	u32 providers;
	u32 version;                      /* of what decides who is a candidate; see mx_state_changed() */
	const struct mx_learned *learned; /* addresses whose provider was learned; the caller's, or NULL */
	struct mx_networks *networks;     /* of the default provider's destinations; the caller's, or NULL */
	bool ledger_stuck;                /* the ledger cannot write: only what is covered may be spent */
	struct mx_room *source_room;      /* [source] */
	struct mx_room *provider_room;    /* [provider] */
	u32 *held;                        /* [provider]: connections that wait for room */
	u8 *usable;                       /* [source]: bit 1 << enum mx_family where its address is on this host */
	struct mx_slot *slots;            /* see mx_state_slot() */
	struct mx_lane *lanes;            /* see mx_state_lane() */
	struct mx_group *groups;          /* see mx_state_group() */
	u16 *order;                       /* as slots: members, of turns.h */
	u64 *refused;                     /* see mx_state_refused() */
	u64 *held_total;                  /* [provider]: that had to wait, ever */
	u64 *passed;                      /* [provider] */
};

/* A lane, and at the default provider the destination's network, see networks.h; 0: whatever it is. */
struct mx_lane_id {
	u32 provider, source;
	u64 network;
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

/* Sets the weight of a member. mx_state_bound_credit() and mx_state_changed() have to follow, after the last one. */
void mx_state_set_weight(struct mx_state *st, const struct mx_snapshot *s, u32 pool, u32 provider, u32 member,
			 u32 weight);

/*
 * To be called when weights have changed: bounds the credit of the members of `pool` at `provider` to one connection in
 * the new unit, so that nobody is paid in a long burst for what was owed under weights that were larger.
 */
void mx_state_bound_credit(struct mx_state *st, const struct mx_snapshot *s, u32 pool, u32 provider);

/*
 * To be called when anything has changed that decides who is a candidate: weights, addresses, states, room that has
 * come or gone, open connections that came to their bound or left it. Who is one is worked out once until then.
 */
static inline void mx_state_changed(struct mx_state *st)
{
	if (!++st->version)
		st->version = 1; /* 0: never worked out */
}

/* What a connection of a source at a provider is charged, in messages. */
static inline u32 mx_state_messages(const struct mx_state *st, const struct mx_snapshot *s, u32 provider, u32 source)
{
	u32 learned = mx_state_lane(st, provider, source)->messages;

	return learned ? learned : mx_snapshot_providers(s)[provider].messages;
}

/* What is kept of a lane at a destination's network; NULL: nothing. */
static inline struct mx_network_lane *mx_state_network_lane(const struct mx_state *st, const struct mx_snapshot *s,
							    struct mx_lane_id lane)
{
	if (!lane.network || !st->networks)
		return NULL;
	return mx_networks_find(st->networks, lane.network, mx_snapshot_sources(s)[lane.source].key);
}

/*
 * Whether limits leave room for a connection of a source at a provider: its own, its own there, and those of all that
 * goes there. MX_REASON_CANDIDATE, or the reason why not.
 */
enum mx_reason mx_state_room(const struct mx_state *st, const struct mx_snapshot *s, u32 provider, u32 source);

/* How many connections have room, and the limit that is the nearest. */
struct mx_left {
	u32 connections; /* ~0: there is no limit */
	enum mx_reason limit;
};

/* What limits leave to a source at a provider: its own, its own there, those of all that goes there. */
struct mx_left mx_state_left(const struct mx_state *st, const struct mx_snapshot *s, struct mx_lane_id lane);

/* When it will have room, in ms of the ledger's clock. Worth nothing while it has. */
u64 mx_state_ready(const struct mx_state *st, const struct mx_snapshot *s, struct mx_lane_id lane);

/* Whether the ledger has written down that it may be made. */
bool mx_state_covered(const struct mx_state *st, const struct mx_snapshot *s, struct mx_lane_id lane);

/* Takes the room of a connection. */
void mx_state_take_room(struct mx_state *st, const struct mx_snapshot *s, struct mx_lane_id lane);

/*
 * What does not change with every connection: whether `member` of `pool` has an address of `family` on this host, has
 * weight at `provider`, and does not rest there. MX_REASON_CANDIDATE, or the reason why not.
 */
static inline enum mx_reason mx_state_eligible(const struct mx_state *st, const struct mx_snapshot *s,
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

/* The same, and whether limits, connections that are open and its share of the pool leave room. */
enum mx_reason mx_state_candidate(const struct mx_state *st, const struct mx_snapshot *s, u32 pool, u32 provider,
				  u32 member, enum mx_family family);

/* Whether a source that is a candidate elsewhere is one at this network. `now` in ms of the ledger's clock. */
enum mx_reason mx_state_network_candidate(const struct mx_state *st, const struct mx_snapshot *s,
					  struct mx_lane_id lane, u64 now);

/* Nobody waits, as far as the state knows; see mx_decide(). */
void mx_state_forget_held(struct mx_state *st, const struct mx_snapshot *s);

/* One more connection is routed to `pool` at `provider`, and `member` (or MX_NONE) carries it. */
void mx_state_book_share(struct mx_state *st, const struct mx_snapshot *s, u32 pool, u32 provider, u16 member);

/*
 * Books what the weights asked for since the last call into the lanes' `expected`. To be called before anything that
 * mx_state_candidate() or the weights depend on is changed, and before the figures are read.
 */
void mx_state_settle_expected(struct mx_state *st, const struct mx_snapshot *s);

#endif
