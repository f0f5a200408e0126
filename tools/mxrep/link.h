/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way to mxloadd: its connections as they come and go, and requests. It may go away and come back at any time. */
#ifndef MX_REP_LINK_H
#define MX_REP_LINK_H

#include <jansson.h>

#include "core/port.h"

#define REP_LINK_ERROR 300

struct rep_link;

/* Connects to nobody yet. `path` of the control socket has to stay. */
struct rep_link *rep_link_new(const char *path);
void rep_link_close(struct rep_link *link);

/* Whether the daemon was there when it was last spoken to. */
bool rep_link_is_up(const struct rep_link *link);

/*
 * Sends a request (which it takes) and waits up to ten seconds for the answer, which is the caller's. NULL: `error`
 * (REP_LINK_ERROR bytes) says what the daemon has against it, or that it is not there; tries to connect every time.
 */
json_t *rep_link_ask(struct rep_link *link, json_t *request, char *error);

/* Adds "to", for a network of the default provider ("192.0.2.0/24"), to a request; nothing for "". */
void rep_link_put_network(json_t *request, const char *network);

/*
 * From now on every connection that the daemon decides or sees closing is told; those that are there already are in
 * the answer, which is the caller's. NULL: as above.
 */
json_t *rep_link_follow(struct rep_link *link, char *error);

/* What to poll for while it is followed; -1 when it is not. */
int rep_link_descriptor(const struct rep_link *link);

/*
 * The next event that has come, which is the caller's; NULL: there is none now, or the daemon is gone
 * (rep_link_descriptor() is -1 then).
 */
json_t *rep_link_event(struct rep_link *link);

#endif
