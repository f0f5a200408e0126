/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A second look at what was only inferred. Which of several connections to one host carried a delivery is guessed when
 * its line is read; when all of them are over, the daemon has told how many bytes of dialogue each carried, both ways.
 * Deliveries go from connections that have more of them than their bytes to those that have less, and their counts
 * with them.
 *
 * What a delivery takes: to the host its commands and, when it got so far, the message, whose size Postfix logs; from
 * the host the answer that is logged and those before it that are not. What is not logged is alike among the
 * deliveries to one host, and learned from its connections by least squares. Where that does not explain the bytes, of
 * an encrypted dialogue say, everything stays as it was guessed.
 */
#ifndef MX_REP_MATCH_H
#define MX_REP_MATCH_H

#include "tools/mxrep/flows.h"
#include "tools/mxrep/queue.h"

/* What our own MTA says to every host with a delivery, in bytes that no line tells of, as learned so far; {0} at first.
 */
struct rep_habit {
	bool is_known;
	double each, body; /* of a delivery, and of one with its message besides */
};

/*
 * Looks at the connections that closed so long before `now` (microseconds) that no line of them is waited for. How many
 * deliveries went over to another source; what that changes is counted, and written by the next rep_store_commit().
 */
u32 rep_match(struct rep_flows *flows, struct rep_queue *queue, struct rep_store *store, struct rep_habit *habit,
	      s64 now);

#endif
