// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/show.h"

#include "daemon/json.h"
#include "daemon/stats.h"

static json_t *stats_lane(const struct mx_lane_stats *l)
{
	const struct mx_lane *lane = l->lane;
	json_t *o =
		json_pack("{s:s,s:s,s:i,s:f,s:f,s:I,s:I,s:I,s:I,s:I,s:I}", "source", l->source, "provider", l->provider,
			  "weight", (int)l->weight, "expected_share", l->expected_share, "share", l->share,
			  "connections", (json_int_t)lane->connections, "established", (json_int_t)lane->established,
			  "failed", (json_int_t)lane->failed, "reset", (json_int_t)lane->reset, "early",
			  (json_int_t)lane->early, "pending", (json_int_t)l->pending);

	json_object_set_new(o, "factor", json_real(l->factor / 1000.0));
	json_object_set_new(o, "messages",
			    json_pack("{s:I,s:I,s:I}", "sent", (json_int_t)lane->reported[0], "deferred",
				      (json_int_t)lane->reported[1], "bounced", (json_int_t)lane->reported[2]));
	json_object_set_new(o, "charged",
			    json_pack("{s:I,s:I,s:I,s:I,s:I}", "messages", (json_int_t)lane->charged, "settled",
				      (json_int_t)lane->settled, "estimated",
				      (json_int_t)(lane->charged + lane->refunded - lane->settled), "refunded",
				      (json_int_t)lane->refunded, "per_connection", (json_int_t)l->per_connection));
	json_object_set_new(o, "limit",
			    l->room == MX_REASON_CANDIDATE ? json_null() : json_string(mx_reason_name(l->room)));
	json_object_set_new(o, "left", mx_json_left(l->left));
	json_object_set_new(o, "warmup_day", mx_json_day(l->warmup_day));
	json_object_set_new(o, "bytes", mx_json_ways(lane->bytes_sent, lane->bytes_received));
	return o;
}

/* A lane is shown when it has been used or can be. */
static json_t *stats_lanes(const struct mx_stats *s)
{
	const struct mx_state *st = &s->policy.state;
	json_t *list = json_array();
	u32 provider, source;

	for (provider = 0; provider < st->providers; provider++)
		for (source = 0; source < st->sources; source++) {
			const struct mx_lane *lane = mx_state_lane(st, provider, source);
			struct mx_lane_stats figures;

			if (!s->totals[provider].connections && !lane->failed && !lane->established)
				continue; /* nothing was sent there yet */
			figures = mx_stats_lane(s, provider, source);
			if (figures.member || lane->connections)
				json_array_append_new(list, stats_lane(&figures));
		}
	return list;
}

static json_t *stats_refused(const struct mx_policy *p)
{
	json_t *list = json_array();
	u32 provider, reason;

	for (provider = 0; provider < p->state.providers; provider++)
		for (reason = 0; reason < MX_REASON_COUNT; reason++) {
			u64 n = *mx_state_refused(&p->state, provider, reason);

			if (n)
				json_array_append_new(list,
						      json_pack("{s:s,s:s,s:I}", "provider",
								p->provider_names[provider], "reason",
								mx_reason_name(reason), "connections", (json_int_t)n));
		}
	return list;
}

static json_t *stats_held(const struct mx_policy *p)
{
	json_t *list = json_array();
	u32 i;

	for (i = 0; i < p->config->provider_count; i++)
		if (p->state.held_total[i] || p->state.held[i])
			json_array_append_new(list, json_pack("{s:s,s:i,s:I}", "provider", p->provider_names[i], "now",
							      (int)p->state.held[i], "total",
							      (json_int_t)p->state.held_total[i]));
	return list;
}

json_t *mx_show_stats(struct mx_daemon *d)
{
	json_t *a = json_pack("{s:b}", "ok", 1);
	struct mx_stats s = mx_stats_take(&d->policy);

	json_object_set_new(a, "lanes", stats_lanes(&s));
	json_object_set_new(a, "refused", stats_refused(&s.policy));
	json_object_set_new(a, "held", stats_held(&s.policy));
	json_object_set_new(a, "guarded", mx_json_number(mx_table_counters(d->table).guarded));
	json_object_set_new(a, "since", mx_json_time(s.policy.since));
	mx_stats_free(&s);
	return a;
}
