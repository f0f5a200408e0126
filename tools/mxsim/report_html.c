// SPDX-License-Identifier: GPL-2.0-or-later
/* One page that needs nothing else: no script, no file, no network. */
#include "tools/html/chart.h"
#include "tools/html/text.h"
#include "tools/mxsim/report.h"

#define MOST_SOURCES 7 /* with a line of their own; the rest is one more */

static const char style[] =
	"body{font:15px/1.45 system-ui,sans-serif;color:#111;background:#fff;max-width:62rem;margin:2rem "
	"auto;padding:0 1rem}"
	"h1{font-size:1.4rem}h2{font-size:1.1rem;margin:2rem 0 .3rem}"
	"svg{width:100%;height:auto}svg text{font:13px system-ui,sans-serif;fill:#111}"
	"li svg{width:40px;height:14px;vertical-align:middle}"
	"ul{list-style:none;padding:0;margin:.2rem 0;display:flex;flex-wrap:wrap;gap:.2rem 1.4rem}"
	".line{fill:none;stroke-width:2}.limit{fill:none;stroke-width:2;stroke-dasharray:7 4}"
	".axis{fill:none;stroke:#111}.grid{fill:none;stroke:#ddd}"
	"table{border-collapse:collapse;margin:.5rem 0}td,th{padding:.15rem .8rem .15rem 0;text-align:left}"
	"th{border-bottom:1px solid #111}.n{text-align:right}";

static const char *date(const void *arg, u32 day, char *text)
{
	return sim_text_date(arg, day, text) + 5; /* without the year */
}

static struct mx_chart new_chart(const struct sim_tally *t, const char *title, const char *unit, bool logarithmic)
{
	return (struct mx_chart){
		.title = title, .unit = unit, .date = date, .arg = t, .days = t->plan->days, .logarithmic = logarithmic
	};
}

static double lane_sent_on(const struct sim_tally *t, u32 day, u32 provider, u32 source)
{
	u32 steps = SIM_DAY_MINUTES / t->step, step;
	double sent = 0;

	for (step = day * steps; step < (day + 1) * steps; step++)
		sent += sim_tally_sent_at(t, step, provider, source)->messages;
	return sent;
}

static double sent_on(const struct sim_tally *t, u32 day, u32 source)
{
	double sent = 0;
	u32 provider;

	for (provider = 0; provider < t->world->state.providers; provider++)
		sent += lane_sent_on(t, day, provider, source);
	return sent;
}

/* What the warm-up of a lane lets it send on a day; -1: there is none, or it is over. */
static double cap_on(const struct sim_tally *t, u32 day, u32 provider, u32 source)
{
	u32 step = (day + 1) * (SIM_DAY_MINUTES / t->step) - 1;
	const struct sim_warmup *w = t->warmup_of[provider * t->world->state.sources + source];
	const struct sim_day *d = sim_tally_day_at(t, step, provider, source);

	return d ? d->cap * (w->hourly ? 24.0 : 1.0) : -1;
}

static void add_cap(const struct sim_tally *t, struct mx_chart *c, const struct sim_warmup *w)
{
	struct mx_series *s = mx_chart_add(c, w->source, MX_DRAW_LIMIT);
	u32 day;

	snprintf(s->name, sizeof(s->name), "%s: cap of the warm-up%s", t->world->source_names[w->source],
		 w->hourly ? " (24 times the hour's)" : "");
	for (day = 0; day < c->days; day++)
		s->values[day] = cap_on(t, day, w->provider == MX_NONE ? 0 : w->provider, w->source);
}

/* The warm-up of all that a source sends; NULL: it has none. */
static const struct sim_warmup *whole_warmup(const struct sim_tally *t, u32 source)
{
	const struct sim_warmup *w = t->warmup_of[source];

	return w && w->provider == MX_NONE && w->count ? w : NULL;
}

static void print_sent(const struct sim_tally *t, FILE *out)
{
	struct mx_chart c = new_chart(t, "Messages sent each day, by source", "messages a day", t->warmup_count);
	u32 sources = t->world->state.sources, source, day;
	struct mx_series *s;

	for (source = 0; source < sources && source < MOST_SOURCES; source++) {
		s = mx_chart_add(&c, source, MX_DRAW_LINE);
		snprintf(s->name, sizeof(s->name), "%s", t->world->source_names[source]);
		for (day = 0; day < c.days; day++)
			s->values[day] = sent_on(t, day, source);
		if (whole_warmup(t, source))
			add_cap(t, &c, whole_warmup(t, source));
	}
	if (sources > MOST_SOURCES) {
		s = mx_chart_add(&c, MOST_SOURCES, MX_DRAW_LINE);
		snprintf(s->name, sizeof(s->name), "the other %u together", sources - MOST_SOURCES);
		for (day = 0; day < c.days; day++)
			for (s->values[day] = 0, source = MOST_SOURCES; source < sources; source++)
				s->values[day] += sent_on(t, day, source);
	}
	mx_chart_print(&c, out);
}

