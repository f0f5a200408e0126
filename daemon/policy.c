// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "core/classify.h"
#include "daemon/compile.h"
#include "daemon/names.h"
#include "daemon/states.h"
#include "daemon/thread.h"

#define PENDING_BUCKETS 65536

/* --- marks ------------------------------------------------------------------------------------------------------ */

/*
 * A source keeps its mark across reloads and restarts: live connections carry it, and administrators write it into
 * `ip rule`. A mark is given to another source only when there are no new ones left.
 */
struct marks {
	struct {
		char *source;
		u32 number;
		bool wanted;
	} * items;
	u32 count;
};

static void load_mark(const char *source, u32 number, void *arg)
{
	struct marks *marks = arg;

	marks->items = mx_grow(marks->items, marks->count, sizeof(marks->items[0]));
	marks->items[marks->count].source = mx_strdup(source);
	marks->items[marks->count].number = number;
	marks->items[marks->count++].wanted = false;
}

static u32 lowest_free(const struct marks *marks, u32 highest, bool only_wanted)
{
	u8 *used = mx_alloc(highest + 1UL);
	u32 i, n;

	for (i = 0; i < marks->count; i++)
		if (marks->items[i].number <= highest && (marks->items[i].wanted || !only_wanted))
			used[marks->items[i].number] = 1;
	for (n = 1; n <= highest && used[n]; n++)
		;
	free(used);
	return n;
}

static u32 *number_sources(const struct mx_config *c, struct mx_store *store)
{
	u32 lowest = c->mark_mask & (~c->mark_mask + 1), highest = c->mark_mask / lowest - 2;
	u32 *numbers = mx_alloc(c->source_count * sizeof(*numbers));
	struct marks marks = { 0 };
	u32 i, j;

	mx_store_marks(store, load_mark, &marks);
	for (j = 0; j < marks.count; j++) {
		u16 source = mx_config_source(c, marks.items[j].source);

		if (source == MX_NONE || !marks.items[j].number || marks.items[j].number > highest)
			continue;
		marks.items[j].wanted = true;
		numbers[source] = marks.items[j].number;
	}
	for (i = 0; i < c->source_count; i++) {
		if (numbers[i])
			continue;
		numbers[i] = lowest_free(&marks, highest, false);
		if (numbers[i] > highest)
			numbers[i] = lowest_free(&marks, highest, true);
		load_mark(c->sources[i].name, numbers[i], &marks);
		marks.items[marks.count - 1].wanted = true;
		mx_store_put_mark(store, c->sources[i].name, numbers[i]);
	}
	while (marks.count)
		free(marks.items[--marks.count].source);
	free(marks.items);
	return numbers;
}

/* --- weights and states ----------------------------------------------------------------------------------------- */

/*
 * Which weight wins, weakest first: the pool's, the operator's for all providers, the configured one at this provider,
 * the operator's at this provider; among the operator's own, one for this pool before one for every pool.
 */
static int rank_of(const struct mx_policy *p, const struct mx_set_weight *w, u32 pool, u32 provider, u32 source)
{
	if (w->source != p->source_names[source] || (*w->provider && w->provider != p->provider_names[provider]) ||
	    (*w->pool && w->pool != p->pool_names[pool]))
		return 0;
	return 1 + (*w->provider ? 2 : 0) + (*w->pool ? 1 : 0);
}

static bool provider_has_own(const struct mx_config *c, u32 provider, u32 source)
{
	const struct mx_conf_weights *own = &c->providers[provider].weights;
	u32 i;

	for (i = 0; i < own->count; i++)
		if (own->items[i].source == source)
			return true;
	return false;
}

static const struct mx_set_weight *set_weight_of(const struct mx_policy *p, u32 pool, u32 provider, u32 member)
{
	u32 source = p->config->pools[pool].members.items[member].source;
	const struct mx_set_weight *best = NULL;
	int best_rank = 0;
	u32 i;

	for (i = 0; i < p->weight_count; i++) {
		int rank = rank_of(p, &p->weights[i], pool, provider, source);

		if (rank > best_rank) {
			best_rank = rank;
			best = &p->weights[i];
		}
	}
	if (best && !*best->provider && provider_has_own(p->config, provider, source))
		return NULL;
	return best;
}

