// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/module.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/balance.h"
#include "daemon/log.h"
#include "daemon/mirror.h"
#include "daemon/module_link.h"
#include "daemon/names.h"
#include "daemon/thread.h"

#define ROUND_MSEC 100 /* how often counters are read and leases renewed */
#define HURRY_MSEC 10  /* the same when somebody had none */
#define EARLY_MSEC 50  /* so much before its time a round is made when decisions have woken us up anyway */
#define LOOK_MSEC 1000 /* how often it is looked for when it is not there, and its word on itself is asked for */
/* As long as it decides without a word of ours; then the queue's rule is asked, and the fallback. */
#define VALID_MSEC 5000
#define VALID_REFUSE_MSEC 1000 /* where nothing is to be sent without us */
#define FIRST_GRANT 16         /* connections; then what was spent in about a second */
#define LARGEST_GRANT 16384
#define SYNC_MSEC 2000
#define IDLE_ROUNDS 100 /* after which what nobody spends comes back */

struct mx_module {
	pthread_t thread;
	struct mx_policy *policy;
	struct mx_bookkeeper *bookkeeper;
	struct mx_journal *journal;
	int stop;
	struct mx_module_link *link; /* NULL: it is not there */
	struct mx_module_ear *ear;
	struct mx_mirror *mirror; /* NULL: it has no policy of ours */
	bool in_force;            /* what the mirror shows */
	bool hungry;              /* somebody came by a lane that has no lease */
	u64 round_at, look_at, renew_at;
	u32 rounds, begun;
	pthread_mutex_t lock; /* of the rest */
	struct mx_module_stats stats;
	u64 shown; /* generation of the policy that it decides by; 0: none */
	pthread_cond_t *synced;
	u32 asked, answered; /* how often mx_module_sync() was called, and has been served */
};

/* --- what it is known for --------------------------------------------------------------------------------------- */

static void set_shown(struct mx_module *m)
{
	pthread_mutex_lock(&m->lock);
	m->shown = m->in_force ? m->mirror->policy : 0;
	m->stats.loaded = m->link != NULL;
	m->stats.decides = m->in_force;
	pthread_mutex_unlock(&m->lock);
}

/* Says what went wrong once, and that it is well again. */
static void set_error(struct mx_module *m, const char *error)
{
	if (error && strcmp(error, m->stats.error))
		mx_log(MX_LOG_WARNING, "the kernel module cannot be used, the queue decides: %s", error);
	pthread_mutex_lock(&m->lock);
	snprintf(m->stats.error, sizeof(m->stats.error), "%s", error ? error : "");
	pthread_mutex_unlock(&m->lock);
}

struct mx_module_stats mx_module_stats(struct mx_module *m)
{
	struct mx_module_stats stats;

	pthread_mutex_lock(&m->lock);
	stats = m->stats;
	pthread_mutex_unlock(&m->lock);
	return stats;
}

bool mx_module_follows(struct mx_module *m)
{
	bool follows;

	pthread_mutex_lock(&m->lock);
	follows = !m->shown || m->shown == m->policy->snapshot->generation;
	pthread_mutex_unlock(&m->lock);
	return follows;
}

/* --- counters and leases ---------------------------------------------------------------------------------------- */

/* Where something of the mirror is in the policy in force; MX_NONE: it is gone. Under the policy's lock. */
static u16 provider_now(const struct mx_module *m, u32 provider)
{
	const struct mx_policy *p = m->policy;

	return m->mirror->policy == p->snapshot->generation
		       ? (u16)provider
		       : mx_config_provider(p->config, m->mirror->provider_names[provider]);
}

static u16 source_now(const struct mx_module *m, u32 source)
{
	const struct mx_policy *p = m->policy;

	return m->mirror->policy == p->snapshot->generation
		       ? (u16)source
		       : mx_config_source(p->config, m->mirror->source_names[source]);
}

