/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Metrics for Prometheus over HTTP: GET /metrics, mxload-metrics(7). Everything runs in the main thread, like the
 * control socket; no decision ever waits for it. What a client can cost is bounded: there are a few connections at a
 * time, each for some seconds and one answer, and the text is not made again before twenty times as long has passed as
 * it took to make.
 */
#ifndef MX_DAEMON_METRICS_H
#define MX_DAEMON_METRICS_H

#include <stddef.h>

#include "daemon/daemon.h"

#define MX_METRICS_LANES 10000u /* that are told of: about twenty lines each */

struct mx_metrics;

/* Serves at the address of the configuration. One that cannot be had is a warning, and is tried again. */
struct mx_metrics *mx_metrics_start(struct mx_daemon *daemon);
void mx_metrics_stop(struct mx_metrics *metrics);

/* Another configuration is in force. */
void mx_metrics_reload(struct mx_metrics *metrics);

/* To be called a few times a second. */
void mx_metrics_tick(struct mx_metrics *metrics);

/* Why nobody is served; NULL: all is as the configuration says. */
const char *mx_metrics_error(const struct mx_metrics *metrics);

/* The text of all metrics, to be freed; its length is in *size. */
char *mx_metrics_text(struct mx_daemon *daemon, size_t *size);

#endif
