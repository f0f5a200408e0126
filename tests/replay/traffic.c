// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/replay/traffic.h"

static u64 draw(u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

u32 traffic_below(u64 *seed, u64 below)
{
	return (u32)((draw(seed) >> 16) % below);
}

static struct mx_addr draw_addr(const struct traffic_net *net, u64 *seed)
{
	struct mx_addr mask = mx_addr_hostmask(net->family, net->length);

	return (struct mx_addr){ net->addr.hi | (draw(seed) & mask.hi), net->addr.lo | (draw(seed) & mask.lo) };
}

static u32 one_of(const u32 *values, u32 count, u64 *seed)
{
	return count ? values[traffic_below(seed, count)] : 0;
}

/* Of the same family as the destination. */
static struct mx_addr draw_from(const struct traffic *t, enum mx_family family, u64 *seed)
{
	struct mx_addr standing[] = { { 0, 0xc00002fa }, { 0x20010db8ffff0000ULL, 1 } };
	u32 tries;

	for (tries = 0; t->froms && tries < 64; tries++) {
		const struct traffic_net *net = &t->from[traffic_below(seed, t->froms)];

		if (net->family == family)
			return draw_addr(net, seed);
	}
	return standing[family];
}

struct mx_flow traffic_next(const struct traffic *t, u64 *seed)
{
	const struct traffic_net *to = &t->to[traffic_below(seed, t->tos)];

	return (struct mx_flow){ .family = to->family,
				 .to = draw_addr(to, seed),
				 .from = draw_from(t, to->family, seed),
				 .from_port = (u16)(1024 + traffic_below(seed, 64512)),
				 .to_port = 25,
				 .mark = one_of(t->marks, t->mark_count, seed),
				 .user = one_of(t->users, t->user_count, seed),
				 .group = one_of(t->groups, t->group_count, seed) };
}
