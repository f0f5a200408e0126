/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SPF (RFC 7208): libspf2 evaluates, with the answers of our DNS. */
#ifndef MX_REP_SPF_H
#define MX_REP_SPF_H

#include "tools/mxrep/dns.h"

#define REP_SPF_LOOKUPS 10  /* more give permerror (section 4.6.4) */
#define REP_SPF_MAX 2000    /* longer records than this are not evaluated: receivers need not, and few would */
#define REP_SPF_COUNTED 100 /* lookups are counted up to here */

enum rep_spf_result {
	REP_SPF_PENDING, /* wait for the DNS, and evaluate again */
	REP_SPF_PASS,
	REP_SPF_FAIL,
	REP_SPF_SOFTFAIL,
	REP_SPF_NEUTRAL,
	REP_SPF_TEMPERROR,
	REP_SPF_PERMERROR,
};

struct rep_spf {
	struct rep_dns *dns;
	const char *domain, *helo; /* MAIL FROM:<postmaster@DOMAIN>, and what the MTA greets with */
	const char *record;
};

/* "pass", "softfail" ... */
const char *rep_spf_name(enum rep_spf_result result);

/* Whether a TXT record is one of SPF. */
bool rep_spf_is_record(const char *text);

/* What the record says of an address; `why` (`size` bytes): what is wrong with it. */
enum rep_spf_result rep_spf_evaluate(const struct rep_spf *spf, enum mx_family family, struct mx_addr address,
				     char *why, size_t size);

/*
 * The lookups that evaluating it to the end costs, those of the records that it leads to with them; up to
 * REP_SPF_COUNTED. *pending: some of those are not known yet.
 */
u32 rep_spf_lookups(struct rep_dns *dns, const char *record, bool *pending);

/* The record with more terms before its `all` or `redirect`, or at its end; or `first` of all. The caller's. */
char *rep_spf_insert(const char *record, const char *terms, bool first);

/* One record of several: the terms of all of them, each once, and the `all` of the first that has one. The caller's. */
char *rep_spf_merge(char *const *records, u32 count);

/* Whether a term is `all`, of whatever qualifier, which *qualifier then is. */
bool rep_spf_is_all(const char *term, size_t length, char *qualifier);

#endif
