// SPDX-License-Identifier: GPL-2.0-or-later
/* Postfix 3.4 to 3.10. Formats: its src/global/log_adhoc.c, src/smtp/smtp_trouble.c and smtp_proto.c. */
#include "tools/mxrep/line_parts.h"

#define SUSPENDED "delivery temporarily suspended: "

static bool read_message_id(const struct rep_body *body, struct rep_line *line)
{
	const char *at = body->at, *end;

	if (rep_begins(at, body->end, "resent-"))
		at += strlen("resent-");
	if (!rep_begins(at, body->end, "message-id="))
		return false;
	at += strlen("message-id=");
	end = body->end;
	if (at < end && *at == '<')
		end = rep_until(++at, end, '>');
	line->message_id = rep_between(at, end);
	line->kind = REP_LINE_QUEUED;
	return true;
}

/* "host[address]" with ":port" or without. NULL: it is something else; else what is behind. */
static const char *read_relay(const char *at, const char *end, struct rep_line *line)
{
	const char *bracket = rep_until(at, end, '['), *close = rep_until(bracket, end, ']'), *digits;
	u32 port;

	if (close == end || !rep_read_address(rep_between(bracket, close + 1), line))
		return NULL;
	line->relay = rep_between(at, bracket);
	close++;
	if (close == end || *close != ':')
		return close;
	for (digits = ++close; close < end && *close >= '0' && *close <= '9';)
		close++;
	port = rep_read_number(rep_between(digits, close));
	line->port = (u16)port;
	return port && port <= 65535 ? close : NULL;
}

/* "a/b/c/d": c is what connecting took, d the dialogue. */
static void read_delays(struct rep_text delays, struct rep_line *line)
{
	const char *at = delays.at, *end = at + delays.length, *slash;
	u32 part;

	for (part = 0; part < 4; part++) {
		slash = rep_until(at, end, '/');
		if (part == 2)
			line->connect_ms = rep_read_seconds(rep_between(at, slash));
		else if (part == 3)
			line->transfer_ms = rep_read_seconds(rep_between(at, slash));
		at = slash < end ? slash + 1 : end;
	}
}

/* "name=value" between two commas. False: the line is not to be counted. */
static bool read_field(const char *at, const char *end, struct rep_line *line)
{
	const char *value = rep_behind(at, end, "=");
	struct rep_text name, text;

	if (!value)
		return true;
	name = rep_between(at, value - 1);
	text = rep_between(value, end);
	if (rep_text_is(name, "relay")) {
		if (rep_text_is(text, "none"))
			return true;
		line->uses = 1;
		return read_relay(value, end, line) == end;
	}
	if (rep_text_is(name, "conn_use"))
		line->uses = rep_read_number(text);
	else if (rep_text_is(name, "delays"))
		read_delays(text, line);
	else if (rep_text_is(name, "dsn"))
		line->dsn = text;
	return true;
}

/* The fields up to the status, whose value is left. */
static bool read_fields(struct rep_body *body, struct rep_line *line)
{
	const char *end;

	for (;;) {
		if (!rep_begins(body->at, body->end, ", "))
			return false;
		body->at += 2;
		if (rep_begins(body->at, body->end, "status=")) {
			body->at += strlen("status=");
			return true;
		}
		if (rep_begins(body->at, body->end, "orig_to=<")) {
			end = rep_address_end(body->at + strlen("orig_to=<"), body->end);
			if (!end)
				return false;
			body->at = end + 1;
			continue;
		}
		end = rep_behind(body->at, body->end, ", ");
		if (!end || !read_field(body->at, end - 2, line))
			return false;
		body->at = end - 2;
	}
}

static bool read_outcome(struct rep_text word, struct rep_line *line)
{
	if (rep_text_is(word, "sent"))
		line->outcome = REP_SENT;
	else if (rep_text_is(word, "deferred") || rep_text_is(word, "SOFTBOUNCE"))
		line->outcome = REP_DEFERRED;
	else if (rep_text_is(word, "bounced"))
		line->outcome = REP_BOUNCED;
	else
		return false;
	return true;
}

