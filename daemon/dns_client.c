// SPDX-License-Identifier: GPL-2.0-or-later
#define CARES_NO_DEPRECATED /* what c-ares 1.18 has is there in newer ones, too */
#include "daemon/dns_client.h"

#include <ares.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/log.h"

#define RESOLVERS "/etc/resolv.conf"
#define CLASS_IN 1
#define TIMEOUT_MSEC 2000 /* for the first try; c-ares doubles it */
#define TRIES 3           /* of each resolver */

struct question {
	struct question *next;
	struct mx_dns_client *client;
	struct line *line;
	char *name;
	enum mx_dns_type type;
	mx_dns_told *told;
	void *arg;
};

struct line {
	struct question *first, **end; /* that wait */
	u32 open;
};

struct watched {
	struct watched *next;
	ares_socket_t fd;
	struct event *event;
};

struct mx_dns_client {
	struct event_base *base;
	struct event *timer;
	ares_channel channel; /* NULL: nobody can be asked */
	struct watched *sockets;
	struct line lines[MX_DNS_LINES];
	bool closing, starting; /* a channel; questions */
	char *complaint;        /* that was made; NULL: none */
	struct stat resolvers;  /* of the file that was read */
	struct mx_dns_answer answer;
};

/* --- sockets and time ------------------------------------------------------------------------------------------- */

static void set_timer(struct mx_dns_client *c)
{
	struct timeval left;

	if (c->channel && ares_timeout(c->channel, NULL, &left))
		event_add(c->timer, &left);
	else
		event_del(c->timer);
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
	struct mx_dns_client *c = arg;

	(void)fd, (void)what;
	if (c->channel)
		ares_process_fd(c->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timer(c);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct mx_dns_client *c = arg;

	ares_process_fd(c->channel, what & EV_READ ? fd : ARES_SOCKET_BAD, what & EV_WRITE ? fd : ARES_SOCKET_BAD);
	set_timer(c);
}

static struct watched **find_socket(struct mx_dns_client *c, ares_socket_t fd)
{
	struct watched **at = &c->sockets;

	while (*at && (*at)->fd != fd)
		at = &(*at)->next;
	return at;
}

/* c-ares wants to read or write, or (neither) is about to close it. */
static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct mx_dns_client *c = arg;
	struct watched **at = find_socket(c, fd), *w = *at;

	if (w) {
		event_free(w->event);
		*at = w->next;
		free(w);
	}
	if (!readable && !writable)
		return;
	w = mx_alloc(sizeof(*w));
	w->fd = fd;
	w->event = event_new(c->base, fd, (short)(EV_PERSIST | (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0)),
			     on_socket, c);
	if (!w->event || event_add(w->event, NULL))
		mx_fatal("cannot watch a socket for DNS answers");
	w->next = c->sockets;
	c->sockets = w;
}

/* --- questions -------------------------------------------------------------------------------------------------- */

static enum mx_dns_fate fate_of_answer(enum mx_dns_result result)
{
	return result == MX_DNS_READ       ? MX_DNS_FATE_ANSWER
	       : result == MX_DNS_NXDOMAIN ? MX_DNS_FATE_NXDOMAIN
	       : result == MX_DNS_SERVFAIL ? MX_DNS_FATE_SERVFAIL
					   : MX_DNS_FATE_ERROR;
}

static enum mx_dns_fate fate_of_status(int status)
{
	switch (status) {
	case ARES_ENOTFOUND:
		return MX_DNS_FATE_NXDOMAIN;
	case ARES_ESERVFAIL:
	case ARES_ECONNREFUSED: /* what c-ares 1.18 says when every resolver has failed */
		return MX_DNS_FATE_SERVFAIL;
	case ARES_ETIMEOUT:
		return MX_DNS_FATE_TIMEOUT;
	case ARES_ECANCELLED:
	case ARES_EDESTRUCTION:
		return MX_DNS_FATE_CANCELLED;
	default:
		return MX_DNS_FATE_ERROR;
	}
}

static void tell(struct question *q, enum mx_dns_fate fate)
{
	q->told(fate, fate == MX_DNS_FATE_ANSWER ? &q->client->answer : NULL, q->arg);
	free(q->name);
	free(q);
}

static void start_more(struct mx_dns_client *c, struct line *line);

