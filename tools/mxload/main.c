// SPDX-License-Identifier: GPL-2.0-or-later
/* mxload: a thin client of the control socket. What a command means is the daemon's business. */
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/mxload/client.h"
#include "tools/mxload/duration.h"
#include "tools/mxload/local.h"
#include "tools/mxload/show.h"

#define MX_VERSION "0.1"
#define WORDS_MAX 4

struct options {
	const char *socket, *by, *pool, *period, *reason, *class, *port, *to, *output;
	bool json, help, reset, follow;
	const char *word[WORDS_MAX]; /* what stands behind the command */
	int words;
};

struct command {
	const char *name, *arguments, *summary, *details;
	int (*run)(const struct command *command, const struct options *o);
	int least, most; /* words */
};

static int usage_error(const struct command *c, const char *what)
{
	fprintf(stderr, "mxload: %s\nusage: mxload %s%s%s\n", what, c->name, *c->arguments ? " " : "", c->arguments);
	return MX_EXIT_USAGE;
}

/* --- asking ----------------------------------------------------------------------------------------------------- */

static json_t *request(const char *command)
{
	return json_pack("{s:s}", "command", command);
}

static void put_text(json_t *r, const char *key, const char *value)
{
	if (value)
		json_object_set_new(r, key, json_string(value));
}

/* Asks and shows, or prints the line as it came. NULL when the daemon refused. */
static json_t *ask(struct mx_client *client, json_t *r, const struct options *o, void (*show)(const json_t *))
{
	const char *line;
	json_t *answer = mx_client_ask(client, r, &line);

	if (o->json)
		puts(line);
	if (!json_is_true(json_object_get(answer, "ok"))) {
		const char *error = json_string_value(json_object_get(answer, "error"));

		fprintf(stderr, "mxload: %s\n", error ? error : "refused");
		json_decref(answer);
		return NULL;
	}
	if (!o->json && show)
		show(answer);
	fflush(stdout);
	return answer;
}

static int ask_once(json_t *r, const struct options *o, void (*show)(const json_t *))
{
	struct mx_client *client = mx_client_open(o->socket);
	json_t *answer = ask(client, r, o, show);
	int status = answer ? MX_EXIT_OK : MX_EXIT_REFUSED;

	json_decref(answer);
	mx_client_close(client);
	return status;
}

static int stream(json_t *r, const struct options *o, void (*show)(const json_t *), void (*each)(const json_t *))
{
	struct mx_client *client = mx_client_open(o->socket);
	json_t *answer = ask(client, r, o, show), *event;
	const char *line;

	if (!answer) {
		mx_client_close(client);
		return MX_EXIT_REFUSED;
	}
	json_decref(answer);
	while ((line = mx_client_next(client))) {
		event = o->json ? NULL : json_loads(line, 0, NULL);
		if (o->json)
			puts(line);
		else if (event)
			each(event);
		json_decref(event);
		if (fflush(stdout))
			break; /* nobody reads any more */
	}
	mx_client_close(client);
	return MX_EXIT_OK;
}

/* --- commands --------------------------------------------------------------------------------------------------- */

static int run_status(const struct command *c, const struct options *o)
{
	return ask_once(request(c->name), o, mx_show_status);
}

static void stats_by_lane(const json_t *a)
{
	mx_show_stats(a, MX_BY_LANE);
}

static void stats_by_source(const json_t *a)
{
	mx_show_stats(a, MX_BY_SOURCE);
}

static void stats_by_provider(const json_t *a)
{
	mx_show_stats(a, MX_BY_PROVIDER);
}

static int run_stats(const struct command *c, const struct options *o)
{
	if (!o->by || !strcmp(o->by, "lane"))
		return ask_once(request(c->name), o, stats_by_lane);
	if (!strcmp(o->by, "source"))
		return ask_once(request(c->name), o, stats_by_source);
	if (!strcmp(o->by, "provider"))
		return ask_once(request(c->name), o, stats_by_provider);
	return usage_error(c, "--by: expected lane, source or provider");
}

static int run_sources(const struct command *c, const struct options *o)
{
	return ask_once(request(c->name), o, mx_show_sources);
}

static int run_providers(const struct command *c, const struct options *o)
{
	json_t *r = request(c->name);

	put_text(r, "name", o->word[0]);
	return ask_once(r, o, mx_show_providers);
}

static int run_pools(const struct command *c, const struct options *o)
{
	return ask_once(request(c->name), o, mx_show_pools);
}

