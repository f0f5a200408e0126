// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/bounce_forms.h"

#include <strings.h>

#define SAID_MAX 4000u /* bytes of what is said about one recipient */

/* --- replies ------------------------------------------------------------------------------------------------------ */

struct rep_text rep_bounce_status(struct rep_text text)
{
	static const struct rep_text none = { NULL, 0 };
	size_t i = 0, dots = 0, digits = 0;

	for (; i < text.length; i++) {
		bool more = i + 1 < text.length && g_ascii_isdigit(text.at[i + 1]);

		if (text.at[i] == '.' && digits && more && dots < 2) {
			dots++;
			digits = 0;
		} else if (g_ascii_isdigit(text.at[i]) && digits < 3) {
			digits++;
		} else if (g_ascii_isalnum(text.at[i]) || (text.at[i] == '.' && more)) {
			return none; /* a version, a part of an address */
		} else {
			break;
		}
	}
	if (dots != 2 || text.at[1] != '.' || !memchr("245", *text.at, 3))
		return none;
	return (struct rep_text){ text.at, i };
}

/* The enhanced status behind an SMTP code: "550 5.1.1", "550-5.1.1", "550 #5.1.1", "550 (5.1.1)". */
static struct rep_text status_behind(struct rep_text reply)
{
	size_t i = 3;

	while (i < reply.length && i < 6 && strchr(" -#(:", reply.at[i]))
		i++;
	return rep_bounce_status(rep_text_from(reply, i));
}

/* Words that stand before a reply. */
static bool introduced(struct rep_text text, size_t at)
{
	static const char *const words[] = {
		"said", "returned", "error", "code", "response", "reply", "replied", "with"
	};
	size_t end = at, begin;

	while (end && text.at[end - 1] == ' ')
		end--;
	begin = end;
	while (begin && g_ascii_isalpha(text.at[begin - 1]))
		begin--;
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (end - begin == strlen(words[i]) && rep_text_starts(rep_text_from(text, begin), words[i]))
			return true;
	return false;
}

static bool is_code(struct rep_text text, size_t at)
{
	const char *c = text.at + at;
	size_t left = text.length - at, before = at;

	if (left < 3 || (*c != '4' && *c != '5') || !g_ascii_isdigit(c[1]) || !g_ascii_isdigit(c[2]))
		return false;
	if (left > 3 && !strchr(" -:#", c[3]))
		return false;
	if (!at)
		return true;
	if (!strchr(" :;(<#\"'[{>|=", c[-1]) || (c[-1] == ':' && at > 1 && g_ascii_isdigit(c[-2])))
		return false;
	if (status_behind(rep_text_from(text, at)).length)
		return true;
	while (before && text.at[before - 1] == ' ')
		before--;
	return !before || strchr(":;(<#\"'[{>|=", text.at[before - 1]) || introduced(text, at);
}

static size_t find_code(struct rep_text text)
{
	for (size_t at = 0; at < text.length; at++)
		if (is_code(text, at))
			return at;
	return text.length;
}

static void cut_end(struct rep_text *text, const char *end)
{
	size_t length = strlen(end);

	if (text->length >= length && !strncasecmp(text->at + text->length - length, end, length))
		text->length -= length;
	*text = rep_text_strip(*text);
}

/* Takes away what a mail system has put around the reply that it repeats. */
static struct rep_text unwrapped(struct rep_text text, size_t at)
{
	char around = at ? text.at[at - 1] : '\0';
	struct rep_text reply = rep_text_from(text, at);

	reply.length = rep_text_find(reply, "Giving up on ");
	reply.length = rep_text_find(reply, "(in reply to ");
	reply = rep_text_strip(reply);
	if (around == '\'' || around == '"') {
		const char *end = memrchr(reply.at, around, reply.length);

		reply.length = end ? (size_t)(end - reply.at) : reply.length;
	} else if (around == '#' || rep_text_has((struct rep_text){ text.at, at }, "#")) {
		cut_end(&reply, "##");
		cut_end(&reply, "#SMTP#");
		cut_end(&reply, ">");
		cut_end(&reply, "#");
	}
	if (around == '(' || rep_text_starts(text, "(reason:"))
		cut_end(&reply, ")");
	return rep_text_strip(reply);
}

static bool is_host(const char *host)
{
	return host && (strchr(host, '.') || strchr(host, ':'));
}

