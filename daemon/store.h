/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has to survive a restart, in one SQLite file: the ledger's accounts, the operator's weights and states, the mark
 * of each source, the addresses that the daemon added to an interface, and what was learned of destinations. Everything
 * is keyed by name. A write that fails is said loudly and remembered for `status`; the daemon goes on.
 *
 * One thread uses a store; another one opens its own.
 */
#ifndef MX_DAEMON_STORE_H
#define MX_DAEMON_STORE_H

#include "daemon/clock.h"
#include "daemon/destinations.h"
#include "daemon/ledger.h"
#include "daemon/reports.h"

struct mx_store;

/* A weight set by the operator. `provider` "" : everywhere; `pool` "": in every pool. */
struct mx_stored_weight {
	const char *source;
	const char *provider;
	const char *pool;
	u32 weight;
};

/* By which the weights of a source at a provider are multiplied, for its reputation there. */
struct mx_stored_factor {
	const char *source;
	const char *provider;
	u32 thousandths; /* at most 1000, which is no factor */
};

/* A state of a lane or, with `provider` "", of a source everywhere. */
struct mx_stored_state {
	const char *source;
	const char *provider;
	const char *owner; /* "operator" or "mxrep" */
	const char *state; /* "paused" or "draining" */
	const char *reason;
	s64 since; /* seconds since the epoch */
	s64 until; /* 0: until resumed */
};

/* Opens or makes the file. Ends the program with one line when it cannot, or when a newer version has written it. */
struct mx_store *mx_store_open(const char *path);
void mx_store_close(struct mx_store *store);

/* NULL, or what went wrong with the last write. */
const char *mx_store_error(const struct mx_store *store);

/* All return false when the write failed (it is logged then). */
bool mx_store_put_weight(struct mx_store *store, const struct mx_stored_weight *weight);
bool mx_store_delete_weight(struct mx_store *store, const char *source, const char *provider, const char *pool);
bool mx_store_put_factor(struct mx_store *store, const struct mx_stored_factor *factor);
bool mx_store_put_state(struct mx_store *store, const struct mx_stored_state *state);
bool mx_store_delete_state(struct mx_store *store, const char *source, const char *provider, const char *owner);
bool mx_store_put_mark(struct mx_store *store, const char *source, u32 number);
bool mx_store_put_address(struct mx_store *store, const char *address, bool added);

/*
 * Writes rows of the ledger, the time, and which reports were taken (NULL: not this time), all or nothing; on disk when
 * it returns. NULL, or what went wrong.
 */
const char *mx_store_put_accounts(struct mx_store *store, const struct mx_ledger_row *rows, u32 count,
				  const struct mx_clock_mark *mark, const struct mx_reports *reports);

/* Writes what was learned of addresses, or takes it out; all or nothing. NULL, or what went wrong. */
const char *mx_store_put_destinations(struct mx_store *store, const struct mx_destination_row *rows, u32 count);

/* Which reports were taken. */
void mx_store_reports(struct mx_store *store, struct mx_reports *reports);

/* The time that was written last. False: none was. */
bool mx_store_clock(struct mx_store *store, struct mx_clock_mark *mark);

/*
 * Calls `each` for every row; the strings live for the call only. What the ledger goes on from has to be there: all of
 * these, and the two above, end the program with a message when the file cannot be read. They are for its start.
 */
void mx_store_weights(struct mx_store *store, void (*each)(const struct mx_stored_weight *, void *), void *arg);
void mx_store_factors(struct mx_store *store, void (*each)(const struct mx_stored_factor *, void *), void *arg);
void mx_store_states(struct mx_store *store, void (*each)(const struct mx_stored_state *, void *), void *arg);
void mx_store_accounts(struct mx_store *store, void (*each)(const struct mx_ledger_row *, void *), void *arg);
void mx_store_destinations(struct mx_store *store, void (*each)(const struct mx_destination_row *, void *), void *arg);

/* The same at any time: false, and a message, when the file cannot be read. */
bool mx_store_marks(struct mx_store *store, void (*each)(const char *source, u32 number, void *), void *arg);
bool mx_store_addresses(struct mx_store *store, void (*each)(const char *address, void *), void *arg);

#endif
