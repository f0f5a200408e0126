// SPDX-License-Identifier: GPL-2.0-or-later
/* mxload: a thin client of the control socket. What a command means is the daemon's business. */
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/mxload/client.h"
#include "tools/mxload/complete.h"
#include "tools/mxload/duration.h"
#include "tools/mxload/local.h"
#include "tools/mxload/show.h"
#include "tools/mxload/top.h"

#define WORDS_MAX 4
#define DEFAULT_SOCKET "/run/mxload/control.sock"

/* The options, known by their letters. Which of them a command takes stands in its row. */
struct option_text {
	char letter;
	const char *name, *argument, *help;
};

static const struct option_text option_texts[] = {
	{ 's', "socket", "SOCKET", "of the daemon (MXLOAD_SOCKET, or " DEFAULT_SOCKET ")" },
	{ 'j', "json", NULL, "print the JSON as it came" },
	{ 'h', "help", NULL, "behind a command: what it takes" },
	{ 'V', "version", NULL, "" },
	{ 'b', "by", "lane|source|provider", "one row for each source at each provider (the default), or their sums" },
	{ 'p', "pool", "POOL", "only in this pool; without it, in every pool the source is in" },
	{ 'R', "reset", NULL, "back to the configured weight, instead of N" },
	{ 'f', "for", "TIME", "lift it after that time: 90s, 15m, 2h, 7d" },
	{ 'n', "now", NULL, "reset its open connections, too" },
	{ 'r', "reason", "TEXT", "why; shown in sources and in the log" },
	{ 'c', "class", "CLASS", "as for a connection of that class" },
	{ 'P', "port", "PORT", "of the receiving server (25)" },
	{ 't', "to", "ADDRESS", "only to this address; at the provider \"default\": to its network" },
	{ 'C', "connections", "N", "that were made" },
	{ 'm', "messages", "N", "that they carried, whatever became of them" },
	{ 'S', "sent", "N", "of them" },
	{ 'D', "deferred", "N", "of them" },
	{ 'B', "bounced", "N", "of them" },
	{ 'a', "at", "TIME", "when they were made (2026-11-01T09:00:00Z); now" },
	{ 'F', "follow", NULL, "go on with what opens and closes" },
	{ 'd', "delay", "SECONDS", "between two looks: 0.1 to 3600 (2)" },
	{ 'o', "output", "FILE", "write it there, if there is no such file yet" },
};

#define OPTIONS (sizeof(option_texts) / sizeof(option_texts[0]))
#define GLOBAL "sjhV" /* what may stand before any command */

struct options {
	const char *given[128];      /* by letter: its argument, "" for one without, NULL */
	const char *word[WORDS_MAX]; /* what stands behind the command */
	int words;
};

struct command {
	const char *name, *arguments, *takes, *summary, *details;
	int (*run)(const struct command *command, const struct options *o);
	int least, most; /* words */
};

static const char *given(const struct options *o, char letter)
{
	return o->given[(int)letter];
}

static const struct option_text *option_of(int letter)
{
	size_t i;

	for (i = 0; i < OPTIONS && option_texts[i].letter != letter; i++)
		;
	return i < OPTIONS ? &option_texts[i] : NULL;
}

static bool takes(const struct command *c, const struct option_text *option)
{
	return strchr(c->takes, option->letter);
}

static void print_command_usage(FILE *out, const struct command *c)
{
	size_t i;

	fprintf(out, "usage: mxload %s%s%s", c->name, *c->arguments ? " " : "", c->arguments);
	for (i = 0; i < OPTIONS; i++) {
		const struct option_text *option = &option_texts[i];

		if (takes(c, option))
			fprintf(out, " [--%s%s%s]", option->name, option->argument ? " " : "",
				option->argument ? option->argument : "");
	}
	fputc('\n', out);
}

