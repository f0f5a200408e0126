// SPDX-License-Identifier: GPL-2.0-or-later
/* DMARC (RFC 7489). */
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "daemon/log.h"
#include "tools/mxrep/check.h"
#include "tools/mxrep/tags.h"

#define ADDRESSES_MAX 20u /* of rua that are looked at */

#define WHY_DMARC                                                                                                      \
	"Google and Yahoo ask every sender of much mail for a DMARC record (since February 2024), and refuse or "      \
	"delay mail without."
#define WHY_BROKEN "Receivers take a record that they cannot read for none."
#define WHY_NONE                                                                                                       \
	"p=none is enough for Google and Yahoo, but lets everybody forge mail of the domain, which its reputation "    \
	"then pays for."
#define WHY_REPORTS "Without rua= nobody reports who sends mail in the name of the domain, and what of it fails."
#define WHY_EXTERNAL "Receivers send no reports to another domain that does not agree to it (RFC 7489 section 7.1)."

struct view {
	struct rep_check *check;
	const char *domain;
	const char *where; /* the domain whose record it is */
	const char *text;
};

/* Takes `publish` and `found`. */
static void add(const struct view *v, enum rep_health severity, const char *why, char *publish, char *found)
{
	struct rep_about about = { REP_SUBJECT_DOMAIN, v->domain, NULL, "dmarc" };

	rep_findings_add(v->check->findings, &about, severity, why, publish, "%s", found);
	free(publish);
	free(found);
}

static char *new_record(const struct view *v)
{
	return mx_format("_dmarc.%s. TXT \"v=DMARC1; p=none; rua=mailto:dmarc@%s\", and p=quarantine once the reports "
			 "are clean",
			 v->domain, v->domain);
}

/* The record with another value of a tag, or with the tag behind p where it lacks it. */
static char *changed_record(const struct view *v, const struct rep_tags *tags, const char *name, const char *value)
{
	char *text = mx_format("v=DMARC1"), *owner = mx_format("_dmarc.%s", v->where), *longer;
	bool there = rep_tags_get(tags, name);
	u32 i;

	for (i = 1; i < tags->count; i++) {
		const struct rep_tag *t = &tags->items[i];
		bool is_it = !strcmp(t->name, name), behind = !there && !strcmp(t->name, "p");

		longer = mx_format("%s; %s=%s%s%s%s%s", text, t->name, is_it ? value : t->value, behind ? "; " : "",
				   behind ? name : "", behind ? "=" : "", behind ? value : "");
		free(text);
		text = longer;
	}
	longer = rep_txt_record(owner, text);
	free(text);
	free(owner);
	return longer;
}

static bool is_policy(const char *text)
{
	return text && (!strcasecmp(text, "none") || !strcasecmp(text, "quarantine") || !strcasecmp(text, "reject"));
}

static bool is_percent(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits && digits <= 3 && !text[digits] && atoi(text) <= 100;
}

