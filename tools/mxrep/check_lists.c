// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>

#include "tools/mxrep/check.h"

#define WHY_LISTED "Receivers that ask this list refuse mail from the address, or take it for spam."
#define WHY_LIST                                                                                                       \
	"Who asks such a list through a public resolver, too often or without an account gets no true answer, and "    \
	"silence would look like a clean address."
#define DO_LIST                                                                                                        \
	"ask it through a resolver of your own (--server), register where the list asks for it, or take it out of "    \
	"block-lists"

/* RFC 5782 section 5: what every list has to list, and what none may. */
static const struct mx_addr has_to[] = { { 0, 0x7f000002 }, { 0, 0xffff7f000002 } };
static const struct mx_addr must_not[] = { { 0, 0x7f000001 }, { 0, 0xffff7f000001 } };

static const char *const usual[] = { "zen.spamhaus.org", "bl.spamcop.net", "b.barracudacentral.org",
				     "psbl.surriel.com" };

enum listing {
	LISTING_PENDING,
	LISTING_CLEAN,
	LISTING_LISTED,
	LISTING_REFUSED, /* 127.255.255.x: the list says that it was asked in a wrong way */
	LISTING_STRANGE, /* an address that no list gives */
	LISTING_FAILED,
};

struct question {
	struct rep_check *check;
	const char *list;
	char name[REP_REVERSE];
	const struct rep_dns_answer *answer;
	struct mx_addr code; /* the lowest of the worst kind */
};

static enum listing kind_of(struct mx_addr code)
{
	if (code.lo >> 24 != 127)
		return LISTING_STRANGE;
	return code.lo >> 8 == 0x7fffff ? LISTING_REFUSED : LISTING_LISTED;
}

/* Worse answers make the others of the same question worthless. */
static enum listing read_codes(struct question *q)
{
	enum listing worst = LISTING_CLEAN;
	u32 i;

	for (i = 0; i < q->answer->count; i++) {
		struct mx_addr code = q->answer->records[i].address;
		enum listing kind = kind_of(code);

		if (kind < worst || (kind == worst && mx_addr_cmp(code, q->code) >= 0))
			continue;
		worst = kind;
		q->code = code;
	}
	return worst;
}

static enum listing ask(struct question *q, enum mx_family family, struct mx_addr address)
{
	rep_reverse(family, address, q->list, q->name);
	q->answer = rep_dns_ask(q->check->dns, q->name, REP_DNS_A);
	switch (q->answer->state) {
	case REP_DNS_PENDING:
		return LISTING_PENDING;
	case REP_DNS_FAILED:
		return LISTING_FAILED;
	case REP_DNS_ABSENT:
		return LISTING_CLEAN;
	case REP_DNS_FOUND:
		break;
	}
	return read_codes(q);
}

/* What Spamhaus's codes mean: https://www.spamhaus.org/faqs/dnsbl-usage/ */
static const char *meaning(const char *list, struct mx_addr code)
{
	size_t length = strlen(list);

	if (length < 12 || strcmp(list + length - 12, "spamhaus.org") || code.lo >> 8 != 0x7f0000)
		return "";
	switch (code.lo & 255) {
	case 2:
		return " (SBL: seen with spam)";
	case 3:
		return " (SBL CSS: spam of low reputation)";
	case 4 ... 7:
		return " (XBL: the host is taken over, or an open proxy)";
	case 9:
		return " (SBL DROP: a network in wrong hands)";
	case 10 ... 11:
		return " (PBL: a line that should not send mail itself; its owner can take it out)";
	}
	return "";
}

static void say_listed(struct question *q, const struct rep_sender *sender)
{
	struct rep_about about = { REP_SUBJECT_SOURCE, sender->source->name, sender->text, "list" };
	const struct rep_dns_answer *text = rep_dns_ask(q->check->dns, q->name, REP_DNS_TXT);
	bool has_text = text->state == REP_DNS_FOUND;
	char code[MX_ADDR_TEXT], publish[400];

	mx_addr_text(MX_IPV4, q->code, code);
	snprintf(publish, sizeof(publish), "find what caused it, end that, then ask %s to take the address out",
		 q->list);
	rep_findings_add(q->check->findings, &about, REP_ERROR, WHY_LISTED, publish, "on %s as %s%s%s%s", q->list, code,
			 meaning(q->list, q->code), has_text ? ": " : "", has_text ? text->records[0].text : "");
}

