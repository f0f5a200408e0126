/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long mail waited: a histogram whose buckets are no wider than 1/64 of what they hold. */
#ifndef MX_SIM_WAITS_H
#define MX_SIM_WAITS_H

#include "core/port.h"

#define SIM_WAIT_BUCKETS (64 * 28) /* up to 2^33 ms */

struct sim_waits {
	u64 count[SIM_WAIT_BUCKETS];
	u64 messages, longest; /* ms */
};

void sim_waits_add(struct sim_waits *waits, u64 ms, u32 messages);

/* What `percent` of the messages did not exceed, in ms; 0 when there are none. */
u64 sim_waits_percentile(const struct sim_waits *waits, u32 percent);

#endif
