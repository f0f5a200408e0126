// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/settings.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/config_names.h"
#include "tools/mxload/duration.h"

#define NET_ERROR "expected a percentage from 0 to 100"

/* What providers publish: Google says never 0.3 %, Yahoo says below 0.3 % (their pages for senders, 2024). */
static const struct rep_provider published[] = {
	{ (char *)"google", { REP_UNSET, REP_UNSET, 300, REP_UNSET, REP_UNSET } },
	{ (char *)"yahoo", { REP_UNSET, REP_UNSET, 300, REP_UNSET, REP_UNSET } },
};

static const char *const format_words[] = { "auto", "postfix", "exim", "opensmtpd", "sendmail", "journal", NULL };

static MX_READER(read_percent)
{
	double percent = config_setting_type(s) == CONFIG_TYPE_FLOAT ? config_setting_get_float(s) : -1;
	long long n;

	if (percent < 0 && mx_reader_number(s, &n))
		percent = (double)n;
	if (!(percent >= 0 && percent <= 100))
		return mx_reader_fail(r, s, "%s: " NET_ERROR ", like 0.3", option->name);
	*(u32 *)target = (u32)(percent * (REP_WHOLE / 100) + 0.5);
	return true;
}

static MX_READER(read_duration)
{
	const char *text = config_setting_get_string(s);
	long seconds = text ? mx_duration_parse(text) : -1;

	if (seconds < option->min || seconds > option->max)
		return mx_reader_fail(r, s, "%s: expected a time from %lldh to %lldd, like \"24h\" or \"7d\"",
				      option->name, option->min / 3600, option->max / 86400);
	*(u32 *)target = (u32)seconds;
	return true;
}

#define JUDGE(field) .offset = offsetof(struct rep_judge, field)
#define JUDGE_OPTIONS                                                                                                  \
	{ .name = "suspicious", .read = read_percent, JUDGE(suspicious) },                                             \
		{ .name = "spammer", .read = read_percent, JUDGE(spammer) },                                           \
		{ .name = "complaints", .read = read_percent, JUDGE(complaints) },                                     \
		{ .name = "deferred", .read = read_percent, JUDGE(deferred) },                                         \
	{                                                                                                              \
		.name = "minimum", .read = mx_read_number, JUDGE(minimum), .min = 1, .max = 100000000                  \
	}

static const struct mx_option provider_options[] = { JUDGE_OPTIONS, { 0 } };

static MX_READER(read_window)
{
	(void)target;
	return read_duration(r, s, &((struct rep_settings *)r->context)->window, option);
}

static const struct mx_option judge_options[] = {
	JUDGE_OPTIONS,
	{ .name = "window", .read = read_window, .min = 3600, .max = 31 * 86400 },
	{ 0 },
};

static MX_READER(read_judge)
{
	(void)option;
	return mx_read_group(r, s, judge_options, target);
}

static bool is_word(const char *text)
{
	return *text && strlen(text) <= MX_NAME_MAX && !text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_")];
}

static struct rep_provider *find_provider(const struct rep_settings *settings, const char *name)
{
	u32 i;

	for (i = 0; i < settings->provider_count; i++)
		if (!strcmp(settings->providers[i].name, name))
			return &settings->providers[i];
	return NULL;
}

static struct rep_provider *add_provider(struct rep_settings *settings, const char *name, struct rep_judge judge)
{
	settings->providers = mx_grow(settings->providers, settings->provider_count, sizeof(*settings->providers));
	settings->providers[settings->provider_count] = (struct rep_provider){ mx_strdup(name), judge };
	return &settings->providers[settings->provider_count++];
}

static MX_READER(read_providers)
{
	struct rep_settings *settings = r->context;
	int i;

	(void)target;
	if (!config_setting_is_group(s))
		return mx_reader_fail(r, s, "%s: expected a group { name: { ... }; }", option->name);
	for (i = 0; i < config_setting_length(s); i++) {
		config_setting_t *e = config_setting_get_elem(s, (unsigned int)i);
		struct rep_provider *p = find_provider(settings, config_setting_name(e));

		if (!p)
			p = add_provider(settings, config_setting_name(e),
					 (struct rep_judge){ REP_UNSET, REP_UNSET, REP_UNSET, REP_UNSET, REP_UNSET });
		if (!mx_read_group(r, e, provider_options, &p->judge))
			return false;
	}
	return true;
}

#define LOG(field) .offset = offsetof(struct rep_log, field)
static const struct mx_option log_options[] = {
	{ .name = "path", .read = mx_read_path, LOG(path), .max = PATH_MAX - 1 },
	{ .name = "format", .read = mx_read_choice, LOG(format), .words = format_words },
	{ 0 },
};

