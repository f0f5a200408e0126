/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel module as a second engine: a thread that gives it the policy, lends it what it may spend, and books what
 * it has spent. Where there is no module, or it decides nothing, the queue decides as always.
 */
#ifndef MX_DAEMON_MODULE_H
#define MX_DAEMON_MODULE_H

#include "daemon/bookkeeper.h"
#include "daemon/journal.h"
#include "daemon/policy.h"
#include "kmod/uapi/mxload.h"

struct mx_module;

struct mx_module_stats {
	bool loaded;                 /* it is there */
	bool decides;                /* it has the policy that is in force */
	u32 taken;                   /* how often it has taken over from the queue */
	u64 lost;                    /* decisions of which nobody was told, as far as is known here */
	struct mxload_status module; /* what it says itself */
	char error[256];             /* why it has no policy, though it is there; "": nothing is wrong */
};

/* What a daemon before has left in the module is read back before this returns. */
struct mx_module *mx_module_start(struct mx_policy *policy, struct mx_bookkeeper *bookkeeper,
				  struct mx_journal *journal);

/* It decides no more, and everything that it was lent has come back. */
void mx_module_stop(struct mx_module *module);

/*
 * Waits until the module knows what has changed up to now, so that what was asked for by hand is in force when it is
 * answered; two seconds at most. Not under the policy's lock.
 */
void mx_module_sync(struct mx_module *module);

/* Whether the policy in force is that of the module, too, or the module decides nothing. */
bool mx_module_follows(struct mx_module *module);

struct mx_module_stats mx_module_stats(struct mx_module *module);

#endif
