/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mail domains that the configuration gives to providers: their MX hosts and those hosts' addresses are asked for,
 * at first and again before they are over, and learned. In the main thread.
 *
 * Where an answer cannot be had, or says that there is no such name, what was learned stays for the time that it was
 * learned for (learner.h).
 */
#ifndef MX_DAEMON_DOMAINS_H
#define MX_DAEMON_DOMAINS_H

#include "daemon/dns_client.h"
#include "daemon/policy.h"

#define MX_DOMAINS_WARN_AFTER 3600 /* s that a domain fails before the status warns of it */

enum mx_domain_state {
	MX_DOMAIN_NOTHING_YET,
	MX_DOMAIN_OK,
	MX_DOMAIN_NULL_MX, /* it takes no mail (RFC 7505) */
	MX_DOMAIN_NXDOMAIN,
	MX_DOMAIN_SERVFAIL,
	MX_DOMAIN_TIMEOUT,
	MX_DOMAIN_ERROR, /* among others: no MX host of it has an address */
	MX_DOMAIN_STATES,
};

/* Times in seconds since the epoch; 0: never. */
struct mx_domain_report {
	const char *name;
	enum mx_domain_state state;
	s64 asked, answered; /* when it was asked for last, and when that last went well */
	s64 next;            /* when it is asked for again; 0: it is being asked for now */
	s64 failing;         /* since when; 0: it is not */
};

struct mx_domains;

struct mx_domains *mx_domains_new(struct mx_policy *policy, struct mx_dns_client *client);

/* After the client, which may still tell. */
void mx_domains_free(struct mx_domains *domains);

/* Follows the configuration in force: what is new is asked for at the next tick, the rest when its time has come. */
void mx_domains_adopt(struct mx_domains *domains);

/* Asks for what is due. */
void mx_domains_tick(struct mx_domains *domains);

/* The resolvers are others: what failed is due. */
void mx_domains_retry(struct mx_domains *domains);

/* Of one provider (its index), in the order of the configuration. */
void mx_domains_each(const struct mx_domains *domains, u16 provider,
		     void (*each)(const struct mx_domain_report *report, void *arg), void *arg);

/* ok, nothing-yet, null-mx, nxdomain, servfail, timeout, error. */
const char *mx_domain_state_name(enum mx_domain_state state);

#endif
