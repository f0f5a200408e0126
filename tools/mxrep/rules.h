/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules by which an SMTP reply is understood: mxrep-rules(5). One rule a line, first match wins; each stands above
 * the examples that it has to match.
 */
#ifndef MX_REP_RULES_H
#define MX_REP_RULES_H

#include <stdio.h>

#include "tools/mxrep/reply.h"

struct rep_rules;

/* What a reply means. */
struct rep_meaning {
	enum rep_category category; /* REP_NONE: no rule knows it */
	enum rep_scope scope;
	unsigned int pause; /* seconds that the source should rest at the provider; 0: no need */
	unsigned int line;  /* of the rule in its file, which may be an included one; 0: none */
};

/* Reads a file of rules. NULL: what is wrong is in `error` (at most `size` bytes), "FILE:LINE: what was expected". */
struct rep_rules *rep_rules_read(const char *path, char *error, size_t size);
void rep_rules_free(struct rep_rules *rules);

/*
 * What a reply means. `provider` is its name in mxload's configuration ("" where it is not known), `reply` from the
 * SMTP code on, `dsn` the enhanced status where the MTA tells it apart (may be empty: then it is looked for behind the
 * code). The marks of a reply of several lines ("550-5.1.1 ") inside of it do not stand in the way of a pattern. As
 * quick for hostile text as for any: no more than (number of patterns) × (length) steps; `reply` is looked at for
 * 2,000 bytes.
 */
struct rep_meaning rep_rules_match(const struct rep_rules *rules, const char *provider, struct rep_text reply,
				   struct rep_text dsn);

/*
 * Tries every example of the file against its rule. Writes a line for each that another rule takes, or none, and
 * returns how many those are. *examples: how many there are in all.
 */
unsigned int rep_rules_try(const struct rep_rules *rules, FILE *out, unsigned int *examples);

#endif
