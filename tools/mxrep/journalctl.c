// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/journalctl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/log.h"
#include "tools/mxrep/follow.h"

#define CHUNK (1u << 20)
#define RETRY_MS 10000
#define CURSOR_MAX 256

extern char **environ;

struct rep_journalctl {
	char *name;
	struct rep_reader *reader;
	pid_t child;
	int fd;
	s64 started; /* 0: never */
	s64 filled;  /* when the oldest bytes in the buffer came */
	char *buffer;
	size_t used;
	char cursor[CURSOR_MAX];
};

struct rep_journalctl *rep_journalctl_new(const char *name)
{
	struct rep_journalctl *j = mx_alloc(sizeof(*j));

	j->name = mx_format("journal:%s", name);
	j->reader = rep_reader_new(REP_FORMAT_JOURNAL, time(NULL));
	j->buffer = mx_alloc(CHUNK);
	j->fd = -1;
	return j;
}

static void stop(struct rep_journalctl *j)
{
	if (j->child > 0) {
		kill(j->child, SIGTERM);
		waitpid(j->child, NULL, 0);
	}
	if (j->fd >= 0)
		close(j->fd);
	j->child = 0;
	j->fd = -1;
	j->used = 0;
}

void rep_journalctl_free(struct rep_journalctl *j)
{
	if (!j)
		return;
	stop(j);
	rep_reader_free(j->reader);
	free(j->buffer);
	free(j->name);
	free(j);
}

int rep_journalctl_descriptor(const struct rep_journalctl *j)
{
	return j->fd;
}

static u64 print_of(const struct rep_journalctl *j)
{
	return rep_hash((struct rep_text){ j->name, strlen(j->name) });
}

/* It must hear the signals that mxrep blocks to read them from a descriptor. */
static int spawn(pid_t *child, char *argv[], int output)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, broken_pipe;
	int wrong;

	sigemptyset(&none);
	sigemptyset(&broken_pipe);
	sigaddset(&broken_pipe, SIGPIPE);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &broken_pipe);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, output, 1);
	wrong = posix_spawnp(child, argv[0], &actions, &attributes, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return wrong;
}

/* Facility 2 is mail (RFC 5424). Where there is no cursor yet, all that the journal has. */
static void launch(struct rep_journalctl *j, struct rep_store *store)
{
	char after[CURSOR_MAX + 32] = "--no-tail", program[] = "journalctl", output[] = "--output=json",
				follow[] = "--follow", match[] = "SYSLOG_FACILITY=2", quiet[] = "--quiet";
	char *argv[] = { program, output, follow, quiet, after, match, NULL };
	sqlite3_stmt *q = rep_store_bind(store, "SELECT cursor FROM log WHERE print = ?", "i", (s64)print_of(j));
	int ends[2], wrong;

	if (rep_store_row(store, q) && *rep_store_text(q, 0))
		snprintf(after, sizeof(after), "--after-cursor=%s", rep_store_text(q, 0));
	sqlite3_reset(q);
	if (pipe2(ends, O_CLOEXEC) || fcntl(ends[0], F_SETFL, O_NONBLOCK))
		return;
	wrong = spawn(&j->child, argv, ends[1]);
	close(ends[1]);
	if (wrong) {
		mx_log(MX_LOG_WARNING, "journalctl: %s: the journal is not read", strerror(wrong));
		close(ends[0]);
		j->child = 0;
		return;
	}
	j->fd = ends[0];
}

/* The place that journalctl goes on from, as it stands in each line. */
static void take_cursor(struct rep_journalctl *j, const char *line, size_t length)
{
	static const char key[] = "\"__CURSOR\":\"";
	const char *at = memmem(line, length, key, sizeof(key) - 1), *end;
	size_t n;

	if (!at)
		return;
	at += sizeof(key) - 1;
	end = memchr(at, '"', (size_t)(line + length - at));
	n = end ? (size_t)(end - at) : 0;
	if (!n || n >= sizeof(j->cursor))
		return;
	memcpy(j->cursor, at, n);
	j->cursor[n] = '\0';
}

static void pass_lines(struct rep_journalctl *j, struct rep_pass *pass)
{
	char *line = j->buffer, *limit = j->buffer + j->used, *end;

	rep_store_begin(pass->store);
	while ((end = memchr(line, '\n', (size_t)(limit - line)))) {
		take_cursor(j, line, (size_t)(end - line));
		rep_pass_line(pass, j->reader, line, (size_t)(end - line));
		line = end + 1;
	}
	if (line == j->buffer && j->used == CHUNK)
		line = limit; /* no message is that long */
	j->used = (size_t)(limit - line);
	memmove(j->buffer, line, j->used);
	rep_store_run(pass->store,
		      "INSERT OR REPLACE INTO log (print, name, device, inode, position, cursor, time)"
		      " VALUES (?, ?, 0, 0, 0, ?, ?)",
		      "issi", (s64)print_of(j), j->name, j->cursor, (s64)time(NULL));
	if (pass->settle)
		rep_settle_write(pass->settle, pass->store);
	rep_store_commit(pass->store);
}

bool rep_journalctl_step(struct rep_journalctl *j, struct rep_pass *pass, s64 now)
{
	ssize_t n;

	if (j->fd < 0) {
		if (j->started && now - j->started < RETRY_MS)
			return false;
		j->started = now;
		launch(j, pass->store);
		if (j->fd < 0)
			return false;
	}
	n = j->used < CHUNK ? read(j->fd, j->buffer + j->used, CHUNK - j->used) : 0;
	if (n > 0 && !j->used)
		j->filled = now;
	if (n > 0)
		j->used += (size_t)n;
	if (j->used == CHUNK ||
	    (j->used && now - j->filled >= REP_FOLLOW_WAIT_MS && memchr(j->buffer, '\n', j->used))) {
		pass_lines(j, pass);
		j->filled = now;
		return n > 0;
	}
	if (n == 0 && j->used < CHUNK) {
		mx_log(MX_LOG_WARNING, "journalctl has ended: it is started again");
		stop(j);
	}
	return n > 0;
}
