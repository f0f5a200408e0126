// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two engines under one limit: the queue, and a module that spends what it was granted when it likes. Whatever comes in
 * between (commits that fail, daemons that die, modules that vanish with their leases), no interval of an hour or a day
 * holds more than it may, by a naive list of every connection.
 */
#include "tests/unit/drive.h"

#define RUNS 60
#define STEPS 3000
#define SOURCES 2
#define PROVIDERS 2 /* named ones: p0, p1 */
#define MADE 60000
#define HOUR 3600000ULL
#define DAY (24 * HOUR)

struct lane {
	u32 left;  /* the module's lease, as the module knows it */
	u32 lent;  /* as the daemon knows it */
	u32 spent; /* not booked yet */
};

struct world {
	struct drive d;
	char text[2048];
	u32 of_source[SOURCES], of_lane[SOURCES], of_provider; /* connections an hour; for a lane an hour, too */
	struct lane lane[PROVIDERS][SOURCES];
	struct {
		u64 at;
		u8 provider, source;
	} made[MADE];
	u32 count, granted, by_queue, by_module;
};

static u64 seed;

static u32 below(u32 n)
{
	return (u32)(random_next(&seed) % n);
}

/* --- the oracle ------------------------------------------------------------------------------------------------- */

static void assert_at_most(const struct world *w, u32 most, int provider, int source, u64 now)
{
	u32 n = 0, i;

	for (i = w->count; i-- > 0 && w->made[i].at + HOUR > now;)
		n += (provider < 0 || w->made[i].provider == provider) && (source < 0 || w->made[i].source == source);
	if (n > most)
		fail_msg("%u in an hour, at most %u allowed: provider %d, source %d", n, most, provider, source);
}

static void make(struct world *w, u32 provider, u32 source)
{
	u64 now = w->d.now;

	assert_true(w->count < MADE);
	w->made[w->count].at = now;
	w->made[w->count].provider = (u8)provider;
	w->made[w->count++].source = (u8)source;
	assert_at_most(w, w->of_source[source], -1, (int)source, now);
	assert_at_most(w, w->of_lane[source], (int)provider, (int)source, now);
	assert_at_most(w, w->of_provider, (int)provider, -1, now);
}

/* --- what happens ----------------------------------------------------------------------------------------------- */

static struct mx_lane_id id_of(u32 provider, u32 source)
{
	return (struct mx_lane_id){ provider, source, 0 };
}

static void spend(struct world *w, struct lane *lane, u32 provider, u32 source)
{
	u32 n = below(lane->left + 1);

	for (; n; n--) {
		make(w, provider, source);
		lane->left--;
		lane->spent++;
		w->by_module++;
	}
}

static void book(struct world *w, struct lane *lane, u32 provider, u32 source)
{
	if (lane->spent)
		mx_ledger_charge_granted(w->d.ledger, id_of(provider, source), lane->spent, lane->spent, w->d.now);
	lane->lent -= lane->spent;
	lane->spent = 0;
}

static void grant(struct world *w, struct lane *lane, u32 provider, u32 source)
{
	u32 n = mx_ledger_grant(w->d.ledger, id_of(provider, source), 1 + below(64), w->d.now);
	enum landing landing = below(8) ? LANDED : below(2) ? FAILED : FAILED_BUT_THERE;
	bool written = true;

	while (written && drive_collect(&w->d, true)) {
		drive_land(&w->d, landing);
		written = landing == LANDED;
	}
	if (!written) {
		mx_ledger_take_grant_back(w->d.ledger, id_of(provider, source), n, w->d.now);
		return;
	}
	lane->lent += n;
	lane->left += n;
	w->granted += n;
}

static void recall(struct world *w, struct lane *lane, u32 provider, u32 source)
{
	book(w, lane, provider, source);
	mx_ledger_take_grant_back(w->d.ledger, id_of(provider, source), lane->left, w->d.now);
	lane->lent -= lane->left;
	assert_int_equal(lane->lent, 0);
	lane->left = 0;
}

static void ask_queue(struct world *w, u32 provider)
{
	struct mx_flow flow = flow_to(provider ? "203.0.113.1" : "198.51.100.1");
	struct mx_verdict v = drive_serve(&w->d, &flow);

	if (v.action != MX_ASSIGN)
		return;
	make(w, v.provider, v.source);
	w->by_queue++;
}

static u32 left_of(const char *source, const char *provider, void *arg)
{
	const struct world *w = arg;
	u32 left = 0, p, s;

	for (p = 0; p < PROVIDERS; p++)
		for (s = 0; s < SOURCES; s++)
			if ((!source || source == w->d.source_names[s]) &&
			    (!provider || provider == w->d.provider_names[p]))
				left += w->lane[p][s].left;
	return left;
}

