// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/dns_name.h"

#include <strings.h>

#define HEADER 12     /* no name stands in there */
#define MAX_WIRE 255  /* bytes, with the lengths and the root label (RFC 1035 2.3.4) */
#define MAX_JUMPS 127 /* a name has at most 127 labels, and to stand elsewhere each needs one pointer */
#define KIND 0xc0     /* the bits that tell a label from a pointer */

/* A name while it is read: in parts, each but the first found by the pointer that ends the one before. */
struct walk {
	const u8 *data;
	size_t at;
	size_t start;  /* of this part. The next has to lie before it, so the parts never meet again: no loop */
	size_t end;    /* this part has to end before it */
	size_t behind; /* the whole name, where it stands in the message; 0: not known yet */
	size_t wire;   /* bytes so far, as if nothing were compressed */
	size_t used;   /* bytes of text */
	u32 jumps;
	bool usable;
	char *text;
};

/* The byte as it stands in a text; 0: it has no place there. */
static char letter(u8 byte)
{
	if (byte >= 'A' && byte <= 'Z')
		return (char)(byte + ('a' - 'A'));
	if ((byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' || byte == '_')
		return (char)byte;
	return 0;
}

/* What is missing in the first part was cut off; in a part of before it runs into what points at it. */
static enum mx_dns_name_result beyond(const struct walk *w)
{
	return w->jumps ? MX_DNS_NAME_MALFORMED : MX_DNS_NAME_CUT;
}

static enum mx_dns_name_result follow(struct walk *w)
{
	size_t target;

	if (w->end - w->at < 2)
		return beyond(w);
	target = (w->data[w->at] & ~KIND & 0xff) << 8 | w->data[w->at + 1];
	if (target < HEADER || target >= w->start || w->jumps == MAX_JUMPS)
		return MX_DNS_NAME_MALFORMED;
	if (!w->jumps++)
		w->behind = w->at + 2;
	w->end = w->start;
	w->start = target;
	w->at = target;
	return MX_DNS_NAME_READ;
}

static enum mx_dns_name_result take_label(struct walk *w, size_t length)
{
	size_t i;

	w->wire += 1 + length;
	if (w->wire >= MAX_WIRE) /* the root label is still to come */
		return MX_DNS_NAME_MALFORMED;
	if (w->end - w->at < 1 + length)
		return beyond(w);
	if (w->used)
		w->text[w->used++] = '.';
	for (i = 1; i <= length; i++) {
		char c = letter(w->data[w->at + i]);

		w->usable &= c != 0;
		w->text[w->used++] = c;
	}
	w->at += 1 + length;
	return MX_DNS_NAME_READ;
}

enum mx_dns_name_result mx_dns_name_read(const u8 *data, size_t end, size_t *at, char *text)
{
	struct walk w = { .data = data, .at = *at, .start = *at, .end = end, .usable = true, .text = text };
	enum mx_dns_name_result result;

	for (;;) {
		u8 length;

		if (w.at >= w.end)
			return beyond(&w);
		length = data[w.at];
		if (!length)
			break;
		if ((length & KIND) && (length & KIND) != KIND)
			return MX_DNS_NAME_MALFORMED;
		result = length & KIND ? follow(&w) : take_label(&w, length);
		if (result != MX_DNS_NAME_READ)
			return result;
	}
	*at = w.jumps ? w.behind : w.at + 1;
	text[w.usable ? w.used : 0] = '\0';
	return w.usable ? MX_DNS_NAME_READ : MX_DNS_NAME_UNUSABLE;
}

enum mx_dns_name_result mx_dns_name_skip(const u8 *data, size_t end, size_t *at)
{
	size_t here = *at, length;

	do {
		if (here >= end)
			return MX_DNS_NAME_CUT;
		length = data[here];
		if ((length & KIND) && (length & KIND) != KIND)
			return MX_DNS_NAME_MALFORMED;
		here += length & KIND ? 2 : 1 + length;
		if (here > end)
			return MX_DNS_NAME_CUT;
		if (here - *at >
		    MAX_WIRE + (length & KIND ? 1 : 0)) /* a pointer is a byte longer than the root label */
			return MX_DNS_NAME_MALFORMED;
	} while (length && !(length & KIND));
	*at = here;
	return MX_DNS_NAME_READ;
}

bool mx_dns_name_ends_with(const char *name, const char *suffix)
{
	size_t length = strlen(name), tail = strlen(suffix);

	if (!tail || tail > length || strcasecmp(name + length - tail, suffix))
		return false;
	return tail == length || name[length - tail - 1] == '.';
}
