/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The addresses of this host: which are there, when they come and go, and (manage-addresses) adding the sources'. */
#ifndef MX_DAEMON_ADDRESSES_H
#define MX_DAEMON_ADDRESSES_H

#include "daemon/policy.h"

struct mx_addresses;

struct mx_addresses *mx_addresses_open(void);
void mx_addresses_close(struct mx_addresses *addresses);

/* To be watched for reading. */
int mx_addresses_fd(const struct mx_addresses *addresses);

/* Reads what waits. True when an address came or went. */
bool mx_addresses_changed(struct mx_addresses *addresses);

/* Whether an address is on this host and ready for use. */
bool mx_addresses_has(const struct mx_addresses *addresses, enum mx_family family, struct mx_addr addr);

/* Which addresses of a source are there: bit 1 << enum mx_family. `addresses` as void *: see struct mx_policy. */
u8 mx_addresses_usable(const struct mx_conf_source *source, void *addresses);

/*
 * Tells the policy which sources are usable and logs each that stops or starts to be; with `name_missing` (at start and
 * after a reload) also each that is not. True when any has changed.
 */
bool mx_addresses_update(struct mx_addresses *addresses, struct mx_policy *policy, bool name_missing);

/*
 * With manage-addresses: adds the sources' missing addresses to that interface and takes away those that it added
 * before and that are no source's any more. It remembers them in the store; at the end they stay, since mail goes on.
 */
void mx_addresses_manage(struct mx_addresses *addresses, const struct mx_policy *policy);

#endif
