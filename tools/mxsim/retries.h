/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mail that was refused and will be tried again. It is counted, not stored: all mail to a provider that arrived in one
 * minute and was refused equally often is one cohort.
 */
#ifndef MX_SIM_RETRIES_H
#define MX_SIM_RETRIES_H

#include "tools/mxsim/plan.h"

struct sim_cohort {
	u32 born; /* the minute in which it arrived */
	u32 messages;
	u16 provider;
	u16 refusals;
};

struct sim_retries;

struct sim_retries *sim_retries_new(const struct sim_plan *plan);
void sim_retries_free(struct sim_retries *retries);

/*
 * A cohort was refused again in `minute`; its `refusals` are those before. It will be due when the plan says. Each is
 * put once in a minute, but in any number of parts.
 */
void sim_retries_put(struct sim_retries *retries, u32 minute, const struct sim_cohort *cohort, bool part);

/* The cohorts that are due in `minute`; they live until the next call. To be called for every minute in turn. */
const struct sim_cohort *sim_retries_take(struct sim_retries *retries, u32 minute, u32 *count);

/* Messages to a provider that still wait. */
u64 sim_retries_waiting(const struct sim_retries *retries, u32 provider);

#endif
