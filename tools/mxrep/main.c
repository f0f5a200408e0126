// SPDX-License-Identifier: GPL-2.0-or-later
/* mxrep: what became of the mail, per source and provider. */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/text.h"
#include "tools/mxload/duration.h"
#include "tools/mxrep/doctor.h"
#include "tools/mxrep/history.h"
#include "tools/mxrep/ingest.h"
#include "tools/mxrep/intake.h"
#include "tools/mxrep/mailq.h"
#include "tools/mxrep/report.h"
#include "tools/mxrep/run.h"
#include "tools/mxrep/suppress.h"

#define NO_ADDRESS ": expected a mail address"

enum { WELL = 0, FAILED = 1, USAGE = 2 };

/* What stands on the command line, and what is opened for it when it is asked for. */
struct job {
	const char *config, *source, *provider, *html, *format, *list, *reason, *server, *until_text;
	bool config_given, json, dry, force;
	s64 since, until, expires;
	enum rep_by by;
	char **words; /* behind the command */
	int count;

	struct rep_settings *settings;
	struct rep_store *store;
	struct rep_rules *rules;
	struct rep_policy *policy;
};

/* --- what commands need ------------------------------------------------------------------------------------------ */

static void need_settings(struct job *j)
{
	char error[MX_CONFIG_ERROR];

	j->settings = rep_settings_read(j->config, j->config_given, error);
	if (!j->settings)
		mx_fatal("%s", error);
}

static struct rep_store *need_store(struct job *j)
{
	char error[MX_CONFIG_ERROR];

	j->store = rep_store_open(j->settings->store, error, sizeof(error));
	if (!j->store)
		mx_fatal("%s", error);
	return j->store;
}

static void need_rules(struct job *j)
{
	char error[MX_CONFIG_ERROR];

	j->rules = rep_rules_read(j->settings->rules, error, sizeof(error));
	if (!j->rules)
		mx_fatal("%s", error);
}

/* Without mxload's own configuration the catalogue has to do. */
static void need_policy(struct job *j)
{
	char error[MX_CONFIG_ERROR];

	j->policy = rep_policy_read(j->settings->policy, error);
	if (j->policy)
		return;
	if (*j->settings->policy)
		mx_log(MX_LOG_WARNING, "%s: providers are known by the catalogue alone", error);
	j->policy = rep_policy_read("", error);
	if (!j->policy)
		mx_fatal("%s", error);
}

static void close_job(struct job *j)
{
	if (j->store)
		rep_store_close(j->store);
	if (j->rules)
		rep_rules_free(j->rules);
	rep_policy_free(j->policy);
	rep_settings_free(j->settings);
}

/* --- commands ---------------------------------------------------------------------------------------------------- */

static int run_run(struct job *j)
{
	need_store(j);
	need_rules(j);
	need_policy(j);
	return rep_run(j->settings, j->store, j->rules, j->policy, j->dry);
}

static int run_check(struct job *j)
{
	unsigned int examples, missed;

	need_rules(j);
	need_policy(j);
	missed = rep_rules_try(j->rules, stderr, &examples);
	printf("%s: well\n%s: %u examples, %u of them missed\n", j->config, j->settings->rules, examples, missed);
	return missed ? FAILED : WELL;
}

static int run_ingest(struct job *j)
{
	enum rep_format format = j->format ? rep_format_find(j->format) : REP_FORMAT_AUTO;
	struct rep_pass pass = { .queue = rep_queue_new() };
	u32 wrong;

	if (format == REP_FORMATS)
		mx_fatal("--format: expected auto, postfix, exim, opensmtpd, sendmail or journal");
	pass.store = need_store(j);
	need_rules(j);
	need_policy(j);
	pass.rules = j->rules;
	pass.policy = j->policy;
	wrong = rep_ingest(&pass, j->words, j->count, format);
	rep_queue_free(pass.queue);
	return wrong ? FAILED : WELL;
}

