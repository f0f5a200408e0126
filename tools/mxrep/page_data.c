// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "tools/mxrep/page.h"

s64 rep_page_first_day(const struct rep_page *p)
{
	return p->now / REP_DAY - (REP_PAGE_DAYS - 1);
}

const char *rep_page_date(s64 day, char *text)
{
	mx_time_text(day * REP_DAY, text);
	text[strcspn(text, "T")] = '\0';
	return text;
}

bool rep_page_same(const char *const left[3], const char *const right[3])
{
	return !strcmp(left[0], right[0]) && !strcmp(left[1], right[1]) && !strcmp(left[2], right[2]);
}

static char *column(sqlite3_stmt *q, int i)
{
	return mx_strdup(rep_store_text(q, i));
}

static void read_actions(struct rep_page *p)
{
	sqlite3_stmt *q = rep_store_bind(
		p->store,
		"SELECT source, provider, network, what, value, reason, evidence, result, time FROM action JOIN lane"
		" ON lane.id = action.lane ORDER BY time DESC, action.id DESC LIMIT 1000",
		"");

	while (rep_store_row(p->store, q)) {
		s64 time = sqlite3_column_int64(q, 8);

		if (p->action_count >= REP_PAGE_ACTIONS && time < p->now - REP_DAY)
			break;
		p->actions = mx_grow(p->actions, p->action_count, sizeof(*p->actions));
		p->actions[p->action_count++] = (struct rep_page_action){
			column(q, 0), column(q, 1), column(q, 2), column(q, 3), column(q, 4),
			column(q, 5), column(q, 6), column(q, 7), time,
		};
	}
	sqlite3_reset(q);
}

static void read_standings(struct rep_page *p)
{
	sqlite3_stmt *q = rep_store_bind(
		p->store,
		"SELECT source, provider, network, factor, rest_until FROM standing JOIN lane"
		" ON lane.id = standing.lane WHERE dry = 0 AND (factor < 1000 OR rest_until > ?) ORDER BY 1, 2, 3",
		"i", p->now);

	while (rep_store_row(p->store, q)) {
		p->standings = mx_grow(p->standings, p->standing_count, sizeof(*p->standings));
		p->standings[p->standing_count++] = (struct rep_page_standing){
			column(q, 0),
			column(q, 1),
			column(q, 2),
			(u32)sqlite3_column_int64(q, 3),
			sqlite3_column_int64(q, 4),
		};
	}
}

void rep_page_read(struct rep_page *p)
{
	s64 until = p->now + 3600; /* the hour that has begun, too */

	p->day = rep_counts_read(p->store, REP_BY_LANE, p->now - REP_DAY, until);
	p->week = rep_counts_read(p->store, REP_BY_LANE, p->now - 7 * REP_DAY, until);
	p->days = rep_counts_read(p->store, REP_BY_DAY, rep_page_first_day(p) * REP_DAY, until);
	read_actions(p);
	read_standings(p);
}

void rep_page_free(struct rep_page *p)
{
	rep_counts_free(&p->day);
	rep_counts_free(&p->week);
	rep_counts_free(&p->days);
	while (p->action_count) {
		struct rep_page_action *a = &p->actions[--p->action_count];

		free(a->source);
		free(a->provider);
		free(a->network);
		free(a->what);
		free(a->value);
		free(a->reason);
		free(a->evidence);
		free(a->result);
	}
	while (p->standing_count) {
		struct rep_page_standing *s = &p->standings[--p->standing_count];

		free(s->source);
		free(s->provider);
		free(s->network);
	}
	free(p->actions);
	free(p->standings);
}
