// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "daemon/log.h"
#include "tools/mxrep/moment.h"

#define PATIENCE_MS 10000
#define LINE_MAX_BYTES (256u << 20) /* an answer longer than this is none of the daemon's */

/* One connection, and what has come over it. */
struct pipe {
	int fd; /* -1: none */
	char *bytes;
	size_t room, used, taken; /* taken: of those used, what was read as lines */
};

struct rep_link {
	const char *path;
	struct pipe requests, events;
};

struct rep_link *rep_link_new(const char *path)
{
	struct rep_link *l = mx_alloc(sizeof(*l));

	l->path = path;
	l->requests.fd = l->events.fd = -1;
	return l;
}

static void hang_up(struct pipe *p)
{
	if (p->fd >= 0)
		close(p->fd);
	free(p->bytes);
	*p = (struct pipe){ .fd = -1 };
}

void rep_link_close(struct rep_link *l)
{
	if (!l)
		return;
	hang_up(&l->requests);
	hang_up(&l->events);
	free(l);
}

bool rep_link_is_up(const struct rep_link *l)
{
	return l->requests.fd >= 0;
}

static bool call(struct rep_link *l, struct pipe *p, char *error)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", l->path);
	p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p->fd >= 0 && !setsockopt(p->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) &&
	    !connect(p->fd, (struct sockaddr *)&name, sizeof(name)))
		return true;
	snprintf(error, REP_LINK_ERROR, "%s: %s: no mxloadd there", l->path, strerror(errno));
	hang_up(p);
	return false;
}

/* A whole line that has come, without its end; NULL: not yet. */
static char *take_line(struct pipe *p)
{
	char *begin = p->bytes + p->taken, *end;

	if (p->used == p->taken)
		return NULL;
	end = memchr(begin, '\n', p->used - p->taken);
	if (!end)
		return NULL;
	*end = '\0';
	p->taken = (size_t)(end + 1 - p->bytes);
	return begin;
}

/* Reads what there is within `patience` ms; false: the other side is gone, or nothing came. */
static bool receive(struct pipe *p, int patience)
{
	struct pollfd wait = { .fd = p->fd, .events = POLLIN };
	ssize_t n;

	if (poll(&wait, 1, patience) <= 0)
		return false;
	if (p->taken) {
		memmove(p->bytes, p->bytes + p->taken, p->used - p->taken);
		p->used -= p->taken;
		p->taken = 0;
	}
	if (p->room - p->used < 65536) {
		size_t room = p->room ? p->room * 2 : 131072;
		char *bytes = room <= LINE_MAX_BYTES ? realloc(p->bytes, room) : NULL;

		if (!bytes) {
			hang_up(p);
			return false;
		}
		p->bytes = bytes;
		p->room = room;
	}
	n = recv(p->fd, p->bytes + p->used, p->room - p->used, MSG_DONTWAIT);
	if (n <= 0 && (n == 0 || (errno != EAGAIN && errno != EINTR))) {
		hang_up(p);
		return false;
	}
	p->used += n > 0 ? (size_t)n : 0;
	return true;
}

static bool send_all(struct pipe *p, const char *text, size_t length)
{
	while (length) {
		ssize_t n = send(p->fd, text, length, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text += n;
		length -= (size_t)n;
	}
	return true;
}

/* What the daemon answers; without an answer the connection is ended. */
static json_t *answer_to(struct pipe *p, const char *text)
{
	s64 end = rep_now_ms() + PATIENCE_MS;
	char *line = NULL;

	if (send_all(p, text, strlen(text)))
		while (!(line = take_line(p)) && rep_now_ms() < end && p->fd >= 0)
			receive(p, (int)(end - rep_now_ms()));
	if (!line)
		hang_up(p);
	return line ? json_loads(line, 0, NULL) : NULL;
}

/* Asks once more over a new connection when the old one was ended, by a restart of the daemon, say. */
static json_t *ask(struct rep_link *l, struct pipe *p, json_t *request, char *error)
{
	char *line = json_dumps(request, JSON_COMPACT), *text = mx_format("%s\n", line);
	json_t *answer = NULL;
	const char *wrong;
	bool was_open = p->fd >= 0;

	free(line);
	json_decref(request);
	snprintf(error, REP_LINK_ERROR, "%s: mxloadd does not answer", l->path);
	if (was_open)
		answer = answer_to(p, text);
	if (p->fd < 0 && call(l, p, error))
		answer = answer_to(p, text);
	free(text);
	if (json_is_true(json_object_get(answer, "ok")))
		return answer;
	wrong = json_string_value(json_object_get(answer, "error"));
	if (wrong)
		snprintf(error, REP_LINK_ERROR, "%s", wrong);
	json_decref(answer);
	return NULL;
}

json_t *rep_link_ask(struct rep_link *l, json_t *request, char *error)
{
	return ask(l, &l->requests, request, error);
}

/* A network is told by an address in it. */
void rep_link_put_network(json_t *request, const char *network)
{
	if (*network)
		json_object_set_new(request, "to", json_sprintf("%.*s", (int)strcspn(network, "/"), network));
}

json_t *rep_link_follow(struct rep_link *l, char *error)
{
	hang_up(&l->events);
	return ask(l, &l->events, json_pack("{s:s,s:i,s:b}", "command", "flows", "limit", 100000, "follow", 1), error);
}

int rep_link_descriptor(const struct rep_link *l)
{
	return l->events.fd;
}

json_t *rep_link_event(struct rep_link *l)
{
	char *line;

	while (l->events.fd >= 0) {
		line = take_line(&l->events);
		if (line) {
			json_t *event = json_loads(line, 0, NULL);

			if (event)
				return event;
			hang_up(&l->events); /* nothing that the daemon would say */
			return NULL;
		}
		if (!receive(&l->events, 0))
			return NULL;
	}
	return NULL;
}
