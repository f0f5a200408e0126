/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mail of one minute: streams, each a number of messages to a provider that come at even distances, and which of
 * them has the next one.
 */
#ifndef MX_SIM_STREAMS_H
#define MX_SIM_STREAMS_H

#include "core/port.h"

#define SIM_MINUTE_PARTS (1ULL << 40)

struct sim_stream {
	u64 at;   /* the next connection, in parts of a minute */
	u64 step; /* from one to the next; 0: all at once */
	u32 left; /* messages that have not been tried */
	u32 refused;
	u32 born; /* the minute in which they arrived */
	u16 provider;
	u16 refusals; /* of these messages before */
};

/* A heap: the stream with the next connection is first. All zero: none. */
struct sim_streams {
	struct sim_stream *items;
	u32 count, room;
};

void sim_streams_add(struct sim_streams *streams, const struct sim_stream *stream);

/* The first stream has gone on, or (`left` is 0) is over. */
void sim_streams_went_on(struct sim_streams *streams);

/* Milliseconds from the start of the minute. */
static inline u64 sim_stream_ms(u64 at)
{
	return ((at >> 16) * 60000) >> 24;
}

#endif
