// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <strings.h>

#include "daemon/log.h"
#include "tools/mxrep/check.h"
#include "tools/mxrep/tags.h"

#define KEY_MAX 4096 /* bytes; RSA of 16,384 bits has less */
#define ED25519_BYTES 32
#define BITS_ERROR 1024u   /* RFC 8301: verifiers must not take less */
#define BITS_WARNING 2048u /* RFC 8301: signers should use at least that */

#define WHY_DKIM                                                                                                       \
	"Google and Yahoo ask every sender of much mail for DKIM (since February 2024); a signature whose key cannot " \
	"be found is none."
#define WHY_SHORT "Receivers take no signature by an RSA key below 1024 bits (RFC 8301), and short keys can be broken."
#define WHY_LENGTH "RFC 8301 asks for at least 2048 bits, and receivers begin to count less against the mail."
#define WHY_TESTING "Receivers treat signed mail as if it were not signed while t=y says that DKIM is being tried."
#define WHY_UNSEEN                                                                                                     \
	"Keys cannot be found in the DNS without the selectors that the signatures name (s= of a DKIM-Signature)."

struct view {
	struct rep_check *check;
	const char *domain, *selector;
	char *name;  /* of the record */
	bool others; /* another selector has a key */
};

/* Takes `publish` and `found`. */
static void add(const struct view *v, enum rep_health severity, const char *why, char *publish, char *found)
{
	struct rep_about about = { REP_SUBJECT_DOMAIN, v->domain, NULL, "dkim" };

	rep_findings_add(v->check->findings, &about, severity, why, publish, "%s", found);
	free(publish);
	free(found);
}

static char *record(const struct view *v)
{
	return mx_format("%s. TXT \"v=DKIM1; k=rsa; p=<the public key of your signer, at least 2048 bits>\"", v->name);
}

static void say_wrong(const struct view *v, const char *wrong)
{
	add(v, REP_ERROR, WHY_DKIM, record(v), mx_format("selector %s: not a key: %s", v->selector, wrong));
}

static void check_bits(const struct view *v, u32 bits)
{
	if (bits < BITS_ERROR)
		add(v, REP_ERROR, WHY_SHORT, record(v),
		    mx_format("selector %s: RSA key of %u bits, at least %u are needed", v->selector, bits,
			      BITS_ERROR));
	else if (bits < BITS_WARNING)
		add(v, REP_WARNING, WHY_LENGTH, record(v),
		    mx_format("selector %s: RSA key of %u bits, %u are asked for", v->selector, bits, BITS_WARNING));
	else
		add(v, REP_WELL, NULL, NULL, mx_format("selector %s: RSA key of %u bits", v->selector, bits));
}

static void check_key(const struct view *v, const char *kind, const char *text)
{
	static u8 bytes[KEY_MAX];
	size_t length = rep_base64(text, bytes, sizeof(bytes));
	u32 bits;

	if (length == SIZE_MAX) {
		say_wrong(v, "expected p= to be base64 of at most 4096 bytes");
	} else if (!strcasecmp(kind, "ed25519")) {
		if (length == ED25519_BYTES)
			add(v, REP_WELL, NULL, NULL, mx_format("selector %s: Ed25519 key", v->selector));
		else
			say_wrong(v, "expected p= to be 32 bytes for k=ed25519");
	} else if (strcasecmp(kind, "rsa")) {
		say_wrong(v, "expected k= to be rsa or ed25519");
	} else {
		bits = rep_rsa_bits(bytes, length);
		if (bits)
			check_bits(v, bits);
		else
			say_wrong(v, "expected p= to be an RSA public key");
	}
}

static const char *tag(const struct rep_tags *tags, const char *name, const char *otherwise)
{
	const char *value = rep_tags_get(tags, name);

	return value ? value : otherwise;
}

static const char *wrong_tags(const struct rep_tags *tags)
{
	const char *version = rep_tags_get(tags, "v");

	if (version && (strcmp(version, "DKIM1") || strcmp(tags->items[0].name, "v")))
		return "expected v=DKIM1 to stand first";
	if (!rep_tags_get(tags, "p"))
		return "expected a tag p= with the key";
	if (!rep_tags_has(tag(tags, "h", "sha256"), ':', "sha256"))
		return "expected h= to allow sha256";
	if (!rep_tags_has(tag(tags, "s", "*"), ':', "*") && !rep_tags_has(tag(tags, "s", "*"), ':', "email"))
		return "expected s= to allow email";
	return NULL;
}

static void check_tags(const struct view *v, const struct rep_tags *tags)
{
	const char *wrong = wrong_tags(tags);

	if (wrong) {
		say_wrong(v, wrong);
		return;
	}
	if (!*rep_tags_get(tags, "p")) {
		add(v, REP_ERROR, WHY_DKIM, record(v),
		    mx_format("selector %s: the key is revoked (p= is empty)", v->selector));
		return;
	}
	if (rep_tags_has(tag(tags, "t", ""), ':', "y"))
		add(v, REP_WARNING, WHY_TESTING, mx_format("the same record without t=y at %s", v->name),
		    mx_format("selector %s: t=y: only being tried", v->selector));
	check_key(v, tag(tags, "k", "rsa"), rep_tags_get(tags, "p"));
}

static void check_record(const struct view *v, const struct rep_dns_answer *answer)
{
	struct rep_tags tags;
	const char *wrong;

	if (answer->count > 1) {
		say_wrong(v, "expected one TXT record there");
		return;
	}
	if (rep_tags_read(&tags, answer->records[0].text, &wrong))
		check_tags(v, &tags);
	else
		say_wrong(v, wrong);
	rep_tags_free(&tags);
}

static void check_selector(const struct view *v)
{
	const struct rep_dns_answer *answer = rep_dns_ask(v->check->dns, v->name, REP_DNS_TXT);

	switch (answer->state) {
	case REP_DNS_PENDING:
		break;
	case REP_DNS_FAILED:
		add(v, REP_UNCHECKED, WHY_DKIM, NULL, mx_format("selector %s: %s", v->selector, answer->problem));
		break;
	case REP_DNS_ABSENT:
		add(v, v->others ? REP_WARNING : REP_ERROR, WHY_DKIM, record(v),
		    mx_format("selector %s: there is no key%s", v->selector,
			      v->others ? ", but for another selector there is" : ""));
		break;
	case REP_DNS_FOUND:
		check_record(v, answer);
	}
}

static char *key_name(const char *domain, const char *selector)
{
	return mx_format("%s._domainkey.%s", selector, domain);
}

static bool any_key(struct rep_check *check, const char *domain)
{
	const struct mx_strings *selectors = &check->settings->selectors;
	bool any = false;
	u32 i;

	for (i = 0; i < selectors->count; i++) {
		char *name = key_name(domain, selectors->items[i]);

		any |= rep_dns_ask(check->dns, name, REP_DNS_TXT)->state == REP_DNS_FOUND;
		free(name);
	}
	return any;
}

void rep_check_dkim(struct rep_check *check, const char *domain)
{
	const struct mx_strings *selectors = &check->settings->selectors;
	struct view v = { .check = check, .domain = domain, .others = any_key(check, domain) };
	u32 i;

	if (!selectors->count)
		add(&v, REP_WARNING, WHY_UNSEEN,
		    mx_format("selectors = [ \"...\" ] in mxrep.conf: those of your signer"),
		    mx_format("no key was looked at: no selectors are configured"));
	for (i = 0; i < selectors->count; i++) {
		v.selector = selectors->items[i];
		v.name = key_name(domain, v.selector);
		check_selector(&v);
		free(v.name);
	}
}
