/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arguments of a request, which are the members of one JSON object, in a form that one process may take from
 * another that it does not trust: of fixed size, flat, without pointers. Whoever reads the text of strangers writes it
 * (mx_arguments_read); whoever acts on it checks each byte and makes the object anew (mx_arguments_object), without a
 * parser.
 */
#ifndef MX_DAEMON_ARGUMENTS_H
#define MX_DAEMON_ARGUMENTS_H

#include <jansson.h>

#include "core/port.h"

#define MX_ARGUMENTS 32    /* a request has at most 14 */
#define MX_ARGUMENT_KEY 32 /* bytes, with the NUL */
#define MX_ARGUMENT_TEXT 512
#define MX_ARGUMENTS_ERROR 160

enum mx_argument_type {
	MX_ARGUMENT_NULL,
	MX_ARGUMENT_FALSE,
	MX_ARGUMENT_TRUE,
	MX_ARGUMENT_INTEGER,
	MX_ARGUMENT_REAL,
	MX_ARGUMENT_TEXT_VALUE,
	MX_ARGUMENT_OTHER, /* an object or an array: no request has any */
	MX_ARGUMENT_TYPES,
};

struct mx_argument {
	char key[MX_ARGUMENT_KEY];
	u32 type;
	union {
		s64 integer;
		double real;
	} number;
	char text[MX_ARGUMENT_TEXT];
};

struct mx_arguments {
	u32 count;
	char error[MX_ARGUMENTS_ERROR]; /* "": it is an object, of these arguments */
	struct mx_argument items[MX_ARGUMENTS];
};

/* The bytes of them that count. */
size_t mx_arguments_size(const struct mx_arguments *arguments);

/*
 * Reads `length` bytes of text that should be one JSON object. Members of longer names than any request has are left
 * out, and texts are cut to MX_ARGUMENT_TEXT - 1 bytes, between characters: names that are that long do not exist.
 */
void mx_arguments_read(const char *text, size_t length, struct mx_arguments *arguments);

/*
 * The object, which the caller frees; NULL: there is none, and error (MX_ARGUMENTS_ERROR bytes) says why. Of the
 * `size` bytes at `arguments` nothing is believed.
 */
json_t *mx_arguments_object(const struct mx_arguments *arguments, size_t size, char *error);

#endif
