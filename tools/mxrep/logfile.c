// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/logfile.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/log.h"

#define CHUNK (1u << 20)
#define AT_ONCE (32u << 20) /* in one transaction: what many lines change of one page is written once */
#define PRINT 1024          /* bytes of the first line that it is known by */
#define BEFORE (8u << 20)   /* read again before the place where one goes on, for what is in the queue */

struct rep_logfile {
	char *name, *path;
	int fd;
	struct archive *archive; /* NULL: a file as it is */
	struct rep_reader *reader;
	struct stat opened;
	u64 print;
	u64 position; /* of the first byte in the buffer that was not passed */
	u64 taken;    /* bytes that were read into the buffer in all */
	u64 stored;   /* the position that the store is known to have */
	char *buffer; /* those from `position` on */
	size_t used;
	bool known, ended, learned, broken;
};

/* --- bytes ------------------------------------------------------------------------------------------------------ */

static bool is_compressed(int fd)
{
	static const char *const magics[] = { "\x1f\x8b", "BZh",
					      "\xfd"
					      "7zXZ",
					      "\x28\xb5\x2f\xfd" };
	char head[8] = "";
	size_t i;

	if (pread(fd, head, sizeof(head) - 1, 0) < 6)
		return false;
	for (i = 0; i < sizeof(magics) / sizeof(*magics); i++)
		if (!strncmp(head, magics[i], strlen(magics[i])))
			return true;
	return false;
}

static struct archive *open_archive(int fd)
{
	struct archive *a = archive_read_new();
	struct archive_entry *entry;

	archive_read_support_filter_all(a);
	archive_read_support_format_raw(a);
	lseek(fd, 0, SEEK_SET);
	if (archive_read_open_fd(a, fd, 65536) == ARCHIVE_OK && archive_read_next_header(a, &entry) == ARCHIVE_OK &&
	    archive_filter_count(a) > 1) /* else it only begins like one */
		return a;
	archive_read_free(a);
	return NULL;
}

/* More into the buffer, as far as it has room; 0 at the end. */
static size_t fill(struct rep_logfile *f, u64 limit)
{
	size_t room = CHUNK - f->used;
	ssize_t n;

	if (!f->archive && f->taken + room > limit)
		room = f->taken < limit ? (size_t)(limit - f->taken) : 0;
	if (!room)
		return 0;
	n = f->archive ? archive_read_data(f->archive, f->buffer + f->used, room)
		       : pread(f->fd, f->buffer + f->used, room, (off_t)f->taken);
	if (n < 0) {
		mx_log(MX_LOG_ERROR, "%s: %s: not read any further", f->path,
		       f->archive ? archive_error_string(f->archive) : strerror(errno));
		f->ended = f->broken = true;
		return 0;
	}
	f->used += (size_t)n;
	f->taken += (u64)n;
	f->ended = n == 0;
	return (size_t)n;
}

static void drop(struct rep_logfile *f, size_t bytes)
{
	memmove(f->buffer, f->buffer + bytes, f->used - bytes);
	f->used -= bytes;
	f->position += bytes;
}

/* --- what it is known by ---------------------------------------------------------------------------------------- */

/* Of the first line, as far as it counts; 0 as long as that has not been written. */
static u64 print_of(const char *bytes, size_t length)
{
	const char *end = memchr(bytes, '\n', length < PRINT ? length : PRINT);

	if (!end && length < PRINT)
		return 0;
	return rep_hash((struct rep_text){ bytes, end ? (size_t)(end - bytes) : PRINT });
}

static void skip_to(struct rep_logfile *f, u64 position)
{
	if (!f->archive) {
		f->position = f->taken = position;
		f->used = 0;
		return;
	}
	while (f->position < position && (f->used || fill(f, ~0ull)))
		drop(f, f->used < position - f->position ? f->used : (size_t)(position - f->position));
}

/* Where the file of this first line was left; -1: nobody has read it. */
static s64 find_position(struct rep_store *store, u64 print)
{
	return rep_store_number(store, -1, "SELECT position FROM log WHERE print = ?", "i", (s64)print);
}

/* Known by its first line, which may have been taken without its end: where it was left. */
static void find_place(struct rep_logfile *f, struct rep_store *store)
{
	u64 print = print_of(f->buffer, f->used);
	s64 position;

	f->print = print;
	if (!print)
		print = rep_hash((struct rep_text){ f->buffer, f->used });
	position = find_position(store, print);
	f->known = position >= 0;
	if (!f->known)
		return;
	f->print = print;
	f->stored = (u64)position;
	if (!f->archive && position > f->opened.st_size) /* it was cut: what comes now is new */
		position = f->opened.st_size;
	if (position > 0)
		skip_to(f, (u64)position);
}

struct rep_logfile *rep_logfile_open(struct rep_store *store, const char *name, const char *path,
				     enum rep_format format, char *error, size_t size)
{
	struct rep_logfile *f = mx_alloc(sizeof(*f));

	f->name = mx_strdup(name);
	f->path = mx_strdup(path);
	f->buffer = mx_alloc(CHUNK);
	f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (f->fd < 0 || fstat(f->fd, &f->opened)) {
		snprintf(error, size, "%s: %s", path, strerror(errno));
	} else if (!S_ISREG(f->opened.st_mode)) {
		snprintf(error, size, "%s: expected a file", path);
	} else if (is_compressed(f->fd) && !(f->archive = open_archive(f->fd))) {
		snprintf(error, size, "%s: expected a log file, or one compressed by gzip, bzip2, xz or zstd", path);
	} else {
		f->reader = rep_reader_new(format, f->opened.st_mtime);
		fill(f, ~0ull);
		find_place(f, store);
		return f;
	}
	rep_logfile_close(f);
	return NULL;
}

