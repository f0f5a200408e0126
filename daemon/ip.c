// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ip.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <string.h>

#include "daemon/text.h"

#define MAX_EXTENSIONS 8 /* headers before what is carried: each kind may come once, destination options twice */

/* From `at` on the packet holds what it carries; `total` is the packet's length as its header tells it. */
static bool carry(const u8 *bytes, size_t length, size_t at, size_t total, struct mx_ip *ip)
{
	if (at > length)
		return false;
	ip->data = bytes + at;
	ip->length = length - at;
	ip->claimed = total > at ? total - at : 0;
	return true;
}

static bool parse4(const u8 *bytes, size_t length, struct mx_ip *ip)
{
	struct iphdr header;
	size_t at;
	u16 fragment;

	if (length < sizeof(header))
		return false;
	memcpy(&header, bytes, sizeof(header));
	at = header.ihl * 4u;
	fragment = ntohs(header.frag_off);
	if (at < sizeof(header) || (fragment & IP_OFFMASK))
		return false;
	ip->family = MX_IPV4;
	ip->from = mx_addr_from_bytes(MX_IPV4, &header.saddr);
	ip->to = mx_addr_from_bytes(MX_IPV4, &header.daddr);
	ip->protocol = header.protocol;
	ip->fragment = fragment & IP_MF;
	return carry(bytes, length, at, ntohs(header.tot_len), ip);
}

/* Extension headers that may stand before what is carried; all but the fragment header tell their length alike. */
static bool is_extension(u8 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS ||
	       next == IPPROTO_FRAGMENT;
}

/* Goes from *at behind the extension headers. */
static bool skip_extensions(const u8 *bytes, size_t length, size_t *at, struct mx_ip *ip)
{
	u32 left = MAX_EXTENSIONS;

	while (is_extension(ip->protocol)) {
		const u8 *header = bytes + *at;
		size_t size = 8;

		if (!left-- || *at > length || length - *at < size)
			return false;
		if (ip->protocol == IPPROTO_FRAGMENT) {
			if (header[2] || header[3] & 0xf8) /* the offset */
				return false;
			ip->fragment = header[3] & 1;
		} else {
			size += header[1] * 8u;
		}
		ip->protocol = header[0];
		*at += size;
	}
	return true;
}

static bool parse6(const u8 *bytes, size_t length, struct mx_ip *ip)
{
	struct ip6_hdr header;
	size_t at = sizeof(header);

	if (length < sizeof(header))
		return false;
	memcpy(&header, bytes, sizeof(header));
	ip->family = MX_IPV6;
	ip->from = mx_addr_from_bytes(MX_IPV6, &header.ip6_src);
	ip->to = mx_addr_from_bytes(MX_IPV6, &header.ip6_dst);
	ip->protocol = header.ip6_nxt;
	ip->fragment = false;
	return skip_extensions(bytes, length, &at, ip) &&
	       carry(bytes, length, at, sizeof(header) + ntohs(header.ip6_plen), ip);
}

bool mx_ip_parse(const u8 *bytes, size_t length, struct mx_ip *ip)
{
	if (!length)
		return false;
	return bytes[0] >> 4 == 4 ? parse4(bytes, length, ip) : bytes[0] >> 4 == 6 ? parse6(bytes, length, ip) : false;
}
