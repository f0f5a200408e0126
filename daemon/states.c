// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/states.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/names.h"
#include "daemon/text.h"

/* --- in the store ----------------------------------------------------------------------------------------------- */

/* A network of the default provider stands behind its name: default/203.0.113.0/24. */
static char *stored_provider(const struct mx_set_state *s)
{
	char text[MX_ADDR_TEXT];
	enum mx_family family;
	struct mx_addr first;

	if (!s->network)
		return mx_strdup(s->provider);
	first = mx_network_first(s->network, &family);
	return mx_format("%s/%s", s->provider, mx_prefix_text(family, first, family == MX_IPV4 ? 24 : 64, text));
}

/* Returns the name of the provider, the caller's. */
static char *read_provider(const char *stored, u64 *network)
{
	char *name = mx_strdup(stored), *slash = strchr(name, '/');
	enum mx_family family;
	struct mx_addr addr;
	u8 length;

	*network = 0;
	if (!slash)
		return name;
	*slash = '\0';
	if (!mx_prefix_parse(slash + 1, &family, &addr, &length))
		*network = mx_network_of(addr, family);
	return name;
}

/* The list changes under the lock, because connections that go well are counted in it; the store is written outside. */
static void add(struct mx_policy *p, const struct mx_set_state *s)
{
	mx_policy_lock(p);
	p->states = mx_grow(p->states, p->state_count, sizeof(p->states[0]));
	p->states[p->state_count] = *s;
	p->states[p->state_count].state = mx_name(s->state);
	p->states[p->state_count++].reason = mx_strdup(s->reason ? s->reason : "");
	mx_policy_unlock(p);
}

static bool is_backing_off(const struct mx_set_state *s)
{
	return !strcmp(s->state, "backing-off");
}

static void load_one(const struct mx_stored_state *stored, void *arg)
{
	u64 network;
	char *provider = read_provider(stored->provider, &network), *reason = mx_strdup(stored->reason);
	struct mx_set_state s = { mx_name(stored->source),
				  mx_name(provider),
				  mx_name(stored->owner),
				  stored->state,
				  reason,
				  stored->since,
				  stored->until,
				  network,
				  0 };

	s.slots = is_backing_off(&s) && !s.until;
	add(arg, &s);
	free(provider);
	free(reason);
}

void mx_states_load(struct mx_policy *p)
{
	mx_store_states(p->store, load_one, p);
}

static void put(struct mx_policy *p, const struct mx_set_state *s)
{
	char *provider = stored_provider(s);
	struct mx_stored_state stored = { s->source, provider, s->owner, s->state, s->reason, s->since, s->until };

	mx_store_put_state(p->store, &stored);
	free(provider);
}

static void take_back(struct mx_policy *p, struct mx_set_state *s)
{
	char *provider = stored_provider(s);

	mx_store_delete_state(p->store, s->source, provider, s->owner);
	free(provider);
	mx_policy_lock(p);
	free(s->reason);
	*s = p->states[--p->state_count];
	mx_policy_unlock(p);
}

void mx_states_free(struct mx_policy *p)
{
	while (p->state_count)
		free(p->states[--p->state_count].reason);
	free(p->states);
}

/* --- in force --------------------------------------------------------------------------------------------------- */

static void rest(const struct mx_set_state *s, u32 *flags, u32 *slots)
{
	if (!is_backing_off(s) || !s->slots) {
		*flags |= MX_LANE_PAUSED;
	} else if (!*slots || s->slots < *slots) {
		*flags |= MX_LANE_BACKING_OFF;
		*slots = s->slots;
	}
}

static void forget(struct mx_policy *p)
{
	u32 provider, source, i;

	for (provider = 0; provider < p->state.providers; provider++)
		for (source = 0; source < p->state.sources; source++) {
			struct mx_lane *lane = mx_state_lane(&p->state, provider, source);
			u32 slots = mx_snapshot_lane_concurrency(p->snapshot, provider, source);

			if (lane->flags || lane->slots != slots) { /* most lanes are never touched */
				lane->flags = 0;
				lane->slots = slots;
			}
		}
	for (i = 0; i < MX_NETWORK_LANES; i++) {
		struct mx_network_lane *n = mx_networks_at(p->networks, i);

		if (n->flags || n->slots)
			n->flags = n->slots = 0;
	}
}