/* The host that answered, from the words around: they differ from one mail system to the other. */
static const char *find_remote(struct rep_mail *mail, struct rep_text said)
{
	static const char *const before[] = { "host ", "talking to ", "Connected to ", "by server ", " by " };
	size_t at = rep_text_find(said, " does not like recipient");
	const char *host;

	if (at < said.length) {
		size_t begin = at;

		while (begin && said.at[begin - 1] != ' ')
			begin--;
		host = rep_mail_host(mail, (struct rep_text){ said.at + begin, at - begin });
		if (is_host(host))
			return host;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(before); i++) {
		for (at = 0; at < said.length; at++) {
			if (!rep_text_starts(rep_text_from(said, at), before[i]))
				continue;
			host = rep_mail_host(mail, rep_text_from(said, at + strlen(before[i])));
			if (is_host(host) && (!at || before[i][0] == ' ' || !g_ascii_isalnum(said.at[at - 1])))
				return host;
		}
	}
	/* Exchange: "mx.example.com #550 ..." and "mx.example.com Remote Server returned ..." */
	host = rep_mail_host(mail, said);
	at = host ? strlen(host) : 0;
	if (is_host(host) &&
	    (rep_text_starts(rep_text_from(said, at), " #") || rep_text_starts(rep_text_from(said, at + 1), " #") ||
	     rep_text_starts(rep_text_from(said, at), " Remote Server returned")))
		return host;
	return NULL;
}

/* "(#5.1.1)", "#5.1.1": a status without a code. */
static struct rep_text bare_status(struct rep_text said)
{
	struct rep_text status = { NULL, 0 };

	for (size_t at = 0; at < said.length && !status.length; at++)
		if (said.at[at] == '#')
			status = rep_bounce_status(rep_text_from(said, at + 1));
	return status;
}

void rep_bounce_reply(struct rep_mail *mail, struct rep_text said, struct rep_bounce *bounce)
{
	struct rep_text status, reply;
	size_t at;

	said = rep_text_strip(said);
	said.length = MIN(said.length, SAID_MAX);
	at = find_code(said);
	if (at < said.length) {
		reply = unwrapped(said, at);
		status = status_behind(reply);
	} else {
		reply = said;
		status = bare_status(said);
	}
	if (!bounce->remote)
		bounce->remote = find_remote(mail, said);
	if (!bounce->reply)
		bounce->reply = rep_mail_keep(mail, reply);
	if (!bounce->status && status.length)
		bounce->status = rep_mail_keep(mail, status);
}

/* --- who wrote it ------------------------------------------------------------------------------------------------- */

static struct rep_text header(const struct rep_mail *mail, const char *name)
{
	return rep_fields_find(mail->header, name);
}

static bool is_daemon(struct rep_mail *mail)
{
	static const char *const names[] = { "mailer-daemon", "postmaster@", "mail delivery s",
					     "maildelivery",  "mdaemon@",    "microsoftexchange" };
	struct rep_text sender = header(mail, "From");

	if (header(mail, "X-Failed-Recipients").at)
		return true;
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (rep_text_has(sender, names[i]))
			return true;
	return false;
}

static bool is_vacation(struct rep_mail *mail)
{
	static const char *const marks[] = { "X-Autoreply",      "X-Autorespond",      "X-Autoreply-From",
					     "X-Mail-Autoreply", "X-Vacation",         "X-AskVersion",
					     "X-TMDA-Confirm",   "X-BoxTrapper-Queue", "X-Challenge" };
	static const char *const subjects[] = { "out of office",
						"out of the office",
						"automatic reply",
						"auto-reply",
						"autoreply",
						"auto reply",
						"vacation",
						"away from",
						"abwesenheit",
						"automatische antwort",
						"automatische abwesenheit" };
	static const char *const challenges[] = { "please confirm", "confirm your", "verify your",
						  "message is waiting for" };
	struct rep_text subject = rep_text_strip(header(mail, "Subject"));
	bool automatic = rep_text_starts(header(mail, "Auto-Submitted"), "auto-replied");

	for (size_t i = 0; i < G_N_ELEMENTS(marks); i++)
		if (header(mail, marks[i]).at)
			return true;
	if (rep_text_starts(header(mail, "Precedence"), "auto_reply") ||
	    rep_text_has(header(mail, "Auto-Submitted"), "vacation") ||
	    rep_text_has(header(mail, "X-Delivery-Agent"), "TMDA"))
		return true;
	for (size_t i = 0; i < G_N_ELEMENTS(subjects); i++)
		if (rep_text_starts(subject, subjects[i]))
			return true;
	for (size_t i = 0; automatic && i < G_N_ELEMENTS(challenges); i++)
		if (rep_text_has(subject, challenges[i]))
			return true;
	return false;
}

