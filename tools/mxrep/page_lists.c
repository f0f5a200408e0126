// SPDX-License-Identifier: GPL-2.0-or-later
/* What was answered, done and reported, and how surely all of it is known. */
#include <stdlib.h>
#include <string.h>

#include "tools/html/chart.h"
#include "tools/html/text.h"
#include "tools/mxrep/page.h"

/* --- replies --------------------------------------------------------------------------------------------------- */

struct reply {
	u64 day, week;
	bool is_known;
};

static void count_replies(const struct rep_page *p, struct reply *replies)
{
	u32 i, k;

	for (k = 0; k < REP_CATEGORIES; k++) {
		for (i = 0; i < p->day.count; i++)
			replies[k].day += p->day.items[i].category[k];
		for (i = 0; i < p->week.count; i++)
			replies[k].week += p->week.items[i].category[k];
	}
}

static void begin_reply(struct rep_page *p, u32 category, const struct reply *r)
{
	rep_page_row(p, NULL, category ? rep_category_name((enum rep_category)category) : "none: no rule knows it");
	rep_page_number(p, r->day);
	rep_page_number(p, r->week);
}

/* The latest of each category. Where several columns stand beside MAX(), SQLite takes them from its row. */
static void print_samples(struct rep_page *p, struct reply *replies)
{
	sqlite3_stmt *q = rep_store_bind(p->store,
					 "SELECT category, outcome, text, source, provider, MAX(time) FROM reply"
					 " JOIN lane ON lane.id = reply.lane WHERE outcome != ? GROUP BY category",
					 "i", (s64)REP_SENT);

	while (rep_store_row(p->store, q)) {
		s64 category = sqlite3_column_int64(q, 0), outcome = sqlite3_column_int64(q, 1);
		char when[MX_TIME_TEXT];

		if (category < 0 || category >= REP_CATEGORIES || outcome < 0 || outcome >= REP_OUTCOMES)
			continue;
		replies[category].is_known = true;
		begin_reply(p, (u32)category, &replies[category]);
		rep_page_text(p, rep_store_text(q, 2), REP_PAGE_REPLY);
		rep_page_text(p, rep_outcome_name((enum rep_outcome)outcome), REP_PAGE_TEXT);
		rep_page_text(p, rep_page_source(rep_store_text(q, 3)), REP_PAGE_TEXT);
		rep_page_text(p, rep_store_text(q, 4), REP_PAGE_TEXT);
		rep_page_when(p, mx_time_text(sqlite3_column_int64(q, 5), when));
		rep_page_row_end(p);
	}
}

void rep_page_replies(struct rep_page *p)
{
	static const char *const columns[] = { "<Category", "24 hours",  "7 days", "<Such as", "<Outcome",
					       "<Source",   "<Provider", "<When",  NULL };
	struct reply replies[REP_CATEGORIES] = { 0 };
	u32 i, k;

	count_replies(p, replies);
	rep_page_section(p, "replies", "What was answered");
	rep_page_table(p, "Answers that are no deliveries, by category, and the latest of each", columns);
	print_samples(p, replies);
	for (i = 0; i < REP_CATEGORIES; i++) {
		if (replies[i].is_known || !replies[i].week)
			continue;
		begin_reply(p, i, &replies[i]);
		for (k = 0; k < 5; k++)
			rep_page_text(p, "", 0);
		rep_page_row_end(p);
	}
	rep_page_table_end(p);
}

/* --- actions --------------------------------------------------------------------------------------------------- */

static void print_action(struct rep_page *p, const struct rep_page_action *a)
{
	char when[MX_TIME_TEXT];

	rep_page_row(p, "when", mx_time_text(a->time, when));
	rep_page_text(p, rep_page_source(a->source), REP_PAGE_TEXT);
	fputs("<td class=\"t\">", p->out);
	mx_html_cut(a->provider, REP_PAGE_TEXT, p->out);
	if (*a->network) {
		fputc(' ', p->out);
		mx_html_cut(a->network, REP_PAGE_TEXT, p->out);
	}
	fputs("</td><td class=\"t\">", p->out);
	rep_page_deed(p, a);
	fputs("</td>", p->out);
	rep_page_text(p, a->result, REP_PAGE_TEXT);
	rep_page_text(p, a->reason, REP_PAGE_REASON);
	rep_page_text(p, a->evidence, REP_PAGE_REASON);
	rep_page_row_end(p);
}