/* The domain of "mailto:USER@DOMAIN!SIZE" into `domain` (256 bytes). */
static bool read_address(const char *uri, char *domain)
{
	const char *at = strrchr(uri, '@');
	size_t length;

	if (strncasecmp(uri, "mailto:", 7) || !at || at <= uri + 7)
		return false;
	length = strcspn(at + 1, "!");
	if (!length || length > 253)
		return false;
	memcpy(domain, at + 1, length);
	domain[length] = '\0';
	return !domain[strspn(domain, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")];
}

static bool agrees(const struct rep_dns_answer *answer)
{
	u32 i;

	for (i = 0; i < answer->count; i++)
		if (!strncmp(answer->records[i].text, "v=DMARC1", 8))
			return true;
	return false;
}

static void check_external(const struct view *v, const char *domain)
{
	char *name = mx_format("%s._report._dmarc.%s", v->where, domain);
	const struct rep_dns_answer *answer = rep_dns_ask(v->check->dns, name, REP_DNS_TXT);

	if (answer->state == REP_DNS_FAILED)
		add(v, REP_UNCHECKED, WHY_EXTERNAL, NULL,
		    mx_format("whether %s takes the reports: %s", domain, answer->problem));
	else if (answer->state != REP_DNS_PENDING && !agrees(answer))
		add(v, REP_WARNING, WHY_EXTERNAL, mx_format("%s. TXT \"v=DMARC1\"", name),
		    mx_format("rua: %s does not say that it takes reports for %s", domain, v->where));
	free(name);
}

static void check_reports(const struct view *v, const struct rep_tags *tags)
{
	const char *rua = rep_tags_get(tags, "rua");
	char *copy = mx_strdup(rua ? rua : ""), *next = copy, *part, domain[256];
	char *value = mx_format("mailto:dmarc@%s", v->where);
	u32 count = 0;

	if (!*copy)
		add(v, REP_WARNING, WHY_REPORTS, changed_record(v, tags, "rua", value),
		    mx_format("nobody gets reports: no rua"));
	while (*copy && (part = strsep(&next, ",")) && count++ < ADDRESSES_MAX) {
		while (isspace((unsigned char)*part))
			part++;
		part[strcspn(part, " \t")] = '\0';
		if (!read_address(part, domain))
			add(v, REP_WARNING, WHY_REPORTS, changed_record(v, tags, "rua", value),
			    mx_format("rua: expected addresses like mailto:dmarc@%s, not %.100s", v->where, part));
		else if (!rep_same_organization(domain, v->where))
			check_external(v, domain);
	}
	free(value);
	free(copy);
}

static void say_broken(const struct view *v, const char *wrong)
{
	add(v, REP_ERROR, WHY_BROKEN, new_record(v), mx_format("broken: %s: %s", wrong, v->text));
}

static const char *wrong_tags(const struct rep_tags *tags)
{
	const char *percent = rep_tags_get(tags, "pct"), *below = rep_tags_get(tags, "sp");

	if (strcmp(tags->items[0].name, "v") || strcmp(tags->items[0].value, "DMARC1"))
		return "expected v=DMARC1 to stand first";
	if (!is_policy(rep_tags_get(tags, "p")))
		return "expected p=none, quarantine or reject";
	if (below && !is_policy(below))
		return "expected sp=none, quarantine or reject";
	if (percent && !is_percent(percent))
		return "expected pct= to be from 0 to 100";
	return NULL;
}

static void check_policy(const struct view *v, const struct rep_tags *tags)
{
	bool inherited = strcmp(v->domain, v->where);
	const char *tag = inherited && rep_tags_get(tags, "sp") ? "sp" : "p", *policy = rep_tags_get(tags, tag);
	char *from = inherited ? mx_format(", inherited from %s", v->where) : mx_strdup("");

	if (!strcasecmp(policy, "none"))
		add(v, REP_WARNING, WHY_NONE, changed_record(v, tags, tag, "quarantine"),
		    mx_format("%s=%s%s", tag, policy, from));
	else
		add(v, REP_WELL, NULL, NULL, mx_format("%s=%s%s", tag, policy, from));
	free(from);
}

static void check_record(const struct view *v)
{
	struct rep_tags tags;
	const char *wrong;

	if (rep_tags_read(&tags, v->text, &wrong))
		wrong = wrong_tags(&tags);
	if (wrong) {
		say_broken(v, wrong);
	} else {
		check_policy(v, &tags);
		check_reports(v, &tags);
	}
	rep_tags_free(&tags);
}

/* The records that begin as one of DMARC does, in whatever case: those that are to be one. */
static u32 count_records(const struct rep_dns_answer *answer, const char **text)
{
	u32 i, count = 0;

	for (i = 0; i < answer->count; i++)
		if (!strncasecmp(answer->records[i].text, "v=DMARC1", 8) ||
		    strcasestr(answer->records[i].text, "DMARC1")) {
			*text = answer->records[i].text;
			count++;
		}
	return count;
}

/* Looks at v->where. True: this is as far as it goes. */
static bool look(struct view *v)
{
	char *name = mx_format("_dmarc.%s", v->where);
	const struct rep_dns_answer *answer = rep_dns_ask(v->check->dns, name, REP_DNS_TXT);
	u32 count = count_records(answer, &v->text);

	free(name);
	if (answer->state == REP_DNS_FAILED)
		add(v, REP_UNCHECKED, WHY_DMARC, NULL, mx_format("_dmarc.%s: %s", v->where, answer->problem));
	else if (count > 1)
		add(v, REP_ERROR, WHY_BROKEN, new_record(v), mx_format("%u records where one may be", count));
	else if (count == 1)
		check_record(v);
	return count || answer->state == REP_DNS_FAILED || answer->state == REP_DNS_PENDING;
}

/* One label less each time, down to two. */
void rep_check_dmarc(struct rep_check *check, const char *domain)
{
	struct view v = { .check = check, .domain = domain, .where = domain };
	const char *organization = rep_organization(domain);

	while (!look(&v)) {
		if (v.where == organization || !strchr(v.where, '.')) {
			add(&v, REP_ERROR, WHY_DMARC, new_record(&v),
			    mx_format("the domain has no DMARC record%s%s", v.where == domain ? "" : ", nor has ",
				      v.where == domain ? "" : v.where));
			return;
		}
		v.where = strchr(v.where, '.') + 1;
	}
}
