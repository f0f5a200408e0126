// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/queue.h"

#include <stdlib.h>

#include "daemon/log.h"

#define ROOM 131072u /* entries, 3 MB */

struct rep_queue {
	struct rep_queued entries[ROOM];
};

struct rep_queue *rep_queue_new(void)
{
	return mx_alloc(sizeof(struct rep_queue));
}

void rep_queue_free(struct rep_queue *q)
{
	free(q);
}

/* Two places for each; the one that was there longer is the second. */
static u32 place_of(u64 id)
{
	return (u32)(id >> 32) & (ROOM - 2);
}

struct rep_queued *rep_queue_recall(struct rep_queue *q, u64 id)
{
	u32 i = place_of(id);

	if (q->entries[i].id != id)
		i++;
	return q->entries[i].id == id ? &q->entries[i] : NULL;
}

struct rep_queued *rep_queue_remember(struct rep_queue *q, u64 id)
{
	struct rep_queued *known = rep_queue_recall(q, id);
	u32 i = place_of(id);

	if (known)
		return known;
	q->entries[i + 1] = q->entries[i];
	q->entries[i] = (struct rep_queued){ .id = id };
	return &q->entries[i];
}

void rep_queue_forget(struct rep_queue *q, u64 id)
{
	u32 i = place_of(id);

	if (q->entries[i].id == id)
		q->entries[i] = q->entries[i + 1];
	else if (q->entries[i + 1].id != id)
		return;
	q->entries[i + 1] = (struct rep_queued){ 0 };
}
