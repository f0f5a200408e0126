// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxsim/tally.h"

#include <stdlib.h>

#include "core/classify.h"

/* --- which limits and warm-ups there are ------------------------------------------------------------------------ */

static void add_limit(const struct mx_quota *q, void *arg)
{
	struct sim_tally *t = arg;
	u64 every = mx_period_length(q->limit.period) / (MX_WINDOW_BUCKETS - 1);

	if (every < t->sample_every)
		t->sample_every = every;
	t->limits = mx_grow(t->limits, t->limit_count, sizeof(*t->limits));
	t->limits[t->limit_count++] = (struct sim_limit){ q->source, q->provider, q->limit, 0, 0 };
}

static void find_slots(struct sim_tally *t)
{
	const struct mx_state *st = &t->world->state;
	u32 lanes = st->providers * st->sources, i;

	t->slots = mx_alloc(lanes * sizeof(*t->slots));
	t->slots_of = mx_alloc(lanes * sizeof(struct sim_slots *));
	for (i = 0; i < lanes; i++) {
		if (!st->lanes[i].slots)
			continue;
		t->slots_of[i] = &t->slots[t->slot_count++];
		*t->slots_of[i] = (struct sim_slots){ i % st->sources, i / st->sources, st->lanes[i].slots, 0, 0 };
	}
}

static struct sim_warmup *add_warmup(struct sim_tally *t, u32 source, u16 provider)
{
	const struct mx_config *c = t->world->config;
	struct sim_warmup *w = &t->warmups[t->warmup_count++];

	w->source = (u16)source;
	w->provider = provider;
	w->hourly = c->schedules[c->sources[source].warmup.schedule].hourly;
	if (w->hourly)
		t->sample_every = mx_period_length(MX_HOUR) / (MX_WINDOW_BUCKETS - 1);
	return w;
}

/* Those of the networks of the default provider are too many. */
static void find_warmups(struct sim_tally *t)
{
	const struct mx_snapshot *s = t->world->snapshot;
	const struct mx_state *st = &t->world->state;
	u32 source, provider;

	t->warmups = mx_alloc((st->providers + 1UL) * st->sources * sizeof(*t->warmups));
	t->warmup_of = mx_alloc((size_t)st->providers * st->sources * sizeof(struct sim_warmup *));
	for (source = 0; source < st->sources; source++) {
		enum mx_warms warms = mx_snapshot_sources(s)[source].warmup;
		struct sim_warmup *whole = warms == MX_WARMS_WHOLE ? add_warmup(t, source, MX_NONE) : NULL;

		for (provider = 0; warms != MX_WARMS_NOTHING && provider < st->providers; provider++)
			if (whole)
				t->warmup_of[provider * st->sources + source] = whole;
			else if (provider != s->default_provider && t->world->rate[provider])
				t->warmup_of[provider * st->sources + source] = add_warmup(t, source, (u16)provider);
	}
}

void sim_tally_init(struct sim_tally *t, const struct sim_plan *plan, struct sim_world *w)
{
	size_t providers = w->state.providers, sources = w->state.sources;

	*t = (struct sim_tally){ .plan = plan,
				 .world = w,
				 .step = plan->hourly ? SIM_HOUR_MINUTES : SIM_DAY_MINUTES,
				 .sample_every = MX_NEVER };
	t->steps = plan->days * SIM_DAY_MINUTES / t->step;
	t->sent = mx_alloc(t->steps * providers * sources * sizeof(*t->sent));
	t->mail = mx_alloc(t->steps * providers * sizeof(*t->mail));
	t->providers = mx_alloc(providers * sizeof(*t->providers));
	mx_ledger_quota(w->ledger, sim_world_start(w), add_limit, t);
	find_slots(t);
	find_warmups(t);
	if (!plan->trace)
		return;
	t->trace = fopen(plan->trace, "w");
	if (!t->trace)
		sim_fail("%s: %m", plan->trace);
}

void sim_tally_free(struct sim_tally *t)
{
	u32 i;

	for (i = 0; i < t->warmup_count; i++)
		free(t->warmups[i].days);
	free(t->warmups);
	free(t->warmup_of);
	free(t->slots);
	free(t->slots_of);
	free(t->limits);
	free(t->providers);
	free(t->sent);
	free(t->mail);
}

/* --- as it goes ------------------------------------------------------------------------------------------------- */

void sim_tally_begin(struct sim_tally *t, u32 minute)
{
	t->sent_now = sim_tally_sent_at(t, minute / t->step, 0, 0);
	t->mail_now = sim_tally_mail_at(t, minute / t->step, 0);
}

