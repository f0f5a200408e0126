// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxsim/options.h"

#include <ctype.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "tools/mxload/duration.h"

#define MOST_DAYS 3650

static const char usage[] =
	"usage: mxsim -c FILE --rate RATE [OPTION]...\n"
	"Tries a configuration of mxload against mail that is only thought, in no time: shares, limits, warm-ups.\n"
	"\n"
	"  -c, --config FILE          the configuration (default: /etc/mxload/mxload.conf)\n"
	"  -d, --days N               how long; 1 to 3650 (60)\n"
	"      --start DATE           the first day, 2026-11-01 (the earliest start of a warm-up, or today)\n"
	"\n"
	"the mail\n"
	"  -r, --rate N/day           messages to each provider; N/hour too\n"
	"  -r, --rate PROVIDER=N/day  messages to one provider; may be given for several\n"
	"      --pattern even         spread over the day\n"
	"      --pattern wave         more by day than by night, most at 14:00\n"
	"      --pattern burst        each hour's mail in its first minute\n"
	"      --pattern blast        a million recipients at 09:00 on the first day, shared out as --rate says, no "
	"other\n"
	"      --blast N              such a blast, of N recipients, beside the other mail\n"
	"      --networks N           destination networks of the provider default; 1 to 65536 (256)\n"
	"      --class CLASS          mail of that class\n"
	"      --seed N               other phases, other networks (1)\n"
	"\n"
	"the mail server, and the providers'\n"
	"      --messages-per-connection N   that a connection carries; 1 to 10000 (1)\n"
	"      --retry TIME[,TIME]...        when refused mail is tried again; then always the last\n"
	"                                    (5m,10m,20m,40m,60m; minutes at least)\n"
	"      --lifetime TIME               how long refused mail is kept (5d)\n"
	"      --duration SECONDS            that a connection lasts; 1 to 3600 (3)\n"
	"\n"
	"what is said of it (else a table)\n"
	"  -j, --json                 the same figures as JSON\n"
	"      --csv FILE             also a line for each day, source and provider; - is standard output\n"
	"      --hourly               ... for each hour\n"
	"      --html FILE            also a page with plots\n"
	"      --trace FILE           also each decision\n"
	"      --every                decide also what can only be refused again: slower, and the same\n"
	"      --speed                decisions a second, at the end\n"
	"  -h, --help, --version\n";

const char *sim_pattern_name(enum sim_pattern pattern)
{
	static const char *const names[] = { "even", "wave", "burst", "blast" };

	return names[pattern];
}

