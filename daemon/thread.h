/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads as the daemon has them: signals are the main thread's, and waits are timed by a clock that nobody sets. */
#ifndef MX_DAEMON_THREAD_H
#define MX_DAEMON_THREAD_H

#include <pthread.h>
#include <time.h>

#include "core/port.h"

/* Starts a thread that gets no signals. Ends the program, naming `what` it is for, when it cannot be had. */
void mx_thread_start(pthread_t *thread, void *(*run)(void *), void *arg, const char *what);

/* A condition for waits until mx_thread_deadline(); to be freed by free(). */
pthread_cond_t *mx_thread_new_cond(void);

/* The time of CLOCK_MONOTONIC in `nsec` nanoseconds. */
struct timespec mx_thread_deadline(u64 nsec);

#endif
