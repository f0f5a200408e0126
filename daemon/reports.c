// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/reports.h"

#include <string.h>

static u32 find(const struct mx_reports *r, const char *book)
{
	u32 i;

	for (i = 0; i < r->count && strcmp(r->items[i].book, book); i++)
		;
	return i;
}

bool mx_reports_has(const struct mx_reports *r, const char *book, u64 serial)
{
	u32 i = find(r, book);

	return i < r->count && serial <= r->items[i].serial;
}

void mx_reports_take(struct mx_reports *r, const char *book, u64 serial)
{
	u32 i = find(r, book);
	size_t length = strlen(book);

	if (!length || length > MX_BOOK_MAX)
		return;
	if (i == r->count)
		i = r->count < MX_BOOKS ? r->count++ : MX_BOOKS - 1;
	memmove(r->items + 1, r->items, i * sizeof(*r->items));
	memset(&r->items[0], 0, sizeof(r->items[0]));
	memcpy(r->items[0].book, book, length);
	r->items[0].serial = serial;
	r->changed = true;
}
