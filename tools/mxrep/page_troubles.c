// SPDX-License-Identifier: GPL-2.0-or-later
/* Which lanes are not as they should be, why, and what was done: one line each. */
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "tools/html/text.h"
#include "tools/mxrep/page.h"

#define DEEDS 3 /* of a lane, that are told */

struct trouble {
	const char *lane[3]; /* source, provider, network */
	enum rep_judgement judgement;
	u64 messages;
	char why[200];
	const struct rep_page_standing *standing; /* NULL: none */
};

struct troubles {
	struct trouble *items;
	u32 count, lanes, judged;
};

static void judge_lanes(struct rep_page *p, struct troubles *t)
{
	u32 i;

	for (i = 0; i < p->day.count; i++) {
		const struct rep_counts *c = &p->day.items[i];
		struct rep_judge j = rep_settings_judge(p->settings, c->provider);
		struct trouble trouble = { .lane = { c->source, c->provider, "" }, .messages = rep_counts_messages(c) };

		trouble.judgement = rep_judge(c, &j, trouble.why, sizeof(trouble.why));
		t->lanes++;
		t->judged += trouble.judgement != REP_UNJUDGED;
		if (trouble.judgement < REP_SUSPICIOUS)
			continue;
		t->items = mx_grow(t->items, t->count, sizeof(*t->items));
		t->items[t->count++] = trouble;
	}
}

static void add_standing(struct troubles *t, const struct rep_page_standing *s)
{
	const char *const lane[3] = { s->source, s->provider, s->network };
	u32 i;

	for (i = 0; i < t->count; i++)
		if (rep_page_same(t->items[i].lane, lane)) {
			t->items[i].standing = s;
			return;
		}
	t->items = mx_grow(t->items, t->count, sizeof(*t->items));
	t->items[t->count++] = (struct trouble){ .lane = { s->source, s->provider, s->network }, .standing = s };
}

static int by_weight(const void *left, const void *right)
{
	const struct trouble *a = left, *b = right;
	int i, order = 0;

	if (a->judgement != b->judgement)
		return a->judgement > b->judgement ? -1 : 1;
	if (a->messages != b->messages)
		return a->messages > b->messages ? -1 : 1;
	for (i = 0; i < 3 && !order; i++)
		order = strcmp(a->lane[i], b->lane[i]);
	return order;
}

static bool is_of(const struct rep_page_action *a, const struct trouble *t)
{
	const char *const lane[3] = { a->source, a->provider, a->network };

	return rep_page_same(lane, t->lane);
}

static void print_deeds(struct rep_page *p, const struct trouble *t)
{
	char when[MX_TIME_TEXT];
	u32 i, count = 0;

	for (i = 0; i < p->action_count && p->actions[i].time >= p->now - REP_DAY; i++) {
		if (!is_of(&p->actions[i], t) || count++ >= DEEDS)
			continue;
		fputs(count == 1 ? " Done: " : "; ", p->out);
		rep_page_deed(p, &p->actions[i]);
		fprintf(p->out, " at %s (", mx_time_text(p->actions[i].time, when));
		mx_html_cut(p->actions[i].result, REP_PAGE_TEXT, p->out);
		fputc(')', p->out);
	}
	if (count > DEEDS)
		fprintf(p->out, "; and %u more", count - DEEDS);
	if (count)
		fputc('.', p->out);
	else
		fputs(p->settings->steer ? " Nothing was done." : " Nothing was done: steering is off.", p->out);
}

static void print_standing(struct rep_page *p, const struct rep_page_standing *s)
{
	char when[MX_TIME_TEXT];

	if (s->factor < 1000)
		fprintf(p->out, " Its share is at %u.%u %%.", s->factor / 10, s->factor % 10);
	if (s->rest_until > p->now)
		fprintf(p->out, " It rests until %s.", mx_time_text(s->rest_until, when));
}

static const char *last_reason(const struct rep_page *p, const struct trouble *t)
{
	u32 i;

	for (i = 0; i < p->action_count; i++)
		if (is_of(&p->actions[i], t))
			return p->actions[i].reason;
	return "";
}

static void print_trouble(struct rep_page *p, const struct trouble *t)
{
	const char *word = rep_judgement_name(t->judgement), *why = *t->why ? t->why : last_reason(p, t);

	if (t->judgement < REP_SUSPICIOUS) /* in the last day: but something stands on it from before */
		word = t->standing->rest_until > p->now ? "resting" : "held down";
	fprintf(p->out, "<li class=\"%s\"><strong>%s</strong> ", t->judgement == REP_SPAMMER ? "spammer" : "suspicious",
		word);
	mx_html_cut(rep_page_source(t->lane[0]), REP_PAGE_TEXT, p->out);
	fputs(" at ", p->out);
	mx_html_cut(t->lane[1], REP_PAGE_TEXT, p->out);
	if (*t->lane[2]) {
		fputs(", network ", p->out);
		mx_html_cut(t->lane[2], REP_PAGE_TEXT, p->out);
	}
	if (*why) {
		fputs(": ", p->out);
		mx_html_cut(why, REP_PAGE_TEXT, p->out);
	}
	fputc('.', p->out);
	print_deeds(p, t);
	if (t->standing)
		print_standing(p, t->standing);
	fputs("</li>\n", p->out);
}

void rep_page_troubles(struct rep_page *p)
{
	struct troubles t = { 0 };
	u32 i;

	judge_lanes(p, &t);
	for (i = 0; i < p->standing_count; i++)
		add_standing(&t, &p->standings[i]);
	if (t.count)
		qsort(t.items, t.count, sizeof(*t.items), by_weight);
	rep_page_section(p, "now", "The last 24 hours");
	if (t.count) {
		fprintf(p->out, "<p>%u of %u lanes %s should be:</p>\n<ul class=\"troubles\">\n", t.count,
			t.lanes > t.count ? t.lanes : t.count, t.count == 1 ? "is not as it" : "are not as they");
		for (i = 0; i < t.count && i < REP_PAGE_TROUBLES; i++)
			print_trouble(p, &t.items[i]);
		if (t.count > REP_PAGE_TROUBLES)
			fprintf(p->out, "<li>and %u more: the table below has them.</li>\n",
				t.count - REP_PAGE_TROUBLES);
		fputs("</ul>\n", p->out);
	} else if (t.lanes) {
		fprintf(p->out,
			"<p class=\"well\">Nothing is amiss: %u lanes, %u of them with enough mail to be judged.</p>\n",
			t.lanes, t.judged);
	} else {
		fputs("<p>No mail has been counted in this time.</p>\n", p->out);
	}
	free(t.items);
}
