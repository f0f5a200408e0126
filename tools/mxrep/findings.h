/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What mxrep doctor has found, until it is printed. */
#ifndef MX_REP_FINDINGS_H
#define MX_REP_FINDINGS_H

#include <stdio.h>

#include "tools/mxrep/doctor.h"

enum rep_subject {
	REP_SUBJECT_SOURCE,
	REP_SUBJECT_DOMAIN,
	REP_SUBJECT_LIST,
	REP_SUBJECT_NONE, /* the configuration as a whole */
};

/* What a finding is about; the texts are copied. */
struct rep_about {
	enum rep_subject kind;
	const char *subject; /* the name of the source, the domain, the block list */
	const char *address; /* of the source, or NULL */
	const char *check;   /* "ptr", "helo", "spf", "dkim", "dmarc", "mx", "list", "config" */
};

struct rep_findings;

struct rep_findings *rep_findings_new(void);
void rep_findings_free(struct rep_findings *findings);
void rep_findings_clear(struct rep_findings *findings);

/*
 * `why` it matters, in one sentence, and what to `publish` or do: both may be NULL, and are copied. Bytes of what was
 * found that are no printable ASCII are kept as \ddd, as in a zone's file: they came by the DNS.
 */
void rep_findings_add(struct rep_findings *findings, const struct rep_about *about, enum rep_health severity,
		      const char *why, const char *publish, const char *found, ...)
	__attribute__((format(printf, 6, 7)));

/* The worst of all: error, then unchecked (behind which an error may hide), then warning. */
enum rep_health rep_findings_worst(const struct rep_findings *findings);

/* By source and domain in the order in which they came up, the worst first within. */
void rep_findings_print(struct rep_findings *findings, FILE *out);
void rep_findings_json(struct rep_findings *findings, FILE *out);

/* "OWNER. TXT "TEXT"" as it may stand in a zone's file: in strings of at most 255 bytes. The caller's. */
char *rep_txt_record(const char *owner, const char *text);

#endif
