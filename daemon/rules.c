// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/rules.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/compile.h"
#include "daemon/names.h"

/* --- making sets and chains ------------------------------------------------------------------------------------- */

static struct mx_set *add_set(struct mx_rules *r, char *name, enum mx_set_type key, bool interval, bool verdicts)
{
	r->sets = mx_grow(r->sets, r->set_count, sizeof(r->sets[0]));
	r->sets[r->set_count] = (struct mx_set){ .name = name, .key = key, .interval = interval, .verdicts = verdicts };
	return &r->sets[r->set_count++];
}

static struct mx_element *add_element(struct mx_set *set, struct mx_addr first, struct mx_addr last)
{
	set->items = mx_grow(set->items, set->count, sizeof(set->items[0]));
	set->items[set->count] = (struct mx_element){ .first = first, .last = last };
	return &set->items[set->count++];
}

static struct mx_element *add_number(struct mx_set *set, u64 first, u64 last)
{
	return add_element(set, (struct mx_addr){ 0, first }, (struct mx_addr){ 0, last });
}

/* Returns its index: chains move when more are added. */
static u32 add_chain(struct mx_rules *r, char *name)
{
	r->chains = mx_grow(r->chains, r->chain_count, sizeof(r->chains[0]));
	r->chains[r->chain_count] = (struct mx_chain){ .name = name };
	return r->chain_count++;
}

static struct mx_rule *add_rule(struct mx_rules *r, u32 chain, enum mx_rule_kind kind, const char *target)
{
	struct mx_chain *c = &r->chains[chain];

	c->items = mx_grow(c->items, c->count, sizeof(c->items[0]));
	c->items[c->count] = (struct mx_rule){ .kind = kind, .target = target };
	return &c->items[c->count++];
}

/* A name that lives as long as the process; there are few. */
static const char *name_of(const char *format, const char *a, const char *b)
{
	char *text = mx_format(format, a, b);
	const char *name = mx_name(text);

	free(text);
	return name;
}

static struct mx_set *find_set(struct mx_rules *r, const char *name)
{
	u32 i;

	for (i = r->set_count; i-- > 0;)
		if (!strcmp(r->sets[i].name, name))
			return &r->sets[i];
	return NULL;
}

/* The last address of a range. */
static struct mx_addr range_last(const struct mx_range *ranges, u32 count, u32 i, enum mx_family family)
{
	struct mx_addr next;

	if (i + 1 == count)
		return mx_addr_last((struct mx_addr){ 0, 0 }, family, 0);
	next = ranges[i + 1].start;
	return (struct mx_addr){ next.hi - !next.lo, next.lo - 1 };
}

/* --- the fixed sets --------------------------------------------------------------------------------------------- */

static void put_ports(struct mx_rules *r, const struct mx_config *c)
{
	struct mx_set *ports = add_set(r, mx_strdup("ports"), MX_SET_PORT, false, false);
	struct mx_set *enforced;
	u32 i;

	for (i = 0; i < c->ports.count; i++)
		add_number(ports, c->ports.items[i], c->ports.items[i]);
	enforced = add_set(r, mx_strdup("enforced"), MX_SET_PORT, false, false);
	for (i = 0; c->mode == MX_ENFORCE && i < c->ports.count; i++)
		add_number(enforced, c->ports.items[i], c->ports.items[i]);
}

/* Loopback is exempt always; this host's own addresses are found by `fib` in the rules. */
static const struct mx_conf_net loopback[] = {
	{ .addr = { 0, 0x7f000000 }, .family = MX_IPV4, .length = 8 },
	{ .addr = { 0, 1 }, .family = MX_IPV6, .length = 128 },
};

static void put_nets(struct mx_rules *r, const char *name, const struct mx_conf_nets *nets, bool with_loopback)
{
	struct mx_conf_nets all = { 0 };
	u32 family, i, count;

	all.items = mx_alloc((nets->count + 2) * sizeof(all.items[0]));
	if (nets->count)
		memcpy(all.items, nets->items, nets->count * sizeof(all.items[0]));
	all.count = nets->count;
	for (i = 0; with_loopback && i < 2; i++)
		all.items[all.count++] = loopback[i];
	for (family = 0; family < MX_FAMILIES; family++) {
		struct mx_range *ranges = mx_compile_nets(&all, family, &count);
		struct mx_set *set = add_set(r, mx_format("%s%d", name, family == MX_IPV4 ? 4 : 6),
					     family == MX_IPV4 ? MX_SET_ADDR4 : MX_SET_ADDR6, true, false);

		for (i = 0; i < count; i++)
			if (ranges[i].value != MX_NO_VALUE)
				add_element(set, ranges[i].start, range_last(ranges, count, i, family));
		free(ranges);
	}
	free(all.items);
}

