// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/mail_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#define HEADER_LINES 20000u        /* of the whole message */
#define HEADER_BYTES (256u << 10)  /* of one header */
#define BOUNDARY_LINES 10000u      /* lines that begin with -- */
#define LAST_SECOND 253402300799LL /* of the year 9999 */

struct rep_text rep_text_of(const char *text)
{
	return (struct rep_text){ text, text ? strlen(text) : 0 };
}

struct rep_text rep_text_strip(struct rep_text text)
{
	while (text.length && g_ascii_isspace(*text.at)) {
		text.at++;
		text.length--;
	}
	while (text.length && g_ascii_isspace(text.at[text.length - 1]))
		text.length--;
	return text;
}

bool rep_text_starts(struct rep_text text, const char *with)
{
	size_t length;

	/* most do not, and are asked at every place of a long text */
	if (!text.length || g_ascii_tolower(*text.at) != g_ascii_tolower(*with))
		return false;
	length = strlen(with);
	return text.length >= length && !strncasecmp(text.at, with, length);
}

static const char *first_of(const char *at, const char *end, char c)
{
	const char *found = at < end ? memchr(at, c, (size_t)(end - at)) : NULL;

	return found ? found : end;
}

size_t rep_text_find(struct rep_text text, const char *what)
{
	const char *end = text.length ? text.at + text.length : text.at;
	const char *small = first_of(text.at, end, g_ascii_tolower(*what));
	const char *large = first_of(text.at, end, g_ascii_toupper(*what));

	while (small < end || large < end) {
		const char *at = small < large ? small : large;

		if (rep_text_starts((struct rep_text){ at, (size_t)(end - at) }, what))
			return (size_t)(at - text.at);
		if (at == small)
			small = first_of(at + 1, end, *at);
		if (at == large)
			large = first_of(at + 1, end, *at);
	}
	return text.length;
}

bool rep_text_has(struct rep_text text, const char *what)
{
	return rep_text_find(text, what) < text.length;
}

struct rep_text rep_text_from(struct rep_text text, size_t at)
{
	at = at < text.length ? at : text.length;
	return (struct rep_text){ at ? text.at + at : text.at, text.length - at };
}

int rep_mail_error(char *error, size_t size, const char *format, ...)
{
	char line[512];
	va_list list;

	va_start(list, format);
	vsnprintf(line, sizeof(line), format, list);
	va_end(list);
	line[strcspn(line, "\n")] = '\0'; /* a library's texts may have more lines */
	for (char *c = line; *c; c++)
		if (g_ascii_iscntrl(*c) || (*c & 0x80))
			*c = '?';
	snprintf(error, size, "%s", line);
	return -1;
}

/* --- how much of a message is looked at --------------------------------------------------------------------------- */

/*
 * The library keeps an object for every line of a header and compares every boundary of an outer part: a message made
 * for it would take gigabytes. This follows the same lines, and stops where no real message goes on.
 */
struct survey {
	size_t run;         /* bytes of the header at hand */
	unsigned int lines; /* of all headers */
	unsigned int boundaries;
	bool header;          /* in a header, or where one may be */
	bool type;            /* in its Content-Type, before what follows the type itself */
	bool message, digest; /* this header's part is a message; some multipart has nothing but messages */
};

static void begin_header(struct survey *s)
{
	s->header = true;
	s->message = false;
	s->type = false;
	s->run = 0;
}

static void note_type(struct survey *s, struct rep_text line)
{
	const char *end = line.length ? memchr(line.at, ';', line.length) : NULL;

	if (rep_text_starts(line, "Content-Type"))
		s->type = true;
	else if (!g_ascii_isspace(*line.at))
		s->type = false;
	if (!s->type)
		return;
	if (end) {
		line.length = (size_t)(end - line.at);
		s->type = false;
	}
	s->message |= rep_text_has(line, "message");
	s->digest |= rep_text_has(line, "digest");
}

static bool may_go_on(struct survey *s, struct rep_text line)
{
	if (line.length >= 2 && !memcmp(line.at, "--", 2)) {
		begin_header(s);
		return ++s->boundaries <= BOUNDARY_LINES;
	}
	if (!s->header)
		return true;
	if (!line.length || rep_text_is(line, "\r")) {
		if (s->message || s->digest)
			begin_header(s);
		else
			s->header = false;
		return true;
	}
	s->run += line.length + 1;
	if (s->run > HEADER_BYTES || ++s->lines > HEADER_LINES)
		return false;
	note_type(s, line);
	return true;
}

