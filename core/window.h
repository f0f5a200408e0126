/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/*
 * How much was charged lately, in a ring of buckets. No interval of the window's length, wherever it starts, holds more
 * than the buckets say: an interval of 24 widths touches at most 25 buckets, and 25 are counted. What is free again is
 * so up to one width (1/24 of the length) later than it could be.
 *
 * Times are milliseconds of a clock that never goes back; one that did would free nothing (the newest bucket is kept).
 */
#ifndef MX_CORE_WINDOW_H
#define MX_CORE_WINDOW_H

#include "core/port.h"

enum mx_period {
	MX_HOUR,
	MX_DAY,
	MX_WEEK,
	MX_PERIODS,
};

/* What limits are in, and what pools of room are kept in. */
enum mx_unit {
	MX_MESSAGES,
	MX_CONNECTIONS,
	MX_UNITS,
};

/* What is counted. Messages are those that a connection was charged for, until a report settles what they were. */
enum mx_count {
	MX_COUNT_CONNECTIONS,
	MX_COUNT_ESTIMATED,
	MX_COUNT_SETTLED,
	MX_COUNTS,
};

#define MX_WINDOW_BUCKETS 25
#define MX_NEVER (~0ULL)

struct mx_window {
	u32 tick; /* of the newest bucket: time / width */
	u32 bucket[MX_WINDOW_BUCKETS]
		  [MX_COUNTS]; /* of tick t at t % MX_WINDOW_BUCKETS. All zero: nothing was charged */
};

/* The length of a period in milliseconds. */
u64 mx_period_length(enum mx_period period);

/* The name of a period: hour, day, week. */
const char *mx_period_name(enum mx_period period);

/* messages, connections */
const char *mx_unit_name(enum mx_unit unit);

/* What counts at `now`: charged within the period before, and a little longer. */
u32 mx_window_count(const struct mx_window *w, enum mx_period period, u64 now, enum mx_count what);

/* The same in the unit of a limit: messages are the estimated and the settled ones. */
u32 mx_window_used(const struct mx_window *w, enum mx_period period, u64 now, enum mx_unit unit);

/* Charges `n` at `now`. Saturates at 2^32 - 1. */
void mx_window_charge(struct mx_window *w, enum mx_period period, u64 now, enum mx_count what, u32 n);

/* Charges `n` connections, and `messages` that each is estimated to carry, in the windows of all periods in one go. */
void mx_window_charge_connections(struct mx_window window[MX_PERIODS], u64 now, u32 n, u32 messages);

/* Charges `n` at `then`, which may be in the past; what would no longer count is left out. */
void mx_window_charge_late(struct mx_window *w, enum mx_period period, u64 then, enum mx_count what, u32 n);

/*
 * Gives back `n` of what was charged at `then` or a little before: out of the bucket of `then`, and what that does not
 * hold out of older ones. What counts no more is not given back. A `then` that is too early is safe: what goes out of
 * an older bucket stays in a newer one, which counts for longer. One that is too late is not.
 */
void mx_window_return(struct mx_window *w, enum mx_period period, u64 then, enum mx_count what, u32 n);

/* When the next bucket that counts in `unit` runs out: after `now`. MX_NEVER when nothing is used. */
u64 mx_window_less_at(const struct mx_window *w, enum mx_period period, u64 now, enum mx_unit unit);

/*
 * The earliest time, from `now` on, at which `n` more may be charged under `limit` if nothing else is charged until
 * then. MX_NEVER when n is more than the limit.
 */
u64 mx_window_free_at(const struct mx_window *w, enum mx_period period, u64 now, enum mx_unit unit, u32 limit, u32 n);

#endif