static void apply_weights(struct mx_policy *p)
{
	const struct mx_pool *pools = mx_snapshot_pools(p->snapshot);
	u32 pool, provider, member;

	for (pool = 0; pool < p->config->pool_count; pool++)
		for (provider = 0; provider < p->config->provider_count; provider++) {
			for (member = 0; member < pools[pool].members; member++) {
				const struct mx_set_weight *set = set_weight_of(p, pool, provider, member);
				u32 weight = set ? set->weight
						 : mx_config_weight(p->config, (u16)pool, member, (u16)provider);

				mx_state_slot(&p->state, &pools[pool], provider, member)->weight = weight * 1000;
			}
			mx_state_bound_credit(&p->state, &pools[pool], provider);
		}
}

void mx_policy_mark_full(struct mx_policy *p)
{
	u32 provider, source;

	for (provider = 0; provider < p->state.providers; provider++)
		for (source = 0; source < p->state.sources; source++) {
			const struct mx_lane *lane = mx_state_lane(&p->state, provider, source);

			if (lane->slots && lane->open >= lane->slots)
				p->full[source] = true;
		}
	pthread_cond_signal(p->count);
}

void mx_policy_apply_settings(struct mx_policy *p)
{
	mx_policy_lock(p);
	mx_state_settle_expected(&p->state, p->snapshot);
	apply_weights(p);
	mx_states_apply(p);
	mx_state_changed(&p->state);
	mx_policy_mark_full(p);
	pthread_cond_broadcast(p->room);
	mx_policy_unlock(p);
}

void mx_policy_set_usable(struct mx_policy *p, u32 source, u8 families)
{
	mx_policy_lock(p);
	if (p->state.usable[source] != families) {
		mx_state_settle_expected(&p->state, p->snapshot);
		p->state.usable[source] = families;
		mx_state_changed(&p->state);
	}
	mx_policy_unlock(p);
}

static struct mx_set_weight *find_weight(struct mx_policy *p, const char *source, const char *provider,
					 const char *pool)
{
	u32 i;

	for (i = 0; i < p->weight_count; i++)
		if (p->weights[i].source == source && p->weights[i].provider == provider && p->weights[i].pool == pool)
			return &p->weights[i];
	return NULL;
}

static void add_weight(const struct mx_stored_weight *w, void *arg)
{
	struct mx_policy *p = arg;

	p->weights = mx_grow(p->weights, p->weight_count, sizeof(p->weights[0]));
	p->weights[p->weight_count++] =
		(struct mx_set_weight){ mx_name(w->source), mx_name(w->provider), mx_name(w->pool), w->weight };
}

void mx_policy_set_weight(struct mx_policy *p, const char *source, const char *provider, const char *pool, int weight)
{
	struct mx_stored_weight stored = { source, provider, pool, (u32)weight };
	struct mx_set_weight *known = find_weight(p, mx_name(source), mx_name(provider), mx_name(pool));

	if (weight < 0) {
		if (known)
			*known = p->weights[--p->weight_count];
		mx_store_delete_weight(p->store, source, provider, pool);
	} else {
		if (known)
			known->weight = (u32)weight;
		else
			add_weight(&stored, p);
		mx_store_put_weight(p->store, &stored);
	}
	mx_policy_apply_settings(p);
}

u32 mx_policy_weight(const struct mx_policy *p, u32 pool, u32 provider, u32 member)
{
	return mx_state_slot(&p->state, &mx_snapshot_pools(p->snapshot)[pool], provider, member)->weight / 1000;
}

bool mx_policy_weight_is_set(const struct mx_policy *p, u32 pool, u32 provider, u32 member)
{
	return set_weight_of(p, pool, provider, member) != NULL;
}

/* --- deciding --------------------------------------------------------------------------------------------------- */

u64 mx_policy_tick(struct mx_policy *p)
{
	u64 now = mx_clock_now(&p->clock);

	if (now >= mx_ledger_next(p->ledger) && mx_ledger_tick(p->ledger, now, mx_clock_wall()))
		pthread_cond_broadcast(p->room);
	return now;
}

struct mx_lane_id mx_policy_lane(const struct mx_policy *p, u32 provider, u32 source, struct mx_addr to,
				 enum mx_family family)
{
	return (struct mx_lane_id){ provider, source,
				    provider == p->snapshot->default_provider ? mx_network_of(to, family) : 0 };
}

/*
 * What an open connection was charged, and at which provider: whose its address is may be learned meanwhile. The
 * provider by the number of its name, which a reload does not change; 0: not known.
 */
