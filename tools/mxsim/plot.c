// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxsim/plot.h"

#include <math.h>
#include <stdlib.h>

#include "daemon/log.h"

#define WIDTH 960.0
#define HEIGHT 340.0
#define LEFT 90.0
#define RIGHT 20.0
#define TOP 16.0
#define BOTTOM 52.0
#define TICKS 5
#define TEXT 64

/* Of Okabe and Ito's palette, without its yellow: on white it is hard to see. */
static const char *const colours[SIM_STYLES] = { "#0072b2", "#d55e00", "#009e73", "#000000",
						 "#cc79a7", "#b07800", "#56b4e9", "#6a4c93" };

/* Drawn around 0,0. */
static const char *const markers[SIM_STYLES] = { "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
						 "M-4 -4h8v8h-8z",
						 "M0 -5l5 9h-10z",
						 "M0 -5l5 5l-5 5l-5 -5z",
						 "M0 5l5 -9h-10z",
						 "M-5 -1.5h10v3h-10z",
						 "M-1.5 -5h3v10h-3z",
						 "M-5 -5l10 10l-2 2l-10 -10z" };

struct sim_series *sim_chart_add(struct sim_chart *c, u32 style, bool limit)
{
	struct sim_series *s = &c->series[c->count < SIM_SERIES_MOST ? c->count : SIM_SERIES_MOST - 1];
	u32 i;

	if (c->count == SIM_SERIES_MOST)
		return s;
	c->count++;
	s->style = style % SIM_STYLES;
	s->limit = limit;
	s->values = mx_alloc(c->days * sizeof(*s->values));
	for (i = 0; i < c->days; i++)
		s->values[i] = -1;
	return s;
}

void sim_html_text(const char *text, FILE *out)
{
	for (; *text; text++)
		switch (*text) {
		case '<':
			fputs("&lt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*text, out);
		}
}

static double highest(const struct sim_chart *c)
{
	double most = 1;
	u32 i, day;

	for (i = 0; i < c->count; i++)
		for (day = 0; day < c->days; day++)
			most = fmax(most, c->series[i].values[day]);
	return most;
}

/* The distance of ticks: 1, 2 or 5 times a power of ten. */
static double nice(double distance)
{
	double power = pow(10, floor(log10(distance))), part = distance / power;

	return power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
}

static double x_of(const struct sim_chart *c, double day)
{
	return LEFT + (WIDTH - LEFT - RIGHT) * (c->days > 1 ? day / (c->days - 1) : 0.5);
}

/* `top` is the value at the upper end of the axis. */
static double y_of(const struct sim_chart *c, double value, double top)
{
	double part = value / top;

	if (c->logarithmic)
		part = value < 1 ? 0 : log10(value) / log10(top);
	return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part;
}

static const char *amount(double value, char *text)
{
	static const struct {
		double unit;
		const char *name;
	} units[] = { { 1e9, " G" }, { 1e6, " M" }, { 1e3, " k" } };
	size_t i;

	snprintf(text, TEXT, "%g", value);
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (value >= units[i].unit) {
			snprintf(text, TEXT, "%g%s", value / units[i].unit, units[i].name);
			break;
		}
	return text;
}

static void print_tick(const struct sim_chart *c, double value, double top, FILE *out)
{
	double y = y_of(c, value, top);
	char text[TEXT];

	fprintf(out, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>", LEFT, y, WIDTH - RIGHT);
	fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", LEFT - 8, y + 4,
		amount(value, text));
}

/* The axis of values; returns its upper end. */
static double print_values(const struct sim_chart *c, FILE *out)
{
	double most = highest(c), step = nice(most / TICKS), top = step * ceil(most / step), value;

	if (c->logarithmic) {
		top = pow(10, fmax(1, ceil(log10(most) - 1e-9)));
		for (value = 1; value <= top * 1.001; value *= 10)
			print_tick(c, value, top, out);
	} else {
		for (value = 0; value <= top * 1.001; value += step)
			print_tick(c, value, top, out);
	}
	fprintf(out, "<text transform=\"translate(18 %.1f) rotate(-90)\" text-anchor=\"middle\">%s</text>\n",
		(TOP + HEIGHT - BOTTOM) / 2, c->unit);
	return top;
}

static void print_days(const struct sim_chart *c, FILE *out)
{
	u32 step = c->days > 12 ? (c->days + 11) / 12 : 1, day;
	char text[TEXT];

	fprintf(out, "<path class=\"axis\" d=\"M%.1f %.1fV%.1fH%.1f\"/>\n", LEFT, TOP, HEIGHT - BOTTOM, WIDTH - RIGHT);
	for (day = 0; day < c->days; day += step) {
		double x = x_of(c, day);

		fprintf(out, "<path class=\"axis\" d=\"M%.1f %.1fv5\"/>", x, HEIGHT - BOTTOM);
		fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n", x, HEIGHT - BOTTOM + 19,
			c->date(c->arg, day, text) + 5);
	}
	fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">day</text>\n", (LEFT + WIDTH - RIGHT) / 2,
		HEIGHT - 12);
}

