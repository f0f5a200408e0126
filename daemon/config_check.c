// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/config_check.h"

#include <stdlib.h>
#include <string.h>

#include "core/prefix.h"
#include "daemon/config_names.h"
#include "daemon/text.h"

static bool check_counts(struct mx_reader *r)
{
	const struct mx_config *c = r->config;

	if (c->queue_first + c->queues > 65536)
		return mx_reader_fail_at(r, mx_reader_place_of(r, "queue-first"),
					 "queue-first: expected queue-first + queues to be at most 65536");
	if (c->source_count >= MX_NONE)
		return mx_reader_fail_at(r, mx_reader_place_of(r, "sources"), "expected fewer than 65535 sources");
	if (c->pool_count >= MX_NONE)
		return mx_reader_fail_at(r, mx_reader_place_of(r, "pools"), "expected fewer than 65535 pools");
	if (c->provider_count >= MX_NONE)
		return mx_reader_fail_at(r, mx_reader_place_of(r, "providers"), "expected fewer than 65535 providers");
	if (c->route_count >= MX_NONE)
		return mx_reader_fail_at(r, mx_reader_place_of(r, "routes"), "expected fewer than 65535 routes");
	return true;
}

static bool check_mark_mask(struct mx_reader *r)
{
	const struct mx_config *c = r->config;
	u32 mask = c->mark_mask, lowest = mask & (~mask + 1);
	u64 values = (u64)mask / lowest + 1;

	if (values & (values - 1))
		return mx_reader_fail_at(r, c->mark_mask_place, "mark-mask 0x%08x: expected contiguous bits", mask);
	if (values < (u64)c->source_count + 3)
		return mx_reader_fail_at(r, c->mark_mask_place,
					 "mark-mask 0x%08x: expected room for %u sources and 3 more values", mask,
					 c->source_count);
	return true;
}

static bool check_source_addresses(struct mx_reader *r)
{
	const struct mx_config *c = r->config;
	char text[MX_ADDR_TEXT];
	u32 i, j, family;

	for (i = 0; i < c->source_count; i++)
		for (j = 0; j < i; j++)
			for (family = 0; family < MX_FAMILIES; family++) {
				const struct mx_conf_source *a = &c->sources[i], *b = &c->sources[j];

				if (!(a->families & b->families & (1u << family)) ||
				    mx_addr_cmp(a->addr[family], b->addr[family]))
					continue;
				mx_addr_text(family, a->addr[family], text);
				return mx_reader_fail_at(r, a->place,
							 "source %s: address %s is doubled: %s has it at %s:%u",
							 a->name, text, b->name, b->place.file, b->place.line);
			}
	return true;
}

static bool check_members(struct mx_reader *r)
{
	const struct mx_config *c = r->config;
	u32 i, steps;
	u16 pool;

	for (i = 0; i < c->pool_count; i++) {
		pool = (u16)i;
		for (steps = 0; pool != MX_NONE; steps++) {
			if (steps > c->pool_count)
				return mx_reader_fail_at(r, c->pools[i].place,
							 "pool %s: overflow goes in a circle: expected an end",
							 c->pools[i].name);
			pool = c->pools[pool].overflow;
		}
		if (steps > MX_OVERFLOW_MAX + 1)
			return mx_reader_fail_at(r, c->pools[i].place,
						 "pool %s: overflow through %u pools: expected at most %u",
						 c->pools[i].name, steps - 1, MX_OVERFLOW_MAX);
	}
	return true;
}

/* A prefix with where it came from, to find doubled ones by sorting. */
struct owned {
	struct mx_prefix prefix;
	const struct mx_conf_net *net;
};

static int compare_owned(const void *a, const void *b)
{
	const struct owned *x = a, *y = b;

	if (x->net->family != y->net->family)
		return x->net->family < y->net->family ? -1 : 1;
	return mx_prefix_cmp(x->net->family, &x->prefix, &y->prefix);
}

static bool check_prefixes(struct mx_reader *r)
{
	const struct mx_config *c = r->config;
	struct owned *all = NULL;
	char text[MX_ADDR_TEXT];
	bool good = true;
	u32 count = 0, i, j;

	for (i = 0; i < c->provider_count; i++)
		for (j = 0; j < c->providers[i].prefixes.count; j++) {
			const struct mx_conf_net *net = &c->providers[i].prefixes.items[j];

			all = mx_grow(all, count, sizeof(*all));
			all[count++] = (struct owned){ { net->addr, net->length, (u16)i }, net };
		}
	if (count)
		qsort(all, count, sizeof(*all), compare_owned);
	for (i = 1; good && i < count; i++) {
		const struct mx_conf_net *net = all[i].net, *other = all[i - 1].net;

		if (compare_owned(&all[i - 1], &all[i]))
			continue;
		mx_prefix_text(net->family, net->addr, net->length, text);
		good = mx_reader_fail_at(r, net->place, "prefix %s of %s is doubled: %s has it at %s:%u", text,
					 c->providers[all[i].prefix.value].name,
					 c->providers[all[i - 1].prefix.value].name, other->place.file,
					 other->place.line);
	}
	free(all);
	return good;
}

static u32 pool_families(const struct mx_config *c, u16 pool)
{
	u32 families = 0, i;

	for (; pool != MX_NONE; pool = c->pools[pool].overflow)
		for (i = 0; i < c->pools[pool].members.count; i++)
			families |= c->sources[c->pools[pool].members.items[i].source].families;
	return families;
}

/* The families of a provider, as far as its prefixes are all there is to know it by; 0: any. */
static u32 provider_families(const struct mx_conf_provider *p)
{
	u32 families = 0, i;

	if (p->mx.count || p->domains.count)
		return 0;
	for (i = 0; i < p->prefixes.count; i++)
		families |= 1u << p->prefixes.items[i].family;
	return families;
}

static bool check_route(struct mx_reader *r, const struct mx_conf_route *route, const struct mx_conf_provider *provider)
{
	u32 want = provider_families(provider);
	const char *family = want == 1u << MX_IPV4 ? "IPv4" : "IPv6";

	if (!want || (pool_families(r->config, route->pool) & want))
		return true;
	return mx_reader_fail_at(r, route->place,
				 "pool %s has no %s address, but provider %s has no others: expected a source with one",
				 r->config->pools[route->pool].name, family, provider->name);
}

static bool check_routes(struct mx_reader *r)
{
	const struct mx_config *c = r->config;
	const struct mx_conf_route *last = &c->routes[c->route_count - 1];
	u32 p, i;

	if (last->class != MX_NONE || last->provider != MX_NONE)
		return mx_reader_fail_at(
			r, last->place,
			"the last route: expected neither class nor provider, so that it matches everything");
	for (p = 0; p < c->provider_count; p++)
		for (i = 0; i < c->route_count; i++) {
			const struct mx_conf_route *route = &c->routes[i];

			if (route->provider != MX_NONE && route->provider != p)
				continue;
			if (!check_route(r, route, &c->providers[p]))
				return false;
			if (route->class == MX_NONE)
				break; /* no later route gets anything of this provider */
		}
	return true;
}

bool mx_config_check(struct mx_reader *r)
{
	return check_counts(r) && check_mark_mask(r) && check_source_addresses(r) && check_members(r) &&
	       check_prefixes(r) && mx_names_check(r) && check_routes(r);
}
