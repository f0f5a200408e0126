// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/flow_cache.h"

#include <string.h>
#include <sys/random.h>

#include "core/balance.h"
#include "daemon/log.h"

#define WAYS MX_FLOW_CACHE_WAYS

struct mx_flow_cache {
	u64 seed;
	u32 mask, lifetime;
	struct mx_flow_entry entry[][WAYS]; /* each bucket newest first */
};

struct mx_flow_cache *mx_flow_cache_new(u32 buckets, u32 lifetime)
{
	struct mx_flow_cache *cache = mx_alloc(sizeof(*cache) + (size_t)buckets * sizeof(cache->entry[0]));

	cache->mask = buckets - 1;
	cache->lifetime = lifetime;
	if (getrandom(&cache->seed, sizeof(cache->seed), 0) != sizeof(cache->seed))
		mx_fatal("no random numbers from the kernel");
	return cache;
}

struct mx_flow_place mx_flow_cache_place(struct mx_flow_cache *cache, const struct mx_flow *flow, u32 more)
{
	u64 key = mx_mix64(mx_flow_key(flow, cache->seed) + more) | 1;

	return (struct mx_flow_place){ key, cache->entry[(key >> 20) & cache->mask] };
}

struct mx_flow_entry *mx_flow_cache_find(const struct mx_flow_cache *cache, const struct mx_flow_place *place, u32 now)
{
	u32 i;

	for (i = 0; i < WAYS; i++)
		if (place->bucket[i].key == place->key && now - place->bucket[i].time < cache->lifetime)
			return &place->bucket[i];
	return NULL;
}

void mx_flow_cache_add(const struct mx_flow_place *place, u32 now, u32 value)
{
	memmove(&place->bucket[1], &place->bucket[0], (WAYS - 1) * sizeof(place->bucket[0]));
	place->bucket[0] = (struct mx_flow_entry){ place->key, now, value };
}

void mx_flow_cache_take(const struct mx_flow_place *place, struct mx_flow_entry *found)
{
	size_t at = (size_t)(found - place->bucket);

	memmove(found, found + 1, (WAYS - 1 - at) * sizeof(*found));
	place->bucket[WAYS - 1] = (struct mx_flow_entry){ 0 };
}
