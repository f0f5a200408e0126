/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The answers of the commands that show something. */
#ifndef MX_DAEMON_SHOW_H
#define MX_DAEMON_SHOW_H

#include "daemon/command.h"

json_t *mx_show_status(struct mx_daemon *daemon);
json_t *mx_show_stats(struct mx_daemon *daemon);
json_t *mx_show_sources(struct mx_daemon *daemon);
json_t *mx_show_providers(struct mx_daemon *daemon, const char *name); /* NULL: all, without their lanes */
json_t *mx_show_pools(struct mx_daemon *daemon);
json_t *mx_show_quota(struct mx_daemon *daemon, const char *source, const char *provider);  /* of mx_name(), or NULL */
json_t *mx_show_warmup(struct mx_daemon *daemon, const char *source, const char *provider); /* the same */
json_t *mx_show_explain(struct mx_daemon *daemon, const struct mx_flow *flow, u16 class);
json_t *mx_show_flows(struct mx_request *request);

/* What keeps a source from being used. */
json_t *mx_show_problems(const struct mx_policy *policy, u32 source);

/* The addresses that were learned of a provider, and how many there are of each (by index, to be freed by free()). */
json_t *mx_show_learned(struct mx_policy *policy, u16 provider);
u32 *mx_show_learned_counts(struct mx_policy *policy);

#endif
