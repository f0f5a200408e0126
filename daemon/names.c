// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/names.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"

/* A number, and behind it the text that everybody else sees. */
struct name {
	u32 number;
	char text[];
};

static void *root; /* of texts */
static u32 count;

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static char *new_name(const char *text)
{
	size_t length = strlen(text) + 1;
	struct name *name = mx_alloc(sizeof(*name) + length);

	name->number = ++count;
	memcpy(name->text, text, length);
	return name->text;
}

const char *mx_name(const char *name)
{
	const char **found = tfind(name, &root, compare);

	if (found)
		return *found;
	found = mx_have(tsearch(new_name(name), &root, compare));
	return *found;
}

u32 mx_name_number(const char *name)
{
	return ((const struct name *)(const void *)(name - offsetof(struct name, text)))->number;
}
