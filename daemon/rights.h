/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may do what at the control socket: by what the kernel knows of a client, and the configuration. */
#ifndef MX_DAEMON_RIGHTS_H
#define MX_DAEMON_RIGHTS_H

#include <sys/types.h>

#include "core/port.h"

struct mx_config;

/* Each may do what the ones before may. */
enum mx_right { MX_RIGHT_NONE, MX_RIGHT_READ, MX_RIGHT_STEER, MX_RIGHT_CHANGE };

#define MX_RIGHTS_KNOWN 64u

/* What was looked up not long ago: the files of users and groups are read again at most once a second for each user. */
struct mx_rights {
	struct mx_right_known {
		uid_t user;
		gid_t group;
		enum mx_right right;
	} known[MX_RIGHTS_KNOWN];
	u32 count;
	u64 since;      /* ms */
	u64 generation; /* of the configuration that they follow from */
};

/*
 * What the client behind the socket fd may do. `config` is of `generation`. Who cannot be known may do nothing. For one
 * thread at a time.
 */
enum mx_right mx_rights_of(struct mx_rights *rights, const struct mx_config *config, u64 generation, int fd);

#endif