static int run_report(struct job *j)
{
	struct rep_report report = { .settings = j->settings,
				     .since = j->since ? j->since : time(NULL) - 7 * 86400,
				     .until = j->until,
				     .by = j->by,
				     .source = j->source,
				     .provider = j->provider };
	char error[MX_CONFIG_ERROR];

	report.store = need_store(j);
	if (j->html) {
		if (!rep_report_page(j->store, j->settings, j->html, error, sizeof(error)))
			mx_fatal("%s", error);
		return WELL;
	}
	if (j->json)
		rep_report_json(&report, stdout);
	else
		rep_report_table(&report, stdout);
	return WELL;
}

static int run_log(struct job *j)
{
	rep_history_print(need_store(j), j->since, j->source, j->provider, j->json, stdout);
	return WELL;
}

/* All of it, as long as it is no longer than a report may be. */
static char *read_all(FILE *in, size_t *length)
{
	size_t room = 0;
	char *bytes = NULL;

	*length = 0;
	do {
		room = room ? room * 2 : 65536;
		bytes = mx_realloc(bytes, room);
		*length += fread(bytes + *length, 1, room - *length, in);
	} while (*length == room && room <= REP_MAIL_MAX);
	return bytes;
}

static bool feed_one(struct rep_intake *intake, enum rep_mail kind, FILE *in, const char *name)
{
	char error[MX_CONFIG_ERROR];
	size_t length;
	char *bytes = read_all(in, &length);
	int n = -1;

	if (ferror(in))
		snprintf(error, sizeof(error), "%s", strerror(errno));
	else
		n = rep_intake_mail(intake, kind, bytes, length, error, sizeof(error));
	free(bytes);
	if (n < 0)
		mx_log(MX_LOG_ERROR, "%s: %s", name, error);
	return n >= 0;
}

static int feed(struct job *j, enum rep_mail kind)
{
	struct rep_intake intake = { .store = need_store(j) };
	int i, wrong = 0;

	need_rules(j);
	need_policy(j);
	intake.rules = j->rules;
	intake.policy = j->policy;
	if (!j->count)
		wrong += !feed_one(&intake, kind, stdin, "standard input");
	for (i = 0; i < j->count; i++) {
		FILE *in = fopen(j->words[i], "r");

		if (!in)
			mx_log(MX_LOG_ERROR, "%s: %m", j->words[i]);
		wrong += !in || !feed_one(&intake, kind, in, j->words[i]);
		if (in)
			fclose(in);
	}
	printf("%llu taken, %llu of them with a known source, %llu seen before\n", (unsigned long long)intake.told,
	       (unsigned long long)intake.attributed, (unsigned long long)intake.repeated);
	return wrong ? FAILED : WELL;
}

static int run_bounce(struct job *j)
{
	return feed(j, REP_MAIL_BOUNCE);
}

static int run_complaint(struct job *j)
{
	return feed(j, REP_MAIL_COMPLAINT);
}

static int run_dmarc(struct job *j)
{
	return feed(j, REP_MAIL_DMARC);
}

/* About a word of the command line, as one line of a log can have it. */
static void complain_of(const char *word, const char *what)
{
	char plain[80];

	mx_log(MX_LOG_ERROR, "\"%s\"%s", rep_text_plain((struct rep_text){ word, strlen(word) }, plain, sizeof(plain)),
	       what);
}

static int run_trap(struct job *j)
{
	struct rep_intake intake = { .store = need_store(j) };
	int i, wrong = 0;

	for (i = 0; i < j->count; i++)
		if (!rep_intake_trap(&intake, j->words[i])) {
			complain_of(j->words[i], NO_ADDRESS);
			wrong++;
		}
	printf("%llu messages went there\n", (unsigned long long)intake.told);
	return wrong ? FAILED : WELL;
}

