/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections drawn by a generator of its own, so that a sequence means the same everywhere. */
#ifndef MX_REPLAY_TRAFFIC_H
#define MX_REPLAY_TRAFFIC_H

#include "core/flow.h"

#define TRAFFIC_VALUES 16

struct traffic_net {
	enum mx_family family;
	struct mx_addr addr;
	u8 length;
};

/* Any of the values of each; where there are none: one that is always the same. */
struct traffic {
	struct traffic_net to[4 * TRAFFIC_VALUES], from[TRAFFIC_VALUES];
	u32 users[TRAFFIC_VALUES], groups[TRAFFIC_VALUES], marks[TRAFFIC_VALUES];
	u32 tos, froms, user_count, group_count, mark_count;
	u32 every; /* ms between two, on average */
};

/* A number below `below`, which is not 0. The seed is not 0 either. */
u32 traffic_below(u64 *seed, u64 below);

struct mx_flow traffic_next(const struct traffic *traffic, u64 *seed);

#endif
