// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxload/duration.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define TEN_YEARS (10 * 365 * 86400L)

long mx_duration_parse(const char *text)
{
	static const char units[] = "smhd";
	static const long seconds[] = { 1, 60, 3600, 86400 };
	const char *unit;
	char *end;
	long n;

	if (!isdigit((unsigned char)*text))
		return -1;
	n = strtol(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (!unit || end[1] || n < 1 || n > TEN_YEARS / seconds[unit - units])
		return -1;
	return n * seconds[unit - units];
}
