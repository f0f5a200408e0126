/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The accounts of the ledger, for its own files: ledger.c charges them and takes up policies, ledger_file.c writes them
 * down, ledger_lend.c lends to the fallback, ledger_show.c tells of them. account.c keeps them, and works out the room
 * that each has. Who uses the ledger includes ledger.h.
 */
#ifndef MX_DAEMON_ACCOUNT_H
#define MX_DAEMON_ACCOUNT_H

#include "daemon/ledger.h"

#define MX_FIRST_LEASE 4 /* as a power of two: 16 connections; more when it does not last until the next is written */

struct warming {
	struct mx_warmup state;
	struct mx_ramp ramp; /* no caps: the policy in force does not warm it up */
	u64 from;            /* time of day in ms: nothing is sent before */
	u32 lost;            /* messages that may have been sent, told when the schedule is not known yet */
};

/*
 * Of a source (provider NULL), a provider (source NULL), or one at the other. 1 KB, most of it the windows: all of them
 * are kept, whatever limits there are, so that a new limit knows what was sent before it came.
 */
struct account {
	const char *source, *provider; /* of mx_name(): compared as pointers */
	u64 network;
	struct mx_room *room; /* in the state; NULL: the policy in force does not have it */
	struct account *next_short, *next_dirty;
	struct warming *warming;  /* NULL: it is not, and never was, warmed up */
	u64 full_at[MX_UNITS];    /* of the pace */
	u32 first_limit;          /* of the snapshot */
	u16 limits;               /* how many */
	u16 written;              /* connections spent when it was written last; wraps: leases are shorter */
	u32 spent[MX_UNITS];      /* in all; wraps */
	u32 covered_to[MX_UNITS]; /* as far as `spent` may go */
	u32 lent[MX_BORROWERS];   /* connections that others may make without us */
	u32 average;              /* messages of a connection, in thousandths; 0: nothing was reported yet */
	bool is_short : 1;        /* in the list of those whose room is worked out anew at some time */
	bool is_dirty : 1;        /* in the list of those that have changed since they were written */
	bool is_urgent : 1;       /* somebody waits, or will soon, for its being written */
	bool was_urgent : 1;      /* when it was written last */
	bool is_awaited : 1;      /* somebody waits for its lease */
	bool is_recalled : 1;     /* what is lent is needed here */
	bool is_settled : 1;      /* in this round of mx_ledger_take_back() */
	bool is_gone : 1;         /* given up; freed when its row is out of the file */
	bool is_paced : 1;        /* its provider spreads its limits */
	u8 lease : 4;             /* connections that the next lease is worth, as a power of two */
	u16 collected;            /* when it was written last; wraps after 17 minutes */
	struct mx_window window[MX_PERIODS];
};

_Static_assert(sizeof(struct account) <= 1024, "an account takes 1 KB");

struct mx_ledger {
	struct mx_ledger_terms terms;
	u32 least_messages; /* that one connection is charged for, whosever it is */
	u32 most_messages;
	void *accounts;             /* tsearch(), by name */
	struct account **of_source; /* [source] */
	struct account **of_provider;
	struct account **of_lane; /* [provider * sources + source]; NULL: not used yet */
	struct account *short_of, *dirty;
	u32 urgent;  /* how many accounts are */
	u32 limited; /* how many with limits have come into use */
	bool wants_back[MX_BORROWERS];
	u64 ticked, next, wall, lost;
	u64 guessed_since; /* the first charge in messages that a limit counts, since something was settled; 0: none */
};

/* What tsearch() and its like order them by. */
int mx_account_compare(const void *a, const void *b);
void mx_account_free(void *account);

/* By names of mx_name(): a source, a provider (or NULL) and a network of the default provider (or 0). */
struct account *mx_account_find(const struct mx_ledger *ledger, const char *source, const char *provider, u64 network);
struct account *mx_account_find_or_add(struct mx_ledger *ledger, const char *source, const char *provider, u64 network);

/* What the policy in force says of a source. */
static inline const struct mx_source *mx_account_terms(const struct mx_ledger *ledger, u32 source)
{
	return &mx_snapshot_sources(ledger->terms.snapshot)[source];
}

/* The account of a source, or of one at a provider, of the policy in force; made when there is none. */
struct account *mx_account_of_source(struct mx_ledger *ledger, u32 source, u64 now);
struct account *mx_account_of_lane(struct mx_ledger *ledger, u32 provider, u32 source, u64 now);

/* It has changed since it was written; and somebody waits for its being written. */
void mx_account_put_dirty(struct mx_ledger *ledger, struct account *account);
void mx_account_put_urgent(struct mx_ledger *ledger, struct account *account);

/* Whether there is some connection for which it has no room. */
bool mx_account_is_short(const struct mx_ledger *ledger, const struct account *account);

/* What the day of its warm-up allows; 0: no cap. */
u32 mx_account_warmup_cap(const struct account *account);

/* The time that one unit takes at its pace, in microseconds; 0: none. */
u64 mx_account_pace(const struct mx_ledger *ledger, const struct account *account, enum mx_unit unit);

/* What its limits still have room for, whatever its pace is. */
void mx_account_left(const struct mx_ledger *ledger, const struct account *account, u64 now, u32 left[MX_UNITS]);

/* Writes into its room what has been written down ahead. */
void mx_account_bound_by_cover(const struct mx_ledger *ledger, struct account *account);

/* Connections that the next lease is worth. */
static inline u32 mx_account_lease(const struct account *account)
{
	return 1u << account->lease;
}

/* What others may make, whoever they are. */
static inline u32 mx_account_lent(const struct account *account)
{
	return account->lent[MX_BORROWER_TABLE] + account->lent[MX_BORROWER_MODULE];
}

/* Everything that a connection is charged to: its source, its provider, its lane; and what is kept of its network. */
struct charged {
	struct account *of[4];
	u32 count;
};

struct charged mx_account_charged(struct mx_ledger *ledger, struct mx_lane_id lane, u64 now);

/* When its room has to be worked out anew, though nobody charges anything; MX_NEVER: it stays as it is. */
u64 mx_account_due(const struct mx_ledger *ledger, const struct account *account);

/* It will be looked at then. */
void mx_account_put_due(struct mx_ledger *ledger, struct account *account);

/* Works out its room anew; and (renew) books before what the weights asked for, because who may be chosen changes. */
void mx_account_refresh(struct mx_ledger *ledger, struct account *account, u64 now);
void mx_account_renew(struct mx_ledger *ledger, struct account *account, u64 now);

#endif
