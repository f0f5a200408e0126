// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/mxload/top_columns.h"

#define MINUTE 60000

/* --- a daemon's answers ------------------------------------------------------------------------------------------ */

static void take(struct mx_top_lanes *l, const char *command, long long now, const char *text)
{
	json_error_t error;
	json_t *answer = json_loads(text, 0, &error);

	if (!answer)
		fail_msg("%s: %s", error.text, text);
	mx_top_lanes_take(l, command, answer, now);
	json_decref(answer);
}

#define POOLS                                                                                                          \
	"{\"pools\":[{\"name\":\"main\",\"members\":[{\"source\":\"mx1\"},{\"source\":\"mx2\"}],\"overflow\":"         \
	"\"more\"},"                                                                                                   \
	"{\"name\":\"more\",\"members\":[{\"source\":\"mx3\"}],\"overflow\":\"main\"},"                                \
	"{\"name\":\"idle\",\"members\":[{\"source\":\"mx4\"}],\"overflow\":null}]}"
#define PROVIDERS                                                                                                      \
	"{\"providers\":[{\"name\":\"google\",\"routes\":[{\"pool\":\"main\"}]},"                                      \
	"{\"name\":\"default\",\"routes\":[{\"pool\":\"more\"}]}]}"
#define SOURCES                                                                                                        \
	"{\"sources\":["                                                                                               \
	"{\"name\":\"mx1\",\"usable\":true,\"states\":[],\"weights\":[{\"pool\":\"main\",\"provider\":null,"           \
	"\"weight\":5},"                                                                                               \
	"{\"pool\":\"main\",\"provider\":\"google\",\"weight\":0}]},"                                                  \
	"{\"name\":\"mx2\",\"usable\":true,\"states\":[],\"weights\":[{\"pool\":\"main\",\"provider\":null,"           \
	"\"weight\":3}]},"                                                                                             \
	"{\"name\":\"mx3\",\"usable\":true,\"states\":[],\"weights\":[{\"pool\":\"more\",\"provider\":null,"           \
	"\"weight\":1}]},"                                                                                             \
	"{\"name\":\"mx4\",\"usable\":true,\"states\":[],\"weights\":[]}]}"

static struct mx_top_lanes *lanes(void)
{
	struct mx_top_lanes *l = mx_top_lanes_new();

	take(l, "status", 0, "{\"generation\":1}");
	take(l, "pools", 0, POOLS);
	take(l, "providers", 0, PROVIDERS);
	take(l, "sources", 0, SOURCES);
	mx_top_lanes_settle(l);
	return l;
}

/* So many connections from mx2 to google, by the daemon that runs since `since`. */
static void take_count(struct mx_top_lanes *l, long long now, const char *since, int connections)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "{\"since\":\"%s\",\"lanes\":[{\"source\":\"mx2\",\"provider\":\"google\",\"weight\":3,"
		 "\"connections\":%d,"
		 "\"failed\":1,\"share\":1.0,\"expected_share\":1.0,\"limit\":null}]}",
		 since, connections);
	take(l, "stats", now, text);
	mx_top_lanes_settle(l);
}

static const struct mx_top_row *row_of(const struct mx_top_lanes *l, const char *source, const char *provider)
{
	size_t i;

	for (i = 0; i < mx_top_lanes_count(l); i++) {
		const struct mx_top_row *row = mx_top_lanes_row(l, i);

		if (!strcmp(row->source, source) && !strcmp(row->provider, provider))
			return row;
	}
	return NULL;
}

static double rate(const struct mx_top_lanes *l)
{
	return row_of(l, "mx2", "google")->rate;
}

static const char *cell(const struct mx_top_row *row, enum mx_top_column column)
{
	static char text[MX_TOP_CELL];

	mx_top_cell(row, column, NULL, text);
	return text;
}

/* --- lanes ------------------------------------------------------------------------------------------------------- */

static void test_lanes_are_those_of_the_routes(void **state)
{
	struct mx_top_lanes *l = lanes();

	(void)state;
	assert_int_equal(mx_top_lanes_count(l), 6); /* both pools overflow into each other */
	assert_null(row_of(l, "mx4", "google"));
	assert_int_equal(row_of(l, "mx1", "default")->weight, 5);
	assert_int_equal(row_of(l, "mx1", "google")->weight, 0);
	assert_string_equal(cell(row_of(l, "mx1", "google"), MX_TOP_STATE), "weight 0");
	assert_int_equal(row_of(l, "mx3", "google")->weight, 1);
	mx_top_lanes_free(l);
}

