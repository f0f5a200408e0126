/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From configuration to snapshot. */
#ifndef MX_DAEMON_COMPILE_H
#define MX_DAEMON_COMPILE_H

#include "core/prefix.h"
#include "daemon/config.h"

/*
 * Compiles a checked configuration; numbers[i] is the mark of source i in units of the lowest bit of the mark mask.
 * The snapshot is one block to be freed by free().
 */
struct mx_snapshot *mx_compile(const struct mx_config *config, const u32 *numbers, u64 generation);

struct mx_prefixes {
	struct mx_prefix *items;
	u32 count;
};

/*
 * The prefixes of one family of all providers (value: the provider) or of a list (value: 0) as disjoint ranges, to be
 * freed by free(). `more` may be NULL: what counts besides the configured ones.
 */
struct mx_range *mx_compile_providers(const struct mx_config *config, enum mx_family family,
				      const struct mx_prefixes *more, u32 *count);
struct mx_range *mx_compile_nets(const struct mx_conf_nets *nets, enum mx_family family, u32 *count);

#endif
