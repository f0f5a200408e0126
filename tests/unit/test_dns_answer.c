// SPDX-License-Identifier: GPL-2.0-or-later
/* DNS answers as RFC 1035 and its successors make them, and each way to break one. */
#include "tests/unit/build.h"
#include "tests/unit/dns_message.h"

#include "tests/dns_check.h"

#define REPLY 0x8180 /* an answer, recursion desired and available */
#define GMAIL WIRE("\5gmail\3com\0")
#define OWNER WIRE("\300\014") /* the name of the question */
#define TXT 16
#define OPT 41

static struct message m;
static struct mx_dns_answer answer;

static enum mx_dns_result read_whole(void)
{
	enum mx_dns_result result = read_exact(m.bytes, m.length, &answer);

	assert_true(dns_answer_is_sane(result, &answer));
	assert_true(mx_dns_answer_is_sound(&answer, mx_dns_answer_size(&answer)));
	return result;
}

static void begin_mx(void)
{
	begin(&m, REPLY);
	question(&m, GMAIL, MX_DNS_MX);
}

static void begin_a(void)
{
	begin(&m, REPLY);
	question(&m, GMAIL, MX_DNS_A);
}

/* The MX of gmail.com, with an address of each family in the additional section, and EDNS. */
static void whole(void)
{
	begin_mx();
	record(&m, ANSWER, OWNER, MX_DNS_MX, 3600);
	data(&m, WIRE("\0\5\15gmail-smtp-in\1l\6google\300\022"));
	record(&m, ANSWER, OWNER, MX_DNS_MX, 3600);
	data(&m, WIRE("\0\12\4alt1\300\051"));
	record(&m, AUTHORITY, OWNER, 2, 60);
	data(&m, WIRE("\2ns\300\014"));
	record(&m, ADDITIONAL, WIRE("\300\051"), MX_DNS_A, 300);
	data(&m, WIRE("\300\0\2\31"));
	record(&m, ADDITIONAL, WIRE("\4alt1\300\051"), MX_DNS_AAAA, 0x80000000);
	data(&m, WIRE("\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1"));
	record(&m, ADDITIONAL, WIRE("\0"), OPT, 0);
	set16(&m, m.length - 6, 1232); /* the class holds the size of a UDP answer */
	data(&m, WIRE("\0\12\0\10abcdefgh"));
}

static void test_mx(void **state)
{
	const struct mx_dns_record *r = answer.records;

	(void)state;
	whole();
	assert_int_equal(read_whole(), MX_DNS_READ);
	assert_string_equal(answer.name, "gmail.com");
	assert_int_equal(answer.type, MX_DNS_MX);
	assert_false(answer.truncated);
	assert_int_equal(answer.count, 4);
	assert_true(!answer.skipped && !answer.unusable && !answer.error);
	assert_true(r[0].type == MX_DNS_MX && r[0].preference == 5 && r[0].ttl == 3600 && !r[0].additional);
	assert_string_equal(r[0].owner, "gmail.com");
	assert_string_equal(r[0].target, "gmail-smtp-in.l.google.com");
	assert_int_equal(r[1].preference, 10);
	assert_string_equal(r[1].target, "alt1.gmail-smtp-in.l.google.com");
	assert_true(r[2].type == MX_DNS_A && r[2].family == MX_IPV4 && r[2].additional && r[2].ttl == 300);
	assert_true(r[2].addr.lo == 0xc0000219 && !r[2].addr.hi);
	assert_string_equal(r[2].owner, "gmail-smtp-in.l.google.com");
	assert_string_equal(r[2].target, "");
	assert_true(r[3].type == MX_DNS_AAAA && r[3].family == MX_IPV6 && r[3].ttl == 0); /* RFC 2181, 8 */
	assert_true(r[3].addr.hi == 0x20010db800000000ULL && r[3].addr.lo == 1);
	assert_string_equal(r[3].owner, "alt1.gmail-smtp-in.l.google.com");
}

static void test_every_shorter_beginning_is_cut(void **state)
{
	size_t length;

	(void)state;
	whole();
	for (length = 0; length < m.length; length++)
		assert_int_equal(read_exact(m.bytes, length, &answer), MX_DNS_CUT);
}

static void test_what_follows_is_left_alone(void **state)
{
	(void)state;
	whole();
	put(&m, WIRE("\300\300\300 rubbish"));
	assert_int_equal(read_whole(), MX_DNS_READ);
	assert_int_equal(answer.count, 4);
}

