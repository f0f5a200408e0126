// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/flows.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/classify.h"
#include "daemon/log.h"
#include "daemon/text.h"
#include "daemon/thread.h"

#define SOCKET_BYTES (8 << 20)
#define ESTABLISHED_SECONDS 432000 /* five days, the kernel's own */
#define SHORTEST_DIALOGUE 60       /* bytes: EHLO a.bc, MAIL FROM:<>, RCPT TO:<a@b.cd>, DATA with their line ends */
#define FEWEST_PACKETS 3           /* SYN, ACK, and a FIN or RST */
#define GATHER_MSEC 20 /* events are taken in handfuls: each wake-up costs the queue threads more than an event */

struct mx_flows {
	pthread_t thread;
	struct mnl_socket *socket;
	struct mnl_socket *asker; /* puts connections back */
	u32 mark_mask;            /* fixed while the daemon runs */
	struct mx_policy *policy;
	struct mx_journal *journal;
	atomic_bool leaving;
	atomic_uint overruns;
	atomic_uint zeroed;
};

/* --- reading conntrack ------------------------------------------------------------------------------------------ */

static struct mx_addr addr_of(const struct nf_conntrack *ct, enum mx_family family, int v4, int v6)
{
	return mx_addr_from_bytes(family, nfct_get_attr(ct, family == MX_IPV4 ? v4 : v6));
}

/* What an entry of conntrack says, under the policy's lock. False: it is none of ours. */
static bool read_flow(const struct mx_policy *p, const struct nf_conntrack *ct, struct mx_event *e, u16 *source,
		      u16 *provider)
{
	struct mx_flow flow = { 0 };
	bool v4 = nfct_get_attr_u8(ct, ATTR_L3PROTO) == AF_INET;

	if (nfct_get_attr_u8(ct, ATTR_L4PROTO) != IPPROTO_TCP)
		return false;
	*source = mx_snapshot_source_of_mark(p->snapshot, nfct_get_attr_u32(ct, ATTR_MARK));
	if (*source == MX_NONE)
		return false;
	flow.family = v4 ? MX_IPV4 : MX_IPV6;
	flow.to = addr_of(ct, flow.family, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST);
	*provider = mx_classify_provider(p->snapshot, &flow);
	*e = (struct mx_event){
		.type = MX_EVENT_CLOSE,
		.family = flow.family,
		.action = MX_ASSIGN,
		.route = MX_NONE,
		.from = addr_of(ct, flow.family, ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC),
		.from_port = ntohs(nfct_get_attr_u16(ct, ATTR_ORIG_PORT_SRC)),
		.to = flow.to,
		.to_port = ntohs(nfct_get_attr_u16(ct, ATTR_ORIG_PORT_DST)),
		.source_addr = addr_of(ct, flow.family, ATTR_REPL_IPV4_DST, ATTR_REPL_IPV6_DST),
		.source_port = ntohs(nfct_get_attr_u16(ct, ATTR_REPL_PORT_DST)),
		.source = p->source_names[*source],
		.provider = p->provider_names[*provider],
	};
	e->close.sent = nfct_get_attr_u64(ct, ATTR_ORIG_COUNTER_BYTES);
	e->close.received = nfct_get_attr_u64(ct, ATTR_REPL_COUNTER_BYTES);
	e->close.established = nfct_get_attr_u32(ct, ATTR_STATUS) & IPS_ASSURED;
	return true;
}

/* --- asking conntrack -------------------------------------------------------------------------------------------- */

/* Dumps conntrack for one family; with a mask only what carries the mark under it. 0 or errno. */
static int dump(struct mnl_socket *socket, u8 family, u32 mark, u32 mask, mnl_cb_t each, void *arg)
{
	char buffer[32768] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *nfg;
	int rc = MNL_CB_OK;
	ssize_t n;

	nlh->nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	if (mask) {
		mnl_attr_put_u32(nlh, CTA_MARK, htonl(mark));
		mnl_attr_put_u32(nlh, CTA_MARK_MASK, htonl(mask));
	}
	if (mnl_socket_sendto(socket, nlh, nlh->nlmsg_len) < 0)
		return errno;
	while (rc > MNL_CB_STOP) {
		n = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		rc = n < 0 ? -1 : mnl_cb_run(buffer, (size_t)n, 0, 0, each, arg);
	}
	return rc < 0 ? errno : 0;
}

/* The same for both families. */
static int dump_all(u32 mark, u32 mask, mnl_cb_t each, void *arg)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	int error;

	if (!socket)
		return errno;
	error = mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ? errno : 0;
	if (!error)
		error = dump(socket, AF_INET, mark, mask, each, arg);
	if (!error)
		error = dump(socket, AF_INET6, mark, mask, each, arg);
	mnl_socket_close(socket);
	return error;
}

