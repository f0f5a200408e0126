// SPDX-License-Identifier: GPL-2.0-or-later
/* What the daemon can no longer do once its system calls are filtered. Each is tried in a process of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/privileges.h"

/* What one attempt gives behind the filter: 0, or its errno. */
static int filtered(int (*attempt)(void))
{
	int status;
	pid_t child = fork();

	if (!child) {
		mx_privileges_filter();
		errno = 0;
		_exit(attempt() < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int run_program(void)
{
	return execl("/bin/true", "true", (char *)NULL);
}
static int trace(void)
{
	return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}
static int mount_something(void)
{
	return mount("none", "/nowhere", "tmpfs", 0, NULL);
}
static int load_module(void)
{
	return (int)syscall(SYS_finit_module, -1, "", 0);
}
static int become_root(void)
{
	return setuid(0);
}
static int unshare_network(void)
{
	return (int)syscall(SYS_unshare, 0x40000000);
}
static int open_packets(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0);
}
static int open_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 12);
}
static int open_internet(void)
{
	return socket(AF_INET6, SOCK_DGRAM, 0);
}
static int open_file(void)
{
	return open("/etc/passwd", O_RDONLY);
}
static void *nothing(void *arg)
{
	return arg;
}
static int start_thread(void)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, nothing, NULL);
	return errno ? -1 : pthread_join(thread, NULL);
}

static void test_what_goes(void **state)
{
	(void)state;
	assert_int_equal(filtered(open_netlink), 0);
	assert_int_equal(filtered(open_internet), 0);
	assert_int_equal(filtered(open_file), 0);
	assert_int_equal(filtered(start_thread), 0);
}

static void test_what_does_not(void **state)
{
	(void)state;
#ifdef __SANITIZE_ADDRESS__
	skip(); /* there is no filter then */
#endif
	assert_int_equal(filtered(run_program), EPERM);
	assert_int_equal(filtered(trace), EPERM);
	assert_int_equal(filtered(mount_something), EPERM);
	assert_int_equal(filtered(load_module), EPERM);
	assert_int_equal(filtered(become_root), EPERM);
	assert_int_equal(filtered(unshare_network), EPERM);
	assert_int_equal(filtered(open_packets), EPERM);
}

/* A filter that was loaded is there for threads that began before it. */
static int pipe_ends[2];

static void *wait_and_trace(void *result)
{
	char byte;

	if (read(pipe_ends[0], &byte, 1) == 1)
		*(int *)result = ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? errno : 0;
	return NULL;
}

static void test_threads_of_before(void **state)
{
	pthread_t thread;
	int result = -1, status;
	pid_t child;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	skip();
#endif
	child = fork();
	if (!child) {
		if (pipe(pipe_ends) || pthread_create(&thread, NULL, wait_and_trace, &result))
			_exit(1);
		mx_privileges_filter();
		if (write(pipe_ends[1], "", 1) != 1 || pthread_join(thread, NULL))
			_exit(2);
		_exit(result);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_goes),
		cmocka_unit_test(test_what_does_not),
		cmocka_unit_test(test_threads_of_before),
	};

	return cmocka_run_group_tests_name("privileges", tests, NULL, NULL);
}
