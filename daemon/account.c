// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/account.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "core/pace.h"
#include "daemon/log.h"
#include "daemon/text.h"

#define LOOK_MSEC 3600000 /* how often the time of day is looked at by who waits for it */

void mx_account_free(void *account)
{
	struct account *a = account;

	free(a->warming);
	free(a);
}

int mx_account_compare(const void *a, const void *b)
{
	const struct account *x = a, *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	if (x->provider != y->provider)
		return x->provider < y->provider ? -1 : 1;
	return (x->network > y->network) - (x->network < y->network);
}

struct account *mx_account_find(const struct mx_ledger *l, const char *source, const char *provider, u64 network)
{
	struct account wanted = { .source = source, .provider = provider, .network = network };
	struct account *const *found = tfind(&wanted, &l->accounts, mx_account_compare);

	return found ? *found : NULL;
}

struct account *mx_account_find_or_add(struct mx_ledger *l, const char *source, const char *provider, u64 network)
{
	struct account *a = mx_account_find(l, source, provider, network);

	if (a)
		return a;
	a = mx_alloc(sizeof(*a));
	a->source = source;
	a->provider = provider;
	a->network = network;
	a->lease = MX_FIRST_LEASE;
	mx_have(tsearch(a, &l->accounts, mx_account_compare));
	return a;
}

void mx_account_put_dirty(struct mx_ledger *l, struct account *a)
{
	if (a->is_dirty)
		return;
	a->is_dirty = true;
	a->next_dirty = l->dirty;
	l->dirty = a;
}

void mx_account_put_urgent(struct mx_ledger *l, struct account *a)
{
	mx_account_put_dirty(l, a);
	l->urgent += a->is_urgent ? 0 : 1;
	a->is_urgent = true;
}

/* --- room ------------------------------------------------------------------------------------------------------- */

static u8 reason_of(enum mx_period period)
{
	static const u8 reasons[MX_PERIODS] = { MX_REASON_LIMIT_HOUR, MX_REASON_LIMIT_DAY, MX_REASON_LIMIT_WEEK };

	return reasons[period];
}

static const struct mx_limit *mx_account_limits(const struct mx_ledger *l, const struct account *a)
{
	return &mx_snapshot_limits(l->terms.snapshot)[a->first_limit];
}

static u32 most_wanted(const struct mx_ledger *l, enum mx_unit unit)
{
	return unit == MX_MESSAGES ? l->most_messages : 1;
}

static u32 least_wanted(const struct mx_ledger *l, enum mx_unit unit)
{
	return unit == MX_MESSAGES ? l->least_messages : 1;
}

/* Of how many units the next news are: enough for somebody, or else any more than are left. */
static u32 next_wanted(const struct mx_ledger *l, enum mx_unit unit, u32 left)
{
	return left < least_wanted(l, unit) ? least_wanted(l, unit) : left + 1;
}

bool mx_account_is_short(const struct mx_ledger *l, const struct account *a)
{
	return mx_room_for(a->room, l->most_messages) != MX_REASON_CANDIDATE;
}

/*
 * One more bound of the room: so much is left, and `ready` is when there will be as much as next_wanted() says. Where
 * nobody has room, all bounds have to give some; where somebody has, each may give more to the others.
 */
static void bound(const struct mx_ledger *l, struct mx_room *room, enum mx_unit unit, u32 left, enum mx_reason why,
		  u64 ready)
{
	bool nobody = mx_room_for(room, l->least_messages) != MX_REASON_CANDIDATE;

	if (left < least_wanted(l, unit))
		room->ready = !nobody || ready > room->ready ? ready : room->ready;
	else if (left < most_wanted(l, unit) && !nobody && (!room->ready || ready < room->ready))
		room->ready = ready;
	if ((room->limited & (1u << unit)) && left >= room->left[unit])
		return;
	room->limited |= (u8)(1u << unit);
	room->left[unit] = left;
	room->why[unit] = (u8)why;
}

static u64 interval_of(const struct mx_limit *limit)
{
	return mx_pace_interval(limit->most, mx_period_length(limit->period));
}

u32 mx_account_warmup_cap(const struct account *a)
{
	return a->warming ? mx_warmup_cap(&a->warming->state, &a->warming->ramp) : 0;
}

/* The slowest of its limits in one unit sets the pace, the cap of a warm-up among them; 0: none. */
u64 mx_account_pace(const struct mx_ledger *l, const struct account *a, enum mx_unit unit)
{
	const struct mx_limit *limits = mx_account_limits(l, a);
	u32 cap = unit == MX_MESSAGES ? mx_account_warmup_cap(a) : 0, i;
	u64 slowest = 0;

	if ((!a->limits && !cap) || !a->is_paced)
		return 0;
	if (cap)
		slowest = mx_pace_interval(cap, mx_period_length(a->warming->ramp.hourly ? MX_HOUR : MX_DAY));
	for (i = 0; i < a->limits; i++)
		if (limits[i].unit == unit && interval_of(&limits[i]) > slowest)
			slowest = interval_of(&limits[i]);
	return slowest;
}

static void bound_by_pace(struct mx_ledger *l, struct account *a, enum mx_unit unit, u64 now)
{
	u64 interval = mx_account_pace(l, a, unit), *full_at = &a->full_at[unit];
	u32 n = most_wanted(l, unit), left;

	if (!interval)
		return;
	if (!*full_at)
		*full_at = mx_pace_begin(interval, n, now * 1000);
	left = mx_pace_left(*full_at, interval, n, now * 1000);
	bound(l, a->room, unit, left, MX_REASON_PACE,
	      mx_pace_ready(*full_at, interval, n, next_wanted(l, unit, left)) / 1000 + 1);
}

