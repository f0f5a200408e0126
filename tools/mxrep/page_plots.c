// SPDX-License-Identifier: GPL-2.0-or-later
/* What the largest sources, providers and lanes did day by day, each by itself; the rest together. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "tools/html/chart.h"
#include "tools/html/text.h"
#include "tools/mxrep/page.h"

#define BEYOND 4 /* times */

enum { BLUE, VERMILION, GREEN, BLACK, PURPLE, OCHRE }; /* styles of charts */

/* One source, provider or lane. */
struct view {
	const char *source, *provider; /* NULL: whichever */
	u64 messages;
};

struct views {
	struct view *items;
	u32 count;
};

/* What is plotted together, by day. */
struct plots {
	struct rep_page *page;
	const u32 *day_of; /* of each of page->days */
	struct rep_counts *days;
	char title[256], text[400];
	struct rep_judge judge;
};

/* The days of the counts, which are sorted by them. */
static u32 *find_days(const struct rep_page *p)
{
	u32 *day_of = mx_alloc((p->days.count + 1) * sizeof(*day_of)), i, day = 0;
	s64 first = rep_page_first_day(p);
	char text[MX_TIME_TEXT];

	for (i = 0; i < p->days.count; i++) {
		while (day + 1 < REP_PAGE_DAYS && strcmp(rep_page_date(first + day, text), p->days.items[i].day) < 0)
			day++;
		day_of[i] = day;
	}
	return day_of;
}

/* --- what is plotted ------------------------------------------------------------------------------------------- */

static bool is_same(const char *left, const char *right)
{
	return left == right || (left && right && !strcmp(left, right));
}

static int compare(const char *left, const char *right)
{
	return left && right ? strcmp(left, right) : 0;
}

static int by_name(const void *left, const void *right)
{
	const struct view *a = left, *b = right;
	int order = compare(a->source, b->source);

	return order ? order : compare(a->provider, b->provider);
}

static int by_messages(const void *left, const void *right)
{
	const struct view *a = left, *b = right;

	if (a->messages != b->messages)
		return a->messages > b->messages ? -1 : 1;
	return by_name(left, right);
}

/* All sources, providers or lanes of the time, the largest first. */
static struct views gather(const struct rep_page *p, bool sources, bool providers)
{
	struct views v = { mx_alloc((p->days.count + 1) * sizeof(*v.items)), 0 };
	u32 i, n = p->days.count;

	for (i = 0; i < n; i++) {
		const struct rep_counts *c = &p->days.items[i];

		v.items[i] = (struct view){ sources ? c->source : NULL, providers ? c->provider : NULL,
					    rep_counts_messages(c) };
	}
	qsort(v.items, n, sizeof(*v.items), by_name);
	for (i = 0; i < n; i++) {
		struct view *last = v.count ? &v.items[v.count - 1] : NULL;

		if (last && is_same(last->source, v.items[i].source) && is_same(last->provider, v.items[i].provider))
			last->messages += v.items[i].messages;
		else
			v.items[v.count++] = v.items[i];
	}
	qsort(v.items, v.count, sizeof(*v.items), by_messages);
	return v;
}

static bool is_of(const struct view *v, const struct rep_counts *c)
{
	return (!v->source || !strcmp(v->source, c->source)) && (!v->provider || !strcmp(v->provider, c->provider));
}

static void add(struct rep_counts *sum, const struct rep_counts *c)
{
	u32 i;

	for (i = 0; i < REP_WHATS; i++)
		sum->what[i] += c->what[i];
	sum->bad += c->bad;
	sum->blocked += c->blocked;
}

/* Of one view; of several, what is of none of them. */
static void add_up(struct plots *s, const struct view *views, u32 count, bool inverted)
{
	const struct rep_counts_list *l = &s->page->days;
	u32 i, k;

	memset(s->days, 0, REP_PAGE_DAYS * sizeof(*s->days));
	for (i = 0; i < l->count; i++) {
		for (k = 0; k < count && !is_of(&views[k], &l->items[i]); k++)
			;
		if ((k < count) != inverted)
			add(&s->days[s->day_of[i]], &l->items[i]);
	}
}

/* --- charts ---------------------------------------------------------------------------------------------------- */

static const char *date(const void *arg, u32 day, char *text)
{
	const struct rep_page *p = arg;

	return rep_page_date(rep_page_first_day(p) + day, text) + 5; /* without the year */
}

static struct mx_chart new_chart(struct plots *s, const char *what, const char *unit)
{
	snprintf(s->text, sizeof(s->text), "%s: %s", s->title, what);
	return (struct mx_chart){ .title = what,
				  .label = s->text,
				  .unit = unit,
				  .heading = "h4",
				  .axis = "day (UTC)",
				  .date = date,
				  .arg = s->page,
				  .days = REP_PAGE_DAYS,
				  .small = true };
}

