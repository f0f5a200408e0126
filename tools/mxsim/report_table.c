// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxload/table.h"
#include "tools/mxsim/report.h"

static const char *name_or_all(const char *name)
{
	return name ? name : "(all)";
}

static void percent_cell(struct mx_table *table, double percent)
{
	if (percent < 0)
		mx_table_cell(table, "-");
	else
		mx_table_cell(table, "%.1f %%", percent);
}

static void print_shares(const struct sim_tally *t, FILE *out)
{
	struct mx_table *table =
		mx_table_new("SOURCE", "PROVIDER", ">WEIGHT", ">EXPECTED", ">SHARE", ">CONNECTIONS", ">MESSAGES", NULL);
	const struct sim_world *w = t->world;
	u32 provider, source;

	for (provider = 0; provider < w->state.providers; provider++)
		for (source = 0; sim_had_mail(t, provider) && source < w->state.sources; source++) {
			struct sim_total total = sim_total_of(t, provider, source);
			int weight = sim_tally_weight(t, provider, source);

			if (weight < 0 && !total.connections)
				continue;
			mx_table_cell(table, "%s", w->source_names[source]);
			mx_table_cell(table, "%s", w->provider_names[provider]);
			mx_table_cell(table, weight < 0 ? "-" : "%d", weight);
			percent_cell(table, sim_expected_share_of(t, provider, source));
			percent_cell(table, sim_share_of(t, provider, source));
			mx_table_cell(table, "%llu", (unsigned long long)total.connections);
			mx_table_cell(table, "%llu", (unsigned long long)total.messages);
		}
	mx_table_print(table, out);
}

static void limit_row(struct mx_table *table, const char *source, const char *provider, const char *limit, u32 most,
		      u32 peak, u64 when)
{
	char text[SIM_TEXT];

	mx_table_cell(table, "%s", name_or_all(source));
	mx_table_cell(table, "%s", name_or_all(provider));
	mx_table_cell(table, "%s", limit);
	mx_table_cell(table, "%u", peak);
	mx_table_cell(table, "%.1f %%", 100.0 * peak / most);
	mx_table_cell(table, "%s", peak ? sim_text_time(when, text) : "-");
}

static void print_limits(const struct sim_tally *t, FILE *out)
{
	struct mx_table *table = mx_table_new("SOURCE", "PROVIDER", "LIMIT", ">PEAK", ">USE", "WHEN", NULL);
	char text[SIM_TEXT];
	u32 i;

	for (i = 0; i < t->limit_count; i++)
		limit_row(table, t->limits[i].source, t->limits[i].provider, sim_text_limit(&t->limits[i].limit, text),
			  t->limits[i].limit.most, t->limits[i].peak, t->limits[i].when);
	for (i = 0; i < t->slot_count; i++) {
		const struct sim_slots *s = &t->slots[i];

		snprintf(text, sizeof(text), "%u at once", s->most);
		limit_row(table, t->world->source_names[s->source], t->world->provider_names[s->provider], text,
			  s->most, s->peak, s->when);
	}
	fputc('\n', out);
	mx_table_print(table, out);
	for (i = 0; i < t->world->state.providers; i++)
		if (sim_had_mail(t, i) && sim_charged_otherwise(t, i))
			fprintf(out,
				"%s: a connection carries %u messages and is charged for %u: what was sent is not what "
				"the limits in messages say\n",
				t->world->provider_names[i], t->plan->carried, sim_charged_otherwise(t, i));
}

