// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>

#include "daemon/log.h"
#include "tools/mxrep/check.h"
#include "tools/mxrep/spf.h"

#define RECORDS_MAX 8u /* more than one is wrong already */
#define EMPTY "v=spf1 ~all"
#define UNNAMED "localhost" /* greets with it: no macro of a record should depend on that */

#define WHY_SPF                                                                                                        \
	"Google and Yahoo ask every sender for SPF (since February 2024), and others take mail from an address that "  \
	"it does not name for forged."
#define WHY_ALL "A record that lets everybody pass tells receivers nothing, and forgers use such domains."
#define WHY_LOOKUPS "Receivers stop at 10 lookups with permerror, and that is no pass: RFC 7208 section 4.6.4."
#define DO_LOOKUPS                                                                                                     \
	"take out include: terms of services that are not used any more, and write a, mx and what is left of "         \
	"include: "                                                                                                    \
	"as ip4: and ip6: terms"
#define DO_SHORTER "take terms together into networks (ip4:192.0.2.0/24), or move some to a record that is included"

/* A domain and its record. */
struct view {
	struct rep_check *check;
	const char *domain, *record;
	size_t longest; /* bytes of one of its records */
	bool too_many;  /* lookups */
	char *fixed;    /* the record with what it lacks; NULL: it lacks nothing, or cannot be helped in this way */
};

/* Takes `found`. */
static void add(const struct view *v, const struct rep_sender *sender, enum rep_health severity, const char *why,
		const char *publish, char *found)
{
	struct rep_about about = { REP_SUBJECT_DOMAIN, v->domain, sender ? sender->text : NULL, "spf" };

	rep_findings_add(v->check->findings, &about, severity, why, publish, "%s", found);
	free(found);
}

static enum rep_spf_result evaluate(const struct view *v, const struct rep_sender *sender, char *why, size_t size)
{
	struct rep_spf spf = { .dns = v->check->dns, .domain = v->domain, .record = v->record };

	spf.helo = sender->source->hostname ? sender->source->hostname : UNNAMED;
	return rep_spf_evaluate(&spf, sender->family, sender->address, why, size);
}

static bool is_said_before(const struct view *v, const struct rep_sender *sender)
{
	const struct rep_sender *s;

	for (s = v->check->senders; s < sender; s++)
		if (s->sends && s->family == sender->family && !mx_addr_cmp(s->address, sender->address))
			return true;
	return !sender->sends;
}

/* The terms that the record lacks; NULL: pending, or it is not for lack of terms that it does not let pass. The
 * caller's. */
static char *missing_terms(const struct view *v)
{
	char *terms, why[8];
	size_t size;
	FILE *out = open_memstream(&terms, &size);
	const struct rep_sender *s;
	bool useless = false;

	mx_have(out);
	for (s = v->check->senders; s < v->check->senders + v->check->sender_count; s++) {
		enum rep_spf_result result = is_said_before(v, s) ? REP_SPF_PASS : evaluate(v, s, why, sizeof(why));

		useless |= result == REP_SPF_PENDING || result == REP_SPF_TEMPERROR || result == REP_SPF_PERMERROR;
		if (result != REP_SPF_PASS)
			fprintf(out, "%s%s:%s", ftell(out) > 0 ? " " : "", s->family == MX_IPV4 ? "ip4" : "ip6",
				s->text);
	}
	fclose(out);
	if (!useless)
		return terms;
	free(terms);
	return NULL;
}

/* Behind terms that forbid what they let pass, they would come too late. */
static char *with_terms(const struct view *v, const char *terms)
{
	struct view better = *v;
	char *record = rep_spf_insert(v->record, terms, false), *missing;

	better.record = record;
	missing = missing_terms(&better);
	if (missing && *missing) {
		free(record);
		record = rep_spf_insert(v->record, terms, true);
	}
	free(missing);
	return record;
}

/* The record with what it lacks, as it stands in a zone's file; NULL: as missing_terms(). The caller's. */
static char *fixed_record(const struct view *v)
{
	char *terms = missing_terms(v), *record, *line;

	if (!terms)
		return NULL;
	record = with_terms(v, terms);
	line = rep_txt_record(v->domain, record);
	free(record);
	free(terms);
	return line;
}

