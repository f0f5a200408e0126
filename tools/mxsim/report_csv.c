// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A line for each day (or hour), source and provider, and one without a source for what concerns the provider alone:
 * a refused connection has no source.
 */
#include "tools/mxsim/report.h"

static void print_time(const struct sim_tally *t, u32 step, FILE *out)
{
	u32 day = step * t->step / SIM_DAY_MINUTES;
	char text[SIM_TEXT];

	fprintf(out, "%u,%s", day + 1, sim_text_date(t, day, text));
	if (t->step < SIM_DAY_MINUTES)
		fprintf(out, "T%02u:00", step * t->step / SIM_HOUR_MINUTES % 24);
}

static void print_lane(const struct sim_tally *t, u32 step, u32 provider, u32 source, FILE *out)
{
	const struct sim_sent *sent = sim_tally_sent_at(t, step, provider, source);
	const struct sim_day *day = sim_tally_day_at(t, step, provider, source);

	if (!sent->connections && sim_tally_weight(t, provider, source) < 0)
		return;
	print_time(t, step, out);
	fprintf(out, ",%s,%s,%u,%u", t->world->source_names[source], t->world->provider_names[provider], sent->messages,
		sent->connections);
	if (day)
		fprintf(out, ",%u,%u,,,,\n", day->day + 1, day->cap);
	else
		fputs(",,,,,,\n", out);
}

static void print_provider(const struct sim_tally *t, u32 step, u32 provider, FILE *out)
{
	const struct sim_mail *mail = sim_tally_mail_at(t, step, provider);

	print_time(t, step, out);
	fprintf(out, ",,%s,,,,,%u,%llu,%llu,%u\n", t->world->provider_names[provider], mail->arrived,
		(unsigned long long)mail->refused, (unsigned long long)mail->waiting, mail->expired);
}

void sim_report_csv(const struct sim_tally *t, FILE *out)
{
	u32 step, provider, source;

	fputs("day,time,source,provider,messages,connections,warmup_day,cap,arrived,refused,waiting,expired\n", out);
	for (step = 0; step < t->steps; step++)
		for (provider = 0; provider < t->world->state.providers; provider++) {
			if (!sim_had_mail(t, provider))
				continue;
			for (source = 0; source < t->world->state.sources; source++)
				print_lane(t, step, provider, source, out);
			print_provider(t, step, provider, out);
		}
}
