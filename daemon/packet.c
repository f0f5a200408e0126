// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/packet.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <string.h>

#include "daemon/text.h"

static bool parse_tcp(const u8 *bytes, size_t length, struct mx_flow *flow, u32 *sequence)
{
	struct tcphdr tcp;

	if (length < 8) /* ports and sequence number are all that is asked for */
		return false;
	memset(&tcp, 0, sizeof(tcp));
	memcpy(&tcp, bytes, 8);
	flow->from_port = ntohs(tcp.source);
	flow->to_port = ntohs(tcp.dest);
	*sequence = ntohl(tcp.seq);
	return true;
}

static bool parse_ip4(const u8 *bytes, size_t length, struct mx_flow *flow, u32 *sequence)
{
	struct iphdr ip;
	size_t header;

	if (length < sizeof(ip))
		return false;
	memcpy(&ip, bytes, sizeof(ip));
	header = ip.ihl * 4u;
	if (header < sizeof(ip) || header > length || ip.protocol != IPPROTO_TCP || (ntohs(ip.frag_off) & IP_OFFMASK))
		return false;
	flow->family = MX_IPV4;
	flow->from = mx_addr_from_bytes(MX_IPV4, &ip.saddr);
	flow->to = mx_addr_from_bytes(MX_IPV4, &ip.daddr);
	return parse_tcp(bytes + header, length - header, flow, sequence);
}

/* Extension headers that may stand before TCP; all but the fragment header tell their length alike. */
static bool is_extension(u8 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS;
}

static bool parse_ip6(const u8 *bytes, size_t length, struct mx_flow *flow, u32 *sequence)
{
	struct ip6_hdr ip;
	size_t at = sizeof(ip);
	u8 next;

	if (length < sizeof(ip))
		return false;
	memcpy(&ip, bytes, sizeof(ip));
	next = ip.ip6_nxt;
	while (is_extension(next) && at + 8 <= length) {
		next = bytes[at];
		at += (bytes[at + 1] + 1u) * 8u;
	}
	if (next != IPPROTO_TCP || at > length)
		return false;
	flow->family = MX_IPV6;
	flow->from = mx_addr_from_bytes(MX_IPV6, &ip.ip6_src);
	flow->to = mx_addr_from_bytes(MX_IPV6, &ip.ip6_dst);
	return parse_tcp(bytes + at, length - at, flow, sequence);
}

bool mx_packet_parse(const void *bytes, size_t length, struct mx_flow *flow, u32 *sequence)
{
	const u8 *b = bytes;

	if (!length)
		return false;
	return b[0] >> 4 == 4   ? parse_ip4(b, length, flow, sequence)
	       : b[0] >> 4 == 6 ? parse_ip6(b, length, flow, sequence)
				: false;
}
