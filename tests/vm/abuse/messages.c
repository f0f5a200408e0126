// SPDX-License-Identifier: GPL-2.0-or-later
/*
 *	messages SEED COUNT
 *
 * Sends COUNT messages that are right, nearly right, or noise. In most rounds nothing of it may touch the policy in
 * force (see victim.h): what would be right for it is spoilt. In every eighth round everything is allowed, so that what
 * changes a policy in force is reached, too; it is put in force anew then. Half of the messages come from each of two
 * processes, each in a network namespace of its own.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/vm/abuse/forge.h"
#include "tests/vm/abuse/victim.h"

#define PROCESSES 2
#define ROUND 4096
#define AT_ONCE 64
#define BYTES_AT_ONCE 3300 /* of small messages: for more the kernel gets memory in an expensive way */
#define WILD_ROUND 8
#define COMMANDS MXLOAD_CMD_DECISIONS

struct attack {
	struct forge forge;
	struct victim victim;
	struct wire *wire;
	u32 first; /* sequence number of what is in `expected` */
	u32 sent;
	struct forge_expectation expected[AT_ONCE];
	bool answered[AT_ONCE];
	u64 accepted[COMMANDS], refused[COMMANDS], silent;
};

static void on_answer(u32 sequence, int error, const char *text, void *arg)
{
	u32 i = sequence - ((struct attack *)arg)->first;
	struct attack *a = arg;
	struct forge_expectation *e = &a->expected[i];

	if (i >= a->sent)
		die("an answer to message %u, which was not sent", sequence);
	if (a->answered[i])
		die("two answers to message %u", sequence);
	a->answered[i] = true;
	if (e->refused && !error)
		die("message %u (command %u) had to be refused", sequence, e->command);
	if (error && e->words && (!text || !*text) && error != -ENOMEM)
		die("message %u (command %u) was refused without a word: %s", sequence, e->command, strerror(-error));
	if (e->words && error)
		a->refused[e->command]++;
	else if (e->words)
		a->accepted[e->command]++;
}

static void send_some(struct attack *a)
{
	struct forge_expectation e = { 0 };
	u32 i;

	a->first = a->wire->sequence + 1;
	for (a->sent = 0; a->sent < AT_ONCE && a->wire->length < BYTES_AT_ONCE && !e.last; a->sent++)
		e = a->expected[a->sent] = forge_message(&a->forge, a->wire);
	memset(a->answered, 0, sizeof(a->answered));
	if (wire_send(a->wire))
		die("messages cannot be sent: %s", strerror(errno));
	if (!wire_read(a->wire, on_answer, a))
		die("answers cannot be read: %s", strerror(errno));
	for (i = 0; i < a->sent; i++) {
		if (a->expected[i].answered && !a->answered[i])
			die("no answer to message %u (command %u)", a->first + i, a->expected[i].command);
		a->silent += !a->answered[i];
	}
}

static u64 fresh_generation(struct forge *f)
{
	return forge_number(f) | 1;
}

static void set_up(struct attack *a)
{
	struct forge *f = &a->forge;

	f->before = fresh_generation(f);
	f->in_force = fresh_generation(f);
	victim_set_up(&a->victim, f->before, f->in_force);
	f->snapshot = a->victim.snapshot;
}

static void begin_one(struct attack *a)
{
	struct mx_snapshot *s = victim_snapshot(a->forge.begun = fresh_generation(&a->forge));
	const char *wrong = victim_push(a->victim.link, s);

	free(s);
	if (wrong)
		die("no policy can be begun: %s", wrong);
}

static u32 attack_round(struct attack *a, u32 number, u32 most)
{
	const char *touched;
	u32 done = 0;

	a->forge.tame = number % WILD_ROUND != 0;
	a->forge.theme = number % 4 == 3 ? FORGE_BEGINNING : FORGE_SETTING;
	a->forge.hopeless = fresh_generation(&a->forge);
	begin_one(a);
	while (done < ROUND && done < most) {
		send_some(a);
		done += a->sent;
	}
	touched = a->forge.tame ? victim_touched(&a->victim) : NULL;
	if (touched)
		die("round %u touched the policy in force: %s", number, touched);
	if (!a->forge.tame)
		set_up(a);
	return done;
}

static int attack(u64 seed, u32 count)
{
	struct attack *a = calloc(1, sizeof(*a));
	u32 done = 0, round = 1, i;

	if (unshare(CLONE_NEWNET))
		die("no network namespace: %s", strerror(errno));
	a->forge.random = seed;
	a->wire = wire_open();
	set_up(a);
	while (done < count)
		done += attack_round(a, round++, count - done);
	printf("seed %llu: %u messages in %u rounds; without an answer %llu; accepted and refused by command:",
	       (unsigned long long)seed, done, round - 1, (unsigned long long)a->silent);
	for (i = 1; i < COMMANDS; i++)
		printf(" %llu/%llu", (unsigned long long)a->accepted[i], (unsigned long long)a->refused[i]);
	printf("\n");
	for (i = 1; i < COMMANDS && done >= WILD_ROUND * ROUND; i++)
		if (!a->accepted[i] || !a->refused[i])
			die("command %u was never accepted, or never refused", i);
	victim_tear_down(&a->victim);
	wire_close(a->wire);
	free(a);
	return 0;
}

int main(int argc, char **argv)
{
	int status, failed = 0;
	u32 i;

	if (argc != 3)
		die("usage: messages SEED COUNT");
	for (i = 0; i < PROCESSES; i++)
		if (!fork())
			return attack(strtoull(argv[1], NULL, 0) + i, (u32)atoi(argv[2]) / PROCESSES);
	while (wait(&status) > 0)
		failed |= status;
	return failed != 0;
}
