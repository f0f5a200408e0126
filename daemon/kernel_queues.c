// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/kernel_queues.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/log.h"

struct mx_kernel_queues {
	FILE *file;
};

#define PATH "/net/netfilter/nfnetlink_queue"

/* Whoever starts us as an ordinary user can open it for us, as our standard input. */
static bool is_input(void)
{
	char path[200];
	ssize_t n = readlink("/proc/self/fd/0", path, sizeof(path) - 1);

	if (n < 0)
		return false;
	path[n] = 0;
	return n >= (ssize_t)strlen(PATH) && !strcmp(path + n - strlen(PATH), PATH);
}

struct mx_kernel_queues *mx_kernel_queues_open(void)
{
	struct mx_kernel_queues *queues;
	FILE *file = fopen("/proc" PATH, "re");

	if (!file && errno == EACCES && is_input())
		file = stdin;
	if (!file)
		return NULL;
	queues = mx_alloc(sizeof(*queues));
	queues->file = file;
	return queues;
}

void mx_kernel_queues_close(struct mx_kernel_queues *queues)
{
	if (!queues)
		return;
	fclose(queues->file);
	free(queues);
}

struct mx_kernel_queue mx_kernel_queues_read(struct mx_kernel_queues *queues, u32 wanted)
{
	struct mx_kernel_queue q = { .is_known = queues };
	unsigned long number, waiting, dropped, user_dropped;

	if (!queues)
		return q;
	rewind(queues->file);
	/* Number, port, waiting, copy mode, copy range, dropped, dropped for want of room, last number, always 1. */
	while (fscanf(queues->file, "%lu %*u %lu %*u %*u %lu %lu %*u %*u", &number, &waiting, &dropped,
		      &user_dropped) == 4)
		if (number == wanted)
			q = (struct mx_kernel_queue){ true, waiting, dropped, user_dropped };
	return q;
}