static void test_another_policy_is_asked_for(void **state)
{
	struct mx_top_lanes *l = lanes();

	(void)state;
	assert_false(mx_top_lanes_are_old(l));
	take(l, "status", 0, "{\"generation\":2}");
	assert_true(mx_top_lanes_are_old(l));
	take(l, "pools", 0, POOLS);
	take(l, "providers", 0, "{\"providers\":[{\"name\":\"default\",\"routes\":[{\"pool\":\"idle\"}]}]}");
	assert_false(mx_top_lanes_are_old(l));
	mx_top_lanes_settle(l);
	assert_int_equal(mx_top_lanes_count(l), 1);
	assert_non_null(row_of(l, "mx4", "default"));
	take_count(l, 0, "a", 7); /* what has sent is shown, whether it still may or not */
	assert_int_equal(mx_top_lanes_count(l), 2);
	assert_true(mx_top_lanes_are_old(l)); /* another daemon, with the same number */
	mx_top_lanes_free(l);
}

/* --- rates ------------------------------------------------------------------------------------------------------- */

static void test_rate_between_two_samples(void **state)
{
	struct mx_top_lanes *l = lanes();

	(void)state;
	take_count(l, 1000, "a", 100);
	assert_true(rate(l) == 0);
	take_count(l, 11000, "a", 105);
	assert_true(rate(l) == 30);
	assert_true(mx_top_lanes_summary(l)->rate == 30);
	assert_int_equal(row_of(l, "mx2", "google")->failed, 1);
	mx_top_lanes_free(l);
}

static void test_rate_slides(void **state)
{
	struct mx_top_lanes *l = lanes();
	int i;

	(void)state;
	for (i = 0; i <= 120; i++) /* one each second, for two minutes, from a first sample on */
		take_count(l, i * 1000, "a", i);
	assert_true(rate(l) == 60);
	for (; i <= 150; i++) /* then none */
		take_count(l, i * 1000, "a", 120);
	assert_true(rate(l) > 25 && rate(l) < 35);
	for (; i <= 185; i++)
		take_count(l, i * 1000, "a", 120);
	assert_true(rate(l) == 0);
	mx_top_lanes_free(l);
}

static void test_rate_of_many_samples_is_over_the_whole_window(void **state)
{
	struct mx_top_lanes *l = lanes();
	int i;

	(void)state;
	for (i = 0; i <= 600; i++) /* ten a second: more than are kept; all of it happened 50 s ago */
		take_count(l, i * 100, "a", i < 100 ? 0 : 33);
	assert_true(rate(l) > 32.9 && rate(l) < 34.5);
	mx_top_lanes_free(l);
}

static void test_rate_forgets_what_is_older_than_the_window(void **state)
{
	struct mx_top_lanes *l = lanes();
	int i;

	(void)state;
	for (i = 0; i <= 4; i++) /* all of it within the first 20 s */
		take_count(l, i * 20000, "a", i ? 12 : 0);
	assert_true(rate(l) == 0);
	mx_top_lanes_free(l);
}

static void test_rate_of_rare_samples(void **state)
{
	struct mx_top_lanes *l = lanes();

	(void)state;
	take_count(l, 0, "a", 0);
	take_count(l, 10 * MINUTE, "a", 500);
	take_count(l, 20 * MINUTE, "a", 600);
	assert_true(rate(l) == 10);
	mx_top_lanes_free(l);
}

static void test_rate_begins_anew_with_the_daemon(void **state)
{
	struct mx_top_lanes *l = lanes();

	(void)state;
	take_count(l, 0, "a", 1000);
	take_count(l, 10000, "a", 1010);
	take_count(l, 20000, "b", 4);
	assert_true(rate(l) == 0);
	take_count(l, 30000, "b", 5);
	assert_true(rate(l) == 6);
	mx_top_lanes_free(l);
}

/* --- limits and states ------------------------------------------------------------------------------------------- */

