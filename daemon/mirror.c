// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/mirror.h"

#include <stdlib.h>
#include <string.h>

#include "core/balance.h"
#include "daemon/log.h"

static const char **copy_of(const char *const *names, u32 count)
{
	const char **copy = mx_alloc((count + 1UL) * sizeof(*copy));

	memcpy(copy, names, count * sizeof(*copy));
	return copy;
}

struct mx_mirror *mx_mirror_new(struct mx_policy *p, u64 generation)
{
	struct mx_mirror *m = mx_alloc(sizeof(*m));
	size_t lanes;

	mx_policy_lock(p);
	m->generation = generation;
	m->policy = p->snapshot->generation;
	m->seed = p->state.learned->seed;
	m->refuses = p->config->when_down == MX_DOWN_REFUSE;
	m->sources = p->state.sources;
	m->providers = p->state.providers;
	m->pools = mx_snapshot_count(p->snapshot, MX_SECTION_POOLS);
	m->slots = p->snapshot->slots;
	m->source_names = copy_of(p->source_names, m->sources);
	m->provider_names = copy_of(p->provider_names, m->providers);
	m->pool_names = copy_of(p->pool_names, m->pools);
	mx_policy_unlock(p);
	lanes = (size_t)m->providers * m->sources;
	m->lanes = mx_alloc(lanes * sizeof(*m->lanes));
	m->weights = mx_alloc((m->slots + 1UL) * sizeof(*m->weights));
	m->usable = mx_alloc(m->sources);
	m->asks = mx_alloc(m->providers);
	m->decided = mx_alloc((size_t)m->pools * m->providers * sizeof(*m->decided));
	m->learned = mx_alloc(MX_LEARNED_SLOTS * sizeof(*m->learned));
	m->learned_version = ~0u;
	return m;
}

void mx_mirror_free(struct mx_mirror *m)
{
	if (!m)
		return;
	free(m->source_names);
	free(m->provider_names);
	free(m->pool_names);
	free(m->lanes);
	free(m->weights);
	free(m->usable);
	free(m->asks);
	free(m->decided);
	free(m->learned);
	free(m);
}

void mx_telling_free(struct mx_telling *t)
{
	free(t->slots);
	free(t->sources);
	free(t->providers);
	free(t->lanes);
	free(t->recalled);
	free(t->learned);
}

/* --- lanes ------------------------------------------------------------------------------------------------------ */

/* Limits of the source, of the provider or of the lane: what is made there has to be covered by a lease. */
static bool is_limited(const struct mx_policy *p, u32 provider, u32 source)
{
	const struct mx_source *s = &mx_snapshot_sources(p->snapshot)[source];

	return s->warmup != MX_WARMS_NOTHING || s->limits.count ||
	       mx_snapshot_providers(p->snapshot)[provider].total_limits.count ||
	       mx_snapshot_lane_limits(p->snapshot, provider, source).count;
}

static struct mxload_lane shut(struct mxload_lane lane, enum mx_reason why, u64 ready)
{
	lane.state = MXLOAD_LANE_SHUT;
	lane.why = (u8)why;
	lane.ready = ready;
	return lane;
}

struct mxload_lane mx_mirror_lane_of(const struct mx_policy *p, u32 provider, u32 source)
{
	const struct mx_lane *lane = mx_state_lane(&p->state, provider, source);
	struct mxload_lane l = { .provider = (u16)provider, .source = (u16)source, .state = MXLOAD_LANE_LEASED };
	enum mx_reason why;

	if (lane->flags & MX_LANE_PAUSED)
		return shut(l, MX_REASON_PAUSED, 0);
	why = mx_state_room(&p->state, p->snapshot, provider, source);
	if (why != MX_REASON_CANDIDATE)
		return shut(l, why, mx_state_ready(&p->state, p->snapshot, (struct mx_lane_id){ provider, source, 0 }));
	if (lane->slots && lane->open >= lane->slots)
		return shut(l, lane->flags & MX_LANE_BACKING_OFF ? MX_REASON_BACKING_OFF : MX_REASON_CONCURRENCY, 0);
	if (!lane->slots && !is_limited(p, provider, source))
		l.state = MXLOAD_LANE_FREE;
	return l;
}

