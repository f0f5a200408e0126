// SPDX-License-Identifier: GPL-2.0-or-later
/* What is sent without the queue: by the fallback while nobody answers, and by the kernel module. */
#include <search.h>

#include "core/pace.h"
#include "daemon/account.h"

#define LENT_PART 8    /* of what is left, while the daemon is there: that much is lost when the table is lost */
#define KEPT_PART 8    /* of what is left, when it leaves: lent by the one who comes, before it knows what was spent */
#define GRANTED_PART 4 /* of what is left: so that it shrinks to nothing near a limit, where the queue has the last */

u32 mx_ledger_lendable(const struct mx_ledger *l, const char *source, const char *provider, bool leaving, u64 now)
{
	struct account *a = mx_account_find(l, source, provider, 0);
	u32 left[MX_UNITS], most, covered, part;
	u64 interval;

	if (!a || !a->room || !a->room->limited || (a->is_recalled && !leaving))
		return 0;
	if (a->warming && a->warming->ramp.count && l->wall < a->warming->from)
		return 0;
	mx_account_left(l, a, now, left);
	most = left[MX_MESSAGES] / l->most_messages;
	most = left[MX_CONNECTIONS] < most ? left[MX_CONNECTIONS] : most;
	covered = a->covered_to[MX_CONNECTIONS] - a->spent[MX_CONNECTIONS];
	mx_room_spend(&most, (s32)covered > 0 ? covered : 0);
	mx_room_spend(&most, a->lent[MX_BORROWER_MODULE]);
	interval = mx_account_pace(l, a, MX_CONNECTIONS);
	if (interval && most > MX_PACE_DEPTH / interval + 1)
		most = (u32)(MX_PACE_DEPTH / interval) + 1;
	part = leaving ? most - most / KEPT_PART : most / LENT_PART;
	mx_room_spend(&most, a->lent[MX_BORROWER_TABLE]); /* all of it may be spent until the new leases stand */
	return part < most ? part : most;
}

u32 mx_ledger_limited(const struct mx_ledger *l)
{
	return l->limited;
}

u32 mx_ledger_lent(const struct mx_ledger *l, const char *source, const char *provider)
{
	const struct account *a = mx_account_find(l, source, provider, 0);

	return a ? a->lent[MX_BORROWER_TABLE] : 0;
}

void mx_ledger_lend(struct mx_ledger *l, const char *source, const char *provider, s32 more)
{
	struct account *a = mx_account_find(l, source, provider, 0);

	if (!a || !more)
		return;
	a->lent[MX_BORROWER_TABLE] += (u32)more;
	mx_account_put_urgent(l, a);
}

/* Connections that were made, or perhaps were, without the daemon: what was lent has covered them. */
static void charge_lent(struct mx_ledger *l, struct account *a, u32 n, u64 now)
{
	u32 messages = n * l->most_messages;
	enum mx_period period;

	if (!n)
		return;
	for (period = 0; period < MX_PERIODS; period++) {
		mx_window_charge(&a->window[period], period, now, MX_COUNT_CONNECTIONS, n);
		mx_window_charge(&a->window[period], period, now, MX_COUNT_ESTIMATED, messages);
	}
	if (a->warming && a->warming->ramp.count)
		mx_warmup_charge(&a->warming->state, now, messages,
				 mx_window_used(&a->window[MX_HOUR], MX_HOUR, now, MX_MESSAGES));
}

void mx_ledger_take_back(struct mx_ledger *l, const char *source, const char *provider, u32 spent, u32 lost, u32 lent,
			 u64 now)
{
	struct account *a = mx_account_find(l, source, provider, 0);

	if (!a)
		return;
	a->is_settled = true;
	if (!spent && !lost && a->lent[MX_BORROWER_TABLE] == lent)
		return;
	charge_lent(l, a, spent + lost, now);
	if (source && provider)
		l->lost += lost;
	a->lent[MX_BORROWER_TABLE] = lent;
	mx_account_put_urgent(l, a);
	if (a->room)
		mx_account_renew(l, a, now);
}

struct round {
	struct mx_ledger *ledger;
	u64 now;
};

static void end_one(const void *node, VISIT order, void *arg)
{
	struct account *a = *(struct account *const *)node;
	struct round *round = arg;

	if (order != postorder && order != leaf)
		return;
	if (!a->is_settled && a->lent[MX_BORROWER_TABLE])
		mx_ledger_take_back(round->ledger, a->source, a->provider, 0, a->lent[MX_BORROWER_TABLE], 0,
				    round->now);
	a->is_settled = false;
}

void mx_ledger_end_round(struct mx_ledger *l, u64 now)
{
	struct round round = { l, now };

	twalk_r(l->accounts, end_one, &round);
}

bool mx_ledger_wants_back(struct mx_ledger *l, enum mx_borrower borrower)
{
	bool wanted = l->wants_back[borrower];

	l->wants_back[borrower] = false;
	return wanted;
}

