// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxsim/connections.h"

#include <stdlib.h>

void sim_plan_next(struct sim_model *m)
{
	m->next = m->next_sample;
	if (m->held_count && m->next_look < m->next)
		m->next = m->next_look;
	if (m->open_count && m->open[m->open_first].ends < m->next)
		m->next = m->open[m->open_first].ends;
}

/* --- one connection --------------------------------------------------------------------------------------------- */

void sim_trace(const struct sim_model *m, const struct mx_verdict *v, u32 messages, u64 now)
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
void sim_decide(struct sim_model *m, const struct mx_flow *flow, u64 now, u64 waited, struct mx_verdict *v)
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
static void open_one(struct sim_model *m, struct mx_lane_id id, u64 now)
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
		struct sim_open *more = mx_alloc((2UL * m->open_room + 64) * sizeof(*more));

		for (i = 0; i < m->open_count; i++)
			more[i] = m->open[(m->open_first + i) % m->open_room];
		free(m->open);
		m->open = more;
		m->open_room = 2 * m->open_room + 64;
		m->open_first = 0;
	}
	m->open[(m->open_first + m->open_count++) % m->open_room] = (struct sim_open){ now + m->plan->duration, id };
	sim_plan_next(m);
}

static void close_first(struct sim_model *m)
{
	const struct mx_lane_id id = m->open[m->open_first].lane;
	struct mx_network_lane *network = mx_state_network_lane(&m->world->state, m->world->snapshot, id);

	mx_state_lane(&m->world->state, id.provider, id.source)->open--;
	mx_state_changed(&m->world->state);
	if (network && network->open)
		network->open--;
	m->open_first = (m->open_first + 1) % m->open_room;
	m->open_count--;
	m->move++;
}

void sim_sent(struct sim_model *m, const struct mx_flow *flow, const struct mx_verdict *v, u32 messages, u64 now)
{
	struct sim_world *w = m->world;
	struct mx_lane_id lane = sim_world_lane(w, v->provider, v->source, flow);

	mx_ledger_charge(w->ledger, lane, 1, now);
	sim_tally_sent(m->tally, v, messages, now);
	open_one(m, lane, now);
	m->tally->decisions++;
}

/* `messages` of a cohort were refused: they come back, or are given up. */
void sim_refused(struct sim_model *m, struct sim_cohort cohort, bool part)
{
	struct sim_provider *provider = &m->tally->providers[cohort.provider];

	if (!cohort.refusals)
		provider->deferred += cohort.messages;
	if (m->minute - cohort.born < m->plan->lifetime) {
		sim_retries_put(m->retries, m->minute, &cohort, part);
		return;
	}
	provider->expired += cohort.messages;
	m->tally->mail_now[cohort.provider].expired += cohort.messages;
}

/* --- connections that wait -------------------------------------------------------------------------------------- */

/* When they have to be asked about: when the ledger frees something, when patience ends. */
static void plan_look(struct sim_model *m, u64 now)
{
	u64 next = mx_ledger_next(m->world->ledger);
	u32 i;

	for (i = 0; i < m->held_count; i++) {
		const struct sim_held *h = &m->held[i];
		u64 ends = h->since + mx_snapshot_providers(m->world->snapshot)[h->provider].wait;

		next = ends < next ? ends : next;
	}
	m->next_look = next > now ? next : now + 1;
}

void sim_hold(struct sim_model *m, const struct sim_held *held, enum mx_reason reason)
{
	if (m->held_count == m->held_room) {
		m->held_room = m->held_room ? 2 * m->held_room : 64;
		m->held = mx_realloc(m->held, m->held_room * sizeof(*m->held));
	}
	m->held[m->held_count++] = *held;
	m->tally->providers[held->provider].held[reason]++;
	plan_look(m, held->since);
	sim_plan_next(m);
}

/* False: it goes on waiting. */
static bool ask_again(struct sim_model *m, const struct sim_held *h, u64 now)
{
	u64 waited = now > h->since ? now - h->since : 1;
	struct sim_provider *provider = &m->tally->providers[h->provider];
	struct mx_verdict v;

	sim_decide(m, &h->flow, now, waited, &v);
	if (v.action == MX_HOLD)
		return false;
	sim_trace(m, &v, h->messages, now);
	m->move++;
	if (v.action == MX_ASSIGN) {
		sim_sent(m, &h->flow, &v, h->messages, now);
		sim_waits_add(&provider->waits, waited + (u64)(h->minute - h->born) * SIM_MINUTE, h->messages);
		return true;
	}
	m->tally->decisions++;
	provider->refused[v.reason]++;
	m->tally->mail_now[h->provider].refused++;
	sim_refused(m, (struct sim_cohort){ h->born, h->messages, h->provider, h->refusals }, true);
	return true;
}

static void look(struct sim_model *m, u64 now)
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
void sim_happen(struct sim_model *m, u64 now)
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
		sim_plan_next(m);
	}
}
