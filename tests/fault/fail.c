// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls that fail, one place after the other: a library to be loaded before mxloadd or mxrep (LD_PRELOAD). A place is a
 * chain of return addresses, so addresses must not differ from run to run (setarch -R).
 *
 *   FAIL_FILE    struct fail below; made by the test, shared by all processes
 *
 * With `wanted` 0 the places are only noted; else the one of that number, in the order of the first run, fails once.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLACES 8192
#define DEPTH 6 /* of a place: malloc(), mx_alloc() and their like are not what is meant */

enum kind { ALLOCATION = 1, NETLINK = 2, SQLITE = 4 };

struct fail {
	uint32_t kinds;  /* of calls that are meant */
	uint32_t wanted; /* the place, from 1 on */
	uint32_t failed; /* how often one did */
	_Atomic uint32_t count;
	_Atomic uint64_t places[PLACES];
};

static struct fail *fail;
static __thread bool inside;

__attribute__((constructor)) static void start(void)
{
	const char *path = getenv("FAIL_FILE");
	void *first[1];
	int fd;

	if (!path || strncmp(program_invocation_short_name, "mx", 2)) /* nor what starts it */
		return;
	inside = true;
	backtrace(first, 1); /* it loads a library the first time */
	inside = false;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return;
	fail = mmap(NULL, sizeof(*fail), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (fail == MAP_FAILED)
		fail = NULL;
}

static uint64_t place_here(enum kind kind)
{
	void *frames[DEPTH + 3];
	uint64_t hash = 14695981039346656037ULL ^ kind;
	int n = backtrace(frames, DEPTH + 3), i;

	for (i = 3; i < n; i++)
		hash = (hash ^ (uintptr_t)frames[i]) * 1099511628211ULL;
	return hash ? hash : 1;
}

/* The number of a place, from 1 on; 0: it is new, and there is a list that it is not in. */
static uint32_t number_of(uint64_t place)
{
	uint32_t i;

	for (i = 0; i < PLACES; i++) {
		uint64_t empty = 0;

		if (atomic_load(&fail->places[i]) == place)
			return i + 1;
		if (atomic_load(&fail->places[i]))
			continue;
		if (fail->wanted)
			return 0;
		if (atomic_compare_exchange_strong(&fail->places[i], &empty, place)) {
			atomic_fetch_add(&fail->count, 1);
			return i + 1;
		}
		if (empty == place)
			return i + 1;
	}
	return 0;
}

static __attribute__((noinline)) bool fails(enum kind kind)
{
	bool now;

	if (!fail || inside || !(fail->kinds & kind) || (fail->wanted && fail->failed))
		return false;
	inside = true;
	now = number_of(place_here(kind)) == fail->wanted && fail->wanted;
	if (now)
		fail->failed++;
	inside = false;
	return now;
}

/* --- memory ----------------------------------------------------------------------------------------------------- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static void *no_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

void *malloc(size_t size)
{
	return fails(ALLOCATION) ? no_memory() : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails(ALLOCATION) ? no_memory() : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return fails(ALLOCATION) ? no_memory() : __libc_realloc(old, size);
}

/* --- netlink ---------------------------------------------------------------------------------------------------- */

static bool is_netlink(int fd)
{
	socklen_t size = sizeof(int);
	int domain;

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) && domain == AF_NETLINK;
}

static ssize_t no_buffers(void)
{
	errno = ENOBUFS;
	return -1;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t send(int fd, const void *bytes, size_t length, int flags)
{
	return is_netlink(fd) && fails(NETLINK) ? no_buffers() : NEXT(send)(fd, bytes, length, flags);
}

ssize_t sendto(int fd, const void *bytes, size_t length, int flags, const struct sockaddr *to, socklen_t size)
{
	return is_netlink(fd) && fails(NETLINK) ? no_buffers() : NEXT(sendto)(fd, bytes, length, flags, to, size);
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	return is_netlink(fd) && fails(NETLINK) ? no_buffers() : NEXT(sendmsg)(fd, m, flags);
}

/* --- the ledger's file ------------------------------------------------------------------------------------------ */

int sqlite3_open(const char *path, sqlite3 **db)
{
	int rc = NEXT(sqlite3_open)(path, db);

	return !rc && fails(SQLITE) ? SQLITE_CANTOPEN : rc;
}

int sqlite3_open_v2(const char *path, sqlite3 **db, int flags, const char *vfs)
{
	int rc = NEXT(sqlite3_open_v2)(path, db, flags, vfs);

	return !rc && fails(SQLITE) ? SQLITE_CANTOPEN : rc;
}

int sqlite3_prepare_v2(sqlite3 *db, const char *sql, int size, sqlite3_stmt **stmt, const char **tail)
{
	if (!fails(SQLITE))
		return NEXT(sqlite3_prepare_v2)(db, sql, size, stmt, tail);
	*stmt = NULL;
	return SQLITE_IOERR;
}

int sqlite3_prepare_v3(sqlite3 *db, const char *sql, int size, unsigned int flags, sqlite3_stmt **stmt,
		       const char **tail)
{
	if (!fails(SQLITE))
		return NEXT(sqlite3_prepare_v3)(db, sql, size, flags, stmt, tail);
	*stmt = NULL;
	return SQLITE_IOERR;
}

int sqlite3_exec(sqlite3 *db, const char *sql, int (*call)(void *, int, char **, char **), void *arg, char **error)
{
	if (!fails(SQLITE))
		return NEXT(sqlite3_exec)(db, sql, call, arg, error);
	if (error)
		*error = NULL;
	return SQLITE_IOERR;
}

int sqlite3_step(sqlite3_stmt *stmt)
{
	return fails(SQLITE) ? SQLITE_IOERR : NEXT(sqlite3_step)(stmt);
}

int sqlite3_bind_int64(sqlite3_stmt *stmt, int i, sqlite3_int64 value)
{
	return fails(SQLITE) ? SQLITE_NOMEM : NEXT(sqlite3_bind_int64)(stmt, i, value);
}

int sqlite3_bind_int(sqlite3_stmt *stmt, int i, int value)
{
	return fails(SQLITE) ? SQLITE_NOMEM : NEXT(sqlite3_bind_int)(stmt, i, value);
}

int sqlite3_bind_text(sqlite3_stmt *stmt, int i, const char *text, int size, void (*done)(void *))
{
	return fails(SQLITE) ? SQLITE_NOMEM : NEXT(sqlite3_bind_text)(stmt, i, text, size, done);
}

int sqlite3_bind_blob(sqlite3_stmt *stmt, int i, const void *bytes, int size, void (*done)(void *))
{
	return fails(SQLITE) ? SQLITE_NOMEM : NEXT(sqlite3_bind_blob)(stmt, i, bytes, size, done);
}
