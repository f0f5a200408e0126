// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/control.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/allowance.h"
#include "daemon/clock.h"
#include "daemon/command.h"
#include "daemon/rights.h"

#define LINE_MAX_BYTES 65536        /* of a request */
#define EVENTS_MAX_BYTES (4 << 20)  /* that may wait for a slow reader before it loses events */
#define EVENTS_ALL_BYTES (16 << 20) /* for all of them together: those who follow share it */
#define ANSWERS_MAX_BYTES 65536     /* that may wait when another request is taken */
#define CLIENTS_MAX 128
#define IDLE_SECONDS 60   /* for a client that asks nothing */
#define LARGE_BYTES 65536 /* of an answer whose memory is worth giving back */
#define EVENTS_AT_ONCE 1024

struct client {
	struct client *next;
	struct mx_control *control;
	struct bufferevent *io;
	u64 number; /* the lower, the older */
	enum mx_right right;
	enum mx_stream stream;
	u64 at; /* in the journal */
	u64 lost;
	struct mx_reach drained;
	int live;
	struct mx_addr to;
	enum mx_family to_family;
	bool to_given;
	bool closing;
	bool large;  /* so was an answer */
	bool behind; /* there is work for it that has to wait */
};

/* Events as text, for all who follow, while they are told. */
struct told {
	u64 number;
	char *text; /* NULL: none */
	size_t length;
};

struct mx_control {
	struct mx_daemon *daemon;
	struct evconnlistener *listener;
	struct mx_rights rights;
	struct mx_allowance reading, arriving; /* time for those who may not steer: for what they ask, and to come in */
	struct event *rest, *door;             /* end when there is some again */
	struct told told[EVENTS_AT_ONCE];
	struct client *clients; /* in turn */
	u32 count;
	u64 count_ever;
	u32 streams; /* of them, that follow */
	u64 lost;    /* events, of all clients */
	char *path;
	char *busy; /* the answer to one too many */
	size_t busy_length;
};

/* --- clients ---------------------------------------------------------------------------------------------------- */

static void append(struct mx_control *control, struct client *client)
{
	struct client **at = &control->clients;

	while (*at)
		at = &(*at)->next;
	*at = client;
	client->next = NULL;
}

/* Who was first comes last. */
static void take_turns(struct mx_control *control)
{
	struct client *first = control->clients;

	if (first) {
		control->clients = first->next;
		append(control, first);
	}
}

static void drop(struct client *client)
{
	struct client **at = &client->control->clients;

	while (*at != client)
		at = &(*at)->next;
	*at = client->next;
	client->control->count--;
	client->control->streams -= client->stream != MX_STREAM_NONE;
	bufferevent_free(client->io);
	if (client->large)
		malloc_trim(0);
	free(client);
}

static size_t waiting(const struct client *client)
{
	return evbuffer_get_length(bufferevent_get_output(client->io));
}

/* A line of text, to be freed by free(). NULL: it cannot be written as text. */
static char *line_of(json_t *json, size_t *length)
{
	char *text = json_dumps(json, JSON_COMPACT);

	json_decref(json);
	if (!text)
		return NULL;
	*length = strlen(text);
	text[(*length)++] = '\n'; /* in the place of the 0 */
	return text;
}

static void send_json(struct client *client, json_t *json)
{
	size_t length;
	char *text = line_of(json, &length);

	if (!text)
		return;
	client->large |= length > LARGE_BYTES;
	bufferevent_write(client->io, text, length);
	free(text);
}

/*
 * However many they are who may only read, or nothing: mail and operators must not notice. The time that they cost is
 * taken from an allowance; when there is none left, they wait. Who comes in has another one: an operator behind them
 * must not wait for what they ask.
 */
static bool is_short(struct mx_allowance *a)
{
	mx_allowance_left(a, mx_clock_steady_usec());
	return mx_allowance_wait(a);
}

static bool has_to_wait(const struct client *client)
{
	return client->right < MX_RIGHT_STEER && is_short(&client->control->reading);
}

