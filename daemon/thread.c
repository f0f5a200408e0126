// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/thread.h"

#include <signal.h>

#include "daemon/log.h"
#include "daemon/text.h"

#define NSEC_PER_SEC 1000000000ULL

void mx_thread_start(pthread_t *thread, void *(*run)(void *), void *arg, const char *what)
{
	sigset_t every, before;

	sigfillset(&every);
	pthread_sigmask(SIG_SETMASK, &every, &before);
	if (pthread_create(thread, NULL, run, arg))
		mx_fatal("cannot start a thread for %s", what);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

pthread_cond_t *mx_thread_new_cond(void)
{
	pthread_cond_t *cond = mx_alloc(sizeof(*cond));
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
	return cond;
}

struct timespec mx_thread_deadline(u64 nsec)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	nsec += (u64)t.tv_nsec;
	t.tv_sec += (time_t)(nsec / NSEC_PER_SEC);
	t.tv_nsec = (long)(nsec % NSEC_PER_SEC);
	return t;
}
