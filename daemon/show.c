// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/show.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/json.h"
#include "daemon/names.h"
#include "daemon/stats.h"
#include "daemon/text.h"

json_t *mx_show_problems(const struct mx_policy *p, u32 source)
{
	const struct mx_conf_source *s = &p->config->sources[source];
	json_t *list = json_array();
	char text[MX_ADDR_TEXT];
	u32 family;

	for (family = 0; family < MX_FAMILIES; family++)
		if (s->families & ~p->state.usable[source] & (1u << family))
			json_array_append_new(list, json_sprintf("%s is not on this host",
								 mx_addr_text(family, s->addr[family], text)));
	return list;
}

/* Of the destinations of the default provider a state may be about one network alone. */
static json_t *network_of(const struct mx_set_state *s)
{
	char text[MX_ADDR_TEXT];
	enum mx_family family;
	struct mx_addr first = mx_network_first(s->network, &family);

	return s->network ? json_string(mx_prefix_text(family, first, family == MX_IPV4 ? 24 : 64, text)) : json_null();
}

static json_t *states_of(const struct mx_policy *p, const char *source)
{
	json_t *list = json_array();
	u32 i;

	for (i = 0; i < p->state_count; i++) {
		const struct mx_set_state *s = &p->states[i];

		if (s->source != source)
			continue;
		json_array_append_new(
			list, json_pack("{s:s?,s:o,s:s,s:s,s:s,s:o,s:o}", "provider", *s->provider ? s->provider : NULL,
					"network", network_of(s), "state", s->state, "owner", s->owner, "reason",
					s->reason, "since", mx_json_time(s->since), "until", mx_json_time(s->until)));
	}
	return list;
}

/* The weights as they were given: one for each pool, and one for each provider where it differs from that. */
static json_t *weights_of(const struct mx_policy *p, u32 source)
{
	u16 usual = mx_config_provider(p->config, "default");
	json_t *list = json_array();
	u32 pool, i, provider;

	for (pool = 0; pool < p->config->pool_count; pool++)
		for (i = 0; i < p->config->pools[pool].members.count; i++) {
			if (p->config->pools[pool].members.items[i].source != source)
				continue;
			for (provider = 0; provider <= p->config->provider_count; provider++) {
				bool base = provider == p->config->provider_count;
				u32 at = base ? usual : provider;
				u32 weight = mx_policy_weight(p, pool, at, i);

				if (!base && weight == mx_policy_weight(p, pool, usual, i))
					continue;
				json_array_append_new(
					list, json_pack("{s:s,s:s?,s:i,s:s}", "pool", p->pool_names[pool], "provider",
							base ? NULL : p->provider_names[provider], "weight",
							(int)weight, "origin",
							mx_policy_weight_is_set(p, pool, at, i) ? "operator"
												: "configuration"));
			}
		}
	return list;
}

static json_t *show_source(const struct mx_policy *p, u32 i)
{
	const struct mx_conf_source *s = &p->config->sources[i];
	json_t *o = json_object();
	u64 connections = 0;
	u32 provider;

	for (provider = 0; provider < p->state.providers; provider++)
		connections += mx_state_lane(&p->state, provider, i)->connections;
	json_object_set_new(o, "name", json_string(s->name));
	json_object_set_new(o, "address", s->families & 1 ? mx_json_address(MX_IPV4, s->addr[MX_IPV4]) : json_null());
	json_object_set_new(o, "address6", s->families & 2 ? mx_json_address(MX_IPV6, s->addr[MX_IPV6]) : json_null());
	json_object_set_new(o, "hostname", mx_json_text(s->hostname));
	json_object_set_new(o, "mark", json_sprintf("0x%08x", mx_snapshot_sources(p->snapshot)[i].mark));
	json_object_set_new(o, "usable", json_boolean(p->state.usable[i]));
	json_object_set_new(o, "problems", mx_show_problems(p, i));
	json_object_set_new(o, "states", states_of(p, p->source_names[i]));
	json_object_set_new(o, "weights", weights_of(p, i));
	json_object_set_new(o, "connections", mx_json_number(connections));
	return o;
}

json_t *mx_show_sources(struct mx_daemon *d)
{
	json_t *list = json_array();
	u32 i;

	for (i = 0; i < d->policy.config->source_count; i++)
		json_array_append_new(list, show_source(&d->policy, i));
	return json_pack("{s:b,s:o}", "ok", 1, "sources", list);
}

static json_t *strings(const struct mx_strings *s)
{
	json_t *list = json_array();
	u32 i;

	for (i = 0; i < s->count; i++)
		json_array_append_new(list, json_string(s->items[i]));
	return list;
}

