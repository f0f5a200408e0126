// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/ip_rules.h"

#include <linux/fib_rules.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/route_link.h"

struct mx_ip_rules {
	struct mnl_socket *events;
	u32 bits; /* of marks, that any rule looks at */
};

/* A rule with a mark and no mask looks at all of it. */
static int take_rule(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *attr;
	u32 *bits = arg, mask = 0;
	bool has_mask = false;

	if (nlh->nlmsg_type != RTM_NEWRULE)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(struct fib_rule_hdr)) {
		if (mnl_attr_get_payload_len(attr) != sizeof(u32))
			continue;
		if (mnl_attr_get_type(attr) == FRA_FWMASK) {
			mask = mnl_attr_get_u32(attr);
			has_mask = true;
		} else if (mnl_attr_get_type(attr) == FRA_FWMARK && !has_mask) {
			mask = ~0u;
		}
	}
	*bits |= mask;
	return MNL_CB_OK;
}

static void list(struct mx_ip_rules *r)
{
	int error;

	r->bits = 0;
	error = mx_route_list(RTM_GETRULE, take_rule, &r->bits);
	if (!error)
		return;
	r->bits = ~0u;
	mx_log(MX_LOG_WARNING, "cannot list the rules of policy routing: %s: each packet gets its mark",
	       strerror(error));
}

struct mx_ip_rules *mx_ip_rules_open(void)
{
	struct mx_ip_rules *r = mx_alloc(sizeof(*r));

	r->events = mx_route_open(1 << (RTNLGRP_IPV4_RULE - 1) | 1 << (RTNLGRP_IPV6_RULE - 1));
	list(r);
	return r;
}

void mx_ip_rules_close(struct mx_ip_rules *r)
{
	mnl_socket_close(r->events);
	free(r);
}

int mx_ip_rules_fd(const struct mx_ip_rules *r)
{
	return mnl_socket_get_fd(r->events);
}

static int note_change(const struct nlmsghdr *nlh, void *arg)
{
	(void)nlh;
	*(bool *)arg = true;
	return MNL_CB_OK;
}

bool mx_ip_rules_changed(struct mx_ip_rules *r)
{
	bool changed = false;

	if (!mx_route_read(r->events, note_change, &changed))
		changed = true;
	if (changed)
		list(r);
	return changed;
}

bool mx_ip_rules_look_at(const struct mx_ip_rules *r, u32 mask)
{
	return r->bits & mask;
}
