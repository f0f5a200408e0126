// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/supervisor.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "daemon/log.h"

static void tell(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = path ? strlen(path) : 0;
	int fd;

	if (!length || length >= sizeof(address.sun_path) || (*path != '/' && *path != '@'))
		return;
	memcpy(address.sun_path, path, length);
	if (*path == '@')
		address.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* Whoever does not listen any more does not want to know. */
	(void)!sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address,
		      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
	close(fd);
}

void mx_supervisor_ready(const char *status)
{
	char *text = mx_format("READY=1\nSTATUS=%s\nMAINPID=%ld", status, (long)getpid());

	tell(text);
	free(text);
}

void mx_supervisor_leaving(void)
{
	tell("STOPPING=1");
}

/* Milliseconds between two signs of life; 0: nobody waits for them. */
static u64 period(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!usec || (pid && strtol(pid, NULL, 10) != getpid()))
		return 0;
	return strtoull(usec, NULL, 10) / 4000;
}

void mx_supervisor_alive(void)
{
	static u64 told;
	u64 now = mx_clock_steady_ms(), every = period();

	if (!every || now < told + every)
		return;
	told = now;
	tell("WATCHDOG=1");
}