enum rep_letter rep_bounce_letter(struct rep_mail *mail)
{
	struct rep_text path = rep_text_strip(header(mail, "Return-Path"));
	struct rep_text automatic = header(mail, "Auto-Submitted");

	if (is_vacation(mail) || !strcmp(mail->report, "disposition-notification"))
		return REP_LETTER_VACATION;
	if (is_daemon(mail))
		return REP_LETTER_DAEMON;
	if (rep_text_is(path, "<>") || rep_text_starts(automatic, "auto-"))
		return REP_LETTER_AUTOMATIC;
	return REP_LETTER_OTHER;
}

/* --- the words ---------------------------------------------------------------------------------------------------- */

/* The words for people: the first plain text, else the first HTML. */
static const char *words(struct rep_mail *mail)
{
	static const char *const types[] = { "text/plain", "text/html" };

	for (size_t t = 0; t < G_N_ELEMENTS(types); t++)
		for (unsigned int i = 0; i < mail->count; i++)
			if (!strcmp(mail->parts[i].type, types[t]))
				return rep_part_text(mail, &mail->parts[i]);
	return "";
}

static bool begins_copy(struct rep_text line)
{
	static const char *const marks[] = { "below this line is a copy of", "this is a copy of",
					     "original message headers:",    "original message follows",
					     "--- original message",         "message header follows",
					     "the body of the message is",   "returned message below",
					     "message headers follow" };

	if (line.length > 200)
		return false;
	for (size_t i = 0; i < G_N_ELEMENTS(marks); i++)
		if (rep_text_has(line, marks[i]))
			return true;
	return false;
}

/* The next line of *text, without its end; false at the end of all. */
static bool next_line(const char **text, struct rep_text *line)
{
	size_t length = strcspn(*text, "\n");

	if (!**text)
		return false;
	*line = (struct rep_text){ *text, length };
	*text += length + ((*text)[length] ? 1 : 0);
	if (line->length && line->at[line->length - 1] == '\r')
		line->length--;
	return true;
}

const char *rep_bounce_copied_id(struct rep_mail *mail)
{
	const char *text = words(mail);
	struct rep_text line;
	bool copy = false;

	while (next_line(&text, &line)) {
		copy |= begins_copy(line);
		line = rep_text_strip(line);
		if (copy && rep_text_starts(line, "Message-ID:"))
			return rep_mail_id(mail, rep_text_from(line, strlen("Message-ID:")));
	}
	return NULL;
}

enum rep_outcome rep_bounce_outcome(struct rep_mail *mail)
{
	static const char *const late[] = { "not yet been delivered",
					    "will be retried",
					    "will continue to",
					    "message delayed",
					    "delivery delayed",
					    "will keep trying",
					    "still trying",
					    "do not need to resend",
					    "delay)",
					    "delivery incomplete",
					    "will retry" };
	const char *text = words(mail);
	struct rep_text subject = header(mail, "Subject"), line;
	unsigned int lines = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(late); i++)
		if (rep_text_has(subject, late[i]))
			return REP_DEFERRED;
	while (lines++ < 40 && next_line(&text, &line) && !begins_copy(line))
		for (size_t i = 0; i < G_N_ELEMENTS(late); i++)
			if (rep_text_has(line, late[i]))
				return REP_DEFERRED;
	return REP_BOUNCED;
}

/* --- whom they name ----------------------------------------------------------------------------------------------- */

static bool in_address(char c)
{
	return g_ascii_isalnum(c) || (c & 0x80) || (c && strchr(".!#$%&'*+-/=?^_`{|}~", c));
}

static bool in_domain(char c)
{
	return g_ascii_isalnum(c) || (c & 0x80) || c == '.' || c == '-';
}

/* The address around the next @ from *at on, which moves behind it. An empty text: there is none. */
static struct rep_text next_address(struct rep_text text, size_t *at)
{
	const char *sign;

	while (*at < text.length && (sign = memchr(text.at + *at, '@', text.length - *at))) {
		size_t begin = (size_t)(sign - text.at), end = begin + 1, floor = *at;

		while (begin > floor && in_address(text.at[begin - 1]))
			begin--;
		while (end < text.length && in_domain(text.at[end]))
			end++;
		*at = end;
		while (text.at[end - 1] == '.' || text.at[end - 1] == '-')
			end--;
		if (text.at + begin < sign && text.at + end > sign + 1)
			return (struct rep_text){ text.at + begin, end - begin };
	}
	return (struct rep_text){ NULL, 0 };
}

