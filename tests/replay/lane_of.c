// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/replay/lane_of.h"

/* In the order in which core asks; a source that has no address or weight is none of the lane's business. */
static enum mx_reason shut_by(const struct mx_state *st, const struct mx_snapshot *s, struct mx_lane_id id)
{
	const struct mx_lane *lane = mx_state_lane(st, id.provider, id.source);
	enum mx_reason reason;

	if (lane->flags & MX_LANE_PAUSED)
		return MX_REASON_PAUSED;
	reason = mx_state_room(st, s, id.provider, id.source);
	if (reason != MX_REASON_CANDIDATE)
		return reason;
	if (lane->slots && lane->open >= lane->slots)
		return lane->flags & MX_LANE_BACKING_OFF ? MX_REASON_BACKING_OFF : MX_REASON_CONCURRENCY;
	return st->ledger_stuck && !mx_state_covered(st, s, id) ? MX_REASON_LEDGER : MX_REASON_CANDIDATE;
}

static u32 fewer(u32 most, const struct mx_room *room, enum mx_unit unit, u32 messages)
{
	u32 n = room->covered[unit] / messages;

	return (room->limited & (1u << unit)) && n < most ? n : most;
}

/* Connections that all of its rooms cover. */
static u32 covered(const struct mx_state *st, const struct mx_snapshot *s, struct mx_lane_id id)
{
	const struct mx_room *rooms[] = { &mx_state_lane(st, id.provider, id.source)->room, &st->source_room[id.source],
					  &st->provider_room[id.provider] };
	u32 messages = mx_state_messages(st, s, id.provider, id.source), most = ~0u, i;

	for (i = 0; i < 3; i++) {
		most = fewer(most, rooms[i], MX_MESSAGES, messages);
		most = fewer(most, rooms[i], MX_CONNECTIONS, 1);
	}
	return most;
}

struct mxload_lane lane_of(const struct mx_state *st, const struct mx_snapshot *s, u16 provider, u16 source)
{
	struct mxload_lane lane = { .provider = provider, .source = source, .state = MXLOAD_LANE_LEASED };
	struct mx_lane_id id = { provider, source, 0 };
	enum mx_reason why = shut_by(st, s, id);

	if (why != MX_REASON_CANDIDATE) {
		lane.state = MXLOAD_LANE_SHUT;
		lane.why = (u8)why;
		if (why >= MX_REASON_LIMIT_HOUR && why <= MX_REASON_PACE)
			lane.ready = mx_state_ready(st, s, id);
	} else if (mx_state_covered(st, s, id)) {
		lane.grant = covered(st, s, id);
		if (mx_state_left(st, s, id).limit == MX_REASON_CANDIDATE) {
			lane.state = MXLOAD_LANE_FREE;
			lane.grant = 0;
		}
	}
	return lane;
}
