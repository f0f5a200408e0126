// SPDX-License-Identifier: GPL-2.0-or-later OR MIT
#include "core/state.h"

struct parts {
	u64 usable, slots, lanes, groups, refused, passed, end;
};

static u64 align8(u64 n)
{
	return (n + 7) & ~7ULL;
}

static struct parts parts_of(const struct mx_snapshot *s)
{
	u64 sources = mx_snapshot_count(s, MX_SECTION_SOURCES);
	u64 providers = mx_snapshot_count(s, MX_SECTION_PROVIDERS);
	u64 pools = mx_snapshot_count(s, MX_SECTION_POOLS);
	struct parts p;

	p.usable = 0;
	p.slots = align8(sources);
	p.lanes = p.slots + s->slots * sizeof(struct mx_slot);
	p.groups = p.lanes + sources * providers * sizeof(struct mx_lane);
	p.refused = p.groups + pools * providers * sizeof(struct mx_group);
	p.passed = p.refused + providers * MX_REASON_COUNT * sizeof(u64);
	p.end = p.passed + providers * sizeof(u64);
	return p;
}

u64 mx_state_size(const struct mx_snapshot *s)
{
	return parts_of(s).end;
}

void mx_state_init(struct mx_state *st, const struct mx_snapshot *s, void *memory)
{
	struct parts p = parts_of(s);
	u8 *base = memory;

	st->sources = mx_snapshot_count(s, MX_SECTION_SOURCES);
	st->providers = mx_snapshot_count(s, MX_SECTION_PROVIDERS);
	st->usable = base + p.usable;
	st->slots = (struct mx_slot *)(base + p.slots);
	st->lanes = (struct mx_lane *)(base + p.lanes);
	st->groups = (struct mx_group *)(base + p.groups);
	st->refused = (u64 *)(base + p.refused);
	st->passed = (u64 *)(base + p.passed);
}

void mx_state_bound_credit(struct mx_state *st, const struct mx_pool *pool, u32 provider)
{
	s64 total = 0;
	u32 i;

	for (i = 0; i < pool->members; i++)
		total += mx_state_slot(st, pool, provider, i)->weight;
	for (i = 0; i < pool->members; i++) {
		s64 *credit = &mx_state_slot(st, pool, provider, i)->credit;

		if (*credit > total)
			*credit = total;
		if (*credit < -total)
			*credit = -total;
	}
}

static void settle_group(struct mx_state *st, const struct mx_snapshot *s, const struct mx_pool *pool, u32 provider,
			 enum mx_family family, u64 decided)
{
	u64 total = 0;
	u32 i;

	for (i = 0; i < pool->members; i++)
		if (mx_state_candidate(st, s, pool, provider, i, family) == MX_REASON_CANDIDATE)
			total += mx_state_slot(st, pool, provider, i)->weight;
	for (i = 0; total && i < pool->members; i++) {
		u32 source = mx_snapshot_members(s)[pool->first_member + i].source;
		u64 weight = mx_state_slot(st, pool, provider, i)->weight;

		if (mx_state_candidate(st, s, pool, provider, i, family) == MX_REASON_CANDIDATE)
			mx_state_lane(st, provider, source)->expected += mx_div64(decided * 1000 * weight, total);
	}
}

void mx_state_settle_expected(struct mx_state *st, const struct mx_snapshot *s)
{
	u32 pools = mx_snapshot_count(s, MX_SECTION_POOLS);
	u32 pool, provider, family;

	for (pool = 0; pool < pools; pool++)
		for (provider = 0; provider < st->providers; provider++)
			for (family = 0; family < MX_FAMILIES; family++) {
				u64 *decided = &mx_state_group(st, pool, provider)->decided[family];

				if (!*decided)
					continue;
				settle_group(st, s, &mx_snapshot_pools(s)[pool], provider, family, *decided);
				*decided = 0;
			}
}
