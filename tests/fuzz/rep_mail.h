/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What holds of all that the readers of mail tell, whatever the mail was. */
#ifndef MX_FUZZ_REP_MAIL_H
#define MX_FUZZ_REP_MAIL_H

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/target.h"
#include "tools/mxrep/mail.h"

/* What was told in one reading: how many, and a sum of all of it. */
struct seen {
	int count;
	guint sum;
};

static inline void require(bool holds)
{
	if (!holds)
		abort();
}

/* One line of UTF-8, not empty, without blanks at its ends, without control characters; NULL where nothing is said. */
static inline void see(struct seen *seen, const char *text)
{
	seen->sum = seen->sum * 31 + (text ? g_str_hash(text) : 1);
	if (!text)
		return;
	require(*text && strlen(text) <= 1000 && g_utf8_validate(text, -1, NULL));
	require(*text != ' ' && text[strlen(text) - 1] != ' ');
	for (const char *at = text; *at; at = g_utf8_next_char(at))
		require(!g_unichar_iscntrl(g_utf8_get_char(at)));
}

static inline void see_address(struct seen *seen, enum mx_family family, struct mx_addr address)
{
	require(family == MX_IPV4 || family == MX_IPV6);
	require(family == MX_IPV6 || (!address.hi && address.lo <= 0xffffffff));
	seen->sum = seen->sum * 31 + (guint)(address.hi ^ address.lo);
}

static inline void see_time(struct seen *seen, s64 when)
{
	require(when >= 0 && when <= 253402300799LL);
	seen->sum = seen->sum * 31 + (guint)when;
}

/* The result is as many as were told; -1 has its line. */
static inline void see_result(int result, const struct seen *seen, const char *error)
{
	require(result == -1 || result == seen->count);
	require((result == -1) == (*error != '\0'));
	for (const char *at = error; *at; at++)
		require(*at >= ' ' && *at < 127);
	require(result != -1 || strstr(error, "expected "));
}

#endif
