// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines of the MTAs' logs. Each is given in a block of its exact size (for ASan). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "daemon/text.h"
#include "tools/mxrep/line.h"

#define SECOND 1000000LL
#define REFERENCE 1795305600 /* 2026-11-22T00:00:00Z */
#define NOON 1795293515LL    /* 2026-11-21T20:38:35Z, which all lines but those about time have */
#define MAIL "Nov 21 20:38:35 mail "

/* What is expected of a line: as struct rep_line, with texts. What is not named is 0 or empty, but 25 for an attempt's
 * port. */
struct want {
	enum rep_line_kind kind;
	enum rep_format mta;
	const char *instance, *queue_id, *message_id, *recipient;
	u32 size, sender;
	u32 recipients;
	enum rep_outcome outcome;
	enum rep_reach reach;
	bool has_body;
	u32 pid;
	const char *relay, *address;
	u16 port, local_port;
	u32 uses, connect_ms, transfer_ms;
	const char *reply, *dsn;
	s64 time; /* microseconds; 0: NOON */
};

static void set_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

static void same_text(const char *what, struct rep_text got, const char *want)
{
	if (!want)
		want = "";
	if (got.length != strlen(want) || (got.length && memcmp(got.at, want, got.length)))
		fail_msg("%s: \"%.*s\", expected \"%s\"", what, (int)got.length, got.length ? got.at : "", want);
}

static void same_address(const struct rep_line *line, const char *want)
{
	char text[MX_ADDR_TEXT];

	assert_int_equal(line->has_address, want != NULL);
	if (want)
		assert_string_equal(mx_addr_text(line->family, line->address, text), want);
}

static bool is_taken_by_postfix(const struct want *want)
{
	return want->mta == REP_FORMAT_POSTFIX && want->kind == REP_LINE_ATTEMPT && want->outcome == REP_SENT;
}

static void same_line(const struct rep_line *line, const struct want *want)
{
	assert_int_equal(line->kind, want->kind);
	assert_int_equal(line->mta, want->mta);
	assert_true(line->time == (want->time ? want->time : NOON * SECOND));
	same_text("instance", line->instance, want->instance);
	same_text("queue id", line->queue_id, want->queue_id);
	same_text("message id", line->message_id, want->message_id);
	assert_int_equal(line->size, want->size);
	assert_int_equal(line->sender, want->sender);
	same_text("recipient", line->recipient, want->recipient);
	assert_int_equal(line->recipients, want->recipients);
	assert_int_equal(line->outcome, want->outcome);
	assert_int_equal(line->reach, want->reach);
	assert_int_equal(line->has_body, want->has_body || is_taken_by_postfix(want));
	assert_int_equal(line->pid, want->pid);
	same_text("relay", line->relay, want->relay);
	same_address(line, want->address);
	assert_int_equal(line->port, !want->port && want->kind == REP_LINE_ATTEMPT ? 25 : want->port);
	assert_int_equal(line->local_port, want->local_port);
	assert_int_equal(line->uses, want->uses);
	assert_int_equal(line->connect_ms, want->connect_ms);
	assert_int_equal(line->transfer_ms, want->transfer_ms);
	same_text("reply", line->reply, want->reply);
	same_text("dsn", line->dsn, want->dsn);
}

/* The same line told by its own format, by each line itself, and twice. */
static void expect_bytes(enum rep_format format, const char *text, size_t length, const struct want *want)
{
	struct rep_reader *readers[2] = { rep_reader_new(format, REFERENCE),
					  rep_reader_new(REP_FORMAT_AUTO, REFERENCE) };
	char *exact = malloc(length ? length : 1);
	int i;

	memcpy(exact, text, length);
	for (i = 0; i < 4; i++) {
		struct rep_line line;

		memset(&line, 0xa5, sizeof(line));
		rep_reader_line(readers[i % 2], exact, length, &line);
		same_line(&line, want);
	}
	free(exact);
	rep_reader_free(readers[0]);
	rep_reader_free(readers[1]);
}

#define EXPECT(format, text, ...) expect_bytes(format, text, strlen(text), &(struct want){ __VA_ARGS__ })
#define OTHER(format, text) EXPECT(format, text, .kind = REP_LINE_OTHER)

/* --- stamps ------------------------------------------------------------------------------------------------------- */

static struct rep_reader *reader_in(const char *zone, s64 reference)
{
	set_zone(zone);
	return rep_reader_new(REP_FORMAT_AUTO, reference);
}

/* The time of a line with this stamp, in microseconds. */
static s64 time_of(struct rep_reader *reader, const char *stamp, bool syslog)
{
	char text[256];
	struct rep_line line;

	snprintf(text, sizeof(text),
		 syslog ? "%s mail postfix/qmgr[1]: 4ABC: removed" : "%s 1abcDE-0001xy-2Z Completed", stamp);
	rep_reader_line(reader, text, strlen(text), &line);
	assert_int_equal(line.kind, line.time ? REP_LINE_REMOVED : REP_LINE_OTHER);
	return line.time;
}

#define SYSLOG_TIME(stamp, microseconds) assert_true(time_of(r, stamp, true) == (microseconds))
#define EXIM_TIME(stamp, microseconds) assert_true(time_of(r, stamp, false) == (microseconds))

static void test_stamps(void **state)
{
	struct rep_reader *r = reader_in("UTC0", REFERENCE);

	(void)state;
	SYSLOG_TIME("Nov 21 20:38:35", NOON * SECOND);
	SYSLOG_TIME("Nov 21 20:38:36", (NOON + 1) * SECOND);
	SYSLOG_TIME("Nov  1 20:38:35", (NOON - 20 * 86400) * SECOND);
	SYSLOG_TIME("Nov 01 20:38:35", (NOON - 20 * 86400) * SECOND);
	SYSLOG_TIME("2026-11-21T20:38:35Z", NOON * SECOND);
	SYSLOG_TIME("2026-11-21T20:38:35.123456Z", NOON * SECOND + 123456);
	SYSLOG_TIME("2026-11-21T20:38:35.1234567890Z", NOON * SECOND + 123456);
	SYSLOG_TIME("2026-11-21T20:38:35.5+01:00", (NOON - 3600) * SECOND + 500000);
	SYSLOG_TIME("2026-11-21T20:38:35-0330", (NOON + 12600) * SECOND);
	EXIM_TIME("2026-11-21 20:38:35", NOON * SECOND);
	EXIM_TIME("2026-11-21 20:38:35.123", NOON * SECOND + 123000);
	EXIM_TIME("2026-11-21 20:38:35 +0100", (NOON - 3600) * SECOND);
	EXIM_TIME("2026-11-21 20:38:35.123 -0500", (NOON + 5 * 3600) * SECOND + 123000);
	EXIM_TIME("2026-11-21 20:38:35 [4711]", NOON * SECOND);
	SYSLOG_TIME("1970-01-01T00:00:01Z", SECOND);
	SYSLOG_TIME("2024-02-29T12:00:00Z", 1709208000 * SECOND);
	SYSLOG_TIME("2100-03-01T00:00:00Z", 4107542400 * SECOND);
	SYSLOG_TIME("2026-11-21T20:38:60Z", (NOON + 25) * SECOND);
	rep_reader_free(r);
}

static void test_no_stamps(void **state)
{
	static const char *const wrong[] = {
		"",
		"Nov",
		"Nov 21 20:38:3x",
		"Nov 21 20:60:35",
		"Nov 21 20:38:61",
		"Nov 21 24:00:00",
		"Nov 31 20:38:35",
		"Nov  0 20:38:35",
		"Nox 21 20:38:35",
		"nov 21 20:38:35",
		"Nov-21 20:38:35",
		"Nov 21-20:38:35",
		"Nov 21 20.38:35",
		"Nov 21 20:38.35",
		"2026-11-21T20:38:35",
		"2026-11-21T20:38:35+01",
		"2026-11-21T20:38:35+24:00",
		"2026-11-21T20:38:35+01:60",
		"2026-11-21T20:38:35Zulu",
		"2026-13-21T20:38:35Z",
		"2026-00-21T20:38:35Z",
		"2026-02-29T20:38:35Z",
		"2100-02-29T20:38:35Z",
		"1969-12-31T23:59:59Z",
		"x026-11-21T20:38:35Z",
		"2026/11-21T20:38:35Z",
		"2026-11/21T20:38:35Z",
		"2026-11-21T20.38:35Z",
		"2026-11-21T20:38.35Z",
		"2026-11-21T25:38:35Z",
	};
	struct rep_reader *r = reader_in("UTC0", REFERENCE);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		SYSLOG_TIME(wrong[i], 0);
	EXIM_TIME("2026-11-21 20:38:3", 0);
	EXIM_TIME("2026-11-21 20:38:35+", 0);
	SYSLOG_TIME("Nov 21 20:38:35", NOON * SECOND); /* none of them has left anything behind */
	rep_reader_free(r);
}

/* The year that a stamp lacks: never more than a day ahead of the reference. */
static void test_year(void **state)
{
	struct rep_reader *r = reader_in("UTC0", 1767225605); /* 2026-01-01T00:00:05Z */

	(void)state;
	SYSLOG_TIME("Dec 31 23:59:59", 1767225599 * SECOND);
	SYSLOG_TIME("Jan  1 00:00:05", 1767225605 * SECOND);
	SYSLOG_TIME("Jan  1 23:59:59", (1767225600 + 86399) * SECOND);
	SYSLOG_TIME("Jan  2 01:00:00", (1767225600 + 90000 - 365 * 86400LL) * SECOND);
	SYSLOG_TIME("Feb 29 12:00:00", 1709208000 * SECOND); /* of 2024 */
	SYSLOG_TIME("Jan  2 01:00:00", (1767225600 + 90000 - 365 * 86400LL) * SECOND);
	rep_reader_set_reference(r, 1767225605 + 86400);
	SYSLOG_TIME("Jan  2 01:00:00", (1767225600 + 90000) * SECOND);
	rep_reader_set_reference(r, 1767225599); /* 2025-12-31T23:59:59Z: the clocks of two hosts differ */
	SYSLOG_TIME("Jan  1 00:00:05", 1767225605 * SECOND);
	rep_reader_free(r);
	r = reader_in("CET-1", 1767225599); /* there, the new year has begun an hour before */
	SYSLOG_TIME("Jan  1 00:59:59", 1767225599 * SECOND);
	SYSLOG_TIME("Dec 31 23:59:59", (1767225599 - 3600) * SECOND);
	SYSLOG_TIME("Jan  2 00:30:00", (1767225600 + 84600) * SECOND);
	rep_reader_free(r);
}

