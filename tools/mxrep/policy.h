/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What mxload's own configuration and its catalogue say of names and addresses: also when no daemon answers. */
#ifndef MX_REP_POLICY_H
#define MX_REP_POLICY_H

#include "daemon/config.h"
#include "tools/mxrep/reply.h"

struct rep_policy;

/*
 * Reads mxload.conf(5), or the catalogue alone where `path` is "". NULL: `error` (MX_CONFIG_ERROR bytes) says why.
 */
struct rep_policy *rep_policy_read(const char *path, char *error);
void rep_policy_free(struct rep_policy *policy);

/* The sources and providers themselves; no sources where only the catalogue was read. */
const struct mx_config *rep_policy_config(const struct rep_policy *policy);

/* Name (mx_name()) of the provider that a host belongs to, by its name, else by its address (NULL: not known). */
const char *rep_policy_provider(struct rep_policy *policy, struct rep_text host, enum mx_family family,
				const struct mx_addr *address);

/* Name (mx_name()) of the provider of a mail domain; "default" where no provider has it among its own. */
const char *rep_policy_domain(struct rep_policy *policy, struct rep_text domain);

/* Name (mx_name()) of the source with this address, its public one too; NULL: it is no source's. */
const char *rep_policy_source(const struct rep_policy *policy, enum mx_family family, struct mx_addr address);

/* The source whose address is quoted in a text, if it is one alone; else NULL. */
const char *rep_policy_quoted(const struct rep_policy *policy, struct rep_text text);

/* A source's address that the configuration does not know (the daemon told it). */
void rep_policy_add_source(struct rep_policy *policy, const char *name, enum mx_family family, struct mx_addr address);

#endif
