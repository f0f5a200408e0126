/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy in force: configuration, snapshot, state and ledger, with what the operator has set on top.
 *
 * The main thread alone changes it. The queue threads decide under the lock; everything that is changed or read by
 * more than one of them is changed or read under it, and nothing slow is ever done there.
 */
#ifndef MX_DAEMON_POLICY_H
#define MX_DAEMON_POLICY_H

#include <pthread.h>
#include <time.h>

#include "core/decide.h"
#include "daemon/clock.h"
#include "daemon/compile.h"
#include "daemon/config.h"
#include "daemon/destinations.h"
#include "daemon/flow_cache.h"
#include "daemon/learner.h"
#include "daemon/ledger.h"
#include "daemon/store.h"
#include "daemon/suffixes.h"

/* What the operator (or mxrep) has set; names are those of mx_name(), "" for everywhere. */
struct mx_set_weight {
	const char *source, *provider, *pool;
	u32 weight;
};

struct mx_set_factor {
	const char *source, *provider;
	u32 thousandths;
};

struct mx_set_state {
	const char *source, *provider, *owner, *state;
	char *reason;
	s64 since, until;
	u64 network; /* at the default provider; 0: wherever it goes */
	u32 slots;   /* of one that backs off: connections that it may have open; 0: its pause is not over */
};

/*
 * A connection that was decided, and perhaps answered, and is not booked yet: the packet does not wait for the books.
 * Whoever takes the lock next books it first, so nobody ever sees it.
 */
struct mx_decided {
	bool any;
	struct mx_flow flow;
	struct mx_verdict verdict;
	u64 now;
};

struct mx_policy {
	pthread_mutex_t lock; /* by mx_policy_lock() */
	struct mx_decided decided;
	pthread_cond_t *room;  /* somebody who had none may have some now: for those that are held */
	pthread_cond_t *spent; /* something has to be written: for the bookkeeper */
	int grants;            /* another: what the module was granted is needed, or the policy is another */
	int recall;            /* an eventfd: what is lent to the fallback is needed; for the main thread */
	pthread_cond_t *count; /* some `full` is set: for the census */
	struct mx_config *config;
	struct mx_snapshot *snapshot;
	struct mx_state state;
	void *memory; /* of the state */
	bool *full;   /* [source]: some lane may have as many connections open as it may; the census looks */
	const char **source_names; /* by index, of mx_name() */
	const char **provider_names;
	const char **pool_names;

	struct mx_ledger *ledger;
	struct mx_networks *networks;
	struct mx_destinations *destinations; /* what was learned of addresses */
	struct mx_suffixes *suffixes;         /* of the configuration */
	struct mx_flow_cache *pending;        /* what open connections were charged, where; NULL: no flow accounting */
	struct mx_learner *learner;           /* speaks of the providers by index */
	struct mx_reports reports;            /* taken into the ledger */
	struct mx_clock clock;
	struct mx_store *store;
	struct mx_set_weight *weights;
	u32 weight_count;
	struct mx_set_factor *factors;
	u32 factor_count;
	struct mx_set_state *states;
	u32 state_count;
	s64 since; /* when the counters started */

	/* Which addresses of a source are on this host: asked for every source of a new configuration. */
	u8 (*usable)(const struct mx_conf_source *source, void *arg);
	void *usable_arg;
};

/* Takes the configuration and loads what the store remembers. `usable` may be called until the policy is freed. */
void mx_policy_init(struct mx_policy *policy, struct mx_config *config, struct mx_store *store,
		    u8 (*usable)(const struct mx_conf_source *source, void *arg), void *usable_arg);
void mx_policy_free(struct mx_policy *policy);

/*
 * A new configuration takes force in two steps, so that the table can be made ready in between. mx_policy_prepare()
 * compiles it with all weights and states; the result can be read, but decides nothing yet. mx_policy_commit() puts it
 * in force: counters and credit go on by name, the old configuration and `next` are freed.
 * mx_policy_discard() is for the case that the table cannot follow. NULL, and the configuration is still the caller's,
 * when the store cannot be read; the log says why.
 */
struct mx_policy *mx_policy_prepare(const struct mx_policy *policy, struct mx_config *config);
void mx_policy_commit(struct mx_policy *policy, struct mx_policy *next);
void mx_policy_discard(struct mx_policy *next);

/* The lane of a connection, with its destination's network where that is judged by itself. */
struct mx_lane_id mx_policy_lane(const struct mx_policy *policy, u32 provider, u32 source, struct mx_addr to,
				 enum mx_family family);