static MX_READER(read_logs)
{
	struct rep_settings *settings = r->context;
	int i;

	(void)target;
	if (!config_setting_is_group(s))
		return mx_reader_fail(r, s, "%s: expected a group { name: { path = \"...\"; }; }", option->name);
	for (i = 0; i < config_setting_length(s); i++) {
		config_setting_t *e = config_setting_get_elem(s, (unsigned int)i);
		struct rep_log *log;

		if (!is_word(config_setting_name(e)))
			return mx_reader_fail(r, e, "logs: %s: expected a name of small letters, digits, - and _",
					      config_setting_name(e));
		settings->logs = mx_grow(settings->logs, settings->log_count, sizeof(*settings->logs));
		log = &settings->logs[settings->log_count++];
		*log = (struct rep_log){ .name = mx_strdup(config_setting_name(e)), .place = mx_reader_place(r, e) };
		if (!mx_read_group(r, e, log_options, log))
			return false;
		if (!log->path && log->format != REP_FORMAT_JOURNAL)
			return mx_reader_fail(r, e, "logs: %s: expected path = \"...\", or format = \"journal\"",
					      log->name);
	}
	return true;
}

#define TOP(field) .offset = offsetof(struct rep_settings, field)
static const struct mx_option top_options[] = {
	{ .name = "store", .read = mx_read_path, TOP(store), .max = PATH_MAX - 1 },
	{ .name = "control",
	  .read = mx_read_path,
	  TOP(control),
	  .max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1 },
	{ .name = "rules", .read = mx_read_path, TOP(rules), .max = PATH_MAX - 1 },
	{ .name = "html", .read = mx_read_string, TOP(html) },
	{ .name = "policy", .read = mx_read_string, TOP(policy) },
	{ .name = "domains", .read = mx_read_names, TOP(domains), .min = 2 },
	{ .name = "block-lists", .read = mx_read_names, TOP(lists), .min = 2 },
	{ .name = "selectors", .read = mx_read_names, TOP(selectors), .min = 1 },
	{ .name = "logs", .read = read_logs },
	{ .name = "judge", .read = read_judge, TOP(judge) },
	{ .name = "keep", .read = read_duration, TOP(keep), .min = 86400, .max = 3650LL * 86400 },
	{ .name = "providers", .read = read_providers },
	{ .name = "steer", .read = mx_read_bool, TOP(steer) },
	{ 0 },
};

static char *first_that_is_there(const char *path, const char *other)
{
	return mx_strdup(access(path, R_OK) ? other : path);
}

static struct rep_settings *defaults(const char *path)
{
	struct rep_settings *s = mx_alloc(sizeof(*s));
	size_t i;

	s->path = mx_strdup(path);
	s->store = mx_strdup("/var/lib/mxrep/mxrep.db");
	s->control = mx_strdup("/run/mxload/control.sock");
	s->rules = first_that_is_there(MX_SYSCONFDIR "/mxload/replies.rules", MX_DATADIR "/replies.rules");
	s->html = mx_strdup("");
	s->policy = first_that_is_there(MX_SYSCONFDIR "/mxload/mxload.conf", "");
	s->judge = (struct rep_judge){ .suspicious = 1000, .spammer = 10000, .deferred = 20000, .minimum = 200 };
	s->window = 86400;
	s->keep = 400 * 86400;
	s->steer = true;
	for (i = 0; i < sizeof(published) / sizeof(*published); i++)
		add_provider(s, published[i].name, published[i].judge);
	s->book = mx_alloc(sizeof(*s->book));
	s->book->path = mx_strdup(path);
	return s;
}

static bool read_tree(struct mx_reader *r, config_t *tree)
{
	struct rep_settings *s = r->context;

	r->tree = tree;
	if (!mx_read_group(r, config_root_setting(tree), top_options, s))
		return false;
	if (s->judge.spammer && s->judge.spammer < s->judge.suspicious)
		return mx_reader_fail_at(r, mx_reader_place_of(r, "judge"),
					 "judge: expected spammer to be at least suspicious");
	return true;
}

struct rep_settings *rep_settings_read(const char *path, bool needed, char *error)
{
	struct rep_settings *s = defaults(path);
	struct mx_reader r = { .config = s->book, .context = s, .error = error };

	if ((needed || !access(path, F_OK)) && !mx_reader_file(&r, path, read_tree)) {
		rep_settings_free(s);
		return NULL;
	}
	return s;
}

void rep_settings_free(struct rep_settings *s)
{
	if (!s)
		return;
	while (s->log_count) {
		free(s->logs[--s->log_count].name);
		free(s->logs[s->log_count].path);
	}
	while (s->provider_count)
		free(s->providers[--s->provider_count].name);
	free(s->logs);
	free(s->providers);
	mx_strings_free(&s->domains);
	mx_strings_free(&s->lists);
	mx_strings_free(&s->selectors);
	free(s->path);
	free(s->store);
	free(s->control);
	free(s->rules);
	free(s->html);
	free(s->policy);
	mx_config_free(s->book);
	free(s);
}

static u32 own_or(u32 own, u32 common)
{
	return own == REP_UNSET ? common : own;
}

struct rep_judge rep_settings_judge(const struct rep_settings *settings, const char *provider)
{
	const struct rep_provider *p = find_provider(settings, provider);
	struct rep_judge j = settings->judge;

	if (p)
		j = (struct rep_judge){ own_or(p->judge.suspicious, j.suspicious), own_or(p->judge.spammer, j.spammer),
					own_or(p->judge.complaints, j.complaints),
					own_or(p->judge.deferred, j.deferred), own_or(p->judge.minimum, j.minimum) };
	return j;
}
