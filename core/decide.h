/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/* The decision: which source a new connection leaves from, or why it does not. */
#ifndef MX_CORE_DECIDE_H
#define MX_CORE_DECIDE_H

#include "core/flow.h"
#include "core/state.h"

enum mx_action {
	MX_ASSIGN = 0,
	MX_REFUSE = 1,
	MX_PASS = 2,
	MX_HOLD = 3,
};

/* "assign", "refuse", "pass" or "hold". */
const char *mx_action_name(enum mx_action action);

struct mx_verdict {
	enum mx_action action;
	enum mx_reason reason;
	u32 mark; /* to be written under the mark mask; 0 when held */
	u16 provider;
	u16 route;  /* MX_NONE when passed */
	u16 pool;   /* the one that served; MX_NONE when passed */
	u16 member; /* of that pool; MX_NONE unless assigned */
	u16 source; /* MX_NONE unless assigned, or held until the charge of this one is written down */
};

/* When a connection is decided, in milliseconds. */
struct mx_moment {
	u64 now;    /* of the ledger's clock */
	u64 waited; /* how long this connection has been held; 0 when it has just come */
};

#define MX_LEDGER_PATIENCE 2000 /* ms that a connection waits until its charge is written down, beside `wait` */

/*
 * Decides one connection. `class` is MX_NONE, or the one class that it is to be taken for (see mx_classify_route()).
 * Nothing is changed, so the same question has the same answer until mx_account() books it.
 *
 * A connection that is to be held is asked about again when there may be room. They are asked about in the order in
 * which they came, all of them, after mx_state_forget_held(): then nobody overtakes.
 */
void mx_decide(const struct mx_snapshot *s, const struct mx_state *st, const struct mx_flow *flow, u16 class,
	       struct mx_moment moment, struct mx_verdict *verdict);

/* The same when the provider of the destination, which is not exempt, is known. */
void mx_decide_at(const struct mx_snapshot *s, const struct mx_state *st, const struct mx_flow *flow, u16 provider,
		  u16 class, struct mx_moment moment, struct mx_verdict *verdict);

/* Books a verdict that was given: credit, room and counters. Once for each connection, and each time that it is held.
 */
void mx_account(const struct mx_snapshot *s, struct mx_state *st, const struct mx_flow *flow, u64 now,
		const struct mx_verdict *verdict);

#endif
