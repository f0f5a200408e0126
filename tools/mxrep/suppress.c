// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/suppress.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/log.h"
#include "daemon/text.h"
#include "tools/mxload/table.h"
#include "tools/mxrep/json.h"

#define ADDRESS_MAX 254 /* RFC 5321, 4.5.3.1.3, without < and > */

static const char *const names[REP_LISTS] = { "blacklist", "greylist" };

const char *rep_list_name(enum rep_list list)
{
	return names[list];
}

enum rep_list rep_list_find(const char *name)
{
	enum rep_list list = 0;

	while (list < REP_LISTS && strcmp(names[list], name))
		list++;
	return list;
}

/*
 * As maps and tables have it: nothing that a map's reader could take for a blank, a comment or a pattern. Both sides in
 * small letters: no receiver in use tells them apart.
 */
static bool fold(const char *address, char *folded)
{
	const char *at = strrchr(address, '@');
	size_t i, length = strlen(address);

	if (!at || at == address || !at[1] || length > ADDRESS_MAX || strchr(address, '@') != at)
		return false;
	for (i = 0; i < length; i++) {
		if (!isgraph((unsigned char)address[i]) || strchr("<>()[],;:\\\"", address[i]))
			return false;
		folded[i] = (char)tolower((unsigned char)address[i]);
	}
	folded[i] = '\0';
	return *folded != '#';
}

bool rep_suppress(struct rep_store *store, const char *address, enum rep_list list, const char *reason, s64 until)
{
	char folded[ADDRESS_MAX + 1], plain[200];

	if (!fold(address, folded))
		return false;
	rep_store_run(store,
		      "INSERT INTO suppressed VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET list = excluded.list, "
		      "reason = excluded.reason, until = excluded.until WHERE list <> 'blacklist' OR excluded.list = "
		      "'blacklist'",
		      "sssii", folded, names[list],
		      rep_text_plain((struct rep_text){ reason, strlen(reason) }, plain, sizeof(plain)),
		      (s64)time(NULL), until);
	return true;
}

bool rep_suppress_remove(struct rep_store *store, const char *address)
{
	char folded[ADDRESS_MAX + 1];

	return fold(address, folded) &&
	       rep_store_run(store, "DELETE FROM suppressed WHERE address = ?", "s", folded) > 0;
}

static sqlite3_stmt *suppressed(struct rep_store *store, enum rep_list list)
{
	return rep_store_bind(
		store,
		"SELECT address, list, reason, since, until FROM suppressed WHERE (until = 0 OR until > ?)"
		" AND list LIKE ? ORDER BY address",
		"is", (s64)time(NULL), list == REP_LISTS ? "%" : names[list]);
}

void rep_suppress_list(struct rep_store *store, enum rep_list list, bool json, FILE *out)
{
	struct mx_table *t = json ? NULL : mx_table_new("ADDRESS", "LIST", "SINCE", "UNTIL", "REASON", NULL);
	json_t *all = json_array();
	sqlite3_stmt *q = suppressed(store, list);

	while (rep_store_row(store, q)) {
		char since[MX_TIME_TEXT], until[MX_TIME_TEXT] = "-";

		mx_time_text(sqlite3_column_int64(q, 3), since);
		if (sqlite3_column_int64(q, 4))
			mx_time_text(sqlite3_column_int64(q, 4), until);
		json_array_append_new(all, json_pack("{s:s,s:s,s:s,s:s,s:s?}", "address", rep_store_text(q, 0), "list",
						     rep_store_text(q, 1), "reason", rep_store_text(q, 2), "since",
						     since, "until", *until == '-' ? NULL : until));
		if (!t)
			continue;
		mx_table_cell(t, "%s", rep_store_text(q, 0));
		mx_table_cell(t, "%s", rep_store_text(q, 1));
		mx_table_cell(t, "%s", since);
		mx_table_cell(t, "%s", until);
		mx_table_cell(t, "%s", rep_store_text(q, 2));
	}
	if (t)
		mx_table_print(t, out);
	else
		rep_json_print(json_pack("{s:O}", "suppressed", all), out);
	json_decref(all);
}

bool rep_suppress_export(struct rep_store *store, enum rep_list list, const char *format, FILE *out)
{
	bool postfix = !strcmp(format, "postfix");
	sqlite3_stmt *q;

	if (!postfix && strcmp(format, "exim") && strcmp(format, "opensmtpd"))
		return false;
	fprintf(out, "# suppressed by mxrep\n");
	q = suppressed(store, list);
	while (rep_store_row(store, q)) {
		if (postfix) /* access(5) */
			fprintf(out, "%s\tREJECT 5.7.1 suppressed: %s\n", rep_store_text(q, 0), rep_store_text(q, 2));
		else /* a list of addresses: Exim's lsearch and lists in files, OpenSMTPD's table(5) */
			fprintf(out, "%s\n", rep_store_text(q, 0));
	}
	return true;
}

/* Cuts a line into its address and the reason behind the first blank; "" where there is none. False: nothing is in it.
 */
static bool cut(char *line, char **reason)
{
	size_t length = strlen(line);

	while (length && isspace((unsigned char)line[length - 1]))
		line[--length] = '\0';
	if (!length || *line == '#')
		return false;
	*reason = line + strcspn(line, " \t");
	if (**reason)
		*(*reason)++ = '\0';
	*reason += strspn(*reason, " \t");
	return true;
}

u32 rep_suppress_import(struct rep_store *store, FILE *in, const char *name, enum rep_list list, const char *reason,
			s64 until, u32 *wrong)
{
	char *line = NULL, *own, plain[80];
	u32 taken = 0, number = 0;
	size_t room = 0;
	ssize_t n;

	rep_store_begin(store);
	while ((n = getline(&line, &room, in)) >= 0) {
		bool is_text = !memchr(line, '\0', (size_t)n);

		number++;
		if (!cut(line, &own) && is_text)
			continue;
		if (is_text && rep_suppress(store, line, list, *own ? own : reason, until)) {
			taken++;
			continue;
		}
		mx_log(MX_LOG_WARNING, "%s:%u: \"%s\": expected a mail address", name, number,
		       rep_text_plain((struct rep_text){ line, strlen(line) }, plain, sizeof(plain)));
		++*wrong;
	}
	rep_store_commit(store);
	free(line);
	return taken;
}
