/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must hold of whatever the parser of DNS answers gives back: for the unit tests and the fuzz targets. */
#ifndef MX_TEST_DNS_CHECK_H
#define MX_TEST_DNS_CHECK_H

#include <string.h>

#include "daemon/dns_answer.h"

/* Lower case, labels of 1 to 63 allowed bytes, at most 253 bytes in all. "" is the root. */
static inline bool dns_name_is_sane(const char *name)
{
	size_t length = strnlen(name, MX_DNS_NAME), label = 0, i;

	if (length >= MX_DNS_NAME)
		return false;
	for (i = 0; i < length; i++) {
		if (name[i] == '.' ? !label : !strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", name[i]))
			return false;
		label = name[i] == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return !length || label;
}

static inline bool dns_record_is_sane(const struct mx_dns_answer *answer, const struct mx_dns_record *r)
{
	bool address = r->type == MX_DNS_A || r->type == MX_DNS_AAAA;

	if (!dns_name_is_sane(r->owner) || !dns_name_is_sane(r->target) || r->ttl > 0x7fffffff)
		return false;
	if (!address && r->type != MX_DNS_CNAME && r->type != MX_DNS_PTR && r->type != MX_DNS_MX)
		return false;
	if (r->additional && answer->type != MX_DNS_MX)
		return false;
	if (address && r->target[0])
		return false;
	if (r->family != (r->type == MX_DNS_AAAA ? MX_IPV6 : MX_IPV4))
		return false;
	if (r->type != MX_DNS_AAAA && (r->addr.hi || r->addr.lo > (r->type == MX_DNS_A ? 0xffffffff : 0)))
		return false;
	return r->type == MX_DNS_MX || !r->preference;
}

static inline bool dns_answer_is_sane(enum mx_dns_result result, const struct mx_dns_answer *answer)
{
	u32 i;

	if ((u32)result >= MX_DNS_RESULTS || answer->count > MX_DNS_RECORDS || answer->error > 0xfff)
		return false;
	if (!dns_name_is_sane(answer->name))
		return false;
	if (result != MX_DNS_READ && (answer->count || answer->skipped || answer->unusable))
		return false;
	if (result == MX_DNS_READ && answer->error)
		return false;
	if (answer->skipped && answer->count + answer->unusable != MX_DNS_RECORDS)
		return false;
	for (i = 0; i < answer->count; i++)
		if (!dns_record_is_sane(answer, &answer->records[i]))
			return false;
	return true;
}

static inline bool dns_records_are_same(const struct mx_dns_record *a, const struct mx_dns_record *b)
{
	return a->type == b->type && a->additional == b->additional && a->preference == b->preference &&
	       a->family == b->family && a->ttl == b->ttl && !mx_addr_cmp(a->addr, b->addr) &&
	       !strcmp(a->owner, b->owner) && !strcmp(a->target, b->target);
}

static inline bool dns_answers_are_same(const struct mx_dns_answer *a, const struct mx_dns_answer *b)
{
	u32 i;

	if (strcmp(a->name, b->name) || a->type != b->type || a->error != b->error || a->truncated != b->truncated ||
	    a->count != b->count || a->skipped != b->skipped || a->unusable != b->unusable)
		return false;
	for (i = 0; i < a->count; i++)
		if (!dns_records_are_same(&a->records[i], &b->records[i]))
			return false;
	return true;
}

#endif
