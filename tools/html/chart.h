/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Charts of days as SVG inside of HTML: dark text, labelled axes, colours that the colour-blind can tell apart, and a
 * marker or pattern of its own for each series, so that nothing depends on colour alone. The page styles the classes
 * "line", "limit", "bar", "striped", "axis" and "grid"; on a dark ground it puts other colours in place of those given.
 */
#ifndef MX_HTML_CHART_H
#define MX_HTML_CHART_H

#include <stdio.h>

#include "core/port.h"

#define MX_SERIES_MOST 16
#define MX_STYLES 8 /* that can be told apart */

enum mx_drawing {
	MX_DRAW_LINE,
	MX_DRAW_LIMIT,   /* a limit: dashed, without markers */
	MX_DRAW_BAR,     /* bars stand upon those of the series before */
	MX_DRAW_STRIPED, /* a bar too */
};

struct mx_series {
	char name[96];
	u32 style; /* below MX_STYLES */
	enum mx_drawing drawing;
	double *values; /* [days]; negative: none. The chart's owner frees them */
};

struct mx_chart {
	const char *title, *unit;
	const char *label;       /* the title as it is told to those who cannot see; NULL: as it is */
	const char *heading;     /* the title's element, "h2" */
	const char *description; /* what it shows, for those who cannot see it; NULL: none */
	const char *axis;        /* what the days are */
	const char *(*date)(const void *arg, u32 day, char *text); /* its label on the axis */
	const void *arg;
	u32 days;
	bool logarithmic;
	bool small; /* for several beside each other, or a narrow screen */
	struct mx_series series[MX_SERIES_MOST];
	u32 count;
};

/* Adds a series of `days` values, all none; the last one is returned again when there are too many. */
struct mx_series *mx_chart_add(struct mx_chart *chart, u32 style, enum mx_drawing drawing);

/* Writes the chart, with its legend, and frees its values. */
void mx_chart_print(struct mx_chart *chart, FILE *out);

#endif
