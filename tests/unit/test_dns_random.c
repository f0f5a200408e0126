// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random DNS answers, with random compression, by a deliberately naive writer that notes what it writes: the parser has
 * to give back just that. Then each is spoiled at random: whatever it says, the reads stay inside (ASan watches).
 */
#include "tests/unit/dns_message.h"

#include "tests/dns_check.h"

#define MESSAGES 100000
#define PLACES 4096
#define CLASS_CH 3

/* Where a name, or the rest of one, stands in the message. */
struct place {
	u16 at;
	u8 length;
	u8 wire[255]; /* in lower case */
};

static struct message m;
static struct place places[PLACES];
static u32 place_count;
static struct mx_dns_answer expected, answer;
static u64 seed = 20261123;

static u32 below(u32 bound)
{
	return (u32)(random_next(&seed) >> 11) % bound;
}

static u8 lower(u8 byte)
{
	return byte >= 'A' && byte <= 'Z' ? byte + 32 : byte;
}

/* A label of one of a few, so that names share endings; rarely of any bytes, and as long as it gets. */
static u32 make_label(u8 *wire)
{
	static const char *const labels[] = { "google", "GOOGLE", "com", "Com", "l", "mx-1", "_dmarc", "x9", "alt1" };
	const char *label = labels[below(9)];
	u32 length = (u32)strlen(label), i;

	memcpy(wire + 1, label, length);
	if (!below(8)) {
		length = 1 + below(63);
		for (i = 0; i < length; i++)
			wire[1 + i] = "abcdefghijklmnopqrstuvwxyz0123456789-_ABCDEFGHIJ"[below(48)];
	}
	if (!below(60))
		wire[1 + below(length)] = (u8)below(256);
	wire[0] = (u8)length;
	return 1 + length;
}

/* A name in wire form without compression; returns its length. */
static u32 make_name(u8 *wire)
{
	u32 labels = below(20) ? below(6) : 127, length = 0;

	while (labels--) {
		u8 label[64];
		u32 n = make_label(label);

		if (length + n + 1 > 255)
			break;
		memcpy(wire + length, label, n);
		length += n;
	}
	wire[length++] = 0;
	return length;
}

/* The text a name should have; false: it should be unusable. */
static bool spell(const u8 *wire, char *text)
{
	char *to = text;
	u32 i;

	for (; *wire; wire += 1 + *wire) {
		if (to != text)
			*to++ = '.';
		for (i = 1; i <= *wire; i++) {
			if (!wire[i] || !strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", lower(wire[i]))) {
				*text = '\0';
				return false;
			}
			*to++ = (char)lower(wire[i]);
		}
	}
	*to = '\0';
	return true;
}

/* Any of the places where this name stands already; NULL: none. */
static const struct place *find(const u8 *wire, u32 length)
{
	u32 start = place_count ? below(place_count) : 0, i, j;

	for (i = 0; i < place_count; i++) {
		const struct place *p = &places[(start + i) % place_count];

		for (j = 0; p->length == length && j < length && p->wire[j] == lower(wire[j]); j++)
			;
		if (p->length == length && j == length)
			return p;
	}
	return NULL;
}

static void remember(size_t at, const u8 *wire, u32 length)
{
	struct place *p = &places[place_count];
	u32 i;

	if (at >= 0x4000 || place_count == PLACES)
		return;
	place_count++;
	p->at = (u16)at;
	p->length = (u8)length;
	for (i = 0; i < length; i++)
		p->wire[i] = lower(wire[i]);
}

/* Writes label by label, and at any of them may go on by a pointer. What it wrote can be pointed at afterwards. */
static void put_name(const u8 *wire, u32 length)
{
	size_t at[128];
	u32 from[128], n = 0, i, done = 0;

	while (done < length) {
		const struct place *p = below(3) ? find(wire + done, length - done) : NULL;

		at[n] = m.length;
		from[n++] = done;
		if (p) {
			put16(&m, 0xc000 | p->at);
			break;
		}
		put(&m, wire + done, 1u + wire[done]);
		done += 1u + wire[done];
	}
	for (i = 0; i < n; i++)
		if (!below(3))
			remember(at[i], wire + from[i], length - from[i]);
}

