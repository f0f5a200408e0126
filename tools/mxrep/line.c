// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <time.h>

#include "daemon/text.h"
#include "tools/mxrep/line_parts.h"
#include "tools/mxrep/line_time.h"

struct rep_reader {
	enum rep_format format;
	struct rep_clock clock;
	struct rep_clock inner; /* of stamps within a syslog line's message */
	struct rep_journal *journal;
};

static const char *const formats[REP_FORMATS] = {
	[REP_FORMAT_AUTO] = "auto",           [REP_FORMAT_POSTFIX] = "postfix",   [REP_FORMAT_EXIM] = "exim",
	[REP_FORMAT_OPENSMTPD] = "opensmtpd", [REP_FORMAT_SENDMAIL] = "sendmail", [REP_FORMAT_JOURNAL] = "journal",
};

enum rep_format rep_format_find(const char *name)
{
	int format;

	for (format = 0; format < REP_FORMATS; format++)
		if (!strcmp(formats[format], name))
			return (enum rep_format)format;
	return REP_FORMATS;
}

struct rep_reader *rep_reader_new(enum rep_format format, s64 reference)
{
	struct rep_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return NULL;
	tzset(); /* localtime_r() need not */
	reader->format = format;
	rep_clock_set_reference(&reader->clock, reference);
	rep_clock_set_reference(&reader->inner, reference);
	return reader;
}

void rep_reader_free(struct rep_reader *reader)
{
	if (!reader)
		return;
	rep_journal_free(reader->journal);
	free(reader);
}

void rep_reader_set_reference(struct rep_reader *reader, s64 reference)
{
	rep_clock_set_reference(&reader->clock, reference);
	rep_clock_set_reference(&reader->inner, reference);
}

const char *rep_address_end(const char *at, const char *end)
{
	bool quoted = false;

	for (; at < end; at++) {
		if (*at == '"')
			quoted = !quoted;
		else if (*at == '\\' && at + 1 < end)
			at++;
		else if (*at == '>' && !quoted)
			return at;
	}
	return NULL;
}

/* The words are short, and their first letters rare: quicker than memmem(), which prepares itself for each search. */
const char *rep_behind(const char *at, const char *end, const char *word)
{
	size_t length = strlen(word);

	for (at = rep_until(at, end, *word); (size_t)(end - at) >= length; at = rep_until(at + 1, end, *word))
		if (!memcmp(at, word, length))
			return at + length;
	return NULL;
}

bool rep_read_address(struct rep_text text, struct rep_line *line)
{
	char address[MX_ADDR_TEXT];

	if (text.length > 1 && text.at[0] == '[' && text.at[text.length - 1] == ']') {
		text.at++;
		text.length -= 2;
	}
	if (rep_text_begins(text, "IPv6:")) {
		text.at += strlen("IPv6:");
		text.length -= strlen("IPv6:");
	}
	if (!text.length || text.length >= sizeof(address) || memchr(text.at, '\0', text.length))
		return false;
	memcpy(address, text.at, text.length);
	address[text.length] = '\0';
	line->has_address = mx_addr_parse(address, &line->family, &line->address);
	return line->has_address;
}

bool rep_read_queue_id(struct rep_body *body, struct rep_line *line)
{
	const char *at = body->at;

	while (at < body->end && rep_is_alnum(*at))
		at++;
	if (at == body->at || !rep_begins(at, body->end, ": "))
		return false;
	line->queue_id = rep_between(body->at, at);
	body->at = at + 2;
	return !rep_text_is(line->queue_id, "NOQUEUE");
}

bool rep_is_loopback(const struct rep_line *line)
{
	if (!line->has_address)
		return false;
	if (line->family == MX_IPV4)
		return line->address.lo >> 24 == 127;
	return !line->address.hi && line->address.lo == 1;
}

u32 rep_read_number(struct rep_text text)
{
	u64 number = 0;
	size_t i;

	for (i = 0; i < text.length; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return 0;
		number = number * 10 + (u32)(text.at[i] - '0');
		if (number > UINT32_MAX)
			return 0;
	}
	return (u32)number;
}

u32 rep_read_seconds(struct rep_text text)
{
	const char *end = text.at + text.length, *point = rep_until(text.at, end, '.'), *at;
	u64 ms = (u64)rep_read_number(rep_between(text.at, point)) * 1000;
	u32 unit = 100;

	for (at = point; ++at < end && unit && *at >= '0' && *at <= '9'; unit /= 10)
		ms += (u32)(*at - '0') * unit;
	return ms < UINT32_MAX ? (u32)ms : UINT32_MAX;
}

