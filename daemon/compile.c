// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/compile.h"

#include <stdlib.h>
#include <string.h>

#include "core/balance.h"

struct prefixes {
	struct mx_prefix *items;
	u32 count;
	enum mx_family family;
};

static void collect(struct prefixes *p, const struct mx_conf_nets *nets, u16 value)
{
	u32 i;

	for (i = 0; i < nets->count; i++) {
		const struct mx_conf_net *net = &nets->items[i];

		if (net->family != p->family)
			continue;
		p->items = mx_grow(p->items, p->count, sizeof(p->items[0]));
		p->items[p->count++] = (struct mx_prefix){ net->addr, net->length, value };
	}
}

static int compare(const void *a, const void *b, void *family)
{
	return mx_prefix_cmp(*(enum mx_family *)family, a, b);
}

static struct mx_range *flatten(struct prefixes *p, u32 *count)
{
	struct mx_range *ranges;
	struct mx_prefix_nest nest;
	u32 i, unique = 0;

	if (p->count)
		qsort_r(p->items, p->count, sizeof(p->items[0]), compare, &p->family);
	for (i = 0; i < p->count; i++) /* a list may name a network twice, providers may not */
		if (!unique || mx_prefix_cmp(p->family, &p->items[unique - 1], &p->items[i]))
			p->items[unique++] = p->items[i];
	ranges = mx_alloc(mx_prefix_ranges_max(unique) * sizeof(*ranges));
	*count = mx_prefix_flatten(p->family, p->items, unique, ranges, &nest);
	free(p->items);
	return ranges;
}

struct mx_range *mx_compile_providers(const struct mx_config *config, enum mx_family family,
				      const struct mx_prefixes *more, u32 *count)
{
	struct prefixes p = { .family = family };
	u32 i;

	for (i = 0; i < config->provider_count; i++)
		collect(&p, &config->providers[i].prefixes, (u16)i);
	for (i = 0; more && i < more->count; i++) {
		p.items = mx_grow(p.items, p.count, sizeof(p.items[0]));
		p.items[p.count++] = more->items[i];
	}
	return flatten(&p, count);
}

struct mx_range *mx_compile_nets(const struct mx_conf_nets *nets, enum mx_family family, u32 *count)
{
	struct prefixes p = { .family = family };

	collect(&p, nets, 0);
	return flatten(&p, count);
}

struct tables {
	struct mx_range *provider[MX_FAMILIES];
	struct mx_range *exempt[MX_FAMILIES];
	u32 provider_count[MX_FAMILIES];
	u32 exempt_count[MX_FAMILIES];
};

static void count_sections(const struct mx_config *c, const struct tables *t, u32 counts[MX_SECTION_COUNT])
{
	u32 i, j;

	memset(counts, 0, MX_SECTION_COUNT * sizeof(counts[0]));
	counts[MX_SECTION_SOURCES] = counts[MX_SECTION_BY_MARK] = c->source_count;
	counts[MX_SECTION_POOLS] = c->pool_count;
	counts[MX_SECTION_PROVIDERS] = c->provider_count;
	counts[MX_SECTION_ROUTES] = c->route_count;
	counts[MX_SECTION_CLASSES] = c->class_count;
	counts[MX_SECTION_PORTS] = c->ports.count;
	counts[MX_SECTION_SERVED] = c->clients.count;
	for (i = 0; i < c->pool_count; i++)
		counts[MX_SECTION_MEMBERS] += c->pools[i].members.count;
	for (i = 0; i < c->class_count; i++) {
		counts[MX_SECTION_MARKS] += c->classes[i].marks.count;
		counts[MX_SECTION_USERS] += c->classes[i].users.count;
		counts[MX_SECTION_GROUPS] += c->classes[i].groups.count;
		counts[MX_SECTION_CLIENTS] += c->classes[i].clients.count;
	}
	for (i = 0; i < c->source_count; i++)
		counts[MX_SECTION_LIMITS] += c->sources[i].limits.count;
	for (i = 0; i < c->provider_count; i++) {
		const struct mx_conf_provider *p = &c->providers[i];

		counts[MX_SECTION_LIMITS] += p->limits.count + p->total_limits.count;
		counts[MX_SECTION_LANE_RULES] += p->lanes.count;
		for (j = 0; j < p->lanes.count; j++)
			counts[MX_SECTION_LIMITS] += p->lanes.items[j].limits.count;
	}
	counts[MX_SECTION_PREFIX4] = counts[MX_SECTION_PREFIX4_VALUE] = t->provider_count[MX_IPV4];
	counts[MX_SECTION_PREFIX6] = counts[MX_SECTION_PREFIX6_VALUE] = t->provider_count[MX_IPV6];
	counts[MX_SECTION_EXEMPT4] = counts[MX_SECTION_EXEMPT4_VALUE] = t->exempt_count[MX_IPV4];
	counts[MX_SECTION_EXEMPT6] = counts[MX_SECTION_EXEMPT6_VALUE] = t->exempt_count[MX_IPV6];
}

