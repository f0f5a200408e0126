// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/control.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <grp.h>
#include <malloc.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/command.h"

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
	enum mx_right right;
	const char *owner;
	enum mx_stream stream;
	u64 at; /* in the journal */
	u64 lost;
	struct mx_reach drained;
	int live;
	struct mx_addr to;
	enum mx_family to_family;
	bool to_given;
	bool closing;
	bool large; /* so was an answer */
};

struct mx_control {
	struct mx_daemon *daemon;
	struct evconnlistener *listener;
	struct client *clients;
	u32 count;
	u32 streams; /* of them, that follow */
	u64 lost;    /* events, of all clients */
	char *path;
};

/* --- rights ----------------------------------------------------------------------------------------------------- */

static bool in_group(const char *name, const struct ucred *peer)
{
	struct group *group = *name ? getgrnam(name) : NULL;
	struct passwd *user;
	gid_t wanted, groups[256];
	int count = 256, i;

	if (!group)
		return false;
	wanted = group->gr_gid;
	if (peer->gid == wanted)
		return true;
	user = getpwuid(peer->uid);
	if (!user || getgrouplist(user->pw_name, user->pw_gid, groups, &count) < 0)
		return false;
	for (i = 0; i < count; i++)
		if (groups[i] == wanted)
			return true;
	return false;
}

static enum mx_right right_of(const struct mx_config *c, int fd, const char **owner)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	struct passwd *reputation;

	*owner = "operator";
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return MX_RIGHT_NONE;
	if (!peer.uid || in_group(c->admin_group, &peer))
		return MX_RIGHT_CHANGE;
	reputation = *c->reputation_user ? getpwnam(c->reputation_user) : NULL;
	if (reputation && reputation->pw_uid == peer.uid) {
		*owner = "mxrep";
		return MX_RIGHT_STEER;
	}
	return in_group(c->reader_group, &peer) ? MX_RIGHT_READ : MX_RIGHT_NONE;
}

/* --- clients ---------------------------------------------------------------------------------------------------- */

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

static void send_json(struct client *client, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT);
	size_t length;

	json_decref(json);
	if (!text)
		return;
	length = strlen(text);
	client->large |= length > LARGE_BYTES;
	bufferevent_write(client->io, text, length);
	bufferevent_write(client->io, "\n", 1);
	free(text);
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
				      .owner = client->owner,
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

/* One line at a time, and none while the client does not read its answers. */
static void on_read(struct bufferevent *io, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(io);
	struct client *client = arg;
	char *line;

	while (!client->closing && client->stream == MX_STREAM_NONE && waiting(client) < ANSWERS_MAX_BYTES &&
	       (line = evbuffer_readln(in, NULL, EVBUFFER_EOL_LF))) {
		take_line(client, line);
		free(line);
	}
	if (!client->closing && client->stream == MX_STREAM_NONE && evbuffer_get_length(in) >= LINE_MAX_BYTES) {
		send_json(client, mx_command_error("too-long", "expected a line of less than 65536 bytes"));
		close_soon(client);
	} else if (client->stream != MX_STREAM_NONE) {
		evbuffer_drain(in, evbuffer_get_length(in));
	}
}

static void on_written(struct bufferevent *io, void *arg)
{
	struct client *client = arg;

	if (client->closing)
		drop(client);
	else
		on_read(io, client); /* requests that waited for this */
}

static void on_end(struct bufferevent *io, short what, void *arg)
{
	(void)io, (void)what;
	drop(arg);
}

/*
 * Everybody may connect, so who may do nothing must not keep out who may: the oldest of those who may do the least
 * goes, if he may do less than the new one. False: there is none.
 */
static bool make_room(struct mx_control *control, enum mx_right right)
{
	struct client *client, *least = NULL;

	for (client = control->clients; client; client = client->next)
		if (client->right < right && (!least || client->right <= least->right))
			least = client;
	if (least)
		drop(least);
	return least;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr, int length, void *arg)
{
	struct timeval patience = { IDLE_SECONDS, 0 };
	struct mx_control *control = arg;
	struct client *client = mx_alloc(sizeof(*client));

	(void)listener, (void)addr, (void)length;
	client->control = control;
	client->right = right_of(control->daemon->policy.config, fd, &client->owner);
	client->io = bufferevent_socket_new(control->daemon->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!client->io) {
		free(client);
		close(fd);
		return;
	}
	client->next = control->clients;
	control->clients = client;
	control->count++;
	bufferevent_setcb(client->io, on_read, on_written, on_end, client);
	bufferevent_setwatermark(client->io, EV_READ, 0, LINE_MAX_BYTES);
	bufferevent_set_timeouts(client->io, &patience, &patience);
	if (control->count > CLIENTS_MAX && !make_room(control, client->right)) {
		send_json(client, mx_command_error("busy", "too many clients: try again"));
		close_soon(client);
		return;
	}
	bufferevent_enable(client->io, EV_READ | EV_WRITE);
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

static void send_event(struct client *client, const struct mx_event *event)
{
	if (waiting(client) > room_for_events(client->control)) {
		lose(client, 1);
		return;
	}
	if (client->lost) {
		send_json(client, json_pack("{s:s,s:I}", "event", "lost", "count", (json_int_t)client->lost));
		client->lost = 0;
	}
	if (wants(client, event))
		send_json(client, mx_command_event(event));
}

static void send_events(struct client *client)
{
	static struct mx_event events[EVENTS_AT_ONCE];
	u32 count, i;
	u64 lost;

	do {
		count = mx_journal_read(client->control->daemon->journal, &client->at, events, EVENTS_AT_ONCE, &lost);
		lose(client, lost);
		for (i = 0; i < count; i++)
			send_event(client, &events[i]);
	} while (count == EVENTS_AT_ONCE);
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

void mx_control_tick(struct mx_control *control)
{
	struct client *client = control->clients, *next;

	for (; client; client = next) {
		next = client->next;
		if (client->closing)
			continue;
		if (client->stream == MX_STREAM_DRAIN)
			send_drain(client);
		else if (client->stream != MX_STREAM_NONE)
			send_events(client);
	}
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
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) || chmod(path, 0666) || listen(fd, 128))
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
	if (!control->listener)
		mx_fatal("control socket %s: cannot listen", control->path);
	return control;
}

void mx_control_close(struct mx_control *control)
{
	while (control->clients)
		drop(control->clients);
	evconnlistener_free(control->listener);
	unlink(control->path);
	free(control->path);
	free(control);
}
