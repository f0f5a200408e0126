/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connections of a source that are open: counts them, and cuts them. One that is cut carries the mark `refuse` from
 * then on: the table answers whoever of both ends sends next with a reset. All of it in the main thread.
 */
#ifndef MX_DAEMON_OPEN_H
#define MX_DAEMON_OPEN_H

#include "daemon/journal.h"
#include "daemon/policy.h"

/* Which connections are meant; names are those of mx_name(). */
struct mx_reach {
	const char *source;
	const char *provider; /* "": everywhere */
	u64 network;          /* of the default provider; 0: all of them */
};

/* How many are not yet closed by either side. -1 and errno: conntrack does not say. */
int mx_open_count(const struct mx_policy *policy, const struct mx_reach *reach);

/*
 * Cuts them, those too that were assigned just before the source was paused, and tells the journal of it. With `book`
 * each of them has ended by that: it is counted as one that was established (or else as failed), and its close is told
 * of. Takes 20 ms, and some more for each. How many were cut; -1 and errno: conntrack does not say, or does not do it.
 */
int mx_open_cut(struct mx_policy *policy, const struct mx_reach *reach, struct mx_journal *journal, bool book);

#endif
