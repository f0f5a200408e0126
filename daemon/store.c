// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/store.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/text.h"

#define SCHEMA_VERSION 5

static const char schema[] =
	"CREATE TABLE IF NOT EXISTS weights (source TEXT, provider TEXT, pool TEXT, weight INTEGER,"
	" PRIMARY KEY (source, provider, pool));"
	"CREATE TABLE IF NOT EXISTS states (source TEXT, provider TEXT, owner TEXT, state TEXT, reason TEXT,"
	" since INTEGER, until INTEGER, PRIMARY KEY (source, provider, owner));"
	"CREATE TABLE IF NOT EXISTS marks (source TEXT PRIMARY KEY, number INTEGER);"
	"CREATE TABLE IF NOT EXISTS addresses (address TEXT PRIMARY KEY);"
	"CREATE TABLE IF NOT EXISTS accounts (source TEXT, provider TEXT, network INTEGER, leased_messages INTEGER,"
	" leased_connections INTEGER, lent INTEGER, data BLOB, granted INTEGER, PRIMARY KEY (source, provider, "
	"network)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS clock (id INTEGER PRIMARY KEY, ledger INTEGER, wall INTEGER, boot INTEGER,"
	" boot_id TEXT);"
	"CREATE TABLE IF NOT EXISTS destinations (address BLOB PRIMARY KEY, provider TEXT, origin INTEGER, host TEXT,"
	" first INTEGER, confirmed INTEGER, until INTEGER) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS factors (source TEXT, provider TEXT, thousandths INTEGER, PRIMARY KEY (source, "
	"provider));"
	"CREATE TABLE IF NOT EXISTS reports (place INTEGER PRIMARY KEY, book TEXT, serial INTEGER);"
	"PRAGMA user_version = 5;";

struct mx_store {
	sqlite3 *db;
	char *path;
	char *error;
};

static int schema_version(sqlite3 *db)
{
	sqlite3_stmt *q;
	int version = -1;

	if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &q, NULL) == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW)
		version = sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	return version;
}

struct mx_store *mx_store_open(const char *path)
{
	struct mx_store *store = mx_alloc(sizeof(*store));
	char *wrong = NULL;
	int version;

	store->path = mx_strdup(path);
	if (sqlite3_open(path, &store->db) != SQLITE_OK)
		mx_fatal("ledger %s: %s", path, sqlite3_errmsg(store->db));
	sqlite3_busy_timeout(store->db, 2000);
	version = schema_version(store->db);
	if (version < 0)
		mx_fatal("ledger %s: %s", path, sqlite3_errmsg(store->db));
	if (version > SCHEMA_VERSION)
		mx_fatal("ledger %s: schema version %d is newer than this program's %d", path, version, SCHEMA_VERSION);
	if ((version == 2 || version == 3) &&
	    sqlite3_exec(store->db, "ALTER TABLE accounts ADD COLUMN granted INTEGER NOT NULL DEFAULT 0", NULL, NULL,
			 &wrong) != SQLITE_OK)
		mx_fatal("ledger %s: %s", path, wrong);
	if (sqlite3_exec(store->db,
			 "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -256;"
			 " PRAGMA wal_autocheckpoint = 250;",
			 NULL, NULL, &wrong) != SQLITE_OK ||
	    sqlite3_exec(store->db, schema, NULL, NULL, &wrong) != SQLITE_OK)
		mx_fatal("ledger %s: %s", path, wrong);
	return store;
}

void mx_store_close(struct mx_store *store)
{
	sqlite3_close(store->db);
	free(store->path);
	free(store->error);
	free(store);
}

const char *mx_store_error(const struct mx_store *store)
{
	return store->error;
}

/* --- statements ------------------------------------------------------------------------------------------------- */

/* One that is run once or again and again. What goes wrong first is kept in rc, and nothing is done after it. */
struct statement {
	struct mx_store *store;
	sqlite3_stmt *q;
	int rc;
	int bound; /* arguments */
};