static void put_target(struct mx_dns_record *r, bool *usable)
{
	u8 wire[255];
	u32 length = make_name(wire);

	*usable &= spell(wire, r->target);
	put_name(wire, length);
}

static void put_address(struct mx_dns_record *r)
{
	u64 words[2] = { random_next(&seed), random_next(&seed) };
	u8 *bytes = (u8 *)words;
	u32 i, size = r->type == MX_DNS_A ? 4 : 16;

	put(&m, bytes, size);
	r->family = r->type == MX_DNS_A ? MX_IPV4 : MX_IPV6;
	for (i = 0; i < size; i++) {
		r->addr.hi = r->addr.hi << 8 | r->addr.lo >> 56;
		r->addr.lo = r->addr.lo << 8 | bytes[i];
	}
}

static void put_rubbish(void)
{
	u32 length = below(40);

	while (length--) {
		u8 byte = (u8)below(256);

		put(&m, &byte, 1);
	}
}

/* What a reader should make of a record that it wants. */
static void expect_record(const struct mx_dns_record *r, bool usable)
{
	if (expected.count + expected.unusable == MX_DNS_RECORDS)
		expected.skipped++;
	else if (!usable)
		expected.unusable++;
	else
		expected.records[expected.count++] = *r;
}

static void put_record(u32 section)
{
	static const u16 types[] = { 1, 1, 28, 28, 5, 15, 15, 12, 2, 6, 16, 46, 255 };
	u32 type = types[below(13)], ttl = (u32)random_next(&seed), class = below(12) ? 1 : CLASS_CH;
	struct mx_dns_record r = { .type = type, .additional = section == ADDITIONAL };
	bool known = type == 1 || type == 28 || type == 5 || type == 15 || type == 12, usable;
	u8 wire[255];
	u32 length = make_name(wire);
	size_t begins;

	usable = spell(wire, r.owner);
	put_name(wire, length);
	put16(&m, type);
	put16(&m, class);
	put32(&m, ttl);
	r.ttl = ttl < 0x80000000 ? ttl : 0;
	put16(&m, 0);
	begins = m.length;
	if (type == MX_DNS_MX) {
		r.preference = (u16)below(65536);
		put16(&m, r.preference);
	}
	if (type == MX_DNS_A || type == MX_DNS_AAAA)
		put_address(&r);
	else if (known)
		put_target(&r, &usable);
	else
		put_rubbish();
	set16(&m, begins - 2, (u32)(m.length - begins));
	if (known && class == 1 && (section == ANSWER || (section == ADDITIONAL && expected.type == MX_DNS_MX)))
		expect_record(&r, usable);
}

/* An OPT record, with a code that makes the header's one of EDNS. */
static void put_edns(u32 code)
{
	record(&m, ADDITIONAL, "", 1, 41, code << 24 | below(65536));
	put16(&m, 0);
	expected.error |= code << 4;
}

static enum mx_dns_result put_question(void)
{
	static const u16 types[] = { 15, 15, 1, 28, 12, 5, 255 };
	u8 wire[255];
	u32 length = make_name(wire), code = below(10) ? 0 : below(16), tc = !below(10);
	bool usable = spell(wire, expected.name);

	begin(&m, 0x8180 | tc << 9 | below(8) << 4 | code); /* some bits that mean nothing here */
	expected.type = types[below(7)];
	expected.truncated = tc;
	expected.error = (u16)code;
	count(&m, 0, 1);
	put_name(wire, length);
	put16(&m, expected.type);
	put16(&m, 1);
	return usable ? MX_DNS_READ : MX_DNS_UNUSABLE;
}

