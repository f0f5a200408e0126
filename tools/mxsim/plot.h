/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Line charts as SVG inside of HTML: dark text, labelled axes, colours that the colour-blind can tell apart, and a
 * marker of its own for each line, so that nothing depends on colour alone.
 */
#ifndef MX_SIM_PLOT_H
#define MX_SIM_PLOT_H

#include <stdio.h>

#include "core/port.h"

#define SIM_SERIES_MOST 16
#define SIM_STYLES 8 /* that can be told apart */

struct sim_series {
	char name[96];
	u32 style;      /* below SIM_STYLES */
	bool limit;     /* a limit: dashed, without markers */
	double *values; /* [days]; negative: none. The chart's owner frees them */
};

struct sim_chart {
	const char *title, *unit;
	const char *(*date)(const void *arg, u32 day, char *text); /* for the axis of days */
	const void *arg;
	u32 days;
	bool logarithmic;
	struct sim_series series[SIM_SERIES_MOST];
	u32 count;
};

/* Adds a series of `days` values, all none; the last one is returned again when there are too many. */
struct sim_series *sim_chart_add(struct sim_chart *chart, u32 style, bool limit);

/* Writes the chart, with its legend, and frees its values. */
void sim_chart_print(struct sim_chart *chart, FILE *out);

/* Writes text with what HTML would take for its own replaced. */
void sim_html_text(const char *text, FILE *out);

#endif
