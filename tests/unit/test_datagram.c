// SPDX-License-Identifier: GPL-2.0-or-later
/* UDP packets of both families. Each is given in a block of its exact size (for ASan). */
#include "tests/unit/build.h"

#include "daemon/datagram.h"

/* Lengths are bytes of their own, since they are what is tried. */
#define IP4(ihl, total, fragment) ihl "\0" total "\0\0" fragment "\100\21\0\0\12\0\0\1\306\63\144\7"
#define FROM6 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
#define TO6 "\x20\x01\x0d\xb8\1\0\0\0\0\0\0\0\0\0\0\2"
#define IP6(length, next) "\140\0\0\0" length next "\100" FROM6 TO6
#define UDP(length) "\0\65\234\100" length "\0\0" /* 53 to 40000, no checksum */
#define FRAGMENT6(offset) "\21\0" offset "\0\0\0\1"

#define PLAIN4 IP4("\105", "\0\40", "\100\0") UDP("\0\14") "DATA"
#define PLAIN6 IP6("\0\14", "\21") UDP("\0\14") "DATA"

static bool parse(const void *bytes, size_t length, struct mx_datagram *d, char *payload)
{
	void *exact = malloc(length ? length : 1);
	bool good;

	memcpy(exact, bytes, length);
	good = mx_datagram_parse(exact, length, d);
	if (good) {
		assert_true(d->length <= length);
		memcpy(payload, d->data, d->length);
		payload[d->length] = '\0';
	}
	free(exact);
	return good;
}

static void expect(const char *bytes, size_t length, enum mx_family family, const char *payload, bool cut)
{
	struct mx_datagram d;
	char found[256];

	assert_true(parse(bytes, length, &d, found));
	assert_int_equal(d.family, family);
	if (family == MX_IPV4) {
		assert_true(!d.from.hi && d.from.lo == 0x0a000001 && !d.to.hi && d.to.lo == 0xc6336407);
	} else {
		assert_true(d.from.hi == 0x20010db800000000ULL && d.from.lo == 1);
		assert_true(d.to.hi == 0x20010db801000000ULL && d.to.lo == 2);
	}
	assert_int_equal(d.from_port, 53);
	assert_int_equal(d.to_port, 40000);
	assert_string_equal(found, payload);
	assert_int_equal(d.cut, cut);
}

static void refuse(const char *bytes, size_t length)
{
	struct mx_datagram d;
	char found[256];

	assert_false(parse(bytes, length, &d, found));
}

#define GOOD4(bytes, payload) expect(bytes, sizeof(bytes) - 1, MX_IPV4, payload, false)
#define GOOD6(bytes, payload) expect(bytes, sizeof(bytes) - 1, MX_IPV6, payload, false)
#define CUT4(bytes, payload) expect(bytes, sizeof(bytes) - 1, MX_IPV4, payload, true)
#define CUT6(bytes, payload) expect(bytes, sizeof(bytes) - 1, MX_IPV6, payload, true)
#define BAD(bytes) refuse(bytes, sizeof(bytes) - 1)

static void test_whole(void **state)
{
	(void)state;
	GOOD4(PLAIN4, "DATA");
	GOOD6(PLAIN6, "DATA");
	GOOD4(IP4("\106", "\0\44", "\0\0") "\1\1\1\1" UDP("\0\14") "DATA", "DATA"); /* an option of IP */
	GOOD4(IP4("\105", "\0\34", "\0\0") UDP("\0\10"), "");
	GOOD6(IP6("\0\10", "\21") UDP("\0\10"), "");
	GOOD6(IP6("\0\24", "\0") "\21\0\1\4\0\0\0\0" UDP("\0\14") "DATA", "DATA");
}

/* Bytes behind the UDP payload, within the packet, and behind the packet. */
static void test_what_follows_is_left_out(void **state)
{
	(void)state;
	GOOD4(IP4("\105", "\0\40", "\100\0") UDP("\0\12") "DATA", "DA");
	GOOD6(IP6("\0\14", "\21") UDP("\0\12") "DATA", "DA");
	GOOD4(PLAIN4 "padding", "DATA");
	GOOD6(PLAIN6 "padding", "DATA");
}

static void test_cut(void **state)
{
	size_t length;

	(void)state;
	CUT4(IP4("\105", "\0\40", "\100\0") UDP("\0\14") "DA", "DA");
	CUT6(IP6("\0\14", "\21") UDP("\0\14") "DA", "DA");
	for (length = 0; length < 28; length++)
		refuse(PLAIN4, length);
	for (length = 0; length < 48; length++)
		refuse(PLAIN6, length);
}

