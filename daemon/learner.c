// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/learner.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"

#define HOSTS 4096
#define LONGEST 604800 /* s: what says that it lasts longer than a week is asked about again in a week */
#define ALIASES 8      /* that are followed from one name to the next: resolvers follow about as many */

struct host {
	char *name;
	u16 provider;
	u32 until;
};

struct mx_learner {
	void *hosts; /* tsearch(), by name */
	u32 count;
};

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct host *)a)->name, ((const struct host *)b)->name);
}

static void free_host(void *host)
{
	free(((struct host *)host)->name);
	free(host);
}

struct mx_learner *mx_learner_new(void)
{
	return mx_alloc(sizeof(struct mx_learner));
}

void mx_learner_forget(struct mx_learner *l)
{
	tdestroy(l->hosts, free_host);
	l->hosts = NULL;
	l->count = 0;
}

void mx_learner_free(struct mx_learner *l)
{
	mx_learner_forget(l);
	free(l);
}

u32 mx_learner_lasting(u32 ttl)
{
	return (ttl < LONGEST ? ttl : LONGEST) + MX_LEARNER_GRACE;
}

static struct host *find_host(const struct mx_learner *l, const char *name)
{
	struct host wanted = { .name = (char *)(uintptr_t)name };
	struct host *const *found = tfind(&wanted, &l->hosts, compare);

	return found ? *found : NULL;
}

void mx_learner_add_host(struct mx_learner *l, const char *name, u16 provider, u32 seconds, u32 now)
{
	struct host *host = find_host(l, name);

	if (!host && l->count == HOSTS)
		return;
	if (!host) {
		host = mx_alloc(sizeof(*host));
		host->name = mx_strdup(name);
		mx_have(tsearch(host, &l->hosts, compare));
		l->count++;
	}
	host->provider = provider;
	host->until = now + mx_learner_lasting(seconds);
}

/* The provider of a host by its own name. */
static u16 provider_of(const struct mx_learner *l, const struct mx_suffixes *s, const char *name, u32 now)
{
	const struct host *host = find_host(l, name);

	if (host && host->until > now)
		return host->provider;
	return mx_suffixes_host(s, name);
}

static const struct mx_dns_record *alias_of(const struct mx_dns_answer *a, const char *name)
{
	u32 i;

	for (i = 0; i < a->count; i++)
		if (a->records[i].type == MX_DNS_CNAME && !strcmp(a->records[i].owner, name))
			return &a->records[i];
	return NULL;
}

/*
 * The provider of whom `owner` is: by its own name, or as the end of a chain of aliases from the name that was asked
 * for. *host is the name that told.
 */
static u16 provider_by_chain(const struct mx_learner *l, const struct mx_suffixes *s, const struct mx_dns_answer *a,
			     const char *owner, u32 now, const char **host)
{
	const char *name = a->name;
	u16 provider = MX_NONE;
	u32 i;

	for (i = 0; name && i < ALIASES && strcmp(name, owner); i++) {
		const struct mx_dns_record *alias = alias_of(a, name);

		if (provider == MX_NONE) {
			*host = name;
			provider = provider_of(l, s, name, now);
		}
		name = alias ? alias->target : NULL;
	}
	if (name && !strcmp(name, owner) && provider != MX_NONE)
		return provider;
	*host = owner;
	return provider_of(l, s, owner, now);
}

static void note_exchanges(struct mx_learner *l, const struct mx_suffixes *s, const struct mx_dns_answer *a, u32 now)
{
	u32 i;

	for (i = 0; i < a->count; i++) {
		const struct mx_dns_record *r = &a->records[i];
		u16 provider = r->type == MX_DNS_MX && !r->additional ? mx_suffixes_domain(s, r->owner) : MX_NONE;

		if (provider != MX_NONE && *r->target)
			mx_learner_add_host(l, r->target, provider, r->ttl, now);
	}
}

/* What an answer says unasked counts only for the hosts that it names as MX. */
static bool is_of_exchange(const struct mx_dns_answer *a, const char *owner)
{
	u32 i;

	for (i = 0; i < a->count; i++)
		if (a->records[i].type == MX_DNS_MX && !a->records[i].additional &&
		    !strcmp(a->records[i].target, owner))
			return true;
	return false;
}

void mx_learner_take(struct mx_learner *l, const struct mx_suffixes *s, const struct mx_dns_answer *a,
		     enum mx_origin origin, u32 now, void (*each)(const struct mx_lesson *, void *), void *arg)
{
	u32 i;

	note_exchanges(l, s, a, now);
	for (i = 0; i < a->count; i++) {
		const struct mx_dns_record *r = &a->records[i];
		struct mx_lesson lesson = { .family = r->family, .addr = r->addr, .origin = origin };

		if (r->type != MX_DNS_A && r->type != MX_DNS_AAAA)
			continue;
		if (r->additional && !is_of_exchange(a, r->owner))
			continue;
		lesson.provider = provider_by_chain(l, s, a, r->owner, now, &lesson.host);
		lesson.lasts = mx_learner_lasting(r->ttl);
		if (lesson.provider != MX_NONE)
			each(&lesson, arg);
	}
}
