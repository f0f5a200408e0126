// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/dns_tap.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/balance.h"
#include "daemon/conntrack.h"
#include "daemon/datagram.h"
#include "daemon/thread.h"

#define DNS_PORT 53
#define HEADER 12             /* bytes of a DNS message; the first two tell questions apart */
#define QUESTION_BUCKETS 4096 /* questions that wait for their answer: 16,384 */
#define QUESTION_SECONDS 30   /* resolvers give up before */
#define SOCKET_BYTES (4 << 20)
#define MESSAGE_BYTES 70000 /* a UDP packet of any size, with its attributes */

struct mx_dns_tap {
	pthread_t thread;
	pthread_mutex_t lock; /* of all below; taken before the policy's */
	struct mnl_socket *socket;
	struct mx_policy *policy;
	struct mx_parser *parser;
	struct mx_flow_cache *questions;
	struct mx_dns_tap_stats stats;
	atomic_bool leaving;
	struct mx_dns_answer answer;
	char buffer[MESSAGE_BYTES] __attribute__((aligned(8)));
};

/* --- questions -------------------------------------------------------------------------------------------------- */

static u16 read16(const u8 *bytes)
{
	return (u16)(bytes[0] << 8 | bytes[1]);
}

static struct mx_flow_place place_of(struct mx_dns_tap *t, const struct mx_flow *asked, u16 id, const char *name,
				     u16 type)
{
	u64 key = mx_mix64(mx_balance_key(name, strlen(name)) ^ ((u64)id << 16 | type));

	return mx_flow_cache_place(t->questions, asked, (u32)key);
}

static void take_question(struct mx_dns_tap *t, const struct mx_flow *asked, const u8 *data, size_t length)
{
	struct mx_flow_place place;

	if (mx_parser_message(t->parser, MX_PARSER_QUESTION, data, length, &t->answer) != MX_DNS_READ)
		return;
	place = place_of(t, asked, read16(data), t->answer.name, t->answer.type);
	mx_flow_cache_add(&place, mx_clock_coarse_seconds(), 0);
	t->stats.questions++;
}

/* Each question is good for one answer. */
static bool was_asked(struct mx_dns_tap *t, const struct mx_flow *asked, u16 id)
{
	struct mx_flow_place place = place_of(t, asked, id, t->answer.name, t->answer.type);
	struct mx_flow_entry *question = mx_flow_cache_find(t->questions, &place, mx_clock_coarse_seconds());

	if (!question)
		return false;
	mx_flow_cache_take(&place, question);
	return true;
}

/* --- answers ---------------------------------------------------------------------------------------------------- */

static void take_answer(struct mx_dns_tap *t, const struct mx_flow *asked, const u8 *data, size_t length)
{
	switch (mx_parser_message(t->parser, MX_PARSER_ANSWER, data, length, &t->answer)) {
	case MX_DNS_CUT:
	case MX_DNS_MALFORMED:
		t->stats.broken++;
		return;
	case MX_DNS_READ:
		break;
	default:
		return;
	}
	if (!was_asked(t, asked, read16(data))) {
		t->stats.unasked++;
		return;
	}
	t->stats.answers++;
	if (t->answer.count)
		mx_policy_learn(t->policy, &t->answer, MX_ORIGIN_ANSWER);
}

/* --- packets ---------------------------------------------------------------------------------------------------- */

/* Who asked whom. The table copies packets where both have the same addresses. */
static struct mx_flow asked_by(const struct mx_datagram *d, bool is_answer)
{
	struct mx_flow flow = { .family = d->family };

	flow.from = is_answer ? d->to : d->from;
	flow.to = is_answer ? d->from : d->to;
	flow.from_port = is_answer ? d->to_port : d->from_port;
	flow.to_port = is_answer ? d->from_port : d->to_port;
	return flow;
}

static void take_packet(struct mx_dns_tap *t, struct nlattr *const *attr)
{
	struct mx_datagram d;
	struct mx_flow asked;
	bool is_answer;

	if (!mx_datagram_parse(mnl_attr_get_payload(attr[NFULA_PAYLOAD]), mnl_attr_get_payload_len(attr[NFULA_PAYLOAD]),
			       &d) ||
	    d.length < HEADER)
		return;
	is_answer = d.from_port == DNS_PORT && d.to_port != DNS_PORT;
	asked = asked_by(&d, is_answer);
	if (is_answer)
		take_answer(t, &asked, d.data, d.length);
	else
		take_question(t, &asked, d.data, d.length);
}

