// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/rules_parts.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"

/* What a reply begins with. */
struct head {
	u16 code; /* 0: none */
	u16 status[3];
	struct rep_text digits; /* the code as it is written */
	struct rep_text mark;   /* the status behind it, likewise; may be empty */
	bool several;           /* lines: the code is marked by a hyphen */
};

/* How far an alternative has been found. */
struct progress {
	u16 pieces;
	u16 end; /* of the last of them */
};

struct match {
	const struct rep_rules *rules;
	const char *provider;
	const struct head *head;
	struct progress *progress; /* of each alternative */
	u32 best;                  /* the first rule so far that takes the reply */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* --- what stands in front ----------------------------------------------------------------------------------------- */

size_t rep_blank_length(struct rep_text text)
{
	if (rep_is_blank(*text.at))
		return 1;
	return text.length > 1 && *text.at == '\\' && memchr("nrt", text.at[1], 3) ? 2 : 0;
}

size_t rep_status_read(struct rep_text text, u16 status[3])
{
	size_t at = 0;

	for (u32 part = 0; part < 3; part++) {
		size_t from;

		if (part && (at == text.length || text.at[at++] != '.'))
			return 0;
		from = at;
		status[part] = 0;
		while (at < text.length && is_digit(text.at[at]) && at - from < 3)
			status[part] = (u16)(status[part] * 10 + (text.at[at++] - '0'));
		if (at == from)
			return 0;
	}
	/* "4.16.55.1" is somebody's version, and 5.7.1234 no status */
	return at < text.length && (is_digit(text.at[at]) || text.at[at] == '.') ? 0 : at;
}

static struct rep_text behind(struct rep_text text, size_t length)
{
	return (struct rep_text){ text.at + length, text.length - length };
}

static struct rep_text without_blanks(struct rep_text text)
{
	while (text.length && rep_is_blank(*text.at))
		text = behind(text, 1);
	return text;
}

static u16 read_code(struct rep_text text)
{
	if (text.length < 3 || text.at[0] < '2' || text.at[0] > '5' || !is_digit(text.at[1]) || !is_digit(text.at[2]))
		return 0;
	if (text.length > 3 && !rep_is_blank(text.at[3]) && text.at[3] != '-')
		return 0;
	return (u16)((text.at[0] - '0') * 100 + (text.at[1] - '0') * 10 + (text.at[2] - '0'));
}

static void read_head(struct head *head, struct rep_text reply, struct rep_text dsn)
{
	memset(head, 0, sizeof(*head));
	head->code = read_code(reply);
	if (head->code) {
		head->digits = (struct rep_text){ reply.at, 3 };
		head->several = reply.length > 3 && reply.at[3] == '-';
		head->mark = without_blanks(behind(reply, reply.length > 3 ? 4 : 3));
		head->mark.length = rep_status_read(head->mark, head->status);
	}
	if (!head->mark.length)
		memset(head->status, 0, sizeof(head->status));
	if (dsn.length) {
		u16 told[3];

		if (rep_status_read(dsn, told) == dsn.length)
			memcpy(head->status, told, sizeof(told));
	}
}

/* --- the text ----------------------------------------------------------------------------------------------------- */

/* How many bytes of a mark of a further line stand here: its code and, where the first line has it, the status. */
static size_t mark_at(const struct head *head, struct rep_text text)
{
	size_t status = head->mark.length;

	if (!head->several || text.length < 4 || memcmp(text.at, head->digits.at, 3))
		return 0;
	if (text.at[3] != '-' && !rep_is_blank(text.at[3]))
		return 0;
	text = behind(text, 4);
	if (!status || text.length < status || memcmp(text.at, head->mark.at, status))
		return 4;
	return text.length == status || rep_is_blank(text.at[status]) ? 4 + status : 4;
}

/* In small letters, each run of blanks one blank, one before and one behind it all, without the marks. */
static size_t fold(const struct head *head, struct rep_text reply, char *text)
{
	size_t used = 0;

	text[used++] = ' ';
	while (reply.length) {
		size_t skip = rep_blank_length(reply);

		if (skip) {
			if (text[used - 1] != ' ')
				text[used++] = ' ';
		} else if (used > 1 && text[used - 1] == ' ' && (skip = mark_at(head, reply))) {
			; /* the blank in front of it stays */
		} else {
			text[used++] = rep_small(*reply.at);
			skip = 1;
		}
		reply = behind(reply, skip);
	}
	if (text[used - 1] != ' ')
		text[used++] = ' ';
	return used;
}

/* --- the rules ---------------------------------------------------------------------------------------------------- */

static bool is_listed(const char *names, const char *name)
{
	size_t length = strlen(name);

	while (length) {
		size_t here = strcspn(names, ",");

		if (here == length && !memcmp(names, name, length))
			return true;
		if (!names[here])
			return false;
		names += here + 1;
	}
	return false;
}

static bool is_in(struct rep_range range, u16 number)
{
	return number >= range.first && number <= range.last;
}

static bool applies(const struct rep_rule *rule, const struct match *match)
{
	if (!is_in(rule->code, match->head->code))
		return false;
	for (u32 part = 0; part < 3; part++)
		if (!is_in(rule->enhanced[part], match->head->status[part]))
			return false;
	return !rule->providers || is_listed(rule->providers, match->provider);
}

static void consider(struct match *match, u32 rule)
{
	if (rule < match->best && applies(&match->rules->rules[rule], match))
		match->best = rule;
}

static void piece_stands(u32 number, size_t start, void *context)
{
	struct match *match = context;
	const struct rep_piece *piece = &match->rules->pieces[number];
	const struct rep_alternative *alternative = &match->rules->alternatives[piece->alternative];
	struct progress *progress = &match->progress[piece->alternative];

	/* The place where a piece ends first leaves most room for the next: no other one need be tried. */
	if (piece->number != progress->pieces || start < progress->end)
		return;
	progress->pieces++;
	progress->end = (u16)(start + piece->text.length);
	if (progress->pieces == alternative->pieces)
		consider(match, alternative->rule);
}

u32 rep_rules_find(const struct rep_rules *rules, const char *provider, struct rep_text reply, struct rep_text dsn)
{
	char text[REP_REPLY_MAX + 2];
	size_t room = rules->alternative_count * sizeof(struct progress);
	struct match match = { .rules = rules, .provider = provider, .best = REP_RULES_NONE };
	struct rep_text folded = { .at = text };
	struct head head;

	if (reply.length > REP_REPLY_MAX)
		reply.length = REP_REPLY_MAX;
	reply = without_blanks(reply);
	read_head(&head, reply, dsn);
	if (head.code && head.code < 400) /* a delivery */
		return REP_RULES_NONE;
	match.head = &head;
	match.progress = memset(mx_alloc(room + 1), 0, room + 1);
	folded.length = fold(&head, reply, text);
	rep_search_run(rules->search, folded, piece_stands, &match);
	free(match.progress);
	for (u32 i = 0; i < rules->anything_count; i++)
		consider(&match, rules->anything[i]);
	return match.best;
}

struct rep_meaning rep_rules_match(const struct rep_rules *rules, const char *provider, struct rep_text reply,
				   struct rep_text dsn)
{
	u32 found = rep_rules_find(rules, provider, reply, dsn);

