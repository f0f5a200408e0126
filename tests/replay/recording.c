// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/replay/recording.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"

void recording_add(struct recording *r, const struct event *event)
{
	r->events = mx_grow(r->events, r->count, sizeof(*event));
	r->events[r->count++] = *event;
	r->counts[event->kind]++;
}

void recording_free(struct recording *r)
{
	u32 i;

	for (i = 0; i < r->count; i++)
		if (r->events[i].kind == EVENT_POLICY)
			free(r->events[i].policy.snapshot);
	free(r->events);
	*r = (struct recording){ 0 };
}

void recording_leave_out(struct recording *r, enum event_kind kind)
{
	u32 i, n = 0;

	for (i = 0; i < r->count; i++)
		if (r->events[i].kind != kind)
			r->events[n++] = r->events[i];
	r->count = n;
	r->counts[kind] = 0;
}

enum event_kind recording_kind(const char *word)
{
	static const char *const words[EVENT_KINDS] = {
		[EVENT_SLOT] = "slots",     [EVENT_SOURCE] = "sources", [EVENT_PROVIDER] = "providers",
		[EVENT_RECALL] = "recalls", [EVENT_LANE] = "lanes",     [EVENT_LEARNED] = "addresses",
	};
	enum event_kind kind = 0;

	while (kind < EVENT_KINDS && (!words[kind] || strcmp(words[kind], word) != 0))
		kind++;
	return kind;
}
