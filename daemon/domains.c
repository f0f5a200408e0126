// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/domains.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "daemon/dns_times.h"

/* Of a domain: as the last answer had it. */
struct host {
	char *name;
	u32 ttl;
	u64 told; /* when */
};

/* Times are seconds since boot, which go on while the host sleeps, as the records do; but for those that are shown. */
struct domain {
	struct mx_domains *domains;
	char *name;
	const char *provider_name; /* of mx_name() */
	u16 provider;
	enum mx_domain_state state;
	s64 asked, answered; /* since the epoch */
	u64 due, failing;
	u32 failures; /* in a row */
	struct host *hosts;
	u32 host_count;

	/* Of the round that is under way: MX, then A and AAAA of every host. */
	u32 open;                                         /* questions; 0: there is none */
	bool gone;                                        /* from the configuration: freed when the last is told */
	bool cancelled, null_mx, addresses, no_such_name; /* what came back */
	enum mx_domain_state trouble;                     /* MX_DOMAIN_OK: none */
	u32 ttl;                                          /* the smallest that came */
};

struct mx_domains {
	struct mx_policy *policy;
	struct mx_dns_client *client;
	struct domain **items;
	u32 count;
};

const char *mx_domain_state_name(enum mx_domain_state state)
{
	static const char *const names[MX_DOMAIN_STATES] = {
		[MX_DOMAIN_NOTHING_YET] = "nothing-yet",
		[MX_DOMAIN_OK] = "ok",
		[MX_DOMAIN_NULL_MX] = "null-mx",
		[MX_DOMAIN_NXDOMAIN] = "nxdomain",
		[MX_DOMAIN_SERVFAIL] = "servfail",
		[MX_DOMAIN_TIMEOUT] = "timeout",
		[MX_DOMAIN_ERROR] = "error",
	};

	return names[state];
}

static u32 some_number(void)
{
	u32 number = 0;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		number = 0; /* it only spreads */
	return number;
}

/* --- a domain --------------------------------------------------------------------------------------------------- */

static void free_hosts(struct domain *d)
{
	while (d->host_count)
		free(d->hosts[--d->host_count].name);
	free(d->hosts);
	d->hosts = NULL;
}

static void free_domain(struct domain *d)
{
	free_hosts(d);
	free(d->name);
	free(d);
}

static void add_host(struct domain *d, const char *name, u32 ttl)
{
	u32 i;

	for (i = 0; i < d->host_count; i++)
		if (!strcmp(d->hosts[i].name, name))
			return;
	d->hosts = mx_grow(d->hosts, d->host_count, sizeof(d->hosts[0]));
	d->hosts[d->host_count++] = (struct host){ mx_strdup(name), ttl, mx_clock_boot_seconds() };
}

/* --- the end of a round ----------------------------------------------------------------------------------------- */

static void fail(struct domain *d, enum mx_domain_state state)
{
	static const char *const why[MX_DOMAIN_STATES] = {
		[MX_DOMAIN_NXDOMAIN] = "there is no such name",
		[MX_DOMAIN_SERVFAIL] = "the resolver cannot find out",
		[MX_DOMAIN_TIMEOUT] = "no answer from the resolver",
		[MX_DOMAIN_ERROR] = "the answer has no addresses",
	};

	d->state = state;
	d->due = mx_clock_boot_seconds() + mx_dns_retry_after(++d->failures, some_number());
	if (d->failures > 1)
		return;
	d->failing = mx_clock_boot_seconds();
	mx_log(MX_LOG_WARNING, "provider %s: domain %s: %s: what is known of its addresses stays", d->provider_name,
	       d->name, why[state]);
}

static void succeed(struct domain *d)
{
	if (d->failures)
		mx_log(MX_LOG_INFO, "provider %s: domain %s is answered again", d->provider_name, d->name);
	d->state = d->null_mx ? MX_DOMAIN_NULL_MX : MX_DOMAIN_OK;
	d->failures = 0;
	d->failing = 0;
	d->answered = time(NULL);
	d->due = mx_clock_boot_seconds() + mx_dns_refresh_after(d->ttl, some_number());
}

/* A host that is not there matters only when no other is. */
static void end_round(struct domain *d)
{
	if (d->cancelled)
		d->due = mx_clock_boot_seconds();
	else if (d->trouble != MX_DOMAIN_OK)
		fail(d, d->trouble);
	else if (d->null_mx || d->addresses)
		succeed(d);
	else
		fail(d, d->no_such_name ? MX_DOMAIN_NXDOMAIN : MX_DOMAIN_ERROR);
}