static void charge(struct mx_allowance *a, enum mx_right right, u64 since)
{
	if (right < MX_RIGHT_STEER)
		mx_allowance_spend(a, mx_clock_steady_usec() - since);
}

static void wake_when_there_is_some(struct event *timer, const struct mx_allowance *a)
{
	u64 wait = mx_allowance_wait(a);
	struct timeval until = { (time_t)(wait / 1000000), (suseconds_t)(wait % 1000000) };

	if (!evtimer_pending(timer, NULL))
		evtimer_add(timer, &until);
}

/* Lets what is written reach the client, then ends. */
static void close_soon(struct client *client)
{
	client->closing = true;
	bufferevent_disable(client->io, EV_READ);
	if (!waiting(client))
		drop(client);
}

static void start_stream(struct client *client, const struct mx_request *r)
{
	struct timeval patience = { IDLE_SECONDS, 0 };

	client->stream = r->stream;
	client->control->streams++;
	client->drained = r->drained;
	client->live = -1;
	client->to = r->to;
	client->to_family = r->to_family;
	client->to_given = r->to_given;
	client->at = r->begin;
	bufferevent_set_timeouts(client->io, NULL, &patience);
}

static void take_line(struct client *client, const char *line)
{
	struct mx_request request = { .daemon = client->control->daemon,
				      .right = client->right,
				      .owner = client->right == MX_RIGHT_STEER ? "mxrep" : "operator",
				      .begin = mx_journal_next(client->control->daemon->journal) };
	char error[MX_ARGUMENTS_ERROR];

	request.args = mx_parser_object(client->control->daemon->parser, line, error);
	if (!request.args) {
		send_json(client, mx_command_error("syntax", error));
	} else {
		send_json(client, mx_command_run(&request));
		if (request.stream != MX_STREAM_NONE)
			start_stream(client, &request);
	}
	json_decref(request.args);
}

static bool has_line(struct client *client)
{
	return evbuffer_search_eol(bufferevent_get_input(client->io), NULL, NULL, EVBUFFER_EOL_LF).pos >= 0;
}

/* What it asks next waits until it has read its answers, or its turn has come. */
static bool is_served(struct client *client)
{
	return !client->closing && client->stream == MX_STREAM_NONE && waiting(client) < ANSWERS_MAX_BYTES &&
	       !client->behind;
}

/* Up to so many lines. */
static void take_lines(struct client *client, u32 max)
{
	struct evbuffer *in = bufferevent_get_input(client->io);
	struct mx_control *control = client->control;
	bool more;
	u64 since;
	char *line;

	while (is_served(client) && has_line(client)) {
		if (!max-- || has_to_wait(client)) {
			client->behind = true;
			wake_when_there_is_some(control->rest, &control->reading);
			break;
		}
		since = mx_clock_steady_usec();
		line = evbuffer_readln(in, NULL, EVBUFFER_EOL_LF);
		take_line(client, line);
		free(line);
		charge(&control->reading, client->right, since);
	}
	if (client->closing)
		return;
	if (client->stream != MX_STREAM_NONE)
		evbuffer_drain(in, evbuffer_get_length(in));
	more = has_line(client);
	/* Nothing more is read while a line waits: so what a client may make wait for it has a bound. */
	if (more)
		bufferevent_disable(client->io, EV_READ);
	else
		bufferevent_enable(client->io, EV_READ);
	if (!more && evbuffer_get_length(in) >= LINE_MAX_BYTES) {
		send_json(client, mx_command_error("too-long", "expected a line of less than 65536 bytes"));
		close_soon(client);
	}
}

static void on_read(struct bufferevent *io, void *arg)
{
	(void)io;
	take_lines(arg, UINT32_MAX);
}

static void on_written(struct bufferevent *io, void *arg)
{
	struct client *client = arg;

	if (client->closing)
		drop(client);
	else
		on_read(io, client); /* requests that waited for this */
}

/* One line for each: who asks most does not get most. */
static void on_rest_over(evutil_socket_t fd, short what, void *arg)
{
	struct mx_control *control = arg;
	struct client *client, *next;

	(void)fd, (void)what;
	take_turns(control);
	for (client = control->clients; client; client = next) {
		next = client->next;
		if (client->behind) {
			client->behind = false;
			take_lines(client, 1);
		}
	}
}