static enum mx_dns_result make_message(void)
{
	u32 section, n, i, opt = below(3) ? 0 : 1 + below(2);
	enum mx_dns_result result;

	place_count = 0;
	memset(&expected, 0, sizeof(expected));
	result = put_question();
	for (section = ANSWER; section <= ADDITIONAL; section++) {
		n = below(40) ? below(8) : below(300);
		for (i = 0; i < n; i++)
			put_record(section);
		count(&m, section, n);
	}
	if (opt)
		put_edns(opt == 2 && !below(4) ? below(256) : 0);
	put_rubbish();
	if (result == MX_DNS_READ && expected.error)
		result = expected.error == 2 ? MX_DNS_SERVFAIL : expected.error == 3 ? MX_DNS_NXDOMAIN : MX_DNS_ERROR;
	if (result != MX_DNS_READ)
		expected.count = expected.skipped = expected.unusable = 0;
	if (result == MX_DNS_UNUSABLE) { /* nothing behind the question is looked at */
		expected.type = 0;
		expected.error &= 15;
	}
	return result;
}

static void test_what_was_written_is_read(void **state)
{
	u32 results[MX_DNS_RESULTS] = { 0 }, i, records = 0, skipped = 0, unusable = 0, pointers = 0;

	(void)state;
	print_message("# seed %llu\n", (unsigned long long)seed);
	for (i = 0; i < MESSAGES; i++) {
		enum mx_dns_result result = make_message();

		results[result]++;
		assert_int_equal(read_exact(m.bytes, m.length, &answer), result);
		assert_true(dns_answers_are_same(&answer, &expected));
		assert_true(dns_answer_is_sane(result, &answer));
		records += answer.count;
		skipped += answer.skipped;
		unusable += answer.unusable;
		pointers += place_count > 0;
	}
	print_message("# %u read, with %u records (%u more skipped, %u unusable)\n", results[MX_DNS_READ], records,
		      skipped, unusable);
	/* all kinds came up */
	assert_true(results[MX_DNS_READ] > MESSAGES / 2 && results[MX_DNS_UNUSABLE] && results[MX_DNS_ERROR]);
	assert_true(results[MX_DNS_NXDOMAIN] && results[MX_DNS_SERVFAIL]);
	assert_true(records > MESSAGES && skipped && unusable && pointers > MESSAGES / 2);
}

/* One to four bytes changed, a piece doubled or taken out, or the end cut off. */
static void spoil(void)
{
	size_t at = below((u32)m.length), length = 1 + below(16), i;
	u32 changes = 1 + below(4);

	if (length > m.length - at)
		length = m.length - at;
	switch (below(5)) {
	case 0:
		memmove(m.bytes + at, m.bytes + at + length, m.length - at - length);
		m.length -= length;
		break;
	case 1:
		if (m.length + length > sizeof(m.bytes))
			break;
		memmove(m.bytes + at + length, m.bytes + at, m.length - at);
		m.length += length;
		break;
	case 2:
		m.length = at;
		break;
	default:
		for (i = 0; i < changes; i++)
			m.bytes[below((u32)m.length)] = below(3) ? (u8)below(256) : 0xc0;
	}
}

static void test_spoiled_messages_are_read_within_bounds(void **state)
{
	u32 results[MX_DNS_RESULTS] = { 0 }, i;

	(void)state;
	print_message("# seed %llu\n", (unsigned long long)seed);
	for (i = 0; i < MESSAGES; i++) {
		enum mx_dns_result result;

		make_message();
		spoil();
		result = read_exact(m.bytes, m.length, &answer);
		assert_true(dns_answer_is_sane(result, &answer));
		results[result]++;
	}
	for (i = 0; i < MX_DNS_RESULTS; i++)
		assert_true(results[i] > 50); /* every end was met */
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_what_was_written_is_read),
					    cmocka_unit_test(test_spoiled_messages_are_read_within_bounds) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
