// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/route_link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/log.h"

#define MESSAGES 32768 /* bytes: what the kernel sends at once is less */

struct mnl_socket *mx_route_open(u32 groups)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (!s || mnl_socket_bind(s, groups, MNL_SOCKET_AUTOPID) < 0)
		mx_fatal("cannot open a netlink socket: %s", strerror(errno));
	return s;
}

int mx_route_ask(struct nlmsghdr *request, mnl_cb_t each, void *arg)
{
	char buffer[MESSAGES] __attribute__((aligned(8)));
	struct mnl_socket *s = mx_route_open(0);
	int rc = 0, error = 0;
	ssize_t n;

	if (mnl_socket_sendto(s, request, request->nlmsg_len) < 0)
		error = errno;
	do {
		n = error ? -1 : mnl_socket_recvfrom(s, buffer, sizeof(buffer));
		rc = n < 0 ? -1 : mnl_cb_run(buffer, (size_t)n, 0, 0, each, arg);
	} while (rc > MNL_CB_STOP);
	if (rc < 0 && !error)
		error = errno;
	mnl_socket_close(s);
	return error;
}

int mx_route_list(u16 type, mnl_cb_t each, void *arg)
{
	char buffer[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct rtgenmsg *gen;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	gen = mnl_nlmsg_put_extra_header(nlh, sizeof(*gen));
	gen->rtgen_family = AF_UNSPEC;
	return mx_route_ask(nlh, each, arg);
}

bool mx_route_read(const struct mnl_socket *events, mnl_cb_t each, void *arg)
{
	char buffer[MESSAGES] __attribute__((aligned(8)));
	bool whole = true;
	ssize_t n;

	for (;;) {
		n = recv(mnl_socket_get_fd(events), buffer, sizeof(buffer), MSG_DONTWAIT);
		if (n > 0)
			mnl_cb_run(buffer, (size_t)n, 0, 0, each, arg);
		else if (n < 0 && errno == ENOBUFS)
			whole = false;
		else if (n < 0 && errno != EINTR)
			return whole;
	}
}
