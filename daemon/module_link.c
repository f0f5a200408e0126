// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/module_link.h"

#include <errno.h>
#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"

#define PIECE 32768      /* bytes of a snapshot in one message */
#define AT_ONCE 256      /* lanes or flows: as many as the module answers for */
#define ANSWER_MSEC 5000 /* as long as an answer is waited for; the module gives it at once */
#define EAR_BYTES (4 << 20)
#define EAR_MESSAGE 65536 /* bytes; a message is at most a quarter */

struct mx_module_link {
	struct nl_sock *socket;
	int family;
	bool gone, answered;
	char error[256];
	int (*read)(struct mx_module_link *link, struct nlattr **attributes); /* of an answer; 0, or it is broken */
	void *arg;
};

static const u32 entry_size[__MXLOAD_A_END] = {
	[MXLOAD_A_SLOTS] = sizeof(struct mxload_slot),         [MXLOAD_A_SOURCES] = sizeof(struct mxload_source),
	[MXLOAD_A_PROVIDERS] = sizeof(struct mxload_provider), [MXLOAD_A_LANES] = sizeof(struct mxload_lane),
	[MXLOAD_A_LEARNED] = sizeof(struct mxload_learned),    [MXLOAD_A_COUNTS] = sizeof(struct mxload_count),
	[MXLOAD_A_GROUPS] = sizeof(struct mxload_group),       [MXLOAD_A_FLOWS] = sizeof(struct mxload_flow),
	[MXLOAD_A_VERDICTS] = sizeof(struct mxload_verdict),   [MXLOAD_A_DECISIONS] = sizeof(struct mxload_decision),
};

/* --- one request ------------------------------------------------------------------------------------------------ */

/* The words of the kernel, when it sent some. */
static const char *words_of(struct nlmsgerr *e, const struct nlmsghdr *h)
{
	size_t quoted = h->nlmsg_flags & NLM_F_CAPPED ? 0 : e->msg.nlmsg_len - sizeof(e->msg);
	struct nlattr *attributes[NLMSGERR_ATTR_MAX + 1];
	size_t at = sizeof(*e) + NLMSG_ALIGN(quoted);

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS) || h->nlmsg_len < NLMSG_HDRLEN + at ||
	    nla_parse(attributes, NLMSGERR_ATTR_MAX, (struct nlattr *)((char *)e + at),
		      (int)(h->nlmsg_len - NLMSG_HDRLEN - at), NULL) ||
	    !attributes[NLMSGERR_ATTR_MSG])
		return NULL;
	return nla_get_string(attributes[NLMSGERR_ATTR_MSG]);
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *e, void *arg)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)((const char *)e - NLMSG_HDRLEN);
	struct mx_module_link *link = arg;
	const char *words = words_of(e, h);

	(void)from;
	snprintf(link->error, sizeof(link->error), "%s%s%s", words ? words : "", words ? ": " : "",
		 strerror(-e->error));
	return NL_STOP;
}

/* The last message of every answer, unless that is an error. */
static int on_ack(struct nl_msg *message, void *arg)
{
	struct mx_module_link *link = arg;

	(void)message;
	link->answered = true;
	return NL_STOP;
}

static int on_answer(struct nl_msg *message, void *arg)
{
	struct nlattr *attributes[__MXLOAD_A_END];
	struct mx_module_link *link = arg;

	if (genlmsg_parse(nlmsg_hdr(message), 0, attributes, __MXLOAD_A_END - 1, NULL) ||
	    (link->read && link->read(link, attributes)))
		snprintf(link->error, sizeof(link->error), "an answer of the module that is none");
	return NL_OK;
}

static struct nl_msg *message_of(struct mx_module_link *link, enum mxload_cmd command, u64 generation)
{
	struct nl_msg *m = nlmsg_alloc_size(MXLOAD_ARRAY_MAX + 512);

	if (!m ||
	    !genlmsg_put(m, NL_AUTO_PORT, NL_AUTO_SEQ, link->family, 0, NLM_F_REQUEST | NLM_F_ACK, (u8)command,
			 MXLOAD_GENL_VERSION) ||
	    (generation && nla_put_u64(m, MXLOAD_A_GENERATION, generation)))
		mx_fatal("out of memory");
	return m;
}

