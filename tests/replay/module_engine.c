// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/replay/module_engine.h"

#include "daemon/log.h"

#define AT_ONCE 256       /* events of one kind in a row */
#define VALID_MS 3600000u /* no recording is played for so long */

struct player {
	struct mx_module_link *link;
	u64 generation;
	bool in_force;
	struct mxload_verdict *next; /* where the next verdict goes */
};

static const struct {
	enum mxload_attr attribute;
	size_t offset, size;
} arrays[EVENT_KINDS] = {
#define ARRAY(a, member)                                                                                               \
	{                                                                                                              \
		MXLOAD_A_##a, offsetof(struct event, member), sizeof(((struct event *)0)->member)                      \
	}
	[EVENT_SLOT] = ARRAY(SLOTS, slot),
	[EVENT_SOURCE] = ARRAY(SOURCES, source),
	[EVENT_PROVIDER] = ARRAY(PROVIDERS, provider),
	[EVENT_RECALL] = ARRAY(LANES, lane),
	[EVENT_LANE] = ARRAY(LANES, lane),
	[EVENT_LEARNED] = ARRAY(LEARNED, learned),
	[EVENT_FLOW] = ARRAY(FLOWS, flow),
};

/* What is recalled is known already. */
static void ignore_count(const struct mxload_count *count, void *arg)
{
	(void)count, (void)arg;
}

static void ignore_group(const struct mxload_group *group, void *arg)
{
	(void)group, (void)arg;
}

/* The policy is told everything before it decides its first connection; the one before then has no use. */
static const char *decide(struct player *p, const struct mxload_flow *flows, u32 count)
{
	const char *wrong = NULL;

	if (!p->in_force)
		wrong = mx_module_link_commit(p->link, p->generation, VALID_MS);
	p->in_force = true;
	if (!wrong)
		wrong = mx_module_link_decide(p->link, p->generation, flows, count, true, p->next);
	p->next += count;
	return wrong;
}

static const char *play_some(struct player *p, const struct event *events, u32 count)
{
	struct mx_module_reader reader = { ignore_count, ignore_group, NULL };
	enum event_kind kind = events->kind;
	static char entries[AT_ONCE * sizeof(struct event)];
	u32 i;

	for (i = 0; i < count; i++)
		memcpy(entries + i * arrays[kind].size, (const char *)&events[i] + arrays[kind].offset,
		       arrays[kind].size);
	switch (kind) {
	case EVENT_POLICY:
		p->generation = events->policy.snapshot->generation;
		p->in_force = false;
		return mx_module_link_begin(p->link, events->policy.snapshot, events->policy.seed);
	case EVENT_RECALL:
		return mx_module_link_recall(p->link, p->generation, (const void *)entries, count, &reader);
	case EVENT_FLOW:
		return decide(p, (const void *)entries, count);
	default:
		return mx_module_link_set(p->link, p->generation, arrays[kind].attribute, entries, count);
	}
}

const char *module_engine_play(struct mx_module_link *link, const struct recording *r, struct mxload_verdict *verdicts)
{
	struct player p = { .link = link, .next = verdicts };
	const char *wrong = NULL;
	u32 at, n;

	for (at = 0; !wrong && at < r->count; at += n) {
		const struct event *first = &r->events[at];

		for (n = 1; first->kind != EVENT_POLICY && n < AT_ONCE && at + n < r->count; n++)
			if (first[n].kind != first->kind)
				break;
		wrong = play_some(&p, first, n);
	}
	for (n = 0; !wrong && p.in_force && n < 2; n++) /* it decides no more; and it is forgotten */
		wrong = mx_module_link_drop(link, p.generation);
	return wrong;
}
