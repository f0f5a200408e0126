// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/follow.h"

#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/log.h"
#include "tools/mxrep/journalctl.h"
#include "tools/mxrep/logfile.h"

#define QUIET_MS 1000 /* a file that was renamed gets no more lines when it was quiet for so long */
#define ERROR 300

struct rep_follow {
	const struct rep_log *log;
	struct rep_journalctl *journal; /* instead of files */
	struct rep_logfile *file;
	u64 size, ripe; /* of the file now, and as it was a moment ago: what stands before has waited long enough */
	s64 looked, grown;
	bool was_wrong;
};

struct rep_follow *rep_follow_new(const struct rep_log *log)
{
	struct rep_follow *f = mx_alloc(sizeof(*f));

	f->log = log;
	if (log->format == REP_FORMAT_JOURNAL && !log->path)
		f->journal = rep_journalctl_new(log->name);
	return f;
}

void rep_follow_free(struct rep_follow *f)
{
	if (!f)
		return;
	rep_journalctl_free(f->journal);
	rep_logfile_close(f->file);
	free(f);
}

int rep_follow_descriptor(const struct rep_follow *f)
{
	return f->journal ? rep_journalctl_descriptor(f->journal) : -1;
}

/* --- what was rotated away while nobody looked ------------------------------------------------------------------ */

struct rotated {
	struct rep_logfile *file;
	s64 time;
};

struct rotation {
	struct rotated *files;
	u32 count;
};

static int by_time(const void *left, const void *right)
{
	const struct rotated *a = left, *b = right;

	return (a->time > b->time) - (a->time < b->time);
}

/* The files whose names begin with that of the log, like mail.log.1 and mail.log-20261121.gz. */
static struct rotation find_rotated(const struct rep_follow *f, struct rep_store *store)
{
	char *copy = mx_strdup(f->log->path), *copy2 = mx_strdup(f->log->path), error[ERROR];
	const char *folder = dirname(copy), *base = basename(copy2);
	size_t length = strlen(base);
	struct rotation r = { 0 };
	DIR *d = opendir(folder);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char *path;
		struct rep_logfile *file;

		if (strncmp(e->d_name, base, length) || !strchr(".-", e->d_name[length]) || !e->d_name[length])
			continue;
		path = mx_format("%s/%s", folder, e->d_name);
		file = rep_logfile_open(store, f->log->name, path, f->log->format, error, sizeof(error));
		free(path);
		if (!file)
			continue;
		r.files = mx_grow(r.files, r.count, sizeof(*r.files));
		r.files[r.count++] = (struct rotated){ file, rep_logfile_time(file) };
	}
	if (d)
		closedir(d);
	free(copy);
	free(copy2);
	if (r.count)
		qsort(r.files, r.count, sizeof(*r.files), by_time);
	return r;
}

/* When the file that was read last was last written; INT64_MAX: it is none of them. */
static s64 time_of(const struct rotation *r, u64 print)
{
	u32 i;

	for (i = 0; i < r->count; i++)
		if (rep_logfile_print(r->files[i].file) == print)
			return r->files[i].time;
	return INT64_MAX;
}

/*
 * From the one that was being read on, in the order in which they were written; of those that were written last in the
 * same second nobody knows it.
 */
static void pass_rotated(struct rep_follow *f, struct rep_pass *pass, u64 last)
{
	struct rotation r = find_rotated(f, pass->store);
	u64 current = rep_logfile_print(f->file);
	s64 since = time_of(&r, last);
	u32 i;

	for (i = 0; i < r.count; i++) {
		struct rep_logfile *file = r.files[i].file;
		u64 print = rep_logfile_print(file);

		if (r.files[i].time >= since && print && print != current)
			while (rep_logfile_pass(file, pass, ~0ull, true))
				;
		rep_logfile_close(file);
	}
	if (since == INT64_MAX)
		mx_log(MX_LOG_WARNING, "%s: what was read last is no longer there, nor renamed: lines may be missing",
		       f->log->path);
	free(r.files);
}

/* --- the file at its path --------------------------------------------------------------------------------------- */

static bool open_file(struct rep_follow *f, struct rep_store *store)
{
	char error[ERROR];

	f->file = rep_logfile_open(store, f->log->name, f->log->path, f->log->format, error, sizeof(error));
	if (!f->file && !f->was_wrong)
		mx_log(MX_LOG_WARNING, "%s: followed as soon as it can be read", error);
	f->was_wrong = !f->file;
	f->size = f->ripe = 0;
	return f->file != NULL;
}

static bool start(struct rep_follow *f, struct rep_pass *pass)
{
	u64 last;

	if (!open_file(f, pass->store))
		return false;
	last = (u64)rep_store_number(pass->store, 0,
				     "SELECT print FROM log WHERE name = ? ORDER BY time DESC, rowid DESC LIMIT 1", "s",
				     f->log->name);
	if (last && last != rep_logfile_print(f->file))
		pass_rotated(f, pass, last);
	return true;
}

/* The file was replaced, and the old one is read to its end and gets nothing any more: over to the new one. */
static void go_over(struct rep_follow *f, struct rep_pass *pass)
{
	while (rep_logfile_pass(f->file, pass, ~0ull, true))
		;
	rep_logfile_close(f->file);
	f->file = NULL;
	open_file(f, pass->store);
}

static void look(struct rep_follow *f, s64 now)
{
	u64 size = rep_logfile_size(f->file);

	if (now - f->looked < REP_FOLLOW_WAIT_MS)
		return;
	f->looked = now;
	f->ripe = f->size < size ? f->size : size;
	if (size != f->size)
		f->grown = now;
	f->size = size;
}

bool rep_follow_step(struct rep_follow *f, struct rep_pass *pass, s64 now)
{
	if (f->journal)
		return rep_journalctl_step(f->journal, pass, now);
	if (!f->file && !start(f, pass))
		return false;
	if (rep_logfile_is_cut(f->file)) { /* copied and emptied: what it holds is new, however much is written */
		go_over(f, pass);
		return true;
	}
	look(f, now);
	if (rep_logfile_pass(f->file, pass, f->ripe, false))
		return true;
	if (f->ripe == f->size && now - f->grown >= QUIET_MS && !access(f->log->path, R_OK) &&
	    rep_logfile_is_replaced(f->file)) {
		go_over(f, pass);
		return true;
	}
	return false;
}