static void bound_by_limit(const struct mx_ledger *l, struct account *a, const struct mx_limit *limit, u64 now)
{
	const struct mx_window *w = &a->window[limit->period];
	u32 used = mx_window_used(w, limit->period, now, limit->unit);
	u32 left = used < limit->most ? limit->most - used : 0;

	bound(l, a->room, limit->unit, left, reason_of(limit->period),
	      mx_window_free_at(w, limit->period, now, limit->unit, limit->most, next_wanted(l, limit->unit, left)));
}

static void bound_by_warmup(const struct mx_ledger *l, struct account *a, u64 now)
{
	struct warming *w = a->warming;
	u32 cap, used, left;
	u64 ready;

	if (!w || !w->ramp.count)
		return;
	mx_warmup_advance(&w->state, &w->ramp, now);
	cap = mx_warmup_cap(&w->state, &w->ramp);
	if (!cap)
		return;
	if (l->wall < w->from) { /* the time of day may be set meanwhile */
		bound(l, a->room, MX_MESSAGES, 0, MX_REASON_WARMUP,
		      now + (w->from - l->wall < LOOK_MSEC ? w->from - l->wall : LOOK_MSEC));
		return;
	}
	used = w->ramp.hourly ? mx_window_used(&a->window[MX_HOUR], MX_HOUR, now, MX_MESSAGES) : w->state.sent;
	left = used < cap ? cap - used : 0;
	ready = mx_warmup_day_ends(&w->state);
	if (w->ramp.hourly) {
		u64 free_at = mx_window_free_at(&a->window[MX_HOUR], MX_HOUR, now, MX_MESSAGES, cap,
						next_wanted(l, MX_MESSAGES, left));

		ready = free_at < ready ? free_at : ready;
	}
	bound(l, a->room, MX_MESSAGES, left, MX_REASON_WARMUP, ready);
}

void mx_account_bound_by_cover(const struct mx_ledger *l, struct account *a)
{
	u32 unit;

	for (unit = 0; unit < MX_UNITS; unit++) {
		s32 covered = (s32)(a->covered_to[unit] - a->spent[unit]);

		a->room->covered[unit] = covered > 0 ? (u32)covered : 0;
		if (l->terms.config->mode == MX_OBSERVE) /* nothing is spent: nobody has to wait for the file */
			a->room->covered[unit] = ~0u;
	}
}

static void work_out(struct mx_ledger *l, struct account *a, u64 now)
{
	const struct mx_limit *limits = mx_account_limits(l, a);
	u32 i;

	mx_state_changed(l->terms.state);
	memset(a->room, 0, sizeof(*a->room));
	a->room->opened = true;
	for (i = 0; i < a->limits; i++)
		bound_by_limit(l, a, &limits[i], now);
	bound_by_warmup(l, a, now);
	for (i = 0; i < MX_UNITS; i++)
		bound_by_pace(l, a, i, now);
	mx_account_bound_by_cover(l, a);
}

u64 mx_account_due(const struct mx_ledger *l, const struct account *a)
{
	u64 at = mx_account_is_short(l, a) ? a->room->ready : MX_NEVER, day;

	if (!a->warming || !a->warming->ramp.count)
		return at;
	day = mx_warmup_next(&a->warming->state, &a->warming->ramp);
	return day < at ? day : at;
}

/* While it is short, its room has to be worked out before. */
void mx_account_put_due(struct mx_ledger *l, struct account *a)
{
	u64 at = mx_account_due(l, a);

	if (at < l->next)
		l->next = at;
	if (a->is_short || at == MX_NEVER)
		return;
	a->is_short = true;
	a->next_short = l->short_of;
	l->short_of = a;
}

/* Works out the room anew. Who is short is asked about again when there may be more. */
void mx_account_refresh(struct mx_ledger *l, struct account *a, u64 now)
{
	work_out(l, a, now);
	mx_account_put_due(l, a);
}

void mx_account_renew(struct mx_ledger *l, struct account *a, u64 now)
{
	mx_state_settle_expected(l->terms.state, l->terms.snapshot); /* who may be chosen changes */
	mx_account_refresh(l, a, now);
}

/* What the limits still have room for, whatever their pace is. */
void mx_account_left(const struct mx_ledger *l, const struct account *a, u64 now, u32 left[MX_UNITS])
{
	const struct mx_limit *limits = mx_account_limits(l, a);
	u32 cap = mx_account_warmup_cap(a), i;

	left[MX_MESSAGES] = left[MX_CONNECTIONS] = ~0u;
	if (cap) {
		u32 sent = a->warming->ramp.hourly ? mx_window_used(&a->window[MX_HOUR], MX_HOUR, now, MX_MESSAGES)
						   : a->warming->state.sent;

		left[MX_MESSAGES] = sent < cap ? cap - sent : 0;
	}
	for (i = 0; i < a->limits; i++) {
		u32 used = mx_window_used(&a->window[limits[i].period], limits[i].period, now, limits[i].unit);
		u32 more = used < limits[i].most ? limits[i].most - used : 0;

		if (more < left[limits[i].unit])
			left[limits[i].unit] = more;
	}
}
