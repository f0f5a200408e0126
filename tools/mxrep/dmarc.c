// SPDX-License-Identifier: GPL-2.0-or-later
/* DMARC aggregate reports: found in a mail, unpacked and read as they come, never more than a piece of it in memory. */
#include "tools/mxrep/mail_parts.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <libxml/parser.h>
#include <strings.h>

#include "daemon/text.h"

#define XML_MAX (64ull << 20)   /* bytes of a report, unpacked */
#define RATIO_MAX 200           /* unpacked to packed; reports come to 40 at most */
#define RATIO_FREE (1ull << 20) /* bytes that may be unpacked at any ratio */
#define MEMBERS_MAX 100         /* of a zip that are looked at */
#define IDLE_MAX (1u << 20)     /* bytes of gzip that may unpack to nothing */
#define DEPTH_MAX 16
#define TAG_MAX 2048  /* bytes: the library compares every attribute of a tag with every other */
#define VALUES_MAX 20 /* signatures of a row that are compared */
#define LAST_SECOND 253402300799LL
#define PIECE 65536

/* Texts that are told; where each comes from is in places[]. */
enum value {
	ORG_NAME,
	REPORT_ID,
	BEGIN,
	END,
	DOMAIN,
	POLICY,
	SOURCE_IP, /* from here on, of one record */
	COUNT,
	DISPOSITION,
	DKIM_ALIGNED,
	SPF_ALIGNED,
	HEADER_FROM,
	SPF_DOMAIN,
	SPF_RESULT,
	DKIM_DOMAIN, /* from here on, of one signature */
	DKIM_SELECTOR,
	DKIM_RESULT,
	VALUES,
	NOTHING = VALUES,
};

/* An element at its place. Namespaces say nothing: reports carry different ones, and most of them none. */
static const struct place {
	const char *path;
	enum value value;
} places[] = {
	{ "/feedback/report_metadata/org_name", ORG_NAME },
	{ "/feedback/report_metadata/report_id", REPORT_ID },
	{ "/feedback/report_metadata/date_range/begin", BEGIN },
	{ "/feedback/report_metadata/date_range/end", END },
	{ "/feedback/policy_published/domain", DOMAIN },
	{ "/feedback/policy_published/p", POLICY },
	{ "/feedback/record/row/source_ip", SOURCE_IP },
	{ "/feedback/record/row/count", COUNT },
	{ "/feedback/record/row/policy_evaluated/disposition", DISPOSITION },
	{ "/feedback/record/row/policy_evaluated/dkim", DKIM_ALIGNED },
	{ "/feedback/record/row/policy_evaluated/spf", SPF_ALIGNED },
	{ "/feedback/record/identifiers/header_from", HEADER_FROM },
	{ "/feedback/record/auth_results/spf/domain", SPF_DOMAIN },
	{ "/feedback/record/auth_results/spf/result", SPF_RESULT },
	{ "/feedback/record/auth_results/dkim/domain", DKIM_DOMAIN },
	{ "/feedback/record/auth_results/dkim/selector", DKIM_SELECTOR },
	{ "/feedback/record/auth_results/dkim/result", DKIM_RESULT },
};

/* Follows the tags through the bytes, so that a long one is refused before the library reads it. */
struct tags {
	enum { TEXT, TAG, QUOTED, COMMENT, SECTION, INSTRUCTION } in;
	char quote;
	size_t length;
	char last[9]; /* the bytes before, the newest at the end */
};

struct reading {
	xmlParserCtxt *parser;
	struct tags tags;
	GString *path;
	unsigned int depth;
	enum value at; /* whose text is being read */
	GString *text;
	GString *values[VALUES];
	bool has[VALUES];
	GString *signatures[VALUES_MAX][3]; /* domain, selector, result */
	unsigned int signature_count;
	bool has_metadata, ended; /* ended: told said so */
	u64 read;                 /* bytes of XML */
	int count;
	rep_dmarc_told *told;
	void *context;
	char *error;
	size_t size;
	bool failed;
};

/* --- what is wrong ------------------------------------------------------------------------------------------------ */