static void put_sources(struct mx_rules *r, const struct mx_policy *p)
{
	const struct mx_source *sources = mx_snapshot_sources(p->snapshot);
	u32 family, i;

	for (family = 0; family < MX_FAMILIES; family++) {
		int digit = family == MX_IPV4 ? 4 : 6;
		enum mx_set_type type = family == MX_IPV4 ? MX_SET_ADDR4 : MX_SET_ADDR6;
		struct mx_set *set = add_set(r, mx_format("ours%d", digit), type, false, false);

		for (i = 0; i < p->config->source_count; i++)
			if (p->state.usable[i] & (1u << family))
				add_element(set, p->config->sources[i].addr[family],
					    p->config->sources[i].addr[family]);
		set = add_set(r, mx_format("source%d", digit), MX_SET_MARK, false, false);
		set->addresses = true;
		set->data_family = family;
		for (i = 0; i < p->config->source_count; i++)
			if (p->state.usable[i] & (1u << family))
				add_number(set, sources[i].mark, sources[i].mark)->data =
					p->config->sources[i].addr[family];
	}
}

static void put_marks(struct mx_rules *r, const struct mx_policy *p)
{
	struct mx_set *set = add_set(r, mx_strdup("bymark"), MX_SET_MARK, false, true);
	u32 refuse = mx_mark_refuse(r->mark_mask), pass = mx_mark_pass(r->mark_mask), i;

	for (i = 0; i < p->config->source_count; i++) {
		u32 mark = mx_snapshot_sources(p->snapshot)[i].mark;

		add_number(set, mark, mark)->chain = name_of("src.%s%s", p->source_names[i], "");
	}
	add_number(set, refuse, refuse)->chain = "refuse";
	add_number(set, pass, pass)->chain = "pass";
}

static void put_source_chains(struct mx_rules *r, const struct mx_policy *p)
{
	u32 i, chain;

	for (i = 0; i < p->config->source_count; i++) {
		chain = add_chain(r, mx_format("src.%s", p->source_names[i]));
		add_rule(r, chain, MX_RULE_SET_MARK, NULL)->value = mx_snapshot_sources(p->snapshot)[i].mark;
	}
}

/* --- the fallback ----------------------------------------------------------------------------------------------- */

static u64 candidate_weight(const struct mx_policy *p, u32 pool, u32 provider, u32 member, enum mx_family family)
{
	const struct mx_pool *pl = &mx_snapshot_pools(p->snapshot)[pool];

	if (mx_state_eligible(&p->state, p->snapshot, pl, provider, member, family) != MX_REASON_CANDIDATE)
		return 0;
	return mx_state_slot(&p->state, pl, provider, member)->weight;
}

static u64 total_weight(const struct mx_policy *p, u32 pool, u32 provider, enum mx_family family)
{
	u64 total = 0;
	u32 i;

	for (i = 0; i < p->config->pools[pool].members.count; i++)
		total += candidate_weight(p, pool, provider, i, family);
	return total;
}

static bool families_alike(const struct mx_policy *p, u32 pool, u32 provider)
{
	u32 i;

	for (i = 0; i < p->config->pools[pool].members.count; i++)
		if (candidate_weight(p, pool, provider, i, MX_IPV4) != candidate_weight(p, pool, provider, i, MX_IPV6))
			return false;
	return true;
}

static bool has_chain(const struct mx_rules *r, const char *name)
{
	u32 i;

	for (i = r->chain_count; i-- > 0;)
		if (!strcmp(r->chains[i].name, name))
			return true;
	return false;
}

/* A draw picks each candidate by its share of the numbers below MX_DRAW_RANGE. */
static void put_pick(struct mx_rules *r, const struct mx_policy *p, const char *name, u32 pool, u32 provider,
		     enum mx_family family)
{
	struct mx_set *set = add_set(r, mx_strdup(name), MX_SET_DRAW, true, true);
	u64 total = total_weight(p, pool, provider, family), sum = 0, at = 0;
	u32 i;

	for (i = 0; i < p->config->pools[pool].members.count; i++) {
		u64 end;

		sum += candidate_weight(p, pool, provider, i, family);
		end = sum * MX_DRAW_RANGE / total;
		if (end > at) {
			struct mx_element *e = add_number(set, at, end - 1);

			e->source = p->config->pools[pool].members.items[i].source;
			e->chain = name_of("src.%s%s", p->source_names[e->source], "");
			e->lease = MX_LEASE_FREE;
		}
		at = end;
	}
}

