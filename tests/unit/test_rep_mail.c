// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bounces, complaints and DMARC reports (tests/mail): what is read of each stands beside it. Each is given in a block
 * of its exact size (for ASan). What is too large to be kept as a file is made here.
 */
#include <archive.h>
#include <archive_entry.h>
#include <glib.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/text.h"
#include "tools/mxrep/mail.h"

#define BOUNCES 40 /* at least: a test of none would be well too */
#define COMPLAINTS 12
#define REPORTS 10
#define LARGE (32u << 20)
#define SECONDS_MAX 20    /* of the processor, with the sanitizers as well */
#define MEMORY_MAX 700000 /* KB of a process that reads 32 MB, with the sanitizers' share */
#define SPDX "# SPDX-License-Identifier: GPL-2.0-or-later\n"

/* What is told, as text. */
struct output {
	char *text;
	size_t length;
	FILE *file;
	int left; /* how many are wanted; the next is the last */
};

static void begin(struct output *o)
{
	o->file = open_memstream(&o->text, &o->length);
	o->left = 1000000;
	fputs(SPDX, o->file);
}

static void put(struct output *o, const char *name, const char *value)
{
	if (value)
		fprintf(o->file, "%s: %s\n", name, value);
}

static void put_time(struct output *o, const char *name, s64 when)
{
	char text[MX_TIME_TEXT];

	if (when)
		put(o, name, mx_time_text(when, text));
}

static bool tell_bounce(const struct rep_bounce *bounce, void *context)
{
	struct output *o = context;

	put(o, "\noutcome", rep_outcome_name(bounce->outcome));
	put(o, "recipient", bounce->recipient);
	put(o, "original", bounce->original);
	put(o, "status", bounce->status);
	put(o, "reply", bounce->reply);
	put(o, "remote", bounce->remote);
	put(o, "reporter", bounce->reporter);
	put(o, "queue_id", bounce->queue_id);
	put(o, "message_id", bounce->message_id);
	put_time(o, "time", bounce->time);
	return --o->left;
}

static bool tell_complaint(const struct rep_complaint *complaint, void *context)
{
	struct output *o = context;
	char text[MX_ADDR_TEXT];

	put(o, "\ntype", complaint->type);
	if (complaint->has_source)
		put(o, "source", mx_addr_text(complaint->family, complaint->source, text));
	put(o, "recipient", complaint->recipient);
	put(o, "sender", complaint->sender);
	put(o, "domain", complaint->domain);
	put(o, "reporter", complaint->reporter);
	put(o, "message_id", complaint->message_id);
	put(o, "feedback_id", complaint->feedback_id);
	put(o, "list_unsubscribe", complaint->list_unsubscribe ? "yes" : "no");
	fprintf(o->file, "incidents: %u\n", complaint->incidents);
	put_time(o, "time", complaint->time);
	return --o->left;
}

static bool tell_row(const struct rep_dmarc_row *row, void *context)
{
	struct output *o = context;
	char text[MX_ADDR_TEXT];

	put(o, "\nreporter", row->reporter);
	put(o, "report_id", row->report_id);
	fprintf(o->file, "times: %lld to %lld\n", (long long)row->begin, (long long)row->end);
	put(o, "domain", row->domain);
	put(o, "policy", row->policy);
	put(o, "header_from", row->header_from);
	put(o, "source", mx_addr_text(row->family, row->source, text));
	fprintf(o->file, "count: %u\n", row->count);
	put(o, "disposition", row->disposition);
	put(o, "dkim", row->dkim_aligned ? "aligned" : "not aligned");
	put(o, "spf", row->spf_aligned ? "aligned" : "not aligned");
	put(o, "dkim_result", row->dkim_result);
	put(o, "dkim_domain", row->dkim_domain);
	put(o, "dkim_selector", row->dkim_selector);
	put(o, "spf_result", row->spf_result);
	put(o, "spf_domain", row->spf_domain);
	return --o->left;
}

enum kind { BOUNCE, COMPLAINT, DMARC };

static int read_as(enum kind kind, const char *bytes, size_t length, struct output *o, char *error, size_t size)
{
	switch (kind) {
	case BOUNCE:
		return rep_bounce_read(bytes, length, tell_bounce, o, error, size);
	case COMPLAINT:
		return rep_complaint_read(bytes, length, tell_complaint, o, error, size);
	case DMARC:
		return rep_dmarc_read(bytes, length, tell_row, o, error, size);
	}
	return -2;
}

