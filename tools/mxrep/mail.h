/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What comes back by mail: bounces (delivery status notifications), complaints (ARF), and DMARC aggregate reports. All
 * of it is foreign and hostile until read: sizes are bounded, nothing is executed, expanded or fetched.
 */
#ifndef MX_REP_MAIL_H
#define MX_REP_MAIL_H

#include "core/addr.h"
#include "tools/mxrep/reply.h"

#define REP_MAIL_MAX (32u << 20)  /* a longer message is refused */
#define REP_MAIL_RECIPIENTS 1000u /* in one bounce; more are not looked at */

/* One recipient of a bounce. Texts are NULL where the bounce does not say; all are the reader's. */
struct rep_bounce {
	enum rep_outcome outcome; /* BOUNCED, or DEFERRED for "delayed"; delivered ones are not told */
	const char *recipient;    /* the address that was tried, in small letters after the @ */
	const char *original;     /* the address the sender had written, where it differs */
	const char *status;       /* "5.1.1" */
	const char *reply;        /* the diagnostic code, from the SMTP code on where there is one */
	const char *remote;       /* the host that answered */
	const char *reporter;     /* the host that wrote the bounce */
	const char *queue_id;     /* of our own Postfix, when that wrote it (X-Postfix-Queue-ID) */
	const char *message_id;   /* of the message that bounced, without < and > */
	s64 time; /* seconds: when it was tried last, else the bounce's own date, else its Arrival-Date; 0: unknown */
};

/* One complaint: a feedback report of RFC 5965. */
struct rep_complaint {
	const char *type; /* "abuse", "fraud", "not-spam" … in small letters */
	bool has_source;  /* whether the report says from which of our addresses the message came */
	enum mx_family family;
	struct mx_addr source;
	const char *recipient;   /* who complains: Original-Rcpt-To, else To of the message; often left out or hidden */
	const char *sender;      /* Original-Mail-From, without < and > */
	const char *domain;      /* Reported-Domain, else the domain of the message's From */
	const char *reporter;    /* who sends the report: Reporting-MTA, else the domain of its From */
	const char *message_id;  /* of the message complained of, without < and > */
	const char *feedback_id; /* its Feedback-ID header */
	bool list_unsubscribe;   /* whether that message had a List-Unsubscribe header: a newsletter */
	unsigned int incidents;  /* 1 where the report says nothing; at most 1000 */
	s64 time;                /* seconds: Arrival-Date, else Received-Date, else the report's Date; 0: unknown */
};

/*
 * One row of a DMARC aggregate report (RFC 7489, appendix C): so many messages from one address. Texts are NULL where
 * the report does not say; the address, the count and the times are always there.
 */
struct rep_dmarc_row {
	const char *reporter, *report_id; /* org_name, report_id */
	s64 begin, end;                   /* of the report, seconds */
	const char *domain;               /* that the policy is published for */
	const char *policy;               /* p: "none", "quarantine", "reject" */
	const char *header_from;
	enum mx_family family;
	struct mx_addr source;
	unsigned int count;
	const char *disposition;        /* what the receiver did: "none", "quarantine", "reject" */
	bool dkim_aligned, spf_aligned; /* policy_evaluated */
	/* auth_results: of the first signature that passed for header_from, else the first for it, else the first */
	const char *dkim_result, *dkim_domain, *dkim_selector;
	const char *spf_result, *spf_domain;
};

/* Called for each; false ends the reading. Its texts are gone when it returns. */
typedef bool rep_bounce_told(const struct rep_bounce *bounce, void *context);
typedef bool rep_complaint_told(const struct rep_complaint *complaint, void *context);
typedef bool rep_dmarc_told(const struct rep_dmarc_row *row, void *context);

/*
 * Each reads one message (DMARC: also a bare report, XML, gzip or zip) of `length` bytes and tells what is in it; the
 * number of those told, or -1 with one line in `error` (`size` bytes) that says what was expected and what is there
 * instead. 0 is no error: a bounce that tells of deliveries only, say, or the answer of somebody who is on vacation.
 *
 * The rows of a DMARC report are told as they come: when -1 is returned because the report broke off in the middle, the
 * caller drops those that it was told. A bounce or a complaint that is -1 has told nothing.
 *
 * All texts are UTF-8, one line each without control characters, and of at most 1,000 bytes. Not for two threads at
 * once.
 */
int rep_bounce_read(const char *bytes, size_t length, rep_bounce_told *told, void *context, char *error, size_t size);
int rep_complaint_read(const char *bytes, size_t length, rep_complaint_told *told, void *context, char *error,
		       size_t size);
int rep_dmarc_read(const char *bytes, size_t length, rep_dmarc_told *told, void *context, char *error, size_t size);

#endif