static void close_question(struct domain *d)
{
	if (--d->open)
		return;
	if (d->gone)
		free_domain(d);
	else
		end_round(d);
}

/* --- answers ---------------------------------------------------------------------------------------------------- */

static void take(struct domain *d, const struct mx_dns_answer *answer)
{
	u32 i;

	for (i = 0; i < answer->count; i++) {
		d->ttl = answer->records[i].ttl < d->ttl ? answer->records[i].ttl : d->ttl;
		d->addresses |= answer->records[i].type == MX_DNS_A || answer->records[i].type == MX_DNS_AAAA;
	}
	mx_policy_learn(d->domains->policy, answer, MX_ORIGIN_DOMAIN);
}

static void note_fate(struct domain *d, enum mx_dns_fate fate)
{
	switch (fate) {
	case MX_DNS_FATE_ANSWER:
		break;
	case MX_DNS_FATE_NXDOMAIN:
		d->no_such_name = true;
		break;
	case MX_DNS_FATE_SERVFAIL:
		d->trouble = MX_DOMAIN_SERVFAIL;
		break;
	case MX_DNS_FATE_TIMEOUT:
		d->trouble = MX_DOMAIN_TIMEOUT;
		break;
	case MX_DNS_FATE_ERROR:
		d->trouble = MX_DOMAIN_ERROR;
		break;
	case MX_DNS_FATE_CANCELLED:
		d->cancelled = true;
		break;
	}
}

static void on_addresses(enum mx_dns_fate fate, const struct mx_dns_answer *answer, void *arg)
{
	struct domain *d = arg;

	note_fate(d, fate);
	if (answer && !d->gone)
		take(d, answer);
	close_question(d);
}

/* The hosts that take the domain's mail: without any MX it is the domain itself (RFC 5321, 5.1). */
static void note_hosts(struct domain *d, const struct mx_dns_answer *answer)
{
	struct mx_domains *all = d->domains;
	bool any = answer->unusable || answer->skipped;
	u32 i;

	free_hosts(d);
	for (i = 0; i < answer->count; i++) {
		const struct mx_dns_record *r = &answer->records[i];

		if (r->type != MX_DNS_MX || r->additional)
			continue;
		any = true;
		if (*r->target)
			add_host(d, r->target, r->ttl);
	}
	d->null_mx = any && !answer->unusable && !d->host_count;
	if (any)
		return;
	add_host(d, d->name, 0);
	mx_policy_lock(all->policy);
	mx_learner_add_host(all->policy->learner, d->name, d->provider, 0, (u32)time(NULL));
	mx_policy_unlock(all->policy);
}

static void ask_hosts(struct domain *d)
{
	struct mx_dns_client *client = d->domains->client;
	u32 i;

	d->open += 2 * d->host_count;
	for (i = 0; i < d->host_count; i++) {
		mx_dns_client_ask(client, MX_DNS_LINE_DOMAINS, d->hosts[i].name, MX_DNS_A, on_addresses, d);
		mx_dns_client_ask(client, MX_DNS_LINE_DOMAINS, d->hosts[i].name, MX_DNS_AAAA, on_addresses, d);
	}
}

static void on_exchanges(enum mx_dns_fate fate, const struct mx_dns_answer *answer, void *arg)
{
	struct domain *d = arg;

	note_fate(d, fate);
	if (answer && !d->gone) {
		take(d, answer);
		note_hosts(d, answer);
		ask_hosts(d);
	}
	close_question(d);
}

static void begin_round(struct domain *d)
{
	d->open = 1;
	d->cancelled = d->null_mx = d->addresses = d->no_such_name = false;
	d->trouble = MX_DOMAIN_OK;
	d->ttl = ~0u;
	d->asked = time(NULL);
	mx_dns_client_ask(d->domains->client, MX_DNS_LINE_DOMAINS, d->name, MX_DNS_MX, on_exchanges, d);
}

void mx_domains_tick(struct mx_domains *all)
{
	u64 now = mx_clock_boot_seconds();
	u32 i;

	if (!mx_dns_client_ready(all->client))
		return;
	for (i = 0; i < all->count; i++)
		if (!all->items[i]->open && all->items[i]->due <= now)
			begin_round(all->items[i]);
}

