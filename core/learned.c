// SPDX-License-Identifier: GPL-2.0-or-later OR MIT
#include "core/learned.h"

#include "core/balance.h"

const char *mx_origin_name(enum mx_origin origin)
{
	static const char *const names[] = { "-", "ptr", "answer", "domain", "operator" };

	return names[origin];
}

static u32 bucket_of(const struct mx_learned *l, enum mx_family family, struct mx_addr addr)
{
	u64 key = mx_mix64(mx_mix64(addr.hi ^ l->seed) ^ addr.lo ^ family);

	return (u32)(key % MX_LEARNED_BUCKETS) * MX_LEARNED_WAYS;
}

static bool is_of(const struct mx_learned_address *a, enum mx_family family, struct mx_addr addr)
{
	return a->origin != MX_ORIGIN_NONE && a->family == family && !mx_addr_cmp(a->addr, addr);
}

u32 mx_learned_find(const struct mx_learned *l, enum mx_family family, struct mx_addr addr)
{
	u32 first = bucket_of(l, family, addr), i;

	for (i = first; i < first + MX_LEARNED_WAYS; i++)
		if (is_of(&l->slot[i], family, addr))
			return i;
	return MX_LEARNED_SLOTS;
}

/* Whether to give up `a` rather than `b`; free slots are of the weakest origin. */
static bool goes_before(const struct mx_learned_address *a, const struct mx_learned_address *b)
{
	if (a->origin != b->origin)
		return a->origin < b->origin;
	return a->confirmed < b->confirmed;
}

static u32 place_for(const struct mx_learned *l, const struct mx_learned_address *address)
{
	u32 place = mx_learned_find(l, (enum mx_family)address->family, address->addr), i;
	u32 first = bucket_of(l, (enum mx_family)address->family, address->addr);

	if (place < MX_LEARNED_SLOTS)
		return place;
	place = first;
	for (i = first + 1; i < first + MX_LEARNED_WAYS; i++)
		if (goes_before(&l->slot[i], &l->slot[place]))
			place = i;
	return l->slot[place].origin > address->origin ? MX_LEARNED_SLOTS : place;
}

u32 mx_learned_put(struct mx_learned *l, const struct mx_learned_address *address, struct mx_learned_address *gone)
{
	u32 place = place_for(l, address);

	memset(gone, 0, sizeof(*gone));
	if (place == MX_LEARNED_SLOTS)
		return place;
	*gone = l->slot[place];
	l->slot[place] = *address;
	return place;
}

void mx_learned_remove(struct mx_learned *l, u32 slot)
{
	memset(&l->slot[slot], 0, sizeof(l->slot[slot]));
}