static struct statement prepare(struct mx_store *store, const char *sql)
{
	struct statement s = { .store = store };

	s.rc = sqlite3_prepare_v2(store->db, sql, -1, &s.q, NULL);
	return s;
}

static void bind_text(struct statement *s, const char *text)
{
	if (s->rc == SQLITE_OK)
		s->rc = sqlite3_bind_text(s->q, ++s->bound, text, -1, SQLITE_TRANSIENT);
}

static void bind_number(struct statement *s, s64 n)
{
	if (s->rc == SQLITE_OK)
		s->rc = sqlite3_bind_int64(s->q, ++s->bound, n);
}

static void bind_bytes(struct statement *s, const void *bytes, size_t size)
{
	if (s->rc == SQLITE_OK)
		s->rc = sqlite3_bind_blob(s->q, ++s->bound, bytes, (int)size, SQLITE_TRANSIENT);
}

/* Runs it to its end; then it can be bound anew. */
static void execute(struct statement *s)
{
	if (s->rc == SQLITE_OK)
		s->rc = sqlite3_step(s->q);
	if (s->rc == SQLITE_DONE)
		s->rc = SQLITE_OK;
	sqlite3_reset(s->q);
	s->bound = 0;
}

/* True: there is a row. */
static bool has_row(struct statement *s)
{
	if (s->rc == SQLITE_OK || s->rc == SQLITE_ROW)
		s->rc = sqlite3_step(s->q);
	return s->rc == SQLITE_ROW;
}

/* Gives it up; SQLITE_OK, or what went wrong. */
static int give_up(struct statement *s)
{
	sqlite3_finalize(s->q);
	return s->rc == SQLITE_DONE || s->rc == SQLITE_ROW ? SQLITE_OK : s->rc;
}

/* False after an error, which is logged. */
static bool was_read(struct statement *s)
{
	int rc = give_up(s);

	if (rc != SQLITE_OK)
		mx_log(MX_LOG_ERROR, "ledger %s: cannot be read: %s", s->store->path, sqlite3_errstr(rc));
	return rc == SQLITE_OK;
}

/* What is not read is not there, and is written over: whoever begins with less passes limits. */
static void expect_read(struct statement *s)
{
	if (!was_read(s))
		exit(1);
}

/* --- written ---------------------------------------------------------------------------------------------------- */

/* Runs one statement with the arguments bound in order: 's' a string, 'i' a number. */
static bool run(struct mx_store *store, const char *sql, const char *types, ...)
{
	struct statement s = prepare(store, sql);
	va_list args;
	int i, rc;

	va_start(args, types);
	for (i = 0; types[i]; i++)
		if (types[i] == 's')
			bind_text(&s, va_arg(args, const char *));
		else
			bind_number(&s, va_arg(args, s64));
	va_end(args);
	execute(&s);
	rc = give_up(&s);
	free(store->error);
	store->error = NULL;
	if (rc != SQLITE_OK) {
		store->error = mx_strdup(sqlite3_errstr(rc));
		mx_log(MX_LOG_ERROR, "ledger: %s: the change is in force, but will not survive a restart",
		       store->error);
	}
	return rc == SQLITE_OK;
}

static void put_account(struct statement *s, const struct mx_ledger_row *row)
{
	bind_text(s, row->source);
	bind_text(s, row->provider);
	bind_number(s, (s64)row->network);
	bind_number(s, row->lease[MX_MESSAGES]);
	bind_number(s, row->lease[MX_CONNECTIONS]);
	bind_number(s, row->lent[MX_BORROWER_TABLE]);
	bind_bytes(s, row->data, sizeof(row->data));
	bind_number(s, row->lent[MX_BORROWER_MODULE]);
	execute(s);
}

static int delete_account(struct mx_store *store, const struct mx_ledger_row *row)
{
	struct statement s = prepare(store, "DELETE FROM accounts WHERE source = ? AND provider = ? AND network = ?");

	bind_text(&s, row->source);
	bind_text(&s, row->provider);
	bind_number(&s, (s64)row->network);
	execute(&s);
	return give_up(&s);
}

