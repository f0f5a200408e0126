/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy that is attacked: how it comes into force, and whether it still is as it was. */
#ifndef MX_ABUSE_VICTIM_H
#define MX_ABUSE_VICTIM_H

#include "core/snapshot.h"
#include "daemon/module_link.h"

#define VICTIM_FLOWS 96
#define VICTIM_VALID 3600000 /* ms */

/*
 * What is to be untouched: which generation is in force and which was before, what is decided of flows to every
 * provider and of both families (so weights, credit, leases, usable addresses, what was learned), and all counters and
 * leases of both policies. What may change is how much longer it is valid.
 */
struct victim {
	struct mx_module_link *link;
	struct mx_snapshot *snapshot;
	u64 generation, before;
	struct mxload_status status;
	struct mxload_flow flows[VICTIM_FLOWS];
	struct mxload_verdict verdicts[VICTIM_FLOWS];
	u64 counters[2]; /* a number for all of them: in force, before */
};

/* A snapshot in which no section is empty, to be freed by free(). */
struct mx_snapshot *victim_snapshot(u64 generation);

/* Pushes a snapshot, with weights, addresses, leases and a learned address; it is begun then and not in force. */
const char *victim_push(struct mx_module_link *link, const struct mx_snapshot *snapshot);

/* In the namespace of the caller: puts `before` and then `generation` into force, each with connections booked. */
void victim_set_up(struct victim *victim, u64 before, u64 generation);
void victim_tear_down(struct victim *victim);

/* NULL, or what of it was touched. */
const char *victim_touched(struct victim *victim);

/* A flow with the number `i`: to one provider after the other. */
struct mxload_flow victim_flow(u32 i);

#endif
