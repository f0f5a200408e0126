/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decision with nothing but core, from what a recording tells: what the module should do. */
#ifndef MX_REPLAY_CORE_ENGINE_H
#define MX_REPLAY_CORE_ENGINE_H

#include "core/decide.h"
#include "kmod/convert.h"
#include "tests/replay/recording.h"

struct core_engine {
	const struct mx_snapshot *snapshot; /* of the recording; NULL: no policy yet */
	struct mx_state state;
	void *memory;
	struct mx_learned *learned;
	bool *ask; /* [provider] */
};

/* Starts all zero. Returns the verdict of a flow; of anything else nothing that means something. */
struct mxload_verdict core_engine_take(struct core_engine *engine, const struct event *event);

void core_engine_free(struct core_engine *engine);

/* Why the module would leave a connection with such a verdict to the queue, at a provider that it looks at. */
enum mxload_left left_by(const struct mx_verdict *verdict);

#endif