static bool weights_alike(const struct mx_policy *p, u32 pool, u32 provider, u32 other, enum mx_family family)
{
	u32 i;

	for (i = 0; i < p->config->pools[pool].members.count; i++)
		if (candidate_weight(p, pool, provider, i, family) != candidate_weight(p, pool, other, i, family))
			return false;
	return true;
}

static void serve(struct mx_set *set, u16 provider)
{
	u32 i;

	for (i = 0; i < set->provider_count; i++)
		if (set->providers[i] == provider)
			return;
	set->providers = mx_grow(set->providers, set->provider_count, sizeof(u16));
	set->providers[set->provider_count++] = provider;
}

static bool is_bound(const struct mx_policy *p, u32 pool, u32 provider)
{
	u32 i;

	for (i = 0; i < p->config->pools[pool].members.count; i++)
		if (mx_policy_lane_is_bound(p, provider, p->config->pools[pool].members.items[i].source))
			return true;
	return mx_snapshot_providers(p->snapshot)[provider].total_limits.count;
}

/*
 * The draw for a provider. Those without limits of their own share one, where their weights are those of the default
 * provider: a lease that is spent at one provider must not keep the mail for another.
 */
static const char *pick_set(struct mx_rules *r, const struct mx_policy *p, u16 pool, u32 provider, const char *suffix,
			    enum mx_family family)
{
	u16 usual = p->snapshot->default_provider;
	const char *where, *pick;

	if (!is_bound(p, pool, provider) && weights_alike(p, pool, provider, usual, MX_IPV4) &&
	    weights_alike(p, pool, provider, usual, MX_IPV6))
		where = name_of(".%s%s", p->pool_names[pool], "");
	else
		where = name_of(".%s.%s", p->pool_names[pool], p->provider_names[provider]);
	pick = name_of("pick%s%s", where, suffix);
	if (!find_set(r, pick))
		put_pick(r, p, pick, pool, provider, family);
	serve(find_set(r, pick), (u16)provider);
	return pick;
}

/*
 * What is left when every draw met one whose lease is spent: refuse. This is a draw, too, that always meets: the sets
 * are exchanged while packets are on their way, and one that meets none of them any more must not be refused.
 */
static const char *spent_draw(struct mx_rules *r)
{
	static const char name[] = "draw.spent";

	if (!find_set(r, name))
		add_number(add_set(r, mx_strdup(name), MX_SET_DRAW, true, true), 0, MX_DRAW_RANGE - 1)->chain =
			"refuse";
	return name;
}

/* The chain that serves a provider from a pool: the pool's own draw, or its overflow's, or `refuse`. */
static const char *lane_chain(struct mx_rules *r, const struct mx_policy *p, u16 pool, u32 provider,
			      enum mx_family family)
{
	const char *suffix, *where, *lane, *pick, *draws;
	u32 chain, i;

	while (pool != MX_NONE && !total_weight(p, pool, provider, family))
		pool = p->config->pools[pool].overflow;
	if (pool == MX_NONE)
		return "refuse";
	suffix = families_alike(p, pool, provider) ? "" : family == MX_IPV4 ? ".4" : ".6";
	where = name_of(".%s.%s", p->pool_names[pool], p->provider_names[provider]);
	lane = name_of("lane%s%s", where, suffix);
	if (has_chain(r, lane))
		return lane;
	pick = pick_set(r, p, pool, provider, suffix, family);
	draws = name_of("draws%s%s", where, suffix);
	chain = add_chain(r, mx_strdup(draws));
	for (i = 0; i < MX_DRAWS; i++)
		add_rule(r, chain, MX_RULE_DRAW, pick);
	chain = add_chain(r, mx_strdup(lane));
	for (i = 0; i < MX_DRAW_ROUNDS; i++)
		add_rule(r, chain, MX_RULE_JUMP, draws);
	add_rule(r, chain, MX_RULE_DRAW, spent_draw(r));
	return lane;
}

/* Its chains stand from the beginning: while chains come and go, packets on their way may be lost. */
static bool can_be_learned(const struct mx_conf_provider *provider)
{
	return provider->mx.count || provider->domains.count;
}

/*
 * Routes first .. last share one map, from destination to lane, for each family: pool_of[provider] is the pool that
 * they send a provider to, or MX_NONE.
 */
