/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mxload top: a live screen of the lanes. */
#ifndef MX_TOOL_TOP_H
#define MX_TOOL_TOP_H

#define MX_TOP_INTERVAL 2 /* seconds */
#define MX_TOP_INTERVAL_LEAST 0.1
#define MX_TOP_INTERVAL_MOST 3600

/* Asks the daemon at `socket` every `interval` seconds until the user leaves; returns the exit status. */
int mx_top_run(const char *socket, double interval);

#endif
