// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/html/chart.h"

#include <math.h>
#include <stdlib.h>

#include "daemon/log.h"
#include "tools/html/text.h"

#define TICKS 5
#define TEXT 64
#define SMALL_MARKERS 8

/* Of Okabe and Ito's palette, without its yellow: on white it is hard to see. */
static const char *const colours[MX_STYLES] = { "#0072b2", "#d55e00", "#009e73", "#000000",
						"#cc79a7", "#b07800", "#56b4e9", "#6a4c93" };

/* Drawn around where the pen is. */
static const char *const markers[MX_STYLES] = { "m-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
						"m-4 -4h8v8h-8z",
						"m0 -5l5 9h-10z",
						"m0 -5l5 5l-5 5l-5 -5z",
						"m0 5l5 -9h-10z",
						"m-5 -1.5h10v3h-10z",
						"m-1.5 -5h3v10h-3z",
						"m-5 -5l10 10l-2 2l-10 -10z" };

/* Of the drawing, and how far its axes are from its edges. */
struct size {
	double width, height, left, right, top, bottom, between; /* labels of days at least */
};

static const struct size sizes[] = {
	{ 960, 340, 90, 20, 16, 52, 70 },
	{ 440, 230, 62, 14, 12, 44, 56 },
};

static const char *const classes[] = { "line", "limit", "bar", "bar striped" };

static const struct size *size_of(const struct mx_chart *c)
{
	return &sizes[c->small];
}

static bool is_bar(const struct mx_series *s)
{
	return s->drawing == MX_DRAW_BAR || s->drawing == MX_DRAW_STRIPED;
}

struct mx_series *mx_chart_add(struct mx_chart *c, u32 style, enum mx_drawing drawing)
{
	struct mx_series *s = &c->series[c->count < MX_SERIES_MOST ? c->count : MX_SERIES_MOST - 1];
	u32 i;

	if (c->count == MX_SERIES_MOST)
		return s;
	c->count++;
	s->style = style % MX_STYLES;
	s->drawing = drawing;
	s->values = mx_alloc(c->days * sizeof(*s->values));
	for (i = 0; i < c->days; i++)
		s->values[i] = -1;
	return s;
}

/* Bars of a day stand upon each other; `upto`: those below a series alone. */
static double stacked(const struct mx_chart *c, u32 upto, u32 day)
{
	double sum = 0;
	u32 i;

	for (i = 0; i < upto; i++)
		if (is_bar(&c->series[i]))
			sum += fmax(0, c->series[i].values[day]);
	return sum;
}

static double highest(const struct mx_chart *c)
{
	double most = 1;
	u32 i, day;

	for (day = 0; day < c->days; day++) {
		most = fmax(most, stacked(c, c->count, day));
		for (i = 0; i < c->count; i++)
			most = fmax(most, c->series[i].values[day]);
	}
	return most;
}

/* The distance of ticks: 1, 2 or 5 times a power of ten. */
static double nice(double distance)
{
	double power = pow(10, floor(log10(distance))), part = distance / power;

	return power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
}

/* How wide a day is where there are bars, which stand in the middle of it; else lines go from edge to edge. */
static double day_width(const struct mx_chart *c)
{
	const struct size *z = size_of(c);
	double width = z->width - z->left - z->right;

	if (c->count && is_bar(&c->series[0]))
		return width / c->days;
	return c->days > 1 ? width / (c->days - 1) : 0;
}

static double x_of(const struct mx_chart *c, double day)
{
	const struct size *z = size_of(c);

	if (c->count && is_bar(&c->series[0]))
		return z->left + day_width(c) * (day + 0.5);
	return c->days > 1 ? z->left + day_width(c) * day : (z->left + z->width - z->right) / 2;
}

