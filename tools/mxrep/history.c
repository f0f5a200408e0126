// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/history.h"

#include "daemon/text.h"
#include "tools/mxload/table.h"
#include "tools/mxrep/json.h"

void rep_history_print(struct rep_store *store, s64 since, const char *source, const char *provider, bool json,
		       FILE *out)
{
	static const char *const keys[] = { "source", "provider", "network", "action",
					    "value",  "result",   "reason",  "evidence" };
	struct mx_table *t = json ? NULL
				  : mx_table_new("TIME", "SOURCE", "PROVIDER", "NETWORK", "ACTION", "VALUE", "RESULT",
						 "REASON", NULL);
	json_t *all = json_array();
	sqlite3_stmt *q;
	int i;

	q = rep_store_bind(
		store,
		"SELECT time, source, provider, network, what, value, result, reason, evidence FROM action JOIN"
		" lane ON lane.id = action.lane WHERE time >= ?1 AND (?2 IS NULL OR source = ?2)"
		" AND (?3 IS NULL OR provider = ?3) ORDER BY action.id",
		"iss", since, source, provider);
	while (rep_store_row(store, q)) {
		char when[MX_TIME_TEXT];
		json_t *o = json_object();

		mx_time_text(sqlite3_column_int64(q, 0), when);
		json_object_set_new(o, "time", json_string(when));
		for (i = 0; i < 8; i++)
			json_object_set_new(o, keys[i], json_string(rep_store_text(q, i + 1)));
		json_array_append_new(all, o);
		if (!t)
			continue;
		mx_table_cell(t, "%s", when);
		for (i = 1; i < 8; i++)
			mx_table_cell(t, "%s", *rep_store_text(q, i) ? rep_store_text(q, i) : "-");
	}
	if (t)
		mx_table_print(t, out);
	else
		rep_json_print(json_pack("{s:O}", "actions", all), out);
	json_decref(all);
}
