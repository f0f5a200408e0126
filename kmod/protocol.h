/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Generic netlink: what is asked of the module, and the events; see uapi/mxload.h. */
#ifndef MXLOAD_PROTOCOL_H
#define MXLOAD_PROTOCOL_H

#include <linux/skbuff.h>
#include <net/net_namespace.h>

#include "kmod/uapi/mxload.h"

/* 0 or an error. */
int mxload_protocol_start(void);
void mxload_protocol_stop(void);

/* Whether anybody listens to events in a namespace. */
bool mxload_protocol_is_heard(const struct net *net);

/* An event with room for `count` decisions at *decisions, the first of which has the number `first`; NULL: no memory.
 */
struct sk_buff *mxload_protocol_decisions(u64 generation, u64 first, u32 count, struct mxload_decision **decisions);

/* Sends it to all who listen. 0, -ESRCH when there is nobody, -ENOBUFS when one has not read the last ones yet. */
int mxload_protocol_send(struct net *net, struct sk_buff *skb);

#endif
