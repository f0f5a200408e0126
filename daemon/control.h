/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: one JSON object a line, mxload-control(7). Everything runs in the main thread; the decision
 * never waits for a client, and a client that is slow, rude or gone costs bounded memory.
 */
#ifndef MX_DAEMON_CONTROL_H
#define MX_DAEMON_CONTROL_H

#include <jansson.h>

#include "core/port.h"

struct mx_daemon;
struct mx_control;

/* Opens the socket of the configuration. Ends the program when it cannot, or when another daemon answers there. */
struct mx_control *mx_control_open(struct mx_daemon *daemon);
void mx_control_close(struct mx_control *control);

/* To be called a few times a second: events for who watches, drains, clients that take too long. */
void mx_control_tick(struct mx_control *control);

/* Events that those who watch were not told of, because they read too slowly. */
u64 mx_control_lost(const struct mx_control *control);

#endif
