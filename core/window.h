/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/*
 * How much was charged lately, in a ring of buckets. No interval of the window's length, wherever it starts, holds more
 * than the buckets say: an interval of 24 widths touches at most 25 buckets, and 25 are counted. What is free again is
 * so up to one width (1/24 of the length) later than it could be.
 *
 * Times are seconds of a clock that never goes back; one that did would free nothing (the newest bucket is kept).
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

#define MX_WINDOW_BUCKETS 25
#define MX_NEVER (~0ULL)

struct mx_window {
	u32 tick;                      /* of the newest bucket: time / width */
	u32 bucket[MX_WINDOW_BUCKETS]; /* of tick t at t % MX_WINDOW_BUCKETS. All zero: nothing was ever charged */
};

/* The length of a period in seconds. */
u32 mx_period_length(enum mx_period period);

/* The name of a period: hour, day, week. */
const char *mx_period_name(enum mx_period period);

/* What counts at `now`: charged within the period before, and a little longer. */
u32 mx_window_used(const struct mx_window *w, enum mx_period period, u64 now);

/* Charges `n` at `now`. Saturates at 2^32 - 1. */
void mx_window_charge(struct mx_window *w, enum mx_period period, u64 now, u32 n);

/* Gives back `n` of what was charged at `then`; what is no longer counted, or was never charged, is not given back. */
void mx_window_return(struct mx_window *w, enum mx_period period, u64 then, u32 n);

/*
 * The earliest time, from `now` on, at which `n` more may be charged under `limit` if nothing else is charged until
 * then. MX_NEVER when n is more than the limit.
 */
u64 mx_window_free_at(const struct mx_window *w, enum mx_period period, u64 now, u32 limit, u32 n);

#endif