static void test_zones(void **state)
{
	static const char berlin[] = "CET-1CEST,M3.5.0,M10.5.0/3";
	struct rep_reader *r = reader_in(berlin, REFERENCE);

	(void)state;
	SYSLOG_TIME("Nov 21 21:38:35", NOON * SECOND);
	EXIM_TIME("2026-11-21 21:38:35", NOON * SECOND);
	SYSLOG_TIME("2026-11-21T20:38:35Z", NOON * SECOND);
	SYSLOG_TIME("Mar 29 01:59:59", 1774745999 * SECOND);
	SYSLOG_TIME("Mar 29 03:00:00", 1774746000 * SECOND);
	SYSLOG_TIME("Mar 29 02:00:00", 1774746000 * SECOND); /* there is none: as if the clock had not been set yet */
	rep_reader_free(r);
	r = reader_in("EST5EDT,M3.2.0,M11.1.0", REFERENCE);
	SYSLOG_TIME("Nov 21 15:38:35", NOON * SECOND);
	rep_reader_free(r);
}

static s64 time_of_tagged(struct rep_reader *reader)
{
	static const char text[] = "Oct 25 02:30:00 mail exim[1]: Nov 21 20:38:35 ?";
	struct rep_line line;

	rep_reader_line(reader, text, strlen(text), &line);
	return line.time;
}

/* The hour that comes twice: 2026-10-25, 03:00 CEST becomes 02:00 CET. */
static void test_hour_that_comes_twice(void **state)
{
	static const char berlin[] = "CET-1CEST,M3.5.0,M10.5.0/3";
	struct rep_reader *r = reader_in(berlin, REFERENCE);

	(void)state;
	SYSLOG_TIME("Oct 25 02:30:00", (1792886400 + 1800) * SECOND); /* nothing before it: the first */
	SYSLOG_TIME("Oct 25 01:59:59", (1792886400 - 1) * SECOND);
	SYSLOG_TIME("Oct 25 02:00:00", 1792886400 * SECOND);
	SYSLOG_TIME("Oct 25 02:59:59", (1792890000 - 1) * SECOND);
	SYSLOG_TIME("Oct 25 02:59:58", (1792890000 - 2) * SECOND);
	SYSLOG_TIME("Oct 25 02:55:00", (1792890000 - 300) * SECOND);
	SYSLOG_TIME("Oct 25 02:00:00", 1792890000 * SECOND);
	SYSLOG_TIME("Oct 25 02:30:00", (1792890000 + 1800) * SECOND);
	SYSLOG_TIME("Oct 25 02:59:59", (1792893600 - 1) * SECOND);
	SYSLOG_TIME("Oct 25 03:00:00", 1792893600 * SECOND);
	SYSLOG_TIME("Oct 25 02:59:59", (1792893600 - 1) * SECOND); /* a little late */
	rep_reader_free(r);
	r = reader_in(berlin, REFERENCE); /* a stamp within a message is no line */
	assert_true(time_of_tagged(r) == (1792886400 + 1800) * SECOND);
	assert_true(time_of_tagged(r) == (1792886400 + 1800) * SECOND);
	rep_reader_free(r);
	r = reader_in("LHST-10:30LHDT-11,M10.1.0,M4.1.0/2", REFERENCE); /* by half an hour, within 01:00 to 02:00 */
	SYSLOG_TIME("Apr  5 01:29:59", 1775312999 * SECOND);
	SYSLOG_TIME("Apr  5 01:30:00", 1775313000 * SECOND);
	SYSLOG_TIME("Apr  5 01:59:59", 1775314799 * SECOND);
	SYSLOG_TIME("Apr  5 01:30:00", 1775314800 * SECOND);
	SYSLOG_TIME("Apr  5 01:45:00", (1775314800 + 900) * SECOND);
	SYSLOG_TIME("Apr  5 02:00:00", 1775316600 * SECOND);
	SYSLOG_TIME("Oct  4 02:45:00", 1791042300 * SECOND); /* and forward, within 02:00 to 03:00 */
	rep_reader_free(r);
	set_zone("UTC0");
}

static void test_headers(void **state)
{
	(void)state;
	EXPECT(REP_FORMAT_POSTFIX, MAIL "postfix/qmgr: 4ABC: removed", .kind = REP_LINE_REMOVED,
	       .mta = REP_FORMAT_POSTFIX, .instance = "postfix", .queue_id = "4ABC");
	OTHER(REP_FORMAT_POSTFIX, "Nov 21 20:38:35 mail");
	OTHER(REP_FORMAT_POSTFIX, MAIL "postfix/qmgr[1]");
	OTHER(REP_FORMAT_POSTFIX, MAIL "postfix/qmgr[1: 4ABC: removed");
	OTHER(REP_FORMAT_POSTFIX, MAIL "postfix/qmgr[1] 4ABC: removed");
	OTHER(REP_FORMAT_POSTFIX, MAIL "last message repeated 2 times");
	OTHER(REP_FORMAT_POSTFIX, MAIL "qmgr[1]: 4ABC: removed");
}

static void test_formats(void **state)
{
	struct rep_reader *exim = rep_reader_new(REP_FORMAT_EXIM, REFERENCE);
	static const char postfix[] = MAIL "postfix/qmgr[1]: 4ABC: removed";
	static const char own[] = "2026-11-21 20:38:35 1abcDE-0001xy-2Z Completed";
	static const char tagged[] = MAIL "mta-7[1]: 1abcDE-0001xy-2Z Completed";
	struct rep_reader *post = rep_reader_new(REP_FORMAT_POSTFIX, REFERENCE);
	struct rep_line line;

	(void)state;
	assert_int_equal(rep_format_find("auto"), REP_FORMAT_AUTO);
	assert_int_equal(rep_format_find("postfix"), REP_FORMAT_POSTFIX);
	assert_int_equal(rep_format_find("exim"), REP_FORMAT_EXIM);
	assert_int_equal(rep_format_find("opensmtpd"), REP_FORMAT_OPENSMTPD);
	assert_int_equal(rep_format_find("sendmail"), REP_FORMAT_SENDMAIL);
	assert_int_equal(rep_format_find("journal"), REP_FORMAT_JOURNAL);
	assert_int_equal(rep_format_find("qmail"), REP_FORMATS);
	assert_int_equal(rep_format_find(""), REP_FORMATS);
	rep_reader_line(exim, postfix, strlen(postfix), &line);
	assert_int_equal(line.kind, REP_LINE_OTHER);
	rep_reader_line(exim, own, strlen(own), &line);
	assert_int_equal(line.kind, REP_LINE_REMOVED);
	rep_reader_line(exim, tagged, strlen(tagged), &line); /* whose lines they are was said: any tag will do */
	assert_int_equal(line.kind, REP_LINE_REMOVED);
	rep_reader_line(post, own, strlen(own), &line);
	assert_int_equal(line.kind, REP_LINE_OTHER);
	rep_reader_line(post, "{}", 2, &line);
	assert_int_equal(line.kind, REP_LINE_OTHER);
	rep_reader_free(exim);
	rep_reader_free(post);
	rep_reader_free(NULL);
}

/* --- Postfix ------------------------------------------------------------------------------------------------------ */

#define POSTFIX(text, ...)                                                                                             \
	EXPECT(REP_FORMAT_POSTFIX, MAIL text, .mta = REP_FORMAT_POSTFIX, .instance = "postfix", __VA_ARGS__)
#define NOT_POSTFIX(text) OTHER(REP_FORMAT_POSTFIX, MAIL text)
#define SMTP "postfix/smtp[4711]: 4ABCdef0123: to=<user@example.org>, "
#define RELAY "relay=mx.example.org[192.0.2.1]:25, "
#define DELAYS "delay=1.3, delays=0.02/0.01/0.35/0.9, "
#define SMTP_ATTEMPT                                                                                                   \
	.kind = REP_LINE_ATTEMPT, .queue_id = "4ABCdef0123", .pid = 4711, .recipient = "user@example.org",             \
	.recipients = 1, .connect_ms = 350, .transfer_ms = 900
#define AT_RELAY .relay = "mx.example.org", .address = "192.0.2.1", .port = 25, .uses = 1

static void test_postfix_sent(void **state)
{
	(void)state;
	POSTFIX(SMTP RELAY DELAYS "dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 3F2)", SMTP_ATTEMPT, AT_RELAY,
		.outcome = REP_SENT, .reach = REP_ANSWERED, .reply = "250 2.0.0 Ok: queued as 3F2", .dsn = "2.0.0");
	POSTFIX("postfix/smtp[4711]: 3Xb1Q02NLqz9vBd: to=<user@example.org>, orig_to=<old@example.com>, "
		"relay=mx6.example.org[2001:db8::19]:2525, conn_use=12, delay=70, delays=60/0/0/10, tls=may:none, "
		"dsn=2.0.0, status=sent (250 Ok (really))",
		.kind = REP_LINE_ATTEMPT, .queue_id = "3Xb1Q02NLqz9vBd", .pid = 4711, .recipient = "user@example.org",
		.recipients = 1, .outcome = REP_SENT, .reach = REP_ANSWERED, .relay = "mx6.example.org",
		.address = "2001:db8::19", .port = 2525, .uses = 12, .transfer_ms = 10000, .reply = "250 Ok (really)",
		.dsn = "2.0.0");
	POSTFIX("postfix/smtp[1]: 4A: to=<>, relay=mx.example.org[IPv6:2001:db8::19]:25, dsn=2.0.0, status=sent (250)",
		.kind = REP_LINE_ATTEMPT, .queue_id = "4A", .pid = 1, .recipients = 1, .relay = "mx.example.org",
		.address = "2001:db8::19", .port = 25, .uses = 1, .reply = "250", .dsn = "2.0.0");
	POSTFIX("postfix/smtp[1]: 4A: to=<a@b>, relay=mx.example.org[192.0.2.1], dsn=2.0.0, status=sent (250 Ok",
		.kind = REP_LINE_ATTEMPT, .queue_id = "4A", .pid = 1, .recipient = "a@b", .recipients = 1, AT_RELAY,
		.reply = "250 Ok", .dsn = "2.0.0"); /* cut */
}

