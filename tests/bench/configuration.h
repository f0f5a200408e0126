/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration that a bench writes for itself, read as the daemon reads it. Ends the program when it is wrong. */
#ifndef MX_BENCH_CONFIGURATION_H
#define MX_BENCH_CONFIGURATION_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/config.h"

static inline struct mx_config *bench_configuration(void (*put)(FILE *out))
{
	char path[] = "/tmp/mxload-bench-XXXXXX", error[MX_CONFIG_ERROR] = "";
	FILE *out = fdopen(mkstemp(path), "w");
	struct mx_config *config;

	put(out);
	fclose(out);
	config = mx_config_read(path, error);
	unlink(path);
	if (!config) {
		fprintf(stderr, "bench: %s\n", error);
		exit(1);
	}
	return config;
}

#endif
