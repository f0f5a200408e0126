// SPDX-License-Identifier: GPL-2.0-or-later OR MIT
#include "core/window.h"

#define HOUR 3600000u /* ms */
#define DAY (24 * HOUR)
#define WEEK (7 * DAY)

static const u32 length[MX_PERIODS] = { HOUR, DAY, WEEK };
static const char *const name[MX_PERIODS] = { "hour", "day", "week" };

u64 mx_period_length(enum mx_period period)
{
	return length[period];
}

const char *mx_period_name(enum mx_period period)
{
	return name[period];
}

const char *mx_unit_name(enum mx_unit unit)
{
	return unit == MX_MESSAGES ? "messages" : "connections";
}

static u32 width(enum mx_period period)
{
	return length[period] / (MX_WINDOW_BUCKETS - 1);
}

/* Division by what the compiler knows is a multiplication, and this is done for each connection. */
static inline u32 tick_of(enum mx_period period, u64 time)
{
	switch (period) {
	case MX_HOUR:
		return (u32)mx_div64(time, HOUR / (MX_WINDOW_BUCKETS - 1));
	case MX_DAY:
		return (u32)mx_div64(time, DAY / (MX_WINDOW_BUCKETS - 1));
	default:
		return (u32)mx_div64(time, WEEK / (MX_WINDOW_BUCKETS - 1));
	}
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

static u64 sum_at(const struct mx_window *w, u32 tick, enum mx_count what)
{
	u32 count = buckets_at(w, tick), at = slot(w, 0);
	u64 sum = 0;

	while (count--) {
		sum += w->bucket[at][what];
		at = at ? at - 1 : MX_WINDOW_BUCKETS - 1;
	}
	return sum;
}

static u32 saturated(u64 n)
{
	return n < ~0u ? (u32)n : ~0u;
}

static u32 used_at(const struct mx_window *w, u32 tick, enum mx_unit unit)
{
	if (unit == MX_CONNECTIONS)
		return saturated(sum_at(w, tick, MX_COUNT_CONNECTIONS));
	return saturated(sum_at(w, tick, MX_COUNT_ESTIMATED) + sum_at(w, tick, MX_COUNT_SETTLED));
}

u32 mx_window_count(const struct mx_window *w, enum mx_period period, u64 now, enum mx_count what)
{
	return saturated(sum_at(w, tick_of(period, now), what));
}

u32 mx_window_used(const struct mx_window *w, enum mx_period period, u64 now, enum mx_unit unit)
{
	return used_at(w, tick_of(period, now), unit);
}

static void advance(struct mx_window *w, u32 tick)
{
	u32 steps = tick > w->tick ? tick - w->tick : 0;

	if (steps >= MX_WINDOW_BUCKETS) {
		memset(w->bucket, 0, sizeof(w->bucket));
		w->tick = tick;
		steps = 0;
	}
	while (steps--) {
		w->tick++;
		memset(w->bucket[slot(w, 0)], 0, sizeof(w->bucket[0]));
	}
}

void mx_window_charge(struct mx_window *w, enum mx_period period, u64 now, enum mx_count what, u32 n)
{
	u32 *newest;

	advance(w, tick_of(period, now));
	newest = &w->bucket[slot(w, 0)][what];
	*newest = saturated((u64)*newest + n);
}

static void charge_connections(struct mx_window *w, u32 tick, u32 n, u32 messages)
{
	u32 *newest;

	if (tick > w->tick)
		advance(w, tick);
	newest = w->bucket[slot(w, 0)];
	newest[MX_COUNT_CONNECTIONS] = saturated((u64)newest[MX_COUNT_CONNECTIONS] + n);
	newest[MX_COUNT_ESTIMATED] = saturated(newest[MX_COUNT_ESTIMATED] + (u64)n * messages);
}

void mx_window_charge_connections(struct mx_window window[MX_PERIODS], u64 now, u32 n, u32 messages)
{
	charge_connections(&window[MX_HOUR], tick_of(MX_HOUR, now), n, messages);
	charge_connections(&window[MX_DAY], tick_of(MX_DAY, now), n, messages);
	charge_connections(&window[MX_WEEK], tick_of(MX_WEEK, now), n, messages);
}

void mx_window_charge_late(struct mx_window *w, enum mx_period period, u64 then, enum mx_count what, u32 n)
{
	u32 tick = tick_of(period, then), *count;

	advance(w, tick);
	if (w->tick - tick >= MX_WINDOW_BUCKETS)
		return;
	count = &w->bucket[slot(w, w->tick - tick)][what];
	*count = saturated((u64)*count + n);
}

void mx_window_return(struct mx_window *w, enum mx_period period, u64 then, enum mx_count what, u32 n)
{
	u32 tick = tick_of(period, then), age;

	for (age = tick < w->tick ? w->tick - tick : 0; n && age < MX_WINDOW_BUCKETS; age++) {
		u32 *count = &w->bucket[slot(w, age)][what], part = n < *count ? n : *count;

		*count -= part;
		n -= part;
	}
}

u64 mx_window_less_at(const struct mx_window *w, enum mx_period period, u64 now, enum mx_unit unit)
{
	u32 tick = tick_of(period, now), used;

	if (tick < w->tick)
		tick = w->tick;
	used = used_at(w, tick, unit);
	if (!used)
		return MX_NEVER;
	while (used_at(w, ++tick, unit) == used)
		;
	return (u64)tick * width(period);
}

u64 mx_window_free_at(const struct mx_window *w, enum mx_period period, u64 now, enum mx_unit unit, u32 limit, u32 n)
{
	u32 tick = tick_of(period, now), last;

	if (n > limit)
		return MX_NEVER;
	if (tick < w->tick)
		tick = w->tick;
	if (used_at(w, tick, unit) <= limit - n)
		return now;
	last = w->tick + MX_WINDOW_BUCKETS;
	while (tick < last && used_at(w, tick, unit) > limit - n)
		tick++;
	return (u64)tick * width(period);
}