static void put_route_maps(struct mx_rules *r, const struct mx_policy *p, const struct mx_prefixes *learned, u32 chain,
			   u32 number, const u16 *pool_of)
{
	const char **lanes = mx_alloc(p->config->provider_count * sizeof(*lanes));
	u16 other = p->snapshot->default_provider;
	u32 family, count, i;

	for (family = 0; family < MX_FAMILIES; family++) {
		struct mx_range *ranges = mx_compile_providers(p->config, family, &learned[family], &count);
		char *name = mx_format("to%d.%u", family == MX_IPV4 ? 4 : 6, number);
		u32 index = r->set_count;

		add_set(r, name, family == MX_IPV4 ? MX_SET_ADDR4 : MX_SET_ADDR6, true, true);
		memset(lanes, 0, p->config->provider_count * sizeof(*lanes));
		for (i = 0; i < count; i++) {
			u16 provider = ranges[i].value == MX_NO_VALUE ? other : ranges[i].value;

			if (pool_of[provider] == MX_NONE)
				continue;
			if (!lanes[provider])
				lanes[provider] = lane_chain(r, p, pool_of[provider], provider, family);
			add_element(&r->sets[index], ranges[i].start, range_last(ranges, count, i, family))->chain =
				lanes[provider];
		}
		for (i = 0; i < p->config->provider_count; i++) /* whose first address is yet to be learned */
			if (pool_of[i] != MX_NONE && !lanes[i] && can_be_learned(&p->config->providers[i]))
				lane_chain(r, p, pool_of[i], (u16)i, family);
		free(ranges);
		add_rule(r, chain, MX_RULE_TO, mx_name(name))->family = family;
	}
	free(lanes);
}

/*
 * The members of a class reach `then` through one chain for each option that is given: any of its values goes on to
 * the next, none of them falls through and so back to the fallback. Returns the chain to jump to.
 */
static const char *put_class(struct mx_rules *r, const struct mx_conf_class *class, u32 number, const char *then)
{
	u32 option, i, chain;

	for (option = 0; option < 4; option++) {
		u32 count = option == 0   ? class->marks.count
			    : option == 1 ? class->users.count
			    : option == 2 ? class->groups.count
					  : class->clients.count;

		if (!count)
			continue;
		chain = add_chain(r, mx_format("class.%u.%u", number, option));
		for (i = 0; i < count; i++) {
			static const enum mx_rule_kind kinds[] = { MX_RULE_MARK, MX_RULE_USER, MX_RULE_GROUP,
								   MX_RULE_FROM };
			struct mx_rule *rule = add_rule(r, chain, kinds[option], then);

			if (option == 0) {
				rule->value = class->marks.items[i].value & ~r->mark_mask;
				rule->mask = class->marks.items[i].mask & ~r->mark_mask;
			} else if (option == 3) {
				rule->family = class->clients.items[i].family;
				rule->addr = class->clients.items[i].addr;
				rule->length = class->clients.items[i].length;
			} else {
				rule->value = option == 1 ? class->users.items[i] : class->groups.items[i];
			}
		}
		then = mx_name(r->chains[chain].name);
	}
	return then;
}

static void pools_of_routes(const struct mx_config *c, u32 first, u32 last, u16 *pool_of)
{
	u32 i, provider;

	for (provider = 0; provider < c->provider_count; provider++) {
		pool_of[provider] = MX_NONE;
		for (i = first; i <= last && pool_of[provider] == MX_NONE; i++)
			if (c->routes[i].provider == MX_NONE || c->routes[i].provider == provider)
				pool_of[provider] = c->routes[i].pool;
	}
}

/* Routes in their order; neighbours of the same class share their maps. */
static void put_fallback(struct mx_rules *r, const struct mx_policy *p, const struct mx_prefixes *learned)
{
	const struct mx_config *c = p->config;
	u16 *pool_of = mx_alloc(c->provider_count * sizeof(*pool_of));
	u32 first, last, chain;

	for (first = 0; first < c->route_count; first = last + 1) {
		u16 class = c->routes[first].class;
		const char *name;

		for (last = first; last + 1 < c->route_count && c->routes[last + 1].class == class; last++)
			;
		pools_of_routes(c, first, last, pool_of);
		chain = add_chain(r, mx_format("route.%u", first + 1));
		name = mx_name(r->chains[chain].name);
		put_route_maps(r, p, learned, chain, first + 1, pool_of);
		if (class != MX_NONE)
			name = put_class(r, &c->classes[class], first + 1, name);
		add_rule(r, MX_CHAIN_FALLBACK, MX_RULE_JUMP, name);
	}
	free(pool_of);
}

