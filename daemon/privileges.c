// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <netinet/in.h>
#include <pwd.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"

/* One that somebody else made for us, as /var/lib/mxload, bears our name; nobody else's folder changes hands. */
static bool is_ours(const char *folder)
{
	const char *slash = strrchr(folder, '/');
	struct stat s;

	return !strcmp(slash ? slash + 1 : folder, MX_USER) && !lstat(folder, &s) && S_ISDIR(s.st_mode) && !s.st_uid;
}

/* The folder of a file that the daemon keeps, made if need be. */
static void make_folder(const char *file, const struct passwd *to)
{
	char *copy = mx_strdup(file);
	const char *folder = dirname(copy);
	bool is_made = !mkdir(folder, 0755);

	if (!is_made && errno != EEXIST)
		mx_fatal("cannot make the folder %s: %s", folder, strerror(errno));
	if (to && (is_made || is_ours(folder)) && chown(folder, to->pw_uid, to->pw_gid))
		mx_fatal("cannot give the folder %s to user %s: %s", folder, to->pw_name, strerror(errno));
	free(copy);
}

/* A ledger of a daemon that was root; a link is somebody's trick, and left alone. */
static void give_ledger(const char *path, const struct passwd *to)
{
	static const char *const endings[] = { "", "-wal", "-shm", "-journal" };
	u32 i;

	for (i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		char *file = mx_format("%s%s", path, endings[i]);
		struct stat s;

		if (!lstat(file, &s) && S_ISREG(s.st_mode) && !s.st_uid && lchown(file, to->pw_uid, to->pw_gid))
			mx_fatal("cannot give %s to user %s: %s", file, to->pw_name, strerror(errno));
		free(file);
	}
}

static void expect_writable(const char *file, const char *what)
{
	char *copy = mx_strdup(file);
	const char *folder = dirname(copy);

	if (access(folder, W_OK | X_OK)) {
		int error = errno;
		const struct passwd *user = getpwuid(geteuid());

		mx_fatal("%s %s: expected user %s to be able to write in %s: %s", what, file,
			 user ? user->pw_name : "?", folder, strerror(error));
	}
	free(copy);
}

static const struct passwd *find_user(const char *name, bool is_default)
{
	const struct passwd *user = *name ? getpwnam(name) : NULL;

	if (user || !*name)
		return user;
	if (!is_default)
		mx_fatal("user %s: expected a user of this host", name);
	mx_log(MX_LOG_WARNING, "no user %s: goes on as root, with CAP_NET_ADMIN alone", name);
	return NULL;
}

/* Whoever starts it with this and no more may have ruled out that it is changed: a systemd unit does. */
static bool has_no_more(void)
{
	int capability;

	capng_clear(CAPNG_SELECT_ALL);
	if (capng_get_caps_process() || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_NET_ADMIN, 0, 0) != 1)
		return false;
	for (capability = 0; capability <= CAP_LAST_CAP; capability++)
		if (!capng_have_capability(CAPNG_PERMITTED, (unsigned int)capability) != (capability != CAP_NET_ADMIN))
			return false;
	return true;
}

static void become(const struct passwd *user)
{
	capng_type_t sets = CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE | CAPNG_BOUNDING_SET | CAPNG_AMBIENT;
	int rc;

	if (!user && has_no_more())
		return;
	capng_clear(CAPNG_SELECT_ALL);
	capng_update(CAPNG_ADD, sets, CAP_NET_ADMIN);
	rc = user ? capng_change_id((int)user->pw_uid, (int)user->pw_gid, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING)
		  : capng_apply(CAPNG_SELECT_BOTH);
	if (rc)
		mx_fatal("cannot give up what root may do (libcap-ng says %d)", rc);
	rc = capng_apply(CAPNG_SELECT_AMBIENT);
	if (rc)
		mx_fatal("cannot keep CAP_NET_ADMIN for nft (libcap-ng says %d)", rc);
}

void mx_privileges_drop(const struct mx_config *config, const char *user, bool is_default)
{
	const struct passwd *to;

	if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN))
		mx_fatal("expected root, or CAP_NET_ADMIN: packet queues and firewall rules need it");
	to = geteuid() ? NULL : find_user(user, is_default);
	make_folder(config->ledger, to);
	make_folder(config->control, to);
	if (to)
		give_ledger(config->ledger, to);
	become(to);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		mx_fatal("cannot rule out new privileges: %s", strerror(errno));
	expect_writable(config->ledger, "ledger");
	expect_writable(config->control, "control socket");
}

