// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/arguments.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static size_t size_of(u32 count)
{
	return offsetof(struct mx_arguments, items) + count * sizeof(struct mx_argument);
}

size_t mx_arguments_size(const struct mx_arguments *arguments)
{
	return size_of(arguments->count);
}

/* --- from text -------------------------------------------------------------------------------------------------- */

/* Copies at most `size` - 1 bytes of UTF-8, up to the end of a character. */
static void copy_text(char *to, size_t size, const char *from)
{
	size_t n = strlen(from);

	if (n >= size)
		for (n = size - 1; n && (from[n] & 0xc0) == 0x80; n--)
			;
	memcpy(to, from, n);
	to[n] = '\0';
}

static void read_value(struct mx_argument *m, json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_NULL:
		m->type = MX_ARGUMENT_NULL;
		break;
	case JSON_TRUE:
		m->type = MX_ARGUMENT_TRUE;
		break;
	case JSON_FALSE:
		m->type = MX_ARGUMENT_FALSE;
		break;
	case JSON_INTEGER:
		m->type = MX_ARGUMENT_INTEGER;
		m->number.integer = json_integer_value(value);
		break;
	case JSON_REAL:
		m->type = MX_ARGUMENT_REAL;
		m->number.real = json_real_value(value);
		break;
	case JSON_STRING:
		m->type = MX_ARGUMENT_TEXT_VALUE;
		copy_text(m->text, sizeof(m->text), json_string_value(value));
		break;
	default:
		m->type = MX_ARGUMENT_OTHER;
	}
}

static void read_members(json_t *object, struct mx_arguments *arguments)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		struct mx_argument *m = &arguments->items[arguments->count];

		if (strlen(key) >= MX_ARGUMENT_KEY)
			continue;
		if (arguments->count == MX_ARGUMENTS) {
			arguments->count = 0;
			snprintf(arguments->error, sizeof(arguments->error), "expected at most %d arguments",
				 MX_ARGUMENTS);
			return;
		}
		memset(m, 0, sizeof(*m));
		strcpy(m->key, key);
		read_value(m, value);
		arguments->count++;
	}
}

void mx_arguments_read(const char *text, size_t length, struct mx_arguments *arguments)
{
	json_error_t error;
	json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	char why[MX_ARGUMENTS_ERROR];

	memset(arguments, 0, offsetof(struct mx_arguments, items));
	if (json_is_object(object)) {
		read_members(object, arguments);
	} else {
		snprintf(why, sizeof(why), "expected one JSON object a line: %.120s",
			 object ? "this is something else" : error.text);
		copy_text(arguments->error, sizeof(arguments->error), why);
	}
	json_decref(object);
}

/* --- from a process that is not trusted ------------------------------------------------------------------------- */

/* NULL: it has no end, or is not UTF-8. */
static json_t *text_of(const char *text, size_t size)
{
	return memchr(text, '\0', size) ? json_string(text) : NULL;
}

static json_t *value_of(const struct mx_argument *m)
{
	switch (m->type) {
	case MX_ARGUMENT_NULL:
		return json_null();
	case MX_ARGUMENT_FALSE:
		return json_false();
	case MX_ARGUMENT_TRUE:
		return json_true();
	case MX_ARGUMENT_INTEGER:
		return json_integer(m->number.integer);
	case MX_ARGUMENT_REAL:
		return json_real(m->number.real); /* NULL: it is none */
	case MX_ARGUMENT_TEXT_VALUE:
		return text_of(m->text, sizeof(m->text));
	case MX_ARGUMENT_OTHER:
		return json_array();
	default:
		return NULL;
	}
}

static bool is_text(const char *text, size_t size)
{
	json_t *string = text_of(text, size);

	json_decref(string);
	return string;
}

static bool take_members(const struct mx_arguments *arguments, json_t *object)
{
	u32 i;

	for (i = 0; i < arguments->count; i++) {
		const struct mx_argument *m = &arguments->items[i];

		/* takes the value, and fails when there is none or the key is no text */
		if (!is_text(m->key, sizeof(m->key)) || json_object_set_new(object, m->key, value_of(m)))
			return false;
	}
	return true;
}

json_t *mx_arguments_object(const struct mx_arguments *arguments, size_t size, char *error)
{
	json_t *object = NULL;

	if (size >= size_of(0) && is_text(arguments->error, sizeof(arguments->error)) &&
	    arguments->count <= MX_ARGUMENTS && size == size_of(arguments->count)) {
		if (*arguments->error) {
			memcpy(error, arguments->error, MX_ARGUMENTS_ERROR);
			return NULL;
		}
		object = json_object();
		if (take_members(arguments, object))
			return object;
	}
	json_decref(object);
	snprintf(error, MX_ARGUMENTS_ERROR, "the request could not be read: try again");
	return NULL;
}
