// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * load - opens TCP connections as fast as it can and measures how long each connect takes.
 *
 *   load server ADDR... PORT
 *   load client --connections N | --seconds S | --turns  --in-flight K --to ADDR,ADDR.. --port P [--rate R]
 *
 * With --turns it reads from standard input how many connections to open, prints what it measured, and reads on: so
 * several clients that are there all the time can take short turns.
 *
 * How a connection ends: the client resets it (SO_LINGER 0) as soon as it is established. So each one costs the same
 * four packets (SYN, SYN-ACK, ACK, RST), no port and no socket stays behind in TIME_WAIT, and conntrack lets the same
 * ports be used again at once. A close in order would add three packets that no engine has any part in, and make them
 * all look alike. For the same reason the server closes late, when the reset has long arrived, and wakes up once a
 * millisecond instead of once a connection: it stands for hosts far away, which take no processor time here.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_ADDRESSES 64
#define MAX_IN_FLIGHT 8192
#define SERVER_KEEPS 2048    /* connections that the server closes late */
#define SECOND 1000000000ull /* nanoseconds */
#define STALL (20 * SECOND)  /* nothing happened for so long: give up */

struct target {
	struct sockaddr_storage address;
	socklen_t len;
};

struct slot {
	int fd;
	uint64_t started;
};

struct client {
	/* what was asked for */
	uint64_t connections;
	uint64_t duration;
	uint64_t interval; /* between two starts, 0: no pause */
	bool turns;
	unsigned int in_flight;
	unsigned int targets;
	struct target target[MAX_ADDRESSES];
	/* what goes on */
	int epoll;
	uint64_t begun;
	uint64_t started;
	uint64_t failed;
	uint64_t refused, timed_out; /* of those that failed */
	unsigned int idle;           /* how many of free[] */
	unsigned int free[MAX_IN_FLIGHT];
	struct slot slot[MAX_IN_FLIGHT];
	/* what was measured, in nanoseconds */
	uint32_t *latency;
	size_t measured;
	size_t room;
};

static void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void usage(void)
{
	fprintf(stderr, "usage: load server ADDR... PORT\n"
			"       load client --connections N | --seconds S | --turns  --in-flight K --to ADDR,ADDR.. "
			"--port P [--rate R]\n");
	exit(2);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static void resolve(struct target *t, const char *address, const char *port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *found;
	int err = getaddrinfo(address, port, &hints, &found);

	if (err) {
		fprintf(stderr, "load: %s port %s: %s\n", address, port, gai_strerror(err));
		exit(2);
	}
	memcpy(&t->address, found->ai_addr, found->ai_addrlen);
	t->len = found->ai_addrlen;
	freeaddrinfo(found);
}

static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* server */

static void listen_at(int epoll, const struct target *t)
{
	struct epoll_event event = { .events = EPOLLIN };
	int fd = socket(t->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (t->address.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&t->address, t->len))
		die("bind");
	if (listen(fd, 65535))
		die("listen");
	event.data.fd = fd;
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		die("epoll_ctl");
}

static void accept_all(int listener)
{
	static int kept[SERVER_KEEPS];
	static unsigned int next;
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		if (kept[next])
			close(kept[next]);
		kept[next] = fd;
		next = (next + 1) % SERVER_KEEPS;
	}
}

static void __attribute__((noreturn)) server(int argc, char **argv)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	struct epoll_event events[MAX_ADDRESSES];
	struct target t;
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (argc < 2 || argc - 1 > MAX_ADDRESSES)
		usage();
	for (int i = 0; i < argc - 1; i++) {
		resolve(&t, argv[i], argv[argc - 1]);
		listen_at(epoll, &t);
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(epoll, events, MAX_ADDRESSES, -1);

		for (int i = 0; i < n; i++)
			accept_all(events[i].data.fd);
		nanosleep(&pause, NULL);
	}
}

/* client */

static void record(struct client *c, uint64_t took)
{
	if (c->measured == c->room) {
		c->room = c->room ? c->room * 2 : 65536;
		c->latency = realloc(c->latency, c->room * sizeof(*c->latency));
		if (!c->latency)
			die("memory");
	}
	c->latency[c->measured++] = took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
}

static void end_connection(struct client *c, unsigned int index)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	int fd = c->slot[index].fd;

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	c->free[c->idle++] = index;
}

static void start_connection(struct client *c)
{
	const struct target *t = &c->target[c->started++ % c->targets];
	struct epoll_event event = { .events = EPOLLOUT };
	unsigned int index;
	struct slot *s;

	index = c->free[--c->idle];
	s = &c->slot[index];
	s->fd = socket(t->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		die("socket");
	s->started = now();
	if (connect(s->fd, (const struct sockaddr *)&t->address, t->len) && errno != EINPROGRESS) {
		c->failed++;
		end_connection(c, index);
		return;
	}
	event.data.u32 = index;
	if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, s->fd, &event))
		die("epoll_ctl");
}

static void count_failure(struct client *c, int fd)
{
	socklen_t size = sizeof(int);
	int error = 0;

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	c->failed++;
	c->refused += error == ECONNREFUSED;
	c->timed_out += error == ETIMEDOUT;
}

