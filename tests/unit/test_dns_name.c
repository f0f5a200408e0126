// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of the DNS, well and badly formed. Each is given in a block of its exact size (for ASan). */
#include "tests/unit/dns_message.h"

#include "daemon/dns_name.h"

/* Twelve bytes of header, with a name of before behind them. */
#define BEFORE "\0\0\0\0\0\0\0\0\0\0\0\0\6google\3com\0"
#define FIRST 12 /* "google.com" */
#define COM 19
#define NEXT 24 /* the name under test */

struct given {
	enum mx_dns_name_result result;
	size_t behind; /* how many bytes of the name stand where it was read */
	char text[MX_DNS_NAME];
};

static struct given read_at(const void *bytes, size_t length, size_t at)
{
	void *exact = malloc(length ? length : 1);
	struct given g = { .behind = at };

	memset(g.text, '#', sizeof(g.text));
	memcpy(exact, bytes, length);
	g.result = mx_dns_name_read(exact, length, &g.behind, g.text);
	g.behind -= at;
	free(exact);
	return g;
}

static struct given read_behind(const void *bytes, size_t length)
{
	struct message *m = malloc(sizeof(*m));
	struct given g;

	m->length = 0;
	put(m, WIRE(BEFORE));
	put(m, bytes, length);
	g = read_at(m->bytes, m->length, NEXT);
	free(m);
	return g;
}

#define EXPECT(name, length, written)                                                                                  \
	do {                                                                                                           \
		struct given g = read_behind(WIRE(name));                                                              \
		assert_int_equal(g.result, MX_DNS_NAME_READ);                                                          \
		assert_string_equal(g.text, written);                                                                  \
		assert_int_equal(g.behind, length);                                                                    \
	} while (0)
#define REFUSE(name, as) assert_int_equal(read_behind(WIRE(name)).result, as)
#define MALFORMED(name) REFUSE(name, MX_DNS_NAME_MALFORMED)
#define CUT(name) REFUSE(name, MX_DNS_NAME_CUT)

static void test_plain(void **state)
{
	(void)state;
	EXPECT("\0", 1, "");
	EXPECT("\1x\0", 3, "x");
	EXPECT("\2mx\7example\0rest", 12, "mx.example");
	EXPECT("\5Gmail\3cOM\0", 11, "gmail.com");
	EXPECT("\4_dmA\3a-b\0010\0", 12, "_dma.a-b.0"); /* no label is a number of its own kind */
}

static void test_compressed(void **state)
{
	(void)state;
	EXPECT("\300\014", 2, "google.com");
	EXPECT("\4ALT1\300\014rest", 7, "alt1.google.com");
	EXPECT("\5gmail\300\023", 8, "gmail.com");
	EXPECT("\300\027", 2, ""); /* to the root label of a name */
}

static void test_pointers_that_do_not_lead_backwards(void **state)
{
	(void)state;
	MALFORMED("\300\030");         /* to itself */
	MALFORMED("\1a\300\030");      /* to the beginning of the same name: a.a.a... */
	MALFORMED("\1a\300\032");      /* to the pointer itself, behind a label */
	MALFORMED("\1a\300\035\1b\0"); /* forward */
	MALFORMED("\377\377");         /* beyond the message */
	MALFORMED("\300\013");         /* into the header */
	MALFORMED("\300\0");           /* its first byte */
}

/* A part that a pointer leads to has to end before the part that points. */
static void test_parts_that_run_into_each_other(void **state)
{
	static const char over[] = "............\4ab\300\014\0";         /* the label holds the pointer to it */
	static const char two[] = "............\300\016\300\014";        /* each pointer leads to the other */
	static const char there[] = "............\300\016\1x\0\300\014"; /* back to a pointer that leads forward */

	(void)state;
	assert_int_equal(read_at(WIRE(over), 15).result, MX_DNS_NAME_MALFORMED);
	assert_int_equal(read_at(WIRE(two), 12).result, MX_DNS_NAME_MALFORMED);
	assert_int_equal(read_at(WIRE(two), 14).result, MX_DNS_NAME_MALFORMED);
	assert_int_equal(read_at(WIRE(there), 17).result, MX_DNS_NAME_MALFORMED);
}

