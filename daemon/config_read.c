// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/config_read.h"

#include <ctype.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config_text.h"
#include "daemon/text.h"

/* The name of a file once for all places in it. */
static const char *intern_file(struct mx_config *config, const char *file)
{
	u32 i;

	if (!file)
		file = config->path;
	for (i = 0; i < config->files.count; i++)
		if (!strcmp(config->files.items[i], file))
			return config->files.items[i];
	config->files.items = mx_grow(config->files.items, i, sizeof(char *));
	config->files.items[i] = mx_strdup(file);
	config->files.count++;
	return config->files.items[i];
}

/* libconfig 1.5 names an included file as its @include does, without the folder. */
static const char *full_name(const struct mx_reader *r, const char *file)
{
	size_t length = file ? strlen(file) : 0, i;

	for (i = 0; file && r->files && i < r->files->count; i++) {
		const char *full = r->files->items[i];
		size_t more = strlen(full) > length ? strlen(full) - length : 0;

		if (!strcmp(full + more, file) && (!more || full[more - 1] == '/'))
			return full;
	}
	return file;
}

struct mx_place mx_reader_place_in(struct mx_reader *r, const char *file, u32 line)
{
	return (struct mx_place){ intern_file(r->config, full_name(r, file)), line };
}

struct mx_place mx_reader_place(struct mx_reader *r, const config_setting_t *s)
{
	return mx_reader_place_in(r, config_setting_source_file(s), config_setting_source_line(s));
}

struct mx_place mx_reader_place_of(struct mx_reader *r, const char *name)
{
	const config_setting_t *s = config_lookup(r->tree, name);

	return s ? mx_reader_place(r, s) : mx_reader_place_in(r, r->config->path, 1);
}

/* One line, whatever the text that it quotes has in it. */
static bool fail(struct mx_reader *r, struct mx_place place, const char *format, va_list args)
{
	int n = snprintf(r->error, MX_CONFIG_ERROR, "%s:%u: ", place.file, place.line);
	char *c;

	if (n < MX_CONFIG_ERROR)
		vsnprintf(r->error + n, MX_CONFIG_ERROR - (size_t)n, format, args);
	for (c = r->error; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	return false;
}

bool mx_reader_fail(struct mx_reader *r, const config_setting_t *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail(r, mx_reader_place(r, s), format, args);
	va_end(args);
	return false;
}

bool mx_reader_fail_at(struct mx_reader *r, struct mx_place place, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail(r, place, format, args);
	va_end(args);
	return false;
}

void mx_reader_warn_at(struct mx_reader *r, struct mx_place place, const char *format, ...)
{
	struct mx_strings *w = &r->config->warnings;
	va_list args;
	char *text;

	va_start(args, format);
	text = mx_format_args(format, args);
	va_end(args);
	w->items = mx_grow(w->items, w->count, sizeof(char *));
	w->items[w->count++] = mx_format("%s:%u: %s", place.file, place.line, text);
	free(text);
}

/* --- files ----------------------------------------------------------------------------------------------------------
 */

/* What libconfig has to say about a file that it could not parse, and what was expected. */
static bool fail_parse(struct mx_reader *r, const config_t *tree, const char *path)
{
	const char *text = config_error_text(tree), *expected = "name = value; or name: { ... };";
	const char *file = config_error_file(tree);

	if (strstr(text, "duplicate"))
		expected = "each name once in its group";
	if (strstr(text, "mismatched"))
		expected = "elements of one kind, numbers all with an L behind them or none";
	if (strstr(text, "include"))
		expected = "at most ten files inside each other, named from the folder of the first one";
	return mx_reader_fail_at(r, mx_reader_place_in(r, file ? file : path, (u32)config_error_line(tree)),
				 "%s: expected %s", text, expected);
}

static bool parse_file(struct mx_reader *r, config_t *tree, const char *path)
{
	char *copy = mx_strdup(path);

	config_set_include_dir(tree, dirname(copy));
	free(copy);
	return config_read_file(tree, path) || fail_parse(r, tree, path);
}

void mx_strings_free(struct mx_strings *list)
{
	while (list->count)
		free(list->items[--list->count]);
	free(list->items);
	free(list->places);
}

bool mx_reader_file(struct mx_reader *r, const char *path, bool (*read)(struct mx_reader *, config_t *))
{
	const struct mx_strings *outer = r->files;
	struct mx_strings files = { 0 };
	config_t tree;
	bool good;

	config_init(&tree);
	good = mx_config_find_files(r, path, &files);
	r->files = &files;
	good = good && parse_file(r, &tree, path) && read(r, &tree) && mx_config_check_numbers(r, &files);
	r->files = outer;
	config_destroy(&tree);
	mx_strings_free(&files);
	return good;
}

/* --- groups ---------------------------------------------------------------------------------------------------------
 */

static bool unknown_option(struct mx_reader *r, const config_setting_t *s, const struct mx_option *options)
{
	char known[400] = "";

	for (; options->name; options++)
		snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s%s", *known ? ", " : "",
			 options->name);
	return mx_reader_fail(r, s, "unknown option \"%s\": expected one of %s", config_setting_name(s), known);
}

