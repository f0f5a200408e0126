/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control commands: from a request to its answer. What they mean stands in mxload-control(7). */
#ifndef MX_DAEMON_COMMAND_H
#define MX_DAEMON_COMMAND_H

#include "daemon/control.h"
#include "daemon/daemon.h"
#include "daemon/open.h"
#include "daemon/rights.h"

/* What a connection goes on to get after the answer. */
enum mx_stream { MX_STREAM_NONE, MX_STREAM_WATCH, MX_STREAM_FLOWS, MX_STREAM_DRAIN };

struct mx_request {
	struct mx_daemon *daemon;
	json_t *args;
	const char *owner; /* whose states it sets: "operator" or "mxrep" */
	u64 begin;         /* in the journal: a stream tells what came after this */
	enum mx_right right;
	/* set by the command */
	const char *code; /* of an error */
	char error[MX_CONFIG_ERROR];
	enum mx_stream stream;
	struct mx_reach drained;
	struct mx_addr to; /* of a stream of flows */
	enum mx_family to_family;
	bool to_given;
};

/* Runs the command of a request. The answer is the caller's, never NULL; errors are answers too. */
json_t *mx_command_run(struct mx_request *request);

/* An error as an answer. */
json_t *mx_command_error(const char *code, const char *error);

/* An event as watch and flows show it. */
json_t *mx_command_event(const struct mx_event *event);

#endif
