// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/packet.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>

#include "daemon/text.h"

/* Where the header of `protocol` begins; 0: there is none, or not in the first fragment. Fills in the addresses. */
static size_t skip_ip4(const u8 *bytes, size_t length, u8 protocol, struct mx_flow *flow)
{
	struct iphdr ip;
	size_t header;

	if (length < sizeof(ip))
		return 0;
	memcpy(&ip, bytes, sizeof(ip));
	header = ip.ihl * 4u;
	if (header < sizeof(ip) || header > length || ip.protocol != protocol || (ntohs(ip.frag_off) & IP_OFFMASK))
		return 0;
	flow->family = MX_IPV4;
	flow->from = mx_addr_from_bytes(MX_IPV4, &ip.saddr);
	flow->to = mx_addr_from_bytes(MX_IPV4, &ip.daddr);
	return header;
}

/* Extension headers that may stand before it; all but the fragment header tell their length alike. */
static bool is_extension(u8 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS;
}

static size_t skip_ip6(const u8 *bytes, size_t length, u8 protocol, struct mx_flow *flow)
{
	struct ip6_hdr ip;
	size_t at = sizeof(ip);
	u8 next;

	if (length < sizeof(ip))
		return 0;
	memcpy(&ip, bytes, sizeof(ip));
	next = ip.ip6_nxt;
	while (is_extension(next) && at + 8 <= length) {
		next = bytes[at];
		at += (bytes[at + 1] + 1u) * 8u;
	}
	if (next != protocol || at > length)
		return 0;
	flow->family = MX_IPV6;
	flow->from = mx_addr_from_bytes(MX_IPV6, &ip.ip6_src);
	flow->to = mx_addr_from_bytes(MX_IPV6, &ip.ip6_dst);
	return at;
}

static size_t skip_ip(const u8 *bytes, size_t length, u8 protocol, struct mx_flow *flow)
{
	if (!length)
		return 0;
	return bytes[0] >> 4 == 4   ? skip_ip4(bytes, length, protocol, flow)
	       : bytes[0] >> 4 == 6 ? skip_ip6(bytes, length, protocol, flow)
				    : 0;
}

bool mx_packet_parse(const void *bytes, size_t length, struct mx_flow *flow, u32 *sequence)
{
	size_t at = skip_ip(bytes, length, IPPROTO_TCP, flow);
	struct tcphdr tcp = { 0 };

	if (!at || length - at < 8) /* ports and sequence number are all that is asked for */
		return false;
	memcpy(&tcp, (const u8 *)bytes + at, 8);
	flow->from_port = ntohs(tcp.source);
	flow->to_port = ntohs(tcp.dest);
	*sequence = ntohl(tcp.seq);
	return true;
}

const u8 *mx_packet_udp(const void *bytes, size_t length, struct mx_flow *flow, size_t *size)
{
	size_t at = skip_ip(bytes, length, IPPROTO_UDP, flow), told;
	struct udphdr udp;

	if (!at || length - at < sizeof(udp))
		return NULL;
	memcpy(&udp, (const u8 *)bytes + at, sizeof(udp));
	flow->from_port = ntohs(udp.source);
	flow->to_port = ntohs(udp.dest);
	told = ntohs(udp.len);
	if (told < sizeof(udp))
		return NULL;
	*size = (told < length - at ? told : length - at) - sizeof(udp);
	return (const u8 *)bytes + at + sizeof(udp);
}