static void test_the_fullest_limit(void **state)
{
	struct mx_top_lanes *l = lanes();

	(void)state;
	take(l, "warmup", 0,
	     "{\"warmups\":[{\"source\":\"mx3\",\"provider\":\"google\",\"state\":\"warming\",\"day\":2,\"days\":8,"
	     "\"period\":\"day\",\"cap\":50,\"sent\":45,\"network\":null},"
	     "{\"source\":\"mx3\",\"provider\":\"default\",\"state\":\"warming\",\"day\":2,\"days\":8,\"period\":"
	     "\"day\","
	     "\"cap\":50,\"sent\":50,\"network\":\"192.0.2.0/24\"}]}");
	take(l, "quota", 0,
	     "{\"quotas\":["
	     "{\"source\":\"mx1\",\"provider\":\"google\",\"unit\":\"connections\",\"period\":\"hour\",\"limit\":30,"
	     "\"used\":15},"
	     "{\"source\":\"mx1\",\"provider\":\"google\",\"unit\":\"connections\",\"period\":\"day\",\"limit\":100,"
	     "\"used\":40},"
	     "{\"source\":\"mx2\",\"provider\":null,\"unit\":\"messages\",\"period\":\"week\",\"limit\":1000,\"used\":"
	     "999},"
	     "{\"source\":null,\"provider\":\"google\",\"unit\":\"messages\",\"period\":\"day\",\"limit\":100,\"used\":"
	     "20}]}");
	mx_top_lanes_settle(l);
	assert_string_equal(cell(row_of(l, "mx1", "google"), MX_TOP_LIMIT), "[#####.....] 15/30 conn/hour");
	assert_string_equal(cell(row_of(l, "mx2", "google"), MX_TOP_LIMIT), "[#########.] 999/1000 msg/week (source)");
	assert_string_equal(cell(row_of(l, "mx3", "google"), MX_TOP_LIMIT), "[#########.] 45/50 warm-up/day");
	assert_string_equal(cell(row_of(l, "mx3", "google"), MX_TOP_STATE), "warming 2/8");
	assert_string_equal(cell(row_of(l, "mx3", "default"), MX_TOP_STATE), "active");
	assert_string_equal(cell(row_of(l, "mx1", "default"), MX_TOP_LIMIT), "");
	take(l, "quota", 0,
	     "{\"quotas\":[{\"source\":null,\"provider\":\"google\",\"unit\":\"messages\",\"period\":\"day\",\"limit\":"
	     "100,"
	     "\"used\":120}]}");
	mx_top_lanes_settle(l);
	assert_string_equal(cell(row_of(l, "mx1", "google"), MX_TOP_LIMIT), "[##########] 120/100 msg/day (provider)");
	assert_string_equal(cell(row_of(l, "mx2", "default"), MX_TOP_LIMIT), "");
	mx_top_lanes_free(l);
}

static void test_the_strictest_state(void **state)
{
	struct mx_top_lanes *l = lanes();

	(void)state;
	take(l, "sources", 0,
	     "{\"sources\":["
	     "{\"name\":\"mx1\",\"usable\":false,\"states\":[{\"provider\":null,\"network\":null,\"state\":\"paused\","
	     "\"owner\":\"operator\",\"reason\":\"\",\"until\":null}]},"
	     "{\"name\":\"mx2\",\"usable\":true,\"weights\":[{\"provider\":null,\"weight\":3}],\"states\":["
	     "{\"provider\":null,\"network\":null,\"state\":\"backing-off\",\"owner\":\"mxrep\",\"reason\":\"421\","
	     "\"until\":null},"
	     "{\"provider\":\"google\",\"network\":null,\"state\":\"draining\",\"owner\":\"operator\",\"reason\":\"\","
	     "\"until\":null}]},"
	     "{\"name\":\"mx3\",\"usable\":true,\"weights\":[{\"provider\":null,\"weight\":3}],\"states\":["
	     "{\"provider\":\"default\",\"network\":\"192.0.2.0/"
	     "24\",\"state\":\"paused\",\"owner\":\"mxrep\",\"reason\":\"550\","
	     "\"until\":null}]}]}");
	mx_top_lanes_settle(l);
	assert_string_equal(cell(row_of(l, "mx1", "google"), MX_TOP_STATE), "not on host");
	assert_string_equal(cell(row_of(l, "mx2", "google"), MX_TOP_STATE), "draining by operator");
	assert_string_equal(cell(row_of(l, "mx2", "default"), MX_TOP_STATE), "backing off by mxrep: 421");
	assert_string_equal(cell(row_of(l, "mx3", "default"), MX_TOP_STATE), "active, some networks rest");
	assert_string_equal(cell(row_of(l, "mx3", "google"), MX_TOP_STATE), "active");
	take(l, "stats", 0,
	     "{\"since\":\"a\",\"lanes\":[{\"source\":\"mx3\",\"provider\":\"google\",\"weight\":1,\"limit\":\"limit-"
	     "hour\"}]}");
	take(l, "sources", 0, SOURCES);
	mx_top_lanes_settle(l);
	assert_string_equal(cell(row_of(l, "mx3", "google"), MX_TOP_STATE), "full: limit-hour");
	assert_string_equal(cell(row_of(l, "mx2", "google"), MX_TOP_STATE), "active");
	mx_top_lanes_free(l);
}

