/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mxrep report: what became of the mail, as a table, JSON, or a page that stands alone. */
#ifndef MX_REP_REPORT_H
#define MX_REP_REPORT_H

#include <stdio.h>

#include "tools/mxrep/judge.h"
#include "tools/mxrep/settings.h"
#include "tools/mxrep/store.h"

struct rep_report {
	struct rep_store *store;
	const struct rep_settings *settings;
	s64 since, until; /* seconds; until 0: now */
	enum rep_by by;
	const char *source, *provider; /* these alone; NULL: all */
};

void rep_report_table(const struct rep_report *report, FILE *out);
void rep_report_json(const struct rep_report *report, FILE *out);

/*
 * Writes the page of the last weeks to a file, all at once (by a rename). False: why not is in `error` (`size` bytes).
 */
bool rep_report_page(struct rep_store *store, const struct rep_settings *settings, const char *path, char *error,
		     size_t size);

#endif