/* So much was spent and so much more has come back of what a lane was lent. Under the policy's lock. */
static void book(struct mx_module *m, u32 provider, u32 source, u32 connections, u32 leased, u32 returned)
{
	u16 p = provider_now(m, provider), s = source_now(m, source);

	if (p == MX_NONE || s == MX_NONE) /* nobody is charged for what the policy no longer knows */
		return;
	if (connections)
		mx_policy_book_granted(m->policy, p, s, connections, leased);
	if (returned)
		mx_ledger_take_grant_back(m->policy->ledger, (struct mx_lane_id){ p, s, 0 }, returned,
					  mx_policy_tick(m->policy));
}

/* What a lane has left is what it was granted less what it has spent of that. */
static void take_count(struct mx_module *m, const struct mxload_count *c, bool returned)
{
	struct mx_mirror_lane *lane;
	u32 made, leased, back;
	u64 second;

	if (c->provider >= m->mirror->providers || c->source >= m->mirror->sources)
		return;
	lane = mx_mirror_lane(m->mirror, c->provider, c->source);
	made = (u32)(c->connections - lane->connections);
	leased = lane->lent > c->left ? lane->lent - c->left : 0;
	back = returned ? lane->lent - leased : 0;
	lane->connections = c->connections;
	lane->lent -= leased + back;
	second = (u64)made * (1000 / ROUND_MSEC);
	if (made)
		lane->wanted = second < FIRST_GRANT     ? FIRST_GRANT
			       : second > LARGEST_GRANT ? LARGEST_GRANT
							: (u16)second;
	if (made || back) {
		mx_policy_lock(m->policy);
		book(m, c->provider, c->source, made, leased, back);
		mx_policy_unlock(m->policy);
	}
}

static void on_count(const struct mxload_count *count, void *arg)
{
	take_count(arg, count, false);
}

static void on_returned(const struct mxload_count *count, void *arg)
{
	take_count(arg, count, true);
}

static void on_group(const struct mxload_group *g, void *arg)
{
	struct mx_module *m = arg;
	u32 family;
	u64 *seen;

	if (g->pool >= m->mirror->pools || g->provider >= m->mirror->providers)
		return;
	seen = m->mirror->decided[g->pool * m->mirror->providers + g->provider];
	mx_policy_lock(m->policy);
	for (family = 0; family < MX_FAMILIES; family++) {
		if (m->mirror->policy == m->policy->snapshot->generation)
			mx_state_group(&m->policy->state, g->pool, g->provider)->decided[family] +=
				g->decided[family] - seen[family];
		seen[family] = g->decided[family];
	}
	mx_policy_unlock(m->policy);
}

static const char *read_counters(struct mx_module *m, bool returned)
{
	struct mx_module_reader reader = { returned ? on_returned : on_count, on_group, m };

	return mx_module_link_counters(m->link, m->mirror->generation, returned, &reader);
}

/* What is lent and cannot be read back counts as spent. */
static void lose_leases(struct mx_module *m)
{
	u32 provider, source, lost = 0;

	for (provider = 0; provider < m->mirror->providers; provider++)
		for (source = 0; source < m->mirror->sources; source++) {
			struct mx_mirror_lane *lane = mx_mirror_lane(m->mirror, provider, source);

			if (!lane->lent)
				continue;
			lost += lane->lent;
			mx_policy_lock(m->policy);
			book(m, provider, source, lane->lent, lane->lent, 0);
			mx_policy_unlock(m->policy);
		}
	if (lost)
		mx_log(MX_LOG_WARNING, "the kernel module took %u connections with it that count as made", lost);
}

static void forget_mirror(struct mx_module *m)
{
	mx_mirror_free(m->mirror);
	m->mirror = NULL;
	m->in_force = false;
}

/* It is gone, or speaks nonsense. */
static void lose(struct mx_module *m)
{
	if (m->in_force)
		mx_log(MX_LOG_WARNING, "the kernel module is gone: the queue decides");
	if (m->mirror)
		lose_leases(m);
	forget_mirror(m);
	mx_module_ear_close(m->ear);
	mx_module_link_close(m->link);
	m->ear = NULL;
	m->link = NULL;
	set_shown(m);
}

