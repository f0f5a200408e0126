// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two engines under one limit: the queue, and nftables that spends what it was lent while nobody answers. Whatever was
 * spent between a plan, the table's change and the books after it, and through every restart, no hour holds more than
 * the limit, by a naive list of every connection.
 */
#include "tests/unit/drive.h"

#define RUNS 60
#define STEPS 3000
#define MADE 60000
#define HOUR 3600000ULL

struct world {
	struct drive d;
	char text[512];
	u32 limit;
	u32 lent, spent; /* of the lease that is in the table */
	bool away;       /* nobody answers the queue */
	u64 made[MADE];
	u32 count, by_queue, by_table;
};

static u64 seed;

static u32 below(u32 n)
{
	return (u32)(random_next(&seed) % n);
}

static void make(struct world *w)
{
	u32 n = 1, i;

	assert_true(w->count < MADE);
	for (i = w->count; i && w->made[i - 1] + HOUR > w->d.now; i--)
		n++;
	if (n > w->limit)
		fail_msg("%u in an hour, at most %u allowed", n, w->limit);
	w->made[w->count++] = w->d.now;
}

static void spend(struct world *w, u32 most)
{
	for (; most && w->spent < w->lent; most--) {
		make(w);
		w->spent++;
		w->by_table++;
		w->d.now += below(20);
	}
}

static void ask_queue(struct world *w)
{
	struct mx_flow flow = flow_to("198.51.100.1");

	if (drive_serve(&w->d, &flow).action != MX_ASSIGN)
		return;
	make(w);
	w->by_queue++;
}

static void end_round(struct world *w, u32 spent, u32 lost, u32 lent)
{
	mx_ledger_take_back(w->d.ledger, w->d.source_names[0], w->d.provider_names[0], spent, lost, lent, w->d.now);
	mx_ledger_end_round(w->d.ledger, w->d.now);
	drive_commit(&w->d);
}

/* As mx_lend_plan(), mx_table_apply() and mx_lend_settle(), with connections made in every gap. */
static void change_table(struct world *w, bool leaving)
{
	const char *source = w->d.source_names[0], *provider = w->d.provider_names[0];
	u32 n = mx_ledger_lendable(w->d.ledger, source, provider, leaving, w->d.now), before, spent;

	mx_ledger_lend(w->d.ledger, source, provider, (s32)n);
	drive_commit(&w->d);
	spend(w, below(3) ? 0 : below(100));
	if (!below(20)) { /* it dies before the table has changed */
		drive_restart(&w->d, w->text);
		return;
	}
	spent = w->spent;
	before = w->lent;
	w->lent = n;
	w->spent = 0;
	spend(w, below(3) ? 0 : below(100));
	if (!below(20)) { /* or after that: nobody can know what the table before has spent */
		drive_restart(&w->d, w->text);
		return;
	}
	if (leaving || below(2))
		ask_queue(w);
	end_round(w, spent, mx_ledger_lent(w->d.ledger, source, provider) - n - before, n);
}

/* As mx_bookkeeper_stop(). */
static void end_leases(struct world *w)
{
	mx_ledger_end_leases(w->d.ledger);
	while (drive_collect(&w->d, false))
		drive_land(&w->d, LANDED);
}

static void leave(struct world *w)
{
	change_table(w, true);
	end_leases(w);
	w->away = true;
}

static void come_back(struct world *w)
{
	drive_restart(&w->d, w->text);
	w->away = false;
	change_table(w, false);
	change_table(w, false);
}

static void step(struct world *w)
{
	u32 what = below(100);

	w->d.now += below(10) ? below(5000) : below((u32)HOUR / 4);
	drive_tick(&w->d);
	if (w->away) {
		spend(w, below(3) ? below(20) : w->lent);
		if (what < 30)
			come_back(w);
	} else if (what < 60) {
		ask_queue(w);
	} else if (what < 85) {
		change_table(w, false);
	} else if (what < 90) {
		leave(w);
	} else if (what < 94) {
		spend(w, below(20)); /* it is killed */
		come_back(w);
	} else {
		drive_commit(&w->d);
	}
}

static void set_up(struct world *w, u32 limit)
{
	memset(w, 0, sizeof(*w));
	w->limit = limit;
	snprintf(w->text, sizeof(w->text),
		 "sources: { s: { address = \"192.0.2.1\"; }; }; pools: { main: { members: { s = 1; }; }; };"
		 "providers: { p: { prefixes = [ \"198.51.100.0/24\" ]; limits = [ \"%u connections/hour\" ]; }; };"
		 "routes = ( { pool = \"main\"; } );",
		 w->limit);
	drive_up(&w->d, w->text, DRIVE_START);
}

static struct world world;

static void test_no_limit_is_passed(void **state)
{
	u32 run, i, by_queue = 0, by_table = 0;

	(void)state;
	for (run = 1; run <= RUNS; run++) {
		seed = run * 0x9e3779b97f4a7c15ULL;
		set_up(&world, 2 + below(below(2) ? 20 : 600));
		for (i = 0; i < STEPS; i++)
			step(&world);
		by_queue += world.by_queue;
		by_table += world.by_table;
		drive_down(&world.d);
	}
	print_message("# made by the queue %u, by the table %u\n", by_queue, by_table);
	assert_true(by_queue > 10000 && by_table > 10000); /* both engines were really in it */
}

/* A daemon that begins has something to lend, before it knows what was spent while nobody was there. */
static void test_who_begins_can_lend(void **state)
{
	const char *source, *provider;

	(void)state;
	set_up(&world, 101);
	ask_queue(&world);
	source = world.d.source_names[0];
	provider = world.d.provider_names[0];
	end_leases(&world);
	drive_restart(&world.d, world.text);
	mx_ledger_lend(world.d.ledger, source, provider,
		       (s32)mx_ledger_lendable(world.d.ledger, source, provider, true, world.d.now));
	assert_int_equal(mx_ledger_lent(world.d.ledger, source, provider), 100 - 100 / 8);
	assert_int_equal(mx_ledger_lendable(world.d.ledger, source, provider, false, world.d.now), 100 / 8);
	drive_down(&world.d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_limit_is_passed),
		cmocka_unit_test(test_who_begins_can_lend),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