/* What is read of the bytes, with the result or the error at its end. To be freed. */
static char *text_of(enum kind kind, const char *bytes, size_t length)
{
	char error[600] = "", *exact = malloc(length ? length : 1);
	struct output o;
	int result;

	memcpy(exact, bytes, length);
	begin(&o);
	result = read_as(kind, exact, length, &o, error, sizeof(error));
	if (result < 0)
		fprintf(o.file, "\nerror: %s\n", error);
	else
		fprintf(o.file, "\ntold: %d\n", result);
	fclose(o.file);
	free(exact);
	return o.text;
}

static char *file_at(const char *path, size_t *length)
{
	FILE *in = fopen(path, "r");
	char *bytes = calloc(1, 1 << 20);

	if (!in)
		fail_msg("%s cannot be read", path);
	*length = fread(bytes, 1, (1 << 20) - 1, in);
	fclose(in);
	return bytes;
}

static void try_file(enum kind kind, const char *path)
{
	char beside[300];
	size_t length, size;
	char *bytes = file_at(path, &length), *expected, *got = text_of(kind, bytes, length);

	snprintf(beside, sizeof(beside), "%.*s.expected", (int)(strrchr(path, '.') - path), path);
	expected = file_at(beside, &size);
	if (strcmp(got, expected) != 0)
		print_message("# %s\n", path);
	assert_string_equal(got, expected);
	free(expected);
	free(bytes);
	free(got);
}

static size_t try_files(enum kind kind, const char *pattern)
{
	glob_t found;
	size_t count;

	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		try_file(kind, found.gl_pathv[i]);
	count = found.gl_pathc;
	globfree(&found);
	return count;
}

static void test_bounces(void **state)
{
	(void)state;
	assert_true(try_files(BOUNCE, "tests/mail/bounce/*.eml") >= BOUNCES);
}

static void test_complaints(void **state)
{
	(void)state;
	assert_true(try_files(COMPLAINT, "tests/mail/complaint/*.eml") >= COMPLAINTS);
}

static void test_reports(void **state)
{
	(void)state;
	assert_true(try_files(DMARC, "tests/mail/dmarc/*.xml") + try_files(DMARC, "tests/mail/dmarc/*.eml") >= REPORTS);
}

/* --- archives that are no mail ------------------------------------------------------------------------------------ */

static char *packed(bool zip, const char *bytes, size_t length, size_t *size)
{
	struct archive *archive = archive_write_new();
	struct archive_entry *entry = archive_entry_new();
	char *to = malloc(length + 4096);

	if (zip) {
		archive_write_set_format_zip(archive);
	} else {
		archive_write_set_format_raw(archive);
		archive_write_add_filter_gzip(archive);
	}
	archive_write_set_bytes_in_last_block(archive, 1);
	assert_int_equal(archive_write_open_memory(archive, to, length + 4096, size), ARCHIVE_OK);
	archive_entry_set_pathname(entry, "report.xml");
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_size(entry, (la_int64_t)length);
	assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
	assert_int_equal(archive_write_data(archive, bytes, length), length);
	assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
	archive_entry_free(entry);
	archive_write_free(archive);
	return to;
}

/* Whatever a report says, it says the same packed. */
static void test_bare_archives(void **state)
{
	static const char *const paths[] = { "google", "signatures", "latin-1", "no-records", "sparse", "crowded" };

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		char path[100];
		size_t length;
		char *bytes, *expected;

		snprintf(path, sizeof(path), "tests/mail/dmarc/%s.xml", paths[i]);
		bytes = file_at(path, &length);
		expected = text_of(DMARC, bytes, length);
		for (int zip = 0; zip < 2; zip++) {
			size_t size;
			char *archive = packed(zip, bytes, length, &size), *got = text_of(DMARC, archive, size);

			assert_string_equal(got, expected);
			free(got);
			free(archive);
		}
		free(expected);
		free(bytes);
	}
}

/* Cut anywhere, a report is an error or, where only what comes behind it is missing, the same. */
static void try_cuts(const char *bytes, size_t length, size_t step)
{
	char *whole = text_of(DMARC, bytes, length);

	for (size_t cut = 0; cut < length; cut += step) {
		char *got = text_of(DMARC, bytes, cut);

		if (strcmp(got, whole) != 0)
			assert_non_null(strstr(got, "\nerror: expected ") ? strstr(got, "\nerror: expected ")
									  : strstr(got, ": expected "));
		free(got);
	}
	free(whole);
}

