/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What became of the connections, by conntrack: a thread counts those that end (DESTROY events alone: asking for new
 * ones too would cost five times as much), and a listing shows those that live.
 */
#ifndef MX_DAEMON_FLOWS_H
#define MX_DAEMON_FLOWS_H

#include "daemon/journal.h"
#include "daemon/policy.h"

struct mx_flows;

/* Starts the thread. Ends the program when conntrack cannot be had. */
struct mx_flows *mx_flows_start(struct mx_policy *policy, struct mx_journal *journal);

/* How often the kernel dropped events, so that established and failed are too low. */
u32 mx_flows_overruns(struct mx_flows *flows);

/*
 * Of how many connections somebody has reset the counters shortly before they closed, so that bytes are too low.
 * Longer before cannot be told.
 */
u32 mx_flows_zeroed(struct mx_flows *flows);

void mx_flows_stop(struct mx_flows *flows);

/* A connection that conntrack knows. */
struct mx_live {
	struct mx_event event; /* as an event of type MX_EVENT_CLOSE would tell it; time 0: not known */
	const char *state;     /* of TCP, in small letters */
	bool open;             /* not yet closed by either side */
};

/* Lists the connections that carry our mark, in the main thread; `each` is called for every one. 0 or errno. */
int mx_flows_list(const struct mx_policy *policy, void (*each)(const struct mx_live *, void *), void *arg);

/*
 * Calls `each` with the destination and the mark of every connection that carries `mark` under `mask` (0: any) and is
 * open: not yet closed by either side. From any thread; slow (a dump of conntrack: 5 ms to 30 ms), so without a lock. 0
 * or errno.
 */
int mx_flows_open(u32 mark, u32 mask, void (*each)(enum mx_family family, struct mx_addr to, u32 mark, void *arg),
		  void *arg);

#endif
