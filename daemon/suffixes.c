// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/suffixes.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/text.h"

/* A name that a provider has, as host suffix or as mail domain. */
struct item {
	char *name;
	u16 provider;
};

struct mx_suffixes {
	void *hosts; /* tsearch(), by name */
	void *domains;
};

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct item *)a)->name, ((const struct item *)b)->name);
}

static void free_item(void *item)
{
	free(((struct item *)item)->name);
	free(item);
}

/* The first that has it keeps it: the configuration allows no second. */
static void add(void **tree, const struct mx_strings *names, u16 provider)
{
	u32 i;

	for (i = 0; i < names->count; i++) {
		struct item *item = mx_alloc(sizeof(*item)), **found;

		item->name = mx_strdup(names->items[i]);
		item->provider = provider;
		found = mx_have(tsearch(item, tree, compare));
		if (*found != item)
			free_item(item);
	}
}

struct mx_suffixes *mx_suffixes_new(const struct mx_config *config)
{
	struct mx_suffixes *s = mx_alloc(sizeof(*s));
	u32 i;

	for (i = 0; i < config->provider_count; i++) {
		add(&s->hosts, &config->providers[i].mx, (u16)i);
		add(&s->domains, &config->providers[i].domains, (u16)i);
	}
	return s;
}

void mx_suffixes_free(struct mx_suffixes *s)
{
	tdestroy(s->hosts, free_item);
	tdestroy(s->domains, free_item);
	free(s);
}

static u16 find(void *const *tree, const char *name)
{
	struct item wanted = { .name = (char *)(uintptr_t)name };
	struct item *const *found = tfind(&wanted, tree, compare);

	return found ? (*found)->provider : MX_NONE;
}

u16 mx_suffixes_host(const struct mx_suffixes *s, const char *name)
{
	u16 provider = MX_NONE;

	for (; name && provider == MX_NONE; name = strchr(name, '.')) {
		name += *name == '.';
		provider = find(&s->hosts, name);
	}
	return provider;
}

u16 mx_suffixes_domain(const struct mx_suffixes *s, const char *name)
{
	return find(&s->domains, name);
}
