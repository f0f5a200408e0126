/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks the resolvers of /etc/resolv.conf, by c-ares, in a process of its own (jail.h); the daemon's end of its socket
 * is dns_client.h. These are the messages between them.
 */
#ifndef MX_DAEMON_DNS_LOOKUP_H
#define MX_DAEMON_DNS_LOOKUP_H

#include <stddef.h>

#include "daemon/dns_answer.h"

/* What became of a question. */
enum mx_dns_fate {
	MX_DNS_FATE_ANSWER, /* there is one; it may hold no records */
	MX_DNS_FATE_NXDOMAIN,
	MX_DNS_FATE_SERVFAIL,
	MX_DNS_FATE_TIMEOUT,
	MX_DNS_FATE_ERROR,     /* an answer that is of no use, or that could not be had for another reason */
	MX_DNS_FATE_CANCELLED, /* it is not known: the resolvers are others now, or the daemon ends; the last of them */
};

/* Whether somebody can be asked. */
enum mx_dns_ready {
	MX_DNS_NOT_READY,
	MX_DNS_READY,
	MX_DNS_READY_ANEW, /* other resolvers than before */
};

#define MX_DNS_CHECK 0 /* as a number: has /etc/resolv.conf changed? The answer's fate is an enum mx_dns_ready. */

struct mx_dns_asked {
	u32 number; /* the answer bears the same */
	u32 type;
	char name[MX_DNS_NAME + 2];
};

struct mx_dns_told {
	u32 number;
	u32 fate;
	struct mx_dns_answer answer; /* as far as its records go */
};

/* How many of its bytes are sent. */
static inline size_t mx_dns_told_size(const struct mx_dns_told *told)
{
	return offsetof(struct mx_dns_told, answer) + mx_dns_answer_size(&told->answer);
}

/* The process: answers each question by one message, until the other end of its socket is closed. */
void mx_dns_lookup_run(const int *sockets);

#endif
