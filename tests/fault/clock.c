// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A host that has slept: a library to be loaded before a program (LD_PRELOAD).
 *
 *   CLOCK_AHEAD  a file that says by how many seconds the time of day and the time since boot are ahead, read at each
 *                call; nothing, or no such file: they are not. CLOCK_MONOTONIC, which stands still in sleep, is left.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long ahead(void)
{
	const char *path = getenv("CLOCK_AHEAD");
	FILE *in = path ? fopen(path, "re") : NULL;
	long seconds = 0;

	if (!in)
		return 0;
	if (fscanf(in, "%ld", &seconds) != 1)
		seconds = 0;
	fclose(in);
	return seconds;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	static int (*next)(clockid_t, struct timespec *);
	int status;

	if (!next)
		next = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	status = next(clock, now);
	if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_BOOTTIME)
		now->tv_sec += ahead();
	return status;
}

time_t time(time_t *result)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	if (result)
		*result = now.tv_sec;
	return now.tv_sec;
}
