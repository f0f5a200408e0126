// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/allowance.h"

#define SOME_USEC 500 /* that are worth going on for */

s64 mx_allowance_left(struct mx_allowance *a, u64 now)
{
	u64 grown = now > a->at ? (now - a->at) / MX_ALLOWANCE_PART : 0;

	if (a->left + (s64)grown >= MX_ALLOWANCE_AT_ONCE) {
		a->left = MX_ALLOWANCE_AT_ONCE;
		a->at = now;
	} else if (grown) {
		a->left += (s64)grown;
		a->at += grown * MX_ALLOWANCE_PART; /* what is less than one microsecond's worth is kept */
	}
	return a->left;
}

void mx_allowance_spend(struct mx_allowance *a, u64 usec)
{
	s64 most = a->left - MX_ALLOWANCE_DEBT_MAX;

	a->left = most > 0 && usec < (u64)most ? a->left - (s64)usec : MX_ALLOWANCE_DEBT_MAX;
}

u64 mx_allowance_wait(const struct mx_allowance *a)
{
	return a->left >= SOME_USEC ? 0 : (u64)(SOME_USEC - a->left) * MX_ALLOWANCE_PART;
}