static void test_kinds_of_labels_that_are_none(void **state)
{
	(void)state;
	MALFORMED("\100x\0");   /* 01: extended (RFC 2671, withdrawn) */
	MALFORMED("\101\1\0");  /* 01: a bit string (RFC 2673, withdrawn) */
	MALFORMED("\200x\0");   /* 10: never given a meaning */
	MALFORMED("\1a\277\0"); /* 10 */
	MALFORMED("\100\014");  /* nor are they pointers */
	MALFORMED("\200\014");
}

static void test_cut(void **state)
{
	(void)state;
	assert_int_equal(read_behind("", 0).result, MX_DNS_NAME_CUT);
	CUT("\3");
	CUT("\3co");
	CUT("\3com");
	CUT("\3com\300");
	CUT("\300");
}

static void test_unusable(void **state)
{
	u32 byte;

	(void)state;
	for (byte = 0; byte < 256; byte++) {
		char name[] = { 3, 'a', (char)byte, 'b', 3, 'c', 'o', 'm', 0 };
		struct given g = read_behind(name, sizeof(name));
		bool good =
			byte && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", (int)byte);

		assert_int_equal(g.result, good ? MX_DNS_NAME_READ : MX_DNS_NAME_UNUSABLE);
		assert_int_equal(g.behind, sizeof(name));
		assert_true(good || !g.text[0]);
	}
	REFUSE("\13evil.google\300\023", MX_DNS_NAME_UNUSABLE); /* a dot within a label is no border */
	MALFORMED("\1.\300\030");                               /* still held to the rules */
}

/* Labels of 63 bytes, so that the whole has `wire` bytes. */
static struct given read_long(size_t wire)
{
	u8 bytes[400];
	size_t at = 0;

	while (wire > 1) {
		size_t label = wire - 2 < 63 ? wire - 2 : 63;

		if (wire - 1 - (label + 1) == 1) /* never a rest that would be a label without bytes */
			label--;
		bytes[at++] = (u8)label;
		memset(bytes + at, 'x', label);
		at += label;
		wire -= label + 1;
	}
	bytes[at++] = 0;
	return read_behind(bytes, at);
}

static void test_length(void **state)
{
	struct given longest = read_long(255);
	u8 many[2 * 128 + 1];
	u32 i;

	(void)state;
	assert_int_equal(longest.result, MX_DNS_NAME_READ);
	assert_int_equal(strlen(longest.text), 253);
	assert_int_equal(read_long(256).result, MX_DNS_NAME_MALFORMED);
	for (i = 0; i < 128; i++) {
		many[2 * i] = 1;
		many[2 * i + 1] = 'x';
	}
	many[256] = 0;
	assert_int_equal(read_behind(many + 2, 255).result, MX_DNS_NAME_READ); /* 127 labels */
	assert_int_equal(read_behind(many, 257).result, MX_DNS_NAME_MALFORMED);
}

/* A name may be too long by what a pointer adds to it. */
static void test_length_by_pointers(void **state)
{
	static const u8 label[] = { 3, 'a', 'b', 'c', 0xc0, 0 };
	struct message *m = malloc(sizeof(*m));
	size_t at = FIRST, wire = 12;

	(void)state;
	m->length = 0;
	put(m, WIRE(BEFORE));
	for (; wire < 300; wire += 4) {
		size_t here = m->length;
		struct given g;

		put(m, label, 4);
		put16(m, 0xc000 | (u32)at);
		g = read_at(m->bytes, m->length, here);
		assert_int_equal(g.result, wire + 4 <= 255 ? MX_DNS_NAME_READ : MX_DNS_NAME_MALFORMED);
		at = here;
	}
	free(m);
}

/* Pointers that lead to pointers only: legal, but nobody needs more than 127. */
static void test_chains_of_pointers(void **state)
{
	struct message *m = malloc(sizeof(*m));
	size_t at = FIRST;
	u32 i;

	(void)state;
	m->length = 0;
	put(m, WIRE(BEFORE));
	for (i = 1; i <= 200; i++) {
		size_t here = m->length;
		struct given g;

		put16(m, 0xc000 | (u32)at);
		g = read_at(m->bytes, m->length, here);
		assert_int_equal(g.result, i <= 127 ? MX_DNS_NAME_READ : MX_DNS_NAME_MALFORMED);
		at = here;
	}
	free(m);
}

