// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/ingest.h"

#include <stdio.h>
#include <unistd.h>

#include "daemon/log.h"
#include "tools/mxrep/logfile.h"
#include "tools/mxrep/moment.h"

#define BAR 40 /* characters */
#define SHOW_MS 200

struct bar {
	const char *name;
	bool is_shown;
	s64 shown;
};

static void show(struct bar *b, u64 done, u64 all, bool last)
{
	u32 part = all ? (u32)(done * BAR / all) : BAR, i;

	if (!b->is_shown || (!last && rep_now_ms() - b->shown < SHOW_MS))
		return;
	b->shown = rep_now_ms();
	fprintf(stderr, "\r%s [", b->name);
	for (i = 0; i < BAR; i++)
		fputc(i < part ? '#' : ' ', stderr);
	fprintf(stderr, "] %3u %%%s", all ? (u32)(done * 100 / all) : 100, last ? "\n" : "");
}

static bool ingest_one(struct rep_pass *pass, const char *path, enum rep_format format)
{
	struct bar bar = { path, isatty(STDERR_FILENO), 0 };
	u64 lines = pass->lines, attempts = pass->attempts, size;
	struct rep_logfile *file;
	char error[300];
	bool known, broken;

	file = rep_logfile_open(pass->store, path, path, format, error, sizeof(error));
	if (!file) {
		mx_log(MX_LOG_ERROR, "%s", error);
		return false;
	}
	size = rep_logfile_size(file);
	known = rep_logfile_is_known(file);
	while (rep_logfile_pass(file, pass, ~0ull, true))
		show(&bar, rep_logfile_position(file), size, false);
	show(&bar, size, size, true);
	printf("%s: %llu lines, %llu delivery attempts%s\n", path, (unsigned long long)(pass->lines - lines),
	       (unsigned long long)(pass->attempts - attempts), known ? ", from where it had been read to" : "");
	broken = rep_logfile_is_broken(file);
	rep_logfile_close(file);
	return !broken;
}

u32 rep_ingest(struct rep_pass *pass, char **paths, int count, enum rep_format format)
{
	u32 wrong = 0;
	int i;

	for (i = 0; i < count; i++)
		wrong += !ingest_one(pass, paths[i], format);
	return wrong;
}