static void test_cname_and_address(void **state)
{
	(void)state;
	begin_a();
	record(&m, ANSWER, OWNER, MX_DNS_CNAME, 0x7fffffff);
	data(&m, WIRE("\4MAIL\300\014"));
	record(&m, ANSWER, WIRE("\4mail\300\014"), MX_DNS_A, 0xffffffff);
	data(&m, WIRE("\377\377\377\377"));
	assert_int_equal(read_whole(), MX_DNS_READ);
	assert_int_equal(answer.count, 2);
	assert_int_equal(answer.records[0].type, MX_DNS_CNAME);
	assert_string_equal(answer.records[0].target, "mail.gmail.com");
	assert_int_equal(answer.records[0].ttl, 0x7fffffff);
	assert_true(answer.records[1].addr.lo == 0xffffffff && answer.records[1].ttl == 0);
}

static void test_ptr(void **state)
{
	(void)state;
	begin(&m, REPLY);
	question(&m, WIRE("\00225\0012\0010\003192\7in-addr\4arpa\0"), MX_DNS_PTR);
	record(&m, ANSWER, OWNER, MX_DNS_PTR, 60);
	data(&m, WIRE("\2mx\7example\0"));
	assert_int_equal(read_whole(), MX_DNS_READ);
	assert_string_equal(answer.name, "25.2.0.192.in-addr.arpa");
	assert_string_equal(answer.records[0].owner, answer.name);
	assert_string_equal(answer.records[0].target, "mx.example");
}

static void test_null_mx(void **state)
{
	(void)state;
	begin_mx();
	record(&m, ANSWER, OWNER, MX_DNS_MX, 60);
	data(&m, WIRE("\0\0\0"));
	assert_int_equal(read_whole(), MX_DNS_READ);
	assert_int_equal(answer.count, 1);
	assert_string_equal(answer.records[0].target, "");
}

static void test_no_records(void **state)
{
	(void)state;
	begin_mx();
	assert_int_equal(read_whole(), MX_DNS_READ);
	assert_int_equal(answer.count, 0);
	assert_string_equal(answer.name, "gmail.com");
}

static void test_additional_only_for_mx(void **state)
{
	(void)state;
	begin_a();
	record(&m, ADDITIONAL, OWNER, MX_DNS_A, 60);
	data(&m, WIRE("\300\0\2\1"));
	record(&m, AUTHORITY, OWNER, MX_DNS_A, 60);
	data(&m, WIRE("\300\0\2\2"));
	assert_int_equal(read_whole(), MX_DNS_READ);
	assert_int_equal(answer.count, 0);
}

static void test_other_records_are_passed_by(void **state)
{
	(void)state;
	begin_a();
	record(&m, ANSWER, OWNER, TXT, 60);
	data(&m, WIRE("\300\300\300"));
	record(&m, ANSWER, OWNER, MX_DNS_A, 60);
	set16(&m, m.length - 6, 3); /* class CH: the data need not be an address */
	data(&m, WIRE("CH"));
	record(&m, ANSWER, OWNER, MX_DNS_A, 60);
	data(&m, WIRE("\300\0\2\1"));
	assert_int_equal(read_whole(), MX_DNS_READ);
	assert_int_equal(answer.count, 1);
	assert_int_equal(answer.records[0].addr.lo, 0xc0000201);
}

static void test_truncated_bit(void **state)
{
	(void)state;
	begin(&m, REPLY | 0x0200);
	question(&m, GMAIL, MX_DNS_A);
	record(&m, ANSWER, OWNER, MX_DNS_A, 60);
	data(&m, WIRE("\300\0\2\1"));
	assert_int_equal(read_whole(), MX_DNS_READ);
	assert_true(answer.truncated);
	assert_int_equal(answer.count, 1);
	count(&m, ANSWER, 2);
	assert_int_equal(read_whole(), MX_DNS_CUT);
	assert_true(answer.truncated);
}

