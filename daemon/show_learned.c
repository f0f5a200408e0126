// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/show.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/json.h"

#define MOST 10000 /* addresses in one answer, those of the strongest origin first, and those confirmed last */

/* Copies: they are gathered under the lock, and made JSON of afterwards. */
struct gathering {
	u16 provider;
	struct mx_destination *found;
	u32 count;
};

static void gather(const struct mx_destination *d, void *arg)
{
	struct gathering *g = arg;

	if (d->provider != g->provider)
		return;
	g->found = mx_grow(g->found, g->count, sizeof(g->found[0]));
	g->found[g->count] = *d;
	g->found[g->count++].host = mx_strdup(d->host);
}

static int compare(const void *a, const void *b)
{
	const struct mx_destination *x = a, *y = b;

	if (x->origin != y->origin)
		return x->origin > y->origin ? -1 : 1;
	if (x->confirmed != y->confirmed)
		return x->confirmed > y->confirmed ? -1 : 1;
	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	return mx_addr_cmp(x->addr, y->addr);
}

json_t *mx_show_learned(struct mx_policy *p, u16 provider)
{
	struct gathering g = { .provider = provider };
	json_t *list = json_array();
	u32 i;

	mx_policy_lock(p);
	mx_destinations_each(p->destinations, gather, &g);
	mx_policy_unlock(p);
	if (g.count)
		qsort(g.found, g.count, sizeof(g.found[0]), compare);
	for (i = 0; i < g.count; i++) {
		const struct mx_destination *d = &g.found[i];

		if (i < MOST)
			json_array_append_new(list,
					      json_pack("{s:o,s:s,s:s?,s:o,s:o,s:o}", "address",
							mx_json_address(d->family, d->addr), "origin",
							mx_origin_name(d->origin), "host", *d->host ? d->host : NULL,
							"first", mx_json_time(d->first), "confirmed",
							mx_json_time(d->confirmed), "until", mx_json_time(d->until)));
		free((char *)(uintptr_t)d->host);
	}
	free(g.found);
	return list;
}

static void count(const struct mx_destination *d, void *arg)
{
	((u32 *)arg)[d->provider]++;
}

u32 *mx_show_learned_counts(struct mx_policy *p)
{
	u32 *counts = mx_alloc(p->config->provider_count * sizeof(*counts));

	mx_policy_lock(p);
	mx_destinations_each(p->destinations, count, counts);
	mx_policy_unlock(p);
	return counts;
}
