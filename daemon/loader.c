// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/child.h"
#include "daemon/log.h"

struct mx_loader {
	int socket;
	pid_t process;
};

struct answer {
	pid_t nft;
	bool done;
};

/* --- the process ------------------------------------------------------------------------------------------------ */

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

/* What nft shall read. -1: the daemon has ended. */
static int receive_text(int socket)
{
	char byte;
	struct iovec data = { &byte, 1 };
	union control control;
	struct msghdr m = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)
	};
	int fd;

	if (recvmsg(socket, &m, MSG_CMSG_CLOEXEC) <= 0 || !CMSG_FIRSTHDR(&m))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

static struct answer run_nft(int text)
{
	struct answer answer = { .nft = fork() };
	int status;

	if (!answer.nft) {
		signal(SIGTERM, SIG_DFL);
		dup2(text, STDIN_FILENO);
		execlp("nft", "nft", "-f", "-", (char *)NULL);
		_exit(127);
	}
	close(text);
	answer.done = answer.nft > 0 && waitpid(answer.nft, &status, 0) == answer.nft && WIFEXITED(status) &&
		      !WEXITSTATUS(status);
	return answer;
}

static void serve(int socket)
{
	int text;

	while ((text = receive_text(socket)) >= 0) {
		struct answer answer = run_nft(text);

		if (send(socket, &answer, sizeof(answer), MSG_NOSIGNAL) != sizeof(answer))
			return;
	}
}

struct mx_loader *mx_loader_start(void)
{
	struct mx_loader *loader = mx_alloc(sizeof(*loader));
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		mx_fatal("cannot start the loader: %s", strerror(errno));
	loader->socket = ends[0];
	loader->process = mx_child_fork("mxload-loader");
	if (loader->process < 0)
		mx_fatal("cannot start the loader: %s", strerror(errno));
	if (loader->process) {
		close(ends[1]);
		return loader;
	}
	signal(SIGTERM, SIG_IGN); /* while the daemon leaves, it may need its table loaded */
	close(ends[0]);
	serve(ends[1]);
	_exit(0);
}

/* --- its other end ---------------------------------------------------------------------------------------------- */

void mx_loader_stop(struct mx_loader *loader)
{
	kill(loader->process, SIGKILL);
	waitpid(loader->process, NULL, 0);
	close(loader->socket);
	free(loader);
}

pid_t mx_loader_pid(const struct mx_loader *loader)
{
	return loader->process;
}

static bool send_text(int socket, int fd)
{
	char byte = 0;
	struct iovec data = { &byte, 1 };
	union control control = { { 0 } };
	struct msghdr m = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&m);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(socket, &m, MSG_NOSIGNAL) == 1;
}

FILE *mx_loader_begin(struct mx_loader *loader)
{
	int ends[2];
	FILE *text = NULL;

	if (pipe2(ends, O_CLOEXEC))
		return NULL;
	if (send_text(loader->socket, ends[0]))
		text = fdopen(ends[1], "w");
	close(ends[0]);
	if (!text)
		close(ends[1]);
	return text;
}

bool mx_loader_end(struct mx_loader *loader, FILE *text, pid_t *nft)
{
	struct answer answer;

	fclose(text);
	if (recv(loader->socket, &answer, sizeof(answer), 0) != sizeof(answer))
		return false;
	*nft = answer.nft;
	return answer.done;
}