void sim_fail(const char *format, ...)
{
	va_list args;

	fputs("mxsim: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static void wrong(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void wrong(const char *format, ...)
{
	va_list args;

	fputs("mxsim: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("\nmxsim --help says more\n", stderr);
	exit(2);
}

/* A whole number up to `most`, and what stands behind it. False: there is none. */
static bool read_number(const char *text, u64 most, u64 *n, const char **end)
{
	const char *at = text;

	for (*n = 0; isdigit((unsigned char)*at); at++) {
		if (*n > most / 10)
			return false;
		*n = 10 * *n + (u64)(*at - '0');
	}
	*end = at;
	return at > text && *n <= most;
}

static u64 number(const char *option, const char *text, u64 least, u64 most)
{
	const char *end;
	u64 n;

	if (!read_number(text, most, &n, &end) || *end || n < least)
		wrong("%s %s: expected a number from %llu to %llu", option, text, (unsigned long long)least,
		      (unsigned long long)most);
	return n;
}

/* "google=20000/day", "500/hour" */
static void add_rate(struct sim_plan *plan, char *text)
{
	char *amount = strchr(text, '='), *whole = mx_strdup(text);
	struct sim_rate rate = { NULL, 0 };
	const char *unit;
	bool hourly;

	if (amount) {
		*amount++ = '\0';
		rate.provider = text;
	}
	if (!read_number(amount ? amount : text, SIM_MOST, &rate.per_day, &unit) ||
	    (strcmp(unit, "/day") && strcmp(unit, "/hour")))
		wrong("--rate %s: expected N/day or N/hour, or PROVIDER=N/day, with at most %d a day", whole, SIM_MOST);
	hourly = !strcmp(unit, "/hour");
	if (hourly && rate.per_day > SIM_MOST / 24)
		wrong("--rate %s: expected at most %d a day", whole, SIM_MOST);
	rate.per_day *= hourly ? 24 : 1;
	free(whole);
	plan->rates = mx_grow(plan->rates, plan->rate_count, sizeof(*plan->rates));
	plan->rates[plan->rate_count++] = rate;
}

/* A duration in whole minutes. */
static u32 minutes(const char *option, const char *text, u32 most)
{
	long seconds = mx_duration_parse(text);

	if (seconds < 60 || seconds % 60 || (u32)(seconds / 60) > most)
		wrong("%s %s: expected a time in whole minutes, 5m or 2h, up to %ud", option, text,
		      most / SIM_DAY_MINUTES);
	return (u32)(seconds / 60);
}

static void read_retry(struct sim_plan *plan, char *text)
{
	char *rest = text, *one;

	plan->retries = 0;
	while ((one = strsep(&rest, ","))) {
		if (plan->retries == SIM_RETRIES)
			wrong("--retry: expected at most %d times", SIM_RETRIES);
		plan->retry[plan->retries++] = minutes("--retry", one, 7 * SIM_DAY_MINUTES);
	}
}

static enum sim_pattern pattern(const char *text)
{
	enum sim_pattern p;

	for (p = SIM_EVEN; p <= SIM_BLAST; p++)
		if (!strcmp(text, sim_pattern_name(p)))
			return p;
	wrong("--pattern %s: expected even, wave, burst or blast", text);
}

enum {
	START = 256,
	PATTERN,
	BLAST,
	NETWORKS,
	CLASS,
	SEED,
	CARRIED,
	RETRY,
	LIFETIME,
	DURATION,
	CSV,
	HOURLY,
	HTML,
	TRACE,
	EVERY,
	SPEED,
	VERSION
};

static const struct option longs[] = { { "config", required_argument, NULL, 'c' },
				       { "days", required_argument, NULL, 'd' },
				       { "rate", required_argument, NULL, 'r' },
				       { "json", no_argument, NULL, 'j' },
				       { "help", no_argument, NULL, 'h' },
				       { "start", required_argument, NULL, START },
				       { "pattern", required_argument, NULL, PATTERN },
				       { "blast", required_argument, NULL, BLAST },
				       { "networks", required_argument, NULL, NETWORKS },
				       { "class", required_argument, NULL, CLASS },
				       { "seed", required_argument, NULL, SEED },
				       { "messages-per-connection", required_argument, NULL, CARRIED },
				       { "retry", required_argument, NULL, RETRY },
				       { "lifetime", required_argument, NULL, LIFETIME },
				       { "duration", required_argument, NULL, DURATION },
				       { "csv", required_argument, NULL, CSV },
				       { "hourly", no_argument, NULL, HOURLY },
				       { "html", required_argument, NULL, HTML },
				       { "trace", required_argument, NULL, TRACE },
				       { "every", no_argument, NULL, EVERY },
				       { "speed", no_argument, NULL, SPEED },
				       { "bench", no_argument, NULL, SPEED },
				       { "version", no_argument, NULL, VERSION },
				       { 0 } };

/* Of the mail and the servers. */
static bool read_model_option(struct sim_plan *p, int option, char *text)
{
	switch (option) {
	case 'r':
		add_rate(p, text);
		return true;
	case PATTERN:
		p->pattern = pattern(text);
		return true;
	case BLAST:
		p->blast = (u32)number("--blast", text, 1, SIM_MOST);
		return true;
	case NETWORKS:
		p->networks = (u32)number("--networks", text, 1, SIM_MOST_NETWORKS);
		return true;
	case CLASS:
		p->class = text;
		return true;
	case SEED:
		p->seed = number("--seed", text, 0, ~0u);
		return true;
	case CARRIED:
		p->carried = (u32)number("--messages-per-connection", text, 1, 10000);
		return true;
	case RETRY:
		read_retry(p, text);
		return true;
	case LIFETIME:
		p->lifetime = minutes("--lifetime", text, 30 * SIM_DAY_MINUTES);
		return true;
	case DURATION:
		p->duration = 1000 * (u32)number("--duration", text, 1, 3600);
		return true;
	default:
		return false;
	}
}

static void read_option(struct sim_plan *p, int option, char *text)
{
	if (read_model_option(p, option, text))
		return;
	switch (option) {
	case 'c':
		p->config = text;
		break;
	case 'd':
		p->days = (u32)number("--days", text, 1, MOST_DAYS);
		break;
	case START:
		p->start = text;
		break;
	case 'j':
		p->json = true;
		break;
	case CSV:
		p->csv = text;
		break;
	case HOURLY:
		p->hourly = true;
		break;
	case HTML:
		p->html = text;
		break;
	case TRACE:
		p->trace = text;
		break;
	case EVERY:
		p->every = true;
		break;
	case SPEED:
		p->speed = true;
		break;
	case 'h':
		fputs(usage, stdout);
		exit(0);
	case VERSION:
		puts("mxsim " MX_VERSION);
		exit(0);
	default: /* getopt has said what is wrong */
		fputs("mxsim --help says more\n", stderr);
		exit(2);
	}
}

void sim_options_read(struct sim_plan *p, int argc, char **argv)
{
	int option;

	*p = (struct sim_plan){ .config = "/etc/mxload/mxload.conf",
				.days = 60,
				.carried = 1,
				.retry = { 5, 10, 20, 40, 60 },
				.retries = 5,
				.lifetime = 5 * SIM_DAY_MINUTES,
				.duration = 3000,
				.networks = 256,
				.seed = 1 };
	while ((option = getopt_long(argc, argv, "c:d:r:jh", longs, NULL)) != -1)
		read_option(p, option, optarg);
	if (optind != argc)
		wrong("%s: expected options alone", argv[optind]);
	if (p->pattern == SIM_BLAST && !p->blast)
		p->blast = 1000000;
	if (!p->rate_count && !p->blast)
		wrong("expected --rate: how much mail there is");
	if (p->hourly && !p->csv)
		wrong("--hourly: expected --csv too");
}
