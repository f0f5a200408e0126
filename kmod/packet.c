// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Everything that a packet runs through, compiled in one piece: see MX_WHOLE in core/port.h. Each call that falls away
 * is two jumps less that a processor does not foresee where the code is cold, as it is for each connection.
 */
#include "core/balance.c"
#include "core/classify.c"
#include "core/decide.c"
#include "core/prefix.c"
#include "core/state.c"
#include "core/turns.c"

#include "kmod/decisions.c"
#include "kmod/hook.c"
#include "kmod/policy.c"
