// SPDX-License-Identifier: GPL-2.0-or-later
/* Exim 4.9x, its main log. Formats: its src/deliver.c (delivery_log, deferral_log, failure_log) and transports/smtp.c.
 */
#include "tools/mxrep/line_parts.h"

#define ANSWER "SMTP error from remote mail server after "

/* The numbers that src/macros.h gives to its own errors, and Linux to those of the network. */
enum {
	RETRY_BASE = -52, /* this and less: there was no attempt */
	EVENT = -58,
	DATA_4XX = -46,
	CONNECT_TIMEOUT = -43,
	TLS_REQUIRED = -38,
	TLS_FAILURE = -37,
	DNS_DEFER = -36,
	UNKNOWN_HOST = -32,
	SMTP_CLOSED = -18,
	BROKEN_PIPE = 32,
	RESET = 104,
	NETWORK_FIRST = 97, /* no such address family … no route to host */
	NETWORK_LAST = 113,
};

struct body {
	const char *at, *end;
};

static bool is_id(const char *at, size_t first_dash, size_t second_dash, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		if (i == first_dash || i == second_dash ? at[i] != '-' : !rep_is_alnum(at[i]))
			return false;
	return true;
}

/* "1abcDE-0001xy-2Z", since 4.97 "1abcDE-00000001xyz-2Zab" */
static bool read_queue_id(struct body *body, struct rep_line *line)
{
	size_t length;

	if (body->end - body->at > 23 && body->at[23] == ' ' && is_id(body->at, 6, 18, 23))
		length = 23;
	else if (body->end - body->at > 16 && body->at[16] == ' ' && is_id(body->at, 6, 13, 16))
		length = 16;
	else
		return false;
	line->queue_id = rep_between(body->at, body->at + length);
	body->at += length + 1;
	return true;
}

/* "[1234] ", by log_selector = +pid */
static void read_pid(struct body *body, struct rep_line *line)
{
	const char *end;

	if (!rep_begins(body->at, body->end, "["))
		return;
	end = rep_until(body->at, body->end, ']');
	if (!rep_begins(end, body->end, "] "))
		return;
	line->pid = rep_read_number(rep_between(body->at + 1, end));
	body->at = end + 2;
}

/* Behind a word, which a blank ends but for those in quotes. */
static const char *skip_word(const char *at, const char *end)
{
	bool quoted = false;

	for (; at < end && (quoted || *at != ' '); at++) {
		if (*at == '"')
			quoted = !quoted;
		else if (*at == '\\' && quoted && at + 1 < end)
			at++;
	}
	return at;
}

/*
 * A field's value: behind " X=", at the beginning of a word, up to `end`. Words in quotes (what the provider said, its
 * certificate) are passed over.
 */
static const char *find_field(const char *at, const char *end, const char *name)
{
	for (at = skip_word(at, end); at < end; at = skip_word(at, end)) {
		at++;
		if (rep_begins(at, end, name))
			return at + strlen(name);
	}
	return NULL;
}

static bool read_message_id(struct body body, struct rep_line *line)
{
	const char *id;

	id = find_field(body.at, body.end, "id=");
	if (!id)
		id = find_field(body.at, body.end, "id*=");
	if (!id)
		return false;
	line->message_id = rep_between(id, skip_word(id, body.end));
	line->kind = REP_LINE_QUEUED;
	return true;
}

/* "1w2d3h4m5s" or "0.412s", in milliseconds */
static u32 read_duration(const char *at, const char *end)
{
	static const char units[] = "wdhms";
	static const u32 seconds[] = { 604800, 86400, 3600, 60, 1 };
	u64 sum = 0;

	while (at < end) {
		const char *digits = at, *unit;

		while (at < end && ((*at >= '0' && *at <= '9') || *at == '.'))
			at++;
		unit = at < end && *at ? strchr(units, *at) : NULL;
		if (at == digits || !unit)
			return 0;
		sum += (u64)rep_read_seconds(rep_between(digits, at)) * seconds[unit - units];
		if (sum > UINT32_MAX)
			return UINT32_MAX;
		at++;
	}
	return (u32)sum;
}

