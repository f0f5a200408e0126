// SPDX-License-Identifier: GPL-2.0-or-later OR MIT
/*
 * The policy in order. Each step either answers, with its own reason, or leaves the connection to the next:
 *
 *   1. An exempt destination passes. (Loopback and this host's own addresses never come here: nft leaves them out.)
 *   2. The longest prefix names the provider, the first matching route the pool.
 *   3. Members of the pool are candidates when they have an address of the right family, that address is on this
 *      host, they have weight here, they do not rest here, and there is room: under the limits of the source, of the
 *      source here and of the provider, for one more open connection, and in its share of the pool.
 *   4. The provider's balance chooses among the candidates. When the ledger has not yet written down that the chosen
 *      one may be charged, the connection is held until it has.
 *   5. Without a candidate the connection is held, when room comes in time and not too many wait. Who comes later
 *      waits behind.
 *   6. Else the pool's overflow pool is asked as in 3 and 4, and so on.
 *   7. Then it is refused, for the reason of the member of the routed pool that came furthest.
 */
#include "core/balance.h"
#include "core/classify.h"
#include "core/decide.h"

const char *mx_action_name(enum mx_action action)
{
	static const char *const names[] = { "assign", "refuse", "pass", "hold" };

	return names[action];
}

static struct mx_ballot ballot_of(const struct mx_snapshot *s, const struct mx_state *st, const struct mx_flow *flow,
				  u16 provider, u16 pool, u64 now)
{
	return (struct mx_ballot){
		.snapshot = s,
		.state = st,
		.pool = &mx_snapshot_pools(s)[pool],
		.provider = provider,
		.family = flow->family,
		.network = provider == s->default_provider ? mx_network_of(flow->to, flow->family) : 0,
		.now = now,
	};
}

/* Steps 3 and 4. */
static u16 choose(const struct mx_ballot *ballot, const struct mx_flow *flow, enum mx_reason *why)
{
	if (mx_snapshot_providers(ballot->snapshot)[ballot->provider].balance == MX_STICKY)
		return mx_balance_sticky(ballot, flow->to, why);
	return mx_balance_weighted(ballot, why);
}

static u16 routed_pool(const struct mx_snapshot *s, const struct mx_verdict *v)
{
	return mx_snapshot_routes(s)[v->route].pool;
}

static void assign(struct mx_verdict *v, const struct mx_snapshot *s, u16 pool, u16 member)
{
	v->action = MX_ASSIGN;
	v->pool = pool;
	v->member = member;
	v->source = mx_snapshot_members(s)[mx_snapshot_pools(s)[pool].first_member + member].source;
	v->mark = mx_snapshot_sources(s)[v->source].mark;
	v->reason = mx_snapshot_providers(s)[v->provider].balance == MX_STICKY ? MX_REASON_STICKY : MX_REASON_WEIGHTED;
}

static void answer(struct mx_verdict *v, enum mx_action action, enum mx_reason reason, u32 mark)
{
	v->action = action;
	v->reason = reason;
	v->mark = mark;
}

/* Whether so much more patience is left, and nobody too many waits. */
static bool may_wait(const struct mx_snapshot *s, const struct mx_state *st, const struct mx_verdict *v,
		     struct mx_moment moment, u64 ready)
{
	const struct mx_provider *provider = &mx_snapshot_providers(s)[v->provider];
	u64 more = ready > moment.now ? ready - moment.now : 0;

	return st->held[v->provider] < provider->wait_max && more <= provider->wait &&
	       moment.waited + more < provider->wait;
}

/*
 * At a named provider nobody overtakes those that wait for the same pool. The destinations of the default provider
 * are strangers to each other: one that waits there does not stop the others.
 */
static bool others_wait(const struct mx_snapshot *s, const struct mx_state *st, const struct mx_flow *flow,
			const struct mx_verdict *v, u16 pool)
{
	return v->provider != s->default_provider && mx_state_group(st, pool, v->provider)->held[flow->family];
}

/*
 * Whether the ledger may still write it down. Who has waited for room has used up that patience before the ledger is
 * even asked, and is not sent away now that it is his turn; but no more wait so long than may wait for room.
 */
static bool may_wait_for_ledger(const struct mx_snapshot *s, const struct mx_state *st, const struct mx_verdict *v,
				struct mx_moment moment)
{
	const struct mx_provider *provider = &mx_snapshot_providers(s)[v->provider];

	return moment.waited < MX_LEDGER_PATIENCE ||
	       (st->held[v->provider] < provider->wait_max && moment.waited < provider->wait + MX_LEDGER_PATIENCE);
}

/* Steps 3 to 5 for the routed pool, or 6 for another one. True: *v has the answer; else its reason says why not. */
static bool ask_pool(const struct mx_snapshot *s, const struct mx_state *st, const struct mx_flow *flow, u16 pool,
		     struct mx_moment moment, struct mx_verdict *v)
{
	struct mx_ballot ballot = ballot_of(s, st, flow, v->provider, pool, moment.now);
	bool routed = pool == routed_pool(s, v);
	enum mx_reason why;
	u16 member;

