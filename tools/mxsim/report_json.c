// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxsim/report.h"

#include <jansson.h>

static json_t *number(u64 n)
{
	return json_integer((json_int_t)n);
}

/* A percentage as a fraction; a negative one is none. */
static json_t *fraction(double percent)
{
	return percent < 0 ? json_null() : json_real(percent / 100);
}

static json_t *name(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *time_of(u64 ms, bool any)
{
	char text[SIM_TEXT];

	return any ? json_string(sim_text_time(ms, text)) : json_null();
}

static json_t *lanes(const struct sim_tally *t)
{
	const struct sim_world *w = t->world;
	json_t *list = json_array();
	u32 provider, source;

	for (provider = 0; provider < w->state.providers; provider++)
		for (source = 0; sim_had_mail(t, provider) && source < w->state.sources; source++) {
			struct sim_total total = sim_total_of(t, provider, source);
			int weight = sim_tally_weight(t, provider, source);

			if (weight < 0 && !total.connections)
				continue;
			json_array_append_new(
				list, json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "source",
						w->source_names[source], "provider", w->provider_names[provider],
						"weight", weight < 0 ? json_null() : number((u64)weight),
						"expected_share", fraction(sim_expected_share_of(t, provider, source)),
						"share", fraction(sim_share_of(t, provider, source)), "connections",
						number(total.connections), "messages", number(total.messages)));
		}
	return list;
}

static json_t *limits(const struct sim_tally *t)
{
	json_t *list = json_array();
	char text[SIM_TEXT];
	u32 i;

	for (i = 0; i < t->limit_count; i++) {
		const struct sim_limit *l = &t->limits[i];

		json_array_append_new(
			list, json_pack("{s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "source", name(l->source), "provider",
					name(l->provider), "limit", sim_text_limit(&l->limit, text), "most",
					number(l->limit.most), "peak", number(l->peak), "use",
					fraction(100.0 * l->peak / l->limit.most), "when", time_of(l->when, l->peak)));
	}
	for (i = 0; i < t->slot_count; i++) {
		const struct sim_slots *s = &t->slots[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "source",
						      t->world->source_names[s->source], "provider",
						      t->world->provider_names[s->provider], "limit", "concurrency",
						      "most", number(s->most), "peak", number(s->peak), "use",
						      fraction(100.0 * s->peak / s->most), "when",
						      time_of(s->when, s->peak)));
	}
	return list;
}

static json_t *wait_of(const struct sim_waits *w)
{
	if (!w->messages)
		return json_null();
	return json_pack("{s:f, s:f, s:f, s:o}", "median", (double)sim_waits_percentile(w, 50) / 1000, "p90",
			 (double)sim_waits_percentile(w, 90) / 1000, "longest", (double)w->longest / 1000, "messages",
			 number(w->messages));
}

static json_t *mail(const struct sim_tally *t)
{
	json_t *list = json_array();
	u32 i;

	for (i = 0; i < t->world->state.providers; i++) {
		const struct sim_provider *p = &t->providers[i];

		if (sim_had_mail(t, i))
			json_array_append_new(list,
					      json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "provider",
							t->world->provider_names[i], "arrived", number(p->arrived),
							"sent", number(p->sent), "deferred", number(p->deferred),
							"waiting", number(p->waiting), "expired", number(p->expired),
							"wait", wait_of(&p->waits)));
	}
	return list;
}

/* Refused, or held, by reason. */
static json_t *by_reason(const struct sim_tally *t, bool held)
{
	json_t *list = json_array();
	u32 provider, reason;

	for (provider = 0; provider < t->world->state.providers; provider++)
		for (reason = 0; reason < MX_REASON_COUNT; reason++) {
			const struct sim_provider *p = &t->providers[provider];
			u64 n = held ? p->held[reason] : p->refused[reason];

			if (n)
				json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "provider",
								      t->world->provider_names[provider], "reason",
								      mx_reason_name((enum mx_reason)reason),
								      "connections", number(n)));
		}
	return list;
}

static json_t *days(const struct sim_warmup *w)
{
	json_t *list = json_array();
	u32 i;

	for (i = 0; i < w->count; i++) {
		const struct sim_day *d = &w->days[i];

		json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o, s:o}", "day",
						      d->cap ? number(d->day + 1) : json_null(), "began",
						      time_of(d->began, true), "cap",
						      d->cap ? number(d->cap) : json_null(), "sent", number(d->sent),
						      "most_in_an_hour", w->hourly ? number(d->peak) : json_null()));
	}
	return list;
}

static json_t *warmups(const struct sim_tally *t)
{
	json_t *list = json_array();
	u32 i;

	for (i = 0; i < t->warmup_count; i++) {
		const struct sim_warmup *w = &t->warmups[i];

		json_array_append_new(
			list, json_pack("{s:s, s:o, s:b, s:o}", "source", t->world->source_names[w->source], "provider",
					w->provider == MX_NONE ? json_null()
							       : json_string(t->world->provider_names[w->provider]),
					"hourly", w->hourly, "days", days(w)));
	}
	return list;
}

void sim_report_json(const struct sim_tally *t, FILE *out)
{
	char text[SIM_TEXT];
	json_t *all =
		json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "start", sim_text_date(t, 0, text),
			  "days", number(t->plan->days), "pattern", sim_pattern_name(t->plan->pattern), "seed",
			  number(t->plan->seed), "lanes", lanes(t), "limits", limits(t), "providers", mail(t),
			  "refused", by_reason(t, false), "held", by_reason(t, true), "warmups", warmups(t));

	if (!all || json_dumpf(all, out, JSON_INDENT(1) | JSON_REAL_PRECISION(6)))
		sim_fail("the output cannot be written");
	fputc('\n', out);
	json_decref(all);
}
