// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/resolver.h"

#include <stdlib.h>

#include "daemon/log.h"

#define CHECK_SECONDS 60

struct mx_resolver {
	struct mx_policy *policy;
	struct mx_dns_client *client;
	struct mx_domains *domains;
	struct mx_wonders *wonders;
	struct mx_reverse *reverse;
	u64 checked; /* seconds since boot */
	bool begun;
};

/* A name tells nothing where no provider is known by names. */
static void want_names(struct mx_resolver *r)
{
	const struct mx_config *c = r->policy->config;
	bool any = false;
	u32 i;

	for (i = 0; i < c->provider_count; i++)
		any |= c->providers[i].mx.count != 0;
	mx_wonders_want(r->wonders, any);
}

static void on_anew(void *arg)
{
	struct mx_resolver *r = arg;

	mx_domains_retry(r->domains);
}

struct mx_resolver *mx_resolver_start(struct event_base *base, struct mx_policy *policy)
{
	struct mx_resolver *r = mx_alloc(sizeof(*r));

	r->policy = policy;
	r->client = mx_dns_client_new(base, on_anew, r);
	r->domains = mx_domains_new(policy, r->client);
	r->wonders = mx_wonders_new();
	r->reverse = mx_reverse_new(base, policy, r->client, r->wonders);
	mx_domains_adopt(r->domains);
	want_names(r);
	return r;
}

void mx_resolver_stop(struct mx_resolver *r)
{
	mx_dns_client_free(r->client);
	mx_reverse_free(r->reverse);
	mx_wonders_free(r->wonders);
	mx_domains_free(r->domains);
	free(r);
}

void mx_resolver_reload(struct mx_resolver *r)
{
	mx_domains_adopt(r->domains);
	want_names(r);
}

void mx_resolver_revive(struct mx_resolver *r)
{
	mx_dns_client_revive(r->client);
}

void mx_resolver_tick(struct mx_resolver *r)
{
	u64 now = mx_clock_boot_seconds();

	if (!r->begun || now - r->checked >= CHECK_SECONDS) {
		r->begun = true;
		r->checked = now;
		mx_dns_client_check(r->client);
	}
	mx_domains_tick(r->domains);
	mx_reverse_tick(r->reverse);
}

void mx_resolver_wonder(struct mx_resolver *r, const struct mx_flow *flow)
{
	mx_wonders_add(r->wonders, flow->family, flow->to, (u32)mx_clock_boot_seconds());
}

const struct mx_domains *mx_resolver_domains(const struct mx_resolver *r)
{
	return r->domains;
}

struct mx_reverse_stats mx_resolver_reverse_stats(const struct mx_resolver *r)
{
	return mx_reverse_stats(r->reverse);
}
