// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * queue_rule - appends the rule that queues a packet to a chain, or empties that chain.
 *
 *   queue_rule [--nft] add FAMILY TABLE CHAIN FIRST-QUEUE QUEUES
 *   queue_rule flush FAMILY TABLE CHAIN
 *
 * nft itself can only write its own `queue` expression, which not every kernel has, and iptables-nft only writes into
 * its own tables. So the xtables target NFQUEUE is built here, as the expression `target`; --nft asks for `queue`.
 * Both with bypass (no listener: go on) and fanout (the queue by the processor).
 */
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define XT_INFO_SIZE 8 /* xtables rounds the size of its structs up to this */

struct place {
	uint16_t family;
	const char *table;
	const char *chain;
};

static void die(const char *what)
{
	fprintf(stderr, "queue_rule: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void usage(void)
{
	fprintf(stderr, "usage: queue_rule [--nft] add FAMILY TABLE CHAIN FIRST-QUEUE QUEUES\n"
			"       queue_rule flush FAMILY TABLE CHAIN\n");
	exit(2);
}

static uint16_t family_number(const char *name)
{
	static const struct {
		const char *name;
		uint16_t number;
	} families[] = { { "ip", NFPROTO_IPV4 }, { "ip6", NFPROTO_IPV6 }, { "inet", NFPROTO_INET } };

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (!strcmp(name, families[i].name))
			return families[i].number;
	usage();
	return 0;
}

static struct nftnl_expr *new_expr(const char *name)
{
	struct nftnl_expr *e = nftnl_expr_alloc(name);

	if (!e)
		die(name);
	return e;
}

static struct nftnl_expr *xtables_queue(uint16_t first, uint16_t count)
{
	struct nftnl_expr *e = new_expr("target");
	struct xt_NFQ_info_v3 *info = calloc(1, XT_INFO_SIZE);

	if (!info)
		die("memory");
	info->queuenum = first;
	info->queues_total = count;
	info->flags = NFQ_FLAG_BYPASS | (count > 1 ? NFQ_FLAG_CPU_FANOUT : 0);
	nftnl_expr_set_str(e, NFTNL_EXPR_TG_NAME, "NFQUEUE");
	nftnl_expr_set_u32(e, NFTNL_EXPR_TG_REV, 3);
	nftnl_expr_set(e, NFTNL_EXPR_TG_INFO, info, XT_INFO_SIZE); /* owns info from here on */
	return e;
}

static struct nftnl_expr *nft_queue(uint16_t first, uint16_t count)
{
	struct nftnl_expr *e = new_expr("queue");

	nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_NUM, first);
	nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_TOTAL, count);
	nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_FLAGS,
			   NFT_QUEUE_FLAG_BYPASS | (count > 1 ? NFT_QUEUE_FLAG_CPU_FANOUT : 0));
	return e;
}

static struct nftnl_rule *new_rule(const struct place *p)
{
	struct nftnl_rule *r = nftnl_rule_alloc();

	if (!r)
		die("memory");
	nftnl_rule_set_u32(r, NFTNL_RULE_FAMILY, p->family);
	nftnl_rule_set_str(r, NFTNL_RULE_TABLE, p->table);
	nftnl_rule_set_str(r, NFTNL_RULE_CHAIN, p->chain);
	return r;
}

static void wait_for_ack(struct mnl_socket *nl)
{
	char buf[8192];
	ssize_t len = mnl_socket_recvfrom(nl, buf, sizeof(buf));

	if (len < 0 || mnl_cb_run(buf, (size_t)len, 0, mnl_socket_get_portid(nl), NULL, NULL) < 0)
		die("the kernel refused the rule");
}

/* One transaction: begin, the one message, end. */
static void commit(const struct place *p, struct nftnl_rule *r, uint16_t type, uint16_t flags)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_NETFILTER);
	uint32_t seq = (uint32_t)time(NULL);
	char buf[8192];
	struct mnl_nlmsg_batch *batch = mnl_nlmsg_batch_start(buf, sizeof(buf));
	struct nlmsghdr *nlh;

	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		die("netlink socket");
	nftnl_batch_begin(mnl_nlmsg_batch_current(batch), seq);
	mnl_nlmsg_batch_next(batch);
	nlh = nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(batch), type, p->family, flags | NLM_F_ACK, seq + 1);
	nftnl_rule_nlmsg_build_payload(nlh, r);
	mnl_nlmsg_batch_next(batch);
	nftnl_batch_end(mnl_nlmsg_batch_current(batch), seq + 2);
	mnl_nlmsg_batch_next(batch);
	if (mnl_socket_sendto(nl, mnl_nlmsg_batch_head(batch), mnl_nlmsg_batch_size(batch)) < 0)
		die("send");
	wait_for_ack(nl);
	mnl_nlmsg_batch_stop(batch);
	mnl_socket_close(nl);
	nftnl_rule_free(r);
}

int main(int argc, char **argv)
{
	int nft = argc > 1 && !strcmp(argv[1], "--nft");
	struct nftnl_rule *r;
	struct place p;

	argc -= nft;
	argv += nft;
	if (argc < 5)
		usage();
	p.family = family_number(argv[2]);
	p.table = argv[3];
	p.chain = argv[4];
	r = new_rule(&p);
	if (!strcmp(argv[1], "add") && argc == 7) {
		uint16_t first = (uint16_t)strtoul(argv[5], NULL, 0);
		uint16_t count = (uint16_t)strtoul(argv[6], NULL, 0);

		nftnl_rule_add_expr(r, nft ? nft_queue(first, count) : xtables_queue(first, count));
		commit(&p, r, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	} else if (!strcmp(argv[1], "flush") && argc == 5) {
		commit(&p, r, NFT_MSG_DELRULE, 0);
	} else {
		usage();
	}
	return 0;
}
