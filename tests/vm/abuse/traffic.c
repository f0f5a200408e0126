// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/vm/abuse/traffic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/vm/abuse/wire.h"

#define OWN 0xc6336401u /* 198.51.100.1 */
#define CONNTRACK "nft 'table ip road { chain out { type filter hook output priority 0; ct state new counter; }; }'"

static void set(int fd, unsigned long what, const char *name, u32 address)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(address) };
	struct ifreq r = { 0 };

	memcpy(r.ifr_name, name, strlen(name) + 1);
	if (what == SIOCSIFFLAGS)
		r.ifr_flags = IFF_UP;
	else
		memcpy(&r.ifr_addr, &in, sizeof(in));
	if (ioctl(fd, what, &r))
		die("no road: %s", strerror(errno));
}

/* A device whose packets nobody reads: it is there as long as its file is open. */
static void build_road(void)
{
	struct ifreq r = { .ifr_flags = IFF_TUN | IFF_NO_PI, .ifr_name = "road" };
	int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC), in = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (tun < 0 || ioctl(tun, TUNSETIFF, &r))
		die("no tun device: %s", strerror(errno));
	set(in, SIOCSIFADDR, r.ifr_name, OWN);
	set(in, SIOCSIFNETMASK, r.ifr_name, 0xffffff00);
	set(in, SIOCSIFFLAGS, r.ifr_name, 0);
	close(in);
}

void traffic_enter(void)
{
	if (unshare(CLONE_NEWNET))
		die("no network namespace: %s", strerror(errno));
	build_road();
	if (system(CONNTRACK))
		die("no conntrack in a namespace: nft failed");
}

void traffic_pass(u32 count)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(25) };
	u32 i;

	for (i = 0; i < count; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		to.sin_addr.s_addr = htonl(OWN + 1 + i % 100);
		if (fd < 0 || !connect(fd, (struct sockaddr *)&to, sizeof(to)) || errno != EINPROGRESS)
			die("a connection cannot be made: %s", strerror(errno));
		close(fd);
	}
}

pid_t traffic_start(void)
{
	pid_t process;

	fflush(stdout);
	process = fork();
	if (process)
		return process;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		traffic_pass(100);
}

void traffic_stop(pid_t process)
{
	kill(process, SIGKILL);
	waitpid(process, NULL, 0);
}
