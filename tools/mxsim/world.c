// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxsim/world.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/classify.h"
#include "daemon/compile.h"
#include "daemon/names.h"

#define ROWS 64 /* of the ledger, written at once */

/* Addresses that no server has: 240.0.0.0/8 for providers without prefixes, 241.0.0.0/8 for strangers. */
#define NOWHERE4 0xf0000000ULL
#define STRANGERS4 0xf1000000ULL
#define NOWHERE6 0xfd6d780000000000ULL
#define STRANGERS6 0xfd6d780100000000ULL

static bool any_source_has(const struct mx_config *c, enum mx_family family)
{
	u32 i;

	for (i = 0; i < c->source_count; i++)
		if (c->sources[i].families & (1u << family))
			return true;
	return false;
}

/* The n-th network of one of the ranges above, in a family that mail can be sent in. */
static enum mx_family made_up(const struct mx_config *c, u64 first4, u64 first6, u32 n, struct mx_addr *addr)
{
	if (any_source_has(c, MX_IPV4)) {
		*addr = (struct mx_addr){ 0, first4 + ((u64)n << 8) };
		return MX_IPV4;
	}
	*addr = (struct mx_addr){ first6 + n, 0 };
	return MX_IPV6;
}

/* Who is known by names alone has no addresses before the daemon looks them up: here it gets some. */
static void add_prefixes(struct mx_config *c)
{
	u32 i;

	for (i = 0; i < c->provider_count; i++) {
		struct mx_conf_nets *nets = &c->providers[i].prefixes;
		struct mx_conf_net net = { .place = c->providers[i].place };

		if (nets->count || !strcmp(c->providers[i].name, "default"))
			continue;
		net.family = made_up(c, NOWHERE4, NOWHERE6, i, &net.addr);
		net.length = net.family == MX_IPV4 ? 24 : 64;
		nets->items = mx_grow(nets->items, nets->count, sizeof(net));
		nets->items[nets->count++] = net;
	}
}

static bool leads_to(const struct sim_world *w, const struct mx_flow *flow, u32 provider)
{
	return mx_classify_provider(w->snapshot, NULL, flow) == provider && !mx_classify_exempt(w->snapshot, flow);
}

static struct mx_flow flow_to(enum mx_family family, struct mx_addr addr, u16 port)
{
	return (struct mx_flow){ .to = addr, .family = family, .to_port = port, .user = MX_NO_ID, .group = MX_NO_ID };
}

/* The first address of one of its prefixes that is not somebody else's. */
static void find_address(struct sim_world *w, u32 provider)
{
	const struct mx_conf_provider *conf = &w->config->providers[provider];
	bool usable_only;
	u32 i;

	for (usable_only = true;; usable_only = false) {
		for (i = 0; i < conf->prefixes.count; i++) {
			const struct mx_conf_net *net = &conf->prefixes.items[i];

			if (usable_only && !any_source_has(w->config, net->family))
				continue;
			w->flow[provider] =
				flow_to(net->family, mx_addr_first(net->addr, net->family, net->length), 25);
			if (leads_to(w, &w->flow[provider], provider))
				return;
		}
		if (!usable_only)
			sim_fail("%s: the first address of each of its prefixes is another provider's, or exempt",
				 conf->name);
	}
}

static void find_networks(struct sim_world *w, const struct sim_plan *plan)
{
	u16 provider = w->snapshot->default_provider;
	struct mx_flow *flow = &w->flow[provider];
	u32 i;

	w->network = mx_alloc(plan->networks * sizeof(*w->network));
	for (i = 0; i < plan->networks; i++) {
		enum mx_family family = made_up(w->config, STRANGERS4, STRANGERS6, i, &w->network[i]);

		*flow = flow_to(family, w->network[i], 25);
		if (w->rate[provider] && !leads_to(w, flow, provider))
			sim_fail("default: the networks of its mail (241.0.0.0/8) are another provider's, or exempt");
	}
}

/* --- how much mail ---------------------------------------------------------------------------------------------- */

static void read_rates(struct sim_world *w, const struct sim_plan *plan)
{
	u32 i, j;

	w->rate = mx_alloc(w->config->provider_count * sizeof(*w->rate));
	for (i = 0; i < plan->rate_count; i++) {
		const struct sim_rate *rate = &plan->rates[i];
		u16 provider = rate->provider ? mx_config_provider(w->config, rate->provider) : MX_NONE;

		if (rate->provider && provider == MX_NONE)
			sim_fail("--rate %s: expected a provider of %s", rate->provider, plan->config);
		for (j = 0; j < w->config->provider_count; j++)
			if (!rate->provider || j == provider)
				w->rate[j] = rate->per_day;
	}
	for (j = 0; j < w->config->provider_count; j++) {
		if (!plan->rate_count)
			w->rate[j] = 1; /* a blast alone: to all alike */
		w->mail += w->rate[j];
	}
	if (!w->mail)
		sim_fail("--rate: expected some mail");
}

/* --- the start -------------------------------------------------------------------------------------------------- */

