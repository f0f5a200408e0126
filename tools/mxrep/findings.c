// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/findings.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/log.h"

#define FOUND_MAX 600  /* characters of what was found that are shown */
#define STRING_MAX 255 /* bytes of one string of a TXT record (RFC 1035 3.3.14) */

struct finding {
	enum rep_health severity;
	enum rep_subject kind;
	u32 group, order;
	const char *check;
	char *subject, *address, *found, *why, *publish;
};

struct rep_findings {
	struct finding *items;
	u32 count, groups;
};

static const struct {
	const char *name, *colour;
	int rank;
} healths[] = {
	[REP_WELL] = { "well", "\033[32m", 0 },
	[REP_WARNING] = { "warning", "\033[33m", 1 },
	[REP_ERROR] = { "error", "\033[31m", 3 },
	[REP_UNCHECKED] = { "unchecked", "\033[35m", 2 },
};

static const char *const kinds[] = {
	[REP_SUBJECT_SOURCE] = "source",
	[REP_SUBJECT_DOMAIN] = "domain",
	[REP_SUBJECT_LIST] = "block list",
	[REP_SUBJECT_NONE] = "configuration",
};

struct rep_findings *rep_findings_new(void)
{
	return mx_alloc(sizeof(struct rep_findings));
}

void rep_findings_clear(struct rep_findings *f)
{
	while (f->count) {
		struct finding *item = &f->items[--f->count];

		free(item->subject);
		free(item->address);
		free(item->found);
		free(item->why);
		free(item->publish);
	}
	free(f->items);
	*f = (struct rep_findings){ 0 };
}

void rep_findings_free(struct rep_findings *f)
{
	rep_findings_clear(f);
	free(f);
}

static bool is_plain(char c)
{
	return c >= ' ' && c <= '~';
}

/* Takes `text`. */
static char *escape(char *text, size_t most)
{
	size_t length = strlen(text), i, used = 0;
	char *plain = mx_alloc(4 * (length < most ? length : most) + 8);

	for (i = 0; i < length && i < most; i++)
		if (is_plain(text[i]))
			plain[used++] = text[i];
		else
			used += (size_t)sprintf(plain + used, "\\%03u", (unsigned char)text[i]);
	strcpy(plain + used, i < length ? "..." : "");
	free(text);
	return plain;
}

static char *copy(const char *text)
{
	return escape(mx_strdup(text ? text : ""), (size_t)-1);
}

static u32 group_of(struct rep_findings *f, const struct rep_about *about)
{
	u32 i;

	for (i = f->count; i--;)
		if (f->items[i].kind == about->kind && !strcmp(f->items[i].subject, about->subject))
			return f->items[i].group;
	return f->groups++;
}

void rep_findings_add(struct rep_findings *f, const struct rep_about *about, enum rep_health severity, const char *why,
		      const char *publish, const char *found, ...)
{
	struct finding item = { .severity = severity, .kind = about->kind, .check = about->check, .order = f->count };
	va_list args;

	item.group = group_of(f, about);
	item.subject = copy(about->subject);
	item.address = copy(about->address);
	item.why = copy(why);
	item.publish = copy(publish);
	va_start(args, found);
	item.found = escape(mx_format_args(found, args), FOUND_MAX);
	va_end(args);
	f->items = mx_grow(f->items, f->count, sizeof(*f->items));
	f->items[f->count++] = item;
}

enum rep_health rep_findings_worst(const struct rep_findings *f)
{
	enum rep_health worst = REP_WELL;
	u32 i;

	for (i = 0; i < f->count; i++)
		if (healths[f->items[i].severity].rank > healths[worst].rank)
			worst = f->items[i].severity;
	return worst;
}

static int compare(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->severity != y->severity)
		return healths[y->severity].rank - healths[x->severity].rank;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void sort(struct rep_findings *f)
{
	if (f->count)
		qsort(f->items, f->count, sizeof(*f->items), compare);
}

static bool is_coloured(FILE *out)
{
	const char *none = getenv("NO_COLOR");

	return isatty(fileno(out)) && !(none && *none);
}

static void print_finding(const struct finding *item, bool coloured, FILE *out)
{
	const char *name = healths[item->severity].name;

	fprintf(out, "  %s%-9s%s  %s%s%s: %s\n", coloured ? healths[item->severity].colour : "", name,
		coloured ? "\033[0m" : "", item->check, *item->address ? " " : "", item->address, item->found);
	if (*item->why)
		fprintf(out, "             why: %s\n", item->why);
	if (*item->publish)
		fprintf(out, "             do:  %s\n", item->publish);
}

static void print_sum(const struct rep_findings *f, FILE *out)
{
	u32 counts[REP_UNCHECKED + 1] = { 0 }, i;

	for (i = 0; i < f->count; i++)
		counts[f->items[i].severity]++;
	fprintf(out, "errors: %u, unchecked: %u, warnings: %u, well: %u\n", counts[REP_ERROR], counts[REP_UNCHECKED],
		counts[REP_WARNING], counts[REP_WELL]);
}

void rep_findings_print(struct rep_findings *f, FILE *out)
{
	bool coloured = is_coloured(out);
	u32 i;

	sort(f);
	for (i = 0; i < f->count; i++) {
		const struct finding *item = &f->items[i];

		if (!i || f->items[i - 1].group != item->group)
			fprintf(out, "%s%s%s\n", kinds[item->kind], *item->subject ? " " : "", item->subject);
		print_finding(item, coloured, out);
	}
	print_sum(f, out);
}

static json_t *finding_json(const struct finding *item)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "severity", healths[item->severity].name, "check",
			 item->check, "kind", kinds[item->kind], "subject", item->subject, "address", item->address,
			 "found", item->found, "why", item->why, "publish", item->publish);
}

void rep_findings_json(struct rep_findings *f, FILE *out)
{
	json_t *list = json_array(), *all;
	u32 i;

	sort(f);
	for (i = 0; i < f->count; i++)
		json_array_append_new(list, finding_json(&f->items[i]));
	all = mx_have(json_pack("{s:o, s:s}", "findings", list, "worst", healths[rep_findings_worst(f)].name));
	json_dumpf(all, out, JSON_INDENT(2));
	fputc('\n', out);
	json_decref(all);
}

char *rep_txt_record(const char *owner, const char *text)
{
	size_t i;
	char *record;
	FILE *out = mx_have(open_memstream(&record, &(size_t){ 0 }));
	fprintf(out, "%s. TXT \"", owner);
	for (i = 0; text[i]; i++) {
		if (i && !(i % STRING_MAX))
			fputs("\" \"", out);
		if (text[i] == '"' || text[i] == '\\')
			fprintf(out, "\\%c", text[i]);
		else if (is_plain(text[i]))
			fputc(text[i], out);
		else
			fprintf(out, "\\%03u", (unsigned char)text[i]);
	}
	fputc('"', out);
	fclose(out);
	return record;
}
