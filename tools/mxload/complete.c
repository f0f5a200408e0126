// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxload/complete.h"

#include <ctype.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/mxload/client.h"
#include "tools/mxload/complete_help.h"
#include "tools/mxload/local.h"
#include "tools/mxload/show.h"

#define HELP_MAX 65536
#define PATIENCE 1000 /* ms that a daemon has for its names: somebody waits at the keyboard */

struct line {
	const char *program, *socket;
	const char *last;                    /* the word that is to be completed, or of --name=value the value */
	const char *before;                  /* what stands before it in the same word: "--name=" or "" */
	struct mx_help *help, *command_help; /* the latter NULL: there is no command (yet) */
	unsigned int given;                  /* arguments of the command */
};

/* --- helps ------------------------------------------------------------------------------------------------------ */

/* A help is a page: what is longer is none. */
static char *read_all(int fd)
{
	char *text = calloc(1, HELP_MAX + 1);
	size_t length = 0;
	ssize_t n = 0;

	if (!text)
		abort();
	while (length < HELP_MAX && (n = read(fd, text + length, HELP_MAX - length)) > 0)
		length += (size_t)n;
	return text;
}

static void run_help(const char *program, const char *command, int out)
{
	char *words[] = { strdup(program), strdup(command ? command : "--help"), command ? strdup("--help") : NULL,
			  NULL };
	int nothing = open("/dev/null", O_RDWR);

	dup2(nothing, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(nothing, STDERR_FILENO);
	mx_local_exec(words);
	_exit(127);
}

/* NULL: there is none. */
static struct mx_help *help_of(const char *program, const char *command)
{
	struct mx_help *help;
	int out[2], status;
	pid_t child;
	char *text;

	if (pipe2(out, O_CLOEXEC))
		return NULL;
	child = fork();
	if (!child)
		run_help(program, command, out[1]);
	close(out[1]);
	text = read_all(out[0]);
	close(out[0]);
	if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status))
		*text = '\0';
	help = *text ? mx_help_read(text, command) : NULL;
	free(text);
	return help;
}

/* --- words ------------------------------------------------------------------------------------------------------ */

static void offer(const struct line *l, const char *word, const char *end, const char *text)
{
	if (!strncmp(word, l->last, strlen(l->last)))
		printf("%s%s%s\t%s\n", l->before, word, end, text);
}

static json_t *wait_for_answer(struct mx_client *client)
{
	struct pollfd p = { .fd = mx_client_fd(client), .events = POLLIN };
	const char *line, *error;
	struct timespec begin, now;
	long left = PATIENCE;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	while (!(line = mx_client_poll(client, &error)) && !error && left > 0 && poll(&p, 1, (int)left) > 0) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		left = PATIENCE - (now.tv_sec - begin.tv_sec) * 1000 - (now.tv_nsec - begin.tv_nsec) / 1000000;
	}
	return line ? json_loads(line, 0, NULL) : NULL;
}

/* NULL: nobody answers in time. */
static json_t *ask(const char *socket, const char *command)
{
	const char *error;
	struct mx_client *client = mx_client_try(socket, &error);
	json_t *answer = NULL;

	if (client && mx_client_send(client, json_pack("{s:s}", "command", command), &error))
		answer = wait_for_answer(client);
	if (client)
		mx_client_close(client);
	mx_show_plainly(answer);
	return answer;
}

/* The classes that routes have. */
static void offer_classes(const struct line *l, const json_t *provider)
{
	const json_t *route;
	size_t i;

	json_array_foreach(json_object_get(provider, "routes"), i, route)
		if (json_is_string(json_object_get(route, "class")))
			offer(l, json_string_value(json_object_get(route, "class")), "", "class");
}

static void offer_names(const struct line *l, const char *list, const char *what, const char *end)
{
	json_t *answer = ask(l->socket, list);
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(answer, list), i, item)
		if (!strcmp(what, "class"))
			offer_classes(l, item);
		else if (json_is_string(json_object_get(item, "name")))
			offer(l, json_string_value(json_object_get(item, "name")), end, what);
	json_decref(answer);
}

/* One of the words that a help has for an argument: in capitals it stands for something else. */
static void offer_kind(const struct line *l, const char *word)
{
	static const struct {
		const char *word, *list, *what, *end;
	} names[] = { { "SOURCE", "sources", "source", "" },
		      { "PROVIDER", "providers", "provider", "" },
		      { "PROVIDER=N/day", "providers", "provider", "=" },
		      { "POOL", "pools", "pool", "" },
		      { "CLASS", "providers", "class", "" } };
	static const char *const files[] = { "FILE", "SOCKET", "RULES" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(word, names[i].word))
			offer_names(l, names[i].list, names[i].what, names[i].end);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (!strcmp(word, files[i]))
			puts("\tfile");
	for (i = 0; islower((unsigned char)word[i]) || word[i] == '-'; i++)
		;
	if (*word && !word[i])
		offer(l, word, "", "");
}

