/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is to be simulated, as the command line says it. */
#ifndef MX_SIM_PLAN_H
#define MX_SIM_PLAN_H

#include "core/port.h"

#define SIM_MINUTE 60000ULL /* ms */
#define SIM_HOUR_MINUTES 60
#define SIM_DAY_MINUTES 1440
#define SIM_DAY (SIM_DAY_MINUTES * SIM_MINUTE)

#define SIM_RETRIES 16          /* delays that --retry may name */
#define SIM_MOST 1000000000     /* messages a day at a provider, and recipients of a blast */
#define SIM_MOST_NETWORKS 65536 /* of the provider default */

enum sim_pattern {
	SIM_EVEN,  /* all day long */
	SIM_WAVE,  /* a sine over the day */
	SIM_BURST, /* each hour's in its first minute */
	SIM_BLAST, /* nothing but one blast */
};

struct sim_rate {
	const char *provider; /* NULL: each of them */
	u64 per_day;
};

struct sim_plan {
	const char *config;
	const char *start; /* "2026-11-01", or NULL */
	const char *class; /* or NULL */
	const char *csv, *html, *trace;
	bool hourly, json, speed;
	bool every; /* nothing is counted without being decided */
	u32 days;
	struct sim_rate *rates; /* a later one replaces an earlier one */
	u32 rate_count;
	enum sim_pattern pattern;
	u32 blast;              /* recipients; 0: none */
	u32 carried;            /* messages that a connection carries */
	u32 retry[SIM_RETRIES]; /* minutes after the 1st, 2nd ... refusal; then always the last */
	u32 retries;
	u32 lifetime; /* minutes after which refused mail is given up */
	u32 duration; /* of a connection, in ms */
	u32 networks;
	u64 seed;
};

/* "even", "wave", "burst" or "blast". */
const char *sim_pattern_name(enum sim_pattern pattern);

/* One line on standard error, and the end with status 1. */
void sim_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
