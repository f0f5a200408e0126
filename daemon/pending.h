/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What connections were charged that have not ended yet, so that the charge of one that never came about can be given
 * back. Bounded: 262,144 entries of 16 bytes, four to a bucket, the oldest goes; what is not found is not given back.
 * Used under the policy's lock.
 */
#ifndef MX_DAEMON_PENDING_H
#define MX_DAEMON_PENDING_H

#include "core/flow.h"

struct mx_pending;

struct mx_pending *mx_pending_new(void);
void mx_pending_free(struct mx_pending *pending);

/* `now` in ms of the ledger's clock, `messages` as charged. Addresses and ports of the flow name it. */
void mx_pending_add(struct mx_pending *pending, const struct mx_flow *flow, u64 now, u32 messages);

/* Takes it out; *then is up to a second before the charge. False: nothing is known. */
bool mx_pending_take(struct mx_pending *pending, const struct mx_flow *flow, u64 *then, u32 *messages);

#endif
