/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process of the daemon's for what strangers send: it has no capability, can make few system calls, and holds nothing
 * but the far ends of its sockets. Whatever becomes of it, the daemon goes on; another one takes its place.
 */
#ifndef MX_DAEMON_JAIL_H
#define MX_DAEMON_JAIL_H

#include <sys/types.h>

#include "daemon/privileges.h"

#define MX_JAIL_SOCKETS 2

struct mx_jail;

/* What the process does, with the far ends of its sockets; when it returns, the process ends. */
typedef void mx_jail_run(const int *sockets);

/*
 * Starts it, with `sockets` pairs of sockets that keep the borders of messages (SOCK_SEQPACKET). `name` is at most 15
 * bytes, and has to stay. Ends the daemon with a message where that cannot be.
 */
struct mx_jail *mx_jail_start(const char *name, enum mx_jail_kind kind, unsigned int sockets, mx_jail_run *run);
void mx_jail_stop(struct mx_jail *jail);

/* The daemon's end, as number `i`; it stays the same when the process is another. */
int mx_jail_socket(const struct mx_jail *jail, unsigned int i);

/*
 * Sends a message of `length` bytes to a process that answers each by one message, and waits for that, `msec` at
 * most. Returns its size, at most `size`; -1: there is no answer. One thread may use a socket. Not for a socket on
 * which the process speaks by itself.
 */
ssize_t mx_jail_ask(struct mx_jail *jail, unsigned int i, unsigned int msec, void *message, size_t length, void *answer,
		    size_t size);

/* It does not answer: the next mx_jail_revive() ends it. From any thread. */
void mx_jail_give_up(struct mx_jail *jail);

/* To be called when a child has ended, and now and then: true when there was a new start. In the main thread. */
bool mx_jail_revive(struct mx_jail *jail);

#endif
