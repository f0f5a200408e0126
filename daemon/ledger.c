// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/account.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/pace.h"
#include "daemon/log.h"
#include "daemon/names.h"
#include "daemon/text.h"

#define MEMORY 64 /* connections that the learned average looks back on */

struct mx_ledger *mx_ledger_new(void)
{
	struct mx_ledger *l = mx_alloc(sizeof(*l));

	l->next = MX_NEVER;
	return l;
}

void mx_ledger_free(struct mx_ledger *l)
{
	tdestroy(l->accounts, mx_account_free);
	free(l->of_source);
	free(l->of_provider);
	free(l->of_lane);
	free(l);
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

		if (a->room && mx_account_due(l, a) <= now) {
			mx_account_renew(l, a, now);
			any = true;
		}
		if (a->room)
			again = mx_account_due(l, a);
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
	mx_state_changed(l->terms.state);
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
	u64 interval = mx_account_pace(l, a, unit);

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
		mx_account_renew(l, a, now);
}

/* `n` connections of so many messages each. */
static void charge(struct mx_ledger *l, struct account *a, u32 n, u32 messages, u64 now)
{
	mx_window_charge_connections(a->window, now, n, messages);
	a->spent[MX_CONNECTIONS] += n;
	a->spent[MX_MESSAGES] += n * messages;
	mx_account_put_dirty(l, a);
	if (a->warming && a->warming->ramp.count)
		charge_warmup(l, a, n * messages, now);
	if (a->room->limited) {
		if (!l->guessed_since && (a->room->limited & (1u << MX_MESSAGES)))
			l->guessed_since = now;
		take_pace(l, a, MX_CONNECTIONS, n, now);
		take_pace(l, a, MX_MESSAGES, n * messages, now);
		if (a->room->covered[MX_CONNECTIONS] <= mx_account_lease(a) / 2 ||
		    !mx_room_covers(a->room, l->most_messages))
			mx_account_put_urgent(l, a);
	}
	if (mx_account_is_short(l, a))
		mx_account_renew(l, a, now);
	else
		mx_account_put_due(l, a); /* a day of its warm-up may have begun: it ends */
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

/* A provider with an even pace spreads its limits; those of a source as a whole are no provider's. */
static bool is_paced(const struct mx_ledger *l, const struct account *a)
{
	const struct mx_conf_provider *providers = l->terms.config->providers;
	u16 provider = a->provider ? mx_config_provider(l->terms.config, a->provider) : MX_NONE;

	return provider != MX_NONE && providers[provider].even_pace;
}

/* An account takes the place of its name in the policy. */
static struct account *attach(struct mx_ledger *l, struct account *a, struct mx_span limits, struct mx_room *room,
			      u64 now)
{
	a->first_limit = limits.first;
	a->limits = (u16)limits.count;
	a->room = room;
	a->is_paced = is_paced(l, a);
	mx_account_refresh(l, a, now);
	l->limited += room->limited != 0;
	return a;
}

struct account *mx_account_of_source(struct mx_ledger *l, u32 source, u64 now)
{
	struct account *a = l->of_source[source];

	if (a)
		return a;
	a = l->of_source[source] = mx_account_find_or_add(l, l->terms.source_names[source], NULL, 0);
	if (mx_account_terms(l, source)->warmup == MX_WARMS_WHOLE)
		warm_up(l, a, source, now);
	return attach(l, a, mx_account_terms(l, source)->limits, &l->terms.state->source_room[source], now);
}

static struct account *provider_account(struct mx_ledger *l, u32 provider, u64 now)
{
	struct account *a = l->of_provider[provider];

	if (a)
		return a;
	a = l->of_provider[provider] = mx_account_find_or_add(l, NULL, l->terms.provider_names[provider], 0);
	return attach(l, a, mx_snapshot_providers(l->terms.snapshot)[provider].total_limits,
		      &l->terms.state->provider_room[provider], now);
}

struct account *mx_account_of_lane(struct mx_ledger *l, u32 provider, u32 source, u64 now)
{
	struct account **slot = &l->of_lane[provider * l->terms.state->sources + source], *a = *slot;

	if (a)
		return a;
	a = *slot = mx_account_find_or_add(l, l->terms.source_names[source], l->terms.provider_names[provider], 0);
	if (mx_account_terms(l, source)->warmup == MX_WARMS_LANES && provider != l->terms.snapshot->default_provider)
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

		if (mx_account_terms(l, source)->key != gone->source)
			continue;
		a = mx_account_find(l, l->terms.source_names[source],
				    l->terms.provider_names[l->terms.snapshot->default_provider], gone->network);
		if (!a)
			continue;
		a->room = NULL;
		a->is_gone = true;
		mx_account_put_dirty(l, a);
	}
}

struct mx_network_lane *mx_ledger_open_network(struct mx_ledger *l, struct mx_lane_id id, u64 now)
{
	struct mx_network_lane *lane, gone;

	lane = mx_networks_add(l->terms.state->networks, id.network, mx_account_terms(l, id.source)->key,
			       (u32)(now / 1000), &gone);
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
	if (!lane || mx_account_terms(l, id.source)->warmup != MX_WARMS_LANES)
		return NULL;
	a = mx_account_find_or_add(l, l->terms.source_names[id.source], l->terms.provider_names[id.provider],
				   id.network);
	a->is_gone = false;
	if (a->room != &lane->room) {
		warm_up(l, a, id.source, now);
		attach(l, a, (struct mx_span){ 0, 0 }, &lane->room, now);
	}
	return a;
}

