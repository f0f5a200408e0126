// SPDX-License-Identifier: GPL-2.0-or-later
/* How each source's volume grew since it began. */
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "tools/html/chart.h"
#include "tools/mxrep/page.h"

#define LINES 7 /* with a line of their own */

struct source {
	char *name;
	u64 days[REP_PAGE_WARMUP_DAYS]; /* messages */
	u32 first, active;              /* the first day with any; how many days have some */
	u64 messages;
};

struct sources {
	struct source *items;
	u32 count;
	s64 first_day;
};

static struct sources read_sources(const struct rep_page *p)
{
	struct sources l = { .first_day = p->now / REP_DAY - (REP_PAGE_WARMUP_DAYS - 1) };
	sqlite3_stmt *q = rep_store_bind(
		p->store,
		"SELECT source, day, SUM(n) FROM (SELECT lane, hour / 24 AS day, SUM(n) AS n FROM count WHERE hour >= "
		"? AND"
		" hour < ? AND what <= ? GROUP BY 1, 2) JOIN lane ON lane.id = lane WHERE source != '' GROUP BY 1, 2"
		" ORDER BY 1, 2",
		"iii", l.first_day * 24, p->now / 3600 + 1, (s64)REP_WHAT_BOUNCED);

	while (rep_store_row(p->store, q)) {
		const char *name = rep_store_text(q, 0);
		u32 day = (u32)(sqlite3_column_int64(q, 1) - l.first_day);
		struct source *s = l.count ? &l.items[l.count - 1] : NULL;

		if (!s || strcmp(s->name, name)) {
			l.items = mx_grow(l.items, l.count, sizeof(*l.items));
			s = &l.items[l.count++];
			*s = (struct source){ .name = mx_strdup(name), .first = day };
		}
		s->days[day] = (u64)sqlite3_column_int64(q, 2);
		s->messages += s->days[day];
		s->active++;
	}
	return l;
}

static int by_messages(const void *left, const void *right)
{
	const struct source *a = left, *b = right;

	if (a->messages != b->messages)
		return a->messages > b->messages ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* Else it may have begun before. */
static bool has_begun(const struct source *s)
{
	return s->first > 0;
}

static const char *number_of_day(const void *arg, u32 day, char *text)
{
	(void)arg;
	snprintf(text, MX_TIME_TEXT, "%u", day + 1);
	return text;
}

static void print_chart(const struct sources *l, bool logarithmic, FILE *out)
{
	struct mx_chart c = { .title = logarithmic ? "From each source's first day on, by tens"
						   : "From each source's first day on",
			      .unit = "messages a day",
			      .heading = "h4",
			      .axis = "day since the source began",
			      .date = number_of_day,
			      .logarithmic = logarithmic,
			      .small = true,
			      .description = "A line for each source; the table below has its numbers." };
	u32 i, day, lines = 0;

	for (i = 0; i < l->count; i++)
		if (has_begun(&l->items[i]) && lines++ < LINES && REP_PAGE_WARMUP_DAYS - l->items[i].first > c.days)
			c.days = REP_PAGE_WARMUP_DAYS - l->items[i].first;
	for (i = 0, lines = 0; i < l->count && lines < LINES; i++) {
		const struct source *s = &l->items[i];
		struct mx_series *series;

		if (!has_begun(s))
			continue;
		series = mx_chart_add(&c, lines++, MX_DRAW_LINE);
		snprintf(series->name, sizeof(series->name), "%s", s->name);
		for (day = s->first; day < REP_PAGE_WARMUP_DAYS; day++)
			series->values[day - s->first] = (double)s->days[day];
	}
	if (lines)
		mx_chart_print(&c, out);
}

static void print_source(struct rep_page *p, const struct sources *l, const struct source *s)
{
	char text[MX_TIME_TEXT], began[MX_TIME_TEXT + 8];
	u32 day, most = s->first;

	for (day = s->first; day < REP_PAGE_WARMUP_DAYS; day++)
		most = s->days[day] > s->days[most] ? day : most;
	snprintf(began, sizeof(began), "%s%s", rep_page_date(l->first_day + s->first, text),
		 has_begun(s) ? "" : " or before");
	rep_page_row(p, NULL, s->name);
	rep_page_when(p, began);
	rep_page_number(p, s->active);
	rep_page_number(p, s->days[s->first]);
	rep_page_number(p, s->days[most]);
	rep_page_when(p, rep_page_date(l->first_day + most, text));
	rep_page_number(p, s->days[REP_PAGE_WARMUP_DAYS - 2]);
	rep_page_number(p, s->days[REP_PAGE_WARMUP_DAYS - 1]);
	rep_page_row_end(p);
}

void rep_page_warmup(struct rep_page *p)
{
	static const char *const columns[] = { "<Source",          "<Began",       "Days with mail",
					       "On its first day", "Most",         "<Most on",
					       "Yesterday",        "Today so far", NULL };
	struct sources l = read_sources(p);
	u32 i;

	if (!l.count)
		return;
	qsort(l.items, l.count, sizeof(*l.items), by_messages);
	rep_page_section(p, "warmup", "Warm-up: sources since they began");
	fputs("<div class=\"plots\">\n<div>", p->out);
	print_chart(&l, true, p->out);
	fputs("</div>\n<div>", p->out);
	print_chart(&l, false, p->out);
	fputs("</div>\n</div>\n", p->out);
	rep_page_table(p, "Messages of each source", columns);
	for (i = 0; i < l.count && i < REP_PAGE_ROWS; i++)
		print_source(p, &l, &l.items[i]);
	rep_page_table_end(p);
	if (l.count > REP_PAGE_ROWS)
		fprintf(p->out, "<p>%u smaller sources are left out.</p>\n", l.count - REP_PAGE_ROWS);
	while (l.count)
		free(l.items[--l.count].name);
	free(l.items);
}
