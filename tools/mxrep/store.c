// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/store.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/log.h"

#define VERSION 1
#define BUSY_MS 20000
#define STATEMENTS 128

/* Numbers in the file are those of the enums: never change their order. */
static const char schema[] =
	"CREATE TABLE lane (id INTEGER PRIMARY KEY, source TEXT NOT NULL, provider TEXT NOT NULL, network TEXT NOT "
	"NULL,"
	" UNIQUE (source, provider, network));"
	"CREATE TABLE count (hour INTEGER, lane INTEGER, what INTEGER, category INTEGER, how INTEGER, n INTEGER NOT "
	"NULL,"
	" PRIMARY KEY (hour, lane, what, category, how)) WITHOUT ROWID;"
	"CREATE TABLE reply (lane INTEGER, category INTEGER, outcome INTEGER, text TEXT NOT NULL, time INTEGER NOT "
	"NULL,"
	" PRIMARY KEY (lane, category, outcome)) WITHOUT ROWID;"
	"CREATE TABLE message (id INTEGER PRIMARY KEY, lane INTEGER NOT NULL, hour INTEGER NOT NULL);"
	"CREATE TABLE log (print INTEGER PRIMARY KEY, name TEXT NOT NULL,"
	" device INTEGER NOT NULL, inode INTEGER NOT NULL, position INTEGER NOT NULL, cursor TEXT, time INTEGER NOT "
	"NULL);"
	"CREATE TABLE settlement (serial INTEGER PRIMARY KEY AUTOINCREMENT, lane INTEGER NOT NULL, time INTEGER NOT "
	"NULL,"
	" connections INTEGER NOT NULL, carried INTEGER NOT NULL, sent INTEGER NOT NULL, deferred INTEGER NOT NULL, "
	"bounced INTEGER NOT NULL);"
	"CREATE TABLE action (id INTEGER PRIMARY KEY, time INTEGER NOT NULL, lane INTEGER NOT NULL, what TEXT NOT NULL,"
	" value TEXT NOT NULL, reason TEXT NOT NULL, evidence TEXT NOT NULL, result TEXT NOT NULL);"
	"CREATE TABLE standing (lane INTEGER, dry INTEGER, judgement INTEGER NOT NULL, factor INTEGER NOT NULL,"
	" rest_until INTEGER NOT NULL, rests INTEGER NOT NULL, rest_signed INTEGER NOT NULL, changed INTEGER NOT NULL,"
	" PRIMARY KEY (lane, dry)) WITHOUT ROWID;"
	"CREATE TABLE suppressed (address TEXT PRIMARY KEY, list TEXT NOT NULL, reason TEXT NOT NULL,"
	" since INTEGER NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE seen (report INTEGER PRIMARY KEY, time INTEGER NOT NULL);"
	"CREATE TABLE dmarc (day INTEGER, domain TEXT, source TEXT, reporter TEXT, disposition TEXT, dkim INTEGER,"
	" spf INTEGER, n INTEGER NOT NULL, PRIMARY KEY (day, domain, source, reporter, disposition, dkim, spf))"
	" WITHOUT ROWID;"
	"CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;";

struct count {
	u64 key; /* 0: free */
	s32 n;
};

struct message {
	s64 id;
	u32 lane, hour;
};

struct lane {
	char *key;
	u32 id;
};

struct rep_store {
	sqlite3 *db;
	struct {
		const char *sql;
		sqlite3_stmt *statement;
	} kept[STATEMENTS];
	u32 kept_count;

	struct count *counts; /* open addressing */
	u32 count_room, count_used;
	struct message *messages;
	u32 message_count;
	struct lane *lanes; /* sorted by key: those met so far */
	u32 lane_count;
};

/* --- SQLite ----------------------------------------------------------------------------------------------------- */

static void fail(struct rep_store *s, const char *what)
{
	mx_fatal("%s: %s: %s", sqlite3_db_filename(s->db, "main"), what, sqlite3_errmsg(s->db));
}

static bool run_script(struct rep_store *s, const char *sql)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static int version(struct rep_store *s)
{
	sqlite3_stmt *q;
	int n = -1;

	if (sqlite3_prepare_v2(s->db, "PRAGMA user_version", -1, &q, NULL) == SQLITE_OK &&
	    sqlite3_step(q) == SQLITE_ROW)
		n = sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	return n;
}

