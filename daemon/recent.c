// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/recent.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/balance.h"
#include "daemon/log.h"

#define BUCKETS 16384
#define WAYS 4
#define LIFETIME 130 /* seconds: Linux sends a SYN for the last time after 63 and gives up after 127 */

struct entry {
	u64 key; /* 0: free */
	u32 time;
	u32 mark;
};

struct mx_recent {
	u64 seed;                          /* so that nobody outside can make two SYNs collide */
	struct entry entry[BUCKETS][WAYS]; /* each bucket newest first */
};

struct mx_recent *mx_recent_new(void)
{
	struct mx_recent *recent = mx_alloc(sizeof(*recent));

	if (getrandom(&recent->seed, sizeof(recent->seed), 0) != sizeof(recent->seed))
		mx_fatal("no random numbers from the kernel");
	return recent;
}

void mx_recent_free(struct mx_recent *recent)
{
	free(recent);
}

static u64 key_of(const struct mx_recent *recent, const struct mx_flow *flow, u32 sequence)
{
	return mx_mix64(mx_flow_key(flow, recent->seed) + sequence) | 1;
}

bool mx_recent_find(const struct mx_recent *recent, const struct mx_flow *flow, u32 sequence, u32 now, u32 *mark)
{
	u64 key = key_of(recent, flow, sequence);
	const struct entry *bucket = recent->entry[(key >> 20) % BUCKETS];
	u32 i;

	for (i = 0; i < WAYS; i++)
		if (bucket[i].key == key && now - bucket[i].time < LIFETIME) {
			*mark = bucket[i].mark;
			return true;
		}
	return false;
}

void mx_recent_add(struct mx_recent *recent, const struct mx_flow *flow, u32 sequence, u32 now, u32 mark)
{
	u64 key = key_of(recent, flow, sequence);
	struct entry *bucket = recent->entry[(key >> 20) % BUCKETS];

	memmove(&bucket[1], &bucket[0], (WAYS - 1) * sizeof(bucket[0]));
	bucket[0] = (struct entry){ key, now, mark };
}
