// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmod/namespace.h"

#include <linux/rcupdate.h>
#include <net/netns/generic.h>

#include "kmod/hook.h"

static unsigned int namespace_id;

struct mxload_namespace *mxload_namespace_of(const struct net *net)
{
	return net_generic(net, namespace_id);
}

struct mxload_policy *mxload_namespace_policy(struct mxload_namespace *n)
{
	return rcu_dereference_protected(n->policy, lockdep_is_held(&n->lock));
}

/* Another policy, or none, is in force; the one that was decides no more and stays for its counters. */
static void put_in_force(struct mxload_namespace *n, struct mxload_policy *policy)
{
	struct mxload_policy *forgotten = n->before;

	n->before = rcu_replace_pointer(n->policy, policy, lockdep_is_held(&n->lock));
	synchronize_rcu();
	mxload_policy_free(forgotten);
	if (n->decisions)
		mxload_decisions_flush(n->decisions);
}

/* A namespace without a policy costs its packets nothing: the hooks come with the first. */
static int be_ready(struct mxload_namespace *n, struct netlink_ext_ack *extack)
{
	int error;

	if (!n->decisions)
		n->decisions = mxload_decisions_new(n->net);
	if (!n->decisions)
		return -ENOMEM;
	if (n->hooked)
		return 0;
	error = mxload_hook_register(n);
	if (error)
		NL_SET_ERR_MSG(extack, "the hooks cannot be registered");
	n->hooked = !error;
	return error;
}

int mxload_namespace_commit(struct mxload_namespace *n, u32 valid, struct netlink_ext_ack *extack)
{
	struct mxload_policy *policy = n->begun;
	int error;

	if (!policy->shards) {
		NL_SET_ERR_MSG(extack, "the snapshot is not complete");
		return -EINVAL;
	}
	error = be_ready(n, extack);
	if (error)
		return error;
	mxload_policy_set_valid(policy, valid);
	n->begun = NULL;
	put_in_force(n, policy);
	return 0;
}

int mxload_namespace_drop(struct mxload_namespace *n, u64 generation, struct netlink_ext_ack *extack)
{
	struct mxload_policy *policy = mxload_namespace_policy(n);

	if (policy && policy->generation == generation) {
		put_in_force(n, NULL);
		return 0;
	}
	if (n->before && n->before->generation == generation) {
		mxload_policy_free(n->before); /* nobody has decided by it for long */
		n->before = NULL;
		return 0;
	}
	NL_SET_ERR_MSG(extack, "no policy of this generation is, or was just, in force");
	return -ENOENT;
}

/* --- namespaces come and go ------------------------------------------------------------------------------------- */

static int __net_init enter(struct net *net)
{
	struct mxload_namespace *n = mxload_namespace_of(net);

	n->net = net;
	mutex_init(&n->lock);
	n->tally = alloc_percpu(struct mxload_tally);
	return n->tally ? 0 : -ENOMEM;
}

/* After this, and before the namespace is left, the kernel waits until nobody is in a hook any more. */
static void __net_exit before_leave(struct net *net)
{
	struct mxload_namespace *n = mxload_namespace_of(net);

	if (n->hooked)
		mxload_hook_unregister(n);
	n->hooked = false;
}

static void __net_exit leave(struct net *net)
{
	struct mxload_namespace *n = mxload_namespace_of(net);

	mxload_policy_free(rcu_dereference_protected(n->policy, true));
	mxload_policy_free(n->before);
	mxload_policy_free(n->begun);
	mxload_decisions_free(n->decisions);
	free_percpu(n->tally);
}

static struct pernet_operations operations = {
	.init = enter,
	.pre_exit = before_leave,
	.exit = leave,
	.id = &namespace_id,
	.size = sizeof(struct mxload_namespace),
};

int mxload_namespaces_start(void)
{
	return register_pernet_subsys(&operations);
}

void mxload_namespaces_stop(void)
{
	unregister_pernet_subsys(&operations);
}
