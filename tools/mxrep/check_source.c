// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <strings.h>

#include "daemon/log.h"
#include "tools/mxrep/check.h"

#define NAMES_MAX 10 /* of one address that are followed; receivers follow no more */

#define WHY_PTR                                                                                                        \
	"Google, Microsoft, Yahoo and many others refuse mail from an address without a name of its own (PTR record)."
#define WHY_SEVERAL "Receivers take one of them, now this and now that, and few look at all of them."
#define WHY_GENERIC                                                                                                    \
	"Receivers take such a name for that of a customer's line, which no mail should come from, and refuse it or "  \
	"count it against the mail."
#define WHY_FORWARD                                                                                                    \
	"Anybody can write any name into a PTR record: receivers believe it only when the name leads back to the "     \
	"address."
#define WHY_HELO                                                                                                       \
	"Receivers look up the name that the MTA greets with (HELO), and refuse mail or count it against it when "     \
	"that "                                                                                                        \
	"does not lead to the address."
#define WHY_SHARED                                                                                                     \
	"Receivers look up the name that the MTA greets with (HELO): several sources that greet with one name need "   \
	"an "                                                                                                          \
	"address record of it for each of them, or else a hostname of their own that the MTA greets with there."
#define WHY_DIFFERENT                                                                                                  \
	"Receivers compare the name that the MTA greets with (HELO) to the name of the address, and trust those more " \
	"that agree."
#define WHY_UNNAMED "What the MTA greets with (HELO) has to lead to the source's address, and could not be compared."

/* An address of one source, and what its PTR records say. */
struct view {
	struct rep_check *check;
	const struct rep_sender *sender;
	const struct rep_dns_answer *names;
	char reverse[REP_REVERSE];
};

static struct rep_about about(const struct view *v, const char *check)
{
	return (struct rep_about){ REP_SUBJECT_SOURCE, v->sender->source->name, v->sender->text, check };
}

/* Takes `publish`. */
static void add(const struct view *v, const char *check, enum rep_health severity, const char *why, char *publish,
		char *found)
{
	struct rep_about a = about(v, check);

	rep_findings_add(v->check->findings, &a, severity, why, publish, "%s", found);
	free(publish);
	free(found);
}

static const char *record_name(const struct rep_sender *sender)
{
	return sender->family == MX_IPV4 ? "A" : "AAAA";
}

static char *ptr_record(const struct view *v, const char *name)
{
	const char *hostname = v->sender->source->hostname;

	if (!name && !hostname)
		return mx_format("%s. PTR <name>. and <name>. %s %s, where the address was given to you", v->reverse,
				 record_name(v->sender), v->sender->text);
	return mx_format("%s. PTR %s.", v->reverse, name ? name : hostname);
}

static char *address_record(const struct view *v, const char *name)
{
	return mx_format("%s. %s %s", name, record_name(v->sender), v->sender->text);
}

static const struct rep_dns_answer *addresses_of(const struct view *v, const char *name)
{
	return rep_dns_ask(v->check->dns, name, rep_dns_address_type(v->sender->family));
}

static void say_unconfirmed(const struct view *v, const char *name)
{
	const struct rep_dns_answer *back = addresses_of(v, name);
	char text[MX_ADDR_TEXT];

	if (back->state == REP_DNS_ABSENT)
		add(v, "ptr", REP_ERROR, WHY_FORWARD, address_record(v, name),
		    mx_format("its name %s does not lead back to it: no %s record", name, record_name(v->sender)));
	else
		add(v, "ptr", REP_ERROR, WHY_FORWARD, address_record(v, name),
		    mx_format("its name %s does not lead back to it, but to %s", name,
			      mx_addr_text(v->sender->family, back->records[0].address, text)));
}

/* The name that leads back, or NULL, after it was said why not. */
static void check_forward(const struct view *v)
{
	const char *unchecked = NULL, *problem = NULL;
	u32 i;

	for (i = 0; i < v->names->count && i < NAMES_MAX; i++) {
		const char *name = v->names->records[i].text;
		const struct rep_dns_answer *back = addresses_of(v, name);

		if (back->state == REP_DNS_PENDING)
			return;
		if (rep_dns_has(back, v->sender->address)) {
			add(v, "ptr", REP_WELL, NULL, NULL, mx_format("%s, which leads back to it", name));
			return;
		}
		if (back->state == REP_DNS_FAILED) {
			unchecked = name;
			problem = back->problem;
		}
	}
	if (unchecked)
		add(v, "ptr", REP_UNCHECKED, WHY_FORWARD, NULL,
		    mx_format("whether its name %s leads back to it: %s", unchecked, problem));
	else
		say_unconfirmed(v, v->names->records[0].text);
}