static void test_postfix_instances(void **state)
{
	static const struct {
		const char *tag, *instance;
	} tags[] = {
		{ "postfix-out/smtp[4711]", "postfix-out" },
		{ "mta7/relay/smtp[4711]", "mta7" },
		{ "postfix/mass/smtp[4711]", "postfix" },
		{ "/smtp[4711]", "" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(tags) / sizeof(*tags); i++) {
		char text[512];

		snprintf(text, sizeof(text),
			 MAIL "%s: 4ABCdef0123: to=<user@example.org>, " RELAY DELAYS "dsn=2.0.0, status=sent (250 Ok)",
			 tags[i].tag);
		EXPECT(REP_FORMAT_POSTFIX, text, SMTP_ATTEMPT, AT_RELAY, .mta = REP_FORMAT_POSTFIX,
		       .instance = tags[i].instance, .reply = "250 Ok", .dsn = "2.0.0");
	}
}

static void test_postfix_answers(void **state)
{
	(void)state;
	POSTFIX(SMTP RELAY DELAYS "dsn=5.1.1, status=bounced (host mx.example.org[192.0.2.1] said: 550 5.1.1 "
				  "<user@example.org>: no (such) user (in reply to RCPT TO command))",
		SMTP_ATTEMPT, AT_RELAY, .outcome = REP_BOUNCED, .reach = REP_ANSWERED,
		.reply = "550 5.1.1 <user@example.org>: no (such) user", .dsn = "5.1.1");
	POSTFIX(SMTP RELAY DELAYS "dsn=4.7.0, status=deferred (host mx.example.org[192.0.2.1] said: 421-4.7.0 one "
				  "421 4.7.0 two - gsmtp (in reply to end of DATA command))",
		SMTP_ATTEMPT, AT_RELAY, .outcome = REP_DEFERRED, .reach = REP_ANSWERED,
		.reply = "421-4.7.0 one 421 4.7.0 two - gsmtp", .dsn = "4.7.0", .has_body = true);
	POSTFIX(SMTP RELAY DELAYS "dsn=4.7.1, status=SOFTBOUNCE (host mx.example.org[192.0.2.1] said: 554 5.7.1 no "
				  "(in reply to end of DATA command))",
		SMTP_ATTEMPT, AT_RELAY, .outcome = REP_DEFERRED, .reply = "554 5.7.1 no", .dsn = "4.7.1",
		.has_body = true);
	POSTFIX(SMTP "relay=none, " DELAYS "dsn=4.0.0, status=deferred (host mx2.example.org[198.51.100.9] refused to "
		     "talk to me: 421 too many connections)",
		SMTP_ATTEMPT, .outcome = REP_DEFERRED, .reach = REP_ANSWERED, .relay = "mx2.example.org",
		.address = "198.51.100.9", .port = 25, .reply = "421 too many connections", .dsn = "4.0.0");
	POSTFIX(SMTP RELAY DELAYS "dsn=4.7.4, status=deferred (TLS is required, but host mx.example.org[192.0.2.1] "
				  "refused to start TLS: 454 4.7.0 not now)",
		SMTP_ATTEMPT, AT_RELAY, .outcome = REP_DEFERRED, .reach = REP_ANSWERED, .reply = "454 4.7.0 not now",
		.dsn = "4.7.4");
	POSTFIX(SMTP RELAY DELAYS "dsn=4.7.8, status=deferred (SASL authentication failed; server "
				  "mx.example.org[192.0.2.1] said: 535 5.7.8 no)",
		SMTP_ATTEMPT, AT_RELAY, .outcome = REP_DEFERRED, .reach = REP_ANSWERED, .reply = "535 5.7.8 no",
		.dsn = "4.7.8");
	POSTFIX(SMTP RELAY DELAYS "dsn=5.5.0, status=bounced (Protocol error: host mx.example.org[192.0.2.1] said: "
				  "250 ? (in reply to DATA command))",
		SMTP_ATTEMPT, AT_RELAY, .outcome = REP_BOUNCED, .reach = REP_ANSWERED, .reply = "250 ?",
		.dsn = "5.5.0");
}

static void test_postfix_no_answers(void **state)
{
	(void)state;
#define LOST(why)                                                                                                      \
	POSTFIX(SMTP RELAY DELAYS "dsn=4.4.2, status=deferred (" why ")", SMTP_ATTEMPT, AT_RELAY,                      \
		.outcome = REP_DEFERRED, .reach = REP_LOST, .reply = why, .dsn = "4.4.2")
	LOST("lost connection with mx.example.org[192.0.2.1] while receiving the initial server greeting");
	LOST("conversation with mx.example.org[192.0.2.1] timed out while sending end of data -- message may be sent "
	     "more than once");
	LOST("Cannot start TLS: handshake failure");
	LOST("TLS is required, but was not offered by host mx.example.org[192.0.2.1]");
	LOST("Server certificate not verified");
#undef LOST
	POSTFIX(SMTP "relay=none, " DELAYS "dsn=4.4.2, status=deferred (lost connection with mx.example.org[192.0.2.1] "
		     "while performing the EHLO handshake)",
		SMTP_ATTEMPT, .outcome = REP_DEFERRED, .reach = REP_LOST, .relay = "mx.example.org",
		.address = "192.0.2.1", .port = 25, .dsn = "4.4.2",
		.reply = "lost connection with mx.example.org[192.0.2.1] while performing the EHLO handshake");
#define UNREACHED(why, ...)                                                                                            \
	POSTFIX(SMTP "relay=none, " DELAYS "dsn=4.4.1, status=deferred (" why ")", SMTP_ATTEMPT,                       \
		.outcome = REP_DEFERRED, .reach = REP_UNREACHED, .reply = why, .dsn = "4.4.1", __VA_ARGS__)
	UNREACHED("connect to mx.example.org[192.0.2.1]:26: Connection refused", .relay = "mx.example.org",
		  .address = "192.0.2.1", .port = 26);
	UNREACHED("connect to mx.example.org[2001:db8::1]:25: Network is unreachable", .relay = "mx.example.org",
		  .address = "2001:db8::1", .port = 25);
	UNREACHED("Host or domain name not found. Name service error for name=example.org type=MX: Host not found, "
		  "try again",
		  .port = 0);
	UNREACHED("unable to look up host mx.example.org: Name or service not known", .port = 0);
	UNREACHED("mail for example.org loops back to myself", .port = 0);
#undef UNREACHED
	POSTFIX(SMTP RELAY DELAYS "dsn=5.4.6, status=bounced (mail for example.org loops back to myself)", SMTP_ATTEMPT,
		AT_RELAY, .outcome = REP_BOUNCED, .reach = REP_UNREACHED, .dsn = "5.4.6",
		.reply = "mail for example.org loops back to myself");
}

static void test_postfix_suspended(void **state)
{
	static const char *const tags[] = { "error", "retry", "qmgr", "oqmgr" };
	char text[512];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(tags) / sizeof(*tags); i++) {
		snprintf(text, sizeof(text),
			 MAIL
			 "postfix/%s[4711]: 4ABCdef0123: to=<user@example.org>, relay=none, " DELAYS
			 "dsn=4.0.0, status=deferred (delivery temporarily suspended: host mx.example.org[192.0.2.1] "
			 "refused to talk to me: 421 4.7.0 later)",
			 tags[i]);
		EXPECT(REP_FORMAT_POSTFIX, text, SMTP_ATTEMPT, .mta = REP_FORMAT_POSTFIX, .instance = "postfix",
		       .outcome = REP_DEFERRED, .reach = REP_SUSPENDED, .relay = "mx.example.org",
		       .address = "192.0.2.1", .port = 25, .reply = "421 4.7.0 later", .dsn = "4.0.0");
	}
	POSTFIX("postfix/error[4711]: 4ABCdef0123: to=<user@example.org>, relay=none, " DELAYS
		"dsn=5.1.2, status=bounced (no mail to there)",
		SMTP_ATTEMPT, .outcome = REP_BOUNCED, .reach = REP_SUSPENDED, .reply = "no mail to there",
		.dsn = "5.1.2");
	NOT_POSTFIX("postfix/error[1]: 4A: to=<a@b>, relay=none, delay=0, dsn=2.0.0, status=sent (?)");
	NOT_POSTFIX("postfix/retry[1]: 4A: to=<a@b>, relay=none, delay=0, dsn=4.4.1, status=deferred (delivery "
		    "temporarily suspended: connect to 127.0.0.1[127.0.0.1]:10024: Connection refused)");
}

static void test_postfix_queue(void **state)
{
	(void)state;
	POSTFIX("postfix/cleanup[4710]: 4ABCdef0123: message-id=<20261121.1@example.com>", .kind = REP_LINE_QUEUED,
		.queue_id = "4ABCdef0123", .pid = 4710, .message_id = "20261121.1@example.com");
	POSTFIX("postfix/cleanup[4710]: 4ABCdef0123: resent-message-id=<again@example.com>", .kind = REP_LINE_QUEUED,
		.queue_id = "4ABCdef0123", .pid = 4710, .message_id = "again@example.com");
	POSTFIX("postfix/cleanup[4710]: 4A: message-id=<>", .kind = REP_LINE_QUEUED, .queue_id = "4A", .pid = 4710);
	POSTFIX("postfix/cleanup[4710]: 4A: message-id=bare@example.com", .kind = REP_LINE_QUEUED, .queue_id = "4A",
		.pid = 4710, .message_id = "bare@example.com");
	POSTFIX("postfix/cleanup[4710]: 4A: message-id=<a@b> (comment)", .kind = REP_LINE_QUEUED, .queue_id = "4A",
		.pid = 4710, .message_id = "a@b");
	POSTFIX("postfix/qmgr[99]: 4A: from=<me@example.com>, size=70123, nrcpt=3 (queue active)",
		.kind = REP_LINE_SIZED, .queue_id = "4A", .pid = 99, .size = 70123, .sender = 14);
	POSTFIX("postfix/qmgr[99]: 4A: from=<>, size=1", .kind = REP_LINE_SIZED, .queue_id = "4A", .pid = 99,
		.size = 1);
	POSTFIX("postfix/qmgr[99]: 4ABCdef0123: removed", .kind = REP_LINE_REMOVED, .queue_id = "4ABCdef0123",
		.pid = 99);
	POSTFIX("postfix/postsuper[99]: 4ABCdef0123: removed", .kind = REP_LINE_REMOVED, .queue_id = "4ABCdef0123",
		.pid = 99);
}

/* A host that would not have a message now, when there is another one to try: no recipient, no delays. */
static void test_postfix_passed_over(void **state)
{
	(void)state;
#define PASSED_OVER                                                                                                    \
	.kind = REP_LINE_ATTEMPT, .queue_id = "4A", .pid = 17, .recipients = 1, .outcome = REP_DEFERRED,               \
	.relay = "mx.example.org", .address = "192.0.2.1", .port = 25
	POSTFIX("postfix/smtp[17]: 4A: host mx.example.org[192.0.2.1] said: 421 4.7.0 [TSS04] not now (in reply to "
		"MAIL "
		"FROM command)",
		PASSED_OVER, .reach = REP_ANSWERED, .reply = "421 4.7.0 [TSS04] not now");
	POSTFIX("postfix/smtp[17]: 4A: host mx.example.org[192.0.2.1] refused to talk to me: 421 busy", PASSED_OVER,
		.reach = REP_ANSWERED, .reply = "421 busy");
	POSTFIX("postfix/smtp[17]: 4A: lost connection with mx.example.org[192.0.2.1] while sending RCPT TO",
		PASSED_OVER, .reach = REP_LOST,
		.reply = "lost connection with mx.example.org[192.0.2.1] while sending RCPT TO");
	POSTFIX("postfix/smtp[17]: 4A: conversation with mx.example.org[192.0.2.1] timed out while sending RCPT TO",
		PASSED_OVER, .reach = REP_LOST,
		.reply = "conversation with mx.example.org[192.0.2.1] timed out while sending RCPT TO");
#undef PASSED_OVER
}

