/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/* What a limit is: "50000 messages/week" is 50000 of MX_MESSAGES in any MX_WEEK. */
#ifndef MX_CORE_LIMIT_H
#define MX_CORE_LIMIT_H

#include "core/window.h"

struct mx_limit {
	u32 most;
	u16 unit;   /* enum mx_unit */
	u16 period; /* enum mx_period */
};

#endif