/* `top` is the value at the upper end of the axis. */
static double y_of(const struct mx_chart *c, double value, double top)
{
	const struct size *z = size_of(c);
	double part = value / top;

	if (c->logarithmic)
		part = value < 1 ? 0 : log10(value) / log10(top);
	return z->height - z->bottom - (z->height - z->top - z->bottom) * part;
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

static void print_tick(const struct mx_chart *c, double value, double top, FILE *out)
{
	const struct size *z = size_of(c);
	double y = y_of(c, value, top);
	char text[TEXT];

	fprintf(out, "<path class=\"grid\" d=\"M%g %.1fH%g\"/>", z->left, y, z->width - z->right);
	fprintf(out, "<text x=\"%g\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", z->left - 8, y + 4,
		amount(value, text));
}

/* The axis of values; returns its upper end. */
static double print_values(const struct mx_chart *c, FILE *out)
{
	const struct size *z = size_of(c);
	double most = highest(c), step = nice(most / TICKS), top = step * ceil(most / step - 1e-9), value;

	if (c->logarithmic) {
		top = pow(10, fmax(1, ceil(log10(most) - 1e-9)));
		for (value = 1; value <= top * 1.001; value *= 10)
			print_tick(c, value, top, out);
	} else {
		for (value = 0; value <= top * 1.001; value += step)
			print_tick(c, value, top, out);
	}
	fprintf(out, "<text transform=\"translate(%g %.1f) rotate(-90)\" text-anchor=\"middle\">%s</text>\n",
		c->small ? 12.0 : 18.0, (z->top + z->height - z->bottom) / 2, c->unit);
	return top;
}

static void print_days(const struct mx_chart *c, FILE *out)
{
	const struct size *z = size_of(c);
	u32 labels = (u32)((z->width - z->left - z->right) / z->between), step = (c->days + labels - 1) / labels, day;
	double bottom = z->height - z->bottom;
	char text[TEXT];

	fprintf(out, "<path class=\"axis\" d=\"M%g %gV%gH%g\"/>\n", z->left, z->top, bottom, z->width - z->right);
	for (day = 0; day < c->days; day += step) {
		double x = x_of(c, day);

		fprintf(out, "<path class=\"axis\" d=\"M%.1f %gv5\"/>", x, bottom);
		fprintf(out, "<text x=\"%.1f\" y=\"%g\" text-anchor=\"middle\">%s</text>\n", x, bottom + 19,
			c->date(c->arg, day, text));
	}
	fprintf(out, "<text x=\"%g\" y=\"%g\" text-anchor=\"middle\">%s</text>\n", (z->left + z->width - z->right) / 2,
		z->height - (c->small ? 8 : 12), c->axis ? c->axis : "day");
}

static void begin_path(const struct mx_series *s, const char *class, FILE *out)
{
	fprintf(out, "<path class=\"%s\" stroke=\"%s\" d=\"", class, colours[s->style]);
}

static void end_path(const struct mx_series *s, FILE *out)
{
	fputs("\"><title>", out);
	mx_html_text(s->name, out);
	fputs("</title></path>\n", out);
}

static void print_line(const struct mx_chart *c, const struct mx_series *s, double top, FILE *out)
{
	bool pen_down = false;
	u32 day;

	begin_path(s, classes[s->drawing], out);
	for (day = 0; day < c->days; day++) {
		double value = s->values[day];

		if (value >= 0)
			fprintf(out, "%c%.1f %.1f", pen_down ? 'L' : 'M', x_of(c, day), y_of(c, value, top));
		pen_down = value >= 0;
	}
	end_path(s, out);
}

/* A limit that is the same on each day is one stroke. */
static void print_limit(const struct mx_chart *c, const struct mx_series *s, double top, FILE *out)
{
	const struct size *z = size_of(c);
	u32 day;

	for (day = 1; day < c->days && s->values[day] == s->values[0]; day++)
		;
	if (day < c->days || s->values[0] < 0) {
		print_line(c, s, top, out);
		return;
	}
	begin_path(s, classes[s->drawing], out);
	fprintf(out, "M%g %.1fH%g", z->left, y_of(c, s->values[0], top), z->width - z->right);
	end_path(s, out);
}

/* Strokes as wide as a bar, so that the pattern of a stroke makes stripes of it. The least is to be seen, too. */
static void print_bars(const struct mx_chart *c, u32 i, double top, FILE *out)
{
	const struct mx_series *s = &c->series[i];
	u32 day;

	fprintf(out, "<path class=\"%s\" stroke=\"%s\" stroke-width=\"%.1f\" d=\"", classes[s->drawing],
		colours[s->style], fmin(40, day_width(c) * 0.72));
	for (day = 0; day < c->days; day++) {
		double below = stacked(c, i, day), from = y_of(c, below, top);

		if (s->values[day] > 0)
			fprintf(out, "M%.1f %.1fV%.1f", x_of(c, day), from,
				fmin(from - 1, y_of(c, below + s->values[day], top)));
	}
	end_path(s, out);
}

/* A day between two without a value would not be seen by its line. */
static bool is_alone(const struct mx_chart *c, const struct mx_series *s, u32 day)
{
	return (!day || s->values[day - 1] < 0) && (day + 1 == c->days || s->values[day + 1] < 0);
}

static void print_markers(const struct mx_chart *c, const struct mx_series *s, double top, FILE *out)
{
	u32 step = c->days > 30 ? c->days / 15 : 1, day;

	if (c->small)
		step = (c->days + SMALL_MARKERS - 1) / SMALL_MARKERS;

	fprintf(out, "<path class=\"marker\" fill=\"%s\" d=\"", colours[s->style]);
	for (day = 0; day < c->days; day++)
		if (s->values[day] >= 0 && (day % step == 0 || is_alone(c, s, day)))
			fprintf(out, "M%.1f %.1f%s", x_of(c, day), y_of(c, s->values[day], top), markers[s->style]);
	fputs("\"/>\n", out);
}

static void print_series(const struct mx_chart *c, u32 i, double top, FILE *out)
{
	const struct mx_series *s = &c->series[i];

	if (is_bar(s)) {
		print_bars(c, i, top, out);
	} else if (s->drawing == MX_DRAW_LIMIT) {
		print_limit(c, s, top, out);
	} else {
		print_line(c, s, top, out);
		print_markers(c, s, top, out);
	}
}

static void print_legend(const struct mx_chart *c, FILE *out)
{
	u32 i;

	fputs("<ul class=\"legend\">\n", out);
	for (i = 0; i < c->count; i++) {
		const struct mx_series *s = &c->series[i];

		fputs("<li><svg width=\"40\" height=\"14\" aria-hidden=\"true\">", out);
		fprintf(out, "<path class=\"%s\" stroke=\"%s\"%s d=\"%s\"/>", classes[s->drawing], colours[s->style],
			is_bar(s) ? " stroke-width=\"24\"" : "", is_bar(s) ? "M20 13V1" : "M2 7H38");
		if (s->drawing == MX_DRAW_LINE)
			fprintf(out, "<path class=\"marker\" fill=\"%s\" d=\"M20 7%s\"/>", colours[s->style],
				markers[s->style]);
		fputs("</svg> ", out);
		mx_html_text(s->name, out);
		fputs("</li>\n", out);
	}
	fputs("</ul>\n", out);
}

static void print_element(const char *name, const char *text, FILE *out)
{
	fprintf(out, "<%s>", name);
	mx_html_text(text, out);
	fprintf(out, "</%s>\n", name);
}

void mx_chart_print(struct mx_chart *c, FILE *out)
{
	double top;
	u32 i;

	print_element(c->heading ? c->heading : "h2", c->title, out);
	fprintf(out, "<svg viewBox=\"0 0 %g %g\" role=\"img\" aria-label=\"", size_of(c)->width, size_of(c)->height);
	mx_html_text(c->label ? c->label : c->title, out);
	fputs("\">\n", out);
	if (c->description)
		print_element("desc", c->description, out);
	top = print_values(c, out);
	print_days(c, out);
	for (i = 0; i < c->count; i++)
		print_series(c, i, top, out);
	fputs("</svg>\n", out);
	print_legend(c, out);
	while (c->count)
		free(c->series[--c->count].values);
}