/* Takes the policy away from the module, and everything back. */
static const char *take_back(struct mx_module *m)
{
	u64 generation = m->mirror->generation;
	const char *wrong = m->in_force ? mx_module_link_drop(m->link, generation) : NULL;

	if (!wrong && m->in_force)
		wrong = read_counters(m, true);
	if (!wrong && m->in_force)
		wrong = mx_module_link_drop(m->link, generation);
	if (!wrong)
		forget_mirror(m);
	set_shown(m);
	return wrong;
}

/* --- what another daemon has left ------------------------------------------------------------------------------- */

struct remains {
	struct mxload_count *counts;
	u32 count;
};

static void keep_remains(const struct mxload_count *count, void *arg)
{
	struct remains *r = arg;

	r->counts = mx_grow(r->counts, r->count, sizeof(*count));
	r->counts[r->count++] = *count;
}

static u32 left_of(const char *source, const char *provider, void *arg)
{
	u64 source_key = source ? mx_balance_key(source, strlen(source)) : 0;
	u64 provider_key = provider ? mx_balance_key(provider, strlen(provider)) : 0;
	const struct remains *r = arg;
	u32 left = 0, i;

	for (i = 0; i < r->count; i++)
		if ((!source || r->counts[i].source_key == source_key) &&
		    (!provider || r->counts[i].provider_key == provider_key))
			left += r->counts[i].left;
	return left;
}

/* Reads back what the policy of a daemon before was lent and has not spent. */
static bool read_remains(struct mx_module *m, struct remains *r)
{
	struct mx_module_reader reader = { keep_remains, NULL, r };
	struct mxload_status status;

	if (mx_module_link_status(m->link, &status))
		return false;
	if (status.generation && mx_module_link_drop(m->link, status.generation))
		return false;
	if (!status.generation)
		status.generation = status.before;
	return status.generation && !mx_module_link_counters(m->link, status.generation, true, &reader) &&
	       !mx_module_link_drop(m->link, status.generation);
}

static void recover(struct mx_module *m)
{
	struct remains r = { 0 };
	bool known = m->link && read_remains(m, &r);

	mx_policy_lock(m->policy);
	mx_ledger_recover_grants(m->policy->ledger, known, left_of, &r, mx_clock_now(&m->policy->clock));
	mx_policy_unlock(m->policy);
	free(r.counts);
}

/* --- a policy for it -------------------------------------------------------------------------------------------- */

static const char *tell(struct mx_module *m, struct mx_telling *t)
{
	struct mx_module_reader reader = { on_returned, on_group, m };
	u64 generation = m->mirror->generation;
	const char *wrong = NULL;

	if (t->provider_count)
		wrong = mx_module_link_set(m->link, generation, MXLOAD_A_PROVIDERS, t->providers, t->provider_count);
	if (!wrong && t->recalled_count)
		wrong = mx_module_link_recall(m->link, generation, t->recalled, t->recalled_count, &reader);
	if (!wrong && t->slot_count)
		wrong = mx_module_link_set(m->link, generation, MXLOAD_A_SLOTS, t->slots, t->slot_count);
	if (!wrong && t->source_count)
		wrong = mx_module_link_set(m->link, generation, MXLOAD_A_SOURCES, t->sources, t->source_count);
	if (!wrong && t->lane_count)
		wrong = mx_module_link_set(m->link, generation, MXLOAD_A_LANES, t->lanes, t->lane_count);
	if (!wrong && t->learned_count)
		wrong = mx_module_link_set(m->link, generation, MXLOAD_A_LEARNED, t->learned, t->learned_count);
	mx_telling_free(t);
	return wrong;
}

/* A copy of the snapshot under a generation that no daemon has used before. */
static struct mx_snapshot *copy_snapshot(struct mx_module *m)
{
	struct mx_policy *p = m->policy;
	struct mx_snapshot *copy;

	mx_policy_lock(p);
	copy = mx_alloc(p->snapshot->size);
	memcpy(copy, p->snapshot, p->snapshot->size);
	mx_policy_unlock(p);
	copy->generation = (u64)time(NULL) << 24 | (++m->begun & 0xffffff);
	return copy;
}

