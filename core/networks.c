// SPDX-License-Identifier: GPL-2.0-or-later OR MIT
#include "core/networks.h"

#include "core/balance.h"

#define IPV4_BIT 0x100000000ULL

u64 mx_network_of(struct mx_addr addr, enum mx_family family)
{
	return family == MX_IPV4 ? IPV4_BIT | (addr.lo >> 8) : addr.hi < 2 * IPV4_BIT ? ~addr.hi : addr.hi;
}

struct mx_addr mx_network_first(u64 network, enum mx_family *family)
{
	*family = network < 2 * IPV4_BIT ? MX_IPV4 : MX_IPV6;
	if (*family == MX_IPV4)
		return (struct mx_addr){ 0, (network & ~IPV4_BIT) << 8 };
	return (struct mx_addr){ ~network < 2 * IPV4_BIT ? ~network : network, 0 };
}

static u32 bucket_of(u64 network, u64 source)
{
	return (u32)(mx_mix64(network ^ source) % MX_NETWORK_BUCKETS);
}

struct mx_network_lane *mx_networks_find(struct mx_networks *networks, u64 network, u64 source)
{
	struct mx_network_lane *bucket = networks->lane[bucket_of(network, source)];
	u32 i;

	for (i = 0; i < MX_NETWORK_WAYS; i++)
		if (bucket[i].network == network && bucket[i].source == source)
			return &bucket[i];
	return NULL;
}

/* The one to give up for another: a free one, else the oldest that is not needed. MX_NETWORK_WAYS: none. */
static u32 place_in(const struct mx_network_lane *bucket, u32 now)
{
	u32 best = MX_NETWORK_WAYS, i;

	for (i = 0; i < MX_NETWORK_WAYS; i++) {
		if (!bucket[i].network)
			return i;
		if (bucket[i].flags || bucket[i].needed > now)
			continue;
		if (best == MX_NETWORK_WAYS || bucket[i].used < bucket[best].used)
			best = i;
	}
	return best;
}

bool mx_networks_has_place(const struct mx_networks *networks, u64 network, u64 source, u32 now)
{
	return place_in(networks->lane[bucket_of(network, source)], now) < MX_NETWORK_WAYS;
}

struct mx_network_lane *mx_networks_add(struct mx_networks *networks, u64 network, u64 source, u32 now,
					struct mx_network_lane *gone)
{
	struct mx_network_lane *bucket = networks->lane[bucket_of(network, source)];
	struct mx_network_lane *known = mx_networks_find(networks, network, source);
	u32 place;

	memset(gone, 0, sizeof(*gone));
	if (!known) {
		place = place_in(bucket, now);
		if (place == MX_NETWORK_WAYS)
			return NULL;
		known = &bucket[place];
		*gone = *known;
		memset(known, 0, sizeof(*known));
		known->network = network;
		known->source = source;
	}
	known->used = now;
	return known;
}
