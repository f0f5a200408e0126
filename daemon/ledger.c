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

#define FIRST_LEASE 16     /* connections; more when it does not last until the next is written */
#define LARGEST_LEASE 4096 /* = FIRST_LEASE x 4^4 */
#define LEASE_PART 8       /* a lease is at most this part of what is left */
#define MEMORY 64          /* connections that the learned average looks back on */
#define LOOK_MSEC 3600000  /* how often the time of day is looked at by who waits for it */

struct warming {
	struct mx_warmup state;
	struct mx_ramp ramp; /* no caps: the policy in force does not warm it up */
	u64 from;            /* time of day in ms: nothing is sent before */
	u32 lost;            /* messages that may have been sent, told when the schedule is not known yet */
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
	u32 lent;                 /* connections that nftables may make without us */
	u32 written;              /* connections spent when it was written last */
	u32 average;              /* messages of a connection, in thousandths; 0: nothing was reported yet */
	bool is_short : 1;        /* in the list of those whose room is worked out anew at some time */
	bool is_dirty : 1;        /* in the list of those that have changed since they were written */
	bool is_urgent : 1;       /* somebody waits, or will soon, for its being written */
	bool was_urgent : 1;      /* when it was written last */
	bool is_awaited : 1;      /* somebody waits for its lease */
	bool is_recalled : 1;     /* what is lent is needed here */
	bool is_settled : 1;      /* in this round of mx_ledger_take_back() */
	bool is_gone : 1;         /* given up; freed when its row is out of the file */
	bool is_paced : 1;        /* its provider spreads its limits */
	struct mx_window window[MX_PERIODS];
};

_Static_assert(sizeof(struct account) <= 1024, "an account takes 1 KB");

