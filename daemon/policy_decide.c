// SPDX-License-Identifier: GPL-2.0-or-later
/* A connection from the clock to the ledger, and its end. */
#include <errno.h>
#include <sys/eventfd.h>

#include "core/classify.h"
#include "daemon/names.h"
#include "daemon/policy.h"
#include "daemon/states.h"

u64 mx_policy_tick(struct mx_policy *p)
{
	u64 now = mx_clock_now(&p->clock);

	if (now >= mx_ledger_next(p->ledger) && mx_ledger_tick(p->ledger, now, mx_clock_wall()))
		pthread_cond_broadcast(p->room);
	return now;
}

struct mx_lane_id mx_policy_lane(const struct mx_policy *p, u32 provider, u32 source, struct mx_addr to,
				 enum mx_family family)
{
	return (struct mx_lane_id){ provider, source,
				    provider == p->snapshot->default_provider ? mx_network_of(to, family) : 0 };
}

/*
 * What an open connection was charged, and at which provider: whose its address is may be learned meanwhile. The
 * provider by the number of its name, which a reload does not change; 0: not known.
 */
static u32 charge_of(const struct mx_policy *p, u32 provider, u32 messages)
{
	u32 number = mx_name_number(p->provider_names[provider]);

	return (messages < 0xffff ? messages : 0xffff) << 16 | (number <= 0xffff ? number : 0);
}

static u32 provider_of_charge(const struct mx_policy *p, u32 charge, u32 otherwise)
{
	u32 i;

	if (!(charge & 0xffff) || (charge & 0xffff) == mx_name_number(p->provider_names[otherwise]))
		return otherwise;
	for (i = 0; i < p->state.providers; i++)
		if (mx_name_number(p->provider_names[i]) == (charge & 0xffff))
			return i;
	return otherwise;
}

/* For the end of the connection. */
static void remember_charge(struct mx_policy *p, const struct mx_flow *flow, u32 provider, u32 messages, u64 now)
{
	struct mx_flow_place place;

	if (!p->pending)
		return;
	place = mx_flow_cache_place(p->pending, flow, 0);
	mx_flow_cache_add(&place, (u32)(now / 1000), charge_of(p, provider, messages));
}

/* What follows from an assignment, outside of core. */
static void book_assignment(struct mx_policy *p, const struct mx_flow *flow, const struct mx_verdict *v, u64 now)
{
	struct mx_lane_id id = mx_policy_lane(p, v->provider, v->source, flow->to, flow->family);
	struct mx_lane *lane = mx_state_lane(&p->state, v->provider, v->source);
	u32 messages = mx_state_messages(&p->state, p->snapshot, v->provider, v->source);
	const struct mx_network_lane *network;

	mx_ledger_charge(p->ledger, id, 1, now);
	lane->charged += messages;
	remember_charge(p, flow, v->provider, messages, now);
	network = mx_state_network_lane(&p->state, p->snapshot, id);
	if ((lane->slots && lane->open >= lane->slots) ||
	    (network && network->slots && network->open >= network->slots)) {
		p->full[v->source] = true;
		pthread_cond_signal(p->count);
	}
}

/* Whatever waits for the counters or the ledger is told at the end. */
static void book(struct mx_policy *p)
{
	struct mx_decided *d = &p->decided;

	if (!d->any)
		return;
	d->any = false;
	mx_account(p->snapshot, &p->state, &d->flow, d->now, &d->verdict);
	if (d->verdict.action == MX_ASSIGN)
		book_assignment(p, &d->flow, &d->verdict, d->now);
	if (mx_ledger_wants_back(p->ledger, MX_BORROWER_TABLE))
		eventfd_write(p->recall, 1);
	if (mx_ledger_wants_back(p->ledger, MX_BORROWER_MODULE))
		eventfd_write(p->grants, 1);
	if (mx_ledger_is_urgent(p->ledger))
		pthread_cond_signal(p->spent);
}

void mx_policy_lock(struct mx_policy *p)
{
	pthread_mutex_lock(&p->lock);
	book(p);
}

void mx_policy_unlock(struct mx_policy *p)
{
	pthread_mutex_unlock(&p->lock);
}

bool mx_policy_wait(struct mx_policy *p, pthread_cond_t *cond, const struct timespec *until)
{
	bool late = until ? pthread_cond_timedwait(cond, &p->lock, until) == ETIMEDOUT
			  : pthread_cond_wait(cond, &p->lock) != 0;

	book(p);
	return !late;
}

