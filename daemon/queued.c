// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/queued.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "daemon/packet.h"

static u32 number(struct nlattr *const *attr, int type, u32 missing)
{
	return attr[type] ? ntohl(mnl_attr_get_u32(attr[type])) : missing;
}

bool mx_queued_read(const struct nlmsghdr *message, struct mx_queued *q)
{
	struct nlattr *attr[NFQA_MAX + 1] = { 0 };
	const struct nlattr *bytes;

	if (nfq_nlmsg_parse(message, attr) < 0 || !attr[NFQA_PACKET_HDR])
		return false;
	*q = (struct mx_queued){ .flow = { .mark = number(attr, NFQA_MARK, 0),
					   .user = number(attr, NFQA_UID, MX_NO_ID),
					   .group = number(attr, NFQA_GID, MX_NO_ID) } };
	q->id = ntohl(((struct nfqnl_msg_packet_hdr *)mnl_attr_get_payload(attr[NFQA_PACKET_HDR]))->packet_id);
	bytes = attr[NFQA_PAYLOAD];
	q->is_syn = bytes && mx_packet_parse(mnl_attr_get_payload(bytes), mnl_attr_get_payload_len(bytes), &q->flow,
					     &q->sequence);
	return true;
}
