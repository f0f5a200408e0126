// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/show.h"

#include <stdlib.h>
#include <string.h>

#include "core/balance.h"
#include "core/classify.h"
#include "daemon/json.h"
#include "daemon/text.h"

/* How the provider of an address was learned, if it was: "answer aspmx.l.google.com". Under the lock. */
static json_t *lesson_of(const struct mx_policy *p, const struct mx_flow *flow)
{
	struct mx_destination d;

	if (!mx_destinations_find(p->destinations, flow->family, flow->to, &d))
		return json_string("default");
	return json_sprintf("%s%s%s", mx_origin_name(d.origin), *d.host ? " " : "", d.host);
}

/* What names the provider: the longest configured prefix that holds the address, else what was learned of it. */
static json_t *rule_of(const struct mx_policy *p, const struct mx_flow *flow)
{
	const struct mx_config *c = p->config;
	const struct mx_conf_net *best = NULL;
	char text[MX_ADDR_TEXT];
	u32 i, j;

	for (i = 0; i < c->provider_count; i++)
		for (j = 0; j < c->providers[i].prefixes.count; j++) {
			const struct mx_conf_net *n = &c->providers[i].prefixes.items[j];

			if (n->family == flow->family &&
			    !mx_addr_cmp(mx_addr_first(flow->to, n->family, n->length), n->addr) &&
			    (!best || n->length > best->length))
				best = n;
		}
	if (!best)
		return lesson_of(p, flow);
	return json_sprintf("prefix %s", mx_prefix_text(best->family, best->addr, best->length, text));
}

static json_t *candidates(const struct mx_policy *p, const struct mx_ballot *ballot)
{
	json_t *list = json_array();
	u64 total = 0;
	u32 i;

	for (i = 0; i < ballot->pool->members; i++)
		if (mx_balance_candidate(ballot, i) == MX_REASON_CANDIDATE)
			total += mx_state_slot(&p->state, ballot->pool, ballot->provider, i)->weight;
	for (i = 0; i < ballot->pool->members; i++) {
		u32 source = mx_snapshot_members(p->snapshot)[ballot->pool->first_member + i].source;
		u32 weight = mx_state_slot(&p->state, ballot->pool, ballot->provider, i)->weight;
		u32 day = mx_ledger_warmup_day(p->ledger, ballot->provider, source);
		enum mx_reason reason = mx_balance_candidate(ballot, i);
		bool eligible = reason == MX_REASON_CANDIDATE;
		u32 pool = (u32)(ballot->pool - mx_snapshot_pools(p->snapshot));

		json_array_append_new(
			list, json_pack("{s:s,s:i,s:f,s:f,s:b,s:s,s:o,s:o}", "source", p->source_names[source],
					"weight", (int)mx_policy_weight(p, pool, ballot->provider, i), "factor",
					mx_policy_factor(p, ballot->provider, source) / 1000.0, "share",
					eligible && total ? (double)weight / (double)total : 0.0, "eligible", eligible,
					"reason", mx_reason_name(reason), "left",
					mx_json_left(mx_state_left(
						&p->state, p->snapshot,
						(struct mx_lane_id){ ballot->provider, source, ballot->network })),
					"warmup_day", mx_json_day(day)));
	}
	return list;
}

json_t *mx_show_explain(struct mx_daemon *d, const struct mx_flow *flow, u16 class)
{
	struct mx_policy *p = &d->policy;
	struct mx_verdict v;
	json_t *a = json_pack("{s:b}", "ok", 1), *tried, *rule;
	u16 route_class;

	mx_policy_lock(p);
	mx_decide(p->snapshot, &p->state, flow, class, (struct mx_moment){ mx_policy_tick(p), 0 }, &v);
	if (v.action == MX_HOLD && v.reason == MX_REASON_LEDGER) { /* a moment; it is as good as assigned */
		v.action = MX_ASSIGN;
		v.reason =
			p->config->providers[v.provider].balance == MX_STICKY ? MX_REASON_STICKY : MX_REASON_WEIGHTED;
	}
	if (v.pool == MX_NONE) {
		tried = json_array();
	} else {
		struct mx_ballot ballot = { .snapshot = p->snapshot,
					    .state = &p->state,
					    .pool = &mx_snapshot_pools(p->snapshot)[v.pool],
					    .provider = v.provider,
					    .family = flow->family,
					    .network = mx_policy_lane(p, v.provider, 0, flow->to, flow->family).network,
					    .now = mx_clock_now(&p->clock) };

		tried = candidates(p, &ballot);
	}
	rule = rule_of(p, flow);
	mx_policy_unlock(p);
	route_class = v.route == MX_NONE ? MX_NONE : p->config->routes[v.route].class;
	json_object_set_new(a, "address", mx_json_address(flow->family, flow->to));
	json_object_set_new(a, "provider", json_string(p->provider_names[v.provider]));
	json_object_set_new(a, "rule", rule);
	json_object_set_new(a, "route", v.route == MX_NONE ? json_null() : json_integer(v.route + 1));
	json_object_set_new(a, "class",
			    mx_json_text(route_class == MX_NONE ? NULL : p->config->classes[route_class].name));
	json_object_set_new(a, "pool", mx_json_text(v.pool == MX_NONE ? NULL : p->pool_names[v.pool]));
	json_object_set_new(a, "balance",
			    json_string(p->config->providers[v.provider].balance == MX_STICKY ? "sticky" : "weighted"));
	json_object_set_new(a, "action", json_string(mx_action_name(v.action)));
	json_object_set_new(a, "source", mx_json_text(v.source == MX_NONE ? NULL : p->source_names[v.source]));
	json_object_set_new(a, "reason", json_string(mx_reason_name(v.reason)));
	json_object_set_new(a, "candidates", tried);
	return a;
}
