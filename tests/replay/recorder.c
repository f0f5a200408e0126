// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/replay/recorder.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/classify.h"
#include "core/turns.h"
#include "daemon/log.h"
#include "tests/replay/lane_of.h"

#define MAY_CREDIT 1u
#define MAY_SHARE 2u
#define MAY_ALL (MAY_CREDIT | MAY_SHARE)

void recorder_free(struct recorder *r)
{
	core_engine_free(&r->shadow);
	recording_free(&r->recording);
	free(r->may);
	*r = (struct recorder){ 0 };
}

static struct mxload_verdict tell(struct recorder *r, struct event event)
{
	event.line = r->line;
	recording_add(&r->recording, &event);
	return core_engine_take(&r->shadow, &event);
}

void recorder_settings_changed(struct recorder *r)
{
	if (r->may)
		memset(r->may, MAY_ALL, r->shadow.state.providers);
}

/* --- what is told ----------------------------------------------------------------------------------------------- */

static void tell_policy(struct recorder *r, const struct mx_policy *p)
{
	struct event event = { .kind = EVENT_POLICY, .policy.seed = p->state.learned->seed };

	if (r->shadow.snapshot && r->shadow.snapshot->generation == p->snapshot->generation)
		return;
	event.policy.snapshot = mx_alloc(p->snapshot->size);
	memcpy(event.policy.snapshot, p->snapshot, p->snapshot->size);
	tell(r, event);
	free(r->may);
	r->may = mx_alloc(p->state.providers);
	memset(r->may, MAY_ALL, p->state.providers);
	r->learned = mx_destinations_version(p->destinations) - 1;
}

static void tell_sources(struct recorder *r, const struct mx_policy *p)
{
	u32 i;

	for (i = 0; i < p->state.sources; i++)
		if (p->state.usable[i] != r->shadow.state.usable[i])
			tell(r, (struct event){ .kind = EVENT_SOURCE, .source = { (u16)i, p->state.usable[i] } });
}

static bool is_same_address(const struct mx_learned_address *a, const struct mx_learned_address *b)
{
	return a->origin == b->origin &&
	       (!a->origin || (a->provider == b->provider && a->family == b->family && !mx_addr_cmp(a->addr, b->addr)));
}

static void tell_learned(struct recorder *r, const struct mx_policy *p)
{
	u32 version = mx_destinations_version(p->destinations), i;

	if (version == r->learned)
		return;
	r->learned = version;
	for (i = 0; i < MX_LEARNED_SLOTS; i++) {
		const struct mx_learned_address *a = &p->state.learned->slot[i];

		if (!is_same_address(a, &r->shadow.learned->slot[i]))
			tell(r, (struct event){ .kind = EVENT_LEARNED,
						.learned = { .hi = a->addr.hi,
							     .lo = a->addr.lo,
							     .slot = i,
							     .provider = a->provider,
							     .family = a->family,
							     .origin = a->origin } });
	}
}

/* While somebody waits at a provider, the others there go to the queue: nobody overtakes. */
static void tell_provider(struct recorder *r, const struct mx_policy *p, u16 provider)
{
	bool ask = p->state.held[provider];

	if (ask != r->shadow.ask[provider])
		tell(r,
		     (struct event){ .kind = EVENT_PROVIDER, .provider = { provider, ask ? MXLOAD_PROVIDER_ASK : 0 } });
}

/* What a member has carried beyond its share when the next connection is asked for. */
static u32 lead_of(const struct mx_group *group, const struct mx_slot *slot, u32 max_share)
{
	u64 let = (u64)(group->asked + 1 - slot->asked) * max_share;

	return max_share < 100 && let < slot->carried ? slot->carried - (u32)let : 0;
}

static void complain(struct recorder *r, const struct mx_policy *p, u32 pool, u16 provider, u32 member)
{
	if (!*r->wrong)
		snprintf(r->wrong, sizeof(r->wrong),
			 "line %u: member %u of %s at %s: expected the credit that core books, and the daemon has "
			 "another",
			 r->line, member, p->pool_names[pool], p->provider_names[provider]);
}

