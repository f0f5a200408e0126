/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sequence as it stands in a file: what happens to a daemon, line by line. A `#` and what follows it is a remark.
 *
 *	configuration                 the lines up to `end` are a configuration; the first one starts the daemon, each
 *	... end                       later one is a reload. "@1-300 TEXT" stands for TEXT 300 times: %n is 1 to 300,
 *and %h.%l that number as the last half of an IPv4 address place NAME PREFIX...          addresses that flows may go to
 *by this name seed N                        what the following flows are drawn from flows N to PLACE...           N
 *connections; may be followed by: from PREFIX..., users ID..., groups ID..., marks N... (one of each is drawn), every
 *MS (the clock moves in between) clock +MS close N, fail N               the oldest N open connections end well; or
 *turn out never to have come about weight SOURCE [PROVIDER] N, weight SOURCE [PROVIDER] - pause SOURCE [PROVIDER],
 *resume SOURCE [PROVIDER], backoff SOURCE PROVIDER SECONDS learn ADDRESS PROVIDER, forget ADDRESS unusable SOURCE
 *[4|6], usable SOURCE settle SOURCE PROVIDER CONNECTIONS MESSAGES disk slow N, disk fails, disk works      the ledger
 *is written after N decisions; or not at all expect ACTION REASON [N]      up to the end of the sequence the module
 *gives such a verdict at least N times
 */
#ifndef MX_REPLAY_SEQUENCE_H
#define MX_REPLAY_SEQUENCE_H

#include "tests/replay/queue_engine.h"
#include "tests/replay/traffic.h"

#define SEQUENCE_WORDS 48
#define SEQUENCE_PLACES 16

struct sequence_place {
	char name[32];
	struct traffic_net nets[TRAFFIC_VALUES];
	u32 count;
};

struct sequence_wish {
	enum mx_action action;
	enum mx_reason reason;
	u32 least, line;
};

struct sequence {
	const char *path;
	u32 line;
	char *words[SEQUENCE_WORDS]; /* of this line; NULL behind the last */
	u32 count;
	u64 seed;
	struct sequence_place places[SEQUENCE_PLACES];
	u32 place_count;
	struct sequence_wish wishes[32];
	u32 wish_count;
	bool started;
	struct queue_engine engine;
	struct recorder recorder;
};

/* Carries out a whole sequence, which starts all zero. Ends the program, with a line, when it says nothing sensible. */
void sequence_run(struct sequence *sequence, const char *path);
void sequence_free(struct sequence *sequence);

/* For the steps: ends the program with the line and what was expected. */
void sequence_fail(const struct sequence *sequence, const char *expected) __attribute__((noreturn));

/* Carries out one step; in sequence_steps.c. */
void sequence_step(struct sequence *sequence);

#endif
