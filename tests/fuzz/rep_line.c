// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target: the bytes are lines of a log, read by each format in turn. Whatever they are, what is read of them has
 * to be sane and the same twice, and a good line behind them says what it always says.
 */
#include <stdlib.h>

#include "tests/fuzz/target.h"
#include "tools/mxrep/line.h"

#define REFERENCE 1795305600  /* 2026-11-22T00:00:00Z */
#define LATEST 253402300800LL /* the year 10000 */

static const char good[] = "Nov 21 20:38:35 mail postfix/qmgr[1]: 4ABC: removed";

#define GOOD_TIME 1795289915000000 /* an hour less than in UTC */

#define TEXTS 7

static void texts_of(const struct rep_line *line, struct rep_text texts[TEXTS])
{
	texts[0] = line->instance;
	texts[1] = line->queue_id;
	texts[2] = line->message_id;
	texts[3] = line->recipient;
	texts[4] = line->relay;
	texts[5] = line->reply;
	texts[6] = line->dsn;
}

/* The journal's texts are the reader's own: ASan sees what is not; there is never more of them than was given. */
static bool texts_are_sane(const struct rep_line *line, const char *begin, size_t length, bool own)
{
	struct rep_text texts[TEXTS];
	size_t i, j, sum = 0;

	texts_of(line, texts);
	for (i = 0; i < TEXTS; i++) {
		if (!texts[i].length)
			continue;
		if (texts[i].length > length)
			return false;
		if (!own && (texts[i].at < begin || texts[i].at + texts[i].length > begin + length))
			return false;
		for (j = 0; j < texts[i].length; j++)
			sum += (u8)texts[i].at[j];
	}
	return sum <= 255 * TEXTS * length;
}

static bool is_empty(const struct rep_line *line)
{
	struct rep_text texts[TEXTS];
	size_t i;

	texts_of(line, texts);
	for (i = 0; i < TEXTS; i++)
		if (texts[i].length)
			return false;
	return !line->has_address && !line->port && !line->local_port && !line->recipients && !line->pid && !line->uses;
}

static bool is_sane(const struct rep_line *line)
{
	if (line->time < 0 || line->time >= LATEST * 1000000)
		return false;
	if (line->kind == REP_LINE_OTHER)
		return is_empty(line);
	if (line->kind > REP_LINE_REMOVED || line->mta == REP_FORMAT_AUTO || line->mta >= REP_FORMAT_JOURNAL)
		return false;
	if (!line->queue_id.length)
		return false;
	if (line->kind != REP_LINE_ATTEMPT)
		return !line->recipients && !line->has_address && !line->has_body;
	if (line->outcome >= REP_OUTCOMES || line->reach > REP_SUSPENDED || !line->recipients)
		return false;
	return !line->has_address || line->family < MX_FAMILIES;
}

static bool are_same(const struct rep_line *a, const struct rep_line *b)
{
	struct rep_text x[TEXTS], y[TEXTS];
	size_t i;

	texts_of(a, x);
	texts_of(b, y);
	for (i = 0; i < TEXTS; i++)
		if (x[i].length != y[i].length)
			return false;
	return a->kind == b->kind && a->mta == b->mta && a->time == b->time && a->recipients == b->recipients &&
	       a->outcome == b->outcome && a->reach == b->reach && a->pid == b->pid &&
	       a->has_address == b->has_address && a->family == b->family && !mx_addr_cmp(a->address, b->address) &&
	       a->port == b->port && a->local_port == b->local_port && a->uses == b->uses &&
	       a->connect_ms == b->connect_ms && a->transfer_ms == b->transfer_ms && a->size == b->size &&
	       a->has_body == b->has_body;
}

/* In a block of its exact size (for ASan). */
static void read_one(struct rep_reader *reader, enum rep_format format, const char *line, size_t length)
{
	bool own = format == REP_FORMAT_JOURNAL || (format == REP_FORMAT_AUTO && length && *line == '{');
	char *text = malloc(length ? length : 1);
	struct rep_line first, second;

	if (!text)
		abort();
	memcpy(text, line, length);

	rep_reader_line(reader, text, length, &first);
	if (!is_sane(&first) || !texts_are_sane(&first, text, length, own))
		abort();
	rep_reader_line(reader, text, length, &second);
	if (!are_same(&first, &second))
		abort();
	free(text);
}

static void read_all(enum rep_format format, const char *at, const char *end)
{
	struct rep_reader *reader = rep_reader_new(format, REFERENCE);
	struct rep_line line;

	if (!reader)
		abort();
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		if (!newline)
			newline = end;
		read_one(reader, format, at, (size_t)(newline - at));
		at = newline < end ? newline + 1 : end;
	}
	rep_reader_line(reader, good, sizeof(good) - 1, &line);
	if (format == REP_FORMAT_AUTO || format == REP_FORMAT_POSTFIX) {
		if (line.kind != REP_LINE_REMOVED || line.time != GOOD_TIME)
			abort();
	}
	rep_reader_free(reader);
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t length)
{
	int format;

	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	for (format = 0; format < REP_FORMATS; format++)
		read_all((enum rep_format)format, (const char *)bytes, (const char *)bytes + length);
	return 0;
}