/* ":41234", in *port; `at` where there is none. */
static const char *read_port(const char *at, const char *end, u16 *port)
{
	const char *digits = at + 1;
	u32 number;

	if (at == end || *at != ':')
		return at;
	for (at = digits; at < end && *at >= '0' && *at <= '9';)
		at++;
	number = rep_read_number(rep_between(digits, at));
	if (number && number <= 65535)
		*port = (u16)number;
	return at;
}

/* "mx.example.org [192.0.2.1]:25*", also with "DS" behind the name. The star: a further message of the connection. */
static bool read_host(const char *at, const char *end, struct rep_line *line)
{
	const char *blank = rep_until(at, end, ' '), *bracket = blank, *close;

	if (rep_begins(bracket, end, " DS"))
		bracket += strlen(" DS");
	if (!rep_begins(bracket, end, " ["))
		return false;
	bracket++;
	close = rep_until(bracket, end, ']');
	if (close == end || !rep_read_address(rep_between(bracket, close + 1), line))
		return false;
	line->relay = rep_between(at, blank);
	close = read_port(close + 1, end, &line->port);
	line->uses = close < end && *close == '*' ? 2 : 1;
	return true;
}

static void read_interface(const char *at, const char *end, struct rep_line *line)
{
	const char *close = rep_until(at, end, ']');

	if (close < end)
		read_port(close + 1, end, &line->local_port);
}

/* The fields that all kinds of lines have, which `end` ends. */
static void read_fields(const char *at, const char *end, struct rep_line *line)
{
	const char *value = find_field(at, end, "H=");

	if (value)
		read_host(value, end, line);
	value = find_field(at, end, "I=[");
	if (value)
		read_interface(value, end, line);
	value = find_field(at, end, "DT=");
	if (value)
		line->transfer_ms = read_duration(value, rep_until(value, end, ' '));
}

/*
 * The address. Exim takes the quotes off a local part and tells the original in < > behind it: nobody can say where
 * such a one ends, so those lines are not counted. Without an @ it is a file, a pipe or a local user's name.
 */
static bool read_recipient(struct body *body, struct rep_line *line)
{
	const char *end = rep_until(body->at, body->end, ' ');

	if (end > body->at && end[-1] == ':') /* "** user@example.org: Unrouteable address" */
		end--;
	if (end == body->at || *body->at == '/' || *body->at == '|' || !memchr(body->at, '@', (size_t)(end - body->at)))
		return false;
	if (rep_behind(end, body->end, " <\"") || memchr(body->at, '"', (size_t)(end - body->at)))
		return false;
	line->recipient = rep_between(body->at, end);
	line->recipients = 1;
	body->at = end;
	return true;
}

/* C="250 OK": the quotes within have a backslash before them, which stays. */
static void read_confirmation(const char *at, const char *end, struct rep_line *line)
{
	const char *value = find_field(at, end, "C=\""), *close = value;

	if (!value)
		return;
	while (close < end && *close != '"')
		close += *close == '\\' && close + 1 < end ? 2 : 1;
	line->reply = rep_between(value, close);
}

static bool read_delivery(struct body body, struct rep_line *line)
{
	read_fields(body.at, body.end, line);
	if (!line->has_address)
		return false;
	read_confirmation(body.at, body.end, line);
	line->outcome = REP_SENT;
	line->reach = REP_ANSWERED;
	return true;
}

/* Behind the command that an answer is to: "RCPT TO:<address>: ", whose address may have anything in it. */
static const char *skip_command(const char *at, const char *end)
{
	if (rep_begins(at, end, "pipelined "))
		at += strlen("pipelined ");
	if (rep_begins(at, end, "RCPT TO:<") || rep_begins(at, end, "MAIL FROM:<")) {
		at = rep_address_end(rep_until(at, end, '<') + 1, end);
		if (!at)
			return NULL;
	}
	return rep_behind(at, end, ": ");
}