/* The peer that a reason names, for where no relay was logged. */
static void read_peer(const char *at, const char *end, struct rep_line *line)
{
	if (!line->has_address)
		read_relay(at, rep_until(at, end, ' '), line);
}

/* The answer of a peer, without Postfix' remark on what it was in reply to. */
static void read_answer(const char *at, const char *end, struct rep_line *line)
{
	const char *remark;

	if (end > at && end[-1] == ')') {
		remark = memrchr(at, '(', (size_t)(end - at));
		if (remark && rep_begins(remark, end, "(in reply to ") && remark > at && remark[-1] == ' ') {
			line->has_body = rep_begins(remark, end, "(in reply to end of DATA");
			end = remark - 1;
		}
	}
	line->reply = rep_between(at, end);
	line->reach = REP_ANSWERED;
}

/*
 * "host NAME[ADDRESS] said: 550 …", and the other ways to say so. Only what stands before the answer is ours, and the
 * name has no blank.
 */
static bool read_said(const char *at, const char *end, struct rep_line *line)
{
	static const struct {
		const char *before, *behind;
	} sayings[] = {
		{ "host ", " said: " },
		{ "host ", " refused to talk to me: " },
		{ "TLS is required, but host ", " refused to start TLS: " },
		{ "SASL authentication failed; server ", " said: " },
		{ "SASL [CACHED] authentication failed; server ", " said: " },
	};
	size_t i;

	for (i = 0; i < sizeof(sayings) / sizeof(*sayings); i++) {
		const char *peer = at + strlen(sayings[i].before), *behind;

		if (!rep_begins(at, end, sayings[i].before))
			continue;
		behind = rep_until(peer, end, ' ');
		if (!rep_begins(behind, end, sayings[i].behind))
			continue;
		read_peer(peer, end, line);
		read_answer(behind + strlen(sayings[i].behind), end, line);
		return true;
	}
	return false;
}

/* Why there was no answer. */
static void read_failure(const char *at, const char *end, struct rep_line *line)
{
	static const struct {
		const char *before;
		enum rep_reach reach;
	} failures[] = {
		{ "lost connection with ", REP_LOST },
		{ "conversation with ", REP_LOST },
		{ "connect to ", REP_UNREACHED },
	};
	size_t i;

	line->reply = rep_between(at, end);
	line->reach = line->has_address && !rep_begins(at, end, "mail for ") ? REP_LOST : REP_UNREACHED;
	for (i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
		if (rep_begins(at, end, failures[i].before)) {
			read_peer(at + strlen(failures[i].before), end, line);
			line->reach = failures[i].reach;
		}
	}
}

/* What stands in the parentheses behind the status: (…). */
static void read_reason(const char *at, const char *end, struct rep_line *line)
{
	if (end > at && end[-1] == ')') /* else the line was cut */
		end--;
	if (line->outcome == REP_SENT) {
		read_answer(at, end, line);
		line->has_body = true;
		return;
	}
	if (rep_begins(at, end, SUSPENDED))
		at += strlen(SUSPENDED);
	if (rep_begins(at, end, "Protocol error: "))
		at += strlen("Protocol error: ");
	if (!read_said(at, end, line))
		read_failure(at, end, line);
}

