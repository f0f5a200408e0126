/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel itself counts of the packet queues of this network namespace. */
#ifndef MX_DAEMON_KERNEL_QUEUES_H
#define MX_DAEMON_KERNEL_QUEUES_H

#include "core/port.h"

struct mx_kernel_queues;

struct mx_kernel_queue {
	bool is_known;             /* else the rest is 0 */
	u64 waiting;               /* packets */
	u64 dropped, user_dropped; /* because the queue, and because our socket, had no room */
};

/*
 * Its file is for root alone, so this comes before root is given up; where root did not start us, it may be our
 * standard input (systemd: StandardInput=file:/proc/net/netfilter/nfnetlink_queue). NULL: it cannot be read, errno says
 * why.
 */
struct mx_kernel_queues *mx_kernel_queues_open(void);
void mx_kernel_queues_close(struct mx_kernel_queues *queues);

/* What it says of one now; of a queue that nobody has bound it says nothing but 0. NULL: nothing is known. */
struct mx_kernel_queue mx_kernel_queues_read(struct mx_kernel_queues *queues, u32 number);

#endif
