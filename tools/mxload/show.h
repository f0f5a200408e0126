/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers of the daemon as tables for people. */
#ifndef MX_TOOL_SHOW_H
#define MX_TOOL_SHOW_H

#include <jansson.h>

enum mx_by { MX_BY_LANE, MX_BY_SOURCE, MX_BY_PROVIDER };

/* Replaces control characters in all strings of `value` by \xNN, so that a terminal does not obey what a log said. */
void mx_show_plainly(json_t *value);

void mx_show_status(const json_t *answer);
void mx_show_stats(const json_t *answer, enum mx_by by);
void mx_show_sources(const json_t *answer);
void mx_show_providers(const json_t *answer);
void mx_show_pools(const json_t *answer);
void mx_show_warmup(const json_t *answer);
void mx_show_factor(const json_t *answer);
void mx_show_settle(const json_t *answer);
void mx_show_quota(const json_t *answer);
void mx_show_weight(const json_t *answer);
void mx_show_pause(const json_t *answer);
void mx_show_learn(const json_t *answer);
void mx_show_explain(const json_t *answer);
void mx_show_flows(const json_t *answer);

/* One line for an event of watch or flows --follow. */
void mx_show_event(const json_t *event);

#endif