static void test_unusable_names_drop_their_record_only(void **state)
{
	(void)state;
	begin_mx();
	record(&m, ANSWER, OWNER, MX_DNS_MX, 60);
	data(&m, WIRE("\0\5\13evil.google\300\022"));
	record(&m, ANSWER, WIRE("\1*\300\022"), MX_DNS_MX, 60);
	data(&m, WIRE("\0\5\2mx\300\022"));
	record(&m, ANSWER, OWNER, MX_DNS_MX, 60);
	data(&m, WIRE("\0\5\2mx\300\022"));
	assert_int_equal(read_whole(), MX_DNS_READ);
	assert_int_equal(answer.unusable, 2);
	assert_int_equal(answer.count, 1);
	assert_string_equal(answer.records[0].owner, "gmail.com");
	assert_string_equal(answer.records[0].target, "mx.com");
}

static void test_unusable_question(void **state)
{
	(void)state;
	begin(&m, REPLY);
	question(&m, WIRE("\13evil.google\3com\0"), MX_DNS_A);
	assert_int_equal(read_whole(), MX_DNS_UNUSABLE);
	assert_string_equal(answer.name, "");
}

static void test_more_records_than_are_taken(void **state)
{
	u32 i;

	(void)state;
	begin_a();
	for (i = 0; i < MX_DNS_RECORDS + 20; i++) {
		char address[] = { 10, 0, 0, (char)i };

		record(&m, ANSWER, OWNER, MX_DNS_A, 60);
		data(&m, address, sizeof(address));
	}
	assert_int_equal(read_whole(), MX_DNS_READ);
	assert_int_equal(answer.count, MX_DNS_RECORDS);
	assert_int_equal(answer.skipped, 20);
	for (i = 0; i < MX_DNS_RECORDS; i++)
		assert_int_equal(answer.records[i].addr.lo, 0x0a000000 + i);
	record(&m, ANSWER, OWNER, MX_DNS_A, 60);
	data(&m, WIRE("\1\2\3")); /* not looked into */
	assert_int_equal(read_whole(), MX_DNS_READ);
	assert_int_equal(answer.skipped, 21);
}

/* Unusable ones are work too, so they count towards what is looked into. */
static void test_more_unusable_records_than_are_taken(void **state)
{
	u32 i;

	(void)state;
	begin_a();
	for (i = 0; i < MX_DNS_RECORDS + 20; i++) {
		record(&m, ANSWER, WIRE("\1*\300\014"), MX_DNS_A, 60);
		data(&m, WIRE("\1\2\3\4"));
	}
	assert_int_equal(read_whole(), MX_DNS_READ);
	assert_true(!answer.count && answer.unusable == MX_DNS_RECORDS && answer.skipped == 20);
}

/* Of what is passed by only the lengths have to be right. */
static void test_passed_by_without_a_look(void **state)
{
	(void)state;
	begin_a();
	record(&m, ANSWER, WIRE("\377\377"), TXT, 60);
	data(&m, WIRE("?"));
	record(&m, ADDITIONAL, WIRE("\1a\300\0"), MX_DNS_A, 60);
	data(&m, WIRE("?"));
	assert_int_equal(read_whole(), MX_DNS_READ);
	assert_int_equal(answer.count, 0);
	record(&m, ADDITIONAL, WIRE("\1a\100\0"), MX_DNS_A, 60);
	data(&m, WIRE("?"));
	assert_int_equal(read_whole(), MX_DNS_MALFORMED);
}

static void expect_error(u32 code, enum mx_dns_result result)
{
	begin(&m, REPLY | code);
	question(&m, GMAIL, MX_DNS_MX);
	record(&m, ANSWER, OWNER, MX_DNS_CNAME, 60);
	data(&m, WIRE("\4gone\300\014"));
	assert_int_equal(read_whole(), result);
	assert_int_equal(answer.error, code);
	assert_int_equal(answer.count, 0);
	assert_string_equal(answer.name, "gmail.com");
	assert_int_equal(answer.type, MX_DNS_MX);
}

static void test_errors(void **state)
{
	(void)state;
	expect_error(1, MX_DNS_ERROR); /* FORMERR */
	expect_error(2, MX_DNS_SERVFAIL);
	expect_error(3, MX_DNS_NXDOMAIN);
	expect_error(4, MX_DNS_ERROR);
	expect_error(5, MX_DNS_ERROR); /* REFUSED */
	expect_error(15, MX_DNS_ERROR);
}

