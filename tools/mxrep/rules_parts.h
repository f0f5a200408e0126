/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What rules consist of: for those who read their file, and those who match. */
#ifndef MX_REP_RULES_PARTS_H
#define MX_REP_RULES_PARTS_H

#include "core/port.h"
#include "tools/mxrep/rules.h"
#include "tools/mxrep/search.h"

#define REP_REPLY_MAX 2000u /* bytes of a reply that are looked at */

#define REP_RULES_NONE (~0u)

/* What a number may be, both ends with it. */
struct rep_range {
	u16 first, last;
};

#define REP_NUMBER_MAX 999 /* the largest that a code or a part of a status can be */

struct rep_rule {
	const char *providers;        /* names with commas between them; NULL: any */
	struct rep_range code;        /* a reply without one has 0 */
	struct rep_range enhanced[3]; /* its class, subject and detail; 0.0.0 when there is none */
	struct rep_meaning meaning;
	const char *file;
	u32 examples;
};

/* One of the patterns that a rule has to choose from: texts that have to follow on each other. */
struct rep_alternative {
	u32 rule;
	u16 pieces;
};

struct rep_piece {
	u32 alternative;
	u16 number; /* the how manieth of its alternative: 0, 1 ... */
	struct rep_text text;
};

struct rep_example {
	u32 rule;
	unsigned int line;
	struct rep_text text;
};

struct rep_rules {
	struct rep_rule *rules;
	struct rep_alternative *alternatives;
	struct rep_piece *pieces;
	struct rep_example *examples;
	u32 *anything; /* the rules that every text will do for, in their order */
	char **kept;   /* all the texts of the above */
	u32 rule_count, alternative_count, piece_count, example_count, anything_count, kept_count;
	struct rep_search *search; /* for the pieces, under their numbers */
};

/* The bytes that part words, in files of rules and in replies: controls too, since no line has any other use for them.
 */
static inline bool rep_is_blank(char c)
{
	return (u8)c <= ' ' || c == 0x7f;
}

/* Small letters of ASCII; the rest stays. */
static inline char rep_small(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/*
 * How many bytes of a blank `text` begins with, at least one byte itself; 0: none. In a reply and in a pattern "\n" is
 * one too: so Exim writes the end of a line into its log.
 */
size_t rep_blank_length(struct rep_text text);

/* Reads "5.7.26" at the beginning of `text`: how many bytes that are, 0 if there is none. No part has four digits. */
size_t rep_status_read(struct rep_text text, u16 status[3]);

/* The number of the rule that takes the reply, REP_RULES_NONE for none. */
u32 rep_rules_find(const struct rep_rules *rules, const char *provider, struct rep_text reply, struct rep_text dsn);

#endif
