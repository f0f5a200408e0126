/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line of an MTA's log, and what it says. The lines are foreign: whatever is in them, a line is either understood
 * or it is REP_LINE_OTHER, and no part of it is taken for more than text.
 */
#ifndef MX_REP_LINE_H
#define MX_REP_LINE_H

#include "core/addr.h"
#include "tools/mxrep/reply.h"

/* Longer lines are cut here before they are read. */
#define REP_LINE_MAX 65536

enum rep_format {
	REP_FORMAT_AUTO, /* told by each line itself */
	REP_FORMAT_POSTFIX,
	REP_FORMAT_EXIM,
	REP_FORMAT_OPENSMTPD,
	REP_FORMAT_SENDMAIL,
	REP_FORMAT_JOURNAL, /* journalctl -o json: any of the others in its MESSAGE */
	REP_FORMATS,
};

enum rep_line_kind {
	REP_LINE_OTHER,   /* nothing to us; also local deliveries and mail that came in */
	REP_LINE_QUEUED,  /* a message came into the queue: its Message-ID */
	REP_LINE_SIZED,   /* and its size, each time when it is taken up; only Postfix tells it */
	REP_LINE_ATTEMPT, /* what became of one recipient's delivery over SMTP */
	REP_LINE_REMOVED, /* the message has left the queue */
};

/*
 * All texts are parts of the line, or of the reader's own memory (JOURNAL). Which fields are set: see each; the others
 * are 0, texts without bytes.
 */
struct rep_line {
	enum rep_line_kind kind;
	enum rep_format mta;      /* who wrote it: one of the four; not for OTHER */
	s64 time;                 /* microseconds since the epoch; for OTHER too where it has a stamp, else 0 */
	struct rep_text instance; /* whose queue ids these are: Postfix's syslog name up to its first '/', else empty */
	struct rep_text queue_id; /* all kinds but OTHER; OpenSMTPD: the message's part of the evpid */
	struct rep_text message_id; /* QUEUED: without < and > */
	u32 size, sender;           /* SIZED: bytes of the message, and of its sender's address */

	/* ATTEMPT: */
	struct rep_text
		recipient; /* without < and >; may be empty: a host that Postfix passed over is logged without */
	u32 recipients;    /* this line tells of so many; 1 but with sendmail, where `recipient` is the first */
	enum rep_outcome outcome;
	enum rep_reach reach;
	bool has_body; /* the message itself went over the connection, whatever was answered; only Postfix tells it */
	u32 pid;       /* of the process that wrote the line, 0 if not known; all kinds but OTHER */
	struct rep_text relay; /* the host's name; may be empty */
	bool has_address;      /* whether the relay's address was logged */
	enum mx_family family;
	struct mx_addr address;
	u16 port;                    /* of the relay; 25 where none is logged */
	u16 local_port;              /* the connection's own, before translation; 0 if not logged (only Exim does) */
	u32 uses;                    /* the how manieth message of its connection: 1 for the first, 0 if not known;
					Exim says only whether it is a further one: 2 */
	u32 connect_ms, transfer_ms; /* how long connecting and the dialogue took; 0 if not logged */
	/*
	 * What the provider said, from its code on (sendmail leaves out the code of a 2xx, and may tell a word of its
	 * own instead of an answer), or why there was no answer; of SUSPENDED: the earlier failure. May be empty.
	 */
	struct rep_text reply;
	struct rep_text dsn; /* the enhanced status, "5.1.1"; may be empty */
};

/*
 * Remembers what one log's lines have in common: its time zone's offset for the hour at hand, and the year. Stamps
 * without a zone are local time (TZ). An hour that a clock set back runs through twice is told by the line before: the
 * first time, unless that would be more than five minutes before that line.
 */
struct rep_reader;

/*
 * `reference`: a time (seconds since the epoch) that the next lines are not later than by more than a day, which gives
 * the year that a syslog stamp lacks: now for a log that grows, the file's own time for an old one. NULL: no memory.
 */
struct rep_reader *rep_reader_new(enum rep_format format, s64 reference);
void rep_reader_free(struct rep_reader *reader);

/* A new reference, when the log has been followed for a while. */
void rep_reader_set_reference(struct rep_reader *reader, s64 reference);

/*
 * Reads one line, without its end of line, at most REP_LINE_MAX bytes of any kind. The texts of *line stay good until
 * the next call and as long as `text` does.
 */
void rep_reader_line(struct rep_reader *reader, const char *text, size_t length, struct rep_line *line);

/* "postfix" …; REP_FORMATS for no such format. */
enum rep_format rep_format_find(const char *name);

#endif
