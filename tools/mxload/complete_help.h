/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a program's --help says, as a completion needs it: commands, options, and what may stand behind them. */
#ifndef MX_TOOL_COMPLETE_HELP_H
#define MX_TOOL_COMPLETE_HELP_H

#include <stdbool.h>
#include <stddef.h>

/* A command, or an option. A name may come several times, with other arguments. */
struct mx_help_entry {
	char *name;     /* "status", "--by", "-c" */
	char *argument; /* "lane|source|provider", "FILE"; of options alone, NULL: none */
	char *text;     /* what it does */
};

struct mx_help {
	struct mx_help_entry *entries; /* options begin with a hyphen, commands do not */
	size_t count;
	bool has_commands; /* the usage says COMMAND */
	char *arguments;   /* what the usage has behind the command, without options; "" */
};

/*
 * Reads the text of --help; `command`: of that behind this command. Options are lines like
 * "  -c, --config FILE  text" (names apart by ", ", one blank before an argument, two before the text); commands are
 * lines like "  name   text".
 */
struct mx_help *mx_help_read(const char *text, const char *command);
void mx_help_free(struct mx_help *help);

/*
 * Which arguments may come behind `given` others, by a usage like "[SOURCE [PROVIDER]] N|FILE...": calls `each` with
 * every such word, "SOURCE", "N|FILE".
 */
void mx_help_next(const char *arguments, unsigned int given, void (*each)(const char *word, void *arg), void *arg);

#endif
