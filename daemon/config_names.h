/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names that providers are known by: suffixes of MX hosts, and mail domains. They are kept in lower case, without a
 * dot at the end, each with its place.
 */
#ifndef MX_DAEMON_CONFIG_NAMES_H
#define MX_DAEMON_CONFIG_NAMES_H

#include "daemon/config_read.h"

/*
 * NULL if `text` is the name of a host or domain with at least `labels` labels, else what was expected (constant text).
 * Labels are 1 to 63 letters, digits, hyphens and underscores; an international one has to be given as "xn--...".
 */
const char *mx_name_wrong(const char *text, u32 labels);

/* A list of names into a struct mx_strings, in place of what was there; min: how many labels each has at least. */
MX_READER(mx_read_names);

/*
 * No two providers may have the same name, but one of the administrator's takes it away from one of the catalogue's,
 * and a warning says so. False after an error.
 */
bool mx_names_check(struct mx_reader *r);

#endif
