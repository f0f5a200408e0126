// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ledger.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/pace.h"
#include "daemon/log.h"
#include "daemon/names.h"
#include "daemon/text.h"

#define FIRST_LEASE 4 /* connections; doubled when it is used up between two writes */
#define LARGEST_LEASE 4096
#define LEASE_PART 8 /* a lease is at most this part of what is left */
#define MEMORY 64    /* connections that the learned average looks back on */

struct warming {
	struct mx_warmup state;
	struct mx_ramp ramp; /* no caps: the policy in force does not warm it up */
	u64 from;            /* time of day in ms: nothing is sent before */
};

/*
 * Of a source (provider NULL), a provider (source NULL), or one at the other. 1 KB, most of it the windows: all of them
 * are kept, whatever limits there are, so that a new limit knows what was sent before it came.
 */
struct account {
	const char *source, *provider; /* of mx_name(): compared as pointers */
	u64 network;
	struct mx_room *room; /* in the state; NULL: the policy in force does not have it */
	struct account *next_short, *next_dirty;
	struct warming *warming;  /* NULL: it is not, and never was, warmed up */
	u64 full_at[MX_UNITS];    /* of the pace */
	u32 first_limit;          /* of the snapshot */
	u16 limits;               /* how many */
	u16 lease;                /* connections that the next lease is worth */
	u32 spent[MX_UNITS];      /* in all; wraps */
	u32 covered_to[MX_UNITS]; /* as far as `spent` may go */
	u32 written;              /* connections spent when it was written last */
	u32 average;              /* messages of a connection, in thousandths; 0: nothing was reported yet */
	bool is_short;            /* in the list of those that have no room for a connection */
	bool is_dirty;            /* in the list of those that have changed since they were written */
	bool is_urgent;           /* somebody waits, or will soon, for its being written */
	bool is_gone;             /* given up; freed when its row is out of the file */
	bool is_paced;            /* its provider spreads its limits */
	struct mx_window window[MX_PERIODS];
};

_Static_assert(sizeof(struct account) <= 1024, "an account takes 1 KB");

struct mx_ledger {
	struct mx_ledger_terms terms;
	u32 most_messages;          /* that one connection is charged for */
	void *accounts;             /* tsearch(), by name */
	struct account **of_source; /* [source] */
	struct account **of_provider;
	struct account **of_lane; /* [provider * sources + source]; NULL: not used yet */
	struct account *short_of, *dirty;
	u32 urgent; /* how many accounts are */
	u64 ticked, next, wall, lost;
};

static void free_account(void *account)
{
	struct account *a = account;

	free(a->warming);
	free(a);
}

struct mx_ledger *mx_ledger_new(void)
{
	struct mx_ledger *l = mx_alloc(sizeof(*l));

	l->next = MX_NEVER;
	return l;
}

void mx_ledger_free(struct mx_ledger *l)
{
	tdestroy(l->accounts, free_account);
	free(l->of_source);
	free(l->of_provider);
	free(l->of_lane);
	free(l);
}

/* --- accounts --------------------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const struct account *x = a, *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	if (x->provider != y->provider)
		return x->provider < y->provider ? -1 : 1;
	return (x->network > y->network) - (x->network < y->network);
}

static struct account *find(const struct mx_ledger *l, const char *source, const char *provider, u64 network)
{
	struct account wanted = { .source = source, .provider = provider, .network = network };
	struct account *const *found = tfind(&wanted, &l->accounts, compare);

	return found ? *found : NULL;
}

static struct account *find_or_add(struct mx_ledger *l, const char *source, const char *provider, u64 network)
{
	struct account *a = find(l, source, provider, network);

	if (a)
		return a;
	a = mx_alloc(sizeof(*a));
	a->source = source;
	a->provider = provider;
	a->network = network;
	a->lease = FIRST_LEASE;
	if (!tsearch(a, &l->accounts, compare))
		mx_fatal("out of memory");
	return a;
}

static void put_dirty(struct mx_ledger *l, struct account *a)
{
	if (a->is_dirty)
		return;
	a->is_dirty = true;
	a->next_dirty = l->dirty;
	l->dirty = a;
}

static void put_urgent(struct mx_ledger *l, struct account *a)
{
	put_dirty(l, a);
	l->urgent += !a->is_urgent;
	a->is_urgent = true;
}

/* --- room ------------------------------------------------------------------------------------------------------- */

static u8 reason_of(enum mx_period period)
{
	static const u8 reasons[MX_PERIODS] = { MX_REASON_LIMIT_HOUR, MX_REASON_LIMIT_DAY, MX_REASON_LIMIT_WEEK };

	return reasons[period];
}

