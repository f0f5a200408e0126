/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/*
 * How a new source is warmed up: a schedule caps each sending day. A sending day is 24 hours from its first message.
 * The next one of the schedule begins when at least half the cap was sent on it; else the same is lived through again.
 * After the last there is no cap; after 30 idle days all begins again (SparkPost, SendGrid and Amazon SES agree on 30).
 *
 * Times are in milliseconds of the ledger's clock.
 */
#ifndef MX_CORE_WARMUP_H
#define MX_CORE_WARMUP_H

#include "core/window.h"

#define MX_WARMUP_DAY 86400000ULL
#define MX_WARMUP_IDLE (30 * MX_WARMUP_DAY)

struct mx_ramp {
	const u32 *caps; /* in messages; of each sending day */
	u32 count;
	bool hourly; /* caps are for any hour of the day */
};

enum mx_warmup_step {
	MX_WARMUP_START,  /* from the first day on, now */
	MX_WARMUP_HOLD,   /* stay on this day */
	MX_WARMUP_RESUME, /* ... no longer */
	MX_WARMUP_BACK,   /* a day back */
	MX_WARMUP_FINISH, /* no cap any more */
};

/* All zero: nothing was sent yet. */
struct mx_warmup {
	u64 began; /* this sending day; 0: with the next message */
	u64 last;  /* message; 0: none */
	u32 sent;  /* messages in this sending day */
	u32 peak;  /* the most in an hour of it */
	u16 day;   /* from 0 on; the schedule's count: it is over */
	bool held;
	u8 reserved;
};

/* Goes on to the sending day of `now`. To be called before the others. */
void mx_warmup_advance(struct mx_warmup *w, const struct mx_ramp *ramp, u64 now);

/* Messages that this day (or any hour of it) may see; 0: there is no cap. */
u32 mx_warmup_cap(const struct mx_warmup *w, const struct mx_ramp *ramp);

/* When the sending day ends, MX_NEVER when it has not begun. */
u64 mx_warmup_day_ends(const struct mx_warmup *w);

/* When mx_warmup_advance() may change something, if nothing is sent until then; MX_NEVER: not by itself. */
u64 mx_warmup_next(const struct mx_warmup *w, const struct mx_ramp *ramp);

/* Counts `n` messages; `hour` are those of the hour up to now. */
void mx_warmup_charge(struct mx_warmup *w, u64 now, u32 n, u32 hour);

/*
 * Counts `n` messages that a report tells of, sent at `then`; `hour` as above. Those of a day that is over count no
 * more, and no day begins with them.
 */
void mx_warmup_settle(struct mx_warmup *w, u64 then, u32 n, u32 hour);

/* Takes back `n` messages that were counted at `then`. */
void mx_warmup_return(struct mx_warmup *w, u64 then, u32 n);

void mx_warmup_steer(struct mx_warmup *w, const struct mx_ramp *ramp, enum mx_warmup_step step);

#endif
