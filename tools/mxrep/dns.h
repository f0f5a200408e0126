/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Many questions to the DNS at once. Whoever wants to know asks for everything that comes to mind, finds some of it
 * pending, waits once for all of it, and asks the same again: then each answer is there, and stays.
 */
#ifndef MX_REP_DNS_H
#define MX_REP_DNS_H

#include "core/addr.h"

/* Milliseconds: for one question, with its second try; everything together gets six times as long. */
#define REP_DNS_TIMEOUT 5000
#define REP_DNS_TIMEOUT_VARIABLE "MXREP_DNS_TIMEOUT" /* of the environment: seconds instead, 0.1 to 60 */
#define REP_DNS_IN_FLIGHT 100
#define REP_DNS_QUESTIONS 200000u /* more are not asked, so that no record can make us ask without an end */

/* As the DNS numbers them. */
enum rep_dns_type {
	REP_DNS_A = 1,
	REP_DNS_PTR = 12,
	REP_DNS_MX = 15,
	REP_DNS_TXT = 16,
	REP_DNS_AAAA = 28,
};

enum rep_dns_state {
	REP_DNS_PENDING,
	REP_DNS_FOUND,  /* at least one record */
	REP_DNS_ABSENT, /* no such name, or no such record there */
	REP_DNS_FAILED, /* nobody knows: see `problem` */
};

struct rep_dns_record {
	char *text; /* PTR and MX: a name without the dot at its end. TXT: its strings, joined; a NUL has become \1 */
	struct mx_addr address; /* A, AAAA */
};

struct rep_dns_answer {
	enum rep_dns_state state;
	const char *problem; /* constant text */
	struct rep_dns_record *records;
	u32 count;
};

struct rep_dns;

/*
 * `server`: "ADDRESS" or "ADDRESS:PORT", IPv6 with a port in brackets; NULL: those of the host. NULL: `error` (`size`
 * bytes) says why not.
 */
struct rep_dns *rep_dns_new(const char *server, char *error, size_t size);
void rep_dns_free(struct rep_dns *dns);

/* What is known of it; stays where it is until rep_dns_free(). Pending: it is asked by the next rep_dns_wait(). */
const struct rep_dns_answer *rep_dns_ask(struct rep_dns *dns, const char *name, enum rep_dns_type type);

/* Gets the answers to all that is pending. False: nothing was. Once the time is up, every question fails at once. */
bool rep_dns_wait(struct rep_dns *dns);

static inline enum rep_dns_type rep_dns_address_type(enum mx_family family)
{
	return family == MX_IPV4 ? REP_DNS_A : REP_DNS_AAAA;
}

/* Whether an answer to A or AAAA has the address. */
bool rep_dns_has(const struct rep_dns_answer *answer, struct mx_addr address);

#endif
