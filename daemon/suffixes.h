/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which provider a host name or a mail domain belongs to, by the configuration: the longest of all `mx` suffixes that
 * the name ends with, label by label (evil-google.com does not end with google.com), and the `domains` as they stand.
 * Names are in small letters, without a dot at the end.
 */
#ifndef MX_DAEMON_SUFFIXES_H
#define MX_DAEMON_SUFFIXES_H

#include "daemon/config.h"

struct mx_suffixes;

/* Of a configuration; the result keeps nothing of it. To be freed by mx_suffixes_free(). */
struct mx_suffixes *mx_suffixes_new(const struct mx_config *config);
void mx_suffixes_free(struct mx_suffixes *suffixes);

/* Index of the provider that a host of this name belongs to, or MX_NONE. */
u16 mx_suffixes_host(const struct mx_suffixes *suffixes, const char *name);

/* Index of the provider that has this mail domain, or MX_NONE. */
u16 mx_suffixes_domain(const struct mx_suffixes *suffixes, const char *name);

#endif
