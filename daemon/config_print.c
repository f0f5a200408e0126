// SPDX-License-Identifier: GPL-2.0-or-later
/* The canonical form: one order, one spelling, what is default left out. It reads back as the same configuration. */
#include <limits.h>
#include <string.h>

#include "daemon/config.h"
#include "daemon/text.h"

static void print_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		if (*text == '\n')
			fputs("\\n", out);
		else
			fputc(*text, out);
	}
	fputc('"', out);
}

static void print_option(FILE *out, const char *name, const char *text)
{
	fprintf(out, "%s = ", name);
	print_text(out, text);
	fputs(";\n", out);
}

static void print_strings(FILE *out, const char *name, const struct mx_strings *list)
{
	u32 i;

	if (!list->count)
		return;
	fprintf(out, " %s = [ ", name);
	for (i = 0; i < list->count; i++) {
		fputs(i ? ", " : "", out);
		print_text(out, list->items[i]);
	}
	fputs(" ];", out);
}

static void print_nets(FILE *out, const char *name, const struct mx_conf_nets *list)
{
	char text[MX_ADDR_TEXT];
	u32 i;

	fprintf(out, "%s = [ ", name);
	for (i = 0; i < list->count; i++)
		fprintf(out, "%s\"%s\"", i ? ", " : "",
			mx_prefix_text(list->items[i].family, list->items[i].addr, list->items[i].length, text));
	fputs(" ];", out);
}

static void print_numbers(FILE *out, const char *name, const struct mx_conf_ids *list)
{
	const char *suffix = ""; /* libconfig wants it behind all numbers of a list, or behind none */
	u32 i;

	for (i = 0; i < list->count; i++)
		if (list->items[i] > INT_MAX)
			suffix = "L";
	fprintf(out, "%s = [ ", name);
	for (i = 0; i < list->count; i++)
		fprintf(out, "%s%u%s", i ? ", " : "", list->items[i], suffix);
	fputs(" ];", out);
}

static void print_limits(FILE *out, const char *name, const struct mx_limits *list)
{
	u32 i;

	if (!list->count)
		return;
	fprintf(out, " %s = [ ", name);
	for (i = 0; i < list->count; i++)
		fprintf(out, "%s\"%u %s/%s\"", i ? ", " : "", list->items[i].most, mx_unit_name(list->items[i].unit),
			mx_period_name(list->items[i].period));
	fputs(" ];", out);
}

static void print_weights(FILE *out, const struct mx_config *c, const char *name, const struct mx_conf_weights *list)
{
	u32 i;

	if (!list->count)
		return;
	fprintf(out, " %s: {", name);
	for (i = 0; i < list->count; i++)
		fprintf(out, " %s = %u;", c->sources[list->items[i].source].name, list->items[i].weight);
	fputs(" };", out);
}

static void print_source(FILE *out, const struct mx_config *c, const struct mx_conf_source *s)
{
	char text[MX_ADDR_TEXT];

	fprintf(out, "    %s: {", s->name);
	if (s->families & (1u << MX_IPV4))
		fprintf(out, " address = \"%s\";", mx_addr_text(MX_IPV4, s->addr[MX_IPV4], text));
	if (s->families & (1u << MX_IPV6))
		fprintf(out, " address6 = \"%s\";", mx_addr_text(MX_IPV6, s->addr[MX_IPV6], text));
	if (s->hostname) {
		fputs(" hostname = ", out);
		print_text(out, s->hostname);
		fputc(';', out);
	}
	if (s->public) {
		fputs(" public = ", out);
		print_text(out, s->public);
		fputc(';', out);
	}
	print_limits(out, "limits", &s->limits);
	if (s->warmup.given)
		fprintf(out, " warmup: { started = \"%s\"; schedule = \"%s\";%s };", s->warmup.started,
			c->schedules[s->warmup.schedule].name, s->warmup.whole_source ? " scope = \"source\";" : "");
	fputs(" };\n", out);
}