static size_t looked_at(const char *bytes, size_t length)
{
	struct survey s = { .header = true };
	size_t at = 0;

	while (at < length) {
		const char *end = memchr(bytes + at, '\n', length - at);
		size_t next = end ? (size_t)(end - bytes) + 1 : length;
		struct rep_text line = { bytes + at, next - at - (end ? 1 : 0) };

		if (!may_go_on(&s, line))
			return at;
		at = next;
	}
	return length;
}

/* --- parts -------------------------------------------------------------------------------------------------------- */

static const char *type_of(struct rep_mail *mail, GMimeObject *object)
{
	char *type = g_mime_content_type_get_mime_type(g_mime_object_get_content_type(object));
	char *small = g_ascii_strdown(type, -1);
	const char *kept = rep_mail_keep(mail, rep_text_of(small));

	g_free(small);
	g_free(type);
	return kept ? kept : "";
}

static void note_report(struct rep_mail *mail, GMimeObject *object)
{
	const char *report = g_mime_object_get_content_type_parameter(object, "report-type");
	char *small;

	if (!report || *mail->report)
		return;
	small = g_ascii_strdown(report, -1);
	report = rep_mail_keep(mail, rep_text_of(small));
	if (report)
		mail->report = report;
	g_free(small);
}

static void collect(struct rep_mail *mail, GMimeObject *object, unsigned int depth)
{
	if (!object || mail->count == REP_PARTS || depth > REP_PARTS_DEPTH)
		return;
	if (GMIME_IS_MULTIPART(object)) {
		int count = g_mime_multipart_get_count(GMIME_MULTIPART(object));

		note_report(mail, object);
		for (int i = 0; i < count && mail->count < REP_PARTS; i++)
			collect(mail, g_mime_multipart_get_part(GMIME_MULTIPART(object), i), depth + 1);
		return;
	}
	mail->parts[mail->count++] = (struct rep_part){ object, type_of(mail, object) };
}

static struct rep_fields fields_of(GMimeObject *object)
{
	GMimeHeaderList *list = g_mime_object_get_header_list(object);
	struct rep_fields fields = { g_array_new(false, false, sizeof(struct rep_field)) };
	int count = g_mime_header_list_get_count(list);

	for (int i = 0; i < count; i++) {
		GMimeHeader *header = g_mime_header_list_get_header_at(list, i);
		struct rep_field field = { rep_text_of(g_mime_header_get_name(header)),
					   rep_text_of(g_mime_header_get_raw_value(header)), false };

		field.value = rep_text_strip(field.value);
		g_array_append_val(fields.list, field);
	}
	return fields;
}

struct rep_mail *rep_mail_open(const char *bytes, size_t length, const char *expected, char *error, size_t size)
{
	static bool ready;
	struct rep_mail *mail;
	GMimeStream *stream;
	GMimeParser *parser;

	if (length > REP_MAIL_MAX) {
		rep_mail_error(error, size, "expected %s of at most %u bytes, these are %zu", expected, REP_MAIL_MAX,
			       length);
		return NULL;
	}
	if (!ready)
		g_mime_init();
	ready = true;
	mail = g_new0(struct rep_mail, 1);
	mail->texts = g_string_chunk_new(4096);
	mail->buffers = g_ptr_array_new_with_free_func(g_free);
	mail->report = "";
	stream = g_mime_stream_mem_new_with_buffer(bytes, looked_at(bytes, length));
	parser = g_mime_parser_new_with_stream(stream);
	mail->message = g_mime_parser_construct_message(parser, NULL);
	g_object_unref(parser);
	g_object_unref(stream);
	if (!mail->message) /* nothing in it */
		mail->message = g_mime_message_new(false);
	mail->header = fields_of(GMIME_OBJECT(mail->message));
	collect(mail, g_mime_message_get_mime_part(mail->message), 0);
	return mail;
}

void rep_mail_close(struct rep_mail *mail)
{
	rep_fields_free(mail->header);
	g_object_unref(mail->message);
	g_string_chunk_free(mail->texts);
	g_ptr_array_free(mail->buffers, true);
	g_free(mail);
}

