// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxsim/retries.h"

#include <stdlib.h>

#include "daemon/log.h"

struct due {
	struct sim_cohort *items;
	u32 count;
	bool mixed; /* some of a cohort may be in it before the rest comes */
};

struct sim_retries {
	const struct sim_plan *plan;
	u32 minutes;       /* of the ring: one more than the longest delay */
	struct due *ring;  /* [minute % minutes] */
	struct due *taken; /* what the last sim_retries_take() gave */
};

struct sim_retries *sim_retries_new(const struct sim_plan *plan)
{
	struct sim_retries *r = mx_alloc(sizeof(*r));
	u32 i;

	r->plan = plan;
	for (i = 0; i < plan->retries; i++)
		if (plan->retry[i] >= r->minutes)
			r->minutes = plan->retry[i] + 1;
	r->ring = mx_alloc(r->minutes * sizeof(*r->ring));
	return r;
}

void sim_retries_free(struct sim_retries *r)
{
	u32 i;

	for (i = 0; i < r->minutes; i++)
		free(r->ring[i].items);
	free(r->ring);
	free(r);
}

static u32 delay(const struct sim_plan *plan, u32 refusals)
{
	return plan->retry[refusals < plan->retries ? refusals : plan->retries - 1];
}

void sim_retries_put(struct sim_retries *r, u32 minute, const struct sim_cohort *c, bool part)
{
	struct due *due = &r->ring[(minute + delay(r->plan, c->refusals)) % r->minutes];
	u32 i;

	due->mixed |= part;
	for (i = due->mixed ? due->count : 0; i > 0; i--) {
		struct sim_cohort *same = &due->items[i - 1];

		if (same->born == c->born && same->provider == c->provider && same->refusals == c->refusals + 1) {
			same->messages += c->messages;
			return;
		}
	}
	due->items = mx_grow(due->items, due->count, sizeof(*due->items));
	due->items[due->count] = *c;
	due->items[due->count++].refusals++;
}

const struct sim_cohort *sim_retries_take(struct sim_retries *r, u32 minute, u32 *count)
{
	if (r->taken) { /* mx_grow() starts anew at 0 */
		free(r->taken->items);
		*r->taken = (struct due){ 0 };
	}
	r->taken = &r->ring[minute % r->minutes];
	*count = r->taken->count;
	return r->taken->items;
}

u64 sim_retries_waiting(const struct sim_retries *r, u32 provider)
{
	u64 waiting = 0;
	u32 i, j;

	for (i = 0; i < r->minutes; i++)
		for (j = 0; &r->ring[i] != r->taken && j < r->ring[i].count; j++)
			if (r->ring[i].items[j].provider == provider)
				waiting += r->ring[i].items[j].messages;
	return waiting;
}
