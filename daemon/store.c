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
	free(store->error);
	free(store);
}

const char *mx_store_error(const struct mx_store *store)
{
	return store->error;
}

/* Runs one statement with the arguments bound in order: 's' a string, 'i' a number. */
static bool run(struct mx_store *store, const char *sql, const char *types, ...)
{
	sqlite3_stmt *q = NULL;
	va_list args;
	int i, rc;

	va_start(args, types);
	rc = sqlite3_prepare_v2(store->db, sql, -1, &q, NULL);
	for (i = 0; rc == SQLITE_OK && types[i]; i++)
		if (types[i] == 's')
			rc = sqlite3_bind_text(q, i + 1, va_arg(args, const char *), -1, SQLITE_TRANSIENT);
		else
			rc = sqlite3_bind_int64(q, i + 1, va_arg(args, s64));
	va_end(args);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(q);
	free(store->error);
	store->error = NULL;
	if (rc != SQLITE_DONE) {
		store->error = mx_strdup(sqlite3_errmsg(store->db));
		mx_log(MX_LOG_ERROR, "ledger: %s: the change is in force, but will not survive a restart",
		       store->error);
	}
	sqlite3_finalize(q);
	return rc == SQLITE_DONE;
}

static int put_account(sqlite3_stmt *q, const struct mx_ledger_row *row)
{
	int rc;

	sqlite3_bind_text(q, 1, row->source, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 2, row->provider, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 3, (s64)row->network);
	sqlite3_bind_int64(q, 4, row->lease[MX_MESSAGES]);
	sqlite3_bind_int64(q, 5, row->lease[MX_CONNECTIONS]);
	sqlite3_bind_int64(q, 6, row->lent[MX_BORROWER_TABLE]);
	sqlite3_bind_blob(q, 7, row->data, sizeof(row->data), SQLITE_STATIC);
	sqlite3_bind_int64(q, 8, row->lent[MX_BORROWER_MODULE]);
	rc = sqlite3_step(q);
	sqlite3_reset(q);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int delete_account(sqlite3 *db, const struct mx_ledger_row *row)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(db, "DELETE FROM accounts WHERE source = ? AND provider = ? AND network = ?", -1,
				    &q, NULL);

	sqlite3_bind_text(q, 1, row->source, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 2, row->provider, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 3, (s64)row->network);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(q);
	sqlite3_finalize(q);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int put_clock(sqlite3 *db, const struct mx_clock_mark *mark)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO clock VALUES (1, ?, ?, ?, ?)", -1, &q, NULL);

	sqlite3_bind_int64(q, 1, (s64)mark->ledger);
	sqlite3_bind_int64(q, 2, mark->wall);
	sqlite3_bind_int64(q, 3, (s64)mark->boot);
	sqlite3_bind_text(q, 4, mark->boot_id, -1, SQLITE_STATIC);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(q);
	sqlite3_finalize(q);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int put_reports(sqlite3 *db, const struct mx_reports *reports)
{
	sqlite3_stmt *q = NULL;
	int rc = sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO reports VALUES (?, ?, ?)", -1, &q, NULL);
	u32 i;

	for (i = 0; rc == SQLITE_OK && i < reports->count; i++) {
		sqlite3_bind_int64(q, 1, i);
		sqlite3_bind_text(q, 2, reports->items[i].book, -1, SQLITE_STATIC);
		sqlite3_bind_int64(q, 3, (s64)reports->items[i].serial);
		rc = sqlite3_step(q) == SQLITE_DONE ? SQLITE_OK : sqlite3_errcode(db);
		sqlite3_reset(q);
	}
	sqlite3_finalize(q);
	return rc;
}

/* Ends what BEGIN began: all or nothing. NULL, or what went wrong. */
static const char *finish(struct mx_store *store, int rc)
{
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL);
	free(store->error);
	store->error = rc == SQLITE_OK ? NULL : mx_strdup(sqlite3_errmsg(store->db));
	if (rc != SQLITE_OK && !sqlite3_get_autocommit(store->db))
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return store->error;
}