static const struct mx_limit *limits_of(const struct mx_ledger *l, const struct account *a)
{
	return &mx_snapshot_limits(l->terms.snapshot)[a->first_limit];
}

static u32 room_wanted(const struct mx_ledger *l, enum mx_unit unit)
{
	return unit == MX_MESSAGES ? l->most_messages : 1;
}

static bool is_short(const struct mx_ledger *l, const struct account *a)
{
	return mx_room_for(a->room, l->most_messages) != MX_REASON_CANDIDATE;
}

/* One more bound of the room: so much is left, and `ready` is when there will be enough for a connection. */
static void bound(const struct mx_ledger *l, struct mx_room *room, enum mx_unit unit, u32 left, enum mx_reason why,
		  u64 ready)
{
	if (left < room_wanted(l, unit) && ready > room->ready)
		room->ready = ready;
	if ((room->limited & (1u << unit)) && left >= room->left[unit])
		return;
	room->limited |= (u8)(1u << unit);
	room->left[unit] = left;
	room->why[unit] = (u8)why;
}

/* A provider with an even pace spreads its limits; those of a source as a whole are no provider's. */
static bool is_paced(const struct mx_ledger *l, const struct account *a)
{
	const struct mx_conf_provider *providers = l->terms.config->providers;
	u16 provider = a->provider ? mx_config_provider(l->terms.config, a->provider) : MX_NONE;

	return provider != MX_NONE && providers[provider].even_pace;
}

static u64 interval_of(const struct mx_limit *limit)
{
	return mx_pace_interval(limit->most, mx_period_length(limit->period));
}

static u32 warmup_cap(const struct account *a)
{
	return a->warming ? mx_warmup_cap(&a->warming->state, &a->warming->ramp) : 0;
}

/* The slowest of its limits in one unit sets the pace, the cap of a warm-up among them; 0: none. */
static u64 pace_of(const struct mx_ledger *l, const struct account *a, enum mx_unit unit)
{
	const struct mx_limit *limits = limits_of(l, a);
	u32 cap = unit == MX_MESSAGES ? warmup_cap(a) : 0, i;
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
	u64 interval = pace_of(l, a, unit), *full_at = &a->full_at[unit];
	u32 n = room_wanted(l, unit), left;

	if (!interval)
		return;
	if (!*full_at)
		*full_at = mx_pace_begin(interval, n, now * 1000);
	left = mx_pace_left(*full_at, interval, n, now * 1000);
	bound(l, a->room, unit, left, MX_REASON_PACE, mx_pace_ready(*full_at, interval, n) / 1000 + 1);
}

static void bound_by_limit(const struct mx_ledger *l, struct account *a, const struct mx_limit *limit, u64 now)
{
	const struct mx_window *w = &a->window[limit->period];
	u32 used = mx_window_used(w, limit->period, now, limit->unit);
	u32 n = room_wanted(l, limit->unit);

	bound(l, a->room, limit->unit, used < limit->most ? limit->most - used : 0, reason_of(limit->period),
	      mx_window_free_at(w, limit->period, now, limit->unit, limit->most, n));
}

static void bound_by_warmup(const struct mx_ledger *l, struct account *a, u64 now)
{
	struct warming *w = a->warming;
	u32 cap, used;
	u64 ready;

	if (!w || !w->ramp.count)
		return;
	mx_warmup_advance(&w->state, &w->ramp, now);
	cap = mx_warmup_cap(&w->state, &w->ramp);
	if (!cap)
		return;
	if (l->wall < w->from) {
		bound(l, a->room, MX_MESSAGES, 0, MX_REASON_WARMUP, now + (w->from - l->wall));
		return;
	}
	used = w->ramp.hourly ? mx_window_used(&a->window[MX_HOUR], MX_HOUR, now, MX_MESSAGES) : w->state.sent;
	ready = mx_warmup_day_ends(&w->state);
	if (w->ramp.hourly) {
		u64 free_at = mx_window_free_at(&a->window[MX_HOUR], MX_HOUR, now, MX_MESSAGES, cap, l->most_messages);

		ready = free_at < ready ? free_at : ready;
	}
	bound(l, a->room, MX_MESSAGES, used < cap ? cap - used : 0, MX_REASON_WARMUP, ready);
}

static void bound_by_cover(struct account *a)
{
	u32 unit;

	for (unit = 0; unit < MX_UNITS; unit++) {
		s32 covered = (s32)(a->covered_to[unit] - a->spent[unit]);

		a->room->covered[unit] = covered > 0 ? (u32)covered : 0;
	}
}

