// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/census.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/classify.h"
#include "daemon/conntrack.h"
#include "daemon/log.h"
#include "daemon/thread.h"

#define SETTLE_MSEC 20 /* a SYN that was answered is in conntrack a little later */
#define REST_MSEC 200  /* between two counts, at least */
#define REST_FACTOR 20 /* ... and so many times as long as the count took */
#define REST_MOST 2000 /* ms; a count that took long may just have been interrupted */

struct seen {
	enum mx_family family;
	struct mx_addr to;
	u32 mark;
};

/* The open connections of one source, at the start of all, and what was assigned to it before they were counted. */
struct mx_census {
	pthread_t thread;
	struct mx_policy *policy;
	bool leaving, failing;
	struct seen *seen;
	u32 count;
};

static void take(const struct nf_conntrack *ct, void *arg)
{
	struct mx_census *c = arg;
	struct mx_flow flow;

	if (nfct_get_attr_u8(ct, ATTR_L4PROTO) != IPPROTO_TCP || !mx_conntrack_is_open(ct))
		return;
	flow = mx_conntrack_flow(ct);
	c->seen = mx_grow(c->seen, c->count, sizeof(c->seen[0]));
	c->seen[c->count++] = (struct seen){ flow.family, flow.to, nfct_get_attr_u32(ct, ATTR_MARK) };
}

static bool is_full(const struct mx_policy *p, u32 source)
{
	u64 key = mx_snapshot_sources(p->snapshot)[source].key;
	u32 provider, i;

	for (provider = 0; provider < p->state.providers; provider++) {
		const struct mx_lane *lane = mx_state_lane(&p->state, provider, source);

		if (lane->slots && lane->open >= lane->slots)
			return true;
	}
	for (i = 0; i < MX_NETWORK_LANES; i++) {
		const struct mx_network_lane *n = mx_networks_at(p->networks, i);

		if (n->source == key && n->slots && n->open >= n->slots)
			return true;
	}
	return false;
}

/*
 * What was assigned while conntrack was read may be in the count or not: it stays counted. So a count is never too low.
 */
static void begin(const struct mx_policy *p, u32 source, u64 *before)
{
	u32 provider;

	for (provider = 0; provider < p->state.providers; provider++)
		before[provider] = mx_state_lane(&p->state, provider, source)->connections;
}

static void forget_networks(struct mx_policy *p, u64 key)
{
	u32 i;

	for (i = 0; i < MX_NETWORK_LANES; i++) {
		struct mx_network_lane *n = mx_networks_at(p->networks, i);

		if (n->source == key)
			n->open = 0;
	}
}

static void add(struct mx_policy *p, u16 source, const struct seen *seen)
{
	struct mx_flow flow = { .family = seen->family, .to = seen->to };
	u16 at = mx_classify_provider(p->snapshot, p->state.learned, &flow);
	struct mx_network_lane *network =
		mx_state_network_lane(&p->state, p->snapshot, mx_policy_lane(p, at, source, flow.to, flow.family));

	mx_state_lane(&p->state, at, source)->open++;
	if (network)
		network->open++;
}

static void finish(struct mx_census *c, u32 source, const u64 *before)
{
	struct mx_policy *p = c->policy;
	u32 provider, i;

	mx_state_changed(&p->state);
	forget_networks(p, mx_snapshot_sources(p->snapshot)[source].key);
	for (provider = 0; provider < p->state.providers; provider++) {
		struct mx_lane *lane = mx_state_lane(&p->state, provider, source);

		if (lane->open || lane->connections) /* most lanes are never touched */
			lane->open = (u32)(lane->connections - before[provider]);
	}
	for (i = 0; i < c->count; i++)
		add(p, (u16)source, &c->seen[i]);
}

static void complain(struct mx_census *c, int error)
{
	if (error && !c->failing)
		mx_log(MX_LOG_ERROR, "conntrack does not say what is open: %s: concurrency stays as it was counted",
		       strerror(error));
	c->failing = error;
}

