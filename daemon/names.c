// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/names.h"

#include <search.h>
#include <string.h>

#include "daemon/log.h"

static void *root;

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

const char *mx_name(const char *name)
{
	const char **found = tfind(name, &root, compare);

	if (found)
		return *found;
	found = tsearch(mx_strdup(name), &root, compare);
	if (!found)
		mx_fatal("out of memory");
	return *found;
}