bool mx_read_group(struct mx_reader *r, config_setting_t *s, const struct mx_option *options, void *base)
{
	int i;

	if (!config_setting_is_group(s))
		return mx_reader_fail(r, s, "%s: expected a group { ... }", config_setting_name(s));
	for (i = 0; i < config_setting_length(s); i++) {
		config_setting_t *child = config_setting_get_elem(s, (unsigned int)i);
		const struct mx_option *o = options;

		while (o->name && strcmp(o->name, config_setting_name(child)))
			o++;
		if (!o->name)
			return unknown_option(r, child, options);
		if (!o->read(r, child, (char *)base + o->offset, o))
			return false;
	}
	return true;
}

bool mx_read_is_list(struct mx_reader *r, const config_setting_t *s)
{
	if (config_setting_is_array(s) || config_setting_is_list(s))
		return true;
	return mx_reader_fail(r, s, "%s: expected a list [ ... ]", config_setting_name(s));
}

const char *mx_read_element(struct mx_reader *r, config_setting_t *s, const char *what)
{
	const char *text = config_setting_get_string(s);

	if (!text)
		mx_reader_fail(r, s, "%s: expected %s in quotes", config_setting_name(config_setting_parent(s)), what);
	return text;
}

/* libconfig keeps a hexadecimal 0xfff00000 as a negative int. */
bool mx_reader_number(const config_setting_t *s, long long *n)
{
	if (config_setting_type(s) == CONFIG_TYPE_INT64)
		*n = config_setting_get_int64(s);
	else if (config_setting_type(s) == CONFIG_TYPE_INT && config_setting_get_format(s) == CONFIG_FORMAT_HEX)
		*n = (u32)config_setting_get_int(s);
	else if (config_setting_type(s) == CONFIG_TYPE_INT)
		*n = config_setting_get_int(s);
	else
		return false;
	return true;
}

static bool read_in_range(struct mx_reader *r, config_setting_t *s, const struct mx_option *option, long long *n)
{
	if (!mx_reader_number(s, n) || *n < option->min || *n > option->max)
		return mx_reader_fail(r, s, "%s: expected a number from %lld to %lld", option->name, option->min,
				      option->max);
	return true;
}

MX_READER(mx_read_skip)
{
	(void)r, (void)s, (void)target, (void)option;
	return true;
}

MX_READER(mx_read_bool)
{
	if (config_setting_type(s) != CONFIG_TYPE_BOOL)
		return mx_reader_fail(r, s, "%s: expected true or false", option->name);
	*(bool *)target = config_setting_get_bool(s);
	return true;
}

MX_READER(mx_read_number)
{
	long long n = 0;

	if (!read_in_range(r, s, option, &n))
		return false;
	*(u32 *)target = (u32)n;
	return true;
}

MX_READER(mx_read_choice)
{
	const char *text = config_setting_get_string(s);
	char known[200] = "";
	int i;

	for (i = 0; option->words[i]; i++) {
		if (text && !strcmp(text, option->words[i])) {
			*(int *)target = i;
			return true;
		}
		snprintf(known + strlen(known), sizeof(known) - strlen(known), "%s\"%s\"",
			 !*known                ? ""
			 : option->words[i + 1] ? ", "
						: " or ",
			 option->words[i]);
	}
	return mx_reader_fail(r, s, "%s: expected %s", option->name, known);
}

MX_READER(mx_read_string)
{
	const char *text = config_setting_get_string(s);

	if (!text)
		return mx_reader_fail(r, s, "%s: expected text in quotes", option->name);
	free(*(char **)target);
	*(char **)target = mx_strdup(text);
	return true;
}

MX_READER(mx_read_path)
{
	const char *text = config_setting_get_string(s);

	if (!text || !*text || strlen(text) > (size_t)option->max)
		return mx_reader_fail(r, s, "%s: expected a path of 1 to %lld bytes in quotes", option->name,
				      option->max);
	return mx_read_string(r, s, target, option);
}