/* Whether the line is an address and nothing else: "user@example.com", "<user@example.com>:". */
static struct rep_text only_address(struct rep_text line)
{
	size_t at = 0;
	struct rep_text address;

	line = rep_text_strip(line);
	cut_end(&line, ":");
	if (line.length > 2 && *line.at == '<' && line.at[line.length - 1] == '>') {
		line = (struct rep_text){ line.at + 1, line.length - 2 };
	}
	address = line.length < 400 ? next_address(line, &at) : (struct rep_text){ NULL, 0 };
	return address.length == line.length ? address : (struct rep_text){ NULL, 0 };
}

/* The address of a line "<user@example.com>: what" or "<user@example.com>"; *rest is what stands behind. */
static struct rep_text leading_address(struct rep_text line, struct rep_text *rest)
{
	const char *end = line.length ? memchr(line.at, '>', MIN(line.length, 400)) : NULL;
	struct rep_text address;

	if (!end || *line.at != '<')
		return (struct rep_text){ NULL, 0 };
	address = (struct rep_text){ line.at + 1, (size_t)(end - line.at) - 1 };
	*rest = rep_text_from(line, address.length + 2);
	if (!memchr(address.at, '@', address.length))
		return (struct rep_text){ NULL, 0 };
	if (rep_text_starts(*rest, ":"))
		*rest = rep_text_from(*rest, 1);
	else if (rep_text_strip(*rest).length)
		return (struct rep_text){ NULL, 0 };
	return address;
}

struct reading {
	struct rep_mail *mail;
	GArray *found;
	GString *said;         /* about the recipient at hand, or the paragraph */
	const char *recipient; /* at hand; NULL: none */
	const char *original;
	const char *reporter;
	const char *own, *daemon; /* of the bounce itself: To and From */
	size_t indent;            /* of its line */
	bool strict;
	bool lasting;  /* a blank line does not end what is said */
	bool exim;     /* its form: addresses stand indented, what is said of them more so */
	bool exchange; /* its list for administrators: addresses on lines of their own */
};

static bool is_known(GArray *found, const char *recipient)
{
	for (guint i = 0; i < found->len; i++)
		if (!strcmp(g_array_index(found, struct rep_bounce, i).recipient, recipient))
			return true;
	return false;
}

static void add(struct reading *r, const char *recipient, struct rep_text said)
{
	struct rep_bounce bounce = { .outcome = REP_BOUNCED, .recipient = recipient, .original = r->original };
	bool evident;

	if (!recipient || r->found->len == REP_MAIL_RECIPIENTS || is_known(r->found, recipient))
		return;
	rep_bounce_reply(r->mail, said, &bounce);
	evident = bounce.reply && find_code(rep_text_of(bounce.reply)) == 0 && bounce.status;
	if (bounce.original && !strcmp(bounce.original, recipient))
		bounce.original = NULL;
	if (!r->strict || evident)
		g_array_append_val(r->found, bounce);
}

/* Any paragraph that has an address and a reply. */
static void add_paragraph(struct reading *r)
{
	struct rep_text said = { r->said->str, r->said->len };
	size_t at = 0;

	if (find_code(said) == said.length && !bare_status(said).length)
		return;
	for (unsigned int tries = 0; tries < 8; tries++) {
		struct rep_text address = next_address(said, &at);
		const char *kept = address.length ? rep_mail_address(r->mail, address) : NULL;

		if (!kept)
			return;
		if (g_strcmp0(kept, r->own) && g_strcmp0(kept, r->daemon) && !rep_text_starts(address, "postmaster@")) {
			add(r, kept, said);
			return;
		}
	}
}

static void finish(struct reading *r)
{
	if (r->recipient)
		add(r, r->recipient, (struct rep_text){ r->said->str, r->said->len });
	else if (r->said->len)
		add_paragraph(r);
	g_string_truncate(r->said, 0);
	r->recipient = NULL;
	r->original = NULL;
	r->lasting = false;
}

static void begin(struct reading *r, struct rep_text address, size_t indent, bool lasting)
{
	finish(r);
	r->recipient = rep_mail_address(r->mail, address);
	r->indent = indent;
	r->lasting = lasting;
}

/* "(generated from alias@example.com)", "(expanded from: <alias@example.com>)": what the sender had written. */
static bool is_origin(struct reading *r, struct rep_text line)
{
	static const char *const marks[] = { "(generated from ", "(ultimately generated from ", "(expanded from: " };

	for (size_t i = 0; r->recipient && i < G_N_ELEMENTS(marks); i++) {
		if (rep_text_starts(line, marks[i])) {
			line = rep_text_from(line, strlen(marks[i]));
			cut_end(&line, ")");
			r->original = rep_mail_address(r->mail, line);
			return true;
		}
	}
	return false;
}