static void test_cut_reports(void **state)
{
	size_t length, size;
	char *bytes = file_at("tests/mail/dmarc/google.xml", &length), *archive;

	(void)state;
	try_cuts(bytes, length, 7);
	for (int zip = 0; zip < 2; zip++) {
		archive = packed(zip, bytes, length, &size);
		try_cuts(archive, size, 3);
		free(archive);
	}
	free(bytes);
}

/* --- told, and no more -------------------------------------------------------------------------------------------- */

static int told_until(enum kind kind, const char *path, int left)
{
	size_t length;
	char *bytes = file_at(path, &length), error[100] = "untouched";
	struct output o;
	int result;

	begin(&o);
	o.left = left;
	result = read_as(kind, bytes, length, &o, error, sizeof(error));
	assert_string_equal(error, "untouched");
	assert_int_equal(o.left, 0);
	fclose(o.file);
	free(o.text);
	free(bytes);
	return result;
}

static void test_ended_by_the_caller(void **state)
{
	(void)state;
	assert_int_equal(told_until(BOUNCE, "tests/mail/bounce/exim-several.eml", 2), 2);
	assert_int_equal(told_until(BOUNCE, "tests/mail/bounce/postfix-two.eml", 1), 1);
	assert_int_equal(told_until(COMPLAINT, "tests/mail/complaint/yahoo.eml", 1), 1);
	assert_int_equal(told_until(DMARC, "tests/mail/dmarc/google.xml", 1), 1);
	assert_int_equal(told_until(DMARC, "tests/mail/dmarc/mail-zip.eml", 1), 1);
	/* what comes behind is not read: it would be an error */
	assert_int_equal(told_until(DMARC, "tests/mail/dmarc/broken-middle.xml", 1), 1);
}

static void test_errors_fit(void **state)
{
	char error[12] = "xxxxxxxxxxx";
	struct output o;

	(void)state;
	begin(&o);
	assert_int_equal(read_as(BOUNCE, "From: a@example.net\n\nhello\n", 27, &o, error, 10), -1);
	assert_string_equal(error, "expected ");
	assert_int_equal(error[10], 'x');
	fclose(o.file);
	free(o.text);
}

static void test_too_large(void **state)
{
	static const char *const expected[] = {
		SPDX "\nerror: expected a bounce of at most 33554432 bytes, these are 33554433\n",
		SPDX "\nerror: expected a complaint of at most 33554432 bytes, these are 33554433\n",
		SPDX "\nerror: expected a DMARC report of at most 33554432 bytes, these are 33554433\n",
	};
	char *bytes = calloc(1, REP_MAIL_MAX + 1);

	(void)state;
	for (int kind = BOUNCE; kind <= DMARC; kind++) {
		char *got = text_of((enum kind)kind, bytes, REP_MAIL_MAX + 1);

		assert_string_equal(got, expected[kind]);
		free(got);
	}
	free(bytes);
}

/* More than 1,000 are not told; a report of them is within all other bounds. */
static void test_many_recipients(void **state)
{
	char *text = malloc(1 << 20), error[100];
	size_t length;
	struct output o;
	FILE *file = fmemopen(text, 1 << 20, "w");

	(void)state;
	fputs("Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
	      "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n",
	      file);
	for (int i = 0; i < 1200; i++)
		fprintf(file,
			"\nOriginal-Recipient: rfc822; r%d@example.net\nFinal-Recipient: rfc822; r%d@example.net\n"
			"Action: failed\nStatus: 5.1.1\nRemote-MTA: dns; mx.example.net\n"
			"Diagnostic-Code: smtp; 550 5.1.1 user\n unknown\n",
			i, i);
	fputs("\n--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <many@example.com>\n\n--b--\n", file);
	length = (size_t)ftell(file);
	fclose(file);
	begin(&o);
	assert_int_equal(read_as(BOUNCE, text, length, &o, error, sizeof(error)), 1000);
	fclose(o.file);
	assert_non_null(strstr(o.text, "recipient: r999@example.net\n"
				       "status: 5.1.1\nreply: 550 5.1.1 user unknown\nremote: mx.example.net\n"
				       "reporter: mx.example.org\nmessage_id: many@example.com\n"));
	assert_null(strstr(o.text, "r1000@"));
	free(o.text);
	free(text);
}

