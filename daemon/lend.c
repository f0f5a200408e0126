// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/lend.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/names.h"

/* What is lent out of one account; all in connections. */
struct loan {
	u32 uses;     /* elements that draw on it */
	u32 lent;     /* by the leases of the new table */
	u32 returned; /* leases that came back */
	u32 spent;    /* of them */
	bool bound;   /* it has limits */
};

struct mx_lend {
	struct mx_policy *ledger_policy;
	const struct mx_policy *policy;
	const struct mx_rules *rules;
	bool leaving;
	struct loan *source;   /* [source] */
	struct loan *provider; /* [provider] */
	struct loan *lane;     /* [provider * sources + source] */
};

static struct loan *lane_of(const struct mx_lend *l, u32 provider, u32 source)
{
	return &l->lane[provider * l->policy->state.sources + source];
}

static bool is_draw(const struct mx_set *set)
{
	return set->key == MX_SET_DRAW && set->provider_count;
}

/* --- what is bound ---------------------------------------------------------------------------------------------- */

static void find_bounds(struct mx_lend *l)
{
	const struct mx_snapshot *s = l->policy->snapshot;
	u32 source, provider;

	for (source = 0; source < l->policy->state.sources; source++)
		l->source[source].bound = mx_snapshot_sources(s)[source].limits.count ||
					  mx_snapshot_sources(s)[source].warmup == MX_WARMS_WHOLE;
	for (provider = 0; provider < l->policy->state.providers; provider++) {
		l->provider[provider].bound = mx_snapshot_providers(s)[provider].total_limits.count;
		for (source = 0; source < l->policy->state.sources; source++)
			lane_of(l, provider, source)->bound = mx_policy_lane_is_bound(l->policy, provider, source);
	}
}

/* Calls `each` for every account that an element draws on. */
static void each_loan(const struct mx_lend *l, const struct mx_set *set, u16 source,
		      void (*each)(struct loan *loan, void *arg), void *arg)
{
	u32 i;

	each(&l->source[source], arg);
	for (i = 0; i < set->provider_count; i++) {
		each(&l->provider[set->providers[i]], arg);
		each(lane_of(l, set->providers[i], source), arg);
	}
}

static void see_bound(struct loan *loan, void *arg)
{
	*(bool *)arg |= loan->bound;
}

static void count_use(struct loan *loan, void *arg)
{
	(void)arg;
	loan->uses++;
}

/* An element whose accounts have no limit is free, and none of a set where all are free needs a lease. */
static bool needs_lease(const struct mx_lend *l, const struct mx_set *set, const struct mx_element *e)
{
	bool bound = false;

	each_loan(l, set, e->source, see_bound, &bound);
	return bound;
}

static void count_uses(struct mx_lend *l, struct mx_rules *rules)
{
	u32 i, j;

	for (i = 0; i < rules->set_count; i++) {
		struct mx_set *set = &rules->sets[i];

		for (j = 0; is_draw(set) && j < set->count; j++) {
			if (!needs_lease(l, set, &set->items[j]))
				continue;
			set->leased = true;
			set->items[j].lease = 0;
			each_loan(l, set, set->items[j].source, count_use, NULL);
		}
	}
}

/* --- how much --------------------------------------------------------------------------------------------------- */

static u32 share_of(const struct mx_lend *l, const struct loan *loan, const char *source, const char *provider, u64 now)
{
	if (!loan->bound)
		return MX_LEASE_MOST;
	return mx_ledger_lendable(l->ledger_policy->ledger, source, provider, l->leaving, now) / loan->uses;
}

/* Connections that may still be opened; nftables does not see them close. */
static u32 slots_left(const struct mx_lend *l, u32 provider, u32 source, u32 share)
{
	const struct mx_lane *lane = mx_state_lane(&l->policy->state, provider, source);
	u32 left = lane->open < lane->slots ? lane->slots - lane->open : 0;

	return lane->slots && left < share ? left : share;
}

static u32 lease_for(const struct mx_lend *l, const struct mx_set *set, u16 source, u64 now)
{
	const struct mx_policy *p = l->policy;
	const char *name = p->source_names[source];
	u32 lease = share_of(l, &l->source[source], name, NULL, now), i;

	for (i = 0; i < set->provider_count && lease; i++) {
		u16 at = set->providers[i];
		const char *provider = p->provider_names[at];
		bool limited = mx_snapshot_lane_limits(p->snapshot, at, source).count ||
			       mx_snapshot_sources(p->snapshot)[source].warmup == MX_WARMS_LANES;
		u32 share = share_of(l, &l->provider[at], NULL, provider, now);

		lease = share < lease ? share : lease;
		share = limited ? share_of(l, lane_of(l, at, source), name, provider, now) : MX_LEASE_MOST;
		share = slots_left(l, at, source, share);
		lease = share < lease ? share : lease;
	}
	return lease < MX_LEASE_MOST ? lease : MX_LEASE_MOST;
}

static void add_lent(struct loan *loan, void *arg)
{
	if (loan->bound)
		loan->lent += *(const u32 *)arg;
}

static void set_leases(struct mx_lend *l, struct mx_rules *rules, u64 now)
{
	u32 i, j;

	for (i = 0; i < rules->set_count; i++) {
		struct mx_set *set = &rules->sets[i];

		for (j = 0; set->leased && j < set->count; j++) {
			struct mx_element *e = &set->items[j];

			if (e->lease == MX_LEASE_FREE)
				continue;
			e->lease = lease_for(l, set, e->source, now);
			each_loan(l, set, e->source, add_lent, &e->lease);
		}
	}
}

