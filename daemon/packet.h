/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The facts of a connection from the first bytes of its SYN, and what a UDP packet carries. */
#ifndef MX_DAEMON_PACKET_H
#define MX_DAEMON_PACKET_H

#include "core/flow.h"

/*
 * Reads addresses, ports and the TCP sequence number out of `length` bytes that start with the IP header. The rest of
 * *flow is left alone. False when it is no TCP packet, or cut off before the sequence number.
 */
bool mx_packet_parse(const void *bytes, size_t length, struct mx_flow *flow, u32 *sequence);

/*
 * The payload of a UDP packet that starts with the IP header, *size bytes of what is there; its addresses and ports are
 * written into *flow. NULL when it is none, or a later fragment of one.
 */
const u8 *mx_packet_udp(const void *bytes, size_t length, struct mx_flow *flow, size_t *size);

#endif
