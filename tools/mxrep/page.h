/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the page that rep_report_page() writes. Private to report_page.c and page_*.c. */
#ifndef MX_REP_PAGE_H
#define MX_REP_PAGE_H

#include <stdio.h>

#include "daemon/text.h"
#include "tools/mxrep/judge.h"
#include "tools/mxrep/settings.h"
#include "tools/mxrep/store.h"

#define REP_PAGE_DAYS 30        /* that are plotted, today's among them */
#define REP_PAGE_WARMUP_DAYS 92 /* that a source's beginning is looked for in */
#define REP_PAGE_PLOTS 8        /* sources, providers and lanes with plots of their own: so many of each */
#define REP_PAGE_LANES 200      /* rows of a table of lanes */
#define REP_PAGE_TROUBLES 100   /* lines of lanes that are not as they should be */
#define REP_PAGE_ACTIONS 200    /* rows */
#define REP_PAGE_ROWS 100       /* of the other tables */
#define REP_PAGE_REPLY 500      /* characters of a reply, and of any other foreign text: */
#define REP_PAGE_TEXT 200
#define REP_PAGE_REASON 160
#define REP_DAY 86400

/* Something that was done on a lane. */
struct rep_page_action {
	char *source, *provider, *network, *what, *value, *reason, *evidence, *result;
	s64 time;
};

/* A lane that rests, or whose share is held down. */
struct rep_page_standing {
	char *source, *provider, *network;
	u32 factor; /* thousandths */
	s64 rest_until;
};

struct rep_page {
	struct rep_store *store;
	const struct rep_settings *settings;
	s64 now;                          /* seconds */
	FILE *out;                        /* in memory */
	struct rep_counts_list day, week; /* by lane: the last 24 hours, the last 7 days */
	struct rep_counts_list days;      /* by day and lane, of REP_PAGE_DAYS */
	struct rep_page_action *actions;  /* the latest first: of the last day, and at least REP_PAGE_ACTIONS */
	u32 action_count;
	struct rep_page_standing *standings;
	u32 standing_count;
};

/* Writes the page as of `now` (seconds). */
void rep_page_print(struct rep_store *store, const struct rep_settings *settings, s64 now, FILE *out);

/* page_data.c: what the parts below share. */
void rep_page_read(struct rep_page *page);
void rep_page_free(struct rep_page *page);
s64 rep_page_first_day(const struct rep_page *page);                       /* since the epoch, of the plots */
const char *rep_page_date(s64 day, char *text);                            /* "2026-11-01" (MX_TIME_TEXT bytes) */
bool rep_page_same(const char *const left[3], const char *const right[3]); /* source, provider, network */

/* page_table.c: tables whose rows begin with a header cell; numbers stand to the right. */
void rep_page_section(struct rep_page *page, const char *id, const char *title);
/* `columns`: their names, NULL behind the last; those of texts begin with '<'. */
void rep_page_table(struct rep_page *page, const char *caption, const char *const *columns);
void rep_page_table_end(struct rep_page *page);
void rep_page_row(struct rep_page *page, const char *class, const char *text); /* begins it; class NULL: none */
void rep_page_row_end(struct rep_page *page);
void rep_page_text(struct rep_page *page, const char *text, size_t most); /* at most so many characters of it */
void rep_page_when(struct rep_page *page, const char *text);              /* our own: a time or a date */
void rep_page_number(struct rep_page *page, u64 n);
void rep_page_percent(struct rep_page *page, double part); /* 0 to 1 */
const char *rep_page_source(const char *name);             /* what is shown of a source that is not known */
void rep_page_deed(struct rep_page *page, const struct rep_page_action *action);

/* The sections, from the top down. */
void rep_page_troubles(struct rep_page *page); /* page_troubles.c */
void rep_page_lanes(struct rep_page *page);    /* page_lanes.c */
void rep_page_plots(struct rep_page *page);    /* page_plots.c */
void rep_page_warmup(struct rep_page *page);   /* page_warmup.c */
void rep_page_replies(struct rep_page *page);  /* page_lists.c */
void rep_page_actions(struct rep_page *page);
void rep_page_dmarc(struct rep_page *page);
void rep_page_attribution(struct rep_page *page);

#endif
