/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What mxload keeps of a network namespace, and what decides there. */
#ifndef MXLOAD_NAMESPACE_H
#define MXLOAD_NAMESPACE_H

#include <linux/mutex.h>
#include <linux/netfilter.h>
#include <linux/percpu.h>
#include <net/net_namespace.h>

#include "kmod/decisions.h"
#include "kmod/hook.h"
#include "kmod/policy.h"

struct mxload_tally {
	u64 of[__MXLOAD_LEFT_END]; /* by enum mxload_left */
};

struct mxload_namespace {
	struct net *net;
	struct mutex lock; /* of all that follows, but for reading `policy` */
	struct mxload_policy __rcu *policy;
	struct mxload_policy *before; /* was in force; counters alone */
	struct mxload_policy *begun;
	bool hooked;
	struct nf_hook_ops hooks[MXLOAD_HOOKS];
	struct mxload_tally __percpu *tally;
	struct mxload_decisions *decisions; /* as soon as there was a policy; NULL before */
};

/* Of a namespace; never NULL while the module is loaded. */
struct mxload_namespace *mxload_namespace_of(const struct net *net);

/* All namespaces. 0 or an error. */
int mxload_namespaces_start(void);
void mxload_namespaces_stop(void);

/*
 * Under the lock, each 0 or an error with a message. commit: what was begun takes force for `valid` ms. drop: the one
 * in force decides no more, its counters stay; or, when `generation` is that of the one before, it is forgotten. When
 * they return nobody decides by what was in force before.
 */
int mxload_namespace_commit(struct mxload_namespace *n, u32 valid, struct netlink_ext_ack *extack);
int mxload_namespace_drop(struct mxload_namespace *n, u64 generation, struct netlink_ext_ack *extack);

/* The policy in force; under the lock. */
struct mxload_policy *mxload_namespace_policy(struct mxload_namespace *n);

#endif
