/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MX_REPLAY_LANE_OF_H
#define MX_REPLAY_LANE_OF_H

#include "daemon/policy.h"
#include "kmod/uapi/mxload.h"

#define LANE_GRANT 64 /* connections: the largest grant */

/*
 * What the module has to know of a source at a named provider to decide as the queue engine does: the daemon's own word
 * (mx_mirror_lane_of()), and a grant of as many connections as all of its rooms cover at once, and as may be open.
 * Under the policy's lock.
 */
struct mxload_lane lane_of(const struct mx_policy *policy, u16 provider, u16 source);

#endif
