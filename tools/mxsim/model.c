// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxsim/model.h"

#include <stdlib.h>
#include <time.h>

#include "core/balance.h"
#include "core/classify.h"
#include "tools/mxsim/arrivals.h"
#include "tools/mxsim/retries.h"
#include "tools/mxsim/streams.h"

#define BLAST_MINUTE (9 * SIM_HOUR_MINUTES) /* of the first day */

/* A connection that waits in the queue. */
struct held {
	struct mx_flow flow;
	u64 since;
	u32 messages, born, minute; /* ... and the minute of `since` */
	u16 provider, refusals;
};

/* A connection of a lane that may have so many: its end is awaited. All last equally long, so the first ends first. */
struct open {
	u64 ends;
	struct mx_lane_id lane;
};

/*
 * A provider to which all was refused lately. Nothing can have changed before `until`, unless the model has moved on
 * in between: what comes meanwhile need not be decided, it is counted.
 */
struct closed {
	u64 move, until;
	enum mx_reason reason;
};

struct model {
	const struct sim_plan *plan;
	struct sim_world *world;
	struct sim_tally *tally;
	struct sim_arrivals arrivals;
	struct sim_retries *retries;
	struct sim_streams streams;
	struct closed *closed; /* [provider] */
	u32 *phase;            /* [provider] */
	bool networks_differ;  /* a refusal at one network of the default provider says nothing of the others */
	u64 move;              /* counts what may have changed an answer */
	u64 random;
	u32 minute;
	u64 began; /* this minute, in ms of the clock */
	u64 next;  /* when something happens by itself */
	u64 next_sample;

	struct held *held; /* in the order in which they came */
	u32 held_count, held_room;
	u64 next_look; /* when those have to be asked about again */

	struct open *open; /* a ring */
	u32 open_first, open_count, open_room;
};

static u64 random_next(struct model *m)
{
	m->random += 0x9e3779b97f4a7c15ULL;
	return mx_mix64(m->random);
}

static u32 random_below(struct model *m, u32 n)
{
	return (u32)(((random_next(m) >> 32) * n) >> 32);
}

static void plan_next(struct model *m)
{
	m->next = m->next_sample;
	if (m->held_count && m->next_look < m->next)
		m->next = m->next_look;
	if (m->open_count && m->open[m->open_first].ends < m->next)
		m->next = m->open[m->open_first].ends;
}

/* --- one connection --------------------------------------------------------------------------------------------- */

static void trace(const struct model *m, const struct mx_verdict *v, u32 messages, u64 now)
{
	const struct sim_world *w = m->world;

	if (m->tally->trace)
		fprintf(m->tally->trace, "%llu.%03u %s %s %s %s %u\n", (unsigned long long)now / 1000,
			(unsigned int)(now % 1000), mx_action_name(v->action), w->provider_names[v->provider],
			v->action == MX_ASSIGN ? w->source_names[v->source] : "-", mx_reason_name(v->reason), messages);
}

/*
 * The ledger is written when somebody waits for it, not ahead: that costs nothing here, and leases are used up. Only
 * what it cannot lend is left to wait, and refused.
 */
static void decide(struct model *m, const struct mx_flow *flow, u64 now, u64 waited, struct mx_verdict *v)
{
	struct sim_world *w = m->world;
	struct mx_moment moment = { now, waited };
	u32 tries;

	mx_decide(w->snapshot, &w->state, flow, w->class, moment, v);
	for (tries = 0; v->action == MX_HOLD && v->reason == MX_REASON_LEDGER; tries++) {
		mx_ledger_want(w->ledger, sim_world_lane(w, v->provider, v->source, flow), now);
		sim_world_cover(w, now);
		m->move++;
		if (tries == 2)
			moment.waited = MX_NEVER / 2; /* longer than anybody may wait */
		mx_decide(w->snapshot, &w->state, flow, w->class, moment, v);
	}
	mx_account(w->snapshot, &w->state, flow, now, v);
}

/* Where nobody counts open connections, they end at once. */
static void open_one(struct model *m, struct mx_lane_id id, u64 now)
{
	struct mx_lane *lane = mx_state_lane(&m->world->state, id.provider, id.source);
	struct mx_network_lane *network = mx_state_network_lane(&m->world->state, m->world->snapshot, id);
	u32 i;

	if (!lane->slots) {
		lane->open--;
		if (network)
			network->open--;
		return;
	}
	if (m->open_count == m->open_room) {
		struct open *more = mx_alloc((2UL * m->open_room + 64) * sizeof(*more));

		for (i = 0; i < m->open_count; i++)
			more[i] = m->open[(m->open_first + i) % m->open_room];
		free(m->open);
		m->open = more;
		m->open_room = 2 * m->open_room + 64;
		m->open_first = 0;
	}
	m->open[(m->open_first + m->open_count++) % m->open_room] = (struct open){ now + m->plan->duration, id };
	plan_next(m);
}

