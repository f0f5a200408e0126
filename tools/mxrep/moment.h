/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What time it is. */
#ifndef MX_REP_MOMENT_H
#define MX_REP_MOMENT_H

#include "core/port.h"

#define REP_SECOND 1000000ll /* microseconds */

s64 rep_now_ms(void); /* of a clock that does not leap, from anywhere: for how long something takes */
s64 rep_now_us(void); /* since the epoch, as in logs */

#endif
