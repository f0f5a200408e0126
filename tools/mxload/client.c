// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxload/client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define READ_SIZE 65536
#define FOREVER (-1LL)

struct mx_client {
	const char *path;
	int fd;
	char *data; /* what was read: up to `start` it was returned, up to `seen` there is no further line */
	size_t start, seen, end, room;
};

static int interrupts = -1; /* signalfd, once they are caught */
static bool interrupted;

static void no_daemon(const char *path, const char *what) __attribute__((noreturn));
static void no_daemon(const char *path, const char *what)
{
	fprintf(stderr, "mxload: no daemon at %s: %s\n", path, what);
	exit(MX_EXIT_NO_DAEMON);
}

static long timeout_seconds(void)
{
	const char *seconds = getenv("MXLOAD_TIMEOUT");

	return seconds && atol(seconds) > 0 ? atol(seconds) : 10;
}

long mx_client_patience(void)
{
	return 1000 * timeout_seconds();
}

static long long milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* NULL with errno; ENAMETOOLONG is also that of a path. */
static struct mx_client *connect_to(const char *path, int flags)
{
	struct mx_client *client = calloc(1, sizeof(*client));
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval timeout = { timeout_seconds(), 0 };
	int error = ENAMETOOLONG;

	if (!client)
		abort();
	client->path = path;
	client->fd = -1;
	if (strlen(path) >= sizeof(address.sun_path))
		goto failed;
	memcpy(address.sun_path, path, strlen(path) + 1);
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	/* also for connect(): a daemon that hangs lets its backlog run full */
	if (client->fd >= 0 && !setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) &&
	    !connect(client->fd, (struct sockaddr *)&address, sizeof(address)))
		return client;
	error = errno;
failed:
	mx_client_close(client);
	errno = error;
	return NULL;
}

static const char *why_not_connected(void)
{
	return errno == EAGAIN         ? "it takes no connection in time"
	       : errno == ENAMETOOLONG ? "the path is too long"
				       : strerror(errno);
}

struct mx_client *mx_client_open(const char *path)
{
	struct mx_client *client = connect_to(path, 0);

	if (!client)
		no_daemon(path, why_not_connected());
	return client;
}

struct mx_client *mx_client_try(const char *path, const char **error)
{
	struct mx_client *client = connect_to(path, SOCK_NONBLOCK);

	if (!client)
		*error = why_not_connected();
	return client;
}

int mx_client_fd(const struct mx_client *client)
{
	return client->fd;
}

void mx_client_close(struct mx_client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	free(client->data);
	free(client);
}

/* --- waiting ---------------------------------------------------------------------------------------------------- */

void mx_client_catch_interrupts(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	interrupts = signalfd(-1, &set, SFD_CLOEXEC);
}

bool mx_client_was_interrupted(void)
{
	return interrupted;
}

/* False with errno when the deadline (of milliseconds()) is over, or an interrupt was caught. */
static bool wait_readable(const struct mx_client *client, long long deadline)
{
	struct pollfd p[] = { { .fd = client->fd, .events = POLLIN }, { .fd = interrupts, .events = POLLIN } };
	long long left = deadline == FOREVER ? -1 : deadline - milliseconds();

	errno = ETIMEDOUT;
	if ((deadline != FOREVER && left < 0) || poll(p, 2, (int)left) <= 0)
		return false;
	interrupted = p[1].revents;
	errno = EINTR;
	return !interrupted;
}

static bool read_more(struct mx_client *client, long long deadline)
{
	ssize_t n;

	if (client->room - client->end < READ_SIZE) {
		if (client->start)
			memmove(client->data, client->data + client->start, client->end - client->start);
		client->end -= client->start;
		client->seen -= client->start;
		client->start = 0;
		client->room = 2 * client->end + 2 * READ_SIZE;
		client->data = realloc(client->data, client->room);
		if (!client->data)
			abort();
	}
	if (!wait_readable(client, deadline))
		return false;
	n = read(client->fd, client->data + client->end, client->room - client->end);
	if (!n)
		errno = ECONNRESET;
	if (n <= 0)
		return false;
	client->end += (size_t)n;
	return true;
}

static const char *read_line(struct mx_client *client, long long deadline)
{
	const char *line;
	char *newline;

	while (!(newline = client->end > client->seen
				   ? memchr(client->data + client->seen, '\n', client->end - client->seen)
				   : NULL)) {
		client->seen = client->end;
		if (!read_more(client, deadline))
			return NULL;
	}
	*newline = '\0';
	line = client->data + client->start;
	client->start = client->seen = (size_t)(newline - client->data) + 1;
	return line;
}

const char *mx_client_next(struct mx_client *client)
{
	return read_line(client, FOREVER);
}

static const char *why_no_answer(void)
{
	return errno == ETIMEDOUT    ? "no answer in time"
	       : errno == ECONNRESET ? "it closed the connection"
				     : strerror(errno);
}

const char *mx_client_poll(struct mx_client *client, const char **error)
{
	const char *line = read_line(client, milliseconds());

	*error = line || errno == ETIMEDOUT || errno == EAGAIN ? NULL : why_no_answer();
	return line;
}

/* False with errno. */
static bool send_all(struct mx_client *client, const char *text, size_t left)
{
	while (left) {
		ssize_t n = send(client->fd, text, left, MSG_NOSIGNAL);

		if (n < 0)
			return false;
		text += n;
		left -= (size_t)n;
	}
	return true;
}

bool mx_client_send(struct mx_client *client, json_t *request, const char **error)
{
	char *text = json_dumps(request, JSON_COMPACT);
	bool sent;

	if (!text)
		abort();
	json_decref(request);
	sent = send_all(client, text, strlen(text)) && send_all(client, "\n", 1);
	if (!sent)
		*error = errno == EAGAIN ? "it does not listen" : strerror(errno);
	free(text);
	return sent;
}

json_t *mx_client_ask(struct mx_client *client, json_t *request, const char **line)
{
	json_error_t unread;
	const char *error;
	json_t *answer;

	if (!mx_client_send(client, request, &error))
		no_daemon(client->path, error);
	*line = read_line(client, milliseconds() + mx_client_patience());
	if (!*line)
		no_daemon(client->path, why_no_answer());
	answer = json_loads(*line, 0, &unread);
	if (!json_is_object(answer))
		no_daemon(client->path, "the answer is not JSON");
	return answer;
}