/* BADVERS is 16: in the header alone it looks like no error. */
static void test_errors_of_edns(void **state)
{
	(void)state;
	begin_mx();
	record(&m, ADDITIONAL, WIRE("\0"), OPT, 0x01000000);
	data(&m, "", 0);
	assert_int_equal(read_whole(), MX_DNS_ERROR);
	assert_int_equal(answer.error, 16);
	begin(&m, REPLY | 3);
	question(&m, GMAIL, MX_DNS_MX);
	record(&m, ADDITIONAL, WIRE("\0"), OPT, 0x00008000); /* version 0 and DO are no part of the code */
	data(&m, "", 0);
	assert_int_equal(read_whole(), MX_DNS_NXDOMAIN);
	begin_mx();
	record(&m, ANSWER, WIRE("\0"), OPT, 0x01000000); /* it has its place */
	data(&m, "", 0);
	assert_int_equal(read_whole(), MX_DNS_READ);
}

static void test_not_answers(void **state)
{
	(void)state;
	begin_mx();
	set16(&m, 2, 0x0100); /* a question */
	assert_int_equal(read_whole(), MX_DNS_NOT_ANSWER);
	begin_mx();
	set16(&m, 2, REPLY | 0x2800); /* UPDATE */
	assert_int_equal(read_whole(), MX_DNS_NOT_ANSWER);
	begin(&m, REPLY | 1); /* FORMERR without a question */
	assert_int_equal(read_whole(), MX_DNS_NOT_ANSWER);
	begin_mx();
	question(&m, GMAIL, MX_DNS_MX);
	count(&m, 0, 2); /* two questions */
	assert_int_equal(read_whole(), MX_DNS_NOT_ANSWER);
	begin_mx();
	set16(&m, m.length - 2, 3); /* class CH */
	assert_int_equal(read_whole(), MX_DNS_NOT_ANSWER);
	assert_string_equal(answer.name, "");
}

/* ---- malformed --------------------------------------------------------------------------------------------------- */

/* One record with this data. */
static enum mx_dns_result one(u32 type, const void *bytes, size_t length)
{
	begin_a();
	record(&m, ANSWER, OWNER, type, 60);
	data(&m, bytes, length);
	return read_whole();
}

static void test_data_of_a_wrong_length(void **state)
{
	static const char zero[17];

	(void)state;
	assert_int_equal(one(MX_DNS_A, zero, 4), MX_DNS_READ);
	assert_int_equal(one(MX_DNS_A, zero, 0), MX_DNS_MALFORMED);
	assert_int_equal(one(MX_DNS_A, zero, 3), MX_DNS_MALFORMED);
	assert_int_equal(one(MX_DNS_A, zero, 5), MX_DNS_MALFORMED);
	assert_int_equal(one(MX_DNS_A, zero, 16), MX_DNS_MALFORMED);
	assert_int_equal(one(MX_DNS_AAAA, zero, 16), MX_DNS_READ);
	assert_int_equal(one(MX_DNS_AAAA, zero, 4), MX_DNS_MALFORMED);
	assert_int_equal(one(MX_DNS_AAAA, zero, 15), MX_DNS_MALFORMED);
	assert_int_equal(one(MX_DNS_AAAA, zero, 17), MX_DNS_MALFORMED);
	assert_int_equal(one(MX_DNS_MX, zero, 0), MX_DNS_MALFORMED);
	assert_int_equal(one(MX_DNS_MX, zero, 1), MX_DNS_MALFORMED);
	assert_int_equal(one(MX_DNS_MX, zero, 2), MX_DNS_MALFORMED); /* no name */
	assert_int_equal(one(MX_DNS_MX, zero, 4), MX_DNS_MALFORMED); /* a byte too many */
	assert_int_equal(one(MX_DNS_CNAME, zero, 0), MX_DNS_MALFORMED);
	assert_int_equal(one(MX_DNS_CNAME, zero, 2), MX_DNS_MALFORMED);
	assert_int_equal(one(MX_DNS_PTR, zero, 0), MX_DNS_MALFORMED);
	assert_int_equal(one(MX_DNS_PTR, WIRE("\300\014\0")), MX_DNS_MALFORMED);
}

static void test_names_that_leave_their_data(void **state)
{
	(void)state;
	assert_int_equal(one(MX_DNS_CNAME, WIRE("\3abc")), MX_DNS_MALFORMED);
	assert_int_equal(one(MX_DNS_CNAME, WIRE("\4abc")), MX_DNS_MALFORMED);
	assert_int_equal(one(MX_DNS_CNAME, WIRE("\300")), MX_DNS_MALFORMED);
	begin_a();
	record(&m, ANSWER, OWNER, MX_DNS_CNAME, 60);
	put16(&m, 4); /* the name goes on where the next record begins */
	put(&m, WIRE("\3com"));
	record(&m, ANSWER, WIRE("\0"), MX_DNS_A, 60);
	data(&m, WIRE("\0\0\0\0"));
	assert_int_equal(read_whole(), MX_DNS_MALFORMED);
}