static void test_postfix_others(void **state)
{
	(void)state;
	NOT_POSTFIX("postfix/qmgr[1]: 4A: from=<a@b>, status=expired, returned to sender");
	NOT_POSTFIX("postfix/qmgr[1]: 4A: from=<a@b>, sizes=1, nrcpt=1 (queue active)");
	NOT_POSTFIX("postfix/smtp[1]: 4A: from=<a@b>, size=1, nrcpt=1 (queue active)");
	NOT_POSTFIX("postfix/qmgr[1]: 4A: removed (why)");
	NOT_POSTFIX("postfix/postsuper[1]: 4A: placed on hold");
	NOT_POSTFIX("postfix/smtp[1]: NOQUEUE: to=<a@b>, " RELAY "dsn=2.0.0, status=sent (250 Ok)");
	NOT_POSTFIX("postfix/smtp[1]: warning: to=<a@b>");
	NOT_POSTFIX("postfix/smtp[1]: connect to mx.example.org[192.0.2.1]:25: Connection timed out");
	NOT_POSTFIX("postfix/smtp[1]: 4A: host mx.example.org[192.0.2.1] said: 550 no (in reply to RCPT TO command)");
	NOT_POSTFIX("postfix/smtp[1]: 4A: host mx.example.org[127.0.0.1] said: 450 no (in reply to RCPT TO command)");
	NOT_POSTFIX("postfix/smtp[1]: 4A: host mx.example.org said: 450 no (in reply to RCPT TO command)");
	NOT_POSTFIX("postfix/smtp[1]: 4A: enabling PIX workarounds: disable_esmtp for mx.example.org[192.0.2.1]:25");
	NOT_POSTFIX("postfix/smtp[1]: 4A: to=<a@b>, " RELAY "dsn=2.0.0, status=deliverable (250 Ok)");
	NOT_POSTFIX("postfix/smtp[1]: 4A: to=<a@b>, " RELAY "dsn=5.0.0, status=undeliverable (host x said: 550 no)");
	NOT_POSTFIX("postfix/smtp[1]: 4A: to=<a@b>, relay=127.0.0.1[127.0.0.1]:10024, dsn=2.0.0, status=sent (250 Ok)");
	NOT_POSTFIX("postfix/smtp[1]: 4A: to=<a@b>, relay=filter[127.8.0.1]:10024, dsn=2.0.0, status=sent (250 Ok)");
	NOT_POSTFIX("postfix/smtp[1]: 4A: to=<a@b>, relay=localhost[::1]:10024, dsn=2.0.0, status=sent (250 Ok)");
	NOT_POSTFIX("postfix/smtp[1]: 4A: to=<a@b>, relay=mx[private/lmtp], dsn=2.0.0, status=sent (250 Ok)");
	NOT_POSTFIX("postfix/smtp[1]: 4A: to=<a@b>, relay=mx[192.0.2.1]:private/x, dsn=2.0.0, status=sent (250 Ok)");
	NOT_POSTFIX("postfix/smtp[1]: 4A: to=<a@b>, relay=mx[192.0.2.1]:65536, dsn=2.0.0, status=sent (250 Ok)");
	NOT_POSTFIX("postfix/smtp[1]: 4A: to=<a@b>, relay=/run/socket, dsn=2.0.0, status=sent (250 Ok)");
	NOT_POSTFIX("postfix/lmtp[1]: 4A: to=<a@b>, " RELAY "dsn=2.0.0, status=sent (250 Ok)");
	NOT_POSTFIX("postfix/local[1]: 4A: to=<a@b>, relay=local, dsn=2.0.0, status=sent (delivered to mailbox)");
	NOT_POSTFIX("postfix/virtual[1]: 4A: to=<a@b>, relay=virtual, dsn=2.0.0, status=sent (delivered to maildir)");
	NOT_POSTFIX("postfix/pipe[1]: 4A: to=<a@b>, relay=spam, dsn=2.0.0, status=sent (delivered via spam service)");
	NOT_POSTFIX("postfix/cleanup[1]: 4A: to=<a@b>, relay=none, dsn=5.7.1, status=bounced (milter)");
	NOT_POSTFIX("postfix/smtpd[1]: 4A: client=host.example.com[203.0.113.5]");
	NOT_POSTFIX("postfix/anvil[1]: statistics: max connection rate 1/60s");
}

/* What a recipient or a provider writes is never taken for a field. */
static void test_postfix_forged(void **state)
{
	(void)state;
	POSTFIX("postfix/smtp[1]: 4A: to=<\"a>, relay=evil[203.0.113.66]:25, status=sent (250 b\"@c>, "
		"orig_to=<\"x\\\">, relay=evil[203.0.113.66]:25\"@d>, " RELAY
		"dsn=5.1.1, status=bounced (host mx.example.org[192.0.2.1] said: 550 no (in reply to RCPT TO command))",
		.kind = REP_LINE_ATTEMPT, .queue_id = "4A", .pid = 1,
		.recipient = "\"a>, relay=evil[203.0.113.66]:25, status=sent (250 b\"@c", .recipients = 1, AT_RELAY,
		.outcome = REP_BOUNCED, .reply = "550 no", .dsn = "5.1.1");
	NOT_POSTFIX("postfix/smtp[1]: 4A: to=<a>, relay=evil[203.0.113.66]:25, dsn=2.0.0, status=sent (250 b@c>, "
		    "orig_to=<d");
	/* without its quotes nobody can tell them apart */
	NOT_POSTFIX("postfix/smtp[1]: 4A: to=<a>, relay=evil[203.0.113.66]:25, dsn=2.0.0, status=sent (250 b@c>, " RELAY
		    "dsn=5.1.1, status=bounced (host mx.example.org[192.0.2.1] said: 550 no))");
	NOT_POSTFIX("postfix/smtp[1]: 4A: to=<a>, relay=evil[203.0.113.66]:25, dsn=2.0.0, status=sent (250 b@c>, "
		    "orig_to=<d@e>, " RELAY "dsn=5.1.1, status=bounced (host mx.example.org[192.0.2.1] said: 550 no))");
	NOT_POSTFIX("postfix/smtp[1]: 4A: to=<a\"b@c>, " RELAY "dsn=2.0.0, status=sent (250 Ok)");
	POSTFIX(SMTP RELAY DELAYS
		"dsn=5.7.1, status=bounced (host mx.example.org[192.0.2.1] said: 550 5.7.1 no, "
		"dsn=2.0.0, status=sent (250 Ok) (in reply to MAIL FROM command) (in reply to RCPT TO command))",
		SMTP_ATTEMPT, AT_RELAY, .outcome = REP_BOUNCED, .dsn = "5.7.1",
		.reply = "550 5.7.1 no, dsn=2.0.0, status=sent (250 Ok) (in reply to MAIL FROM command)");
	POSTFIX(SMTP RELAY DELAYS "dsn=5.7.1, status=bounced (host mx.example.org[192.0.2.1] said: 550 lost connection "
				  "with x, host y[203.0.113.66] said: 250 ok)",
		SMTP_ATTEMPT, AT_RELAY, .outcome = REP_BOUNCED, .dsn = "5.7.1",
		.reply = "550 lost connection with x, host y[203.0.113.66] said: 250 ok");
	POSTFIX("postfix/cleanup[1]: 4A: message-id=<a@b>: removed", .kind = REP_LINE_QUEUED, .queue_id = "4A",
		.pid = 1, .message_id = "a@b");
}

static void test_postfix_numbers(void **state)
{
	(void)state;
	POSTFIX("postfix/smtp[99999999999]: 4A: to=<a@b>, relay=mx[192.0.2.1]:25, conn_use=99999999999, "
		"delays=1/2/99999999/0.0019, dsn=2.0.0, status=sent (250)",
		.kind = REP_LINE_ATTEMPT, .queue_id = "4A", .recipient = "a@b", .recipients = 1, .relay = "mx",
		.address = "192.0.2.1", .port = 25, .connect_ms = UINT32_MAX, .transfer_ms = 1, .reply = "250",
		.dsn = "2.0.0");
	POSTFIX("postfix/smtp[1]: 4A: to=<a@b>, relay=mx[192.0.2.1]:25, delays=x/-1/1e9, dsn=, status=sent ()",
		.kind = REP_LINE_ATTEMPT, .queue_id = "4A", .pid = 1, .recipient = "a@b", .recipients = 1,
		.relay = "mx", .address = "192.0.2.1", .port = 25, .uses = 1);
}

/* --- Exim --------------------------------------------------------------------------------------------------------- */

#define OLD_ID "1abcDE-0001xy-2Z"
#define NEW_ID "1abcDE-00000001xyz-2Zab"
#define EXIM(text, ...)                                                                                                \
	EXPECT(REP_FORMAT_EXIM, "2026-11-21 20:38:35 " OLD_ID " " text, .mta = REP_FORMAT_EXIM, .queue_id = OLD_ID,    \
	       __VA_ARGS__)
#define NOT_EXIM(text) OTHER(REP_FORMAT_EXIM, "2026-11-21 20:38:35 " OLD_ID " " text)
#define EXIM_ATTEMPT .kind = REP_LINE_ATTEMPT, .recipient = "user@example.org", .recipients = 1
#define USER "user@example.org "
#define SMTP_OF "R=dnslookup T=remote_smtp "
#define TLS "X=TLS1.3:ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM:256 CV=yes DN=\"/CN=mx H=evil [203.0.113.66]\" "