/* --- the thread ------------------------------------------------------------------------------------------------- */

static struct mx_flow flow_of(const struct mx_event *e)
{
	return (struct mx_flow){
		.from = e->from, .to = e->to, .family = e->family, .from_port = e->from_port, .to_port = e->to_port
	};
}

/* Packets that the client has sent, by the counters; 0: there are none, the kernel does not keep them. */
static u64 packets_of(const struct nf_conntrack *ct)
{
	return nfct_attr_is_set(ct, ATTR_ORIG_COUNTER_PACKETS) ? nfct_get_attr_u64(ct, ATTR_ORIG_COUNTER_PACKETS) : 0;
}

/* Whether somebody has set the counters of a connection to zero: nobody establishes and closes one with fewer. */
static bool was_zeroed(const struct nf_conntrack *ct)
{
	u64 packets = packets_of(ct);

	return (nfct_get_attr_u32(ct, ATTR_STATUS) & IPS_ASSURED) && packets && packets < FEWEST_PACKETS;
}

/*
 * Whether it was closed before mail could have passed: what the client has sent, without the headers (with time
 * stamps, as Linux sends them), is less than the shortest of dialogues with an envelope in it.
 */
static bool is_early(const struct nf_conntrack *ct, enum mx_family family)
{
	u64 header = family == MX_IPV4 ? 52 : 72, packets = packets_of(ct);

	return packets && !was_zeroed(ct) &&
	       nfct_get_attr_u64(ct, ATTR_ORIG_COUNTER_BYTES) < packets * header + SHORTEST_DIALOGUE;
}

static struct mx_end end_of(const struct nf_conntrack *ct, const struct mx_event *e)
{
	bool reset =
		nfct_attr_is_set(ct, ATTR_TCP_STATE) && nfct_get_attr_u8(ct, ATTR_TCP_STATE) == TCP_CONNTRACK_CLOSE;

	return (struct mx_end){ .sent = e->close.sent,
				.received = e->close.received,
				.established = e->close.established,
				.reset = reset,
				.early = is_early(ct, e->family) };
}

static void book(struct mx_flows *f, const struct nf_conntrack *ct)
{
	struct mx_policy *p = f->policy;
	u16 source, provider;
	struct mx_event event;
	bool ours;

	mx_policy_lock(p);
	ours = read_flow(p, ct, &event, &source, &provider);
	if (ours) {
		struct mx_flow flow = flow_of(&event);
		struct mx_end end = end_of(ct, &event);

		mx_policy_end_connection(p, provider, source, &flow, &end);
	}
	mx_policy_unlock(p);
	if (!ours)
		return;
	if (was_zeroed(ct) && !atomic_fetch_add(&f->zeroed, 1))
		mx_log(MX_LOG_WARNING, "flows: somebody resets the counters of conntrack: bytes are too low");
	event.time = time(NULL);
	mx_journal_add(f->journal, &event);
}

/*
 * Conntrack forgets an established connection only when somebody flushes it: `conntrack -F` takes the one memory of a
 * translation, and the connection would go on from the wrong address and be reset. So it is put back as it was, before
 * either side speaks again. The window is left open (liberal), since nothing is known of the sequence numbers.
 */