static void say_unchecked(struct question *q, const struct rep_about *about, enum listing listing)
{
	char code[MX_ADDR_TEXT];

	if (listing == LISTING_FAILED)
		rep_findings_add(q->check->findings, about, REP_UNCHECKED, WHY_LIST, DO_LIST, "%s: %s", q->list,
				 q->answer->problem);
	else
		rep_findings_add(q->check->findings, about, REP_UNCHECKED, WHY_LIST, DO_LIST,
				 "%s answers %s, which is no listing%s", q->list, mx_addr_text(MX_IPV4, q->code, code),
				 listing == LISTING_REFUSED
					 ? " but an error (a public resolver, or too many questions?)"
					 : " (does somebody else answer in its place?)");
}

static void check_sender(struct rep_check *check, const char *list, const struct rep_sender *sender)
{
	struct rep_about about = { REP_SUBJECT_SOURCE, sender->source->name, sender->text, "list" };
	struct question q = { .check = check, .list = list };
	enum listing listing = ask(&q, sender->family, sender->address);

	if (listing == LISTING_CLEAN)
		rep_findings_add(check->findings, &about, REP_WELL, NULL, NULL, "not on %s", list);
	else if (listing == LISTING_LISTED)
		say_listed(&q, sender);
	else if (listing != LISTING_PENDING)
		say_unchecked(&q, &about, listing);
}

/* Whether the list is one, as far as the addresses of a family go. */
static bool is_sound(struct rep_check *check, const char *list, enum mx_family family)
{
	struct question has = { .check = check, .list = list }, not = has;
	struct rep_about about = { REP_SUBJECT_LIST, list, NULL, "list" };
	enum listing first = ask(&has, family, has_to[family]), second = ask(&not, family, must_not[family]);

	if (first == LISTING_PENDING || second == LISTING_PENDING)
		return false;
	if (first == LISTING_LISTED && second == LISTING_CLEAN)
		return true;
	if (first != LISTING_LISTED && first != LISTING_CLEAN)
		say_unchecked(&has, &about, first);
	else if (second != LISTING_LISTED && second != LISTING_CLEAN)
		say_unchecked(&not, &about, second);
	else if (first == LISTING_CLEAN && family == MX_IPV6)
		rep_findings_add(check->findings, &about, REP_WELL, NULL, NULL,
				 "it lists no IPv6 addresses: those were not looked for");
	else
		rep_findings_add(check->findings, &about, REP_UNCHECKED, WHY_LIST, DO_LIST,
				 "it does not answer as it should (a public resolver?): its test address %s is %s",
				 first == LISTING_CLEAN ? "127.0.0.2" : "127.0.0.1",
				 first == LISTING_CLEAN ? "not listed" : "listed, as everything seems to be");
	return false;
}

static void check_list(struct rep_check *check, const char *list)
{
	enum mx_family family;
	bool any;
	u32 i;

	for (family = MX_IPV4; family < MX_FAMILIES; family++) {
		any = false;
		for (i = 0; i < check->sender_count; i++)
			any |= check->senders[i].family == family;
		if (!any || !is_sound(check, list, family))
			continue;
		for (i = 0; i < check->sender_count; i++)
			if (check->senders[i].family == family)
				check_sender(check, list, &check->senders[i]);
	}
}

void rep_check_lists(struct rep_check *check)
{
	const struct mx_strings *lists = &check->settings->lists;
	u32 i;

	for (i = 0; i < lists->count; i++)
		check_list(check, lists->items[i]);
	for (i = 0; !lists->count && i < sizeof(usual) / sizeof(*usual); i++)
		check_list(check, usual[i]);
}