static void add_bars(struct plots *s, struct mx_chart *c, u32 style, enum mx_drawing drawing, enum rep_what what)
{
	struct mx_series *series = mx_chart_add(c, style, drawing);
	u32 day;

	snprintf(series->name, sizeof(series->name), "%s", rep_outcome_name((enum rep_outcome)what));
	for (day = 0; day < REP_PAGE_DAYS; day++)
		series->values[day] = (double)s->days[day].what[what];
}

static void print_volume(struct plots *s)
{
	struct mx_chart c = new_chart(s, "messages", "messages a day");
	u64 sum[3] = { 0 }, most = 0;
	char text[MX_TIME_TEXT], description[300];
	u32 day, at = 0;

	for (day = 0; day < REP_PAGE_DAYS; day++) {
		u64 n = rep_counts_messages(&s->days[day]);

		sum[REP_SENT] += s->days[day].what[REP_WHAT_SENT];
		sum[REP_DEFERRED] += s->days[day].what[REP_WHAT_DEFERRED];
		sum[REP_BOUNCED] += s->days[day].what[REP_WHAT_BOUNCED];
		at = n > most ? day : at;
		most = n > most ? n : most;
	}
	snprintf(description, sizeof(description),
		 "Bars for %d days: %llu sent, %llu deferred, %llu bounced; most on %s: %llu messages.", REP_PAGE_DAYS,
		 (unsigned long long)sum[REP_SENT], (unsigned long long)sum[REP_DEFERRED],
		 (unsigned long long)sum[REP_BOUNCED], rep_page_date(rep_page_first_day(s->page) + at, text),
		 (unsigned long long)most);
	c.description = description;
	add_bars(s, &c, BLUE, MX_DRAW_BAR, REP_WHAT_SENT);
	add_bars(s, &c, OCHRE, MX_DRAW_STRIPED, REP_WHAT_DEFERRED);
	add_bars(s, &c, VERMILION, MX_DRAW_BAR, REP_WHAT_BOUNCED);
	mx_chart_print(&c, s->page->out);
}

static double highest(const struct mx_chart *c)
{
	double most = 0;
	u32 i, day;

	for (i = 0; i < c->count; i++)
		for (day = 0; day < c->days; day++)
			most = fmax(most, c->series[i].values[day]);
	return most;
}

/* `may_be_beyond`: one that is far above all the others is only told, or they would be flat. */
static void add_limit(struct mx_chart *c, u32 style, const char *name, u32 threshold, bool may_be_beyond)
{
	double limit = 100.0 * threshold / REP_WHOLE;
	bool is_beyond = may_be_beyond && limit > BEYOND * highest(c);
	struct mx_series *series;
	u32 day;

	if (!threshold)
		return;
	series = mx_chart_add(c, style, MX_DRAW_LIMIT);
	snprintf(series->name, sizeof(series->name), "%s from %g %%%s", name, limit, is_beyond ? " (beyond)" : "");
	for (day = 0; day < REP_PAGE_DAYS && !is_beyond; day++)
		series->values[day] = limit;
}

static u64 bad_of(const struct rep_counts *c)
{
	return c->bad + c->what[REP_WHAT_COMPLAINT];
}

static u64 complaints_of(const struct rep_counts *c)
{
	return c->what[REP_WHAT_COMPLAINT];
}

static u64 deferred_of(const struct rep_counts *c)
{
	return c->what[REP_WHAT_DEFERRED];
}

static u64 blocked_of(const struct rep_counts *c)
{
	return c->blocked;
}

/* A rate of all messages; days without any have none. Says the highest in `description`. */
static void add_rate(struct plots *s, struct mx_chart *c, u32 style, const char *name,
		     u64 (*hits)(const struct rep_counts *c), char *description, size_t size)
{
	struct mx_series *series = mx_chart_add(c, style, MX_DRAW_LINE);
	char text[MX_TIME_TEXT];
	double most = -1;
	size_t length = strlen(description);
	u32 day, at = 0;

	snprintf(series->name, sizeof(series->name), "%s", name);
	for (day = 0; day < REP_PAGE_DAYS; day++) {
		u64 n = rep_counts_messages(&s->days[day]);

		if (n)
			series->values[day] = 100.0 * (double)hits(&s->days[day]) / (double)n;
		at = series->values[day] > most ? day : at;
		most = fmax(most, series->values[day]);
	}
	if (most >= 0)
		snprintf(description + length, size - length, "%s%s: at most %.2f %%, on %s.", length ? " " : "", name,
			 most, rep_page_date(rep_page_first_day(s->page) + at, text));
}

