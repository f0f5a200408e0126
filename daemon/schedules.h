/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The warm-up schedules that come with mxload. */
#ifndef MX_DAEMON_SCHEDULES_H
#define MX_DAEMON_SCHEDULES_H

#include "daemon/config.h"

/* Adds them behind the configuration's own: who uses one of these names gets what he has defined himself. */
void mx_schedules_add_shipped(struct mx_config *config);

#endif
