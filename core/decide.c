// SPDX-License-Identifier: GPL-2.0-or-later OR MIT
/*
 * The policy in order. Each step either answers, with its own reason, or leaves the connection to the next:
 *
 *   1. An exempt destination passes. (Loopback and this host's own addresses never come here: nft leaves them out.)
 *   2. The longest prefix names the provider, the first matching route the pool.
 *   3. Members of the pool are candidates when they have an address of the right family, that address is on this
 *      host, they have weight here, and they do not rest here.
 *   4. The provider's balance chooses among the candidates.
 *   5. Without a candidate the pool's overflow pool is asked the same way, and so on.
 *   6. Then it is refused, for the reason of the member of the routed pool that came furthest.
 */
#include "core/balance.h"
#include "core/classify.h"
#include "core/decide.h"

const char *mx_action_name(enum mx_action action)
{
	return action == MX_ASSIGN ? "assign" : action == MX_PASS ? "pass" : "refuse";
}

static struct mx_ballot ballot_of(const struct mx_snapshot *s, const struct mx_state *st, const struct mx_flow *flow,
				  u16 provider, u16 pool)
{
	return (struct mx_ballot){
		.snapshot = s,
		.state = st,
		.pool = &mx_snapshot_pools(s)[pool],
		.provider = provider,
		.family = flow->family,
	};
}

/* Steps 3 and 4. */
static u16 choose(const struct mx_ballot *ballot, const struct mx_flow *flow, enum mx_reason *why)
{
	if (mx_snapshot_providers(ballot->snapshot)[ballot->provider].balance == MX_STICKY)
		return mx_balance_sticky(ballot, flow->to, why);
	return mx_balance_weighted(ballot, why);
}

static void assign(struct mx_verdict *v, const struct mx_snapshot *s, const struct mx_ballot *ballot, u16 member)
{
	v->action = MX_ASSIGN;
	v->member = member;
	v->source = mx_snapshot_members(s)[ballot->pool->first_member + member].source;
	v->mark = mx_snapshot_sources(s)[v->source].mark;
	v->reason = mx_snapshot_providers(s)[v->provider].balance == MX_STICKY ? MX_REASON_STICKY : MX_REASON_WEIGHTED;
}

void mx_decide(const struct mx_snapshot *s, const struct mx_state *st, const struct mx_flow *flow, u16 class,
	       struct mx_verdict *verdict)
{
	struct mx_verdict v = { .member = MX_NONE, .source = MX_NONE, .route = MX_NONE, .pool = MX_NONE };
	enum mx_reason refusal = MX_REASON_NO_ADDRESS;
	u16 routed, pool;

	v.provider = mx_classify_provider(s, flow);
	if (mx_classify_exempt(s, flow)) {
		v.action = MX_PASS;
		v.reason = MX_REASON_EXEMPT;
		v.mark = mx_mark_pass(s->mark_mask);
		*verdict = v;
		return;
	}

	v.route = mx_classify_route(s, flow, v.provider, class);
	routed = mx_snapshot_routes(s)[v.route].pool;
	for (pool = routed; pool != MX_NONE; pool = mx_snapshot_pools(s)[pool].overflow) {
		struct mx_ballot ballot = ballot_of(s, st, flow, v.provider, pool);
		enum mx_reason why;
		u16 member = choose(&ballot, flow, &why);

		if (member != MX_NONE) {
			v.pool = pool;
			assign(&v, s, &ballot, member);
			if (pool != routed)
				v.reason = MX_REASON_OVERFLOW;
			*verdict = v;
			return;
		}
		if (pool == routed)
			refusal = why;
	}

	v.pool = routed;
	v.action = MX_REFUSE;
	v.reason = refusal;
	v.mark = mx_mark_refuse(s->mark_mask);
	*verdict = v;
}

void mx_account(const struct mx_snapshot *s, struct mx_state *st, const struct mx_flow *flow,
		const struct mx_verdict *verdict)
{
	struct mx_ballot ballot;

	if (verdict->action == MX_PASS) {
		st->passed[verdict->provider]++;
		return;
	}
	if (verdict->action == MX_REFUSE) {
		(*mx_state_refused(st, verdict->provider, verdict->reason))++;
		return;
	}
	ballot = ballot_of(s, st, flow, verdict->provider, verdict->pool);
	if (mx_snapshot_providers(s)[verdict->provider].balance == MX_WEIGHTED)
		mx_balance_spend(&ballot, verdict->member);
	mx_state_lane(st, verdict->provider, verdict->source)->connections++;
	mx_state_group(st, verdict->pool, verdict->provider)->decided[flow->family]++;
}