static void put_back(struct mx_flows *f, const struct nf_conntrack *gone)
{
	static const int addresses[] = { ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_SRC, ATTR_ORIG_IPV6_DST,
					 ATTR_L3PROTO,       ATTR_L4PROTO,       ATTR_ORIG_L3PROTO,  ATTR_ORIG_L4PROTO,
					 ATTR_ORIG_PORT_SRC, ATTR_ORIG_PORT_DST, ATTR_MARK };
	bool v4 = nfct_get_attr_u8(gone, ATTR_L3PROTO) == AF_INET;
	char buffer[1024];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct nf_conntrack *ct = nfct_new();
	struct nfgenmsg *nfg;
	size_t i;

	if (!ct)
		return;
	for (i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++)
		if (nfct_attr_is_set(gone, addresses[i]))
			nfct_set_attr(ct, addresses[i], nfct_get_attr(gone, addresses[i]));
	nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
	nfct_set_attr(ct, v4 ? ATTR_SNAT_IPV4 : ATTR_SNAT_IPV6,
		      nfct_get_attr(gone, v4 ? ATTR_REPL_IPV4_DST : ATTR_REPL_IPV6_DST));
	nfct_set_attr_u16(ct, ATTR_SNAT_PORT, nfct_get_attr_u16(gone, ATTR_REPL_PORT_DST));
	nfct_set_attr_u32(ct, ATTR_STATUS, IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, ESTABLISHED_SECONDS);
	nfct_set_attr_u8(ct, ATTR_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
	nfct_set_attr_u8(ct, ATTR_TCP_FLAGS_ORIG, IP_CT_TCP_FLAG_BE_LIBERAL);
	nfct_set_attr_u8(ct, ATTR_TCP_MASK_ORIG, IP_CT_TCP_FLAG_BE_LIBERAL);
	nfct_set_attr_u8(ct, ATTR_TCP_FLAGS_REPL, IP_CT_TCP_FLAG_BE_LIBERAL);
	nfct_set_attr_u8(ct, ATTR_TCP_MASK_REPL, IP_CT_TCP_FLAG_BE_LIBERAL);

	nlh->nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_NEW;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = v4 ? AF_INET : AF_INET6;
	nfg->version = NFNETLINK_V0;
	if (nfct_nlmsg_build(nlh, ct) < 0 || mnl_socket_sendto(f->asker, nlh, nlh->nlmsg_len) < 0)
		mx_log(MX_LOG_WARNING, "flows: a flushed connection cannot be put back: %s", strerror(errno));
	nfct_destroy(ct);
}

/* Established, translated by us, and neither side has closed it. */
static bool was_flushed(const struct nf_conntrack *ct, u32 mark_mask)
{
	u32 wanted = IPS_SRC_NAT | IPS_ASSURED;

	return nfct_attr_is_set(ct, ATTR_TCP_STATE) &&
	       nfct_get_attr_u8(ct, ATTR_TCP_STATE) == TCP_CONNTRACK_ESTABLISHED &&
	       (nfct_get_attr_u32(ct, ATTR_STATUS) & wanted) == wanted &&
	       (nfct_get_attr_u32(ct, ATTR_MARK) & mark_mask);
}

static int take_destroy(const struct nlmsghdr *nlh, void *arg)
{
	struct mx_flows *f = arg;
	struct nf_conntrack *ct;

	if ((nlh->nlmsg_type & 0xff) != IPCTNL_MSG_CT_DELETE)
		return MNL_CB_OK;
	ct = nfct_new();
	if (!ct)
		return MNL_CB_OK;
	if (nfct_nlmsg_parse(nlh, ct) == 0) {
		if (was_flushed(ct, f->mark_mask))
			put_back(f, ct);
		else
			book(f, ct);
	}
	nfct_destroy(ct);
	return MNL_CB_OK;
}

static void *run(void *arg)
{
	char buffer[32768] __attribute__((aligned(8)));
	struct mx_flows *f = arg;
	struct pollfd ready = { mnl_socket_get_fd(f->socket), POLLIN, 0 };
	ssize_t n;

	while (!atomic_load(&f->leaving)) {
		if (poll(&ready, 1, 250) <= 0)
			continue;
		poll(NULL, 0, GATHER_MSEC);
		while ((n = recv(ready.fd, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0)
			mnl_cb_run(buffer, (size_t)n, 0, 0, take_destroy, f);
		if (n < 0 && errno == ENOBUFS) {
			atomic_fetch_add(&f->overruns, 1);
			mx_log(MX_LOG_WARNING, "flows: the kernel dropped events: established and failed are too low");
		}
	}
	return NULL;
}

/* Connections of before the daemon: they end, too, and are told of then. */
static int adopt(const struct nlmsghdr *nlh, void *arg)
{
	struct nf_conntrack *ct = nfct_new();
	struct mx_policy *p = arg;
	u16 source, provider;
	struct mx_event event;

	if (!ct)
		return MNL_CB_OK;
	mx_policy_lock(p);
	if (nfct_nlmsg_parse(nlh, ct) == 0 && read_flow(p, ct, &event, &source, &provider))
		mx_state_lane(&p->state, provider, source)->adopted++;
	mx_policy_unlock(p);
	nfct_destroy(ct);
	return MNL_CB_OK;
}

/* The kernel copies only the events of connections that carry our mark. */
static void filter_events(struct mnl_socket *socket, u32 mark_mask)
{
	struct nfct_filter *filter = nfct_filter_create();
	struct nfct_filter_dump_mark none = { .val = 0, .mask = mark_mask };

	if (!filter)
		return;
	nfct_filter_set_logic(filter, NFCT_FILTER_MARK, NFCT_FILTER_LOGIC_NEGATIVE);
	nfct_filter_add_attr(filter, NFCT_FILTER_MARK, &none);
	if (nfct_filter_attach(mnl_socket_get_fd(socket), filter))
		mx_log(MX_LOG_DEBUG, "flows: no filter in the kernel: %s", strerror(errno));
	nfct_filter_destroy(filter);
}

struct mx_flows *mx_flows_start(struct mx_policy *policy, struct mx_journal *journal)
{
	struct mx_flows *f = mx_alloc(sizeof(*f));
	int size = SOCKET_BYTES;

	f->policy = policy;
	f->journal = journal;
	f->mark_mask = policy->config->mark_mask;
	f->asker = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!f->asker || mnl_socket_bind(f->asker, 0, MNL_SOCKET_AUTOPID) < 0)
		mx_fatal("cannot open a netlink socket: %s", strerror(errno));
	f->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!f->socket || mnl_socket_bind(f->socket, NF_NETLINK_CONNTRACK_DESTROY, MNL_SOCKET_AUTOPID) < 0)
		mx_fatal("cannot listen to conntrack: %s", strerror(errno));
	setsockopt(mnl_socket_get_fd(f->socket), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	filter_events(f->socket, policy->config->mark_mask);
	if (dump_all(0, 0, adopt, policy))
		mx_log(MX_LOG_WARNING, "flows: conntrack does not say what is open: pending is too low");
	mx_thread_start(&f->thread, run, f, "the end of connections");
	return f;
}

u32 mx_flows_overruns(struct mx_flows *f)
{
	return atomic_load(&f->overruns);
}

u32 mx_flows_zeroed(struct mx_flows *f)
{
	return atomic_load(&f->zeroed);
}

void mx_flows_stop(struct mx_flows *f)
{
	atomic_store(&f->leaving, true);
	pthread_join(f->thread, NULL);
	mnl_socket_close(f->socket);
	mnl_socket_close(f->asker);
	free(f);
}

/* --- listing ---------------------------------------------------------------------------------------------------- */

struct listing {
	const struct mx_policy *policy;
	void (*each)(const struct mx_live *, void *);
	void *arg;
};

static const char *state_name(u8 state)
{
	static const char *const names[] = { "none",       "syn-sent", "syn-received", "established", "fin-wait",
					     "close-wait", "last-ack", "time-wait",    "closed",      "syn-sent" };

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

static bool is_open(u8 state)
{
	return state <= TCP_CONNTRACK_ESTABLISHED || state == TCP_CONNTRACK_SYN_SENT2;
}

static int take_live(const struct nlmsghdr *nlh, void *arg)
{
	struct nf_conntrack *ct = nfct_new();
	struct listing *l = arg;
	struct mx_live live;
	u16 source, provider;
	u8 state;

	if (!ct)
		return MNL_CB_OK;
	if (nfct_nlmsg_parse(nlh, ct) == 0 && read_flow(l->policy, ct, &live.event, &source, &provider)) {
		state = nfct_get_attr_u8(ct, ATTR_TCP_STATE);
		live.state = state_name(state);
		live.open = is_open(state);
		l->each(&live, l->arg);
	}
	nfct_destroy(ct);
	return MNL_CB_OK;
}

int mx_flows_list(const struct mx_policy *policy, void (*each)(const struct mx_live *, void *), void *arg)
{
	struct listing l = { policy, each, arg };

	return dump_all(0, 0, take_live, &l);
}

struct counting {
	void (*each)(enum mx_family family, struct mx_addr to, u32 mark, void *arg);
	void *arg;
};

static int take_open(const struct nlmsghdr *nlh, void *arg)
{
	struct nf_conntrack *ct = nfct_new();
	struct counting *c = arg;

	if (!ct)
		return MNL_CB_OK;
	if (nfct_nlmsg_parse(nlh, ct) == 0 && nfct_get_attr_u8(ct, ATTR_L4PROTO) == IPPROTO_TCP &&
	    is_open(nfct_get_attr_u8(ct, ATTR_TCP_STATE))) {
		enum mx_family family = nfct_get_attr_u8(ct, ATTR_L3PROTO) == AF_INET ? MX_IPV4 : MX_IPV6;

		c->each(family, addr_of(ct, family, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST),
			nfct_get_attr_u32(ct, ATTR_MARK), c->arg);
	}
	nfct_destroy(ct);
	return MNL_CB_OK;
}

int mx_flows_open(u32 mark, u32 mask, void (*each)(enum mx_family, struct mx_addr, u32, void *), void *arg)
{
	struct counting c = { each, arg };

	return dump_all(mark, mask, take_open, &c);
}
