/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stamp that a log line begins with. */
#ifndef MX_REP_LINE_TIME_H
#define MX_REP_LINE_TIME_H

#include "core/port.h"

enum rep_stamp {
	REP_STAMP_NONE,
	REP_STAMP_SYSLOG, /* RFC 3164 or RFC 3339, which a host and a tag follow */
	REP_STAMP_EXIM,
};

#define REP_CLOCK_KEY 13 /* "2026-11-21 20" */

/* What the lines of one hour have in common. */
struct rep_clock {
	s64 reference;           /* see rep_reader_new() */
	char key[REP_CLOCK_KEY]; /* the stamp up to its hour, as written */
	size_t key_length;       /* 0: nothing is remembered */
	s64 naive;               /* the beginning of that hour, if it were UTC, in seconds */
	s64 offset;              /* of local time from UTC, when it is the same for all of the hour */
	bool steady;             /* whether it is */
	bool has_last;
	s64 last; /* local stamps only, seconds */
};

/* `clock` is all zero but for its reference. */
void rep_clock_set_reference(struct rep_clock *clock, s64 reference);

/*
 * Reads a stamp: *time in microseconds since the epoch, *used how many bytes it takes, without the blank behind it.
 * NONE: there is none, and the clock is as it was.
 */
enum rep_stamp rep_stamp_read(struct rep_clock *clock, const char *at, const char *end, s64 *time, size_t *used);

#endif