static void work_out(struct mx_ledger *l, struct account *a, u64 now)
{
	const struct mx_limit *limits = limits_of(l, a);
	u32 i;

	memset(a->room, 0, sizeof(*a->room));
	a->room->opened = true;
	for (i = 0; i < a->limits; i++)
		bound_by_limit(l, a, &limits[i], now);
	bound_by_warmup(l, a, now);
	for (i = 0; i < MX_UNITS; i++)
		bound_by_pace(l, a, i, now);
	bound_by_cover(a);
}

static void put_short(struct mx_ledger *l, struct account *a)
{
	if (a->room->ready < l->next)
		l->next = a->room->ready;
	if (a->is_short)
		return;
	a->is_short = true;
	a->next_short = l->short_of;
	l->short_of = a;
}

/* Works out the room anew. Who is short is asked about again when there may be more. */
static void refresh(struct mx_ledger *l, struct account *a, u64 now)
{
	work_out(l, a, now);
	if (is_short(l, a))
		put_short(l, a);
}

static void renew(struct mx_ledger *l, struct account *a, u64 now)
{
	mx_state_settle_expected(l->terms.state, l->terms.snapshot); /* who may be chosen changes */
	refresh(l, a, now);
}

bool mx_ledger_tick(struct mx_ledger *l, u64 now, u64 wall)
{
	struct account **at = &l->short_of, *a;
	bool any = false;

	l->wall = wall;
	if (now <= l->ticked || now < l->next)
		return false;
	l->ticked = now;
	l->next = MX_NEVER;
	while ((a = *at)) {
		if (a->room && a->room->ready <= now)
			renew(l, a, now);
		if (a->room && is_short(l, a)) {
			l->next = a->room->ready < l->next ? a->room->ready : l->next;
			at = &a->next_short;
			continue;
		}
		any = true;
		a->is_short = false;
		*at = a->next_short;
	}
	return any;
}

u64 mx_ledger_next(const struct mx_ledger *l)
{
	return l->next;
}

/* --- charging --------------------------------------------------------------------------------------------------- */

/*
 * What the next connections of a lane are charged for: the learned average, rounded up. It comes down a little later
 * than it goes up, so that it does not flutter. What was charged before is given back by the smaller of both.
 */
static void learn(struct mx_ledger *l, const struct account *a, u32 provider, u32 source)
{
	struct mx_lane *lane = mx_state_lane(l->terms.state, provider, source);
	u32 before = mx_state_messages(l->terms.state, l->terms.snapshot, provider, source);
	u32 messages = (a->average + 999) / 1000;

	if (!messages)
		return;
	if (messages + 1 == before && a->average + 250 > messages * 1000)
		messages = before;
	lane->messages = messages;
	lane->returned = messages < before ? messages : before;
	if (messages > l->most_messages)
		l->most_messages = messages;
}

static void take_pace(const struct mx_ledger *l, struct account *a, enum mx_unit unit, u32 n, u64 now)
{
	u64 interval = pace_of(l, a, unit);

	if (interval)
		a->full_at[unit] = mx_pace_take(a->full_at[unit], interval, n, now * 1000);
}

/* What has not been used of a day when it ends is no room of the next. */
static void charge_warmup(struct mx_ledger *l, struct account *a, u32 messages, u64 now)
{
	struct warming *w = a->warming;
	u64 ends = mx_warmup_day_ends(&w->state);

	mx_warmup_advance(&w->state, &w->ramp, now);
	mx_warmup_charge(&w->state, now, messages, mx_window_used(&a->window[MX_HOUR], MX_HOUR, now, MX_MESSAGES));
	if (now >= ends)
		renew(l, a, now);
}

static void charge(struct mx_ledger *l, struct account *a, u32 messages, u64 now)
{
	mx_window_charge_connection(a->window, now, messages);
	a->spent[MX_CONNECTIONS]++;
	a->spent[MX_MESSAGES] += messages;
	put_dirty(l, a);
	if (a->warming && a->warming->ramp.count)
		charge_warmup(l, a, messages, now);
	if (!a->room->limited)
		return;
	take_pace(l, a, MX_CONNECTIONS, 1, now);
	take_pace(l, a, MX_MESSAGES, messages, now);
	if (a->room->covered[MX_CONNECTIONS] <= a->lease / 2u || !mx_room_covers(a->room, l->most_messages))
		put_urgent(l, a);
	if (!a->is_short && is_short(l, a))
		renew(l, a, now);
}

static u64 day_of(const char *date)
{
	struct tm tm = { 0 };

	strptime(date, "%Y-%m-%d", &tm);
	tm.tm_isdst = -1;
	return (u64)mktime(&tm) * 1000;
}

