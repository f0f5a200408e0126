/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The time of a sequence, in place of the daemon's clocks: the program is linked with --wrap for those of
 * daemon/clock.h that it reads. Both are in ms, and the same.
 */
#ifndef MX_REPLAY_CLOCK_H
#define MX_REPLAY_CLOCK_H

#include "core/port.h"

#define CLOCK_BEGIN 1767225600000ULL /* 2026-01-01 */

void clock_set(u64 now);
u64 clock_read(void);

#endif
