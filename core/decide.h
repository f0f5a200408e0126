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
};

/* "assign", "refuse" or "pass". */
const char *mx_action_name(enum mx_action action);

struct mx_verdict {
	enum mx_action action;
	enum mx_reason reason;
	u32 mark; /* to be written under the mark mask */
	u16 provider;
	u16 route;  /* MX_NONE when passed */
	u16 pool;   /* the one that served; MX_NONE when passed */
	u16 member; /* of that pool; MX_NONE unless assigned */
	u16 source; /* MX_NONE unless assigned */
};

/*
 * Decides one connection. `class` is MX_NONE, or the one class that it is to be taken for (see mx_classify_route()).
 * Nothing is changed, so the same question has the same answer until mx_account() books it.
 */
void mx_decide(const struct mx_snapshot *s, const struct mx_state *st, const struct mx_flow *flow, u16 class,
	       struct mx_verdict *verdict);

/* Books a verdict that was given: credit and counters. Once for each connection. */
void mx_account(const struct mx_snapshot *s, struct mx_state *st, const struct mx_flow *flow,
		const struct mx_verdict *verdict);

#endif
