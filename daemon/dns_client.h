/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks the resolvers of /etc/resolv.conf, by c-ares in the main thread's event loop. Nothing here ever waits. Each kind
 * of question has a line of its own, in which MX_DNS_CLIENT_OPEN are open at once; the others wait their turn.
 */
#ifndef MX_DAEMON_DNS_CLIENT_H
#define MX_DAEMON_DNS_CLIENT_H

#include <event2/event.h>

#include "daemon/dns_answer.h"

#define MX_DNS_CLIENT_OPEN 8

enum mx_dns_line {
	MX_DNS_LINE_DOMAINS,
	MX_DNS_LINE_REVERSE,
	MX_DNS_LINES,
};

/* What became of a question. */
enum mx_dns_fate {
	MX_DNS_FATE_ANSWER, /* there is one; it may hold no records */
	MX_DNS_FATE_NXDOMAIN,
	MX_DNS_FATE_SERVFAIL,
	MX_DNS_FATE_TIMEOUT,
	MX_DNS_FATE_ERROR,     /* an answer that is of no use, or that could not be had for another reason */
	MX_DNS_FATE_CANCELLED, /* it is not known: the resolvers are others now, or the daemon ends */
};

/* The answer, NULL unless the fate is MX_DNS_FATE_ANSWER, is good during the call alone. */
typedef void mx_dns_told(enum mx_dns_fate fate, const struct mx_dns_answer *answer, void *arg);

struct mx_dns_client;

/* Not ready before mx_dns_client_check(). */
struct mx_dns_client *mx_dns_client_new(struct event_base *base);

/* Whoever asked is told: cancelled. */
void mx_dns_client_free(struct mx_dns_client *client);

/*
 * Reads /etc/resolv.conf if it is another than before; what was asked until then is cancelled. Says in the log, once,
 * when nobody can be asked. True: it is read anew.
 */
bool mx_dns_client_check(struct mx_dns_client *client);

/* False: nobody can be asked now. */
bool mx_dns_client_ready(const struct mx_dns_client *client);

/* `name` is copied. `told` is called once for each question, perhaps before this returns. */
void mx_dns_client_ask(struct mx_dns_client *client, enum mx_dns_line line, const char *name, enum mx_dns_type type,
		       mx_dns_told *told, void *arg);

#endif
