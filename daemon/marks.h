/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A source keeps its mark across reloads and restarts: live connections carry it, and administrators write it into
 * `ip rule`. A mark is given to another source only when there are no new ones left.
 */
#ifndef MX_DAEMON_MARKS_H
#define MX_DAEMON_MARKS_H

#include "daemon/config.h"
#include "daemon/store.h"

/*
 * The mark of each source, in units of the lowest bit of the mark mask, from 1 on; new ones are written into the store.
 * To be freed by free(). NULL, and a message, when it cannot be read which they were.
 */
u32 *mx_marks_number(const struct mx_config *config, struct mx_store *store);

#endif