void sim_tally_end(struct sim_tally *t, u32 minute)
{
	u32 i;

	for (i = 0; (minute + 1) % t->step == 0 && i < t->world->state.providers; i++) {
		const struct sim_provider *p = &t->providers[i];

		t->mail_now[i].waiting = p->arrived - p->sent - p->expired;
	}
}

/* A sending day has begun: notes which. */
static void note_day(const struct mx_warming *warming, void *arg)
{
	struct sim_tally *t = arg;
	u16 source = mx_config_source(t->world->config, warming->source);
	u16 provider = warming->provider ? mx_config_provider(t->world->config, warming->provider) : 0;
	struct sim_warmup *w;

	if (warming->network || source == MX_NONE || provider == MX_NONE)
		return;
	w = t->warmup_of[provider * t->world->state.sources + source];
	if (!w)
		return;
	if (warming->warmup->began && (!w->count || w->days[w->count - 1].began != warming->warmup->began)) {
		w->days = mx_grow(w->days, w->count, sizeof(*w->days));
		w->days[w->count++] = (struct sim_day){ .day = warming->warmup->day,
							.cap = mx_warmup_cap(warming->warmup, warming->ramp),
							.began = warming->warmup->began };
	}
	if (w->count && warming->hour > w->days[w->count - 1].peak)
		w->days[w->count - 1].peak = warming->hour;
}

void sim_tally_sent(struct sim_tally *t, const struct mx_verdict *v, u32 messages, u64 now)
{
	const struct mx_state *st = &t->world->state;
	u32 lane = v->provider * st->sources + v->source;
	struct sim_warmup *w = t->warmup_of[lane];
	struct sim_slots *slots = t->slots_of[lane];
	const struct sim_day *day;

	t->sent_now[lane].messages += messages;
	t->sent_now[lane].connections++;
	t->providers[v->provider].sent += messages;
	if (slots && st->lanes[lane].open > slots->peak) {
		slots->peak = st->lanes[lane].open;
		slots->when = now;
	}
	if (!w)
		return;
	if (now >= w->look_at) {
		mx_ledger_warmups(t->world->ledger, now, note_day, t);
		day = &w->days[w->count - 1]; /* what is charged has begun one */
		w->look_at = (now < day->began + MX_WARMUP_DAY ? day->began : now) + MX_WARMUP_DAY;
	}
	w->days[w->count - 1].sent += mx_state_messages(st, t->world->snapshot, v->provider, v->source);
}

struct sampling {
	struct sim_tally *tally;
	u32 at;
	u64 now;
};

static void sample_limit(const struct mx_quota *q, void *arg)
{
	struct sampling *s = arg;
	struct sim_limit *limit = &s->tally->limits[s->at++];

	if (q->used > limit->peak) {
		limit->peak = q->used;
		limit->when = s->now;
	}
}

void sim_tally_sample(struct sim_tally *t, u64 now)
{
	struct sampling s = { t, 0, now };
	u32 i;

	if (t->limit_count)
		mx_ledger_quota(t->world->ledger, now, sample_limit, &s);
	for (i = 0; i < t->warmup_count; i++)
		if (t->warmups[i].hourly) {
			mx_ledger_warmups(t->world->ledger, now, note_day, t);
			break;
		}
}

/* --- afterwards ------------------------------------------------------------------------------------------------- */

const struct sim_day *sim_tally_day_at(const struct sim_tally *t, u32 step, u32 provider, u32 source)
{
	const struct sim_warmup *w = t->warmup_of[provider * t->world->state.sources + source];
	u64 end = sim_world_start(t->world) + (step + 1UL) * t->step * SIM_MINUTE;
	u32 i = w ? w->count : 0;

	while (i && w->days[i - 1].began >= end)
		i--;
	return i && w->days[i - 1].cap ? &w->days[i - 1] : NULL;
}

int sim_tally_weight(const struct sim_tally *t, u32 provider, u32 source)
{
	const struct sim_world *w = t->world;
	u16 route = mx_classify_route(w->snapshot, &w->flow[provider], (u16)provider, w->class);
	u16 pool = mx_snapshot_routes(w->snapshot)[route].pool;
	const struct mx_conf_weights *members = &w->config->pools[pool].members;
	u32 i;

	for (i = 0; i < members->count; i++)
		if (members->items[i].source == source)
			return (int)mx_config_weight(w->config, pool, i, (u16)provider);
	return -1;
}
