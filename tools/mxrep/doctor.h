/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mxrep doctor: whether the world can see of each source and sending domain what it wants to see. */
#ifndef MX_REP_DOCTOR_H
#define MX_REP_DOCTOR_H

#include <stdio.h>

#include "daemon/config.h"
#include "tools/mxrep/settings.h"

/*
 * The most severe finding; also the exit status of mxrep doctor. An error counts for more than what is unchecked, and
 * that, behind which an error may hide, for more than a warning.
 */
enum rep_health {
	REP_WELL = 0,
	REP_WARNING = 1,   /* mail may suffer */
	REP_ERROR = 2,     /* mail will be refused somewhere */
	REP_UNCHECKED = 3, /* the DNS did not answer: nothing can be said */
};

struct rep_doctor {
	const struct rep_settings *settings; /* sending domains, block lists, selectors */
	const struct mx_config *config;      /* sources, with their addresses and host names */
	const char *server;                  /* "ADDRESS[:PORT]" of a resolver to ask; NULL: the host's own */
};

/*
 * Checks everything, and prints each finding with why it matters and the record to publish; `json`: as JSON. Takes half
 * a minute at most. A server that is none is said on standard error, and leaves everything unchecked.
 */
enum rep_health rep_doctor_run(const struct rep_doctor *doctor, FILE *out, bool json);

#endif
