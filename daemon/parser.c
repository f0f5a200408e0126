// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/parser.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "daemon/jail.h"
#include "daemon/log.h"

#define LINE_MSEC 2000
#define MESSAGE_MSEC 500    /* a connection may wait for it */
#define MESSAGE_BYTES 70000 /* a line of the control socket, or a UDP packet */

enum socket { LINES, MESSAGES, SOCKETS };

/* What the process answers to a DNS message. */
struct told {
	u32 result;
	u32 unused;
	struct mx_dns_answer answer;
};

struct mx_parser {
	struct mx_jail *jail;
	char line[MESSAGE_BYTES];
	struct mx_arguments arguments;
	u8 message[MESSAGE_BYTES];
	struct told told;
};

/* --- the process ------------------------------------------------------------------------------------------------ */

/* What it works on: the question's number goes back with the answer. */
struct work {
	unsigned int number;
	u8 bytes[MESSAGE_BYTES];
	size_t length;
	union {
		struct mx_arguments arguments;
		struct told told;
	} answer;
};

static size_t read_line(struct work *w)
{
	mx_arguments_read((const char *)w->bytes, w->length, &w->answer.arguments);
	return mx_arguments_size(&w->answer.arguments);
}

static size_t read_message(struct work *w)
{
	struct told *told = &w->answer.told;

	if (!w->length)
		return 0;
	told->unused = 0;
	told->result = w->bytes[0] == MX_PARSER_ANSWER
			       ? mx_dns_answer_read(w->bytes + 1, w->length - 1, &told->answer)
			       : mx_dns_question_read(w->bytes + 1, w->length - 1, &told->answer);
	return offsetof(struct told, answer) + mx_dns_answer_size(&told->answer);
}

/* False: the daemon has gone. */
static bool serve(int socket, struct work *w, size_t (*read)(struct work *))
{
	struct iovec in[] = { { &w->number, sizeof(w->number) }, { w->bytes, sizeof(w->bytes) } };
	struct iovec out[] = { { &w->number, sizeof(w->number) }, { &w->answer, 0 } };
	struct msghdr question = { .msg_iov = in, .msg_iovlen = 2 }, answer = { .msg_iov = out, .msg_iovlen = 2 };
	ssize_t n = recvmsg(socket, &question, 0);

	if (n < (ssize_t)sizeof(w->number))
		return false;
	w->length = (size_t)n - sizeof(w->number);
	out[1].iov_len = read(w);
	return sendmsg(socket, &answer, MSG_NOSIGNAL) > 0;
}

static void run(const int *sockets)
{
	struct pollfd ready[SOCKETS] = { { sockets[LINES], POLLIN, 0 }, { sockets[MESSAGES], POLLIN, 0 } };
	static struct work work;
	bool more = true;

	while (more) {
		if (poll(ready, SOCKETS, -1) < 0)
			continue; /* interrupted */
		if (ready[LINES].revents)
			more = serve(sockets[LINES], &work, read_line);
		if (more && ready[MESSAGES].revents)
			more = serve(sockets[MESSAGES], &work, read_message);
	}
}

/* --- its other end ---------------------------------------------------------------------------------------------- */

struct mx_parser *mx_parser_start(void)
{
	struct mx_parser *p = mx_alloc(sizeof(*p));

	json_object_seed(0); /* it reads a file for that, which the process may not */
	p->jail = mx_jail_start("mxload-parser", MX_JAIL_PURE, SOCKETS, run);
	return p;
}

void mx_parser_stop(struct mx_parser *p)
{
	mx_jail_stop(p->jail);
	free(p);
}

void mx_parser_revive(struct mx_parser *p)
{
	mx_jail_revive(p->jail);
}

json_t *mx_parser_object(struct mx_parser *p, const char *line, char *error)
{
	size_t length = strnlen(line, sizeof(p->line));
	ssize_t n;

	memcpy(p->line, line, length);
	n = mx_jail_ask(p->jail, LINES, LINE_MSEC, p->line, length, &p->arguments, sizeof(p->arguments));
	return mx_arguments_object(&p->arguments, n < 0 ? 0 : (size_t)n, error);
}

enum mx_dns_result mx_parser_message(struct mx_parser *p, enum mx_parser_message kind, const u8 *data, size_t length,
				     struct mx_dns_answer *answer)
{
	size_t most = sizeof(p->message) - 1, size;
	ssize_t n;

	p->message[0] = (u8)kind;
	memcpy(p->message + 1, data, length < most ? length : most);
	n = mx_jail_ask(p->jail, MESSAGES, MESSAGE_MSEC, p->message, 1 + (length < most ? length : most), &p->told,
			sizeof(p->told));
	size = n < 0 ? 0 : (size_t)n;
	if (size < offsetof(struct told, answer) || p->told.result >= MX_DNS_RESULTS ||
	    !mx_dns_answer_is_sound(&p->told.answer, size - offsetof(struct told, answer)))
		return MX_DNS_ERROR;
	memcpy(answer, &p->told.answer, size - offsetof(struct told, answer));
	return p->told.result;
}
