// SPDX-License-Identifier: GPL-2.0-or-later
/* Processes that read what strangers send: what they can do, and what becomes of the daemon when they end or hang. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "daemon/clock.h"
#include "daemon/dns_client.h"
#include "daemon/jail.h"
#include "daemon/log.h"
#include "daemon/parser.h"
#include "tests/unit/build.h"

#if defined(__SANITIZE_ADDRESS__)
#define IS_FILTERED false /* the sanitizer could not do its work */
#else
#define IS_FILTERED true
#endif

/* --- one that does what it is told ------------------------------------------------------------------------------ */

struct order {
	unsigned int number;
	char what[16];
};

struct report {
	unsigned int number;
	int result, error;
};

static int obey(const char *what)
{
	if (!strcmp(what, "hang"))
		for (;;)
			pause();
	if (!strcmp(what, "crash"))
		kill(0, 0), _exit(1);
	if (!strcmp(what, "late"))
		return poll(NULL, 0, 300) + 7; /* longer than anybody waits here */
	if (!strcmp(what, "netlink"))
		return socket(AF_NETLINK, SOCK_RAW, 12);
	if (!strcmp(what, "internet"))
		return socket(AF_INET, SOCK_DGRAM, 0);
	if (!strcmp(what, "mark"))
		return setsockopt(socket(AF_INET, SOCK_DGRAM, 0), SOL_SOCKET, SO_MARK, &(int){ 1 }, sizeof(int));
	if (!strcmp(what, "transparent"))
		return setsockopt(socket(AF_INET, SOCK_DGRAM, 0), IPPROTO_IP, IP_TRANSPARENT, &(int){ 1 }, sizeof(int));
	if (!strcmp(what, "read"))
		return open("/etc/hostname", O_RDONLY);
	if (!strcmp(what, "write"))
		return open("/tmp/mxload-unit-jail", O_WRONLY | O_CREAT, 0600);
	if (!strcmp(what, "fork"))
		return fork();
	if (!strcmp(what, "kill"))
		return kill(getppid(), 0);
	return 0;
}

/* Some can neither send() nor recv(). */
static bool move(ssize_t (*call)(int, struct msghdr *, int), int socket, void *bytes, size_t size)
{
	struct iovec data = { bytes, size };
	struct msghdr m = { .msg_iov = &data, .msg_iovlen = 1 };

	return call(socket, &m, 0) == (ssize_t)size;
}

static ssize_t send_message(int socket, struct msghdr *m, int flags)
{
	return sendmsg(socket, m, flags);
}

static void obedient(const int *sockets)
{
	struct order order = { 0, "" };

	while (move(recvmsg, sockets[0], &order, sizeof(order))) {
		struct report report = { .number = order.number };

		report.result = obey(order.what);
		report.error = errno;
		if (!move(send_message, sockets[0], &report, sizeof(report)))
			return;
	}
}

/* Waits for `msec`: long for what answers, so that a busy machine does no harm, and not for what does not. */
static int result_within(struct mx_jail *jail, unsigned int msec, const char *what)
{
	struct {
		int result, error;
	} told = { 0, 0 };
	char order[16] = "";

	strcpy(order, what);
	if (mx_jail_ask(jail, 0, msec, order, sizeof(order), &told, sizeof(told)) != sizeof(told))
		return -1000;
	return told.result < 0 ? -told.error : told.result;
}

static int result_of(struct mx_jail *jail, const char *what)
{
	return result_within(jail, 20000, what);
}

/* As the main thread's tick does. */
static void revive(struct mx_jail *jail)
{
	u64 until = mx_clock_steady_ms() + 20000;

	while (!mx_jail_revive(jail))
		assert_true(mx_clock_steady_ms() < until && !usleep(20000));
}

static void test_it_can_do_nothing(void **state)
{
	static const char *const never[] = { "netlink", "write", "fork", "kill", "mark", "transparent" };
	struct mx_jail *pure, *network;
	u32 i;

	(void)state;
	if (!IS_FILTERED)
		skip();
	pure = mx_jail_start("pure", MX_JAIL_PURE, 1, obedient);
	network = mx_jail_start("network", MX_JAIL_NETWORK, 1, obedient);
	for (i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		assert_int_equal(result_of(pure, never[i]), -EPERM);
		assert_int_equal(result_of(network, never[i]), -EPERM);
	}
	assert_int_equal(result_of(pure, "internet"), -EPERM);
	assert_int_equal(result_of(pure, "read"), -EPERM);
	assert_true(result_of(network, "internet") > 0);
	assert_true(result_of(network, "read") > 0);
	mx_jail_stop(pure);
	mx_jail_stop(network);
}

static void test_one_that_ends_is_replaced(void **state)
{
	struct mx_jail *jail = mx_jail_start("mortal", MX_JAIL_PURE, 1, obedient);
	int socket = mx_jail_socket(jail, 0);

	(void)state;
	assert_int_equal(result_of(jail, ""), 0);
	assert_false(mx_jail_revive(jail));
	assert_int_equal(result_of(jail, "crash"), -1000);
	assert_int_equal(result_of(jail, ""), -1000); /* nobody is there */
	revive(jail);
	assert_int_equal(mx_jail_socket(jail, 0), socket);
	assert_int_equal(result_of(jail, ""), 0);
	mx_jail_stop(jail);
}

