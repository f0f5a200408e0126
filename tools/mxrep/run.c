// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/run.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon/log.h"
#include "tools/mxrep/follow.h"
#include "tools/mxrep/match.h"
#include "tools/mxrep/moment.h"
#include "tools/mxrep/report.h"
#include "tools/mxrep/steer.h"
#include "tools/mxrep/watch.h"

#define TICK_MS 150              /* the logs and the daemon are looked at this often */
#define JUDGE_MS 5000            /* what was counted is judged anew */
#define NETWORK_MS 60000         /* the daemon's own counters are asked for */
#define PAGE_MS 300000           /* the page is written */
#define TIDY_MS 3600000          /* what is too old goes */
#define TOLD_MS 500              /* in this time a daemon that is not held up tells of a connection */
#define RECENT (10 * REP_SECOND) /* of an older line nothing is told any more */
#define STEPS 64                 /* of one log before the others have their turn */

struct run {
	const struct rep_settings *settings;
	struct rep_pass pass;
	struct rep_watch watch;
	struct rep_steer steer;
	struct rep_habit habit;
	struct rep_follow **follows;
	u32 follow_count;
	int signals;
	s64 told_by;    /* rep_now_ms(): all is told of the connections that the lines at hand speak of */
	bool has_asked; /* the daemon, whether it is held up, for their sake */
	bool leaving;
};

static void take_sign(const struct rep_sign *sign, void *context)
{
	rep_steer_sign(&((struct run *)context)->steer, sign);
}

/* --- what is over ------------------------------------------------------------------------------------------------ */

/* A connection that carried nothing we know of stays charged as estimated: its log may be another host's. */
static void settle_closed(struct rep_flow *flow, void *context)
{
	struct run *r = context;

	if (flow->is_settled || !flow->closed || !flow->messages || rep_now_us() - flow->closed < REP_FLOW_LATE)
		return;
	flow->is_settled = true;
	rep_settle_connection(r->pass.settle, flow->lane, flow->opened / REP_SECOND, flow->messages);
}

/*
 * At every tick: the fewer connections to a host are looked at together, the surer it is which of them carried what,
 * and the moments when all of them are over may be short.
 */
static void settle(struct run *r)
{
	rep_flows_each(r->pass.flows, settle_closed, r);
	if (rep_match(r->pass.flows, r->pass.queue, r->pass.store, &r->habit, rep_now_us()) ||
	    rep_settle_is_waiting(r->pass.settle)) {
		rep_store_begin(r->pass.store);
		rep_settle_write(r->pass.settle, r->pass.store);
		rep_store_commit(r->pass.store);
	}
	rep_flows_expire(r->pass.flows, rep_now_us());
	rep_settle_send(r->pass.store, r->watch.link);
}

/* --- logs -------------------------------------------------------------------------------------------------------- */

/*
 * The daemon tells what has happened some times a second: what a line speaks of may be told a little later than it.
 * When it is held up, by its disk say, it answers later, too, and then tells the rest.
 */
static bool look(s64 time, void *context)
{
	struct run *r = context;
	struct pollfd told = { .fd = rep_link_descriptor(r->watch.link), .events = POLLIN };
	s64 left = r->told_by - rep_now_ms();

	if (told.fd < 0 || rep_now_us() - time > RECENT || (left <= 0 && r->has_asked))
		return false;
	if (left <= 0) {
		rep_watch_ask(&r->watch);
		r->has_asked = true;
		r->told_by = rep_now_ms() + TOLD_MS;
		left = TOLD_MS;
	}
	poll(&told, 1, (int)left);
	rep_watch_read(&r->watch);
	return true;
}

static bool read_log(struct run *r, struct rep_follow *follow)
{
	s64 now = rep_now_ms();

	r->told_by = now + TOLD_MS;
	r->has_asked = false;
	return rep_follow_step(follow, &r->pass, now);
}