static void *section(struct mx_snapshot *s, enum mx_section id)
{
	return (u8 *)s + s->section[id].offset;
}

static int compare_marks(const void *a, const void *b, void *sources)
{
	u32 x = ((const struct mx_source *)sources)[*(const u16 *)a].mark;
	u32 y = ((const struct mx_source *)sources)[*(const u16 *)b].mark;

	return (x > y) - (x < y);
}

static void put_sources(struct mx_snapshot *s, const struct mx_config *c, const u32 *numbers)
{
	struct mx_source *out = section(s, MX_SECTION_SOURCES);
	u16 *by_mark = section(s, MX_SECTION_BY_MARK);
	u32 lowest = c->mark_mask & (~c->mark_mask + 1);
	u32 i;

	for (i = 0; i < c->source_count; i++) {
		out[i].key = mx_balance_key(c->sources[i].name, strlen(c->sources[i].name));
		out[i].mark = numbers[i] * lowest;
		out[i].families = (u16)c->sources[i].families;
		out[i].warmup = !c->sources[i].warmup.given         ? MX_WARMS_NOTHING
				: c->sources[i].warmup.whole_source ? MX_WARMS_WHOLE
								    : MX_WARMS_LANES;
		by_mark[i] = (u16)i;
	}
	qsort_r(by_mark, c->source_count, sizeof(by_mark[0]), compare_marks, out);
}

static void put_pools(struct mx_snapshot *s, const struct mx_config *c)
{
	struct mx_pool *out = section(s, MX_SECTION_POOLS);
	struct mx_member *members = section(s, MX_SECTION_MEMBERS);
	u32 member = 0, i, j;

	for (i = 0; i < c->pool_count; i++) {
		const struct mx_conf_pool *pool = &c->pools[i];

		out[i] = (struct mx_pool){ .first_member = member,
					   .members = pool->members.count,
					   .first_slot = s->slots,
					   .overflow = pool->overflow,
					   .max_share = (u16)pool->max_share };
		for (j = 0; j < pool->members.count; j++)
			members[member++].source = pool->members.items[j].source;
		s->slots += pool->members.count * c->provider_count;
	}
}

static void put_providers_and_routes(struct mx_snapshot *s, const struct mx_config *c)
{
	struct mx_provider *providers = section(s, MX_SECTION_PROVIDERS);
	struct mx_route *routes = section(s, MX_SECTION_ROUTES);
	u32 i;

	for (i = 0; i < c->provider_count; i++) {
		const struct mx_conf_provider *p = &c->providers[i];

		providers[i] = (struct mx_provider){ .key = mx_balance_key(p->name, strlen(p->name)),
						     .balance = (u16)p->balance,
						     .pace = p->even_pace,
						     .messages = p->messages_per_connection,
						     .concurrency = p->concurrency,
						     .wait = p->wait * 1000,
						     .wait_max = p->wait_max };
	}
	for (i = 0; i < c->route_count; i++)
		routes[i] = (struct mx_route){ .class = c->routes[i].class,
					       .provider = c->routes[i].provider,
					       .pool = c->routes[i].pool };
	s->default_provider = mx_config_provider(c, "default");
}

static struct mx_span put_ids(u32 *out, u32 *at, const struct mx_conf_ids *ids)
{
	struct mx_span span = { *at, ids->count };

	if (ids->count)
		memcpy(out + *at, ids->items, ids->count * sizeof(*out));
	*at += ids->count;
	return span;
}

static struct mx_span put_clients(struct mx_net *out, u32 *at, const struct mx_conf_nets *nets)
{
	struct mx_span span = { *at, nets->count };
	u32 i;

	for (i = 0; i < nets->count; i++) {
		const struct mx_conf_net *n = &nets->items[i];

		out[(*at)++] = (struct mx_net){ .first = mx_addr_first(n->addr, n->family, n->length),
						.last = mx_addr_last(n->addr, n->family, n->length),
						.family = n->family };
	}
	return span;
}

static struct mx_span put_limits(struct mx_snapshot *s, u32 *at, const struct mx_limits *limits)
{
	struct mx_span span = { *at, limits->count };

	if (limits->count)
		memcpy((struct mx_limit *)section(s, MX_SECTION_LIMITS) + *at, limits->items,
		       limits->count * sizeof(limits->items[0]));
	*at += limits->count;
	return span;
}

static int compare_rules(const void *a, const void *b)
{
	const struct mx_lane_rule *x = a, *y = b;

	if (x->provider != y->provider)
		return x->provider < y->provider ? -1 : 1;
	return (x->source > y->source) - (x->source < y->source);
}

