/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model: mail arrives, the mail server opens a connection for it, the policy decides, refused mail comes back. The
 * clock stands at what happens next.
 */
#ifndef MX_SIM_MODEL_H
#define MX_SIM_MODEL_H

#include "tools/mxsim/tally.h"

/* Lives through all the days of the plan. */
void sim_model_run(const struct sim_plan *plan, struct sim_world *world, struct sim_tally *tally);

#endif
