/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes that belong to the daemon: they end with it, whatever ends it. */
#ifndef MX_DAEMON_CHILD_H
#define MX_DAEMON_CHILD_H

#include <sys/types.h>

/*
 * As fork(); the child is called `name` and hears neither SIGINT nor SIGHUP, which a terminal sends to all: the daemon
 * leaves in order and takes it along.
 */
pid_t mx_child_fork(const char *name);

#endif
