// SPDX-License-Identifier: GPL-2.0-or-later
/* systemd's journal, as journalctl -o json tells it: systemd.journal-fields(7), one object a line. */
#include <jansson.h>
#include <stdlib.h>

#include "tools/mxrep/line_parts.h"

struct rep_journal {
	json_t *object;               /* the texts of the line at hand are in it */
	char bytes[REP_LINE_MAX / 2]; /* or here: a message in no good UTF-8 comes as "[72,105]", two letters a byte */
};

void rep_journal_free(struct rep_journal *journal)
{
	if (!journal)
		return;
	json_decref(journal->object);
	free(journal);
}

/* A field's text; without bytes where it is missing or no text. */
static struct rep_text text_of(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	if (!json_is_string(value))
		return (struct rep_text){ "", 0 };
	return (struct rep_text){ json_string_value(value), json_string_length(value) };
}

static bool read_bytes(struct rep_journal *journal, const json_t *array, struct rep_entry *entry)
{
	size_t count = json_array_size(array), i;

	if (count > sizeof(journal->bytes))
		return false;
	for (i = 0; i < count; i++) {
		const json_t *byte = json_array_get(array, i);
		json_int_t value = json_integer_value(byte);

		if (!json_is_integer(byte) || value < 0 || value > 255)
			return false;
		journal->bytes[i] = (char)value;
	}
	entry->at = journal->bytes;
	entry->end = journal->bytes + count;
	return true;
}

static bool read_message(struct rep_journal *journal, struct rep_entry *entry)
{
	const json_t *message = json_object_get(journal->object, "MESSAGE");

	if (json_is_array(message))
		return read_bytes(journal, message, entry);
	if (!json_is_string(message)) /* null: longer than journalctl shows without --all */
		return false;
	entry->at = json_string_value(message);
	entry->end = entry->at + json_string_length(message);
	return true;
}

/* Microseconds, as a text of digits. */
static bool read_time(struct rep_text text, s64 *time)
{
	s64 sum = 0;
	size_t i;

	if (!text.length || text.length > 18) /* more may not fit */
		return false;
	for (i = 0; i < text.length; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		sum = sum * 10 + (text.at[i] - '0');
	}
	*time = sum;
	return true;
}

bool rep_journal_read(struct rep_journal **journal, const char *text, size_t length, struct rep_entry *entry, s64 *time)
{
	struct rep_journal *j = *journal;
	struct rep_text pid;

	if (!j)
		j = *journal = calloc(1, sizeof(*j));
	if (!j)
		return false;
	json_decref(j->object);
	j->object = json_loadb(text, length, JSON_ALLOW_NUL, NULL);
	if (!json_is_object(j->object) || !read_time(text_of(j->object, "__REALTIME_TIMESTAMP"), time))
		return false;
	entry->tag = text_of(j->object, "SYSLOG_IDENTIFIER");
	pid = text_of(j->object, "SYSLOG_PID");
	if (!pid.length)
		pid = text_of(j->object, "_PID");
	entry->pid = rep_read_number(pid);
	return entry->tag.length && read_message(j, entry);
}