static void on_answer(void *arg, int status, int timeouts, unsigned char *data, int length)
{
	struct question *q = arg;
	struct mx_dns_client *c = q->client;
	struct line *line = q->line;

	(void)timeouts;
	line->open--;
	tell(q, data ? fate_of_answer(mx_dns_answer_read(data, (size_t)length, &c->answer)) : fate_of_status(status));
	start_more(c, line);
}

static struct question *take_first(struct line *line)
{
	struct question *q = line->first;

	if (!q)
		return NULL;
	line->first = q->next;
	if (!line->first)
		line->end = &line->first;
	return q;
}

/* c-ares may answer at once, which ends here again. */
static void start_more(struct mx_dns_client *c, struct line *line)
{
	struct question *q;

	if (c->starting || c->closing)
		return;
	c->starting = true;
	while (line->open < MX_DNS_CLIENT_OPEN && (q = take_first(line))) {
		line->open++;
		ares_query(c->channel, q->name, CLASS_IN, q->type, on_answer, q);
	}
	c->starting = false;
	set_timer(c);
}

void mx_dns_client_ask(struct mx_dns_client *c, enum mx_dns_line line, const char *name, enum mx_dns_type type,
		       mx_dns_told *told, void *arg)
{
	struct question *q;

	if (!mx_dns_client_ready(c)) {
		told(MX_DNS_FATE_CANCELLED, NULL, arg);
		return;
	}
	q = mx_alloc(sizeof(*q));
	*q = (struct question){ NULL, c, &c->lines[line], mx_strdup(name), type, told, arg };
	*q->line->end = q;
	q->line->end = &q->next;
	start_more(c, q->line);
}

/* --- from one channel to the next ------------------------------------------------------------------------------- */

bool mx_dns_client_ready(const struct mx_dns_client *c)
{
	return c->channel && !c->closing;
}

static void complain(struct mx_dns_client *c, const char *why)
{
	if (c->complaint && !strcmp(c->complaint, why))
		return;
	free(c->complaint);
	c->complaint = mx_strdup(why);
	mx_log(MX_LOG_WARNING, "no DNS: %s: providers' domains are not asked for, what is known of addresses stays",
	       why);
}

static void open_channel(struct mx_dns_client *c)
{
	struct ares_options options = {
		.timeout = TIMEOUT_MSEC, .tries = TRIES, .sock_state_cb = on_socket_state, .sock_state_cb_data = c
	};
	int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB, status;

#ifdef ARES_OPT_QUERY_CACHE /* asked again is asked again */
	mask |= ARES_OPT_QUERY_CACHE;
#endif
	status = ares_init_options(&c->channel, &options, mask);
	if (status != ARES_SUCCESS) {
		c->channel = NULL;
		complain(c, ares_strerror(status));
		return;
	}
	if (c->complaint)
		mx_log(MX_LOG_INFO, "DNS is there: %s is read", RESOLVERS);
	free(c->complaint);
	c->complaint = NULL;
}

/* Nothing is asked meanwhile: who is told may want to. */
static void close_channel(struct mx_dns_client *c)
{
	struct question *q;
	u32 i;

	c->closing = true;
	if (c->channel)
		ares_destroy(c->channel);
	c->channel = NULL;
	for (i = 0; i < MX_DNS_LINES; i++)
		while ((q = take_first(&c->lines[i])))
			tell(q, MX_DNS_FATE_CANCELLED);
	c->closing = false;
	set_timer(c);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

bool mx_dns_client_check(struct mx_dns_client *c)
{
	struct stat now;

	if (stat(RESOLVERS, &now)) {
		char *why = mx_format("cannot read %s: %s", RESOLVERS, strerror(errno));

		if (!c->channel)
			complain(c, why); /* else those that were read will do */
		free(why);
		return false;
	}
	if (c->channel && is_same(&now, &c->resolvers))
		return false;
	c->resolvers = now;
	close_channel(c);
	open_channel(c);
	return c->channel != NULL;
}

struct mx_dns_client *mx_dns_client_new(struct event_base *base)
{
	struct mx_dns_client *c = mx_alloc(sizeof(*c));
	u32 i;

	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		mx_fatal("cannot start c-ares");
	c->base = base;
	c->timer = evtimer_new(base, on_time, c);
	for (i = 0; i < MX_DNS_LINES; i++)
		c->lines[i].end = &c->lines[i].first;
	return c;
}

void mx_dns_client_free(struct mx_dns_client *c)
{
	close_channel(c);
	event_free(c->timer);
	free(c->complaint);
	free(c);
	ares_library_cleanup();
}