const char *mx_store_put_accounts(struct mx_store *store, const struct mx_ledger_row *rows, u32 count,
				  const struct mx_clock_mark *mark, const struct mx_reports *reports)
{
	sqlite3_stmt *q = NULL;
	u32 i;
	int rc = sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(store->db, "INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
					-1, &q, NULL);
	for (i = 0; rc == SQLITE_OK && i < count; i++)
		rc = rows[i].gone ? delete_account(store->db, &rows[i]) : put_account(q, &rows[i]);
	sqlite3_finalize(q);
	if (rc == SQLITE_OK)
		rc = put_clock(store->db, mark);
	if (rc == SQLITE_OK && reports)
		rc = put_reports(store->db, reports);
	return finish(store, rc);
}

/* Its key in the file: 4 or 16 bytes in network order. */
static size_t key_of(const struct mx_destination_row *row, u8 key[16])
{
	mx_addr_to_bytes(row->family, row->addr, key);
	return mx_addr_size(row->family);
}

static int put_destination(sqlite3_stmt *q, const struct mx_destination_row *row)
{
	u8 key[16];
	int rc;

	sqlite3_bind_blob(q, 1, key, (int)key_of(row, key), SQLITE_TRANSIENT);
	sqlite3_bind_text(q, 2, row->provider, -1, SQLITE_STATIC);
	sqlite3_bind_int(q, 3, row->origin);
	sqlite3_bind_text(q, 4, row->host, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 5, row->first);
	sqlite3_bind_int64(q, 6, row->confirmed);
	sqlite3_bind_int64(q, 7, row->until);
	rc = sqlite3_step(q);
	sqlite3_reset(q);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int delete_destination(sqlite3_stmt *q, const struct mx_destination_row *row)
{
	u8 key[16];
	int rc;

	sqlite3_bind_blob(q, 1, key, (int)key_of(row, key), SQLITE_TRANSIENT);
	rc = sqlite3_step(q);
	sqlite3_reset(q);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

const char *mx_store_put_destinations(struct mx_store *store, const struct mx_destination_row *rows, u32 count)
{
	sqlite3_stmt *put = NULL, *gone = NULL;
	u32 i;
	int rc = sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(store->db, "INSERT OR REPLACE INTO destinations VALUES (?, ?, ?, ?, ?, ?, ?)",
					-1, &put, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(store->db, "DELETE FROM destinations WHERE address = ?", -1, &gone, NULL);
	for (i = 0; rc == SQLITE_OK && i < count; i++)
		rc = rows[i].origin == MX_ORIGIN_NONE ? delete_destination(gone, &rows[i])
						      : put_destination(put, &rows[i]);
	sqlite3_finalize(put);
	sqlite3_finalize(gone);
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

static sqlite3_stmt *query(struct mx_store *store, const char *sql)
{
	sqlite3_stmt *q;

	if (sqlite3_prepare_v2(store->db, sql, -1, &q, NULL) != SQLITE_OK) {
		mx_log(MX_LOG_ERROR, "ledger: %s", sqlite3_errmsg(store->db));
		return NULL;
	}
	return q;
}

static const char *column(sqlite3_stmt *q, int i)
{
	const char *text = (const char *)sqlite3_column_text(q, i);

	return text ? text : "";
}

void mx_store_weights(struct mx_store *store, void (*each)(const struct mx_stored_weight *, void *), void *arg)
{
	sqlite3_stmt *q = query(store, "SELECT source, provider, pool, weight FROM weights");

	while (q && sqlite3_step(q) == SQLITE_ROW) {
		struct mx_stored_weight w = { column(q, 0), column(q, 1), column(q, 2), (u32)sqlite3_column_int(q, 3) };

		each(&w, arg);
	}
	sqlite3_finalize(q);
}

void mx_store_factors(struct mx_store *store, void (*each)(const struct mx_stored_factor *, void *), void *arg)
{
	sqlite3_stmt *q = query(store, "SELECT source, provider, thousandths FROM factors");

	while (q && sqlite3_step(q) == SQLITE_ROW)
		each(&(struct mx_stored_factor){ column(q, 0), column(q, 1), (u32)sqlite3_column_int(q, 2) }, arg);
	sqlite3_finalize(q);
}

void mx_store_states(struct mx_store *store, void (*each)(const struct mx_stored_state *, void *), void *arg)
{
	sqlite3_stmt *q = query(store, "SELECT source, provider, owner, state, reason, since, until FROM states");

	while (q && sqlite3_step(q) == SQLITE_ROW) {
		struct mx_stored_state s = { column(q, 0),
					     column(q, 1),
					     column(q, 2),
					     column(q, 3),
					     column(q, 4),
					     sqlite3_column_int64(q, 5),
					     sqlite3_column_int64(q, 6) };

		each(&s, arg);
	}
	sqlite3_finalize(q);
}

void mx_store_marks(struct mx_store *store, void (*each)(const char *, u32, void *), void *arg)
{
	sqlite3_stmt *q = query(store, "SELECT source, number FROM marks ORDER BY number");

	while (q && sqlite3_step(q) == SQLITE_ROW)
		each(column(q, 0), (u32)sqlite3_column_int64(q, 1), arg);
	sqlite3_finalize(q);
}

void mx_store_addresses(struct mx_store *store, void (*each)(const char *, void *), void *arg)
{
	sqlite3_stmt *q = query(store, "SELECT address FROM addresses");

	while (q && sqlite3_step(q) == SQLITE_ROW)
		each(column(q, 0), arg);
	sqlite3_finalize(q);
}

void mx_store_accounts(struct mx_store *store, void (*each)(const struct mx_ledger_row *, void *), void *arg)
{
	sqlite3_stmt *q = query(
		store, "SELECT source, provider, network, leased_messages, leased_connections, lent, data, granted"
		       " FROM accounts");

	while (q && sqlite3_step(q) == SQLITE_ROW) {
		struct mx_ledger_row row = { .source = column(q, 0),
					     .provider = column(q, 1),
					     .network = (u64)sqlite3_column_int64(q, 2),
					     .lease = { [MX_MESSAGES] = (u32)sqlite3_column_int64(q, 3),
							[MX_CONNECTIONS] = (u32)sqlite3_column_int64(q, 4) },
					     .lent = { (u32)sqlite3_column_int64(q, 5),
						       (u32)sqlite3_column_int64(q, 7) } };

		if (sqlite3_column_bytes(q, 6) != sizeof(row.data)) {
			mx_log(MX_LOG_ERROR, "ledger: the account of %s at %s cannot be read: it starts from nothing",
			       row.source, row.provider);
			continue;
		}
		memcpy(row.data, sqlite3_column_blob(q, 6), sizeof(row.data));
		each(&row, arg);
	}
	sqlite3_finalize(q);
}

void mx_store_destinations(struct mx_store *store, void (*each)(const struct mx_destination_row *, void *), void *arg)
{
	sqlite3_stmt *q =
		query(store, "SELECT address, provider, origin, host, first, confirmed, until FROM destinations");

	while (q && sqlite3_step(q) == SQLITE_ROW) {
		int size = sqlite3_column_bytes(q, 0), origin = sqlite3_column_int(q, 2);
		struct mx_destination_row row = { .family = size == 4 ? MX_IPV4 : MX_IPV6,
						  .origin = (enum mx_origin)origin,
						  .provider = column(q, 1),
						  .first = (u32)sqlite3_column_int64(q, 4),
						  .confirmed = (u32)sqlite3_column_int64(q, 5),
						  .until = (u32)sqlite3_column_int64(q, 6) };

		if ((size != 4 && size != 16) || origin <= MX_ORIGIN_NONE || origin >= MX_ORIGIN_COUNT)
			continue;
		row.addr = mx_addr_from_bytes(row.family, sqlite3_column_blob(q, 0));
		snprintf(row.host, sizeof(row.host), "%s", column(q, 3));
		each(&row, arg);
	}
	sqlite3_finalize(q);
}

/* The oldest first, so that the order is the same again. */
void mx_store_reports(struct mx_store *store, struct mx_reports *reports)
{
	sqlite3_stmt *q = query(store, "SELECT book, serial FROM reports ORDER BY place DESC");

	while (q && sqlite3_step(q) == SQLITE_ROW)
		mx_reports_take(reports, column(q, 0), (u64)sqlite3_column_int64(q, 1));
	sqlite3_finalize(q);
	reports->changed = false;
}

bool mx_store_clock(struct mx_store *store, struct mx_clock_mark *mark)
{
	sqlite3_stmt *q = query(store, "SELECT ledger, wall, boot, boot_id FROM clock");
	bool found = q && sqlite3_step(q) == SQLITE_ROW;

	if (found) {
		*mark = (struct mx_clock_mark){ .ledger = (u64)sqlite3_column_int64(q, 0),
						.wall = sqlite3_column_int64(q, 1),
						.boot = (u64)sqlite3_column_int64(q, 2) };
		snprintf(mark->boot_id, sizeof(mark->boot_id), "%s", column(q, 3));
	}
	sqlite3_finalize(q);
	return found;
}
