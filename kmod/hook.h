/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where packets come by: just before the table of nftables asks the queue. */
#ifndef MXLOAD_HOOK_H
#define MXLOAD_HOOK_H

#include <net/net_namespace.h>

/* 0 or an error. Once for a namespace. */
int mxload_hook_register(struct net *net);
void mxload_hook_unregister(struct net *net);

#endif
