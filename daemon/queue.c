// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/queue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/hold.h"
#include "daemon/queued.h"
#include "daemon/thread.h"

#define BATCH 32
#define COPY_BYTES 128    /* IP and TCP headers with room for extension headers */
#define MESSAGE_BYTES 512 /* one packet with its attributes */
#define VERDICT_BYTES 64  /* one answer */
#define KERNEL_QUEUE 8192 /* packets that may wait in the kernel */
#define SOCKET_BYTES (4 << 20)
#define BEAT_USEC 250000

struct queue {
	pthread_t thread;
	struct mnl_socket *socket;
	struct mx_queues *all;
	u32 number;
	atomic_uint *beat;
	atomic_ullong answered;
	atomic_ullong repeated;
	unsigned int sequence;
	size_t answer_length;
	struct mmsghdr headers[BATCH];
	struct iovec iov[BATCH];
	char answers[BATCH * VERDICT_BYTES];
	char messages[BATCH][MESSAGE_BYTES];
};

struct mx_queues {
	struct mx_intake *intake;
	struct mx_hold *hold;
	atomic_bool leaving;
	u32 count;
	struct queue queue[];
};

/* --- one packet ------------------------------------------------------------------------------------------------- */

static size_t put_answer(char *to, u32 queue, u32 id, enum mx_answer answer, const u32 *mark)
{
	struct nlmsghdr *nlh = nfq_nlmsg_put(to, NFQNL_MSG_VERDICT, queue);

	nfq_nlmsg_verdict_put(nlh, (int)id, answer == MX_ANSWER_DROP ? NF_DROP : NF_ACCEPT);
	if (mark)
		nfq_nlmsg_verdict_put_mark(nlh, *mark);
	return MNL_ALIGN(nlh->nlmsg_len);
}

static void answer(struct queue *q, u32 id, enum mx_answer answer, const u32 *mark)
{
	q->answer_length += put_answer(q->answers + q->answer_length, q->number, id, answer, mark);
	atomic_fetch_add_explicit(&q->answered, 1, memory_order_relaxed);
}

/* An answer by itself, from another thread: the kernel asks only that it comes by the queue's own socket. */
static void answer_held(void *queue, u32 id, enum mx_answer answer, u32 mark)
{
	struct queue *q = queue;
	char buffer[VERDICT_BYTES];

	if (mnl_socket_sendto(q->socket, buffer, put_answer(buffer, q->number, id, answer, &mark)) < 0)
		mx_log(MX_LOG_ERROR, "queue %u: cannot answer: %s", q->number, strerror(errno));
	atomic_fetch_add_explicit(&q->answered, 1, memory_order_relaxed);
}

/* Answers a SYN that could be read, or leaves it to wait. */
static void take_syn(struct queue *q, const struct mx_queued *queued)
{
	struct mx_held_packet packet = { answer_held, q, queued->id };
	struct mx_queues *all = q->all;
	enum mx_answer what;
	bool known;
	u32 mark;

	mx_policy_lock(all->intake->policy);
	what = mx_intake_answer(all->intake, &queued->flow, queued->sequence, &mark, &known);
	if (what == MX_ANSWER_WAIT)
		mx_hold_put(all->hold, &queued->flow, queued->sequence, &packet);
	mx_policy_unlock(all->intake->policy);
	if (known)
		atomic_fetch_add_explicit(&q->repeated, 1, memory_order_relaxed);
	if (what != MX_ANSWER_WAIT)
		answer(q, queued->id, what, what == MX_ANSWER_ACCEPT ? &mark : NULL);
}

/* What cannot be read is let go unmarked: then the rules behind decide, without us. */
static int take_packet(const struct nlmsghdr *nlh, void *arg)
{
	struct mx_queued queued;
	struct queue *q = arg;

	if (!mx_queued_read(nlh, &queued))
		return MNL_CB_OK;
	if (queued.is_syn)
		take_syn(q, &queued);
	else
		answer(q, queued.id, MX_ANSWER_ACCEPT, NULL);
	return MNL_CB_OK;
}

/* --- the thread ------------------------------------------------------------------------------------------------- */

static void send_answers(struct queue *q)
{
	if (!q->answer_length)
		return;
	if (mnl_socket_sendto(q->socket, q->answers, q->answer_length) < 0)
		mx_log(MX_LOG_ERROR, "queue %u: cannot answer: %s", q->number, strerror(errno));
	q->answer_length = 0;
}

static void prepare_headers(struct queue *q)
{
	int i;

	for (i = 0; i < BATCH; i++) {
		q->iov[i] = (struct iovec){ q->messages[i], MESSAGE_BYTES };
		q->headers[i].msg_hdr.msg_iov = &q->iov[i];
		q->headers[i].msg_hdr.msg_iovlen = 1;
	}
}

