// SPDX-License-Identifier: GPL-2.0-or-later
/* OpenSMTPD 6.0 to 7.x. Formats: its usr.sbin/smtpd/mta.c, mta_session.c and to.c. */
#include "tools/mxrep/line_parts.h"

#define EVPID 16 /* hexadecimal digits; the first eight are the message's id */

/* What is left to read of a message. */
struct rest {
	const char *at, *end;
};

static bool take(struct rest *rest, const char *word)
{
	if (!rep_begins(rest->at, rest->end, word))
		return false;
	rest->at += strlen(word);
	return true;
}

static bool take_hexadecimal(struct rest *rest, size_t digits, struct rep_text *text)
{
	const char *at = rest->at;

	while (at < rest->end && ((*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'f')))
		at++;
	*text = rep_between(rest->at, at);
	rest->at = at;
	return text->length == digits;
}

/* name<address> */
static bool take_address(struct rest *rest, const char *name, struct rep_text *text)
{
	const char *end;

	if (!take(rest, name))
		return false;
	end = rep_address_end(rest->at, rest->end);
	if (!end)
		return false;
	*text = rep_between(rest->at, end);
	rest->at = end + 1;
	return true;
}

/* name"text", which has no quotes in it. */
static bool take_quoted(struct rest *rest, const char *name, struct rep_text *text)
{
	const char *end;

	if (!take(rest, name))
		return false;
	end = rep_until(rest->at, rest->end, '"');
	*text = rep_between(rest->at, end);
	rest->at = end < rest->end ? end + 1 : end;
	return end < rest->end;
}

/* "192.0.2.1 (mx.example.org)", the name first, or one of the two alone. */
static void read_relay(struct rep_text text, struct rep_line *line)
{
	const char *end = text.at + text.length, *blank = rep_until(text.at, end, ' ');
	struct rep_text first = rep_between(text.at, blank), second = { end, 0 };

	if (rep_begins(blank, end, " (") && end[-1] == ')')
		second = rep_between(blank + 2, end - 1);
	if (rep_read_address(first, line))
		line->relay = second;
	else if (second.length && rep_read_address(second, line))
		line->relay = first;
	else
		line->relay = text;
}

/* "192.0.2.1:41234" or "[2001:db8::1]:41234"; mostly there is no port. */
static void read_source(struct rep_text text, struct rep_line *line)
{
	const char *end = text.at + text.length, *colon = memrchr(text.at, ':', text.length);
	u32 port;

	if (!colon || colon == text.at || (*text.at == '[' && colon[-1] != ']'))
		return;
	if (*text.at != '[' && memchr(text.at, ':', (size_t)(colon - text.at)))
		return;
	port = rep_read_number(rep_between(colon + 1, end));
	if (port <= 65535)
		line->local_port = (u16)port;
}

static bool read_outcome(struct rep_text result, struct rep_line *line)
{
	if (rep_text_is(result, "Ok"))
		line->outcome = REP_SENT;
	else if (rep_text_is(result, "TempFail"))
		line->outcome = REP_DEFERRED;
	else if (rep_text_is(result, "PermFail"))
		line->outcome = REP_BOUNCED;
	else
		return false;
	return true;
}

/* "421 …", also behind "BANNER rejected: ", and the texts of its own. */
static void read_status(struct rep_text status, struct rep_line *line)
{
	static const char *const blocked[] = { "All routes to destination blocked",
					       "Destination seem to reject all mails" };
	const char *at = status.at, *end = at + status.length, *answer = rep_behind(at, end, " rejected: ");
	size_t i;

	line->reply = status;
	if (line->outcome == REP_SENT || rep_is_code(at, end)) {
		line->reach = REP_ANSWERED;
		return;
	}
	if (answer && rep_until(at, end, ' ') == answer - strlen(" rejected: ") && rep_is_code(answer, end)) {
		line->reach = REP_ANSWERED;
		line->reply = rep_between(answer, end);
		return;
	}
	line->reach = line->has_address && !rep_begins(at, end, "Connection failed: ") ? REP_LOST : REP_UNREACHED;
	for (i = 0; i < sizeof(blocked) / sizeof(*blocked); i++)
		if (rep_text_is(status, blocked[i]))
			line->reach = REP_SUSPENDED;
}

/* The last field is the provider's; everything before is ours. */
static bool read_delivery(struct rest *rest, struct rep_line *line)
{
	struct rep_text from, original, source, relay, result, status, evpid;
	const char *behind;

	if (!take(rest, "evpid=") || !take_hexadecimal(rest, EVPID, &evpid))
		return false;
	if (!take_address(rest, " from=<", &from) || !take_address(rest, " to=<", &line->recipient) ||
	    !take_address(rest, " rcpt=<", &original))
		return false;
	if (!take_quoted(rest, " source=\"", &source) || !take_quoted(rest, " relay=\"", &relay))
		return false;
	if (!take(rest, " delay="))
		return false;
	behind = rep_until(rest->at, rest->end, ' ');
	rest->at = behind;
	if (!take_quoted(rest, " result=\"", &result) || !take(rest, " stat=\""))
		return false;
	status = rep_between(rest->at, rest->end);
	if (status.length && status.at[status.length - 1] == '"') /* else the line was cut */
		status.length--;
	line->queue_id = rep_between(evpid.at, evpid.at + EVPID / 2);
	line->recipients = 1;
	read_source(source, line);
	read_relay(relay, line);
	if (!read_outcome(result, line))
		return false;
	read_status(status, line);
	return !rep_is_loopback(line);
}

bool rep_opensmtpd_read(const struct rep_entry *entry, struct rep_line *line)
{
	struct rest rest = { entry->at, entry->end };
	struct rep_text session;

	if (!take_hexadecimal(&rest, EVPID, &session))
		return false;
	if (!take(&rest, " mta delivery ") && !take(&rest, " mta event=delivery "))
		return false;
	line->mta = REP_FORMAT_OPENSMTPD;
	line->pid = entry->pid;
	line->kind = REP_LINE_ATTEMPT;
	return read_delivery(&rest, line);
}
