/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SYNs that were decided lately, so that one sent again gets the same answer and is charged once. The kernel knows a
 * repeated SYN itself as soon as the first has left; this covers one that was queued twice, or lost behind the queue.
 *
 * Bounded: 65,536 entries of 16 bytes, four to a bucket, the oldest goes. Shared by all threads, used under the
 * policy's lock.
 */
#ifndef MX_DAEMON_RECENT_H
#define MX_DAEMON_RECENT_H

#include "core/flow.h"

struct mx_recent;

struct mx_recent *mx_recent_new(void);
void mx_recent_free(struct mx_recent *recent);

/* The mark that the SYN with this sequence number was answered with; false: it was not seen. `now` in seconds. */
bool mx_recent_find(const struct mx_recent *recent, const struct mx_flow *flow, u32 sequence, u32 now, u32 *mark);
void mx_recent_add(struct mx_recent *recent, const struct mx_flow *flow, u32 sequence, u32 now, u32 mark);

#endif