static int usage_error(const struct command *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int usage_error(const struct command *c, const char *format, ...)
{
	va_list args;

	fputs("mxload: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	print_command_usage(stderr, c);
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

	mx_show_plainly(answer);
	if (given(o, 'j'))
		puts(line);
	if (!json_is_true(json_object_get(answer, "ok"))) {
		const char *error = json_string_value(json_object_get(answer, "error"));

		fprintf(stderr, "mxload: %s\n", error ? error : "refused");
		json_decref(answer);
		return NULL;
	}
	if (!given(o, 'j') && show)
		show(answer);
	fflush(stdout);
	return answer;
}

static int ask_once(json_t *r, const struct options *o, void (*show)(const json_t *))
{
	struct mx_client *client = mx_client_open(given(o, 's'));
	json_t *answer = ask(client, r, o, show);
	int status = answer ? MX_EXIT_OK : MX_EXIT_REFUSED;

	json_decref(answer);
	mx_client_close(client);
	return status;
}

/* Shows what comes behind the answer until `is_last` says so (if given), the daemon closes, or we are interrupted. */
static int stream(json_t *r, const struct options *o, void (*show)(const json_t *), void (*each)(const json_t *),
		  bool (*is_last)(const json_t *))
{
	struct mx_client *client = mx_client_open(given(o, 's'));
	json_t *event = ask(client, r, o, show);
	const char *line;
	bool done;

	if (!event) {
		mx_client_close(client);
		return MX_EXIT_REFUSED;
	}
	done = is_last && is_last(event);
	json_decref(event);
	mx_client_catch_interrupts();
	while (!done && (line = mx_client_next(client))) {
		event = json_loads(line, 0, NULL);
		mx_show_plainly(event);
		if (given(o, 'j'))
			puts(line);
		else if (event)
			each(event);
		done = is_last && is_last(event);
		json_decref(event);
		if (fflush(stdout))
			break; /* nobody reads any more: main() says so */
	}
	mx_client_close(client);
	if (!is_last || done || ferror(stdout))
		return MX_EXIT_OK;
	return mx_client_was_interrupted() ? MX_EXIT_INTERRUPTED : MX_EXIT_NO_DAEMON;
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
	const char *by = given(o, 'b');

	if (!by || !strcmp(by, "lane"))
		return ask_once(request(c->name), o, stats_by_lane);
	if (!strcmp(by, "source"))
		return ask_once(request(c->name), o, stats_by_source);
	if (!strcmp(by, "provider"))
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

static int run_quota(const struct command *c, const struct options *o)
{
	json_t *r = request(c->name);

	put_text(r, "source", o->word[0]);
	put_text(r, "provider", o->word[1]);
	return ask_once(r, o, mx_show_quota);
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
	bool reset = given(o, 'R');
	int lane = reset ? o->words : o->words - 1;
	json_t *r;
	long n = 0;

	if (lane < 1 || lane > 2)
		return usage_error(c, "expected a source, perhaps a provider, and a weight or --reset");
	if (!reset && !parse_number(o->word[lane], 1000, &n))
		return usage_error(c, "expected a weight from 0 to 1000");
	r = request(c->name);
	put_text(r, "source", o->word[0]);
	put_text(r, "provider", lane == 2 ? o->word[1] : NULL);
	put_text(r, "pool", given(o, 'p'));
	if (reset)
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
	put_text(r, "reason", given(o, 'r'));
	put_text(r, "to", given(o, 't'));
	if (given(o, 'f')) {
		long seconds = mx_duration_parse(given(o, 'f'));

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

	if (r && given(o, 'n'))
		json_object_set_new(r, "now", json_true());
	return r ? ask_once(r, o, mx_show_pause) : MX_EXIT_USAGE;
}

static int run_backoff(const struct command *c, const struct options *o)
{
	json_t *r = lane_request(c, o);

	return r ? ask_once(r, o, mx_show_pause) : MX_EXIT_USAGE;
}

static int run_factor(const struct command *c, const struct options *o)
{
	const char *text = o->word[2];
	char *end;
	double factor = strtod(text, &end);
	json_t *r;

	if (end == text || *end || !(factor >= 0 && factor <= 1))
		return usage_error(c, "expected a factor from 0 to 1, like 0.5");
	r = lane_request(c, o);
	json_object_set_new(r, "factor", json_real(factor));
	return ask_once(r, o, mx_show_factor);
}

static int run_settle(const struct command *c, const struct options *o)
{
	static const struct {
		char letter;
		const char *key;
	} counts[] = {
		{ 'C', "connections" }, { 'm', "messages" }, { 'S', "sent" }, { 'D', "deferred" }, { 'B', "bounced" }
	};
	json_t *r = lane_request(c, o);
	size_t i;
	long n;

	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		if (!given(o, counts[i].letter))
			continue;
		if (!parse_number(given(o, counts[i].letter), 100000000, &n)) {
			json_decref(r);
			return usage_error(c, "--%s: expected a number", counts[i].key);
		}
		json_object_set_new(r, counts[i].key, json_integer(n));
	}
	put_text(r, "at", given(o, 'a'));
	return ask_once(r, o, mx_show_settle);
}

/* [SOURCE [PROVIDER]] [STEP]: a step stands last. */
static int run_warmup(const struct command *c, const struct options *o)
{
	static const char *const steps[] = { "start", "hold", "resume", "back", "finish" };
	const char *last = o->words ? o->word[o->words - 1] : "";
	int lane = o->words;
	json_t *r = request(c->name);
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (o->words > 1 && !strcmp(last, steps[i])) {
			put_text(r, "step", last);
			lane--;
		}
	if (lane > 2) {
		json_decref(r);
		return usage_error(c, "expected start, hold, resume, back or finish, not %s", last);
	}
	put_text(r, "source", lane > 0 ? o->word[0] : NULL);
	put_text(r, "provider", lane > 1 ? o->word[1] : NULL);
	return ask_once(r, o, mx_show_warmup);
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

static bool is_drained(const json_t *a)
{
	const json_t *live = json_object_get(a, "live");

	return json_is_integer(live) && !json_integer_value(live);
}

static int run_drain(const struct command *c, const struct options *o)
{
	json_t *r = lane_request(c, o);
	int status = r ? stream(r, o, show_live, show_live, is_drained) : MX_EXIT_USAGE;

	if (status == MX_EXIT_NO_DAEMON)
		fputs("mxload: the daemon closed the connection before the last one of the source had closed\n",
		      stderr);
	if (status == MX_EXIT_NO_DAEMON || status == MX_EXIT_INTERRUPTED)
		fprintf(stderr, "mxload: the pause stays; to lift it: mxload resume %s%s%s\n", o->word[0],
			o->words > 1 ? " " : "", o->words > 1 ? o->word[1] : "");
	return status;
}

static int run_explain(const struct command *c, const struct options *o)
{
	json_t *r;
	long port = 25;

	if (given(o, 'P') && (!parse_number(given(o, 'P'), 65535, &port) || !port))
		return usage_error(c, "--port: expected a number from 1 to 65535");
	r = request(c->name);
	put_text(r, "address", o->word[0]);
	put_text(r, "class", given(o, 'c'));
	if (given(o, 'P'))
		json_object_set_new(r, "port", json_integer(port));
	return ask_once(r, o, mx_show_explain);
}

static int run_learn(const struct command *c, const struct options *o)
{
	json_t *r = request(c->name);

	put_text(r, "address", o->word[0]);
	put_text(r, "provider", o->word[1]);
	return ask_once(r, o, mx_show_learn);
}

static int run_forget(const struct command *c, const struct options *o)
{
	json_t *r = request(c->name);

	put_text(r, "address", o->word[0]);
	return ask_once(r, o, mx_show_learn);
}

static int run_flows(const struct command *c, const struct options *o)
{
	json_t *r = request(c->name);

	put_text(r, "to", given(o, 't'));
	if (!given(o, 'F'))
		return ask_once(r, o, mx_show_flows);
	json_object_set_new(r, "follow", json_true());
	return stream(r, o, mx_show_flows, mx_show_event, NULL);
}

static int run_watch(const struct command *c, const struct options *o)
{
	return stream(request(c->name), o, NULL, mx_show_event, NULL);
}

static void show_generation(const json_t *a)
{
	printf("generation %lld is in force\n", (long long)json_integer_value(json_object_get(a, "generation")));
}

static int run_top(const struct command *c, const struct options *o)
{
	const char *text = given(o, 'd');
	double interval = MX_TOP_INTERVAL;
	char *end;

	if (given(o, 'j'))
		return usage_error(c, "top prints no JSON: mxload -j stats does");
	if (text) {
		interval = strtod(text, &end);
		if (end == text || *end || !(interval >= MX_TOP_INTERVAL_LEAST && interval <= MX_TOP_INTERVAL_MOST))
			return usage_error(c, "--delay: expected seconds from 0.1 to 3600");
	}
	return mx_top_run(given(o, 's'), interval);
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
	return mx_local_init(given(o, 'o'));
}

#define LANE_HELP                                                                                                      \
	"  SOURCE             a source of the configuration\n"                                                         \
	"  PROVIDER           only at this provider; without it, everywhere\n"

static const struct command commands[] = {
	{ "status", "", "", "how the daemon and its table are", "", run_status, 0, 0 },
	{ "stats", "", "b", "what was sent from where, and what was asked for", "", run_stats, 0, 0 },
	{ "sources", "", "", "the source addresses and their states", "", run_sources, 0, 0 },
	{ "providers", "[PROVIDER]", "", "the providers; with a name, its lanes and learned addresses too", "",
	  run_providers, 0, 1 },
	{ "pools", "", "", "the pools and their members", "", run_pools, 0, 0 },
	{ "quota", "[SOURCE [PROVIDER]]", "", "every limit: what is used, what is free, and when more is", "",
	  run_quota, 0, 2 },
	{ "weight", "SOURCE [PROVIDER] N", "pR", "change a weight now, durably",
	  LANE_HELP "  N                  from 0 (nothing) to 1000\n", run_weight, 1, 3 },
	{ "pause", "SOURCE [PROVIDER]", "fnrt", "no new connections from a source; open ones go on", LANE_HELP,
	  run_pause, 1, 2 },
	{ "resume", "SOURCE [PROVIDER]", "t", "take a pause or a back-off back", LANE_HELP, run_resume, 1, 2 },
	{ "drain", "SOURCE [PROVIDER]", "fr", "pause, and wait until the last connection has closed",
	  LANE_HELP "Ends with 0 open connections. The pause stays, also when interrupted.\n", run_drain, 1, 2 },
	{ "backoff", "SOURCE PROVIDER", "frt", "pause a source, then let it come back one connection after another",
	  "  SOURCE             a source of the configuration\n"
	  "  PROVIDER           where it was blocked\n"
	  "Without --for the pause takes ten minutes. mxload resume ends it at once.\n",
	  run_backoff, 2, 2 },
	{ "factor", "SOURCE PROVIDER F", "", "multiply a source's weight at a provider, for its reputation there",
	  "  SOURCE             a source of the configuration\n"
	  "  PROVIDER           where\n"
	  "  F                  from 0 (nothing) to 1 (as configured)\n",
	  run_factor, 3, 3 },
	{ "warmup", "[SOURCE [PROVIDER] [start|hold|resume|back|finish]]", "", "where warm-ups are, or steer one",
	  "  start              from the first day on\n"
	  "  hold, resume       stay on this day; no longer\n"
	  "  back               a day back\n"
	  "  finish             no cap any more\n",
	  run_warmup, 0, 3 },
	{ "settle", "SOURCE PROVIDER", "CmSDBat", "tell how many messages connections have carried",
	  "  SOURCE             a source of the configuration\n"
	  "  PROVIDER           where they went\n",
	  run_settle, 2, 2 },
	{ "explain", "ADDRESS", "cP", "what would be decided now for a destination, and why",
	  "  ADDRESS            of the receiving server\n", run_explain, 1, 1 },
	{ "learn", "ADDRESS PROVIDER", "", "say whose an address is, durably",
	  "  ADDRESS            of a receiving server\n"
	  "  PROVIDER           of the configuration\n",
	  run_learn, 2, 2 },
	{ "forget", "ADDRESS", "", "unlearn whose an address is, however it was learned",
	  "  ADDRESS            of a receiving server\n", run_forget, 1, 1 },
	{ "flows", "", "tF", "open and recent connections", "", run_flows, 0, 0 },
	{ "watch", "", "", "every decision, close and change as it happens", "", run_watch, 0, 0 },
	{ "top", "", "d", "all of that on a live screen", "  q leaves, h lists the keys. -d is short for --delay.\n",
	  run_top, 0, 0 },
	{ "reload", "", "", "read the configuration again", "", run_reload, 0, 0 },
	{ "check", "FILE", "", "check a configuration; needs no daemon", "", run_check, 1, 1 },
	{ "init", "", "o", "a starter configuration from this host's addresses; needs no daemon", "", run_init, 0, 0 },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* --- the command line ------------------------------------------------------------------------------------------- */

static void print_option(FILE *out, const struct option_text *option)
{
	char text[64];

	snprintf(text, sizeof(text), "--%s%s%s", option->name, option->argument ? " " : "",
		 option->argument ? option->argument : "");
	fprintf(out, "  %-17s  %s\n", text, option->help);
}

static void print_usage(FILE *out)
{
	size_t i;

	fputs("usage: mxload [-s SOCKET] [-j] COMMAND [ARGUMENT...]\n\n", out);
	for (i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fputs("\n  -s SOCKET  of the daemon (MXLOAD_SOCKET, or " DEFAULT_SOCKET ")\n"
	      "  -j         print the JSON as it came\n"
	      "  --help     behind a command: what it takes\n"
	      "  --version\n"
	      "\nExit status: 0; 1 refused by the daemon, or a bad file, or output that cannot be written; 2 usage;\n"
	      "3 no daemon, or it went away; 130 interrupted.\n",
	      out);
}

static void print_help(const struct command *c)
{
	size_t i;

	print_command_usage(stdout, c);
	printf("%s\n\n%s", c->summary, c->details);
	for (i = 0; i < OPTIONS; i++)
		if (takes(c, &option_texts[i]))
			print_option(stdout, &option_texts[i]);
}

/* False after an error: getopt has said which. */
static bool take_options(struct options *o, int argc, char **argv)
{
	struct option known[OPTIONS + 1] = { 0 };
	size_t i;
	int letter;

	for (i = 0; i < OPTIONS; i++)
		known[i] = (struct option){ option_texts[i].name,
					    option_texts[i].argument ? required_argument : no_argument, NULL,
					    option_texts[i].letter };
	while ((letter = getopt_long(argc, argv, "s:jhd:", known, NULL)) != -1) {
		if (!option_of(letter))
			return false;
		o->given[letter] = optarg ? optarg : "";
	}
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

/* What goes to the daemon is JSON, and JSON is UTF-8. */
static bool is_utf8(const char *text)
{
	json_t *string = json_string(text);

	json_decref(string);
	return string;
}

static int run(const struct command *c, const struct options *o)
{
	bool asks = c->run != run_check && c->run != run_init;
	size_t i;
	int word;

	for (i = 0; i < OPTIONS; i++) {
		const struct option_text *option = &option_texts[i];

		if (!given(o, option->letter) || strchr(GLOBAL, option->letter))
			continue;
		if (!takes(c, option))
			return usage_error(c, "%s takes no --%s", c->name, option->name);
		if (asks && !is_utf8(given(o, option->letter)))
			return usage_error(c, "--%s: what stands behind it is not UTF-8", option->name);
	}
	if (given(o, 'h')) {
		print_help(c);
		return MX_EXIT_OK;
	}
	if (o->words < c->least)
		return usage_error(c, "an argument is missing");
	if (o->words > c->most)
		return usage_error(c, "too many arguments");
	for (word = 0; word < o->words; word++)
		if (!*o->word[word] || (asks && !is_utf8(o->word[word])))
			return usage_error(c, "argument %d is %s", word + 1, *o->word[word] ? "not UTF-8" : "empty");
	return c->run(c, o);
}

static int act(int argc, char **argv)
{
	const char *socket = getenv("MXLOAD_SOCKET");
	struct options o = { .words = 0 };
	const struct command *command;
	int i;

	/* for the shells: what stands behind it are another command line's words */
	if (argc > 1 && !strcmp(argv[1], "complete"))
		return mx_complete(socket ? socket : DEFAULT_SOCKET, argc - 2, argv + 2);
	if (!take_options(&o, argc, argv)) {
		print_usage(stderr);
		return MX_EXIT_USAGE;
	}
	if (given(&o, 'V')) {
		puts("mxload " MX_VERSION);
		return MX_EXIT_OK;
	}
	if (optind == argc) {
		print_usage(given(&o, 'h') ? stdout : stderr);
		return given(&o, 'h') ? MX_EXIT_OK : MX_EXIT_USAGE;
	}
	command = find_command(argv[optind]);
	if (!command) {
		fprintf(stderr, "mxload: unknown command %s: mxload --help lists them\n", argv[optind]);
		return MX_EXIT_USAGE;
	}
	for (i = optind + 1; i < argc && o.words < WORDS_MAX; i++)
		o.word[o.words++] = argv[i];
	if (!given(&o, 's'))
		o.given['s'] = socket ? socket : DEFAULT_SOCKET;
	return run(command, &o);
}

int main(int argc, char **argv)
{
	int status = act(argc, argv);

	if (fflush(stdout) || ferror(stdout)) {
		fputs("mxload: the output cannot be written\n", stderr);
		return status ? status : MX_EXIT_REFUSED;
	}
	return status;
}
