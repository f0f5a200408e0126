/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One log file, read line by line from where it was left, compressed or not. A file is known by its first line, which
 * stays with it when it is renamed, compressed or copied; so no line is read twice, whatever logrotate does.
 */
#ifndef MX_REP_LOGFILE_H
#define MX_REP_LOGFILE_H

#include "tools/mxrep/pass.h"

struct rep_logfile;

/*
 * Opens a file at the place where the store has it, else at its beginning. `name` is what it is followed as (the path
 * for one that is only read). NULL: why not is in `error` (`size` bytes).
 */
struct rep_logfile *rep_logfile_open(struct rep_store *store, const char *name, const char *path,
				     enum rep_format format, char *error, size_t size);
void rep_logfile_close(struct rep_logfile *file);

/*
 * Passes some lines, 32 MB at most, and writes what they gave and where the next one begins, in one transaction.
 * Up to `limit` bytes from the file's beginning; whether to take a last line without an end. False: there is nothing to
 * read up to there.
 */
bool rep_logfile_pass(struct rep_logfile *file, struct rep_pass *pass, u64 limit, bool last);

/* Whether the file that was opened is shorter now than what was read of it, or begins with another line. */
bool rep_logfile_is_cut(const struct rep_logfile *file);

/* Whether it was cut, or is another than that at its path now. */
bool rep_logfile_is_replaced(const struct rep_logfile *file);

u64 rep_logfile_size(const struct rep_logfile *file); /* now; of a compressed one that on disk */
u64 rep_logfile_position(
	const struct rep_logfile *file);               /* of the next byte to read; of a compressed one that on disk */
u64 rep_logfile_print(const struct rep_logfile *file); /* of its first line; 0: it has none yet */
s64 rep_logfile_time(const struct rep_logfile *file);  /* seconds: when it was last written */
bool rep_logfile_is_known(const struct rep_logfile *file);  /* whether it was read before */
bool rep_logfile_is_broken(const struct rep_logfile *file); /* whether it could not be read to its end */

#endif
