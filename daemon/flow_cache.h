/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bounded memory of connections: a time and a value for each. Four to a bucket, the oldest of a bucket goes. By the
 * hash alone: two connections are taken for one by a chance of 2^-64, which nobody outside can raise (it is seeded).
 *
 * A place is where something is or would be kept: found once, used for as long as nothing else is added.
 */
#ifndef MX_DAEMON_FLOW_CACHE_H
#define MX_DAEMON_FLOW_CACHE_H

#include "core/flow.h"

#define MX_FLOW_CACHE_WAYS 4

struct mx_flow_entry {
	u64 key;  /* 0: free */
	u32 time; /* seconds, of whatever clock the user has */
	u32 value;
};

struct mx_flow_cache;

struct mx_flow_place {
	u64 key;
	struct mx_flow_entry *bucket;
};

/* For 4 * `buckets` connections of 16 bytes, a power of two; each for `lifetime` seconds. To be freed by free(). */
struct mx_flow_cache *mx_flow_cache_new(u32 buckets, u32 lifetime);

/* The place of a connection's addresses and ports, and of a number that tells more of them apart. */
struct mx_flow_place mx_flow_cache_place(struct mx_flow_cache *cache, const struct mx_flow *flow, u32 more);

/* What is kept there; NULL: nothing, or for too long. */
struct mx_flow_entry *mx_flow_cache_find(const struct mx_flow_cache *cache, const struct mx_flow_place *place, u32 now);

void mx_flow_cache_add(const struct mx_flow_place *place, u32 now, u32 value);

/* Takes out what was found. */
void mx_flow_cache_take(const struct mx_flow_place *place, struct mx_flow_entry *found);

#endif
