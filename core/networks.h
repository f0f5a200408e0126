/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/*
 * What is kept of a source at one destination network of the default provider (a /24, a /64), so that one small host's
 * block or warm-up does not concern the whole world. Bounded: in a bucket of eight the one that was used least lately
 * goes, unless it is still needed.
 */
#ifndef MX_CORE_NETWORKS_H
#define MX_CORE_NETWORKS_H

#include "core/addr.h"
#include "core/room.h"

#define MX_NETWORK_WAYS 8
#define MX_NETWORK_BUCKETS 1024

struct mx_network_lane {
	u64 network; /* see mx_network_of(); 0: free */
	u64 source;  /* its key */
	u32 flags;   /* MX_LANE_... */
	u32 slots;   /* as in a lane */
	u32 open;    /* as in a lane */
	u32 failed;
	u32 used;   /* when, in seconds of the ledger's clock */
	u32 needed; /* until when it must not go */
	struct mx_room room;
};

struct mx_networks {
	struct mx_network_lane lane[MX_NETWORK_BUCKETS][MX_NETWORK_WAYS];
};

#define MX_NETWORK_LANES (MX_NETWORK_BUCKETS * MX_NETWORK_WAYS)

/* Each of the MX_NETWORK_LANES in turn; those that are free have no network. */
static inline struct mx_network_lane *mx_networks_at(struct mx_networks *networks, u32 i)
{
	return &networks->lane[i / MX_NETWORK_WAYS][i % MX_NETWORK_WAYS];
}

/* The number of an address's network; never 0. The number of an IPv4 network is below 2^33. */
u64 mx_network_of(struct mx_addr addr, enum mx_family family);

/* The first address of a network. */
struct mx_addr mx_network_first(u64 network, enum mx_family *family);

/* What is known of a source there; NULL: nothing. */
struct mx_network_lane *mx_networks_find(struct mx_networks *networks, u64 network, u64 source);

/* Whether something new could be kept there at `now` (seconds). */
bool mx_networks_has_place(const struct mx_networks *networks, u64 network, u64 source, u32 now);

/*
 * Finds it, or makes it in the place of *gone (all zero: nothing had to go). NULL: everything there is still needed.
 */
struct mx_network_lane *mx_networks_add(struct mx_networks *networks, u64 network, u64 source, u32 now,
					struct mx_network_lane *gone);

#endif
