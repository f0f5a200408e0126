// SPDX-License-Identifier: GPL-2.0-or-later
/* sendmail 8.15 to 8.18. Formats: its sendmail/deliver.c (logdelivery) and envelope.c. */
#include "tools/mxrep/line_parts.h"

/* Behind an address, with < and > or without, in a list. NULL: it has no end. */
static const char *skip_address(const char *at, const char *end)
{
	if (at < end && *at == '<') {
		at = rep_address_end(at + 1, end);
		return at ? at + 1 : NULL;
	}
	for (; at < end && *at != ','; at++) {
		if (*at == '"') {
			for (at++; at < end && *at != '"'; at++)
				if (*at == '\\' && ++at == end)
					return NULL;
			if (at == end)
				return NULL;
		}
	}
	return at;
}

/* "<a@b>,<c@d>", which a comma with a blank behind it ends. */
static bool read_recipients(struct rep_body *body, struct rep_line *line)
{
	const char *at = body->at, *behind;

	for (;;) {
		behind = skip_address(at, body->end);
		if (!behind)
			return false;
		if (!line->recipients++)
			line->recipient =
				behind > at && *at == '<' ? rep_between(at + 1, behind - 1) : rep_between(at, behind);
		if (behind == body->end || *behind != ',')
			return false;
		if (behind + 1 < body->end && behind[1] == ' ')
			break;
		at = behind + 1;
		if (at == body->end)
			return false;
	}
	body->at = behind;
	return true;
}

/* "00:01:02" or "1+00:01:02" with days before it. */
static u32 read_interval(struct rep_text text)
{
	const char *at = text.at, *end = at + text.length, *plus = rep_until(at, end, '+');
	u64 seconds = 0, days = 0;

	if (plus < end) {
		days = rep_read_number(rep_between(at, plus));
		at = plus + 1;
	}
	while (at < end) {
		const char *colon = rep_until(at, end, ':');

		seconds = seconds * 60 + rep_read_number(rep_between(at, colon));
		if (seconds > UINT32_MAX)
			return UINT32_MAX;
		at = colon < end ? colon + 1 : end;
	}
	seconds = (seconds + days * 86400) * 1000;
	return seconds < UINT32_MAX ? (u32)seconds : UINT32_MAX;
}

/* "mx.example.org. [192.0.2.1]", without the address where there was no connection. */
static void read_relay(struct rep_text text, struct rep_line *line)
{
	const char *end = text.at + text.length, *blank = rep_until(text.at, end, ' ');

	line->relay = rep_between(text.at, blank);
	if (line->relay.length > 1 && blank[-1] == '.')
		line->relay.length--;
	if (blank < end)
		rep_read_address(rep_between(blank + 1, rep_until(blank + 1, end, ' ')), line);
	else if (rep_read_address(line->relay, line)) /* the address alone */
		line->relay.length = 0;
}

struct fields {
	struct rep_text mailer, answer, status;
};

/* The fields behind the recipients. The status is the last; an answer before it may have anything in it. */
static bool read_fields(struct rep_body *body, struct rep_line *line, struct fields *fields)
{
	while (rep_begins(body->at, body->end, ", ")) {
		const char *at = body->at + 2, *end, *value;
		struct rep_text name, text;

		if (rep_begins(at, body->end, "stat=")) {
			fields->status = rep_between(at + strlen("stat="), body->end);
			return true;
		}
		end = rep_behind(at, body->end, rep_begins(at, body->end, "reply=") ? ", stat=" : ", ");
		if (!end)
			return false;
		end -= rep_begins(at, body->end, "reply=") ? strlen(", stat=") : 2;
		body->at = end;
		value = rep_behind(at, end, "=");
		if (!value)
			continue;
		name = rep_between(at, value - 1);
		text = rep_between(value, end);
		if (rep_text_is(name, "xdelay"))
			line->transfer_ms = read_interval(text);
		else if (rep_text_is(name, "mailer"))
			fields->mailer = text;
		else if (rep_text_is(name, "relay"))
			read_relay(text, line);
		else if (rep_text_is(name, "dsn"))
			line->dsn = text;
		else if (rep_text_is(name, "reply"))
			fields->answer = text;
	}
	return false;
}

