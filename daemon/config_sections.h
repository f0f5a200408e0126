/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sections of the configuration: each function reads one element of one (a source, a route ...) into the
 * configuration, or says what is wrong with it and returns false. What an element refers to has to be there before it.
 */
#ifndef MX_DAEMON_CONFIG_SECTIONS_H
#define MX_DAEMON_CONFIG_SECTIONS_H

#include "daemon/config_read.h"

bool mx_section_schedule(struct mx_reader *r, config_setting_t *s);
bool mx_section_source(struct mx_reader *r, config_setting_t *s);

/* Pools refer to each other: all of them get their names first. */
bool mx_section_pool_name(struct mx_reader *r, config_setting_t *s);
bool mx_section_pool(struct mx_reader *r, config_setting_t *s);

/* A provider that the catalogue has named already keeps what is not given here. */
bool mx_section_provider(struct mx_reader *r, config_setting_t *s);

/* Everyone else is a provider too, named or not. */
bool mx_section_default_provider(struct mx_reader *r);

bool mx_section_class(struct mx_reader *r, config_setting_t *s);
bool mx_section_route(struct mx_reader *r, config_setting_t *s);

#endif
