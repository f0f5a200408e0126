// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxsim/arrivals.h"

#include <math.h>

#define PEAK 14.0 / 24 /* of the wave, as a part of the day */
#define SWING 0.8      /* by night a fifth of the mean is left */

/* The integral of the wave: 1 + SWING cos(2 pi (t - PEAK)). */
static double wave_until(double t)
{
	return t + SWING / (2 * M_PI) * (sin(2 * M_PI * (t - PEAK)) + sin(2 * M_PI * PEAK));
}

static double part_until(enum sim_pattern pattern, u32 minute)
{
	switch (pattern) {
	case SIM_WAVE:
		return wave_until((double)minute / SIM_DAY_MINUTES);
	case SIM_BURST:
		return (double)((minute + SIM_HOUR_MINUTES - 1) / SIM_HOUR_MINUTES) / 24;
	default:
		return (double)minute / SIM_DAY_MINUTES;
	}
}

void sim_arrivals_init(struct sim_arrivals *a, enum sim_pattern pattern)
{
	u32 minute;

	for (minute = 0; minute <= SIM_DAY_MINUTES; minute++)
		a->until[minute] = (u64)(part_until(pattern, minute) * 4294967296.0 + 0.5);
}

u32 sim_arrivals_in(const struct sim_arrivals *a, u64 per_day, u32 phase, u32 minute)
{
	return (u32)(((per_day * a->until[minute + 1] + phase) >> 32) - ((per_day * a->until[minute] + phase) >> 32));
}