static void warm_up(struct mx_ledger *l, struct account *a, u32 source)
{
	const struct mx_conf_warmup *conf = &l->terms.config->sources[source].warmup;
	const struct mx_conf_schedule *schedule = &l->terms.config->schedules[conf->schedule];

	if (!a->warming)
		a->warming = mx_alloc(sizeof(*a->warming));
	a->warming->ramp = (struct mx_ramp){ schedule->caps, schedule->count, schedule->hourly };
	a->warming->from = day_of(conf->started);
}

/* An account takes the place of its name in the policy. */
static struct account *attach(struct mx_ledger *l, struct account *a, struct mx_span limits, struct mx_room *room,
			      u64 now)
{
	a->first_limit = limits.first;
	a->limits = (u16)limits.count;
	a->room = room;
	a->is_paced = is_paced(l, a);
	refresh(l, a, now);
	return a;
}

static const struct mx_source *conf_source(const struct mx_ledger *l, u32 source)
{
	return &mx_snapshot_sources(l->terms.snapshot)[source];
}

static struct account *source_account(struct mx_ledger *l, u32 source, u64 now)
{
	struct account **a = &l->of_source[source];

	if (*a)
		return *a;
	*a = find_or_add(l, l->terms.source_names[source], NULL, 0);
	if (conf_source(l, source)->warmup == MX_WARMS_WHOLE)
		warm_up(l, *a, source);
	return attach(l, *a, conf_source(l, source)->limits, &l->terms.state->source_room[source], now);
}

static struct account *provider_account(struct mx_ledger *l, u32 provider, u64 now)
{
	struct account **a = &l->of_provider[provider];

	if (*a)
		return *a;
	*a = find_or_add(l, NULL, l->terms.provider_names[provider], 0);
	return attach(l, *a, mx_snapshot_providers(l->terms.snapshot)[provider].total_limits,
		      &l->terms.state->provider_room[provider], now);
}

static struct account *lane_account(struct mx_ledger *l, u32 provider, u32 source, u64 now)
{
	struct account **a = &l->of_lane[provider * l->terms.state->sources + source];

	if (*a)
		return *a;
	*a = find_or_add(l, l->terms.source_names[source], l->terms.provider_names[provider], 0);
	if (conf_source(l, source)->warmup == MX_WARMS_LANES && provider != l->terms.snapshot->default_provider)
		warm_up(l, *a, source);
	attach(l, *a, mx_snapshot_lane_limits(l->terms.snapshot, provider, source),
	       &mx_state_lane(l->terms.state, provider, source)->room, now);
	learn(l, *a, provider, source);
	return *a;
}

/* The account of a network goes with its place in the state. */
static void give_up(struct mx_ledger *l, const struct mx_network_lane *gone)
{
	u32 source;

	for (source = 0; source < l->terms.state->sources; source++) {
		struct account *a;

		if (conf_source(l, source)->key != gone->source)
			continue;
		a = find(l, l->terms.source_names[source], l->terms.provider_names[l->terms.snapshot->default_provider],
			 gone->network);
		if (!a)
			continue;
		a->room = NULL;
		a->is_gone = true;
		put_dirty(l, a);
	}
}

/* At a destination's network only what is warmed up there has an account; what else is kept stands in the state. */
static struct account *network_account(struct mx_ledger *l, struct mx_lane_id id, u64 now)
{
	struct mx_state *state = l->terms.state;
	struct mx_network_lane *lane, gone;
	struct account *a;

	if (!id.network || !state->networks)
		return NULL;
	lane = mx_networks_add(state->networks, id.network, conf_source(l, id.source)->key, (u32)(now / 1000), &gone);
	if (gone.network)
		give_up(l, &gone);
	if (!lane || conf_source(l, id.source)->warmup != MX_WARMS_LANES)
		return NULL;
	a = find_or_add(l, l->terms.source_names[id.source], l->terms.provider_names[id.provider], id.network);
	a->is_gone = false;
	if (a->room != &lane->room) {
		warm_up(l, a, id.source);
		attach(l, a, (struct mx_span){ 0, 0 }, &lane->room, now);
	}
	return a;
}

/* Everything that a connection is charged to. */
struct charged {
	struct account *of[4];
	u32 count;
};

static struct charged charged(struct mx_ledger *l, struct mx_lane_id id, u64 now)
{
	struct charged c = { { source_account(l, id.source, now), provider_account(l, id.provider, now),
			       lane_account(l, id.provider, id.source, now), network_account(l, id, now) },
			     3 };

	c.count += c.of[3] != NULL;
	return c;
}