/* One chart for each lane that is warmed up by itself. */
static void print_warmups(const struct sim_tally *t, FILE *out)
{
	char title[128];
	u32 i, day;

	for (i = 0; i < t->warmup_count; i++) {
		const struct sim_warmup *w = &t->warmups[i];
		struct mx_chart c = new_chart(t, title, "messages a day", true);
		struct mx_series *s;

		if (w->provider == MX_NONE || !w->count)
			continue;
		snprintf(title, sizeof(title), "Warm-up of %s at %s", t->world->source_names[w->source],
			 t->world->provider_names[w->provider]);
		s = mx_chart_add(&c, w->source, MX_DRAW_LINE);
		snprintf(s->name, sizeof(s->name), "%s: sent", t->world->source_names[w->source]);
		for (day = 0; day < c.days; day++)
			s->values[day] = lane_sent_on(t, day, w->provider, w->source);
		add_cap(t, &c, w);
		mx_chart_print(&c, out);
	}
}

static void print_waiting(const struct sim_tally *t, FILE *out)
{
	struct mx_chart c =
		new_chart(t, "Deferred mail that waits at the end of each day, by provider", "messages", false);
	u32 steps = SIM_DAY_MINUTES / t->step, provider, day, style_of = 0;

	for (provider = 0; provider < t->world->state.providers; provider++) {
		struct mx_series *s;

		if (!t->providers[provider].deferred)
			continue;
		s = mx_chart_add(&c, style_of++, MX_DRAW_LINE);
		snprintf(s->name, sizeof(s->name), "%s", t->world->provider_names[provider]);
		for (day = 0; day < c.days; day++)
			s->values[day] = (double)sim_tally_mail_at(t, (day + 1) * steps - 1, provider)->waiting;
	}
	if (c.count)
		mx_chart_print(&c, out);
	else
		fputs("<p>No mail was deferred.</p>\n", out);
}

/* --- tables ----------------------------------------------------------------------------------------------------- */

static void text_cell(const char *text, FILE *out)
{
	fputs("<td>", out);
	mx_html_text(text, out);
	fputs("</td>", out);
}

static void number_cell(u64 n, FILE *out)
{
	fprintf(out, "<td class=\"n\">%llu</td>", (unsigned long long)n);
}

static void limit_row(const char *source, const char *provider, const char *limit, u32 most, u32 peak, FILE *out)
{
	fputs("<tr>", out);
	text_cell(source ? source : "(all)", out);
	text_cell(provider ? provider : "(all)", out);
	text_cell(limit, out);
	number_cell(peak, out);
	fprintf(out, "<td class=\"n\">%.1f %%</td></tr>\n", 100.0 * peak / most);
}

static void print_limits(const struct sim_tally *t, FILE *out)
{
	char text[SIM_TEXT];
	u32 i;

	fputs("<h2>Use of the limits</h2>\n<table><tr><th>source</th><th>provider</th><th>limit</th>"
	      "<th class=\"n\">peak</th><th class=\"n\">use</th></tr>\n",
	      out);
	for (i = 0; i < t->limit_count; i++)
		limit_row(t->limits[i].source, t->limits[i].provider, sim_text_limit(&t->limits[i].limit, text),
			  t->limits[i].limit.most, t->limits[i].peak, out);
	for (i = 0; i < t->slot_count; i++) {
		snprintf(text, sizeof(text), "%u at once", t->slots[i].most);
		limit_row(t->world->source_names[t->slots[i].source], t->world->provider_names[t->slots[i].provider],
			  text, t->slots[i].most, t->slots[i].peak, out);
	}
	fputs("</table>\n", out);
}

static void print_mail(const struct sim_tally *t, FILE *out)
{
	char text[SIM_TEXT];
	u32 i;

	fputs("<h2>Mail</h2>\n<table><tr><th>provider</th><th class=\"n\">arrived</th><th class=\"n\">sent</th>"
	      "<th class=\"n\">deferred</th><th class=\"n\">waiting</th><th class=\"n\">expired</th>"
	      "<th class=\"n\">wait: median</th><th class=\"n\">longest</th></tr>\n",
	      out);
	for (i = 0; i < t->world->state.providers; i++) {
		const struct sim_provider *p = &t->providers[i];
		bool any = p->waits.messages;

		if (!sim_had_mail(t, i))
			continue;
		fputs("<tr>", out);
		text_cell(t->world->provider_names[i], out);
		number_cell(p->arrived, out);
		number_cell(p->sent, out);
		number_cell(p->deferred, out);
		number_cell(p->waiting, out);
		number_cell(p->expired, out);
		fprintf(out, "<td class=\"n\">%s</td>",
			sim_text_wait(any ? (s64)sim_waits_percentile(&p->waits, 50) : -1, text));
		fprintf(out, "<td class=\"n\">%s</td></tr>\n", sim_text_wait(any ? (s64)p->waits.longest : -1, text));
	}
	fputs("</table>\n", out);
}

void sim_report_html(const struct sim_tally *t, FILE *out)
{
	char text[SIM_TEXT];

	fprintf(out,
		"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>"
		"<meta name=\"viewport\" "
		"content=\"width=device-width\"/><title>mxsim</title>\n<style>%s</style></head>\n"
		"<body>\n<h1>",
		style);
	mx_html_text(t->plan->config, out);
	fprintf(out, ": %u days from %s, pattern %s</h1>\n", t->plan->days, sim_text_date(t, 0, text),
		sim_pattern_name(t->plan->pattern));
	print_sent(t, out);
	print_warmups(t, out);
	print_waiting(t, out);
	print_mail(t, out);
	if (t->limit_count || t->slot_count)
		print_limits(t, out);
	fputs("</body></html>\n", out);
}