/* False: the record is wrong for whatever address. */
static bool check_sender(const struct view *v, const struct rep_sender *sender)
{
	char why[300];
	enum rep_spf_result result = evaluate(v, sender, why, sizeof(why));
	const char *name = rep_spf_name(result);

	switch (result) {
	case REP_SPF_PENDING:
		break;
	case REP_SPF_PASS:
		add(v, sender, REP_WELL, NULL, NULL, mx_format("%s", name));
		break;
	case REP_SPF_FAIL:
		add(v, sender, REP_ERROR, WHY_SPF, v->fixed, mx_format("%s: the record forbids it", name));
		break;
	case REP_SPF_SOFTFAIL:
	case REP_SPF_NEUTRAL:
		add(v, sender, REP_WARNING, WHY_SPF, v->fixed, mx_format("%s: the record does not name it", name));
		break;
	case REP_SPF_TEMPERROR:
		add(v, sender, REP_UNCHECKED, WHY_SPF, NULL, mx_format("%s: the DNS did not answer", name));
		break;
	case REP_SPF_PERMERROR:
		if (!v->too_many)
			add(v, NULL, REP_ERROR, WHY_SPF, "correct the record, or what it includes",
			    mx_format("%s: %s", name, why));
		return false;
	}
	return true;
}

static void check_all(const struct view *v)
{
	const char *last = strrchr(v->record, ' ');
	char qualifier, *closed;

	if (!last || !rep_spf_is_all(last + 1, strlen(last + 1), &qualifier) || qualifier != '+')
		return;
	closed = mx_format("%.*s ~all", (int)(last - v->record), v->record);
	last = rep_txt_record(v->domain, closed);
	add(v, NULL, REP_WARNING, WHY_ALL, last, mx_format("the record lets everybody pass: it ends with all"));
	free((char *)(uintptr_t)last);
	free(closed);
}

static void check_lookups(struct view *v)
{
	bool pending;
	u32 count = rep_spf_lookups(v->check->dns, v->record, &pending);

	if (pending)
		return;
	v->too_many = count > REP_SPF_LOOKUPS;
	if (v->too_many)
		add(v, NULL, REP_ERROR, WHY_LOOKUPS, DO_LOOKUPS,
		    mx_format("permerror: the record takes %s%u lookups in the DNS, %u are allowed",
			      count == REP_SPF_COUNTED ? "at least " : "", count, REP_SPF_LOOKUPS));
	else
		add(v, NULL, REP_WELL, NULL, NULL,
		    mx_format("the record takes %u of %u lookups", count, REP_SPF_LOOKUPS));
}

static void check_record(struct view *v)
{
	const struct rep_sender *s;

	check_lookups(v);
	check_all(v);
	v->fixed = fixed_record(v);
	for (s = v->check->senders; s < v->check->senders + v->check->sender_count; s++)
		if (!is_said_before(v, s) && !check_sender(v, s))
			break;
	free(v->fixed);
}

static void say_several(struct view *v, char *const *records, u32 count)
{
	char *merged = rep_spf_merge(records, count), *line;

	v->record = merged;
	line = strlen(merged) <= REP_SPF_MAX ? fixed_record(v) : NULL;
	add(v, NULL, REP_ERROR, WHY_SPF, line ? line : "make one record of them",
	    mx_format("permerror: %u records where one may be", count));
	free(line);
	free(merged);
}

static void say_none(struct view *v)
{
	char *line;

	v->record = EMPTY;
	line = fixed_record(v);
	add(v, NULL, REP_ERROR, WHY_SPF, line, mx_format("none: the domain has no SPF record"));
	free(line);
}

void rep_check_spf(struct rep_check *check, const char *domain)
{
	const struct rep_dns_answer *answer = rep_dns_ask(check->dns, domain, REP_DNS_TXT);
	struct view v = { .check = check, .domain = domain };
	char *records[RECORDS_MAX];
	u32 i, count = 0;

	if (answer->state == REP_DNS_PENDING)
		return;
	if (answer->state == REP_DNS_FAILED) {
		add(&v, NULL, REP_UNCHECKED, WHY_SPF, NULL, mx_format("temperror: %s", answer->problem));
		return;
	}
	for (i = 0; i < answer->count && count < RECORDS_MAX; i++)
		if (rep_spf_is_record(answer->records[i].text)) {
			v.longest = strlen(answer->records[i].text) > v.longest ? strlen(answer->records[i].text)
										: v.longest;
			records[count++] = answer->records[i].text;
		}
	if (v.longest > REP_SPF_MAX) {
		add(&v, NULL, REP_ERROR, WHY_SPF, DO_SHORTER,
		    mx_format("a record of %zu bytes: expected at most %u", v.longest, REP_SPF_MAX));
	} else if (!count) {
		say_none(&v);
	} else if (count > 1) {
		say_several(&v, records, count);
	} else {
		v.record = records[0];
		check_record(&v);
	}
}
