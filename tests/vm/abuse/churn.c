// SPDX-License-Identifier: GPL-2.0-or-later
/*
 *	churn namespaces COUNT | loads MODULE.ko COUNT | commits COUNT | expiry
 *
 * Everything comes and goes while connections are made: namespaces, the module, policies. What the kernel has in use
 * of its own memory is compared before and after: a policy that is lost is at least 1.5 MiB (its table of learned
 * addresses), what tells decisions a quarter of one. TOLERANCE is what a hundred and more rounds may leave behind in
 * caches, and far less than one round in twenty would lose.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/vm/abuse/traffic.h"
#include "tests/vm/abuse/victim.h"
#include "tests/vm/abuse/wire.h"

#define TOLERANCE 4096u /* KiB */
#define PATIENCE_MSEC 60000u
#define PROCESSES 2
#define AT_ONCE 5 /* namespaces */
#define WARM_UP 20

static u64 now_msec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000 + (u64)t.tv_nsec / 1000000;
}

/* --- memory ----------------------------------------------------------------------------------------------------- */

/* KiB that the kernel has for itself, without what it would give back. */
static u64 kernel_memory(void)
{
	static const char *const kinds[] = { "SUnreclaim:", "VmallocUsed:", "Percpu:", "KernelStack:" };
	FILE *in = fopen("/proc/meminfo", "r");
	unsigned long long value;
	u64 sum = 0;
	char kind[64];
	u32 i;

	while (fscanf(in, "%63s %llu%*[^\n]", kind, &value) == 2)
		for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			if (!strcmp(kind, kinds[i]))
				sum += value;
	fclose(in);
	return sum;
}

/* The kernel takes its time to clear namespaces away. */
static void expect_memory(u64 before)
{
	u64 end = now_msec() + PATIENCE_MSEC, now;

	while ((now = kernel_memory()) > before + TOLERANCE && now_msec() < end)
		usleep(100000);
	printf("memory of the kernel: %llu KiB before, %llu KiB after\n", (unsigned long long)before,
	       (unsigned long long)now);
	if (now > before + TOLERANCE)
		die("it grew by more than %u KiB", TOLERANCE);
}

/* In a process of its own, whose namespaces are gone with it. */
static void start_apart(void (*what)(u32 number), u32 number)
{
	fflush(stdout);
	if (fork())
		return;
	what(number);
	fflush(stdout);
	_exit(0);
}

static void wait_for_all(void)
{
	int status, failed = 0;

	while (wait(&status) > 0)
		failed |= status;
	if (failed)
		die("a round failed");
}

static void apart(void (*what)(u32 number), u32 number)
{
	start_apart(what, number);
	wait_for_all();
}

/* --- policies --------------------------------------------------------------------------------------------------- */

static void fine(const char *wrong)
{
	if (wrong)
		die("%s", wrong);
}

static struct mx_module_link *linked(void)
{
	struct mx_module_link *link = mx_module_link_open();

	if (!link)
		die("the module is not loaded");
	return link;
}

static void begin(struct mx_module_link *link, u64 generation)
{
	struct mx_snapshot *s = victim_snapshot(generation);

	fine(victim_push(link, s));
	free(s);
}

static void put_in_force(struct mx_module_link *link, u64 generation)
{
	begin(link, generation);
	fine(mx_module_link_commit(link, generation, VICTIM_VALID));
}

static struct mxload_status status_of(struct mx_module_link *link)
{
	struct mxload_status status;

	fine(mx_module_link_status(link, &status));
	return status;
}

/* Until `more` SYNs were decided, or left for a reason. */
static struct mxload_status wait_for(struct mx_module_link *link, enum mxload_left left, u64 more)
{
	struct mxload_status first = status_of(link), now;
	u64 end = now_msec() + PATIENCE_MSEC;

	do {
		now = status_of(link);
		if (left ? now.left[left] >= first.left[left] + more : now.decided >= first.decided + more)
			return now;
	} while (now_msec() < end);
	die("no connection came by in %u s", PATIENCE_MSEC / 1000);
}