/* --- what is in a part -------------------------------------------------------------------------------------------- */

static const char *read_part(struct rep_mail *mail, GMimeDataWrapper *content, const char *charset, size_t limit,
			     size_t *length)
{
	GMimeStream *stream = g_mime_data_wrapper_get_stream(content), *decoded = g_mime_stream_filter_new(stream);
	GMimeFilter *filter = g_mime_filter_basic_new(g_mime_data_wrapper_get_encoding(content), false);
	GByteArray *bytes = g_byte_array_new();
	guint8 block[16384];
	ssize_t got;

	g_mime_stream_reset(stream);
	g_mime_stream_filter_add(GMIME_STREAM_FILTER(decoded), filter);
	g_object_unref(filter);
	filter = charset ? g_mime_filter_charset_new(charset, "UTF-8") : NULL;
	if (filter) {
		g_mime_stream_filter_add(GMIME_STREAM_FILTER(decoded), filter);
		g_object_unref(filter);
	}
	while (bytes->len < limit && (got = g_mime_stream_read(decoded, (char *)block, sizeof(block))) > 0)
		g_byte_array_append(bytes, block, (guint)MIN((size_t)got, limit - bytes->len));
	*length = bytes->len;
	g_byte_array_append(bytes, (const guint8 *)"", 1);
	g_object_unref(decoded);
	g_ptr_array_add(mail->buffers, bytes->data);
	return (const char *)g_byte_array_free(bytes, false);
}

static const char *decoded_part(struct rep_mail *mail, const struct rep_part *part, bool text, size_t limit,
				size_t *length)
{
	GMimeDataWrapper *content =
		GMIME_IS_PART(part->object) ? g_mime_part_get_content(GMIME_PART(part->object)) : NULL;
	const char *charset = text ? g_mime_object_get_content_type_parameter(part->object, "charset") : NULL;

	*length = 0;
	if (!content || !g_mime_data_wrapper_get_stream(content))
		return "";
	if (charset && (!strcasecmp(charset, "utf-8") || !strcasecmp(charset, "us-ascii")))
		charset = NULL;
	return read_part(mail, content, charset, limit, length);
}

const char *rep_part_bytes(struct rep_mail *mail, const struct rep_part *part, size_t limit, size_t *length)
{
	return decoded_part(mail, part, false, limit, length);
}

bool rep_part_is_message(const struct rep_part *part)
{
	return GMIME_IS_MESSAGE_PART(part->object) || !strcmp(part->type, "text/rfc822-headers") ||
	       !strcmp(part->type, "message/rfc822-headers") || !strcmp(part->type, "message/global-headers");
}

/* Tags that end a line. */
static bool breaks_line(const char *tag)
{
	static const char *const names[] = {
		"br",  "p",    "/p", "div", "/div", "tr",  "/tr", "li",  "/li",   "hr",
		"pre", "/pre", "h1", "/h1", "h2",   "/h2", "h3",  "/h3", "table", "/table"
	};

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		size_t length = strlen(names[i]);

		if (!strncasecmp(tag, names[i], length) && !g_ascii_isalnum(tag[length]))
			return true;
	}
	return false;
}

/* The character that an entity stands for; *length: of its name, with & and ;. 0: it is none of those known. */
static char entity(const char *at, size_t *length)
{
	static const struct {
		const char *name;
		char is;
	} known[] = { { "&lt;", '<' },   { "&gt;", '>' },   { "&amp;", '&' }, { "&quot;", '"' },
		      { "&nbsp;", ' ' }, { "&#39;", '\'' }, { "&#64;", '@' }, { "&apos;", '\'' } };

	for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
		*length = strlen(known[i].name);
		if (!strncasecmp(at, known[i].name, *length))
			return known[i].is;
	}
	return 0;
}

static void without_tags(char *text)
{
	char *to = text;
	size_t skip;

	for (const char *at = text; *at; at++) {
		char is = *at == '&' ? entity(at, &skip) : 0;

		if (is) {
			*to++ = is;
			at += skip - 1;
		} else if (*at == '<') {
			const char *end = strchr(at, '>');

			if (breaks_line(at + 1))
				*to++ = '\n';
			if (!end)
				break;
			at = end;
		} else {
			*to++ = *at;
		}
	}
	*to = '\0';
}