static void test_one_that_hangs_is_replaced(void **state)
{
	struct mx_jail *jail = mx_jail_start("stuck", MX_JAIL_PURE, 1, obedient);
	u64 began;

	(void)state;
	assert_int_equal(result_of(jail, ""), 0);
	began = mx_clock_steady_ms();
	assert_int_equal(result_within(jail, 200, "hang"), -1000);
	assert_true(mx_clock_steady_ms() - began >= 200);
	revive(jail);
	assert_int_equal(result_of(jail, ""), 0);
	assert_false(mx_jail_revive(jail));
	mx_jail_stop(jail);
}

/* What nobody waits for any more is never the answer to something else. */
static void test_a_late_answer_is_passed_over(void **state)
{
	struct mx_jail *jail = mx_jail_start("late", MX_JAIL_PURE, 1, obedient);

	(void)state;
	assert_int_equal(result_within(jail, 20, "late"), -1000);
	assert_int_equal(result_of(jail, ""), 0);
	mx_jail_stop(jail);
}

/* --- the parser ------------------------------------------------------------------------------------------------- */

static void test_the_parser_reads_what_its_readers_read(void **state)
{
	static const u8 query[] = "\1\2\1\0\0\1\0\0\0\0\0\0\7example\3org\0\0\17\0\1";
	struct mx_parser *parser = mx_parser_start();
	static struct mx_dns_answer answer;
	char error[MX_ARGUMENTS_ERROR], *text;
	json_t *object;

	(void)state;
	object = mx_parser_object(parser, "{\"command\":\"status\"}", error);
	text = json_dumps(object, JSON_COMPACT);
	assert_string_equal(text, "{\"command\":\"status\"}");
	free(text);
	json_decref(object);
	assert_null(mx_parser_object(parser, "rubbish", error));
	assert_non_null(strstr(error, "expected one JSON object a line"));
	assert_int_equal(mx_parser_message(parser, MX_PARSER_QUESTION, query, sizeof(query) - 1, &answer), MX_DNS_READ);
	assert_string_equal(answer.name, "example.org");
	assert_int_equal(answer.type, MX_DNS_MX);
	assert_int_equal(mx_parser_message(parser, MX_PARSER_ANSWER, query, sizeof(query) - 1, &answer),
			 MX_DNS_NOT_ANSWER);
	assert_int_equal(mx_parser_message(parser, MX_PARSER_QUESTION, query, 5, &answer), MX_DNS_CUT);
	mx_parser_stop(parser);
}

/* --- who asks the DNS ------------------------------------------------------------------------------------------- */

static pid_t only_child(void)
{
	char path[64];
	FILE *in;
	int child = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	in = fopen(path, "r");
	assert_non_null(in);
	assert_int_equal(fscanf(in, "%d", &child), 1);
	fclose(in);
	return child;
}

static void on_anew(void *arg)
{
	(*(u32 *)arg)++;
}

static void on_heard(enum mx_dns_fate fate, const struct mx_dns_answer *answer, void *arg)
{
	assert_int_equal(fate, MX_DNS_FATE_CANCELLED);
	assert_null(answer);
	(*(u32 *)arg)++;
}

static void test_who_asks_the_dns_is_replaced(void **state)
{
	struct mx_dns_client *client;
	struct event_base *base;
	u32 anew = 0, heard = 0, seen;
	u64 until = mx_clock_steady_ms() + 20000;
	pid_t before;

	(void)state;
	if (access("/etc/resolv.conf", R_OK))
		skip();
	base = event_base_new();
	client = mx_dns_client_new(base, on_anew, &anew);
	before = only_child();
	assert_false(mx_dns_client_ready(client));
	mx_dns_client_ask(client, MX_DNS_LINE_DOMAINS, "example.org", MX_DNS_MX, on_heard, &heard);
	assert_int_equal(heard, 1); /* there is nobody yet */
	mx_dns_client_check(client);
	while (!anew)
		event_base_loop(base, EVLOOP_ONCE);
	assert_true(mx_dns_client_ready(client));
	mx_dns_client_revive(client);
	assert_int_equal(only_child(), before);
	kill(before, SIGSTOP);
	mx_dns_client_ask(client, MX_DNS_LINE_DOMAINS, "example.org", MX_DNS_MX, on_heard, &heard);
	mx_dns_client_check(client);
	mx_dns_client_revive(client);
	assert_int_equal(only_child(), before); /* it has been asked only once */
	assert_int_equal(heard, 1);
	mx_dns_client_check(client);
	for (seen = anew; heard == 1; usleep(20000)) {
		mx_dns_client_revive(client);
		assert_true(mx_clock_steady_ms() < until);
	}
	assert_false(mx_dns_client_ready(client));
	assert_true(only_child() != before);
	while (anew == seen) /* the new one has read the resolvers */
		event_base_loop(base, EVLOOP_ONCE);
	assert_true(mx_dns_client_ready(client));
	mx_dns_client_free(client);
	event_base_free(base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_can_do_nothing),
		cmocka_unit_test(test_one_that_ends_is_replaced),
		cmocka_unit_test(test_one_that_hangs_is_replaced),
		cmocka_unit_test(test_a_late_answer_is_passed_over),
		cmocka_unit_test(test_the_parser_reads_what_its_readers_read),
		cmocka_unit_test(test_who_asks_the_dns_is_replaced),
	};

	mx_log_set_level(MX_LOG_ERROR);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
