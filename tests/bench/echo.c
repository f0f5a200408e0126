// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * echo - the least an NFQUEUE program can do: accepts every packet at once, with the next mark of a list.
 *
 *   echo [--mask MASK] FIRST-QUEUE QUEUES MARK...
 *
 * It is what mxload is measured against, so it is plain on purpose: for each packet one recv, one verdict, one send.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COPY_BYTES 128
#define MAX_QUEUES 64
#define MAX_MARKS 64

struct queue {
	struct mnl_socket *nl;
	uint16_t number;
};

static struct queue queues[MAX_QUEUES];
static uint32_t marks[MAX_MARKS];
static unsigned int mark_count;
static uint32_t mask = 0x0fff0000;
static atomic_uint next_mark;

static void die(const char *what)
{
	fprintf(stderr, "echo: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint32_t marked(uint32_t mark)
{
	unsigned int n = atomic_fetch_add_explicit(&next_mark, 1, memory_order_relaxed);

	return (mark & ~mask) | marks[n % mark_count];
}

static void send_to_kernel(struct queue *q, struct nlmsghdr *nlh)
{
	if (mnl_socket_sendto(q->nl, nlh, nlh->nlmsg_len) < 0)
		die("send");
}

static void answer(struct queue *q, const struct nlmsghdr *packet)
{
	struct nlattr *attr[NFQA_MAX + 1] = { 0 };
	const struct nfqnl_msg_packet_hdr *header;
	char buf[256];
	struct nlmsghdr *nlh;
	uint32_t mark;

	if (nfq_nlmsg_parse(packet, attr) < 0 || !attr[NFQA_PACKET_HDR])
		return;
	header = mnl_attr_get_payload(attr[NFQA_PACKET_HDR]);
	mark = attr[NFQA_MARK] ? ntohl(mnl_attr_get_u32(attr[NFQA_MARK])) : 0;
	nlh = nfq_nlmsg_put(buf, NFQNL_MSG_VERDICT, q->number);
	nfq_nlmsg_verdict_put(nlh, (int)ntohl(header->packet_id), NF_ACCEPT);
	nfq_nlmsg_verdict_put_mark(nlh, marked(mark));
	send_to_kernel(q, nlh);
}

static void *serve(void *arg)
{
	struct queue *q = arg;
	char buf[8192];

	for (;;) {
		ssize_t len = mnl_socket_recvfrom(q->nl, buf, sizeof(buf));
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)buf;

		if (len < 0)
			die("receive");
		if (mnl_nlmsg_ok(nlh, (int)len) && nlh->nlmsg_type == (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET))
			answer(q, nlh);
	}
	return NULL;
}

static void check_ack(struct queue *q)
{
	char buf[8192];
	ssize_t len = mnl_socket_recvfrom(q->nl, buf, sizeof(buf));

	if (len < 0 || mnl_cb_run(buf, (size_t)len, 0, mnl_socket_get_portid(q->nl), NULL, NULL) < 0)
		die("bind queue");
}

static void bind_queue(struct queue *q, uint16_t number)
{
	const uint32_t flags = NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN;
	char buf[512];
	struct nlmsghdr *nlh;
	int on = 1;

	q->number = number;
	q->nl = mnl_socket_open(NETLINK_NETFILTER);
	if (!q->nl || mnl_socket_bind(q->nl, 0, MNL_SOCKET_AUTOPID) < 0)
		die("netlink socket");
	mnl_socket_setsockopt(q->nl, NETLINK_NO_ENOBUFS, &on, sizeof(on));
	nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, number);
	nlh->nlmsg_flags |= NLM_F_ACK;
	nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
	nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET, COPY_BYTES);
	nfq_nlmsg_cfg_put_qmaxlen(nlh, 4096);
	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(flags));
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(flags));
	send_to_kernel(q, nlh);
	check_ack(q);
}

static void usage(void)
{
	fprintf(stderr, "usage: echo [--mask MASK] FIRST-QUEUE QUEUES MARK...\n");
	exit(2);
}

int main(int argc, char **argv)
{
	unsigned long first, count;
	pthread_t thread;
	sigset_t end;
	int sig;

	if (argc > 2 && !strcmp(argv[1], "--mask")) {
		mask = (uint32_t)strtoul(argv[2], NULL, 0);
		argc -= 2;
		argv += 2;
	}
	if (argc < 4 || argc - 3 > MAX_MARKS)
		usage();
	first = strtoul(argv[1], NULL, 0);
	count = strtoul(argv[2], NULL, 0);
	if (!count || count > MAX_QUEUES || first + count > 65536)
		usage();
	while (mark_count < (unsigned int)argc - 3) {
		marks[mark_count] = (uint32_t)strtoul(argv[3 + mark_count], NULL, 0);
		mark_count++;
	}

	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigaddset(&end, SIGINT);
	pthread_sigmask(SIG_BLOCK, &end, NULL);
	for (unsigned long i = 0; i < count; i++) {
		bind_queue(&queues[i], (uint16_t)(first + i));
		if (pthread_create(&thread, NULL, serve, &queues[i]))
			die("thread");
	}
	puts("ready");
	fflush(stdout);
	sigwait(&end, &sig);
	return 0;
}
