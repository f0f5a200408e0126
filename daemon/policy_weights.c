// SPDX-License-Identifier: GPL-2.0-or-later
/* What the operator has set: weights; and which addresses are there. */
#include <pthread.h>
#include <string.h>

#include "daemon/names.h"
#include "daemon/policy.h"
#include "daemon/states.h"

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

/* As set or configured, before the factor. */
static u32 whole_weight(const struct mx_policy *p, u32 pool, u32 provider, u32 member)
{
	const struct mx_set_weight *set = set_weight_of(p, pool, provider, member);

	return set ? set->weight : mx_config_weight(p->config, (u16)pool, member, (u16)provider);
}

static struct mx_set_factor *find_factor(const struct mx_policy *p, const char *source, const char *provider)
{
	u32 i;

	for (i = 0; i < p->factor_count; i++)
		if (p->factors[i].source == source && p->factors[i].provider == provider)
			return &p->factors[i];
	return NULL;
}

u32 mx_policy_factor(const struct mx_policy *p, u32 provider, u32 source)
{
	const struct mx_set_factor *f = find_factor(p, p->source_names[source], p->provider_names[provider]);

	return f ? f->thousandths : 1000;
}

void mx_policy_apply_weights(struct mx_policy *p)
{
	const struct mx_pool *pools = mx_snapshot_pools(p->snapshot);
	u32 pool, provider, member;

	for (pool = 0; pool < p->config->pool_count; pool++)
		for (provider = 0; provider < p->config->provider_count; provider++) {
			for (member = 0; member < pools[pool].members; member++) {
				u32 source = p->config->pools[pool].members.items[member].source;

				mx_state_set_weight(&p->state, p->snapshot, pool, provider, member,
						    whole_weight(p, pool, provider, member) *
							    mx_policy_factor(p, provider, source));
			}
			mx_state_bound_credit(&p->state, p->snapshot, pool, provider);
		}
}

bool mx_policy_lane_is_bound(const struct mx_policy *p, u32 provider, u32 source)
{
	return mx_snapshot_lane_limits(p->snapshot, provider, source).count ||
	       mx_snapshot_sources(p->snapshot)[source].warmup == MX_WARMS_LANES ||
	       mx_state_lane(&p->state, provider, source)->slots;
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
	mx_policy_apply_weights(p);
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

static void add_factor(const struct mx_stored_factor *f, void *arg)
{
	struct mx_policy *p = arg;

	p->factors = mx_grow(p->factors, p->factor_count, sizeof(p->factors[0]));
	p->factors[p->factor_count++] =
		(struct mx_set_factor){ mx_name(f->source), mx_name(f->provider), f->thousandths };
}

void mx_policy_set_factor(struct mx_policy *p, const char *source, const char *provider, u32 thousandths)
{
	struct mx_stored_factor stored = { source, provider, thousandths };
	struct mx_set_factor *known = find_factor(p, mx_name(source), mx_name(provider));

	if (known)
		known->thousandths = thousandths;
	else
		add_factor(&stored, p);
	mx_store_put_factor(p->store, &stored);
	mx_policy_apply_settings(p);
}

u32 mx_policy_weight(const struct mx_policy *p, u32 pool, u32 provider, u32 member)
{
	return whole_weight(p, pool, provider, member);
}

bool mx_policy_weight_is_set(const struct mx_policy *p, u32 pool, u32 provider, u32 member)
{
	return set_weight_of(p, pool, provider, member) != NULL;
}

void mx_policy_load_weights(struct mx_policy *p)
{
	mx_store_weights(p->store, add_weight, p);
	mx_store_factors(p->store, add_factor, p);
}
