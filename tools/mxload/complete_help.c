// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxload/complete_help.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 256
#define GIVEN_MAX 63 /* a set of numbers of arguments is a bit for each */

static char *copy(const char *text, size_t length)
{
	char *c = strndup(text, length);

	if (!c)
		abort();
	return c;
}

static struct mx_help_entry *add(struct mx_help *help, const char *name, size_t length)
{
	help->entries = realloc(help->entries, (help->count + 1) * sizeof(help->entries[0]));
	if (!help->entries)
		abort();
	help->entries[help->count] = (struct mx_help_entry){ .name = copy(name, length) };
	return &help->entries[help->count++];
}

/* --- lines ------------------------------------------------------------------------------------------------------ */

static size_t name_length(const char *name)
{
	size_t n = 0;

	while (isalnum((unsigned char)name[n]) || name[n] == '-')
		n++;
	return n;
}

/* Up to the next option of the line, the text, or the end. */
static size_t argument_length(const char *argument)
{
	size_t n = 0;

	while (argument[n] && strncmp(argument + n, "  ", 2) && strncmp(argument + n, ", -", 3))
		n++;
	return n;
}

/* "-c, --config FILE  text": an option without an argument has that of the next one, if it is but a shorter name. */
static void read_options(struct mx_help *help, const char *line)
{
	size_t first = help->count, i;
	const char *at = line;

	while (*at == '-') {
		size_t length = name_length(at);
		struct mx_help_entry *option = add(help, at, length);

		at += length;
		if (at[0] == ' ' && at[1] && at[1] != ' ') {
			length = argument_length(++at);
			option->argument = copy(at, length);
			at += length;
		}
		if (strncmp(at, ", -", 3))
			break;
		at += 2;
	}
	at += strspn(at, " ");
	for (i = first; i < help->count; i++) {
		struct mx_help_entry *option = &help->entries[i], *next = option + 1;

		option->text = copy(at, strlen(at));
		if (i + 1 < help->count && strlen(option->name) == 2 && !option->argument && next->argument)
			option->argument = copy(next->argument, strlen(next->argument));
	}
}

static void read_command(struct mx_help *help, const char *line)
{
	size_t length = name_length(line);
	const char *text = line + length + strspn(line + length, " ");

	if (line[length] == ' ' && *text)
		add(help, line, length)->text = copy(text, strlen(text));
}

/* The usage without options: "[--pool POOL]", "[OPTION...]". */
static char *without_options(const char *usage)
{
	char *out = copy(usage, strlen(usage)), *to = out;
	const char *at = usage;

	while (*at) {
		if (!strncmp(at, "[-", 2) || !strncmp(at, "[OPTION", 7))
			at += strcspn(at, "]") + (strchr(at, ']') != NULL);
		else
			*to++ = *at++;
	}
	*to = '\0';
	return out;
}

static void read_usage(struct mx_help *help, const char *line, const char *command)
{
	const char *at;
	char word[WORD_MAX];

	help->has_commands = help->has_commands || strstr(line, " COMMAND");
	if (!command || *help->arguments)
		return;
	snprintf(word, sizeof(word), " %s", command);
	at = strstr(line, word);
	if (!at || (at[strlen(word)] && at[strlen(word)] != ' '))
		return;
	free(help->arguments);
	help->arguments = without_options(at + strlen(word));
}

static void read_line(struct mx_help *help, const char *line, const char *command)
{
	size_t indent = strspn(line, " ");

	if (!strncmp(line, "usage: ", 7))
		read_usage(help, line, command);
	else if (indent && line[indent] == '-')
		read_options(help, line + indent);
	else if (!command && help->has_commands && indent == 2 && islower((unsigned char)line[indent]))
		read_command(help, line + indent);
}

struct mx_help *mx_help_read(const char *text, const char *command)
{
	struct mx_help *help = calloc(1, sizeof(*help));
	char *lines = copy(text, strlen(text)), *rest = lines, *line;

	if (!help)
		abort();
	help->arguments = copy("", 0);
	while ((line = strsep(&rest, "\n")))
		read_line(help, line, command);
	free(lines);
	return help;
}

void mx_help_free(struct mx_help *help)
{
	size_t i;

	for (i = 0; i < help->count; i++) {
		free(help->entries[i].name);
		free(help->entries[i].argument);
		free(help->entries[i].text);
	}
	free(help->entries);
	free(help->arguments);
	free(help);
}

/* --- arguments -------------------------------------------------------------------------------------------------- */

struct walk {
	const char *at;
	unsigned int given;
	void (*each)(const char *word, void *arg);
	void *arg;
};

/* `counts`: a bit for each number of arguments that may stand before this word. Returns it for those behind. */
static uint64_t walk_word(struct walk *w, uint64_t counts)
{
	size_t length = strcspn(w->at, " []");
	bool repeats = length >= 3 && !strncmp(w->at + length - 3, "...", 3);
	char word[WORD_MAX];

	snprintf(word, sizeof(word), "%.*s", (int)(repeats ? length - 3 : length), w->at);
	w->at += length;
	if (repeats && *word)
		counts |= ~(counts - 1); /* once more, as often as you like */
	if (*word && counts >> w->given & 1)
		w->each(word, w->arg);
	return *word ? counts << 1 : counts;
}

static uint64_t walk(struct walk *w, uint64_t counts)
{
	while (*w->at && *w->at != ']') {
		if (*w->at == ' ') {
			w->at++;
		} else if (*w->at == '[') {
			w->at++;
			counts |= walk(w, counts);
			w->at += *w->at == ']';
		} else {
			counts = walk_word(w, counts);
		}
	}
	return counts;
}

void mx_help_next(const char *arguments, unsigned int given, void (*each)(const char *word, void *arg), void *arg)
{
	struct walk w = { arguments, given, each, arg };

	if (given <= GIVEN_MAX)
		walk(&w, 1);
}
