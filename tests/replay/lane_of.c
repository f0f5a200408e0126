// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/replay/lane_of.h"

#include "daemon/mirror.h"

static u32 fewer(u32 most, const struct mx_room *room, enum mx_unit unit, u32 messages)
{
	u32 n = room->covered[unit] / messages;

	return (room->limited & (1u << unit)) && n < most ? n : most;
}

static u32 grant_of(const struct mx_policy *p, struct mx_lane_id id)
{
	const struct mx_lane *lane = mx_state_lane(&p->state, id.provider, id.source);
	const struct mx_room *rooms[] = { &lane->room, &p->state.source_room[id.source],
					  &p->state.provider_room[id.provider] };
	u32 messages = mx_state_messages(&p->state, p->snapshot, id.provider, id.source), most = LANE_GRANT, i;

	if (!mx_state_covered(&p->state, p->snapshot, id))
		return 0;
	if (lane->slots && lane->slots - lane->open < most)
		most = lane->slots - lane->open;
	for (i = 0; i < 3; i++) {
		most = fewer(most, rooms[i], MX_MESSAGES, messages);
		most = fewer(most, rooms[i], MX_CONNECTIONS, 1);
	}
	return most;
}

struct mxload_lane lane_of(const struct mx_policy *p, u16 provider, u16 source)
{
	struct mxload_lane lane = mx_mirror_lane_of(p, provider, source);

	if (lane.state != MXLOAD_LANE_LEASED)
		return lane;
	lane.grant = grant_of(p, (struct mx_lane_id){ provider, source, 0 });
	if (!lane.grant && p->state.ledger_stuck) { /* no lease will come, and the queue looks elsewhere at once */
		lane.state = MXLOAD_LANE_SHUT;
		lane.why = MX_REASON_LEDGER;
	}
	return lane;
}
