// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/dns_client.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/jail.h"
#include "daemon/log.h"
#include "daemon/text.h"

struct question {
	struct question *next;
	struct mx_dns_asked asked;
	mx_dns_heard *heard;
	void *arg;
};

struct line {
	struct question *waiting, **end;
	struct question *open;
	u32 count; /* of those that are open */
};

struct mx_dns_client {
	struct mx_jail *jail;
	struct event *event;
	struct line lines[MX_DNS_LINES];
	u32 number; /* of the last question */
	bool ready, closing, starting;
	bool checking; /* the process has not answered yet whether the resolvers are others */
	void (*anew)(void *arg);
	void *arg;
	struct mx_dns_told told;
};

/* --- questions -------------------------------------------------------------------------------------------------- */

static void tell(struct question *q, enum mx_dns_fate fate, const struct mx_dns_answer *answer)
{
	q->heard(fate, fate == MX_DNS_FATE_ANSWER ? answer : NULL, q->arg);
	free(q);
}

static struct question *take_first(struct line *line)
{
	struct question *q = line->waiting;

	if (!q)
		return NULL;
	line->waiting = q->next;
	if (!line->waiting)
		line->end = &line->waiting;
	return q;
}

static bool send_asked(const struct mx_dns_client *c, const struct mx_dns_asked *asked)
{
	return send(mx_jail_socket(c->jail, 0), asked, sizeof(*asked), MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(*asked);
}

static void open_one(struct mx_dns_client *c, struct line *line, struct question *q)
{
	c->number = c->number + 1 ? c->number + 1 : MX_DNS_CHECK + 1;
	q->asked.number = c->number;
	if (!send_asked(c, &q->asked)) {
		tell(q, MX_DNS_FATE_CANCELLED, NULL);
		return;
	}
	q->next = line->open;
	line->open = q;
	line->count++;
}

/* Who is told at once may ask again, which ends here, too. */
static void start_more(struct mx_dns_client *c, struct line *line)
{
	struct question *q;

	if (c->starting || c->closing)
		return;
	c->starting = true;
	while (line->count < MX_DNS_CLIENT_OPEN && (q = take_first(line)))
		open_one(c, line, q);
	c->starting = false;
}

void mx_dns_client_ask(struct mx_dns_client *c, enum mx_dns_line line, const char *name, enum mx_dns_type type,
		       mx_dns_heard *heard, void *arg)
{
	struct line *l = &c->lines[line];
	struct question *q;

	if (!mx_dns_client_ready(c) || strlen(name) >= sizeof(q->asked.name)) {
		heard(MX_DNS_FATE_CANCELLED, NULL, arg);
		return;
	}
	q = mx_alloc(sizeof(*q));
	q->asked.type = type;
	strcpy(q->asked.name, name);
	q->heard = heard;
	q->arg = arg;
	*l->end = q;
	l->end = &q->next;
	start_more(c, l);
}

/* Nothing is asked meanwhile: who is told may want to. */
static void cancel_all(struct mx_dns_client *c)
{
	struct question *q;
	u32 i;

	c->closing = true;
	for (i = 0; i < MX_DNS_LINES; i++) {
		while ((q = c->lines[i].open)) {
			c->lines[i].open = q->next;
			tell(q, MX_DNS_FATE_CANCELLED, NULL);
		}
		c->lines[i].count = 0;
		while ((q = take_first(&c->lines[i])))
			tell(q, MX_DNS_FATE_CANCELLED, NULL);
	}
	c->closing = false;
}

/* --- what is told ----------------------------------------------------------------------------------------------- */

static struct question *take_open(struct mx_dns_client *c, u32 number, struct line **line)
{
	struct question **at, *q;
	u32 i;

	for (i = 0; i < MX_DNS_LINES; i++)
		for (at = &c->lines[i].open; (q = *at); at = &q->next)
			if (q->asked.number == number) {
				*at = q->next;
				c->lines[i].count--;
				*line = &c->lines[i];
				return q;
			}
	return NULL;
}

static void take_check(struct mx_dns_client *c)
{
	c->checking = false;
	c->ready = c->told.fate == MX_DNS_READY || c->told.fate == MX_DNS_READY_ANEW;
	if (c->told.fate != MX_DNS_READY)
		cancel_all(c);
	if (c->told.fate == MX_DNS_READY_ANEW)
		c->anew(c->arg);
}

static void on_told(evutil_socket_t fd, short what, void *arg)
{
	struct mx_dns_client *c = arg;
	ssize_t n = recv(fd, &c->told, sizeof(c->told), MSG_DONTWAIT);
	size_t head = offsetof(struct mx_dns_told, answer);
	struct question *q;
	struct line *line;

	(void)what;
	if (n <= 0) { /* its end: a new one is started */
		event_del(c->event);
		return;
	}
	if ((size_t)n < head || !mx_dns_answer_is_sound(&c->told.answer, (size_t)n - head))
		return;
	if (c->told.number == MX_DNS_CHECK) {
		take_check(c);
		return;
	}
	q = take_open(c, c->told.number, &line);
	if (!q)
		return;
	tell(q, c->told.fate <= MX_DNS_FATE_CANCELLED ? c->told.fate : MX_DNS_FATE_ERROR, &c->told.answer);
	start_more(c, line);
}

/* --- the process ------------------------------------------------------------------------------------------------ */

bool mx_dns_client_ready(const struct mx_dns_client *c)
{
	return c->ready && !c->closing;
}

void mx_dns_client_check(struct mx_dns_client *c)
{
	const struct mx_dns_asked check = { .number = MX_DNS_CHECK };

	if (c->checking)
		mx_jail_give_up(c->jail);
	else
		c->checking = send_asked(c, &check); /* if it is gone, the next one is asked */
}

void mx_dns_client_revive(struct mx_dns_client *c)
{
	if (!mx_jail_revive(c->jail))
		return;
	event_del(c->event); /* what it watched is another socket now */
	event_add(c->event, NULL);
	c->ready = c->checking = false;
	cancel_all(c);
	mx_dns_client_check(c);
}

struct mx_dns_client *mx_dns_client_new(struct event_base *base, void (*anew)(void *arg), void *arg)
{
	struct mx_dns_client *c = mx_alloc(sizeof(*c));
	u32 i;

	c->jail = mx_jail_start("mxload-resolver", MX_JAIL_NETWORK, 1, mx_dns_lookup_run);
	c->event = event_new(base, mx_jail_socket(c->jail, 0), EV_READ | EV_PERSIST, on_told, c);
	if (!c->event || event_add(c->event, NULL))
		mx_fatal("cannot wait for DNS answers");
	c->anew = anew;
	c->arg = arg;
	for (i = 0; i < MX_DNS_LINES; i++)
		c->lines[i].end = &c->lines[i].waiting;
	return c;
}

void mx_dns_client_free(struct mx_dns_client *c)
{
	cancel_all(c);
	event_free(c->event);
	mx_jail_stop(c->jail);
	free(c);
}
