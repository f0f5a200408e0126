// SPDX-License-Identifier: GPL-2.0-or-later
#define CARES_NO_DEPRECATED /* what c-ares 1.18 has is there in newer ones, too */
#include "daemon/dns_lookup.h"

#include <ares.h>
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "daemon/log.h"

#define RESOLVERS "/etc/resolv.conf"
#define CLASS_IN 1
#define TIMEOUT_MSEC 2000 /* for the first try; c-ares doubles it */
#define TRIES 3           /* of each resolver */

struct question {
	struct lookup *lookup;
	u32 number;
};

struct watched {
	struct watched *next;
	ares_socket_t fd;
	struct event *event;
};

struct lookup {
	int socket;
	struct event_base *base;
	struct event *timer;
	ares_channel channel; /* NULL: nobody can be asked */
	struct watched *sockets;
	char *complaint;       /* that was made; NULL: none */
	struct stat resolvers; /* of the file that was read */
	struct mx_dns_told told;
};

/* --- sockets and time ------------------------------------------------------------------------------------------- */

static void set_timer(struct lookup *l)
{
	struct timeval left;

	if (l->channel && ares_timeout(l->channel, NULL, &left))
		event_add(l->timer, &left);
	else
		event_del(l->timer);
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
	struct lookup *l = arg;

	(void)fd, (void)what;
	if (l->channel)
		ares_process_fd(l->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timer(l);
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
	struct lookup *l = arg;

	ares_process_fd(l->channel, what & EV_READ ? fd : ARES_SOCKET_BAD, what & EV_WRITE ? fd : ARES_SOCKET_BAD);
	set_timer(l);
}

static struct watched **find_socket(struct lookup *l, ares_socket_t fd)
{
	struct watched **at = &l->sockets;

	while (*at && (*at)->fd != fd)
		at = &(*at)->next;
	return at;
}

/* c-ares wants to read or write, or (neither) is about to close it. */
static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct lookup *l = arg;
	struct watched **at = find_socket(l, fd), *w = *at;

	if (w) {
		event_free(w->event);
		*at = w->next;
		free(w);
	}
	if (!readable && !writable)
		return;
	w = mx_alloc(sizeof(*w));
	w->fd = fd;
	w->event = event_new(l->base, fd, (short)(EV_PERSIST | (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0)),
			     on_socket, l);
	if (!w->event || event_add(w->event, NULL))
		mx_fatal("cannot watch a socket for DNS answers");
	w->next = l->sockets;
	l->sockets = w;
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

static void tell(struct lookup *l, u32 number, u32 fate)
{
	l->told.number = number;
	l->told.fate = fate;
	if (fate != MX_DNS_FATE_ANSWER || number == MX_DNS_CHECK)
		l->told.answer.count = 0;
	if (send(l->socket, &l->told, mx_dns_told_size(&l->told), MSG_NOSIGNAL) < 0)
		event_base_loopbreak(l->base);
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *data, int length)
{
	struct question *q = arg;
	struct lookup *l = q->lookup;

	(void)timeouts;
	tell(l, q->number,
	     data ? fate_of_answer(mx_dns_answer_read(data, (size_t)length, &l->told.answer)) : fate_of_status(status));
	free(q);
}

static void ask(struct lookup *l, const struct mx_dns_asked *asked)
{
	struct question *q;

	if (!l->channel) {
		tell(l, asked->number, MX_DNS_FATE_CANCELLED);
		return;
	}
	q = mx_alloc(sizeof(*q));
	*q = (struct question){ l, asked->number };
	ares_query(l->channel, asked->name, CLASS_IN, (int)asked->type, on_answer, q);
	set_timer(l);
}

/* --- from one channel to the next ------------------------------------------------------------------------------- */

static void complain(struct lookup *l, const char *why)
{
	if (l->complaint && !strcmp(l->complaint, why))
		return;
	free(l->complaint);
	l->complaint = mx_strdup(why);
	mx_log(MX_LOG_WARNING, "no DNS: %s: providers' domains are not asked for, what is known of addresses stays",
	       why);
}

static void open_channel(struct lookup *l)
{
	struct ares_options options = {
		.timeout = TIMEOUT_MSEC, .tries = TRIES, .sock_state_cb = on_socket_state, .sock_state_cb_data = l
	};
	int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB, status;

#ifdef ARES_OPT_QUERY_CACHE /* asked again is asked again */
	mask |= ARES_OPT_QUERY_CACHE;
#endif
	status = ares_init_options(&l->channel, &options, mask);
	if (status != ARES_SUCCESS) {
		l->channel = NULL;
		complain(l, ares_strerror(status));
		return;
	}
	if (l->complaint)
		mx_log(MX_LOG_INFO, "DNS is there: %s is read", RESOLVERS);
	free(l->complaint);
	l->complaint = NULL;
}

/* Whoever has asked is told: cancelled. */
static void close_channel(struct lookup *l)
{
	if (l->channel)
		ares_destroy(l->channel);
	l->channel = NULL;
	set_timer(l);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static enum mx_dns_ready check(struct lookup *l)
{
	struct stat now;

	if (stat(RESOLVERS, &now)) {
		char *why = mx_format("cannot read %s: %s", RESOLVERS, strerror(errno));

		if (!l->channel)
			complain(l, why); /* else those that were read will do */
		free(why);
	} else if (!l->channel || !is_same(&now, &l->resolvers)) {
		l->resolvers = now;
		close_channel(l);
		open_channel(l);
		return l->channel ? MX_DNS_READY_ANEW : MX_DNS_NOT_READY;
	}
	return l->channel ? MX_DNS_READY : MX_DNS_NOT_READY;
}

/* --- the process ------------------------------------------------------------------------------------------------ */

static void on_asked(evutil_socket_t fd, short what, void *arg)
{
	struct lookup *l = arg;
	struct mx_dns_asked asked;

	(void)what;
	if (recv(fd, &asked, sizeof(asked), 0) != sizeof(asked)) {
		event_base_loopbreak(l->base);
		return;
	}
	if (asked.number == MX_DNS_CHECK)
		tell(l, MX_DNS_CHECK, check(l));
	else
		ask(l, &asked);
}

void mx_dns_lookup_run(const int *sockets)
{
	struct lookup l = { .socket = sockets[0], .base = event_base_new() };
	struct event *asked;

	if (!l.base || ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		mx_fatal("cannot start c-ares");
	l.timer = evtimer_new(l.base, on_time, &l);
	asked = event_new(l.base, l.socket, EV_READ | EV_PERSIST, on_asked, &l);
	event_add(asked, NULL);
	event_base_dispatch(l.base);
}