static int put_clock(struct mx_store *store, const struct mx_clock_mark *mark)
{
	struct statement s = prepare(store, "INSERT OR REPLACE INTO clock VALUES (1, ?, ?, ?, ?)");

	bind_number(&s, (s64)mark->ledger);
	bind_number(&s, mark->wall);
	bind_number(&s, (s64)mark->boot);
	bind_text(&s, mark->boot_id);
	execute(&s);
	return give_up(&s);
}

static int put_reports(struct mx_store *store, const struct mx_reports *reports)
{
	struct statement s = prepare(store, "INSERT OR REPLACE INTO reports VALUES (?, ?, ?)");
	u32 i;

	for (i = 0; i < reports->count; i++) {
		bind_number(&s, i);
		bind_text(&s, reports->items[i].book);
		bind_number(&s, (s64)reports->items[i].serial);
		execute(&s);
	}
	return give_up(&s);
}

/* Ends what BEGIN began: all or nothing. NULL, or what went wrong. */
static const char *finish(struct mx_store *store, int rc)
{
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL);
	free(store->error);
	store->error = rc == SQLITE_OK ? NULL : mx_strdup(sqlite3_errstr(rc));
	if (rc != SQLITE_OK && !sqlite3_get_autocommit(store->db))
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return store->error;
}

static int begin(struct mx_store *store)
{
	return sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
}

