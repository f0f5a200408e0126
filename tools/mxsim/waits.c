// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxsim/waits.h"

/* Below 128 each ms has a bucket; from there on 64 to each power of two. */
static u32 bucket_of(u64 ms)
{
	u32 shift = ms < 128 ? 0 : 57 - (u32)__builtin_clzll(ms);
	u32 bucket = shift * 64 + (u32)(ms >> shift);

	return bucket < SIM_WAIT_BUCKETS ? bucket : SIM_WAIT_BUCKETS - 1;
}

/* The most that a bucket holds. */
static u64 end_of(u32 bucket)
{
	u32 shift = bucket < 128 ? 0 : bucket / 64 - 1;

	return ((((u64)bucket - shift * 64) + 1) << shift) - 1;
}

void sim_waits_add(struct sim_waits *w, u64 ms, u32 messages)
{
	w->count[bucket_of(ms)] += messages;
	w->messages += messages;
	if (ms > w->longest)
		w->longest = ms;
}

u64 sim_waits_percentile(const struct sim_waits *w, u32 percent)
{
	u64 wanted = (w->messages * percent + 99) / 100, seen = 0;
	u32 i;

	if (!w->messages)
		return 0;
	for (i = 0; i < SIM_WAIT_BUCKETS - 1 && (seen += w->count[i]) < wanted; i++)
		;
	return end_of(i) < w->longest ? end_of(i) : w->longest;
}