static time_t day_of(const char *date)
{
	struct tm tm = { 0 };
	const char *end = strptime(date, "%Y-%m-%d", &tm);
	int day = tm.tm_mday;
	time_t time = end && !*end ? timegm(&tm) : -1;

	return time < 86400 * 365 || tm.tm_mday != day ? -1 : time;
}

static time_t find_start(const struct sim_world *w, const struct sim_plan *plan)
{
	const char *earliest = plan->start;
	time_t start;
	u32 i;

	for (i = 0; !plan->start && i < w->config->source_count; i++) {
		const struct mx_conf_warmup *warmup = &w->config->sources[i].warmup;

		if (warmup->given && (!earliest || strcmp(warmup->started, earliest) < 0))
			earliest = warmup->started;
	}
	if (!earliest)
		return time(NULL) / 86400 * 86400;
	start = day_of(earliest);
	if (start < 0)
		sim_fail("--start %s: expected a date, 2026-11-01", earliest);
	return start;
}

/* --- the policy ------------------------------------------------------------------------------------------------- */

static void put_weights(struct sim_world *w)
{
	const struct mx_pool *pools = mx_snapshot_pools(w->snapshot);
	u32 pool, provider, member;

	for (pool = 0; pool < w->config->pool_count; pool++)
		for (provider = 0; provider < w->config->provider_count; provider++)
			for (member = 0; member < pools[pool].members; member++)
				mx_state_set_weight(
					&w->state, w->snapshot, pool, provider, member,
					1000 * mx_config_weight(w->config, (u16)pool, member, (u16)provider));
}

static void put_slots(struct sim_world *w)
{
	u32 provider, source;

	for (provider = 0; provider < w->state.providers; provider++)
		for (source = 0; source < w->state.sources; source++)
			mx_state_lane(&w->state, provider, source)->slots =
				mx_snapshot_lane_concurrency(w->snapshot, provider, source);
}

static void make_state(struct sim_world *w)
{
	u32 i;

	w->memory = mx_alloc(mx_state_size(w->snapshot));
	mx_state_init(&w->state, w->snapshot, w->memory);
	w->networks = mx_alloc(sizeof(*w->networks));
	w->state.networks = w->networks;
	for (i = 0; i < w->config->source_count; i++)
		w->state.usable[i] = (u8)w->config->sources[i].families;
	put_weights(w);
	put_slots(w);
}

static void compile(struct sim_world *w)
{
	u32 *numbers = mx_alloc(w->config->source_count * sizeof(*numbers)), i;

	for (i = 0; i < w->config->source_count; i++)
		numbers[i] = i + 1;
	w->snapshot = mx_compile(w->config, numbers, 1);
	free(numbers);
	w->source_names = mx_alloc(w->config->source_count * sizeof(*w->source_names));
	for (i = 0; i < w->config->source_count; i++)
		w->source_names[i] = mx_name(w->config->sources[i].name);
	w->provider_names = mx_alloc(w->config->provider_count * sizeof(*w->provider_names));
	for (i = 0; i < w->config->provider_count; i++)
		w->provider_names[i] = mx_name(w->config->providers[i].name);
}

static void make_ledger(struct sim_world *w)
{
	struct mx_ledger_terms terms = { w->config, w->snapshot, &w->state, w->source_names, w->provider_names };

	w->rows = mx_alloc(ROWS * sizeof(*w->rows));
	w->ledger = mx_ledger_new();
	mx_ledger_adopt(w->ledger, &terms, sim_world_start(w), sim_world_start(w));
}

void sim_world_init(struct sim_world *w, const struct sim_plan *plan)
{
	char error[MX_CONFIG_ERROR];
	u32 i;

	memset(w, 0, sizeof(*w));
	w->config = mx_config_read(plan->config, error);
	if (!w->config)
		sim_fail("%s", error);
	w->class = plan->class ? mx_config_class(w->config, plan->class) : MX_NONE;
	if (plan->class && w->class == MX_NONE)
		sim_fail("--class %s: expected a class of %s", plan->class, plan->config);
	w->start = find_start(w, plan);
	read_rates(w, plan);
	add_prefixes(w->config);
	compile(w);
	w->flow = mx_alloc(w->config->provider_count * sizeof(*w->flow));
	for (i = 0; i < w->config->provider_count; i++)
		if (i != w->snapshot->default_provider && w->rate[i])
			find_address(w, i);
	find_networks(w, plan);
	make_state(w);
	make_ledger(w);
}

void sim_world_free(struct sim_world *w)
{
	mx_ledger_free(w->ledger);
	free(w->snapshot);
	free(w->memory);
	free(w->networks);
	free(w->source_names);
	free(w->provider_names);
	free(w->rows);
	free(w->rate);
	free(w->flow);
	free(w->network);
	mx_config_free(w->config);
}

void sim_world_cover(struct sim_world *w, u64 now)
{
	do {
		u32 n = mx_ledger_collect(w->ledger, w->rows, ROWS, true, now);

		mx_ledger_written(w->ledger, w->rows, n, true, now);
		w->covers++;
	} while (mx_ledger_is_urgent(w->ledger));
}