static u32 charge_of(const struct mx_policy *p, u32 provider, u32 messages)
{
	u32 number = mx_name_number(p->provider_names[provider]);

	return (messages < 0xffff ? messages : 0xffff) << 16 | (number <= 0xffff ? number : 0);
}

static u32 provider_of_charge(const struct mx_policy *p, u32 charge, u32 otherwise)
{
	u32 i;

	if (!(charge & 0xffff) || (charge & 0xffff) == mx_name_number(p->provider_names[otherwise]))
		return otherwise;
	for (i = 0; i < p->state.providers; i++)
		if (mx_name_number(p->provider_names[i]) == (charge & 0xffff))
			return i;
	return otherwise;
}

/* What follows from an assignment, outside of core. */
static void book_assignment(struct mx_policy *p, const struct mx_flow *flow, const struct mx_verdict *v, u64 now)
{
	struct mx_lane_id id = mx_policy_lane(p, v->provider, v->source, flow->to, flow->family);
	struct mx_lane *lane = mx_state_lane(&p->state, v->provider, v->source);
	u32 messages = mx_state_messages(&p->state, p->snapshot, v->provider, v->source);
	const struct mx_network_lane *network;
	struct mx_flow_place place;

	mx_ledger_charge(p->ledger, id, now);
	lane->charged += messages;
	place = mx_flow_cache_place(p->pending, flow, 0);
	mx_flow_cache_add(&place, (u32)(now / 1000), charge_of(p, v->provider, messages));
	network = mx_state_network_lane(&p->state, p->snapshot, id);
	if ((lane->slots && lane->open >= lane->slots) ||
	    (network && network->slots && network->open >= network->slots)) {
		p->full[v->source] = true;
		pthread_cond_signal(p->count);
	}
}

/* Whatever waits for the counters or the ledger is told at the end. */
static void book(struct mx_policy *p)
{
	struct mx_decided *d = &p->decided;

	if (!d->any)
		return;
	d->any = false;
	mx_account(p->snapshot, &p->state, &d->flow, d->now, &d->verdict);
	if (d->verdict.action == MX_ASSIGN)
		book_assignment(p, &d->flow, &d->verdict, d->now);
	if (mx_ledger_wants_back(p->ledger))
		eventfd_write(p->recall, 1);
	if (mx_ledger_is_urgent(p->ledger))
		pthread_cond_signal(p->spent);
}

void mx_policy_lock(struct mx_policy *p)
{
	pthread_mutex_lock(&p->lock);
	book(p);
}

void mx_policy_unlock(struct mx_policy *p)
{
	pthread_mutex_unlock(&p->lock);
}

bool mx_policy_wait(struct mx_policy *p, pthread_cond_t *cond, const struct timespec *until)
{
	bool late = until ? pthread_cond_timedwait(cond, &p->lock, until) == ETIMEDOUT
			  : pthread_cond_wait(cond, &p->lock) != 0;

	book(p);
	return !late;
}

void mx_policy_decide(struct mx_policy *p, const struct mx_flow *flow, u64 waited, struct mx_verdict *v)
{
	u64 now;

	book(p);
	now = mx_policy_tick(p);
	mx_decide(p->snapshot, &p->state, flow, MX_NONE, (struct mx_moment){ now, waited }, v);
	if (v->action == MX_HOLD && v->source != MX_NONE) {
		mx_ledger_want(p->ledger, mx_policy_lane(p, v->provider, v->source, flow->to, flow->family), now);
		if (p->config->mode == MX_OBSERVE) /* nobody waits for the file: it was the first use */
			mx_decide(p->snapshot, &p->state, flow, MX_NONE, (struct mx_moment){ now, waited }, v);
	}
	p->decided = (struct mx_decided){ true, *flow, *v, now };
	if (v->action == MX_HOLD) /* nothing is sent */
		book(p);
}