static void offer_argument(const char *argument, void *line)
{
	char *words = strdup(argument), *rest = words, *word;

	if (!words)
		abort();
	while ((word = strsep(&rest, "|")))
		offer_kind(line, word);
	free(words);
}

/* Commands, or options. */
static void offer_entries(const struct line *l, const struct mx_help *help, bool options)
{
	size_t i, j;

	for (i = 0; help && i < help->count; i++) {
		for (j = 0; j < i && strcmp(help->entries[j].name, help->entries[i].name); j++)
			;
		if (j == i && (*help->entries[i].name == '-') == options)
			offer(l, help->entries[i].name, "", help->entries[i].text);
	}
}

/* --- lines ------------------------------------------------------------------------------------------------------ */

/* Each form of an option's argument. Returns whether it takes one. */
static bool each_argument(const struct line *l, const char *option, size_t length,
			  void (*each)(const char *argument, void *arg), void *arg)
{
	const struct mx_help *helps[] = { l->command_help, l->help };
	bool found = false;
	size_t i, j;

	for (i = 0; i < 2 && !found; i++)
		for (j = 0; helps[i] && j < helps[i]->count; j++) {
			const struct mx_help_entry *e = &helps[i]->entries[j];

			if (strlen(e->name) != length || strncmp(e->name, option, length) || !e->argument)
				continue;
			found = true;
			each(e->argument, arg);
		}
	return found;
}

static void ignore(const char *argument, void *arg)
{
	(void)argument;
	(void)arg;
}

/* Reads the words before the last; false: nothing can follow. *option: the one that waits for its argument. */
static bool read_words(struct line *l, int count, char **words, const char **option, bool *options_end)
{
	int i;

	for (i = 1; i < count - 1; i++) {
		const char *word = words[i], *waiting = *option;

		*option = NULL;
		if (waiting) {
			if (!strcmp(l->program, "mxload") && (!strcmp(waiting, "-s") || !strcmp(waiting, "--socket")))
				l->socket = word;
		} else if (!*options_end && !strcmp(word, "--")) {
			*options_end = true;
		} else if (!*options_end && word[0] == '-' && word[1]) {
			if (each_argument(l, word, strlen(word), ignore, NULL))
				*option = word;
		} else if (l->help->has_commands && !l->command_help) {
			l->command_help = help_of(l->program, word);
			if (!l->command_help)
				return false;
		} else {
			l->given++;
		}
	}
	return true;
}

static void complete(struct line *l, int count, char **words)
{
	const char *last = words[count - 1], *option = NULL, *value = strchr(last, '=');
	bool options_end = false;
	char before[256];

	l->last = last;
	l->before = "";
	if (!read_words(l, count, words, &option, &options_end))
		return;
	if (option) {
		each_argument(l, option, strlen(option), offer_argument, l);
	} else if (!options_end && last[0] == '-' && last[1] == '-' && value) {
		snprintf(before, sizeof(before), "%.*s", (int)(value + 1 - last), last);
		l->before = before;
		l->last = value + 1;
		each_argument(l, last, (size_t)(value - last), offer_argument, l);
	} else if (!options_end && *last == '-') {
		offer_entries(l, l->command_help, true);
		offer_entries(l, l->help, true);
	} else if (l->help->has_commands && !l->command_help) {
		offer_entries(l, l->help, false);
	} else if (l->command_help) {
		mx_help_next(l->command_help->arguments, l->given, offer_argument, l);
	}
}

int mx_complete(const char *socket, int count, char **words)
{
	static const char *const programs[] = { "mxload", "mxloadd", "mxrep", "mxsim" };
	struct line line = { .socket = socket };
	const char *name;
	size_t i;

	if (count < 2)
		return MX_EXIT_USAGE;
	name = strrchr(words[0], '/') ? strrchr(words[0], '/') + 1 : words[0];
	for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (!strcmp(name, programs[i]))
			line.program = programs[i];
	if (line.program)
		line.help = help_of(line.program, NULL);
	if (!line.help)
		return MX_EXIT_OK;
	complete(&line, count, words);
	mx_help_free(line.help);
	if (line.command_help)
		mx_help_free(line.command_help);
	return MX_EXIT_OK;
}
