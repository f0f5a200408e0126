/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mxrep mailq: Postfix's queue by provider, age and reason, and what the daemon would do with it now. */
#ifndef MX_REP_MAILQ_H
#define MX_REP_MAILQ_H

#include <stdio.h>

#include "tools/mxrep/link.h"
#include "tools/mxrep/policy.h"
#include "tools/mxrep/rules.h"

/*
 * Reads what `postqueue -j` printed, and prints a row for each provider and reason. The daemon is asked by `link`
 * (NULL: it is not). False: the input is not postqueue's, `error` (`size` bytes) says at which line.
 */
bool rep_mailq(FILE *in, const struct rep_rules *rules, struct rep_policy *policy, struct rep_link *link, bool json,
	       FILE *out, char *error, size_t size);

#endif