/* Who has said all that he wants to say may still wait for answers. */
static void on_end(struct bufferevent *io, short what, void *arg)
{
	struct client *client = arg;

	(void)io;
	if (what & BEV_EVENT_EOF && client->stream == MX_STREAM_NONE && !client->closing)
		close_soon(client);
	else
		drop(client);
}

/*
 * Everybody may connect, so who may do nothing must not keep out who may: the oldest of those who may do the least
 * goes, if he may do less than the new one. False: there is none.
 */
static bool make_room(struct mx_control *control, enum mx_right right)
{
	struct client *client, *least = NULL;

	for (client = control->clients; client; client = client->next)
		if (client->right < right && (!least || client->right < least->right ||
					      (client->right == least->right && client->number < least->number)))
			least = client;
	if (least)
		drop(least);
	return least;
}

/* The answer fits into the socket's buffer, which is empty. */
static void turn_away(const struct mx_control *control, int fd)
{
	send(fd, control->busy, control->busy_length, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

static void let_in(struct mx_control *control, int fd, enum mx_right right)
{
	struct timeval patience = { IDLE_SECONDS, 0 };
	struct client *client = mx_alloc(sizeof(*client));

	client->control = control;
	client->right = right;
	client->io = bufferevent_socket_new(control->daemon->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!client->io) {
		free(client);
		close(fd);
		return;
	}
	client->number = control->count_ever++;
	append(control, client);
	control->count++;
	bufferevent_setcb(client->io, on_read, on_written, on_end, client);
	bufferevent_set_timeouts(client->io, &patience, &patience);
	bufferevent_enable(client->io, EV_READ | EV_WRITE);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr, int length, void *arg)
{
	u64 since = mx_clock_steady_usec();
	struct mx_control *control = arg;
	const struct mx_policy *p = &control->daemon->policy;
	enum mx_right right = mx_rights_of(&control->rights, p->config, p->snapshot->generation, fd);

	(void)addr, (void)length;
	if (control->count < CLIENTS_MAX || make_room(control, right))
		let_in(control, fd, right);
	else
		turn_away(control, fd);
	charge(&control->arriving, right, since);
	if (is_short(&control->arriving)) {
		evconnlistener_disable(listener);
		wake_when_there_is_some(control->door, &control->arriving);
	}
}

static void on_door(evutil_socket_t fd, short what, void *arg)
{
	struct mx_control *control = arg;

	(void)fd, (void)what;
	evconnlistener_enable(control->listener);
}

/* --- streams ---------------------------------------------------------------------------------------------------- */

static bool wants(const struct client *client, const struct mx_event *e)
{
	if (client->stream == MX_STREAM_WATCH)
		return true;
	if (e->type != MX_EVENT_DECISION && e->type != MX_EVENT_CLOSE && e->type != MX_EVENT_CALLER)
		return false;
	return !client->to_given || (e->family == client->to_family && !mx_addr_cmp(e->to, client->to));
}

static void lose(struct client *client, u64 events)
{
	client->lost += events;
	client->control->lost += events;
}

static size_t room_for_events(const struct mx_control *control)
{
	size_t share = EVENTS_ALL_BYTES / control->streams;

	return share < EVENTS_MAX_BYTES ? share : EVENTS_MAX_BYTES;
}

/* The text of an event is made once for all who follow. NULL: there is none. */
static const struct told *tell(struct mx_control *control, u64 number, const struct mx_event *event)
{
	struct told *told = &control->told[number % EVENTS_AT_ONCE];

	if (!told->text || told->number != number) {
		free(told->text);
		told->number = number;
		told->text = line_of(mx_command_event(event), &told->length);
	}
	return told->text ? told : NULL;
}

static void forget_told(struct mx_control *control)
{
	u32 i;

	for (i = 0; i < EVENTS_AT_ONCE; i++) {
		free(control->told[i].text);
		control->told[i].text = NULL;
	}
}

static void send_event(struct client *client, u64 number, const struct mx_event *event)
{
	const struct told *told;

	if (waiting(client) > room_for_events(client->control)) {
		lose(client, 1);
		return;
	}
	if (client->lost) {
		send_json(client, json_pack("{s:s,s:I}", "event", "lost", "count", (json_int_t)client->lost));
		client->lost = 0;
	}
	told = wants(client, event) ? tell(client->control, number, event) : NULL;
	if (told)
		bufferevent_write(client->io, told->text, told->length);
}

/* Who has no room is not worth a look at the events. */
static void lose_all(struct client *client)
{
	u64 next = mx_journal_next(client->control->daemon->journal);

	lose(client, next - client->at);
	client->at = next;
}

static void send_events(struct client *client)
{
	static struct mx_event events[EVENTS_AT_ONCE];
	struct mx_control *control = client->control;
	u32 count = EVENTS_AT_ONCE, i;
	u64 lost, since;

	while (count == EVENTS_AT_ONCE && !has_to_wait(client)) {
		since = mx_clock_steady_usec();
		count = mx_journal_read(control->daemon->journal, &client->at, events, EVENTS_AT_ONCE, &lost);
		lose(client, lost);
		for (i = 0; i < count; i++)
			send_event(client, client->at - count + i, &events[i]);
		charge(&control->reading, client->right, since);
	}
}

static void send_drain(struct client *client)
{
	int live = mx_open_count(&client->control->daemon->policy, &client->drained);

	if (live < 0 || live == client->live)
		return;
	client->live = live;
	send_json(client, json_pack("{s:s,s:i}", "event", "drain", "live", live));
	if (!live)
		close_soon(client);
}

static void follow(struct client *client)
{
	if (client->closing || client->stream == MX_STREAM_NONE)
		return;
	if (client->stream == MX_STREAM_DRAIN)
		send_drain(client);
	else if (waiting(client) > room_for_events(client->control))
		lose_all(client);
	else
		send_events(client);
}

void mx_control_tick(struct mx_control *control)
{
	struct client *client, *next;

	take_turns(control);
	for (client = control->clients; client; client = next) {
		next = client->next;
		follow(client);
	}
	forget_told(control);
}

u64 mx_control_lost(const struct mx_control *control)
{
	return control->lost;
}

/* --- the socket ------------------------------------------------------------------------------------------------- */

static bool somebody_answers(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool answers = !connect(fd, (const struct sockaddr *)address, sizeof(*address));

	close(fd);
	return answers;
}

/* Everybody may connect: what one may do is decided by who one is. */
static int listen_on(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		mx_fatal("control socket %s: expected a path of less than %zu bytes", path, sizeof(address.sun_path));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (somebody_answers(&address))
		mx_fatal("control socket %s: another mxloadd answers there", path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || chmod(path, 0666) ||
	    listen(fd, SOMAXCONN))
		mx_fatal("control socket %s: %s", path, strerror(errno));
	return fd;
}

struct mx_control *mx_control_open(struct mx_daemon *daemon)
{
	struct mx_control *control = mx_alloc(sizeof(*control));

	control->daemon = daemon;
	control->path = mx_strdup(daemon->policy.config->control);
	control->listener =
		evconnlistener_new(daemon->base, on_accept, control, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, -1,
				   listen_on(control->path));
	control->rest = evtimer_new(daemon->base, on_rest_over, control);
	control->door = evtimer_new(daemon->base, on_door, control);
	control->busy = line_of(mx_command_error("busy", "too many clients: try again"), &control->busy_length);
	if (!control->listener || !control->rest || !control->door || !control->busy)
		mx_fatal("control socket %s: cannot listen", control->path);
	return control;
}

void mx_control_close(struct mx_control *control)
{
	while (control->clients)
		drop(control->clients);
	forget_told(control);
	event_free(control->rest);
	event_free(control->door);
	evconnlistener_free(control->listener);
	free(control->busy);
	unlink(control->path);
	free(control->path);
	free(control);
}
