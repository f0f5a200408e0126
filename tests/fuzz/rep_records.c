// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target: the bytes are a TXT record that mxrep doctor came across, as SPF, as tags, as a key. Nobody answers what
 * libspf2 asks for.
 */
#include <stdlib.h>

#include "daemon/log.h"
#include "tests/fuzz/target.h"
#include "tools/mxrep/check.h"
#include "tools/mxrep/spf.h"
#include "tools/mxrep/tags.h"

#define VERSION "v=spf1 "

static void try_tags(const char *text)
{
	static u8 bytes[4096];
	struct rep_tags tags;
	const char *wrong;
	size_t length;
	u32 i;

	if (rep_tags_read(&tags, text, &wrong) != !wrong)
		abort();
	for (i = 0; i < tags.count; i++)
		if (rep_tags_get(&tags, tags.items[i].name) != tags.items[i].value)
			abort();
	rep_tags_free(&tags);
	length = rep_base64(text, bytes, sizeof(bytes));
	if (length == SIZE_MAX)
		return;
	if (length > sizeof(bytes) || rep_rsa_bits(bytes, length) > 8 * length)
		abort();
}

static void try_key(const u8 *bytes, size_t length)
{
	if (rep_rsa_bits(bytes, length) > 8 * length)
		abort();
}

static void try_name(const char *text)
{
	const struct mx_addr four = { 0, 0xc0000201 }, six = { 0x20010db800000000, 1 };
	const char *organization = rep_organization(text);

	if (organization < text || organization > text + strlen(text) || !rep_same_organization(text, organization))
		abort();
	rep_name_is_generic(text, MX_IPV4, four);
	rep_name_is_generic(text, MX_IPV6, six);
}

/* Evaluated, and with a term that lets the address pass before all others, which has to. */
static void try_evaluation(struct rep_dns *dns, const char *record)
{
	struct rep_spf spf = { .dns = dns, .domain = "example.com", .helo = "mx.example.com", .record = record };
	const struct mx_addr address = { 0, 0xc0000201 };
	char why[300];
	bool pending;

	if (strlen(record) > REP_SPF_MAX)
		return;
	rep_spf_evaluate(&spf, MX_IPV4, address, why, sizeof(why));
	rep_spf_evaluate(&spf, MX_IPV6, (struct mx_addr){ 0x20010db800000000, 1 }, why, sizeof(why));
	if (rep_spf_lookups(dns, record, &pending) > REP_SPF_COUNTED)
		abort();
}

static void try_spf(const char *text)
{
	char *record = malloc(strlen(text) + sizeof(VERSION)), *records[2] = { record, NULL }, *made, *again,
	     error[100];
	struct rep_dns *dns = rep_dns_new("127.0.0.1:1", error, sizeof(error));

	if (!record || !dns)
		abort();
	strcat(strcpy(record, VERSION), text);
	records[1] = mx_strdup(record);
	made = rep_spf_insert(record, "ip4:192.0.2.1", false);
	if (!rep_spf_is_record(made) || !strstr(made, " ip4:192.0.2.1"))
		abort();
	free(made);
	made = rep_spf_merge(records, 2);
	records[0] = made;
	again = rep_spf_merge(records, 1);
	if (strcmp(made, again)) /* nothing is left to do */
		abort();
	try_evaluation(dns, record);
	free(again);
	free(made);
	free(records[1]);
	free(record);
	rep_dns_free(dns);
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t length)
{
	char *text = malloc(length + 1), *record;

	if (!text)
		abort();
	memcpy(text, bytes, length);
	text[length] = '\0';
	try_key(bytes, length);
	try_tags(text);
	try_name(text);
	try_spf(text);
	record = rep_txt_record("example.com", text);
	if (record[strspn(record,
			  " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuv"
			  "wxyz{|}~")])
		abort();
	free(record);
	free(text);
	return 0;
}