static void test_durations(void **state)
{
	static const struct {
		long long seconds;
		const char *text;
	} cases[] = { { -5, "0s" },     { 59, "59s" },       { 60, "1m" },      { 3599, "59m" },
		      { 3600, "1h0m" }, { 86399, "23h59m" }, { 86400, "1d0h" }, { 100 * 86400 + 7200, "100d2h" } };
	char text[32];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		mx_top_duration(cases[i].seconds, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
	}
}

/* --- views ------------------------------------------------------------------------------------------------------- */

#define LANE(source, provider, n, share, expected, failed)                                                             \
	"{\"source\":\"" source "\",\"provider\":\"" provider "\",\"weight\":1,\"connections\":" n ",\"share\":" share \
	",\"expected_share\":" expected ",\"failed\":" failed "}"

/* google: 30 and 10 connections; default: 0 and 60. The rates are those of the last 20 s. */
static struct mx_top_lanes *busy_lanes(void)
{
	struct mx_top_lanes *l = lanes();

	take(l, "stats", 0, "{\"since\":\"a\",\"lanes\":[" LANE("mx2", "google", "10", "1.0", "0.5", "0") "]}");
	take(l, "stats", 20000,
	     "{\"since\":\"a\",\"lanes\":[" LANE("mx1", "google", "30", "0.75", "0.5", "2") "," LANE(
		     "mx2", "google", "10", "0.25", "0.5", "0") "," LANE("mx3", "default", "60", "1.0", "1.0",
									 "0") "]}");
	mx_top_lanes_settle(l);
	return l;
}

/* The names of all lines, one behind another. */
static const char *order(struct mx_top_view *v, const struct mx_top_lanes *l)
{
	static char text[512];
	size_t i, n = 0;

	mx_top_view_fill(v, l);
	*text = '\0';
	for (i = 0; i < v->count; i++) {
		const struct mx_top_row *row = v->rows[i];

		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s%s%s", i ? " " : "",
				      row->source ? row->source : "", row->source && row->provider ? "/" : "",
				      row->provider ? row->provider : "");
	}
	return text;
}

static void test_order(void **state)
{
	struct mx_top_lanes *l = busy_lanes();
	struct mx_top_view v = { .sort = MX_TOP_RATE };

	(void)state;
	assert_string_equal(order(&v, l), "mx3/default mx1/google mx1/default mx2/default mx2/google mx3/google");
	v.reverse = true; /* what is alike stays in the order of the names */
	assert_string_equal(order(&v, l), "mx1/default mx2/default mx2/google mx3/google mx1/google mx3/default");
	v = (struct mx_top_view){ .sort = MX_TOP_SOURCE, .rows = v.rows, .sums = v.sums };
	assert_string_equal(order(&v, l), "mx1/default mx1/google mx2/default mx2/google mx3/default mx3/google");
	v.sort = MX_TOP_CONNECTIONS;
	assert_string_equal(order(&v, l), "mx3/default mx1/google mx2/google mx1/default mx2/default mx3/google");
	v.sort = MX_TOP_FAILED;
	assert_int_equal(strncmp(order(&v, l), "mx1/google ", 11), 0);
	mx_top_view_clear(&v);
	mx_top_lanes_free(l);
}

static void test_filters(void **state)
{
	struct mx_top_lanes *l = busy_lanes();
	struct mx_top_view v = { .sort = MX_TOP_SOURCE, .filter = "GOOG" };

	(void)state;
	assert_string_equal(order(&v, l), "mx1/google mx2/google mx3/google");
	assert_int_equal(v.of, 6);
	v.busy = true;
	assert_string_equal(order(&v, l), "mx1/google");
	strcpy(v.filter, "mx3");
	assert_string_equal(order(&v, l), "mx3/default");
	v.busy = false;
	strcpy(v.filter, "active");
	assert_string_equal(order(&v, l), "mx1/default mx1/google mx2/default mx2/google mx3/default mx3/google");
	strcpy(v.filter, "weight 0");
	assert_string_equal(order(&v, l), "");
	mx_top_view_clear(&v);
	mx_top_lanes_free(l);
}

