// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/mailq.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/log.h"
#include "daemon/names.h"
#include "daemon/text.h"
#include "tools/mxload/table.h"
#include "tools/mxrep/json.h"
#include "tools/mxrep/judge.h"

#define AGES 4

static const s64 age_limits[AGES - 1] = { 900, 3600 * 4, 86400 };
static const char *const age_names[AGES] = { "<15m", "<4h", "<1d", ">1d" };

/* Recipients that wait for the same. */
struct row {
	const char *provider; /* mx_name() */
	enum rep_category category;
	u64 age[AGES], count;
	char sample[160];           /* the reason that was given last */
	char address[MX_ADDR_TEXT]; /* of a host that they wait for; "": none was named */
};

struct rows {
	struct row *items;
	u32 count;
};

static struct row *row_of(struct rows *rows, const char *provider, enum rep_category category)
{
	u32 i;

	for (i = 0; i < rows->count; i++)
		if (rows->items[i].provider == provider && rows->items[i].category == category)
			return &rows->items[i];
	rows->items = mx_grow(rows->items, rows->count, sizeof(*rows->items));
	rows->items[rows->count] = (struct row){ .provider = provider, .category = category };
	return &rows->items[rows->count++];
}

/* "host mx.example.org[192.0.2.1] said: 421 ..." and "connect to mx.example.org[192.0.2.1]:25: ..." */
static bool find_host(const char *reason, struct rep_text *host, char address[MX_ADDR_TEXT])
{
	const char *begin = !strncmp(reason, "host ", 5) ? reason + 5 : strstr(reason, "connect to "), *open, *close;

	if (begin && *begin == 'c')
		begin += strlen("connect to ");
	open = begin ? strchr(begin, '[') : NULL;
	close = open ? strchr(open, ']') : NULL;
	if (!close || close - open - 1 >= MX_ADDR_TEXT)
		return false;
	*host = (struct rep_text){ begin, (size_t)(open - begin) };
	snprintf(address, MX_ADDR_TEXT, "%.*s", (int)(close - open - 1), open + 1);
	return true;
}

/* The answer in it, from its code on. */
static struct rep_text reply_in(const char *reason)
{
	const char *said = strstr(reason, " said: "), *talk = strstr(reason, " refused to talk to me: ");

	reason = said ? said + strlen(" said: ") : talk ? talk + strlen(" refused to talk to me: ") : reason;
	return (struct rep_text){ reason, strlen(reason) };
}

struct mailq {
	struct rows rows;
	const struct rep_rules *rules;
	struct rep_policy *policy;
	s64 now;
};

static void take_recipient(struct mailq *m, const json_t *recipient, s64 arrived)
{
	const char *to = json_string_value(json_object_get(recipient, "address"));
	const char *reason = json_string_value(json_object_get(recipient, "delay_reason"));
	const char *at = to ? strrchr(to, '@') : NULL, *provider;
	char address[MX_ADDR_TEXT] = "";
	struct rep_text host;
	struct row *row;
	enum mx_family family;
	struct mx_addr addr;
	u32 i = 0;

	if (!to)
		return;
	if (reason && find_host(reason, &host, address))
		provider =
			rep_policy_provider(m->policy, host, mx_addr_parse(address, &family, &addr) ? family : MX_IPV4,
					    mx_addr_parse(address, &family, &addr) ? &addr : NULL);
	else
		provider = rep_policy_domain(m->policy, (struct rep_text){ at ? at + 1 : "", at ? strlen(at + 1) : 0 });
	row = row_of(&m->rows, provider,
		     reason ? rep_rules_match(m->rules, provider, reply_in(reason), (struct rep_text){ "", 0 }).category
			    : REP_NONE);
	while (i < AGES - 1 && arrived <= m->now - age_limits[i])
		i++;
	row->age[i]++;
	row->count++;
	if (reason)
		rep_text_plain((struct rep_text){ reason, strlen(reason) }, row->sample, sizeof(row->sample));
	if (*address)
		memcpy(row->address, address, sizeof(row->address));
}

