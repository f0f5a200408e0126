// SPDX-License-Identifier: GPL-2.0-or-later
/* What the fallback may send without the daemon. */
#include <search.h>

#include "core/pace.h"
#include "daemon/account.h"

#define LENT_PART 8 /* of what is left, while the daemon is there: that much is lost when the table is lost */

u32 mx_ledger_lendable(const struct mx_ledger *l, const char *source, const char *provider, bool leaving, u64 now)
{
	struct account *a = mx_account_find(l, source, provider, 0);
	u32 left[MX_UNITS], most, covered;
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
	interval = mx_account_pace(l, a, MX_CONNECTIONS);
	if (interval && most > MX_PACE_DEPTH / interval + 1)
		most = (u32)(MX_PACE_DEPTH / interval) + 1;
	return leaving ? most : most / LENT_PART;
}

u32 mx_ledger_lent(const struct mx_ledger *l, const char *source, const char *provider)
{
	const struct account *a = mx_account_find(l, source, provider, 0);

	return a ? a->lent : 0;
}

void mx_ledger_lend(struct mx_ledger *l, const char *source, const char *provider, s32 more)
{
	struct account *a = mx_account_find(l, source, provider, 0);

	if (!a || !more)
		return;
	a->lent += (u32)more;
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
	if (!spent && !lost && a->lent == lent)
		return;
	charge_lent(l, a, spent + lost, now);
	if (source && provider)
		l->lost += lost;
	a->lent = lent;
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
	if (!a->is_settled && a->lent)
		mx_ledger_take_back(round->ledger, a->source, a->provider, 0, a->lent, 0, round->now);
	a->is_settled = false;
}

void mx_ledger_end_round(struct mx_ledger *l, u64 now)
{
	struct round round = { l, now };

	twalk_r(l->accounts, end_one, &round);
}

bool mx_ledger_wants_back(struct mx_ledger *l)
{
	bool wanted = l->wants_back;

	l->wants_back = false;
	return wanted;
}