static void put_all_limits(struct mx_snapshot *s, const struct mx_config *c)
{
	struct mx_source *sources = section(s, MX_SECTION_SOURCES);
	struct mx_provider *providers = section(s, MX_SECTION_PROVIDERS);
	struct mx_lane_rule *rules = section(s, MX_SECTION_LANE_RULES);
	u32 limit = 0, rule = 0, i, j;

	for (i = 0; i < c->source_count; i++)
		sources[i].limits = put_limits(s, &limit, &c->sources[i].limits);
	for (i = 0; i < c->provider_count; i++) {
		const struct mx_conf_provider *p = &c->providers[i];

		providers[i].limits = put_limits(s, &limit, &p->limits);
		providers[i].total_limits = put_limits(s, &limit, &p->total_limits);
		for (j = 0; j < p->lanes.count; j++)
			rules[rule++] =
				(struct mx_lane_rule){ (u16)i, p->lanes.items[j].source, p->lanes.items[j].concurrency,
						       put_limits(s, &limit, &p->lanes.items[j].limits) };
	}
	if (rule)
		qsort(rules, rule, sizeof(*rules), compare_rules);
}

static void put_classes(struct mx_snapshot *s, const struct mx_config *c)
{
	struct mx_class *out = section(s, MX_SECTION_CLASSES);
	struct mx_masked *marks = section(s, MX_SECTION_MARKS);
	u32 mark = 0, user = 0, group = 0, client = 0, i, j;

	for (i = 0; i < c->class_count; i++) {
		const struct mx_conf_class *class = &c->classes[i];

		out[i].marks = (struct mx_span){ mark, class->marks.count };
		for (j = 0; j < class->marks.count; j++)
			marks[mark++] = (struct mx_masked){ class->marks.items[j].value, class->marks.items[j].mask };
		out[i].users = put_ids(section(s, MX_SECTION_USERS), &user, &class->users);
		out[i].groups = put_ids(section(s, MX_SECTION_GROUPS), &group, &class->groups);
		out[i].clients = put_clients(section(s, MX_SECTION_CLIENTS), &client, &class->clients);
	}
}

/* Which connections are decided. */
static void put_scope(struct mx_snapshot *s, const struct mx_config *c)
{
	u16 *ports = section(s, MX_SECTION_PORTS);
	u32 at = 0, i;

	for (i = 0; i < c->ports.count; i++)
		ports[i] = (u16)c->ports.items[i];
	put_clients(section(s, MX_SECTION_SERVED), &at, &c->clients);
}

static void put_ranges4(struct mx_snapshot *s, enum mx_section id, const struct mx_range *ranges, u32 count)
{
	u32 *starts = section(s, id), i;
	u16 *values = section(s, id + 1);

	for (i = 0; i < count; i++) {
		starts[i] = (u32)ranges[i].start.lo;
		values[i] = ranges[i].value;
	}
}

static void put_ranges6(struct mx_snapshot *s, enum mx_section id, const struct mx_range *ranges, u32 count)
{
	struct mx_addr *starts = section(s, id);
	u16 *values = section(s, id + 1);
	u32 i;

	for (i = 0; i < count; i++) {
		starts[i] = ranges[i].start;
		values[i] = ranges[i].value;
	}
}

struct mx_snapshot *mx_compile(const struct mx_config *c, const u32 *numbers, u64 generation)
{
	u32 counts[MX_SECTION_COUNT], family;
	struct mx_snapshot *s;
	const char *wrong;
	struct tables t;

	for (family = 0; family < MX_FAMILIES; family++) {
		t.provider[family] = mx_compile_providers(c, family, NULL, &t.provider_count[family]);
		t.exempt[family] = mx_compile_nets(&c->exempt, family, &t.exempt_count[family]);
	}
	count_sections(c, &t, counts);
	s = mx_alloc(mx_snapshot_layout(NULL, counts));
	mx_snapshot_layout(s, counts);
	s->generation = generation;
	s->mark_mask = c->mark_mask;
	put_sources(s, c, numbers);
	put_pools(s, c);
	put_providers_and_routes(s, c);
	put_all_limits(s, c);
	put_classes(s, c);
	put_scope(s, c);
	put_ranges4(s, MX_SECTION_PREFIX4, t.provider[MX_IPV4], t.provider_count[MX_IPV4]);
	put_ranges6(s, MX_SECTION_PREFIX6, t.provider[MX_IPV6], t.provider_count[MX_IPV6]);
	put_ranges4(s, MX_SECTION_EXEMPT4, t.exempt[MX_IPV4], t.exempt_count[MX_IPV4]);
	put_ranges6(s, MX_SECTION_EXEMPT6, t.exempt[MX_IPV6], t.exempt_count[MX_IPV6]);
	for (family = 0; family < MX_FAMILIES; family++) {
		free(t.provider[family]);
		free(t.exempt[family]);
	}
	wrong = mx_snapshot_check(s, s->size);
	if (wrong)
		mx_fatal("compiled policy is broken: %s", wrong);
	return s;
}
