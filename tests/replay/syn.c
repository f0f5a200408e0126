// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/replay/syn.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <string.h>

#include "daemon/text.h"

/* Returns its length. */
static size_t put_ipv4(char *to, const struct mx_flow *flow)
{
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP };

	ip.tot_len = htons(sizeof(ip) + sizeof(struct tcphdr));
	mx_addr_to_bytes(MX_IPV4, flow->from, &ip.saddr);
	mx_addr_to_bytes(MX_IPV4, flow->to, &ip.daddr);
	memcpy(to, &ip, sizeof(ip));
	return sizeof(ip);
}

static size_t put_ipv6(char *to, const struct mx_flow *flow)
{
	struct ip6_hdr ip = { .ip6_nxt = IPPROTO_TCP, .ip6_hlim = 64 };

	ip.ip6_vfc = 6 << 4;
	ip.ip6_plen = htons(sizeof(struct tcphdr));
	mx_addr_to_bytes(MX_IPV6, flow->from, &ip.ip6_src);
	mx_addr_to_bytes(MX_IPV6, flow->to, &ip.ip6_dst);
	memcpy(to, &ip, sizeof(ip));
	return sizeof(ip);
}

static void put_packet(struct nlmsghdr *message, const struct mx_flow *flow, u32 sequence)
{
	struct tcphdr tcp = { .source = htons(flow->from_port), .dest = htons(flow->to_port), .doff = 5, .syn = 1 };
	char bytes[sizeof(struct ip6_hdr) + sizeof(tcp)];
	size_t length = flow->family == MX_IPV4 ? put_ipv4(bytes, flow) : put_ipv6(bytes, flow);

	tcp.seq = htonl(sequence);
	memcpy(bytes + length, &tcp, sizeof(tcp));
	mnl_attr_put(message, NFQA_PAYLOAD, length + sizeof(tcp), bytes);
}

const struct nlmsghdr *syn_message(char *buffer, const struct mx_flow *flow, u32 id, u32 sequence)
{
	struct nlmsghdr *message = nfq_nlmsg_put(buffer, NFQNL_MSG_PACKET, 250);
	struct nfqnl_msg_packet_hdr header = { .packet_id = htonl(id) };

	mnl_attr_put(message, NFQA_PACKET_HDR, sizeof(header), &header);
	if (flow->mark)
		mnl_attr_put_u32(message, NFQA_MARK, htonl(flow->mark));
	if (flow->user != MX_NO_ID)
		mnl_attr_put_u32(message, NFQA_UID, htonl(flow->user));
	if (flow->group != MX_NO_ID)
		mnl_attr_put_u32(message, NFQA_GID, htonl(flow->group));
	put_packet(message, flow, sequence);
	return message;
}