void mx_ledger_charge(struct mx_ledger *l, struct mx_lane_id id, u64 now)
{
	struct charged c = charged(l, id, now);
	u32 messages = mx_state_messages(l->terms.state, l->terms.snapshot, id.provider, id.source), i;
	struct mx_network_lane *network = mx_state_network_lane(l->terms.state, l->terms.snapshot, id);

	for (i = 0; i < c.count; i++)
		charge(l, c.of[i], messages, now);
	if (!network)
		return;
	network->open++;
	if (c.count == 4)
		network->needed = (u32)(mx_warmup_day_ends(&c.of[3]->warming->state) / 1000 + 1);
}

void mx_ledger_want(struct mx_ledger *l, struct mx_lane_id id, u64 now)
{
	struct charged c = charged(l, id, now);
	u32 i;

	for (i = 0; i < c.count; i++)
		if (c.of[i]->room->limited && !mx_room_covers(c.of[i]->room, l->most_messages))
			put_urgent(l, c.of[i]);
}

/* --- corrections ------------------------------------------------------------------------------------------------ */

/* What a connection was charged for at least, should it have failed. */
static u32 returned(const struct mx_ledger *l, struct mx_lane_id id)
{
	const struct mx_lane *lane = mx_state_lane(l->terms.state, id.provider, id.source);

	return lane->returned ? lane->returned
			      : mx_state_messages(l->terms.state, l->terms.snapshot, id.provider, id.source);
}

static void give_back(struct account *a, enum mx_count what, u32 n, u64 then)
{
	enum mx_period period;

	for (period = 0; period < MX_PERIODS; period++)
		mx_window_return(&a->window[period], period, then, what, n);
}

static void give_back_messages(struct account *a, u32 n, u64 then)
{
	give_back(a, MX_COUNT_ESTIMATED, n, then);
	if (a->warming)
		mx_warmup_return(&a->warming->state, then, n);
}

void mx_ledger_refund(struct mx_ledger *l, struct mx_lane_id id, u64 then, u64 now)
{
	struct charged c = charged(l, id, now);
	u32 i;

	for (i = 0; i < c.count; i++) {
		give_back(c.of[i], MX_COUNT_CONNECTIONS, 1, then);
		give_back_messages(c.of[i], returned(l, id), then);
		put_dirty(l, c.of[i]);
		renew(l, c.of[i], now);
	}
}

static void settle(struct mx_ledger *l, struct account *a, u64 then, u32 estimated, u32 messages, u64 now)
{
	enum mx_period period;

	give_back_messages(a, estimated, then);
	for (period = 0; period < MX_PERIODS; period++)
		mx_window_charge_late(&a->window[period], period, then, MX_COUNT_SETTLED, messages);
	if (a->warming && a->warming->ramp.count)
		mx_warmup_charge(&a->warming->state, now, messages,
				 mx_window_used(&a->window[MX_HOUR], MX_HOUR, now, MX_MESSAGES));
	if (messages > estimated) {
		a->spent[MX_MESSAGES] += messages - estimated;
		take_pace(l, a, MX_MESSAGES, messages - estimated, now);
	}
	put_urgent(l, a);
	renew(l, a, now);
}

void mx_ledger_settle(struct mx_ledger *l, struct mx_lane_id id, u64 then, u32 connections, u32 messages, u64 now)
{
	struct charged c = charged(l, id, now);
	struct account *lane = c.of[2];
	u32 weight = connections < MEMORY ? connections : MEMORY, i;
	u64 seen;

	for (i = 0; i < c.count; i++)
		settle(l, c.of[i], then, connections * returned(l, id), messages, now);
	if (!connections)
		return;
	seen = (u64)messages * 1000 / connections;
	lane->average = (u32)(lane->average ? (lane->average * (u64)(MEMORY - weight) + seen * weight) / MEMORY : seen);
	learn(l, lane, id.provider, id.source);
}

/* --- warm-up ---------------------------------------------------------------------------------------------------- */

struct steering {
	struct mx_ledger *ledger;
	const char *source, *provider; /* provider NULL: at all of them */
	enum mx_warmup_step step;
	u64 now;
};

static void steer_one(const void *node, VISIT order, void *arg)
{
	struct account *a = *(struct account *const *)node;
	struct steering *s = arg;

	if ((order != postorder && order != leaf) || a->source != s->source || !a->warming || !a->room ||
	    (s->provider && a->provider != s->provider))
		return;
	mx_warmup_steer(&a->warming->state, &a->warming->ramp, s->step);
	put_urgent(s->ledger, a);
	renew(s->ledger, a, s->now);
}

