/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MX_REPLAY_LANE_OF_H
#define MX_REPLAY_LANE_OF_H

#include "core/state.h"
#include "kmod/uapi/mxload.h"

/*
 * What the module has to know of a source at a provider, wherever its limits come from: that nothing bounds it; that it
 * is shut, why, and until when; or as many connections as are covered in all of its rooms at once.
 */
struct mxload_lane lane_of(const struct mx_state *state, const struct mx_snapshot *snapshot, u16 provider, u16 source);

#endif
