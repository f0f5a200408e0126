// SPDX-License-Identifier: GPL-2.0-or-later
/* What is written of an account, and how much more of it may be spent until it is written again. */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/account.h"
#include "daemon/log.h"
#include "daemon/names.h"
#include "daemon/text.h"

#define LARGEST_LEASE 14  /* as a power of two */
#define HURRY_MSEC 250    /* a lease that is half gone within this time was too small */
#define IDLE_MSEC 4000    /* one of which hardly anything was used in this time was too large */
#define COLLECTED_MSEC 16 /* the unit of account.collected */
#define LEASE_PART 8      /* a lease is at most this part of what is left */
#define PLENTY 128        /* connections: nobody has to call back what is lent */

struct written {
	struct mx_window window[MX_PERIODS];
	u64 full_at[MX_UNITS];
	struct mx_warmup warmup;
	u32 average;
	u32 reserved;
};

_Static_assert(sizeof(struct written) == MX_ACCOUNT_BYTES, "an account fits its row; its layout is the schema's");

bool mx_ledger_is_urgent(const struct mx_ledger *l)
{
	return l->urgent;
}

static void end_lease(const void *node, VISIT order, void *arg)
{
	struct account *a = *(struct account *const *)node;

	if ((order == postorder || order == leaf) && (a->covered_to[MX_CONNECTIONS] != a->spent[MX_CONNECTIONS] ||
						      a->covered_to[MX_MESSAGES] != a->spent[MX_MESSAGES]))
		mx_account_put_dirty(arg, a);
}

void mx_ledger_end_leases(struct mx_ledger *l)
{
	twalk_r(l->accounts, end_lease, l);
}

/* A lease of so much; near a limit it shrinks to what one connection takes: that is what a crash costs. */
static u32 lease_of(u32 wanted, u32 left, u32 connection)
{
	u32 part = left / LEASE_PART > connection ? left / LEASE_PART : connection;
	u32 most = part < left ? part : left;

	return wanted < most ? wanted : most;
}

/*
 * Four times as much when the last one did not last: somebody had to wait, or half of it was gone at once. Half when
 * hardly any of it was used for long. So commits are few, and so is what a crash costs.
 */
static void next_lease(const struct mx_ledger *l, struct account *a, u64 now, u32 lease[MX_UNITS])
{
	u32 used = (u16)(a->spent[MX_CONNECTIONS] - a->written), left[MX_UNITS], lease_now;
	u32 age = (u16)(now / COLLECTED_MSEC - a->collected) * COLLECTED_MSEC;

	if ((a->is_awaited || (a->was_urgent && age < HURRY_MSEC)) && a->lease < LARGEST_LEASE)
		a->lease += a->lease + 1 < LARGEST_LEASE ? 2 : 1;
	else if (age > IDLE_MSEC && used < mx_account_lease(a) / 4 && a->lease > MX_FIRST_LEASE)
		a->lease--;
	a->collected = (u16)(now / COLLECTED_MSEC);
	a->is_awaited = false;
	mx_account_left(l, a, now, left);
	mx_room_spend(&left[MX_CONNECTIONS], mx_account_lent(a));
	mx_room_spend(&left[MX_MESSAGES], mx_account_lent(a) * l->most_messages);
	if (left[MX_CONNECTIONS] >= PLENTY && left[MX_MESSAGES] / l->most_messages >= PLENTY)
		a->is_recalled = false;
	lease_now = mx_account_lease(a);
	lease[MX_CONNECTIONS] = lease_of(lease_now, left[MX_CONNECTIONS], 1);
	lease[MX_MESSAGES] = lease_of(lease_now * l->most_messages, left[MX_MESSAGES], l->most_messages);
}

