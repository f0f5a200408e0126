// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/moment.h"

#include <time.h>

s64 rep_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (s64)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

s64 rep_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (s64)t.tv_sec * REP_SECOND + t.tv_nsec / 1000;
}
