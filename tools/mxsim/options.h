/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MX_SIM_OPTIONS_H
#define MX_SIM_OPTIONS_H

#include "tools/mxsim/plan.h"

/* Reads the command line; ends the program with status 2 when it is wrong, and after --help. */
void sim_options_read(struct sim_plan *plan, int argc, char **argv);

#endif