void rep_page_actions(struct rep_page *p)
{
	static const char *const columns[] = { "<When",   "<Source", "<Provider", "<What",
					       "<Result", "<Why",    "<Evidence", NULL };
	u32 i;

	rep_page_section(p, "actions", "What was done, and why");
	if (!p->action_count) {
		fprintf(p->out, "<p>Nothing was done%s.</p>\n", p->settings->steer ? "" : ": steering is off");
		return;
	}
	rep_page_table(p, "Actions, the latest first", columns);
	for (i = 0; i < p->action_count && i < REP_PAGE_ACTIONS; i++)
		print_action(p, &p->actions[i]);
	rep_page_table_end(p);
}

/* --- DMARC ----------------------------------------------------------------------------------------------------- */

#define DMARC_SUMS                                                                                                     \
	"SUM(n), SUM(CASE WHEN dkim OR spf THEN n ELSE 0 END), SUM(CASE WHEN dkim THEN n ELSE 0 END),"                 \
	" SUM(CASE WHEN spf THEN n ELSE 0 END), SUM(CASE WHEN disposition IN ('quarantine', 'reject') THEN n ELSE 0 "  \
	"END)"

static void print_sums(struct rep_page *p, sqlite3_stmt *q, int first)
{
	u64 n[5];
	int i;

	for (i = 0; i < 5; i++)
		n[i] = (u64)sqlite3_column_int64(q, first + i);
	rep_page_number(p, n[0]);
	rep_page_number(p, n[1]);
	rep_page_number(p, n[0] - n[1]);
	rep_page_number(p, n[2]);
	rep_page_number(p, n[3]);
	rep_page_number(p, n[4]);
}

static bool is_failed(sqlite3_stmt *q, int first)
{
	return sqlite3_column_int64(q, first) > sqlite3_column_int64(q, first + 1);
}

static void print_domains(struct rep_page *p)
{
	static const char *const columns[] = { "<Domain",      "<Source",     "Messages",    "Passed", "Failed",
					       "DKIM aligned", "SPF aligned", "Turned down", NULL };
	sqlite3_stmt *q = rep_store_bind(p->store,
					 "SELECT domain, source, " DMARC_SUMS
					 " FROM dmarc WHERE day >= ? GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT ?",
					 "ii", rep_page_first_day(p), (s64)REP_PAGE_ROWS);

	rep_page_table(p, "DMARC by domain and source, 30 days", columns);
	while (rep_store_row(p->store, q)) {
		rep_page_row(p, is_failed(q, 2) ? "suspicious" : NULL, rep_store_text(q, 0));
		rep_page_text(p, rep_page_source(rep_store_text(q, 1)), REP_PAGE_TEXT);
		print_sums(p, q, 2);
		rep_page_row_end(p);
	}
	rep_page_table_end(p);
}

static void print_reporters(struct rep_page *p)
{
	static const char *const columns[] = { "<Reporter",    "Messages",    "Passed",      "Failed",
					       "DKIM aligned", "SPF aligned", "Turned down", NULL };
	sqlite3_stmt *q = rep_store_bind(p->store,
					 "SELECT reporter, " DMARC_SUMS
					 " FROM dmarc WHERE day >= ? GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?",
					 "ii", rep_page_first_day(p), (s64)REP_PAGE_ROWS);

	rep_page_table(p, "DMARC by who reported it, 30 days", columns);
	while (rep_store_row(p->store, q)) {
		rep_page_row(p, NULL, rep_page_source(rep_store_text(q, 0)));
		print_sums(p, q, 1);
		rep_page_row_end(p);
	}
	rep_page_table_end(p);
}

