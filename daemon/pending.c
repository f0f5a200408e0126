// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/pending.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/balance.h"
#include "daemon/log.h"

#define BUCKETS 65536
#define WAYS 4

struct entry {
	u64 key;  /* 0: free */
	u32 time; /* seconds */
	u32 messages;
};

struct mx_pending {
	u64 seed;
	struct entry entry[BUCKETS][WAYS]; /* each bucket newest first */
};

struct mx_pending *mx_pending_new(void)
{
	struct mx_pending *pending = mx_alloc(sizeof(*pending));

	if (getrandom(&pending->seed, sizeof(pending->seed), 0) != sizeof(pending->seed))
		mx_fatal("no random numbers from the kernel");
	return pending;
}

void mx_pending_free(struct mx_pending *pending)
{
	free(pending);
}

static u64 key_of(const struct mx_pending *pending, const struct mx_flow *flow)
{
	return mx_flow_key(flow, pending->seed) | 1;
}

void mx_pending_add(struct mx_pending *pending, const struct mx_flow *flow, u64 now, u32 messages)
{
	u64 key = key_of(pending, flow);
	struct entry *bucket = pending->entry[(key >> 20) % BUCKETS];

	memmove(&bucket[1], &bucket[0], (WAYS - 1) * sizeof(bucket[0]));
	bucket[0] = (struct entry){ key, (u32)(now / 1000), messages };
}

bool mx_pending_take(struct mx_pending *pending, const struct mx_flow *flow, u64 *then, u32 *messages)
{
	u64 key = key_of(pending, flow);
	struct entry *bucket = pending->entry[(key >> 20) % BUCKETS];
	u32 i;

	for (i = 0; i < WAYS && bucket[i].key != key; i++)
		;
	if (i == WAYS)
		return false;
	*then = bucket[i].time * 1000ULL;
	*messages = bucket[i].messages;
	memmove(&bucket[i], &bucket[i + 1], (WAYS - 1 - i) * sizeof(bucket[0]));
	bucket[WAYS - 1] = (struct entry){ 0 };
	return true;
}