static void test_sums(void **state)
{
	struct mx_top_lanes *l = busy_lanes();
	struct mx_top_view v = { .sort = MX_TOP_CONNECTIONS, .group = MX_TOP_BY_SOURCE };

	(void)state;
	assert_string_equal(order(&v, l), "mx3 mx1 mx2");
	assert_string_equal(cell(v.rows[0], MX_TOP_SHARE), "60.0%");
	assert_string_equal(cell(v.rows[1], MX_TOP_SHARE), "30.0%");
	assert_string_equal(cell(v.rows[1], MX_TOP_EXPECTED), "20.0%"); /* half of 40, of 100 */
	assert_string_equal(cell(v.rows[1], MX_TOP_PROVIDER), "(all)");
	assert_int_equal(v.rows[1]->failed, 2);
	assert_true(v.rows[0]->rate == 180);
	v.group = MX_TOP_BY_PROVIDER;
	assert_string_equal(order(&v, l), "default google");
	assert_int_equal(v.rows[1]->lanes, 3);
	assert_int_equal(v.rows[1]->connections, 40);
	mx_top_view_clear(&v);
	mx_top_lanes_free(l);
}

static void test_state_of_a_sum(void **state)
{
	struct mx_top_lanes *l = lanes();
	struct mx_top_view v = { .sort = MX_TOP_STATE, .group = MX_TOP_BY_SOURCE };

	(void)state;
	take(l, "sources", 0,
	     "{\"sources\":[{\"name\":\"mx2\",\"usable\":true,\"weights\":[{\"provider\":null,\"weight\":3}],"
	     "\"states\":["
	     "{\"provider\":\"google\",\"network\":null,\"state\":\"paused\",\"owner\":\"operator\",\"reason\":\"why\","
	     "\"until\":null}]},{\"name\":\"mx1\",\"weights\":[{\"provider\":null,\"weight\":3}]},"
	     "{\"name\":\"mx3\",\"weights\":[{\"provider\":null,\"weight\":3}]}]}");
	mx_top_lanes_settle(l);
	assert_string_equal(order(&v, l), "mx2 mx1 mx3");
	assert_string_equal(cell(v.rows[0], MX_TOP_STATE), "1/2 paused by operator: why");
	assert_string_equal(cell(v.rows[1], MX_TOP_STATE), "active");
	mx_top_view_clear(&v);
	mx_top_lanes_free(l);
}

/* --- columns ----------------------------------------------------------------------------------------------------- */

static void test_columns_go_in_order(void **state)
{
	/* the last width at which each is still there, from what goes last to what goes first */
	static const enum mx_top_column kept[] = { MX_TOP_SOURCE,   MX_TOP_PROVIDER,   MX_TOP_RATE,   MX_TOP_STATE,
						   MX_TOP_LIMIT,    MX_TOP_SHARE,      MX_TOP_FAILED, MX_TOP_WEIGHT,
						   MX_TOP_EXPECTED, MX_TOP_CONNECTIONS };
	struct mx_top_lanes *l = busy_lanes();
	struct mx_top_view v = { .sort = MX_TOP_RATE };
	int width, least[MX_TOP_COLUMNS];
	size_t i;

	(void)state;
	mx_top_view_fill(&v, l);
	for (i = 0; i < MX_TOP_COLUMNS; i++)
		least[i] = 1000;
	for (width = 200; width >= 40; width--) {
		struct mx_top_layout layout = mx_top_layout(&v, width);
		int used = 0;

		for (i = 0; i < MX_TOP_COLUMNS; i++) {
			if (!layout.width[i])
				continue;
			assert_true(layout.x[i] >= used);
			used = layout.x[i] + layout.width[i];
			assert_int_equal(least[i], width == 200 ? 1000 : width + 1); /* what went stays away */
			least[i] = width;
		}
		assert_int_equal(used, width); /* STATE takes what is left */
	}
	for (i = 1; i < MX_TOP_COLUMNS; i++)
		assert_true(least[kept[i]] >= least[kept[i - 1]]);
	assert_int_equal(least[MX_TOP_STATE], 40);
	assert_true(least[MX_TOP_LIMIT] > 40);
	mx_top_view_clear(&v);
	mx_top_lanes_free(l);
}

