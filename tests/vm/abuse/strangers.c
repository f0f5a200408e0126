// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who may not: somebody without CAP_NET_ADMIN in the network namespace, whether it is he who opened the socket or he
 * who sends. Who may: the owner of a user namespace in a network namespace that belongs to it, and in no other.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/vm/abuse/victim.h"
#include "tests/vm/abuse/wire.h"

#define NOBODY 65534
#define IN_FORCE 7

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

static struct victim victim;

/* Every command, as it would be right for the policy in force. */
static void ask_everything(struct wire *w, const char *who, int expected)
{
	u64 generation = IN_FORCE, size = victim.snapshot->size, number = 1;
	struct mxload_lane lane = { .provider = 0 };
	u32 valid = VICTIM_VALID, flags = 0;
	struct mxload_flow flow = victim_flow(0);
	u8 command;

	for (command = MXLOAD_CMD_STATUS; command < MXLOAD_CMD_DECISIONS; command++) {
		size_t at = wire_begin(w, command);
		int error;

		if (command != MXLOAD_CMD_STATUS)
			wire_put(w, MXLOAD_A_GENERATION, &generation, sizeof(generation));
		if (command == MXLOAD_CMD_BEGIN) {
			wire_put(w, MXLOAD_A_SIZE, &size, sizeof(size));
			wire_put(w, MXLOAD_A_CHECKSUM, &number, sizeof(number));
			wire_put(w, MXLOAD_A_SEED, &number, sizeof(number));
		}
		if (command == MXLOAD_CMD_CHUNK) {
			wire_put(w, MXLOAD_A_OFFSET, &number, sizeof(number));
			wire_put(w, MXLOAD_A_DATA, victim.snapshot, 100);
		}
		if (command == MXLOAD_CMD_SET || command == MXLOAD_CMD_COMMIT)
			wire_put(w, MXLOAD_A_VALID, &valid, sizeof(valid));
		if (command == MXLOAD_CMD_COUNTERS)
			wire_put(w, MXLOAD_A_FLAGS, &flags, sizeof(flags));
		if (command == MXLOAD_CMD_RECALL)
			wire_put(w, MXLOAD_A_LANES, &lane, sizeof(lane));
		if (command == MXLOAD_CMD_DECIDE)
			wire_put(w, MXLOAD_A_FLOWS, &flow, sizeof(flow));
		wire_end(w, at);
		error = wire_ask(w, NULL);
		if (error != expected)
			die("%s: command %u: %s; expected %s", who, command, strerror(-error), strerror(-expected));
	}
}

/* 0, or the error of listening to the group. */
static int join(const struct wire *w)
{
	if (!w->group)
		die("the family has no group");
	return setsockopt(w->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &w->group, sizeof(w->group)) ? errno : 0;
}

static void expect_refused(const char *who, struct wire *w)
{
	ask_everything(w, who, -EPERM);
	if (join(w) != EPERM)
		die("%s: may listen to decisions", who);
}

static void become_nobody(void)
{
	if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
		die("nobody cannot be: %s", strerror(errno));
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die("%s cannot be written: %s", path, strerror(errno));
	close(fd);
}

/* Nobody becomes root of a user namespace of his own, with network namespace or not. */
static void own_namespaces(int more)
{
	become_nobody();
	prctl(PR_SET_DUMPABLE, 1); /* or his own files in /proc are not his */
	if (unshare(CLONE_NEWUSER | more))
		die("no user namespace: %s", strerror(errno));
	write_file("/proc/self/uid_map", "0 65534 1");
	write_file("/proc/self/setgroups", "deny");
	write_file("/proc/self/gid_map", "0 65534 1");
}

/*
 * Nobody makes a user namespace whose root was changed (chroot), and so it is with everything in the guest of
 * tests/vm/run: what is the root here becomes that of a mount namespace.
 */