static void book_end(struct mx_policy *p, struct mx_lane_id id, const struct mx_flow_entry *charge,
		     const struct mx_end *end)
{
	struct mx_network_lane *network = mx_state_network_lane(&p->state, p->snapshot, id);
	struct mx_lane *lane = mx_state_lane(&p->state, id.provider, id.source);
	u32 messages = charge->value >> 16;

	lane->bytes_sent += end->sent;
	lane->bytes_received += end->received;
	if (end->established) {
		lane->established++;
		lane->reset += end->reset;
		lane->early += end->early;
		if (!end->early && !end->cut)
			mx_states_succeed(p, id, 1);
		return;
	}
	lane->failed++;
	if (network && !end->cut)
		network->failed++;
	if (!messages)
		return;
	mx_ledger_refund(p->ledger, id, charge->time * 1000ULL, messages, mx_policy_tick(p));
	lane->charged -= messages;
	lane->refunded += messages;
	pthread_cond_broadcast(p->room);
}

u16 mx_policy_end_connection(struct mx_policy *p, u32 provider, u32 source, const struct mx_flow *flow,
			     const struct mx_end *end)
{
	struct mx_flow_place place = mx_flow_cache_place(p->pending, flow, 0);
	struct mx_flow_entry *found = mx_flow_cache_find(p->pending, &place, 0), charge = { 0 };

	if (found) {
		charge = *found;
		mx_flow_cache_take(&place, found);
	}
	provider = provider_of_charge(p, charge.value, provider);
	book_end(p, mx_policy_lane(p, provider, source, flow->to, flow->family), &charge, end);
	return (u16)provider;
}

void mx_policy_settle(struct mx_policy *p, struct mx_lane_id id, u64 then, u32 connections, u32 messages)
{
	struct mx_lane *lane = mx_state_lane(&p->state, id.provider, id.source);

	lane->charged -= mx_ledger_settle(p->ledger, id, then, connections, messages, mx_policy_tick(p));
	lane->charged += messages;
	lane->settled += messages;
	pthread_cond_broadcast(p->room);
	pthread_cond_signal(p->spent);
}

void mx_policy_hold_place(struct mx_policy *p, const struct mx_flow *flow)
{
	struct mx_verdict v = { .action = MX_HOLD, .reason = MX_REASON_PACE };

	book(p);
	v.provider = mx_classify_provider(p->snapshot, p->state.learned, flow);
	v.route = mx_classify_route(p->snapshot, flow, v.provider, MX_NONE);
	mx_account(p->snapshot, &p->state, flow, 0, &v);
}

/* --- learned addresses ------------------------------------------------------------------------------------------ */

struct gathering {
	const struct mx_policy *policy, *next;
	enum mx_family family;
	struct mx_prefixes found;
};

static void gather(const struct mx_destination *d, void *arg)
{
	struct gathering *g = arg;
	u16 provider = d->provider;

	if (d->family != g->family || mx_classify_prefix(g->next->snapshot, d->family, d->addr) != MX_NO_VALUE)
		return;
	if (g->next != g->policy)
		provider = mx_config_provider(g->next->config, g->policy->provider_names[provider]);
	if (provider == MX_NONE)
		return;
	g->found.items = mx_grow(g->found.items, g->found.count, sizeof(g->found.items[0]));
	g->found.items[g->found.count++] = (struct mx_prefix){ d->addr, mx_family_bits(d->family), provider };
}

struct mx_prefixes mx_policy_learned(struct mx_policy *p, const struct mx_policy *next, enum mx_family family)
{
	struct gathering g = { .policy = p, .next = next, .family = family };

	mx_policy_lock(p);
	mx_destinations_each(p->destinations, gather, &g);
	mx_policy_unlock(p);
	return g.found;
}

/* --- one policy after another ----------------------------------------------------------------------------------- */

static const char **names_of(u32 count, const void *first, size_t stride)
{
	const char **names = mx_alloc(count * sizeof(*names));
	u32 i;

	for (i = 0; i < count; i++) /* every structure of the configuration starts with its name */
		names[i] = mx_name(*(char *const *)((const char *)first + i * stride));
	return names;
}

static void compile(struct mx_policy *p, struct mx_config *c, u64 generation)
{
	u32 *numbers = number_sources(c, p->store), i;

	p->config = c;
	p->snapshot = mx_compile(c, numbers, generation);
	free(numbers);
	p->memory = mx_alloc(mx_state_size(p->snapshot));
	p->full = mx_alloc(c->source_count * sizeof(bool));
	mx_state_init(&p->state, p->snapshot, p->memory);
	p->state.networks = p->networks;
	p->state.learned = mx_destinations_learned(p->destinations);
	for (i = 0; i < c->source_count; i++)
		p->state.usable[i] = p->usable(&c->sources[i], p->usable_arg);
	p->source_names = names_of(c->source_count, c->sources, sizeof(c->sources[0]));
	p->provider_names = names_of(c->provider_count, c->providers, sizeof(c->providers[0]));
	p->pool_names = names_of(c->pool_count, c->pools, sizeof(c->pools[0]));
	p->suffixes = mx_suffixes_new(c);
}