struct mx_ledger {
	struct mx_ledger_terms terms;
	u32 least_messages; /* that one connection is charged for, whosever it is */
	u32 most_messages;
	void *accounts;             /* tsearch(), by name */
	struct account **of_source; /* [source] */
	struct account **of_provider;
	struct account **of_lane; /* [provider * sources + source]; NULL: not used yet */
	struct account *short_of, *dirty;
	u32 urgent; /* how many accounts are */
	bool wants_back;
	u64 ticked, next, wall, lost;
	u64 guessed_since; /* the first charge in messages that a limit counts, since something was settled; 0: none */
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
	l->urgent += a->is_urgent ? 0 : 1;
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

static bool is_short(const struct mx_ledger *l, const struct account *a)
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

/* When the room has to be worked out anew, though nobody charges anything: MX_NEVER when it stays as it is. */
static u64 due(const struct mx_ledger *l, const struct account *a)
{
	u64 at = is_short(l, a) ? a->room->ready : MX_NEVER, day;

	if (!a->warming || !a->warming->ramp.count)
		return at;
	day = mx_warmup_next(&a->warming->state, &a->warming->ramp);
	return day < at ? day : at;
}

/* While it is short, its room has to be worked out before. */
static void put_short(struct mx_ledger *l, struct account *a)
{
	u64 at = due(l, a);

	if (at < l->next)
		l->next = at;
	if (a->is_short || at == MX_NEVER)
		return;
	a->is_short = true;
	a->next_short = l->short_of;
	l->short_of = a;
}

/* Works out the room anew. Who is short is asked about again when there may be more. */
static void refresh(struct mx_ledger *l, struct account *a, u64 now)
{
	work_out(l, a, now);
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
		u64 again = MX_NEVER;

		if (a->room && due(l, a) <= now) {
			renew(l, a, now);
			any = true;
		}
		if (a->room)
			again = due(l, a);
		l->next = again < l->next ? again : l->next;
		if (again != MX_NEVER) {
			at = &a->next_short;
			continue;
		}
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
 * than it goes up, so that it does not flutter.
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
	if (messages > l->most_messages)
		l->most_messages = messages;
	if (messages < l->least_messages)
		l->least_messages = messages;
}

/*
 * Remembers what connections of a lane are charged for, so that no more is given back when one of them fails. What was
 * charged for longer ago than a week counts no more.
 */
static void note_price(struct mx_lane *lane, u32 messages, u32 now)
{
	u32 least = messages;

	if (lane->price == messages)
		return;
	if (lane->price && lane->price < least)
		least = lane->price;
	if (lane->returned && lane->returned < least && now - lane->since <= 604800)
		least = lane->returned;
	lane->returned = least;
	lane->price = messages;
	lane->since = now;
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
	if (a->room->limited) {
		if (!l->guessed_since && (a->room->limited & (1u << MX_MESSAGES)))
			l->guessed_since = now;
		take_pace(l, a, MX_CONNECTIONS, 1, now);
		take_pace(l, a, MX_MESSAGES, messages, now);
		if (a->room->covered[MX_CONNECTIONS] <= a->lease / 2u || !mx_room_covers(a->room, l->most_messages))
			put_urgent(l, a);
	}
	if (is_short(l, a))
		renew(l, a, now);
	else
		put_short(l, a); /* a day of its warm-up may have begun: it ends */
}

static u64 day_of(const char *date)
{
	struct tm tm = { 0 };

	strptime(date, "%Y-%m-%d", &tm);
	tm.tm_isdst = -1;
	return (u64)mktime(&tm) * 1000;
}

static void warm_up(struct mx_ledger *l, struct account *a, u32 source, u64 now)
{
	const struct mx_conf_warmup *conf = &l->terms.config->sources[source].warmup;
	const struct mx_conf_schedule *schedule = &l->terms.config->schedules[conf->schedule];

	if (!a->warming)
		a->warming = mx_alloc(sizeof(*a->warming));
	a->warming->ramp = (struct mx_ramp){ schedule->caps, schedule->count, schedule->hourly };
	a->warming->from = day_of(conf->started);
	if (!a->warming->lost)
		return;
	mx_warmup_advance(&a->warming->state, &a->warming->ramp, now);
	mx_warmup_charge(&a->warming->state, now, a->warming->lost, 0);
	a->warming->lost = 0;
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
	struct account *a = l->of_source[source];

	if (a)
		return a;
	a = l->of_source[source] = find_or_add(l, l->terms.source_names[source], NULL, 0);
	if (conf_source(l, source)->warmup == MX_WARMS_WHOLE)
		warm_up(l, a, source, now);
	return attach(l, a, conf_source(l, source)->limits, &l->terms.state->source_room[source], now);
}

static struct account *provider_account(struct mx_ledger *l, u32 provider, u64 now)
{
	struct account *a = l->of_provider[provider];

	if (a)
		return a;
	a = l->of_provider[provider] = find_or_add(l, NULL, l->terms.provider_names[provider], 0);
	return attach(l, a, mx_snapshot_providers(l->terms.snapshot)[provider].total_limits,
		      &l->terms.state->provider_room[provider], now);
}

static struct account *lane_account(struct mx_ledger *l, u32 provider, u32 source, u64 now)
{
	struct account **slot = &l->of_lane[provider * l->terms.state->sources + source], *a = *slot;

	if (a)
		return a;
	a = *slot = find_or_add(l, l->terms.source_names[source], l->terms.provider_names[provider], 0);
	if (conf_source(l, source)->warmup == MX_WARMS_LANES && provider != l->terms.snapshot->default_provider)
		warm_up(l, a, source, now);
	attach(l, a, mx_snapshot_lane_limits(l->terms.snapshot, provider, source),
	       &mx_state_lane(l->terms.state, provider, source)->room, now);
	learn(l, a, provider, source);
	return a;
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

struct mx_network_lane *mx_ledger_open_network(struct mx_ledger *l, struct mx_lane_id id, u64 now)
{
	struct mx_network_lane *lane, gone;

	lane = mx_networks_add(l->terms.state->networks, id.network, conf_source(l, id.source)->key, (u32)(now / 1000),
			       &gone);
	if (gone.network)
		give_up(l, &gone);
	return lane;
}

/* At a destination's network only what is warmed up there has an account; what else is kept stands in the state. */
static struct account *network_account(struct mx_ledger *l, struct mx_lane_id id, u64 now)
{
	struct mx_network_lane *lane;
	struct account *a;

