// SPDX-License-Identifier: GPL-2.0-or-later OR MIT
#include "core/pace.h"

u64 mx_pace_interval(u32 most, u64 period_ms)
{
	u64 parts = (u64)most * (MX_WINDOW_BUCKETS - 1);

	return mx_div64(period_ms * 1000 * MX_WINDOW_BUCKETS + parts - 1, parts);
}

static u64 depth(u64 interval, u32 n)
{
	u64 least = interval * n;

	return least > MX_PACE_DEPTH ? least : MX_PACE_DEPTH;
}

u32 mx_pace_left(u64 full_at, u64 interval, u32 n, u64 now)
{
	u64 missing = full_at > now ? full_at - now : 0, deep = depth(interval, n);
	u64 left = missing < deep ? mx_div64(deep - missing, interval) : 0;

	return left < ~0u ? (u32)left : ~0u;
}

u64 mx_pace_ready(u64 full_at, u64 interval, u32 n, u32 units)
{
	u64 deep = depth(interval, n), wanted = interval * units, spare = deep - wanted;

	if (wanted > deep)
		return MX_NEVER;
	return full_at > spare ? full_at - spare : 0;
}

u64 mx_pace_take(u64 full_at, u64 interval, u32 n, u64 now)
{
	return (full_at > now ? full_at : now) + interval * n;
}

u64 mx_pace_begin(u64 interval, u32 n, u64 now)
{
	return now + depth(interval, n) - interval * n;
}
