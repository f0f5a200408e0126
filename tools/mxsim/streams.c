// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxsim/streams.h"

#include <stdlib.h>

#include "daemon/log.h"

/* Who came first goes first; nothing depends on the order in which streams were added. */
static bool before(const struct sim_stream *a, const struct sim_stream *b)
{
	if (a->at != b->at)
		return a->at < b->at;
	if (a->born != b->born)
		return a->born < b->born;
	return a->provider < b->provider;
}

void sim_streams_add(struct sim_streams *s, const struct sim_stream *stream)
{
	u32 i = s->count++;

	if (i == s->room) {
		s->room = s->room ? 2 * s->room : 64;
		s->items = mx_realloc(s->items, s->room * sizeof(*s->items));
	}
	while (i && before(stream, &s->items[(i - 1) / 2])) {
		s->items[i] = s->items[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	s->items[i] = *stream;
}

void sim_streams_went_on(struct sim_streams *s)
{
	struct sim_stream moved = s->items[0];
	u32 i = 0, child;

	if (!moved.left) {
		if (!--s->count)
			return;
		moved = s->items[s->count];
	}
	while ((child = 2 * i + 1) < s->count) {
		child += child + 1 < s->count && before(&s->items[child + 1], &s->items[child]);
		if (!before(&s->items[child], &moved))
			break;
		s->items[i] = s->items[child];
		i = child;
	}
	s->items[i] = moved;
}