struct charged mx_account_charged(struct mx_ledger *l, struct mx_lane_id id, u64 now)
{
	struct charged c = { { mx_account_of_source(l, id.source, now), provider_account(l, id.provider, now),
			       mx_account_of_lane(l, id.provider, id.source, now), network_account(l, id, now) },
			     3 };

	c.count += c.of[3] != NULL;
	return c;
}

void mx_ledger_charge(struct mx_ledger *l, struct mx_lane_id id, u32 n, u64 now)
{
	struct charged c = mx_account_charged(l, id, now);
	u32 messages = mx_state_messages(l->terms.state, l->terms.snapshot, id.provider, id.source), i;
	struct mx_network_lane *network = mx_state_network_lane(l->terms.state, l->terms.snapshot, id);

	note_price(mx_state_lane(l->terms.state, id.provider, id.source), messages, (u32)(now / 1000));
	for (i = 0; i < c.count; i++)
		charge(l, c.of[i], n, messages, now);
	if (!network)
		return;
	network->open += n;
	if (c.count == 4)
		network->needed = (u32)(mx_warmup_day_ends(&c.of[3]->warming->state) / 1000 + 1);
}

/* Somebody waits for a charge: it is written, and when another has borrowed what he needs, that is called back. */
static void ask_for(struct mx_ledger *l, struct account *a, u64 now)
{
	u32 left[MX_UNITS], lent, i;

	mx_account_put_urgent(l, a);
	a->is_awaited = true;
	mx_account_left(l, a, now, left);
	lent = mx_account_lent(a);
	if (!lent || (left[MX_CONNECTIONS] > lent && left[MX_MESSAGES] / l->most_messages > lent))
		return;
	a->is_recalled = true;
	for (i = 0; i < MX_BORROWERS; i++)
		l->wants_back[i] |= a->lent[i] > 0;
}

void mx_ledger_want(struct mx_ledger *l, struct mx_lane_id id, u64 now)
{
	struct charged c = mx_account_charged(l, id, now);
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
	struct charged c = mx_account_charged(l, id, now);
	u32 i;

	for (i = 0; i < c.count; i++) {
		give_back(c.of[i], MX_COUNT_CONNECTIONS, 1, then);
		give_back_messages(c.of[i], messages, then);
		mx_account_put_dirty(l, c.of[i]);
		mx_account_renew(l, c.of[i], now);
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
	mx_account_put_urgent(l, a);
	mx_account_renew(l, a, now);
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

	if ((order == postorder || order == leaf) && a->room && mx_account_is_short(s->ledger, a))
		mx_account_refresh(s->ledger, a, s->now);
}

u32 mx_ledger_settle(struct mx_ledger *l, struct mx_lane_id id, u64 then, u32 connections, u32 messages, u32 carried,
		     u64 now)
{
	struct charged c = mx_account_charged(l, id, now);
	struct account *lane = c.of[2];
	u32 weight = connections < MEMORY ? connections : MEMORY, most = l->most_messages, least = l->least_messages, i;
	u32 estimated = connections * returned(l, id, then);
	u64 seen;

	l->guessed_since = 0;
	for (i = 0; i < c.count; i++)
		settle(l, c.of[i], then, estimated, messages, now);
	if (!connections)
		return 0;
	seen = (u64)carried * 1000 / connections;
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
	mx_account_put_urgent(s->ledger, a);
	mx_account_renew(s->ledger, a, s->now);
}

bool mx_ledger_steer_warmup(struct mx_ledger *l, u32 source, u32 provider, enum mx_warmup_step step, u64 now)
{
	enum mx_warms warms = mx_account_terms(l, source)->warmup;
	struct steering s = { l, l->terms.source_names[source],
			      provider == MX_NONE ? NULL : l->terms.provider_names[provider], step, now };
	u32 i;

	if (warms == MX_WARMS_NOTHING || (warms == MX_WARMS_WHOLE && s.provider))
		return false;
	if (warms == MX_WARMS_WHOLE)
		mx_account_of_source(l, source, now);
	for (i = 0; warms == MX_WARMS_LANES && i < l->terms.state->providers; i++)
		if (!s.provider || i == provider)
			mx_account_of_lane(l, i, source, now);
	twalk_r(l->accounts, steer_one, &s);
	return true;
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
	for (i = 0; state->networks && i < MX_NETWORK_LANES; i++)
		forget_room(&mx_networks_at(state->networks, i)->room);
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
		if (mx_account_find(l, terms->source_names[source], NULL, 0))
			mx_account_of_source(l, source, now);
	}
	for (provider = 0; provider < state->providers; provider++) {
		forget_room(&state->provider_room[provider]);
		if (mx_account_find(l, NULL, terms->provider_names[provider], 0))
			provider_account(l, provider, now);
		for (source = 0; source < state->sources; source++) {
			forget_room(&mx_state_lane(state, provider, source)->room);
			if (mx_account_find(l, terms->source_names[source], terms->provider_names[provider], 0))
				mx_account_of_lane(l, provider, source, now);
		}
	}
	twalk_r(l->accounts, take_up_network, &(struct steering){ .ledger = l, .now = now });
	twalk_r(l->accounts, recheck, &(struct steering){ .ledger = l, .now = now });
}
