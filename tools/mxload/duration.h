/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MX_TOOL_DURATION_H
#define MX_TOOL_DURATION_H

/* Seconds of "90s", "15m", "2h" or "7d"; -1 for anything else, and for none or more than ten years. */
long mx_duration_parse(const char *text);

#endif
