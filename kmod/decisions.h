/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was decided, told to whoever listens in the namespace: in handfuls, so that a connection waits for nobody. Each
 * processor has a ring of its own; what finds it full is lost, and counted.
 */
#ifndef MXLOAD_DECISIONS_H
#define MXLOAD_DECISIONS_H

#include <linux/workqueue.h>
#include <net/net_namespace.h>

#include "core/decide.h"
#include "kmod/uapi/mxload.h"

struct mxload_decisions;

/* NULL: no memory. To be freed when nobody tells anything any more. */
struct mxload_decisions *mxload_decisions_new(struct net *net);
void mxload_decisions_free(struct mxload_decisions *decisions);

/* From the hooks, with softirqs off. `verdict` is read where `left` says that there is one. */
void mxload_decisions_tell(struct mxload_decisions *decisions, u64 generation, const struct mx_flow *flow,
			   bool forwarded, enum mxload_left left, const struct mx_verdict *verdict);

/* Sends what was told so far. */
void mxload_decisions_flush(struct mxload_decisions *decisions);

/* How many were lost. */
u64 mxload_decisions_lost(const struct mxload_decisions *decisions);

/* As the protocol has it. */
struct mxload_verdict mxload_decisions_verdict(enum mxload_left left, const struct mx_verdict *verdict);

#endif