	return found == REP_RULES_NONE ? (struct rep_meaning){ .category = REP_NONE } : rules->rules[found].meaning;
}

void rep_rules_free(struct rep_rules *rules)
{
	if (!rules)
		return;
	for (u32 i = 0; i < rules->kept_count; i++)
		free(rules->kept[i]);
	free(rules->kept);
	free(rules->rules);
	free(rules->alternatives);
	free(rules->pieces);
	free(rules->examples);
	free(rules->anything);
	rep_search_free(rules->search);
	free(rules);
}

/* --- the examples ------------------------------------------------------------------------------------------------- */

/* The rule that takes the example at its own rule's providers; of several that differ, one that is not its own. */
static u32 try_example(const struct rep_rules *rules, const struct rep_example *example)
{
	const char *names = rules->rules[example->rule].providers;
	const struct rep_text none = { "", 0 };
	u32 found = example->rule;

	if (!names)
		return rep_rules_find(rules, "", example->text, none);
	while (*names && found == example->rule) {
		size_t length = strcspn(names, ",");
		char *name = mx_format("%.*s", (int)length, names);

		found = rep_rules_find(rules, name, example->text, none);
		free(name);
		names += length + (names[length] == ',');
	}
	return found;
}

unsigned int rep_rules_try(const struct rep_rules *rules, FILE *out, unsigned int *examples)
{
	unsigned int missed = 0;

	for (u32 i = 0; i < rules->example_count; i++) {
		const struct rep_example *example = &rules->examples[i];
		const struct rep_rule *own = &rules->rules[example->rule], *other;
		u32 found = try_example(rules, example);

		if (found == example->rule)
			continue;
		missed++;
		fprintf(out, "%s:%u: expected the rule of line %u to take this example, ", own->file, example->line,
			own->meaning.line);
		if (found == REP_RULES_NONE) {
			fputs("but none does\n", out);
			continue;
		}
		other = &rules->rules[found];
		fprintf(out, "but %s:%u does\n", other->file, other->meaning.line);
	}
	*examples = rules->example_count;
	return missed;
}