bool rep_is_code(const char *at, const char *end)
{
	if (end - at < 3 || *at < '2' || *at > '5' || at[1] < '0' || at[1] > '9' || at[2] < '0' || at[2] > '9')
		return false;
	return end - at == 3 || at[3] == ' ' || at[3] == '-';
}

/* " host tag[pid]: message" */
static bool read_entry(const char *at, const char *end, struct rep_entry *entry)
{
	const char *tag = rep_until(at + 1, end, ' '), *close;

	if (tag == end)
		return false;
	for (at = ++tag; at < end && *at != '[' && *at != ':' && *at != ' ';)
		at++;
	entry->tag = rep_between(tag, at);
	entry->pid = 0;
	if (at < end && *at == '[') {
		close = rep_until(at, end, ']');
		entry->pid = rep_read_number(rep_between(at + 1, close));
		at = close < end ? close + 1 : end;
	}
	if (!rep_begins(at, end, ": "))
		return false;
	entry->at = at + 2;
	entry->end = end;
	return true;
}

/* Whose tag this is, when nobody has said so: Postfix's have a '/'. */
static enum rep_format format_of(struct rep_text tag)
{
	if (memchr(tag.at, '/', tag.length))
		return REP_FORMAT_POSTFIX;
	if (rep_text_is(tag, "smtpd"))
		return REP_FORMAT_OPENSMTPD;
	if (rep_text_is(tag, "sendmail") || rep_text_begins(tag, "sm-"))
		return REP_FORMAT_SENDMAIL;
	return rep_text_begins(tag, "exim") ? REP_FORMAT_EXIM : REP_FORMAT_AUTO;
}

static bool read_exim(struct rep_reader *reader, struct rep_entry entry, struct rep_line *line)
{
	size_t used;
	s64 time;

	/* in syslog the stamp is there once more, or not (syslog_timestamp) */
	if (rep_stamp_read(&reader->inner, entry.at, entry.end, &time, &used) == REP_STAMP_EXIM) {
		entry.at += used + 1;
		line->time = time;
	}
	return rep_exim_read(&entry, line);
}

static bool read_message(struct rep_reader *reader, const struct rep_entry *entry, struct rep_line *line)
{
	enum rep_format format = reader->format;

	if (format == REP_FORMAT_AUTO || format == REP_FORMAT_JOURNAL)
		format = format_of(entry->tag);
	switch (format) {
	case REP_FORMAT_POSTFIX:
		return rep_postfix_read(entry, line);
	case REP_FORMAT_EXIM:
		return read_exim(reader, *entry, line);
	case REP_FORMAT_OPENSMTPD:
		return rep_opensmtpd_read(entry, line);
	case REP_FORMAT_SENDMAIL:
		return rep_sendmail_read(entry, line);
	default:
		return false;
	}
}

static bool read_stamped(struct rep_reader *reader, const char *text, const char *end, struct rep_line *line)
{
	struct rep_entry entry = { .at = text, .end = end };
	size_t used;

	switch (rep_stamp_read(&reader->clock, text, end, &line->time, &used)) {
	case REP_STAMP_SYSLOG:
		return read_entry(text + used, end, &entry) && read_message(reader, &entry, line);
	case REP_STAMP_EXIM:
		if (reader->format != REP_FORMAT_AUTO && reader->format != REP_FORMAT_EXIM)
			return false;
		entry.at += used + 1;
		return rep_exim_read(&entry, line);
	default:
		return false;
	}
}

void rep_reader_line(struct rep_reader *reader, const char *text, size_t length, struct rep_line *line)
{
	struct rep_entry entry;
	bool understood;

	if (length > REP_LINE_MAX)
		length = REP_LINE_MAX;
	*line = (struct rep_line){ .kind = REP_LINE_OTHER };
	if (reader->format == REP_FORMAT_JOURNAL || (reader->format == REP_FORMAT_AUTO && length && *text == '{'))
		understood = rep_journal_read(&reader->journal, text, length, &entry, &line->time) &&
			     read_message(reader, &entry, line);
	else
		understood = read_stamped(reader, text, text + length, line);
	if (understood && line->kind == REP_LINE_ATTEMPT && !line->port)
		line->port = 25;
	if (!understood)
		*line = (struct rep_line){ .kind = REP_LINE_OTHER, .time = line->time };
}
