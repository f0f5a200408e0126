// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/vm/abuse/wire.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

#define AT_ONCE 64
#define ANSWER 1024 /* bytes of it that are looked at */
#define BUFFER (16 << 20)

/* --- messages --------------------------------------------------------------------------------------------------- */

size_t wire_begin(struct wire *w, u8 command)
{
	struct nlmsghdr h = { .nlmsg_type = w->family, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK };
	struct genlmsghdr g = { .cmd = command, .version = MXLOAD_GENL_VERSION };
	size_t begin = w->length;

	h.nlmsg_seq = ++w->sequence;
	memcpy(w->bytes + begin, &h, sizeof(h));
	memcpy(w->bytes + begin + sizeof(h), &g, sizeof(g));
	w->length += sizeof(h) + sizeof(g);
	return begin;
}

void wire_put(struct wire *w, u16 type, const void *data, size_t size)
{
	struct nlattr a = { .nla_len = (u16)(sizeof(a) + size), .nla_type = type };

	if (w->length + sizeof(a) + size + 8 > sizeof(w->bytes))
		die("a test sends too much at once");
	memcpy(w->bytes + w->length, &a, sizeof(a));
	memset(w->bytes + w->length + sizeof(a) + size, 0, 4);
	if (size)
		memcpy(w->bytes + w->length + sizeof(a), data, size);
	w->length += NLA_ALIGN(sizeof(a) + size);
}

void wire_end(struct wire *w, size_t begin)
{
	struct nlmsghdr *h = (struct nlmsghdr *)(w->bytes + begin);

	h->nlmsg_len = (u32)(w->length - begin);
	while (w->length % NLMSG_ALIGNTO)
		w->bytes[w->length++] = 0;
}

/* --- there and back --------------------------------------------------------------------------------------------- */

/* Without an address it goes to the kernel, which then looks at who opened the socket, too. */
int wire_send(struct wire *w)
{
	ssize_t sent = w->length ? send(w->fd, w->bytes, w->length, 0) : 0;

	w->length = 0;
	return sent < 0 ? errno : 0;
}

static int on_attribute(const struct nlattr *a, void *arg)
{
	if (mnl_attr_get_type(a) == NLMSGERR_ATTR_MSG && !mnl_attr_validate(a, MNL_TYPE_NUL_STRING))
		*(const char **)arg = mnl_attr_get_str(a);
	return MNL_CB_OK;
}

static void read_one(const struct nlmsghdr *h, void (*each)(u32, int, const char *, void *), void *arg)
{
	const struct nlmsgerr *e = (const struct nlmsgerr *)(const void *)(h + 1);
	const char *text = NULL;

	if (h->nlmsg_type != NLMSG_ERROR || h->nlmsg_len < sizeof(*h) + sizeof(*e))
		return;
	if (h->nlmsg_flags & NLM_F_ACK_TLVS)
		mnl_attr_parse(h, sizeof(*e), on_attribute, &text);
	each(e->msg.nlmsg_seq, e->error, text, arg);
}

bool wire_read(struct wire *w, void (*each)(u32 sequence, int error, const char *text, void *arg), void *arg)
{
	static u8 bytes[AT_ONCE][ANSWER] __attribute__((aligned(8)));
	struct mmsghdr messages[AT_ONCE];
	struct iovec parts[AT_ONCE];
	int n, i;

	memset(messages, 0, sizeof(messages));
	for (i = 0; i < AT_ONCE; i++) {
		parts[i] = (struct iovec){ bytes[i], ANSWER };
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	while ((n = recvmmsg(w->fd, messages, AT_ONCE, MSG_DONTWAIT, NULL)) > 0)
		for (i = 0; i < n; i++)
			if (messages[i].msg_len >= sizeof(struct nlmsghdr))
				read_one((struct nlmsghdr *)bytes[i], each, arg);
	return n < 0 && errno == EAGAIN;
}

struct asked {
	u32 sequence;
	bool answered;
	int error;
	char text[200];
};

static void on_answer(u32 sequence, int error, const char *text, void *arg)
{
	struct asked *a = arg;

	if (sequence != a->sequence)
		die("an answer to nothing that was asked");
	a->answered = true;
	a->error = error;
	snprintf(a->text, sizeof(a->text), "%s", text ? text : "");
}

int wire_ask(struct wire *w, const char **text)
{
	static struct asked a;
	int error;

	a = (struct asked){ .sequence = w->sequence };
	error = wire_send(w);
	if (error)
		die("a message cannot be sent: %s", strerror(error));
	if (!wire_read(w, on_answer, &a) || !a.answered)
		die("no answer");
	if (text)
		*text = a.text;
	return a.error;
}

/* --- the family ------------------------------------------------------------------------------------------------- */

static int on_group(const struct nlattr *a, void *arg)
{
	const struct nlattr *of;

	mnl_attr_for_each_nested(of, a) if (mnl_attr_get_type(of) == CTRL_ATTR_MCAST_GRP_ID)((struct wire *)arg)
		->group = mnl_attr_get_u32(of);
	return MNL_CB_OK;
}

static int on_family_attribute(const struct nlattr *a, void *arg)
{
	if (mnl_attr_get_type(a) == CTRL_ATTR_FAMILY_ID)
		((struct wire *)arg)->family = mnl_attr_get_u16(a);
	if (mnl_attr_get_type(a) == CTRL_ATTR_MCAST_GROUPS)
		mnl_attr_parse_nested(a, on_group, arg);
	return MNL_CB_OK;
}

static void resolve(struct wire *w)
{
	u8 bytes[8192] __attribute__((aligned(8)));
	struct nlmsghdr *h = (struct nlmsghdr *)bytes;
	struct genlmsghdr *g;
	size_t begin;
	ssize_t n;

	w->family = GENL_ID_CTRL;
	begin = wire_begin(w, CTRL_CMD_GETFAMILY);
	wire_put(w, CTRL_ATTR_FAMILY_NAME, MXLOAD_GENL_NAME, sizeof(MXLOAD_GENL_NAME));
	wire_end(w, begin);
	w->family = 0;
	if (wire_send(w))
		die("netlink cannot be asked");
	while ((n = recv(w->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) >= (ssize_t)(sizeof(*h) + sizeof(*g)))
		if (h->nlmsg_type == GENL_ID_CTRL)
			mnl_attr_parse(h, sizeof(*g), on_family_attribute, w);
}

struct wire *wire_open(void)
{
	struct wire *w = calloc(1, sizeof(*w));
	int on = 1, size = BUFFER;

	w->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (w->fd < 0)
		die("no netlink socket: %s", strerror(errno));
	setsockopt(w->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(w->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	setsockopt(w->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)); /* who is nobody has less */
	setsockopt(w->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	resolve(w);
	if (w->family)
		return w;
	wire_close(w);
	return NULL;
}

void wire_close(struct wire *w)
{
	close(w->fd);
	free(w);
}
