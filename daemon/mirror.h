/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel module has been told of a policy, and from that what it has to be told: only what is new goes the
 * way. The policy's lock is taken for short whiles.
 */
#ifndef MX_DAEMON_MIRROR_H
#define MX_DAEMON_MIRROR_H

#include "daemon/policy.h"
#include "kmod/uapi/mxload.h"

struct mx_mirror_lane {
	u64 connections; /* as the module counted them when it was last asked */
	u32 lent;        /* of them, what the module has not yet been seen to spend */
	u16 wanted;      /* connections that the next grant should be worth; 0: nobody comes by */
	u8 state;        /* enum mxload_lane_state */
	u8 why;
};

struct mx_mirror {
	u64 generation; /* as the module knows it: no two daemons have the same */
	u64 policy;     /* generation of the policy that it shows */
	u64 seed;       /* of the learned addresses' table */
	bool refuses;   /* when-down: without the daemon nothing is sent */
	u32 sources, providers, pools;
	const char **source_names, **provider_names, **pool_names; /* of mx_name() */
	struct mx_mirror_lane *lanes;                              /* [provider * sources + source] */
	u32 *weights;                                              /* [slot] */
	u32 slots;
	u8 *usable;          /* [source] */
	u8 *asks;            /* [provider] */
	u64 (*decided)[2];   /* [pool * providers + provider] */
	u64 *learned;        /* [slot]: a number for what is known there; 0: nothing */
	u32 version;         /* of the state, when it was last compared */
	u32 learned_version; /* of the destinations */
};

/* What has to be told; arrays are the mirror's user's to free by mx_telling_free(). */
struct mx_telling {
	struct mxload_slot *slots;
	struct mxload_source *sources;
	struct mxload_provider *providers;
	struct mxload_lane *lanes;
	struct mxload_lane *recalled; /* of lanes whose grant has to come back first */
	struct mxload_learned *learned;
	u32 slot_count, source_count, provider_count, lane_count, recalled_count, learned_count;
};

/* A module that has just got the snapshot knows nothing else. `generation` as the module will know it. */
struct mx_mirror *mx_mirror_new(struct mx_policy *policy, u64 generation);
void mx_mirror_free(struct mx_mirror *mirror);

static inline struct mx_mirror_lane *mx_mirror_lane(const struct mx_mirror *m, u32 provider, u32 source)
{
	return &m->lanes[provider * m->sources + source];
}

/*
 * What the module may know of a lane of a named provider: everything that limits it, put into one word. Its grant is
 * left out. Under the policy's lock.
 */
struct mxload_lane mx_mirror_lane_of(const struct mx_policy *policy, u32 provider, u32 source);

/*
 * Compares with the policy, which must be the one that is shown, and takes what differs for told. False: another policy
 * has come into force meanwhile, and nothing is told.
 */
bool mx_mirror_compare(struct mx_mirror *mirror, struct mx_policy *policy, struct mx_telling *telling);
void mx_telling_free(struct mx_telling *telling);

#endif
