// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/metrics.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/clock.h"

#define CLIENTS_MAX 16         /* when one more comes, the oldest goes */
#define PATIENCE_SECONDS 10    /* for a connection, from its first byte to its last */
#define HEAD_MAX_BYTES 8192    /* of a request */
#define UNREAD_MAX_BYTES 65536 /* that may follow it */
#define PART 20                /* of the time goes at most into making the text */
#define RETRY_MSEC 5000        /* an address that cannot be had is tried again */
#define LARGE_BYTES 65536      /* of a text whose memory is worth giving back */

/* Who is served slowly has his own text, though there is a newer one. */
struct text {
	char *bytes;
	size_t size;
	u32 readers; /* and one for being the newest */
};

struct client {
	struct client *next; /* an older one */
	struct mx_metrics *metrics;
	struct bufferevent *io;
	struct event *patience;
	size_t unread; /* bytes, after the request */
	bool answered;
	bool heard; /* he will say no more */
};

struct mx_metrics {
	struct mx_daemon *daemon;
	char *address;                   /* of the configuration */
	struct evconnlistener *listener; /* NULL: nobody is served */
	char *error;
	u64 tried;              /* ms */
	struct client *clients; /* the newest first */
	u32 count;
	struct text *text; /* the newest; NULL: there is none */
	u64 made, took;    /* ms */
};

/* --- the text --------------------------------------------------------------------------------------------------- */

static void drop_text(struct text *text)
{
	bool large = text->size > LARGE_BYTES;

	if (--text->readers)
		return;
	free(text->bytes);
	free(text);
	if (large)
		malloc_trim(0);
}

static void text_was_sent(const void *bytes, size_t size, void *arg)
{
	(void)bytes, (void)size;
	drop_text(arg);
}

static struct text *newest_text(struct mx_metrics *m)
{
	u64 now = mx_clock_steady_ms();

	if (m->text && now < m->made + m->took * PART)
		return m->text;
	if (m->text)
		drop_text(m->text);
	m->text = mx_alloc(sizeof(*m->text));
	m->text->readers = 1;
	m->text->bytes = mx_metrics_text(m->daemon, &m->text->size);
	m->made = mx_clock_steady_ms();
	m->took = m->made - now;
	return m->text;
}

/* --- clients ---------------------------------------------------------------------------------------------------- */

static void drop(struct client *client)
{
	struct client **at = &client->metrics->clients;

	while (*at != client)
		at = &(*at)->next;
	*at = client->next;
	client->metrics->count--;
	event_free(client->patience);
	bufferevent_free(client->io);
	free(client);
}

static void drop_oldest(struct mx_metrics *m)
{
	struct client *oldest = m->clients;

	while (oldest->next)
		oldest = oldest->next;
	drop(oldest);
}

static void on_impatience(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	drop(arg);
}

/* Who has only said all that he has to say still gets his answer. */
static void on_end(struct bufferevent *io, short what, void *arg)
{
	struct client *client = arg;

	client->heard = what & BEV_EVENT_EOF;
	if (!client->heard || !evbuffer_get_length(bufferevent_get_output(io)))
		drop(client);
}

/* The answer is out. Who closes while something is unread resets the connection, so he is waited for. */
static void on_written(struct bufferevent *io, void *arg)
{
	struct client *client = arg;

	if (client->heard)
		drop(client);
	else if (client->answered)
		shutdown(bufferevent_getfd(io), SHUT_WR);
}

/* --- requests --------------------------------------------------------------------------------------------------- */

static void answer_head(struct client *client, const char *status, const char *type, size_t length)
{
	evbuffer_add_printf(bufferevent_get_output(client->io),
			    "HTTP/1.1 %s\r\n%sContent-Type: text/plain; %scharset=utf-8\r\nContent-Length: %zu\r\n"
			    "Connection: close\r\n\r\n",
			    status, strncmp(status, "405", 3) ? "" : "Allow: GET, HEAD\r\n", type, length);
	client->answered = true;
}

static void answer_error(struct client *client, const char *status, const char *text)
{
	answer_head(client, status, "", strlen(text));
	bufferevent_write(client->io, text, strlen(text));
}

static void answer_metrics(struct client *client, bool body)
{
	struct text *text = newest_text(client->metrics);

	answer_head(client, "200 OK", "version=0.0.4; ", text->size);
	if (body &&
	    !evbuffer_add_reference(bufferevent_get_output(client->io), text->bytes, text->size, text_was_sent, text))
		text->readers++;
}

/* Of "/path?query" or "http://host/path?query". */
static bool is_metrics(const char *target)
{
	static const char scheme[] = "http://";
	size_t length;

	if (!strncasecmp(target, scheme, strlen(scheme)))
		target += strlen(scheme) + strcspn(target + strlen(scheme), "/");
	length = strcspn(target, "?");
	return length == strlen("/metrics") && !strncmp(target, "/metrics", length);
}

static void take_request(struct client *client, const char *line)
{
	char method[16], target[256], version[16], more;

	if (sscanf(line, "%15[A-Za-z] %255[!-~] %15[!-~]%c", method, target, version, &more) != 3 ||
	    strncmp(version, "HTTP/1.", 7))
		answer_error(client, "400 Bad Request", "expected a request of HTTP/1.1\n");
	else if (!is_metrics(target))
		answer_error(client, "404 Not Found", "expected /metrics\n");
	else if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		answer_error(client, "405 Method Not Allowed", "expected GET or HEAD\n");
	else
		answer_metrics(client, !strcmp(method, "GET"));
}

