/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last few thousand events in order: decisions, closed connections, and what was changed by hand. `mxload flows`
 * and `mxload watch` read it; nobody waits for a reader, a slow one loses events and is told how many.
 */
#ifndef MX_DAEMON_JOURNAL_H
#define MX_DAEMON_JOURNAL_H

#include <time.h>

#include "core/decide.h"

#define MX_JOURNAL_EVENTS 4096u /* are kept */

enum mx_event_type {
	MX_EVENT_DECISION,
	MX_EVENT_CLOSE,
	MX_EVENT_STATE,
	MX_EVENT_WEIGHT,
	MX_EVENT_RELOAD,
	MX_EVENT_CUT,
	MX_EVENT_CALLER, /* who makes a connection that the module has left to the queue */
};

struct mx_event {
	enum mx_event_type type;
	time_t time;
	enum mx_family family;
	enum mx_action action;
	enum mx_reason reason;
	u16 from_port, to_port, source_port;
	u16 route;
	struct mx_addr from, to, source_addr;
	const char *source, *provider, *pool; /* of mx_name(), or NULL */
	bool by_module;                       /* the kernel module has told it; only then are the next three known */
	u32 process, local_process;           /* that connects, and as its own pid namespace knows it; 0: not known */
	u32 user;                             /* or MX_NO_ID */
	union {
		struct {
			u64 sent, received; /* bytes, with the headers of the packets */
			u64 packets_sent, packets_received;
			bool established;
		} close;
		struct {
			const char *state, *owner;
			char reason[64];
		} state;
		struct {
			struct mx_left left; /* of the source there, this connection taken off */
			u32 warmup_day;      /* 0: none */
		} decision;
		u32 weight;
		u64 generation;
		u32 connections; /* that were cut */
	};
};

struct mx_journal;

struct mx_journal *mx_journal_new(void);
void mx_journal_free(struct mx_journal *journal);

/* Adds one; from every thread. */
void mx_journal_add(struct mx_journal *journal, const struct mx_event *event);

/* The number that the next event will get. */
u64 mx_journal_next(struct mx_journal *journal);

/*
 * Copies up to `max` events from number *at on and moves *at behind them; *lost is how many were gone already.
 * Returns how many were copied.
 */
u32 mx_journal_read(struct mx_journal *journal, u64 *at, struct mx_event *events, u32 max, u64 *lost);

#endif