bool mx_ledger_steer_warmup(struct mx_ledger *l, u32 source, u32 provider, enum mx_warmup_step step, u64 now)
{
	enum mx_warms warms = conf_source(l, source)->warmup;
	struct steering s = { l, l->terms.source_names[source],
			      provider == MX_NONE ? NULL : l->terms.provider_names[provider], step, now };
	u32 i;

	if (warms == MX_WARMS_NOTHING || (warms == MX_WARMS_WHOLE && s.provider))
		return false;
	if (warms == MX_WARMS_WHOLE)
		source_account(l, source, now);
	for (i = 0; warms == MX_WARMS_LANES && i < l->terms.state->providers; i++)
		if (!s.provider || i == provider)
			lane_account(l, i, source, now);
	twalk_r(l->accounts, steer_one, &s);
	return true;
}

struct warmups {
	const struct mx_ledger *ledger;
	u64 now;
	void (*each)(const struct mx_warming *, void *);
	void *arg;
};

static void tell_warmup(const void *node, VISIT order, void *arg)
{
	struct account *a = *(struct account *const *)node;
	const struct warmups *w = arg;
	struct mx_warming told;

	if ((order != postorder && order != leaf) || !a->room || !a->warming || !a->warming->ramp.count)
		return;
	mx_warmup_advance(&a->warming->state, &a->warming->ramp, w->now);
	told = (struct mx_warming){
		.source = a->source,
		.provider = a->provider,
		.network = a->network,
		.warmup = &a->warming->state,
		.ramp = &a->warming->ramp,
		.hour = mx_window_used(&a->window[MX_HOUR], MX_HOUR, w->now, MX_MESSAGES),
		.waits = w->ledger->wall < a->warming->from,
	};
	w->each(&told, w->arg);
}

void mx_ledger_warmups(struct mx_ledger *l, u64 now, void (*each)(const struct mx_warming *, void *), void *arg)
{
	struct warmups w = { l, now, each, arg };
	u32 source, provider;

	for (source = 0; source < l->terms.state->sources; source++) {
		if (conf_source(l, source)->warmup == MX_WARMS_WHOLE)
			source_account(l, source, now);
		for (provider = 0; provider < l->terms.state->providers; provider++)
			if (conf_source(l, source)->warmup == MX_WARMS_LANES)
				lane_account(l, provider, source, now);
	}
	twalk_r(l->accounts, tell_warmup, &w);
}

/* --- a policy comes into force ---------------------------------------------------------------------------------- */

static void let_go(const void *node, VISIT order, void *arg)
{
	struct account *a = *(struct account *const *)node;

	(void)arg;
	if (order != postorder && order != leaf)
		return;
	a->limits = 0;
	a->room = NULL;
	a->is_short = false;
	if (a->warming)
		a->warming->ramp.count = 0;
}

/* The room of the policy before has come along with the counters. */
static void forget_room(struct mx_room *room)
{
	if (room->opened) /* else it is not touched, and takes no memory */
		memset(room, 0, sizeof(*room));
}

/* Networks that are warmed up come back into the state, from before the reload or from the file. */
static void take_up_network(const void *node, VISIT order, void *arg)
{
	struct account *a = *(struct account *const *)node;
	struct steering *s = arg;
	struct mx_ledger *l = s->ledger;
	struct mx_lane_id id = { l->terms.snapshot->default_provider, 0, a->network };

	if ((order != postorder && order != leaf) || !a->network || a->is_gone ||
	    a->provider != l->terms.provider_names[id.provider])
		return;
	id.source = mx_config_source(l->terms.config, a->source);
	if (id.source != MX_NONE)
		network_account(l, id, s->now);
}

void mx_ledger_adopt(struct mx_ledger *l, const struct mx_ledger_terms *terms, u64 now)
{
	struct mx_state *state = terms->state;
	u32 provider, source, i;

	twalk_r(l->accounts, let_go, NULL);
	for (i = 0; state->networks && i < MX_NETWORK_BUCKETS * MX_NETWORK_WAYS; i++)
		forget_room(&state->networks->lane[i / MX_NETWORK_WAYS][i % MX_NETWORK_WAYS].room);
	l->terms = *terms;
	l->short_of = NULL;
	l->next = MX_NEVER;
	l->most_messages = 1;
	free(l->of_source);
	free(l->of_provider);
	free(l->of_lane);
	l->of_source = mx_alloc((state->sources + 1UL) * sizeof(struct account *));
	l->of_provider = mx_alloc((state->providers + 1UL) * sizeof(struct account *));
	l->of_lane = mx_alloc(((size_t)state->sources * state->providers + 1) * sizeof(struct account *));
	for (provider = 0; provider < state->providers; provider++)
		if (mx_snapshot_providers(terms->snapshot)[provider].messages > l->most_messages)
			l->most_messages = mx_snapshot_providers(terms->snapshot)[provider].messages;
	for (source = 0; source < state->sources; source++) {
		forget_room(&state->source_room[source]);
		if (find(l, terms->source_names[source], NULL, 0))
			source_account(l, source, now);
	}
	for (provider = 0; provider < state->providers; provider++) {
		forget_room(&state->provider_room[provider]);
		if (find(l, NULL, terms->provider_names[provider], 0))
			provider_account(l, provider, now);
		for (source = 0; source < state->sources; source++) {
			forget_room(&mx_state_lane(state, provider, source)->room);
			if (find(l, terms->source_names[source], terms->provider_names[provider], 0))
				lane_account(l, provider, source, now);
		}
	}
	twalk_r(l->accounts, take_up_network, &(struct steering){ .ledger = l, .now = now });
}

