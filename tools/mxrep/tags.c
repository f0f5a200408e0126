// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/tags.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "daemon/log.h"

#define BLANKS " \t\r\n"

/* As DER numbers them. */
#define DER_INTEGER 0x02
#define DER_BITS 0x03
#define DER_SEQUENCE 0x30

static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (end > text && strchr(BLANKS, end[-1]))
		*--end = '\0';
	return text + strspn(text, BLANKS);
}

static const char *read_tag(struct rep_tags *tags, char *text)
{
	char *equals = strchr(text, '=');
	struct rep_tag *tag = &tags->items[tags->count];

	if (!equals)
		return "expected tags like v=...; p=..., each with an equals sign";
	*equals = '\0';
	tag->name = trim(text);
	tag->value = trim(equals + 1);
	if (!isalpha((unsigned char)*tag->name) ||
	    tag->name[strspn(tag->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")])
		return "expected the names of tags to be of letters and digits";
	if (rep_tags_get(tags, tag->name))
		return "expected each tag once";
	tags->count++;
	return NULL;
}

bool rep_tags_read(struct rep_tags *tags, const char *text, const char **wrong)
{
	char *next;

	*tags = (struct rep_tags){ 0 };
	*wrong = strlen(text) > REP_TAGS_BYTES ? "expected at most 16384 bytes" : NULL;
	tags->text = mx_strdup(*wrong ? "" : text);
	next = tags->text;
	while (next && !*wrong) {
		char *part = strsep(&next, ";");

		if (!part[strspn(part, BLANKS)])
			*wrong = next && next[strspn(next, BLANKS)] ? "expected a tag between two semicolons" : NULL;
		else if (tags->count == REP_TAGS_MAX)
			*wrong = "expected at most 64 tags";
		else
			*wrong = read_tag(tags, part);
	}
	return !*wrong;
}

void rep_tags_free(struct rep_tags *tags)
{
	free(tags->text);
}

const char *rep_tags_get(const struct rep_tags *tags, const char *name)
{
	u32 i;

	for (i = 0; i < tags->count; i++)
		if (!strcmp(tags->items[i].name, name))
			return tags->items[i].value;
	return NULL;
}

bool rep_tags_has(const char *value, char separator, const char *word)
{
	char *copy = mx_strdup(value), *next = copy, between[] = { separator, '\0' };
	bool found = false;

	while (next && !found)
		found = !strcasecmp(trim(strsep(&next, between)), word);
	free(copy);
	return found;
}

static int digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

size_t rep_base64(const char *text, u8 *bytes, size_t size)
{
	size_t used = 0, letters = 0, fill = 0;
	u32 bits = 0;

	for (; *text; text++) {
		int value = digit(*text);

		if (strchr(BLANKS, *text))
			continue;
		if (*text == '=' && letters % 4 >= 2 && fill < 2) {
			fill++;
			continue;
		}
		if (value < 0 || fill)
			return SIZE_MAX;
		bits = bits << 6 | (u32)value;
		if (letters++ % 4) {
			if (used == size)
				return SIZE_MAX;
			bytes[used++] = (u8)(bits >> (2 * (3 - (letters - 1) % 4)));
		}
	}
	return letters % 4 == 1 || (fill && (letters + fill) % 4) ? SIZE_MAX : used;
}

/* What is left of a DER value. */
struct der {
	const u8 *at;
	size_t length;
};

/* The content of the next element, if it is of this kind; `rest` moves behind it. */
static bool take(struct der *rest, u8 kind, struct der *content)
{
	size_t length, head = 2, extra, i;

	if (rest->length < 2 || rest->at[0] != kind)
		return false;
	length = rest->at[1];
	if (length & 0x80) {
		extra = length & 0x7f;
		head += extra;
		if (!extra || extra > 3 || rest->length < head)
			return false;
		for (length = 0, i = 2; i < head; i++)
			length = length << 8 | rest->at[i];
	}
	if (length > rest->length - head)
		return false;
	*content = (struct der){ rest->at + head, length };
	rest->at += head + length;
	rest->length -= head + length;
	return true;
}

/* The object identifier of rsaEncryption, 1.2.840.113549.1.1.1 (RFC 8017 A.1). */
static const u8 rsa[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };

/* From SubjectPublicKeyInfo to the key in it. */
static bool unwrap(struct der *key)
{
	struct der rest = *key, algorithm, bits;

	if (!take(&rest, DER_SEQUENCE, &algorithm))
		return true; /* perhaps it is the key itself */
	if (algorithm.length < sizeof(rsa) || memcmp(algorithm.at, rsa, sizeof(rsa)))
		return false;
	if (!take(&rest, DER_BITS, &bits) || bits.length < 1 || bits.at[0])
		return false;
	rest = (struct der){ bits.at + 1, bits.length - 1 };
	return take(&rest, DER_SEQUENCE, key);
}

u32 rep_rsa_bits(const u8 *bytes, size_t length)
{
	struct der all = { bytes, length }, key, modulus, exponent;
	u32 bits, top;

	if (!take(&all, DER_SEQUENCE, &key) || all.length || !unwrap(&key))
		return 0;
	if (!take(&key, DER_INTEGER, &modulus) || !take(&key, DER_INTEGER, &exponent) || !exponent.length)
		return 0;
	while (modulus.length && !*modulus.at) {
		modulus.at++;
		modulus.length--;
	}
	if (!modulus.length)
		return 0;
	bits = 8 * (u32)(modulus.length - 1);
	for (top = *modulus.at; top; top >>= 1)
		bits++;
	return bits;
}
