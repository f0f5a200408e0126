/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks the resolvers of /etc/resolv.conf, through a process that reads what they answer (dns_lookup.h), in the main
 * thread's event loop. Nothing here ever waits. Each kind of question has a line of its own, in which
 * MX_DNS_CLIENT_OPEN are open at once; the others wait their turn.
 */
#ifndef MX_DAEMON_DNS_CLIENT_H
#define MX_DAEMON_DNS_CLIENT_H

#include <event2/event.h>

#include "daemon/dns_lookup.h"

#define MX_DNS_CLIENT_OPEN 8

enum mx_dns_line {
	MX_DNS_LINE_DOMAINS,
	MX_DNS_LINE_REVERSE,
	MX_DNS_LINES,
};

/* The answer, NULL unless the fate is MX_DNS_FATE_ANSWER, is good during the call alone. */
typedef void mx_dns_heard(enum mx_dns_fate fate, const struct mx_dns_answer *answer, void *arg);

struct mx_dns_client;

/* Not ready before mx_dns_client_check(). `anew` is called whenever other resolvers are asked than before. */
struct mx_dns_client *mx_dns_client_new(struct event_base *base, void (*anew)(void *arg), void *arg);

/* Whoever asked is told: cancelled. */
void mx_dns_client_free(struct mx_dns_client *client);

/*
 * Has /etc/resolv.conf read if it is another than before; what was asked until then is cancelled. The log says, once,
 * when nobody can be asked. A process that has not answered the last time is replaced; so not more than once a minute.
 */
void mx_dns_client_check(struct mx_dns_client *client);

/* To be called when a child has ended, and now and then: its process is started again. */
void mx_dns_client_revive(struct mx_dns_client *client);

/* False: nobody can be asked now. */
bool mx_dns_client_ready(const struct mx_dns_client *client);

/* `name` is copied. `heard` is called once for each question, perhaps before this returns. */
void mx_dns_client_ask(struct mx_dns_client *client, enum mx_dns_line line, const char *name, enum mx_dns_type type,
		       mx_dns_heard *heard, void *arg);

#endif