static json_t *prefixes(const struct mx_conf_nets *nets)
{
	json_t *list = json_array();
	char text[MX_ADDR_TEXT];
	u32 i;

	for (i = 0; i < nets->count; i++)
		json_array_append_new(list, json_string(mx_prefix_text(nets->items[i].family, nets->items[i].addr,
								       nets->items[i].length, text)));
	return list;
}

static json_t *routes_of(const struct mx_config *c, u32 provider)
{
	json_t *list = json_array();
	u32 i;

	for (i = 0; i < c->route_count; i++) {
		const struct mx_conf_route *r = &c->routes[i];

		if (r->provider != MX_NONE && r->provider != provider)
			continue;
		json_array_append_new(list, json_pack("{s:s?,s:s}", "class",
						      r->class == MX_NONE ? NULL : c->classes[r->class].name, "pool",
						      c->pools[r->pool].name));
		if (r->class == MX_NONE)
			break;
	}
	return list;
}

static json_t *lanes_of(const struct mx_policy *p, u32 provider)
{
	json_t *list = json_array();
	u32 pool, i;

	for (pool = 0; pool < p->config->pool_count; pool++)
		for (i = 0; i < p->config->pools[pool].members.count; i++) {
			u32 source = p->config->pools[pool].members.items[i].source;
			const struct mx_lane *lane = mx_state_lane(&p->state, provider, source);

			json_array_append_new(list,
					      json_pack("{s:s,s:s,s:i,s:s,s:I}", "source", p->source_names[source],
							"pool", p->pool_names[pool], "weight",
							(int)mx_policy_weight(p, pool, provider, i), "state",
							lane->flags & MX_LANE_PAUSED ? "paused" : "active",
							"connections", (json_int_t)lane->connections));
		}
	return list;
}

static void add_resolved(const struct mx_domain_report *r, void *list)
{
	json_array_append_new(list, json_pack("{s:s,s:s,s:o,s:o,s:o}", "domain", r->name, "state",
					      mx_domain_state_name(r->state), "asked", mx_json_time(r->asked),
					      "answered", mx_json_time(r->answered), "next", mx_json_time(r->next)));
}

static json_t *resolved_of(const struct mx_daemon *d, u32 provider)
{
	json_t *list = json_array();

	mx_domains_each(mx_resolver_domains(d->resolver), (u16)provider, add_resolved, list);
	return list;
}

json_t *mx_show_providers(struct mx_daemon *d, const char *name)
{
	const struct mx_policy *p = &d->policy;
	u32 *learned = mx_show_learned_counts(&d->policy), i;
	json_t *list = json_array();

	for (i = 0; i < p->config->provider_count; i++) {
		const struct mx_conf_provider *c = &p->config->providers[i];
		json_t *o;

		if (name && strcmp(c->name, name))
			continue;
		o = json_pack("{s:s,s:s,s:o,s:o,s:o,s:I,s:I,s:o}", "name", c->name, "balance",
			      c->balance == MX_STICKY ? "sticky" : "weighted", "prefixes", prefixes(&c->prefixes), "mx",
			      strings(&c->mx), "domains", strings(&c->domains), "learned", (json_int_t)learned[i],
			      "connections", (json_int_t)mx_stats_totals(p, i).connections, "routes",
			      routes_of(p->config, i));
		if (name) {
			json_object_set_new(o, "resolved", resolved_of(d, i));
			json_object_set_new(o, "lanes", lanes_of(p, i));
			json_object_set_new(o, "addresses", mx_show_learned(&d->policy, (u16)i));
		}
		json_array_append_new(list, o);
	}
	free(learned);
	return json_pack("{s:b,s:o}", "ok", 1, "providers", list);
}

json_t *mx_show_pools(struct mx_daemon *d)
{
	const struct mx_policy *p = &d->policy;
	u16 usual = mx_config_provider(p->config, "default");
	json_t *list = json_array();
	u32 i, j;

	for (i = 0; i < p->config->pool_count; i++) {
		const struct mx_conf_pool *pool = &p->config->pools[i];
		json_t *members = json_array();

		for (j = 0; j < pool->members.count; j++) {
			u32 source = pool->members.items[j].source;

			json_array_append_new(members, json_pack("{s:s,s:i,s:b}", "source", p->source_names[source],
								 "weight", (int)mx_policy_weight(p, i, usual, j),
								 "usable", p->state.usable[source] != 0));
		}
		json_array_append_new(list, json_pack("{s:s,s:o,s:s?,s:i}", "name", pool->name, "members", members,
						      "overflow",
						      pool->overflow == MX_NONE ? NULL : p->pool_names[pool->overflow],
						      "max_share", (int)pool->max_share));
	}
	return json_pack("{s:b,s:o}", "ok", 1, "pools", list);
}