void mx_domains_retry(struct mx_domains *all)
{
	u32 i;

	for (i = 0; i < all->count; i++)
		if (all->items[i]->failures)
			all->items[i]->due = mx_clock_boot_seconds();
}

/* --- the configuration ------------------------------------------------------------------------------------------ */

struct mx_domains *mx_domains_new(struct mx_policy *policy, struct mx_dns_client *client)
{
	struct mx_domains *all = mx_alloc(sizeof(*all));

	all->policy = policy;
	all->client = client;
	return all;
}

static void let_go(struct domain *d)
{
	if (d->open)
		d->gone = true;
	else
		free_domain(d);
}

void mx_domains_free(struct mx_domains *all)
{
	while (all->count)
		let_go(all->items[--all->count]);
	free(all->items);
	free(all);
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct domain *)a)->name, ((const struct domain *)b)->name);
}

static void keep(void *domain)
{
	(void)domain;
}

/* Out of `old`, if the same provider had it before; else new. */
static struct domain *adopt(struct mx_domains *all, void **old, const char *name, u16 provider)
{
	struct domain wanted = { .name = (char *)(uintptr_t)name }, *const *found = tfind(&wanted, old, compare);
	const char *provider_name = all->policy->provider_names[provider];
	struct domain *d = found && (*found)->provider_name == provider_name ? *found : NULL;

	if (d) {
		tdelete(d, old, compare);
		d->provider = provider;
		return d;
	}
	d = mx_alloc(sizeof(*d));
	d->domains = all;
	d->name = mx_strdup(name);
	d->provider = provider;
	d->provider_name = provider_name;
	return d;
}

/* Once, and for the first provider that has it. */
static void add_domain(struct mx_domains *all, void **old, void **fresh, const char *name, u16 provider)
{
	struct domain wanted = { .name = (char *)(uintptr_t)name }, *d;

	if (mx_suffixes_domain(all->policy->suffixes, name) != provider || tfind(&wanted, fresh, compare))
		return;
	d = adopt(all, old, name, provider);
	mx_have(tsearch(d, fresh, compare));
	all->items = mx_grow(all->items, all->count, sizeof(all->items[0]));
	all->items[all->count++] = d;
}

/* What is known of the hosts of those that stay is as good as before. */
static void teach_hosts(struct mx_domains *all)
{
	u32 i, j, now = (u32)time(NULL);
	u64 boot = mx_clock_boot_seconds();

	for (i = 0; i < all->count; i++)
		for (j = 0; j < all->items[i]->host_count; j++) {
			const struct host *h = &all->items[i]->hosts[j];
			u64 age = boot - h->told;

			mx_learner_add_host(all->policy->learner, h->name, all->items[i]->provider,
					    age < h->ttl ? h->ttl - (u32)age : 0, now);
		}
}

void mx_domains_adopt(struct mx_domains *all)
{
	const struct mx_config *c = all->policy->config;
	struct domain **before = all->items;
	u32 before_count = all->count, i, j;
	void *old = NULL, *fresh = NULL;

	for (i = 0; i < before_count; i++)
		mx_have(tsearch(before[i], &old, compare));
	all->items = NULL;
	all->count = 0;
	for (i = 0; i < c->provider_count; i++)
		for (j = 0; j < c->providers[i].domains.count; j++)
			add_domain(all, &old, &fresh, c->providers[i].domains.items[j], (u16)i);
	while (old) { /* out of the tree first: it looks at the names */
		struct domain *d = *(struct domain **)old;

		tdelete(d, &old, compare);
		let_go(d);
	}
	tdestroy(fresh, keep);
	free(before);
	mx_policy_lock(all->policy);
	teach_hosts(all);
	mx_policy_unlock(all->policy);
}

/* --- telling ---------------------------------------------------------------------------------------------------- */

void mx_domains_each(const struct mx_domains *all, u16 provider, void (*each)(const struct mx_domain_report *, void *),
		     void *arg)
{
	s64 back = time(NULL) - (s64)mx_clock_boot_seconds(); /* from the time since boot to that of day */
	u32 i;

	for (i = 0; i < all->count; i++) {
		const struct domain *d = all->items[i];
		struct mx_domain_report report = { d->name,
						   d->state,
						   d->asked,
						   d->answered,
						   d->open || !d->due ? 0 : back + (s64)d->due,
						   d->failing ? back + (s64)d->failing : 0 };

		if (d->provider == provider)
			each(&report, arg);
	}
}