static void print_line(const struct sim_chart *c, const struct sim_series *s, double top, FILE *out)
{
	bool pen_down = false;
	u32 day;

	fprintf(out, "<path class=\"%s\" stroke=\"%s\" d=\"", s->limit ? "limit" : "line", colours[s->style]);
	for (day = 0; day < c->days; day++) {
		double value = s->values[day];

		if (value >= 0)
			fprintf(out, "%c%.1f %.1f", pen_down ? 'L' : 'M', x_of(c, day), y_of(c, value, top));
		pen_down = value >= 0;
	}
	fputs("\"><title>", out);
	sim_html_text(s->name, out);
	fputs("</title></path>\n", out);
}

static void print_markers(const struct sim_chart *c, const struct sim_series *s, double top, FILE *out)
{
	u32 step = c->days > 30 ? c->days / 15 : 1, day;

	for (day = 0; !s->limit && day < c->days; day += step)
		if (s->values[day] >= 0)
			fprintf(out, "<path transform=\"translate(%.1f %.1f)\" fill=\"%s\" d=\"%s\"/>\n", x_of(c, day),
				y_of(c, s->values[day], top), colours[s->style], markers[s->style]);
}

static void print_legend(const struct sim_chart *c, FILE *out)
{
	u32 i;

	fputs("<ul>\n", out);
	for (i = 0; i < c->count; i++) {
		const struct sim_series *s = &c->series[i];

		fprintf(out, "<li><svg width=\"40\" height=\"14\"><path class=\"%s\" stroke=\"%s\" d=\"M2 7H38\"/>",
			s->limit ? "limit" : "line", colours[s->style]);
		if (!s->limit)
			fprintf(out, "<path transform=\"translate(20 7)\" fill=\"%s\" d=\"%s\"/>", colours[s->style],
				markers[s->style]);
		fputs("</svg> ", out);
		sim_html_text(s->name, out);
		fputs("</li>\n", out);
	}
	fputs("</ul>\n", out);
}

void sim_chart_print(struct sim_chart *c, FILE *out)
{
	double top;
	u32 i;

	fputs("<h2>", out);
	sim_html_text(c->title, out);
	fprintf(out, "</h2>\n<svg viewBox=\"0 0 %g %g\" role=\"img\" aria-label=\"", WIDTH, HEIGHT);
	sim_html_text(c->title, out);
	fputs("\">\n", out);
	top = print_values(c, out);
	print_days(c, out);
	for (i = 0; i < c->count; i++)
		print_line(c, &c->series[i], top, out);
	for (i = 0; i < c->count; i++)
		print_markers(c, &c->series[i], top, out);
	fputs("</svg>\n", out);
	print_legend(c, out);
	while (c->count)
		free(c->series[--c->count].values);
}
