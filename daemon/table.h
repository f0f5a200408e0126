/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table `inet mxload` in the kernel: loaded when it is missing, filled in one transaction, put back when somebody
 * takes it away.
 *
 * Beside it stands `inet mxload_shield`, a table that the kernel keeps for us alone (its owner): a copy of the guard.
 * `nft flush ruleset` does not take it away, so between somebody's flush and our putting the table back no mail leaves
 * from a wrong address. It goes when the daemon goes.
 */
#ifndef MX_DAEMON_TABLE_H
#define MX_DAEMON_TABLE_H

#include "daemon/loader.h"
#include "daemon/rules_netlink.h"

struct mx_table;

struct mx_table_counters {
	u64 refused, undecided, untracked, guarded, shielded;
	u64 cut; /* packets of connections that were cut */
};

/*
 * Opens the netlink sockets. `base` is the path of mxload.nft, `saved` that of the file kept for the boot scripts. The
 * loader has to live as long.
 */
struct mx_table *mx_table_open(struct mx_loader *loader, const char *base, const char *saved);

/* Closes them; the shield goes, the table stays. */
void mx_table_close(struct mx_table *table);

/* The queue expression that this kernel has. */
enum mx_queue_expression mx_table_probe_queue(struct mx_table *table);

/*
 * Makes the table say what `rules` say, with that queue rule; loads it first when it is missing, and keeps a copy for
 * the boot scripts. Returns NULL, or what went wrong (to be freed); nothing has changed then.
 */
char *mx_table_apply(struct mx_table *table, const struct mx_rules *rules, const struct mx_queue_rule *queue);

/* A lease that was taken out of the table: what it was, and how much of it was spent. */
struct mx_returned {
	const char *set;    /* pick.POOL or pick.POOL.PROVIDER, with .4 or .6 behind it at times */
	const char *source; /* of mx_name() */
	u32 lease, spent;   /* connections; a lease of MX_LEASE_FREE has no end */
};

/*
 * Calls `each` for every lease that was taken out of the kernel since it was asked last. False: some are missing,
 * because somebody took the whole table away, or events were lost.
 */
bool mx_table_returned(struct mx_table *table, void (*each)(const struct mx_returned *, void *), void *arg);

/* To be watched for reading: events of nf_tables. */
int mx_table_fd(const struct mx_table *table);

/* Reads the events that wait. True when somebody else has changed our table. */
bool mx_table_changed(struct mx_table *table);

/* How often the table was missing and has been put back (the first load not counted). */
u32 mx_table_restored(const struct mx_table *table);

struct mx_table_counters mx_table_counters(struct mx_table *table);

/* Whether the loaded table resets connections that are cut: one of an older mxload.nft does not. */
bool mx_table_cuts(struct mx_table *table);

#endif