/* Two processes may make it at once: the second finds it made. */
static bool make_schema(struct rep_store *s)
{
	char text[64];

	if (!run_script(s, "BEGIN IMMEDIATE"))
		return false;
	snprintf(text, sizeof(text), "PRAGMA user_version = %d", VERSION);
	if (version(s) == 0 && (!run_script(s, schema) || !run_script(s, text)))
		return false;
	return run_script(s, "COMMIT");
}

struct rep_store *rep_store_open(const char *path, char *error, size_t size)
{
	struct rep_store *s = mx_alloc(sizeof(*s));
	int found;

	if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) !=
		    SQLITE_OK ||
	    sqlite3_busy_timeout(s->db, BUSY_MS) != SQLITE_OK || !run_script(s, "PRAGMA journal_mode = WAL") ||
	    !run_script(s, "PRAGMA synchronous = NORMAL") || (found = version(s)) < 0 ||
	    (found == 0 && !make_schema(s))) {
		snprintf(error, size, "%s: %s: expected a store of mxrep, in a folder that it may write to", path,
			 sqlite3_errmsg(s->db));
	} else if (version(s) != VERSION) {
		snprintf(error, size, "%s: version %d: expected a store of version %d, of this mxrep", path, found,
			 VERSION);
	} else {
		return s;
	}
	rep_store_close(s);
	return NULL;
}

void rep_store_close(struct rep_store *s)
{
	u32 i;

	for (i = 0; i < s->kept_count; i++)
		sqlite3_finalize(s->kept[i].statement);
	for (i = 0; i < s->lane_count; i++)
		free(s->lanes[i].key);
	free(s->lanes);
	free(s->messages);
	free(s->counts);
	sqlite3_close(s->db);
	free(s);
}

static sqlite3_stmt *statement(struct rep_store *s, const char *sql)
{
	sqlite3_stmt *q;
	u32 i;

	for (i = 0; i < s->kept_count; i++)
		if (s->kept[i].sql == sql || !strcmp(s->kept[i].sql, sql))
			break;
	if (i == s->kept_count) {
		if (i == STATEMENTS)
			mx_fatal("more than %d statements", STATEMENTS);
		if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &q, NULL) != SQLITE_OK)
			fail(s, sql);
		s->kept[i].sql = sql;
		s->kept[i].statement = q;
		s->kept_count++;
	}
	q = s->kept[i].statement;
	sqlite3_reset(q);
	sqlite3_clear_bindings(q);
	return q;
}

static sqlite3_stmt *bind(struct rep_store *s, const char *sql, const char *types, va_list args)
{
	sqlite3_stmt *q = statement(s, sql);
	struct rep_text text;
	int i, error = SQLITE_OK;

	for (i = 1; *types; types++, i++) {
		switch (*types) {
		case 'i':
			error |= sqlite3_bind_int64(q, i, va_arg(args, s64));
			break;
		case 's':
			error |= sqlite3_bind_text(q, i, va_arg(args, const char *), -1, SQLITE_TRANSIENT);
			break;
		case 't':
			text = va_arg(args, struct rep_text);
			error |= sqlite3_bind_text(q, i, text.at, (int)text.length, SQLITE_TRANSIENT);
			break;
		}
	}
	if (error) /* what is not bound would be NULL */
		fail(s, sql);
	return q;
}

sqlite3_stmt *rep_store_bind(struct rep_store *s, const char *sql, const char *types, ...)
{
	sqlite3_stmt *q;
	va_list args;

	va_start(args, types);
	q = bind(s, sql, types, args);
	va_end(args);
	return q;
}

bool rep_store_row(struct rep_store *s, sqlite3_stmt *q)
{
	int result = sqlite3_step(q);

	if (result == SQLITE_ROW)
		return true;
	if (result != SQLITE_DONE)
		fail(s, sqlite3_sql(q));
	sqlite3_reset(q);
	return false;
}

int rep_store_run(struct rep_store *s, const char *sql, const char *types, ...)
{
	sqlite3_stmt *q;
	va_list args;

	va_start(args, types);
	q = bind(s, sql, types, args);
	va_end(args);
	while (rep_store_row(s, q))
		;
	return sqlite3_changes(s->db);
}

s64 rep_store_number(struct rep_store *s, s64 otherwise, const char *sql, const char *types, ...)
{
	s64 n = otherwise;
	sqlite3_stmt *q;
	va_list args;

	va_start(args, types);
	q = bind(s, sql, types, args);
	va_end(args);
	if (rep_store_row(s, q) && sqlite3_column_type(q, 0) != SQLITE_NULL)
		n = sqlite3_column_int64(q, 0);
	sqlite3_reset(q);
	return n;
}

