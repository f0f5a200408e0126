/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes the recording beside the daemon's queue engine: before each connection what has changed in the policy and the
 * module cannot know, then the connection. What the module knows is seen from a core engine that is told the same.
 *
 * The module books its own assignments. So when nothing but those has happened at a provider, its credit has to be the
 * daemon's without being told: it is an error when it is not.
 */
#ifndef MX_REPLAY_RECORDER_H
#define MX_REPLAY_RECORDER_H

#include "daemon/policy.h"
#include "tests/replay/core_engine.h"

struct recorder {
	struct recording recording;
	struct core_engine shadow;
	u32 learned; /* version of the destinations */
	u8 *may;     /* [provider]: what else than weights the daemon has changed by itself */
	u32 line;    /* of the sequence: the step that is carried out */
	char wrong[200];
};

/* Starts all zero. */
void recorder_free(struct recorder *recorder);

/* The operator or a clock has changed something: credit may have been bounded. */
void recorder_settings_changed(struct recorder *recorder);

/* Before and after a decision, under the policy's lock, with nothing in between. */
void recorder_before(struct recorder *recorder, const struct mx_policy *policy, const struct mx_flow *flow);
void recorder_after(struct recorder *recorder, const struct mx_flow *flow, struct mx_moment moment,
		    const struct mx_verdict *verdict);

#endif
