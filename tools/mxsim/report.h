/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What came of it, for people and for programs. All end the program with one line when a file cannot be written. */
#ifndef MX_SIM_REPORT_H
#define MX_SIM_REPORT_H

#include <stdio.h>

#include "tools/mxsim/tally.h"

#define SIM_TEXT 64 /* room for one of the texts below */

void sim_report_table(const struct sim_tally *tally, FILE *out);
void sim_report_json(const struct sim_tally *tally, FILE *out);
void sim_report_csv(const struct sim_tally *tally, FILE *out);
void sim_report_html(const struct sim_tally *tally, FILE *out);

/* --- texts that more than one of them uses; each is written into `text` (SIM_TEXT bytes), which is returned ------ */

/* "2026-11-01" of a day from 0 on, "2026-11-01T09:00:00Z" of a time of the clock. */
const char *sim_text_date(const struct sim_tally *tally, u32 day, char *text);
const char *sim_text_time(u64 ms, char *text);

/* "50000 messages/week" */
const char *sim_text_limit(const struct mx_limit *limit, char *text);

/* "12s", "5m", "1h05m", "2d03h"; "-" for a negative one. */
const char *sim_text_wait(s64 ms, char *text);

/* --- sums ------------------------------------------------------------------------------------------------------- */

/* All that a lane has sent. */
struct sim_total {
	u64 messages, connections;
};
struct sim_total sim_total_of(const struct sim_tally *tally, u32 provider, u32 source);

/* The part of a provider's connections that a source had, and that the weights asked for, in percent; < 0: none. */
double sim_share_of(const struct sim_tally *tally, u32 provider, u32 source);
double sim_expected_share_of(const struct sim_tally *tally, u32 provider, u32 source);

/* Whether anything arrived for a provider. */
static inline bool sim_had_mail(const struct sim_tally *t, u32 provider)
{
	return t->providers[provider].arrived;
}

/*
 * When a connection carries another number of messages than it is charged for at a provider, limits in messages are not
 * what they seem: the number it is charged for. Else 0.
 */
u32 sim_charged_otherwise(const struct sim_tally *tally, u32 provider);

#endif