static void print_schedule(FILE *out, const struct mx_conf_schedule *s)
{
	u32 i;

	fprintf(out, "    %s: { %s = [ ", s->name, s->hourly ? "hourly" : "daily");
	for (i = 0; i < s->count; i++)
		fprintf(out, "%s%u", i ? ", " : "", s->caps[i]);
	fputs(" ]; };\n", out);
}

static void print_pool(FILE *out, const struct mx_config *c, const struct mx_conf_pool *p)
{
	fprintf(out, "    %s: {", p->name);
	print_weights(out, c, "members", &p->members);
	if (p->overflow != MX_NONE)
		fprintf(out, " overflow = \"%s\";", c->pools[p->overflow].name);
	if (p->max_share != 100)
		fprintf(out, " max-share = %u;", p->max_share);
	fputs(" };\n", out);
}

static void print_lanes(FILE *out, const struct mx_config *c, const struct mx_conf_lanes *lanes)
{
	u32 i;

	if (!lanes->count)
		return;
	fputs(" sources: {", out);
	for (i = 0; i < lanes->count; i++) {
		fprintf(out, " %s: {", c->sources[lanes->items[i].source].name);
		print_limits(out, "limits", &lanes->items[i].limits);
		if (lanes->items[i].concurrency)
			fprintf(out, " concurrency = %u;", lanes->items[i].concurrency);
		fputs(" };", out);
	}
	fputs(" };", out);
}

static void print_provider(FILE *out, const struct mx_config *c, const struct mx_conf_provider *p)
{
	enum mx_balance usual = strcmp(p->name, "default") ? MX_WEIGHTED : MX_STICKY;

	fprintf(out, "    %s: {", p->name);
	print_strings(out, "mx", &p->mx);
	print_strings(out, "domains", &p->domains);
	if (p->prefixes.count) {
		fputc(' ', out);
		print_nets(out, "prefixes", &p->prefixes);
	}
	if (p->balance != usual)
		fprintf(out, " balance = \"%s\";", p->balance == MX_STICKY ? "sticky" : "weighted");
	print_limits(out, "limits", &p->limits);
	print_limits(out, "total-limits", &p->total_limits);
	if (p->concurrency)
		fprintf(out, " concurrency = %u;", p->concurrency);
	if (p->even_pace)
		fputs(" pace = \"even\";", out);
	if (p->wait != 20)
		fprintf(out, " wait = %u;", p->wait);
	if (p->wait_max != 20)
		fprintf(out, " wait-max = %u;", p->wait_max);
	if (p->messages_per_connection != 1)
		fprintf(out, " messages-per-connection = %u;", p->messages_per_connection);
	print_weights(out, c, "weights", &p->weights);
	print_lanes(out, c, &p->lanes);
	fputs(" };\n", out);
}

static void print_class(FILE *out, const struct mx_conf_class *class)
{
	u32 i;

	fprintf(out, "    %s: {", class->name);
	if (class->marks.count) {
		fputs(" marks = [ ", out);
		for (i = 0; i < class->marks.count; i++) {
			fprintf(out, "%s\"0x%x", i ? ", " : "", class->marks.items[i].value);
			if (class->marks.items[i].mask != 0xffffffff)
				fprintf(out, "/0x%x", class->marks.items[i].mask);
			fputc('"', out);
		}
		fputs(" ];", out);
	}
	if (class->users.count) {
		fputc(' ', out);
		print_numbers(out, "users", &class->users);
	}
	if (class->groups.count) {
		fputc(' ', out);
		print_numbers(out, "groups", &class->groups);
	}
	if (class->clients.count) {
		fputc(' ', out);
		print_nets(out, "clients", &class->clients);
	}
	fputs(" };\n", out);
}

