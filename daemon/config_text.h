/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has to be seen in the text of a configuration itself, because libconfig does not tell: it ends the process when
 * an included file is a folder, and it cuts numbers that have no L behind them to 32 bits.
 */
#ifndef MX_DAEMON_CONFIG_TEXT_H
#define MX_DAEMON_CONFIG_TEXT_H

#include "daemon/config_read.h"

/*
 * Whether `path`, and all that it includes, are files that can be read. Their names are added to `files`, which stay
 * the caller's also after a failure.
 */
bool mx_config_find_files(struct mx_reader *r, const char *path, struct mx_strings *files);

/* Whether every number in `files` is what libconfig reads. */
bool mx_config_check_numbers(struct mx_reader *r, const struct mx_strings *files);

#endif