static void test_bad_pointers(void **state)
{
	static const char *const owners[] = {
		"\300\000", /* into the header */
		"\300\033", /* to itself: the question ends at 27 */
		"\300\034", /* into itself */
		"\377\377", /* forward, beyond all */
		"\100\000", /* no kind of label */
		"\200\000",
	};
	u32 i;

	(void)state;
	for (i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
		begin_a();
		assert_int_equal(m.length, 27);
		record(&m, ANSWER, owners[i], 2, MX_DNS_A, 60);
		data(&m, WIRE("\0\0\0\0"));
		assert_int_equal(read_whole(), MX_DNS_MALFORMED);
	}
	assert_int_equal(one(MX_DNS_CNAME, WIRE("\1a\300\047")), MX_DNS_MALFORMED); /* a.a.a...: the data is at 39 */
	assert_int_equal(one(MX_DNS_CNAME, WIRE("\1a\300\014")), MX_DNS_READ);
}

static void test_bad_question(void **state)
{
	(void)state;
	begin(&m, REPLY);
	question(&m, WIRE("\300\014"), MX_DNS_A);
	assert_int_equal(read_whole(), MX_DNS_MALFORMED);
}

/* What is no name anywhere makes the whole worthless, wherever the good records stand. */
static void test_bad_bytes_in_other_sections(void **state)
{
	u32 section;

	(void)state;
	for (section = AUTHORITY; section <= ADDITIONAL; section++) {
		begin_a();
		record(&m, ANSWER, OWNER, MX_DNS_A, 60);
		data(&m, WIRE("\300\0\2\1"));
		record(&m, section, WIRE("\200"), TXT, 60);
		data(&m, "", 0);
		assert_int_equal(read_whole(), MX_DNS_MALFORMED);
		assert_int_equal(answer.count, 0);
	}
}

static void test_giant_counts(void **state)
{
	u32 section;

	(void)state;
	for (section = ANSWER; section <= ADDITIONAL; section++) {
		whole();
		count(&m, section, 0xffff);
		assert_int_equal(read_whole(), MX_DNS_CUT);
		assert_int_equal(answer.count, 0);
	}
	begin_a();
	count(&m, ANSWER, 0xffff);
	count(&m, AUTHORITY, 0xffff);
	count(&m, ADDITIONAL, 0xffff);
	assert_int_equal(read_whole(), MX_DNS_CUT);
}

/* The most that 64 KB hold: records of the root, 11 bytes each. */
static void test_full_message(void **state)
{
	u32 n = 0;

	(void)state;
	begin_a();
	for (; m.length + 15 <= sizeof(m.bytes); n++) {
		record(&m, ANSWER, WIRE("\0"), MX_DNS_A, 60);
		data(&m, WIRE("\1\2\3\4"));
	}
	assert_int_equal(read_whole(), MX_DNS_READ);
	assert_int_equal(answer.count + answer.skipped, n);
	count(&m, ANSWER, n + 1);
	assert_int_equal(read_whole(), MX_DNS_CUT);
}

static void test_words_for_results(void **state)
{
	u32 i, j;

	(void)state;
	for (i = 0; i < MX_DNS_RESULTS; i++)
		for (j = 0; j < i; j++)
			assert_string_not_equal(mx_dns_result_text(i), mx_dns_result_text(j));
}

static enum mx_dns_result read_question(u32 flags, u32 type)
{
	begin(&m, flags);
	question(&m, GMAIL, type);
	memset(&answer, 0xff, sizeof(answer));
	return mx_dns_question_read(m.bytes, m.length, &answer);
}