/* All that is shared is read and changed under the lock. Taking it books what was decided last. */
void mx_policy_lock(struct mx_policy *policy);
void mx_policy_unlock(struct mx_policy *policy);

/* Waits for a condition, the lock being open meanwhile. `until` of mx_thread_deadline(), NULL: for ever. False: late.
 */
bool mx_policy_wait(struct mx_policy *policy, pthread_cond_t *cond, const struct timespec *until);

/*
 * Decides one connection that has waited for `waited` ms, under the lock. It is booked, from the counters to the
 * ledger, by the next who takes the lock or decides; who has answered it takes the lock once more, so that this is
 * soon.
 */
void mx_policy_decide(struct mx_policy *policy, const struct mx_flow *flow, u64 waited, struct mx_verdict *verdict);

/* How a connection ended. */
struct mx_end {
	u64 sent, received; /* bytes */
	bool established, reset, early;
	bool cut; /* by us: it says nothing of the provider */
};

/*
 * Books `connections` that the module has made of a source at a named provider, `leased` of them out of what it was
 * lent; and remembers what one of them was charged at `now`, of the ledger's clock, for its end. Under the lock.
 */
void mx_policy_book_granted(struct mx_policy *policy, u32 provider, u32 source, u32 connections, u32 leased);
void mx_policy_expect_end(struct mx_policy *policy, const struct mx_flow *flow, u32 provider, u32 source, u64 now);

/*
 * Books its end, under the lock: one that never came about is given back to the ledger. `provider` is whom its address
 * belongs to now; returns who it belonged to when it was assigned, if that is known.
 */
u16 mx_policy_end_connection(struct mx_policy *policy, u32 provider, u32 source, const struct mx_flow *flow,
			     const struct mx_end *end);

/* `connections` of about `then` (of the ledger's clock) carried `messages`: books it, under the lock. */
void mx_policy_settle(struct mx_policy *policy, struct mx_lane_id lane, u64 then, u32 connections, u32 messages,
		      u32 carried);

/* A connection goes on waiting, without being asked about: it keeps its place before those behind it. */
void mx_policy_hold_place(struct mx_policy *policy, const struct mx_flow *flow);

/* Room that has become free is given, under the lock; the ledger's time now. */
u64 mx_policy_tick(struct mx_policy *policy);

/* Learns what an answer teaches. Takes the lock. */
void mx_policy_learn(struct mx_policy *policy, const struct mx_dns_answer *answer, enum mx_origin origin);

/*
 * Addresses that were learned, of one family, where no prefix of `next` (the policy itself, or one that is prepared)
 * says whose they are; value: its provider there. Takes the lock. The items are to be freed by free().
 */
struct mx_prefixes mx_policy_learned(struct mx_policy *policy, const struct mx_policy *next, enum mx_family family);

/* Which addresses of a source are on this host: bit 1 << enum mx_family. */
void mx_policy_set_usable(struct mx_policy *policy, u32 source, u8 families);

/* Sets or (weight < 0) resets an operator's weight; provider and pool may be "". Durable. */
void mx_policy_set_weight(struct mx_policy *policy, const char *source, const char *provider, const char *pool,
			  int weight);

/* Whether what is made in a lane counts for the lane itself: it has limits, a warm-up, or slots. */
bool mx_policy_lane_is_bound(const struct mx_policy *policy, u32 provider, u32 source);

/* Marks the sources that have somewhere as many connections open as they may, for the census; under the lock. */
void mx_policy_mark_full(struct mx_policy *policy);

/* Puts weights and states in force, after they have changed. */
void mx_policy_apply_settings(struct mx_policy *policy);

/*
 * Multiplies the weights of a source at a provider, in every pool, from now on and after a restart; 1000: not any more.
 */
void mx_policy_set_factor(struct mx_policy *policy, const char *source, const char *provider, u32 thousandths);
u32 mx_policy_factor(const struct mx_policy *policy, u32 provider, u32 source); /* in thousandths */

/* The weight of a member of a pool at a provider, as set or configured, before its factor. */
u32 mx_policy_weight(const struct mx_policy *policy, u32 pool, u32 provider, u32 member);

/* Whether a set weight came from the operator, for display. */
bool mx_policy_weight_is_set(const struct mx_policy *policy, u32 pool, u32 provider, u32 member);

/* For policy's own files: what the store remembers of weights, and putting them into the state. */
void mx_policy_load_weights(struct mx_policy *policy);
void mx_policy_apply_weights(struct mx_policy *policy);

#endif
