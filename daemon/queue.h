/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The queue engine: one thread and one netlink socket for each NFQUEUE. A thread takes what waits (up to 32 packets in
 * one system call), asks the intake about each, and answers all of them in one message; who has to wait is answered
 * later, by hold.h.
 */
#ifndef MX_DAEMON_QUEUE_H
#define MX_DAEMON_QUEUE_H

#include <stdatomic.h>

#include "daemon/intake.h"

struct mx_queues;

struct mx_queue_stats {
	u32 number;
	u64 answered;
	u64 repeated; /* SYNs that were decided before */
};

/*
 * Binds queues first .. first + count - 1 and starts their threads. `beats` has `count` counters in memory shared
 * with the watchdog: each thread moves its own at least every quarter of a second. Ends the program when a queue
 * cannot be had.
 */
struct mx_queues *mx_queues_start(u32 first, u32 count, struct mx_intake *intake, atomic_uint *beats);

/* Answers what is still queued (the rule is gone by now), drops what is held, ends the threads, closes the queues. */
void mx_queues_stop(struct mx_queues *queues);

u32 mx_queues_count(const struct mx_queues *queues);
struct mx_queue_stats mx_queues_stats(const struct mx_queues *queues, u32 index);

#endif