/*
 * Takes what waits and answers it; how many packets there were, 0 or less when none came in time. The look for more is
 * made before going to sleep and not after a packet has come: so a single connection does not wait for it.
 */
static int serve(struct queue *q)
{
	int fd = mnl_socket_get_fd(q->socket), i, n;

	n = recvmmsg(fd, q->headers, BATCH, MSG_DONTWAIT, NULL);
	if (n < 0 && errno == EAGAIN)
		n = recvmmsg(fd, q->headers, 1, 0, NULL);
	atomic_fetch_add_explicit(q->beat, 1, memory_order_relaxed);
	for (i = 0; i < n; i++)
		mnl_cb_run(q->messages[i], q->headers[i].msg_len, 0, 0, take_packet, q);
	send_answers(q);
	if (n > 0)
		mx_intake_finish(q->all->intake);
	if (n < 0 && errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
		mx_log(MX_LOG_ERROR, "queue %u: cannot read: %s", q->number, strerror(errno));
	return n;
}

static void *run(void *arg)
{
	struct queue *q = arg;

	while (!atomic_load_explicit(&q->all->leaving, memory_order_acquire))
		serve(q);
	while (serve(q) > 0) /* the rule is gone: what waits is all there will be */
		;
	return NULL;
}

/* --- binding ---------------------------------------------------------------------------------------------------- */

static int accept_ack(const struct nlmsghdr *nlh, void *arg)
{
	(void)nlh, (void)arg;
	return MNL_CB_OK;
}

/* Everything in one message: a queue that is bound, but not configured, drops what it gets. */
static void bind_queue(struct queue *q)
{
	char buffer[MNL_SOCKET_BUFFER_SIZE];
	struct nlmsghdr *nlh = nfq_nlmsg_put(buffer, NFQNL_MSG_CONFIG, q->number);
	u32 flags = NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN | NFQA_CFG_F_UID_GID;
	int one = 1, size = SOCKET_BYTES, n;
	struct timeval beat = { 0, BEAT_USEC };

	q->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!q->socket || mnl_socket_bind(q->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		mx_fatal("queue %u: cannot open a netlink socket: %s", q->number, strerror(errno));
	mnl_socket_setsockopt(q->socket, NETLINK_NO_ENOBUFS, &one, sizeof(one));
	setsockopt(mnl_socket_get_fd(q->socket), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));

	nlh->nlmsg_flags |= NLM_F_ACK;
	nfq_nlmsg_cfg_put_cmd(nlh, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
	nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET, COPY_BYTES);
	nfq_nlmsg_cfg_put_qmaxlen(nlh, KERNEL_QUEUE);
	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(flags));
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(flags));
	n = mnl_socket_sendto(q->socket, nlh, nlh->nlmsg_len) < 0
		    ? -1
		    : (int)mnl_socket_recvfrom(q->socket, buffer, sizeof(buffer));
	if (n < 0 || mnl_cb_run(buffer, (size_t)n, 0, mnl_socket_get_portid(q->socket), accept_ack, NULL) < 0)
		mx_fatal("queue %u: cannot be had: %s%s", q->number, strerror(errno),
			 errno == EPERM ? " (expected to run as root, and no other program on this queue)" : "");
	setsockopt(mnl_socket_get_fd(q->socket), SOL_SOCKET, SO_RCVTIMEO, &beat, sizeof(beat));
}

struct mx_queues *mx_queues_start(u32 first, u32 count, struct mx_intake *intake, atomic_uint *beats)
{
	struct mx_queues *all = mx_alloc(sizeof(*all) + count * sizeof(all->queue[0]));
	u32 i;

	all->intake = intake;
	all->hold = mx_hold_start(intake);
	all->count = count;
	for (i = 0; i < count; i++) {
		all->queue[i].all = all;
		all->queue[i].number = first + i;
		all->queue[i].beat = &beats[i];
		prepare_headers(&all->queue[i]);
		bind_queue(&all->queue[i]);
	}
	for (i = 0; i < count; i++)
		mx_thread_start(&all->queue[i].thread, run, &all->queue[i], "a queue");
	return all;
}

void mx_queues_stop(struct mx_queues *all)
{
	u32 i;

	atomic_store_explicit(&all->leaving, true, memory_order_release);
	for (i = 0; i < all->count; i++)
		pthread_join(all->queue[i].thread, NULL);
	mx_hold_stop(all->hold);
	for (i = 0; i < all->count; i++)
		mnl_socket_close(all->queue[i].socket);
	free(all);
}

u32 mx_queues_count(const struct mx_queues *all)
{
	return all->count;
}

struct mx_queue_stats mx_queues_stats(const struct mx_queues *all, u32 index)
{
	const struct queue *q = &all->queue[index];

	return (struct mx_queue_stats){ q->number, atomic_load(&q->answered), atomic_load(&q->repeated) };
}
