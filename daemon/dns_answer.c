// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/dns_answer.h"

#include "daemon/text.h"

#define HEADER 12
#define QR 0x80 /* in the third byte: an answer */
#define OPCODE 0x78
#define RD 0x01 /* recursion is desired */
#define CLASS_IN 1
#define TYPE_OPT 41

enum section {
	ANSWER,
	AUTHORITY,
	ADDITIONAL,
};

struct reader {
	const u8 *data;
	size_t length;
	size_t at;
	struct mx_dns_answer *answer;
};

/* What stands before the data of every record. */
struct fixed {
	u16 type;
	u16 class;
	u32 ttl;
	u16 length;
};

static u16 get16(const u8 *bytes)
{
	return (u16)(bytes[0] << 8 | bytes[1]);
}

static u32 get32(const u8 *bytes)
{
	return (u32)get16(bytes) << 16 | get16(bytes + 2);
}

static bool has(const struct reader *r, size_t bytes)
{
	return r->length - r->at >= bytes;
}

static enum mx_dns_result from_name(enum mx_dns_name_result result)
{
	return result == MX_DNS_NAME_CUT         ? MX_DNS_CUT
	       : result == MX_DNS_NAME_MALFORMED ? MX_DNS_MALFORMED
						 : MX_DNS_READ;
}

/* MX_DNS_READ also for an unusable name, which *usable tells. */
static enum mx_dns_result read_name(struct reader *r, size_t end, char *text, bool *usable)
{
	enum mx_dns_name_result result = mx_dns_name_read(r->data, end, &r->at, text);

	*usable = result == MX_DNS_NAME_READ;
	return from_name(result);
}

static enum mx_dns_result read_header(struct reader *r, u8 mask, u8 flags)
{
	if (r->length < HEADER)
		return MX_DNS_CUT;
	if ((r->data[2] & mask) != flags)
		return MX_DNS_NOT_ANSWER;
	if (get16(r->data + 4) != 1) /* RFC 9619: a query has one question, and only errors come without */
		return MX_DNS_NOT_ANSWER;
	r->answer->truncated = r->data[2] & 0x02;
	r->answer->error = r->data[3] & 0x0f;
	r->at = HEADER;
	return MX_DNS_READ;
}

static enum mx_dns_result read_question(struct reader *r)
{
	bool usable;
	enum mx_dns_result result = read_name(r, r->length, r->answer->name, &usable);

	if (result != MX_DNS_READ)
		return result;
	if (!has(r, 4))
		return MX_DNS_CUT;
	r->answer->type = get16(r->data + r->at);
	if (get16(r->data + r->at + 2) != CLASS_IN)
		return MX_DNS_NOT_ANSWER;
	r->at += 4;
	return usable ? MX_DNS_READ : MX_DNS_UNUSABLE;
}

static enum mx_dns_result read_fixed(struct reader *r, struct fixed *fixed)
{
	const u8 *bytes = r->data + r->at;

	if (!has(r, 10))
		return MX_DNS_CUT;
	fixed->type = get16(bytes);
	fixed->class = get16(bytes + 2);
	fixed->ttl = get32(bytes + 4);
	fixed->length = get16(bytes + 8);
	r->at += 10;
	return has(r, fixed->length) ? MX_DNS_READ : MX_DNS_CUT;
}

/* The name has to end just where the record does. */
static bool read_target(struct reader *r, size_t end, struct mx_dns_record *record, bool *usable)
{
	return read_name(r, end, record->target, usable) == MX_DNS_READ && r->at == end;
}

static bool read_data(struct reader *r, u16 length, struct mx_dns_record *record, bool *usable)
{
	size_t end = r->at + length;

	switch (record->type) {
	case MX_DNS_A:
	case MX_DNS_AAAA:
		record->family = record->type == MX_DNS_A ? MX_IPV4 : MX_IPV6;
		if (length != mx_addr_size(record->family))
			return false;
		record->addr = mx_addr_from_bytes(record->family, r->data + r->at);
		r->at = end;
		return true;
	case MX_DNS_MX:
		if (length < 2)
			return false;
		record->preference = get16(r->data + r->at);
		r->at += 2;
		return read_target(r, end, record, usable);
	default:
		return read_target(r, end, record, usable);
	}
}

static bool is_wanted(const struct reader *r, enum section section, const struct fixed *fixed)
{
	if (section == AUTHORITY || (section == ADDITIONAL && r->answer->type != MX_DNS_MX))
		return false;
	switch (fixed->type) {
	case MX_DNS_A:
	case MX_DNS_CNAME:
	case MX_DNS_PTR:
	case MX_DNS_MX:
	case MX_DNS_AAAA:
		return fixed->class == CLASS_IN;
	}
	return false;
}

/* The data are at r->at, the owner's name at `owner`. */
static enum mx_dns_result take_record(struct reader *r, size_t owner, enum section section, const struct fixed *fixed)
{
	struct mx_dns_record *record = &r->answer->records[r->answer->count];
	bool usable, target_usable = true;
	size_t data = r->at;

	r->at = owner;
	if (read_name(r, data, record->owner, &usable) != MX_DNS_READ)
		return MX_DNS_MALFORMED;
	r->at = data;
	record->type = fixed->type;
	record->additional = section == ADDITIONAL;
	record->preference = 0;
	record->family = MX_IPV4;
	record->ttl = fixed->ttl >> 31 ? 0 : fixed->ttl;
	record->addr = (struct mx_addr){ 0, 0 };
	record->target[0] = '\0';
	if (!read_data(r, fixed->length, record, &target_usable))
		return MX_DNS_MALFORMED;
	if (usable && target_usable)
		r->answer->count++;
	else
		r->answer->unusable++;
	return MX_DNS_READ;
}