static void say(struct reading *r, struct rep_text line)
{
	line = rep_text_strip(line);
	if (!line.length || is_origin(r, line))
		return;
	if (r->said->len)
		g_string_append_c(r->said, ' ');
	if (r->said->len < SAID_MAX)
		g_string_append_len(r->said, line.at, (gssize)MIN(line.length, SAID_MAX));
}

static void note_form(struct reading *r, struct rep_text line)
{
	size_t at;

	if (line.length > 500)
		return;
	if (rep_text_has(line, "created automatically by mail delivery software"))
		r->exim = true;
	if (rep_text_starts(line, "Diagnostic information for administrators:"))
		r->exchange = true;
	if (rep_text_starts(line, "Generating server:"))
		r->reporter = rep_mail_host(r->mail, rep_text_from(line, strlen("Generating server:")));
	at = rep_text_find(line, "qmail-send program at ");
	if (at < line.length)
		r->reporter = rep_mail_host(r->mail, rep_text_from(line, at + strlen("qmail-send program at ")));
}

static bool is_heading(struct rep_text line)
{
	return rep_text_starts(line, "Diagnostic information for administrators:") ||
	       rep_text_starts(line, "Generating server:") || rep_text_starts(line, "-----");
}

static void read_line(struct reading *r, struct rep_text raw)
{
	struct rep_text line = rep_text_strip(raw), rest, address;
	size_t indent = line.length ? (size_t)(line.at - raw.at) : 0;

	if (!line.length) {
		if (!r->lasting)
			finish(r);
		return;
	}
	note_form(r, line);
	if (is_heading(line)) {
		finish(r);
		return;
	}
	address = leading_address(line, &rest);
	if (address.length && (!r->recipient || !indent || indent <= r->indent)) {
		begin(r, address, indent, false);
		say(r, rest);
		return;
	}
	address = only_address(line);
	if (address.length && ((r->exim && indent && indent < 4) || (r->exchange && (!r->recipient || r->lasting)))) {
		begin(r, address, indent, true);
		return;
	}
	if (r->lasting && r->exim && indent <= r->indent)
		finish(r);
	say(r, line);
}

/* The first reply in the words, to the end of its paragraph, with what stands before it. */
static struct rep_text first_reply(const char *text)
{
	const char *next = text;
	struct rep_text line;

	while (next_line(&next, &line) && !begins_copy(line)) {
		const char *begin = line.at - MIN(line.at - text, SAID_MAX / 2), *end = line.at;

		line = rep_text_strip(line);
		line.length = MIN(line.length, SAID_MAX);
		if (find_code(line) == line.length)
			continue;
		while (*end && strncmp(end, "\n\n", 2) != 0 && strncmp(end, "\n\r\n", 3) != 0)
			end++;
		return (struct rep_text){ begin, (size_t)(end - begin) };
	}
	return (struct rep_text){ NULL, 0 };
}

/* Gmail and Exim name those who failed in a header. Where it is one, the first reply of all is meant. */
static void add_failed(struct reading *r)
{
	struct rep_text failed = header(r->mail, "X-Failed-Recipients"), said = { NULL, 0 }, address;
	size_t at = 0;

	if (failed.length && !memchr(failed.at, ',', failed.length))
		said = first_reply(words(r->mail));
	while ((address = next_address(failed, &at)).length)
		add(r, rep_mail_address(r->mail, address), said);
}

GArray *rep_bounce_forms(struct rep_mail *mail, bool strict)
{
	struct reading r = { .mail = mail, .strict = strict };
	enum rep_outcome outcome = rep_bounce_outcome(mail);
	const char *text = words(mail);
	struct rep_text line;

	r.own = rep_mail_mailbox(mail, header(mail, "To"));
	r.daemon = rep_mail_mailbox(mail, header(mail, "From"));
	r.found = g_array_new(false, true, sizeof(struct rep_bounce));
	r.said = g_string_new("");
	while (r.found->len < REP_MAIL_RECIPIENTS && next_line(&text, &line) && !begins_copy(line))
		read_line(&r, line);
	finish(&r);
	add_failed(&r);
	g_string_free(r.said, true);
	for (guint i = 0; i < r.found->len; i++) {
		struct rep_bounce *bounce = &g_array_index(r.found, struct rep_bounce, i);

		bounce->outcome = outcome;
		bounce->reporter = r.reporter ? r.reporter : rep_mail_domain(r.daemon);
	}
	return r.found;
}
