// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/stats.h"

#include <stdlib.h>
#include <string.h>

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

struct mx_totals mx_stats_totals(const struct mx_policy *p, u32 provider)
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

struct mx_stats mx_stats_take(struct mx_policy *live)
{
	u64 size = mx_state_size(live->snapshot);
	struct mx_stats s = { .live = live, .memory = mx_alloc(size) };
	u32 provider;

	mx_policy_lock(live);
	mx_state_settle_expected(&live->state, live->snapshot);
	s.policy = *live;
	memcpy(s.memory, live->memory, size);
	mx_policy_unlock(live);
	mx_state_init(&s.policy.state, s.policy.snapshot, s.memory);
	s.totals = mx_alloc(s.policy.state.providers * sizeof(*s.totals));
	for (provider = 0; provider < s.policy.state.providers; provider++)
		s.totals[provider] = mx_stats_totals(&s.policy, provider);
	return s;
}

void mx_stats_free(struct mx_stats *s)
{
	free(s->totals);
	free(s->memory);
}

struct mx_lane_stats mx_stats_lane(const struct mx_stats *s, u32 provider, u32 source)
{
	const struct mx_lane *lane = mx_state_lane(&s->policy.state, provider, source);
	const struct mx_totals *t = &s->totals[provider];
	const struct mx_policy *p = &s->policy;
	struct mx_lane_stats l = { .lane = lane };

	l.source = p->source_names[source];
	l.provider = p->provider_names[provider];
	l.weight = lane_weight(p, provider, source, &l.member);
	l.factor = mx_policy_factor(p, provider, source);
	l.expected_share = t->expected ? (double)lane->expected / (double)t->expected : 0;
	l.share = t->connections ? (double)lane->connections / (double)t->connections : 0;
	l.pending = pending(lane);
	l.per_connection = mx_state_messages(&p->state, p->snapshot, provider, source);
	l.room = mx_state_room(&p->state, p->snapshot, provider, source);
	l.left = mx_state_left(&p->state, p->snapshot, (struct mx_lane_id){ provider, source, 0 });
	l.warmup_day = warmup_day(s->live, provider, source);
	return l;
}
