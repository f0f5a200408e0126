// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/child.h"
#include "daemon/clock.h"
#include "daemon/log.h"

#define PAUSE_MSEC 1000 /* from one start to the next: whoever can end it must not keep the daemon busy */
#define FIRST_FD 3      /* of the far ends, in the process */
#define FREE_FD 64      /* where there is room to sort them */

struct mx_jail {
	const char *name;
	enum mx_jail_kind kind;
	mx_jail_run *run;
	unsigned int count;
	int ends[MX_JAIL_SOCKETS];
	unsigned int asked[MX_JAIL_SOCKETS]; /* the number of the last question; its answer bears it, too */
	pid_t process;                       /* 0: there is none now */
	u64 begun;                           /* ms */
	atomic_bool stuck;                   /* a question was not answered in time */
};

/* --- the process ------------------------------------------------------------------------------------------------ */

/* Nothing that the daemon has open may be there: least of all what speaks to the kernel. */
static void keep_only(const int *far, unsigned int count, int *sockets)
{
	unsigned int i;
	int null = open("/dev/null", O_RDONLY);

	dup2(null, STDIN_FILENO); /* it may be what the kernel tells of its queues */
	for (i = 0; i < count; i++)
		sockets[i] = fcntl(far[i], F_DUPFD, FREE_FD);
	close_range(FIRST_FD, FREE_FD - 1, 0);
	for (i = 0; i < count; i++)
		sockets[i] = dup2(sockets[i], (int)(FIRST_FD + i));
	close_range(FIRST_FD + count, ~0U, 0);
}

static void enter(struct mx_jail *jail, int *far)
{
	signal(SIGTERM, SIG_IGN); /* it goes with the daemon, and not before */
	keep_only(far, jail->count, far);
	mx_privileges_jail(jail->kind);
	jail->run(far);
	_exit(0);
}

static bool open_pairs(unsigned int count, int *near, int *far)
{
	unsigned int i;
	int ends[2];

	for (i = 0; i < count; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) {
			for (; i; i--)
				close(near[i - 1]), close(far[i - 1]);
			return false;
		}
		near[i] = ends[0];
		far[i] = ends[1];
	}
	return true;
}

/* The daemon's ends stay the numbers that they were; whoever waits at one hears of the end of the process before. */
static void take_near(struct mx_jail *jail, const int *near)
{
	unsigned int i;

	for (i = 0; i < jail->count; i++) {
		if (jail->ends[i] < 0) {
			jail->ends[i] = near[i];
			continue;
		}
		dup3(near[i], jail->ends[i], O_CLOEXEC);
		close(near[i]);
	}
}

/* False and errno: it could not be started. */
static bool begin(struct mx_jail *jail)
{
	int near[MX_JAIL_SOCKETS], far[MX_JAIL_SOCKETS];
	unsigned int i;

	jail->begun = mx_clock_steady_ms();
	if (!open_pairs(jail->count, near, far))
		return false;
	jail->process = mx_child_fork(jail->name);
	if (!jail->process)
		enter(jail, far);
	for (i = 0; i < jail->count; i++)
		close(far[i]);
	take_near(jail, near);
	if (jail->process > 0)
		return true;
	jail->process = 0;
	return false;
}

struct mx_jail *mx_jail_start(const char *name, enum mx_jail_kind kind, unsigned int sockets, mx_jail_run *run)
{
	struct mx_jail *jail = mx_alloc(sizeof(*jail));

	*jail = (struct mx_jail){ .name = name, .kind = kind, .run = run, .count = sockets, .ends = { -1, -1 } };
	if (!begin(jail))
		mx_fatal("cannot start %s: %s", name, strerror(errno));
	return jail;
}

static void end(struct mx_jail *jail)
{
	if (!jail->process)
		return;
	kill(jail->process, SIGKILL);
	waitpid(jail->process, NULL, 0);
	jail->process = 0;
}

void mx_jail_stop(struct mx_jail *jail)
{
	unsigned int i;

	end(jail);
	for (i = 0; i < jail->count; i++)
		close(jail->ends[i]);
	free(jail);
}

void mx_jail_give_up(struct mx_jail *jail)
{
	atomic_store(&jail->stuck, true);
}

bool mx_jail_revive(struct mx_jail *jail)
{
	bool stuck = atomic_exchange(&jail->stuck, false);

	if (jail->process && waitpid(jail->process, NULL, WNOHANG) == jail->process) {
		mx_log(MX_LOG_WARNING, "%s is gone: started again", jail->name);
		jail->process = 0;
	} else if (stuck) {
		mx_log(MX_LOG_WARNING, "%s does not answer: started again", jail->name);
		end(jail);
	}
	if (jail->process || mx_clock_steady_ms() < jail->begun + PAUSE_MSEC)
		return false;
	if (begin(jail))
		return true;
	mx_log(MX_LOG_ERROR, "cannot start %s: %s", jail->name, strerror(errno));
	return false;
}

/* --- its other end ---------------------------------------------------------------------------------------------- */

int mx_jail_socket(const struct mx_jail *jail, unsigned int i)
{
	return jail->ends[i];
}

static bool send_numbered(int socket, unsigned int number, void *message, size_t length)
{
	struct iovec parts[] = { { &number, sizeof(number) }, { message, length } };
	struct msghdr m = { .msg_iov = parts, .msg_iovlen = 2 };

	return sendmsg(socket, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)(sizeof(number) + length);
}

/* Answers to questions that nobody waits for any more are passed over. */
static ssize_t receive_numbered(struct mx_jail *jail, unsigned int i, unsigned int msec, void *answer, size_t size)
{
	u64 until = mx_clock_steady_ms() + msec;
	struct pollfd ready = { jail->ends[i], POLLIN, 0 };
	unsigned int got;
	struct iovec parts[] = { { &got, sizeof(got) }, { answer, size } };

	for (;;) {
		struct msghdr m = { .msg_iov = parts, .msg_iovlen = 2 };
		u64 now = mx_clock_steady_ms();
		ssize_t n;

		if (now >= until) {
			mx_jail_give_up(jail);
			return -1;
		}
		if (poll(&ready, 1, (int)(until - now)) <= 0)
			continue;
		n = recvmsg(jail->ends[i], &m, MSG_DONTWAIT);
		if (n < (ssize_t)sizeof(got) || (m.msg_flags & MSG_TRUNC))
			return -1;
		if (got == jail->asked[i])
			return n - (ssize_t)sizeof(got);
	}
}

ssize_t mx_jail_ask(struct mx_jail *jail, unsigned int i, unsigned int msec, void *message, size_t length, void *answer,
		    size_t size)
{
	jail->asked[i]++;
	if (!send_numbered(jail->ends[i], jail->asked[i], message, length))
		return -1;
	return receive_numbered(jail, i, msec, answer, size);
}
