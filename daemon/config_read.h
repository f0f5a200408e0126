/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading one libconfig file by tables of options: every option has a name, a reader and the place its value goes to.
 * Readers return false after they have said what is wrong, so callers pass a failure on and nothing else.
 */
#ifndef MX_DAEMON_CONFIG_READ_H
#define MX_DAEMON_CONFIG_READ_H

#include <libconfig.h>

#include "daemon/config.h"

struct mx_reader {
	struct mx_config *config;
	const config_t *tree;           /* the main file */
	const struct mx_strings *files; /* those of the tree that is being read, by their full names */
	bool catalogue;                 /* that is the catalogue's */
	char *error;                    /* MX_CONFIG_ERROR bytes */
	void *context;                  /* of whoever reads a file of his own */
};

struct mx_option {
	const char *name;
	bool (*read)(struct mx_reader *r, config_setting_t *s, void *target, const struct mx_option *option);
	size_t offset;            /* of the target in the structure read into */
	long long min, max;       /* of a number */
	const char *const *words; /* of a choice: the index becomes the value; ends with NULL */
};

/* Writes "FILE:LINE: " and the text as the error; returns false. */
bool mx_reader_fail(struct mx_reader *r, const config_setting_t *s, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
bool mx_reader_fail_at(struct mx_reader *r, struct mx_place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Keeps a warning, "FILE:LINE: " and the text. */
void mx_reader_warn_at(struct mx_reader *r, struct mx_place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Where a setting stands; where the option `name` of the main file does, or its first line when it is not given. */
struct mx_place mx_reader_place(struct mx_reader *r, const config_setting_t *s);
struct mx_place mx_reader_place_of(struct mx_reader *r, const char *name);
struct mx_place mx_reader_place_in(struct mx_reader *r, const char *file, u32 line);

/* Reads one file with all that it includes, and calls `read` with its tree. */
bool mx_reader_file(struct mx_reader *r, const char *path, bool (*read)(struct mx_reader *, config_t *));

/* The value of a number as it stands in the file; false when it is none. */
bool mx_reader_number(const config_setting_t *s, long long *n);

/* Reads the options of a group { name = value; ... } into the structure at `base`. */
bool mx_read_group(struct mx_reader *r, config_setting_t *s, const struct mx_option *options, void *base);

/* Readers of values. Lists replace what was there. */
#define MX_READER(name)                                                                                                \
	bool name(struct mx_reader *r, config_setting_t *s, void *target, const struct mx_option *option)
MX_READER(mx_read_bool);    /* bool */
MX_READER(mx_read_number);  /* u32, from min to max */
MX_READER(mx_read_choice);  /* an enum */
MX_READER(mx_read_string);  /* char * */
MX_READER(mx_read_path);    /* char *, from 1 to max bytes */
MX_READER(mx_read_numbers); /* struct mx_conf_ids, each from min to max and once, at least one */
MX_READER(mx_read_nets);    /* struct mx_conf_nets */
MX_READER(mx_read_weights); /* struct mx_conf_weights: source = weight */
MX_READER(mx_read_limits);  /* struct mx_limits */
MX_READER(mx_read_skip);    /* read elsewhere */

/* One element of a list, which has to be a string; NULL after an error. `what` names what was expected. */
const char *mx_read_element(struct mx_reader *r, config_setting_t *s, const char *what);

/* Whether a list is one; says so if not. */
bool mx_read_is_list(struct mx_reader *r, const config_setting_t *s);

#endif
