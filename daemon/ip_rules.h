/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's rules of policy routing (`ip rule`), as far as they look at marks. While none looks at ours, the packets
 * of a connection behind the first need no mark, and the kernel need not look for their way anew.
 */
#ifndef MX_DAEMON_IP_RULES_H
#define MX_DAEMON_IP_RULES_H

#include <stdbool.h>

#include "core/port.h"

struct mx_ip_rules;

struct mx_ip_rules *mx_ip_rules_open(void);
void mx_ip_rules_close(struct mx_ip_rules *rules);

/* To be watched for reading. */
int mx_ip_rules_fd(const struct mx_ip_rules *rules);

/* Reads what waits. True when rules came or went, whichever bits they look at. */
bool mx_ip_rules_changed(struct mx_ip_rules *rules);

/* Whether any rule looks at bits of `mask`. True also when the rules cannot be read: then a mark more does no harm. */
bool mx_ip_rules_look_at(const struct mx_ip_rules *rules, u32 mask);

#endif
