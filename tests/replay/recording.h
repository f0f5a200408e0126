/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a decision by the module depends on, in order: everything it is told, in the words of its protocol, and every
 * connection with the verdict of the daemon's queue engine.
 */
#ifndef MX_REPLAY_RECORDING_H
#define MX_REPLAY_RECORDING_H

#include "core/snapshot.h"
#include "kmod/uapi/mxload.h"

enum event_kind {
	EVENT_POLICY, /* a new one, of which nothing is told yet */
	EVENT_SLOT,
	EVENT_SOURCE,
	EVENT_PROVIDER,
	EVENT_RECALL, /* what a lane has left is taken from it */
	EVENT_LANE,
	EVENT_LEARNED,
	EVENT_FLOW, /* is to be decided and booked */
	EVENT_KINDS,
};

struct event {
	enum event_kind kind;
	u32 line; /* of the sequence */
	union {
		struct {
			struct mx_snapshot *snapshot; /* the recording's */
			u64 seed;                     /* of the learned addresses */
		} policy;
		struct mxload_slot slot;
		struct mxload_source source;
		struct mxload_provider provider;
		struct mxload_lane lane;
		struct mxload_learned learned;
		struct mxload_flow flow;
	};
	struct mxload_verdict verdict; /* of a flow */
};

struct recording {
	struct event *events;
	u32 count;
	u32 counts[EVENT_KINDS];
};

/* The recording keeps what it is given. */
void recording_add(struct recording *recording, const struct event *event);
void recording_free(struct recording *recording);

/* Takes out all events of a kind, to see that they are missed. */
void recording_leave_out(struct recording *recording, enum event_kind kind);

/* The kind that the word stands for ("slots", "lanes", ...), EVENT_KINDS: none. */
enum event_kind recording_kind(const char *word);

/* Whether the module looks at where such a connection may go: the default provider is not its own. */
static inline bool is_looked_at(const struct mxload_verdict *v)
{
	return v->left != MXLOAD_LEFT_UNKNOWN && v->left != MXLOAD_LEFT_PROVIDER;
}

/* What the module says of a connection that it does not look at. */
static inline struct mxload_verdict not_looked_at(enum mxload_left left, u16 provider)
{
	return (struct mxload_verdict){ .left = (u8)left,
					.provider = provider,
					.route = MX_NONE,
					.pool = MX_NONE,
					.member = MX_NONE,
					.source = MX_NONE };
}

#endif