/* --- for people ------------------------------------------------------------------------------------------------- */

struct asked {
	const struct mx_ledger *ledger;
	u64 now;
	void (*each)(const struct mx_quota *, void *);
	void *arg;
};

static void tell(const struct asked *asked, const char *source, const char *provider, struct mx_span limits)
{
	const struct account *a = limits.count ? find(asked->ledger, source, provider, 0) : NULL;
	const struct mx_limit *limit = &mx_snapshot_limits(asked->ledger->terms.snapshot)[limits.first];
	u32 i;

	for (i = 0; i < limits.count; i++, limit++) {
		struct mx_quota q = { source, provider, *limit, 0, 0, 0, asked->now };

		if (a) {
			const struct mx_window *w = &a->window[limit->period];

			q.used = mx_window_used(w, limit->period, asked->now, limit->unit);
			q.settled = mx_window_count(w, limit->period, asked->now, MX_COUNT_SETTLED);
			q.estimated = mx_window_count(w, limit->period, asked->now, MX_COUNT_ESTIMATED);
			q.free_at = mx_window_free_at(w, limit->period, asked->now, limit->unit, limit->most, 1);
		}
		asked->each(&q, asked->arg);
	}
}

void mx_ledger_quota(const struct mx_ledger *l, u64 now, void (*each)(const struct mx_quota *, void *), void *arg)
{
	struct asked asked = { l, now, each, arg };
	const struct mx_snapshot *s = l->terms.snapshot;
	u32 provider, source;

	for (source = 0; source < l->terms.state->sources; source++)
		tell(&asked, l->terms.source_names[source], NULL, mx_snapshot_sources(s)[source].limits);
	for (provider = 0; provider < l->terms.state->providers; provider++) {
		tell(&asked, NULL, l->terms.provider_names[provider], mx_snapshot_providers(s)[provider].total_limits);
		for (source = 0; source < l->terms.state->sources; source++)
			tell(&asked, l->terms.source_names[source], l->terms.provider_names[provider],
			     mx_snapshot_lane_limits(s, provider, source));
	}
}

/* --- written down ----------------------------------------------------------------------------------------------- */

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

bool mx_ledger_is_dirty(const struct mx_ledger *l)
{
	return l->dirty;
}

static void end_lease(const void *node, VISIT order, void *arg)
{
	struct account *a = *(struct account *const *)node;

	if ((order == postorder || order == leaf) && (a->covered_to[MX_CONNECTIONS] != a->spent[MX_CONNECTIONS] ||
						      a->covered_to[MX_MESSAGES] != a->spent[MX_MESSAGES]))
		put_dirty(arg, a);
}

void mx_ledger_end_leases(struct mx_ledger *l)
{
	twalk_r(l->accounts, end_lease, l);
}

/* Twice as much when the last lease was used up, half when hardly any of it was. */
static u32 next_lease(struct mx_ledger *l, struct account *a, u64 now)
{
	u32 used = a->spent[MX_CONNECTIONS] - a->written, most = LARGEST_LEASE;

	refresh(l, a, now);
	if (used >= a->lease && a->lease < LARGEST_LEASE)
		a->lease *= 2;
	else if (used < a->lease / 4u && a->lease > FIRST_LEASE)
		a->lease /= 2;
	if (a->room->limited & (1u << MX_CONNECTIONS))
		most = a->room->left[MX_CONNECTIONS];
	if ((a->room->limited & (1u << MX_MESSAGES)) && a->room->left[MX_MESSAGES] / l->most_messages < most)
		most = a->room->left[MX_MESSAGES] / l->most_messages;
	most = (most + LEASE_PART - 1) / LEASE_PART;
	return a->lease < most ? a->lease : most;
}