/* The daemon dies; the module goes on for a while, and is then read back, or (`gone`) is not there any more. */
static void die(struct world *w, bool gone)
{
	u32 p, s;

	for (p = 0; p < PROVIDERS; p++)
		for (s = 0; s < SOURCES; s++)
			spend(w, &w->lane[p][s], p, s);
	w->d.now += below(10000);
	drive_restart(&w->d, w->text);
	mx_ledger_recover_grants(w->d.ledger, !gone, left_of, w, w->d.now);
	memset(w->lane, 0, sizeof(w->lane));
	drive_commit(&w->d);
}

static void step(struct world *w)
{
	u32 p = below(PROVIDERS), s = below(SOURCES), what = below(100);
	struct lane *lane = &w->lane[p][s];

	w->d.now += below(10) ? below(5000) : below((u32)HOUR / 4);
	drive_tick(&w->d);
	if (what < 30)
		spend(w, lane, p, s);
	else if (what < 55)
		book(w, lane, p, s);
	else if (what < 70)
		grant(w, lane, p, s);
	else if (what < 90)
		ask_queue(w, p);
	else if (what < 94)
		recall(w, lane, p, s);
	else if (what < 98)
		drive_commit(&w->d);
	else if (!below(4))
		die(w, below(2));
}

static void set_up(struct world *w)
{
	u32 s, at;

	memset(w, 0, sizeof(*w));
	w->of_provider = 20 + below(600);
	at = (u32)snprintf(w->text, sizeof(w->text), "sources: {");
	for (s = 0; s < SOURCES; s++) {
		w->of_source[s] = 20 + below(600);
		at += (u32)snprintf(w->text + at, sizeof(w->text) - at,
				    "s%u: { address = \"192.0.2.%u\"; limits = [ \"%u connections/hour\" ]; };", s,
				    s + 1, w->of_source[s]);
	}
	at += (u32)snprintf(w->text + at, sizeof(w->text) - at,
			    "}; pools: { main: { members: { s0 = 1; s1 = 1; }; }; }; providers: {");
	for (s = 0; s < SOURCES; s++)
		w->of_lane[s] = 10 + below(300);
	snprintf(w->text + at, sizeof(w->text) - at,
		 "p0: { prefixes = [ \"198.51.100.0/24\" ]; total-limits = [ \"%u connections/hour\" ];"
		 " sources: { s0: { limits = [ \"%u connections/hour\" ]; }; s1: { limits = [ \"%u connections/hour\" "
		 "]; }; }; };"
		 "p1: { prefixes = [ \"203.0.113.0/24\" ]; total-limits = [ \"%u connections/hour\" ];"
		 " sources: { s0: { limits = [ \"%u connections/hour\" ]; }; s1: { limits = [ \"%u connections/hour\" "
		 "]; }; }; };"
		 "}; routes = ( { pool = \"main\"; } );",
		 w->of_provider, w->of_lane[0], w->of_lane[1], w->of_provider, w->of_lane[0], w->of_lane[1]);
	drive_up(&w->d, w->text, DRIVE_START);
}

static struct world world;

static void test_no_limit_is_passed(void **state)
{
	u32 run, i, granted = 0, by_queue = 0, by_module = 0;

	(void)state;
	for (run = 1; run <= RUNS; run++) {
		seed = run * 0x9e3779b97f4a7c15ULL;
		set_up(&world);
		for (i = 0; i < STEPS; i++)
			step(&world);
		granted += world.granted;
		by_queue += world.by_queue;
		by_module += world.by_module;
		drive_down(&world.d);
	}
	print_message("# granted %u, made by the module %u, by the queue %u\n", granted, by_module, by_queue);
	assert_true(by_module > 10000 && by_queue > 10000); /* both engines were really in it */
}

/* What came back is there for the queue: nothing is lost when everything ends in order. */
static void test_what_comes_back_can_be_spent(void **state)
{
	u32 i, p, s, made = 0;

	(void)state;
	seed = 1;
	set_up(&world);
	for (p = 0; p < PROVIDERS; p++)
		for (s = 0; s < SOURCES; s++)
			grant(&world, &world.lane[p][s], p, s);
	assert_true(world.granted > 0);
	for (p = 0; p < PROVIDERS; p++)
		for (s = 0; s < SOURCES; s++)
			recall(&world, &world.lane[p][s], p, s);
	for (i = 0; i < 1200; i++) {
		ask_queue(&world, 0);
		world.d.now++;
	}
	for (s = 0; s < SOURCES; s++) {
		u32 most = world.of_lane[s] < world.of_source[s] ? world.of_lane[s] : world.of_source[s];

		made += most;
	}
	made = made < world.of_provider ? made : world.of_provider;
	assert_int_equal(world.by_queue, made);
	drive_down(&world.d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_limit_is_passed),
		cmocka_unit_test(test_what_comes_back_can_be_spent),
	};

	return cmocka_run_group_tests_name("grants", tests, NULL, NULL);
}
