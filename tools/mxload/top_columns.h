/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The columns of mxload top: which have room on a line, and what stands in them. Without a screen. */
#ifndef MX_TOOL_TOP_COLUMNS_H
#define MX_TOOL_TOP_COLUMNS_H

#include "tools/mxload/top_view.h"

#define MX_TOP_CELL 256 /* bytes of a cell's text at most, with its end */

/* On a line: width 0 is not shown. */
struct mx_top_layout {
	int x[MX_TOP_COLUMNS], width[MX_TOP_COLUMNS];
	int bar; /* how many places of LIMIT are a bar; 0: none */
};

/* Fits the columns of a view into a line; the narrower it is, the fewer there are. */
struct mx_top_layout mx_top_layout(const struct mx_top_view *view, int width);

const char *mx_top_heading(enum mx_top_column column);
bool mx_top_is_number(enum mx_top_column column);

/* The text of a cell into `out` (of MX_TOP_CELL bytes). Without a layout: the longest form of it. */
void mx_top_cell(const struct mx_top_row *row, enum mx_top_column column, const struct mx_top_layout *layout,
		 char *out);

/* "3d4h", "1h59m", "59m", "42s": two units at most. */
void mx_top_duration(long long seconds, char *out, size_t size);

#endif
