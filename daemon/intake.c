// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/intake.h"

#include <time.h>

#include "core/classify.h"

#define RECENT_BUCKETS 16384
#define STRANGER_BUCKETS 4096
#define RECENT_SECONDS 130 /* Linux sends a SYN for the last time after 63 and gives up after 127 */
#define WAITS 0xffffffffu  /* in place of a mark: no answer is this, since one bit of the mark mask at least is 0 */

struct mx_flow_cache *mx_intake_recent(void)
{
	return mx_flow_cache_new(RECENT_BUCKETS, RECENT_SECONDS);
}

struct mx_flow_cache *mx_intake_strangers(void)
{
	return mx_flow_cache_new(STRANGER_BUCKETS, 1);
}

static void note_decision(struct mx_intake *in, const struct mx_flow *flow, const struct mx_verdict *v)
{
	const struct mx_policy *p = in->policy;
	struct mx_event event = {
		.type = MX_EVENT_DECISION,
		.time = time(NULL),
		.family = flow->family,
		.action = v->action,
		.reason = v->reason,
		.from_port = flow->from_port,
		.to_port = flow->to_port,
		.from = flow->from,
		.to = flow->to,
		.route = v->route,
		.provider = p->provider_names[v->provider],
		.pool = v->pool == MX_NONE ? NULL : p->pool_names[v->pool],
		.source = v->source == MX_NONE ? NULL : p->source_names[v->source],
	};

	if (v->source != MX_NONE) {
		struct mx_lane_id lane = mx_policy_lane(p, v->provider, v->source, flow->to, flow->family);

		event.source_addr = p->config->sources[v->source].addr[flow->family];
		event.decision.left = mx_state_left(&p->state, p->snapshot, lane);
		if (v->action == MX_ASSIGN && event.decision.left.limit != MX_REASON_CANDIDATE)
			event.decision.left.connections--; /* it is booked later */
		if (mx_snapshot_sources(p->snapshot)[v->source].warmup)
			event.decision.warmup_day = mx_ledger_warmup_day(p->ledger, v->provider, v->source);
	}
	mx_journal_add(in->journal, &event);
}

static u32 whole_mark(const struct mx_policy *p, const struct mx_flow *flow, u32 ours)
{
	return ours | (flow->mark & ~p->snapshot->mark_mask);
}

static enum mx_answer decide(struct mx_intake *in, const struct mx_flow *flow, const struct mx_flow_place *place,
			     u64 waited, u32 *mark)
{
	struct mx_policy *p = in->policy;
	struct mx_verdict v;

	mx_policy_decide(p, flow, waited, &v);
	if (v.action == MX_HOLD && !waited)
		p->state.held_total[v.provider] += v.reason != MX_REASON_LEDGER;
	if (v.action == MX_HOLD && p->config->mode == MX_OBSERVE) { /* who would wait is told of, and goes on */
		mx_state_forget_held(&p->state, p->snapshot);
	} else if (v.action == MX_HOLD) {
		if (!waited) {
			mx_flow_cache_add(place, mx_clock_coarse_seconds(), WAITS);
			note_decision(in, flow, &v);
		}
		return MX_ANSWER_WAIT;
	}
	*mark = p->config->mode == MX_OBSERVE ? 0 : v.mark;
	mx_flow_cache_add(place, mx_clock_coarse_seconds(), *mark);
	note_decision(in, flow, &v);
	*mark = whole_mark(p, flow, *mark);
	return MX_ANSWER_ACCEPT;
}

enum mx_answer mx_intake_answer_again(struct mx_intake *in, const struct mx_flow *flow, u32 sequence, u64 waited,
				      u32 *mark)
{
	struct mx_flow_place place = mx_flow_cache_place(in->recent, flow, sequence);

	return decide(in, flow, &place, waited, mark);
}

static bool is_unknown(const struct mx_policy *p, const struct mx_flow *flow)
{
	return mx_classify_provider(p->snapshot, p->state.learned, flow) == p->snapshot->default_provider;
}

/*
 * Whose an unknown destination is may just have been told: what waits there is read first. For the same address that is
 * done once a second: what comes meanwhile the thread reads that listens all the time. If it does not help, the DNS is
 * asked, for next time. True: the lock was open meanwhile.
 */
static bool learn_first(struct mx_intake *in, const struct mx_flow *flow)
{
	struct mx_policy *p = in->policy;
	struct mx_flow stranger = { .family = flow->family, .to = flow->to };
	struct mx_flow_place place;
	bool opened;

	if (!is_unknown(p, flow))
		return false;
	place = mx_flow_cache_place(in->strangers, &stranger, 0);
	opened = in->tap && !mx_flow_cache_find(in->strangers, &place, mx_clock_coarse_seconds());
	if (opened) {
		mx_policy_unlock(p);
		mx_dns_tap_drain(in->tap);
		mx_policy_lock(p);
		mx_flow_cache_add(&place, mx_clock_coarse_seconds(), 0);
	}
	if (!opened || is_unknown(p, flow))
		mx_resolver_wonder(in->resolver, flow);
	return opened;
}

enum mx_answer mx_intake_answer(struct mx_intake *in, const struct mx_flow *flow, u32 sequence, u32 *mark, bool *known)
{
	struct mx_flow_place place = mx_flow_cache_place(in->recent, flow, sequence);
	const struct mx_flow_entry *before = mx_flow_cache_find(in->recent, &place, mx_clock_coarse_seconds());

	if (!before && learn_first(in, flow)) /* the same SYN may have come by another queue meanwhile */
		before = mx_flow_cache_find(in->recent, &place, mx_clock_coarse_seconds());
	*known = before != NULL;
	if (!before)
		return decide(in, flow, &place, 0, mark);
	if (before->value == WAITS)
		return MX_ANSWER_DROP;
	*mark = whole_mark(in->policy, flow, before->value);
	return MX_ANSWER_ACCEPT;
}

void mx_intake_finish(struct mx_intake *in)
{
	mx_policy_lock(in->policy); /* that books it */
	mx_policy_unlock(in->policy);
}
