// SPDX-License-Identifier: GPL-2.0-or-later OR MIT
#include "core/classify.h"
#include "core/prefix.h"

static bool holds(const struct mx_net *net, const struct mx_flow *flow)
{
	return net->family == flow->family && mx_addr_cmp(net->first, flow->from) <= 0 &&
	       mx_addr_cmp(flow->from, net->last) <= 0;
}

bool mx_classify_asked(const struct mx_snapshot *s, const struct mx_flow *flow, bool forwarded)
{
	u32 ports = mx_snapshot_count(s, MX_SECTION_PORTS), served = mx_snapshot_count(s, MX_SECTION_SERVED), i;

	for (i = 0; i < ports && mx_snapshot_ports(s)[i] != flow->to_port; i++)
		;
	if (i == ports || !forwarded)
		return i < ports;
	for (i = 0; i < served && !holds(&mx_snapshot_served(s)[i], flow); i++)
		;
	return i < served;
}

bool mx_classify_exempt(const struct mx_snapshot *s, const struct mx_flow *flow)
{
	u32 i;

	if (flow->family == MX_IPV4) {
		i = mx_prefix_find4(mx_snapshot_exempt4(s), mx_snapshot_count(s, MX_SECTION_EXEMPT4), (u32)flow->to.lo);
		return mx_snapshot_exempt4_value(s)[i] != MX_NO_VALUE;
	}
	i = mx_prefix_find6(mx_snapshot_exempt6(s), mx_snapshot_count(s, MX_SECTION_EXEMPT6), flow->to);
	return mx_snapshot_exempt6_value(s)[i] != MX_NO_VALUE;
}

u16 mx_classify_prefix(const struct mx_snapshot *s, enum mx_family family, struct mx_addr to)
{
	if (family == MX_IPV4)
		return mx_snapshot_prefix4_value(s)[mx_prefix_find4(
			mx_snapshot_prefix4(s), mx_snapshot_count(s, MX_SECTION_PREFIX4), (u32)to.lo)];
	return mx_snapshot_prefix6_value(
		s)[mx_prefix_find6(mx_snapshot_prefix6(s), mx_snapshot_count(s, MX_SECTION_PREFIX6), to)];
}

u16 mx_classify_provider(const struct mx_snapshot *s, const struct mx_learned *learned, const struct mx_flow *flow)
{
	u16 value = mx_classify_prefix(s, flow->family, flow->to);
	u32 slot;

	if (value != MX_NO_VALUE)
		return value;
	if (!learned)
		return s->default_provider;
	slot = mx_learned_find(learned, flow->family, flow->to);
	return slot < MX_LEARNED_SLOTS ? learned->slot[slot].provider : s->default_provider;
}

static bool mark_matches(const struct mx_masked *marks, struct mx_span span, u32 mark)
{
	u32 i;

	for (i = 0; i < span.count; i++)
		if ((mark & marks[span.first + i].mask) == marks[span.first + i].value)
			return true;
	return !span.count;
}

static bool id_matches(const u32 *ids, struct mx_span span, u32 id)
{
	u32 i;

	for (i = 0; i < span.count; i++)
		if (ids[span.first + i] == id)
			return true;
	return !span.count;
}

static bool client_matches(const struct mx_net *nets, struct mx_span span, const struct mx_flow *flow)
{
	u32 i;

	for (i = 0; i < span.count; i++)
		if (holds(&nets[span.first + i], flow))
			return true;
	return !span.count;
}

bool mx_classify_member(const struct mx_snapshot *s, const struct mx_class *class, const struct mx_flow *flow)
{
	return mark_matches(mx_snapshot_marks(s), class->marks, flow->mark & ~s->mark_mask) &&
	       id_matches(mx_snapshot_users(s), class->users, flow->user) &&
	       id_matches(mx_snapshot_groups(s), class->groups, flow->group) &&
	       client_matches(mx_snapshot_clients(s), class->clients, flow);
}

static bool route_matches(const struct mx_snapshot *s, const struct mx_route *route, const struct mx_flow *flow,
			  u16 provider, u16 class)
{
	if (route->provider != MX_NONE && route->provider != provider)
		return false;
	if (route->class == MX_NONE)
		return true;
	if (class != MX_NONE)
		return route->class == class;
	return mx_classify_member(s, &mx_snapshot_classes(s)[route->class], flow);
}

u16 mx_classify_route(const struct mx_snapshot *s, const struct mx_flow *flow, u16 provider, u16 class)
{
	const struct mx_route *routes = mx_snapshot_routes(s);
	u16 last = (u16)(mx_snapshot_count(s, MX_SECTION_ROUTES) - 1);
	u16 i;

	for (i = 0; i < last; i++)
		if (route_matches(s, &routes[i], flow, provider, class))
			break;
	return i; /* the last route matches everything */
}
