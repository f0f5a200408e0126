/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who runs nft for the daemon: a process of its own, started before the daemon's system calls are filtered, so that
 * nothing else of it can run a program. All it does is this, with the text that it gets.
 */
#ifndef MX_DAEMON_LOADER_H
#define MX_DAEMON_LOADER_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct mx_loader;

/* To be called before there is any thread. Ends the process with a message when there is no memory or no process. */
struct mx_loader *mx_loader_start(void);
void mx_loader_stop(struct mx_loader *loader);

/* Its process: when that has ended, nothing can be loaded any more. */
pid_t mx_loader_pid(const struct mx_loader *loader);

/* Starts `nft -f -`; what is written to the stream goes there, until mx_loader_end(). NULL: errno says why not. */
FILE *mx_loader_begin(struct mx_loader *loader);

/* Waits for it. *nft: its process id, which is that of its netlink messages. False: it was not run, or has refused. */
bool mx_loader_end(struct mx_loader *loader, FILE *text, pid_t *nft);

#endif
