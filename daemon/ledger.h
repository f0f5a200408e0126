/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was charged to every source, every provider and every lane, in rolling windows; and from that the room that the
 * state of the policy holds for the decision. Accounts are kept by name, so that a reload keeps them.
 *
 * What may be spent has been written down before (mx_ledger_collect(), mx_ledger_written()): the file holds of each
 * account what was charged when it was written, and a lease, how much may have been spent since.
 *
 * Everything here is called under the policy's lock, and none of it is slow. `now` and all other times are milliseconds
 * of the ledger's clock (clock.h), which never goes back.
 */
#ifndef MX_DAEMON_LEDGER_H
#define MX_DAEMON_LEDGER_H

#include "core/decide.h"
#include "core/warmup.h"
#include "daemon/config.h"

struct mx_ledger;

/* A policy as the ledger sees it; lives as long as the policy. Names are those of mx_name(), by index. */
struct mx_ledger_terms {
	const struct mx_config *config;
	const struct mx_snapshot *snapshot;
	struct mx_state *state;
	const char *const *source_names;
	const char *const *provider_names;
};

struct mx_ledger *mx_ledger_new(void);
void mx_ledger_free(struct mx_ledger *ledger);

/*
 * Takes up a policy that comes into force, and works out all room. What the policy before had and this one has not is
 * kept and written; it counts again when it comes back. `wall` is the time of day, in ms since the epoch.
 */
void mx_ledger_adopt(struct mx_ledger *ledger, const struct mx_ledger_terms *terms, u64 now, u64 wall);

/*
 * Once before decisions at `now`: gives room again that has become free. `wall` is the time of day, in ms since the
 * epoch. True when somebody who had no room may have some.
 */
bool mx_ledger_tick(struct mx_ledger *ledger, u64 now, u64 wall);

/* When the next tick will free room; MX_NEVER when none will. */
u64 mx_ledger_next(const struct mx_ledger *ledger);

/*
 * Charges `n` connections, after mx_account(). At the default provider the destination's network has an account of its
 * own where something of it is kept.
 */
void mx_ledger_charge(struct mx_ledger *ledger, struct mx_lane_id lane, u32 n, u64 now);

/* What is kept of a lane at its network, made when there is nothing yet; NULL: there is no place for it. */
struct mx_network_lane *mx_ledger_open_network(struct mx_ledger *ledger, struct mx_lane_id lane, u64 now);

/* A connection waits for such a charge to be covered: asks for it. */
void mx_ledger_want(struct mx_ledger *ledger, struct mx_lane_id lane, u64 now);

/* Gives back the charge of a connection that was made at `then`, or a little later, and never came about. */
void mx_ledger_refund(struct mx_ledger *ledger, struct mx_lane_id lane, u64 then, u32 messages, u64 now);

/*
 * `messages` were sent about `then`, and `connections` that were made about then are over, which carried `carried`
 * messages in all, these and those that were settled before: gives back what they were charged for, charges the
 * messages, and learns from it what the next ones are charged for. Returns what they had been charged for.
 */
u32 mx_ledger_settle(struct mx_ledger *ledger, struct mx_lane_id lane, u64 then, u32 connections, u32 messages,
		     u32 carried, u64 now);

/*
 * Steers the warm-up of a source, at one provider or (MX_NONE) everywhere. False: it is not warmed up, or (with a
 * provider) only as a whole.
 */
bool mx_ledger_steer_warmup(struct mx_ledger *ledger, u32 source, u32 provider, enum mx_warmup_step step, u64 now);

/* A warm-up as `mxload warmup` shows it. */
struct mx_warming {
	const char *source, *provider; /* provider NULL: the source as a whole */
	u64 network;
	const struct mx_warmup *warmup;
	const struct mx_ramp *ramp;
	u32 hour;   /* messages in the hour up to now */
	bool waits; /* until the day that it starts on */
};

/* The day of the warm-up that a lane is in, of the source as a whole or of its own, from 1 on; 0: none. */
u32 mx_ledger_warmup_day(const struct mx_ledger *ledger, u32 provider, u32 source);

/* Whether there are limits in messages, connections are made, and nothing was settled within an hour. */
bool mx_ledger_is_guessing(const struct mx_ledger *ledger, u64 now);

/* Calls `each` for every warm-up that has begun or is about to. */
void mx_ledger_warmups(struct mx_ledger *ledger, u64 now, void (*each)(const struct mx_warming *, void *), void *arg);

/* One limit as `mxload quota` shows it. Source or provider NULL: of all of them together. */
struct mx_quota {
	const char *source, *provider;
	struct mx_limit limit;
	u32 used, settled, estimated; /* settled and estimated of a limit in messages */
	u64 free_at;                  /* when one more connection has room under this limit: `now` or later; MX_NEVER */
};

/*
 * Calls `each` for every limit of a source at a provider; MX_NONE: of the source wherever it sends, or of all that goes
 * to the provider.
 */
void mx_ledger_quota_of(const struct mx_ledger *ledger, u32 provider, u32 source, u64 now,
			void (*each)(const struct mx_quota *, void *), void *arg);

