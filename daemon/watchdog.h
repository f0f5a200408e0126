/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process of its own that watches the queue threads: a daemon that hangs (or is stopped) keeps its queues bound, so
 * `bypass` does not help and every new connection would wait. When a thread has not moved for a second the watchdog
 * takes the queue rule away, so that the fallback decides, and drops what waits in the queue, so that TCP sends it
 * again. When the threads move once more, the daemon puts the rule back.
 */
#ifndef MX_DAEMON_WATCHDOG_H
#define MX_DAEMON_WATCHDOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#define MX_QUEUES_MAX 64

/* In memory that daemon and watchdog share. */
struct mx_watched {
	atomic_uint beats[MX_QUEUES_MAX]; /* moved by the queue threads */
	atomic_uint count;                /* queues to watch; 0: none yet, or leaving */
	atomic_uint trips;                /* how often the queue was taken away */
	atomic_bool tripped;              /* it is away now */
};

/* Memory for both. */
struct mx_watched *mx_watched_new(void);

/* Starts the process; before any thread. It ends with the daemon. */
pid_t mx_watchdog_start(struct mx_watched *watched);

#endif
