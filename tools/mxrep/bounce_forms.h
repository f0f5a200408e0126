/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What bounces say in their own words, for people: no delivery status, or less in it. Private to bounce.c. */
#ifndef MX_REP_BOUNCE_FORMS_H
#define MX_REP_BOUNCE_FORMS_H

#include "tools/mxrep/mail_parts.h"

/* Who wrote a message that has no delivery status. */
enum rep_letter {
	REP_LETTER_OTHER,     /* a person, or nobody who says otherwise */
	REP_LETTER_AUTOMATIC, /* a program for a person: it may be a bounce all the same */
	REP_LETTER_VACATION,  /* nothing but an answer: absent, or "confirm that you are no program" */
	REP_LETTER_DAEMON,    /* a mail system */
};

enum rep_letter rep_bounce_letter(struct rep_mail *mail);

/*
 * Whom the words of a bounce name, and with what reply: a GArray of struct rep_bounce, at most REP_MAIL_RECIPIENTS.
 * `time` and `queue_id` are left to the caller. `strict`: only those with a reply that has an enhanced status.
 */
GArray *rep_bounce_forms(struct rep_mail *mail, bool strict);

/* Sets reply, status and remote, each if it is not known yet, from what somebody's mail system said. */
void rep_bounce_reply(struct rep_mail *mail, struct rep_text said, struct rep_bounce *bounce);

/* "5.1.1" at the beginning of the text; an empty text for none. */
struct rep_text rep_bounce_status(struct rep_text text);

/* The Message-ID in the copy that a bounce has below its words; NULL for none. */
const char *rep_bounce_copied_id(struct rep_mail *mail);

/* The outcome, as the words have it: DEFERRED for a warning that a message is late, else BOUNCED. */
enum rep_outcome rep_bounce_outcome(struct rep_mail *mail);

#endif
