// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const level_names[] = { "error", "warning", "info", "debug" };
static enum mx_log_level highest = MX_LOG_INFO;
static const char *program = "mxloadd";

void mx_log_set_program(const char *name)
{
	program = name;
}

void mx_log_set_level(enum mx_log_level level)
{
	highest = level;
}

/* One write for each line, so that lines of several threads never mix. */
static void write_line(enum mx_log_level level, const char *format, va_list args)
{
	char line[1024];
	int n = snprintf(line, sizeof(line), "%s: %s: ", program, level_names[level]);
	int m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, format, args);

	n += m < 0 ? 0 : m;
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n + 1) < 0)
		return; /* nobody listens: nothing better to do */
}

void mx_log(enum mx_log_level level, const char *format, ...)
{
	va_list args;

	if (level > highest)
		return;
	va_start(args, format);
	write_line(level, format, args);
	va_end(args);
}

void mx_fatal(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line(MX_LOG_ERROR, format, args);
	va_end(args);
	if (gettid() != getpid())
		_exit(1); /* what exit() takes apart the other threads still use */
	exit(1);
}

void *mx_alloc(unsigned long size)
{
	return mx_have(calloc(1, size ? size : 1));
}

void *mx_realloc(void *old, unsigned long size)
{
	return mx_have(realloc(old, size ? size : 1));
}

void *mx_have(void *made)
{
	if (!made)
		mx_fatal("out of memory");
	return made;
}

void mx_kept(int rc)
{
	if (rc < 0)
		mx_fatal("out of memory");
}

void *mx_grow(void *old, unsigned long count, unsigned long size)
{
	return count & (count - 1) ? old : mx_realloc(old, (count ? 2 * count : 1) * size);
}

char *mx_strdup(const char *text)
{
	return mx_have(strdup(text));
}

char *mx_format_args(const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		mx_fatal("out of memory");
	return text;
}

char *mx_format(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = mx_format_args(format, args);
	va_end(args);
	return text;
}
