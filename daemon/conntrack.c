// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>

#include "daemon/text.h"

#define ESTABLISHED_SECONDS 432000 /* five days, the kernel's own */

struct mnl_socket *mx_conntrack_open(void)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);

	if (socket && mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		mnl_socket_close(socket);
		return NULL;
	}
	return socket;
}

static struct nlmsghdr *begin(void *buffer, u8 family, u16 type, u16 flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	return nlh;
}

static void put_mark(struct nlmsghdr *nlh, u32 mark, u32 mask)
{
	mnl_attr_put_u32(nlh, CTA_MARK, htonl(mark));
	mnl_attr_put_u32(nlh, CTA_MARK_MASK, htonl(mask));
}

/* --- reading ---------------------------------------------------------------------------------------------------- */

struct mx_addr mx_conntrack_addr(const struct nf_conntrack *ct, int v4, int v6)
{
	bool is_v4 = nfct_get_attr_u8(ct, ATTR_L3PROTO) == AF_INET;

	return mx_addr_from_bytes(is_v4 ? MX_IPV4 : MX_IPV6, nfct_get_attr(ct, is_v4 ? v4 : v6));
}

struct mx_flow mx_conntrack_flow(const struct nf_conntrack *ct)
{
	return (struct mx_flow){
		.family = nfct_get_attr_u8(ct, ATTR_L3PROTO) == AF_INET ? MX_IPV4 : MX_IPV6,
		.from = mx_conntrack_addr(ct, ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC),
		.to = mx_conntrack_addr(ct, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST),
		.from_port = ntohs(nfct_get_attr_u16(ct, ATTR_ORIG_PORT_SRC)),
		.to_port = ntohs(nfct_get_attr_u16(ct, ATTR_ORIG_PORT_DST)),
	};
}

bool mx_conntrack_is_open(const struct nf_conntrack *ct)
{
	u8 state = nfct_get_attr_u8(ct, ATTR_TCP_STATE);

	return state <= TCP_CONNTRACK_ESTABLISHED || state == TCP_CONNTRACK_SYN_SENT2;
}

struct reading {
	void (*each)(const struct nf_conntrack *ct, void *arg);
	void *arg;
};

static int take(const struct nlmsghdr *nlh, void *arg)
{
	struct nf_conntrack *ct = nfct_new();
	struct reading *r = arg;

	if (!ct)
		return MNL_CB_OK;
	if (nfct_nlmsg_parse(nlh, ct) == 0)
		r->each(ct, r->arg);
	nfct_destroy(ct);
	return MNL_CB_OK;
}

/* For one family; with a mask only what carries the mark under it. */
static int dump(struct mnl_socket *socket, u8 family, u32 mark, u32 mask, struct reading *r)
{
	char buffer[32768] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = begin(buffer, family, IPCTNL_MSG_CT_GET, NLM_F_DUMP);
	int rc = MNL_CB_OK;
	ssize_t n;

	if (mask)
		put_mark(nlh, mark, mask);
	if (mnl_socket_sendto(socket, nlh, nlh->nlmsg_len) < 0)
		return errno;
	while (rc > MNL_CB_STOP) {
		n = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		rc = n < 0 ? -1 : mnl_cb_run(buffer, (size_t)n, 0, 0, take, r);
	}
	return rc < 0 ? errno : 0;
}

int mx_conntrack_dump(u32 mark, u32 mask, void (*each)(const struct nf_conntrack *, void *), void *arg)
{
	struct mnl_socket *socket = mx_conntrack_open();
	struct reading r = { each, arg };
	int error;

	if (!socket)
		return errno;
	error = dump(socket, AF_INET, mark, mask, &r);
	if (!error)
		error = dump(socket, AF_INET6, mark, mask, &r);
	mnl_socket_close(socket);
	return error;
}

/* --- writing ---------------------------------------------------------------------------------------------------- */

