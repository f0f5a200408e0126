/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The thread that writes the ledger down: the one writer of its accounts, so that no decision ever waits for a disk. It
 * writes at once when somebody waits for a lease or will soon, and else what has changed every few seconds.
 */
#ifndef MX_DAEMON_BOOKKEEPER_H
#define MX_DAEMON_BOOKKEEPER_H

#include "daemon/policy.h"

struct mx_bookkeeper;

/* `path` is that of the ledger; ends the program when it cannot be opened. */
struct mx_bookkeeper *mx_bookkeeper_start(struct mx_policy *policy, const char *path);

/* Writes everything, without leases: nothing is spent any more. */
void mx_bookkeeper_stop(struct mx_bookkeeper *bookkeeper);

/* Waits until all that is urgent is in the file, at most two seconds. False: it is not. */
bool mx_bookkeeper_flush(struct mx_bookkeeper *bookkeeper);

struct mx_bookkeeper_stats {
	u64 commits, rows, errors; /* errors: writes that failed */
	s64 written;               /* seconds since the epoch: the last commit; 0: none yet */
	char error[200];           /* "" while all is well */
};

struct mx_bookkeeper_stats mx_bookkeeper_stats(struct mx_bookkeeper *bookkeeper);

#endif
