/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon is told of messages: at once when they are answered, because its limits in messages wait for it; and
 * once more when a connection is over, so that what the connection was charged with is given back and the average
 * learned. Kept in the store until the daemon has it, each under a serial number, so that the daemon counts it once
 * also when mxrep is killed in between.
 */
#ifndef MX_REP_SETTLE_H
#define MX_REP_SETTLE_H

#include "tools/mxrep/link.h"
#include "tools/mxrep/store.h"

struct rep_settle;

struct rep_settle *rep_settle_new(void);
void rep_settle_free(struct rep_settle *settle);

/* `n` messages were answered on a lane at `time` (seconds). */
void rep_settle_messages(struct rep_settle *settle, u32 lane, s64 time, enum rep_outcome outcome, u32 n);

/* A connection made at `opened` (seconds) is over; it carried so many messages, told before. */
void rep_settle_connection(struct rep_settle *settle, u32 lane, s64 opened, u32 messages);

/* Whether something was gathered. */
bool rep_settle_is_waiting(const struct rep_settle *settle);

/* Writes what was gathered into the store's transaction at hand. */
void rep_settle_write(struct rep_settle *settle, struct rep_store *store);

/* Tells the daemon what the store has for it; what it will not have (a source that is gone) is dropped with a warning.
 */
void rep_settle_send(struct rep_store *store, struct rep_link *link);

#endif
