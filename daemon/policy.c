// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "core/classify.h"
#include "core/turns.h"
#include "daemon/compile.h"
#include "daemon/marks.h"
#include "daemon/names.h"
#include "daemon/states.h"
#include "daemon/thread.h"

#define PENDING_BUCKETS 32768 /* 131,072 connections, 2 MB */

static const char **names_of(u32 count, const void *first, size_t stride)
{
	const char **names = mx_alloc(count * sizeof(*names));
	u32 i;

	for (i = 0; i < count; i++) /* every structure of the configuration starts with its name */
		names[i] = mx_name(*(char *const *)((const char *)first + i * stride));
	return names;
}

/* False after an error of the store: nothing is taken. */
static bool compile(struct mx_policy *p, struct mx_config *c, u64 generation)
{
	u32 *numbers = mx_marks_number(c, p->store), i;

	if (!numbers)
		return false;
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
	return true;
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
	p->grants = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (p->recall < 0 || p->grants < 0)
		mx_fatal("cannot make an eventfd: %s", strerror(errno));
	p->store = store;
	p->since = time(NULL);
	p->usable = usable;
	p->usable_arg = usable_arg;
	p->ledger = mx_ledger_new();
	p->networks = mx_alloc(sizeof(*p->networks));
	p->destinations = mx_destinations_new();
	p->learner = mx_learner_new();
	p->pending = config->flow_accounting ? mx_flow_cache_new(PENDING_BUCKETS, ~0u) : NULL;
	mx_clock_start(&p->clock, mx_store_clock(store, &mark) ? &mark : NULL, &reading);
	mx_store_reports(store, &p->reports);
	mx_store_accounts(store, load_account, p);
	if (mx_ledger_lost(p->ledger))
		mx_log(MX_LOG_WARNING, "ledger: the daemon did not end in order: %llu connections count as made",
		       (unsigned long long)mx_ledger_lost(p->ledger));
	mx_policy_load_weights(p);
	mx_states_load(p);
	if (!compile(p, config, 1))
		exit(1);
	mx_store_destinations(store, load_destination, p);
	adopt(p);
	mx_policy_apply_settings(p);
}

void mx_policy_free(struct mx_policy *p)
{
	mx_states_free(p);
	free(p->weights);
	free(p->factors);
	release(p);
	mx_ledger_free(p->ledger);
	free(p->networks);
	mx_destinations_free(p->destinations);
	mx_learner_free(p->learner);
	free(p->pending);
	free(p->room);
	free(p->spent);
	free(p->count);
	close(p->recall);
	close(p->grants);
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

	for (provider = 0; provider < from->state.providers; provider++)
		mx_turns_settle(&from->state, from->snapshot, o->pool[pool], provider);
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
		mx_state_bound_credit(&to->state, to->snapshot, pool, provider);
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
	if (!compile(next, config, p->snapshot->generation + 1)) {
		pthread_mutex_destroy(&next->lock);
		free(next);
		return NULL;
	}
	mx_policy_apply_weights(next);
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
	mx_learner_forget(p->learner);
	adopt(p);
	mx_states_apply(p); /* the flags came along with the counters */
	mx_state_changed(&p->state);
	mx_policy_mark_full(p);
	eventfd_write(p->grants, 1);
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

/* --- learned addresses ------------------------------------------------------------------------------------------ */

static void take_lesson(const struct mx_lesson *lesson, void *policy)
{
	struct mx_policy *p = policy;

	mx_destinations_learn(p->destinations, lesson, (u32)time(NULL));
}

void mx_policy_learn(struct mx_policy *p, const struct mx_dns_answer *answer, enum mx_origin origin)
{
	mx_policy_lock(p);
	mx_learner_take(p->learner, p->suffixes, answer, origin, (u32)time(NULL), take_lesson, p);
	mx_policy_unlock(p);
}

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
