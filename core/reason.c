// SPDX-License-Identifier: GPL-2.0-or-later OR MIT
#include "core/reason.h"

const char *mx_reason_name(enum mx_reason reason)
{
	static const char *const names[] = {
#define X(id, name) name,
		MX_REASONS(X)
#undef X
	};

	return (unsigned int)reason < MX_REASON_COUNT ? names[reason] : "unknown";
}
