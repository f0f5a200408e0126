/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may come next on a command line, for the shells: mxload complete PROGRAM [WORD...] LAST. What can be given is
 * known from the programs' own --help, and nothing else; names are those that the daemon has.
 */
#ifndef MX_TOOL_COMPLETE_H
#define MX_TOOL_COMPLETE_H

/*
 * Prints a line for each word that can stand where the last of `words` stands and begins as that does: the word, a tab,
 * and what it means. A line that begins with the tab: a file can stand there. The first of `words` is the program, in
 * whatever folder: one of mxload's; only these are run. Silent about whatever is wrong. Returns the exit status.
 */
int mx_complete(const char *socket, int count, char **words);

#endif
