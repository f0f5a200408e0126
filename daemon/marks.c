// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/marks.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"

struct marks {
	struct {
		char *source;
		u32 number;
		bool wanted;
	} * items;
	u32 count;
};

static void load_mark(const char *source, u32 number, void *arg)
{
	struct marks *marks = arg;

	marks->items = mx_grow(marks->items, marks->count, sizeof(marks->items[0]));
	marks->items[marks->count].source = mx_strdup(source);
	marks->items[marks->count].number = number;
	marks->items[marks->count++].wanted = false;
}

static u32 lowest_free(const struct marks *marks, u32 highest, bool only_wanted)
{
	u8 *used = mx_alloc(highest + 1UL);
	u32 i, n;

	for (i = 0; i < marks->count; i++)
		if (marks->items[i].number <= highest && (marks->items[i].wanted || !only_wanted))
			used[marks->items[i].number] = 1;
	for (n = 1; n <= highest && used[n]; n++)
		;
	free(used);
	return n;
}

static void forget(struct marks *marks)
{
	while (marks->count)
		free(marks->items[--marks->count].source);
	free(marks->items);
}

u32 *mx_marks_number(const struct mx_config *c, struct mx_store *store)
{
	u32 lowest = c->mark_mask & (~c->mark_mask + 1), highest = c->mark_mask / lowest - 2;
	u32 *numbers = mx_alloc(c->source_count * sizeof(*numbers));
	struct marks marks = { 0 };
	u32 i, j;

	if (!mx_store_marks(store, load_mark, &marks)) { /* sources that change their marks change their connections */
		forget(&marks);
		free(numbers);
		return NULL;
	}
	for (j = 0; j < marks.count; j++) {
		u16 source = mx_config_source(c, marks.items[j].source);

		if (source == MX_NONE || !marks.items[j].number || marks.items[j].number > highest)
			continue;
		marks.items[j].wanted = true;
		numbers[source] = marks.items[j].number;
	}
	for (i = 0; i < c->source_count; i++) {
		if (numbers[i])
			continue;
		numbers[i] = lowest_free(&marks, highest, false);
		if (numbers[i] > highest)
			numbers[i] = lowest_free(&marks, highest, true);
		load_mark(c->sources[i].name, numbers[i], &marks);
		marks.items[marks.count - 1].wanted = true;
		mx_store_put_mark(store, c->sources[i].name, numbers[i]);
	}
	forget(&marks);
	return numbers;
}
