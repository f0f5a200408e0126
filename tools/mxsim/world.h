/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy under trial: compiled and kept as the daemon does it, with a ledger that has no file. */
#ifndef MX_SIM_WORLD_H
#define MX_SIM_WORLD_H

#include "core/decide.h"
#include "daemon/config.h"
#include "daemon/ledger.h"
#include "tools/mxsim/plan.h"

struct sim_world {
	struct mx_config *config;
	struct mx_snapshot *snapshot;
	struct mx_state state;
	void *memory; /* of the state */
	struct mx_networks *networks;
	struct mx_ledger *ledger;
	const char **source_names, **provider_names; /* by index */
	struct mx_ledger_row *rows;                  /* to write the ledger down with */
	u64 *rate;                                   /* [provider]: messages a day */
	u64 mail;                                    /* sum of them */
	struct mx_flow *flow;                        /* [provider]: a connection there */
	struct mx_addr *network;                     /* [plan->networks]: an address in each network of the default */
	u16 class;                                   /* that all connections are of, or MX_NONE */
	s64 start;                                   /* the first midnight, in seconds since the epoch */
	u64 covers;                                  /* how often the ledger was written down */
};

/* Reads the configuration; ends the program with one line when it or the plan is wrong. The start is the plan's. */
void sim_world_init(struct sim_world *world, const struct sim_plan *plan);
void sim_world_free(struct sim_world *world);

static inline u64 sim_world_start(const struct sim_world *world)
{
	return (u64)world->start * 1000;
}

/* Writes the ledger down: what waits for that may be spent. */
void sim_world_cover(struct sim_world *world, u64 now);

/* The lane of a connection. */
static inline struct mx_lane_id sim_world_lane(const struct sim_world *world, u32 provider, u32 source,
					       const struct mx_flow *flow)
{
	return (struct mx_lane_id){ provider, source,
				    provider == world->snapshot->default_provider
					    ? mx_network_of(flow->to, flow->family)
					    : 0 };
}

#endif
