// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/settle.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/text.h"

#define AT_ONCE 200 /* settlements in one go */

/* Of a lane: messages (opened 0), or connections that were made in one second. */
struct sum {
	u32 lane;
	s64 opened, time;
	u32 connections, carried;
	u32 messages[REP_OUTCOMES];
};

struct rep_settle {
	struct sum *sums; /* few: those of a fraction of a second */
	u32 count;
};

struct rep_settle *rep_settle_new(void)
{
	return mx_alloc(sizeof(struct rep_settle));
}

void rep_settle_free(struct rep_settle *s)
{
	if (!s)
		return;
	free(s->sums);
	free(s);
}

static struct sum *sum_of(struct rep_settle *s, u32 lane, s64 opened)
{
	u32 i;

	for (i = s->count; i-- > 0;) /* the latest is the likeliest */
		if (s->sums[i].lane == lane && s->sums[i].opened == opened)
			return &s->sums[i];
	s->sums = mx_grow(s->sums, s->count, sizeof(*s->sums));
	s->sums[s->count] = (struct sum){ .lane = lane, .opened = opened };
	return &s->sums[s->count++];
}

/* As late as the latest of them: a message must not leave its window before it is time. */
void rep_settle_messages(struct rep_settle *s, u32 lane, s64 time, enum rep_outcome outcome, u32 n)
{
	struct sum *sum = sum_of(s, lane, 0);

	sum->messages[outcome] += n;
	if (time > sum->time)
		sum->time = time;
}

void rep_settle_connection(struct rep_settle *s, u32 lane, s64 opened, u32 messages)
{
	struct sum *sum = sum_of(s, lane, opened);

	sum->time = opened;
	sum->connections++;
	sum->carried += messages;
}

bool rep_settle_is_waiting(const struct rep_settle *s)
{
	return s->count > 0;
}

void rep_settle_write(struct rep_settle *s, struct rep_store *store)
{
	u32 i;

	for (i = 0; i < s->count; i++)
		rep_store_run(store,
			      "INSERT INTO settlement (lane, time, connections, carried, sent, deferred, bounced)"
			      " VALUES (?, ?, ?, ?, ?, ?, ?)",
			      "iiiiiii", (s64)s->sums[i].lane, s->sums[i].time, (s64)s->sums[i].connections,
			      (s64)s->sums[i].carried, (s64)s->sums[i].messages[REP_SENT],
			      (s64)s->sums[i].messages[REP_DEFERRED], (s64)s->sums[i].messages[REP_BOUNCED]);
	s->count = 0;
}

static json_t *request(sqlite3_stmt *q, const char *book)
{
	char at[MX_TIME_TEXT];
	json_t *o = json_pack(
		"{s:s,s:I,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I}", "command", "settle", "serial",
		(json_int_t)sqlite3_column_int64(q, 0), "book", book, "source", rep_store_text(q, 1), "provider",
		rep_store_text(q, 2), "at", mx_time_text((time_t)sqlite3_column_int64(q, 4), at), "connections",
		(json_int_t)sqlite3_column_int64(q, 5), "carried", (json_int_t)sqlite3_column_int64(q, 6), "sent",
		(json_int_t)sqlite3_column_int64(q, 7), "deferred", (json_int_t)sqlite3_column_int64(q, 8), "bounced",
		(json_int_t)sqlite3_column_int64(q, 9));

	rep_link_put_network(o, rep_store_text(q, 3));
	return o;
}

void rep_settle_send(struct rep_store *store, struct rep_link *link)
{
	char error[REP_LINK_ERROR], book[24];
	s64 told = 0;
	sqlite3_stmt *q;

	snprintf(book, sizeof(book), "%016llx", (unsigned long long)rep_store_book(store));
	q = rep_store_bind(store,
			   "SELECT serial, source, provider, network, s.time, connections, carried, sent, deferred, "
			   "bounced FROM settlement s JOIN lane ON lane.id = s.lane ORDER BY serial LIMIT ?",
			   "i", (s64)AT_ONCE);
	while (rep_store_row(store, q)) {
		json_t *answer = rep_link_ask(link, request(q, book), error);

		if (!answer && !rep_link_is_up(link))
			break; /* later, then */
		if (!answer)
			mx_log(MX_LOG_WARNING, "settling %s at %s: %s", rep_store_text(q, 1), rep_store_text(q, 2),
			       error);
		json_decref(answer);
		told = sqlite3_column_int64(q, 0);
	}
	sqlite3_reset(q);
	if (!told)
		return;
	rep_store_begin(store);
	rep_store_run(store, "DELETE FROM settlement WHERE serial <= ?", "i", told);
	rep_store_commit(store);
}
