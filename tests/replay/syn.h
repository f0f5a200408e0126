/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A SYN as the kernel's queue sends it to user space. */
#ifndef MX_REPLAY_SYN_H
#define MX_REPLAY_SYN_H

#include <linux/netlink.h>

#include "core/flow.h"

#define SYN_MESSAGE 512 /* bytes that such a message fits in */

/* Writes it into `buffer`; an owner that is not known is left out. */
const struct nlmsghdr *syn_message(char *buffer, const struct mx_flow *flow, u32 id, u32 sequence);

#endif