static void tell_slot(struct recorder *r, const struct mx_policy *p, u32 pool, u16 provider, u32 member)
{
	const struct mx_pool *of = &mx_snapshot_pools(p->snapshot)[pool];
	const struct mx_slot *is = mx_state_slot(&p->state, of, provider, member);
	const struct mx_slot *known = mx_state_slot(&r->shadow.state, of, provider, member);
	const struct mx_group *group = mx_state_group(&r->shadow.state, pool, provider);
	u32 lead = lead_of(mx_state_group(&p->state, pool, provider), is, of->max_share);
	bool credit = is->credit != known->credit, share = lead != lead_of(group, known, of->max_share);
	struct mxload_slot slot = { .slot = of->first_slot + provider * of->members + member };

	if ((credit && !(r->may[provider] & MAY_CREDIT)) || (share && !(r->may[provider] & MAY_SHARE)))
		complain(r, p, pool, provider, member);
	if (is->weight != known->weight) {
		slot.set |= MXLOAD_SLOT_WEIGHT;
		slot.weight = is->weight;
	}
	if (credit || share) {
		slot.set |= MXLOAD_SLOT_CREDIT;
		slot.credit = is->credit;
		slot.carried = lead;
		slot.asked = group->asked + 1;
	}
	if (slot.set)
		tell(r, (struct event){ .kind = EVENT_SLOT, .slot = slot });
}

static void tell_slots(struct recorder *r, const struct mx_policy *p, u16 provider)
{
	u32 pool, member;

	for (pool = 0; pool < p->config->pool_count; pool++) {
		const struct mx_pool *of = &mx_snapshot_pools(p->snapshot)[pool];

		mx_turns_settle(&p->state, p->snapshot, pool, provider);
		mx_turns_settle(&r->shadow.state, r->shadow.snapshot, pool, provider);
		for (member = 0; member < of->members; member++)
			tell_slot(r, p, pool, provider, member);
	}
	r->may[provider] = 0;
}

static struct mxload_lane known_lane(const struct recorder *r, u16 provider, u16 source)
{
	const struct mx_room *room = &mx_state_lane(&r->shadow.state, provider, source)->room;
	struct mxload_lane lane = { .provider = provider, .source = source, .state = MXLOAD_LANE_FREE };

	if (!room->limited)
		return lane;
	lane.state = room->left[MX_CONNECTIONS] ? MXLOAD_LANE_LEASED : MXLOAD_LANE_SHUT;
	lane.why = room->why[MX_CONNECTIONS];
	lane.grant = room->covered[MX_CONNECTIONS];
	lane.ready = room->ready;
	return lane;
}

/* Whether all rooms of a lane cover `n` connections one after the other, and (but for the largest grant) no more. */
static bool covers_just(const struct mx_policy *p, u16 provider, u16 source, u32 n)
{
	struct mx_room rooms[] = { mx_state_lane(&p->state, provider, source)->room, p->state.source_room[source],
				   p->state.provider_room[provider] };
	u32 messages = mx_state_messages(&p->state, p->snapshot, provider, source), spent = 0, i;
	bool covered = mx_state_covered(&p->state, p->snapshot, (struct mx_lane_id){ provider, source, 0 });
	const struct mx_lane *lane = mx_state_lane(&p->state, provider, source);

	while (covered && spent < LANE_GRANT && (!lane->slots || lane->open + spent < lane->slots)) {
		spent++;
		for (i = 0; i < 3; i++)
			mx_room_take(&rooms[i], messages);
		for (i = 0; i < 3; i++)
			covered = covered && mx_room_covers(&rooms[i], messages);
	}
	return spent == n;
}

static bool is_bounded(const struct mx_policy *p, u16 provider, u16 source)
{
	struct mx_lane_id id = { provider, source, 0 };

	return mx_state_lane(&p->state, provider, source)->slots || !mx_state_covered(&p->state, p->snapshot, id) ||
	       mx_state_left(&p->state, p->snapshot, id).limit != MX_REASON_CANDIDATE;
}

