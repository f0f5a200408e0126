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
	char *data; /* what was read: up to `start` it was returned */
	size_t start, end, room;
};

static int interrupts = -1; /* signalfd, once they are caught */
static bool interrupted;

static void no_daemon(const struct mx_client *client, const char *what) __attribute__((noreturn));
static void no_daemon(const struct mx_client *client, const char *what)
{
	fprintf(stderr, "mxload: no daemon at %s: %s\n", client->path, what);
	exit(MX_EXIT_NO_DAEMON);
}

static long timeout_seconds(void)
{
	const char *seconds = getenv("MXLOAD_TIMEOUT");

	return seconds && atol(seconds) > 0 ? atol(seconds) : 10;
}

static long long milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

struct mx_client *mx_client_open(const char *path)
{
	struct mx_client *client = calloc(1, sizeof(*client));
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval timeout = { timeout_seconds(), 0 };

	if (!client)
		abort();
	client->path = path;
	if (strlen(path) >= sizeof(address.sun_path))
		no_daemon(client, "the path is too long");
	memcpy(address.sun_path, path, strlen(path) + 1);
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0)
		no_daemon(client, strerror(errno));
	/* also for connect(): a daemon that hangs lets its backlog run full */
	setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	if (connect(client->fd, (struct sockaddr *)&address, sizeof(address)))
		no_daemon(client, errno == EAGAIN ? "it takes no connection in time" : strerror(errno));
	return client;
}

void mx_client_close(struct mx_client *client)
{
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
	size_t seen = client->start;
	const char *line;
	char *newline;

	while (!(newline = client->end > seen ? memchr(client->data + seen, '\n', client->end - seen) : NULL)) {
		seen = client->end - client->start; /* read_more() may move what was read */
		if (!read_more(client, deadline))
			return NULL;
		seen += client->start;
	}
	*newline = '\0';
	line = client->data + client->start;
	client->start = (size_t)(newline - client->data) + 1;
	return line;
}

const char *mx_client_next(struct mx_client *client)
{
	return read_line(client, FOREVER);
}

static void send_all(struct mx_client *client, const char *text, size_t left)
{
	while (left) {
		ssize_t n = send(client->fd, text, left, MSG_NOSIGNAL);

		if (n < 0)
			no_daemon(client, errno == EAGAIN ? "it does not listen" : strerror(errno));
		text += n;
		left -= (size_t)n;
	}
}

json_t *mx_client_ask(struct mx_client *client, json_t *request, const char **line)
{
	char *text = json_dumps(request, JSON_COMPACT);
	json_error_t error;
	json_t *answer;

	if (!text)
		abort();
	json_decref(request);
	send_all(client, text, strlen(text));
	send_all(client, "\n", 1);
	free(text);
	*line = read_line(client, milliseconds() + 1000 * timeout_seconds());
	if (!*line)
		no_daemon(client, errno == ETIMEDOUT    ? "no answer in time"
				  : errno == ECONNRESET ? "it closed the connection"
							: strerror(errno));
	answer = json_loads(*line, 0, &error);
	if (!json_is_object(answer))
		no_daemon(client, "the answer is not JSON");
	return answer;
}