static int take_attribute(const struct nlattr *attr, void *arg)
{
	const struct nlattr **all = arg;

	if (mnl_attr_get_type(attr) <= NFULA_MAX)
		all[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static int take_message(const struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *attr[NFULA_MAX + 1] = { 0 };

	if ((nlh->nlmsg_type & 0xff) == NFULNL_MSG_PACKET &&
	    mnl_attr_parse(nlh, sizeof(struct nfgenmsg), take_attribute, attr) >= 0 && attr[NFULA_PAYLOAD])
		take_packet(arg, attr);
	return MNL_CB_OK;
}

void mx_dns_tap_drain(struct mx_dns_tap *t)
{
	ssize_t n;

	pthread_mutex_lock(&t->lock);
	while ((n = recv(mnl_socket_get_fd(t->socket), t->buffer, sizeof(t->buffer), MSG_DONTWAIT)) > 0)
		mnl_cb_run(t->buffer, (size_t)n, 0, 0, take_message, t);
	t->stats.lost += n < 0 && errno == ENOBUFS;
	pthread_mutex_unlock(&t->lock);
}

struct mx_dns_tap_stats mx_dns_tap_stats(struct mx_dns_tap *t)
{
	struct mx_dns_tap_stats stats;

	pthread_mutex_lock(&t->lock);
	stats = t->stats;
	pthread_mutex_unlock(&t->lock);
	return stats;
}

/* --- the thread ------------------------------------------------------------------------------------------------- */

static void *run(void *arg)
{
	struct mx_dns_tap *t = arg;
	struct pollfd ready = { mnl_socket_get_fd(t->socket), POLLIN, 0 };

	while (!atomic_load(&t->leaving))
		if (poll(&ready, 1, 250) > 0)
			mx_dns_tap_drain(t);
	return NULL;
}

/* Sends one configuration message and waits for its answer. 0 or errno. */
static int configure(struct mnl_socket *socket, void *buffer, struct nlmsghdr *nlh)
{
	ssize_t n;

	if (mnl_socket_sendto(socket, nlh, nlh->nlmsg_len) < 0)
		return errno;
	n = mnl_socket_recvfrom(socket, buffer, MNL_SOCKET_BUFFER_SIZE);
	if (n < 0)
		return errno;
	return mnl_cb_run(buffer, (size_t)n, 0, mnl_socket_get_portid(socket), NULL, NULL) < 0 ? errno : 0;
}

static struct nlmsghdr *begin(void *buffer)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = (NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_CONFIG;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(MX_DNS_TAP_GROUP);
	return nlh;
}

static int bind_group(struct mnl_socket *socket)
{
	struct nfulnl_msg_config_cmd bind = { NFULNL_CFG_CMD_BIND };
	struct nfulnl_msg_config_mode mode = { htonl(65535), NFULNL_COPY_PACKET, 0 };
	char buffer[MNL_SOCKET_BUFFER_SIZE];
	struct nlmsghdr *nlh = begin(buffer);
	int error;

	mnl_attr_put(nlh, NFULA_CFG_CMD, sizeof(bind), &bind);
	error = configure(socket, buffer, nlh);
	if (error)
		return error;
	nlh = begin(buffer);
	mnl_attr_put(nlh, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(nlh, NFULA_CFG_QTHRESH, htonl(1));
	return configure(socket, buffer, nlh);
}

struct mx_dns_tap *mx_dns_tap_start(struct mx_policy *policy, struct mx_parser *parser)
{
	struct mnl_socket *socket = mx_conntrack_open();
	struct mx_dns_tap *t;
	int error = socket ? bind_group(socket) : errno, size = SOCKET_BYTES;

	if (error) {
		if (socket)
			mnl_socket_close(socket);
		errno = error;
		return NULL;
	}
	setsockopt(mnl_socket_get_fd(socket), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	t = mx_alloc(sizeof(*t));
	pthread_mutex_init(&t->lock, NULL);
	t->socket = socket;
	t->policy = policy;
	t->parser = parser;
	t->questions = mx_flow_cache_new(QUESTION_BUCKETS, QUESTION_SECONDS);
	mx_thread_start(&t->thread, run, t, "DNS answers");
	return t;
}

void mx_dns_tap_stop(struct mx_dns_tap *t)
{
	atomic_store(&t->leaving, true);
	pthread_join(t->thread, NULL);
	mnl_socket_close(t->socket);
	pthread_mutex_destroy(&t->lock);
	free(t->questions);
	free(t);
}
