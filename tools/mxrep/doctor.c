// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/doctor.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "tools/mxrep/check.h"

#define WHY_PRIVATE "Nobody beyond the NAT sees this address, so nothing can be said of it."
#define WHY_SOURCES "Names, block lists and SPF are looked up by the addresses that mail leaves from."
#define WHY_DOMAINS "SPF, DKIM, DMARC and MX are records of the domains that mail is sent in the name of."

/* RFC 1918, RFC 6598, RFC 4193. */
static const struct {
	enum mx_family family;
	struct mx_addr first;
	u8 length;
} hidden[] = {
	{ MX_IPV4, { 0, 0x0a000000 }, 8 },         { MX_IPV4, { 0, 0xac100000 }, 12 },
	{ MX_IPV4, { 0, 0xc0a80000 }, 16 },        { MX_IPV4, { 0, 0x64400000 }, 10 },
	{ MX_IPV6, { 0xfc00000000000000, 0 }, 7 },
};

static bool is_hidden(enum mx_family family, struct mx_addr address)
{
	size_t i;

	for (i = 0; i < sizeof(hidden) / sizeof(*hidden); i++)
		if (hidden[i].family == family &&
		    !mx_addr_cmp(mx_addr_first(address, family, hidden[i].length), hidden[i].first))
			return true;
	return false;
}

static bool is_in_pool(const struct mx_config *config, u32 source)
{
	u32 i, j;

	for (i = 0; i < config->pool_count; i++)
		for (j = 0; j < config->pools[i].members.count; j++)
			if (config->pools[i].members.items[j].source == source)
				return true;
	return false;
}

static void add_sender(struct rep_check *check, u32 source, enum mx_family family, struct mx_addr address)
{
	struct rep_sender *sender;

	check->senders = mx_grow(check->senders, check->sender_count, sizeof(*check->senders));
	sender = &check->senders[check->sender_count++];
	*sender = (struct rep_sender){ .source = &check->config->sources[source],
				       .family = family,
				       .address = address,
				       .sends = is_in_pool(check->config, source) };
	mx_addr_text(family, address, sender->text);
}

/* Of a family for which a public address is given, that one counts. */
static void gather_senders(struct rep_check *check)
{
	const struct mx_config *config = check->config;
	u32 i;

	for (i = 0; i < config->source_count; i++) {
		const struct mx_conf_source *s = &config->sources[i];
		enum mx_family family, given = MX_FAMILIES;
		struct mx_addr address;

		if (s->public && mx_addr_parse(s->public, &given, &address))
			add_sender(check, i, given, address);
		for (family = MX_IPV4; family < MX_FAMILIES; family++)
			if (s->families & 1u << family && family != given && !is_hidden(family, s->addr[family]))
				add_sender(check, i, family, s->addr[family]);
	}
}

static void say_hidden(struct rep_check *check, const struct mx_conf_source *s, enum mx_family family)
{
	char text[MX_ADDR_TEXT],
		*publish = mx_format("public = \"...\" in the source %s: the address that the world sees", s->name);
	struct rep_about about = { REP_SUBJECT_SOURCE, s->name, mx_addr_text(family, s->addr[family], text), "config" };

	rep_findings_add(check->findings, &about, REP_WARNING, WHY_PRIVATE, publish,
			 "a private address, and no public one is configured");
	free(publish);
}

static bool has_public(const struct mx_conf_source *s, enum mx_family family)
{
	struct mx_addr address;
	enum mx_family given;

	return s->public && mx_addr_parse(s->public, &given, &address) && given == family;
}

static void check_sources(struct rep_check *check)
{
	struct rep_about about = { REP_SUBJECT_NONE, "", NULL, "config" };
	enum mx_family family;
	u32 i;

	if (!check->config->source_count)
		rep_findings_add(check->findings, &about, REP_WARNING, WHY_SOURCES,
				 "policy = \"...\" in mxrep.conf: the file that mxload is configured by",
				 "no sources are configured: none was looked at");
	for (i = 0; i < check->config->source_count; i++)
		for (family = MX_IPV4; family < MX_FAMILIES; family++) {
			const struct mx_conf_source *s = &check->config->sources[i];

			if (s->families & 1u << family && is_hidden(family, s->addr[family]) && !has_public(s, family))
				say_hidden(check, s, family);
		}
	for (i = 0; i < check->sender_count; i++)
		rep_check_source(check, &check->senders[i]);
}

static void check_domains(struct rep_check *check)
{
	const struct mx_strings *domains = &check->settings->domains;
	struct rep_about about = { REP_SUBJECT_NONE, "", NULL, "config" };
	u32 i;

	if (!domains->count)
		rep_findings_add(check->findings, &about, REP_WARNING, WHY_DOMAINS,
				 "domains = [ \"...\" ] in mxrep.conf: what stands behind the @ of your senders",
				 "no sending domains are configured: none was looked at");
	for (i = 0; i < domains->count; i++) {
		rep_check_spf(check, domains->items[i]);
		rep_check_dkim(check, domains->items[i]);
		rep_check_dmarc(check, domains->items[i]);
		rep_check_mx(check, domains->items[i]);
	}
}

static void check_everything(struct rep_check *check)
{
	do {
		rep_findings_clear(check->findings);
		check_sources(check);
		check_domains(check);
		rep_check_lists(check);
	} while (rep_dns_wait(check->dns));
}

enum rep_health rep_doctor_run(const struct rep_doctor *doctor, FILE *out, bool json)
{
	struct rep_check check = { .settings = doctor->settings, .config = doctor->config };
	enum rep_health worst;
	char error[200];

	check.dns = rep_dns_new(doctor->server, error, sizeof(error));
	if (!check.dns) {
		mx_log(MX_LOG_ERROR, "%s", error);
		return REP_UNCHECKED;
	}
	check.findings = rep_findings_new();
	gather_senders(&check);
	check_everything(&check);
	worst = rep_findings_worst(check.findings);
	if (json)
		rep_findings_json(check.findings, out);
	else
		rep_findings_print(check.findings, out);
	rep_findings_free(check.findings);
	rep_dns_free(check.dns);
	free(check.senders);
	return worst;
}
