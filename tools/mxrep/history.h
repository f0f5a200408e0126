/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mxrep log: what was done, and why. */
#ifndef MX_REP_HISTORY_H
#define MX_REP_HISTORY_H

#include <stdio.h>

#include "tools/mxrep/store.h"

/* Actions since a time (seconds), the latest last; of one source or provider where these are not NULL. */
void rep_history_print(struct rep_store *store, s64 since, const char *source, const char *provider, bool json,
		       FILE *out);

#endif