/* --- system calls ----------------------------------------------------------------------------------------------- */

#define CALL(name) SCMP_SYS(name)

#ifdef __SANITIZE_ADDRESS__
/* The sanitizer asks for more, and traces its own process to find leaks. */
void mx_privileges_filter(void)
{
	prctl(PR_SET_DUMPABLE, 1);
}

static void filter_jail(enum mx_jail_kind kind)
{
	(void)kind;
}
#else
/* By what they are for. What the C library may use instead of another is there, too. */
static const int calls[] = {
	/* files: ledger, rules, configuration, names of users */
	CALL(openat),
	CALL(open),
	CALL(close),
	CALL(read),
	CALL(write),
	CALL(readv),
	CALL(writev),
	CALL(pread64),
	CALL(pwrite64),
	CALL(lseek),
	CALL(fstat),
	CALL(stat),
	CALL(lstat),
	CALL(newfstatat),
	CALL(statx),
	CALL(access),
	CALL(faccessat),
	CALL(faccessat2),
	CALL(readlink),
	CALL(readlinkat),
	CALL(getdents64),
	CALL(getcwd),
	CALL(fcntl),
	CALL(flock),
	CALL(ftruncate),
	CALL(fallocate),
	CALL(fadvise64),
	CALL(fsync),
	CALL(fdatasync),
	CALL(rename),
	CALL(renameat),
	CALL(renameat2),
	CALL(unlink),
	CALL(unlinkat),
	CALL(mkdir),
	CALL(mkdirat),
	CALL(fchmod),
	CALL(umask),
	CALL(ioctl),
	CALL(dup),
	CALL(dup2),
	CALL(dup3),
	CALL(pipe2),
	/* memory */
	CALL(mmap),
	CALL(munmap),
	CALL(mprotect),
	CALL(mremap),
	CALL(madvise),
	CALL(brk),
	/* threads, the watchdog, and jails */
	CALL(clone),
	CALL(clone3),
	CALL(exit),
	CALL(exit_group),
	CALL(futex),
	CALL(set_robust_list),
	CALL(rseq),
	CALL(wait4),
	CALL(waitid),
	CALL(kill),
	CALL(tgkill),
	CALL(prctl),
	CALL(capget),
	CALL(capset),
	CALL(seccomp),
	CALL(close_range),
	CALL(getpid),
	CALL(getppid),
	CALL(gettid),
	CALL(getuid),
	CALL(geteuid),
	CALL(getgid),
	CALL(getegid),
	CALL(sched_yield),
	CALL(sched_getaffinity),
	CALL(membarrier),
	CALL(getrusage),
	CALL(prlimit64),
	CALL(sysinfo),
	CALL(uname),
	CALL(getrandom),
	/* signals and time */
	CALL(rt_sigaction),
	CALL(rt_sigprocmask),
	CALL(rt_sigreturn),
	CALL(rt_sigtimedwait),
	CALL(sigaltstack),
	CALL(restart_syscall),
	CALL(nanosleep),
	CALL(clock_nanosleep),
	CALL(clock_gettime),
	CALL(clock_getres),
	CALL(gettimeofday),
	CALL(time),
	CALL(timerfd_create),
	CALL(timerfd_settime),
	CALL(timerfd_gettime),
	/* events */
	CALL(epoll_create1),
	CALL(epoll_ctl),
	CALL(epoll_wait),
	CALL(epoll_pwait),
	CALL(epoll_pwait2),
	CALL(poll),
	CALL(ppoll),
	CALL(select),
	CALL(pselect6),
	CALL(eventfd2),
	/* sockets */
	CALL(socketpair),
	CALL(connect),
	CALL(bind),
	CALL(listen),
	CALL(accept),
	CALL(accept4),
	CALL(shutdown),
	CALL(getsockname),
	CALL(getpeername),
	CALL(getsockopt),
	CALL(setsockopt),
	CALL(sendto),
	CALL(recvfrom),
	CALL(sendmsg),
	CALL(recvmsg),
	CALL(sendmmsg),
	CALL(recvmmsg),
};

