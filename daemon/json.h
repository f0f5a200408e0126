/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The small parts that answers and events are made of, as new JSON values. */
#ifndef MX_DAEMON_JSON_H
#define MX_DAEMON_JSON_H

#include <jansson.h>

#include "core/state.h"

json_t *mx_json_text(const char *text); /* NULL: null */
json_t *mx_json_number(u64 number);
json_t *mx_json_ways(u64 sent, u64 received); /* bytes or packets of connections */
json_t *mx_json_time(s64 seconds);            /* since the epoch; 0: null */
json_t *mx_json_address(enum mx_family family, struct mx_addr addr);
json_t *mx_json_left(struct mx_left left); /* null where there is no limit */
json_t *mx_json_day(u32 day);              /* of a warm-up; 0: null */

#endif
