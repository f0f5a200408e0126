/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listens to the DNS answers that this host and its clients get: the table copies them to a netlink socket (NFLOG), the
 * daemon is never in their way. What an answer teaches is known before the connection that follows it: the copy is in
 * the socket before the answer reaches who asked, and whoever decides about an unknown destination reads it first.
 *
 * An answer counts when the question was seen, from the same address and port to the same server, with the same number
 * and name, and when the question was one to a resolver (recursion desired): what the servers of strangers say to a
 * resolver on this host does not count, since they could speak for others.
 */
#ifndef MX_DAEMON_DNS_TAP_H
#define MX_DAEMON_DNS_TAP_H

#include "daemon/parser.h"
#include "daemon/policy.h"

#define MX_DNS_TAP_GROUP 2553 /* of NFLOG; nft-rules/mxload.nft has it, too */

struct mx_dns_tap;

struct mx_dns_tap_stats {
	u64 questions, answers; /* answers that were asked for */
	u64 unasked;            /* that nobody was seen to ask for */
	u64 broken;             /* that cannot be read */
	u64 lost;               /* times the kernel dropped copies */
};

/* Starts the thread. NULL, with errno, when the kernel gives no copies (EBUSY: another program has the group). */
struct mx_dns_tap *mx_dns_tap_start(struct mx_policy *policy, struct mx_parser *parser);
void mx_dns_tap_stop(struct mx_dns_tap *tap);

/* Reads what waits, without the policy's lock: from any thread. */
void mx_dns_tap_drain(struct mx_dns_tap *tap);

struct mx_dns_tap_stats mx_dns_tap_stats(struct mx_dns_tap *tap);

#endif
