// SPDX-License-Identifier: GPL-2.0-or-later
/* Tables of the lanes: those that are not as they should be first, then the largest; the rest summed up and listed. */
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "tools/html/text.h"
#include "tools/mxrep/page.h"

struct judged {
	const struct rep_counts *counts;
	enum rep_judgement judgement;
};

static enum rep_judgement judge(struct rep_page *p, const struct rep_counts *c)
{
	struct rep_judge j = rep_settings_judge(p->settings, c->provider);

	return rep_judge(c, &j, NULL, 0);
}

static u32 severity(enum rep_judgement judgement)
{
	return judgement >= REP_SUSPICIOUS ? judgement : 0;
}

static int by_weight(const void *left, const void *right)
{
	const struct judged *a = left, *b = right;
	u32 x = severity(a->judgement), y = severity(b->judgement);
	u64 m = rep_counts_messages(a->counts), n = rep_counts_messages(b->counts);

	if (x != y)
		return x > y ? -1 : 1;
	if (m != n)
		return m > n ? -1 : 1;
	return a->counts < b->counts ? -1 : 1; /* sorted by name */
}

static int by_name(const void *left, const void *right)
{
	const struct judged *a = left, *b = right;

	return a->counts < b->counts ? -1 : 1;
}

static void add(struct rep_counts *sum, const struct rep_counts *c)
{
	u32 i;

	for (i = 0; i < REP_WHATS; i++)
		sum->what[i] += c->what[i];
	sum->bad += c->bad;
}

static void print_row(struct rep_page *p, const char *class, const char *source, const char *provider,
		      const struct rep_counts *c, const char *judgement)
{
	rep_page_row(p, class, source);
	rep_page_text(p, provider, REP_PAGE_TEXT);
	rep_page_number(p, rep_counts_messages(c));
	rep_page_number(p, c->what[REP_WHAT_SENT]);
	rep_page_number(p, c->what[REP_WHAT_DEFERRED]);
	rep_page_number(p, c->what[REP_WHAT_BOUNCED]);
	rep_page_number(p, c->what[REP_WHAT_FAILED]);
	rep_page_number(p, c->what[REP_WHAT_COMPLAINT]);
	rep_page_number(p, c->bad);
	rep_page_percent(p, rep_counts_rate(c));
	rep_page_text(p, judgement, REP_PAGE_TEXT);
	rep_page_row_end(p);
}

static void print_lane(struct rep_page *p, const struct judged *j)
{
	const char *name = rep_judgement_name(j->judgement);

	print_row(p, severity(j->judgement) ? name : NULL, rep_page_source(j->counts->source), j->counts->provider,
		  j->counts, name);
}

static void print_sum(struct rep_page *p, const char *name, const struct judged *lanes, u32 count)
{
	struct rep_counts sum = { 0 };
	char of[32];
	u32 i;

	for (i = 0; i < count; i++)
		add(&sum, lanes[i].counts);
	snprintf(of, sizeof(of), "%u lanes", count);
	print_row(p, "sum", name, of, &sum, "");
}

/* Source by source, how much went to each provider. */
static void print_rest(struct rep_page *p, struct judged *lanes, u32 count)
{
	const char *source = NULL;
	u32 i;

	qsort(lanes, count, sizeof(*lanes), by_name);
	fprintf(p->out, "<details><summary>the other %u lanes, with their messages</summary>\n", count);
	for (i = 0; i < count; i++) {
		const struct rep_counts *c = lanes[i].counts;

		if (!source || strcmp(source, c->source)) {
			fputs(source ? "</p>\n<p><b>" : "<p><b>", p->out);
			mx_html_cut(rep_page_source(c->source), REP_PAGE_TEXT, p->out);
			fputs("</b>: ", p->out);
		} else {
			fputs(", ", p->out);
		}
		source = c->source;
		mx_html_cut(c->provider, REP_PAGE_TEXT, p->out);
		fprintf(p->out, " %llu", (unsigned long long)rep_counts_messages(c));
	}
	fputs("</p></details>\n", p->out);
}

static void print_table(struct rep_page *p, const char *caption, const struct rep_counts_list *l)
{
	static const char *const columns[] = { "<Source",       "<Provider", "Total",      "Sent",
					       "Deferred",      "Bounced",   "Failed",     "Complaints",
					       "Bad addresses", "Rate",      "<Judgement", NULL };
	struct judged *lanes = mx_alloc((l->count + 1) * sizeof(*lanes));
	u32 i, shown = l->count < REP_PAGE_LANES ? l->count : REP_PAGE_LANES;

	for (i = 0; i < l->count; i++)
		lanes[i] = (struct judged){ &l->items[i], judge(p, &l->items[i]) };
	qsort(lanes, l->count, sizeof(*lanes), by_weight);
	rep_page_table(p, caption, columns);
	for (i = 0; i < shown; i++)
		print_lane(p, &lanes[i]);
	if (shown < l->count)
		print_sum(p, "the others", lanes + shown, l->count - shown);
	print_sum(p, "all", lanes, l->count);
	rep_page_table_end(p);
	if (shown < l->count)
		print_rest(p, lanes + shown, l->count - shown);
	free(lanes);
}

void rep_page_lanes(struct rep_page *p)
{
	rep_page_section(p, "lanes", "Lanes: sources at providers");
	print_table(p, "The last 24 hours", &p->day);
	print_table(p, "The last 7 days", &p->week);
	fputs("<p>Total: messages that a provider answered. Failed: attempts without an answer. Rate: bad addresses and"
	      " complaints, of all messages.</p>\n",
	      p->out);
}