	if (!id.network || !l->terms.state->networks)
		return NULL;
	lane = mx_ledger_open_network(l, id, now);
	if (!lane || conf_source(l, id.source)->warmup != MX_WARMS_LANES)
		return NULL;
	a = find_or_add(l, l->terms.source_names[id.source], l->terms.provider_names[id.provider], id.network);
	a->is_gone = false;
	if (a->room != &lane->room) {
		warm_up(l, a, id.source, now);
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

	note_price(mx_state_lane(l->terms.state, id.provider, id.source), messages, (u32)(now / 1000));
	for (i = 0; i < c.count; i++)
		charge(l, c.of[i], messages, now);
	if (!network)
		return;
	network->open++;
	if (c.count == 4)
		network->needed = (u32)(mx_warmup_day_ends(&c.of[3]->warming->state) / 1000 + 1);
}

/* What the limits still have room for, whatever their pace is. */
static void left_under_limits(const struct mx_ledger *l, const struct account *a, u64 now, u32 left[MX_UNITS])
{
	const struct mx_limit *limits = limits_of(l, a);
	u32 cap = warmup_cap(a), i;

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

/* Somebody waits for a charge: it is written, and when the fallback has what he needs, that is called back. */
static void ask_for(struct mx_ledger *l, struct account *a, u64 now)
{
	u32 left[MX_UNITS];

	put_urgent(l, a);
	a->is_awaited = true;
	left_under_limits(l, a, now, left);
	if (!a->lent || (left[MX_CONNECTIONS] > a->lent && left[MX_MESSAGES] / l->most_messages > a->lent))
		return;
	a->is_recalled = true;
	l->wants_back = true;
}

void mx_ledger_want(struct mx_ledger *l, struct mx_lane_id id, u64 now)
{
	struct charged c = charged(l, id, now);
	u32 i;

	for (i = 0; i < c.count; i++)
		if (c.of[i]->room->limited && !mx_room_covers(c.of[i]->room, l->most_messages))
			ask_for(l, c.of[i], now);
}

/* --- corrections ------------------------------------------------------------------------------------------------ */

/* What a connection that was made at `then`, or a little later, was charged for at least. */
static u32 returned(const struct mx_ledger *l, struct mx_lane_id id, u64 then)
{
	const struct mx_lane *lane = mx_state_lane(l->terms.state, id.provider, id.source);

	if (!lane->price) /* not in this life of the daemon */
		return mx_state_messages(l->terms.state, l->terms.snapshot, id.provider, id.source);
	return then / 1000 > lane->since ? lane->price : lane->returned;
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

void mx_ledger_refund(struct mx_ledger *l, struct mx_lane_id id, u64 then, u32 messages, u64 now)
{
	struct charged c = charged(l, id, now);
	u32 i;

	for (i = 0; i < c.count; i++) {
		give_back(c.of[i], MX_COUNT_CONNECTIONS, 1, then);
		give_back_messages(c.of[i], messages, then);
		put_dirty(l, c.of[i]);
		renew(l, c.of[i], now);
	}
}

static void settle(struct mx_ledger *l, struct account *a, u64 then, u32 estimated, u32 messages, u64 now)
{
	enum mx_period period;

	if (a->warming && a->warming->ramp.count)
		mx_warmup_advance(&a->warming->state, &a->warming->ramp, now);
	give_back_messages(a, estimated, then);
	for (period = 0; period < MX_PERIODS; period++)
		mx_window_charge_late(&a->window[period], period, then, MX_COUNT_SETTLED, messages);
	if (a->warming)
		mx_warmup_settle(&a->warming->state, then, messages,
				 mx_window_used(&a->window[MX_HOUR], MX_HOUR, now, MX_MESSAGES));
	if (messages > estimated) {
		a->spent[MX_MESSAGES] += messages - estimated;
		take_pace(l, a, MX_MESSAGES, messages - estimated, now);
	}
	put_urgent(l, a);
	renew(l, a, now);
}

struct steering {
	struct mx_ledger *ledger;
	const char *source, *provider; /* provider NULL: at all of them */
	enum mx_warmup_step step;
	u64 now;
};

/* What connections are charged for has changed: others are short now, or wait for something else. */
static void recheck(const void *node, VISIT order, void *arg)
{
	struct account *a = *(struct account *const *)node;
	struct steering *s = arg;

	if ((order == postorder || order == leaf) && a->room && is_short(s->ledger, a))
		refresh(s->ledger, a, s->now);
}

u32 mx_ledger_settle(struct mx_ledger *l, struct mx_lane_id id, u64 then, u32 connections, u32 messages, u64 now)
{
	struct charged c = charged(l, id, now);
	struct account *lane = c.of[2];
	u32 weight = connections < MEMORY ? connections : MEMORY, most = l->most_messages, least = l->least_messages, i;
	u32 estimated = connections * returned(l, id, then);
	u64 seen;

	l->guessed_since = 0;
	for (i = 0; i < c.count; i++)
		settle(l, c.of[i], then, estimated, messages, now);
	if (!connections)
		return 0;
	seen = (u64)messages * 1000 / connections;
	lane->average = (u32)(lane->average ? (lane->average * (u64)(MEMORY - weight) + seen * weight) / MEMORY : seen);
	learn(l, lane, id.provider, id.source);
	if (l->most_messages != most || l->least_messages != least)
		twalk_r(l->accounts, recheck, &(struct steering){ .ledger = l, .now = now });
	return estimated;
}

/* --- warm-up ---------------------------------------------------------------------------------------------------- */

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

static u32 day_of_warmup(const struct account *a)
{
	return a && a->warming && warmup_cap(a) ? a->warming->state.day + 1u : 0;
}

u32 mx_ledger_warmup_day(const struct mx_ledger *l, u32 provider, u32 source)
{
	u32 day = day_of_warmup(find(l, l->terms.source_names[source], NULL, 0));

	return day ? day : day_of_warmup(find(l, l->terms.source_names[source], l->terms.provider_names[provider], 0));
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

void mx_ledger_adopt(struct mx_ledger *l, const struct mx_ledger_terms *terms, u64 now, u64 wall)
{
	struct mx_state *state = terms->state;
	u32 provider, source, i;

	twalk_r(l->accounts, let_go, NULL);
	for (i = 0; state->networks && i < MX_NETWORK_BUCKETS * MX_NETWORK_WAYS; i++)
		forget_room(&state->networks->lane[i / MX_NETWORK_WAYS][i % MX_NETWORK_WAYS].room);
	l->terms = *terms;
	l->wall = wall;
	l->short_of = NULL;
	l->next = MX_NEVER;
	l->most_messages = 1;
	l->least_messages = ~0u;
	free(l->of_source);
	free(l->of_provider);
	free(l->of_lane);
	l->of_source = mx_alloc((state->sources + 1UL) * sizeof(struct account *));
	l->of_provider = mx_alloc((state->providers + 1UL) * sizeof(struct account *));
	l->of_lane = mx_alloc(((size_t)state->sources * state->providers + 1) * sizeof(struct account *));
	for (provider = 0; provider < state->providers; provider++) {
		u32 messages = mx_snapshot_providers(terms->snapshot)[provider].messages;

		l->most_messages = messages > l->most_messages ? messages : l->most_messages;
		l->least_messages = messages < l->least_messages ? messages : l->least_messages;
	}
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
	twalk_r(l->accounts, recheck, &(struct steering){ .ledger = l, .now = now });
}

bool mx_ledger_is_guessing(const struct mx_ledger *l, u64 now)
{
	return l->guessed_since && now > l->guessed_since + mx_period_length(MX_HOUR);
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

/* --- lent to the fallback --------------------------------------------------------------------------------------- */

#define LENT_PART 8 /* of what is left, while the daemon is there: that much is lost when the table is lost */

u32 mx_ledger_lendable(const struct mx_ledger *l, const char *source, const char *provider, bool leaving, u64 now)
{
	struct account *a = find(l, source, provider, 0);
	u32 left[MX_UNITS], most, covered;
	u64 interval;

	if (!a || !a->room || !a->room->limited || (a->is_recalled && !leaving))
		return 0;
	if (a->warming && a->warming->ramp.count && l->wall < a->warming->from)
		return 0;
	left_under_limits(l, a, now, left);
	most = left[MX_MESSAGES] / l->most_messages;
	most = left[MX_CONNECTIONS] < most ? left[MX_CONNECTIONS] : most;
	covered = a->covered_to[MX_CONNECTIONS] - a->spent[MX_CONNECTIONS];
	mx_room_spend(&most, (s32)covered > 0 ? covered : 0);
	interval = pace_of(l, a, MX_CONNECTIONS);
	if (interval && most > MX_PACE_DEPTH / interval + 1)
		most = (u32)(MX_PACE_DEPTH / interval) + 1;
	return leaving ? most : most / LENT_PART;
}

u32 mx_ledger_lent(const struct mx_ledger *l, const char *source, const char *provider)
{
	const struct account *a = find(l, source, provider, 0);

	return a ? a->lent : 0;
}

void mx_ledger_lend(struct mx_ledger *l, const char *source, const char *provider, s32 more)
{
	struct account *a = find(l, source, provider, 0);

	if (!a || !more)
		return;
	a->lent += (u32)more;
	put_urgent(l, a);
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
	struct account *a = find(l, source, provider, 0);

	if (!a)
		return;
	a->is_settled = true;
	if (!spent && !lost && a->lent == lent)
		return;
	charge_lent(l, a, spent + lost, now);
	if (source && provider)
		l->lost += lost;
	a->lent = lent;
	put_urgent(l, a);
	if (a->room)
		renew(l, a, now);
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

/* A lease of so much; near a limit it shrinks to what one connection takes: that is what a crash costs. */
static u32 lease_of(u32 wanted, u32 left, u32 connection)
{
	u32 part = left / LEASE_PART > connection ? left / LEASE_PART : connection;
	u32 most = part < left ? part : left;

	return wanted < most ? wanted : most;
}

/*
 * Four times as much when somebody had to wait for it: it did not last until the next was written. Half when nobody was
 * in a hurry and hardly any of it was used.
 */
static void next_lease(const struct mx_ledger *l, struct account *a, u64 now, u32 lease[MX_UNITS])
{
	u32 used = a->spent[MX_CONNECTIONS] - a->written, left[MX_UNITS];

	if (a->is_awaited && a->lease < LARGEST_LEASE)
		a->lease *= 4;
	else if (!a->was_urgent && used < a->lease / 4u && a->lease > FIRST_LEASE)
		a->lease /= 2;
	a->is_awaited = false;
	left_under_limits(l, a, now, left);
	mx_room_spend(&left[MX_CONNECTIONS], a->lent);
	mx_room_spend(&left[MX_MESSAGES], a->lent * l->most_messages);
	lease[MX_CONNECTIONS] = lease_of(a->lease, left[MX_CONNECTIONS], 1);
	lease[MX_MESSAGES] = lease_of(a->lease * l->most_messages, left[MX_MESSAGES], l->most_messages);
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
				       .lent = a->lent,
				       .account = a,
				       .gone = a->is_gone,
				       .spent = { a->spent[0], a->spent[1] } };
	memcpy(row->data, &data, sizeof(data));
	if (leases && a->room && a->room->limited)
		next_lease(l, a, now, row->lease);
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
			put_urgent(l, a);
			continue;
		}
		if (rows[i].gone && a->is_gone && !a->is_dirty) {
			take_off_short(l, a);
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
	a->lent = row->lent; /* the table may tell what became of it */
	put_urgent(l, a);
}

u64 mx_ledger_lost(const struct mx_ledger *l)
{
	return l->lost;
}
