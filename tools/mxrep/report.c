// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/report.h"

#include <stdlib.h>
#include <string.h>

#include "tools/mxload/table.h"
#include "tools/mxrep/json.h"

static bool is_wanted(const struct rep_report *r, const struct rep_counts *c)
{
	return (!r->source || !strcmp(r->source, c->source)) && (!r->provider || !strcmp(r->provider, c->provider));
}

static enum rep_judgement judge(const struct rep_report *r, const struct rep_counts *c)
{
	struct rep_judge j = rep_settings_judge(r->settings, c->provider);

	return rep_judge(c, &j, NULL, 0);
}

/* Names come from the administrator's own files; nothing foreign is printed here. */
static void put_name(struct mx_table *t, const char *name)
{
	mx_table_cell(t, "%s", *name ? name : "-");
}

static void put_row(const struct rep_report *r, struct mx_table *t, const struct rep_counts *c)
{
	if (r->by == REP_BY_DAY)
		put_name(t, c->day);
	if (r->by != REP_BY_PROVIDER)
		put_name(t, c->source);
	if (r->by != REP_BY_SOURCE)
		put_name(t, c->provider);
	if (r->by == REP_BY_NETWORK)
		put_name(t, c->network);
	mx_table_cell(t, "%llu", (unsigned long long)rep_counts_messages(c));
	mx_table_cell(t, "%llu", (unsigned long long)c->what[REP_WHAT_SENT]);
	mx_table_cell(t, "%llu", (unsigned long long)c->what[REP_WHAT_DEFERRED]);
	mx_table_cell(t, "%llu", (unsigned long long)c->what[REP_WHAT_BOUNCED]);
	mx_table_cell(t, "%llu", (unsigned long long)c->what[REP_WHAT_FAILED]);
	mx_table_cell(t, "%llu", (unsigned long long)c->what[REP_WHAT_COMPLAINT]);
	mx_table_cell(t, "%llu", (unsigned long long)c->bad);
	mx_table_cell(t, "%.2f %%", 100 * rep_counts_rate(c));
	mx_table_cell(t, "%s", rep_judgement_name(judge(r, c)));
}

static struct mx_table *new_table(enum rep_by by)
{
#define REST ">TOTAL", ">SENT", ">DEFERRED", ">BOUNCED", ">FAILED", ">COMPLAINTS", ">BAD", ">RATE", "JUDGEMENT", NULL
	switch (by) {
	case REP_BY_SOURCE:
		return mx_table_new("SOURCE", REST);
	case REP_BY_PROVIDER:
		return mx_table_new("PROVIDER", REST);
	case REP_BY_DAY:
		return mx_table_new("DAY", "SOURCE", "PROVIDER", REST);
	case REP_BY_NETWORK:
		return mx_table_new("SOURCE", "PROVIDER", "NETWORK", REST);
	default:
		return mx_table_new("SOURCE", "PROVIDER", REST);
	}
#undef REST
}

static struct rep_counts_list read_counts(const struct rep_report *r)
{
	return rep_counts_read(r->store, r->by, r->since, r->until);
}

static void add_how(const struct rep_counts *c, u64 how[REP_HOWS])
{
	u32 i;

	for (i = 0; i < REP_HOWS; i++)
		how[i] += c->how[i];
}

void rep_report_table(const struct rep_report *r, FILE *out)
{
	struct rep_counts_list l = read_counts(r);
	struct mx_table *t = new_table(r->by);
	u64 how[REP_HOWS] = { 0 };
	u32 i;

	for (i = 0; i < l.count; i++)
		if (is_wanted(r, &l.items[i])) {
			put_row(r, t, &l.items[i]);
			add_how(&l.items[i], how);
		}
	mx_table_print(t, out);
	fprintf(out, "\nsources: %llu exact, %llu inferred, %llu ambiguous, %llu not known\n",
		(unsigned long long)how[REP_EXACT], (unsigned long long)how[REP_INFERRED],
		(unsigned long long)how[REP_AMBIGUOUS], (unsigned long long)how[REP_UNKNOWN]);
	rep_counts_free(&l);
}

static json_t *name_or_null(const char *name)
{
	return *name ? json_string(name) : json_null();
}

static json_t *categories(const struct rep_counts *c)
{
	json_t *o = json_object();
	u32 i;

	for (i = 0; i < REP_CATEGORIES; i++)
		if (c->category[i])
			json_object_set_new(o, rep_category_name((enum rep_category)i),
					    json_integer((json_int_t)c->category[i]));
	return o;
}

static json_t *lane_json(const struct rep_report *r, const struct rep_counts *c)
{
	json_t *o = json_object();

	if (r->by == REP_BY_DAY)
		json_object_set_new(o, "day", json_string(c->day));
	if (r->by != REP_BY_PROVIDER)
		json_object_set_new(o, "source", name_or_null(c->source));
	if (r->by != REP_BY_SOURCE)
		json_object_set_new(o, "provider", json_string(c->provider));
	if (r->by == REP_BY_NETWORK)
		json_object_set_new(o, "network", name_or_null(c->network));
	json_object_set_new(o, "messages",
			    json_pack("{s:I,s:I,s:I,s:I}", "total", (json_int_t)rep_counts_messages(c), "sent",
				      (json_int_t)c->what[REP_WHAT_SENT], "deferred",
				      (json_int_t)c->what[REP_WHAT_DEFERRED], "bounced",
				      (json_int_t)c->what[REP_WHAT_BOUNCED]));
	json_object_set_new(o, "failed", json_integer((json_int_t)c->what[REP_WHAT_FAILED]));
	json_object_set_new(o, "suspended", json_integer((json_int_t)c->what[REP_WHAT_SUSPENDED]));
	json_object_set_new(o, "late_bounces", json_integer((json_int_t)c->what[REP_WHAT_LATE]));
	json_object_set_new(o, "bad_addresses", json_integer((json_int_t)c->bad));
	json_object_set_new(o, "complaints", json_integer((json_int_t)c->what[REP_WHAT_COMPLAINT]));
	json_object_set_new(o, "blocked", json_integer((json_int_t)c->blocked));
	json_object_set_new(o, "categories", categories(c));
	json_object_set_new(o, "rate", json_real(rep_counts_rate(c)));
	json_object_set_new(o, "judgement", json_string(rep_judgement_name(judge(r, c))));
	return o;
}

void rep_report_json(const struct rep_report *r, FILE *out)
{
	struct rep_counts_list l = read_counts(r);
	json_t *lanes = json_array(), *answer;
	u64 how[REP_HOWS] = { 0 };
	u32 i;

	for (i = 0; i < l.count; i++)
		if (is_wanted(r, &l.items[i])) {
			json_array_append_new(lanes, lane_json(r, &l.items[i]));
			add_how(&l.items[i], how);
		}
	answer = json_pack("{s:o,s:{s:I,s:I,s:I,s:I}}", "lanes", lanes, "attribution", "exact",
			   (json_int_t)how[REP_EXACT], "inferred", (json_int_t)how[REP_INFERRED], "ambiguous",
			   (json_int_t)how[REP_AMBIGUOUS], "unknown", (json_int_t)how[REP_UNKNOWN]);
	rep_json_print(answer, out);
	rep_counts_free(&l);
}
