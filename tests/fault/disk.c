// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A disk that is slow or fails, for one file: a library to be loaded before a program (LD_PRELOAD).
 *
 *   DISK_FILE    part of the file's name, e.g. ledger.db
 *   DISK_FAULT   a file that says what is wrong, read at each call: "slow MS": each sync takes so much longer;
 *                "fail": each write and sync ends with EIO; anything else, or no such file: all is well
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static bool is_meant(int fd)
{
	const char *wanted = getenv("DISK_FILE");
	char link[64], name[512];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, name, sizeof(name) - 1);
	if (n < 0 || !wanted)
		return false;
	name[n] = '\0';
	return strstr(name, wanted);
}

/* What is wrong: -1 nothing, 0 everything fails, else how many milliseconds a sync takes longer. */
static int fault(void)
{
	const char *path = getenv("DISK_FAULT");
	FILE *in = path ? fopen(path, "re") : NULL;
	char word[16] = "";
	int ms = 0;

	if (!in)
		return -1;
	if (fscanf(in, "%15s %d", word, &ms) < 1)
		word[0] = '\0';
	fclose(in);
	return !strcmp(word, "fail") ? 0 : !strcmp(word, "slow") ? ms : -1;
}

/* True when the call shall fail; it has taken its time. */
static bool goes_wrong(int fd, bool sync)
{
	struct timespec nap;
	int what = is_meant(fd) ? fault() : -1;

	if (what > 0 && sync) {
		nap.tv_sec = what / 1000;
		nap.tv_nsec = what % 1000 * 1000000L;
		nanosleep(&nap, NULL);
	}
	if (what == 0)
		errno = EIO;
	return what == 0;
}

int fsync(int fd)
{
	static int (*next)(int);

	if (!next)
		next = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
	return goes_wrong(fd, true) ? -1 : next(fd);
}

int fdatasync(int fd)
{
	static int (*next)(int);

	if (!next)
		next = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
	return goes_wrong(fd, true) ? -1 : next(fd);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at)
{
	static ssize_t (*next)(int, const void *, size_t, off64_t);

	if (!next)
		next = (ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
	return goes_wrong(fd, false) ? -1 : next(fd, bytes, count, at);
}
