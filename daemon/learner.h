/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What DNS answers teach about addresses: whose they are, by the name of the host that they belong to. A host is a
 * provider's when its name ends with one of the provider's suffixes, when a mail domain of the provider's has it as
 * its MX (that is remembered while the MX record lasts), or when its name is an alias of such a host.
 *
 * Only answers that were asked for and that come from a resolver may be given to it: a server that answers for names
 * of its own could otherwise speak for others.
 */
#ifndef MX_DAEMON_LEARNER_H
#define MX_DAEMON_LEARNER_H

#include "daemon/destinations.h"
#include "daemon/dns_answer.h"
#include "daemon/suffixes.h"

/* How much longer than its record says an address is remembered: mail to it may wait, and servers move slowly. */
#define MX_LEARNER_GRACE 86400

struct mx_learner;

/* For how many seconds something is remembered that its record gives so many: a week at most, and the grace. */
u32 mx_learner_lasting(u32 ttl);

struct mx_learner *mx_learner_new(void);
void mx_learner_free(struct mx_learner *learner);

/* The providers are others now: what hosts they have is forgotten. */
void mx_learner_forget(struct mx_learner *learner);

/* A host is the provider's (its index) for `seconds`. Past 4,096 hosts nothing more is taken. */
void mx_learner_add_host(struct mx_learner *learner, const char *name, u16 provider, u32 seconds, u32 now);

/*
 * Takes an answer: remembers the MX hosts of a provider's domain, and calls `each` for every address whose provider
 * it tells. `now` in seconds since the epoch.
 */
void mx_learner_take(struct mx_learner *learner, const struct mx_suffixes *suffixes, const struct mx_dns_answer *answer,
		     enum mx_origin origin, u32 now, void (*each)(const struct mx_lesson *lesson, void *arg),
		     void *arg);

#endif
