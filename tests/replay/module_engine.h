/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The module, told and asked what a recording has, over its own protocol. */
#ifndef MX_REPLAY_MODULE_ENGINE_H
#define MX_REPLAY_MODULE_ENGINE_H

#include "daemon/module_link.h"
#include "tests/replay/recording.h"

/*
 * Plays a recording to the module and writes its verdict of each flow, in order, into `verdicts`, which has room for
 * all. NULL, or what went wrong, which lives until the next request.
 */
const char *module_engine_play(struct mx_module_link *link, const struct recording *recording,
			       struct mxload_verdict *verdicts);

#endif
