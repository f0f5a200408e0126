// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxload/top.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/mxload/client.h"
#include "tools/mxload/show.h"
#include "tools/mxload/top_screen.h"

#define ASKED_MAX 8
#define RETRY 1000 /* ms between tries to find the daemon */
#define REST 4     /* times as long as an answer took nothing is asked: large policies cost the daemon, too */
#define PAGE_MAX 64

struct top {
	const char *socket;
	struct mx_client *client;
	char error[256]; /* why there is no answer, or "" */

	const char *asked[ASKED_MAX]; /* and not yet answered: asked[answered ...] */
	int ask_count, answered;
	struct {
		json_t *json; /* NULL: refused */
		long long at;
	} answers[ASKED_MAX];     /* of this round, until it is whole: what is drawn meanwhile is of the round before */
	long long asked_at, next; /* ms of the steady clock: when it was asked, and when it is again */
	bool refused;             /* something of this round */

	struct mx_top_lanes *lanes;
	struct mx_top_view view;
	struct mx_top_frame frame;
	size_t room; /* lines */
	bool types, leaves;
	const char *warnings[PAGE_MAX + 1];
};

/* No wider than the narrowest terminal that the lanes are drawn for. */
static const char *const help[] = { "A line for each source at each provider",
				    "",
				    "q        quit",
				    "h or ?   this text",
				    "arrows   scroll; also PgUp PgDn Home End",
				    "< >      sort by the column beside",
				    "S P      sort by source, provider",
				    "W R      by weight, rate",
				    "H E      by share, expected share",
				    "C F      by connections, failed",
				    "L T      by fullest limit, state",
				    "r        reverse the order",
				    "/        only lines with a text in source,",
				    "         provider or state: Enter keeps",
				    "         it, Esc takes it back",
				    "g        lanes, or their sums by source",
				    "         or by provider",
				    "b        busy: only lines with a rate",
				    "space    stop, go on",
				    "+ -      look half, twice as often",
				    "w        the daemon's warnings",
				    "",
				    "RATE/MIN connections, of the last minute",
				    "EXPECTED the share the weights ask for",
				    "LIMIT    of limits and warm-ups there,",
				    "         the one that is fullest",
				    NULL };

static volatile sig_atomic_t is_over;

static void end(int signal)
{
	(void)signal;
	is_over = 1;
}

static long long milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* --- the daemon ------------------------------------------------------------------------------------------------- */

static void refill(struct top *t)
{
	mx_top_view_fill(&t->view, t->lanes);
}

static void forget_answers(struct top *t)
{
	int i;

	for (i = 0; i < t->answered; i++)
		json_decref(t->answers[i].json);
	t->ask_count = t->answered = 0;
}

static void lose(struct top *t, const char *why)
{
	if (t->client)
		mx_client_close(t->client);
	t->client = NULL;
	forget_answers(t);
	t->next = milliseconds() + RETRY;
	snprintf(t->error, sizeof(t->error), "no daemon at %s: %s", t->socket, why);
}

static bool ask(struct top *t, const char *command)
{
	const char *error;

	if (!mx_client_send(t->client, json_pack("{s:s}", "command", command), &error)) {
		lose(t, error);
		return false;
	}
	t->asked[t->ask_count++] = command;
	return true;
}

