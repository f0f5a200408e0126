// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/datagram.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

#include "daemon/ip.h"

bool mx_datagram_parse(const void *bytes, size_t length, struct mx_datagram *datagram)
{
	struct udphdr udp;
	struct mx_ip ip;
	size_t size, here;

	if (!mx_ip_parse(bytes, length, &ip) || ip.protocol != IPPROTO_UDP || ip.length < sizeof(udp))
		return false;
	here = ip.claimed < ip.length ? ip.claimed : ip.length;
	memcpy(&udp, ip.data, sizeof(udp));
	size = ntohs(udp.len);
	if (size < sizeof(udp) || here < sizeof(udp) || (size > ip.claimed && !ip.fragment))
		return false;
	datagram->family = ip.family;
	datagram->from = ip.from;
	datagram->to = ip.to;
	datagram->from_port = ntohs(udp.source);
	datagram->to_port = ntohs(udp.dest);
	datagram->cut = size > here;
	datagram->data = ip.data + sizeof(udp);
	datagram->length = (datagram->cut ? here : size) - sizeof(udp);
	return true;
}
