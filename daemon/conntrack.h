/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The entries of the kernel's connection tracking, over ctnetlink: reads them, puts one back, marks one. */
#ifndef MX_DAEMON_CONNTRACK_H
#define MX_DAEMON_CONNTRACK_H

#include <libmnl/libmnl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>

#include "core/flow.h"

/* A socket for the calls below; of one thread. NULL, and errno, when there is none. */
struct mnl_socket *mx_conntrack_open(void);

/*
 * Calls `each` for every entry of both families that carries `mark` under `mask` (0: every entry at all). From any
 * thread; slow (5 ms to 30 ms when the kernel filters), so without a lock. 0 or errno.
 */
int mx_conntrack_dump(u32 mark, u32 mask, void (*each)(const struct nf_conntrack *entry, void *arg), void *arg);

/* Who speaks to whom, as the one that began sent it: the original direction, before translation. */
struct mx_flow mx_conntrack_flow(const struct nf_conntrack *entry);

/* The address that an entry has at one of two attributes, for IPv4 and for IPv6. */
struct mx_addr mx_conntrack_addr(const struct nf_conntrack *entry, int v4, int v6);

/* Not yet closed by either side. */
bool mx_conntrack_is_open(const struct nf_conntrack *entry);

/*
 * Puts back an established connection of ours that is gone from conntrack as it was, mark and translation included.
 * Nothing is said of whether the kernel took it. 0 or errno.
 */
int mx_conntrack_put_back(struct mnl_socket *socket, const struct nf_conntrack *gone);

/*
 * Writes `mark` into the bits of `mask` of an entry's mark; the other bits stay. *established tells whether it was at
 * that moment, and stays as it is when the kernel does not say. 0 or errno; ENOENT: there is no such entry any more.
 */
int mx_conntrack_mark(struct mnl_socket *socket, const struct mx_flow *flow, u32 mark, u32 mask, bool *established);

#endif
