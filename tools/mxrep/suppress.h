/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Those who must not be written to again: at all (blacklist), or with newsletters (greylist). */
#ifndef MX_REP_SUPPRESS_H
#define MX_REP_SUPPRESS_H

#include <stdio.h>

#include "tools/mxrep/store.h"

enum rep_list { REP_BLACKLIST, REP_GREYLIST, REP_LISTS };

const char *rep_list_name(enum rep_list list); /* "blacklist", "greylist" */
enum rep_list rep_list_find(const char *name); /* REP_LISTS: none of this name */

/*
 * Puts an address on a list, within the caller's transaction; a blacklisted one stays there. `until` in seconds, 0: for
 * ever. False: the text is no mail address (one @, no blanks or control characters, at most 254 bytes).
 */
bool rep_suppress(struct rep_store *store, const char *address, enum rep_list list, const char *reason, s64 until);

/* False: it was on no list. */
bool rep_suppress_remove(struct rep_store *store, const char *address);

/* Prints the lists (REP_LISTS: both) as a table or JSON. */
void rep_suppress_list(struct rep_store *store, enum rep_list list, bool json, FILE *out);

/* Writes the blacklist as a map for "postfix", "exim" or "opensmtpd"; false: no such format. */
bool rep_suppress_export(struct rep_store *store, enum rep_list list, const char *format, FILE *out);

/*
 * Reads addresses, one a line; what stands behind the first blank is the reason. Returns how many were taken; lines
 * that are none are said with their number, by the name of the input, and counted in *wrong.
 */
u32 rep_suppress_import(struct rep_store *store, FILE *in, const char *name, enum rep_list list, const char *reason,
			s64 until, u32 *wrong);

#endif