static u32 valid_for(const struct mx_mirror *mirror)
{
	return mirror->refuses ? VALID_REFUSE_MSEC : VALID_MSEC;
}

/* Gives it the policy that is in force. The one before decides until the new one does. */
static const char *give_policy(struct mx_module *m)
{
	struct mx_snapshot *snapshot = copy_snapshot(m);
	struct mx_mirror *before = m->mirror, *next = mx_mirror_new(m->policy, snapshot->generation);
	const char *wrong = mx_module_link_begin(m->link, snapshot, next->seed);
	bool was_in_force = m->in_force, same;
	struct mx_telling telling;

	free(snapshot);
	m->mirror = next;
	same = mx_mirror_compare(next, m->policy, &telling);
	if (!wrong && same)
		wrong = tell(m, &telling);
	if (!wrong && same)
		wrong = mx_module_link_commit(m->link, next->generation, valid_for(next));
	m->mirror = before;
	if (wrong || !same) { /* when there is another policy already it is given in the next round */
		mx_mirror_free(next);
		return wrong;
	}
	if (was_in_force) {
		wrong = read_counters(m, true);
		mx_module_link_drop(m->link, before->generation);
	} else {
		pthread_mutex_lock(&m->lock);
		m->stats.taken++;
		pthread_mutex_unlock(&m->lock);
		mx_log(MX_LOG_INFO, "the kernel module decides");
	}
	mx_mirror_free(before);
	m->mirror = next;
	m->in_force = true;
	set_shown(m);
	return wrong;
}

/* --- leases ----------------------------------------------------------------------------------------------------- */

struct lanes {
	struct mxload_lane *items;
	u32 count;
};

/* Whether a lane is one of those that are looked for; it may be given what is to be told. Under the policy's lock. */
typedef bool lane_test(struct mx_module *m, struct mxload_lane *lane, const struct mx_mirror_lane *told);

/*
 * Gathers the lanes that `wanted` wants, under the policy's lock, among those that somebody comes by or that have a
 * lease. They are few: the lock is open while the others are passed over.
 */
static struct lanes gather(struct mx_module *m, lane_test *wanted)
{
	struct lanes l = { 0 };
	u32 provider, source;

	for (provider = 0; provider < m->mirror->providers; provider++)
		for (source = 0; source < m->mirror->sources; source++) {
			struct mxload_lane lane = { .provider = (u16)provider, .source = (u16)source };
			const struct mx_mirror_lane *told = mx_mirror_lane(m->mirror, provider, source);
			bool taken;

			if (!told->wanted && !told->lent)
				continue;
			mx_policy_lock(m->policy);
			taken = m->mirror->policy == m->policy->snapshot->generation && wanted(m, &lane, told);
			mx_policy_unlock(m->policy);
			if (!taken)
				continue;
			l.items = mx_grow(l.items, l.count, sizeof(lane));
			l.items[l.count++] = lane;
		}
	return l;
}

/* One that is leased, and has less than half of what it should have: it is lent the rest, or what there is. */
static bool gets_grant(struct mx_module *m, struct mxload_lane *lane, const struct mx_mirror_lane *told)
{
	if (!told->wanted || told->state != MXLOAD_LANE_LEASED || told->lent > told->wanted / 2u)
		return false;
	if (mx_state_lane(&m->policy->state, lane->provider, lane->source)->slots) /* who counts them is the queue */
		return false;
	lane->grant = mx_ledger_grant(m->policy->ledger, (struct mx_lane_id){ lane->provider, lane->source, 0 },
				      told->wanted - told->lent, mx_policy_tick(m->policy));
	return lane->grant;
}

/* What it is lent is needed elsewhere. */
static bool is_recalled(struct mx_module *m, struct mxload_lane *lane, const struct mx_mirror_lane *told)
{
	return told->lent &&
	       mx_ledger_is_recalled(m->policy->ledger, (struct mx_lane_id){ lane->provider, lane->source, 0 },
				     mx_policy_tick(m->policy));
}

