/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/* The facts of a new connection, as far as a decision depends on them. */
#ifndef MX_CORE_FLOW_H
#define MX_CORE_FLOW_H

#include "core/addr.h"

#define MX_NO_ID 0xffffffffu /* no user or group is known: a forwarded connection */

struct mx_flow {
	struct mx_addr from;
	struct mx_addr to;
	enum mx_family family;
	u16 from_port;
	u16 to_port;
	u32 mark; /* of the packet, our own bits included */
	u32 user; /* owner of the socket, or MX_NO_ID */
	u32 group;
};

#endif
