// SPDX-License-Identifier: GPL-2.0-or-later OR MIT
#include "core/window.h"

static const u32 length[MX_PERIODS] = { 3600, 86400, 604800 };
static const char *const name[MX_PERIODS] = { "hour", "day", "week" };

u32 mx_period_length(enum mx_period period)
{
	return length[period];
}

const char *mx_period_name(enum mx_period period)
{
	return name[period];
}

static u32 width(enum mx_period period)
{
	return length[period] / (MX_WINDOW_BUCKETS - 1);
}

static u32 tick_of(enum mx_period period, u64 time)
{
	return (u32)mx_div64(time, width(period));
}

/* How many of the ring's buckets, from the newest backwards, count at `tick`. */
static u32 buckets_at(const struct mx_window *w, u32 tick)
{
	if (tick <= w->tick)
		return MX_WINDOW_BUCKETS;
	return tick - w->tick < MX_WINDOW_BUCKETS ? MX_WINDOW_BUCKETS - (tick - w->tick) : 0;
}

/* The bucket that is `age` ticks older than the newest. */
static u32 slot(const struct mx_window *w, u32 age)
{
	return (w->tick + MX_WINDOW_BUCKETS - age) % MX_WINDOW_BUCKETS;
}

static u32 used_at(const struct mx_window *w, u32 tick)
{
	u32 count = buckets_at(w, tick);
	u64 sum = 0;
	u32 age;

	for (age = 0; age < count; age++)
		sum += w->bucket[slot(w, age)];
	return sum < ~0u ? (u32)sum : ~0u;
}

u32 mx_window_used(const struct mx_window *w, enum mx_period period, u64 now)
{
	return used_at(w, tick_of(period, now));
}

void mx_window_charge(struct mx_window *w, enum mx_period period, u64 now, u32 n)
{
	u32 tick = tick_of(period, now);
	u32 steps = tick > w->tick ? tick - w->tick : 0;
	u32 *newest;

	if (steps >= MX_WINDOW_BUCKETS) {
		memset(w->bucket, 0, sizeof(w->bucket));
		w->tick = tick;
		steps = 0;
	}
	while (steps--) {
		w->tick++;
		w->bucket[slot(w, 0)] = 0;
	}
	newest = &w->bucket[slot(w, 0)];
	*newest = n < ~0u - *newest ? *newest + n : ~0u;
}

void mx_window_return(struct mx_window *w, enum mx_period period, u64 then, u32 n)
{
	u32 tick = tick_of(period, then);
	u32 age = tick < w->tick ? w->tick - tick : 0;
	u32 *bucket;

	if (age >= MX_WINDOW_BUCKETS)
		return;
	bucket = &w->bucket[slot(w, age)];
	*bucket -= n < *bucket ? n : *bucket;
}

u64 mx_window_free_at(const struct mx_window *w, enum mx_period period, u64 now, u32 limit, u32 n)
{
	u32 tick = tick_of(period, now);
	u32 last;

	if (n > limit)
		return MX_NEVER;
	if (tick < w->tick)
		tick = w->tick;
	if (used_at(w, tick) <= limit - n)
		return now;
	last = w->tick + MX_WINDOW_BUCKETS;
	while (tick < last && used_at(w, tick) > limit - n)
		tick++;
	return (u64)tick * width(period);
}