static void check_names(const struct view *v)
{
	u32 i;

	if (v->names->count > 1)
		add(v, "ptr", REP_WARNING, WHY_SEVERAL,
		    ptr_record(v, v->sender->source->hostname ? NULL : v->names->records[0].text),
		    mx_format("%u names (PTR records) where one should be: %s, %s%s", v->names->count,
			      v->names->records[0].text, v->names->records[1].text,
			      v->names->count > 2 ? ", ..." : ""));
	for (i = 0; i < v->names->count; i++) {
		const char *name = v->names->records[i].text;

		if (!rep_name_is_generic(name, v->sender->family, v->sender->address))
			continue;
		add(v, "ptr", REP_WARNING, WHY_GENERIC, ptr_record(v, NULL),
		    mx_format("its name %s looks like that of a customer's line", name));
		break;
	}
	check_forward(v);
}

static void check_ptr(const struct view *v)
{
	switch (v->names->state) {
	case REP_DNS_PENDING:
		break;
	case REP_DNS_FAILED:
		add(v, "ptr", REP_UNCHECKED, WHY_PTR, NULL, mx_format("its name (PTR record): %s", v->names->problem));
		break;
	case REP_DNS_ABSENT:
		add(v, "ptr", REP_ERROR, WHY_PTR, ptr_record(v, NULL), mx_format("it has no name (PTR record)"));
		break;
	case REP_DNS_FOUND:
		check_names(v);
	}
}

static bool is_shared(const struct view *v)
{
	const struct mx_config *config = v->check->config;
	u32 i, count = 0;

	for (i = 0; i < config->source_count; i++)
		if (config->sources[i].hostname &&
		    !strcasecmp(config->sources[i].hostname, v->sender->source->hostname))
			count++;
	return count > 1;
}

/* The name has no address of this family, or not this one. */
static void say_elsewhere(const struct view *v, const struct rep_dns_answer *there)
{
	const char *name = v->sender->source->hostname, *why = is_shared(v) ? WHY_SHARED : WHY_HELO;
	const struct rep_dns_answer *other = rep_dns_ask(
		v->check->dns, name, rep_dns_address_type(v->sender->family == MX_IPV4 ? MX_IPV6 : MX_IPV4));
	char text[MX_ADDR_TEXT];

	if (other->state == REP_DNS_PENDING)
		return;
	if (there->state == REP_DNS_FOUND)
		add(v, "helo", REP_WARNING, why, address_record(v, name),
		    mx_format("its hostname %s does not lead to it, but to %s", name,
			      mx_addr_text(v->sender->family, there->records[0].address, text)));
	else if (other->state == REP_DNS_ABSENT)
		add(v, "helo", REP_ERROR, why, address_record(v, name),
		    mx_format("its hostname %s has no address record at all", name));
	else
		add(v, "helo", REP_WARNING, why, address_record(v, name),
		    mx_format("its hostname %s has no %s record", name, record_name(v->sender)));
}

static bool is_among(const struct rep_dns_answer *names, const char *name, bool (*fits)(const char *a, const char *b))
{
	u32 i;

	for (i = 0; i < names->count; i++)
		if (fits(names->records[i].text, name))
			return true;
	return false;
}

static bool same_name(const char *a, const char *b)
{
	return !strcasecmp(a, b);
}

static void compare_to_ptr(const struct view *v)
{
	const char *name = v->sender->source->hostname;

	if (v->names->state == REP_DNS_PENDING)
		return;
	if (v->names->state != REP_DNS_FOUND || is_among(v->names, name, same_name))
		add(v, "helo", REP_WELL, NULL, NULL, mx_format("its hostname %s leads to it", name));
	else if (is_among(v->names, name, rep_same_organization))
		add(v, "helo", REP_WELL, NULL, NULL,
		    mx_format("its hostname %s leads to it; its name is %s, of the same domain", name,
			      v->names->records[0].text));
	else
		add(v, "helo", REP_WARNING, WHY_DIFFERENT, ptr_record(v, NULL),
		    mx_format("its hostname %s is of another domain than its name %s", name,
			      v->names->records[0].text));
}

static void check_helo(const struct view *v)
{
	const char *name = v->sender->source->hostname;
	const struct rep_dns_answer *there;

	if (!name) {
		add(v, "helo", REP_WARNING, WHY_UNNAMED,
		    mx_format("hostname = \"...\" in the source %s: the name that the MTA greets with",
			      v->sender->source->name),
		    mx_format("no hostname is configured"));
		return;
	}
	there = addresses_of(v, name);
	if (there->state == REP_DNS_PENDING)
		return;
	if (there->state == REP_DNS_FAILED)
		add(v, "helo", REP_UNCHECKED, WHY_HELO, NULL,
		    mx_format("whether its hostname %s leads to it: %s", name, there->problem));
	else if (rep_dns_has(there, v->sender->address))
		compare_to_ptr(v);
	else
		say_elsewhere(v, there);
}

void rep_check_source(struct rep_check *check, const struct rep_sender *sender)
{
	struct view v = { .check = check, .sender = sender };

	rep_reverse(sender->family, sender->address, NULL, v.reverse);
	v.names = rep_dns_ask(check->dns, v.reverse, REP_DNS_PTR);
	check_ptr(&v);
	check_helo(&v);
}