static bool parse_number(const char *text, long most, long *n)
{
	char *end;

	*n = strtol(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && *n <= most;
}

/* SOURCE [PROVIDER] N, or SOURCE [PROVIDER] --reset */
static int run_weight(const struct command *c, const struct options *o)
{
	int lane = o->reset ? o->words : o->words - 1;
	json_t *r;
	long n = 0;

	if (lane < 1 || lane > 2)
		return usage_error(c, "expected a source, perhaps a provider, and a weight or --reset");
	if (!o->reset && !parse_number(o->word[lane], 1000, &n))
		return usage_error(c, "expected a weight from 0 to 1000");
	r = request(c->name);
	put_text(r, "source", o->word[0]);
	put_text(r, "provider", lane == 2 ? o->word[1] : NULL);
	put_text(r, "pool", o->pool);
	if (o->reset)
		json_object_set_new(r, "reset", json_true());
	else
		json_object_set_new(r, "weight", json_integer(n));
	return ask_once(r, o, mx_show_weight);
}

/* NULL after a usage error. */
static json_t *lane_request(const struct command *c, const struct options *o)
{
	json_t *r = request(c->name);

	put_text(r, "source", o->word[0]);
	put_text(r, "provider", o->word[1]);
	put_text(r, "reason", o->reason);
	if (o->period) {
		long seconds = mx_duration_parse(o->period);

		if (seconds < 0) {
			usage_error(c, "--for: expected a duration like 90s, 15m, 2h or 7d");
			json_decref(r);
			return NULL;
		}
		json_object_set_new(r, "for", json_integer(seconds));
	}
	return r;
}

static int run_pause(const struct command *c, const struct options *o)
{
	json_t *r = lane_request(c, o);

	return r ? ask_once(r, o, mx_show_pause) : MX_EXIT_USAGE;
}

static int run_resume(const struct command *c, const struct options *o)
{
	json_t *r = lane_request(c, o);

	return r ? ask_once(r, o, NULL) : MX_EXIT_USAGE;
}

static void show_live(const json_t *a)
{
	long long live = (long long)json_integer_value(json_object_get(a, "live"));

	printf(live == 1 ? "%lld connection is open\n" : "%lld connections are open\n", live);
	fflush(stdout);
}

static int run_drain(const struct command *c, const struct options *o)
{
	json_t *r = lane_request(c, o);

	return r ? stream(r, o, show_live, show_live) : MX_EXIT_USAGE;
}

static int run_explain(const struct command *c, const struct options *o)
{
	json_t *r;
	long port = 25;

	if (o->port && (!parse_number(o->port, 65535, &port) || !port))
		return usage_error(c, "--port: expected a number from 1 to 65535");
	r = request(c->name);
	put_text(r, "address", o->word[0]);
	put_text(r, "class", o->class);
	if (o->port)
		json_object_set_new(r, "port", json_integer(port));
	return ask_once(r, o, mx_show_explain);
}

static int run_flows(const struct command *c, const struct options *o)
{
	json_t *r = request(c->name);

	put_text(r, "to", o->to);
	if (!o->follow)
		return ask_once(r, o, mx_show_flows);
	json_object_set_new(r, "follow", json_true());
	return stream(r, o, mx_show_flows, mx_show_event);
}

static int run_watch(const struct command *c, const struct options *o)
{
	return stream(request(c->name), o, NULL, mx_show_event);
}

static void show_generation(const json_t *a)
{
	printf("generation %lld is in force\n", (long long)json_integer_value(json_object_get(a, "generation")));
}

static int run_reload(const struct command *c, const struct options *o)
{
	return ask_once(request(c->name), o, show_generation);
}

static int run_check(const struct command *c, const struct options *o)
{
	(void)c;
	return mx_local_check(o->word[0]);
}

static int run_init(const struct command *c, const struct options *o)
{
	(void)c;
	return mx_local_init(o->output);
}

#define LANE_HELP                                                                                                      \
	"  SOURCE      a source of the configuration\n"                                                                \
	"  PROVIDER    only at this provider; without it, everywhere\n"
#define PAUSE_HELP                                                                                                     \
	LANE_HELP "  --for TIME  lift it after that time: 90s, 15m, 2h, 7d\n"                                          \
		  "  --reason TEXT  why; shown in sources and in the log\n"

static const struct command commands[] = {
	{ "status", "", "how the daemon and its table are", "", run_status, 0, 0 },
	{ "stats", "[--by lane|source|provider]", "what was sent from where, and what was asked for",
	  "  --by        one row for each source at each provider (lane, the default), or their sums\n", run_stats, 0,
	  0 },
	{ "sources", "", "the source addresses and their states", "", run_sources, 0, 0 },
	{ "providers", "[NAME]", "the providers; with a name, its prefixes and lanes too", "", run_providers, 0, 1 },
	{ "pools", "", "the pools and their members", "", run_pools, 0, 0 },
	{ "weight", "SOURCE [PROVIDER] N | SOURCE [PROVIDER] --reset", "change a weight now, durably",
	  LANE_HELP "  N           from 0 (nothing) to 1000\n"
		    "  --pool POOL only in this pool; without it, in every pool the source is in\n"
		    "  --reset     back to the configured weight\n",
	  run_weight, 1, 3 },
	{ "pause", "SOURCE [PROVIDER]", "no new connections from a source; open ones go on", PAUSE_HELP, run_pause, 1,
	  2 },
	{ "resume", "SOURCE [PROVIDER]", "take a pause back", LANE_HELP, run_resume, 1, 2 },
	{ "drain", "SOURCE [PROVIDER]", "pause, and wait until the last connection has closed",
	  PAUSE_HELP "Ends with 0 open connections; interrupted, the pause stays.\n", run_drain, 1, 2 },
	{ "explain", "ADDRESS [--class CLASS] [--port PORT]", "what would be decided now for a destination, and why",
	  "  ADDRESS     of the receiving server\n"
	  "  --class C   as for a connection of that class\n"
	  "  --port P    of the receiving server (25)\n",
	  run_explain, 1, 1 },
	{ "flows", "[--to ADDRESS] [--follow]", "open and recent connections",
	  "  --to A      only to this address\n"
	  "  --follow    go on with what opens and closes\n",
	  run_flows, 0, 0 },
	{ "watch", "", "every decision, close and change as it happens", "", run_watch, 0, 0 },
	{ "reload", "", "read the configuration again", "", run_reload, 0, 0 },
	{ "check", "FILE", "check a configuration; needs no daemon", "", run_check, 1, 1 },
	{ "init", "[--output FILE]", "a starter configuration from this host's addresses; needs no daemon",
	  "  --output F  write it there, if there is no such file yet\n", run_init, 0, 0 },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* --- the command line ------------------------------------------------------------------------------------------- */

static void print_usage(FILE *out)
{
	size_t i;

	fputs("usage: mxload [-s SOCKET] [-j] COMMAND [ARGUMENT...]\n\n", out);
	for (i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fputs("\n  -s SOCKET  of the daemon (MXLOAD_SOCKET, or /run/mxload/control.sock)\n"
	      "  -j         print the JSON as it came\n"
	      "  --help     behind a command: what it takes\n"
	      "  --version\n"
	      "\nExit status: 0; 1 refused by the daemon; 2 usage; 3 no daemon.\n",
	      out);
}

static const struct option long_options[] = {
	{ "by", required_argument, NULL, 'b' },
	{ "pool", required_argument, NULL, 'p' },
	{ "for", required_argument, NULL, 'f' },
	{ "reason", required_argument, NULL, 'r' },
	{ "class", required_argument, NULL, 'c' },
	{ "port", required_argument, NULL, 'P' },
	{ "to", required_argument, NULL, 't' },
	{ "output", required_argument, NULL, 'o' },
	{ "reset", no_argument, NULL, 'R' },
	{ "follow", no_argument, NULL, 'F' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "socket", required_argument, NULL, 's' },
	{ "json", no_argument, NULL, 'j' },
	{ 0 },
};

/* What getopt returned goes here; false: unknown. */
static bool take_option(struct options *o, int option)
{
	const char **const texts[] = {
		['b'] = &o->by,   ['p'] = &o->pool, ['f'] = &o->period, ['r'] = &o->reason, ['c'] = &o->class,
		['P'] = &o->port, ['t'] = &o->to,   ['o'] = &o->output, ['s'] = &o->socket
	};
	bool *const flags[] = { ['R'] = &o->reset, ['F'] = &o->follow, ['h'] = &o->help, ['j'] = &o->json };

	if (option < (int)(sizeof(texts) / sizeof(texts[0])) && texts[option])
		*texts[option] = optarg;
	else if (option < (int)(sizeof(flags) / sizeof(flags[0])) && flags[option])
		*flags[option] = true;
	else
		return false;
	return true;
}

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static int run(const struct command *c, const struct options *o)
{
	if (o->help) {
		printf("usage: mxload %s%s%s\n%s\n%s", c->name, *c->arguments ? " " : "", c->arguments, c->summary,
		       c->details);
		return MX_EXIT_OK;
	}
	if (o->words < c->least)
		return usage_error(c, "an argument is missing");
	if (o->words > c->most)
		return usage_error(c, "too many arguments");
	return c->run(c, o);
}

int main(int argc, char **argv)
{
	const char *socket = getenv("MXLOAD_SOCKET");
	struct options o = { .socket = socket ? socket : "/run/mxload/control.sock" };
	const struct command *command;
	int c, i;

	while ((c = getopt_long(argc, argv, "s:jh", long_options, NULL)) != -1) {
		if (c == 'V') {
			puts("mxload " MX_VERSION);
			return MX_EXIT_OK;
		}
		if (!take_option(&o, c)) {
			print_usage(stderr);
			return MX_EXIT_USAGE;
		}
	}
	if (optind == argc) {
		print_usage(o.help ? stdout : stderr);
		return o.help ? MX_EXIT_OK : MX_EXIT_USAGE;
	}
	command = find_command(argv[optind]);
	if (!command) {
		fprintf(stderr, "mxload: unknown command %s: mxload --help lists them\n", argv[optind]);
		return MX_EXIT_USAGE;
	}
	for (i = optind + 1; i < argc && o.words < WORDS_MAX; i++)
		o.word[o.words++] = argv[i];
	return run(command, &o);
}