static const char *date(const void *arg, u32 day, char *text)
{
	const struct rep_page *p = arg;

	return rep_page_date(rep_page_first_day(p) + day, text) + 5; /* without the year */
}

static void print_days(struct rep_page *p)
{
	struct mx_chart c = { .title = "DMARC by day",
			      .unit = "messages a day",
			      .heading = "h4",
			      .axis = "day of the report (UTC)",
			      .date = date,
			      .arg = p,
			      .days = REP_PAGE_DAYS,
			      .small = true };
	struct mx_series *passed = mx_chart_add(&c, 0, MX_DRAW_BAR), *failed = mx_chart_add(&c, 1, MX_DRAW_STRIPED);
	sqlite3_stmt *q =
		rep_store_bind(p->store, "SELECT day, " DMARC_SUMS " FROM dmarc WHERE day >= ? AND day <= ? GROUP BY 1",
			       "ii", rep_page_first_day(p), p->now / REP_DAY);
	u64 sum[2] = { 0 };
	char description[100];

	snprintf(passed->name, sizeof(passed->name), "passed");
	snprintf(failed->name, sizeof(failed->name), "failed");
	while (rep_store_row(p->store, q)) {
		u32 day = (u32)(sqlite3_column_int64(q, 0) - rep_page_first_day(p));
		s64 all = sqlite3_column_int64(q, 1), well = sqlite3_column_int64(q, 2);

		passed->values[day] = (double)well;
		failed->values[day] = (double)(all - well);
		sum[0] += (u64)well;
		sum[1] += (u64)(all - well);
	}
	snprintf(description, sizeof(description), "Bars for %d days: %llu passed, %llu failed.", REP_PAGE_DAYS,
		 (unsigned long long)sum[0], (unsigned long long)sum[1]);
	c.description = description;
	fputs("<div class=\"plots\"><div>", p->out);
	mx_chart_print(&c, p->out);
	fputs("</div></div>\n", p->out);
}

void rep_page_dmarc(struct rep_page *p)
{
	rep_page_section(p, "dmarc", "DMARC");
	if (!rep_store_number(p->store, 0, "SELECT EXISTS (SELECT 1 FROM dmarc WHERE day >= ?)", "i",
			      rep_page_first_day(p))) {
		fputs("<p>No report of the last 30 days. Feed those that come to the address in the domain's record to"
		      " <code>mxrep dmarc</code>.</p>\n",
		      p->out);
		return;
	}
	fputs("<p>Passed: DKIM or SPF is aligned with the domain in From. Turned down: quarantined or rejected.</p>\n",
	      p->out);
	print_days(p);
	print_domains(p);
	print_reporters(p);
}

/* --- attribution ----------------------------------------------------------------------------------------------- */

static void sum_how(const struct rep_counts_list *l, u64 how[REP_HOWS])
{
	u32 i, k;

	for (i = 0; i < l->count; i++)
		for (k = 0; k < REP_HOWS; k++)
			how[k] += l->items[i].how[k];
}

void rep_page_attribution(struct rep_page *p)
{
	static const char *const columns[] = { "<Source is", "24 hours", "7 days", "<That is", NULL };
	static const char *const names[REP_HOWS][2] = {
		{ "exact", "by the connection's own process or port, or no other source was possible" },
		{ "inferred", "by destination and time one connection fits" },
		{ "ambiguous", "several connections fit: counted at the likeliest" },
		{ "not known", "no connection is known" },
	};
	u64 day[REP_HOWS] = { 0 }, week[REP_HOWS] = { 0 };
	u32 i;

	sum_how(&p->day, day);
	sum_how(&p->week, week);
	rep_page_section(p, "attribution", "How surely sources are known");
	rep_page_table(p, "Messages by how their source was found", columns);
	for (i = 0; i < REP_HOWS; i++) {
		rep_page_row(p, NULL, names[i][0]);
		rep_page_number(p, day[i]);
		rep_page_number(p, week[i]);
		rep_page_text(p, names[i][1], REP_PAGE_TEXT);
		rep_page_row_end(p);
	}
	rep_page_table_end(p);
}