MX_READER(mx_read_numbers)
{
	struct mx_conf_ids *list = target;
	int i;

	if (!mx_read_is_list(r, s))
		return false;
	if (!config_setting_length(s))
		return mx_reader_fail(r, s, "%s: expected at least one number", option->name);
	list->count = 0;
	for (i = 0; i < config_setting_length(s); i++) {
		config_setting_t *e = config_setting_get_elem(s, (unsigned int)i);
		long long n = 0;
		u32 j;

		if (!read_in_range(r, e, option, &n))
			return false;
		for (j = 0; j < list->count; j++)
			if (list->items[j] == n)
				return mx_reader_fail(r, e, "%s: %lld is doubled: expected each number once",
						      option->name, n);
		list->items = mx_grow(list->items, list->count, sizeof(u32));
		list->items[list->count++] = (u32)n;
	}
	return true;
}

MX_READER(mx_read_nets)
{
	struct mx_conf_nets *list = target;
	int i;

	if (!mx_read_is_list(r, s))
		return false;
	list->count = 0;
	for (i = 0; i < config_setting_length(s); i++) {
		config_setting_t *e = config_setting_get_elem(s, (unsigned int)i);
		const char *text = mx_read_element(r, e, "an address or address/length");
		struct mx_conf_net net = { .place = mx_reader_place(r, e) };
		const char *expected;

		if (!text)
			return false;
		expected = mx_prefix_parse(text, &net.family, &net.addr, &net.length);
		if (expected)
			return mx_reader_fail(r, e, "%s: \"%s\": %s", option->name, text, expected);
		list->items = mx_grow(list->items, list->count, sizeof(net));
		list->items[list->count++] = net;
	}
	return true;
}

MX_READER(mx_read_weights)
{
	struct mx_conf_weights *list = target;
	int i;

	if (!config_setting_is_group(s))
		return mx_reader_fail(r, s, "%s: expected a group { source = weight; ... }", option->name);
	list->count = 0;
	for (i = 0; i < config_setting_length(s); i++) {
		config_setting_t *e = config_setting_get_elem(s, (unsigned int)i);
		u16 source = mx_config_source(r->config, config_setting_name(e));
		long long n = 0;

		if (source == MX_NONE)
			return mx_reader_fail(r, e, "%s: unknown source \"%s\": expected one of the group sources",
					      option->name, config_setting_name(e));
		if (!mx_reader_number(e, &n) || n < 0 || n > 1000)
			return mx_reader_fail(r, e, "%s: weight of %s: expected a number from 0 to 1000", option->name,
					      config_setting_name(e));
		list->items = mx_grow(list->items, list->count, sizeof(list->items[0]));
		list->items[list->count++] = (struct mx_conf_weight){ source, (u16)n };
	}
	return true;
}

static bool parse_limit(const char *text, struct mx_limit *limit)
{
	char unit[16], period[16];
	unsigned long long most;
	int end = 0;
	u16 u, p;

	if (!isdigit((unsigned char)*text) ||
	    sscanf(text, "%12llu %15[a-z]/%15[a-z]%n", &most, unit, period, &end) != 3 || text[end])
		return false;
	for (u = 0; u < MX_UNITS && strcmp(unit, mx_unit_name(u)); u++)
		;
	for (p = 0; p < MX_PERIODS && strcmp(period, mx_period_name(p)); p++)
		;
	if (u == MX_UNITS || p == MX_PERIODS || !most || most > 1000000000)
		return false;
	*limit = (struct mx_limit){ (u32)most, u, p };
	return true;
}

MX_READER(mx_read_limits)
{
	struct mx_limits *list = target;
	int i;

	if (!mx_read_is_list(r, s))
		return false;
	list->count = 0;
	for (i = 0; i < config_setting_length(s); i++) {
		config_setting_t *e = config_setting_get_elem(s, (unsigned int)i);
		const char *text = mx_read_element(r, e, "a limit");
		struct mx_limit limit;

		if (!text)
			return false;
		if (!parse_limit(text, &limit))
			return mx_reader_fail(
				r, e,
				"%s: \"%s\": expected \"N messages|connections/hour|day|week\", N from 1 to "
				"1000000000",
				option->name, text);
		list->items = mx_grow(list->items, list->count, sizeof(limit));
		list->items[list->count++] = limit;
	}
	return true;
}
