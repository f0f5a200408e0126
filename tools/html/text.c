// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/html/text.h"

#include <stdbool.h>
#include <stdint.h>

#include "core/port.h"

#define REPLACEMENT 0xfffdu

/* Characters that are not to be seen, or turn round what stands about them (Unicode's format controls). */
static const struct {
	u32 first, last;
} unwanted[] = {
	{ 0x00, 0x1f },     { 0x7f, 0x9f },     { 0xad, 0xad },     { 0x34f, 0x34f },     { 0x61c, 0x61c },
	{ 0x115f, 0x1160 }, { 0x17b4, 0x17b5 }, { 0x180b, 0x180f }, { 0x200b, 0x200f },   { 0x2028, 0x202e },
	{ 0x2060, 0x206f }, { 0x3164, 0x3164 }, { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff },   { 0xffa0, 0xffa0 },
	{ 0xfff0, 0xfffb }, { 0xfdd0, 0xfdef }, { 0xfffe, 0xffff }, { 0xe0000, 0xe0fff },
};

static bool is_wanted(u32 c)
{
	size_t i;

	for (i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++)
		if (c >= unwanted[i].first && c <= unwanted[i].last)
			return false;
	return (c & 0xfffe) != 0xfffe;
}

/* The next character, and how many bytes it has; one byte that begins none is U+FFFD (RFC 3629). */
static u32 next(const char *text, size_t *length)
{
	const u8 *at = (const u8 *)text;
	size_t more = at[0] >= 0xf0 ? 3 : at[0] >= 0xe0 ? 2 : 1, i;
	u32 c = at[0] & (0x3fu >> more);

	*length = 1;
	if (at[0] < 0x80)
		return at[0];
	if (at[0] < 0xc2 || at[0] > 0xf4)
		return REPLACEMENT;
	for (i = 1; i <= more; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return REPLACEMENT;
		c = c << 6 | (at[i] & 0x3f);
	}
	if ((more == 2 && c < 0x800) || (more == 3 && (c < 0x10000 || c > 0x10ffff)) || (c >= 0xd800 && c <= 0xdfff))
		return REPLACEMENT;
	*length = more + 1;
	return c;
}

static void put(const char *text, size_t length, u32 c, FILE *out)
{
	switch (c) {
	case '<':
		fputs("&lt;", out);
		break;
	case '>':
		fputs("&gt;", out);
		break;
	case '&':
		fputs("&amp;", out);
		break;
	case '"':
		fputs("&quot;", out);
		break;
	case '\'':
		fputs("&#39;", out);
		break;
	case '\t':
	case '\n':
	case '\r':
		fputc(' ', out);
		break;
	default:
		if (c != REPLACEMENT && is_wanted(c))
			fwrite(text, 1, length, out);
		else
			fputs("\xef\xbf\xbd", out);
	}
}

void mx_html_cut(const char *text, size_t most, FILE *out)
{
	size_t length;

	for (; *text && most; text += length, most--) {
		u32 c = next(text, &length);

		put(text, length, c, out);
	}
	if (*text)
		fputs("\xe2\x80\xa6", out);
}

void mx_html_text(const char *text, FILE *out)
{
	mx_html_cut(text, SIZE_MAX, out);
}