/* Nobody has spent any of what it is lent for a while. */
static bool is_idle(struct mx_module *m, struct mxload_lane *lane, const struct mx_mirror_lane *told)
{
	(void)m, (void)lane;
	return !told->wanted;
}

/* What was lent stands in the ledger before anybody can spend it. */
static const char *grant(struct mx_module *m)
{
	struct lanes l = gather(m, gets_grant);
	const char *wrong = NULL;
	bool written;
	u32 i;

	if (!l.count)
		return NULL;
	written = mx_bookkeeper_flush(m->bookkeeper);
	for (i = 0; i < l.count; i++) {
		const struct mxload_lane *lane = &l.items[i];

		if (written) {
			mx_mirror_lane(m->mirror, lane->provider, lane->source)->lent += lane->grant;
			continue;
		}
		mx_policy_lock(m->policy);
		book(m, lane->provider, lane->source, 0, 0, lane->grant);
		mx_policy_unlock(m->policy);
	}
	if (written)
		wrong = mx_module_link_set(m->link, m->mirror->generation, MXLOAD_A_LANES, l.items, l.count);
	free(l.items);
	return wrong;
}

/* Calls the grants of lanes back. */
static const char *recall(struct mx_module *m, lane_test *wanted)
{
	struct mx_module_reader reader = { on_returned, on_group, m };
	struct lanes l = gather(m, wanted);
	const char *wrong = NULL;

	if (l.count)
		wrong = mx_module_link_recall(m->link, m->mirror->generation, l.items, l.count, &reader);
	free(l.items);
	return wrong;
}

/* Who has not spent anything between two of these is idle. */
static void count_as_idle(struct mx_mirror *mirror)
{
	size_t lanes = (size_t)mirror->providers * mirror->sources, i;

	for (i = 0; i < lanes; i++)
		mirror->lanes[i].wanted = 0;
}

/* --- decisions -------------------------------------------------------------------------------------------------- */

static void tell_journal(struct mx_module *m, const struct mxload_decision *d, bool current)
{
	const struct mx_policy *p = m->policy;
	const struct mxload_verdict *v = &d->verdict;
	u16 source = v->source == MX_NONE ? MX_NONE : source_now(m, v->source);
	struct mx_event event = {
		.type = v->left == MXLOAD_LEFT_NOT ? MX_EVENT_DECISION : MX_EVENT_CALLER,
		.time = (time_t)(d->time / 1000000000),
		.family = d->family,
		.action = v->action,
		.reason = v->reason,
		.from_port = d->from_port,
		.to_port = d->to_port,
		.from = { d->from_hi, d->from_lo },
		.to = { d->to_hi, d->to_lo },
		.route = current ? v->route : MX_NONE,
		.process = d->process,
		.local_process = d->local_process,
		.user = d->user,
		.by_module = true,
	};

	if (event.type == MX_EVENT_DECISION) {
		event.provider = m->mirror->provider_names[v->provider];
		event.pool = m->mirror->pool_names[v->pool];
		event.source = m->mirror->source_names[v->source];
		if (source != MX_NONE)
			event.source_addr = p->config->sources[source].addr[d->family];
	}
	mx_journal_add(m->journal, &event);
}

/* A lane that nobody has granted anything, or that has spent it. */
static void note_hunger(struct mx_module *m, const struct mxload_verdict *v)
{
	struct mx_mirror_lane *lane;

	if (v->left != MXLOAD_LEFT_LEASE)
		return;
	lane = mx_mirror_lane(m->mirror, v->provider, v->source);
	m->hungry |= !lane->wanted;
	lane->wanted = lane->wanted ? lane->wanted : FIRST_GRANT;
}

/* Whether what a decision names is in the mirror. */
static bool is_shown(const struct mx_mirror *mirror, const struct mxload_verdict *v)
{
	if (v->left != MXLOAD_LEFT_NOT && v->left != MXLOAD_LEFT_LEASE)
		return true;
	return v->provider < mirror->providers && v->source < mirror->sources && v->pool < mirror->pools;
}

