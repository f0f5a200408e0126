// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/watchdog.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/child.h"
#include "daemon/log.h"
#include "daemon/privileges.h"
#include "daemon/rules_netlink.h"

#define TICK_USEC 100000
#define PATIENCE 10 /* ticks without a move; ticks, not time, so that a suspended machine does not count */
#define FLUSH_TABLE "mxload_flush"

struct mx_watched *mx_watched_new(void)
{
	void *memory = mmap(NULL, sizeof(struct mx_watched), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		mx_fatal("no shared memory: %s", strerror(errno));
	return memory;
}

static struct mnl_socket *open_socket(void)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);

	if (s && mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0) {
		mnl_socket_close(s);
		s = NULL;
	}
	return s;
}

static void put_table(struct mx_batch *b, u16 type)
{
	struct nlmsghdr *nlh = mx_batch_add(b, type, type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0);

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, FLUSH_TABLE);
	mx_batch_close(b, nlh);
}

/* Taking a base chain's hook away drops what is queued in this namespace: so one is made for that. */
static void drop_queued(struct mnl_socket *s)
{
	struct nftnl_chain *chain = mx_have(nftnl_chain_alloc());
	struct mx_batch b;

	mx_batch_begin(&b);
	put_table(&b, NFT_MSG_NEWTABLE);
	mx_kept(nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, FLUSH_TABLE));
	mx_kept(nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, "flush"));
	mx_kept(nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, "filter"));
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, NF_INET_LOCAL_IN);
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_PRIO, 300);
	nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	mx_batch_chain(&b, NFT_MSG_NEWCHAIN, chain);
	mx_batch_commit(&b, s, NULL);
	mx_batch_begin(&b);
	put_table(&b, NFT_MSG_DELTABLE);
	mx_batch_commit(&b, s, NULL);
}

static void take_queue_away(void)
{
	struct mnl_socket *s = open_socket();
	struct mx_batch b;
	int error;

	if (!s) {
		mx_log(MX_LOG_ERROR, "watchdog: cannot open a netlink socket: %s", strerror(errno));
		return;
	}
	mx_batch_begin(&b);
	mx_rules_flush_chain(&b, "decide");
	error = mx_batch_commit(&b, s, NULL);
	if (error && error != ENOENT)
		mx_log(MX_LOG_ERROR, "watchdog: cannot take the queue rule away: %s", strerror(error));
	drop_queued(s);
	mnl_socket_close(s);
}

static void watch(struct mx_watched *w)
{
	unsigned int last[MX_QUEUES_MAX] = { 0 }, still[MX_QUEUES_MAX] = { 0 };

	for (;;) {
		unsigned int count = atomic_load(&w->count), i;

		for (i = 0; i < count; i++) {
			unsigned int beat = atomic_load(&w->beats[i]);

			still[i] = beat == last[i] ? still[i] + 1 : 0;
			last[i] = beat;
			if (still[i] != PATIENCE || atomic_load(&w->tripped))
				continue;
			atomic_store(&w->tripped, true);
			atomic_fetch_add(&w->trips, 1);
			mx_log(MX_LOG_ERROR,
			       "watchdog: a queue thread does not answer: the fallback decides until it does");
			take_queue_away();
		}
		usleep(TICK_USEC);
	}
}

pid_t mx_watchdog_start(struct mx_watched *watched)
{
	pid_t child = mx_child_fork("mxload-watchdog");

	if (child < 0)
		mx_fatal("cannot start the watchdog: %s", strerror(errno));
	if (child)
		return child;
	close_range(3, ~0U, 0); /* a queue must not stay bound because of us */
	mx_privileges_filter();
	watch(watched);
	_exit(0);
}
