/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What mxload top shows, without a screen: the lanes as the daemon's answers have them, and the rates between these.
 * Answers are taken in any order; what belongs together is put together by mx_top_lanes_settle().
 */
#ifndef MX_TOOL_TOP_LANES_H
#define MX_TOOL_TOP_LANES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define MX_TOP_WINDOW 60000 /* ms that a rate is taken over */

/* The further down, the more it keeps a lane from sending. */
enum mx_top_state {
	MX_TOP_ACTIVE,
	MX_TOP_WARMING,
	MX_TOP_OFF,  /* weight 0 */
	MX_TOP_FULL, /* a limit leaves no room */
	MX_TOP_BACKING_OFF,
	MX_TOP_DRAINING,
	MX_TOP_PAUSED,
	MX_TOP_UNUSABLE, /* its addresses are not on the host */
};

/* Of all limits that bear on a lane, the one that is used up the most. Texts are the lanes' own. */
struct mx_top_limit {
	long long used, most; /* most 0: nothing is limited */
	char unit[12], period[12];
	const char *whose; /* "", "source" or "provider": what it is counted for, if not for the lane alone */
};

/* Why a lane rests. */
struct mx_top_rest {
	enum mx_top_state state;
	long long until; /* seconds since 1970; 0: until somebody lifts it */
	char *owner, *reason;
};

/* A line of the screen: a lane, or the sum of some. */
struct mx_top_row {
	const char *source, *provider; /* NULL: all of them */
	long weight;
	double rate;            /* connections a minute */
	double share, expected; /* fractions of the provider's connections; of all connections in a sum */
	double asked;           /* connections that the weights asked for */
	long long connections, failed;
	struct mx_top_limit limit;
	enum mx_top_state state;        /* of a sum: that of the lane that is kept back the most */
	const struct mx_top_rest *rest; /* or NULL */
	bool networks_rest;             /* at some networks of the provider default it rests, in whatever state it is */
	const char *full;               /* the limit that leaves no room, or NULL */
	long day, days;                 /* of the warm-up; 0: none */
	const char *warmup;             /* "warming", "held", "waiting", or NULL */
	size_t lanes, kept_back;        /* in this line, and of these those that may not send */
};

/* What stands above the lanes. Texts are the lanes' own; before the first answer they are "". */
struct mx_top_summary {
	char *engine, *mode;
	long long uptime;          /* seconds */
	double rate;               /* connections a minute, of all lanes */
	long long held, held_ever; /* connections that wait, and have waited */
	long long refused, guarded, waiting, generation;
	const json_t *warnings; /* texts */
	size_t sources, providers;
};

struct mx_top_lanes;

struct mx_top_lanes *mx_top_lanes_new(void);
void mx_top_lanes_free(struct mx_top_lanes *lanes);

/*
 * Takes the answer (control characters made visible, see mx_show_plainly()) to status, stats, sources, quota, warmup,
 * providers or pools, come at `now` (ms of a steady clock). Of stats it makes a sample for the rates; when the daemon
 * is another one, rates begin anew.
 */
void mx_top_lanes_take(struct mx_top_lanes *lanes, const char *command, const json_t *answer, long long now);

/* Joins what was taken. Rows and texts that were got before are no longer good. */
void mx_top_lanes_settle(struct mx_top_lanes *lanes);

/* The policy has changed since providers and pools were asked for, or they never were. */
bool mx_top_lanes_are_old(const struct mx_top_lanes *lanes);

size_t mx_top_lanes_count(const struct mx_top_lanes *lanes);
const struct mx_top_row *mx_top_lanes_row(const struct mx_top_lanes *lanes, size_t i);
const struct mx_top_summary *mx_top_lanes_summary(const struct mx_top_lanes *lanes);

/* How full it is: 1 is full, 0 also where nothing is limited. */
double mx_top_fullness(const struct mx_top_limit *limit);

#endif
