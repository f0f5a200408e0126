// SPDX-License-Identifier: GPL-2.0-or-later
/* Files of rules: mxrep-rules(5). */
#include "tools/mxrep/rules_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"
#include "tools/mxload/duration.h"

#define LARGEST (1u << 20) /* bytes of a file */
#define FILES 32           /* that are read for one, itself among them */
#define COLUMNS 6          /* in front of the pattern */

/* What all files have in common. */
struct reading {
	struct rep_rules *rules;
	u32 files;
	char *error;
	size_t size;
};

/* A file while it is read. */
struct source {
	struct reading *reading;
	const struct source *outer; /* that includes it; NULL: none */
	const char *path;
	dev_t device;
	ino_t inode;
	unsigned int line;
	bool has_rule;
};

__attribute__((format(printf, 2, 3))) static bool fail(const struct source *s, const char *format, ...)
{
	char *said;
	va_list args;

	va_start(args, format);
	said = mx_format_args(format, args);
	va_end(args);
	if (s->line)
		snprintf(s->reading->error, s->reading->size, "%s:%u: %s", s->path, s->line, said);
	else
		snprintf(s->reading->error, s->reading->size, "%s: %s", s->path, said);
	free(said);
	for (char *c = s->reading->error; s->reading->size && *c; c++)
		if (rep_is_blank(*c)) /* one line, whatever was in the file */
			*c = ' ';
	return false;
}

/* `what` was expected, and `there` is not that. */
static bool expected(const struct source *s, const char *what, struct rep_text there)
{
	return fail(s, "expected %s, not \"%.*s\"", what, there.length > 80 ? 80 : (int)there.length, there.at);
}

static char *keep(struct rep_rules *rules, char *text)
{
	rules->kept = mx_grow(rules->kept, rules->kept_count, sizeof(*rules->kept));
	rules->kept[rules->kept_count++] = text;
	return text;
}

static char *copy(struct rep_text text)
{
	char *made = mx_alloc(text.length + 1);

	memcpy(made, text.at, text.length);
	made[text.length] = '\0';
	return made;
}

/* --- columns ------------------------------------------------------------------------------------------------------ */

static bool is_any(struct rep_text word)
{
	return rep_text_is(word, "*") || rep_text_is(word, "-");
}

static struct rep_text trim(struct rep_text text)
{
	while (text.length && rep_is_blank(*text.at)) {
		text.at++;
		text.length--;
	}
	while (text.length && rep_is_blank(text.at[text.length - 1]))
		text.length--;
	return text;
}

/* The text up to the next blank, which is taken off `rest` with the blanks behind it. */
static struct rep_text take_word(struct rep_text *rest)
{
	struct rep_text word = { rest->at, 0 };

	while (word.length < rest->length && !rep_is_blank(word.at[word.length]))
		word.length++;
	rest->at += word.length;
	rest->length -= word.length;
	*rest = trim(*rest);
	return word;
}

