/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the structures of core and those of the protocol; for the module, and for the tests that play it. */
#ifndef MXLOAD_CONVERT_H
#define MXLOAD_CONVERT_H

#include "core/decide.h"
#include "kmod/uapi/mxload.h"

static inline struct mxload_verdict mxload_verdict_of(enum mxload_left left, const struct mx_verdict *v)
{
	return (struct mxload_verdict){ .left = (u8)left,
					.action = (u8)v->action,
					.reason = (u8)v->reason,
					.provider = v->provider,
					.route = v->route,
					.pool = v->pool,
					.member = v->member,
					.source = v->source,
					.mark = v->mark };
}

static inline struct mx_flow mxload_flow_of(const struct mxload_flow *f)
{
	return (struct mx_flow){ .from = { f->from_hi, f->from_lo },
				 .to = { f->to_hi, f->to_lo },
				 .family = f->family,
				 .from_port = f->from_port,
				 .to_port = f->to_port,
				 .mark = f->mark,
				 .user = f->user,
				 .group = f->group };
}

#endif