static void close_first(struct model *m)
{
	const struct mx_lane_id id = m->open[m->open_first].lane;
	struct mx_network_lane *network = mx_state_network_lane(&m->world->state, m->world->snapshot, id);

	mx_state_lane(&m->world->state, id.provider, id.source)->open--;
	if (network && network->open)
		network->open--;
	m->open_first = (m->open_first + 1) % m->open_room;
	m->open_count--;
	m->move++;
}

static void sent(struct model *m, const struct mx_flow *flow, const struct mx_verdict *v, u32 messages, u64 now)
{
	struct sim_world *w = m->world;
	struct mx_lane_id lane = sim_world_lane(w, v->provider, v->source, flow);

	mx_ledger_charge(w->ledger, lane, now);
	sim_tally_sent(m->tally, v, messages, now);
	open_one(m, lane, now);
	m->tally->decisions++;
}

/* `messages` of a cohort were refused: they come back, or are given up. */
static void refused(struct model *m, struct sim_cohort cohort)
{
	struct sim_provider *provider = &m->tally->providers[cohort.provider];

	if (!cohort.refusals)
		provider->deferred += cohort.messages;
	if (m->minute - cohort.born < m->plan->lifetime) {
		sim_retries_put(m->retries, m->minute, &cohort);
		return;
	}
	provider->expired += cohort.messages;
	m->tally->mail_now[cohort.provider].expired += cohort.messages;
}

/* --- connections that wait -------------------------------------------------------------------------------------- */

/* When they have to be asked about: when the ledger frees something, when patience ends. */
static void plan_look(struct model *m, u64 now)
{
	u64 next = mx_ledger_next(m->world->ledger);
	u32 i;

	for (i = 0; i < m->held_count; i++) {
		const struct held *h = &m->held[i];
		u64 ends = h->since + mx_snapshot_providers(m->world->snapshot)[h->provider].wait;

		next = ends < next ? ends : next;
	}
	m->next_look = next > now ? next : now + 1;
}

static void hold(struct model *m, const struct held *held, enum mx_reason reason)
{
	if (m->held_count == m->held_room) {
		m->held_room = m->held_room ? 2 * m->held_room : 64;
		m->held = realloc(m->held, m->held_room * sizeof(*m->held));
		if (!m->held)
			mx_fatal("out of memory");
	}
	m->held[m->held_count++] = *held;
	m->tally->providers[held->provider].held[reason]++;
	plan_look(m, held->since);
	plan_next(m);
}

/* False: it goes on waiting. */
static bool ask_again(struct model *m, const struct held *h, u64 now)
{
	u64 waited = now > h->since ? now - h->since : 1;
	struct sim_provider *provider = &m->tally->providers[h->provider];
	struct mx_verdict v;

	decide(m, &h->flow, now, waited, &v);
	if (v.action == MX_HOLD)
		return false;
	trace(m, &v, h->messages, now);
	m->move++;
	if (v.action == MX_ASSIGN) {
		sent(m, &h->flow, &v, h->messages, now);
		sim_waits_add(&provider->waits, waited + (u64)(h->minute - h->born) * SIM_MINUTE, h->messages);
		return true;
	}
	m->tally->decisions++;
	provider->refused[v.reason]++;
	m->tally->mail_now[h->provider].refused++;
	refused(m, (struct sim_cohort){ h->born, h->messages, h->provider, h->refusals });
	return true;
}

static void look(struct model *m, u64 now)
{
	u32 i, kept = 0;

	m->move += mx_ledger_tick(m->world->ledger, now, now);
	mx_state_forget_held(&m->world->state, m->world->snapshot);
	for (i = 0; i < m->held_count; i++)
		if (!ask_again(m, &m->held[i], now))
			m->held[kept++] = m->held[i];
	m->held_count = kept;
	plan_look(m, now);
}

/* Everything that happens by itself up to `now`. */
static void happen(struct model *m, u64 now)
{
	while (m->next <= now) {
		u64 at = m->next;
		bool closed = false;

		if (at == m->next_sample) {
			sim_tally_sample(m->tally, at - 1);
			m->next_sample += m->tally->sample_every;
		}
		while (m->open_count && m->open[m->open_first].ends <= at) {
			close_first(m);
			closed = true;
		}
		if (m->held_count && (closed || m->next_look <= at))
			look(m, at);
		plan_next(m);
	}
}

/* --- the mail of a minute --------------------------------------------------------------------------------------- */

/* Until when the answer to a provider stays as it is. */
static u64 closed_until(const struct model *m, const struct mx_flow *flow, const struct mx_verdict *v, u64 now)
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
	return until > now + wait ? until - wait : until;
}