static int put_rows(struct mx_store *store, const struct mx_ledger_row *rows, u32 count)
{
	struct statement s = prepare(store, "INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
	u32 i;

	for (i = 0; s.rc == SQLITE_OK && i < count; i++)
		if (rows[i].gone)
			s.rc = delete_account(store, &rows[i]);
		else
			put_account(&s, &rows[i]);
	return give_up(&s);
}

const char *mx_store_put_accounts(struct mx_store *store, const struct mx_ledger_row *rows, u32 count,
				  const struct mx_clock_mark *mark, const struct mx_reports *reports)
{
	int rc = begin(store);

	if (rc == SQLITE_OK)
		rc = put_rows(store, rows, count);
	if (rc == SQLITE_OK)
		rc = put_clock(store, mark);
	if (rc == SQLITE_OK && reports)
		rc = put_reports(store, reports);
	return finish(store, rc);
}

/* Its key in the file: 4 or 16 bytes in network order. */
static size_t key_of(const struct mx_destination_row *row, u8 key[16])
{
	mx_addr_to_bytes(row->family, row->addr, key);
	return mx_addr_size(row->family);
}

static void put_destination(struct statement *s, const struct mx_destination_row *row)
{
	u8 key[16];

	bind_bytes(s, key, key_of(row, key));
	bind_text(s, row->provider);
	bind_number(s, row->origin);
	bind_text(s, row->host);
	bind_number(s, row->first);
	bind_number(s, row->confirmed);
	bind_number(s, row->until);
	execute(s);
}

static int delete_destination(struct mx_store *store, const struct mx_destination_row *row)
{
	struct statement s = prepare(store, "DELETE FROM destinations WHERE address = ?");
	u8 key[16];

	bind_bytes(&s, key, key_of(row, key));
	execute(&s);
	return give_up(&s);
}

static int put_learned(struct mx_store *store, const struct mx_destination_row *rows, u32 count)
{
	struct statement s = prepare(store, "INSERT OR REPLACE INTO destinations VALUES (?, ?, ?, ?, ?, ?, ?)");
	u32 i;

	for (i = 0; s.rc == SQLITE_OK && i < count; i++)
		if (rows[i].origin == MX_ORIGIN_NONE)
			s.rc = delete_destination(store, &rows[i]);
		else
			put_destination(&s, &rows[i]);
	return give_up(&s);
}

const char *mx_store_put_destinations(struct mx_store *store, const struct mx_destination_row *rows, u32 count)
{
	int rc = begin(store);

	if (rc == SQLITE_OK)
		rc = put_learned(store, rows, count);
	return finish(store, rc);
}

bool mx_store_put_weight(struct mx_store *store, const struct mx_stored_weight *w)
{
	return run(store, "INSERT OR REPLACE INTO weights VALUES (?, ?, ?, ?)", "sssi", w->source, w->provider, w->pool,
		   (s64)w->weight);
}

bool mx_store_delete_weight(struct mx_store *store, const char *source, const char *provider, const char *pool)
{
	return run(store, "DELETE FROM weights WHERE source = ? AND provider = ? AND pool = ?", "sss", source, provider,
		   pool);
}

bool mx_store_put_factor(struct mx_store *store, const struct mx_stored_factor *f)
{
	if (f->thousandths == 1000)
		return run(store, "DELETE FROM factors WHERE source = ? AND provider = ?", "ss", f->source,
			   f->provider);
	return run(store, "INSERT OR REPLACE INTO factors VALUES (?, ?, ?)", "ssi", f->source, f->provider,
		   (s64)f->thousandths);
}

bool mx_store_put_state(struct mx_store *store, const struct mx_stored_state *s)
{
	return run(store, "INSERT OR REPLACE INTO states VALUES (?, ?, ?, ?, ?, ?, ?)", "sssssii", s->source,
		   s->provider, s->owner, s->state, s->reason, s->since, s->until);
}

bool mx_store_delete_state(struct mx_store *store, const char *source, const char *provider, const char *owner)
{
	return run(store, "DELETE FROM states WHERE source = ? AND provider = ? AND owner = ?", "sss", source, provider,
		   owner);
}

bool mx_store_put_mark(struct mx_store *store, const char *source, u32 number)
{
	return run(store, "INSERT OR REPLACE INTO marks VALUES (?, ?)", "si", source, (s64)number);
}

bool mx_store_put_address(struct mx_store *store, const char *address, bool added)
{
	return run(store,
		   added ? "INSERT OR REPLACE INTO addresses VALUES (?)" : "DELETE FROM addresses WHERE address = ?",
		   "s", address);
}

/* --- read ------------------------------------------------------------------------------------------------------- */

static const char *column(sqlite3_stmt *q, int i)
{
	const char *text = (const char *)sqlite3_column_text(q, i);

	return text ? text : "";
}

void mx_store_weights(struct mx_store *store, void (*each)(const struct mx_stored_weight *, void *), void *arg)
{
	struct statement s = prepare(store, "SELECT source, provider, pool, weight FROM weights");

	while (has_row(&s)) {
		struct mx_stored_weight w = { column(s.q, 0), column(s.q, 1), column(s.q, 2),
					      (u32)sqlite3_column_int(s.q, 3) };

		each(&w, arg);
	}
	expect_read(&s);
}

void mx_store_factors(struct mx_store *store, void (*each)(const struct mx_stored_factor *, void *), void *arg)
{
	struct statement s = prepare(store, "SELECT source, provider, thousandths FROM factors");

	while (has_row(&s))
		each(&(struct mx_stored_factor){ column(s.q, 0), column(s.q, 1), (u32)sqlite3_column_int(s.q, 2) },
		     arg);
	expect_read(&s);
}

void mx_store_states(struct mx_store *store, void (*each)(const struct mx_stored_state *, void *), void *arg)
{
	struct statement s = prepare(store, "SELECT source, provider, owner, state, reason, since, until FROM states");

	while (has_row(&s)) {
		struct mx_stored_state state = { column(s.q, 0),
						 column(s.q, 1),
						 column(s.q, 2),
						 column(s.q, 3),
						 column(s.q, 4),
						 sqlite3_column_int64(s.q, 5),
						 sqlite3_column_int64(s.q, 6) };

		each(&state, arg);
	}
	expect_read(&s);
}

bool mx_store_marks(struct mx_store *store, void (*each)(const char *, u32, void *), void *arg)
{
	struct statement s = prepare(store, "SELECT source, number FROM marks ORDER BY number");

	while (has_row(&s))
		each(column(s.q, 0), (u32)sqlite3_column_int64(s.q, 1), arg);
	return was_read(&s);
}

bool mx_store_addresses(struct mx_store *store, void (*each)(const char *, void *), void *arg)
{
	struct statement s = prepare(store, "SELECT address FROM addresses");

	while (has_row(&s))
		each(column(s.q, 0), arg);
	return was_read(&s);
}

void mx_store_accounts(struct mx_store *store, void (*each)(const struct mx_ledger_row *, void *), void *arg)
{
	struct statement s = prepare(
		store, "SELECT source, provider, network, leased_messages, leased_connections, lent, data, granted"
		       " FROM accounts");

	while (has_row(&s)) {
		struct mx_ledger_row row = { .source = column(s.q, 0),
					     .provider = column(s.q, 1),
					     .network = (u64)sqlite3_column_int64(s.q, 2),
					     .lease = { [MX_MESSAGES] = (u32)sqlite3_column_int64(s.q, 3),
							[MX_CONNECTIONS] = (u32)sqlite3_column_int64(s.q, 4) },
					     .lent = { (u32)sqlite3_column_int64(s.q, 5),
						       (u32)sqlite3_column_int64(s.q, 7) } };

		if (sqlite3_column_bytes(s.q, 6) != sizeof(row.data)) {
			mx_log(MX_LOG_ERROR, "ledger: the account of %s at %s cannot be read: it starts from nothing",
			       row.source, row.provider);
			continue;
		}
		memcpy(row.data, sqlite3_column_blob(s.q, 6), sizeof(row.data));
		each(&row, arg);
	}
	expect_read(&s);
}

void mx_store_destinations(struct mx_store *store, void (*each)(const struct mx_destination_row *, void *), void *arg)
{
	struct statement s =
		prepare(store, "SELECT address, provider, origin, host, first, confirmed, until FROM destinations");

	while (has_row(&s)) {
		int size = sqlite3_column_bytes(s.q, 0), origin = sqlite3_column_int(s.q, 2);
		struct mx_destination_row row = { .family = size == 4 ? MX_IPV4 : MX_IPV6,
						  .origin = (enum mx_origin)origin,
						  .provider = column(s.q, 1),
						  .first = (u32)sqlite3_column_int64(s.q, 4),
						  .confirmed = (u32)sqlite3_column_int64(s.q, 5),
						  .until = (u32)sqlite3_column_int64(s.q, 6) };

		if ((size != 4 && size != 16) || origin <= MX_ORIGIN_NONE || origin >= MX_ORIGIN_COUNT)
			continue;
		row.addr = mx_addr_from_bytes(row.family, sqlite3_column_blob(s.q, 0));
		snprintf(row.host, sizeof(row.host), "%s", column(s.q, 3));
		each(&row, arg);
	}
	expect_read(&s);
}

/* The oldest first, so that the order is the same again. */
void mx_store_reports(struct mx_store *store, struct mx_reports *reports)
{
	struct statement s = prepare(store, "SELECT book, serial FROM reports ORDER BY place DESC");

	while (has_row(&s))
		mx_reports_take(reports, column(s.q, 0), (u64)sqlite3_column_int64(s.q, 1));
	expect_read(&s);
	reports->changed = false;
}

bool mx_store_clock(struct mx_store *store, struct mx_clock_mark *mark)
{
	struct statement s = prepare(store, "SELECT ledger, wall, boot, boot_id FROM clock");
	bool found = has_row(&s);

	if (found) {
		*mark = (struct mx_clock_mark){ .ledger = (u64)sqlite3_column_int64(s.q, 0),
						.wall = sqlite3_column_int64(s.q, 1),
						.boot = (u64)sqlite3_column_int64(s.q, 2) };
		snprintf(mark->boot_id, sizeof(mark->boot_id), "%s", column(s.q, 3));
	}
	expect_read(&s);
	return found;
}