static int by_count(const void *left, const void *right)
{
	const struct row *a = left, *b = right;

	return (a->count < b->count) - (a->count > b->count);
}

/* What the daemon would do with a connection to that host now: "assign mx1", "refuse: limit-day", "-". */
static void ask(struct rep_link *link, const char *address, char *text, size_t size)
{
	char error[REP_LINK_ERROR];
	json_t *answer = NULL;

	snprintf(text, size, "-");
	if (link && *address)
		answer = rep_link_ask(link, json_pack("{s:s,s:s}", "command", "explain", "address", address), error);
	if (json_string_value(json_object_get(answer, "source")))
		snprintf(text, size, "from %s", json_string_value(json_object_get(answer, "source")));
	else if (answer)
		snprintf(text, size, "%s: %s", json_string_value(json_object_get(answer, "action")),
			 json_string_value(json_object_get(answer, "reason")));
	json_decref(answer);
}

static void print(const struct rows *rows, struct rep_link *link, bool json, FILE *out)
{
	struct mx_table *t = json ? NULL
				  : mx_table_new("PROVIDER", "REASON", ">RECIPIENTS",
						 ">\x3c"
						 "15M",
						 ">\x3c"
						 "4H",
						 ">\x3c"
						 "1D",
						 ">OLDER", "NOW", "LAST ANSWER", NULL);
	json_t *all = json_array();
	u32 i, j;

	for (i = 0; i < rows->count; i++) {
		const struct row *r = &rows->items[i];
		const char *reason = *r->sample ? rep_category_name(r->category) : "waiting";
		json_t *ages = json_object();
		char now[80];

		ask(link, r->address, now, sizeof(now));
		for (j = 0; j < AGES; j++)
			json_object_set_new(ages, age_names[j], json_integer((json_int_t)r->age[j]));
		json_array_append_new(all, json_pack("{s:s,s:s,s:I,s:o,s:s,s:s}", "provider", r->provider, "reason",
						     reason, "recipients", (json_int_t)r->count, "ages", ages, "now",
						     now, "last", r->sample));
		if (!t)
			continue;
		mx_table_cell(t, "%s", r->provider);
		mx_table_cell(t, "%s", reason);
		mx_table_cell(t, "%llu", (unsigned long long)r->count);
		for (j = 0; j < AGES; j++)
			mx_table_cell(t, "%llu", (unsigned long long)r->age[j]);
		mx_table_cell(t, "%s", now);
		mx_table_cell(t, "%.60s", *r->sample ? r->sample : "-");
	}
	if (t)
		mx_table_print(t, out);
	else
		rep_json_print(json_pack("{s:O}", "queue", all), out);
	json_decref(all);
}

bool rep_mailq(FILE *in, const struct rep_rules *rules, struct rep_policy *policy, struct rep_link *link, bool json,
	       FILE *out, char *error, size_t size)
{
	struct mailq m = { .rules = rules, .policy = policy, .now = time(NULL) };
	char *line = NULL;
	size_t room = 0, i;
	u32 number = 0;
	json_t *message = NULL, *recipient;
	bool good = true;

	while (good && getline(&line, &room, in) > 0) {
		number++;
		message = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
		good = json_is_array(json_object_get(message, "recipients"));
		json_array_foreach(json_object_get(message, "recipients"), i, recipient)
			take_recipient(&m, recipient, json_integer_value(json_object_get(message, "arrival_time")));
		json_decref(message);
	}
	free(line);
	if (good) {
		if (m.rows.count)
			qsort(m.rows.items, m.rows.count, sizeof(*m.rows.items), by_count);
		print(&m.rows, link, json, out);
	} else {
		snprintf(error, size, "line %u: expected a message of the queue, as postqueue -j prints it", number);
	}
	free(m.rows.items);
	return good;
}
