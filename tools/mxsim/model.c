// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxsim/model.h"

#include <stdlib.h>
#include <time.h>

#include "core/balance.h"
#include "core/classify.h"
#include "tools/mxsim/connections.h"

#define BLAST_MINUTE (9 * SIM_HOUR_MINUTES) /* of the first day */

static u64 random_next(u64 *seed)
{
	*seed += 0x9e3779b97f4a7c15ULL;
	return mx_mix64(*seed);
}

static u32 random_below(u64 *seed, u32 n)
{
	return (u32)(((random_next(seed) >> 32) * n) >> 32);
}

/* --- the mail of a minute --------------------------------------------------------------------------------------- */

/* Until when the answer to a provider stays as it is. */
static u64 closed_until(const struct sim_model *m, const struct mx_flow *flow, const struct mx_verdict *v, u64 now)
{
	const struct sim_world *w = m->world;
	struct mx_ballot ballot = {
		.snapshot = w->snapshot, .state = &w->state, .provider = v->provider, .family = flow->family, .now = now
	};
	u32 wait = mx_snapshot_providers(w->snapshot)[v->provider].wait;
	u64 until = MX_NEVER, ready;
	u16 pool;

	if (v->reason >= MX_REASON_MAX_SHARE)
		return now; /* each that is asked for counts */
	for (pool = v->pool; pool != MX_NONE; pool = mx_snapshot_pools(w->snapshot)[pool].overflow) {
		ballot.pool = &mx_snapshot_pools(w->snapshot)[pool];
		ready = mx_balance_ready(&ballot);
		until = ready < until ? ready : until;
	}
	if (!until) /* a connection has to end, or the ledger knows better */
		until = mx_ledger_next(w->ledger);
	if (wait && until != MX_NEVER && until >= now + wait)
		return until - wait + 1; /* from then on it may wait */
	return until;
}

static bool is_closed(const struct sim_model *m, const struct sim_stream *s, u64 now)
{
	const struct sim_closed *closed = &m->closed[s->provider];

	return closed->move == m->move && now < closed->until && !m->plan->every;
}

static void count_refused(struct sim_model *m, struct sim_stream *s, u32 messages, u32 connections, enum mx_reason why)
{
	s->left -= messages;
	s->refused += messages;
	m->tally->providers[s->provider].refused[why] += connections;
	m->tally->mail_now[s->provider].refused += connections;
}

/* The policy books them as it does one by one. */
static void account_refused(struct sim_model *m, u16 provider, enum mx_reason reason, u32 connections)
{
	struct sim_world *w = m->world;
	u16 route = mx_classify_route(w->snapshot, &w->flow[provider], provider, w->class);

	*mx_state_refused(&w->state, provider, reason) += connections;
	mx_state_group(&w->state, mx_snapshot_routes(w->snapshot)[route].pool, provider)->asked += connections;
}

/* The connections of a stream up to the time when the answer may change. */
static void skip(struct sim_model *m, struct sim_stream *s)
{
	const struct sim_closed *closed = &m->closed[s->provider];
	u64 until = closed->until < m->next ? closed->until : m->next;
	u64 end =
		until - m->began < SIM_MINUTE ? ((until - m->began) * SIM_MINUTE_PARTS) / SIM_MINUTE : SIM_MINUTE_PARTS;
	u64 connections = (s->left + m->plan->carried - 1) / m->plan->carried, n = connections;
	u64 messages;

	if (s->step && end > s->at && (end - s->at - 1) / s->step + 1 < n)
		n = (end - s->at - 1) / s->step + 1;
	if (end <= s->at)
		n = 1;
	messages = n < connections ? n * m->plan->carried : s->left;
	account_refused(m, s->provider, closed->reason, (u32)n);
	count_refused(m, s, (u32)messages, (u32)n, closed->reason);
	m->tally->counted += n;
	s->at += n * s->step;
}

static void attempt(struct sim_model *m, struct sim_stream *s, u64 now)
{
	struct sim_world *w = m->world;
	struct mx_flow *flow = &w->flow[s->provider];
	u32 messages = s->left < m->plan->carried ? s->left : m->plan->carried;
	struct mx_verdict v;

	s->at += s->step;
	if (s->provider == w->snapshot->default_provider)
		flow->to = w->network[random_below(&m->random, m->plan->networks)];
	m->move += mx_ledger_tick(w->ledger, now, now);
	sim_decide(m, flow, now, 0, &v);
	sim_trace(m, &v, messages, now);
	switch (v.action) {
	case MX_ASSIGN:
		s->left -= messages;
		sim_sent(m, flow, &v, messages, now);
		if (s->refusals)
			sim_waits_add(&m->tally->providers[s->provider].waits, (u64)(m->minute - s->born) * SIM_MINUTE,
				      messages);
		break;
	case MX_HOLD:
		s->left -= messages;
		sim_hold(m, &(struct sim_held){ *flow, now, messages, s->born, m->minute, s->provider, s->refusals },
			 v.reason);
		break;
	default:
		m->tally->decisions++;
		count_refused(m, s, messages, 1, v.reason);
		if (s->provider != w->snapshot->default_provider || !m->networks_differ)
			m->closed[s->provider] =
				(struct sim_closed){ m->move, closed_until(m, flow, &v, now), v.reason };
	}
}