/* Whether the message says that there was no attempt. */
static bool is_suspended(const char *at, const char *end)
{
	static const char *const begins[] = {
		"retry time not reached",          "connection limit reached", "concurrency limit reached",
		"SMTP delivery explicitly queued", "domain is held",           "domain matches queue_domains",
		"retry timeout exceeded"
	}; /* the last attempt has a line of its own */
	size_t i;

	for (i = 0; i < sizeof(begins) / sizeof(*begins); i++)
		if (rep_begins(at, end, begins[i]))
			return true;
	return (rep_begins(at, end, "all hosts ") && rep_behind(at, end, "have been failing for a long time")) ||
	       (rep_begins(at, end, "some host address lookups failed") &&
		rep_behind(at, end, "retry time not reached"));
}

/* What the provider answered; false: it is no answer. */
static bool read_answer(const char *at, const char *end, struct rep_line *line)
{
	const char *answer, *behind;

	if (!rep_begins(at, end, ANSWER))
		return false;
	answer = skip_command(at + strlen(ANSWER), end);
	if (!answer)
		return false;
	/* before 4.83: "host mx.example.org [192.0.2.1]: 550 …" */
	if (!line->has_address && rep_begins(answer, end, "host ") && read_host(answer + strlen("host "), end, line)) {
		behind = rep_behind(answer, end, "]: ");
		answer = behind ? behind : answer;
	}
	line->reply = rep_between(answer, end);
	line->reach = REP_ANSWERED;
	return true;
}

/* Whether the message is the system's word for a connection that was not made. */
static bool is_unreached(const char *at, const char *end)
{
	static const char *const begins[] = { "Connection refused", "Connection timed out", "No route to host",
					      "Network is unreachable", "all host address lookups" };
	size_t i;

	for (i = 0; i < sizeof(begins) / sizeof(*begins); i++)
		if (rep_begins(at, end, begins[i]))
			return true;
	return false;
}

/* How far it came without an answer; false: nothing says that it was to leave the host. */
static bool read_failure(const char *at, const char *end, int error, bool transport, struct rep_line *line)
{
	line->reply = rep_between(at, end);
	if (is_suspended(at, end) || (error <= RETRY_BASE && error > EVENT && !is_unreached(at, end))) {
		line->reach = REP_SUSPENDED;
		return true;
	}
	if (rep_begins(at, end, "SMTP timeout after ") || rep_begins(at, end, "Remote host ") || error == SMTP_CLOSED ||
	    error == BROKEN_PIPE || error == RESET || error == TLS_REQUIRED || error == TLS_FAILURE) {
		line->reach = REP_LOST;
		return true;
	}
	if ((error >= NETWORK_FIRST && error <= NETWORK_LAST) || error == CONNECT_TIMEOUT || error == UNKNOWN_HOST ||
	    error == DNS_DEFER || is_unreached(at, end)) {
		line->reach = REP_UNREACHED;
		return true;
	}
	line->reach = line->has_address ? REP_LOST : REP_UNREACHED;
	return line->has_address || !transport;
}

/* Behind the first word that ends with a colon: what is in quotes before it may be somebody else's. */
static const char *find_reason(const char *at, const char *end)
{
	const char *begin = at;

	for (at = skip_word(at, end); at < end; at = skip_word(at + 1, end))
		if (at > begin && at[-1] == ':')
			return at + 1;
	return NULL;
}

/* "** address … R=… T=… H=…: why", " : " since 4.9x; the time it took may stand at the very end. */
static bool read_bounce(struct body body, struct rep_line *line)
{
	const char *why = find_reason(body.at, body.end), *fields, *last;

	if (!why)
		return false;
	fields = why - 2;
	last = memrchr(why, ' ', (size_t)(body.end - why));
	if (last && rep_begins(last, body.end, " DT=")) {
		line->transfer_ms = read_duration(last + strlen(" DT="), body.end);
		body.end = last;
	}
	read_fields(body.at, fields, line);
	line->outcome = REP_BOUNCED;
	return read_answer(why, body.end, line) ||
	       read_failure(why, body.end, 0, find_field(body.at, fields, "T=") != NULL, line);
}

/* The fields between a deferral's error and its message, which is returned: `end` where there is none. */
static const char *read_middle(const char *at, const char *end, struct rep_line *line)
{
	const char *message = rep_behind(at, end, ": ");

	read_fields(at, message ? message - 2 : end, line);
	return message ? message : end;
}