/* --- namespaces ------------------------------------------------------------------------------------------------- */

static void begin_and_leave(void)
{
	struct mx_snapshot *s = victim_snapshot(1);
	struct wire *w = wire_open();
	u64 generation = 1, offset = 0;
	size_t at = wire_begin(w, MXLOAD_CMD_BEGIN);

	wire_put(w, MXLOAD_A_GENERATION, &generation, sizeof(generation));
	wire_put(w, MXLOAD_A_SIZE, &s->size, sizeof(s->size));
	wire_put(w, MXLOAD_A_CHECKSUM, &generation, sizeof(generation));
	wire_put(w, MXLOAD_A_SEED, &generation, sizeof(generation));
	wire_end(w, at);
	if (wire_ask(w, NULL))
		die("a policy cannot be begun");
	at = wire_begin(w, MXLOAD_CMD_CHUNK);
	wire_put(w, MXLOAD_A_GENERATION, &generation, sizeof(generation));
	wire_put(w, MXLOAD_A_OFFSET, &offset, sizeof(offset));
	wire_put(w, MXLOAD_A_DATA, s, 128);
	wire_end(w, at);
	if (wire_ask(w, NULL))
		die("a piece is refused");
}

static void connect_some(struct mx_module_link *link, u32 count)
{
	u64 decided = status_of(link).decided;

	traffic_pass(count);
	if (status_of(link).decided != decided + count)
		die("%llu of %u connections were decided", (unsigned long long)(status_of(link).decided - decided),
		    count);
}

/* What is left behind: nothing that is finished, a policy never committed, decisions that nobody has read ... */
static void live_and_go(u32 number)
{
	struct mx_module_link *link;

	if (number % 5 < 2) {
		if (unshare(CLONE_NEWNET))
			die("no network namespace: %s", strerror(errno));
	} else {
		traffic_enter();
	}
	link = linked();
	if (number % 5 == 0)
		begin_and_leave();
	if (number % 5 == 1)
		begin(link, 1);
	if (number % 5 < 2)
		return;
	put_in_force(link, 1);
	if (number % 5 > 2 && !mx_module_ear_open())
		die("nobody can listen: %s", strerror(errno));
	connect_some(link, 20);
	if (number % 5 < 4)
		return;
	put_in_force(link, 2);
	connect_some(link, 20);
	begin(link, 3);
}

static void live_and_go_often(u32 count)
{
	u32 i;

	for (i = 0; i < count; i++) {
		start_apart(live_and_go, i);
		if (i % AT_ONCE == AT_ONCE - 1)
			wait_for_all();
	}
	wait_for_all();
}

static void namespaces(u32 count)
{
	u64 before;

	live_and_go_often(WARM_UP);
	before = kernel_memory();
	live_and_go_often(count);
	expect_memory(before);
}

/* --- loading ---------------------------------------------------------------------------------------------------- */

static const char *module;