static void connected(struct client *c, const struct epoll_event *event)
{
	unsigned int index = event->data.u32;

	if (event->events & (EPOLLERR | EPOLLHUP))
		count_failure(c, c->slot[index].fd);
	else
		record(c, now() - c->slot[index].started);
	end_connection(c, index);
}

static int all_started(const struct client *c)
{
	if (c->connections)
		return c->started >= c->connections;
	return now() - c->begun >= c->duration;
}

/* Starts what may be started. Returns how long the caller may wait for events. */
static uint64_t start_due(struct client *c)
{
	while (c->idle && !all_started(c)) {
		uint64_t due = c->begun + c->started * c->interval;
		uint64_t t = c->interval ? now() : due;

		if (t < due)
			return due - t;
		start_connection(c);
	}
	return STALL;
}

static void run(struct client *c)
{
	struct epoll_event events[256];

	c->begun = now();
	for (;;) {
		uint64_t wait = start_due(c);
		struct timespec ts = { (time_t)(wait / SECOND), (long)(wait % SECOND) };
		int n;

		if (c->idle == c->in_flight && all_started(c))
			return;
		n = epoll_pwait2(c->epoll, events, 256, &ts, NULL);
		if (n < 0)
			die("epoll_pwait2");
		if (!n && wait == STALL) {
			c->failed += c->in_flight - c->idle;
			return;
		}
		for (int i = 0; i < n; i++)
			connected(c, &events[i]);
	}
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static double percentile(const struct client *c, unsigned int percent)
{
	return c->measured ? c->latency[(c->measured - 1) * percent / 100] / 1e3 : 0;
}

static void print_result(struct client *c, uint64_t took)
{
	double seconds = (double)took / 1e9;

	if (c->measured)
		qsort(c->latency, c->measured, sizeof(*c->latency), by_value);
	printf("{\"connections\": %zu, \"failures\": %llu, \"refused\": %llu, \"timed_out\": %llu, \"seconds\": %.4f, "
	       "\"per_second\": %.1f, "
	       "\"median_us\": %.2f, \"p99_us\": %.2f, \"max_us\": %.2f}\n",
	       c->measured, (unsigned long long)c->failed, (unsigned long long)c->refused,
	       (unsigned long long)c->timed_out, seconds, (double)c->measured / seconds, percentile(c, 50),
	       percentile(c, 99), percentile(c, 100));
}

static void set_targets(struct client *c, char *list, const char *port)
{
	for (char *a = strtok(list, ","); a; a = strtok(NULL, ",")) {
		if (c->targets == MAX_ADDRESSES)
			usage();
		resolve(&c->target[c->targets++], a, port);
	}
}

static void parse(struct client *c, int argc, char **argv)
{
	static const struct option options[] = {
		{ "connections", required_argument, NULL, 'c' },
		{ "seconds", required_argument, NULL, 's' },
		{ "turns", no_argument, NULL, 'T' },
		{ "in-flight", required_argument, NULL, 'k' },
		{ "to", required_argument, NULL, 't' },
		{ "port", required_argument, NULL, 'p' },
		{ "rate", required_argument, NULL, 'r' },
		{ 0 },
	};
	const char *port = "25";
	char *to = NULL;
	int o;

	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case 'c':
			c->connections = strtoull(optarg, NULL, 10);
			break;
		case 's':
			c->duration = (uint64_t)(atof(optarg) * 1e9);
			break;
		case 'T':
			c->turns = true;
			break;
		case 'k':
			c->in_flight = (unsigned int)atoi(optarg);
			break;
		case 't':
			to = optarg;
			break;
		case 'p':
			port = optarg;
			break;
		case 'r':
			c->interval = (uint64_t)(1e9 / atof(optarg));
			break;
		default:
			usage();
		}
	}
	if (optind != argc || !to || !c->in_flight || c->in_flight > MAX_IN_FLIGHT ||
	    !(c->connections || c->duration || c->turns))
		usage();
	set_targets(c, to, port);
}

static int take_turns(struct client *c)
{
	unsigned long long connections;

	while (scanf("%llu", &connections) == 1 && connections) {
		c->connections = connections;
		c->started = c->measured = 0;
		c->failed = c->refused = c->timed_out = 0;
		run(c);
		print_result(c, now() - c->begun);
		fflush(stdout);
	}
	return 0;
}

static int client(int argc, char **argv)
{
	static struct client c = { .in_flight = 1 };

	parse(&c, argc, argv);
	c.epoll = epoll_create1(EPOLL_CLOEXEC);
	for (unsigned int i = 0; i < c.in_flight; i++)
		c.free[c.idle++] = i;
	if (c.turns)
		return take_turns(&c);
	run(&c);
	print_result(&c, now() - c.begun);
	return c.failed ? 1 : 0;
}

int main(int argc, char **argv)
{
	raise_file_limit();
	if (argc > 2 && !strcmp(argv[1], "server"))
		server(argc - 2, argv + 2);
	if (argc > 2 && !strcmp(argv[1], "client"))
		return client(argc - 1, argv + 1);
	usage();
}
