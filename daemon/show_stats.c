// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/show.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/json.h"

/* A lane is shown when it has been used or can be. */
static u32 lane_weight(const struct mx_policy *p, u32 provider, u32 source, bool *member)
{
	u32 weight = 0, pool, i;

	*member = false;
	for (pool = 0; pool < p->config->pool_count; pool++)
		for (i = 0; i < p->config->pools[pool].members.count; i++)
			if (p->config->pools[pool].members.items[i].source == source) {
				u32 w = mx_policy_weight(p, pool, provider, i);

				*member = true;
				weight = w > weight ? w : weight;
			}
	return weight;
}

struct mx_totals mx_show_totals(const struct mx_policy *p, u32 provider)
{
	struct mx_totals t = { 0, 0 };
	u32 source;

	for (source = 0; source < p->state.sources; source++) {
		const struct mx_lane *lane = mx_state_lane(&p->state, provider, source);

		t.connections += lane->connections;
		t.expected += lane->expected;
	}
	return t;
}

/* Assigned, by this daemon or the one before, and not yet told of. */
static u64 pending(const struct mx_lane *lane)
{
	u64 begun = lane->connections + lane->adopted, ended = lane->established + lane->failed;

	return begun > ended ? begun - ended : 0;
}

/* The ledger is not part of the copy. */
static u32 warmup_day(struct mx_policy *live, u32 provider, u32 source)
{
	u32 day;

	mx_policy_lock(live);
	day = mx_ledger_warmup_day(live->ledger, provider, source);
	mx_policy_unlock(live);
	return day;
}

static json_t *stats_lane(const struct mx_policy *p, struct mx_policy *live, u32 provider, u32 source, u32 weight,
			  struct mx_totals t)
{
	const struct mx_lane *lane = mx_state_lane(&p->state, provider, source);
	double expected = t.expected ? (double)lane->expected / (double)t.expected : 0;
	double share = t.connections ? (double)lane->connections / (double)t.connections : 0;

	json_t *o = json_pack("{s:s,s:s,s:i,s:f,s:f,s:I,s:I,s:I,s:I,s:I,s:I}", "source", p->source_names[source],
			      "provider", p->provider_names[provider], "weight", (int)weight, "expected_share",
			      expected, "share", share, "connections", (json_int_t)lane->connections, "established",
			      (json_int_t)lane->established, "failed", (json_int_t)lane->failed, "reset",
			      (json_int_t)lane->reset, "early", (json_int_t)lane->early, "pending",
			      (json_int_t)pending(lane));
	enum mx_reason room = mx_state_room(&p->state, p->snapshot, provider, source);
	u32 day = warmup_day(live, provider, source);

	json_object_set_new(o, "factor", json_real(mx_policy_factor(p, provider, source) / 1000.0));
	json_object_set_new(o, "messages",
			    json_pack("{s:I,s:I,s:I}", "sent", (json_int_t)lane->reported[0], "deferred",
				      (json_int_t)lane->reported[1], "bounced", (json_int_t)lane->reported[2]));
	json_object_set_new(o, "charged",
			    json_pack("{s:I,s:I,s:I,s:I,s:I}", "messages", (json_int_t)lane->charged, "settled",
				      (json_int_t)lane->settled, "estimated",
				      (json_int_t)(lane->charged + lane->refunded - lane->settled), "refunded",
				      (json_int_t)lane->refunded, "per_connection",
				      (json_int_t)mx_state_messages(&p->state, p->snapshot, provider, source)));
	json_object_set_new(o, "limit", room == MX_REASON_CANDIDATE ? json_null() : json_string(mx_reason_name(room)));
	json_object_set_new(
		o, "left",
		mx_json_left(mx_state_left(&p->state, p->snapshot, (struct mx_lane_id){ provider, source, 0 })));
	json_object_set_new(o, "warmup_day", mx_json_day(day));
	json_object_set_new(o, "bytes", mx_json_ways(lane->bytes_sent, lane->bytes_received));
	return o;
}

static json_t *stats_lanes(const struct mx_policy *p, struct mx_policy *live)
{
	json_t *list = json_array();
	u32 provider, source;

	for (provider = 0; provider < p->state.providers; provider++) {
		struct mx_totals t = mx_show_totals(p, provider);

		for (source = 0; source < p->state.sources; source++) {
			const struct mx_lane *lane = mx_state_lane(&p->state, provider, source);
			bool member;
			u32 weight;

			if (!t.connections && !lane->failed && !lane->established)
				continue; /* nothing was sent there yet */
			weight = lane_weight(p, provider, source, &member);
			if (member || lane->connections)
				json_array_append_new(list, stats_lane(p, live, provider, source, weight, t));
		}
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

/*
 * The figures belong together, so they are read under the lock; what is slow (making JSON of them) is done on a copy
 * of the counters.
 */
static struct mx_policy frozen(struct mx_daemon *d, void **memory)
{
	struct mx_policy copy;
	u64 size = mx_state_size(d->policy.snapshot);

	*memory = mx_alloc(size);
	mx_policy_lock(&d->policy);
	mx_state_settle_expected(&d->policy.state, d->policy.snapshot);
	copy = d->policy;
	memcpy(*memory, d->policy.memory, size);
	mx_policy_unlock(&d->policy);
	mx_state_init(&copy.state, copy.snapshot, *memory);
	return copy;
}

json_t *mx_show_stats(struct mx_daemon *d)
{
	json_t *a = json_pack("{s:b}", "ok", 1);
	void *memory;
	struct mx_policy p = frozen(d, &memory);

	json_object_set_new(a, "lanes", stats_lanes(&p, &d->policy));
	json_object_set_new(a, "refused", stats_refused(&p));
	json_object_set_new(a, "held", stats_held(&p));
	json_object_set_new(a, "guarded", mx_json_number(mx_table_counters(d->table).guarded));
	json_object_set_new(a, "since", mx_json_time(p.since));
	free(memory);
	return a;
}