	if (routed && others_wait(s, st, flow, v, pool) && may_wait(s, st, v, moment, moment.now)) {
		answer(v, MX_HOLD, (enum mx_reason)mx_state_group(st, pool, v->provider)->why[flow->family], 0);
		return true;
	}
	member = choose(&ballot, flow, &why);
	v->reason = why;
	if (member == MX_NONE) {
		if (!routed || !may_wait(s, st, v, moment, mx_balance_ready(&ballot)))
			return false;
		answer(v, MX_HOLD, why, 0);
		return true;
	}
	assign(v, s, pool, member);
	if (mx_state_covered(st, s, (struct mx_lane_id){ v->provider, v->source, ballot.network }))
		return true;
	v->pool = routed_pool(s, v);
	v->member = MX_NONE;
	if (may_wait_for_ledger(s, st, v, moment))
		answer(v, MX_HOLD, MX_REASON_LEDGER, 0);
	else
		answer(v, MX_REFUSE, MX_REASON_LEDGER, mx_mark_refuse(s->mark_mask));
	return true;
}

static struct mx_verdict blank(u16 provider)
{
	return (struct mx_verdict){
		.provider = provider, .member = MX_NONE, .source = MX_NONE, .route = MX_NONE, .pool = MX_NONE
	};
}

void mx_decide(const struct mx_snapshot *s, const struct mx_state *st, const struct mx_flow *flow, u16 class,
	       struct mx_moment moment, struct mx_verdict *verdict)
{
	u16 provider = mx_classify_provider(s, st->learned, flow);

	if (!mx_classify_exempt(s, flow)) {
		mx_decide_at(s, st, flow, provider, class, moment, verdict);
		return;
	}
	*verdict = blank(provider);
	answer(verdict, MX_PASS, MX_REASON_EXEMPT, mx_mark_pass(s->mark_mask));
}

/* Steps 6 and 7, where the routed pool does not answer. */
static MX_APART void ask_others(const struct mx_snapshot *s, const struct mx_state *st, const struct mx_flow *flow,
				struct mx_moment moment, struct mx_verdict *v)
{
	enum mx_reason refusal = v->reason;
	u16 pool = routed_pool(s, v);

	do {
		pool = mx_snapshot_pools(s)[pool].overflow;
		if (pool == MX_NONE) {
			answer(v, MX_REFUSE, refusal, mx_mark_refuse(s->mark_mask));
			return;
		}
	} while (!ask_pool(s, st, flow, pool, moment, v));
	if (v->action == MX_ASSIGN)
		v->reason = MX_REASON_OVERFLOW;
}

void MX_WHOLE mx_decide_at(const struct mx_snapshot *s, const struct mx_state *st, const struct mx_flow *flow,
			   u16 provider, u16 class, struct mx_moment moment, struct mx_verdict *verdict)
{
	struct mx_verdict v = blank(provider);

	v.route = mx_classify_route(s, flow, v.provider, class);
	v.pool = routed_pool(s, &v);
	if (!ask_pool(s, st, flow, v.pool, moment, &v))
		ask_others(s, st, flow, moment, &v);
	*verdict = v;
}

static MX_APART void account_hold(const struct mx_snapshot *s, struct mx_state *st, const struct mx_flow *flow,
				  const struct mx_verdict *v)
{
	struct mx_group *group = mx_state_group(st, routed_pool(s, v), v->provider);

	if (!group->held[flow->family])
		group->why[flow->family] = (u8)v->reason;
	group->held[flow->family]++;
	st->held[v->provider]++;
}

static void account_assign(const struct mx_snapshot *s, struct mx_state *st, const struct mx_flow *flow, u64 now,
			   const struct mx_verdict *v)
{
	struct mx_ballot ballot = ballot_of(s, st, flow, v->provider, v->pool, now);
	struct mx_lane *lane = mx_state_lane(st, v->provider, v->source);

	if (mx_snapshot_providers(s)[v->provider].balance == MX_WEIGHTED)
		mx_balance_spend(&ballot, v->member);
	mx_state_group(st, v->pool, v->provider)->decided[flow->family]++;
	lane->connections++;
	lane->open++;
	if (lane->open == lane->slots)
		mx_state_changed(st);
	mx_state_take_room(st, s, (struct mx_lane_id){ v->provider, v->source, ballot.network });
	mx_state_book_share(st, s, v->pool, v->provider, v->member);
}

void MX_WHOLE mx_account(const struct mx_snapshot *s, struct mx_state *st, const struct mx_flow *flow, u64 now,
			 const struct mx_verdict *verdict)
{
	switch (verdict->action) {
	case MX_PASS:
		st->passed[verdict->provider]++;
		return;
	case MX_HOLD:
		account_hold(s, st, flow, verdict);
		return;
	case MX_REFUSE:
		(*mx_state_refused(st, verdict->provider, verdict->reason))++;
		break;
	case MX_ASSIGN:
		account_assign(s, st, flow, now, verdict);
		break;
	}
	if (verdict->action == MX_REFUSE || verdict->pool != routed_pool(s, verdict))
		mx_state_book_share(st, s, routed_pool(s, verdict), verdict->provider, MX_NONE);
}
