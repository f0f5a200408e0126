/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the readers of the MTAs' lines share. They read a message of known length, and never beyond. */
#ifndef MX_REP_LINE_PARTS_H
#define MX_REP_LINE_PARTS_H

#include "tools/mxrep/line.h"

/* A line of syslog without its stamp and host. */
struct rep_entry {
	struct rep_text tag; /* "postfix/smtp", without the process id */
	u32 pid;
	const char *at, *end; /* the message */
};

/*
 * Each reads the message of an entry into *line, whose kind is OTHER and which is otherwise 0 but for its time; false:
 * it says nothing to us, and *line may hold anything but the time.
 */
bool rep_postfix_read(const struct rep_entry *entry, struct rep_line *line);
bool rep_opensmtpd_read(const struct rep_entry *entry, struct rep_line *line);
bool rep_sendmail_read(const struct rep_entry *entry, struct rep_line *line);
bool rep_exim_read(const struct rep_entry *entry, struct rep_line *line);

/* Memory for the texts of the journal's line at hand. */
struct rep_journal;
void rep_journal_free(struct rep_journal *journal);

/*
 * One line of journalctl -o json. *journal is made when there is none yet (NULL to begin with). The texts of *entry
 * stay good until the next call. False: not such a line, or no memory.
 */
bool rep_journal_read(struct rep_journal **journal, const char *text, size_t length, struct rep_entry *entry,
		      s64 *time);

/*
 * Behind the '<' of an address: its '>', or NULL when there is none. One within quotes does not count: a recipient must
 * not be able to end its own field.
 */
const char *rep_address_end(const char *at, const char *end);

/* Behind the first `word`, or NULL. */
const char *rep_behind(const char *at, const char *end, const char *word);

/* An address, also "[…]" or "IPv6:…", into the line; false: it is none. */
bool rep_read_address(struct rep_text text, struct rep_line *line);

/* What is left of a message to be read. */
struct rep_body {
	const char *at, *end;
};

/*
 * "4AbCdEf: ", hexadecimal or long, as Postfix and sendmail begin with; a word of a warning is none that anything to us
 * stands behind. False: there is none.
 */
bool rep_read_queue_id(struct rep_body *body, struct rep_line *line);

/* Whether the relay is a content filter or the like: mail that does not leave the host. */
bool rep_is_loopback(const struct rep_line *line);

/* A whole number; 0 where there is none or it is too large. */
u32 rep_read_number(struct rep_text text);

/* "0.35" seconds as milliseconds, at most what fits. */
u32 rep_read_seconds(struct rep_text text);

/* Whether an SMTP reply's code begins here: 250, 450-, 550 … */
bool rep_is_code(const char *at, const char *end);

static inline struct rep_text rep_between(const char *at, const char *end)
{
	return (struct rep_text){ at, (size_t)(end - at) };
}

static inline bool rep_begins(const char *at, const char *end, const char *word)
{
	size_t length = __builtin_strlen(word);

	return (size_t)(end - at) >= length && !memcmp(at, word, length);
}

static inline bool rep_text_begins(struct rep_text text, const char *word)
{
	return rep_begins(text.at, text.at + text.length, word);
}

/* Where `byte` is, else `end`. */
static inline const char *rep_until(const char *at, const char *end, char byte)
{
	const char *found = memchr(at, byte, (size_t)(end - at));

	return found ? found : end;
}

static inline bool rep_is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

#endif