static void test_exim_sent(void **state)
{
	(void)state;
	EXIM("=> " USER "<old@example.com> F=<me@example.com> P=<me@example.com> " SMTP_OF "S=1234 H=mx.example.org "
	     "[192.0.2.1]:26 I=[198.51.100.1]:41234 " TLS "A=plain L K C=\"250 2.0.0 \\\"Ok\\\" H=x [203.0.113.66] "
	     "id=1\" QT=3s DT=0.412s",
	     EXIM_ATTEMPT, .relay = "mx.example.org", .address = "192.0.2.1", .port = 26, .local_port = 41234,
	     .uses = 1, .transfer_ms = 412, .reply = "250 2.0.0 \\\"Ok\\\" H=x [203.0.113.66] id=1");
	EXIM("-> " USER SMTP_OF
	     "H=mx.example.org DS [2001:db8::19]:25* I=[2001:db8::1]:41235 TFO* C=\"250 OK\" DT=1m2s",
	     EXIM_ATTEMPT, .relay = "mx.example.org", .address = "2001:db8::19", .port = 25, .local_port = 41235,
	     .uses = 2, .transfer_ms = 62000, .reply = "250 OK");
	EXIM(">> " USER SMTP_OF "H=mx.example.org [192.0.2.1] C=\"250 OK\"", EXIM_ATTEMPT, AT_RELAY, .reply = "250 OK");
	EXIM("=> " USER SMTP_OF "H=mx.example.org [192.0.2.1]", EXIM_ATTEMPT, AT_RELAY);
	EXIM("=> " USER SMTP_OF "H=mx.example.org [192.0.2.1]* C=\"250 cut", EXIM_ATTEMPT, .relay = "mx.example.org",
	     .address = "192.0.2.1", .port = 25, .uses = 2, .reply = "250 cut");
	EXIM("=> " USER SMTP_OF "H=mx.example.org [192.0.2.1] DT=1w1d1h1m1s", EXIM_ATTEMPT, AT_RELAY,
	     .transfer_ms = 694861000);
	EXIM("=> " USER SMTP_OF "H=mx.example.org [192.0.2.1] DT=9999999999w", EXIM_ATTEMPT, AT_RELAY);
	EXIM("=> " USER SMTP_OF "H=mx.example.org [192.0.2.1] DT=400w", EXIM_ATTEMPT, AT_RELAY,
	     .transfer_ms = UINT32_MAX);
}

static void test_exim_heads(void **state)
{
	(void)state;
	EXPECT(REP_FORMAT_EXIM, "2026-11-21 21:38:35.123 +0100 [4711] " NEW_ID " Completed QT=4s",
	       .kind = REP_LINE_REMOVED, .mta = REP_FORMAT_EXIM, .queue_id = NEW_ID, .pid = 4711,
	       .time = NOON * SECOND + 123000);
	EXPECT(REP_FORMAT_EXIM, MAIL "exim[12]: " NEW_ID " Completed", .kind = REP_LINE_REMOVED, .mta = REP_FORMAT_EXIM,
	       .queue_id = NEW_ID, .pid = 12);
	EXPECT(REP_FORMAT_EXIM, MAIL "exim4[12]: 2026-11-21 20:38:34 " OLD_ID " Completed", .kind = REP_LINE_REMOVED,
	       .mta = REP_FORMAT_EXIM, .queue_id = OLD_ID, .pid = 12, .time = (NOON - 1) * SECOND);
	OTHER(REP_FORMAT_EXIM, MAIL "exim4[12]: Nov 21 20:38:34 " OLD_ID " Completed");
	OTHER(REP_FORMAT_EXIM, "2026-11-21 20:38:35 1abcDE-0001xy-2 Completed");
	OTHER(REP_FORMAT_EXIM, "2026-11-21 20:38:35 1abcDE_0001xy-2Z Completed");
	OTHER(REP_FORMAT_EXIM, "2026-11-21 20:38:35 1abcDE-0001xy_2Z Completed");
	OTHER(REP_FORMAT_EXIM, "2026-11-21 20:38:35 1abc.E-0001xy-2Z Completed");
	OTHER(REP_FORMAT_EXIM, "2026-11-21 20:38:35 1abcDE-0001xy-2Z");
	OTHER(REP_FORMAT_EXIM, "2026-11-21 20:38:35 [12 1abcDE-0001xy-2Z Completed");
	OTHER(REP_FORMAT_EXIM, "2026-11-21 20:38:35 Start queue run: pid=1");
}

static void test_exim_queue(void **state)
{
	(void)state;
	EXIM("<= me@example.com H=client (x) [203.0.113.5] P=esmtps " TLS "S=1234 id=20261121.1@example.com "
	     "T=\"id=evil\" for user@example.org",
	     .kind = REP_LINE_QUEUED, .message_id = "20261121.1@example.com");
	EXIM("<= <> R=1abcDE-0001xy-2A U=Debian-exim P=local S=1 id*=E1@example.com", .kind = REP_LINE_QUEUED,
	     .message_id = "E1@example.com");
	EXIM("(= \"x id=evil@e\"@example.com P=esmtp S=1 id=\"a b\"@example.com", .kind = REP_LINE_QUEUED,
	     .message_id = "\"a b\"@example.com");
	NOT_EXIM("<= me@example.com P=esmtp S=1");
	NOT_EXIM("<=me@example.com id=a");
}

#define AFTER_RCPT "SMTP error from remote mail server after RCPT TO:<user@example.org>: "
#define EXIM_BOUNCE EXIM_ATTEMPT, .outcome = REP_BOUNCED
#define EXIM_DEFER EXIM_ATTEMPT, .outcome = REP_DEFERRED

static void test_exim_bounced(void **state)
{
	(void)state;
	EXIM("** " USER "F=<me@example.com> " SMTP_OF "H=mx.example.org [192.0.2.1]:25 I=[198.51.100.1]:41234 " TLS
	     ": " AFTER_RCPT "550 5.1.1 no: such H=evil [203.0.113.66] user DT=2s",
	     EXIM_BOUNCE, AT_RELAY, .local_port = 41234, .transfer_ms = 2000, .reach = REP_ANSWERED,
	     .reply = "550 5.1.1 no: such H=evil [203.0.113.66] user");
	EXIM("** " USER SMTP_OF "H=mx.example.org [192.0.2.1]*: " AFTER_RCPT "550-a\\n550 b", EXIM_BOUNCE,
	     .relay = "mx.example.org", .address = "192.0.2.1", .port = 25, .uses = 2, .reply = "550-a\\n550 b");
	EXIM("** " USER SMTP_OF "H=mx.example.org [192.0.2.1]: SMTP error from remote mail server after pipelined MAIL "
	     "FROM:<\"x>: 250 evil\"@example.com> SIZE=1: 554 no",
	     EXIM_BOUNCE, AT_RELAY, .reply = "554 no");
	EXIM("** " USER SMTP_OF "H=mx.example.org [192.0.2.1]: SMTP error from remote mail server after end of data: "
	     "552 no",
	     EXIM_BOUNCE, AT_RELAY, .reply = "552 no");
	EXIM("** " USER SMTP_OF ": SMTP error from remote mail server after initial connection: host mx.example.org "
	     "[192.0.2.1]: 554 go away",
	     EXIM_BOUNCE, AT_RELAY, .reply = "554 go away");
	EXIM("** user@example.org: Unrouteable address", EXIM_BOUNCE, .reach = REP_UNREACHED,
	     .reply = "Unrouteable address");
	EXIM("** user@example.org: retry timeout exceeded", EXIM_BOUNCE, .reach = REP_SUSPENDED,
	     .reply = "retry timeout exceeded");
	EXIM("** " USER SMTP_OF ": all hosts for 'example.org' have been failing for a long time (and retry time not "
	     "reached)",
	     EXIM_BOUNCE, .reach = REP_SUSPENDED,
	     .reply = "all hosts for 'example.org' have been failing for a long time (and retry time not reached)");
	EXIM("** " USER "F=<\"x: " AFTER_RCPT "250 evil\"@example.com> " SMTP_OF "H=mx.example.org [192.0.2.1] : "
	     "message too big",
	     EXIM_BOUNCE, AT_RELAY, .reach = REP_LOST, .reply = "message too big");
}

#define PASSED_OVER .outcome = REP_DEFERRED, .relay = "mx.example.org", .address = "192.0.2.1", .port = 25

/* A host that was passed over for the next one. */
static void test_exim_passed_over(void **state)
{
	(void)state;
	EXIM("H=mx.example.org [192.0.2.1]:25 " AFTER_RCPT "452 4.2.2 full", EXIM_ATTEMPT, PASSED_OVER,
	     .reply = "452 4.2.2 full");
	EXIM("H=mx.example.org [192.0.2.1] SMTP error from remote mail server after initial connection: 421 busy",
	     .kind = REP_LINE_ATTEMPT, .recipients = 1, PASSED_OVER, .reply = "421 busy");
	NOT_EXIM("H=mx.example.org [192.0.2.1]:25 Connection refused");
	NOT_EXIM("H=(evil) [203.0.113.66]:999 F=<a@b> rejected after DATA: " AFTER_RCPT "550 no");
	NOT_EXIM("H=evil SMTP error from remote mail server after ");
	NOT_EXIM("H=");
}

