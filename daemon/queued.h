/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A packet as the kernel's queue hands it over. */
#ifndef MX_DAEMON_QUEUED_H
#define MX_DAEMON_QUEUED_H

#include <linux/netlink.h>

#include "core/flow.h"

struct mx_queued {
	u32 id;      /* of the packet, in its queue */
	bool is_syn; /* it could be read; else the rest is not known */
	u32 sequence;
	struct mx_flow flow; /* with the mark, and the owner of the socket where the kernel knows it */
};

/* Reads a message of the queue. False: it is about no packet. */
bool mx_queued_read(const struct nlmsghdr *message, struct mx_queued *queued);

#endif