static void compare_lanes(struct mx_mirror *m, const struct mx_policy *p, u32 provider, struct mx_telling *t)
{
	u32 source;

	for (source = 0; source < m->sources; source++) {
		struct mxload_lane lane = mx_mirror_lane_of(p, provider, source);
		struct mx_mirror_lane *told = mx_mirror_lane(m, provider, source);

		if (lane.state == told->state && lane.why == told->why)
			continue;
		if (told->lent) {
			t->recalled = mx_grow(t->recalled, t->recalled_count, sizeof(lane));
			t->recalled[t->recalled_count++] = lane;
		}
		told->state = lane.state;
		told->why = lane.why;
		t->lanes = mx_grow(t->lanes, t->lane_count, sizeof(lane));
		t->lanes[t->lane_count++] = lane;
	}
}

/* --- everything else -------------------------------------------------------------------------------------------- */

static void compare_slots(struct mx_mirror *m, const struct mx_policy *p, struct mx_telling *t)
{
	u32 i;

	for (i = 0; i < m->slots; i++) {
		const struct mx_slot *slot = &p->state.slots[i];

		if (slot->weight == m->weights[i])
			continue;
		m->weights[i] = slot->weight;
		t->slots = mx_grow(t->slots, t->slot_count, sizeof(*t->slots));
		t->slots[t->slot_count++] =
			(struct mxload_slot){ .slot = i, .set = MXLOAD_SLOT_WEIGHT, .weight = slot->weight };
	}
}

static void compare_sources(struct mx_mirror *m, const struct mx_policy *p, struct mx_telling *t)
{
	u32 i;

	for (i = 0; i < m->sources; i++) {
		if (p->state.usable[i] == m->usable[i])
			continue;
		m->usable[i] = p->state.usable[i];
		t->sources = mx_grow(t->sources, t->source_count, sizeof(*t->sources));
		t->sources[t->source_count++] = (struct mxload_source){ (u16)i, m->usable[i] };
	}
}

/* Where connections wait nobody overtakes them. */
static void compare_providers(struct mx_mirror *m, const struct mx_policy *p, struct mx_telling *t)
{
	u32 i;

	for (i = 0; i < m->providers; i++) {
		u8 ask = p->state.held[i] ? MXLOAD_PROVIDER_ASK : 0;

		if (ask == m->asks[i])
			continue;
		m->asks[i] = ask;
		t->providers = mx_grow(t->providers, t->provider_count, sizeof(*t->providers));
		t->providers[t->provider_count++] = (struct mxload_provider){ (u16)i, ask };
	}
}

static void compare_learned(struct mx_mirror *m, const struct mx_policy *p, struct mx_telling *t)
{
	u32 i;

	m->learned_version = mx_destinations_version(p->destinations);
	for (i = 0; i < MX_LEARNED_SLOTS; i++) {
		const struct mx_learned_address *a = &p->state.learned->slot[i];
		u64 number = a->origin == MX_ORIGIN_NONE ? 0
							 : mx_mix64(mx_mix64(a->addr.hi) ^ a->addr.lo ^
								    (u64)a->provider << 48 ^ (u64)a->family << 40) |
								   1;

		if (number == m->learned[i])
			continue;
		m->learned[i] = number;
		t->learned = mx_grow(t->learned, t->learned_count, sizeof(*t->learned));
		t->learned[t->learned_count++] = (struct mxload_learned){ .hi = a->addr.hi,
									  .lo = a->addr.lo,
									  .slot = i,
									  .provider = number ? a->provider : 0,
									  .family = a->family,
									  .origin = a->origin };
	}
}

/* Lanes are many: the lock is open between two providers. */
static bool compare_all_lanes(struct mx_mirror *m, struct mx_policy *p, struct mx_telling *t)
{
	u32 provider;

	for (provider = 0; provider < m->providers; provider++) {
		bool same;

		mx_policy_lock(p);
		same = p->snapshot->generation == m->policy;
		if (same && provider != p->snapshot->default_provider)
			compare_lanes(m, p, provider, t);
		mx_policy_unlock(p);
		if (!same)
			return false;
	}
	return true;
}

bool mx_mirror_compare(struct mx_mirror *m, struct mx_policy *p, struct mx_telling *t)
{
	bool same, changed = false;

	memset(t, 0, sizeof(*t));
	mx_policy_lock(p);
	same = p->snapshot->generation == m->policy;
	if (same) {
		changed = p->state.version != m->version;
		m->version = p->state.version;
		compare_providers(m, p, t);
		if (changed) {
			compare_slots(m, p, t);
			compare_sources(m, p, t);
		}
		if (mx_destinations_version(p->destinations) != m->learned_version)
			compare_learned(m, p, t);
	}
	mx_policy_unlock(p);
	if (same && changed)
		same = compare_all_lanes(m, p, t);
	if (!same) { /* who shows a policy that is gone is thrown away */
		mx_telling_free(t);
		memset(t, 0, sizeof(*t));
	}
	return same;
}