static enum mx_dns_result read_record(struct reader *r, enum section section)
{
	struct mx_dns_answer *answer = r->answer;
	enum mx_dns_result result;
	size_t owner = r->at;
	struct fixed fixed;

	result = from_name(mx_dns_name_skip(r->data, r->length, &r->at));
	if (result == MX_DNS_READ)
		result = read_fixed(r, &fixed);
	if (result != MX_DNS_READ)
		return result;
	if (is_wanted(r, section, &fixed)) {
		if (answer->count + answer->unusable < MX_DNS_RECORDS)
			return take_record(r, owner, section, &fixed);
		answer->skipped++;
	} else if (section == ADDITIONAL && fixed.type == TYPE_OPT) {
		answer->error |= (fixed.ttl >> 24) << 4; /* RFC 6891 6.1.3 */
	}
	r->at += fixed.length;
	return MX_DNS_READ;
}

static enum mx_dns_result read_sections(struct reader *r)
{
	enum mx_dns_result result;
	u32 section, left;

	for (section = ANSWER; section <= ADDITIONAL; section++) {
		for (left = get16(r->data + 6 + 2 * section); left; left--) {
			result = read_record(r, section);
			if (result != MX_DNS_READ)
				return result;
		}
	}
	return r->answer->error == 0   ? MX_DNS_READ
	       : r->answer->error == 2 ? MX_DNS_SERVFAIL
	       : r->answer->error == 3 ? MX_DNS_NXDOMAIN
				       : MX_DNS_ERROR;
}

enum mx_dns_result mx_dns_answer_read(const u8 *data, size_t length, struct mx_dns_answer *answer)
{
	struct reader r = { .data = data, .length = length, .answer = answer };
	enum mx_dns_result result;

	memset(answer, 0, offsetof(struct mx_dns_answer, records));
	result = read_header(&r, QR | OPCODE, QR);
	if (result == MX_DNS_READ)
		result = read_question(&r);
	if (result == MX_DNS_READ)
		result = read_sections(&r);
	if (result != MX_DNS_READ)
		answer->count = answer->skipped = answer->unusable = 0;
	if (result != MX_DNS_READ && result < MX_DNS_NXDOMAIN) {
		answer->name[0] = '\0';
		answer->type = 0;
	}
	return result;
}

enum mx_dns_result mx_dns_question_read(const u8 *data, size_t length, struct mx_dns_answer *question)
{
	struct reader r = { .data = data, .length = length, .answer = question };
	enum mx_dns_result result;

	memset(question, 0, offsetof(struct mx_dns_answer, records));
	result = read_header(&r, QR | OPCODE | RD, RD);
	return result == MX_DNS_READ ? read_question(&r) : result;
}

/* --- from a process that is not trusted ------------------------------------------------------------------------- */

static size_t size_of(u32 count)
{
	return offsetof(struct mx_dns_answer, records) + count * sizeof(struct mx_dns_record);
}

size_t mx_dns_answer_size(const struct mx_dns_answer *answer)
{
	return size_of(answer->count);
}

static bool is_name(const char *text)
{
	const char *at;

	if (!memchr(text, '\0', MX_DNS_NAME))
		return false;
	for (at = text; *at; at++)
		if (!(*at >= 'a' && *at <= 'z') && !(*at >= '0' && *at <= '9') && !strchr("-_.", *at))
			return false;
	return true;
}

/* A byte that is neither 0 nor 1 must never be taken for a bool. */
static bool is_bool(const bool *value)
{
	u8 byte;

	memcpy(&byte, value, sizeof(byte));
	return byte <= 1;
}

static bool is_record(const struct mx_dns_record *r)
{
	switch ((u32)r->type) {
	case MX_DNS_A:
	case MX_DNS_AAAA:
	case MX_DNS_CNAME:
	case MX_DNS_PTR:
	case MX_DNS_MX:
		break;
	default:
		return false;
	}
	return is_bool(&r->additional) && (u32)r->family < MX_FAMILIES && r->ttl <= 0x7fffffff && is_name(r->owner) &&
	       is_name(r->target);
}

bool mx_dns_answer_is_sound(const void *bytes, size_t size)
{
	const struct mx_dns_answer *answer = bytes;
	u32 i;

	if (size < size_of(0) || answer->count > MX_DNS_RECORDS || size != size_of(answer->count) ||
	    !is_bool(&answer->truncated) || !is_name(answer->name))
		return false;
	for (i = 0; i < answer->count; i++)
		if (!is_record(&answer->records[i]))
			return false;
	return true;
}

/* --- told ------------------------------------------------------------------------------------------------------- */

const char *mx_dns_result_text(enum mx_dns_result result)
{
	static const char *const texts[MX_DNS_RESULTS] = {
		[MX_DNS_READ] = "read",
		[MX_DNS_NOT_ANSWER] = "not an answer",
		[MX_DNS_UNUSABLE] = "unusable name",
		[MX_DNS_CUT] = "cut off",
		[MX_DNS_MALFORMED] = "malformed",
		[MX_DNS_NXDOMAIN] = "no such name",
		[MX_DNS_SERVFAIL] = "server failed",
		[MX_DNS_ERROR] = "error",
	};

	return texts[result];
}
