// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/child.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

pid_t mx_child_fork(const char *name)
{
	pid_t parent = getpid(), child = fork();

	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, name);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (getppid() != parent)
		_exit(0); /* it has ended meanwhile */
	return 0;
}