static int suppress_addresses(struct job *j, enum rep_list list)
{
	int i, wrong = 0;

	rep_store_begin(j->store);
	for (i = 1; i < j->count; i++)
		if (!rep_suppress(j->store, j->words[i], list, j->reason ? j->reason : "by hand", j->expires)) {
			complain_of(j->words[i], NO_ADDRESS);
			wrong++;
		}
	rep_store_commit(j->store);
	return wrong ? FAILED : WELL;
}

static int unsuppress_addresses(struct job *j)
{
	int i, wrong = 0;

	for (i = 1; i < j->count; i++)
		if (!rep_suppress_remove(j->store, j->words[i])) {
			complain_of(j->words[i], " is on no list");
			wrong++;
		}
	return wrong ? FAILED : WELL;
}

static int import_addresses(struct job *j, enum rep_list list)
{
	u32 wrong = 0, taken = 0;
	int i;

	if (j->count == 1)
		taken = rep_suppress_import(j->store, stdin, "standard input", list, j->reason ? j->reason : "imported",
					    j->expires, &wrong);
	for (i = 1; i < j->count; i++) {
		FILE *in = fopen(j->words[i], "r");

		if (!in) {
			mx_log(MX_LOG_ERROR, "%s: %m", j->words[i]);
			wrong++;
			continue;
		}
		taken += rep_suppress_import(j->store, in, j->words[i], list, j->reason ? j->reason : "imported",
					     j->expires, &wrong);
		fclose(in);
	}
	printf("%u taken, %u not understood\n", taken, wrong);
	return wrong ? FAILED : WELL;
}

static int run_suppress(struct job *j)
{
	enum rep_list list = j->list ? rep_list_find(j->list) : REP_BLACKLIST;
	const char *what = j->words[0];

	if (list == REP_LISTS)
		mx_fatal("--list: expected blacklist or greylist");
	need_store(j);
	if (!strcmp(what, "add") && j->count > 1)
		return suppress_addresses(j, list);
	if (!strcmp(what, "remove") && j->count > 1)
		return unsuppress_addresses(j);
	if (!strcmp(what, "import"))
		return import_addresses(j, list);
	if (!strcmp(what, "list") && j->count == 1) {
		rep_suppress_list(j->store, j->list ? list : REP_LISTS, j->json, stdout);
		return WELL;
	}
	if (!strcmp(what, "export") && j->count == 1) {
		if (!rep_suppress_export(j->store, list, j->format ? j->format : "postfix", stdout))
			mx_fatal("--format: expected postfix, exim or opensmtpd");
		return WELL;
	}
	mx_log(MX_LOG_ERROR, "suppress: expected add ADDRESS..., remove ADDRESS..., list, import [FILE...] or export");
	return USAGE;
}

static int run_mailq(struct job *j)
{
	struct rep_link *link = rep_link_new(j->settings->control);
	FILE *in = j->count ? fopen(j->words[0], "r") : isatty(0) ? popen("postqueue -j", "r") : stdin;
	char error[MX_CONFIG_ERROR];
	bool good;

	if (!in)
		mx_fatal("%s: %m", j->count ? j->words[0] : "postqueue");
	need_rules(j);
	need_policy(j);
	good = rep_mailq(in, j->rules, j->policy, link, j->json, stdout, error, sizeof(error));
	rep_link_close(link);
	if (!good)
		mx_fatal("%s", error);
	return WELL;
}

static int run_doctor(struct job *j)
{
	struct rep_doctor doctor = { .settings = j->settings, .server = j->server };

	need_policy(j);
	doctor.config = rep_policy_config(j->policy);
	return (int)rep_doctor_run(&doctor, stdout, j->json);
}

/* --- the command line -------------------------------------------------------------------------------------------- */