/* What a jail needs to wait, to think, and to end. */
static const int calls_pure[] = {
	CALL(sendmsg),
	CALL(recvmsg),
	CALL(poll),
	CALL(ppoll),
	CALL(write), /* of messages for the administrator */
	CALL(munmap),
	CALL(mremap),
	CALL(madvise),
	CALL(brk),
	CALL(futex),
	CALL(getrandom),
	CALL(clock_gettime),
	CALL(gettimeofday),
	CALL(time),
	CALL(rt_sigaction),
	CALL(rt_sigprocmask),
	CALL(rt_sigreturn),
	CALL(restart_syscall),
	CALL(exit),
	CALL(exit_group),
};

/* And to ask the resolvers of a file. */
static const int calls_network[] = {
	CALL(close),       CALL(read),         CALL(lseek),          CALL(fstat),           CALL(stat),
	CALL(lstat),       CALL(newfstatat),   CALL(statx),          CALL(access),          CALL(fcntl),
	CALL(uname),       CALL(getpid),       CALL(epoll_create1),  CALL(epoll_ctl),       CALL(epoll_wait),
	CALL(epoll_pwait), CALL(epoll_pwait2), CALL(timerfd_create), CALL(timerfd_settime), CALL(eventfd2),
	CALL(pipe2),       CALL(connect),      CALL(bind),           CALL(getsockname),     CALL(getpeername),
	CALL(getsockopt),  CALL(setsockopt),   CALL(sendto),         CALL(recvfrom),        CALL(writev),
	CALL(readv),       CALL(ioctl),
};

static const int families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
static const int families_network[] = { AF_INET, AF_INET6 };

static int allow(scmp_filter_ctx filter, const int *numbers, size_t count)
{
	int rc = 0;
	size_t i;

	for (i = 0; i < count && !rc; i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, numbers[i], 0);
	return rc;
}

static int allow_families(scmp_filter_ctx filter, const int *numbers, size_t count)
{
	int rc = 0;
	size_t i;

	for (i = 0; i < count && !rc; i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(socket), 1,
				      SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)numbers[i]));
	return rc;
}

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static int allow_work(scmp_filter_ctx filter)
{
	int rc = allow(filter, calls, COUNT(calls));

	return rc ? rc : allow_families(filter, families, COUNT(families));
}

/* Memory that holds no program, and files that are only read. */
static int allow_jail(scmp_filter_ctx filter, enum mx_jail_kind kind)
{
	int rc = allow(filter, calls_pure, COUNT(calls_pure));

	if (!rc)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (!rc)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(mprotect), 1,
				      SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (rc || kind == MX_JAIL_PURE)
		return rc;
	rc = allow(filter, calls_network, COUNT(calls_network));
	if (!rc)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, FIONBIO));
	if (!rc) /* of a socket: not its mark, nor whose address it takes */
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(setsockopt), 2, SCMP_A1(SCMP_CMP_EQ, SOL_SOCKET),
				      SCMP_A2(SCMP_CMP_LE, SO_RCVBUF));
	if (!rc)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(setsockopt), 1, SCMP_A1(SCMP_CMP_EQ, IPPROTO_TCP));
	if (!rc)
		rc = allow_families(filter, families_network, COUNT(families_network));
	if (!rc)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(openat), 1,
				      SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT, O_RDONLY));
	return rc;
}

/* All of this process's threads, from now on; the context is given up. */
static void load(scmp_filter_ctx filter, int rc)
{
	if (!rc)
		rc = seccomp_load(filter);
	if (rc)
		mx_log(MX_LOG_WARNING, "system calls are not filtered: %s", strerror(-rc));
	seccomp_release(filter);
}

void mx_privileges_filter(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int rc = filter ? 0 : -ENOMEM;

	if (!rc)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!rc)
		rc = allow_work(filter);
	load(filter, rc);
}

static void filter_jail(enum mx_jail_kind kind)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));

	load(filter, filter ? allow_jail(filter, kind) : -ENOMEM);
}
#endif

void mx_privileges_jail(enum mx_jail_kind kind)
{
	capng_clear(CAPNG_SELECT_ALL);
	/* A supervisor may have ruled it out; without a netlink socket and these calls the capability is of no use. */
	if (capng_apply(CAPNG_SELECT_CAPS) && errno != EPERM)
		_exit(1);
	filter_jail(kind);
}
