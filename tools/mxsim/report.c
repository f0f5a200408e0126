// SPDX-License-Identifier: GPL-2.0-or-later
/* What the reports have in common. */
#include "tools/mxsim/report.h"

#include <time.h>

const char *sim_text_date(const struct sim_tally *t, u32 day, char *text)
{
	time_t when = (time_t)t->world->start + (time_t)day * 86400;
	struct tm tm;

	gmtime_r(&when, &tm);
	strftime(text, SIM_TEXT, "%Y-%m-%d", &tm);
	return text;
}

const char *sim_text_time(u64 ms, char *text)
{
	time_t when = (time_t)(ms / 1000);
	struct tm tm;

	gmtime_r(&when, &tm);
	strftime(text, SIM_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return text;
}

const char *sim_text_limit(const struct mx_limit *limit, char *text)
{
	snprintf(text, SIM_TEXT, "%u %s/%s", limit->most, mx_unit_name(limit->unit), mx_period_name(limit->period));
	return text;
}

const char *sim_text_wait(s64 ms, char *text)
{
	long long s = ms / 1000;

	if (ms < 0)
		snprintf(text, SIM_TEXT, "-");
	else if (s < 60)
		snprintf(text, SIM_TEXT, ms % 1000 ? "%lld.%llds" : "%llds", s, (long long)ms % 1000 / 100);
	else if (s < 3600)
		snprintf(text, SIM_TEXT, s % 60 ? "%lldm%02llds" : "%lldm", s / 60, s % 60);
	else if (s < 86400)
		snprintf(text, SIM_TEXT, s / 60 % 60 ? "%lldh%02lldm" : "%lldh", s / 3600, s / 60 % 60);
	else
		snprintf(text, SIM_TEXT, s / 3600 % 24 ? "%lldd%02lldh" : "%lldd", s / 86400, s / 3600 % 24);
	return text;
}

struct sim_total sim_total_of(const struct sim_tally *t, u32 provider, u32 source)
{
	struct sim_total total = { 0, 0 };
	u32 step;

	for (step = 0; step < t->steps; step++) {
		total.messages += sim_tally_sent_at(t, step, provider, source)->messages;
		total.connections += sim_tally_sent_at(t, step, provider, source)->connections;
	}
	return total;
}

/* What part of all lanes of a provider one is, in percent; -1: there is nothing. */
static double part_of(const struct sim_tally *t, u32 provider, u32 source, u64 (*of)(const struct mx_lane *))
{
	const struct mx_state *st = &t->world->state;
	u64 all = 0;
	u32 i;

	for (i = 0; i < st->sources; i++)
		all += of(mx_state_lane(st, provider, i));
	return all ? 100.0 * (double)of(mx_state_lane(st, provider, source)) / (double)all : -1;
}

static u64 connections_of(const struct mx_lane *lane)
{
	return lane->connections;
}

static u64 expected_of(const struct mx_lane *lane)
{
	return lane->expected;
}

double sim_share_of(const struct sim_tally *t, u32 provider, u32 source)
{
	return part_of(t, provider, source, connections_of);
}

double sim_expected_share_of(const struct sim_tally *t, u32 provider, u32 source)
{
	return part_of(t, provider, source, expected_of);
}

u32 sim_charged_otherwise(const struct sim_tally *t, u32 provider)
{
	u32 charged = mx_snapshot_providers(t->world->snapshot)[provider].messages;

	return charged != t->plan->carried ? charged : 0;
}
