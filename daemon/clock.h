/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ledger's clock: milliseconds that never go back, whatever happens to the time of day. Within a boot it follows
 * CLOCK_BOOTTIME. Across a reboot only the time of day knows how long the host was off; it is believed when it is, and
 * was, synchronised (adjtimex(2)), and else no more than the time since boot. A clock that runs late frees nothing too
 * soon.
 */
#ifndef MX_DAEMON_CLOCK_H
#define MX_DAEMON_CLOCK_H

#include "core/port.h"

#define MX_BOOT_ID 40

/* A moment on all clocks, as it is written into the ledger. */
struct mx_clock_mark {
	u64 ledger;
	s64 wall; /* ms since the epoch; 0: it was not synchronised */
	u64 boot; /* ms since boot_id's boot */
	char boot_id[MX_BOOT_ID];
};

/* What the system's clocks say. */
struct mx_clock_reading {
	s64 wall;
	u64 boot;
	char boot_id[MX_BOOT_ID];
	bool synchronised;
};

struct mx_clock {
	u64 ahead;                 /* ledger = boot + ahead */
	bool late;                 /* the host was off, and it is not known yet for how long */
	struct mx_clock_mark mark; /* where it went on from */
};

struct mx_clock_reading mx_clock_read(void);

/* Goes on from `mark`; NULL: it begins, at the time of day. */
void mx_clock_start(struct mx_clock *clock, const struct mx_clock_mark *mark, const struct mx_clock_reading *reading);

/* When it is late and the time of day is now synchronised, catches up. */
void mx_clock_catch_up(struct mx_clock *clock, const struct mx_clock_reading *reading);

struct mx_clock_mark mx_clock_mark(const struct mx_clock *clock, const struct mx_clock_reading *reading);

/* Now, in milliseconds; cheap. */
u64 mx_clock_now(const struct mx_clock *clock);

/* The time of day in ms since the epoch; cheap. */
u64 mx_clock_wall(void);

/* Clocks that nobody sets, for waits: since boot, with the time that the host slept; and without it. */
u64 mx_clock_boot_seconds(void);
u64 mx_clock_steady_ms(void);
u64 mx_clock_steady_usec(void);

/* The latter in seconds, up to some milliseconds late: what a look into a table costs, not a look at the clock. */
u32 mx_clock_coarse_seconds(void);

#endif
