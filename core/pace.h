/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/*
 * An even pace: a token bucket that fills evenly and is at most a quarter of an hour deep, because an MTA that was
 * refused comes back only after 5 to 15 minutes. Kept as one time, that at which the bucket is full (the generic cell
 * rate algorithm of ITU-T I.371 with the time shifted by its tolerance).
 *
 * Times are in microseconds of the ledger's clock: at fast paces a millisecond is too coarse.
 */
#ifndef MX_CORE_PACE_H
#define MX_CORE_PACE_H

#include "core/limit.h"

#define MX_PACE_DEPTH (900ULL * 1000000)

/*
 * The time that one unit of a limit takes. It is 1/24 longer than period / most: a rolling window counts that much more
 * than its period (see window.h), and a pace that ran into it would stop and go.
 */
u64 mx_pace_interval(u32 most, u64 period_ms);

/* How many units there are at `now`; `n` of them are wanted at once, so the bucket holds at least so many. */
u32 mx_pace_left(u64 full_at, u64 interval, u32 n, u64 now);

/* When there will be `units` in a bucket that holds at least `n`. MX_NEVER: it does not hold so many. */
u64 mx_pace_ready(u64 full_at, u64 interval, u32 n, u32 units);

/* Takes `n` at `now`: the new time at which the bucket will be full. */
u64 mx_pace_take(u64 full_at, u64 interval, u32 n, u64 now);

/* A bucket that holds just `n` at `now`: what a pace begins with. */
u64 mx_pace_begin(u64 interval, u32 n, u64 now);

#endif
