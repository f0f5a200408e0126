// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/policy.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/names.h"
#include "daemon/suffixes.h"
#include "daemon/text.h"
#include "tools/mxrep/store.h"

#define REMEMBERED 8192u /* hosts whose provider need not be looked up again */
#define NAME_BYTES 256
#define DEFAULT "default"

struct own {
	struct mx_addr address;
	enum mx_family family;
	const char *name;
};

struct rep_policy {
	struct mx_config *config;
	struct mx_suffixes *suffixes;
	struct {
		u64 host; /* its hash */
		const char *provider;
	} remembered[REMEMBERED];
	struct own *own; /* sorted */
	u32 own_count;
};

static int compare_own(const void *left, const void *right)
{
	const struct own *a = left, *b = right;

	return a->family != b->family ? (a->family < b->family ? -1 : 1) : mx_addr_cmp(a->address, b->address);
}

void rep_policy_add_source(struct rep_policy *p, const char *name, enum mx_family family, struct mx_addr address)
{
	if (rep_policy_source(p, family, address))
		return;
	p->own = mx_grow(p->own, p->own_count, sizeof(*p->own));
	p->own[p->own_count++] = (struct own){ address, family, mx_name(name) };
	qsort(p->own, p->own_count, sizeof(*p->own), compare_own);
}

static void add_sources(struct rep_policy *p)
{
	enum mx_family family;
	struct mx_addr address;
	u32 i;

	for (i = 0; i < p->config->source_count; i++) {
		const struct mx_conf_source *s = &p->config->sources[i];

		for (family = 0; family < MX_FAMILIES; family++)
			if (s->families & 1u << family)
				rep_policy_add_source(p, s->name, family, s->addr[family]);
		if (s->public && mx_addr_parse(s->public, &family, &address))
			rep_policy_add_source(p, s->name, family, address);
	}
}

struct rep_policy *rep_policy_read(const char *path, char *error)
{
	struct mx_config *config = *path ? mx_config_read(path, error) : mx_config_read_catalogue(NULL, error);
	struct rep_policy *p;

	if (!config)
		return NULL;
	p = mx_alloc(sizeof(*p));
	p->config = config;
	p->suffixes = mx_suffixes_new(config);
	add_sources(p);
	return p;
}

void rep_policy_free(struct rep_policy *p)
{
	if (!p)
		return;
	mx_suffixes_free(p->suffixes);
	mx_config_free(p->config);
	free(p->own);
	free(p);
}

const struct mx_config *rep_policy_config(const struct rep_policy *p)
{
	return p->config;
}

/* As suffixes.h wants names; false: it is none. */
static bool fold(struct rep_text text, char *name)
{
	size_t i;

	if (text.length && text.at[text.length - 1] == '.')
		text.length--;
	if (!text.length || text.length >= NAME_BYTES)
		return false;
	for (i = 0; i < text.length; i++)
		name[i] = (char)tolower((unsigned char)text.at[i]);
	name[i] = '\0';
	return true;
}

static const char *provider_name(const struct rep_policy *p, u16 provider)
{
	return mx_name(provider == MX_NONE ? DEFAULT : p->config->providers[provider].name);
}

static u16 by_prefix(const struct mx_config *c, enum mx_family family, struct mx_addr address)
{
	u16 found = MX_NONE;
	int longest = -1;
	u32 i, j;

	for (i = 0; i < c->provider_count; i++) {
		for (j = 0; j < c->providers[i].prefixes.count; j++) {
			const struct mx_conf_net *n = &c->providers[i].prefixes.items[j];
			struct mx_addr mask = mx_addr_hostmask(family, n->length);

			if (n->family == family && n->length > longest && n->addr.hi == (address.hi & ~mask.hi) &&
			    n->addr.lo == (address.lo & ~mask.lo)) {
				longest = n->length;
				found = (u16)i;
			}
		}
	}
	return found;
}

const char *rep_policy_provider(struct rep_policy *p, struct rep_text host, enum mx_family family,
				const struct mx_addr *address)
{
	u64 key = rep_hash(host) ^ (address ? address->hi * 31 + address->lo : 0);
	u32 place = (u32)(key ^ key >> 32) % REMEMBERED;
	char name[NAME_BYTES];
	u16 found = MX_NONE;

	if (p->remembered[place].host == key && p->remembered[place].provider)
		return p->remembered[place].provider;
	if (address)
		found = by_prefix(p->config, family, *address);
	if (found == MX_NONE && fold(host, name))
		found = mx_suffixes_host(p->suffixes, name);
	p->remembered[place].host = key;
	p->remembered[place].provider = provider_name(p, found);
	return p->remembered[place].provider;
}

const char *rep_policy_domain(struct rep_policy *p, struct rep_text domain)
{
	char name[NAME_BYTES];

	return provider_name(p, fold(domain, name) ? mx_suffixes_domain(p->suffixes, name) : MX_NONE);
}

const char *rep_policy_source(const struct rep_policy *p, enum mx_family family, struct mx_addr address)
{
	struct own wanted = { .address = address, .family = family }, *found;

	found = p->own_count ? bsearch(&wanted, p->own, p->own_count, sizeof(*p->own), compare_own) : NULL;
	return found ? found->name : NULL;
}

static bool is_address_part(char c)
{
	return isxdigit((unsigned char)c) || c == '.' || c == ':';
}

const char *rep_policy_quoted(const struct rep_policy *p, struct rep_text text)
{
	const char *found = NULL;
	size_t i = 0, begin;

	while (p->own_count && i < text.length) {
		char word[64];
		enum mx_family family;
		struct mx_addr address;
		const char *name;

		if (!is_address_part(text.at[i])) {
			i++;
			continue;
		}
		for (begin = i; i < text.length && is_address_part(text.at[i]); i++)
			;
		/* a sentence may end behind it */
		while (i > begin && (text.at[i - 1] == '.' || text.at[i - 1] == ':') && i - begin > 7)
			i--;
		if (i - begin < 7 || i - begin >= sizeof(word)) {
			i += i == begin;
			continue;
		}
		memcpy(word, text.at + begin, i - begin);
		word[i - begin] = '\0';
		name = mx_addr_parse(word, &family, &address) ? rep_policy_source(p, family, address) : NULL;
		while (i < text.length && is_address_part(text.at[i]))
			i++;
		if (name && found && name != found)
			return NULL;
		found = name ? name : found;
	}
	return found;
}