static void test_exim_deferred(void **state)
{
	(void)state;
	EXIM("== " USER SMTP_OF
	     "defer (-44) H=mx.example.org [192.0.2.1]:25 I=[198.51.100.1]:41234 DT=0.5s: " AFTER_RCPT
	     "450 4.2.0 greylisted: H=evil [203.0.113.66] wait",
	     EXIM_DEFER, AT_RELAY, .local_port = 41234, .transfer_ms = 500,
	     .reply = "450 4.2.0 greylisted: H=evil [203.0.113.66] wait");
	EXIM("== " USER SMTP_OF "defer (-44): " AFTER_RCPT "host mx.example.org [192.0.2.1]: 451 later", EXIM_DEFER,
	     AT_RELAY, .reply = "451 later");
	EXIM("== " USER SMTP_OF "defer (111): Connection refused", EXIM_DEFER, .reach = REP_UNREACHED,
	     .reply = "Connection refused");
	EXIM("== " USER SMTP_OF "defer (111): Connection refused H=mx.example.org [192.0.2.1]:25 DT=0s", EXIM_DEFER,
	     AT_RELAY, .reach = REP_UNREACHED, .reply = "Connection refused");
	EXIM("== " USER SMTP_OF "defer (113): No route to host DT=3s", EXIM_DEFER, .reach = REP_UNREACHED,
	     .transfer_ms = 3000, .reply = "No route to host");
	EXIM("== " USER SMTP_OF "defer (110): Connection timed out H=mx.example.org [192.0.2.1]: SMTP timeout after "
	     "initial connection",
	     EXIM_DEFER, AT_RELAY, .reach = REP_LOST, .reply = "SMTP timeout after initial connection");
	EXIM("== " USER SMTP_OF "defer (104): Connection reset by peer H=mx.example.org [192.0.2.1]:25", EXIM_DEFER,
	     AT_RELAY, .reach = REP_LOST, .reply = "Connection reset by peer");
	EXIM("== " USER SMTP_OF
	     "defer (-18) H=mx.example.org [192.0.2.1]: Remote host closed connection in response to "
	     "DATA",
	     EXIM_DEFER, AT_RELAY, .reach = REP_LOST, .reply = "Remote host closed connection in response to DATA");
	EXIM("== " USER SMTP_OF "defer (-38) H=mx.example.org [192.0.2.1]: a TLS session is required, but the server "
	     "did not offer TLS support",
	     EXIM_DEFER, AT_RELAY, .reach = REP_LOST,
	     .reply = "a TLS session is required, but the server did not offer TLS support");
	EXIM("== " USER SMTP_OF "defer (-53): retry time not reached for any host", EXIM_DEFER, .reach = REP_SUSPENDED,
	     .reply = "retry time not reached for any host");
	EXIM("== " USER "routing defer (-52): retry time not reached", EXIM_DEFER, .reach = REP_SUSPENDED,
	     .reply = "retry time not reached");
	EXIM("== " USER SMTP_OF "defer (-57): whatever it is called then", EXIM_DEFER, .reach = REP_SUSPENDED,
	     .reply = "whatever it is called then");
	EXIM("== " USER SMTP_OF "defer (0): SMTP delivery explicitly queued", EXIM_DEFER, .reach = REP_SUSPENDED,
	     .reply = "SMTP delivery explicitly queued");
	EXIM("== " USER SMTP_OF
	     "defer (-1): some host address lookups failed and retry time not reached for other hosts "
	     "or connection limit reached",
	     EXIM_DEFER, .reach = REP_SUSPENDED,
	     .reply = "some host address lookups failed and retry time not reached for other hosts or connection "
		      "limit reached");
	EXIM("== " USER SMTP_OF "defer (-54): all host address lookups for 'example.org' failed temporarily",
	     EXIM_DEFER, .reach = REP_UNREACHED,
	     .reply = "all host address lookups for 'example.org' failed temporarily");
	EXIM("== " USER "R=dnslookup defer (-1): host lookup did not complete", EXIM_DEFER, .reach = REP_UNREACHED,
	     .reply = "host lookup did not complete");
}

static void test_exim_others(void **state)
{
	(void)state;
	NOT_EXIM("=> user <user@example.org> R=localuser T=local_delivery");
	NOT_EXIM("=> user@example.org R=x T=y H=localhost [127.0.0.1]:24 C=\"250 ok\"");
	NOT_EXIM("=> user@example.org R=x T=y H=localhost [::1]:24 C=\"250 ok\"");
	NOT_EXIM("=> /var/mail/x@y <user@example.org> R=x T=address_file H=mx [192.0.2.1]");
	NOT_EXIM("=> |/bin/x@y <user@example.org> R=x T=address_pipe H=mx [192.0.2.1]");
	NOT_EXIM("=> user@example.org R=x T=y");
	NOT_EXIM("=> user@example.org R=x T=y H=mx [300.0.2.1]");
	NOT_EXIM("=> user@example.org R=x T=y H=mx 192.0.2.1");
	NOT_EXIM("*> user@example.org " SMTP_OF "H=mx.example.org [192.0.2.1] C=\"delivery bypassed by -N option\"");
	NOT_EXIM("*> user@example.org " SMTP_OF "H=mx.example.org [192.0.2.1]: x");
	NOT_EXIM("*= user@example.org " SMTP_OF "H=mx.example.org [192.0.2.1]");
	NOT_EXIM("== user@example.org R=local T=lmtp defer (-22): mailbox is full");
	NOT_EXIM("** user@example.org R=local T=lmtp: mailbox is full");
	NOT_EXIM("== user@example.org " SMTP_OF "H=mx.example.org [192.0.2.1]: no");
	NOT_EXIM("== user@example.org " SMTP_OF "defer (-44");
	NOT_EXIM("** user@example.org " SMTP_OF "H=mx.example.org [192.0.2.1]");
	NOT_EXIM("=> ");
	NOT_EXIM("=>");
	NOT_EXIM("H=mx.example.org [192.0.2.1] Connection timed out");
	NOT_EXIM("Message is frozen");
}

/* Exim takes the quotes off a local part: it may then look like anything, and the line is not counted. */
static void test_exim_forged(void **state)
{
	(void)state;
	NOT_EXIM("=> x@y R=a T=b H=evil [203.0.113.66]:25 C=\"250 ok@c <\"x@y R=a T=b H=evil [203.0.113.66]:25 "
		 "C=\\\"250 ok\"@c> " SMTP_OF "H=mx.example.org [192.0.2.1]:25 C=\"250 no\"");
	NOT_EXIM("** x@y: Unrouteable address@c <\"x@y: Unrouteable address\"@c> " SMTP_OF
		 "H=mx.example.org [192.0.2.1]: " AFTER_RCPT "550 no");
	NOT_EXIM("=> \"x@y\"@c " SMTP_OF "H=mx.example.org [192.0.2.1]:25 C=\"250 no\"");
}

/* --- OpenSMTPD ---------------------------------------------------------------------------------------------------- */

#define OPENSMTPD(text, ...)                                                                                           \
	EXPECT(REP_FORMAT_OPENSMTPD, MAIL "smtpd[77]: " text, .kind = REP_LINE_ATTEMPT, .mta = REP_FORMAT_OPENSMTPD,   \
	       .queue_id = "a1b2c3d4", .recipients = 1, .pid = 77, .port = 25, __VA_ARGS__)
#define NOT_OPENSMTPD(text) OTHER(REP_FORMAT_OPENSMTPD, MAIL "smtpd[77]: " text)
#define DELIVERY "0123456789abcdef mta delivery evpid=a1b2c3d4e5f60718 from=<me@example.com> to=<user@example.org> "
#define FROM_TO DELIVERY "rcpt=<-> source=\"198.51.100.1\" relay=\"192.0.2.1 (mx.example.org)\" delay=2s "
#define OPENSMTPD_USER .recipient = "user@example.org"
#define OPENSMTPD_RELAY .relay = "mx.example.org", .address = "192.0.2.1"

static void test_opensmtpd(void **state)
{
	(void)state;
	OPENSMTPD(FROM_TO "result=\"Ok\" stat=\"250 2.0.0 \"quoted\" Ok\"", OPENSMTPD_USER, OPENSMTPD_RELAY,
		  .reply = "250 2.0.0 \"quoted\" Ok");
	OPENSMTPD(DELIVERY "rcpt=<old@example.com> source=\"198.51.100.1:41234\" relay=\"mx.example.org (192.0.2.1)\" "
			   "delay=1d2h3m4s result=\"Ok\" stat=\"250 Ok",
		  OPENSMTPD_USER, OPENSMTPD_RELAY, .local_port = 41234, .reply = "250 Ok");
	OPENSMTPD(
		"0123456789abcdef mta event=delivery evpid=a1b2c3d4e5f60718 from=<> to=<user@example.org> rcpt=<-> "
		"source=\"[2001:db8::1]:41235\" relay=\"[2001:db8::19] (mx.example.org)\" delay=0s result=\"TempFail\" "
		"stat=\"451 later\"",
		OPENSMTPD_USER, .relay = "mx.example.org", .address = "2001:db8::19", .local_port = 41235,
		.outcome = REP_DEFERRED, .reply = "451 later");
	OPENSMTPD(DELIVERY "rcpt=<-> source=\"[2001:db8::1]\" relay=\"192.0.2.1\" delay=0s result=\"PermFail\" "
			   "stat=\"550 5.1.1 no\"",
		  OPENSMTPD_USER, .address = "192.0.2.1", .outcome = REP_BOUNCED, .reply = "550 5.1.1 no");
	OPENSMTPD(FROM_TO "result=\"TempFail\" stat=\"BANNER rejected: 554 go away\"", OPENSMTPD_USER, OPENSMTPD_RELAY,
		  .outcome = REP_DEFERRED, .reply = "554 go away");
	OPENSMTPD(FROM_TO "result=\"TempFail\" stat=\"IO Error: EHLO rejected: 554 x\"", OPENSMTPD_USER,
		  OPENSMTPD_RELAY, .outcome = REP_DEFERRED, .reach = REP_LOST,
		  .reply = "IO Error: EHLO rejected: 554 x");
	OPENSMTPD(FROM_TO "result=\"TempFail\" stat=\"Connection closed unexpectedly\"", OPENSMTPD_USER,
		  OPENSMTPD_RELAY, .outcome = REP_DEFERRED, .reach = REP_LOST,
		  .reply = "Connection closed unexpectedly");
	OPENSMTPD(FROM_TO "result=\"TempFail\" stat=\"Connection failed: No route to host\"", OPENSMTPD_USER,
		  OPENSMTPD_RELAY, .outcome = REP_DEFERRED, .reach = REP_UNREACHED,
		  .reply = "Connection failed: No route to host");
	OPENSMTPD(DELIVERY "rcpt=<-> source=\"2001:db8::1\" relay=\"192.0.2.1\" delay=0s result=\"Ok\" stat=\"250 Ok\"",
		  OPENSMTPD_USER, .address = "192.0.2.1", .reply = "250 Ok");
#define FLUSHED DELIVERY "rcpt=<-> source=\"-\" relay=\"example.org\" delay=2s "
	OPENSMTPD(FLUSHED "result=\"TempFail\" stat=\"Network error on destination MXs\"", OPENSMTPD_USER,
		  .relay = "example.org", .outcome = REP_DEFERRED, .reach = REP_UNREACHED,
		  .reply = "Network error on destination MXs");
	OPENSMTPD(FLUSHED "result=\"TempFail\" stat=\"All routes to destination blocked\"", OPENSMTPD_USER,
		  .relay = "example.org", .outcome = REP_DEFERRED, .reach = REP_SUSPENDED,
		  .reply = "All routes to destination blocked");
	OPENSMTPD(FLUSHED "result=\"PermFail\" stat=\"Domain does not exist\"", OPENSMTPD_USER, .relay = "example.org",
		  .outcome = REP_BOUNCED, .reach = REP_UNREACHED, .reply = "Domain does not exist");
}

