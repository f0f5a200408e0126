/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The facts of a connection from the first bytes of its SYN. */
#ifndef MX_DAEMON_PACKET_H
#define MX_DAEMON_PACKET_H

#include "core/flow.h"

/*
 * Reads addresses, ports and the TCP sequence number out of `length` bytes that start with the IP header. The rest of
 * *flow is left alone. False when it is no TCP packet, or cut off before the sequence number.
 */
bool mx_packet_parse(const void *bytes, size_t length, struct mx_flow *flow, u32 *sequence);

#endif
