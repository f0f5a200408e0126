/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way to the daemon: one request, one answer, or a stream of events behind it. */
#ifndef MX_TOOL_CLIENT_H
#define MX_TOOL_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

enum { MX_EXIT_OK = 0, MX_EXIT_REFUSED = 1, MX_EXIT_USAGE = 2, MX_EXIT_NO_DAEMON = 3 };

struct mx_client;

/* Connects to the socket; says why and leaves with status 3 when nobody answers there. */
struct mx_client *mx_client_open(const char *path);
void mx_client_close(struct mx_client *client);

/*
 * Sends a request (which it takes) and waits for the answer, at most MXLOAD_TIMEOUT seconds (10). Leaves with status 3
 * when the daemon does not answer. The answer is the caller's; the line as it came is in *line (until the next call).
 */
json_t *mx_client_ask(struct mx_client *client, json_t *request, const char **line);

/* The next line of a stream, however long it takes; NULL at its end. */
const char *mx_client_next(struct mx_client *client);

#endif