const char *rep_part_text(struct rep_mail *mail, const struct rep_part *part)
{
	size_t length;
	const char *bytes = decoded_part(mail, part, true, REP_PART_TEXT, &length);
	char *text;

	if (!length)
		return "";
	text = g_ptr_array_index(mail->buffers, mail->buffers->len - 1);
	for (size_t i = 0; i < length; i++)
		if (!bytes[i])
			text[i] = ' ';
	if (!strcmp(part->type, "text/html"))
		without_tags(text);
	return text;
}

/* --- fields ------------------------------------------------------------------------------------------------------- */

static size_t name_length(struct rep_text line)
{
	size_t i = 0;

	while (i < line.length && (g_ascii_isalnum(line.at[i]) || line.at[i] == '-' || line.at[i] == '_'))
		i++;
	return i && i < line.length && line.at[i] == ':' ? i : 0;
}

struct rep_fields rep_fields_read(const char *text)
{
	struct rep_fields fields = { g_array_new(false, false, sizeof(struct rep_field)) };
	bool apart = false;

	while (*text && fields.list->len < HEADER_LINES) {
		struct rep_text line = { text, strcspn(text, "\n") };
		size_t name = name_length(line);

		if (!rep_text_strip(line).length) {
			apart = true;
		} else if (name) {
			struct rep_field field = { { text, name }, { text + name + 1, line.length - name - 1 }, apart };

			g_array_append_val(fields.list, field);
			apart = false;
		} else if (fields.list->len && !apart) {
			struct rep_field *last = &g_array_index(fields.list, struct rep_field, fields.list->len - 1);

			last->value.length = (size_t)(text + line.length - last->value.at);
		}
		text += line.length + (text[line.length] ? 1 : 0);
	}
	for (guint i = 0; i < fields.list->len; i++) {
		struct rep_field *field = &g_array_index(fields.list, struct rep_field, i);

		field->value = rep_text_strip(field->value);
	}
	return fields;
}

void rep_fields_free(struct rep_fields fields)
{
	g_array_free(fields.list, true);
}

struct rep_text rep_fields_find(struct rep_fields fields, const char *name)
{
	for (guint i = 0; i < fields.list->len; i++) {
		const struct rep_field *field = &g_array_index(fields.list, struct rep_field, i);

		if (field->name.length == strlen(name) && rep_text_starts(field->name, name))
			return field->value;
	}
	return (struct rep_text){ NULL, 0 };
}

struct rep_fields rep_part_header(struct rep_mail *mail, const struct rep_part *part)
{
	GMimeMessage *message;

	if (!GMIME_IS_MESSAGE_PART(part->object))
		return rep_fields_read(rep_part_text(mail, part));
	message = g_mime_message_part_get_message(GMIME_MESSAGE_PART(part->object));
	return message ? fields_of(GMIME_OBJECT(message)) : rep_fields_read("");
}

/* --- texts as they are told --------------------------------------------------------------------------------------- */

/* One character of the text at `at`, as it is told; how many bytes it had there. */
static size_t take(const char *at, size_t left, GString *to)
{
	gunichar c = g_utf8_get_char_validated(at, (gssize)left);
	bool valid = c != (gunichar)-1 && c != (gunichar)-2;

	if (!*at || !valid) {
		g_string_append_c(to, '?');
		return 1;
	}
	if (g_unichar_isspace(c) || c == 0x2028 || c == 0x2029) {
		if (to->len && to->str[to->len - 1] != ' ')
			g_string_append_c(to, ' ');
	} else if (g_unichar_iscntrl(c)) {
		g_string_append_c(to, '?');
	} else {
		g_string_append_unichar(to, c);
	}
	return (size_t)g_utf8_skip[(guchar)*at];
}

const char *rep_mail_keep(struct rep_mail *mail, struct rep_text text)
{
	GString *line = g_string_sized_new(128);
	const char *kept = NULL;

	for (size_t i = 0; i < text.length && line->len <= REP_TOLD_MAX;)
		i += take(text.at + i, text.length - i, line);
	if (line->len > REP_TOLD_MAX) {
		size_t end = REP_TOLD_MAX;

		while ((line->str[end] & 0xc0) == 0x80) /* not within a character */
			end--;
		g_string_truncate(line, end);
	}
	while (line->len && line->str[line->len - 1] == ' ')
		g_string_truncate(line, line->len - 1);
	if (line->len)
		kept = g_string_chunk_insert_len(mail->texts, line->str, (gssize)line->len);
	g_string_free(line, true);
	return kept;
}