void rep_logfile_close(struct rep_logfile *f)
{
	if (!f)
		return;
	if (f->archive)
		archive_read_free(f->archive);
	if (f->fd >= 0)
		close(f->fd);
	if (f->reader)
		rep_reader_free(f->reader);
	free(f->buffer);
	free(f->name);
	free(f->path);
	free(f);
}

/* --- lines ------------------------------------------------------------------------------------------------------ */

/* Where one goes on in the middle, what stands before tells what was in the queue then. */
static void learn_queue(struct rep_logfile *f, struct rep_pass *pass)
{
	u64 at = f->position > BEFORE ? f->position - BEFORE : 0;
	char *bytes = NULL, *line, *end;
	ssize_t n = 0;

	f->learned = true;
	if (f->archive || !f->position)
		return;
	bytes = mx_alloc(BEFORE);
	n = pread(f->fd, bytes, (size_t)(f->position - at), (off_t)at);
	for (line = bytes; n > 0 && (end = memchr(line, '\n', (size_t)(bytes + n - line))); line = end + 1)
		rep_pass_before(pass, f->reader, line, (size_t)(end - line));
	free(bytes);
}

/* All whole lines of the buffer; how many bytes they took. A line that fills the buffer is taken as far as it goes. */
static size_t pass_lines(struct rep_logfile *f, struct rep_pass *pass, bool last)
{
	const char *line = f->buffer, *limit = f->buffer + f->used, *end;

	while ((end = memchr(line, '\n', (size_t)(limit - line)))) {
		rep_pass_line(pass, f->reader, line, (size_t)(end - line));
		line = end + 1;
	}
	if (line < limit && (last || f->used == CHUNK) && (line == f->buffer || last)) {
		rep_pass_line(pass, f->reader, line, (size_t)(limit - line));
		line = limit;
	}
	return (size_t)(line - f->buffer);
}

/* Whether there is something in the buffer to pass, reading on. */
static bool is_more(struct rep_logfile *f, u64 limit, bool last)
{
	size_t n = fill(f, limit);

	if (!f->print)
		f->print = print_of(f->buffer, f->used);
	if (!f->print && last && f->ended && f->used)
		f->print = rep_hash((struct rep_text){ f->buffer, f->used });
	return f->used && (n || f->used == CHUNK || (last && f->ended) || memchr(f->buffer, '\n', f->used));
}

/* What it holds now begins with another line. */
static bool begins_otherwise(const struct rep_logfile *f)
{
	char head[PRINT];
	ssize_t n = f->print && !f->archive ? pread(f->fd, head, sizeof(head), 0) : 0;
	u64 print = n > 0 ? print_of(head, (size_t)n) : 0;

	return print && print != f->print;
}

bool rep_logfile_is_cut(const struct rep_logfile *f)
{
	return !f->archive && (rep_logfile_size(f) < f->position || begins_otherwise(f));
}

static void write_place(struct rep_logfile *f, struct rep_store *store)
{
	f->stored = f->position;
	if (f->print)
		rep_store_run(store,
			      "INSERT OR REPLACE INTO log (print, name, device, inode, position, time)"
			      " VALUES (?, ?, ?, ?, ?, ?)",
			      "isiiii", (s64)f->print, f->name, (s64)f->opened.st_dev, (s64)f->opened.st_ino,
			      (s64)f->position, (s64)time(NULL));
}

/* Another process reads the same file, and has come further: over what it has counted. */
static bool was_overtaken(struct rep_logfile *f, struct rep_store *store)
{
	s64 position = f->print ? find_position(store, f->print) : -1;

	if (position <= (s64)f->position || (u64)position == f->stored)
		return false;
	skip_to(f, (u64)position);
	return true;
}

bool rep_logfile_pass(struct rep_logfile *f, struct rep_pass *pass, u64 limit, bool last)
{
	u64 begin = f->position, before;

	if (!f->learned)
		learn_queue(f, pass);
	if (begins_otherwise(f) || !is_more(f, limit, last))
		return false;
	rep_store_begin(pass->store);
	if (was_overtaken(f, pass->store)) {
		rep_store_commit(pass->store);
		return f->position > begin;
	}
	do {
		before = f->position;
		drop(f, pass_lines(f, pass, last && f->ended));
	} while (f->position > before && f->position - begin < AT_ONCE && is_more(f, limit, last));
	write_place(f, pass->store);
	if (pass->settle)
		rep_settle_write(pass->settle, pass->store);
	rep_store_commit(pass->store);
	return f->position > begin;
}

bool rep_logfile_is_replaced(const struct rep_logfile *f)
{
	struct stat now;

	if (stat(f->path, &now))
		return true;
	return now.st_ino != f->opened.st_ino || now.st_dev != f->opened.st_dev || rep_logfile_is_cut(f);
}

u64 rep_logfile_size(const struct rep_logfile *f)
{
	struct stat now;

	return fstat(f->fd, &now) ? 0 : (u64)now.st_size;
}

u64 rep_logfile_position(const struct rep_logfile *f)
{
	return f->archive ? (u64)archive_filter_bytes(f->archive, -1) : f->position;
}

u64 rep_logfile_print(const struct rep_logfile *f)
{
	return f->print;
}

s64 rep_logfile_time(const struct rep_logfile *f)
{
	return f->opened.st_mtime;
}

bool rep_logfile_is_known(const struct rep_logfile *f)
{
	return f->known;
}

bool rep_logfile_is_broken(const struct rep_logfile *f)
{
	return f->broken;
}
