/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy of one network namespace: the snapshot, and what changes while it is in force.
 *
 * A provider's credit, leases and counters are one shard under one lock: connections to different providers never wait
 * for each other. That is possible because a lease is for one source at one provider, and whatever it stands for (a
 * limit of the source wherever it sends, say) is the ledger's business.
 */
#ifndef MXLOAD_POLICY_H
#define MXLOAD_POLICY_H

#include <linux/netlink.h>
#include <linux/seqlock.h>
#include <linux/spinlock.h>

#include "core/decide.h"
#include "kmod/uapi/mxload.h"

struct mxload_shard {
	spinlock_t lock;       /* of all that follows, but for `ask`, which is read without */
	bool ask;              /* everything is left to the queue */
	struct mx_state state; /* shares its arrays with the other shards', and touches its own provider's entries */
} ____cacheline_aligned_in_smp;

struct mxload_policy {
	u64 generation, checksum;
	u64 size;                       /* of the snapshot */
	u64 received;                   /* of it */
	u64 valid_until;                /* in jiffies; 0: not yet in force */
	u32 providers, sources, groups; /* groups: pools x providers */
	struct mx_snapshot *snapshot;
	void *memory;                /* of the state */
	struct mxload_shard *shards; /* [provider]; NULL: the snapshot is not complete */
	struct mx_learned *learned;
	seqlock_t learning;
	unsigned long *changed_lanes;  /* since they were last read; bit provider * sources + source */
	unsigned long *changed_groups; /* bit pool * providers + provider */
};

/* All that follow return 0 or an error, with a message; they are called one at a time for a policy. */

/* A new policy, of a snapshot of `size` bytes; or an ERR_PTR(). To be freed by mxload_policy_free(). */
struct mxload_policy *mxload_policy_new(u64 generation, u64 size, u64 checksum, u64 seed,
					struct netlink_ext_ack *extack);

/* NULL: nothing happens. Nobody may be deciding by it any more. */
void mxload_policy_free(struct mxload_policy *policy);

/* The next piece of its snapshot; with the last one it is checked, and can be set. */
int mxload_policy_chunk(struct mxload_policy *policy, u64 offset, const void *data, u32 size,
			struct netlink_ext_ack *extack);

/* `count` entries; the first one that is wrong ends it, and those before it are set. */
int mxload_policy_set_slots(struct mxload_policy *policy, const struct mxload_slot *slots, u32 count,
			    struct netlink_ext_ack *extack);
int mxload_policy_set_sources(struct mxload_policy *policy, const struct mxload_source *sources, u32 count,
			      struct netlink_ext_ack *extack);
int mxload_policy_set_providers(struct mxload_policy *policy, const struct mxload_provider *providers, u32 count,
				struct netlink_ext_ack *extack);
int mxload_policy_set_lanes(struct mxload_policy *policy, const struct mxload_lane *lanes, u32 count,
			    struct netlink_ext_ack *extack);
int mxload_policy_set_learned(struct mxload_policy *policy, const struct mxload_learned *learned, u32 count,
			      struct netlink_ext_ack *extack);

/* Valid for so many ms from now on. */
void mxload_policy_set_valid(struct mxload_policy *policy, u32 ms);

/* For so many ms; 0: no longer. */
u32 mxload_policy_valid(const struct mxload_policy *policy);

/* Takes away what a lane has left, and counts it. */
int mxload_policy_recall(struct mxload_policy *policy, const struct mxload_lane *lane, struct mxload_count *count,
			 struct netlink_ext_ack *extack);

/*
 * Counts of the lane or group with number *at or a later one (provider * sources + source; pool * providers +
 * provider) that has changed since it was last read, or (`all`) ever; *at is then the next number. False: no more.
 */
bool mxload_policy_count(struct mxload_policy *policy, u32 *at, bool all, struct mxload_count *count);
bool mxload_policy_group(struct mxload_policy *policy, u32 *at, bool all, struct mxload_group *group);

/* What becomes of a connection whose destination is exempt: it passes as it is. False: it is not. */
bool mxload_policy_pass(struct mxload_policy *policy, const struct mx_flow *flow, struct mx_verdict *verdict);

/*
 * Decides a connection whose destination is not exempt and, when the policy says whose source it is and `book`, books
 * it. With softirqs off.
 */
enum mxload_left mxload_policy_decide(struct mxload_policy *policy, const struct mx_flow *flow, struct mx_moment moment,
				      bool book, struct mx_verdict *verdict);

#endif