/* --- the ledger ------------------------------------------------------------------------------------------------- */

/* Calls `each` for every account that has limits or that something came back to. */
static void each_account(struct mx_lend *l, void (*each)(struct mx_lend *, struct loan *, const char *, const char *))
{
	const struct mx_policy *p = l->policy;
	u32 source, provider;

	for (source = 0; source < p->state.sources; source++)
		each(l, &l->source[source], p->source_names[source], NULL);
	for (provider = 0; provider < p->state.providers; provider++) {
		each(l, &l->provider[provider], NULL, p->provider_names[provider]);
		for (source = 0; source < p->state.sources; source++)
			if (lane_of(l, provider, source)->bound || lane_of(l, provider, source)->returned)
				each(l, lane_of(l, provider, source), p->source_names[source],
				     p->provider_names[provider]);
	}
}

static void lend_one(struct mx_lend *l, struct loan *loan, const char *source, const char *provider)
{
	mx_ledger_lend(l->ledger_policy->ledger, source, provider, (s32)loan->lent);
}

static void take_one_back(struct mx_lend *l, struct loan *loan, const char *source, const char *provider)
{
	mx_ledger_lend(l->ledger_policy->ledger, source, provider, -(s32)loan->lent);
	loan->lent = 0;
}

/* Nothing is lent that is not in the file. */
static void lend_nothing(struct mx_lend *l, struct mx_rules *rules)
{
	u32 i, j;

	mx_log(MX_LOG_WARNING, "the ledger cannot be written: the fallback gets nothing of what is limited");
	for (i = 0; i < rules->set_count; i++)
		for (j = 0; rules->sets[i].leased && j < rules->sets[i].count; j++)
			if (rules->sets[i].items[j].lease != MX_LEASE_FREE)
				rules->sets[i].items[j].lease = 0;
	mx_policy_lock(l->ledger_policy);
	each_account(l, take_one_back);
	mx_policy_unlock(l->ledger_policy);
}

struct mx_lend *mx_lend_plan(struct mx_policy *ledger_policy, const struct mx_policy *policy, struct mx_rules *rules,
			     struct mx_bookkeeper *bookkeeper, bool leaving)
{
	struct mx_lend *l = mx_alloc(sizeof(*l));
	u32 sources = policy->state.sources, providers = policy->state.providers;

	l->ledger_policy = ledger_policy;
	l->policy = policy;
	l->rules = rules;
	l->leaving = leaving;
	l->source = mx_alloc(sources * sizeof(struct loan));
	l->provider = mx_alloc(providers * sizeof(struct loan));
	l->lane = mx_alloc((size_t)sources * providers * sizeof(struct loan));
	find_bounds(l);
	count_uses(l, rules);
	mx_policy_lock(ledger_policy);
	set_leases(l, rules, mx_clock_now(&ledger_policy->clock));
	each_account(l, lend_one);
	mx_policy_unlock(ledger_policy);
	if (!mx_bookkeeper_flush(bookkeeper))
		lend_nothing(l, rules);
	return l;
}

/* Whom a draw has served: by its name the one it was made for, or all those that have no limits of their own. */
static void give_back(const struct mx_returned *r, void *arg)
{
	struct mx_lend *l = arg;
	u16 source = mx_config_source(l->policy->config, r->source);
	u32 provider;

	if (source == MX_NONE || r->lease == MX_LEASE_FREE)
		return;
	l->source[source].returned += r->lease;
	l->source[source].spent += r->spent;
	for (provider = 0; provider < l->policy->state.providers; provider++) {
		const char *name = l->policy->provider_names[provider], *pool = strchr(r->set + 5, '.');
		size_t length = strlen(name);

		/* pick.POOL[.PROVIDER][.4|.6] */
		if (!pool || strncmp(pool + 1, name, length) || (pool[1 + length] && pool[1 + length] != '.'))
			continue;
		l->provider[provider].returned += r->lease;
		l->provider[provider].spent += r->spent;
		lane_of(l, provider, source)->returned += r->lease;
		lane_of(l, provider, source)->spent += r->spent;
	}
}

static void settle_one(struct mx_lend *l, struct loan *loan, const char *source, const char *provider)
{
	struct mx_ledger *ledger = l->ledger_policy->ledger;
	u32 before = mx_ledger_lent(ledger, source, provider);
	u32 still = before > loan->lent ? before - loan->lent : 0; /* of the table before */
	u32 lost = still > loan->returned ? still - loan->returned : 0;
	u32 spent = loan->spent < before ? loan->spent : before;

	mx_ledger_take_back(ledger, source, provider, spent, lost, loan->lent, mx_clock_now(&l->ledger_policy->clock));
}

void mx_lend_settle(struct mx_lend *l, struct mx_table *table, bool applied)
{
	mx_table_returned(table, give_back, l);
	mx_policy_lock(l->ledger_policy);
	each_account(l, applied ? settle_one : take_one_back);
	if (applied)
		mx_ledger_end_round(l->ledger_policy->ledger, mx_clock_now(&l->ledger_policy->clock));
	pthread_cond_signal(l->ledger_policy->spent);
	mx_policy_unlock(l->ledger_policy);
	free(l->source);
	free(l->provider);
	free(l->lane);
	free(l);
}
