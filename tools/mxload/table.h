/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table for people: columns as wide as they need to be, numbers to the right. */
#ifndef MX_TOOL_TABLE_H
#define MX_TOOL_TABLE_H

#include <stdio.h>

struct mx_table;

/* Starts a table; a heading that starts with '>' makes a column of numbers. Ends with NULL. */
struct mx_table *mx_table_new(const char *heading, ...) __attribute__((sentinel));

/* Adds the next cell of the current row; rows fill up by themselves. */
void mx_table_cell(struct mx_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints the table (its headings alone when it has no rows) and frees it. */
void mx_table_print(struct mx_table *table, FILE *out);

#endif