/* Counts the open connections of one source, under the lock, which is open meanwhile. */
static void count_source(struct mx_census *c, u32 source)
{
	struct mx_policy *p = c->policy;
	u64 generation = p->snapshot->generation, *before = mx_alloc(p->state.providers * sizeof(u64));
	u32 mark = mx_snapshot_sources(p->snapshot)[source].mark, mask = p->snapshot->mark_mask;
	int error;

	begin(p, source, before);
	c->count = 0;
	mx_policy_unlock(p);
	poll(NULL, 0, SETTLE_MSEC);
	error = mx_conntrack_dump(mark, mask, take, c);
	mx_policy_lock(p);
	complain(c, error);
	if (!error && p->snapshot->generation == generation) /* else the next round counts for the new policy */
		finish(c, source, before);
	free(before);
}

static bool any_full(const struct mx_policy *p)
{
	u32 source;

	for (source = 0; source < p->state.sources; source++)
		if (p->full[source])
			return true;
	return false;
}

/* True when some source is still full. */
static bool count_full(struct mx_census *c)
{
	struct mx_policy *p = c->policy;
	bool full = false;
	u32 source;

	for (source = 0; source < p->state.sources && !c->leaving; source++) {
		if (!p->full[source])
			continue;
		p->full[source] = false;
		count_source(c, source); /* the lock was open: the policy may be another one */
		if (source < p->state.sources && is_full(p, source))
			full = p->full[source] = true;
	}
	pthread_cond_broadcast(p->room);
	return full;
}

static u64 rest_after(u64 took)
{
	u64 msec = took * REST_FACTOR;

	return msec < REST_MSEC ? REST_MSEC : msec > REST_MOST ? REST_MOST : msec;
}

static void rest(struct mx_census *c, u64 msec)
{
	struct timespec until = mx_thread_deadline(msec * 1000000);

	while (!c->leaving && mx_policy_wait(c->policy, c->policy->count, &until))
		;
}

static void *run(void *arg)
{
	struct mx_census *c = arg;
	struct mx_policy *p = c->policy;

	mx_policy_lock(p);
	while (!c->leaving) {
		u64 began = mx_clock_steady_ms(), took;
		bool full = count_full(c);

		took = mx_clock_steady_ms() - began;
		if (full)
			rest(c, rest_after(took));
		else if (!c->leaving && !any_full(p))
			mx_policy_wait(p, p->count, NULL);
	}
	mx_policy_unlock(p);
	return NULL;
}

static bool is_limited(const struct mx_policy *p, u32 source)
{
	u32 provider;

	for (provider = 0; provider < p->state.providers; provider++)
		if (mx_state_lane(&p->state, provider, source)->slots)
			return true;
	return false;
}

static bool any_limited(const struct mx_policy *p)
{
	u32 source;

	for (source = 0; source < p->state.sources; source++)
		if (is_limited(p, source))
			return true;
	return false;
}

/* Nobody assigns anything yet. One dump for all: one for each of a thousand sources would take most of a minute. */
static void count_at_start(struct mx_census *c)
{
	struct mx_policy *p = c->policy;
	u32 i;

	mx_policy_lock(p);
	if (any_limited(p)) {
		mx_policy_unlock(p);
		poll(NULL, 0, SETTLE_MSEC);
		complain(c, mx_conntrack_dump(0, 0, take, c));
		mx_policy_lock(p);
		mx_state_changed(&p->state);
		for (i = 0; i < c->count && !c->failing; i++) {
			u16 source = mx_snapshot_source_of_mark(p->snapshot, c->seen[i].mark);

			if (source != MX_NONE && is_limited(p, source))
				add(p, source, &c->seen[i]);
		}
	}
	mx_policy_mark_full(p);
	mx_policy_unlock(p);
}

struct mx_census *mx_census_start(struct mx_policy *policy)
{
	struct mx_census *c = mx_alloc(sizeof(*c));

	c->policy = policy;
	count_at_start(c);
	mx_thread_start(&c->thread, run, c, "counting connections");
	return c;
}

void mx_census_stop(struct mx_census *c)
{
	mx_policy_lock(c->policy);
	c->leaving = true;
	pthread_cond_signal(c->policy->count);
	mx_policy_unlock(c->policy);
	pthread_join(c->thread, NULL);
	free(c->seen);
	free(c);
}