/* A large report in a mail, of which nothing is taken for a header: 20,000 rows, packed to more than a megabyte. */
static void test_large_report(void **state)
{
	char *xml = malloc(8 << 20), *archive, *mail = malloc(8 << 20), *coded, error[600] = "";
	size_t at = 0, size, length;
	struct output o;

	(void)state;
	at += (size_t)sprintf(xml, "<feedback><report_metadata><date_range><begin>1</begin><end>2</end></date_range>"
				   "</report_metadata>");
	for (unsigned int i = 0; i < 20000; i++) {
		at += (size_t)sprintf(xml + at,
				      "<record><row><source_ip>192.0.2.1</source_ip><count>%u</count></row><x>", i);
		for (unsigned int k = 0; k < 16; k++)
			at += (size_t)sprintf(xml + at, "%u", (i * 16 + k + 1) * 2654435761u);
		at += (size_t)sprintf(xml + at, "</x></record>");
	}
	at += (size_t)sprintf(xml + at, "</feedback>");
	archive = packed(false, xml, at, &size);
	assert_true(size > 1 << 20);
	coded = g_base64_encode((const guchar *)archive, size);
	length = (size_t)sprintf(mail,
				 "Subject: a digest\nContent-Type: multipart/mixed; boundary=\"digest message\"\n\n"
				 "--digest message\nContent-Type: application/gzip; name=message.gz\n"
				 "Content-Transfer-Encoding: base64\n\n%s\n--digest message--\n",
				 coded);
	begin(&o);
	assert_int_equal(read_as(DMARC, mail, length, &o, error, sizeof(error)), 20000);
	fclose(o.file);
	assert_non_null(strstr(o.text, "source: 192.0.2.1\ncount: 19999\n"));
	free(o.text);
	g_free(coded);
	free(archive);
	free(mail);
	free(xml);
}

/* --- hostile ------------------------------------------------------------------------------------------------------ */

/* A text that begins so and goes on with the same again and again, up to the largest message. */
static char *endless(const char *begin_with, const char *again)
{
	char *bytes = malloc(LARGE);
	size_t at = strlen(begin_with), length = strlen(again);

	memcpy(bytes, begin_with, at);
	for (; at + length <= LARGE; at += length)
		memcpy(bytes + at, again, length);
	memset(bytes + at, '\n', LARGE - at);
	return bytes;
}

/* In a process of its own, to see what memory it took. */
static void try_large(enum kind kind, const char *name, const char *bytes, size_t length)
{
	struct rusage used;
	int status;
	pid_t child = fork();

	if (!child) {
		char error[600];
		struct output o;

		begin(&o);
		o.left = 5000;
		read_as(kind, bytes, length, &o, error, sizeof(error));
		_exit(0);
	}
	assert_int_equal(wait4(child, &status, 0, &used), child);
	print_message("# %d %s: %ld ms, %ld KB\n", kind, name,
		      used.ru_utime.tv_sec * 1000 + used.ru_utime.tv_usec / 1000, used.ru_maxrss);
	assert_int_equal(status, 0);
	assert_true(used.ru_utime.tv_sec < SECONDS_MAX);
	assert_true(used.ru_maxrss < MEMORY_MAX);
}

#define MULTIPART "Return-Path: <>\nFrom: mailer-daemon@example.net\nContent-Type: multipart/mixed; boundary=b\n\n"