static const struct command {
	const char *name, *arguments, *summary, *options;
	int (*run)(struct job *job);
	int least, most; /* words behind it */
} commands[] = {
	{ "run", "", "follow the logs and the daemon, judge, and steer, until it is ended", "n", run_run, 0, 0 },
	{ "ingest", "FILE...", "read old logs, also compressed ones; each line counts once", "f", run_ingest, 1,
	  1 << 20 },
	{ "report", "", "what became of the mail (of the last seven days)", "jSUbspH", run_report, 0, 0 },
	{ "log", "", "what was done, and why", "jSsp", run_log, 0, 0 },
	{ "bounce", "[FILE...]", "take bounces, from standard input or files of one mail each", "", run_bounce, 0,
	  1 << 20 },
	{ "complaint", "[FILE...]", "take complaints (ARF)", "", run_complaint, 0, 1 << 20 },
	{ "dmarc", "[FILE...]", "take DMARC aggregate reports: mails, XML, gzip, zip", "", run_dmarc, 0, 1 << 20 },
	{ "trap", "ADDRESS...", "these are spam traps: what went there counts, and nothing more goes", "", run_trap, 1,
	  1 << 20 },
	{ "suppress", "add|remove|list|import|export ...", "who must not be written to again", "jflrF", run_suppress, 1,
	  1 << 20 },
	{ "mailq", "[FILE]", "Postfix's queue by provider, age and reason (postqueue -j)", "j", run_mailq, 0, 1 },
	{ "doctor", "", "what the DNS says of every source and sending domain", "jd", run_doctor, 0, 0 },
	{ "check", "", "whether the configuration is well, and each rule matches its examples", "", run_check, 0, 0 },
};
#define COMMANDS (sizeof(commands) / sizeof(*commands))

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "json", no_argument, NULL, 'j' },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "since", required_argument, NULL, 'S' },
	{ "until", required_argument, NULL, 'U' },
	{ "by", required_argument, NULL, 'b' },
	{ "source", required_argument, NULL, 's' },
	{ "provider", required_argument, NULL, 'p' },
	{ "html", required_argument, NULL, 'H' },
	{ "format", required_argument, NULL, 'f' },
	{ "list", required_argument, NULL, 'l' },
	{ "reason", required_argument, NULL, 'r' },
	{ "for", required_argument, NULL, 'F' },
	{ "server", required_argument, NULL, 'd' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

static const char *const option_help[] = {
	"  -j, --json         JSON instead of a table\n",
	"      --dry-run      say what would be steered, and do not\n",
	"      --since TIME   from then on: 24h, 7d, or 2026-11-01T00:00:00Z\n",
	"      --until TIME   up to then\n",
	"      --by lane|network|source|provider|day   a lane is a source at a provider\n",
	"      --source SOURCE, --provider PROVIDER   these alone\n",
	"      --html FILE    write a page that stands alone\n",
	"      --format auto|postfix|exim|opensmtpd|sendmail|journal   of logs; of lists: postfix, exim, "
	"opensmtpd\n",
	"      --list blacklist|greylist   no mail at all, or no newsletters\n",
	"      --reason TEXT, --for TIME   why, and for how long\n",
	"      --server ADDRESS[:PORT]   the resolver to ask\n",
};
static const char option_letters[] = "jnSUbsHflrd";

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static void help(const struct command *c)
{
	size_t i;

	if (c) {
		printf("usage: mxrep [-c FILE] %s%s%s%s\n%s\n", c->name, *c->options ? " [OPTION...]" : "",
		       *c->arguments ? " " : "", c->arguments, c->summary);
		for (i = 0; i < sizeof(option_letters) - 1; i++)
			if (strchr(c->options, option_letters[i]))
				fputs(option_help[i], stdout);
		return;
	}
	printf("usage: mxrep [-c FILE] COMMAND [OPTION...]\n  -c, --config FILE  instead of %s\n"
	       "  -h, --help, --version\n\n",
	       REP_CONFIG);
	for (i = 0; i < COMMANDS; i++)
		printf("  %-10s %s\n", commands[i].name, commands[i].summary);
	printf("\nmxrep COMMAND --help tells more of each.\n");
}

static int complain(const char *format, const char *what)
{
	fprintf(stderr, "mxrep: ");
	fprintf(stderr, format, what);
	fprintf(stderr, ": mxrep --help tells more\n");
	return USAGE;
}

/* "24h" ago, or a time. */
static bool read_time(const char *text, s64 *when)
{
	long seconds = mx_duration_parse(text);

	if (seconds > 0)
		*when = time(NULL) - seconds;
	return seconds > 0 || mx_time_parse(text, when);
}

static bool read_by(const char *text, enum rep_by *by)
{
	static const char *const names[] = { "lane", "network", "source", "provider", "day" };
	size_t i;

	for (i = 0; i < 5; i++)
		if (!strcmp(text, names[i])) {
			*by = (enum rep_by)i;
			return true;
		}
	return false;
}

/* NULL, or what was expected. */
static const char *take_option(struct job *j, int letter, const char *value)
{
	long seconds;

	switch (letter) {
	case 'c':
		j->config = value;
		j->config_given = true;
		break;
	case 'j':
		j->json = true;
		break;
	case 'n':
		j->dry = true;
		break;
	case 'S':
		return read_time(value, &j->since) ? NULL
						   : "--since: expected a time like 24h, 7d or 2026-11-01T00:00:00Z";
	case 'U':
		return read_time(value, &j->until) ? NULL
						   : "--until: expected a time like 24h, 7d or 2026-11-01T00:00:00Z";
	case 'b':
		return read_by(value, &j->by) ? NULL : "--by: expected lane, network, source, provider or day";
	case 's':
		j->source = value;
		break;
	case 'p':
		j->provider = value;
		break;
	case 'H':
		j->html = value;
		break;
	case 'f':
		j->format = value;
		break;
	case 'l':
		j->list = value;
		break;
	case 'r':
		j->reason = value;
		break;
	case 'd':
		j->server = value;
		break;
	case 'F':
		seconds = mx_duration_parse(value);
		j->expires = time(NULL) + seconds;
		return seconds > 0 ? NULL : "--for: expected a time like 90s, 15m, 2h or 7d";
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct job job = { .config = REP_CONFIG };
	const struct command *c = NULL;
	bool wants_help = false;
	char given[64] = "";
	int letter, status;

	mx_log_set_program("mxrep");
	mx_log_set_level(MX_LOG_INFO);
	while ((letter = getopt_long(argc, argv, "-c:jhV", long_options, NULL)) != -1) {
		const char *wrong;

		if (letter == '?')
			return complain("%s", "this option is not known, or lacks its value");
		if (letter == 'V') {
			printf("mxrep %s\n", MX_VERSION);
			return WELL;
		}
		wants_help |= letter == 'h';
		if (letter == 1 && !c) {
			c = find_command(optarg);
			if (!c)
				return complain("unknown command \"%s\"", optarg);
			job.words = argv + optind;
			continue;
		}
		if (letter == 1) {
			job.words[job.count++] = optarg; /* those behind options move up: argv is ours */
			continue;
		}
		wrong = take_option(&job, letter, optarg);
		if (wrong)
			return complain("%s", wrong);
		if (!strchr("ch", letter) && strlen(given) + 1 < sizeof(given))
			given[strlen(given)] = (char)letter;
	}
	if (wants_help || !c) {
		help(c);
		return wants_help ? WELL : USAGE;
	}
	for (; optind < argc; optind++)
		job.words[job.count++] = argv[optind]; /* behind "--" */
	if (given[strspn(given, c->options)])
		return complain("%s takes no such option", c->name);
	if (job.count < c->least || job.count > c->most)
		return complain("%s: expected other arguments", c->name);
	need_settings(&job);
	status = c->run(&job);
	close_job(&job);
	return status;
}