/* Calls `each` for every limit in force, also of lanes that were never used. */
void mx_ledger_quota(const struct mx_ledger *ledger, u64 now, void (*each)(const struct mx_quota *, void *), void *arg);

/* --- lent ------------------------------------------------------------------------------------------------------- */

/* Who makes connections without asking: nftables while nobody answers the queue, and the kernel module. */
enum mx_borrower {
	MX_BORROWER_TABLE,
	MX_BORROWER_MODULE,
	MX_BORROWERS,
};

/*
 * What nftables may spend while nobody answers the queue: connections that are neither free for the daemon nor spent
 * until they come back. `source` NULL: of a provider in all; `provider` NULL: of a source. Names of mx_name().
 */

/*
 * How much may be lent anew, to every element together, besides what is lent and has not come back; `leaving`: nobody
 * else needs any, but for what the next daemon lends as it begins. 0 when there is no account.
 */
u32 mx_ledger_lendable(const struct mx_ledger *ledger, const char *source, const char *provider, bool leaving, u64 now);

/* How many accounts with limits have come into use, of this policy and of those before; what has not is not lent. */
u32 mx_ledger_limited(const struct mx_ledger *ledger);

/* How much is lent. */
u32 mx_ledger_lent(const struct mx_ledger *ledger, const char *source, const char *provider);

/* Lends `more`, good when it has been written; or (less than 0) not after all. */
void mx_ledger_lend(struct mx_ledger *ledger, const char *source, const char *provider, s32 more);

/*
 * After the table has changed: `spent` connections were made by what came back, `lent` is what is out now, and `lost`
 * did not come back and counts as spent.
 */
void mx_ledger_take_back(struct mx_ledger *ledger, const char *source, const char *provider, u32 spent, u32 lost,
			 u32 lent, u64 now);

/* What is lent to accounts that the last round of mx_ledger_take_back() has not named is lost. Ends the round. */
void mx_ledger_end_round(struct mx_ledger *ledger, u64 now);

/* Whether somebody waits for what is lent. Asking clears it. */
bool mx_ledger_wants_back(struct mx_ledger *ledger, enum mx_borrower borrower);

/*
 * What the module may make of a lane, which is one of a named provider. It is lent by each of the accounts that have
 * limits: the source's, the provider's, the lane's.
 */

/* Lends up to `wanted` connections, good when it has been written. Returns how many; few or none near a limit. */
u32 mx_ledger_grant(struct mx_ledger *ledger, struct mx_lane_id lane, u32 wanted, u64 now);

/* `connections` were made there, `leased` of them out of what was lent: charges them. */
void mx_ledger_charge_granted(struct mx_ledger *ledger, struct mx_lane_id lane, u32 connections, u32 leased, u64 now);

/* So many were not made, and came back. */
void mx_ledger_take_grant_back(struct mx_ledger *ledger, struct mx_lane_id lane, u32 connections, u64 now);

/* Whether the lane's grant is needed elsewhere. */
bool mx_ledger_is_recalled(struct mx_ledger *ledger, struct mx_lane_id lane, u64 now);

/*
 * What the module was lent before this daemon was started: `left` says how much of an account's is still there (names
 * as in mx_ledger_lend()), the rest was spent. `known` false: nothing can be read, all of it counts as spent.
 */
void mx_ledger_recover_grants(struct mx_ledger *ledger, bool known,
			      u32 (*left)(const char *source, const char *provider, void *arg), void *arg, u64 now);

/* --- written down ----------------------------------------------------------------------------------------------- */

#define MX_ACCOUNT_BYTES 968 /* of an account as it is written */

/* An account as it is written; names as in struct mx_quota, "" for NULL. */
struct mx_ledger_row {
	const char *source, *provider;
	u64 network;
	u32 lease[MX_UNITS];
	u32 lent[MX_BORROWERS]; /* connections */
	u8 data[MX_ACCOUNT_BYTES];
	void *account; /* the ledger's own */
	u32 spent[MX_UNITS];
	bool gone; /* the account is given up: its row goes */
};

/* Whether somebody waits for something to be written. */
bool mx_ledger_is_urgent(const struct mx_ledger *ledger);

/* Nothing will be spent any more: every account that has a lease in the file has to be written without. */
void mx_ledger_end_leases(struct mx_ledger *ledger);

/*
 * Fills up to `count` rows with what has to be written; returns how many. `leases` false: nothing will be spent any
 * more (the daemon leaves). Each collection is followed by mx_ledger_written() before the next.
 */
u32 mx_ledger_collect(struct mx_ledger *ledger, struct mx_ledger_row *rows, u32 count, bool leases, u64 now);

/* The rows are in the file for good, or (`good` false) perhaps not: they will be collected again. */
void mx_ledger_written(struct mx_ledger *ledger, const struct mx_ledger_row *rows, u32 count, bool good, u64 now);

/* Takes an account from the file, before the first policy is adopted. Its lease counts as spent at `now`. */
void mx_ledger_load(struct mx_ledger *ledger, const struct mx_ledger_row *row, u64 now);

/* Connections that were counted as spent because it is not known what became of their lease. */
u64 mx_ledger_lost(const struct mx_ledger *ledger);

#endif
