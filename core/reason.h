/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/*
 * Why a connection was decided as it was. One list for the verdicts, the counters, `mxload explain`, the events and
 * the tests.
 */
#ifndef MX_CORE_REASON_H
#define MX_CORE_REASON_H

/*
 * Those from NO_ADDRESS to LEDGER also say why one member of a pool is no candidate. They stand in the order in which a
 * member is tried: when all of them fail, the connection is refused for the reason of the one that came furthest.
 * LIMIT_...: of the source, of it at this provider, or of all that goes there.
 */
#define MX_REASONS(X)                                                                                                  \
	X(EXEMPT, "exempt")           /* the destination is exempt: passed as it is */                                 \
	X(NO_ADDRESS, "no-address")   /* the source has no address of this family */                                   \
	X(UNUSABLE, "unusable")       /* its address is not on this host */                                            \
	X(WEIGHT_ZERO, "weight-zero") /* it has no weight here */                                                      \
	X(PAUSED, "paused")           /* it rests, everywhere or at this provider */                                   \
	X(LIMIT_HOUR, "limit-hour")   /* it has sent what may be sent in an hour */                                    \
	X(LIMIT_DAY, "limit-day")     /* ... in a day */                                                               \
	X(LIMIT_WEEK, "limit-week")   /* ... in a week */                                                              \
	X(WARMUP, "warmup")           /* it has sent what the day of its warm-up allows */                             \
	X(PACE, "pace")               /* its next turn has not come */                                                 \
	X(BACKING_OFF, "backing-off") /* after a block: it has as many connections open as it may for now */           \
	X(CONCURRENCY, "concurrency") /* it has as many connections open as it may */                                  \
	X(MAX_SHARE, "max-share")     /* it would carry more than its share of the pool's connections */               \
	X(LEDGER, "ledger")           /* it has room, but the ledger cannot write it down (yet) */                     \
	X(CANDIDATE, "candidate")     /* nothing speaks against this member */                                         \
	X(WEIGHTED, "weighted")       /* chosen by smooth weighted round robin */                                      \
	X(STICKY, "sticky")           /* chosen by the destination's network */                                        \
	X(OVERFLOW, "overflow")       /* chosen from an overflow pool: the pool had no candidate */

enum mx_reason {
#define X(id, name) MX_REASON_##id,
	MX_REASONS(X)
#undef X
		MX_REASON_COUNT
};

/* The name of a reason, for people and for JSON; never NULL. */
const char *mx_reason_name(enum mx_reason reason);

#endif