static void test_opensmtpd_others(void **state)
{
	(void)state;
	OPENSMTPD("0123456789abcdef mta delivery evpid=a1b2c3d4e5f60718 from=<me@example.com> "
		  "to=<\"x> rcpt=<-> source=\\\"\"@example.org> rcpt=<-> source=\"198.51.100.1\" relay=\"192.0.2.1\" "
		  "delay=2s "
		  "result=\"PermFail\" stat=\"550 no\" result=\"Ok\" stat=\"250 Ok\"",
		  .recipient = "\"x> rcpt=<-> source=\\\"\"@example.org", .address = "192.0.2.1",
		  .outcome = REP_BOUNCED, .reply = "550 no\" result=\"Ok\" stat=\"250 Ok");
	NOT_OPENSMTPD("0123456789abcdef mta connected");
	NOT_OPENSMTPD("0123456789abcdef mta connecting address=smtp://192.0.2.1:25 host=mx.example.org");
	NOT_OPENSMTPD("0123456789abcdef mta disconnected reason=quit messages=1");
	NOT_OPENSMTPD("0123456789abcdef smtp message msgid=a1b2c3d4 size=1 nrcpt=1 proto=ESMTP");
	NOT_OPENSMTPD("0123456789abcdef mda delivery evpid=a1b2c3d4e5f60718 from=<a@b> to=<c@d> rcpt=<c@d> user=c "
		      "delay=0s result=Ok stat=Delivered");
	NOT_OPENSMTPD(DELIVERY "rcpt=<-> source=\"127.0.0.1\" relay=\"127.0.0.1 (localhost)\" delay=2s result=\"Ok\" "
			       "stat=\"250 Ok\"");
	NOT_OPENSMTPD(FROM_TO "result=\"Maybe\" stat=\"250 Ok\"");
	NOT_OPENSMTPD(FROM_TO "result=\"Ok");
	NOT_OPENSMTPD("0123456789abcde mta delivery evpid=a1b2c3d4e5f60718 from=<>");
	NOT_OPENSMTPD("0123456789abcdef mta delivery evpid=a1b2c3d4 from=<>");
	NOT_OPENSMTPD(DELIVERY "rcpt=<-");
}

/* --- sendmail ----------------------------------------------------------------------------------------------------- */

#define SENDMAIL(text, ...)                                                                                            \
	EXPECT(REP_FORMAT_SENDMAIL, MAIL "sm-mta[88]: 5ALKcZ01012345: " text, .mta = REP_FORMAT_SENDMAIL,              \
	       .queue_id = "5ALKcZ01012345", .pid = 88, __VA_ARGS__)
#define NOT_SENDMAIL(text) OTHER(REP_FORMAT_SENDMAIL, MAIL "sm-mta[88]: 5ALKcZ01012345: " text)
#define TO "to=<user@example.org>, ctladdr=<me@example.com> (1000/1000), delay=00:00:02, xdelay=00:00:01, "
#define ESMTP TO "mailer=esmtp, pri=30000, relay=mx.example.org. [192.0.2.1], "
#define SENDMAIL_ATTEMPT .kind = REP_LINE_ATTEMPT, .recipient = "user@example.org", .recipients = 1, .port = 25
#define SENDMAIL_USER SENDMAIL_ATTEMPT, .relay = "mx.example.org", .address = "192.0.2.1", .transfer_ms = 1000

static void test_sendmail(void **state)
{
	(void)state;
	SENDMAIL(ESMTP "dsn=2.0.0, stat=Sent (ok 1234 (queued))", SENDMAIL_USER, .reply = "ok 1234 (queued)",
		 .dsn = "2.0.0");
	SENDMAIL(ESMTP "dsn=2.0.0, stat=Sent", SENDMAIL_USER, .dsn = "2.0.0");
	SENDMAIL(ESMTP "dsn=4.7.0, stat=Deferred: 421 4.7.0 later, dsn=2.0.0, stat=Sent (ok)", SENDMAIL_USER,
		 .outcome = REP_DEFERRED, .reply = "421 4.7.0 later, dsn=2.0.0, stat=Sent (ok)", .dsn = "4.7.0");
	SENDMAIL(ESMTP "dsn=5.1.1, stat=User unknown", SENDMAIL_USER, .outcome = REP_BOUNCED, .reply = "User unknown",
		 .dsn = "5.1.1");
	SENDMAIL(ESMTP "dsn=5.7.1, reply=550 5.7.1 no, really, stat=Service unavailable", SENDMAIL_USER,
		 .outcome = REP_BOUNCED, .reply = "550 5.7.1 no, really", .dsn = "5.7.1");
	SENDMAIL(ESMTP "dsn=4.0.0, stat=Please try again later", SENDMAIL_USER, .outcome = REP_DEFERRED,
		 .reply = "Please try again later", .dsn = "4.0.0");
	SENDMAIL("to=<a@example.org>,<\"b,c>, dsn=5.0.0\"@example.org>,d@example.org, delay=00:00:02, "
		 "xdelay=1+00:01:02, "
		 "mailer=esmtp, pri=1, relay=mx.example.org. [IPv6:2001:db8::19], dsn=2.0.0, stat=Sent (ok)",
		 .kind = REP_LINE_ATTEMPT, .recipient = "a@example.org", .recipients = 3, .port = 25,
		 .relay = "mx.example.org", .address = "2001:db8::19", .transfer_ms = 86462000, .reply = "ok",
		 .dsn = "2.0.0");
	SENDMAIL("to=\"a,b\\\", x\"@example.org, [more], delay=00:00:02, mailer=uplink, relay=[192.0.2.1], dsn=2.0.0, "
		 "stat=Sent (ok",
		 .kind = REP_LINE_ATTEMPT, .recipient = "\"a,b\\\", x\"@example.org", .recipients = 1, .port = 25,
		 .address = "192.0.2.1", .reply = "ok", .dsn = "2.0.0");
	EXPECT(REP_FORMAT_SENDMAIL, MAIL "sendmail[88]: 5ALKcZ01012345: " ESMTP "dsn=2.0.0, stat=Sent (ok)",
	       SENDMAIL_USER, .mta = REP_FORMAT_SENDMAIL, .queue_id = "5ALKcZ01012345", .pid = 88, .reply = "ok",
	       .dsn = "2.0.0");
}

static void test_sendmail_no_answers(void **state)
{
	(void)state;
#define FAILED(how, why)                                                                                               \
	SENDMAIL(ESMTP "dsn=4.0.0, stat=Deferred: " why, SENDMAIL_USER, .outcome = REP_DEFERRED, .reach = how,         \
		 .reply = why, .dsn = "4.0.0")
	FAILED(REP_UNREACHED, "Connection refused by mx.example.org.");
	FAILED(REP_UNREACHED, "Connection timed out with mx.example.org.");
	FAILED(REP_UNREACHED, "No route to host");
	FAILED(REP_UNREACHED, "Name server: mx.example.org.: host name lookup failure");
	FAILED(REP_LOST, "Connection reset by mx.example.org.");
	FAILED(REP_LOST, "mx.example.org.: SMTP DATA-1 protocol error: timed out");
	FAILED(REP_LOST, "timeout waiting for input from mx.example.org. during client greeting");
#undef FAILED
	SENDMAIL(TO "mailer=esmtp, pri=30000, relay=example.org., dsn=5.1.2, stat=Host unknown (Name server: "
		    "example.org.: host not found)",
		 SENDMAIL_ATTEMPT, .relay = "example.org", .transfer_ms = 1000, .outcome = REP_BOUNCED,
		 .reach = REP_UNREACHED, .reply = "Host unknown (Name server: example.org.: host not found)",
		 .dsn = "5.1.2");
}

static void test_sendmail_queue(void **state)
{
	(void)state;
	SENDMAIL(
		"from=<\"x, msgid=<evil>\"@example.com>, size=1234, class=0, nrcpts=1, msgid=<20261121.1@example.com>, "
		"proto=ESMTP, daemon=MTA, relay=client [203.0.113.5]",
		.kind = REP_LINE_QUEUED, .message_id = "20261121.1@example.com");
	SENDMAIL("from=root, size=1234, class=0, nrcpts=1, msgid=<1@example.com>, relay=root@localhost",
		 .kind = REP_LINE_QUEUED, .message_id = "1@example.com");
	SENDMAIL("done; delay=00:00:02, ntries=1", .kind = REP_LINE_REMOVED);
	NOT_SENDMAIL("from=<me@example.com>, size=0, class=0, nrcpts=0, proto=ESMTP, relay=x");
	NOT_SENDMAIL("from=<me@example.com");
	NOT_SENDMAIL(TO "mailer=local, pri=30000, dsn=2.0.0, stat=Sent");
	NOT_SENDMAIL(TO "mailer=esmtp, pri=30000, dsn=4.0.0, stat=queued");
	NOT_SENDMAIL(TO
		     "mailer=relay, pri=1, relay=[127.0.0.1] [127.0.0.1], dsn=2.0.0, stat=Sent (1 Message accepted)");
	NOT_SENDMAIL(ESMTP "dsn=5.0.0, stat=Sent (ok)");
	NOT_SENDMAIL(ESMTP "stat=User unknown");
	NOT_SENDMAIL(ESMTP "dsn=5.0.0, reply=550 no");
	NOT_SENDMAIL(ESMTP "dsn=2.0.0");
	NOT_SENDMAIL("to=<user@example.org>");
	NOT_SENDMAIL("to=<user@example.org>,");
	NOT_SENDMAIL("to=\"user, mailer=esmtp, relay=mx [192.0.2.1], dsn=2.0.0, stat=Sent");
	OTHER(REP_FORMAT_SENDMAIL, MAIL "sm-mta[88]: NOQUEUE: done; delay=1");
	OTHER(REP_FORMAT_SENDMAIL, MAIL "sm-mta[88]: STARTTLS=client, relay=mx.example.org.");
}

/* --- the journal -------------------------------------------------------------------------------------------------- */

#define STAMPED "{\"__REALTIME_TIMESTAMP\":\"1795293515000007\","
#define JOURNAL(text, ...) EXPECT(REP_FORMAT_JOURNAL, text, .time = NOON * SECOND + 7, __VA_ARGS__)

static void test_journal(void **state)
{
	static const char numbers[] = STAMPED "\"_PID\":\"5\",\"SYSLOG_IDENTIFIER\":\"postfix/qmgr\",\"MESSAGE\":"
					      "[52,65,58,32,114,101,109,111,118,101,100]}";

	(void)state;
	JOURNAL(STAMPED
		"\"_PID\":\"4\",\"SYSLOG_PID\":\"4711\",\"SYSLOG_IDENTIFIER\":\"postfix/smtp\",\"MESSAGE\":"
		"\"4ABCdef0123: to=<user@example.org>, relay=mx.example.org[192.0.2.1]:25, delays=1/2/0.35/0.9, "
		"dsn=5.1.1, "
		"status=bounced (host mx.example.org[192.0.2.1] said: 550 \\u00fc \\\"no\\\" (in reply to RCPT TO "
		"command))\"}",
		SMTP_ATTEMPT, AT_RELAY, .mta = REP_FORMAT_POSTFIX, .instance = "postfix", .outcome = REP_BOUNCED,
		.reply = "550 \xc3\xbc \"no\"", .dsn = "5.1.1");
	JOURNAL(numbers, .kind = REP_LINE_REMOVED, .mta = REP_FORMAT_POSTFIX, .instance = "postfix", .queue_id = "4A",
		.pid = 5);
	EXPECT(REP_FORMAT_JOURNAL,
	       STAMPED "\"SYSLOG_IDENTIFIER\":\"exim\",\"MESSAGE\":\"2026-11-21 20:38:35 " OLD_ID " Completed\"}",
	       .kind = REP_LINE_REMOVED, .mta = REP_FORMAT_EXIM, .queue_id = OLD_ID);
	JOURNAL(STAMPED "\"SYSLOG_IDENTIFIER\":\"sm-mta\",\"MESSAGE\":\"5AL: done; delay=1\"}",
		.kind = REP_LINE_REMOVED, .mta = REP_FORMAT_SENDMAIL, .queue_id = "5AL");
}

