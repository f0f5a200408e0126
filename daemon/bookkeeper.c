// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/bookkeeper.h"
#include "daemon/thread.h"

#include <stdlib.h>

#define ROWS 64         /* in one commit: they are gathered under the policy's lock, which must be short */
#define REST_MSEC 5000  /* what nobody waits for is written this often */
#define FLUSH_MSEC 2000 /* as long as somebody waits for the file */
#define RETRY_MSEC 1000 /* after an error */

struct mx_bookkeeper {
	pthread_t thread;
	struct mx_policy *policy;
	struct mx_store *store;
	pthread_cond_t *done; /* a handful is written, or was tried to */
	bool leaving, writing;
	struct mx_bookkeeper_stats stats;
	struct mx_ledger_row rows[ROWS];
	struct mx_destination_row destinations[ROWS];
};

/* Waits, under the lock, until something is urgent or the time is over. */
static void rest(struct mx_bookkeeper *b)
{
	struct mx_policy *p = b->policy;
	bool failing = *b->stats.error;
	struct timespec until = mx_thread_deadline((failing ? RETRY_MSEC : REST_MSEC) * 1000000ULL);

	while (!b->leaving && (failing || !mx_ledger_is_urgent(p->ledger)))
		if (!mx_policy_wait(p, p->spent, &until))
			return;
}

/* Says what went wrong once, and that it is well again. */
static void take_result(struct mx_bookkeeper *b, const char *error, u32 rows)
{
	if (error && !*b->stats.error)
		mx_log(MX_LOG_ERROR, "ledger: %s: what was written ahead may be sent, then connections are refused",
		       error);
	if (!error && *b->stats.error)
		mx_log(MX_LOG_WARNING, "ledger: it can be written again");
	snprintf(b->stats.error, sizeof(b->stats.error), "%s", error ? error : "");
	b->stats.commits += !error;
	b->stats.rows += error ? 0 : rows;
	b->stats.errors += error != NULL;
	if (!error)
		b->stats.written = time(NULL);
}

/* Writes one handful; false when there is nothing more to do now. With the lock held; it is open meanwhile. */
static bool write_some(struct mx_bookkeeper *b)
{
	struct mx_policy *p = b->policy;
	struct mx_clock_reading reading;
	struct mx_clock_mark mark;
	struct mx_reports reports;
	const char *error;
	bool whole;
	u32 n;

	n = mx_ledger_collect(p->ledger, b->rows, ROWS, !b->leaving, mx_clock_now(&p->clock));
	/* A report counts as taken only when everything that it changed is in the file with it. */
	whole = n < ROWS && p->reports.changed;
	if (!n && !whole)
		return false;
	reports = p->reports;
	p->reports.changed &= !whole;
	b->writing = true;
	mx_policy_unlock(p);
	reading = mx_clock_read();
	mark = mx_clock_mark(&p->clock, &reading);
	error = mx_store_put_accounts(b->store, b->rows, n, &mark, whole ? &reports : NULL);
	mx_policy_lock(p);
	p->reports.changed |= whole && error;
	b->writing = false;
	mx_clock_catch_up(&p->clock, &reading);
	take_result(b, error, n);
	mx_ledger_written(p->ledger, b->rows, n, !error, mx_clock_now(&p->clock));
	p->state.ledger_stuck = error != NULL;
	pthread_cond_broadcast(p->room);
	pthread_cond_broadcast(b->done);
	return !error;
}

/* The same for what was learned of addresses: nobody waits for it, and what is lost is learned again. */
static bool write_destinations(struct mx_bookkeeper *b)
{
	struct mx_policy *p = b->policy;
	const char *error;
	u32 n = mx_destinations_collect(p->destinations, p->provider_names, b->destinations, ROWS);

	if (!n)
		return false;
	mx_policy_unlock(p);
	error = mx_store_put_destinations(b->store, b->destinations, n);
	mx_policy_lock(p);
	if (error)
		mx_destinations_again(p->destinations, b->destinations, n);
	return !error;
}

static void *run(void *arg)
{
	struct mx_bookkeeper *b = arg;
	struct mx_policy *p = b->policy;

	mx_policy_lock(p);
	while (!b->leaving) {
		rest(b);
		while (write_some(b))
			;
		while (write_destinations(b) && !mx_ledger_is_urgent(p->ledger))
			;
	}
	while (write_some(b))
		;
	while (write_destinations(b))
		;
	mx_policy_unlock(p);
	return NULL;
}

struct mx_bookkeeper *mx_bookkeeper_start(struct mx_policy *policy, const char *path)
{
	struct mx_bookkeeper *b = mx_alloc(sizeof(*b));

	b->policy = policy;
	b->store = mx_store_open(path);
	b->done = mx_thread_new_cond();
	mx_thread_start(&b->thread, run, b, "the ledger");
	return b;
}

void mx_bookkeeper_stop(struct mx_bookkeeper *b)
{
	mx_policy_lock(b->policy);
	b->leaving = true;
	mx_ledger_end_leases(b->policy->ledger);
	pthread_cond_signal(b->policy->spent);
	mx_policy_unlock(b->policy);
	pthread_join(b->thread, NULL);
	mx_store_close(b->store);
	free(b->done);
	free(b);
}

bool mx_bookkeeper_flush(struct mx_bookkeeper *b)
{
	struct mx_policy *p = b->policy;
	struct timespec until = mx_thread_deadline(FLUSH_MSEC * 1000000ULL);
	u64 before;
	bool good;

	mx_policy_lock(p);
	before = b->stats.commits;
	pthread_cond_signal(p->spent);
	while (!(good = !mx_ledger_is_urgent(p->ledger) && !b->writing) && !*b->stats.error)
		if (!mx_policy_wait(p, b->done, &until))
			break;
	good |= b->stats.commits > before && !*b->stats.error;
	mx_policy_unlock(p);
	return good;
}

struct mx_bookkeeper_stats mx_bookkeeper_stats(struct mx_bookkeeper *b)
{
	struct mx_bookkeeper_stats stats;

	mx_policy_lock(b->policy);
	stats = b->stats;
	mx_policy_unlock(b->policy);
	return stats;
}