static bool has_whole_head(struct evbuffer *in)
{
	return evbuffer_search(in, "\r\n\r\n", 4, NULL).pos >= 0 || evbuffer_search(in, "\n\n", 2, NULL).pos >= 0;
}

/* Each connection has one request; what comes after it is not looked at, and there may not be much of it. */
static void on_read(struct bufferevent *io, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(io);
	struct client *client = arg;
	char *line;

	if (!client->answered && has_whole_head(in)) {
		line = evbuffer_readln(in, NULL, EVBUFFER_EOL_CRLF);
		take_request(client, line ? line : "");
		free(line);
	} else if (!client->answered && evbuffer_get_length(in) >= HEAD_MAX_BYTES) {
		answer_error(client, "431 Request Header Fields Too Large", "expected less than 8192 bytes\n");
	}
	if (!client->answered)
		return;
	client->unread += evbuffer_get_length(in);
	evbuffer_drain(in, evbuffer_get_length(in));
	if (client->unread > UNREAD_MAX_BYTES)
		drop(client);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr, int length, void *arg)
{
	struct timeval patience = { PATIENCE_SECONDS, 0 };
	struct client *client = mx_alloc(sizeof(*client));
	struct mx_metrics *m = arg;

	(void)listener, (void)addr, (void)length;
	if (m->count == CLIENTS_MAX)
		drop_oldest(m);
	client->metrics = m;
	client->io = bufferevent_socket_new(m->daemon->base, fd, BEV_OPT_CLOSE_ON_FREE);
	client->patience = evtimer_new(m->daemon->base, on_impatience, client);
	if (!client->io || !client->patience || evtimer_add(client->patience, &patience))
		mx_fatal("out of memory");
	client->next = m->clients;
	m->clients = client;
	m->count++;
	bufferevent_setcb(client->io, on_read, on_written, on_end, client);
	bufferevent_setwatermark(client->io, EV_READ, 0, HEAD_MAX_BYTES);
	bufferevent_enable(client->io, EV_READ | EV_WRITE);
}

/* --- the address ------------------------------------------------------------------------------------------------ */

/* Returns a socket that listens, or -1 with errno. */
static int listen_on(const char *endpoint)
{
	int yes = 1, length = sizeof(struct sockaddr_storage), fd, wrong;
	struct sockaddr_storage address;

	/* The configuration has been checked for this form. */
	if (evutil_parse_sockaddr_port(endpoint, (struct sockaddr *)&address, &length)) {
		errno = EINVAL;
		return -1;
	}
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (!bind(fd, (struct sockaddr *)&address, (socklen_t)length) && !listen(fd, CLIENTS_MAX))
		return fd;
	wrong = errno;
	close(fd);
	errno = wrong;
	return -1;
}

/* Says what is wrong when it is something new. */
static void take_error(struct mx_metrics *m, char *error)
{
	if (error && (!m->error || strcmp(error, m->error)))
		mx_log(MX_LOG_WARNING, "%s", error);
	free(m->error);
	m->error = error;
}

static void serve(struct mx_metrics *m)
{
	bool failed = m->error != NULL;
	int fd = listen_on(m->address);

	m->tried = mx_clock_steady_ms();
	if (fd < 0) {
		take_error(m, mx_format("metrics: cannot listen on %s: %s: nobody is served", m->address,
					strerror(errno)));
		return;
	}
	take_error(m, NULL);
	m->listener = evconnlistener_new(m->daemon->base, on_accept, m, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
					 -1, fd);
	if (!m->listener)
		mx_fatal("out of memory");
	if (failed)
		mx_log(MX_LOG_INFO, "metrics: listening on %s", m->address);
}

static void cease(struct mx_metrics *m)
{
	while (m->clients)
		drop(m->clients);
	if (m->listener)
		evconnlistener_free(m->listener);
	m->listener = NULL;
	take_error(m, NULL);
}

struct mx_metrics *mx_metrics_start(struct mx_daemon *daemon)
{
	struct mx_metrics *m = mx_alloc(sizeof(*m));

	m->daemon = daemon;
	m->address = mx_strdup(daemon->policy.config->metrics);
	if (*m->address)
		serve(m);
	return m;
}

void mx_metrics_reload(struct mx_metrics *m)
{
	const char *address = m->daemon->policy.config->metrics;

	if (!strcmp(address, m->address))
		return;
	cease(m);
	free(m->address);
	m->address = mx_strdup(address);
	if (*m->address)
		serve(m);
}

void mx_metrics_tick(struct mx_metrics *m)
{
	if (*m->address && !m->listener && mx_clock_steady_ms() >= m->tried + RETRY_MSEC)
		serve(m);
}

const char *mx_metrics_error(const struct mx_metrics *m)
{
	return m->error;
}

void mx_metrics_stop(struct mx_metrics *m)
{
	cease(m);
	if (m->text)
		drop_text(m->text);
	free(m->address);
	free(m);
}