static void load(void)
{
	int fd = open(module, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
		die("%s cannot be loaded: %s", module, strerror(errno));
	close(fd);
}

static void unload(void)
{
	if (syscall(SYS_delete_module, "mxload", O_NONBLOCK))
		die("the module cannot be unloaded: %s", strerror(errno));
}

static void load_once(u32 i)
{
	struct mx_module_ear *ear = NULL;
	struct mx_module_link *link;

	load();
	link = linked();
	put_in_force(link, i + 1);
	if (i % 2)
		ear = mx_module_ear_open();
	if (i % 2 && !ear)
		die("nobody can listen: %s", strerror(errno));
	wait_for(link, MXLOAD_LEFT_NOT, 20);
	if (i % 3 == 1)
		put_in_force(link, i + 2);
	if (i % 3 == 2)
		begin(link, i + 2);
	unload();
	mx_module_link_close(link);
	mx_module_ear_close(ear);
}

static void load_under_traffic(u32 count)
{
	pid_t processes[PROCESSES];
	u32 i;

	traffic_enter();
	for (i = 0; i < PROCESSES; i++)
		processes[i] = traffic_start();
	for (i = 0; i < count; i++)
		load_once(i);
	for (i = 0; i < PROCESSES; i++)
		traffic_stop(processes[i]);
}

/* A few times first, for what the kernel keeps for ever; then it must not grow. */
static void apart_without_growth(void (*act)(u32), u32 first, u32 count)
{
	u64 before;

	apart(act, first);
	before = kernel_memory();
	apart(act, count);
	expect_memory(before);
}

static void loads(u32 count)
{
	apart_without_growth(load_under_traffic, 5, count);
}

/* --- policies under traffic ------------------------------------------------------------------------------------- */

static void add_count(const struct mxload_count *count, void *arg)
{
	*(u64 *)arg += count->connections;
}

/* All that a policy decided. */
static u64 connections_of(struct mx_module_link *link, u64 generation)
{
	u64 sum = 0;
	struct mx_module_reader reader = { add_count, NULL, &sum };

	fine(mx_module_link_counters(link, generation, true, &reader));
	return sum;
}

/* Each connection is counted by exactly one policy: none is lost between two, none comes after its end was told. */
static void commit_under_traffic(u32 count)
{
	pid_t processes[PROCESSES];
	struct mx_module_link *link;
	u64 sum = 0;
	u32 i;

	traffic_enter();
	link = linked();
	for (i = 0; i < PROCESSES; i++)
		processes[i] = traffic_start();
	for (i = 1; i <= count; i++) {
		put_in_force(link, i);
		if (i > 1)
			sum += connections_of(link, i - 1);
		wait_for(link, MXLOAD_LEFT_NOT, 5);
	}
	fine(mx_module_link_drop(link, count));
	sum += connections_of(link, count);
	if (sum != status_of(link).decided)
		die("%llu connections were decided, and the policies counted %llu",
		    (unsigned long long)status_of(link).decided, (unsigned long long)sum);
	printf("%u policies decided %llu connections\n", count, (unsigned long long)sum);
	for (i = 0; i < PROCESSES; i++)
		traffic_stop(processes[i]);
}

static void commits(u32 count)
{
	apart_without_growth(commit_under_traffic, 10, count);
}

static void expire(u32 number)
{
	struct mxload_status then, now;
	struct mx_module_link *link;
	pid_t process;

	(void)number;
	traffic_enter();
	link = linked();
	begin(link, 1);
	process = traffic_start();
	fine(mx_module_link_commit(link, 1, 300));
	then = wait_for(link, MXLOAD_LEFT_EXPIRED, 1);
	if (!then.decided || then.valid)
		die("a policy of 300 ms decided %llu, and is valid for %u ms more", then.decided, then.valid);
	now = wait_for(link, MXLOAD_LEFT_EXPIRED, 200);
	if (now.decided > then.decided + 2) /* a SYN that was looked at just before, on another processor */
		die("a policy that is no longer valid decided %llu", now.decided - then.decided);
	fine(mx_module_link_renew(link, 1, VICTIM_VALID));
	wait_for(link, MXLOAD_LEFT_NOT, 200);
	traffic_stop(process);
	printf("%llu decided, and %llu left when it was no longer valid\n", then.decided,
	       status_of(link).left[MXLOAD_LEFT_EXPIRED]);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "namespaces") && argc == 3) {
		namespaces((u32)atoi(argv[2]));
	} else if (!strcmp(what, "loads") && argc == 4) {
		module = argv[2];
		loads((u32)atoi(argv[3]));
	} else if (!strcmp(what, "commits") && argc == 3) {
		commits((u32)atoi(argv[2]));
	} else if (!strcmp(what, "expiry")) {
		apart(expire, 0);
	} else {
		die("usage: churn namespaces COUNT | loads MODULE.ko COUNT | commits COUNT | expiry");
	}
	return 0;
}