static bool read_attempt(struct rep_body body, struct rep_line *line)
{
	const char *end;

	if (!rep_begins(body.at, body.end, "to=<"))
		return false;
	body.at += strlen("to=<");
	end = rep_address_end(body.at, body.end);
	if (!end)
		return false;
	line->recipient = rep_between(body.at, end);
	line->recipients = 1;
	body.at = end + 1;
	if (!read_fields(&body, line))
		return false;
	end = rep_until(body.at, body.end, ' ');
	if (!read_outcome(rep_between(body.at, end), line) || !rep_begins(end, body.end, " ("))
		return false;
	/*
	 * With info_log_addr_form = internal, and before 3.5, recipients are logged without their quotes, and such a
	 * one could end its own field and bring the others along: then the true ones stand in what looks like a reason.
	 */
	if (rep_behind(end, body.end, ">, relay=") || rep_behind(end, body.end, ">, orig_to=<"))
		return false;
	read_reason(end + 2, body.end, line);
	line->kind = REP_LINE_ATTEMPT;
	return !rep_is_loopback(line);
}

/*
 * A host that did not take a message for now, without its recipients: Postfix goes on with the next host, and logs what
 * became of them there.
 */
static bool read_passed_over(struct rep_body body, struct rep_line *line)
{
	if (!rep_begins(body.at, body.end, "host ") && !rep_begins(body.at, body.end, "lost connection with ") &&
	    !rep_begins(body.at, body.end, "conversation with "))
		return false;
	line->outcome = REP_DEFERRED;
	if (!read_said(body.at, body.end, line))
		read_failure(body.at, body.end, line);
	line->recipients = 1;
	line->kind = REP_LINE_ATTEMPT;
	return line->has_address && (line->reach != REP_ANSWERED || (line->reply.length && *line->reply.at == '4')) &&
	       !rep_is_loopback(line);
}

/* No attempt at all: the queue manager did without, or gave it to a service that only says so. */
static bool read_refusal(const struct rep_body *body, struct rep_line *line)
{
	if (!read_attempt(*body, line) || line->outcome == REP_SENT)
		return false;
	line->reach = REP_SUSPENDED;
	return true;
}

/* "from=<sender>, size=696, nrcpt=1 (queue active)" */
static bool read_size(const struct rep_body *body, struct rep_line *line)
{
	const char *sender = body->at + strlen("from=<"), *at;

	if (!rep_begins(body->at, body->end, "from=<"))
		return false;
	at = rep_address_end(sender, body->end);
	if (!at || !rep_begins(at, body->end, ">, size="))
		return false;
	line->sender = (u32)(at - sender);
	at += strlen(">, size=");
	line->size = rep_read_number(rep_between(at, rep_until(at, body->end, ',')));
	line->kind = REP_LINE_SIZED;
	return true;
}

static bool read_removed(const struct rep_body *body, struct rep_line *line)
{
	line->kind = REP_LINE_REMOVED;
	return rep_text_is(rep_between(body->at, body->end), "removed");
}

bool rep_postfix_read(const struct rep_entry *entry, struct rep_line *line)
{
	const char *begin = entry->tag.at, *end = begin + entry->tag.length,
		   *slash = memrchr(begin, '/', entry->tag.length);
	struct rep_body body = { entry->at, entry->end };
	struct rep_text program;
	bool smtp, cleanup, qmgr, error;

	if (!slash)
		return false;
	program = rep_between(slash + 1, end);
	smtp = rep_text_is(program, "smtp");
	cleanup = rep_text_is(program, "cleanup");
	qmgr = rep_text_is(program, "qmgr") || rep_text_is(program, "oqmgr");
	error = rep_text_is(program, "error") || rep_text_is(program, "retry");
	if (!smtp && !cleanup && !qmgr && !error && !rep_text_is(program, "postsuper"))
		return false;
	if (!rep_read_queue_id(&body, line))
		return false;
	line->mta = REP_FORMAT_POSTFIX;
	line->instance = rep_between(begin, rep_until(begin, end, '/'));
	line->pid = entry->pid;
	if (smtp)
		return rep_begins(body.at, body.end, "to=<") ? read_attempt(body, line) : read_passed_over(body, line);
	if (cleanup)
		return read_message_id(&body, line);
	if (error)
		return read_refusal(&body, line);
	return read_removed(&body, line) || (qmgr && (read_size(&body, line) || read_refusal(&body, line)));
}
