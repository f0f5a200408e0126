/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that stay: one copy of each for the life of the process, so that whoever remembers a name across a reload
 * (recent connections, events, states) keeps a pointer. Names come from the configuration alone, so they are few.
 */
#ifndef MX_DAEMON_NAMES_H
#define MX_DAEMON_NAMES_H

#include "core/port.h"

/* The copy of `name`; the same pointer for the same name. Main thread only. */
const char *mx_name(const char *name);

/* The number of a name of mx_name(), from 1 on: no two have the same. */
u32 mx_name_number(const char *name);

#endif
