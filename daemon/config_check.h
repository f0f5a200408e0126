/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MX_DAEMON_CONFIG_CHECK_H
#define MX_DAEMON_CONFIG_CHECK_H

#include "daemon/config_read.h"

/* Everything that one option alone cannot tell: what is doubled, missing, too many, or does not fit together. */
bool mx_config_check(struct mx_reader *r);

#endif