/* The addresses and the mark of a source that the new policy no longer has. */
static void keep_source(struct mx_rules *r, const struct mx_policy *p, u32 source)
{
	const struct mx_conf_source *s = &p->config->sources[source];
	u32 mark = mx_snapshot_sources(p->snapshot)[source].mark, family, chain;
	static const char *const ours[] = { "ours4", "ours6" }, *const maps[] = { "source4", "source6" };

	for (family = 0; family < MX_FAMILIES; family++)
		if (p->state.usable[source] & (1u << family)) {
			add_element(find_set(r, ours[family]), s->addr[family], s->addr[family]);
			add_number(find_set(r, maps[family]), mark, mark)->data = s->addr[family];
		}
	add_number(find_set(r, "bymark"), mark, mark)->chain = name_of("src.%s%s", p->source_names[source], "");
	chain = add_chain(r, mx_format("src.%s", p->source_names[source]));
	add_rule(r, chain, MX_RULE_SET_MARK, NULL)->value = mark;
}

struct mx_rules *mx_rules_new(const struct mx_policy *p, const struct mx_policy *leaving,
			      const struct mx_prefixes learned[MX_FAMILIES], bool is_steered)
{
	struct mx_rules *r = mx_alloc(sizeof(*r));
	u32 i;

	r->mark_mask = p->snapshot->mark_mask;
	put_ports(r, p->config);
	put_nets(r, "clients", &p->config->clients, false);
	put_nets(r, "exempt", &p->config->exempt, true);
	put_sources(r, p);
	put_marks(r, p);
	r->fixed_sets = r->set_count;
	add_chain(r, mx_strdup("fallback")); /* in the order of enum mx_fixed_chain */
	add_chain(r, mx_strdup("steer"));
	if (is_steered)
		add_rule(r, MX_CHAIN_STEER, MX_RULE_GOTO, "restore");
	put_source_chains(r, p);
	if (p->config->when_down == MX_DOWN_BALANCE)
		put_fallback(r, p, learned);
	else
		add_rule(r, MX_CHAIN_FALLBACK, MX_RULE_GOTO, "refuse");
	for (i = 0; leaving && i < leaving->config->source_count; i++)
		if (mx_config_source(p->config, leaving->source_names[i]) == MX_NONE)
			keep_source(r, leaving, i);
	return r;
}

/* FNV-1a over bytes; texts with their NUL, so that two of them never run together. */
static u64 hash_bytes(u64 hash, const void *bytes, size_t count)
{
	const u8 *b = bytes;

	while (count--)
		hash = (hash ^ *b++) * 0x100000001b3ULL;
	return hash;
}

static u64 hash_text(u64 hash, const char *text)
{
	return text ? hash_bytes(hash, text, strlen(text) + 1) : hash_bytes(hash, "", 1);
}

static u64 hash_number(u64 hash, u64 n)
{
	return hash_bytes(hash, &n, sizeof(n));
}

u64 mx_rules_structure(const struct mx_rules *r)
{
	u64 hash = 0xcbf29ce484222325ULL;
	u32 i, j;

	for (i = 0; i < r->set_count; i++)
		hash = hash_number(hash_text(hash, r->sets[i].name), r->sets[i].leased);
	for (i = 0; i < r->chain_count; i++) {
		hash = hash_text(hash, r->chains[i].name);
		for (j = 0; j < r->chains[i].count; j++) {
			const struct mx_rule *rule = &r->chains[i].items[j];

			hash = hash_number(hash, rule->kind);
			hash = hash_text(hash, rule->target);
			hash = hash_number(hash, rule->value);
			hash = hash_number(hash, rule->mask);
			hash = hash_number(hash, rule->family);
			hash = hash_number(hash, rule->addr.hi);
			hash = hash_number(hash, rule->addr.lo);
			hash = hash_number(hash, rule->length);
		}
	}
	return hash;
}

u64 mx_rules_elements(const struct mx_set *set)
{
	u64 hash = 0xcbf29ce484222325ULL;
	u32 i;

	for (i = 0; i < set->count; i++) {
		hash = hash_bytes(hash, &set->items[i].first, sizeof(struct mx_addr));
		hash = hash_bytes(hash, &set->items[i].last, sizeof(struct mx_addr));
		hash = hash_bytes(hash, &set->items[i].data, sizeof(struct mx_addr));
		hash = hash_text(hash, set->items[i].chain);
		hash = hash_number(hash, set->leased ? set->items[i].lease : 0);
	}
	return hash;
}

void mx_rules_free(struct mx_rules *r)
{
	u32 i;

	for (i = 0; i < r->set_count; i++) {
		free(r->sets[i].name);
		free(r->sets[i].items);
		free(r->sets[i].providers);
	}
	for (i = 0; i < r->chain_count; i++) {
		free(r->chains[i].name);
		free(r->chains[i].items);
	}
	free(r->sets);
	free(r->chains);
	free(r);
}