/* The number of "defer (-44)", and what is behind it. */
static const char *read_error(const char *at, const char *end, int *error)
{
	const char *close = rep_until(at, end, ')');
	bool negative = at < close && *at == '-';

	if (close == end)
		return NULL;
	*error = (int)(rep_read_number(rep_between(at + negative, close)) & 0xffff);
	if (negative)
		*error = -*error;
	return close + 1;
}

/*
 * "== address R=… T=… defer (-44) H=…: why", "== address R=… T=… defer (111): Connection refused H=…": an error of the
 * system has its word before the fields, and often no other.
 */
static bool read_deferral(struct body body, struct rep_line *line)
{
	const char *at = rep_behind(body.at, body.end, " defer ("), *why, *end = body.end, *behind;
	bool transport;
	int error;

	if (!at)
		return false;
	transport = find_field(body.at, at, "T=") != NULL;
	why = read_error(at, end, &error);
	if (!why)
		return false;
	if (!rep_begins(why, end, ": ")) {
		why = read_middle(why, end, line);
	} else {
		why += 2;
		if (error > 0) {
			const char *message = read_middle(why, end, line);

			if (message < end)
				why = message;
			else if ((behind = rep_behind(why, end, " H=")) || (behind = rep_behind(why, end, " DT=")))
				end = memrchr(why, ' ', (size_t)(behind - why));
		}
	}
	line->outcome = REP_DEFERRED;
	return read_answer(why, end, line) || read_failure(why, end, error, transport, line);
}

/*
 * "H=mx.example.org [192.0.2.1]:25 SMTP error from remote mail server after RCPT TO:<address>: 452 …": a host that was
 * passed over for the next one. From where it was reached is not told.
 */
static bool read_passed_over(struct body body, struct rep_line *line)
{
	const char *why = rep_behind(body.at, body.end, " " ANSWER), *host = body.at + strlen("H="), *close, *address;

	if (!why || !rep_begins(body.at, body.end, "H="))
		return false;
	why -= strlen(ANSWER);
	close = rep_until(host, why - 1, ']');
	if (memchr(close, ' ', (size_t)(why - 1 - close)) || !read_host(host, why - 1, line) ||
	    !read_answer(why, body.end, line) || rep_is_loopback(line))
		return false;
	address = rep_behind(why, body.end, "RCPT TO:<");
	if (address && address < line->reply.at)
		line->recipient = rep_between(address, rep_address_end(address, body.end));
	line->outcome = REP_DEFERRED;
	line->recipients = 1;
	line->uses = 0; /* nor how long it took */
	line->kind = REP_LINE_ATTEMPT;
	return true;
}

static bool read_attempt(struct body body, const char *flag, struct rep_line *line)
{
	bool done;

	if (!read_recipient(&body, line))
		return false;
	if (*flag == '=' && flag[1] == '=')
		done = read_deferral(body, line);
	else if (*flag == '*')
		done = read_bounce(body, line);
	else
		done = read_delivery(body, line);
	line->kind = REP_LINE_ATTEMPT;
	return done && !rep_is_loopback(line);
}

/* A delivery's flag, which a blank follows. "*>" is one that was not made (exim -N). */
static bool is_attempt(const char *flag)
{
	static const char flags[] = "=>->>>**==";
	size_t i;

	for (i = 0; i < sizeof(flags) - 1; i += 2)
		if (!memcmp(flags + i, flag, 2))
			return true;
	return false;
}

bool rep_exim_read(const struct rep_entry *entry, struct rep_line *line)
{
	struct body body = { entry->at, entry->end };
	const char *flag;

	line->pid = entry->pid;
	read_pid(&body, line);
	if (!read_queue_id(&body, line))
		return false;
	line->mta = REP_FORMAT_EXIM;
	if (rep_begins(body.at, body.end, "Completed")) {
		line->kind = REP_LINE_REMOVED;
		return true;
	}
	if (rep_begins(body.at, body.end, "H="))
		return read_passed_over(body, line);
	if (body.end - body.at < 4 || body.at[2] != ' ')
		return false;
	flag = body.at;
	body.at += 3;
	if (rep_begins(flag, body.end, "<= ") || rep_begins(flag, body.end, "(= "))
		return read_message_id(body, line);
	return is_attempt(flag) && read_attempt(body, flag, line);
}