static void test_questions(void **state)
{
	(void)state;
	assert_int_equal(read_question(0x0100, MX_DNS_MX), MX_DNS_READ);
	assert_string_equal(answer.name, "gmail.com");
	assert_int_equal(answer.type, MX_DNS_MX);
	assert_int_equal(answer.count, 0);
	assert_true(mx_dns_answer_is_sound(&answer, mx_dns_answer_size(&answer)));
	assert_int_equal(read_question(0x0110, TXT), MX_DNS_READ);
	assert_int_equal(answer.type, TXT);
	assert_int_equal(read_question(0x0000, MX_DNS_MX), MX_DNS_NOT_ANSWER); /* one server to another */
	assert_int_equal(read_question(0x2900, MX_DNS_MX), MX_DNS_NOT_ANSWER); /* an update */
	assert_int_equal(read_question(REPLY, MX_DNS_MX), MX_DNS_NOT_ANSWER);
	read_question(0x0100, MX_DNS_MX);
	assert_int_equal(mx_dns_question_read(m.bytes, m.length - 1, &answer), MX_DNS_CUT);
	assert_int_equal(mx_dns_question_read(m.bytes, 11, &answer), MX_DNS_CUT);
}

static bool is_sound(void)
{
	return mx_dns_answer_is_sound(&answer, mx_dns_answer_size(&answer));
}

/* Each field that a process might lie about, by itself. */
static void test_what_no_answer_can_be(void **state)
{
	const u8 two = 2;

	(void)state;
	whole();
	assert_int_equal(read_whole(), MX_DNS_READ);
	assert_int_equal(answer.count, 4);
	assert_false(mx_dns_answer_is_sound(&answer, mx_dns_answer_size(&answer) - 1));
	assert_false(mx_dns_answer_is_sound(&answer, mx_dns_answer_size(&answer) + 1));
	assert_false(mx_dns_answer_is_sound(&answer, 3));
	answer.count = MX_DNS_RECORDS + 1;
	assert_false(is_sound());
	read_whole();
	memset(answer.name, 'a', sizeof(answer.name));
	assert_false(is_sound());
	read_whole();
	strcpy(answer.name, "a\nb");
	assert_false(is_sound());
	read_whole();
	strcpy(answer.records[3].owner, "A");
	assert_false(is_sound());
	read_whole();
	memset(answer.records[1].target, 'a', sizeof(answer.records[1].target));
	assert_false(is_sound());
	read_whole();
	answer.records[0].type = 3;
	assert_false(is_sound());
	read_whole();
	answer.records[0].family = MX_FAMILIES;
	assert_false(is_sound());
	read_whole();
	answer.records[0].ttl = 0x80000000;
	assert_false(is_sound());
	read_whole();
	memcpy(&answer.records[0].additional, &two, 1);
	assert_false(is_sound());
	read_whole();
	memcpy(&answer.truncated, &two, 1);
	assert_false(is_sound());
}

static void test_random_bytes_are_no_answer(void **state)
{
	u64 seed = 7;
	u32 run;

	(void)state;
	for (run = 0; run < 1000; run++) {
		size_t size;

		whole();
		read_whole();
		size = mx_dns_answer_size(&answer);
		random_scribble(&answer, size, &seed);
		if (mx_dns_answer_is_sound(&answer, size)) /* then all of it can be used */
			assert_true(answer.count <= MX_DNS_RECORDS && strlen(answer.name) < MX_DNS_NAME);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mx),
		cmocka_unit_test(test_every_shorter_beginning_is_cut),
		cmocka_unit_test(test_what_follows_is_left_alone),
		cmocka_unit_test(test_cname_and_address),
		cmocka_unit_test(test_ptr),
		cmocka_unit_test(test_null_mx),
		cmocka_unit_test(test_no_records),
		cmocka_unit_test(test_additional_only_for_mx),
		cmocka_unit_test(test_other_records_are_passed_by),
		cmocka_unit_test(test_truncated_bit),
		cmocka_unit_test(test_unusable_names_drop_their_record_only),
		cmocka_unit_test(test_unusable_question),
		cmocka_unit_test(test_more_records_than_are_taken),
		cmocka_unit_test(test_more_unusable_records_than_are_taken),
		cmocka_unit_test(test_passed_by_without_a_look),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_errors_of_edns),
		cmocka_unit_test(test_not_answers),
		cmocka_unit_test(test_data_of_a_wrong_length),
		cmocka_unit_test(test_names_that_leave_their_data),
		cmocka_unit_test(test_bad_pointers),
		cmocka_unit_test(test_bad_question),
		cmocka_unit_test(test_bad_bytes_in_other_sections),
		cmocka_unit_test(test_giant_counts),
		cmocka_unit_test(test_full_message),
		cmocka_unit_test(test_words_for_results),
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_what_no_answer_can_be),
		cmocka_unit_test(test_random_bytes_are_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
