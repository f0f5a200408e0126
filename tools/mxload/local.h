/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands that need no daemon. Both return the exit status. */
#ifndef MX_TOOL_LOCAL_H
#define MX_TOOL_LOCAL_H

/* Has mxloadd check a configuration file. */
int mx_local_check(const char *file);

/* Writes a starter configuration, made from the addresses of this host, to `file` (NULL: standard output). */
int mx_local_init(const char *file);

/* Becomes the program words[0], that of the same installation if there is one. Returns, with errno, when it cannot. */
void mx_local_exec(char *const words[]);

#endif
