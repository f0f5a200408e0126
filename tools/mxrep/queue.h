/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of the messages in the MTA's queue, by their queue ids; as many as there is room for, the rest is
 * forgotten.
 */
#ifndef MX_REP_QUEUE_H
#define MX_REP_QUEUE_H

#include "core/port.h"

struct rep_queued {
	u64 id;        /* the hash of its queue id */
	u64 message;   /* and of its Message-ID, 0: not known */
	u32 size;      /* bytes, 0: not known, then neither is the next */
	u32 sender;    /* bytes of its sender's address */
	u32 recipient; /* bytes of the address that a line told last, 0: none has */
};

struct rep_queue;

struct rep_queue *rep_queue_new(void);
void rep_queue_free(struct rep_queue *queue);

/* The message of an id, a new one if need be; good until the next call. */
struct rep_queued *rep_queue_remember(struct rep_queue *queue, u64 id);

/* The same, but NULL when it is not known, or forgotten. */
struct rep_queued *rep_queue_recall(struct rep_queue *queue, u64 id);

/* It is in the queue no more. */
void rep_queue_forget(struct rep_queue *queue, u64 id);

#endif