static void add_stream(struct sim_model *m, const struct sim_cohort *c, bool at_once)
{
	u32 connections = (c->messages + m->plan->carried - 1) / m->plan->carried;
	u64 step = at_once ? 0 : SIM_MINUTE_PARTS / connections;
	u64 by_chance = mx_mix64(m->phase[c->provider] ^ mx_mix64((u64)c->born << 32 | m->minute));
	u64 at = (u64)(((unsigned __int128)by_chance * step) >> 64);

	sim_streams_add(&m->streams, &(struct sim_stream){ .at = at,
							   .step = step,
							   .left = c->messages,
							   .born = c->born,
							   .provider = c->provider,
							   .refusals = c->refusals });
}

static void arrive(struct sim_model *m, u32 provider, u32 messages, bool at_once)
{
	if (!messages)
		return;
	m->tally->providers[provider].arrived += messages;
	m->tally->mail_now[provider].arrived += messages;
	add_stream(m, &(struct sim_cohort){ m->minute, messages, (u16)provider, 0 }, at_once);
}

/* Shared out in proportion to the rates, to the last message. */
static void blast(struct sim_model *m)
{
	u64 before = 0, until = 0;
	u32 i;

	for (i = 0; i < m->world->state.providers; i++) {
		until += m->world->rate[i];
		arrive(m, i, (u32)(until * m->plan->blast / m->world->mail - before * m->plan->blast / m->world->mail),
		       true);
		before = until;
	}
}

static void gather(struct sim_model *m)
{
	bool other = m->plan->pattern != SIM_BLAST && m->plan->rate_count;
	const struct sim_cohort *due;
	u32 i, count;

	for (i = 0; other && i < m->world->state.providers; i++)
		arrive(m, i, sim_arrivals_in(&m->arrivals, m->world->rate[i], m->phase[i], m->minute % SIM_DAY_MINUTES),
		       false);
	if (m->plan->blast && m->minute == BLAST_MINUTE)
		blast(m);
	due = sim_retries_take(m->retries, m->minute, &count);
	for (i = 0; i < count; i++)
		add_stream(m, &due[i], false);
}

static void live_through(struct sim_model *m)
{
	struct sim_streams *streams = &m->streams;

	gather(m);
	while (streams->count) {
		struct sim_stream *s = &streams->items[0];
		u64 now = m->began + sim_stream_ms(s->at);

		if (now >= m->next)
			sim_happen(m, now);
		if (is_closed(m, s, now))
			skip(m, s);
		else
			attempt(m, s, now);
		if (!s->left && s->refused)
			sim_refused(m, (struct sim_cohort){ s->born, s->refused, s->provider, s->refusals }, false);
		sim_streams_went_on(streams);
	}
	sim_happen(m, m->began + SIM_MINUTE - 1);
}

/* --- from the first day to the last ----------------------------------------------------------------------------- */

static void start(struct sim_model *m)
{
	const struct sim_world *w = m->world;
	u64 every = m->tally->sample_every;
	u32 i;

	sim_arrivals_init(&m->arrivals, m->plan->pattern);
	m->retries = sim_retries_new(m->plan);
	m->random = m->plan->seed << 32;
	m->move = 1;
	m->closed = mx_alloc(w->state.providers * sizeof(*m->closed));
	m->phase = mx_alloc(w->state.providers * sizeof(*m->phase));
	for (i = 0; i < w->state.providers; i++)
		m->phase[i] = (u32)random_next(&m->random);
	for (i = 0; i < w->state.sources; i++)
		m->networks_differ |= mx_snapshot_sources(w->snapshot)[i].warmup == MX_WARMS_LANES;
	m->next_sample = every == MX_NEVER ? every : (sim_world_start(w) / every + 1) * every;
	sim_plan_next(m);
}

static void finish(struct sim_model *m)
{
	u32 i;

	sim_tally_sample(m->tally, m->began + SIM_MINUTE - 1);
	for (i = 0; i < m->world->state.providers; i++)
		m->tally->providers[i].waiting = sim_retries_waiting(m->retries, i);
	for (i = 0; i < m->held_count; i++)
		m->tally->providers[m->held[i].provider].waiting += m->held[i].messages;
	mx_state_settle_expected(&m->world->state, m->world->snapshot);
	sim_retries_free(m->retries);
	free(m->streams.items);
	free(m->closed);
	free(m->phase);
	free(m->held);
	free(m->open);
	if (m->tally->trace && fclose(m->tally->trace))
		sim_fail("%s: %m", m->plan->trace);
}

static u64 nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* whatever else runs here */
	return (u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec;
}

void sim_model_run(const struct sim_plan *plan, struct sim_world *world, struct sim_tally *tally)
{
	struct sim_model m = { .plan = plan, .world = world, .tally = tally };
	u64 begin = nanoseconds();

	start(&m);
	for (m.minute = 0; m.minute < plan->days * SIM_DAY_MINUTES; m.minute++) {
		m.began = sim_world_start(world) + m.minute * SIM_MINUTE;
		sim_tally_begin(tally, m.minute);
		live_through(&m);
		sim_tally_end(tally, m.minute);
	}
	m.minute--;
	finish(&m);
	tally->nanoseconds = nanoseconds() - begin;
}