static void read_logs(struct run *r)
{
	bool more = true;
	u32 i, steps;

	while (more && !r->leaving) {
		struct pollfd ended = { .fd = r->signals, .events = POLLIN };

		more = false;
		for (i = 0; i < r->follow_count; i++) {
			rep_watch_read(&r->watch); /* what is told of connections, before what is logged of them */
			for (steps = 0; steps < STEPS && read_log(r, r->follows[i]); steps++)
				more = true;
		}
		r->leaving = poll(&ended, 1, 0) > 0;
	}
}

/* --- the loop ---------------------------------------------------------------------------------------------------- */

/* A tick; a signal ends it. */
static void rest(struct run *r)
{
	struct pollfd ended = { .fd = r->signals, .events = POLLIN };

	r->leaving |= poll(&ended, 1, TICK_MS) > 0;
}

/* Whether `period` is over since *last; then it begins anew. */
static bool is_due(s64 *last, s64 period)
{
	s64 now = rep_now_ms();

	if (*last && now - *last < period)
		return false;
	*last = now;
	return true;
}

static void write_page(struct run *r)
{
	char error[300];

	if (*r->settings->html && !rep_report_page(r->pass.store, r->settings, r->settings->html, error, sizeof(error)))
		mx_log(MX_LOG_WARNING, "%s", error);
}

static void loop(struct run *r)
{
	s64 judged = 0, asked = 0, written = rep_now_ms(), tidied = 0;

	while (!r->leaving) {
		bool is_up = rep_watch_start(&r->watch);

		rep_watch_read(&r->watch);
		read_logs(r);
		if (is_up)
			settle(r);
		if (r->settings->steer && is_due(&judged, JUDGE_MS))
			rep_steer_judge(&r->steer, time(NULL));
		if (is_up && r->settings->steer && is_due(&asked, NETWORK_MS))
			rep_steer_network(&r->steer, r->watch.link, time(NULL));
		if (is_up && r->settings->steer)
			rep_steer_act(&r->steer, r->watch.link, time(NULL));
		if (is_due(&written, PAGE_MS))
			write_page(r);
		if (is_due(&tidied, TIDY_MS))
			rep_store_tidy(r->pass.store, time(NULL) - r->settings->keep);
		rest(r);
	}
	write_page(r);
}

static int catch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int rep_run(const struct rep_settings *settings, struct rep_store *store, const struct rep_rules *rules,
	    struct rep_policy *policy, bool dry)
{
	struct run r = { .settings = settings, .signals = catch_signals() };
	u32 i;

	if (!settings->log_count)
		mx_log(MX_LOG_WARNING, "%s: no logs to follow: expected logs: { mail: { path = \"...\"; }; };",
		       settings->path);
	r.pass = (struct rep_pass){ .store = store,
				    .rules = rules,
				    .policy = policy,
				    .flows = rep_flows_new(),
				    .settle = rep_settle_new(),
				    .queue = rep_queue_new(),
				    .look = look,
				    .sign = settings->steer ? take_sign : NULL,
				    .context = &r };
	r.watch = (struct rep_watch){
		.link = rep_link_new(settings->control), .flows = r.pass.flows, .store = store, .policy = policy
	};
	r.steer = (struct rep_steer){ store, settings, dry };
	r.follows = mx_alloc((settings->log_count + 1) * sizeof(*r.follows));
	for (i = 0; i < settings->log_count; i++)
		r.follows[r.follow_count++] = rep_follow_new(&settings->logs[i]);
	mx_log(MX_LOG_INFO, "following %u log%s%s", r.follow_count, r.follow_count == 1 ? "" : "s",
	       dry ? ", steering nothing" : "");
	loop(&r);
	mx_log(MX_LOG_INFO, "ended: %llu lines, %llu attempts", (unsigned long long)r.pass.lines,
	       (unsigned long long)r.pass.attempts);
	for (i = 0; i < r.follow_count; i++)
		rep_follow_free(r.follows[i]);
	free(r.follows);
	rep_link_close(r.watch.link);
	rep_flows_free(r.pass.flows);
	rep_settle_free(r.pass.settle);
	rep_queue_free(r.pass.queue);
	close(r.signals);
	return 0;
}
