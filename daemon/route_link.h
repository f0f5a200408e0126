/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions to the kernel about addresses and routing (rtnetlink), and its news of them. */
#ifndef MX_DAEMON_ROUTE_LINK_H
#define MX_DAEMON_ROUTE_LINK_H

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>

#include "core/port.h"

/* A socket that hears of `groups` (RTMGRP_...); to be closed by mnl_socket_close(). That there is none is fatal. */
struct mnl_socket *mx_route_open(u32 groups);

/* Sends a request of one message and takes each message of the answer. 0 or errno. */
int mx_route_ask(struct nlmsghdr *request, mnl_cb_t each, void *arg);

/* All there is of a kind (RTM_GETADDR, RTM_GETRULE), of every family. 0 or errno. */
int mx_route_list(u16 type, mnl_cb_t each, void *arg);

/* Takes the messages that wait. False when some were lost: whoever follows has to list all anew. */
bool mx_route_read(const struct mnl_socket *events, mnl_cb_t each, void *arg);

#endif
