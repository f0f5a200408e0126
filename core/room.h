/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/*
 * What may still be charged to a source, to a provider, or to one at the other: tokens that the ledger has lent. The
 * decision spends them and knows nothing of windows; when they are gone it is the ledger that is asked.
 */
#ifndef MX_CORE_ROOM_H
#define MX_CORE_ROOM_H

#include "core/limit.h"
#include "core/reason.h"

/* All zero: the ledger has not looked yet, or there is no limit. */
struct mx_room {
	u64 ready;             /* while a connection has no room: when it will have, in ms of the ledger's clock */
	u32 left[MX_UNITS];    /* under the limits */
	u32 covered[MX_UNITS]; /* what the ledger has written down ahead: only that may be spent */
	u8 limited;            /* bit 1 << enum mx_unit where `left` and `covered` count */
	u8 why[MX_UNITS];      /* enum mx_reason: the limit that is the nearest */
	bool opened;           /* the ledger has looked; where there are limits, nothing is spent before */
	u8 reserved[4];
};

/* Whether a connection of so many messages has room: MX_REASON_CANDIDATE, or the limit under which it has none. */
static inline enum mx_reason mx_room_for(const struct mx_room *room, u32 messages)
{
	if (!room->limited)
		return MX_REASON_CANDIDATE;
	if ((room->limited & (1u << MX_CONNECTIONS)) && !room->left[MX_CONNECTIONS])
		return (enum mx_reason)room->why[MX_CONNECTIONS];
	if ((room->limited & (1u << MX_MESSAGES)) && room->left[MX_MESSAGES] < messages)
		return (enum mx_reason)room->why[MX_MESSAGES];
	return MX_REASON_CANDIDATE;
}

/* Whether the ledger has written down that such a connection may be made. */
static inline bool mx_room_covers(const struct mx_room *room, u32 messages)
{
	return (!(room->limited & (1u << MX_CONNECTIONS)) || room->covered[MX_CONNECTIONS]) &&
	       (!(room->limited & (1u << MX_MESSAGES)) || room->covered[MX_MESSAGES] >= messages);
}

static inline void mx_room_spend(u32 *tokens, u32 n)
{
	*tokens -= n < *tokens ? n : *tokens;
}

/* Takes the room of a connection. */
static inline void mx_room_take(struct mx_room *room, u32 messages)
{
	if (!room->limited)
		return;
	mx_room_spend(&room->left[MX_CONNECTIONS], 1);
	mx_room_spend(&room->covered[MX_CONNECTIONS], 1);
	mx_room_spend(&room->left[MX_MESSAGES], messages);
	mx_room_spend(&room->covered[MX_MESSAGES], messages);
}

#endif
