/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A UDP packet, as the kernel's log hands out copies of them. Pure: nothing is allocated or kept. */
#ifndef MX_DAEMON_DATAGRAM_H
#define MX_DAEMON_DATAGRAM_H

#include "core/addr.h"

struct mx_datagram {
	enum mx_family family;
	struct mx_addr from;
	struct mx_addr to;
	u16 from_port;
	u16 to_port;
	bool cut;       /* more belongs to it than is here: the copy is shorter, or it came in fragments */
	const u8 *data; /* the payload, within the bytes given */
	size_t length;  /* of the payload that is here */
};

/*
 * Reads the `length` bytes of a packet that start with the IP header. False when it is no UDP packet, is a later
 * fragment of one, is cut off before the end of the UDP header, or when its lengths contradict each other. Bytes behind
 * what UDP says it carries are left out. The checksum is the kernel's business.
 */
bool mx_datagram_parse(const void *bytes, size_t length, struct mx_datagram *datagram);

#endif
