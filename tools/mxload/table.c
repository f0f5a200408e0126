// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxload/table.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 16

struct mx_table {
	size_t columns, cells, room;
	size_t width[COLUMNS_MAX];
	bool right[COLUMNS_MAX];
	char **cell; /* the headings first */
};

static void add(struct mx_table *t, char *text)
{
	size_t column = t->columns ? t->cells % t->columns : 0;

	if (t->cells == t->room) {
		t->room = t->room ? 2 * t->room : 64;
		t->cell = realloc(t->cell, t->room * sizeof(*t->cell));
		if (!t->cell)
			abort();
	}
	if (strlen(text) > t->width[column])
		t->width[column] = strlen(text);
	t->cell[t->cells++] = text;
}

struct mx_table *mx_table_new(const char *heading, ...)
{
	struct mx_table *t = calloc(1, sizeof(*t));
	const char *texts[COLUMNS_MAX];
	va_list args;
	size_t i;

	if (!t)
		abort();
	va_start(args, heading);
	for (; heading && t->columns < COLUMNS_MAX; heading = va_arg(args, const char *)) {
		t->right[t->columns] = *heading == '>';
		texts[t->columns++] = heading + (*heading == '>');
	}
	va_end(args);
	for (i = 0; i < t->columns; i++)
		add(t, strdup(texts[i]));
	return t;
}

void mx_table_cell(struct mx_table *t, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		abort();
	va_end(args);
	add(t, text);
}

static void print_row(const struct mx_table *t, char **cells, FILE *out)
{
	size_t i, last = t->columns, pad = 0;

	while (last > 1 && !*cells[last - 1])
		last--; /* no blanks at the end of a line */
	for (i = 0; i < last; i++) {
		size_t room = t->width[i] - strlen(cells[i]);

		fprintf(out, "%*s%s", (int)(pad + (t->right[i] ? room : 0)), "", cells[i]);
		pad = 2 + (t->right[i] ? 0 : room);
	}
	fputc('\n', out);
}

void mx_table_print(struct mx_table *t, FILE *out)
{
	size_t i;

	for (i = 0; i + t->columns <= t->cells; i += t->columns)
		print_row(t, t->cell + i, out);
	for (i = 0; i < t->cells; i++)
		free(t->cell[i]);
	free(t->cell);
	free(t);
}
