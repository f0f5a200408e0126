/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What became of a delivery attempt, and what kind of answer it was: the words that logs, rules, bounces and reports
 * share. */
#ifndef MX_REP_REPLY_H
#define MX_REP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

/* A part of a text that stands elsewhere: no NUL behind it, and gone when that text goes. */
struct rep_text {
	const char *at;
	size_t length;
};

/* What the MTA made of an attempt. */
enum rep_outcome {
	REP_SENT,
	REP_DEFERRED,
	REP_BOUNCED,
	REP_OUTCOMES,
};

/* How far an attempt came. */
enum rep_reach {
	REP_ANSWERED,  /* the provider answered for this recipient: one message in every count */
	REP_LOST,      /* connected, but lost or timed out before an answer */
	REP_UNREACHED, /* no connection: refused, no route, no address, no such domain */
	REP_SUSPENDED, /* no attempt at all: the MTA did not try because of an earlier failure */
};

/* What an answer means, in the field's words. */
enum rep_category {
	REP_NONE, /* a delivery, or an answer that no rule knows */
	REP_USER_UNKNOWN,
	REP_MAILBOX_FULL,
	REP_INACTIVE, /* the mailbox is there but disabled, suspended or moved */
	REP_TOO_LARGE,
	REP_CONTENT, /* spam or virus filters: this message, not this address */
	REP_POLICY,
	REP_AUTHENTICATION, /* SPF, DKIM, DMARC, PTR, HELO, TLS asked for */
	REP_RATE_LIMITED,
	REP_GREYLISTED,
	REP_BLOCKED_ADDRESS, /* the source's own address is blocked at the provider */
	REP_BLOCKED_NETWORK, /* the network that the source is in */
	REP_BLOCK_LIST,      /* a public list that the provider asks */
	REP_NETWORK,         /* the way there, or their servers: lost, timed out, refused, out of service */
	REP_OURS,            /* our own refusal or pause, nothing that the provider said */
	REP_CATEGORIES,
};

/* What an answer is about, and so what has to be changed or to rest. */
enum rep_scope {
	REP_SCOPE_RECIPIENT,
	REP_SCOPE_MESSAGE,
	REP_SCOPE_DOMAIN, /* the sending domain: its records, its reputation */
	REP_SCOPE_SOURCE, /* the source at this provider */
	REP_SCOPE_NETWORK,
	REP_SCOPE_PROVIDER, /* their side: nothing of ours is at fault */
	REP_SCOPES,
};

/* As they are written in rules, reports and JSON: "user-unknown", "blocked-address" … Constant text. */
const char *rep_outcome_name(enum rep_outcome outcome);
const char *rep_category_name(enum rep_category category); /* "none" for REP_NONE */
const char *rep_scope_name(enum rep_scope scope);

/* The other way; REP_CATEGORIES or REP_SCOPES when there is none of this name ("none" is no category to ask for). */
enum rep_category rep_category_find(struct rep_text name);
enum rep_scope rep_scope_find(struct rep_text name);

/*
 * A text of foreign origin as it may be shown and told: in `plain` (`size` bytes, cut to it), bytes that are no
 * printable ASCII replaced by '?'.
 */
const char *rep_text_plain(struct rep_text text, char *plain, size_t size);

static inline bool rep_text_is(struct rep_text text, const char *word)
{
	return __builtin_strlen(word) == text.length && !__builtin_memcmp(text.at, word, text.length);
}

#endif