static void test_fragments(void **state)
{
	(void)state;
	CUT4(IP4("\105", "\0\40", "\40\0") UDP("\4\0") "DATA", "DATA"); /* the first */
	CUT4(IP4("\105", "\0\40", "\40\0") UDP("\4\0") "DATApadding", "DATA");
	BAD(IP4("\105", "\0\40", "\40\1") UDP("\0\14") "DATA"); /* the second */
	BAD(IP4("\105", "\0\40", "\0\1") UDP("\0\14") "DATA");  /* the last */
	CUT6(IP6("\0\24", "\54") FRAGMENT6("\0\1") UDP("\4\0") "DATA", "DATA");
	GOOD6(IP6("\0\24", "\54") FRAGMENT6("\0\0") UDP("\0\14") "DATA", "DATA"); /* the only one */
	BAD(IP6("\0\24", "\54") FRAGMENT6("\0\11") UDP("\0\14") "DATA");
	BAD(IP6("\0\24", "\54") FRAGMENT6("\0\10") UDP("\0\14") "DATA");
	BAD(IP6("\0\24", "\54") FRAGMENT6("\1\0") UDP("\0\14") "DATA");
}

static void test_lengths_that_contradict(void **state)
{
	(void)state;
	BAD(IP4("\105", "\0\40", "\100\0") UDP("\0\15") "DATA"); /* UDP says more than IP */
	BAD(IP4("\105", "\0\40", "\100\0") UDP("\0\15") "DATA?");
	BAD(IP6("\0\14", "\21") UDP("\0\15") "DATA?");
	BAD(IP4("\105", "\0\40", "\100\0") UDP("\0\7") "DATA"); /* less than its header */
	BAD(IP4("\105", "\0\40", "\100\0") UDP("\0\0") "DATA");
	BAD(IP4("\105", "\0\33", "\100\0") UDP("\0\10")); /* IP holds less than a header of UDP */
	BAD(IP4("\105", "\0\23", "\100\0") UDP("\0\10"));
	BAD(IP4("\105", "\0\33", "\40\0") UDP("\4\0")); /* nor does a first fragment do with less */
	BAD(IP6("\0\7", "\21") UDP("\0\10"));
	BAD(IP4("\104", "\0\40", "\100\0") UDP("\0\14") "DATA"); /* a header shorter than a header */
	BAD(IP4("\117", "\0\40", "\100\0") UDP("\0\14") "DATA"); /* longer than the packet */
}

static void test_not_udp(void **state)
{
	(void)state;
	BAD("\105\0\0\40\0\0\100\0\100\6\0\0\12\0\0\1\306\63\144\7" UDP("\0\14") "DATA");
	BAD(IP6("\0\14", "\6") UDP("\0\14") "DATA");
	BAD(IP6("\0\14", "\73") UDP("\0\14") "DATA");
	BAD(IP4("\125", "\0\40", "\100\0") UDP("\0\14") "DATA"); /* IP version 5 */
}

/* Eight headers before UDP are enough for any packet; nine are not read. */
static void test_many_headers(void **state)
{
	u32 n;

	(void)state;
	for (n = 0; n < 12; n++) {
		char bytes[200] = IP6("\0\0", "\0");
		size_t at = 40;
		struct mx_datagram d;
		char found[256];
		u32 i;

		bytes[5] = (char)(8 * n + 12);
		bytes[6] = n ? 60 : 17;
		for (i = 0; i < n; i++, at += 8)
			bytes[at] = i + 1 < n ? 60 : 17;
		memcpy(bytes + at, UDP("\0\14") "DATA", 12);
		assert_int_equal(parse(bytes, at + 12, &d, found), n <= 8);
	}
}

static void test_random(void **state)
{
	u64 seed = 20261124;
	u32 i, good = 0;

	(void)state;
	print_message("# seed %llu\n", (unsigned long long)seed);
	for (i = 0; i < 200000; i++) {
		char bytes[sizeof(PLAIN6) - 1], found[256];
		size_t length = i % 2 ? sizeof(PLAIN4) - 1 : sizeof(PLAIN6) - 1;
		struct mx_datagram d;
		u32 changes = 1 + random_next(&seed) % 3;

		memcpy(bytes, i % 2 ? PLAIN4 : PLAIN6, length);
		while (changes--)
			bytes[random_next(&seed) % length] = (char)random_next(&seed);
		good += parse(bytes, length - random_next(&seed) % 8, &d, found);
	}
	assert_in_range(good, 50000, 190000); /* both sides were tried */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_what_follows_is_left_out),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_lengths_that_contradict),
		cmocka_unit_test(test_not_udp),
		cmocka_unit_test(test_many_headers),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
