// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/replay/sequence.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/log.h"
#include "tests/replay/clock.h"

void sequence_fail(const struct sequence *s, const char *expected)
{
	mx_fatal("%s, line %u: expected %s", s->path, s->line, expected);
}

/* --- configurations --------------------------------------------------------------------------------------------- */

static void put_repeated(FILE *out, const char *text, u32 n)
{
	for (; *text; text++) {
		if (*text != '%') {
			fputc(*text, out);
			continue;
		}
		text++;
		if (!*text)
			return;
		fprintf(out, "%u", *text == 'h' ? n / 256 : *text == 'l' ? n % 256 : n);
	}
}

static void put_line(const struct sequence *s, FILE *out, const char *line)
{
	u32 from, to;
	int length;

	line += strspn(line, " \t");
	if (*line != '@') {
		fputs(line, out);
		return;
	}
	if (sscanf(line, "@%u-%u %n", &from, &to, &length) != 2)
		sequence_fail(s, "@FIRST-LAST TEXT");
	for (; from <= to; from++)
		put_repeated(out, line + length, from);
}

static void take_configuration(struct sequence *s, FILE *in)
{
	char path[] = "/tmp/mxload-replay-XXXXXX", error[MX_CONFIG_ERROR] = "", *line = NULL;
	FILE *out = fdopen(mkstemp(path), "w");
	struct mx_config *config;
	size_t size = 0;

	if (!out)
		mx_fatal("cannot write %s: %s", path, strerror(errno));
	fputs("catalogue = \"\";\n", out);
	while (getline(&line, &size, in) >= 0 && s->line++ && strcmp(line, "end\n") != 0)
		put_line(s, out, line);
	free(line);
	fclose(out);
	config = mx_config_read(path, error);
	unlink(path);
	if (!config)
		mx_fatal("%s, up to line %u: %s", s->path, s->line, error);
	if (s->started)
		queue_engine_reload(&s->engine, config);
	else
		queue_engine_start(&s->engine, config, &s->recorder);
	s->started = true;
}

/* --- lines ------------------------------------------------------------------------------------------------------ */

static void split(struct sequence *s, char *line)
{
	char *rest, *word;

	line[strcspn(line, "#\n")] = '\0';
	s->count = 0;
	for (word = strtok_r(line, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
		if (s->count + 1 == SEQUENCE_WORDS)
			sequence_fail(s, "a line of fewer words");
		s->words[s->count++] = word;
	}
	s->words[s->count] = NULL;
}

static void take_line(struct sequence *s, char *line, FILE *in)
{
	split(s, line);
	if (!s->count)
		return;
	s->recorder.line = s->line;
	if (!strcmp(s->words[0], "configuration"))
		take_configuration(s, in);
	else if (!s->started && strcmp(s->words[0], "place") != 0 && strcmp(s->words[0], "seed") != 0)
		sequence_fail(s, "a configuration before anything happens");
	else
		sequence_step(s);
}

void sequence_run(struct sequence *s, const char *path)
{
	FILE *in = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	if (!in)
		mx_fatal("cannot read %s: %s", path, strerror(errno));
	clock_set(CLOCK_BEGIN);
	s->path = path;
	s->seed = 1;
	while (getline(&line, &size, in) >= 0) {
		s->line++;
		take_line(s, line, in);
	}
	free(line);
	fclose(in);
}

void sequence_free(struct sequence *s)
{
	if (s->started)
		queue_engine_stop(&s->engine);
	recorder_free(&s->recorder);
}