static void test_journal_others(void **state)
{
	static const char *const wrong[] = {
		"",
		"{",
		"[]",
		"null",
		"{}",
		"{\"__REALTIME_TIMESTAMP\":1,\"SYSLOG_IDENTIFIER\":\"postfix/qmgr\",\"MESSAGE\":\"4A: removed\"}",
		"{\"__REALTIME_TIMESTAMP\":\"-1\",\"SYSLOG_IDENTIFIER\":\"postfix/qmgr\",\"MESSAGE\":\"4A: removed\"}",
		"{\"__REALTIME_TIMESTAMP\":\"\",\"SYSLOG_IDENTIFIER\":\"postfix/qmgr\",\"MESSAGE\":\"4A: removed\"}",
		"{\"__REALTIME_TIMESTAMP\":\"1234567890123456789\",\"SYSLOG_IDENTIFIER\":\"postfix/qmgr\","
		"\"MESSAGE\":\"4A: removed\"}",
	};
	static const char *const other[] = {
		"\"SYSLOG_IDENTIFIER\":\"postfix/qmgr\",\"MESSAGE\":null}",
		"\"SYSLOG_IDENTIFIER\":\"postfix/qmgr\"}",
		"\"SYSLOG_IDENTIFIER\":[\"postfix/qmgr\"],\"MESSAGE\":\"4A: removed\"}",
		"\"SYSLOG_IDENTIFIER\":\"\",\"MESSAGE\":\"4A: removed\"}",
		"\"SYSLOG_IDENTIFIER\":\"kernel\",\"MESSAGE\":\"4A: removed\"}",
		"\"SYSLOG_IDENTIFIER\":\"postfix/qmgr\",\"MESSAGE\":[52,65,58,32,114,101,109,111,118,101,356]}",
		"\"SYSLOG_IDENTIFIER\":\"postfix/qmgr\",\"MESSAGE\":[52,-1]}",
		"\"SYSLOG_IDENTIFIER\":\"postfix/qmgr\",\"MESSAGE\":[52,\"65\"]}",
		"\"SYSLOG_IDENTIFIER\":\"postfix/qmgr\",\"MESSAGE\":[]}",
	};
	struct rep_reader *r = rep_reader_new(REP_FORMAT_JOURNAL, REFERENCE);
	struct rep_line line;
	char text[512];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		rep_reader_line(r, wrong[i], strlen(wrong[i]), &line);
		assert_int_equal(line.kind, REP_LINE_OTHER);
		assert_true(line.time == 0);
	}
	for (i = 0; i < sizeof(other) / sizeof(*other); i++) {
		snprintf(text, sizeof(text), STAMPED "%s", other[i]);
		rep_reader_line(r, text, strlen(text), &line);
		assert_int_equal(line.kind, REP_LINE_OTHER);
		assert_true(line.time == NOON * SECOND + 7);
	}
	rep_reader_free(r);
}

/* --- rubbish ------------------------------------------------------------------------------------------------------ */

static bool lies_within(struct rep_text text, const char *begin, size_t length)
{
	return !text.length || (text.at >= begin && text.at + text.length <= begin + length);
}

/* A line of each kind, cut anywhere: understood or not, but never more than is there. */
static void test_cut_anywhere(void **state)
{
	static const char *const lines[] = {
		MAIL SMTP RELAY DELAYS
		"dsn=5.1.1, status=bounced (host mx.example.org[192.0.2.1] said: 550 5.1.1 no (in "
		"reply to RCPT TO command))",
		MAIL "postfix/cleanup[4710]: 4ABCdef0123: message-id=<20261121.1@example.com>",
		"2026-11-21T20:38:35.123456+01:00 mail postfix/qmgr[99]: 4ABCdef0123: removed",
		"2026-11-21 20:38:35.123 +0100 [4711] " NEW_ID " ** " USER SMTP_OF
		"H=mx.example.org [192.0.2.1]:25 : " AFTER_RCPT "550 5.1.1 no DT=2s",
		"2026-11-21 20:38:35 " OLD_ID " == " USER SMTP_OF
		"defer (110): Connection timed out H=mx [192.0.2.1]: why",
		"2026-11-21 20:38:35 " OLD_ID " => " USER SMTP_OF
		"H=mx [192.0.2.1]:25* I=[198.51.100.1]:41234 C=\"250 O\"",
		MAIL "smtpd[77]: " FROM_TO "result=\"Ok\" stat=\"250 2.0.0 Ok\"",
		MAIL "sm-mta[88]: 5ALKcZ01012345: " ESMTP "dsn=5.7.1, reply=550 5.7.1 no, stat=Service unavailable",
		STAMPED "\"SYSLOG_IDENTIFIER\":\"postfix/qmgr\",\"MESSAGE\":\"4A: removed\"}",
	};
	struct rep_reader *r = rep_reader_new(REP_FORMAT_AUTO, REFERENCE);
	size_t i, length;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		for (length = 0; length <= strlen(lines[i]); length++) {
			char *exact = malloc(length ? length : 1);
			struct rep_line line;

			memcpy(exact, lines[i], length);
			rep_reader_line(r, exact, length, &line);
			if (*lines[i] != '{') {
				assert_true(lies_within(line.queue_id, exact, length));
				assert_true(lies_within(line.recipient, exact, length));
				assert_true(lies_within(line.relay, exact, length));
				assert_true(lies_within(line.reply, exact, length));
				assert_true(lies_within(line.dsn, exact, length));
			}
			assert_true(length < strlen(lines[i]) || line.kind != REP_LINE_OTHER);
			free(exact);
		}
	}
	rep_reader_free(r);
}

static void test_longest(void **state)
{
	static const char head[] =
		MAIL SMTP RELAY DELAYS "dsn=4.0.0, status=deferred (host mx.example.org[192.0.2.1] said: 450 ";
	struct rep_reader *r = rep_reader_new(REP_FORMAT_AUTO, REFERENCE);
	size_t length = 1 << 20;
	char *text = malloc(length);
	struct rep_line line;

	(void)state;
	memset(text, 'x', length);
	memcpy(text, head, strlen(head));
	rep_reader_line(r, text, length, &line);
	assert_int_equal(line.kind, REP_LINE_ATTEMPT);
	assert_ptr_equal(line.reply.at, text + strlen(head) - strlen("450 "));
	assert_int_equal(line.reply.length, REP_LINE_MAX - strlen(head) + strlen("450 "));
	memset(text, '<', length);
	memcpy(text, MAIL "postfix/smtp[1]: 4A: to=", strlen(MAIL "postfix/smtp[1]: 4A: to="));
	rep_reader_line(r, text, length, &line);
	assert_int_equal(line.kind, REP_LINE_OTHER);
	free(text);
	rep_reader_free(r);
}

static void test_bytes_of_any_kind(void **state)
{
	static const char nul[] = MAIL SMTP RELAY DELAYS "dsn=2.0.0, status=sent (250 \0\xff\x80 Ok)";
	static const char address[] = MAIL "postfix/smtp[1]: 4A: to=<a@b>, relay=mx[192.0.2.1\0]:25, dsn=2.0.0, "
					   "status=sent (250 Ok)";
	struct rep_reader *r = rep_reader_new(REP_FORMAT_AUTO, REFERENCE);
	char bytes[256];
	struct rep_line line;
	u32 seed = 1, i, j;

	(void)state;
	rep_reader_line(r, nul, sizeof(nul) - 1, &line);
	assert_int_equal(line.kind, REP_LINE_ATTEMPT);
	assert_int_equal(line.reply.length, 10);
	assert_memory_equal(line.reply.at, "250 \0\xff\x80 Ok", 10);
	rep_reader_line(r, address, sizeof(address) - 1, &line);
	assert_int_equal(line.kind, REP_LINE_OTHER);
	for (i = 0; i < 20000; i++) {
		for (j = 0; j < sizeof(bytes); j++) {
			seed = seed * 1664525 + 1013904223;
			bytes[j] = (char)(seed >> 24);
		}
		rep_reader_line(r, bytes, seed >> 8 & 255, &line);
		assert_int_equal(line.kind, REP_LINE_OTHER);
	}
	assert_true(time_of(r, "Nov 21 20:38:35", true) == NOON * SECOND);
	rep_reader_free(r);
}

static int in_utc(void **state)
{
	(void)state;
	set_zone("UTC0");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stamps),
		cmocka_unit_test(test_no_stamps),
		cmocka_unit_test(test_year),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_hour_that_comes_twice),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_postfix_sent),
		cmocka_unit_test(test_postfix_instances),
		cmocka_unit_test(test_postfix_answers),
		cmocka_unit_test(test_postfix_no_answers),
		cmocka_unit_test(test_postfix_suspended),
		cmocka_unit_test(test_postfix_queue),
		cmocka_unit_test(test_postfix_passed_over),
		cmocka_unit_test(test_postfix_others),
		cmocka_unit_test(test_postfix_forged),
		cmocka_unit_test(test_postfix_numbers),
		cmocka_unit_test(test_exim_sent),
		cmocka_unit_test(test_exim_heads),
		cmocka_unit_test(test_exim_queue),
		cmocka_unit_test(test_exim_bounced),
		cmocka_unit_test(test_exim_passed_over),
		cmocka_unit_test(test_exim_deferred),
		cmocka_unit_test(test_exim_others),
		cmocka_unit_test(test_exim_forged),
		cmocka_unit_test(test_opensmtpd),
		cmocka_unit_test(test_opensmtpd_others),
		cmocka_unit_test(test_sendmail),
		cmocka_unit_test(test_sendmail_no_answers),
		cmocka_unit_test(test_sendmail_queue),
		cmocka_unit_test(test_journal),
		cmocka_unit_test(test_journal_others),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_bytes_of_any_kind),
	};

	return cmocka_run_group_tests(tests, in_utc, NULL);
}