const char *rep_store_text(sqlite3_stmt *q, int column)
{
	const char *text = (const char *)sqlite3_column_text(q, column);

	return text ? text : "";
}

/* --- lanes ------------------------------------------------------------------------------------------------------ */

/* Where a key stands among those met, or would. */
static u32 lane_place(const struct rep_store *s, const char *key)
{
	u32 low = 0, high = s->lane_count;

	while (low < high) {
		u32 middle = (low + high) / 2;

		if (strcmp(s->lanes[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

u32 rep_store_lane(struct rep_store *s, const char *source, const char *provider, const char *network)
{
	char key[256];
	u32 i;

	snprintf(key, sizeof(key), "%s %s %s", source, provider, network);
	i = lane_place(s, key);
	if (i < s->lane_count && !strcmp(s->lanes[i].key, key))
		return s->lanes[i].id;
	rep_store_run(s, "INSERT OR IGNORE INTO lane (source, provider, network) VALUES (?, ?, ?)", "sss", source,
		      provider, network);
	s->lanes = mx_grow(s->lanes, s->lane_count, sizeof(*s->lanes));
	memmove(s->lanes + i + 1, s->lanes + i, (s->lane_count - i) * sizeof(*s->lanes));
	s->lane_count++;
	s->lanes[i] = (struct lane){
		mx_strdup(key),
		(u32)rep_store_number(s, 0, "SELECT id FROM lane WHERE source = ? AND provider = ? AND network = ?",
				      "sss", source, provider, network),
	};
	return s->lanes[i].id;
}

/* --- counts ----------------------------------------------------------------------------------------------------- */

static u64 count_key(u32 hour, u32 lane, u32 what, u32 category, u32 how)
{
	return ((((u64)hour << 22 | lane) << 4 | what) << 4 | category) << 2 | how;
}

static struct count *count_slot(const struct rep_store *s, u64 key)
{
	u32 i = (u32)(key * 0x9e3779b97f4a7c15u >> 32) & (s->count_room - 1);

	while (s->counts[i].key && s->counts[i].key != key)
		i = (i + 1) & (s->count_room - 1);
	return &s->counts[i];
}

static void grow_counts(struct rep_store *s)
{
	struct count *old = s->counts;
	u32 room = s->count_room, i;

	s->count_room = room ? room * 2 : 1024;
	s->counts = mx_alloc(s->count_room * sizeof(*s->counts));
	for (i = 0; i < room; i++)
		if (old[i].key)
			*count_slot(s, old[i].key) = old[i];
	free(old);
}

void rep_store_count(struct rep_store *s, u32 hour, u32 lane, enum rep_what what, enum rep_category category,
		     enum rep_how how, s32 n)
{
	u64 key = count_key(hour, lane, what, category, how);
	struct count *c;

	if (s->count_used >= s->count_room / 2)
		grow_counts(s);
	c = count_slot(s, key);
	if (!c->key) {
		c->key = key;
		s->count_used++;
	}
	c->n += n;
}

static void write_counts(struct rep_store *s)
{
	u32 i;

	for (i = 0; i < s->count_room; i++) {
		const struct count *c = &s->counts[i];

		if (c->key)
			rep_store_run(s,
				      "INSERT INTO count VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + "
				      "excluded.n",
				      "iiiiii", (s64)(c->key >> 32), (s64)(c->key >> 10 & 0x3fffff),
				      (s64)(c->key >> 6 & 15), (s64)(c->key >> 2 & 15), (s64)(c->key & 3), (s64)c->n);
	}
	free(s->counts);
	s->counts = NULL;
	s->count_room = s->count_used = 0;
}

/* --- messages --------------------------------------------------------------------------------------------------- */

/*
 * 40 bits of the message and 24 of the recipient: a plain number is the quickest key there is. Of ten million messages
 * one in 100,000 shares its 40 bits with another.
 */
#define RECIPIENT_BITS 24
static s64 message_id(u64 message, u64 recipient)
{
	return (s64)(message >> RECIPIENT_BITS << RECIPIENT_BITS | recipient >> (64 - RECIPIENT_BITS));
}

void rep_store_message(struct rep_store *s, u64 message, u64 recipient, u32 lane, u32 hour)
{
	s->messages = mx_grow(s->messages, s->message_count, sizeof(*s->messages));
	s->messages[s->message_count++] = (struct message){ message_id(message, recipient), lane, hour };
}

static int by_id(const void *left, const void *right)
{
	const struct message *a = left, *b = right;

	return (a->id > b->id) - (a->id < b->id);
}

/* In the order of the tree: an order of magnitude quicker than as they come. */
static void write_messages(struct rep_store *s)
{
	sqlite3_stmt *q = statement(s, "INSERT OR REPLACE INTO message VALUES (?, ?, ?)");
	u32 i;

	if (s->message_count)
		qsort(s->messages, s->message_count, sizeof(*s->messages), by_id);
	for (i = 0; i < s->message_count; i++) {
		if (sqlite3_bind_int64(q, 1, s->messages[i].id) | sqlite3_bind_int64(q, 2, s->messages[i].lane) |
		    sqlite3_bind_int64(q, 3, s->messages[i].hour))
			fail(s, sqlite3_sql(q));
		rep_store_row(s, q);
	}
	free(s->messages);
	s->messages = NULL;
	s->message_count = 0;
}

u32 rep_store_find_message(struct rep_store *s, u64 message, u64 recipient)
{
	return (u32)rep_store_number(s, 0, "SELECT lane FROM message WHERE id BETWEEN ? AND ? LIMIT 1", "ii",
				     message_id(message, recipient),
				     message_id(message, recipient ? recipient : ~0ull));
}

void rep_store_messages_to(struct rep_store *s, u64 recipient, void (*each)(s64, u32, u32, void *), void *context)
{
	sqlite3_stmt *q = rep_store_bind(s, "SELECT id, lane, hour FROM message WHERE id & ? = ?", "ii",
					 message_id(0, ~0ull), message_id(0, recipient));

	while (rep_store_row(s, q))
		each(sqlite3_column_int64(q, 0), (u32)sqlite3_column_int(q, 1), (u32)sqlite3_column_int(q, 2), context);
}

/* FNV-1a, 64 bits (Fowler, Noll, Vo). */
static u64 hash(struct rep_text text, bool folded)
{
	u64 h = 0xcbf29ce484222325u;
	size_t i;

	for (i = 0; i < text.length; i++) {
		u8 c = (u8)text.at[i];

		h = (h ^ (folded ? (u8)tolower(c) : c)) * 0x100000001b3u;
	}
	return h ? h : 1;
}

u64 rep_hash(struct rep_text text)
{
	return hash(text, false);
}

u64 rep_hash_folded(struct rep_text text)
{
	return hash(text, true);
}

/* --- transactions ----------------------------------------------------------------------------------------------- */

void rep_store_begin(struct rep_store *s)
{
	if (!run_script(s, "BEGIN IMMEDIATE"))
		fail(s, "cannot be written");
}

void rep_store_commit(struct rep_store *s)
{
	write_counts(s);
	write_messages(s);
	if (!run_script(s, "COMMIT"))
		fail(s, "cannot be written");
}

void rep_store_forget(struct rep_store *s)
{
	u32 i;

	free(s->counts);
	free(s->messages);
	s->counts = NULL;
	s->messages = NULL;
	s->count_room = s->count_used = s->message_count = 0;
	for (i = 0; i < s->lane_count; i++) /* some may have been new */
		free(s->lanes[i].key);
	s->lane_count = 0;
	if (!run_script(s, "ROLLBACK"))
		fail(s, "cannot be written");
}

void rep_store_tidy(struct rep_store *s, s64 before)
{
	s64 month = time(NULL) - 31 * 86400; /* late bounces and complaints come within it */

	rep_store_begin(s);
	rep_store_run(s, "DELETE FROM count WHERE hour < ?", "i", before / 3600);
	rep_store_run(s, "DELETE FROM message WHERE hour < ?", "i", month / 3600);
	rep_store_run(s, "DELETE FROM seen WHERE time < ?", "i", month);
	rep_store_run(s, "DELETE FROM action WHERE time < ?", "i", before);
	rep_store_run(s, "DELETE FROM reply WHERE time < ?", "i", before);
	rep_store_run(s, "DELETE FROM dmarc WHERE day < ?", "i", before / 86400);
	rep_store_run(s, "DELETE FROM log WHERE time < ?", "i", before);
	rep_store_run(s, "DELETE FROM suppressed WHERE until > 0 AND until < ?", "i", (s64)time(NULL));
	rep_store_commit(s);
}

/* By which the daemon knows whose serial numbers those of settlements are. */
u64 rep_store_book(struct rep_store *s)
{
	rep_store_run(s, "INSERT OR IGNORE INTO meta VALUES ('book', random())", "");
	return (u64)rep_store_number(s, 0, "SELECT value FROM meta WHERE name = 'book'", "");
}