static void print_mail(const struct sim_tally *t, FILE *out)
{
	struct mx_table *table = mx_table_new("PROVIDER", ">ARRIVED", ">SENT", ">DEFERRED", ">WAITING", ">EXPIRED",
					      ">WAIT MEDIAN", ">P90", ">LONGEST", NULL);
	char text[SIM_TEXT];
	u32 i;

	for (i = 0; i < t->world->state.providers; i++) {
		const struct sim_provider *p = &t->providers[i];
		bool any = p->waits.messages;

		if (!sim_had_mail(t, i))
			continue;
		mx_table_cell(table, "%s", t->world->provider_names[i]);
		mx_table_cell(table, "%llu", (unsigned long long)p->arrived);
		mx_table_cell(table, "%llu", (unsigned long long)p->sent);
		mx_table_cell(table, "%llu", (unsigned long long)p->deferred);
		mx_table_cell(table, "%llu", (unsigned long long)p->waiting);
		mx_table_cell(table, "%llu", (unsigned long long)p->expired);
		mx_table_cell(table, "%s", sim_text_wait(any ? (s64)sim_waits_percentile(&p->waits, 50) : -1, text));
		mx_table_cell(table, "%s", sim_text_wait(any ? (s64)sim_waits_percentile(&p->waits, 90) : -1, text));
		mx_table_cell(table, "%s", sim_text_wait(any ? (s64)p->waits.longest : -1, text));
	}
	fputc('\n', out);
	mx_table_print(table, out);
}

static bool any_refused(const struct sim_tally *t)
{
	u32 provider, reason;

	for (provider = 0; provider < t->world->state.providers; provider++)
		for (reason = 0; reason < MX_REASON_COUNT; reason++)
			if (t->providers[provider].refused[reason] || t->providers[provider].held[reason])
				return true;
	return false;
}

static void print_refused(const struct sim_tally *t, FILE *out)
{
	struct mx_table *table = mx_table_new("PROVIDER", "REASON", ">REFUSED", ">HELD", NULL);
	u32 provider, reason;

	for (provider = 0; provider < t->world->state.providers; provider++)
		for (reason = 0; reason < MX_REASON_COUNT; reason++) {
			const struct sim_provider *p = &t->providers[provider];

			if (!p->refused[reason] && !p->held[reason])
				continue;
			mx_table_cell(table, "%s", t->world->provider_names[provider]);
			mx_table_cell(table, "%s", mx_reason_name((enum mx_reason)reason));
			mx_table_cell(table, "%llu", (unsigned long long)p->refused[reason]);
			mx_table_cell(table, "%llu", (unsigned long long)p->held[reason]);
		}
	fputc('\n', out);
	mx_table_print(table, out);
}

static void print_warmup(const struct sim_tally *t, const struct sim_warmup *w, FILE *out)
{
	struct mx_table *table = mx_table_new(">DAY", "BEGAN", w->hourly ? ">HOURLY CAP" : ">CAP", ">SENT",
					      w->hourly ? ">MOST IN AN HOUR" : NULL, NULL);
	char text[SIM_TEXT];
	u32 i;

	fprintf(out, "\nwarm-up of %s at %s\n", t->world->source_names[w->source],
		w->provider == MX_NONE ? "all together" : t->world->provider_names[w->provider]);
	for (i = 0; i < w->count; i++) {
		const struct sim_day *d = &w->days[i];

		if (d->cap)
			mx_table_cell(table, "%u", d->day + 1);
		else
			mx_table_cell(table, "over");
		mx_table_cell(table, "%s", sim_text_time(d->began, text));
		if (d->cap)
			mx_table_cell(table, "%u", d->cap);
		else
			mx_table_cell(table, "-");
		mx_table_cell(table, "%u", d->sent);
		if (w->hourly)
			mx_table_cell(table, "%u", d->peak);
	}
	mx_table_print(table, out);
}

void sim_report_table(const struct sim_tally *t, FILE *out)
{
	char text[SIM_TEXT];
	u32 i;

	fprintf(out, "%u days from %s (UTC), pattern %s, seed %llu\n\n", t->plan->days, sim_text_date(t, 0, text),
		sim_pattern_name(t->plan->pattern), (unsigned long long)t->plan->seed);
	print_shares(t, out);
	if (t->limit_count || t->slot_count)
		print_limits(t, out);
	print_mail(t, out);
	if (any_refused(t))
		print_refused(t, out);
	for (i = 0; i < t->warmup_count; i++)
		print_warmup(t, &t->warmups[i], out);
}
