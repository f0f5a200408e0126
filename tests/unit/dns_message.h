/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DNS messages for tests, written byte by byte, right or wrong. */
#ifndef MX_TEST_DNS_MESSAGE_H
#define MX_TEST_DNS_MESSAGE_H

#include "tests/unit/build.h"

#include "daemon/dns_answer.h"

enum { ANSWER = 1, AUTHORITY, ADDITIONAL }; /* sections, by their place among the counts of the header */

struct message {
	size_t length;
	u8 bytes[65535];
};

static inline void put(struct message *m, const void *bytes, size_t length)
{
	assert_true(m->length + length <= sizeof(m->bytes));
	memcpy(m->bytes + m->length, bytes, length);
	m->length += length;
}

static inline void put16(struct message *m, u32 value)
{
	u8 bytes[] = { (u8)(value >> 8), (u8)value };

	put(m, bytes, 2);
}

static inline void put32(struct message *m, u32 value)
{
	put16(m, value >> 16);
	put16(m, value & 0xffff);
}

static inline void set16(struct message *m, size_t at, u32 value)
{
	m->bytes[at] = (u8)(value >> 8);
	m->bytes[at + 1] = (u8)value;
}

static inline void count(struct message *m, u32 section, u32 value)
{
	set16(m, 4 + 2 * section, value);
}

/* The header alone, with the flags given; the counts are 0. */
static inline void begin(struct message *m, u32 flags)
{
	m->length = 0;
	put16(m, 0x1234);
	put16(m, flags);
	put32(m, 0);
	put32(m, 0);
}

/* Bytes of a literal without its NUL: a name in wire form, or data. Each label's length is an octal escape. */
#define WIRE(literal) literal, sizeof(literal) - 1

static inline void question(struct message *m, const void *name, size_t length, u32 type)
{
	count(m, 0, 1);
	put(m, name, length);
	put16(m, type);
	put16(m, 1);
}

/* Owner, type, class and TTL of a record, which is counted. Length and data are the caller's. */
static inline void record(struct message *m, u32 section, const void *owner, size_t length, u32 type, u32 ttl)
{
	size_t at = 4 + 2 * section;

	count(m, section, (u32)(m->bytes[at] << 8 | m->bytes[at + 1]) + 1);
	put(m, owner, length);
	put16(m, type);
	put16(m, 1);
	put32(m, ttl);
}

static inline void data(struct message *m, const void *bytes, size_t length)
{
	put16(m, (u32)length);
	put(m, bytes, length);
}

/* From a block of just this size, so that ASan sees each byte read behind it. */
static inline enum mx_dns_result read_exact(const void *bytes, size_t length, struct mx_dns_answer *answer)
{
	void *exact = malloc(length ? length : 1);
	enum mx_dns_result result;

	memcpy(exact, bytes, length);
	result = mx_dns_answer_read(exact, length, answer);
	free(exact);
	return result;
}

#endif