static bool is_name_byte(char c)
{
	c = rep_small(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* Names with one comma between each two. */
static bool are_names(struct rep_text word)
{
	bool in_name = false;

	for (size_t i = 0; i < word.length; i++) {
		if (!is_name_byte(word.at[i]) && (word.at[i] != ',' || !in_name))
			return false;
		in_name = word.at[i] != ',';
	}
	return in_name;
}

static bool read_providers(const struct source *s, struct rep_rule *rule, struct rep_text word)
{
	if (is_any(word))
		return true;
	if (!are_names(word))
		return expected(s, "a provider's name, several with commas between them, or *", word);
	rule->providers = keep(s->reading->rules, copy(word));
	return true;
}

/* A digit, or x for all ten of them. */
static bool add_digit(struct rep_range *range, char digit)
{
	bool all = rep_small(digit) == 'x';

	if (!all && (digit < '0' || digit > '9'))
		return false;
	range->first = (u16)(range->first * 10 + (all ? 0 : digit - '0'));
	range->last = (u16)(range->last * 10 + (all ? 9 : digit - '0'));
	return true;
}

static bool read_code(const struct source *s, struct rep_rule *rule, struct rep_text word)
{
	struct rep_range *code = &rule->code;

	*code = (struct rep_range){ 0, REP_NUMBER_MAX };
	if (is_any(word))
		return true;
	*code = (struct rep_range){ 0, 0 };
	if (rep_text_is(word, "none"))
		return true;
	if (word.length != 3 || (word.at[0] != '4' && word.at[0] != '5') || !add_digit(code, word.at[0]) ||
	    !add_digit(code, word.at[1]) || !add_digit(code, word.at[2]) ||
	    (rep_small(word.at[1]) == 'x' && rep_small(word.at[2]) != 'x'))
		return expected(s, "a code like 421, 55x or 4xx, none or *", word);
	return true;
}

static bool take_number(struct rep_text *rest, u16 *number)
{
	size_t digits = 0;

	*number = 0;
	while (digits < rest->length && digits < 3 && rest->at[digits] >= '0' && rest->at[digits] <= '9')
		*number = (u16)(*number * 10 + (rest->at[digits++] - '0'));
	rest->at += digits;
	rest->length -= digits;
	return digits > 0;
}

static bool take_byte(struct rep_text *rest, char byte)
{
	if (!rest->length || *rest->at != byte)
		return false;
	rest->at++;
	rest->length--;
	return true;
}

/* A number, two of them with a hyphen between them, or *. */
static bool take_range(struct rep_text *rest, struct rep_range *range)
{
	*range = (struct rep_range){ 0, REP_NUMBER_MAX };
	if (take_byte(rest, '*'))
		return true;
	if (!take_number(rest, &range->first))
		return false;
	range->last = range->first;
	return !take_byte(rest, '-') || (take_number(rest, &range->last) && range->first <= range->last);
}

static bool read_enhanced(const struct source *s, struct rep_rule *rule, struct rep_text word)
{
	struct rep_range *parts = rule->enhanced;
	struct rep_text rest = word;

	for (u32 i = 0; i < 3; i++)
		parts[i] = (struct rep_range){ 0, REP_NUMBER_MAX };
	if (is_any(word))
		return true;
	if (!take_range(&rest, &parts[0]) || !take_byte(&rest, '.') || !take_range(&rest, &parts[1]) ||
	    !take_byte(&rest, '.') || !take_range(&rest, &parts[2]) || rest.length)
		return expected(s, "a status like 4.7.28, *.7.26, 4.7.* or 5.7.606-649, or *", word);
	return true;
}

static bool read_pause(const struct source *s, struct rep_rule *rule, struct rep_text word)
{
	char *text;
	long seconds;

	if (rep_text_is(word, "-"))
		return true;
	text = copy(word);
	seconds = mx_duration_parse(text);
	free(text);
	if (seconds < 0)
		return expected(s, "a pause like 90s, 10m, 2h or 1d, or - for none", word);
	rule->meaning.pause = (unsigned int)seconds;
	return true;
}

static bool read_meaning(const struct source *s, struct rep_rule *rule, const struct rep_text *words)
{
	rule->meaning.line = s->line;
	rule->meaning.category = rep_category_find(words[0]);
	if (rule->meaning.category == REP_CATEGORIES)
		return expected(s, "a category like user-unknown or rate-limited", words[0]);
	rule->meaning.scope = rep_scope_find(words[1]);
	if (rule->meaning.scope == REP_SCOPES)
		return expected(s, "a scope: recipient, message, domain, source, network or provider", words[1]);
	return read_pause(s, rule, words[2]);
}

/* --- patterns ----------------------------------------------------------------------------------------------------- */

/* The piece as it has to stand in a reply: small letters, one blank for each run of them and for each ~. */
static struct rep_text fold_piece(struct rep_rules *rules, struct rep_text piece)
{
	struct rep_text folded;
	char *text = keep(rules, mx_alloc(piece.length + 1));

	folded.at = text;
	folded.length = 0;
	while (piece.length) {
		size_t blank = *piece.at == '~' ? 1 : rep_blank_length(piece), taken = blank ? blank : 1;

		if (!blank)
			text[folded.length++] = rep_small(*piece.at);
		else if (!folded.length || text[folded.length - 1] != ' ')
			text[folded.length++] = ' ';
		piece.at += taken;
		piece.length -= taken;
	}
	return folded;
}

static void add_piece(struct rep_rules *rules, u32 alternative, struct rep_text text)
{
	struct rep_piece *piece;

	rules->pieces = mx_grow(rules->pieces, rules->piece_count, sizeof(*rules->pieces));
	piece = &rules->pieces[rules->piece_count++];
	piece->alternative = alternative;
	piece->number = rules->alternatives[alternative].pieces++;
	piece->text = fold_piece(rules, text);
}

static bool has_words(struct rep_text text)
{
	while (text.length) {
		size_t blank = *text.at == '~' ? 1 : rep_blank_length(text);

		if (!blank)
			return true;
		text.at += blank;
		text.length -= blank;
	}
	return false;
}

/* Pieces with * between them; blanks beside a * say nothing. */
static bool add_alternative(const struct source *s, u32 rule, struct rep_text text)
{
	struct rep_rules *rules = s->reading->rules;
	u32 alternative = rules->alternative_count++;
	struct rep_text rest = text;

	rules->alternatives = mx_grow(rules->alternatives, alternative, sizeof(*rules->alternatives));
	rules->alternatives[alternative] = (struct rep_alternative){ .rule = rule };
	for (;;) {
		const char *star = memchr(rest.at, '*', rest.length);
		struct rep_text piece =
			trim((struct rep_text){ rest.at, star ? (size_t)(star - rest.at) : rest.length });

		if (piece.length && !has_words(piece))
			return expected(s, "words between blanks", text);
		if (piece.length)
			add_piece(rules, alternative, piece);
		if (!star)
			break;
		rest.length -= (size_t)(star + 1 - rest.at);
		rest.at = star + 1;
	}
	return rules->alternatives[alternative].pieces || expected(s, "words in each part of a pattern", text);
}

/* Where the alternative ends: at a | that stands alone, else with the text. */
static size_t alternative_end(struct rep_text text)
{
	for (size_t i = 0; i < text.length; i++)
		if (text.at[i] == '|' && (!i || rep_is_blank(text.at[i - 1])) &&
		    (i + 1 == text.length || rep_is_blank(text.at[i + 1])))
			return i;
	return text.length;
}

static bool read_alternatives(const struct source *s, u32 rule, struct rep_text text)
{
	for (;;) {
		size_t end = alternative_end(text);

		if (!add_alternative(s, rule, trim((struct rep_text){ text.at, end })))
			return false;
		if (end == text.length)
			return true;
		text.at += end + 1;
		text.length -= end + 1;
	}
}

static bool read_pattern(const struct source *s, u32 rule, struct rep_text text)
{
	struct rep_rules *rules = s->reading->rules;

	if (!is_any(text))
		return read_alternatives(s, rule, text);
	rules->anything = mx_grow(rules->anything, rules->anything_count, sizeof(*rules->anything));
	rules->anything[rules->anything_count++] = rule;
	return true;
}

/* A line with more alternatives for the rule above. */
static bool read_more(const struct source *s, struct rep_text text)
{
	const struct rep_rules *rules = s->reading->rules;
	u32 rule = rules->rule_count - 1;

	if (!s->has_rule)
		return fail(s, "expected a rule above a line with |, not none");
	if (rules->anything_count && rules->anything[rules->anything_count - 1] == rule)
		return fail(s, "expected words in the rule above a line with |, not any text");
	return read_alternatives(s, rule, text);
}

/* --- lines -------------------------------------------------------------------------------------------------------- */

static bool read_rule(struct source *s, struct rep_text line)
{
	struct rep_rules *rules = s->reading->rules;
	struct rep_rule rule = { .file = s->path };
	struct rep_text words[COLUMNS], rest = line;
	u32 columns = 0;

	while (rest.length && columns < COLUMNS)
		words[columns++] = take_word(&rest);
	if (!rest.length)
		return fail(s, "expected PROVIDER CODE ENHANCED CATEGORY SCOPE PAUSE PATTERN, not %u column%s", columns,
			    columns == 1 ? "" : "s");
	if (!read_providers(s, &rule, words[0]) || !read_code(s, &rule, words[1]) ||
	    !read_enhanced(s, &rule, words[2]) || !read_meaning(s, &rule, words + 3))
		return false;
	rules->rules = mx_grow(rules->rules, rules->rule_count, sizeof(*rules->rules));
	rules->rules[rules->rule_count++] = rule;
	s->has_rule = true;
	return read_pattern(s, rules->rule_count - 1, rest);
}

static bool read_example(struct source *s, struct rep_text text)
{
	struct rep_rules *rules = s->reading->rules;
	struct rep_example *example;

	if (!s->has_rule)
		return fail(s, "expected a rule above its example, not none");
	if (!text.length)
		return fail(s, "expected a reply behind =, not nothing");
	rules->examples = mx_grow(rules->examples, rules->example_count, sizeof(*rules->examples));
	example = &rules->examples[rules->example_count++];
	example->rule = rules->rule_count - 1;
	example->line = s->line;
	example->text.at = keep(rules, copy(text));
	example->text.length = text.length;
	rules->rules[example->rule].examples++;
	return true;
}

static bool read_file(struct reading *reading, const struct source *outer, const char *path);

/* A path that does not begin with / is one in the folder of the file that names it. */
static char *path_from(const char *file, struct rep_text name)
{
	const char *slash = strrchr(file, '/');
	int folder = slash && *name.at != '/' ? (int)(slash + 1 - file) : 0;

	return mx_format("%.*s%.*s", folder, file, (int)name.length, name.at);
}

static bool read_include(struct source *s, struct rep_text text)
{
	if (text.length < 3 || text.at[0] != '"' ||
	    memchr(text.at + 1, '"', text.length - 1) != text.at + text.length - 1)
		return expected(s, "include \"FILE\"", text);
	text.at++;
	text.length -= 2;
	s->has_rule = false; /* what follows here is no example of a rule before it */
	return read_file(s->reading, s, keep(s->reading->rules, path_from(s->path, text)));
}

static bool read_line(struct source *s, struct rep_text line)
{
	struct rep_text rest, word;

	if (memchr(line.at, '\0', line.length))
		return fail(s, "expected text, not a zero byte");
	line = trim(line);
	if (!line.length || *line.at == '#')
		return true;
	if (*line.at == '=')
		return read_example(s, trim((struct rep_text){ line.at + 1, line.length - 1 }));
	rest = line;
	word = take_word(&rest);
	if (rep_text_is(word, "|"))
		return read_more(s, rest);
	if (rep_text_is(word, "include"))
		return read_include(s, rest);
	return read_rule(s, line);
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static bool read_lines(struct source *s, struct rep_text text)
{
	while (text.length) {
		const char *end = memchr(text.at, '\n', text.length);
		size_t length = end ? (size_t)(end - text.at) : text.length;

		s->line++;
		if (!read_line(s, (struct rep_text){ text.at, length }))
			return false;
		text.at += length + !!end;
		text.length -= length + !!end;
	}
	return true;
}

static bool read_bytes(struct source *s, int file)
{
	char *bytes = mx_alloc(LARGEST + 1);
	size_t used = 0;
	ssize_t got;
	bool well;

	do {
		got = read(file, bytes + used, LARGEST + 1 - used);
		used += got > 0 ? (size_t)got : 0;
	} while ((got > 0 && used <= LARGEST) || (got < 0 && errno == EINTR));
	if (got < 0)
		well = fail(s, "expected a file of rules: %s", strerror(errno));
	else if (used > LARGEST)
		well = fail(s, "expected at most %u bytes, not more", LARGEST);
	else
		well = read_lines(s, (struct rep_text){ bytes, used });
	free(bytes);
	return well;
}

static bool is_open_already(const struct source *s)
{
	for (const struct source *outer = s->outer; outer; outer = outer->outer)
		if (outer->device == s->device && outer->inode == s->inode)
			return true;
	return false;
}

/* Only a regular file: what else there is could keep us waiting, or never end. */
static bool read_opened(struct source *s, int file)
{
	struct stat about;

	if (fstat(file, &about))
		return fail(s, "expected a file of rules: %s", strerror(errno));
	if (!S_ISREG(about.st_mode))
		return fail(s, "expected a regular file of rules, not another kind");
	s->device = about.st_dev;
	s->inode = about.st_ino;
	if (is_open_already(s))
		return fail(s->outer, "expected a file that is not being read already, not \"%s\"", s->path);
	return read_bytes(s, file);
}

static bool read_file(struct reading *reading, const struct source *outer, const char *path)
{
	struct source s = { .reading = reading, .outer = outer, .path = path };
	bool well;
	int file;

	if (reading->files++ == FILES)
		return fail(outer, "expected at most %u files in all, not more", FILES);
	file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (file < 0 && outer)
		return fail(outer, "expected a file of rules, not \"%s\": %s", path, strerror(errno));
	if (file < 0)
		return fail(&s, "expected a file of rules: %s", strerror(errno));
	well = read_opened(&s, file);
	close(file);
	return well;
}

/* The patterns of all files together are what can be too much. */
static bool prepare(struct reading *reading, const char *path)
{
	struct rep_rules *rules = reading->rules;
	struct rep_text *texts = mx_alloc(rules->piece_count * sizeof(*texts) + 1);

	for (u32 i = 0; i < rules->piece_count; i++)
		texts[i] = rules->pieces[i].text;
	rules->search = rep_search_new(texts, rules->piece_count);
	free(texts);
	if (rules->search)
		return true;
	snprintf(reading->error, reading->size, "%s: expected patterns of at most %u bytes in all, not more", path,
		 REP_SEARCH_MAX);
	return false;
}

struct rep_rules *rep_rules_read(const char *path, char *error, size_t size)
{
	struct reading reading = { .error = error, .size = size };

	reading.rules = memset(mx_alloc(sizeof(*reading.rules)), 0, sizeof(*reading.rules));
	if (read_file(&reading, NULL, keep(reading.rules, mx_strdup(path))) && prepare(&reading, path))
		return reading.rules;
	rep_rules_free(reading.rules);
	return NULL;
}
