// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/packet.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "daemon/ip.h"

bool mx_packet_parse(const void *bytes, size_t length, struct mx_flow *flow, u32 *sequence)
{
	struct tcphdr tcp;
	struct mx_ip ip;

	/* ports and sequence number are all that is asked for */
	if (!mx_ip_parse(bytes, length, &ip) || ip.protocol != IPPROTO_TCP || ip.length < 8)
		return false;
	memset(&tcp, 0, sizeof(tcp));
	memcpy(&tcp, ip.data, 8);
	flow->family = ip.family;
	flow->from = ip.from;
	flow->to = ip.to;
	flow->from_port = ntohs(tcp.source);
	flow->to_port = ntohs(tcp.dest);
	*sequence = ntohl(tcp.seq);
	return true;
}