/* What is left for small connections alone is lent one by one. */
static void lend(struct mx_ledger *l, struct account *a, u32 lease[MX_UNITS], u64 now)
{
	u32 n = next_lease(l, a, now), few = l->most_messages;
	const struct mx_room *room = a->room;

	if (!n && (room->limited & (1u << MX_MESSAGES)) && room->left[MX_MESSAGES] < few)
		few = room->left[MX_MESSAGES];
	if (!n && few && (!(room->limited & (1u << MX_CONNECTIONS)) || room->left[MX_CONNECTIONS]))
		n = 1;
	lease[MX_CONNECTIONS] = n;
	lease[MX_MESSAGES] = n * few;
}

static void write_row(struct mx_ledger *l, struct account *a, struct mx_ledger_row *row, bool leases, u64 now)
{
	struct written data = { .average = a->average };
	u32 lease[MX_UNITS] = { 0, 0 }, unit;

	if (leases && a->room && a->room->limited)
		lend(l, a, lease, now);
	memcpy(data.window, a->window, sizeof(data.window));
	memcpy(data.full_at, a->full_at, sizeof(data.full_at));
	if (a->warming)
		data.warmup = a->warming->state;
	*row = (struct mx_ledger_row){
		.source = a->source ? a->source : "",
		.provider = a->provider ? a->provider : "",
		.network = a->network,
		.lease = { [MX_MESSAGES] = lease[MX_MESSAGES], [MX_CONNECTIONS] = lease[MX_CONNECTIONS] },
		.account = a,
		.gone = a->is_gone,
		.spent = { a->spent[0], a->spent[1] }
	};
	memcpy(row->data, &data, sizeof(data));
	for (unit = 0; unit < MX_UNITS; unit++) /* which of both rows is in the file is not known until it is there */
		if ((s32)(a->spent[unit] + row->lease[unit] - a->covered_to[unit]) < 0)
			a->covered_to[unit] = a->spent[unit] + row->lease[unit];
	a->written = a->spent[MX_CONNECTIONS];
	if (a->room)
		bound_by_cover(a);
}

u32 mx_ledger_collect(struct mx_ledger *l, struct mx_ledger_row *rows, u32 count, bool leases, u64 now)
{
	u32 n = 0;

	while (l->dirty && n < count) {
		struct account *a = l->dirty;

		l->dirty = a->next_dirty;
		l->urgent -= a->is_urgent;
		a->is_dirty = a->is_urgent = false;
		write_row(l, a, &rows[n++], leases, now);
	}
	return n;
}

void mx_ledger_written(struct mx_ledger *l, const struct mx_ledger_row *rows, u32 count, bool good, u64 now)
{
	u32 i, unit;

	(void)now;
	for (i = 0; i < count; i++) {
		struct account *a = rows[i].account;

		if (!good) {
			put_urgent(l, a);
			continue;
		}
		if (rows[i].gone && a->is_gone && !a->is_dirty) {
			tdelete(a, &l->accounts, compare);
			free_account(a);
			continue;
		}
		for (unit = 0; unit < MX_UNITS; unit++)
			a->covered_to[unit] = rows[i].spent[unit] + rows[i].lease[unit];
		if (a->room)
			bound_by_cover(a);
	}
}

void mx_ledger_load(struct mx_ledger *l, const struct mx_ledger_row *row, u64 now)
{
	struct account *a = find_or_add(l, *row->source ? mx_name(row->source) : NULL,
					*row->provider ? mx_name(row->provider) : NULL, row->network);
	struct written data;
	enum mx_period period;

	memcpy(&data, row->data, sizeof(data));
	memcpy(a->window, data.window, sizeof(data.window));
	memcpy(a->full_at, data.full_at, sizeof(data.full_at));
	a->average = data.average;
	if (data.warmup.last) {
		a->warming = mx_alloc(sizeof(*a->warming));
		a->warming->state = data.warmup;
		mx_warmup_charge(&a->warming->state, now, row->lease[MX_MESSAGES], 0);
	}
	for (period = 0; period < MX_PERIODS; period++) {
		mx_window_charge(&a->window[period], period, now, MX_COUNT_CONNECTIONS, row->lease[MX_CONNECTIONS]);
		mx_window_charge(&a->window[period], period, now, MX_COUNT_ESTIMATED, row->lease[MX_MESSAGES]);
	}
	if (a->source && a->provider && !a->network)
		l->lost += row->lease[MX_CONNECTIONS];
	put_urgent(l, a);
}

u64 mx_ledger_lost(const struct mx_ledger *l)
{
	return l->lost;
}