static void leave_changed_root(void)
{
	struct stat here, there;
	int root, own;

	if (unshare(CLONE_NEWNS))
		die("no mount namespace: %s", strerror(errno));
	root = open("/", O_PATH | O_DIRECTORY);
	own = open("/proc/self/ns/mnt", O_RDONLY);
	if (root < 0 || own < 0 || setns(own, CLONE_NEWNS) || fstat(root, &here) || stat("/", &there))
		die("the root cannot be found: %s", strerror(errno));
	if ((here.st_dev != there.st_dev || here.st_ino != there.st_ino) &&
	    (fchdir(root) || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".")))
		die("the root cannot be moved: %s", strerror(errno));
	close(root);
	close(own);
}

/* --- who -------------------------------------------------------------------------------------------------------- */

static void nobody(struct wire *of_root)
{
	struct wire *own;

	become_nobody();
	own = wire_open();
	expect_refused("nobody", own);
	ask_everything(of_root, "nobody, by a socket that root opened", -EPERM);
}

/* The other way round: a socket that nobody opened and root uses. */
static void by_the_socket_of_nobody(struct wire *of_root)
{
	struct wire *own;

	(void)of_root;
	if (seteuid(NOBODY))
		die("nobody cannot be: %s", strerror(errno));
	own = wire_open();
	if (seteuid(0))
		die("root cannot be again: %s", strerror(errno));
	ask_everything(own, "root, by a socket that nobody opened", -EPERM);
}

static void root_of_users_alone(struct wire *of_root)
{
	own_namespaces(0);
	expect_refused("root of a user namespace in the network namespace of the host", wire_open());
	ask_everything(of_root, "root of a user namespace, by a socket of the host", -EPERM);
}

static const char *steer(struct victim *own)
{
	struct mxload_status status;
	const char *wrong;

	own->link = mx_module_link_open();
	wrong = mx_module_link_status(own->link, &status);
	if (wrong)
		return wrong;
	if (status.generation || status.before || status.begun || status.decided)
		return "a new namespace is not empty";
	victim_set_up(own, 1, 2);
	wrong = victim_touched(own);
	return wrong ? wrong : mx_module_link_drop(own->link, 2);
}

static void root_of_own_network(struct wire *of_root)
{
	int host = open("/proc/self/ns/net", O_RDONLY);
	struct victim own = { 0 };
	const char *wrong;

	own_namespaces(CLONE_NEWNET);
	wrong = steer(&own);
	if (wrong)
		die("root of a network namespace may not steer it: %s", wrong);
	if (join(wire_open()))
		die("root of a network namespace may not listen there: %s", strerror(errno));
	ask_everything(of_root, "root of a network namespace, by a socket of the host", -EPERM);
	if (host < 0 || !setns(host, CLONE_NEWNET) || errno != EPERM)
		die("he may go back to the network namespace of the host");
}

static void become(void (*who)(struct wire *of_root), const char *name)
{
	struct wire *of_root = wire_open();
	const char *touched;
	int status;

	fflush(stdout);
	if (!fork()) {
		who(of_root);
		fflush(stdout);
		_exit(0);
	}
	wait(&status);
	wire_close(of_root);
	touched = victim_touched(&victim);
	if (touched)
		die("%s touched the policy in force: %s", name, touched);
	if (status)
		die("%s: not as expected", name);
	printf("%s: as expected\n", name);
}

int main(void)
{
	struct wire *root;

	leave_changed_root();
	if (unshare(CLONE_NEWNET)) /* it belongs to the host's root all the same */
		die("no network namespace: %s", strerror(errno));
	root = wire_open();
	if (!root)
		die("the module is not loaded");
	victim_set_up(&victim, 6, IN_FORCE);
	if (join(root))
		die("root may not listen to decisions");
	become(nobody, "nobody");
	become(by_the_socket_of_nobody, "root by the socket of nobody");
	become(root_of_users_alone, "root of a user namespace alone");
	become(root_of_own_network, "root of user and network namespaces");
	victim_tear_down(&victim);
	wire_close(root);
	return 0;
}