static void complain_of_lane(struct recorder *r, const struct mx_policy *p, const struct mxload_lane *lane)
{
	if (!*r->wrong)
		snprintf(r->wrong, sizeof(r->wrong),
			 "line %u: %s at %s: expected what bounds it to be told, and the lane is %s (%u connections)",
			 r->line, p->source_names[lane->source], p->provider_names[lane->provider],
			 lane->state == MXLOAD_LANE_FREE ? "free" : "leased otherwise", lane->grant);
}

/* A lease is not told anew while it lasts, and taken back when it covers what the daemon has spent elsewhere. */
static void tell_lane(struct recorder *r, const struct mx_policy *p, u16 provider, u16 source)
{
	struct mxload_lane is = lane_of(p, provider, source);
	struct mxload_lane known = known_lane(r, provider, source);
	bool same = is.state == known.state;

	if (is.state == MXLOAD_LANE_SHUT)
		same = same && is.why == known.why && is.ready == known.ready;
	else if (is.state == MXLOAD_LANE_LEASED)
		same = same && !is.grant == !known.grant;
	if (same)
		return;
	if ((is.state == MXLOAD_LANE_LEASED && !covers_just(p, provider, source, is.grant)) ||
	    (is.state == MXLOAD_LANE_FREE && is_bounded(p, provider, source)))
		complain_of_lane(r, p, &is);
	if (known.grant)
		tell(r, (struct event){ .kind = EVENT_RECALL, .lane = { .provider = provider, .source = source } });
	if (is.state != MXLOAD_LANE_LEASED || known.state != MXLOAD_LANE_LEASED || is.grant)
		tell(r, (struct event){ .kind = EVENT_LANE, .lane = is });
}

void recorder_before(struct recorder *r, const struct mx_policy *p, const struct mx_flow *flow)
{
	u16 provider = mx_classify_provider(p->snapshot, p->state.learned, flow), source;

	tell_policy(r, p);
	tell_learned(r, p);
	if (mx_classify_exempt(p->snapshot, flow) || provider == p->snapshot->default_provider)
		return;
	tell_provider(r, p, provider);
	if (r->shadow.ask[provider])
		return;
	tell_sources(r, p);
	tell_slots(r, p, provider);
	for (source = 0; source < p->state.sources; source++)
		tell_lane(r, p, provider, source);
}

/* --- what is decided -------------------------------------------------------------------------------------------- */

static struct mxload_verdict as_the_module(const struct recorder *r, const struct mx_verdict *v)
{
	if (v->action != MX_PASS && v->provider == r->shadow.snapshot->default_provider)
		return not_looked_at(MXLOAD_LEFT_UNKNOWN, v->provider);
	if (v->action != MX_PASS && r->shadow.ask[v->provider])
		return not_looked_at(MXLOAD_LEFT_PROVIDER, v->provider);
	return mxload_verdict_of(left_by(v), v);
}

void recorder_after(struct recorder *r, const struct mx_flow *f, struct mx_moment moment, const struct mx_verdict *v)
{
	struct event event = { .kind = EVENT_FLOW,
			       .flow = { .from_hi = f->from.hi,
					 .from_lo = f->from.lo,
					 .to_hi = f->to.hi,
					 .to_lo = f->to.lo,
					 .now = moment.now,
					 .waited = moment.waited,
					 .from_port = f->from_port,
					 .to_port = f->to_port,
					 .mark = f->mark,
					 .user = f->user,
					 .group = f->group,
					 .family = (u8)f->family },
			       .verdict = as_the_module(r, v) };

	tell(r, event);
	if (event.verdict.left == MXLOAD_LEFT_PROVIDER)
		r->may[v->provider] |= MAY_ALL;
	else if (v->action == MX_REFUSE)
		r->may[v->provider] |= MAY_SHARE;
}
