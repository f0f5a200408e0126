/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which lines of mxload top there are, in which order: sums, sorting, filters. Without a screen. */
#ifndef MX_TOOL_TOP_VIEW_H
#define MX_TOOL_TOP_VIEW_H

#include "tools/mxload/top_lanes.h"

/* In the order they stand on the screen. */
enum mx_top_column {
	MX_TOP_SOURCE,
	MX_TOP_PROVIDER,
	MX_TOP_WEIGHT,
	MX_TOP_RATE,
	MX_TOP_SHARE,
	MX_TOP_EXPECTED,
	MX_TOP_CONNECTIONS,
	MX_TOP_FAILED,
	MX_TOP_LIMIT,
	MX_TOP_STATE,
	MX_TOP_COLUMNS
};

enum mx_top_group { MX_TOP_BY_LANE, MX_TOP_BY_SOURCE, MX_TOP_BY_PROVIDER, MX_TOP_GROUPS };

#define MX_TOP_FILTER 64

/* What is wanted is set by the caller; the rest by mx_top_view_fill(). Begins as all zero but for `sort`. */
struct mx_top_view {
	enum mx_top_group group;
	enum mx_top_column sort;
	bool reverse;               /* without: names upwards, numbers and states downwards */
	bool busy;                  /* only those with a rate */
	char filter[MX_TOP_FILTER]; /* in source, provider or state, in whatever case; "": all */

	const struct mx_top_row **rows;      /* good until the lanes settle or the view is filled again */
	size_t count, of;                    /* lines; as many without busy and filter */
	size_t source_width, provider_width; /* of the longest names among all lines */
	struct mx_top_row *sums;
};

void mx_top_view_fill(struct mx_top_view *view, const struct mx_top_lanes *lanes);
void mx_top_view_clear(struct mx_top_view *view);

#endif
