// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/flows.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>
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
#define SHORTEST_DIALOGUE 60 /* bytes: EHLO a.bc, MAIL FROM:<>, RCPT TO:<a@b.cd>, DATA with their line ends */
#define GATHER_MSEC 20       /* events are taken in handfuls: each wake-up costs the queue threads more than an event */
#define FEWEST_PACKETS 3     /* SYN, ACK, FIN; of one that was reset, the first two */

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

bool mx_flows_read(const struct mx_policy *p, const struct nf_conntrack *ct, struct mx_event *e,
		   struct mx_lane_id *lane)
{
	struct mx_flow flow;
	u16 source;

	if (nfct_get_attr_u8(ct, ATTR_L4PROTO) != IPPROTO_TCP)
		return false;
	source = mx_snapshot_source_of_mark(p->snapshot, nfct_get_attr_u32(ct, ATTR_MARK));
	if (source == MX_NONE)
		return false;
	flow = mx_conntrack_flow(ct);
	*lane = mx_policy_lane(p, mx_classify_provider(p->snapshot, p->state.learned, &flow), source, flow.to,
			       flow.family);
	*e = (struct mx_event){
		.type = MX_EVENT_CLOSE,
		.family = flow.family,
		.action = MX_ASSIGN,
		.route = MX_NONE,
		.from = flow.from,
		.from_port = flow.from_port,
		.to = flow.to,
		.to_port = flow.to_port,
		.source_addr = mx_conntrack_addr(ct, ATTR_REPL_IPV4_DST, ATTR_REPL_IPV6_DST),
		.source_port = ntohs(nfct_get_attr_u16(ct, ATTR_REPL_PORT_DST)),
		.source = p->source_names[source],
		.provider = p->provider_names[lane->provider],
	};
	e->close.sent = nfct_get_attr_u64(ct, ATTR_ORIG_COUNTER_BYTES);
	e->close.received = nfct_get_attr_u64(ct, ATTR_REPL_COUNTER_BYTES);
	e->close.packets_sent = nfct_get_attr_u64(ct, ATTR_ORIG_COUNTER_PACKETS);
	e->close.packets_received = nfct_get_attr_u64(ct, ATTR_REPL_COUNTER_PACKETS);
	e->close.established = nfct_get_attr_u32(ct, ATTR_STATUS) & IPS_ASSURED;
	return true;
}

/* --- the thread ------------------------------------------------------------------------------------------------- */

/* Packets that the client has sent, by the counters; 0: there are none, the kernel does not keep them. */
static u64 packets_of(const struct nf_conntrack *ct)
{
	return nfct_attr_is_set(ct, ATTR_ORIG_COUNTER_PACKETS) ? nfct_get_attr_u64(ct, ATTR_ORIG_COUNTER_PACKETS) : 0;
}

static bool was_reset(const struct nf_conntrack *ct)
{
	return nfct_attr_is_set(ct, ATTR_TCP_STATE) && nfct_get_attr_u8(ct, ATTR_TCP_STATE) == TCP_CONNTRACK_CLOSE;
}

/* Whether somebody has set the counters of a connection to zero: nobody establishes and closes one with fewer. */
static bool was_zeroed(const struct nf_conntrack *ct)
{
	u64 packets = packets_of(ct);

	return (nfct_get_attr_u32(ct, ATTR_STATUS) & IPS_ASSURED) && packets &&
	       packets < FEWEST_PACKETS - (u64)was_reset(ct);
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
	return (struct mx_end){ .sent = e->close.sent,
				.received = e->close.received,
				.established = e->close.established,
				.reset = was_reset(ct),
				.early = is_early(ct, e->family) };
}

static void book(struct mx_flows *f, const struct nf_conntrack *ct)
{
	struct mx_policy *p = f->policy;
	struct mx_lane_id lane;
	struct mx_event event;
	bool ours;

	mx_policy_lock(p);
	ours = mx_flows_read(p, ct, &event, &lane);
	if (ours) {
		struct mx_flow flow = mx_conntrack_flow(ct);
		struct mx_end end = end_of(ct, &event);

		event.provider =
			p->provider_names[mx_policy_end_connection(p, lane.provider, lane.source, &flow, &end)];
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
 * either side speaks again. One that was cut comes back as such: reset here, it sends nothing from a wrong address.
 */
static void put_back(struct mx_flows *f, const struct nf_conntrack *gone)
{
	int error = mx_conntrack_put_back(f->asker, gone);

	if (error)
		mx_log(MX_LOG_WARNING, "flows: a flushed connection cannot be put back: %s", strerror(error));
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
static void adopt(const struct nf_conntrack *ct, void *arg)
{
	struct mx_policy *p = arg;
	struct mx_lane_id lane;
	struct mx_event event;

	mx_policy_lock(p);
	if (mx_flows_read(p, ct, &event, &lane))
		mx_state_lane(&p->state, lane.provider, lane.source)->adopted++;
	mx_policy_unlock(p);
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
	f->asker = mx_conntrack_open();
	if (!f->asker)
		mx_fatal("cannot open a netlink socket: %s", strerror(errno));
	f->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!f->socket || mnl_socket_bind(f->socket, NF_NETLINK_CONNTRACK_DESTROY, MNL_SOCKET_AUTOPID) < 0)
		mx_fatal("cannot listen to conntrack: %s", strerror(errno));
	setsockopt(mnl_socket_get_fd(f->socket), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	filter_events(f->socket, policy->config->mark_mask);
	if (mx_conntrack_dump(0, 0, adopt, policy))
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

static void take_live(const struct nf_conntrack *ct, void *arg)
{
	struct listing *l = arg;
	struct mx_lane_id lane;
	struct mx_live live;

	if (!mx_flows_read(l->policy, ct, &live.event, &lane))
		return;
	live.state = state_name(nfct_get_attr_u8(ct, ATTR_TCP_STATE));
	l->each(&live, l->arg);
}

int mx_flows_list(const struct mx_policy *policy, void (*each)(const struct mx_live *, void *), void *arg)
{
	struct listing l = { policy, each, arg };

	return mx_conntrack_dump(0, 0, take_live, &l);
}
