/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The headers of a packet up to what it carries. Pure: nothing is allocated or kept. */
#ifndef MX_DAEMON_IP_H
#define MX_DAEMON_IP_H

#include "core/addr.h"

struct mx_ip {
	enum mx_family family;
	struct mx_addr from;
	struct mx_addr to;
	u8 protocol;    /* of what it carries, behind all extension headers: IPPROTO_TCP, .. */
	bool fragment;  /* the first of several: the rest of what it carries comes in others */
	const u8 *data; /* what it carries, within the bytes given */
	size_t length;  /* of data, to the end of the bytes given */
	size_t claimed; /* of data, by the packet's header: more when it was cut off, less when rubbish follows */
};

/*
 * Reads the `length` bytes of a packet that start with the IPv4 or IPv6 header. False when it is none, when its headers
 * do not fit into what is here, and for a later fragment: that has no header of TCP or UDP.
 */
bool mx_ip_parse(const u8 *bytes, size_t length, struct mx_ip *ip);

#endif