/* --- granted to the module -------------------------------------------------------------------------------------- */

/* How much one account may lend to the module besides what it has lent; ~0: it has no limits. */
static u32 grantable(const struct mx_ledger *l, const struct account *a, u64 now)
{
	u32 left[MX_UNITS], most, covered = a->covered_to[MX_CONNECTIONS] - a->spent[MX_CONNECTIONS];

	if (!a->room->limited)
		return ~0u;
	if (a->is_recalled)
		return 0;
	mx_account_left(l, a, now, left);
	most = left[MX_MESSAGES] / l->most_messages;
	most = left[MX_CONNECTIONS] < most ? left[MX_CONNECTIONS] : most;
	mx_room_spend(&most, (s32)covered > 0 ? covered : 0);
	mx_room_spend(&most, mx_account_lent(a));
	if ((a->room->limited & (1u << MX_CONNECTIONS)) && a->room->left[MX_CONNECTIONS] < most) /* its pace */
		most = a->room->left[MX_CONNECTIONS];
	if ((a->room->limited & (1u << MX_MESSAGES)) && a->room->left[MX_MESSAGES] / l->most_messages < most)
		most = a->room->left[MX_MESSAGES] / l->most_messages;
	return most / GRANTED_PART;
}

u32 mx_ledger_grant(struct mx_ledger *l, struct mx_lane_id lane, u32 wanted, u64 now)
{
	struct charged c = mx_account_charged(l, lane, now);
	u32 n = wanted, i;

	for (i = 0; i < c.count; i++) {
		u32 most = grantable(l, c.of[i], now);

		n = most < n ? most : n;
	}
	for (i = 0; n && i < c.count; i++)
		if (c.of[i]->room->limited) {
			c.of[i]->lent[MX_BORROWER_MODULE] += n;
			mx_account_put_urgent(l, c.of[i]);
		}
	return n;
}

/* So much of what was lent is lent no more; the rooms are worked out anew. */
static void end_grant(struct mx_ledger *l, const struct charged *c, u32 n, u64 now)
{
	u32 i;

	mx_state_settle_expected(l->terms.state, l->terms.snapshot); /* who may be chosen changes */
	for (i = 0; i < c->count; i++) {
		mx_room_spend(&c->of[i]->lent[MX_BORROWER_MODULE], n);
		if (n)
			mx_account_put_urgent(l, c->of[i]);
		mx_account_refresh(l, c->of[i], now);
	}
}

void mx_ledger_charge_granted(struct mx_ledger *l, struct mx_lane_id lane, u32 connections, u32 leased, u64 now)
{
	struct charged c = mx_account_charged(l, lane, now);
	u32 messages = mx_state_messages(l->terms.state, l->terms.snapshot, lane.provider, lane.source), i;

	for (i = 0; i < c.count; i++) { /* what was lent has covered them, and no lease of the queue's */
		c.of[i]->covered_to[MX_CONNECTIONS] += leased;
		c.of[i]->covered_to[MX_MESSAGES] += leased * messages;
	}
	if (connections)
		mx_ledger_charge(l, lane, connections, now);
	end_grant(l, &c, leased, now);
}

void mx_ledger_take_grant_back(struct mx_ledger *l, struct mx_lane_id lane, u32 connections, u64 now)
{
	struct charged c = mx_account_charged(l, lane, now);

	end_grant(l, &c, connections, now);
}

bool mx_ledger_is_recalled(struct mx_ledger *l, struct mx_lane_id lane, u64 now)
{
	struct charged c = mx_account_charged(l, lane, now);
	u32 i;

	for (i = 0; i < c.count; i++)
		if (c.of[i]->is_recalled)
			return true;
	return false;
}

struct recovery {
	struct mx_ledger *ledger;
	bool known;
	u32 (*left)(const char *source, const char *provider, void *arg);
	void *arg;
	u64 now;
};

static void recover_one(const void *node, VISIT order, void *arg)
{
	struct account *a = *(struct account *const *)node;
	struct recovery *r = arg;
	u32 spent = a->lent[MX_BORROWER_MODULE];

	if ((order != postorder && order != leaf) || !spent)
		return;
	if (r->known)
		mx_room_spend(&spent, r->left(a->source, a->provider, r->arg));
	else if (a->source && a->provider)
		r->ledger->lost += spent;
	charge_lent(r->ledger, a, spent, r->now);
	a->lent[MX_BORROWER_MODULE] = 0;
	mx_account_put_urgent(r->ledger, a);
	if (a->room)
		mx_account_renew(r->ledger, a, r->now);
}

void mx_ledger_recover_grants(struct mx_ledger *l, bool known,
			      u32 (*left)(const char *source, const char *provider, void *arg), void *arg, u64 now)
{
	struct recovery r = { l, known, left, arg, now };

	twalk_r(l->accounts, recover_one, &r);
}