static bool is_closed(const struct model *m, const struct sim_stream *s, u64 now)
{
	const struct closed *closed = &m->closed[s->provider];

	return closed->move == m->move && now < closed->until;
}

static void count_refused(struct model *m, struct sim_stream *s, u32 messages, u32 connections, enum mx_reason why)
{
	s->left -= messages;
	s->refused += messages;
	m->tally->providers[s->provider].refused[why] += connections;
	m->tally->mail_now[s->provider].refused += connections;
}

/* The policy books them as it does one by one. */
static void account_refused(struct model *m, u16 provider, enum mx_reason reason, u32 connections)
{
	struct sim_world *w = m->world;
	u16 route = mx_classify_route(w->snapshot, &w->flow[provider], provider, w->class);

	*mx_state_refused(&w->state, provider, reason) += connections;
	mx_state_group(&w->state, mx_snapshot_routes(w->snapshot)[route].pool, provider)->asked += connections;
}

/* The connections of a stream up to the time when the answer may change. */
static void skip(struct model *m, struct sim_stream *s)
{
	const struct closed *closed = &m->closed[s->provider];
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

static void attempt(struct model *m, struct sim_stream *s, u64 now)
{
	struct sim_world *w = m->world;
	struct mx_flow *flow = &w->flow[s->provider];
	u32 messages = s->left < m->plan->carried ? s->left : m->plan->carried;
	struct mx_verdict v;

	s->at += s->step;
	if (s->provider == w->snapshot->default_provider)
		flow->to = w->network[random_below(m, m->plan->networks)];
	m->move += mx_ledger_tick(w->ledger, now, now);
	decide(m, flow, now, 0, &v);
	trace(m, &v, messages, now);
	switch (v.action) {
	case MX_ASSIGN:
		s->left -= messages;
		sent(m, flow, &v, messages, now);
		if (s->refusals)
			sim_waits_add(&m->tally->providers[s->provider].waits, (u64)(m->minute - s->born) * SIM_MINUTE,
				      messages);
		break;
	case MX_HOLD:
		s->left -= messages;
		hold(m, &(struct held){ *flow, now, messages, s->born, m->minute, s->provider, s->refusals }, v.reason);
		break;
	default:
		m->tally->decisions++;
		count_refused(m, s, messages, 1, v.reason);
		if (s->provider != w->snapshot->default_provider || !m->networks_differ)
			m->closed[s->provider] = (struct closed){ m->move, closed_until(m, flow, &v, now), v.reason };
	}
}

static void add_stream(struct model *m, const struct sim_cohort *c, bool at_once)
{
	u32 connections = (c->messages + m->plan->carried - 1) / m->plan->carried;
	u64 step = at_once ? 0 : SIM_MINUTE_PARTS / connections;
	u64 at = step ? (u64)(((unsigned __int128)random_next(m) * step) >> 64) : 0;

	sim_streams_add(&m->streams, &(struct sim_stream){ .at = at,
							   .step = step,
							   .left = c->messages,
							   .born = c->born,
							   .provider = c->provider,
							   .refusals = c->refusals });
}

static void arrive(struct model *m, u32 provider, u32 messages, bool at_once)
{
	if (!messages)
		return;
	m->tally->providers[provider].arrived += messages;
	m->tally->mail_now[provider].arrived += messages;
	add_stream(m, &(struct sim_cohort){ m->minute, messages, (u16)provider, 0 }, at_once);
}

/* Shared out in proportion to the rates, to the last message. */
static void blast(struct model *m)
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

static void gather(struct model *m)
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

static void live_through(struct model *m)
{
	struct sim_streams *streams = &m->streams;

	gather(m);
	while (streams->count) {
		struct sim_stream *s = &streams->items[0];
		u64 now = m->began + sim_stream_ms(s->at);

		if (now >= m->next)
			happen(m, now);
		if (is_closed(m, s, now))
			skip(m, s);
		else
			attempt(m, s, now);
		if (!s->left && s->refused)
			refused(m, (struct sim_cohort){ s->born, s->refused, s->provider, s->refusals });
		sim_streams_went_on(streams);
	}
	happen(m, m->began + SIM_MINUTE - 1);
}

/* --- from the first day to the last ----------------------------------------------------------------------------- */

static void start(struct model *m)
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
		m->phase[i] = (u32)random_next(m);
	for (i = 0; i < w->state.sources; i++)
		m->networks_differ |= mx_snapshot_sources(w->snapshot)[i].warmup == MX_WARMS_LANES;
	m->next_sample = every == MX_NEVER ? every : (sim_world_start(w) / every + 1) * every;
	plan_next(m);
}

static void finish(struct model *m)
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

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec;
}

void sim_model_run(const struct sim_plan *plan, struct sim_world *world, struct sim_tally *tally)
{
	struct model m = { .plan = plan, .world = world, .tally = tally };
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
