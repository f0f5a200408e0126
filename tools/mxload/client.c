// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxload/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

struct mx_client {
	const char *path;
	FILE *in;
	int fd;
	char *line;
	size_t size;
};

static void no_daemon(const struct mx_client *client, const char *what) __attribute__((noreturn));
static void no_daemon(const struct mx_client *client, const char *what)
{
	fprintf(stderr, "mxload: no daemon at %s: %s\n", client->path, what);
	exit(MX_EXIT_NO_DAEMON);
}

static void set_timeout(struct mx_client *client, long seconds)
{
	struct timeval timeout = { seconds, 0 };

	setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
}

struct mx_client *mx_client_open(const char *path)
{
	struct mx_client *client = calloc(1, sizeof(*client));
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *seconds = getenv("MXLOAD_TIMEOUT");

	if (!client)
		abort();
	client->path = path;
	if (strlen(path) >= sizeof(address.sun_path))
		no_daemon(client, "the path is too long");
	memcpy(address.sun_path, path, strlen(path) + 1);
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0 || connect(client->fd, (struct sockaddr *)&address, sizeof(address)))
		no_daemon(client, strerror(errno));
	client->in = fdopen(client->fd, "r");
	if (!client->in)
		no_daemon(client, strerror(errno));
	set_timeout(client, seconds && atol(seconds) > 0 ? atol(seconds) : 10);
	return client;
}

void mx_client_close(struct mx_client *client)
{
	fclose(client->in);
	free(client->line);
	free(client);
}

const char *mx_client_next(struct mx_client *client)
{
	ssize_t n;

	errno = 0;
	n = getline(&client->line, &client->size, client->in);
	if (n <= 0)
		return NULL;
	if (client->line[n - 1] == '\n')
		client->line[n - 1] = '\0';
	return client->line;
}

static void send_all(struct mx_client *client, const char *text, size_t left)
{
	while (left) {
		ssize_t n = send(client->fd, text, left, MSG_NOSIGNAL);

		if (n < 0)
			no_daemon(client, strerror(errno));
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
	*line = mx_client_next(client);
	if (!*line)
		no_daemon(client, errno == EAGAIN ? "no answer in time"
				  : errno         ? strerror(errno)
						  : "it closed the connection");
	answer = json_loads(*line, 0, &error);
	if (!json_is_object(answer))
		no_daemon(client, "the answer is not JSON");
	set_timeout(client, 0);
	return answer;
}
