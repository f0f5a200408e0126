/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mxrep's own record, in SQLite: counts by the hour, where each log was read to, what was done and why, and who must
 * not be written to again. What belongs together is written in one transaction: a log's position with what was read.
 * Several processes may use it at once (mxrep run, and a bounce that an alias feeds).
 */
#ifndef MX_REP_STORE_H
#define MX_REP_STORE_H

#include <sqlite3.h>

#include "core/port.h"
#include "tools/mxrep/reply.h"

struct rep_store;

/* Opens, and makes it when it is not there yet. NULL: why not is in `error` (`size` bytes), one line. */
struct rep_store *rep_store_open(const char *path, char *error, size_t size);
void rep_store_close(struct rep_store *store);

/*
 * A statement, prepared once and kept by the store; reset, with nothing bound. Numbers and texts are bound from `types`
 * on: 'i' an s64, 's' a text (NULL: null; copied), 't' a struct rep_text. What SQLite refuses is fatal: with the
 * schema that the store was opened with, only a full or broken disk can cause it.
 */
sqlite3_stmt *rep_store_bind(struct rep_store *store, const char *sql, const char *types, ...);

/* Binds and runs to the end; how many rows it changed. */
int rep_store_run(struct rep_store *store, const char *sql, const char *types, ...);

/* The next row of a bound statement; false at the end. */
bool rep_store_row(struct rep_store *store, sqlite3_stmt *statement);

/* The only column of the only row; `otherwise` when there is none or it is null. */
s64 rep_store_number(struct rep_store *store, s64 otherwise, const char *sql, const char *types, ...);

/* Text of a column; "" for null. Good until the next row. */
const char *rep_store_text(sqlite3_stmt *statement, int column);

void rep_store_begin(struct rep_store *store);
void rep_store_commit(struct rep_store *store);
void rep_store_forget(struct rep_store *store); /* what was written and counted since rep_store_begin() */

/* What is counted. */
enum rep_what {
	REP_WHAT_SENT = REP_SENT, /* answered by the provider: these three are messages */
	REP_WHAT_DEFERRED = REP_DEFERRED,
	REP_WHAT_BOUNCED = REP_BOUNCED,
	REP_WHAT_FAILED,    /* attempts without an answer: no connection, or lost */
	REP_WHAT_SUSPENDED, /* the MTA did not try */
	REP_WHAT_LATE,      /* accepted, and bounced by mail afterwards */
	REP_WHAT_COMPLAINT,
	REP_WHAT_TRAP,
	REP_WHATS,
};

/* How a source was found. */
enum rep_how {
	REP_EXACT,     /* by the connection's own process or port, or no other source was possible */
	REP_INFERRED,  /* by destination and time, one connection fits */
	REP_AMBIGUOUS, /* several fit; counted at the likeliest */
	REP_UNKNOWN,   /* no connection is known: no source */
	REP_HOWS,
};

/*
 * A lane's number in the store; made when it is new. `source` and `network` may be "": not known, and none. Bounded in
 * length: names of mxload's configuration, and a prefix as text.
 */
u32 rep_store_lane(struct rep_store *store, const char *source, const char *provider, const char *network);

/* Adds to a count (or takes from it), in the hour (since the epoch) it belongs to; kept in memory until
 * rep_store_commit(). */
void rep_store_count(struct rep_store *store, u32 hour, u32 lane, enum rep_what what, enum rep_category category,
		     enum rep_how how, s32 n);

/* Remembers on which lane a message went to a recipient, by hashes of both, until rep_store_commit() writes it. */
void rep_store_message(struct rep_store *store, u64 message, u64 recipient, u32 lane, u32 hour);

/* The lane of a message, 0: not known. With recipient 0, of any recipient. */
u32 rep_store_find_message(struct rep_store *store, u64 message, u64 recipient);

/* Calls back for each message to a recipient (a hash) that is remembered: a number of its own, its lane and hour. */
void rep_store_messages_to(struct rep_store *store, u64 recipient,
			   void (*each)(s64 message, u32 lane, u32 hour, void *context), void *context);

/* Takes out what is older than `before` (seconds). */
void rep_store_tidy(struct rep_store *store, s64 before);

/* A number that no other store has. */
u64 rep_store_book(struct rep_store *store);

/* Of a text with its case kept or not; never 0. */
u64 rep_hash(struct rep_text text);
u64 rep_hash_folded(struct rep_text text);

#endif
