/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When mail arrives: how many messages in each minute of a day. */
#ifndef MX_SIM_ARRIVALS_H
#define MX_SIM_ARRIVALS_H

#include "tools/mxsim/plan.h"

struct sim_arrivals {
	u64 until[SIM_DAY_MINUTES + 1]; /* the part of a day's mail that has come before a minute, of 2^32 */
};

void sim_arrivals_init(struct sim_arrivals *arrivals, enum sim_pattern pattern);

/*
 * Messages in a minute of the day (0 to 1439), of `per_day` (at most SIM_MOST): over the day exactly so many. `phase`
 * (below 2^32) shifts when a few a day come.
 */
u32 sim_arrivals_in(const struct sim_arrivals *arrivals, u64 per_day, u32 phase, u32 minute);

#endif
