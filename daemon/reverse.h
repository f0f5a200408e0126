/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks whose an unknown destination is by the name that its address has (PTR): when that name is a provider's, and the
 * provider's own DNS gives the name the same address, it is learned, for the next connection. In the main thread.
 */
#ifndef MX_DAEMON_REVERSE_H
#define MX_DAEMON_REVERSE_H

#include "daemon/dns_client.h"
#include "daemon/policy.h"
#include "daemon/wonders.h"

#define MX_REVERSE_OPEN 8        /* addresses at once */
#define MX_REVERSE_REST_MSEC 200 /* from one to the next: 5 a second */

struct mx_reverse;

struct mx_reverse_stats {
	u64 asked, confirmed;
};

/* Takes up what comes to `wonders` from now on. */
struct mx_reverse *mx_reverse_new(struct event_base *base, struct mx_policy *policy, struct mx_dns_client *client,
				  struct mx_wonders *wonders);

/* After the client, which may still tell. */
void mx_reverse_free(struct mx_reverse *reverse);

/* Goes on, where nobody could be asked before. */
void mx_reverse_tick(struct mx_reverse *reverse);

struct mx_reverse_stats mx_reverse_stats(const struct mx_reverse *reverse);

/* The name under which the PTR of an address stands, into `name` (MX_DNS_NAME bytes), which is returned. */
const char *mx_reverse_name(enum mx_family family, struct mx_addr addr, char *name);

#endif