/* What the name may reach to is told apart from what the message holds. */
static void test_end(void **state)
{
	size_t at = NEXT;
	char text[MX_DNS_NAME];
	static const char bytes[] = BEFORE "\2mx\300\014";

	(void)state;
	assert_int_equal(mx_dns_name_read((const u8 *)bytes, NEXT + 5, &at, text), MX_DNS_NAME_READ);
	for (at = NEXT; at < NEXT + 5; at++) {
		size_t from = NEXT;

		assert_int_equal(mx_dns_name_read((const u8 *)bytes, at, &from, text), MX_DNS_NAME_CUT);
	}
}

static void try_skip(const void *bytes, size_t length, enum mx_dns_name_result result, size_t behind)
{
	void *exact = malloc(length ? length : 1);
	size_t at = 0;

	memcpy(exact, bytes, length);
	assert_int_equal(mx_dns_name_skip(exact, length, &at), result);
	assert_int_equal(at, behind);
	free(exact);
}

static void test_skip(void **state)
{
	u8 labels[300];
	u32 i;

	(void)state;
	try_skip(WIRE("\0"), MX_DNS_NAME_READ, 1);
	try_skip(WIRE("\2mx\7example\0rest"), MX_DNS_NAME_READ, 12);
	try_skip(WIRE("\2mx\377\377rest"), MX_DNS_NAME_READ, 5);
	try_skip("", 0, MX_DNS_NAME_CUT, 0);
	try_skip(WIRE("\2m"), MX_DNS_NAME_CUT, 0);
	try_skip(WIRE("\2mx"), MX_DNS_NAME_CUT, 0);
	try_skip(WIRE("\2mx\300"), MX_DNS_NAME_CUT, 0);
	try_skip(WIRE("\100\0"), MX_DNS_NAME_MALFORMED, 0);
	try_skip(WIRE("\1a\200\0"), MX_DNS_NAME_MALFORMED, 0);
	for (i = 0; i < sizeof(labels); i += 2)
		memcpy(labels + i, "\1x", 2);
	labels[254] = 0;
	try_skip(labels, sizeof(labels), MX_DNS_NAME_READ, 255);
	memcpy(labels + 254, "\1x\0", 3);
	try_skip(labels, sizeof(labels), MX_DNS_NAME_MALFORMED, 0);
	memcpy(labels + 252, "\2xy\0", 4);
	try_skip(labels, sizeof(labels), MX_DNS_NAME_MALFORMED, 0); /* 256 bytes */
	memcpy(labels + 252, "\1x\300\0", 4);
	try_skip(labels, sizeof(labels), MX_DNS_NAME_READ, 256);
}

static void test_ends_with(void **state)
{
	(void)state;
	assert_true(mx_dns_name_ends_with("google.com", "google.com"));
	assert_true(mx_dns_name_ends_with("alt1.google.com", "google.com"));
	assert_true(mx_dns_name_ends_with("a.b.google.com", "google.com"));
	assert_true(mx_dns_name_ends_with("alt1.google.com", "Google.COM"));
	assert_true(mx_dns_name_ends_with("google.com", "com"));
	assert_false(mx_dns_name_ends_with("evil-google.com", "google.com"));
	assert_false(mx_dns_name_ends_with("evilgoogle.com", "google.com"));
	assert_false(mx_dns_name_ends_with("google.com.evil.example", "google.com"));
	assert_false(mx_dns_name_ends_with("google.co", "google.com"));
	assert_false(mx_dns_name_ends_with("com", "google.com"));
	assert_false(mx_dns_name_ends_with("", "google.com"));
	assert_false(mx_dns_name_ends_with("google.com", ""));
	assert_false(mx_dns_name_ends_with("", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_compressed),
		cmocka_unit_test(test_pointers_that_do_not_lead_backwards),
		cmocka_unit_test(test_parts_that_run_into_each_other),
		cmocka_unit_test(test_kinds_of_labels_that_are_none),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_unusable),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_length_by_pointers),
		cmocka_unit_test(test_chains_of_pointers),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_skip),
		cmocka_unit_test(test_ends_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
