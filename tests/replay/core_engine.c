// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/replay/core_engine.h"

#include <stdlib.h>

#include "core/classify.h"
#include "core/turns.h"
#include "daemon/log.h"

enum mxload_left left_by(const struct mx_verdict *v)
{
	if (v->action == MX_ASSIGN || v->action == MX_PASS)
		return MXLOAD_LEFT_NOT;
	return v->reason == MX_REASON_LEDGER ? MXLOAD_LEFT_LEASE : MXLOAD_LEFT_NONE;
}

void core_engine_free(struct core_engine *e)
{
	free(e->memory);
	free(e->learned);
	free(e->ask);
	*e = (struct core_engine){ 0 };
}

/* Nothing is set, and no lane has a lease. What limits there are is all in what is said of the lanes. */
static void begin(struct core_engine *e, const struct mx_snapshot *s, u64 seed)
{
	u32 i;

	core_engine_free(e);
	e->snapshot = s;
	e->memory = mx_alloc(mx_state_size(s));
	mx_state_init(&e->state, s, e->memory);
	e->learned = mx_alloc(sizeof(*e->learned));
	e->learned->seed = seed;
	e->state.learned = e->learned;
	e->ask = mx_alloc(e->state.providers * sizeof(bool));
	for (i = 0; i < e->state.sources; i++)
		e->state.source_room[i].opened = true;
	for (i = 0; i < e->state.providers; i++)
		e->state.provider_room[i].opened = true;
	for (i = 0; i < e->state.providers * e->state.sources; i++)
		e->state.lanes[i].room = (struct mx_room){ .opened = true,
							   .limited = 1u << MX_CONNECTIONS,
							   .left[MX_CONNECTIONS] = ~0u };
}

/* The credits of the pool and provider that a slot belongs to. */
static void settle(struct core_engine *e, u32 slot)
{
	u32 pool = mx_snapshot_pool_of_slot(e->snapshot, slot);
	const struct mx_pool *of = &mx_snapshot_pools(e->snapshot)[pool];

	mx_turns_settle(&e->state, e->snapshot, pool, (slot - of->first_slot) / of->members);
}

static void take_slot(struct core_engine *e, const struct mxload_slot *from)
{
	struct mx_slot *to = &e->state.slots[from->slot];

	settle(e, from->slot);
	if (from->set & MXLOAD_SLOT_WEIGHT)
		to->weight = from->weight;
	if (!(from->set & MXLOAD_SLOT_CREDIT))
		return;
	to->credit = from->credit;
	to->carried = from->carried;
	to->asked = from->asked;
}

static void take_lane(struct core_engine *e, const struct mxload_lane *lane)
{
	struct mx_room *room = &mx_state_lane(&e->state, lane->provider, lane->source)->room;
	u32 had = room->covered[MX_CONNECTIONS];

	memset(room, 0, sizeof(*room));
	room->opened = true;
	if (lane->state == MXLOAD_LANE_FREE)
		return;
	room->limited = 1u << MX_CONNECTIONS;
	if (lane->state == MXLOAD_LANE_SHUT) {
		room->why[MX_CONNECTIONS] = lane->why;
		room->ready = lane->ready;
		return;
	}
	room->left[MX_CONNECTIONS] = ~0u;
	room->covered[MX_CONNECTIONS] = lane->grant < ~had ? had + lane->grant : ~0u;
}

static void take_learned(struct core_engine *e, const struct mxload_learned *l)
{
	e->learned->slot[l->slot] = (struct mx_learned_address){
		.addr = { l->hi, l->lo }, .provider = l->provider, .family = l->family, .origin = l->origin
	};
}

/* Only assignments are booked: everything else the queue decides again. */
static struct mxload_verdict decide(struct core_engine *e, const struct mxload_flow *f)
{
	struct mx_flow flow = mxload_flow_of(f);
	u16 provider = mx_classify_provider(e->snapshot, e->learned, &flow);
	bool exempt = mx_classify_exempt(e->snapshot, &flow);
	struct mx_verdict v;

	if (!exempt && provider == e->snapshot->default_provider)
		return not_looked_at(MXLOAD_LEFT_UNKNOWN, provider);
	if (!exempt && e->ask[provider])
		return not_looked_at(MXLOAD_LEFT_PROVIDER, provider);
	mx_decide(e->snapshot, &e->state, &flow, MX_NONE, (struct mx_moment){ f->now, f->waited }, &v);
	if (v.action == MX_ASSIGN)
		mx_account(e->snapshot, &e->state, &flow, f->now, &v);
	return mxload_verdict_of(left_by(&v), &v);
}

struct mxload_verdict core_engine_take(struct core_engine *e, const struct event *event)
{
	const struct mxload_lane *lane = &event->lane;

	switch (event->kind) {
	case EVENT_POLICY:
		begin(e, event->policy.snapshot, event->policy.seed);
		break;
	case EVENT_SLOT:
		take_slot(e, &event->slot);
		break;
	case EVENT_SOURCE:
		e->state.usable[event->source.source] = (u8)event->source.families;
		break;
	case EVENT_PROVIDER:
		e->ask[event->provider.provider] = event->provider.flags & MXLOAD_PROVIDER_ASK;
		break;
	case EVENT_RECALL:
		mx_state_lane(&e->state, lane->provider, lane->source)->room.covered[MX_CONNECTIONS] = 0;
		break;
	case EVENT_LANE:
		take_lane(e, lane);
		break;
	case EVENT_LEARNED:
		take_learned(e, &event->learned);
		break;
	case EVENT_FLOW:
		return decide(e, &event->flow);
	case EVENT_KINDS:
		break;
	}
	mx_state_changed(&e->state);
	return (struct mxload_verdict){ 0 };
}
