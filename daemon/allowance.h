/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much of the main thread's time those get who may only read. It is time as it passes, not time of the processor:
 * on a busy machine they get less.
 */
#ifndef MX_DAEMON_ALLOWANCE_H
#define MX_DAEMON_ALLOWANCE_H

#include "core/port.h"

#define MX_ALLOWANCE_PART 20u           /* one in so many microseconds */
#define MX_ALLOWANCE_AT_ONCE 5000       /* microseconds that may be saved up */
#define MX_ALLOWANCE_DEBT_MAX (-100000) /* what one long piece of work may cost later: two seconds without any */

struct mx_allowance {
	s64 left; /* microseconds; below 0: taken in advance */
	u64 at;   /* when that was so, in microseconds of a clock that nobody sets */
};

/* What is there now, in microseconds; 0 or less: none. */
s64 mx_allowance_left(struct mx_allowance *allowance, u64 now);

/* Work of so many microseconds has been done. */
void mx_allowance_spend(struct mx_allowance *allowance, u64 usec);

/* How long it takes, in microseconds, until there is some again. */
u64 mx_allowance_wait(const struct mx_allowance *allowance);

#endif