static void fail(struct reading *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fail(struct reading *r, const char *format, ...)
{
	char what[400];
	va_list list;

	if (r->failed || r->ended)
		return;
	va_start(list, format);
	vsnprintf(what, sizeof(what), format, list);
	va_end(list);
	r->failed = true;
	if (r->read)
		rep_mail_error(r->error, r->size, "line %d: %s", xmlSAX2GetLineNumber(r->parser), what);
	else
		rep_mail_error(r->error, r->size, "%s", what);
	xmlStopParser(r->parser);
}

/* --- a record ----------------------------------------------------------------------------------------------------- */

static const char *value(const struct reading *r, enum value which)
{
	return r->has[which] && r->values[which]->len ? r->values[which]->str : NULL;
}

static bool read_number(struct reading *r, enum value which, const char *name, u64 most, u64 *number)
{
	const char *text = value(r, which), *digit = text;

	for (*number = 0; digit && g_ascii_isdigit(*digit) && *number <= most; digit++)
		*number = *number * 10 + (u64)(*digit - '0');
	if (digit && digit != text && !*digit && *number <= most)
		return true;
	fail(r, "expected a number from 0 to %llu as %s, not \"%.40s\"", (unsigned long long)most, name,
	     text ? text : "");
	return false;
}

static bool read_source(struct reading *r, struct rep_dmarc_row *row)
{
	const char *text = value(r, SOURCE_IP), *mapped = "::ffff:";
	const char *address =
		text && !strncasecmp(text, mapped, strlen(mapped)) && strchr(text, '.') ? text + strlen(mapped) : text;

	if (address && mx_addr_parse(address, &row->family, &row->source))
		return true;
	fail(r, "expected an address as source_ip, not \"%.60s\"", text ? text : "");
	return false;
}

/* Whether one name is the other or lies below it: what relaxed alignment comes to without a list of suffixes. */
static bool is_related(const char *a, const char *b)
{
	size_t long_one = strlen(a), short_one = strlen(b);

	if (long_one < short_one)
		return is_related(b, a);
	a += long_one - short_one;
	return short_one && !strcasecmp(a, b) && (long_one == short_one || a[-1] == '.');
}

/* The signature that counted: one that passed for the From's domain, else one for it, else the first. */
static unsigned int best_signature(const struct reading *r, const char *header_from)
{
	unsigned int best = 0, best_rank = 0;

	for (unsigned int i = 0; i < r->signature_count; i++) {
		bool related = header_from && is_related(r->signatures[i][0]->str, header_from);
		unsigned int rank = !related ? 0 : !strcasecmp(r->signatures[i][2]->str, "pass") ? 2 : 1;

		if (rank > best_rank) {
			best = i;
			best_rank = rank;
		}
	}
	return best;
}

static const char *filled(const GString *text)
{
	return text->len ? text->str : NULL;
}

static bool is_pass(const char *text)
{
	return text && !strcasecmp(text, "pass");
}

static void end_record(struct reading *r)
{
	struct rep_dmarc_row row = {
		.reporter = value(r, ORG_NAME),
		.report_id = value(r, REPORT_ID),
		.domain = value(r, DOMAIN),
		.policy = value(r, POLICY),
		.header_from = value(r, HEADER_FROM),
		.disposition = value(r, DISPOSITION),
		.dkim_aligned = is_pass(value(r, DKIM_ALIGNED)),
		.spf_aligned = is_pass(value(r, SPF_ALIGNED)),
		.spf_result = value(r, SPF_RESULT),
		.spf_domain = value(r, SPF_DOMAIN),
	};
	u64 begin, end, count;

	if (!r->has_metadata) {
		fail(r, "expected report_metadata before the first record");
		return;
	}
	if (!read_number(r, BEGIN, "begin", LAST_SECOND, &begin) || !read_number(r, END, "end", LAST_SECOND, &end) ||
	    !read_number(r, COUNT, "count", G_MAXUINT, &count) || !read_source(r, &row))
		return;
	row.begin = (s64)begin;
	row.end = (s64)end;
	row.count = (unsigned int)count;
	if (r->signature_count) {
		unsigned int best = best_signature(r, row.header_from);

		row.dkim_domain = filled(r->signatures[best][0]);
		row.dkim_selector = filled(r->signatures[best][1]);
		row.dkim_result = filled(r->signatures[best][2]);
	}
	r->count++;
	if (!r->told(&row, r->context)) {
		r->ended = true;
		xmlStopParser(r->parser);
	}
}

static void forget(struct reading *r, enum value first)
{
	for (unsigned int i = first; i < VALUES; i++)
		r->has[i] = false;
}

static void end_signature(struct reading *r)
{
	if (r->signature_count == VALUES_MAX)
		return;
	for (unsigned int i = 0; i < 3; i++)
		g_string_assign(r->signatures[r->signature_count][i],
				value(r, DKIM_DOMAIN + i) ? value(r, DKIM_DOMAIN + i) : "");
	r->signature_count++;
}

/* --- elements ----------------------------------------------------------------------------------------------------- */

static struct reading *reading_of(void *context)
{
	return ((xmlParserCtxt *)context)->_private;
}

static bool is_at(const struct reading *r, const char *path)
{
	return !strcmp(r->path->str, path);
}

static void begin_element(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int namespaces,
			  const xmlChar **namespace_list, int attributes, int defaulted, const xmlChar **attribute_list)
{
	struct reading *r = reading_of(context);

	(void)prefix, (void)uri, (void)namespaces, (void)namespace_list;
	(void)attributes, (void)defaulted, (void)attribute_list;
	if (r->failed || r->ended)
		return;
	if (++r->depth > DEPTH_MAX) {
		fail(r, "expected at most %d elements in one another", DEPTH_MAX);
		return;
	}
	g_string_append_c(r->path, '/');
	g_string_append(r->path, (const char *)name);
	if (r->depth == 1 && !is_at(r, "/feedback")) {
		fail(r, "expected <feedback>, not <%.40s>", (const char *)name);
		return;
	}
	if (is_at(r, "/feedback/record")) {
		forget(r, SOURCE_IP);
		r->signature_count = 0;
	}
	if (is_at(r, "/feedback/record/auth_results/dkim"))
		forget(r, DKIM_DOMAIN);
	r->at = NOTHING;
	for (size_t i = 0; i < G_N_ELEMENTS(places); i++)
		if (is_at(r, places[i].path))
			r->at = places[i].value;
	g_string_truncate(r->text, 0);
}

/* The text of an element as it is told: the first of its kind in its record counts. */
static void end_text(struct reading *r)
{
	const char *kept;
	struct rep_mail keeper = { .texts = g_string_chunk_new(128) };

	kept = rep_mail_keep(&keeper, (struct rep_text){ r->text->str, r->text->len });
	if (!r->has[r->at]) {
		g_string_assign(r->values[r->at], kept ? kept : "");
		r->has[r->at] = true;
	}
	g_string_chunk_free(keeper.texts);
}

static void end_element(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct reading *r = reading_of(context);
	const char *slash;

	(void)name, (void)prefix, (void)uri;
	if (r->failed || r->ended || !r->depth)
		return;
	if (r->at != NOTHING)
		end_text(r);
	r->at = NOTHING;
	if (is_at(r, "/feedback/report_metadata"))
		r->has_metadata = true;
	else if (is_at(r, "/feedback/record/auth_results/dkim"))
		end_signature(r);
	else if (is_at(r, "/feedback/record"))
		end_record(r);
	slash = strrchr(r->path->str, '/');
	g_string_truncate(r->path, slash ? (gsize)(slash - r->path->str) : 0);
	r->depth--;
}

static void add_text(void *context, const xmlChar *text, int length)
{
	struct reading *r = reading_of(context);

	if (r->at != NOTHING && r->text->len < 2 * REP_TOLD_MAX)
		g_string_append_len(r->text, (const char *)text, MIN(length, (int)(2 * REP_TOLD_MAX)));
}

/* No report has a document type, and all that could be in one is an attack. It is called before what is in it is read.
 */
static void refuse_type(void *context, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	(void)name, (void)external, (void)system;
	fail(reading_of(context), "expected no document type and no entities");
}

static void note_error(void *context, xmlError *wrong)
{
	struct reading *r = reading_of(context);

	/* some use xsi: without saying what it is */
	if (wrong->level < XML_ERR_ERROR || wrong->domain == XML_FROM_NAMESPACE)
		return;
	if (wrong->code == XML_ERR_DOCUMENT_END && r->depth)
		fail(r, "expected </%s>, the report breaks off", strrchr(r->path->str, '/') + 1);
	else
		fail(r, "expected well-formed XML: %s", wrong->message ? wrong->message : "it is not");
}

/* --- bytes of XML ------------------------------------------------------------------------------------------------- */

static bool just_read(const struct tags *t, const char *what)
{
	size_t length = strlen(what);

	return !memcmp(t->last + sizeof(t->last) - length, what, length);
}

/* False: it is in a tag that is too long. Of the encodings that are read, none has these bytes for anything else. */
static bool follow(struct tags *t, char c)
{
	memmove(t->last, t->last + 1, sizeof(t->last) - 1);
	t->last[sizeof(t->last) - 1] = c;
	t->length++;
	switch (t->in) {
	case TEXT:
		t->length = 0;
		if (c == '<')
			t->in = TAG;
		return true;
	case TAG:
		if (t->length == 1 && c == '?')
			t->in = INSTRUCTION;
		else if (t->length == 3 && just_read(t, "<!--"))
			t->in = COMMENT;
		else if (t->length == 8 && just_read(t, "<![CDATA["))
			t->in = SECTION;
		else if (c == '>')
			t->in = TEXT;
		else if (c == '"' || c == '\'')
			t->in = QUOTED;
		t->quote = c;
		return t->length <= TAG_MAX;
	case QUOTED:
		if (c == t->quote)
			t->in = TAG;
		return t->length <= TAG_MAX;
	case COMMENT:
		if (t->length > 5 && just_read(t, "-->"))
			t->in = TEXT;
		return true;
	case SECTION:
		if (just_read(t, "]]>"))
			t->in = TEXT;
		return true;
	case INSTRUCTION:
		if (just_read(t, "?>"))
			t->in = TEXT;
		return true;
	}
	return true;
}

/* Those in which a byte below 128 is the character of ASCII, wherever it stands. */
static bool is_known_encoding(struct rep_text name)
{
	static const char *const known[] = { "utf-8", "us-ascii", "ascii", "iso-8859-", "windows-125" };

	for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
		if (rep_text_starts(name, known[i]))
			return true;
	return false;
}

/* What the XML says of its encoding in its first bytes. */
static bool check_encoding(struct reading *r, const char *bytes, size_t length)
{
	const char *end = g_strstr_len(bytes, (gssize)MIN(length, 400), "?>");
	struct rep_text name = { bytes, end ? (size_t)(end - bytes) : 0 };

	if (length >= 2 && (!bytes[0] || !bytes[1] || !memcmp(bytes, "\xff\xfe", 2) || !memcmp(bytes, "\xfe\xff", 2))) {
		fail(r, "expected XML in UTF-8, not in UTF-16 or UTF-32");
		return false;
	}
	while (name.length && !rep_text_starts(name, "encoding"))
		name = (struct rep_text){ name.at + 1, name.length - 1 };
	if (!name.length)
		return true;
	name = (struct rep_text){ name.at + 8, name.length - 8 };
	while (name.length && strchr(" \t\r\n='\"", *name.at))
		name = (struct rep_text){ name.at + 1, name.length - 1 };
	if (is_known_encoding(name))
		return true;
	fail(r, "expected XML in UTF-8, not in \"%.*s\"", (int)MIN(strcspn(name.at, "'\" ?"), MIN(name.length, 30)),
	     name.at);
	return false;
}

static bool feed(struct reading *r, const char *bytes, size_t length)
{
	if (!r->read && length && !check_encoding(r, bytes, length))
		return false;
	r->read += length;
	if (r->read > XML_MAX) {
		fail(r, "expected at most %llu bytes of XML", XML_MAX);
		return false;
	}
	for (size_t i = 0; i < length; i++) {
		if (!follow(&r->tags, bytes[i])) {
			fail(r, "expected no tag of more than %d bytes", TAG_MAX);
			return false;
		}
	}
	for (size_t at = 0; at < length && !r->failed && !r->ended; at += PIECE)
		xmlParseChunk(r->parser, bytes + at, (int)MIN(PIECE, length - at), 0);
	return !r->failed && !r->ended;
}

static void finish(struct reading *r)
{
	if (r->failed || r->ended)
		return;
	if (!r->read) {
		fail(r, "expected a report in XML, there is nothing");
		return;
	}
	xmlParseChunk(r->parser, "", 0, 1);
	if (!r->parser->wellFormed)
		fail(r, "expected well-formed XML");
	if (!r->has_metadata)
		fail(r, "expected report_metadata, there is none");
}

/* --- archives ----------------------------------------------------------------------------------------------------- */

static bool is_gzip(const char *bytes, size_t length)
{
	return length >= 2 && !memcmp(bytes, "\x1f\x8b", 2);
}

static bool is_zip(const char *bytes, size_t length)
{
	return length >= 4 && (!memcmp(bytes, "PK\3\4", 4) || !memcmp(bytes, "PK\5\6", 4));
}

static bool is_xml(const char *bytes, size_t length)
{
	struct rep_text text = { bytes, MIN(length, 1000) };

	if (length >= 3 && !memcmp(bytes, "\xef\xbb\xbf", 3))
		text = (struct rep_text){ bytes + 3, text.length - 3 };
	if (length >= 4 && (!memcmp(bytes, "\xff\xfe<", 4) || !memcmp(bytes, "\xfe\xff\0<", 4)))
		return true;
	text = rep_text_strip(text);
	return text.length && *text.at == '<';
}

/* What is given to the archive's reader piece by piece, so that both sides can be counted. */
struct packed {
	const char *bytes;
	size_t length, given;
	size_t idle_from; /* all before has unpacked to something */
	bool idle;        /* too much has not */
};

static la_ssize_t give(struct archive *archive, void *context, const void **piece)
{
	struct packed *packed = context;
	size_t length = MIN(PIECE, packed->length - packed->given);

	if (packed->given - packed->idle_from > IDLE_MAX) {
		packed->idle = true;
		archive_set_error(archive, EINVAL, "too much of it unpacks to nothing");
		return -1;
	}
	*piece = packed->bytes + packed->given;
	packed->given += length;
	return (la_ssize_t)length;
}

static void fail_archive(struct reading *r, struct archive *archive, const char *kind)
{
	const char *why = archive_error_string(archive);

	fail(r, "expected a whole %s archive: %s", kind, why ? why : "it is damaged");
}

static void unpack(struct reading *r, struct archive *archive, const char *kind, struct packed *packed)
{
	char piece[PIECE];
	u64 unpacked = 0;
	la_ssize_t got;

	while ((got = archive_read_data(archive, piece, sizeof(piece))) > 0) {
		packed->idle_from = packed->given;
		unpacked += (u64)got;
		if (unpacked > RATIO_FREE && unpacked / RATIO_MAX > packed->length) {
			fail(r, "expected at most %d times the bytes of the %s archive", RATIO_MAX, kind);
			return;
		}
		if (!feed(r, piece, (size_t)got))
			return;
	}
	if (got < 0)
		fail_archive(r, archive, kind);
}

static bool is_report_name(const char *name)
{
	size_t length = name ? strlen(name) : 0;

	return length > 4 && !strcasecmp(name + length - 4, ".xml");
}

/* The library has a table of all members before it names the first. */
static bool has_few_members(const struct packed *packed)
{
	const char *at = packed->bytes, *end = at + packed->length;
	unsigned int members = 0;

	while ((at = memmem(at, (size_t)(end - at), "PK\1\2", 4)) && members++ <= MEMBERS_MAX)
		at += 4;
	return members <= MEMBERS_MAX;
}

/* The other methods of zip need as much memory as the archive says. */
static bool is_deflated(struct archive *archive)
{
	struct rep_text format = rep_text_of(archive_format_name(archive));

	return rep_text_has(format, "(deflation)") || rep_text_has(format, "(uncompressed)");
}

static void read_member(struct reading *r, struct archive *archive, struct packed *packed)
{
	if (!is_deflated(archive)) {
		fail(r, "expected a zip archive packed by deflate, not %s", archive_format_name(archive));
		return;
	}
	unpack(r, archive, "zip", packed);
	finish(r);
}

/* The first file of the archive that is a report; nothing is ever written under the name that it has. */
static void read_zip(struct reading *r, struct packed *packed)
{
	struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	int result;

	if (!has_few_members(packed)) {
		fail(r, "expected at most %d files in the zip archive", MEMBERS_MAX);
		archive_read_free(archive);
		return;
	}
	archive_read_support_format_zip_seekable(archive);
	result = archive_read_open_memory(archive, packed->bytes, packed->length);
	while (result == ARCHIVE_OK) {
		result = archive_read_next_header(archive, &entry);
		if (result == ARCHIVE_WARN)
			result = ARCHIVE_OK;
		if (result == ARCHIVE_OK && archive_entry_filetype(entry) == AE_IFREG &&
		    is_report_name(archive_entry_pathname(entry))) {
			read_member(r, archive, packed);
			archive_read_free(archive);
			return;
		}
	}
	if (result == ARCHIVE_EOF)
		fail(r, "expected a file *.xml in the zip archive, there is none");
	else
		fail_archive(r, archive, "zip");
	archive_read_free(archive);
}

/* One layer: archives in archives would be read as well, if the library were left to find out what it is. */
static void read_gzip(struct reading *r, struct packed *packed)
{
	struct archive *archive = archive_read_new();
	struct archive_entry *entry;

	archive_read_support_format_raw(archive);
	if (archive_read_append_filter(archive, ARCHIVE_FILTER_GZIP) != ARCHIVE_OK ||
	    archive_read_open(archive, packed, NULL, give, NULL) != ARCHIVE_OK ||
	    archive_read_next_header(archive, &entry) != ARCHIVE_OK) {
		/* the library says no more than that it does not know what comes out */
		fail(r, "expected a whole gzip archive with a report in it, %s",
		     packed->idle ? "too much of it unpacks to nothing" : "it is empty or damaged");
	} else {
		unpack(r, archive, "gzip", packed);
		finish(r);
	}
	archive_read_free(archive);
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static void open_reading(struct reading *r)
{
	xmlSAXHandler handler = {
		.initialized = XML_SAX2_MAGIC,
		.startElementNs = begin_element,
		.endElementNs = end_element,
		.characters = add_text,
		.cdataBlock = add_text,
		.internalSubset = refuse_type,
		.serror = note_error,
	};

	r->parser = xmlCreatePushParserCtxt(&handler, NULL, NULL, 0, NULL);
	xmlCtxtUseOptions(r->parser, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	r->parser->sax->serror = note_error;
	r->parser->_private = r;
	r->at = NOTHING;
	r->path = g_string_new("");
	r->text = g_string_new("");
	for (unsigned int i = 0; i < VALUES; i++)
		r->values[i] = g_string_new("");
	for (unsigned int i = 0; i < VALUES_MAX * 3; i++)
		r->signatures[i / 3][i % 3] = g_string_new("");
}

static void close_reading(struct reading *r)
{
	if (r->parser->myDoc)
		xmlFreeDoc(r->parser->myDoc);
	xmlFreeParserCtxt(r->parser);
	g_string_free(r->path, true);
	g_string_free(r->text, true);
	for (unsigned int i = 0; i < VALUES; i++)
		g_string_free(r->values[i], true);
	for (unsigned int i = 0; i < VALUES_MAX * 3; i++)
		g_string_free(r->signatures[i / 3][i % 3], true);
}

/* A bare report: XML, gzip or zip. */
static int read_report(struct reading *r, const char *bytes, size_t length)
{
	struct packed packed = { .bytes = bytes, .length = length };

	open_reading(r);
	if (is_gzip(bytes, length)) {
		read_gzip(r, &packed);
	} else if (is_zip(bytes, length)) {
		read_zip(r, &packed);
	} else {
		feed(r, bytes, length);
		finish(r);
	}
	close_reading(r);
	return r->failed ? -1 : r->count;
}

static bool is_report(const char *bytes, size_t length)
{
	return is_gzip(bytes, length) || is_zip(bytes, length) || is_xml(bytes, length);
}

static int read_mail(struct reading *r, const char *bytes, size_t length)
{
	struct rep_mail *mail = rep_mail_open(bytes, length, "a DMARC report", r->error, r->size);
	int count = -1;
	unsigned int i;

	if (!mail)
		return -1;
	for (i = 0; i < mail->count; i++) {
		const char *part;

		if (!strcmp(mail->parts[i].type, "text/html") || rep_part_is_message(&mail->parts[i]))
			continue;
		part = rep_part_bytes(mail, &mail->parts[i], REP_MAIL_MAX, &length);
		if (is_report(part, length)) {
			count = read_report(r, part, length);
			break;
		}
	}
	if (i == mail->count)
		rep_mail_error(r->error, r->size,
			       "expected a DMARC report (XML, gzip or zip) in the message, there is none");
	rep_mail_close(mail);
	return count;
}

int rep_dmarc_read(const char *bytes, size_t length, rep_dmarc_told *told, void *context, char *error, size_t size)
{
	struct reading r = { .told = told, .context = context, .error = error, .size = size };

	if (length > REP_MAIL_MAX)
		return rep_mail_error(error, size, "expected a DMARC report of at most %u bytes, these are %zu",
				      REP_MAIL_MAX, length);
	if (is_report(bytes, length))
		return read_report(&r, bytes, length);
	return read_mail(&r, bytes, length);
}
