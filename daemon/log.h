/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages for the administrator, on standard error: "mxloadd: level: text". */
#ifndef MX_DAEMON_LOG_H
#define MX_DAEMON_LOG_H

#include <stdarg.h>

enum mx_log_level {
	MX_LOG_ERROR,
	MX_LOG_WARNING,
	MX_LOG_INFO,
	MX_LOG_DEBUG,
};

/* The name that lines begin with from now on, if not "mxloadd"; at most 31 characters, and it has to stay. */
void mx_log_set_program(const char *name);

/* Messages above `level` are left out from now on. */
void mx_log_set_level(enum mx_log_level level);

/* Writes one line. Safe from every thread. */
void mx_log(enum mx_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes one line and ends the program with status 1: for start-up alone, and for what cannot go on. */
void mx_fatal(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* malloc and its kin; out of memory is fatal. */
void *mx_alloc(unsigned long size);
void *mx_realloc(void *old, unsigned long size);
void *mx_grow(void *old, unsigned long count, unsigned long size); /* room for one more at each power of two */
char *mx_strdup(const char *text);
char *mx_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *mx_format_args(const char *format, va_list args) __attribute__((format(printf, 1, 0)));

/* What another library has made; NULL: out of memory, which is fatal. Returns it. */
void *mx_have(void *made);

/* What another library says of something that it keeps a copy of; less than 0: out of memory. */
void mx_kept(int rc);

#endif