static void apply_one(struct mx_policy *p, const struct mx_set_state *s)
{
	u16 source = mx_config_source(p->config, s->source);
	struct mx_network_lane *network;
	u32 provider;

	for (provider = 0; source != MX_NONE && provider < p->state.providers; provider++) {
		struct mx_lane *lane = mx_state_lane(&p->state, provider, source);

		if (*s->provider && s->provider != p->provider_names[provider])
			continue;
		if (!s->network) {
			rest(s, &lane->flags, &lane->slots);
			continue;
		}
		network = mx_ledger_open_network(p->ledger, (struct mx_lane_id){ provider, source, s->network },
						 mx_clock_now(&p->clock));
		if (network)
			rest(s, &network->flags, &network->slots);
	}
}

void mx_states_apply(struct mx_policy *p)
{
	u32 i;

	forget(p);
	for (i = 0; i < p->state_count; i++)
		apply_one(p, &p->states[i]);
}

bool mx_states_set(struct mx_policy *p, const struct mx_set_state *s)
{
	struct mx_set_state set = *s;
	bool had = false;
	u32 i;

	set.source = mx_name(s->source);
	set.provider = mx_name(s->provider);
	set.owner = mx_name(s->owner);
	for (i = 0; i < p->state_count && !had; i++) {
		struct mx_set_state *old = &p->states[i];

		had = old->source == set.source && old->provider == set.provider && old->owner == set.owner &&
		      old->network == set.network;
		if (had)
			take_back(p, old);
	}
	if (set.state) {
		add(p, &set);
		put(p, &p->states[p->state_count - 1]);
	}
	mx_policy_apply_settings(p);
	return had;
}

/* What it may have open when it has come back altogether. */
static u32 goal(const struct mx_policy *p, const struct mx_set_state *s)
{
	u16 source = mx_config_source(p->config, s->source), provider = mx_config_provider(p->config, s->provider);
	u32 slots = source == MX_NONE || provider == MX_NONE
			    ? 0
			    : mx_snapshot_lane_concurrency(p->snapshot, provider, source);

	return slots ? slots : MX_BACKOFF_SLOTS;
}

static void step(struct mx_policy *p, struct mx_set_state *s)
{
	const char *at = *s->provider ? " at " : "";

	if (is_backing_off(s) && !s->slots) {
		mx_policy_lock(p);
		s->slots = 1;
		s->until = 0;
		mx_policy_unlock(p);
		put(p, s);
		mx_log(MX_LOG_INFO, "%s%s%s: backing off: one connection at a time", s->source, at, s->provider);
		return;
	}
	mx_log(MX_LOG_INFO, "%s%s%s: %s", s->source, at, s->provider,
	       is_backing_off(s) ? "has come back" : "the pause is over");
	take_back(p, s);
}

bool mx_states_expire(struct mx_policy *p, s64 now)
{
	bool any = false;
	u32 i;

	for (i = 0; i < p->state_count; i++) {
		struct mx_set_state *s = &p->states[i];
		u32 count = p->state_count;

		if (!(s->until && s->until <= now) && !(s->slots && s->slots >= goal(p, s)))
			continue;
		any = true;
		step(p, s);
		i -= p->state_count < count;
	}
	if (any)
		mx_policy_apply_settings(p);
	return any;
}

void mx_states_succeed(struct mx_policy *p, struct mx_lane_id id, u32 n)
{
	struct mx_lane *lane = mx_state_lane(&p->state, id.provider, id.source);
	struct mx_network_lane *network = mx_state_network_lane(&p->state, p->snapshot, id);
	bool here = lane->flags & MX_LANE_BACKING_OFF, there = network && (network->flags & MX_LANE_BACKING_OFF);
	u32 i;

	if (!here && !there)
		return;
	for (i = 0; i < p->state_count; i++) {
		struct mx_set_state *s = &p->states[i];

		if (!s->slots || s->source != p->source_names[id.source] ||
		    (*s->provider && s->provider != p->provider_names[id.provider]) ||
		    (s->network && s->network != id.network))
			continue;
		s->slots = s->slots + n < MX_BACKOFF_MOST ? s->slots + n : MX_BACKOFF_MOST;
		if (s->network)
			network->slots = s->slots;
		else
			lane->slots = s->slots;
	}
	mx_state_changed(&p->state);
	pthread_cond_broadcast(p->room);
}