static void put(struct nl_msg *m, enum mxload_attr attribute, const void *data, u32 size)
{
	if (nla_put(m, attribute, (int)size, data))
		mx_fatal("a message to the module is too long");
}

/* Sends it and waits for what is answered; frees the message. */
static const char *ask(struct mx_module_link *link, struct nl_msg *m,
		       int (*read)(struct mx_module_link *link, struct nlattr **attributes), void *arg)
{
	int result;

	*link->error = '\0';
	link->answered = false;
	link->read = read;
	link->arg = arg;
	result = nl_send_auto(link->socket, m);
	nlmsg_free(m);
	while (result >= 0 && !link->answered)
		result = nl_recvmsgs_default(link->socket);
	if (result < 0 && !*link->error)
		snprintf(link->error, sizeof(link->error), "%s", nl_geterror(result));
	link->gone = result == -NLE_OBJ_NOTFOUND && !strcmp(link->error, strerror(ENOENT));
	return *link->error ? link->error : NULL;
}

/* --- from start to end ------------------------------------------------------------------------------------------ */

static struct nl_sock *socket_of(int *family)
{
	struct timeval patience = { ANSWER_MSEC / 1000, 0 };
	struct nl_sock *s = nl_socket_alloc();
	int on = 1;

	if (!s)
		mx_fatal("out of memory");
	if (genl_connect(s) || (*family = genl_ctrl_resolve(s, MXLOAD_GENL_NAME)) < 0) {
		nl_socket_free(s);
		return NULL;
	}
	setsockopt(nl_socket_get_fd(s), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(nl_socket_get_fd(s), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	nl_socket_set_msg_buf_size(s, 2 * MXLOAD_ARRAY_MAX);
	return s;
}

struct mx_module_link *mx_module_link_open(void)
{
	struct mx_module_link *link = mx_alloc(sizeof(*link));

	link->socket = socket_of(&link->family);
	if (!link->socket) {
		free(link);
		return NULL;
	}
	nl_socket_modify_cb(link->socket, NL_CB_VALID, NL_CB_CUSTOM, on_answer, link);
	nl_socket_modify_cb(link->socket, NL_CB_ACK, NL_CB_CUSTOM, on_ack, link);
	nl_socket_modify_err_cb(link->socket, NL_CB_CUSTOM, on_error, link);
	return link;
}

void mx_module_link_close(struct mx_module_link *link)
{
	if (!link)
		return;
	nl_socket_free(link->socket);
	free(link);
}

bool mx_module_link_is_gone(const struct mx_module_link *link)
{
	return link->gone;
}

/* --- requests --------------------------------------------------------------------------------------------------- */

static int read_status(struct mx_module_link *link, struct nlattr **a)
{
	if (!a[MXLOAD_A_STATUS] || nla_len(a[MXLOAD_A_STATUS]) < (int)sizeof(struct mxload_status))
		return -1;
	memcpy(link->arg, nla_data(a[MXLOAD_A_STATUS]), sizeof(struct mxload_status));
	return 0;
}

const char *mx_module_link_status(struct mx_module_link *link, struct mxload_status *status)
{
	memset(status, 0, sizeof(*status));
	return ask(link, message_of(link, MXLOAD_CMD_STATUS, 0), read_status, status);
}

const char *mx_module_link_begin(struct mx_module_link *link, const struct mx_snapshot *s, u64 seed)
{
	struct nl_msg *m = message_of(link, MXLOAD_CMD_BEGIN, s->generation);
	u64 checksum = mx_snapshot_checksum(s, s->size), at;
	const char *wrong;

	put(m, MXLOAD_A_SIZE, &s->size, sizeof(s->size));
	put(m, MXLOAD_A_CHECKSUM, &checksum, sizeof(checksum));
	put(m, MXLOAD_A_SEED, &seed, sizeof(seed));
	wrong = ask(link, m, NULL, NULL);
	for (at = 0; !wrong && at < s->size; at += PIECE) {
		m = message_of(link, MXLOAD_CMD_CHUNK, s->generation);
		put(m, MXLOAD_A_OFFSET, &at, sizeof(at));
		put(m, MXLOAD_A_DATA, (const u8 *)s + at, s->size - at < PIECE ? (u32)(s->size - at) : PIECE);
		wrong = ask(link, m, NULL, NULL);
	}
	return wrong;
}

/* A command that says for how long a policy is valid. */
static const char *ask_valid(struct mx_module_link *link, enum mxload_cmd command, u64 generation, u32 valid)
{
	struct nl_msg *m = message_of(link, command, generation);

	put(m, MXLOAD_A_VALID, &valid, sizeof(valid));
	return ask(link, m, NULL, NULL);
}

const char *mx_module_link_commit(struct mx_module_link *link, u64 generation, u32 valid)
{
	return ask_valid(link, MXLOAD_CMD_COMMIT, generation, valid);
}

const char *mx_module_link_drop(struct mx_module_link *link, u64 generation)
{
	return ask(link, message_of(link, MXLOAD_CMD_DROP, generation), NULL, NULL);
}

const char *mx_module_link_set(struct mx_module_link *link, u64 generation, enum mxload_attr attribute,
			       const void *entries, u32 count)
{
	u32 size = entry_size[attribute], most = MXLOAD_ARRAY_MAX / size, at, n;
	const char *wrong = NULL;

	for (at = 0; !wrong && at < count; at += n) {
		struct nl_msg *m = message_of(link, MXLOAD_CMD_SET, generation);

		n = count - at < most ? count - at : most;
		put(m, attribute, (const u8 *)entries + (size_t)at * size, n * size);
		wrong = ask(link, m, NULL, NULL);
	}
	return wrong;
}

const char *mx_module_link_renew(struct mx_module_link *link, u64 generation, u32 valid)
{
	return ask_valid(link, MXLOAD_CMD_SET, generation, valid);
}

struct reading {
	const struct mx_module_reader *reader;
	bool more;
	u32 at;
};

static int read_counts(struct mx_module_link *link, struct nlattr **a)
{
	struct reading *r = link->arg;
	struct mxload_count count;
	struct mxload_group group;
	int i;

	for (i = 0; a[MXLOAD_A_COUNTS] && (i + 1) * (int)sizeof(count) <= nla_len(a[MXLOAD_A_COUNTS]); i++) {
		memcpy(&count, (char *)nla_data(a[MXLOAD_A_COUNTS]) + i * sizeof(count), sizeof(count));
		r->reader->count(&count, r->reader->arg);
	}
	for (i = 0;
	     r->reader->group && a[MXLOAD_A_GROUPS] && (i + 1) * (int)sizeof(group) <= nla_len(a[MXLOAD_A_GROUPS]);
	     i++) {
		memcpy(&group, (char *)nla_data(a[MXLOAD_A_GROUPS]) + i * sizeof(group), sizeof(group));
		r->reader->group(&group, r->reader->arg);
	}
	r->more = a[MXLOAD_A_AT] != NULL;
	if (r->more)
		r->at = nla_get_u32(a[MXLOAD_A_AT]);
	return 0;
}

const char *mx_module_link_counters(struct mx_module_link *link, u64 generation, bool all,
				    const struct mx_module_reader *reader)
{
	struct reading r = { reader, true, 0 };
	const char *wrong = NULL;
	u32 flags = MXLOAD_ALL;

	while (!wrong && r.more) {
		struct nl_msg *m = message_of(link, MXLOAD_CMD_COUNTERS, generation);

		if (all)
			put(m, MXLOAD_A_FLAGS, &flags, sizeof(flags));
		put(m, MXLOAD_A_AT, &r.at, sizeof(r.at));
		r.more = false;
		wrong = ask(link, m, read_counts, &r);
	}
	return wrong;
}

const char *mx_module_link_recall(struct mx_module_link *link, u64 generation, const struct mxload_lane *lanes,
				  u32 count, const struct mx_module_reader *reader)
{
	struct reading r = { reader, false, 0 };
	const char *wrong = NULL;
	u32 at, n;

	for (at = 0; !wrong && at < count; at += n) {
		struct nl_msg *m = message_of(link, MXLOAD_CMD_RECALL, generation);

		n = count - at < AT_ONCE ? count - at : AT_ONCE;
		put(m, MXLOAD_A_LANES, lanes + at, n * (u32)sizeof(*lanes));
		wrong = ask(link, m, read_counts, &r);
	}
	return wrong;
}

struct verdicts {
	struct mxload_verdict *to;
	u32 count;
};

static int read_verdicts(struct mx_module_link *link, struct nlattr **a)
{
	struct verdicts *v = link->arg;

	if (!a[MXLOAD_A_VERDICTS] || (size_t)nla_len(a[MXLOAD_A_VERDICTS]) != v->count * sizeof(*v->to))
		return -1;
	memcpy(v->to, nla_data(a[MXLOAD_A_VERDICTS]), v->count * sizeof(*v->to));
	return 0;
}

const char *mx_module_link_decide(struct mx_module_link *link, u64 generation, const struct mxload_flow *flows,
				  u32 count, bool book, struct mxload_verdict *verdicts)
{
	u32 flags = book ? MXLOAD_BOOK : 0, at, n;
	const char *wrong = NULL;

	for (at = 0; !wrong && at < count; at += n) {
		struct nl_msg *m = message_of(link, MXLOAD_CMD_DECIDE, generation);
		struct verdicts v = { verdicts + at, 0 };

		n = v.count = count - at < AT_ONCE ? count - at : AT_ONCE;
		put(m, MXLOAD_A_FLAGS, &flags, sizeof(flags));
		put(m, MXLOAD_A_FLOWS, flows + at, n * (u32)sizeof(*flows));
		wrong = ask(link, m, read_verdicts, &v);
	}
	return wrong;
}

/* --- events ----------------------------------------------------------------------------------------------------- */

struct mx_module_ear {
	struct nl_sock *socket;
	bool begun;
	u64 next; /* the number that the next decision should have */
	u64 *lost;
	void (*each)(u64 generation, const struct mxload_decision *decisions, u32 count, void *arg);
	void *arg;
};

static int on_event(struct nl_msg *message, void *arg)
{
	struct nlattr *a[__MXLOAD_A_END];
	struct mx_module_ear *ear = arg;
	u64 first;
	u32 count;

	if (genlmsg_parse(nlmsg_hdr(message), 0, a, __MXLOAD_A_END - 1, NULL) || !a[MXLOAD_A_GENERATION] ||
	    !a[MXLOAD_A_FIRST] || !a[MXLOAD_A_DECISIONS])
		return NL_SKIP;
	first = nla_get_u64(a[MXLOAD_A_FIRST]);
	count = (u32)nla_len(a[MXLOAD_A_DECISIONS]) / (u32)sizeof(struct mxload_decision);
	if (ear->begun && first > ear->next)
		*ear->lost += first - ear->next;
	ear->begun = true;
	ear->next = first + count;
	ear->each(nla_get_u64(a[MXLOAD_A_GENERATION]), nla_data(a[MXLOAD_A_DECISIONS]), count, ear->arg);
	return NL_OK;
}

struct mx_module_ear *mx_module_ear_open(void)
{
	struct mx_module_ear *ear = mx_alloc(sizeof(*ear));
	int family, group;

	ear->socket = socket_of(&family);
	group = ear->socket ? genl_ctrl_resolve_grp(ear->socket, MXLOAD_GENL_NAME, MXLOAD_GROUP_DECISIONS) : -1;
	if (group < 0 || nl_socket_add_membership(ear->socket, group)) {
		mx_module_ear_close(ear);
		return NULL;
	}
	nl_socket_disable_seq_check(ear->socket);
	nl_socket_set_nonblocking(ear->socket);
	nl_socket_set_buffer_size(ear->socket, EAR_BYTES, 0);
	nl_socket_set_msg_buf_size(ear->socket, EAR_MESSAGE); /* else each is read twice, to see how large it is */
	nl_socket_modify_cb(ear->socket, NL_CB_VALID, NL_CB_CUSTOM, on_event, ear);
	return ear;
}

void mx_module_ear_close(struct mx_module_ear *ear)
{
	if (!ear)
		return;
	if (ear->socket)
		nl_socket_free(ear->socket);
	free(ear);
}

int mx_module_ear_fd(const struct mx_module_ear *ear)
{
	return nl_socket_get_fd(ear->socket);
}

bool mx_module_ear_read(struct mx_module_ear *ear, u64 *lost,
			void (*each)(u64 generation, const struct mxload_decision *decisions, u32 count, void *arg),
			void *arg)
{
	int result;

	ear->lost = lost;
	ear->each = each;
	ear->arg = arg;
	do {
		result = nl_recvmsgs_default(ear->socket);
	} while (result >= 0 || result == -NLE_NOMEM); /* ENOBUFS: some were lost, the numbers tell how many */
	return result == -NLE_AGAIN;
}
