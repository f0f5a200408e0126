/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mxrep run: follows the logs and the daemon, settles, judges, steers, and writes the page, until it is ended. */
#ifndef MX_REP_RUN_H
#define MX_REP_RUN_H

#include "tools/mxrep/pass.h"
#include "tools/mxrep/settings.h"

/* `dry`: say what would be steered, and do not. Returns the exit status. */
int rep_run(const struct rep_settings *settings, struct rep_store *store, const struct rep_rules *rules,
	    struct rep_policy *policy, bool dry);

#endif
