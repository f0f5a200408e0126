/* SPDX-License-Identifier: GPL-2.0-or-later */
/* New connections that lead nowhere: every one is a SYN that comes by the module. */
#ifndef MX_ABUSE_TRAFFIC_H
#define MX_ABUSE_TRAFFIC_H

#include <sys/types.h>

#include "core/port.h"

/* A network namespace for the caller, with a road to 198.51.100.0/24 (port 25 is decided) and conntrack on it. */
void traffic_enter(void);

/* Makes `count` connections and gives them up at once. */
void traffic_pass(u32 count);

/* A process that makes them without end, until traffic_stop(). It ends with the caller. */
pid_t traffic_start(void);
void traffic_stop(pid_t process);

#endif
