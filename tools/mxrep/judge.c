// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/judge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/log.h"

static const char *const names[] = { "unjudged", "acceptable", "suspicious", "spammer" };

const char *rep_judgement_name(enum rep_judgement judgement)
{
	return names[judgement];
}

/* --- counts ----------------------------------------------------------------------------------------------------- */

/*
 * By what they are told apart; the text of each is constant: statements are kept by it. The hours are added up by
 * number first, names are put to what is left.
 */
#define SELECT(key, order)                                                                                             \
	"SELECT " key ", what, category, how, SUM(n), MIN(lane.id) FROM (SELECT lane, hour / 24 AS day, what, "        \
	"category, how, SUM(n) AS n FROM count WHERE hour >= ? AND hour < ? GROUP BY 1, 2, 3, 4, 5) AS sums "          \
	"JOIN lane ON lane.id = sums.lane GROUP BY 1, 2, 3, 4, what, category, how HAVING SUM(n) <> 0 ORDER BY " order
static const char *const selects[] = {
	[REP_BY_LANE] = SELECT("source, provider, '', ''", "1, 2"),
	[REP_BY_NETWORK] = SELECT("source, provider, network, ''", "1, 2, 3"),
	[REP_BY_SOURCE] = SELECT("source, '', '', ''", "1"),
	[REP_BY_PROVIDER] = SELECT("'', provider, '', ''", "2"),
	[REP_BY_DAY] = SELECT("source, provider, '', date(day * 86400, 'unixepoch')", "4, 1, 2"),
};

static bool is_against_us(u32 category)
{
	switch (category) {
	case REP_POLICY:
	case REP_RATE_LIMITED:
	case REP_BLOCKED_ADDRESS:
	case REP_BLOCKED_NETWORK:
	case REP_BLOCK_LIST:
		return true;
	default:
		return false;
	}
}

static void add(struct rep_counts *c, u32 what, u32 category, u32 how, u64 n)
{
	bool is_message = what == REP_WHAT_SENT || what == REP_WHAT_DEFERRED || what == REP_WHAT_BOUNCED;

	c->what[what] += n;
	if (is_message)
		c->how[how] += n;
	if (what == REP_WHAT_DEFERRED || what == REP_WHAT_BOUNCED || what == REP_WHAT_LATE || what == REP_WHAT_FAILED)
		c->category[category] += n;
	if (what == REP_WHAT_TRAP ||
	    (category == REP_USER_UNKNOWN && (what == REP_WHAT_BOUNCED || what == REP_WHAT_LATE)))
		c->bad += n;
	if (is_message && is_against_us(category))
		c->blocked += n;
}

static bool is_of(const struct rep_counts *c, sqlite3_stmt *q)
{
	return !strcmp(c->source, rep_store_text(q, 0)) && !strcmp(c->provider, rep_store_text(q, 1)) &&
	       !strcmp(c->network, rep_store_text(q, 2)) && !strcmp(c->day, rep_store_text(q, 3));
}

struct rep_counts_list rep_counts_read(struct rep_store *store, enum rep_by by, s64 since, s64 until)
{
	struct rep_counts_list l = { 0 };
	sqlite3_stmt *q =
		rep_store_bind(store, selects[by], "ii", since / 3600, until ? until / 3600 : (s64)0x7fffffff);

	while (rep_store_row(store, q)) {
		u32 what = (u32)sqlite3_column_int(q, 4), category = (u32)sqlite3_column_int(q, 5),
		    how = (u32)sqlite3_column_int(q, 6);

		if (what >= REP_WHATS || category >= REP_CATEGORIES || how >= REP_HOWS)
			continue;
		if (!l.count || !is_of(&l.items[l.count - 1], q)) {
			l.items = mx_grow(l.items, l.count, sizeof(*l.items));
			l.items[l.count] = (struct rep_counts){ .source = mx_strdup(rep_store_text(q, 0)),
								.provider = mx_strdup(rep_store_text(q, 1)),
								.network = mx_strdup(rep_store_text(q, 2)),
								.day = mx_strdup(rep_store_text(q, 3)),
								.lane = (u32)sqlite3_column_int64(q, 8) };
			l.count++;
		}
		add(&l.items[l.count - 1], what, category, how, (u64)sqlite3_column_int64(q, 7));
	}
	return l;
}

void rep_counts_free(struct rep_counts_list *l)
{
	u32 i;

	for (i = 0; i < l->count; i++) {
		free(l->items[i].source);
		free(l->items[i].provider);
		free(l->items[i].network);
		free(l->items[i].day);
	}
	free(l->items);
	*l = (struct rep_counts_list){ 0 };
}

/* --- rates ------------------------------------------------------------------------------------------------------ */

u64 rep_counts_messages(const struct rep_counts *c)
{
	return c->what[REP_WHAT_SENT] + c->what[REP_WHAT_DEFERRED] + c->what[REP_WHAT_BOUNCED];
}

static double part(u64 hits, u64 of)
{
	return of ? (double)hits / (double)of : 0;
}

double rep_counts_rate(const struct rep_counts *c)
{
	return part(c->bad + c->what[REP_WHAT_COMPLAINT], rep_counts_messages(c));
}

double rep_rate_at_least(u64 hits, u64 of)
{
	const double z = 1.6448536269514722; /* 95 % of a normal distribution lie below */
	double n = (double)of, p = hits < of ? part(hits, of) : 1, low;

	if (!hits || !of)
		return 0;
	low = (p + z * z / (2 * n) - z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n);
	return low > 0 ? low : 0;
}

/* Whether a rate is surely as high as a threshold. */
static bool is_over(u64 hits, u64 of, u32 threshold)
{
	return threshold && rep_rate_at_least(hits, of) >= (double)threshold / REP_WHOLE;
}

enum rep_judgement rep_judge(const struct rep_counts *c, const struct rep_judge *j, char *why, size_t size)
{
	u64 messages = rep_counts_messages(c), complaints = c->what[REP_WHAT_COMPLAINT], bad = c->bad + complaints;
	char none[1];

	if (!why) {
		why = none;
		size = sizeof(none);
	}
	snprintf(why, size, "%llu bad addresses and %llu complaints of %llu messages: %.2f %%",
		 (unsigned long long)c->bad, (unsigned long long)complaints, (unsigned long long)messages,
		 100 * part(bad, messages));
	if (messages < j->minimum)
		return REP_UNJUDGED;
	if (is_over(bad, messages, j->spammer))
		return REP_SPAMMER;
	if (is_over(bad, messages, j->suspicious))
		return REP_SUSPICIOUS;
	if (is_over(complaints, messages, j->complaints)) {
		snprintf(why, size, "%llu complaints of %llu messages: %.2f %%", (unsigned long long)complaints,
			 (unsigned long long)messages, 100 * part(complaints, messages));
		return REP_SUSPICIOUS;
	}
	if (is_over(c->blocked, messages, j->deferred)) {
		snprintf(why, size, "%llu of %llu messages turned down as a matter of rate, block or policy: %.2f %%",
			 (unsigned long long)c->blocked, (unsigned long long)messages,
			 100 * part(c->blocked, messages));
		return REP_SUSPICIOUS;
	}
	return REP_ACCEPTABLE;
}