static void print_bad(struct plots *s)
{
	struct mx_chart c = new_chart(s, "bad addresses and complaints", "% of messages");
	char description[300] = "";

	c.description = description;
	add_rate(s, &c, VERMILION, "bad addresses and complaints", bad_of, description, sizeof(description));
	add_rate(s, &c, PURPLE, "complaints alone", complaints_of, description, sizeof(description));
	add_limit(&c, PURPLE, "complaints: suspicious", s->judge.complaints, false);
	add_limit(&c, OCHRE, "suspicious", s->judge.suspicious, false);
	add_limit(&c, BLACK, "spammer", s->judge.spammer, true);
	mx_chart_print(&c, s->page->out);
}

static void print_deferred(struct plots *s)
{
	struct mx_chart c = new_chart(s, "deferred and turned down", "% of messages");
	char description[300] = "";

	c.description = description;
	add_rate(s, &c, OCHRE, "deferred", deferred_of, description, sizeof(description));
	add_rate(s, &c, BLUE, "turned down: rate, block or policy", blocked_of, description, sizeof(description));
	add_limit(&c, BLUE, "turned down: suspicious", s->judge.deferred, false);
	mx_chart_print(&c, s->page->out);
}

static void print_numbers(struct plots *s)
{
	static const char *const columns[] = { "<Day",       "Sent",          "Deferred",    "Bounced", "Failed",
					       "Complaints", "Bad addresses", "Turned down", NULL };
	char text[MX_TIME_TEXT];
	u32 day;

	fputs("<details><summary>the numbers</summary>\n", s->page->out);
	snprintf(s->text, sizeof(s->text), "%s, by day", s->title);
	rep_page_table(s->page, s->text, columns);
	for (day = 0; day < REP_PAGE_DAYS; day++) {
		const struct rep_counts *c = &s->days[day];

		if (!rep_counts_messages(c) && !c->what[REP_WHAT_FAILED] && !bad_of(c))
			continue;
		rep_page_row(s->page, NULL, rep_page_date(rep_page_first_day(s->page) + day, text));
		rep_page_number(s->page, c->what[REP_WHAT_SENT]);
		rep_page_number(s->page, c->what[REP_WHAT_DEFERRED]);
		rep_page_number(s->page, c->what[REP_WHAT_BOUNCED]);
		rep_page_number(s->page, c->what[REP_WHAT_FAILED]);
		rep_page_number(s->page, complaints_of(c));
		rep_page_number(s->page, c->bad);
		rep_page_number(s->page, c->blocked);
		rep_page_row_end(s->page);
	}
	rep_page_table_end(s->page);
	fputs("</details>\n", s->page->out);
}

static void print_plots(struct plots *s)
{
	FILE *out = s->page->out;

	fputs("<h3>", out);
	mx_html_cut(s->title, REP_PAGE_TEXT, out);
	fputs("</h3>\n<div class=\"plots\">\n<div>", out);
	print_volume(s);
	fputs("</div>\n<div>", out);
	print_bad(s);
	fputs("</div>\n<div>", out);
	print_deferred(s);
	fputs("</div>\n</div>\n", out);
	print_numbers(s);
}

static void set_title(struct plots *s, const struct view *v)
{
	if (v->source && v->provider)
		snprintf(s->title, sizeof(s->title), "%.100s at %.100s", rep_page_source(v->source), v->provider);
	else
		snprintf(s->title, sizeof(s->title), "%.100s", v->source ? rep_page_source(v->source) : v->provider);
}

/* The largest by themselves, the others together. */
static void print_views(struct plots *s, bool sources, bool providers, const char *what)
{
	struct views v = gather(s->page, sources, providers);
	u32 i, shown = v.count <= REP_PAGE_PLOTS + 1 ? v.count : REP_PAGE_PLOTS;

	for (i = 0; i < shown; i++) {
		set_title(s, &v.items[i]);
		s->judge = rep_settings_judge(s->page->settings, providers ? v.items[i].provider : "");
		add_up(s, &v.items[i], 1, false);
		print_plots(s);
	}
	if (shown < v.count) {
		snprintf(s->title, sizeof(s->title), "The other %u %s together", v.count - shown, what);
		s->judge = s->page->settings->judge;
		add_up(s, v.items, shown, true);
		print_plots(s);
	}
	free(v.items);
}

void rep_page_plots(struct rep_page *p)
{
	u32 *day_of = find_days(p);
	struct plots s = { .page = p, .day_of = day_of, .days = mx_alloc(REP_PAGE_DAYS * sizeof(*s.days)) };

	rep_page_section(p, "sources", "Sources, by day");
	print_views(&s, true, false, "sources");
	rep_page_section(p, "providers", "Providers, by day");
	print_views(&s, false, true, "providers");
	rep_page_section(p, "plots", "Lanes, by day");
	print_views(&s, true, true, "lanes");
	free(s.days);
	free(day_of);
}
