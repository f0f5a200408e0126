/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon may do. It is started by root, or by an ordinary user with CAP_NET_ADMIN, and goes on as such a user:
 * packet queues, rules, conntrack and addresses need that capability, and nothing needs more.
 */
#ifndef MX_DAEMON_PRIVILEGES_H
#define MX_DAEMON_PRIVILEGES_H

#include "daemon/config.h"

#define MX_USER "mxload"

/*
 * Goes on as `user` with CAP_NET_ADMIN alone, also in what is run from here, and for good: no set-user-ID program gives
 * more. The folders of the ledger and of the control socket are made, if there are none, and given to him; so are
 * folders of root's that are called "mxload", and a ledger that root has left. "": the user stays, the capabilities go.
 * To be called before there is any thread. Ends the process with a message where that cannot be; a default user
 * (is_default) who is not known is no reason: then root stays, without his capabilities, and a warning says so.
 */
void mx_privileges_drop(const struct mx_config *config, const char *user, bool is_default);

/*
 * From now on all threads, and what they start, can only make system calls that the daemon makes in its work: no
 * program is run, nothing is traced, mounted or loaded, and no socket is opened but UNIX, Internet and netlink ones.
 * All others fail with EPERM. A kernel without filters is one warning.
 */
void mx_privileges_filter(void);

/* What a process may do that reads what strangers send; its own memory is always its own. */
enum mx_jail_kind {
	MX_JAIL_PURE,    /* it speaks by sockets that it has */
	MX_JAIL_NETWORK, /* and may open Internet ones, and read files */
};

/* For such a process: no capability is left, and no system call that it has no need of; none runs or writes anything.
 */
void mx_privileges_jail(enum mx_jail_kind kind);

#endif