static void on_decisions(u64 generation, const struct mxload_decision *decisions, u32 count, void *arg)
{
	struct mx_module *m = arg;
	u64 now;
	u32 i;

	if (!m->mirror || generation != m->mirror->generation)
		return;
	mx_policy_lock(m->policy);
	now = mx_policy_tick(m->policy);
	for (i = 0; i < count; i++) {
		struct mxload_decision d;
		bool current = m->mirror->policy == m->policy->snapshot->generation;
		u16 provider, source;

		memcpy(&d, &decisions[i], sizeof(d)); /* an attribute is aligned to 4 bytes */
		if (!is_shown(m->mirror, &d.verdict) || d.family >= MX_FAMILIES)
			continue;
		note_hunger(m, &d.verdict);
		tell_journal(m, &d, current);
		if (d.verdict.left != MXLOAD_LEFT_NOT)
			continue;
		provider = provider_now(m, d.verdict.provider);
		source = source_now(m, d.verdict.source);
		if (provider != MX_NONE && source != MX_NONE)
			mx_policy_expect_end(m->policy,
					     &(struct mx_flow){ .from = { d.from_hi, d.from_lo },
								.to = { d.to_hi, d.to_lo },
								.family = d.family,
								.from_port = d.from_port,
								.to_port = d.to_port },
					     provider, source, now);
	}
	mx_policy_unlock(m->policy);
}

static bool hear(struct mx_module *m)
{
	u64 lost = 0;
	bool well = !m->ear || mx_module_ear_read(m->ear, &lost, on_decisions, m);

	if (lost) {
		pthread_mutex_lock(&m->lock);
		m->stats.lost += lost;
		pthread_mutex_unlock(&m->lock);
	}
	return well;
}

/* --- the thread ------------------------------------------------------------------------------------------------- */

static bool is_loaded(void)
{
	struct stat s;

	return !stat("/sys/module/mxload", &s);
}

/* The kernel loads it when it is asked for by name: only who has configured it does that. */
static void connect_to(struct mx_module *m, bool load)
{
	if (m->link || !(load || is_loaded()))
		return;
	m->link = mx_module_link_open();
	if (m->link)
		m->ear = mx_module_ear_open();
	if (m->link && !m->ear) {
		set_error(m, "its decisions cannot be heard");
		lose(m);
	}
	set_shown(m);
}

static void look(struct mx_module *m)
{
	struct mxload_status status;

	connect_to(m, false);
	if (!m->link)
		return;
	if (mx_module_link_status(m->link, &status)) {
		lose(m);
		connect_to(m, false);
		return;
	}
	pthread_mutex_lock(&m->lock);
	m->stats.module = status;
	pthread_mutex_unlock(&m->lock);
}

/* Everything that is due while it has the policy in force. */
static const char *go_round(struct mx_module *m, bool recalled)
{
	struct mx_telling telling;
	const char *wrong = NULL;

	m->hungry = false;
	if (mx_mirror_compare(m->mirror, m->policy, &telling))
		wrong = tell(m, &telling);
	if (!wrong)
		wrong = read_counters(m, false);
	if (!wrong && recalled)
		wrong = recall(m, is_recalled);
	if (!wrong && ++m->rounds % IDLE_ROUNDS == 0) {
		wrong = recall(m, is_idle);
		count_as_idle(m->mirror);
	}
	if (!wrong)
		wrong = grant(m);
	if (!wrong && mx_clock_steady_ms() >= m->renew_at) {
		wrong = mx_module_link_renew(m->link, m->mirror->generation, valid_for(m->mirror));
		m->renew_at = mx_clock_steady_ms() + valid_for(m->mirror) / 5;
	}
	return wrong;
}

static void do_round(struct mx_module *m, bool recalled)
{
	const struct mx_config *config;
	const char *wrong = NULL;
	bool wanted;
	u64 generation;

	if (!m->link)
		return;
	mx_policy_lock(m->policy);
	config = m->policy->config;
	wanted = config->engine != MX_ENGINE_QUEUE && config->mode == MX_ENFORCE;
	generation = m->policy->snapshot->generation;
	mx_policy_unlock(m->policy);
	if (!wanted)
		wrong = m->mirror ? take_back(m) : NULL;
	else if (!m->mirror || m->mirror->policy != generation)
		wrong = give_policy(m);
	if (!wrong && wanted && m->mirror && m->mirror->policy == generation)
		wrong = go_round(m, recalled);
	if (wrong && mx_module_link_is_gone(m->link)) {
		lose(m);
		return;
	}
	set_error(m, wrong);
	if (wrong && (!m->mirror || take_back(m)))
		lose(m);
}

