/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Metrics as text, in version 0.0.4 of Prometheus's format: one family after the other, its help and type first, then
 * its samples.
 */
#ifndef MX_DAEMON_EXPOSITION_H
#define MX_DAEMON_EXPOSITION_H

#include <stdio.h>

enum mx_metric_type {
	MX_METRIC_COUNTER, /* only ever rises, but for a restart; its name ends with _total */
	MX_METRIC_GAUGE,
};

/* A family: its name in full, and what it is in one line. */
struct mx_metric {
	const char *name;
	enum mx_metric_type type;
	const char *help;
};

struct mx_label {
	const char *name, *value; /* value NULL or "": no such label */
};

/* Begins a family: all its samples have to follow before the next one begins. */
void mx_expose(FILE *out, const struct mx_metric *metric);

/* One sample of it. `labels` ends with a name of NULL. Whole numbers up to 2^53 are written exactly. */
void mx_expose_sample(FILE *out, const struct mx_metric *metric, const struct mx_label *labels, double value);

#endif