static void release(struct mx_policy *p)
{
	mx_suffixes_free(p->suffixes);
	mx_config_free(p->config);
	free(p->snapshot);
	free(p->memory);
	free(p->full);
	free(p->source_names);
	free(p->provider_names);
	free(p->pool_names);
}

static void load_account(const struct mx_ledger_row *row, void *arg)
{
	struct mx_policy *p = arg;

	mx_ledger_load(p->ledger, row, mx_clock_now(&p->clock));
}

static void load_destination(const struct mx_destination_row *row, void *arg)
{
	struct mx_policy *p = arg;
	u16 provider = mx_config_provider(p->config, row->provider);

	if (provider != MX_NONE) /* else it fades in the file */
		mx_destinations_load(p->destinations, row, provider);
}

static void adopt(struct mx_policy *p)
{
	struct mx_ledger_terms terms = { p->config, p->snapshot, &p->state, p->source_names, p->provider_names };

	mx_ledger_adopt(p->ledger, &terms, mx_clock_now(&p->clock), mx_clock_wall());
}

void mx_policy_init(struct mx_policy *p, struct mx_config *config, struct mx_store *store,
		    u8 (*usable)(const struct mx_conf_source *, void *), void *usable_arg)
{
	struct mx_clock_reading reading = mx_clock_read();
	struct mx_clock_mark mark;

	memset(p, 0, sizeof(*p));
	pthread_mutex_init(&p->lock, NULL);
	p->room = mx_thread_new_cond();
	p->spent = mx_thread_new_cond();
	p->count = mx_thread_new_cond();
	p->recall = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (p->recall < 0)
		mx_fatal("cannot make an eventfd: %s", strerror(errno));
	p->store = store;
	p->since = time(NULL);
	p->usable = usable;
	p->usable_arg = usable_arg;
	p->ledger = mx_ledger_new();
	p->networks = mx_alloc(sizeof(*p->networks));
	p->destinations = mx_destinations_new();
	p->pending = mx_flow_cache_new(PENDING_BUCKETS, ~0u);
	mx_clock_start(&p->clock, mx_store_clock(store, &mark) ? &mark : NULL, &reading);
	mx_store_accounts(store, load_account, p);
	if (mx_ledger_lost(p->ledger))
		mx_log(MX_LOG_WARNING, "ledger: the daemon did not end in order: %llu connections count as made",
		       (unsigned long long)mx_ledger_lost(p->ledger));
	mx_store_weights(store, add_weight, p);
	mx_states_load(p);
	compile(p, config, 1);
	mx_store_destinations(store, load_destination, p);
	adopt(p);
	mx_policy_apply_settings(p);
}

void mx_policy_free(struct mx_policy *p)
{
	mx_states_free(p);
	free(p->weights);
	release(p);
	mx_ledger_free(p->ledger);
	free(p->networks);
	mx_destinations_free(p->destinations);
	free(p->pending);
	free(p->room);
	free(p->spent);
	free(p->count);
	close(p->recall);
	pthread_mutex_destroy(&p->lock);
}

/* Where the things of the new policy were in the old one; MX_NONE: they are new. */
struct origins {
	u16 *source, *provider, *pool;
};

static u16 *origins_of(const char **names, u32 count, const char **old, u32 old_count)
{
	u16 *from = mx_alloc(count * sizeof(*from));
	u32 i, j;

	for (i = 0; i < count; i++) {
		for (j = 0; j < old_count && old[j] != names[i]; j++)
			;
		from[i] = j < old_count ? (u16)j : MX_NONE;
	}
	return from;
}

/* A lane that was never used is left alone, so that it takes no memory. */
static void carry_lane(struct mx_lane *to, const struct mx_lane *from)
{
	static const struct mx_lane unused;

	if (memcmp(from, &unused, sizeof(unused)))
		*to = *from;
}