/* All at once: the answers come one after another. */
static void ask_all(struct top *t)
{
	static const char *const always[] = { "status", "stats", "sources", "quota", "warmup" };
	const char *error;
	size_t i;

	if (!t->client)
		t->client = mx_client_try(t->socket, &error);
	if (!t->client) {
		lose(t, error);
		return;
	}
	t->asked_at = milliseconds();
	t->refused = false;
	if (mx_top_lanes_are_old(t->lanes) && (!ask(t, "pools") || !ask(t, "providers")))
		return;
	for (i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		if (!ask(t, always[i]))
			return;
}

/* What the warnings are now, for the page of them. */
static void list_warnings(struct top *t)
{
	const json_t *warnings = mx_top_lanes_summary(t->lanes)->warnings, *warning;
	size_t i, n = 0;

	json_array_foreach(warnings, i, warning)
		if (n < PAGE_MAX)
			t->warnings[n++] = json_string_value(warning);
	if (!n)
		t->warnings[n++] = "no warnings";
	t->warnings[n] = NULL;
}

static void end_round(struct top *t)
{
	long long now = milliseconds(), took = now - t->asked_at, interval = (long long)(t->frame.interval * 1000);
	int i;

	for (i = 0; i < t->answered; i++)
		if (t->answers[i].json)
			mx_top_lanes_take(t->lanes, t->asked[i], t->answers[i].json, t->answers[i].at);
	forget_answers(t);
	t->next = t->asked_at + took + (interval > (REST + 1) * took ? interval - took : REST * took);
	if (mx_top_lanes_are_old(t->lanes))
		t->next = now;
	if (!t->refused)
		*t->error = '\0';
	mx_top_lanes_settle(t->lanes);
	list_warnings(t);
	refill(t);
}

static void take(struct top *t, const char *line)
{
	json_t *answer = json_loads(line, 0, NULL);

	mx_show_plainly(answer);
	if (!json_is_object(answer)) {
		json_decref(answer);
		lose(t, "the answer is not JSON");
		return;
	}
	if (!json_is_true(json_object_get(answer, "ok"))) {
		const char *error = json_string_value(json_object_get(answer, "error"));

		t->refused = true;
		snprintf(t->error, sizeof(t->error), "refused by the daemon: %s", error ? error : "?");
		json_decref(answer);
		answer = NULL;
	}
	t->answers[t->answered].json = answer;
	t->answers[t->answered].at = milliseconds();
	if (++t->answered == t->ask_count)
		end_round(t);
}

/* A daemon that closes while nothing is asked has ended, or we were idle: asking again tells. */
static void listen_to(struct top *t)
{
	const char *line, *error = NULL;

	while (t->client && (line = mx_client_poll(t->client, &error)))
		if (t->answered < t->ask_count)
			take(t, line);
	if (!t->client || !error)
		return;
	lose(t, error);
	t->next = milliseconds();
}

static void attend(struct top *t)
{
	if (t->client)
		listen_to(t);
	if (t->ask_count && milliseconds() - t->asked_at > mx_client_patience())
		lose(t, "no answer in time");
	if (!t->ask_count && !t->frame.stopped && milliseconds() >= t->next)
		ask_all(t);
}

/* --- keys ------------------------------------------------------------------------------------------------------- */

static void type(struct top *t, int key)
{
	char *filter = t->view.filter;
	size_t length = strlen(filter);

	if (key == MX_KEY_ENTER || key == MX_KEY_ESCAPE)
		t->types = false;
	if (key == MX_KEY_ESCAPE)
		*filter = '\0';
	if (key == MX_KEY_ERASE && length)
		filter[length - 1] = '\0';
	if (key >= ' ' && key < 0x7f && length + 1 < sizeof(t->view.filter)) {
		filter[length] = (char)key;
		filter[length + 1] = '\0';
	}
	refill(t);
}

static void scroll_by(struct top *t, long lines)
{
	size_t *first = &t->frame.first;

	*first = lines < 0 && (size_t)-lines > *first ? 0 : *first + (size_t)lines;
}

static void scroll_to(struct top *t, int key)
{
	long page = t->room > 1 ? (long)t->room - 1 : 1;

	switch (key) {
	case MX_KEY_UP:
		scroll_by(t, -1);
		break;
	case MX_KEY_DOWN:
		scroll_by(t, 1);
		break;
	case MX_KEY_PAGE_UP:
		scroll_by(t, -page);
		break;
	case MX_KEY_PAGE_DOWN:
		scroll_by(t, page);
		break;
	case MX_KEY_HOME:
		t->frame.first = 0;
		break;
	default:
		t->frame.first = t->view.of + PAGE_MAX; /* drawing knows where the end is */
	}
}

/* Shows a page, or the lanes again. */
static void turn_to(struct top *t, const char *const *page)
{
	t->frame.page = t->frame.page == page ? NULL : page;
	t->frame.first = 0;
}

static void change_interval(struct top *t, double by)
{
	double interval = t->frame.interval * by;

	if (interval < MX_TOP_INTERVAL_LEAST || interval > MX_TOP_INTERVAL_MOST)
		return;
	t->frame.interval = interval;
	t->next = milliseconds();
}

static bool is_column_key(struct top *t, int key)
{
	static const char letters[] = "SPWRHECFLT"; /* in the order of the columns */
	const char *at = key > 0 && key < 0x7f ? strchr(letters, key) : NULL;

	if (at)
		t->view.sort = (enum mx_top_column)(at - letters);
	return at;
}

static void press(struct top *t, int key)
{
	struct mx_top_view *v = &t->view;

	if (key >= MX_KEY_UP && key <= MX_KEY_END) {
		scroll_to(t, key);
		return;
	}
	switch (key) {
	case 'q':
		t->leaves = true;
		return;
	case 'h':
	case '?':
		turn_to(t, help);
		return;
	case 'w':
		turn_to(t, t->warnings);
		return;
	case MX_KEY_ESCAPE:
		if (t->frame.page)
			turn_to(t, t->frame.page);
		else
			*v->filter = '\0';
		break;
	case '/':
		t->types = true;
		t->frame.page = NULL;
		break;
	case '<':
		v->sort = (v->sort + MX_TOP_COLUMNS - 1) % MX_TOP_COLUMNS;
		break;
	case '>':
		v->sort = (v->sort + 1) % MX_TOP_COLUMNS;
		break;
	case 'r':
		v->reverse = !v->reverse;
		break;
	case 'g':
		v->group = (v->group + 1) % MX_TOP_GROUPS;
		t->frame.first = 0;
		break;
	case 'b':
		v->busy = !v->busy;
		break;
	case ' ':
		t->frame.stopped = !t->frame.stopped;
		t->next = milliseconds();
		return;
	case '+':
		change_interval(t, 2);
		return;
	case '-':
		change_interval(t, 0.5);
		return;
	default:
		if (!is_column_key(t, key))
			return;
	}
	refill(t);
}

/* --- the screen ------------------------------------------------------------------------------------------------- */

static void draw(struct top *t)
{
	t->frame.summary = mx_top_lanes_summary(t->lanes);
	t->frame.view = &t->view;
	t->frame.error = *t->error ? t->error : NULL;
	t->frame.typed = t->types ? t->view.filter : NULL;
	t->room = mx_top_screen_draw(&t->frame);
}

static struct timespec until(const struct top *t)
{
	long long wake = t->ask_count ? t->asked_at + mx_client_patience() + 1 : t->next, left = wake - milliseconds();

	left = left < 0 ? 0 : left;
	return (struct timespec){ left / 1000, left % 1000 * 1000000 };
}

/* False: there is no terminal any more. */
static bool wait_for_something(const struct top *t, const sigset_t *usual)
{
	struct pollfd p[] = { { .fd = STDIN_FILENO, .events = POLLIN },
			      { .fd = t->client ? mx_client_fd(t->client) : -1, .events = POLLIN } };
	struct timespec left = until(t);

	/* signals come here alone: none is missed between looking and waiting */
	return ppoll(p, 2, t->frame.stopped && !t->ask_count ? NULL : &left, usual) < 0
		       ? errno == EINTR
		       : !(p[0].revents & (POLLHUP | POLLERR | POLLNVAL));
}

static void loop(struct top *t, const sigset_t *usual)
{
	int key;

	while (!t->leaves && !is_over) {
		attend(t);
		draw(t);
		if (!wait_for_something(t, usual))
			return;
		while ((key = mx_top_screen_key()) != MX_KEY_NONE)
			if (t->types)
				type(t, key);
			else
				press(t, key);
	}
}

/* Those that end us, and that of a new size; `usual` is what was blocked before. */
static void hold_signals(sigset_t *usual)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction action = { .sa_handler = end };
	sigset_t held;
	size_t i;

	sigemptyset(&held);
	sigaddset(&held, SIGWINCH);
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		sigaction(ends[i], &action, NULL);
		sigaddset(&held, ends[i]);
	}
	sigprocmask(SIG_BLOCK, &held, usual);
}

int mx_top_run(const char *socket, double interval)
{
	struct top t = { .socket = socket, .view = { .sort = MX_TOP_RATE }, .frame = { .interval = interval } };
	const char *error;
	sigset_t usual;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		fputs("mxload: top needs a terminal; mxload stats prints the same figures\n", stderr);
		return MX_EXIT_USAGE;
	}
	mx_client_close(mx_client_open(socket)); /* with no daemon from the start it leaves as every command */
	hold_signals(&usual);
	error = mx_top_screen_open();
	if (error) {
		fprintf(stderr, "mxload: %s\n", error);
		return MX_EXIT_USAGE;
	}
	t.lanes = mx_top_lanes_new();
	loop(&t, &usual);
	mx_top_screen_close();
	if (t.client)
		mx_client_close(t.client);
	forget_answers(&t);
	mx_top_view_clear(&t.view);
	mx_top_lanes_free(t.lanes);
	return MX_EXIT_OK;
}