static void print_routes(FILE *out, const struct mx_config *c)
{
	u32 i;

	fputs("routes = (\n", out);
	for (i = 0; i < c->route_count; i++) {
		const struct mx_conf_route *route = &c->routes[i];

		fputs("    {", out);
		if (route->class != MX_NONE)
			fprintf(out, " class = \"%s\";", c->classes[route->class].name);
		if (route->provider != MX_NONE)
			fprintf(out, " provider = \"%s\";", c->providers[route->provider].name);
		fprintf(out, " pool = \"%s\"; }%s\n", c->pools[route->pool].name, i + 1 < c->route_count ? "," : "");
	}
	fputs(");\n", out);
}

static void print_settings(FILE *out, const struct mx_config *c)
{
	static const char *const engines[] = { "auto", "queue", "kmod" };
	static const char *const levels[] = { "error", "warning", "info", "debug" };

	print_option(out, "mode", c->mode == MX_OBSERVE ? "observe" : "enforce");
	if (c->engine != MX_ENGINE_AUTO)
		print_option(out, "engine", engines[c->engine]);
	if (c->ports.count != 1 || c->ports.items[0] != 25) {
		print_numbers(out, "ports", &c->ports);
		fputc('\n', out);
	}
	if (c->mark_mask != 0x0fff0000)
		fprintf(out, "mark-mask = 0x%x%s;\n", c->mark_mask, c->mark_mask > 0x7fffffff ? "L" : "");
	if (c->mark_packets != MX_MARK_AUTO)
		print_option(out, "mark-packets", "always");
	if (c->clients.count) {
		print_nets(out, "clients", &c->clients);
		fputc('\n', out);
	}
	if (c->exempt.count) {
		print_nets(out, "exempt", &c->exempt);
		fputc('\n', out);
	}
	if (*c->manage_addresses)
		print_option(out, "manage-addresses", c->manage_addresses);
	if (c->queues != 2)
		fprintf(out, "queues = %u;\n", c->queues);
	if (c->queue_first != 250)
		fprintf(out, "queue-first = %u;\n", c->queue_first);
	if (!c->flow_accounting)
		fputs("flow-accounting = false;\n", out);
	if (c->when_down != MX_DOWN_BALANCE)
		print_option(out, "when-down", "refuse");
	if (c->log_level != MX_LOG_INFO)
		print_option(out, "log-level", levels[c->log_level]);
}

static void print_changed(FILE *out, const char *name, const char *value, const char *usual)
{
	if (strcmp(value, usual))
		print_option(out, name, value);
}

void mx_config_print(const struct mx_config *c, FILE *out)
{
	u32 i;

	print_settings(out, c);
	print_changed(out, "ledger", c->ledger, "/var/lib/mxload/ledger.db");
	print_changed(out, "control", c->control, "/run/mxload/control.sock");
	print_changed(out, "admin-group", c->admin_group, "mxload");
	print_changed(out, "reader-group", c->reader_group, "");
	print_changed(out, "reputation-user", c->reputation_user, "mxrep");
	print_changed(out, "metrics", c->metrics, "127.0.0.1:9525");
	print_option(out, "catalogue", ""); /* what it gave stands below */
	fputs("sources: {\n", out);
	for (i = 0; i < c->source_count; i++)
		print_source(out, c, &c->sources[i]);
	fputs("};\n", out);
	if (c->schedule_count && !c->schedules[0].shipped) {
		fputs("schedules: {\n", out);
		for (i = 0; i < c->schedule_count && !c->schedules[i].shipped; i++)
			print_schedule(out, &c->schedules[i]);
		fputs("};\n", out);
	}
	fputs("pools: {\n", out);
	for (i = 0; i < c->pool_count; i++)
		print_pool(out, c, &c->pools[i]);
	fputs("};\nproviders: {\n", out);
	for (i = 0; i < c->provider_count; i++)
		print_provider(out, c, &c->providers[i]);
	fputs("};\n", out);
	if (c->class_count) {
		fputs("classes: {\n", out);
		for (i = 0; i < c->class_count; i++)
			print_class(out, &c->classes[i]);
		fputs("};\n", out);
	}
	print_routes(out, c);
}