static u32 asked_for(struct mx_module *m)
{
	u32 asked;

	pthread_mutex_lock(&m->lock);
	asked = m->asked;
	pthread_mutex_unlock(&m->lock);
	return asked;
}

static void answer_sync(struct mx_module *m, u32 asked)
{
	pthread_mutex_lock(&m->lock);
	m->answered = asked;
	pthread_cond_broadcast(m->synced);
	pthread_mutex_unlock(&m->lock);
}

void mx_module_sync(struct mx_module *m)
{
	struct timespec until = mx_thread_deadline(SYNC_MSEC * 1000000ULL);
	u32 mine;

	pthread_mutex_lock(&m->lock);
	if (!m->stats.loaded) {
		pthread_mutex_unlock(&m->lock);
		return;
	}
	mine = ++m->asked;
	eventfd_write(m->policy->grants, 1);
	while ((s32)(m->answered - mine) < 0 && !pthread_cond_timedwait(m->synced, &m->lock, &until))
		;
	pthread_mutex_unlock(&m->lock);
}

static void *run(void *arg)
{
	struct mx_module *m = arg;

	for (;;) {
		struct pollfd fds[] = { { m->stop, POLLIN, 0 },
					{ m->policy->grants, POLLIN, 0 },
					{ m->ear ? mx_module_ear_fd(m->ear) : -1, POLLIN, 0 } };
		u64 now = mx_clock_steady_ms(), next = m->link ? m->round_at : m->look_at;
		eventfd_t count;
		bool recalled, due;
		u32 asked;

		if (poll(fds, 3, now < next ? (int)(next - now) : 0) < 0 && errno != EINTR)
			mx_fatal("cannot wait for the kernel module: %s", strerror(errno));
		if (fds[0].revents)
			return NULL;
		recalled = fds[1].revents && !eventfd_read(m->policy->grants, &count);
		if (fds[2].revents && !hear(m))
			lose(m);
		now = mx_clock_steady_ms();
		if (now >= m->look_at) {
			look(m);
			m->look_at = now + LOOK_MSEC;
		}
		asked = asked_for(m);
		due = now >= m->round_at || (m->hungry && now + ROUND_MSEC >= m->round_at + HURRY_MSEC);
		if (recalled || due || (fds[2].revents && now + EARLY_MSEC >= m->round_at)) {
			do_round(m, recalled);
			m->round_at = mx_clock_steady_ms() + ROUND_MSEC;
			if (asked != m->answered)
				look(m); /* who asks is told of now */
			answer_sync(m, asked);
		}
	}
}

struct mx_module *mx_module_start(struct mx_policy *policy, struct mx_bookkeeper *bookkeeper,
				  struct mx_journal *journal)
{
	struct mx_module *m = mx_alloc(sizeof(*m));

	m->policy = policy;
	m->bookkeeper = bookkeeper;
	m->journal = journal;
	pthread_mutex_init(&m->lock, NULL);
	m->synced = mx_thread_new_cond();
	m->stop = eventfd(0, EFD_CLOEXEC);
	if (m->stop < 0)
		mx_fatal("cannot make an eventfd: %s", strerror(errno));
	connect_to(m, policy->config->engine == MX_ENGINE_KMOD);
	recover(m);
	mx_thread_start(&m->thread, run, m, "the kernel module");
	return m;
}

void mx_module_stop(struct mx_module *m)
{
	eventfd_write(m->stop, 1);
	pthread_join(m->thread, NULL);
	if (m->mirror)
		take_back(m);
	lose(m);
	close(m->stop);
	free(m->synced);
	pthread_mutex_destroy(&m->lock);
	free(m);
}
