// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "daemon/log.h"
#include "tools/mxrep/check.h"

#define HOSTS_MAX 20u
#define WHY_MX                                                                                                         \
	"Bounces and complaints go back to the sending domain, and receivers refuse mail from a domain that cannot "   \
	"take them."
#define WHY_IMPLICIT                                                                                                   \
	"Without an MX record bounces go to the domain's own address: right only where a mail server answers there."

/* Takes `found`. */
static void add(struct rep_check *check, const char *domain, enum rep_health severity, const char *why, char *found)
{
	struct rep_about about = { REP_SUBJECT_DOMAIN, domain, NULL, "mx" };
	char *record = mx_format("%s. MX 10 <the host that takes mail for %s>.", domain, domain);

	rep_findings_add(check->findings, &about, severity, why, why ? record : NULL, "%s", found);
	free(record);
	free(found);
}

/* Whether a name has an address of either family. Failed: neither is known, and the DNS did not say. */
static enum rep_dns_state has_address(struct rep_check *check, const char *name)
{
	enum rep_dns_state a = rep_dns_ask(check->dns, name, REP_DNS_A)->state;
	enum rep_dns_state aaaa = rep_dns_ask(check->dns, name, REP_DNS_AAAA)->state;

	if (a == REP_DNS_FOUND || aaaa == REP_DNS_FOUND)
		return REP_DNS_FOUND;
	if (a == REP_DNS_PENDING || aaaa == REP_DNS_PENDING)
		return REP_DNS_PENDING;
	return a == REP_DNS_FAILED || aaaa == REP_DNS_FAILED ? REP_DNS_FAILED : REP_DNS_ABSENT;
}

static void check_hosts(struct rep_check *check, const char *domain, const struct rep_dns_answer *mx)
{
	bool pending = false, failed = false;
	u32 i;

	for (i = 0; i < mx->count && i < HOSTS_MAX; i++) {
		enum rep_dns_state state = has_address(check, mx->records[i].text);

		if (state == REP_DNS_FOUND) {
			add(check, domain, REP_WELL, NULL, mx_format("%s", mx->records[i].text));
			return;
		}
		pending |= state == REP_DNS_PENDING;
		failed |= state == REP_DNS_FAILED;
	}
	if (pending)
		return;
	if (failed)
		add(check, domain, REP_UNCHECKED, WHY_MX, mx_format("whether its hosts have addresses: no answer"));
	else
		add(check, domain, REP_ERROR, WHY_MX, mx_format("its host %s has no address", mx->records[0].text));
}

static void check_implicit(struct rep_check *check, const char *domain)
{
	switch (has_address(check, domain)) {
	case REP_DNS_PENDING:
		break;
	case REP_DNS_FOUND:
		add(check, domain, REP_WARNING, WHY_IMPLICIT, mx_format("no MX record, only an address"));
		break;
	case REP_DNS_FAILED:
		add(check, domain, REP_UNCHECKED, WHY_MX,
		    mx_format("no MX record; whether it has an address: no answer"));
		break;
	case REP_DNS_ABSENT:
		add(check, domain, REP_ERROR, WHY_MX,
		    mx_format("no MX record and no address: bounces cannot come back"));
	}
}

static bool is_null_mx(const struct rep_dns_answer *mx)
{
	return mx->count == 1 && !*mx->records[0].text;
}

void rep_check_mx(struct rep_check *check, const char *domain)
{
	const struct rep_dns_answer *mx = rep_dns_ask(check->dns, domain, REP_DNS_MX);

	if (mx->state == REP_DNS_FAILED)
		add(check, domain, REP_UNCHECKED, WHY_MX, mx_format("%s", mx->problem));
	else if (mx->state == REP_DNS_ABSENT)
		check_implicit(check, domain);
	else if (mx->state == REP_DNS_FOUND && is_null_mx(mx))
		add(check, domain, REP_ERROR, WHY_MX,
		    mx_format("null MX: the domain says that it takes no mail (RFC 7505)"));
	else if (mx->state == REP_DNS_FOUND)
		check_hosts(check, domain, mx);
}