static void carry_counters(struct mx_policy *to, const struct mx_policy *from, const struct origins *o)
{
	u32 provider, source;

	for (provider = 0; provider < to->state.providers; provider++) {
		u16 old = o->provider[provider];

		if (old == MX_NONE)
			continue;
		to->state.passed[provider] = from->state.passed[old];
		to->state.held_total[provider] = from->state.held_total[old];
		memcpy(mx_state_refused(&to->state, provider, 0), mx_state_refused(&from->state, old, 0),
		       MX_REASON_COUNT * sizeof(u64));
		for (source = 0; source < to->state.sources; source++)
			if (o->source[source] != MX_NONE)
				carry_lane(mx_state_lane(&to->state, provider, source),
					   mx_state_lane(&from->state, old, o->source[source]));
	}
}

static void carry_pool(struct mx_policy *to, const struct mx_policy *from, const struct origins *o, u32 pool)
{
	const struct mx_pool *now = &mx_snapshot_pools(to->snapshot)[pool];
	const struct mx_pool *was = &mx_snapshot_pools(from->snapshot)[o->pool[pool]];
	const struct mx_member *old = &mx_snapshot_members(from->snapshot)[was->first_member];
	u32 member, i, provider;

	for (member = 0; member < now->members; member++) {
		u16 source = o->source[mx_snapshot_members(to->snapshot)[now->first_member + member].source];

		for (i = 0; i < was->members && old[i].source != source; i++)
			;
		for (provider = 0; i < was->members && provider < to->state.providers; provider++)
			if (o->provider[provider] != MX_NONE)
				mx_state_slot(&to->state, now, provider, member)->credit =
					mx_state_slot(&from->state, was, o->provider[provider], i)->credit;
	}
	for (provider = 0; provider < to->state.providers; provider++)
		mx_state_bound_credit(&to->state, now, provider);
}

static void carry(struct mx_policy *to, const struct mx_policy *from, const struct origins *o)
{
	u32 pool;

	carry_counters(to, from, o);
	for (pool = 0; pool < to->config->pool_count; pool++)
		if (o->pool[pool] != MX_NONE)
			carry_pool(to, from, o, pool);
}

static void renumber_destinations(struct mx_policy *p, const struct origins *o, u32 providers)
{
	u16 *map = mx_alloc(p->config->provider_count * sizeof(*map));
	u32 i;

	for (i = 0; i < p->config->provider_count; i++)
		map[i] = MX_NONE;
	for (i = 0; i < providers; i++)
		if (o->provider[i] != MX_NONE)
			map[o->provider[i]] = (u16)i;
	mx_destinations_renumber(p->destinations, map);
	free(map);
}

static void take_over(struct mx_policy *p, const struct mx_policy *next)
{
	p->config = next->config;
	p->snapshot = next->snapshot;
	p->state = next->state;
	p->memory = next->memory;
	p->full = next->full;
	p->source_names = next->source_names;
	p->provider_names = next->provider_names;
	p->pool_names = next->pool_names;
	p->suffixes = next->suffixes;
}

struct mx_policy *mx_policy_prepare(const struct mx_policy *p, struct mx_config *config)
{
	struct mx_policy *next = mx_alloc(sizeof(*next));

	*next = *p; /* what was set by hand is shared */
	pthread_mutex_init(&next->lock, NULL);
	next->decided.any = false;
	compile(next, config, p->snapshot->generation + 1);
	apply_weights(next);
	mx_states_apply(next);
	return next;
}

void mx_policy_commit(struct mx_policy *p, struct mx_policy *next)
{
	struct mx_policy old = *p;
	struct origins o;

	o.source = origins_of(next->source_names, next->config->source_count, p->source_names, p->config->source_count);
	o.provider = origins_of(next->provider_names, next->config->provider_count, p->provider_names,
				p->config->provider_count);
	o.pool = origins_of(next->pool_names, next->config->pool_count, p->pool_names, p->config->pool_count);

	mx_policy_lock(p);
	mx_state_settle_expected(&p->state, p->snapshot);
	carry(next, &old, &o);
	renumber_destinations(p, &o, next->config->provider_count);
	take_over(p, next);
	if (p->learner)
		mx_learner_forget(p->learner);
	adopt(p);
	mx_states_apply(p); /* the flags came along with the counters */
	mx_state_changed(&p->state);
	mx_policy_mark_full(p);
	mx_policy_unlock(p);

	free(o.source);
	free(o.provider);
	free(o.pool);
	release(&old);
	free(next);
}

void mx_policy_discard(struct mx_policy *next)
{
	release(next);
	free(next);
}
