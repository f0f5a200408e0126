/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was counted, at one moment: what `mxload stats` and the metrics tell. In the main thread. */
#ifndef MX_DAEMON_STATS_H
#define MX_DAEMON_STATS_H

#include "daemon/policy.h"

/* What goes to a provider in all. */
struct mx_totals {
	u64 connections, expected; /* expected in thousandths */
};

struct mx_stats {
	struct mx_policy policy;  /* a copy, with counters of its own; to be read alone */
	struct mx_policy *live;   /* the one in force */
	struct mx_totals *totals; /* [provider] */
	void *memory;
};

/* What a lane is and has done. */
struct mx_lane_stats {
	const struct mx_lane *lane;
	const char *source, *provider; /* of mx_name() */
	u32 weight;                    /* the largest that it has in a pool */
	u32 factor;                    /* in thousandths */
	bool member;                   /* of a pool */
	double expected_share, share;  /* of the provider's connections */
	u64 pending;                   /* assigned, by this daemon or the one before, and not yet told of */
	u32 per_connection;            /* messages that the next connection is charged */
	enum mx_reason room;           /* MX_REASON_CANDIDATE: there is some; else the limit that leaves none */
	struct mx_left left;
	u32 warmup_day; /* 0: none */
};

/* Copies the counters. They belong together, so they are read under the lock; all that is slow comes afterwards. */
struct mx_stats mx_stats_take(struct mx_policy *policy);
void mx_stats_free(struct mx_stats *stats);

struct mx_lane_stats mx_stats_lane(const struct mx_stats *stats, u32 provider, u32 source);

struct mx_totals mx_stats_totals(const struct mx_policy *policy, u32 provider);

#endif