void mx_policy_decide(struct mx_policy *p, const struct mx_flow *flow, u64 waited, struct mx_verdict *v)
{
	u64 now;

	book(p);
	now = mx_policy_tick(p);
	mx_decide(p->snapshot, &p->state, flow, MX_NONE, (struct mx_moment){ now, waited }, v);
	if (v->action == MX_HOLD && v->source != MX_NONE) {
		mx_ledger_want(p->ledger, mx_policy_lane(p, v->provider, v->source, flow->to, flow->family), now);
		if (p->config->mode == MX_OBSERVE) /* nobody waits for the file: it was the first use */
			mx_decide(p->snapshot, &p->state, flow, MX_NONE, (struct mx_moment){ now, waited }, v);
	}
	p->decided = (struct mx_decided){ true, *flow, *v, now };
	if (v->action == MX_HOLD) /* nothing is sent */
		book(p);
}

void mx_policy_book_granted(struct mx_policy *p, u32 provider, u32 source, u32 connections, u32 leased)
{
	struct mx_lane *lane = mx_state_lane(&p->state, provider, source);

	lane->connections += connections;
	lane->open += connections;
	lane->charged += (u64)connections * mx_state_messages(&p->state, p->snapshot, provider, source);
	mx_ledger_charge_granted(p->ledger, (struct mx_lane_id){ provider, source, 0 }, connections, leased,
				 mx_policy_tick(p));
}

void mx_policy_expect_end(struct mx_policy *p, const struct mx_flow *flow, u32 provider, u32 source, u64 now)
{
	remember_charge(p, flow, provider, mx_state_messages(&p->state, p->snapshot, provider, source), now);
}

static void book_end(struct mx_policy *p, struct mx_lane_id id, const struct mx_flow_entry *charge,
		     const struct mx_end *end)
{
	struct mx_network_lane *network = mx_state_network_lane(&p->state, p->snapshot, id);
	struct mx_lane *lane = mx_state_lane(&p->state, id.provider, id.source);
	u32 messages = charge->value >> 16;

	lane->bytes_sent += end->sent;
	lane->bytes_received += end->received;
	if (end->established) {
		lane->established++;
		lane->reset += end->reset;
		lane->early += end->early;
		if (!end->early && !end->cut)
			mx_states_succeed(p, id, 1);
		return;
	}
	lane->failed++;
	if (network && !end->cut)
		network->failed++;
	if (!messages)
		return;
	mx_ledger_refund(p->ledger, id, charge->time * 1000ULL, messages, mx_policy_tick(p));
	lane->charged -= messages;
	lane->refunded += messages;
	pthread_cond_broadcast(p->room);
}

u16 mx_policy_end_connection(struct mx_policy *p, u32 provider, u32 source, const struct mx_flow *flow,
			     const struct mx_end *end)
{
	struct mx_flow_place place = mx_flow_cache_place(p->pending, flow, 0);
	struct mx_flow_entry *found = mx_flow_cache_find(p->pending, &place, 0), charge = { 0 };

	if (found) {
		charge = *found;
		mx_flow_cache_take(&place, found);
	}
	provider = provider_of_charge(p, charge.value, provider);
	book_end(p, mx_policy_lane(p, provider, source, flow->to, flow->family), &charge, end);
	return (u16)provider;
}

void mx_policy_settle(struct mx_policy *p, struct mx_lane_id id, u64 then, u32 connections, u32 messages, u32 carried)
{
	struct mx_lane *lane = mx_state_lane(&p->state, id.provider, id.source);

	lane->charged -= mx_ledger_settle(p->ledger, id, then, connections, messages, carried, mx_policy_tick(p));
	lane->charged += messages;
	lane->settled += messages;
	pthread_cond_broadcast(p->room);
	pthread_cond_signal(p->spent);
}

void mx_policy_hold_place(struct mx_policy *p, const struct mx_flow *flow)
{
	struct mx_verdict v = { .action = MX_HOLD, .reason = MX_REASON_PACE };

	book(p);
	v.provider = mx_classify_provider(p->snapshot, p->state.learned, flow);
	v.route = mx_classify_route(p->snapshot, flow, v.provider, MX_NONE);
	mx_account(p->snapshot, &p->state, flow, 0, &v);
}
