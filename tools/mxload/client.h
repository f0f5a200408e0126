/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way to the daemon: one request, one answer, or a stream of events behind it. */
#ifndef MX_TOOL_CLIENT_H
#define MX_TOOL_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

enum {
	MX_EXIT_OK = 0,
	MX_EXIT_REFUSED = 1,
	MX_EXIT_USAGE = 2,
	MX_EXIT_NO_DAEMON = 3,
	MX_EXIT_INTERRUPTED = 130, /* as a shell says it of SIGINT */
};

struct mx_client;

/* Connects to the socket; says why and leaves with status 3 when nobody answers there within MXLOAD_TIMEOUT seconds. */
struct mx_client *mx_client_open(const char *path);
void mx_client_close(struct mx_client *client);

/*
 * Sends a request (which it takes) and waits for the answer, all of it, at most MXLOAD_TIMEOUT seconds (10). Leaves
 * with status 3 when the daemon does not answer. The answer is the caller's; the line as it came is in *line (until the
 * next call).
 */
json_t *mx_client_ask(struct mx_client *client, json_t *request, const char **line);

/*
 * The same in steps, for one who has more to wait for. None of these leaves: what failed returns NULL or false, with
 * the reason in *error (static, or good until the next call). mx_client_try() does not wait; mx_client_send() takes the
 * request, and may be called again before the answer to the one before has come: they come in the same order.
 */
struct mx_client *mx_client_try(const char *path, const char **error);
bool mx_client_send(struct mx_client *client, json_t *request, const char **error);

/*
 * The next line, if all of it is there (good until the next call). NULL with *error NULL: not yet, wait until
 * mx_client_fd() can be read.
 */
const char *mx_client_poll(struct mx_client *client, const char **error);
int mx_client_fd(const struct mx_client *client);

/* Milliseconds that the daemon has for an answer. */
long mx_client_patience(void);

/* The next line of a stream, however long it takes; NULL at its end, and when interrupted. Good until the next call. */
const char *mx_client_next(struct mx_client *client);

/* From now on SIGINT and SIGTERM end mx_client_next() instead of the process. */
void mx_client_catch_interrupts(void);
bool mx_client_was_interrupted(void);

#endif
