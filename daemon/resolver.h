/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon itself asks of the DNS, in the main thread's event loop, so that providers are known: the addresses
 * of the mail domains that they are configured by (domains.h), and the names of destinations that nobody knows
 * (reverse.h). No connection ever waits for it.
 */
#ifndef MX_DAEMON_RESOLVER_H
#define MX_DAEMON_RESOLVER_H

#include "daemon/domains.h"
#include "daemon/reverse.h"

struct mx_resolver;

/* Begins to ask at the first tick. */
struct mx_resolver *mx_resolver_start(struct event_base *base, struct mx_policy *policy);

/* Before the event base goes, and after everybody who wonders. */
void mx_resolver_stop(struct mx_resolver *resolver);

/* Another policy is in force. */
void mx_resolver_reload(struct mx_resolver *resolver);

/* A few times a second: what is due is asked for; each minute the resolvers are looked up. */
void mx_resolver_tick(struct mx_resolver *resolver);

/* To be called when a child has ended, and now and then: who asks for it is started again. */
void mx_resolver_revive(struct mx_resolver *resolver);

/* The destination of this connection is unknown. From any thread; never waits, and costs next to nothing. */
void mx_resolver_wonder(struct mx_resolver *resolver, const struct mx_flow *flow);

/* For those who tell. */
const struct mx_domains *mx_resolver_domains(const struct mx_resolver *resolver);
struct mx_reverse_stats mx_resolver_reverse_stats(const struct mx_resolver *resolver);

#endif