static void write_row(struct mx_ledger *l, struct account *a, struct mx_ledger_row *row, bool leases, u64 now)
{
	struct written data = { .average = a->average };
	u32 unit;

	memcpy(data.window, a->window, sizeof(data.window));
	memcpy(data.full_at, a->full_at, sizeof(data.full_at));
	if (a->warming)
		data.warmup = a->warming->state;
	*row = (struct mx_ledger_row){ .source = a->source ? a->source : "",
				       .provider = a->provider ? a->provider : "",
				       .network = a->network,
				       .lent = { a->lent[MX_BORROWER_TABLE], a->lent[MX_BORROWER_MODULE] },
				       .account = a,
				       .gone = a->is_gone,
				       .spent = { a->spent[0], a->spent[1] } };
	memcpy(row->data, &data, sizeof(data));
	if (leases && a->room && a->room->limited)
		next_lease(l, a, now, row->lease);
	for (unit = 0; unit < MX_UNITS; unit++) /* which of both rows is in the file is not known until it is there */
		if ((s32)(a->spent[unit] + row->lease[unit] - a->covered_to[unit]) < 0)
			a->covered_to[unit] = a->spent[unit] + row->lease[unit];
	a->written = (u16)a->spent[MX_CONNECTIONS];
	if (a->room)
		mx_account_bound_by_cover(l, a);
}

u32 mx_ledger_collect(struct mx_ledger *l, struct mx_ledger_row *rows, u32 count, bool leases, u64 now)
{
	u32 n = 0;

	while (l->dirty && n < count) {
		struct account *a = l->dirty;

		l->dirty = a->next_dirty;
		l->urgent -= a->is_urgent;
		a->was_urgent = a->is_urgent;
		a->is_dirty = a->is_urgent = false;
		write_row(l, a, &rows[n++], leases, now);
	}
	return n;
}

static void take_off_short(struct mx_ledger *l, const struct account *a)
{
	struct account **at = &l->short_of;

	while (*at && *at != a)
		at = &(*at)->next_short;
	if (*at)
		*at = a->next_short;
}

void mx_ledger_written(struct mx_ledger *l, const struct mx_ledger_row *rows, u32 count, bool good, u64 now)
{
	u32 i, unit;

	(void)now;
	for (i = 0; i < count; i++) {
		struct account *a = rows[i].account;

		if (!good) {
			mx_account_put_urgent(l, a);
			continue;
		}
		if (rows[i].gone && a->is_gone && !a->is_dirty) {
			take_off_short(l, a);
			tdelete(a, &l->accounts, mx_account_compare);
			mx_account_free(a);
			continue;
		}
		for (unit = 0; unit < MX_UNITS; unit++)
			a->covered_to[unit] = rows[i].spent[unit] + rows[i].lease[unit];
		if (a->room)
			mx_account_bound_by_cover(l, a);
	}
}

void mx_ledger_load(struct mx_ledger *l, const struct mx_ledger_row *row, u64 now)
{
	struct account *a = mx_account_find_or_add(l, *row->source ? mx_name(row->source) : NULL,
						   *row->provider ? mx_name(row->provider) : NULL, row->network);
	static const struct mx_warmup untouched;
	struct written data;
	enum mx_period period;

	memcpy(&data, row->data, sizeof(data));
	memcpy(a->window, data.window, sizeof(data.window));
	memcpy(a->full_at, data.full_at, sizeof(data.full_at));
	a->average = data.average;
	if (row->lease[MX_MESSAGES] || memcmp(&data.warmup, &untouched, sizeof(untouched))) {
		a->warming = mx_alloc(sizeof(*a->warming));
		a->warming->state = data.warmup;
		a->warming->lost = row->lease[MX_MESSAGES];
	}
	for (period = 0; period < MX_PERIODS; period++) {
		mx_window_charge(&a->window[period], period, now, MX_COUNT_CONNECTIONS, row->lease[MX_CONNECTIONS]);
		mx_window_charge(&a->window[period], period, now, MX_COUNT_ESTIMATED, row->lease[MX_MESSAGES]);
	}
	if (a->source && a->provider && !a->network)
		l->lost += row->lease[MX_CONNECTIONS];
	memcpy(a->lent, row->lent, sizeof(a->lent)); /* table and module may tell what became of it */
	mx_account_put_urgent(l, a);
}

u64 mx_ledger_lost(const struct mx_ledger *l)
{
	return l->lost;
}
