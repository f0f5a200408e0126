// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/config_text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/text.h"

#define FILES_MAX 1000

/* --- what libconfig sees ---------------------------------------------------------------------------------------- */

struct scanner {
	FILE *in;
	u32 line;
};

static int next(struct scanner *s)
{
	int c = getc(s->in);

	s->line += c == '\n';
	return c;
}

static int peek(struct scanner *s)
{
	int c = getc(s->in);

	ungetc(c, s->in);
	return c;
}

static void skip_line(struct scanner *s)
{
	int c;

	while ((c = peek(s)) != EOF && c != '\n')
		next(s);
}

static void skip_comment(struct scanner *s)
{
	int c, before = 0;

	while ((c = next(s)) != EOF && !(before == '*' && c == '/'))
		before = c;
}

static void skip_string(struct scanner *s)
{
	int c;

	while ((c = next(s)) != EOF && c != '"')
		if (c == '\\')
			next(s);
}

/* The first character of what is neither comment nor text in quotes, or EOF. */
static int next_token(struct scanner *s)
{
	int c;

	while ((c = next(s)) != EOF) {
		if (c == '#' || (c == '/' && peek(s) == '/'))
			skip_line(s);
		else if (c == '/' && peek(s) == '*')
			skip_comment(s);
		else if (c == '"')
			skip_string(s);
		else
			return c;
	}
	return EOF;
}

/* --- numbers ---------------------------------------------------------------------------------------------------- */

/* A word: a name, true and false, or a number, whatever it looks like. Cut when it is too long for a number that fits.
 */
static void read_word(struct scanner *s, int first, char *word, size_t size)
{
	size_t n = 0;
	int c;

	word[n++] = (char)first;
	while ((c = peek(s)) != EOF && (isalnum(c) || strchr("_-*.+", c))) {
		next(s);
		if (n + 1 < size)
			word[n++] = (char)c;
	}
	word[n] = '\0';
}

static bool is_cut(const char *word)
{
	bool hexadecimal = word[0] == '0' && tolower((unsigned char)word[1]) == 'x';
	const char *digits = word + strspn(word, "+-");
	long long n;
	char *end;

	if (!isdigit((unsigned char)*digits))
		return false;
	errno = 0;
	n = strtoll(word, &end, hexadecimal ? 16 : 10);
	if (*end) /* L, a fraction, or no number at all, which libconfig says */
		return false;
	return errno || n > (hexadecimal ? 0xffffffffLL : 0x7fffffffLL) || n < -0x80000000LL;
}

static bool check_numbers(struct mx_reader *r, const char *file)
{
	struct scanner s = { fopen(file, "re"), 1 };
	bool good = true;
	char word[64];
	int c;

	while (s.in && good && (c = next_token(&s)) != EOF) {
		if (!isalnum(c) && !strchr("_-*.+", c))
			continue;
		read_word(&s, c, word, sizeof(word));
		good = !is_cut(word) ||
		       mx_reader_fail_at(r, mx_reader_place_in(r, file, s.line),
					 "%s: expected a number that fits, at most 2147483647 or 0xffffffff without an "
					 "L behind it",
					 word);
	}
	if (s.in)
		fclose(s.in);
	return good;
}

bool mx_config_check_numbers(struct mx_reader *r, const struct mx_strings *files)
{
	u32 i;

	for (i = 0; i < files->count; i++)
		if (!check_numbers(r, files->items[i]))
			return false;
	return true;
}

/* --- includes --------------------------------------------------------------------------------------------------- */

/* What stands in quotes behind an @ and `include`, to the end of the line; the caller's. NULL: libconfig says so. */
static char *read_include(struct scanner *s)
{
	char *line = NULL, *name = NULL, *start, *end;
	size_t size = 0;

	if (getline(&line, &size, s->in) > 0 && !strncmp(line, "include", 7)) {
		start = strchr(line, '"');
		end = start ? strchr(start + 1, '"') : NULL;
		if (end)
			name = mx_format("%.*s", (int)(end - start - 1), start + 1);
	}
	free(line);
	return name;
}

static FILE *open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* nobody may write into a FIFO for ever */
	struct stat st;

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		return fdopen(fd, "r");
	close(fd);
	errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	return NULL;
}

static bool find_included(struct mx_reader *r, const char *path, const char *folder, struct mx_strings *files);

/* Line `line` of `path` includes `name`: that one and what it includes. */
static bool follow(struct mx_reader *r, const char *path, u32 line, const char *name, const char *folder,
		   struct mx_strings *files)
{
	bool good = true;
	char *file = *name == '/' || !strcmp(folder, ".") ? mx_strdup(name) : mx_format("%s/%s", folder, name);
	if (files->count >= FILES_MAX)
		good = mx_reader_fail_at(r, mx_reader_place_in(r, path, line),
					 "@include \"%s\": expected at most %d files, and no circle", name, FILES_MAX);
	else if (!find_included(r, file, folder, files))
		good = *r->error ? false
				 : mx_reader_fail_at(r, mx_reader_place_in(r, path, line),
						     "@include \"%s\": %s: expected a readable file in %s", name,
						     strerror(errno), folder);
	free(file);
	return good;
}

/* False with no error text yet when `path` itself cannot be read: its caller knows where it is named. */
static bool find_included(struct mx_reader *r, const char *path, const char *folder, struct mx_strings *files)
{
	struct scanner s = { open_file(path), 1 };
	bool good = true;
	int c;

	if (!s.in)
		return false;
	files->items = mx_grow(files->items, files->count, sizeof(char *));
	files->items[files->count++] = mx_strdup(path);
	while (good && (c = next_token(&s)) != EOF) {
		char *name = c == '@' ? read_include(&s) : NULL;

		good = !name || follow(r, path, s.line, name, folder, files);
		s.line += c == '@'; /* it has read the rest of that one */
		free(name);
	}
	fclose(s.in);
	return good;
}

bool mx_config_find_files(struct mx_reader *r, const char *path, struct mx_strings *files)
{
	char *copy = mx_strdup(path);
	const char *folder = dirname(copy);
	bool good;

	*r->error = '\0';
	good = find_included(r, path, folder, files);
	if (!good && !*r->error)
		snprintf(r->error, MX_CONFIG_ERROR, "%s: %s: expected a readable file", path, strerror(errno));
	free(copy);
	return good;
}