struct rep_text rep_typed(struct rep_text value)
{
	size_t i = 0;

	value = rep_text_strip(value);
	while (i < value.length && (g_ascii_isalnum(value.at[i]) || value.at[i] == '-'))
		i++;
	while (i < value.length && value.at[i] == ' ')
		i++;
	if (i < value.length && value.at[i] == ';')
		value = (struct rep_text){ value.at + i + 1, value.length - i - 1 };
	return rep_text_strip(value);
}

const char *rep_mail_address(struct rep_mail *mail, struct rep_text text)
{
	const char *kept, *at;
	char *domain, *small;

	text = rep_text_strip(text);
	if (text.length && *text.at == '<') {
		const char *end = memchr(text.at, '>', text.length);

		text.length = end ? (size_t)(end - text.at) : text.length;
		text.at++;
		text.length--;
	}
	kept = rep_mail_keep(mail, text);
	at = kept ? strrchr(kept, '@') : NULL;
	if (!at)
		return kept;
	domain = g_utf8_strdown(at, -1);
	small = g_strdup_printf("%.*s%s", (int)(at - kept), kept, domain);
	kept = rep_mail_keep(mail, rep_text_of(small));
	g_free(domain);
	g_free(small);
	return kept;
}

const char *rep_mail_mailbox(struct rep_mail *mail, struct rep_text value)
{
	char *text = g_strndup(value.at, MIN(value.length, 2000));
	InternetAddressList *list = text ? internet_address_list_parse(NULL, text) : NULL;
	int count = list ? internet_address_list_length(list) : 0;
	const char *kept = NULL;

	for (int i = 0; i < count && !kept; i++) {
		InternetAddress *address = internet_address_list_get_address(list, i);

		if (INTERNET_ADDRESS_IS_MAILBOX(address))
			kept = rep_mail_address(mail, rep_text_of(internet_address_mailbox_get_addr(
							      INTERNET_ADDRESS_MAILBOX(address))));
	}
	if (list)
		g_object_unref(list);
	g_free(text);
	return kept;
}

const char *rep_mail_host(struct rep_mail *mail, struct rep_text text)
{
	size_t i = 0;
	const char *kept;
	char *small;

	text = rep_text_strip(text);
	while (text.length && !g_ascii_isalnum(*text.at)) {
		text.at++;
		text.length--;
	}
	while (i < text.length && (g_ascii_isalnum(text.at[i]) || strchr("-_.:", text.at[i])))
		i++;
	while (i && !g_ascii_isalnum(text.at[i - 1]))
		i--;
	small = i ? g_ascii_strdown(text.at, (gssize)i) : NULL;
	kept = rep_mail_keep(mail, rep_text_of(small));
	g_free(small);
	return kept;
}

const char *rep_mail_domain(const char *address)
{
	const char *at = address ? strrchr(address, '@') : NULL;

	return at && at[1] ? at + 1 : NULL;
}

const char *rep_mail_id(struct rep_mail *mail, struct rep_text text)
{
	const char *begin = text.length ? memchr(text.at, '<', text.length) : NULL, *end;

	if (!begin)
		return rep_mail_keep(mail, text);
	text.length -= (size_t)(begin + 1 - text.at);
	text.at = begin + 1;
	end = memchr(text.at, '>', text.length);
	if (end)
		text.length = (size_t)(end - text.at);
	return rep_mail_keep(mail, text);
}

s64 rep_mail_date(struct rep_text text)
{
	char line[128];
	GDateTime *date;
	s64 time;

	text = rep_text_strip(text);
	if (!text.length || text.length >= sizeof(line))
		return 0;
	memcpy(line, text.at, text.length);
	line[text.length] = '\0';
	date = g_mime_utils_header_decode_date(line);
	if (!date)
		return 0;
	time = g_date_time_to_unix(date);
	g_date_time_unref(date);
	return time > 0 && time <= LAST_SECOND ? time : 0;
}
