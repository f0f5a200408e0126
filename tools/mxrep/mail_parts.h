/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A message taken apart: its header, its parts as text, and the fields that reports consist of. What the readers of
 * bounces, complaints and DMARC reports share, and nobody else's.
 */
#ifndef MX_REP_MAIL_PARTS_H
#define MX_REP_MAIL_PARTS_H

#include <gmime/gmime.h>

#include "tools/mxrep/mail.h"

#define REP_PARTS 100u           /* of one message; more are not looked at */
#define REP_PARTS_DEPTH 10u      /* of multiparts in multiparts */
#define REP_PART_TEXT (2u << 20) /* bytes of a part that is read as text; the rest is not looked at */
#define REP_TOLD_MAX 1000u       /* bytes of a text that is told */

/* "Name: value", the value with its line breaks as it stands there. */
struct rep_field {
	struct rep_text name, value;
	bool apart; /* a blank line stood before it */
};

/* In their order; texts are those of what was read. */
struct rep_fields {
	GArray *list; /* of struct rep_field */
};

struct rep_part {
	GMimeObject *object;
	const char *type; /* "text/plain", in small letters */
};

struct rep_mail {
	GMimeMessage *message;
	GStringChunk *texts; /* all that is told, until the message is closed */
	GPtrArray *buffers;  /* the parts' texts */
	struct rep_fields header;
	const char *report; /* report-type of its multipart/report, in small letters; "" if it is none */
	unsigned int count;
	struct rep_part parts[REP_PARTS]; /* leaves, and whole messages (which are not looked into) */
};

/*
 * Takes a message apart. Of more than REP_MAIL_MAX bytes: NULL and one line in `error`, with `expected` in it ("a
 * bounce"). No other message is refused; but what no real one has (tens of thousands of lines of headers, or of
 * boundaries) is not looked at from there on.
 */
struct rep_mail *rep_mail_open(const char *bytes, size_t length, const char *expected, char *error, size_t size);
void rep_mail_close(struct rep_mail *mail);

/*
 * The fields that a text consists of, at most 20,000. Blank lines between them are marked; a line that is no field
 * belongs to the one before. The text has to stay as long as the fields, which are to be freed.
 */
struct rep_fields rep_fields_read(const char *text);
void rep_fields_free(struct rep_fields fields);

/* The value of the first of this name, in any case; an empty text when there is none: its `at` is NULL then. */
struct rep_text rep_fields_find(struct rep_fields fields, const char *name);

/* The header that a part has in it: of a message, or the text of one. To be freed. */
struct rep_fields rep_part_header(struct rep_mail *mail, const struct rep_part *part);
bool rep_part_is_message(const struct rep_part *part);

/* A part decoded, at most `limit` bytes; *length of them. The mail's. */
const char *rep_part_bytes(struct rep_mail *mail, const struct rep_part *part, size_t limit, size_t *length);

/* A part as text in UTF-8 (where its charset is known), with NUL at its end and nowhere else. HTML without its tags. */
const char *rep_part_text(struct rep_mail *mail, const struct rep_part *part);

/* As it is told: one line of valid UTF-8, without blanks at its ends, at most REP_TOLD_MAX bytes. NULL if it is empty.
 */
const char *rep_mail_keep(struct rep_mail *mail, struct rep_text text);

/* The text behind "type;", or all of it when there is no type: "rfc822; user@example.com", "dns; mx.example.com". */
struct rep_text rep_typed(struct rep_text value);

/* An address without < and >, in small letters after the @; NULL for none. */
const char *rep_mail_address(struct rep_mail *mail, struct rep_text text);
/* The first address of a header field like To. */
const char *rep_mail_mailbox(struct rep_mail *mail, struct rep_text value);
/* The first host name of a text, in small letters, without a dot at its end. */
const char *rep_mail_host(struct rep_mail *mail, struct rep_text text);
/* What stands behind the @; NULL for none. */
const char *rep_mail_domain(const char *address);
/* A Message-ID without < and >. */
const char *rep_mail_id(struct rep_mail *mail, struct rep_text text);

/* A date of RFC 5322 as seconds; 0 for none. */
s64 rep_mail_date(struct rep_text text);

struct rep_text rep_text_of(const char *text);
struct rep_text rep_text_strip(struct rep_text text);
bool rep_text_starts(struct rep_text text, const char *with); /* in any case of letters, as the next */
bool rep_text_has(struct rep_text text, const char *what);
size_t rep_text_find(struct rep_text text, const char *what);   /* where; its length for nowhere */
struct rep_text rep_text_from(struct rep_text text, size_t at); /* what is left from there on */

/* One line into `error`, without control characters. Always -1. */
int rep_mail_error(char *error, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