/* The window is left open (liberal), since nothing is known of the sequence numbers. */
static void set_established(struct nf_conntrack *ct)
{
	nfct_set_attr_u32(ct, ATTR_STATUS, IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, ESTABLISHED_SECONDS);
	nfct_set_attr_u8(ct, ATTR_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
	nfct_set_attr_u8(ct, ATTR_TCP_FLAGS_ORIG, IP_CT_TCP_FLAG_BE_LIBERAL);
	nfct_set_attr_u8(ct, ATTR_TCP_MASK_ORIG, IP_CT_TCP_FLAG_BE_LIBERAL);
	nfct_set_attr_u8(ct, ATTR_TCP_FLAGS_REPL, IP_CT_TCP_FLAG_BE_LIBERAL);
	nfct_set_attr_u8(ct, ATTR_TCP_MASK_REPL, IP_CT_TCP_FLAG_BE_LIBERAL);
}

int mx_conntrack_put_back(struct mnl_socket *socket, const struct nf_conntrack *gone)
{
	static const int addresses[] = { ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_SRC, ATTR_ORIG_IPV6_DST,
					 ATTR_L3PROTO,       ATTR_L4PROTO,       ATTR_ORIG_L3PROTO,  ATTR_ORIG_L4PROTO,
					 ATTR_ORIG_PORT_SRC, ATTR_ORIG_PORT_DST, ATTR_MARK };
	bool v4 = nfct_get_attr_u8(gone, ATTR_L3PROTO) == AF_INET;
	struct nf_conntrack *ct = nfct_new();
	struct nlmsghdr *nlh;
	char buffer[1024];
	int error;
	size_t i;

	if (!ct)
		return ENOMEM;
	for (i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		if (nfct_attr_is_set(gone, addresses[i]))
			nfct_set_attr(ct, addresses[i], nfct_get_attr(gone, addresses[i]));
	nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
	nfct_set_attr(ct, v4 ? ATTR_SNAT_IPV4 : ATTR_SNAT_IPV6,
		      nfct_get_attr(gone, v4 ? ATTR_REPL_IPV4_DST : ATTR_REPL_IPV6_DST));
	nfct_set_attr_u16(ct, ATTR_SNAT_PORT, nfct_get_attr_u16(gone, ATTR_REPL_PORT_DST));
	set_established(ct);
	nlh = begin(buffer, v4 ? AF_INET : AF_INET6, IPCTNL_MSG_CT_NEW, NLM_F_CREATE | NLM_F_EXCL);
	error = nfct_nlmsg_build(nlh, ct) < 0 || mnl_socket_sendto(socket, nlh, nlh->nlmsg_len) < 0 ? errno : 0;
	nfct_destroy(ct);
	return error;
}

static void put_flow(struct nlmsghdr *nlh, const struct mx_flow *flow)
{
	bool v4 = flow->family == MX_IPV4;
	struct nlattr *tuple = mnl_attr_nest_start(nlh, CTA_TUPLE_ORIG), *part;
	u8 from[16], to[16];

	mx_addr_to_bytes(flow->family, flow->from, from);
	mx_addr_to_bytes(flow->family, flow->to, to);
	part = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);
	mnl_attr_put(nlh, v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, v4 ? 4 : 16, from);
	mnl_attr_put(nlh, v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, v4 ? 4 : 16, to);
	mnl_attr_nest_end(nlh, part);
	part = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, IPPROTO_TCP);
	mnl_attr_put_u16(nlh, CTA_PROTO_SRC_PORT, htons(flow->from_port));
	mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, htons(flow->to_port));
	mnl_attr_nest_end(nlh, part);
	mnl_attr_nest_end(nlh, tuple);
}

static void take_status(const struct nf_conntrack *ct, void *arg)
{
	if (nfct_attr_is_set(ct, ATTR_STATUS))
		*(bool *)arg = nfct_get_attr_u32(ct, ATTR_STATUS) & IPS_ASSURED;
}

/* The kernel sends the changed entry back (echo), then says that it is done. */
int mx_conntrack_mark(struct mnl_socket *socket, const struct mx_flow *flow, u32 mark, u32 mask, bool *established)
{
	char buffer[8192] __attribute__((aligned(8)));
	struct nlmsghdr *nlh =
		begin(buffer, flow->family == MX_IPV4 ? AF_INET : AF_INET6, IPCTNL_MSG_CT_NEW, NLM_F_ACK | NLM_F_ECHO);
	struct reading r = { take_status, established };
	int rc = MNL_CB_OK;
	ssize_t n;

	put_flow(nlh, flow);
	put_mark(nlh, mark, mask);
	if (mnl_socket_sendto(socket, nlh, nlh->nlmsg_len) < 0)
		return errno;
	while (rc > MNL_CB_STOP) {
		n = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		rc = n < 0 ? -1 : mnl_cb_run(buffer, (size_t)n, 0, 0, take, &r);
	}
	return rc < 0 ? errno : 0;
}
