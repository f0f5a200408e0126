// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxload/show.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/mxload/table.h"

static const char *text(const json_t *o, const char *key)
{
	const char *value = json_string_value(json_object_get(o, key));

	return value ? value : "-";
}

static const char *optional(const json_t *o, const char *key)
{
	const char *value = json_string_value(json_object_get(o, key));

	return value ? value : "";
}

/* What stands before the optional provider of an answer or event: without one, it is about all of them. */
static const char *at(const json_t *o)
{
	return *optional(o, "provider") ? " at " : "";
}

static long long number(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

static double fraction(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

/* --- what a terminal would obey --------------------------------------------------------------------------------- */

/* The length of the control character at `s` (C0, DEL, or C1 in UTF-8); 0: none. A line break is one, too. */
static size_t control_length(const char *s)
{
	unsigned char c = (unsigned char)s[0], next = c ? (unsigned char)s[1] : 0;

	if ((c && c < 0x20) || c == 0x7f)
		return 1;
	return c == 0xc2 && next >= 0x80 && next < 0xa0 ? 2 : 0;
}

/* A copy of `s` with \\xNN in place of control characters; the caller's. */
static char *plain_copy(const char *s)
{
	char *copy = malloc(4 * strlen(s) + 1), *out = copy;

	if (!copy)
		abort();
	while (*s) {
		size_t length = control_length(s);

		if (length)
			out += sprintf(out, "\\x%02x", (unsigned char)s[length - 1]);
		else
			*out++ = *s;
		s += length ? length : 1;
	}
	*out = '\0';
	return copy;
}

void mx_show_plainly(json_t *value)
{
	const char *key, *string = json_string_value(value);
	json_t *inner;
	size_t i;

	if (string) {
		char *plain = plain_copy(string);

		json_string_set(value, plain);
		free(plain);
	}
	json_object_foreach(value, key, inner) mx_show_plainly(inner);
	json_array_foreach(value, i, inner)
		mx_show_plainly(inner);
}

/* RFC 3339 in UTC, as the daemon writes it, in local time. */
static const char *local_time(const char *utc, char *buffer, size_t size)
{
	struct tm tm = { 0 };
	const char *end = strptime(utc, "%Y-%m-%dT%H:%M:%SZ", &tm);
	time_t t;

	if (!end || *end)
		return utc;
	t = timegm(&tm);
	localtime_r(&t, &tm);
	strftime(buffer, size, "%Y-%m-%d %H:%M:%S", &tm);
	return buffer;
}

/* --- status ----------------------------------------------------------------------------------------------------- */

/* What the daemon may not read is a dash. */
static void show_packets(struct mx_table *t, const json_t *q, const char *key, const char *and_key)
{
	if (json_is_null(json_object_get(q, key)))
		mx_table_cell(t, "-");
	else
		mx_table_cell(t, "%lld", number(q, key) + (and_key ? number(q, and_key) : 0));
}

static void show_queues(const json_t *queues)
{
	struct mx_table *t = mx_table_new(">QUEUE", ">ANSWERED", ">REPEATED", ">WAITING", ">DROPPED", NULL);
	const json_t *q;
	size_t i;

	json_array_foreach(queues, i, q) {
		mx_table_cell(t, "%lld", number(q, "number"));
		mx_table_cell(t, "%lld", number(q, "answered"));
		mx_table_cell(t, "%lld", number(q, "repeated"));
		show_packets(t, q, "waiting", NULL);
		show_packets(t, q, "dropped", "user_dropped");
	}
	mx_table_print(t, stdout);
}

/* For whatever reason. */
static long long left_to_queue(const json_t *left)
{
	return number(left, "expired") + number(left, "unknown") + number(left, "provider") + number(left, "lease") +
	       number(left, "none");
}

void mx_show_status(const json_t *a)
{
	const json_t *table = json_object_get(a, "table"), *ledger = json_object_get(a, "ledger"), *warning;
	const json_t *module = json_object_get(a, "module");
	char since[32];
	size_t i;

	printf("mxloadd %s, mode %s, engine %s by the %s expression\n", text(a, "version"), text(a, "mode"),
	       text(a, "engine"), text(a, "queue_expression"));
	printf("configuration  %s, generation %lld\n", text(a, "configuration"), number(a, "generation"));
	printf("running since  %s\n", local_time(text(a, "since"), since, sizeof(since)));
	printf("ledger         %s, %s\n", text(ledger, "path"),
	       json_is_true(json_object_get(ledger, "ok")) ? "well" : text(ledger, "error"));
	printf("table          refused %lld, decided by the fallback %lld, untracked %lld, guarded %lld, shielded "
	       "%lld, cut %lld, put back %lld\n",
	       number(table, "refused"), number(table, "undecided"), number(table, "untracked"),
	       number(table, "guarded"), number(table, "shielded"), number(table, "cut"), number(table, "restored"));
	if (json_is_true(json_object_get(module, "loaded")))
		printf("kernel module  %s, decided %lld, left to the queue %lld, not told %lld\n",
		       json_is_true(json_object_get(module, "decides")) ? "decides" : "waits",
		       number(module, "decided"), left_to_queue(json_object_get(module, "left")),
		       number(module, "lost"));
	printf("watchdog       took the queue away %lld times\n", number(json_object_get(a, "watchdog"), "trips"));
	show_queues(json_object_get(a, "queues"));
	json_array_foreach(json_object_get(a, "warnings"), i, warning)
		printf("warning: %s\n", json_string_value(warning));
}

/* --- stats ------------------------------------------------------------------------------------------------------ */

/* Connections that have room, under the limit that is the nearest; - where nothing is limited. */
static void left_cell(struct mx_table *t, const json_t *o)
{
	const json_t *left = json_object_get(o, "left");

	if (json_is_object(left))
		mx_table_cell(t, "%lld (%s)", number(left, "connections"), text(left, "limit"));
	else
		mx_table_cell(t, "-");
}

static void day_cell(struct mx_table *t, const json_t *o)
{
	if (json_is_integer(json_object_get(o, "warmup_day")))
		mx_table_cell(t, "%lld", number(o, "warmup_day"));
	else
		mx_table_cell(t, "-");
}

static void stats_row(struct mx_table *t, const char *source, const char *provider, const json_t *lane)
{
	const json_t *bytes = json_object_get(lane, "bytes");

	mx_table_cell(t, "%s", source);
	mx_table_cell(t, "%s", provider);
	mx_table_cell(t, "%lld", number(lane, "weight"));
	mx_table_cell(t, "%.1f%%", 100 * fraction(lane, "expected_share"));
	mx_table_cell(t, "%.1f%%", 100 * fraction(lane, "share"));
	mx_table_cell(t, "%lld", number(lane, "connections"));
	mx_table_cell(t, "%lld", number(lane, "established"));
	mx_table_cell(t, "%lld", number(lane, "failed"));
	left_cell(t, lane);
	day_cell(t, lane);
	mx_table_cell(t, "%lld", number(bytes, "sent"));
	mx_table_cell(t, "%lld", number(bytes, "received"));
}

static void stats_by_lane(const json_t *lanes)
{
	struct mx_table *t =
		mx_table_new("SOURCE", "PROVIDER", ">WEIGHT", ">EXPECTED", ">SHARE", ">CONNECTIONS", ">ESTABLISHED",
			     ">FAILED", ">LEFT", ">WARM-UP-DAY", ">SENT", ">RECEIVED", NULL);
	const json_t *lane;
	size_t i;

	json_array_foreach(lanes, i, lane)
		stats_row(t, text(lane, "source"), text(lane, "provider"), lane);
	mx_table_print(t, stdout);
}

static void stats_by_name(const json_t *lanes, const char *key, const char *heading)
{
	struct mx_table *t =
		mx_table_new(heading, ">CONNECTIONS", ">ESTABLISHED", ">FAILED", ">SENT", ">RECEIVED", NULL);
	const json_t *lane, *other;
	size_t i, j;

	json_array_foreach(lanes, i, lane) {
		long long sum[5] = { 0 };
		const char *name = text(lane, key);
		bool first = true;

		json_array_foreach(lanes, j, other) {
			if (strcmp(text(other, key), name))
				continue;
			first &= j >= i;
			sum[0] += number(other, "connections");
			sum[1] += number(other, "established");
			sum[2] += number(other, "failed");
			sum[3] += number(json_object_get(other, "bytes"), "sent");
			sum[4] += number(json_object_get(other, "bytes"), "received");
		}
		if (!first)
			continue;
		mx_table_cell(t, "%s", name);
		for (j = 0; j < 5; j++)
			mx_table_cell(t, "%lld", sum[j]);
	}
	mx_table_print(t, stdout);
}

void mx_show_stats(const json_t *a, enum mx_by by)
{
	const json_t *lanes = json_object_get(a, "lanes"), *r;
	char since[32];
	size_t i;

	printf("since %s\n", local_time(text(a, "since"), since, sizeof(since)));
	if (by == MX_BY_LANE)
		stats_by_lane(lanes);
	else
		stats_by_name(lanes, by == MX_BY_SOURCE ? "source" : "provider",
			      by == MX_BY_SOURCE ? "SOURCE" : "PROVIDER");
	json_array_foreach(json_object_get(a, "refused"), i, r)
		printf("refused at %s, %s: %lld\n", text(r, "provider"), text(r, "reason"), number(r, "connections"));
	json_array_foreach(json_object_get(a, "held"), i, r)
		printf("held at %s: %lld now, %lld in all\n", text(r, "provider"), number(r, "now"),
		       number(r, "total"));
	if (number(a, "guarded"))
		printf("guarded: %lld connections would have left from a wrong address\n", number(a, "guarded"));
}

/* --- what there is ---------------------------------------------------------------------------------------------- */

static void join_states(const json_t *source, char *out, size_t size)
{
	const json_t *s, *problem;
	size_t i, n = 0;

	*out = '\0';
	json_array_foreach(json_object_get(source, "problems"), i, problem)
		n += (size_t)snprintf(out + n, n < size ? size - n : 0, "%s%s", n ? "; " : "",
				      json_string_value(problem));
	json_array_foreach(json_object_get(source, "states"), i, s)
		if (n < size)
			n += (size_t)snprintf(out + n, size - n, "%s%s%s%s%s%s by %s%s%s", n ? "; " : "",
					      text(s, "state"), at(s), optional(s, "provider"),
					      *optional(s, "network") ? " " : "", optional(s, "network"),
					      text(s, "owner"), *text(s, "reason") ? ": " : "", text(s, "reason"));
	if (!*out)
		snprintf(out, size, "active");
}

void mx_show_sources(const json_t *a)
{
	struct mx_table *t =
		mx_table_new("SOURCE", "ADDRESS", "ADDRESS6", "HOSTNAME", "MARK", ">CONNECTIONS", "STATE", NULL);
	const json_t *s;
	char state[512];
	size_t i;

	json_array_foreach(json_object_get(a, "sources"), i, s) {
		join_states(s, state, sizeof(state));
		mx_table_cell(t, "%s", text(s, "name"));
		mx_table_cell(t, "%s", text(s, "address"));
		mx_table_cell(t, "%s", text(s, "address6"));
		mx_table_cell(t, "%s", text(s, "hostname"));
		mx_table_cell(t, "%s", text(s, "mark"));
		mx_table_cell(t, "%lld", number(s, "connections"));
		mx_table_cell(t, "%s", state);
	}
	mx_table_print(t, stdout);
}

static void show_provider_lanes(const json_t *provider)
{
	struct mx_table *t = mx_table_new("SOURCE", "POOL", ">WEIGHT", "STATE", ">CONNECTIONS", NULL);
	const json_t *prefix, *lane;
	size_t i;

	json_array_foreach(json_object_get(provider, "prefixes"), i, prefix)
		printf("prefix %s\n", json_string_value(prefix));
	json_array_foreach(json_object_get(provider, "lanes"), i, lane) {
		mx_table_cell(t, "%s", text(lane, "source"));
		mx_table_cell(t, "%s", text(lane, "pool"));
		mx_table_cell(t, "%lld", number(lane, "weight"));
		mx_table_cell(t, "%s", text(lane, "state"));
		mx_table_cell(t, "%lld", number(lane, "connections"));
	}
	mx_table_print(t, stdout);
}

static void show_learned(const json_t *provider)
{
	struct mx_table *t = mx_table_new("ADDRESS", "LEARNED-BY", "HOST", "SINCE", "CONFIRMED", "UNTIL", NULL);
	static const char *const times[] = { "first", "confirmed", "until" };
	const json_t *address;
	char when[32];
	size_t i, j;

	json_array_foreach(json_object_get(provider, "addresses"), i, address) {
		mx_table_cell(t, "%s", text(address, "address"));
		mx_table_cell(t, "%s", text(address, "origin"));
		mx_table_cell(t, "%s", text(address, "host"));
		for (j = 0; j < 3; j++)
			mx_table_cell(t, "%s",
				      json_is_string(json_object_get(address, times[j]))
					      ? local_time(text(address, times[j]), when, sizeof(when))
					      : "-");
	}
	mx_table_print(t, stdout);
}

void mx_show_learn(const json_t *a)
{
	const char *provider = json_string_value(json_object_get(a, "provider"));

	if (provider)
		printf("%s belongs to %s\n", text(a, "address"), provider);
	else
		printf("%s is forgotten\n", text(a, "address"));
	if (!json_is_true(json_object_get(a, "durable")))
		puts("It could not be written down: it will not survive a restart");
}

void mx_show_providers(const json_t *a)
{
	struct mx_table *t =
		mx_table_new("PROVIDER", "BALANCE", ">PREFIXES", ">LEARNED", ">CONNECTIONS", "POOLS", NULL);
	const json_t *p, *route;
	size_t i, j;

	json_array_foreach(json_object_get(a, "providers"), i, p) {
		char pools[256] = "";

		json_array_foreach(json_object_get(p, "routes"), j, route) {
			const char *class = json_string_value(json_object_get(route, "class"));
			size_t n = strlen(pools);

			snprintf(pools + n, sizeof(pools) - n, "%s%s%s%s%s", n ? ", " : "", text(route, "pool"),
				 class ? " (" : "", class ? class : "", class ? ")" : "");
		}
		mx_table_cell(t, "%s", text(p, "name"));
		mx_table_cell(t, "%s", text(p, "balance"));
		mx_table_cell(t, "%zu", json_array_size(json_object_get(p, "prefixes")));
		mx_table_cell(t, "%lld", number(p, "learned"));
		mx_table_cell(t, "%lld", number(p, "connections"));
		mx_table_cell(t, "%s", pools);
	}
	mx_table_print(t, stdout);
	json_array_foreach(json_object_get(a, "providers"), i, p) {
		if (json_object_get(p, "lanes"))
			show_provider_lanes(p);
		if (json_array_size(json_object_get(p, "addresses")))
			show_learned(p);
	}
}

void mx_show_pools(const json_t *a)
{
	struct mx_table *t = mx_table_new("POOL", "SOURCE", ">WEIGHT", "USABLE", "OVERFLOW", NULL);
	const json_t *p, *m;
	size_t i, j;

	json_array_foreach(json_object_get(a, "pools"), i, p)
		json_array_foreach(json_object_get(p, "members"), j, m) {
			mx_table_cell(t, "%s", text(p, "name"));
			mx_table_cell(t, "%s", text(m, "source"));
			mx_table_cell(t, "%lld", number(m, "weight"));
			mx_table_cell(t, "%s", json_is_true(json_object_get(m, "usable")) ? "yes" : "no");
			mx_table_cell(t, "%s", text(p, "overflow"));
		}
	mx_table_print(t, stdout);
}

/* --- changes ---------------------------------------------------------------------------------------------------- */

void mx_show_quota(const json_t *a)
{
	struct mx_table *t = mx_table_new("SOURCE", "PROVIDER", "LIMIT", ">USED", ">SETTLED", ">ESTIMATED", ">FREE",
					  ">OVER", "FREES", NULL);
	const json_t *q;
	char buffer[32];
	size_t i;

	json_array_foreach(json_object_get(a, "quotas"), i, q) {
		bool messages = json_object_get(q, "settled");

		mx_table_cell(t, "%s", *optional(q, "source") ? text(q, "source") : "(all)");
		mx_table_cell(t, "%s", *optional(q, "provider") ? text(q, "provider") : "(all)");
		mx_table_cell(t, "%lld %s/%s", number(q, "limit"), text(q, "unit"), text(q, "period"));
		mx_table_cell(t, "%lld", number(q, "used"));
		mx_table_cell(t, messages ? "%lld" : "-", number(q, "settled"));
		mx_table_cell(t, messages ? "%lld" : "-", number(q, "estimated"));
		mx_table_cell(t, "%lld", number(q, "free"));
		mx_table_cell(t, "%lld", number(q, "over"));
		mx_table_cell(t, "%s", local_time(text(q, "frees"), buffer, sizeof(buffer)));
	}
	mx_table_print(t, stdout);
}

void mx_show_warmup(const json_t *a)
{
	struct mx_table *t =
		mx_table_new("SOURCE", "PROVIDER", "NETWORK", "STATE", ">DAY", ">OF", "CAP", ">SENT", "DAY ENDS", NULL);
	const json_t *w;
	char buffer[32];
	size_t i;

	json_array_foreach(json_object_get(a, "warmups"), i, w) {
		mx_table_cell(t, "%s", text(w, "source"));
		mx_table_cell(t, "%s", *optional(w, "provider") ? text(w, "provider") : "(all)");
		mx_table_cell(t, "%s", text(w, "network"));
		mx_table_cell(t, "%s", text(w, "state"));
		mx_table_cell(t, "%lld", number(w, "day"));
		mx_table_cell(t, "%lld", number(w, "days"));
		if (number(w, "cap"))
			mx_table_cell(t, "%lld/%s", number(w, "cap"), text(w, "period"));
		else
			mx_table_cell(t, "none");
		mx_table_cell(t, "%lld", number(w, "sent"));
		mx_table_cell(t, "%s", local_time(text(w, "day_ends"), buffer, sizeof(buffer)));
	}
	mx_table_print(t, stdout);
}

void mx_show_factor(const json_t *a)
{
	printf("%s at %s: weight times %.3g\n", text(a, "source"), text(a, "provider"),
	       json_number_value(json_object_get(a, "factor")));
}

void mx_show_settle(const json_t *a)
{
	printf("settled; the next connections are charged %lld message%s each%s\n", number(a, "charge"),
	       number(a, "charge") == 1 ? "" : "s",
	       json_is_true(json_object_get(a, "durable")) ? "" : " (not yet on disk)");
}

void mx_show_weight(const json_t *a)
{
	struct mx_table *t = mx_table_new("POOL", "PROVIDER", "SOURCE", ">WEIGHT", NULL);
	const json_t *w;
	size_t i;

	json_array_foreach(json_object_get(a, "changed"), i, w) {
		mx_table_cell(t, "%s", text(w, "pool"));
		mx_table_cell(t, "%s", text(w, "provider"));
		mx_table_cell(t, "%s", text(w, "source"));
		mx_table_cell(t, "%lld", number(w, "weight"));
	}
	mx_table_print(t, stdout);
}

void mx_show_pause(const json_t *a)
{
	const char *until = json_string_value(json_object_get(a, "until"));
	long long open = number(a, "open"), reset = number(a, "reset");
	char buffer[32];

	printf("%s%s%s is paused%s%s\n", text(a, "source"), at(a), optional(a, "provider"), until ? " until " : "",
	       until ? local_time(until, buffer, sizeof(buffer)) : "");
	if (json_object_get(a, "open"))
		printf(open == 1 ? "%lld connection is still open\n" : "%lld connections are still open\n", open);
	if (json_object_get(a, "reset"))
		printf("%lld open connection%s reset\n", reset, reset == 1 ? "" : "s");
}

/* --- explain, flows, events ------------------------------------------------------------------------------------- */

static void print_room(const json_t *e)
{
	const json_t *left = json_object_get(e, "left");

	if (json_is_object(left))
		printf(", %lld left (%s)", number(left, "connections"), text(left, "limit"));
	if (json_is_integer(json_object_get(e, "warmup_day")))
		printf(", day %lld of the warm-up", number(e, "warmup_day"));
}

void mx_show_explain(const json_t *a)
{
	struct mx_table *t = mx_table_new("CANDIDATE", ">WEIGHT", ">SHARE", ">LEFT", ">WARM-UP-DAY", "REASON", NULL);
	const json_t *c;
	size_t i;

	printf("%s belongs to %s (%s)\n", text(a, "address"), text(a, "provider"), text(a, "rule"));
	if (json_is_integer(json_object_get(a, "route")))
		printf("route %lld%s%s leads to pool %s, %s\n", number(a, "route"),
		       json_is_string(json_object_get(a, "class")) ? " of class " : "",
		       json_is_string(json_object_get(a, "class")) ? text(a, "class") : "", text(a, "pool"),
		       text(a, "balance"));
	printf("now: %s %s (%s)\n", text(a, "action"), text(a, "source"), text(a, "reason"));
	json_array_foreach(json_object_get(a, "candidates"), i, c) {
		mx_table_cell(t, "%s", text(c, "source"));
		mx_table_cell(t, "%lld", number(c, "weight"));
		mx_table_cell(t, "%.1f%%", 100 * fraction(c, "share"));
		left_cell(t, c);
		day_cell(t, c);
		mx_table_cell(t, "%s", text(c, "reason"));
	}
	mx_table_print(t, stdout);
}

void mx_show_flows(const json_t *a)
{
	struct mx_table *t = mx_table_new("TIME", "FROM", "SOURCE", "LEAVES-FROM", "TO", "PROVIDER", "STATE", ">SENT",
					  ">RECEIVED", NULL);
	const json_t *f;
	char when[32];
	size_t i;

	json_array_foreach(json_object_get(a, "flows"), i, f) {
		const json_t *bytes = json_object_get(f, "bytes");

		mx_table_cell(t, "%s", local_time(text(f, "time"), when, sizeof(when)));
		mx_table_cell(t, "%s %lld", text(f, "from"), number(f, "from_port"));
		mx_table_cell(t, "%s", text(f, "source"));
		mx_table_cell(t, "%s %lld", text(f, "source_address"), number(f, "source_port"));
		mx_table_cell(t, "%s %lld", text(f, "to"), number(f, "to_port"));
		mx_table_cell(t, "%s", text(f, "provider"));
		mx_table_cell(t, "%s", text(f, "state"));
		mx_table_cell(t, "%lld", number(bytes, "sent"));
		mx_table_cell(t, "%lld", number(bytes, "received"));
	}
	mx_table_print(t, stdout);
}

void mx_show_event(const json_t *e)
{
	const char *type = text(e, "event");
	char when[32];

	if (json_is_string(json_object_get(e, "time")))
		printf("%s ", local_time(text(e, "time"), when, sizeof(when)));
	fputs(type, stdout);
	if (!strcmp(type, "decision")) {
		printf(" %s %lld -> %s %lld %s: %s %s (%s)", text(e, "from"), number(e, "from_port"), text(e, "to"),
		       number(e, "to_port"), text(e, "provider"), text(e, "action"), text(e, "source"),
		       text(e, "reason"));
		print_room(e);
	} else if (!strcmp(type, "close"))
		printf(" %s %lld -> %s %lld %s: %s %s", text(e, "from"), number(e, "from_port"), text(e, "to"),
		       number(e, "to_port"), text(e, "provider"), text(e, "source"), text(e, "state"));
	else if (!strcmp(type, "connect"))
		printf(" %s %lld -> %s %lld: process %lld", text(e, "from"), number(e, "from_port"), text(e, "to"),
		       number(e, "to_port"), number(e, "process"));
	else if (!strcmp(type, "state"))
		printf(" %s%s%s: %s by %s: %s", text(e, "source"), at(e), optional(e, "provider"), text(e, "state"),
		       text(e, "owner"), text(e, "reason"));
	else if (!strcmp(type, "weight"))
		printf(" %s%s%s: %lld", text(e, "source"), at(e), optional(e, "provider"), number(e, "weight"));
	else if (!strcmp(type, "reset"))
		printf(" %s%s%s: %lld open connection%s reset", text(e, "source"), at(e), optional(e, "provider"),
		       number(e, "connections"), number(e, "connections") == 1 ? "" : "s");
	else if (!strcmp(type, "reload"))
		printf(" generation %lld", number(e, "generation"));
	else if (!strcmp(type, "lost"))
		printf(" %lld events: this reader is too slow", number(e, "count"));
	putchar('\n');
	fflush(stdout);
}