static void test_large(void **state)
{
	static const struct {
		const char *name, *begin, *again;
	} shapes[] = {
		{ "parts", MULTIPART, "--b\n\nx\n" },
		{ "empty parts", MULTIPART, "--b\n" },
		{ "multiparts", MULTIPART, "--b\nContent-Type: multipart/mixed; boundary=b\n\n" },
		{ "messages", "Content-Type: message/rfc822\n\n", "Content-Type: message/rfc822\n\n" },
		{ "messages of a digest", "Content-Type: multipart/digest; boundary=b\n\n--b\n\n", "a:\n" },
		{ "header lines", "", "a:\n" },
		{ "one header", "Content-Type: text/plain", "; a=b" },
		{ "addresses", "To: ", "a@example.net,\n " },
		{ "comments", "From: ", "(" },
		{ "header lines of a message", "Content-Type: message/rfc822\n\n", "<:\n" },
		{ "header lines of a folded message", "Content-Type:\n message / rfc822\n\n", "<:\n" },
		{ "words", "From: mailer-daemon@example.net\n\n", "<a@example.net>: 550 5.1.1 x\n\n" },
		{ "addresses in words", "From: mailer-daemon@example.net\n\n", "a@b " },
		{ "signs", "From: mailer-daemon@example.net\nX-Failed-Recipients: a@example.net\n\n", "@" },
		{ "codes", "From: mailer-daemon@example.net\nX-Failed-Recipients: a@example.net\n\n", ":550\n" },
		{ "tags", "From: mailer-daemon@example.net\nContent-Type: text/html\n\n", "<" },
		{ "status", MULTIPART "--b\nContent-Type: message/delivery-status\n\n",
		  "Final-Recipient: rfc822;a@b\nAction: failed\n" },
		{ "feedback", MULTIPART "--b\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n",
		  "Source-IP: x\n" },
		{ "received", "Content-Type: message/rfc822\n\nX-HmXmrOriginalRecipient: a@b\n",
		  "Received: from a ([[[[[[[[[ by b\n" },
		{ "base64", "Content-Type: text/plain\nContent-Transfer-Encoding: base64\nFrom: mailer-daemon@b\n\n",
		  "PHVzZXJAZXhhbXBsZS5uZXQ+OiBob3N0IG14LmV4YW1wbGUubmV0WzE5Mi4wLjIuMjVdIHNhaWQ6\n" },
		{ "elements", "<feedback>", "<a>" },
		{ "closed elements", "<feedback>", "<a/>" },
		{ "attributes", "<feedback>", " a='>'" },
		{ "one tag", "<feedback ", "a='>' " },
		{ "tags with attributes", "<feedback>", "<a a='' b='' c='' d='' e='' f='' g='' h='' i='' j='' k=''/>" },
		{ "comment", "<feedback><!--", "- >" },
		{ "section", "<feedback><![CDATA[", "]] >" },
		{ "text", "<feedback><report_metadata><org_name>", "text" },
		{ "instructions", "<feedback>", "<?a?>" },
		{ "entities", "<!DOCTYPE a [", "<!ENTITY a 'b'>" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		char *bytes = endless(shapes[i].begin, shapes[i].again);

		for (int kind = BOUNCE; kind <= DMARC; kind++)
			try_large((enum kind)kind, shapes[i].name, bytes, LARGE);
		free(bytes);
	}
}

/* Archives that grow, or that are read for long and give nothing. */
static void test_large_archives(void **state)
{
	static const char empty[] = "\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0";
	char *bytes = calloc(1, LARGE), *archive, *got;
	size_t size;

	(void)state;
	for (size_t at = 0; at + sizeof(empty) - 1 <= LARGE; at += sizeof(empty) - 1)
		memcpy(bytes + at, empty, sizeof(empty) - 1);
	try_large(DMARC, "empty gzips", bytes, LARGE);
	got = text_of(DMARC, bytes, LARGE);
	assert_string_equal(
		got,
		SPDX "\nerror: expected a whole gzip archive with a report in it, too much of it unpacks to nothing\n");
	free(got);

	memset(bytes, ' ', LARGE);
	for (int zip = 0; zip < 2; zip++) {
		archive = packed(zip, bytes, LARGE, &size);
		got = text_of(DMARC, archive, size);
		assert_non_null(strstr(got, zip ? ": expected at most 200 times the bytes of the zip archive\n"
						: ": expected at most 200 times the bytes of the gzip archive\n"));
		free(got);
		free(archive);
	}
	for (size_t at = 0; at + 46 <= LARGE; at += 46)
		memcpy(bytes + at, "PK\1\2", 4);
	memcpy(bytes, "PK\3\4", 4);
	try_large(DMARC, "members", bytes, LARGE);
	got = text_of(DMARC, bytes, LARGE);
	assert_string_equal(got, SPDX "\nerror: expected at most 100 files in the zip archive\n");
	free(got);
	free(bytes);
}

/* 70 MB that do not shrink much: 50 times. */
static void test_more_than_is_read(void **state)
{
	const size_t length = 70u << 20;
	char *bytes = malloc(length), *archive, *got;
	size_t size, at = 0;

	(void)state;
	at += (size_t)sprintf(bytes, "<feedback>");
	for (unsigned int i = 1; at + 200 < length; i++) /* hardly the same twice */
		at += (size_t)sprintf(bytes + at, "<a>%u %u %*s</a>", i * 2654435761u, i * 40503u, 130, "");
	archive = packed(false, bytes, at, &size);
	got = text_of(DMARC, archive, size);
	assert_non_null(strstr(got, ": expected at most 67108864 bytes of XML\n"));
	free(got);
	free(archive);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounces),           cmocka_unit_test(test_complaints),
		cmocka_unit_test(test_reports),           cmocka_unit_test(test_bare_archives),
		cmocka_unit_test(test_cut_reports),       cmocka_unit_test(test_ended_by_the_caller),
		cmocka_unit_test(test_errors_fit),        cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_many_recipients),   cmocka_unit_test(test_large),
		cmocka_unit_test(test_large_report),      cmocka_unit_test(test_large_archives),
		cmocka_unit_test(test_more_than_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
