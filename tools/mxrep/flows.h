/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connections that the daemon has told of: those that live, and for a while those that have closed, by where they
 * went. What a log says of a delivery is attributed to one of them.
 */
#ifndef MX_REP_FLOWS_H
#define MX_REP_FLOWS_H

#include "core/addr.h"
#include "tools/mxrep/line.h"
#include "tools/mxrep/moment.h"
#include "tools/mxrep/store.h"

/* Closed ones are kept so long (microseconds), for lines that are written late; and at most so many in all. */
#define REP_FLOW_KEPT (120 * REP_SECOND)
#define REP_FLOWS_MAX 200000u
#define REP_FLOW_LATE (3 * REP_SECOND) /* so long after its end no line of one is waited for */

/* What was counted of one line over a connection that may turn out to be another's. */
struct rep_booked {
	s64 time;     /* of the line, microseconds */
	u64 queue_id; /* as rep_queue_recall() knows it */
	u32 hour, n;
	enum rep_what what;
	enum rep_category category;
	enum rep_how how;
	u32 delivery;  /* further recipients of one have the same; set by rep_flow_book() */
	u32 size;      /* bytes of the message, 0: not known, then neither is the next */
	u32 sender;    /* bytes of its sender's address */
	u32 recipient; /* bytes of his address, 0: not known */
	u32 reply;     /* bytes of the answer */
	bool has_body; /* the message itself went over the connection */
	bool is_named; /* the line told the connection's port */
};

/* In the order of the log. */
struct rep_carried {
	struct rep_booked *items;
	u32 count;
};

struct rep_flow {
	s64 opened,
		closed; /* microseconds since the epoch; opened 0: so long ago that nobody knows; closed 0: it lives */
	enum mx_family family;
	struct mx_addr from, to;
	u16 from_port, to_port;
	u32 process, local_process;    /* who made it, in the host's pid namespace and in its own; 0: not known */
	u32 lane;                      /* in the store */
	const char *source, *provider; /* mx_name() */
	bool passed;                   /* left as it is: no source of ours */
	bool refused;                  /* by us: it never left */
	bool failed;                   /* never established */
	bool was_before;               /* it was there before anybody watched: it may have carried what is not known */
	u32 uses;                      /* deliveries over it so far, as the lines say */
	u32 deliveries;                /* that were attributed to it */
	s64 used;                      /* when the last of them was, or when it opened */
	u64 queue_id;                  /* of that delivery, its hash; the process that wrote of it; how it was found */
	u32 line_process;
	enum rep_how how;
	u32 messages;    /* answered over it */
	u64 said, heard; /* bytes of the dialogue, to the host and from it, told when it is over; 0: not known */
	struct rep_carried carried;
	bool is_matched;                /* looked at again when it was over: match.h */
	bool is_in_doubt;               /* whether it lives: see rep_flows_doubt() */
	bool is_settled;                /* the daemon has been told that it is over */
	struct rep_flow *next, *before; /* to the same place, the later ones first */
	struct rep_flow *same_next;     /* whose ends have the same place in their table, the same order */
	struct rep_flow *older, *newer;
};

/* Whether it left from a source of ours, and came about. */
static inline bool rep_flow_was_ours(const struct rep_flow *flow)
{
	return !flow->passed && !flow->refused && !flow->failed;
}

struct rep_flows;

struct rep_flows *rep_flows_new(void);
void rep_flows_free(struct rep_flows *flows);

/* A connection was decided: a copy of *flow is kept. One of the same addresses and ports is over with that. */
struct rep_flow *rep_flows_open(struct rep_flows *flows, const struct rep_flow *flow);

/* The latest connection of the same addresses and ports as `ends`, or NULL. */
struct rep_flow *rep_flows_find(struct rep_flows *flows, const struct rep_flow *ends);

/* Who makes a connection that has not been told yet: it gets these processes when it is opened. */
void rep_flows_expect(struct rep_flows *flows, const struct rep_flow *ends, u32 process, u32 local_process);

/* Whether a connection to this place was refused by us about then (microseconds). */
bool rep_flows_refused(const struct rep_flows *flows, enum mx_family family, struct mx_addr to, u16 to_port, s64 time);

/* Forgets those that closed long before `now`. */
void rep_flows_expire(struct rep_flows *flows, s64 now);

/* Everything that is live may have closed unseen, the daemon was away: it is in doubt. */
void rep_flows_doubt(struct rep_flows *flows);

/* What is in doubt still closed before `now`. */
void rep_flows_end_doubted(struct rep_flows *flows, s64 now);

/* Calls back for each, the oldest first. */
void rep_flows_each(struct rep_flows *flows, void (*each)(struct rep_flow *flow, void *context), void *context);

/* What was counted for the delivery that it has just carried, see rep_flows_carried(). */
void rep_flow_book(struct rep_flow *flow, const struct rep_booked *booked);

/* Whether one to the same host as `flow`, opened before `time`, is open, or was until `until`. */
bool rep_flows_open_since(const struct rep_flows *flows, const struct rep_flow *flow, s64 time, s64 until);

u32 rep_flows_count(const struct rep_flows *flows);

/*
 * The connection that carried a delivery, by what the line says, which is remembered with it: each line is to be asked
 * for once, in the order of the log. NULL: none is known that could have. `own`: the source whose address the provider
 * quotes in its reply, which tells it too (mx_name(); NULL: none).
 */
struct rep_flow *rep_flows_carried(struct rep_flows *flows, const struct rep_line *line, const char *own,
				   enum rep_how *how);

#endif