static void test_long_names_give_way(void **state)
{
	struct mx_top_lanes *l = mx_top_lanes_new();
	struct mx_top_view v = { .sort = MX_TOP_RATE };
	struct mx_top_layout layout;

	(void)state;
	take(l, "stats", 0,
	     "{\"since\":\"a\",\"lanes\":[" LANE("a-source-with-a-very-long-name", "a-provider-with-one", "1", "1", "1",
						 "0") "]}");
	mx_top_lanes_settle(l);
	mx_top_view_fill(&v, l);
	layout = mx_top_layout(&v, 200);
	assert_int_equal(layout.width[MX_TOP_SOURCE], 24);
	assert_int_equal(layout.width[MX_TOP_PROVIDER], 19);
	layout = mx_top_layout(&v, 40);
	assert_int_equal(layout.x[MX_TOP_STATE] + layout.width[MX_TOP_STATE], 40);
	assert_true(layout.width[MX_TOP_SOURCE] >= 6 && layout.width[MX_TOP_PROVIDER] >= 6);
	mx_top_view_clear(&v);
	mx_top_lanes_free(l);
}

static void test_forms_of_a_limit(void **state)
{
	struct mx_top_row row = { .limit = { 30, 40, "messages", "day", "" } };
	struct mx_top_lanes *l = busy_lanes();
	struct mx_top_view v = { .sort = MX_TOP_RATE };
	char text[MX_TOP_CELL];
	struct mx_top_layout layout;

	(void)state;
	mx_top_view_fill(&v, l);
	layout = mx_top_layout(&v, 160);
	mx_top_cell(&row, MX_TOP_LIMIT, &layout, text);
	assert_string_equal(text, "[#######...] 30/40 msg/day");
	layout = mx_top_layout(&v, 80);
	mx_top_cell(&row, MX_TOP_LIMIT, &layout, text);
	assert_string_equal(text, "30/40 msg/day");
	layout = mx_top_layout(&v, 60);
	mx_top_cell(&row, MX_TOP_LIMIT, &layout, text);
	assert_string_equal(text, "75%");
	mx_top_view_clear(&v);
	mx_top_lanes_free(l);
}

static void test_many_lanes(void **state)
{
	struct mx_top_lanes *l = mx_top_lanes_new();
	struct mx_top_view v = { .sort = MX_TOP_CONNECTIONS };
	json_t *list = json_array(), *answer = json_pack("{s:s,s:o}", "since", "a", "lanes", list);
	char source[16], provider[16];
	int s, p;

	(void)state;
	for (p = 0; p < 100; p++)
		for (s = 0; s < 250; s++) {
			snprintf(source, sizeof(source), "mx%d", s);
			snprintf(provider, sizeof(provider), "p%d", p);
			json_array_append_new(list, json_pack("{s:s,s:s,s:i,s:i}", "source", source, "provider",
							      provider, "weight", 1, "connections", 250 * p + s));
		}
	mx_top_lanes_take(l, "stats", answer, 0);
	mx_top_lanes_settle(l);
	mx_top_view_fill(&v, l);
	assert_int_equal(v.count, 25000);
	assert_int_equal(v.rows[0]->connections, 24999);
	assert_string_equal(v.rows[24999]->source, "mx0");
	json_decref(answer);
	mx_top_view_clear(&v);
	mx_top_lanes_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lanes_are_those_of_the_routes),
		cmocka_unit_test(test_another_policy_is_asked_for),
		cmocka_unit_test(test_rate_between_two_samples),
		cmocka_unit_test(test_rate_slides),
		cmocka_unit_test(test_rate_of_many_samples_is_over_the_whole_window),
		cmocka_unit_test(test_rate_forgets_what_is_older_than_the_window),
		cmocka_unit_test(test_rate_of_rare_samples),
		cmocka_unit_test(test_rate_begins_anew_with_the_daemon),
		cmocka_unit_test(test_the_fullest_limit),
		cmocka_unit_test(test_the_strictest_state),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_state_of_a_sum),
		cmocka_unit_test(test_columns_go_in_order),
		cmocka_unit_test(test_long_names_give_way),
		cmocka_unit_test(test_forms_of_a_limit),
		cmocka_unit_test(test_many_lanes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
