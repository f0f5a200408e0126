/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What became of the connections, by conntrack: a thread counts those that end (DESTROY events alone: asking for new
 * ones too would cost five times as much), and a listing shows those that live.
 */
#ifndef MX_DAEMON_FLOWS_H
#define MX_DAEMON_FLOWS_H

#include "daemon/conntrack.h"
#include "daemon/journal.h"
#include "daemon/policy.h"

struct mx_flows;

/* Starts the thread. Ends the program when conntrack cannot be had. */
struct mx_flows *mx_flows_start(struct mx_policy *policy, struct mx_journal *journal);

/* How often the kernel dropped events, so that established and failed are too low. */
u32 mx_flows_overruns(struct mx_flows *flows);

/*
 * Of how many connections somebody has reset the counters just before they closed, so that bytes are too low. When more
 * was sent afterwards it cannot be told, and such a one may count as closed early.
 */
u32 mx_flows_zeroed(struct mx_flows *flows);

void mx_flows_stop(struct mx_flows *flows);

/*
 * What an entry of conntrack says, as an event of type MX_EVENT_CLOSE without its time, and whose it is; under the
 * policy's lock, or in the main thread. False: it carries the mark of no source.
 */
bool mx_flows_read(const struct mx_policy *policy, const struct nf_conntrack *entry, struct mx_event *event,
		   struct mx_lane_id *lane);

/* A connection that conntrack knows. */
struct mx_live {
	struct mx_event event; /* as an event of type MX_EVENT_CLOSE would tell it; time 0: not known */
	const char *state;     /* of TCP, in small letters */
};

/* Lists the connections that carry our mark, in the main thread; `each` is called for every one. 0 or errno. */
int mx_flows_list(const struct mx_policy *policy, void (*each)(const struct mx_live *, void *), void *arg);

#endif