/* Whether a mailer of this name speaks SMTP; others do where they have logged the address that they spoke to. */
static bool is_smtp(struct rep_text mailer)
{
	static const char *const names[] = { "smtp", "esmtp", "smtp8", "dsmtp", "relay" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (rep_text_is(mailer, names[i]))
			return true;
	return false;
}

/* The status tells it in words; the enhanced status, which the provider cannot forge from behind, must not disagree. */
static bool read_outcome(struct rep_text status, struct rep_line *line)
{
	char class = line->dsn.length ? *line->dsn.at : 0;

	if (rep_text_begins(status, "Sent")) {
		line->outcome = REP_SENT;
		return !class || class == '2';
	}
	if (rep_text_begins(status, "Deferred")) {
		line->outcome = REP_DEFERRED;
		return !class || class == '4';
	}
	line->outcome = class == '4' ? REP_DEFERRED : REP_BOUNCED;
	return (class == '4' || class == '5') && !rep_text_is(status, "queued");
}

/* How far it came, by the words for what went wrong on the way. */
static enum rep_reach failed_reach(struct rep_text why, const struct rep_line *line)
{
	static const char *const unreached[] = { "Connection refused",  "Connection timed out",
						 "No route to host",    "Network is unreachable",
						 "Name server",         "Host unknown",
						 "Operation timed out", "Host name lookup failure" };
	static const char *const lost[] = { "Connection reset", "Broken pipe", "I/O error" };
	size_t i;

	for (i = 0; i < sizeof(unreached) / sizeof(*unreached); i++)
		if (rep_text_begins(why, unreached[i]))
			return REP_UNREACHED;
	for (i = 0; i < sizeof(lost) / sizeof(*lost); i++)
		if (rep_text_begins(why, lost[i]))
			return REP_LOST;
	if (rep_behind(why.at, why.at + why.length, "timed out") || rep_behind(why.at, why.at + why.length, "timeout"))
		return line->has_address ? REP_LOST : REP_UNREACHED;
	return line->has_address ? REP_ANSWERED : REP_UNREACHED;
}

/* "Sent (ok 1234)", "Deferred: 421 …", "User unknown" */
static void read_status(const struct fields *fields, struct rep_line *line)
{
	const char *at = fields->status.at, *end = at + fields->status.length;

	if (line->outcome == REP_SENT) {
		at = rep_behind(at, end, "(");
		if (at)
			line->reply = rep_between(at, end > at && end[-1] == ')' ? end - 1 : end);
		return;
	}
	if (rep_begins(at, end, "Deferred: "))
		at += strlen("Deferred: ");
	line->reply = rep_between(at, end);
	if (rep_is_code(at, end))
		return;
	line->reach = failed_reach(line->reply, line);
	if (fields->answer.length && rep_is_code(fields->answer.at, fields->answer.at + fields->answer.length)) {
		line->reply = fields->answer;
		line->reach = line->has_address ? REP_ANSWERED : line->reach;
	}
}

static bool read_attempt(struct rep_body body, struct rep_line *line)
{
	struct fields fields = { .mailer = { body.at, 0 }, .answer = { body.at, 0 } };

	if (!rep_begins(body.at, body.end, "to="))
		return false;
	body.at += strlen("to=");
	if (!read_recipients(&body, line) || !read_fields(&body, line, &fields))
		return false;
	if (!is_smtp(fields.mailer) && !line->has_address)
		return false;
	if (!read_outcome(fields.status, line) || rep_is_loopback(line))
		return false;
	read_status(&fields, line);
	line->kind = REP_LINE_ATTEMPT;
	return true;
}

/* "from=<…>, size=…, class=…, nrcpts=…, msgid=<…>, …" */
static bool read_message_id(struct rep_body body, struct rep_line *line)
{
	const char *at;

	if (!rep_begins(body.at, body.end, "from="))
		return false;
	at = skip_address(body.at + strlen("from="), body.end);
	at = at ? rep_behind(at, body.end, ", msgid=<") : NULL;
	if (!at)
		return false;
	line->message_id = rep_between(at, rep_until(at, body.end, '>'));
	line->kind = REP_LINE_QUEUED;
	return true;
}

bool rep_sendmail_read(const struct rep_entry *entry, struct rep_line *line)
{
	struct rep_body body = { entry->at, entry->end };

	if (!rep_read_queue_id(&body, line))
		return false;
	line->mta = REP_FORMAT_SENDMAIL;
	line->pid = entry->pid;
	if (rep_begins(body.at, body.end, "done; ")) {
		line->kind = REP_LINE_REMOVED;
		return true;
	}
	return read_attempt(body, line) || read_message_id(body, line);
}
