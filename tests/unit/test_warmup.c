// SPDX-License-Identifier: GPL-2.0-or-later
/* A ramp goes up day by day, only when it was used, and nothing above a day's cap is ever sent. */
#include "tests/unit/drive.h"

#define HOUR 3600000ULL
#define DAY (24 * HOUR)

static const u32 caps[] = { 10, 20, 40 };
static const struct mx_ramp ramp = { caps, 3, false };
static const struct mx_ramp hourly = { caps, 3, true };

/* `n` messages at `now`, as a day's worth */
static void send(struct mx_warmup *w, u64 now, u32 n)
{
	mx_warmup_advance(w, &ramp, now);
	mx_warmup_charge(w, now, n, n);
}

static u32 cap_at(struct mx_warmup *w, u64 now)
{
	mx_warmup_advance(w, &ramp, now);
	return mx_warmup_cap(w, &ramp);
}

static void test_days(void **state)
{
	struct mx_warmup w = { 0 };
	u64 t = DRIVE_START;

	(void)state;
	assert_int_equal(cap_at(&w, t), 10);
	assert_true(mx_warmup_day_ends(&w) == MX_NEVER);
	send(&w, t, 4); /* less than half: the day is lived through again */
	assert_int_equal(mx_warmup_day_ends(&w), t + DAY);
	assert_int_equal(cap_at(&w, t + DAY), 10);
	assert_int_equal(w.sent, 0);
	t += 3 * DAY; /* it begins with the first message, not at an hour */
	send(&w, t, 3);
	send(&w, t + 23 * HOUR, 2);
	assert_int_equal(cap_at(&w, t + DAY - 1), 10);
	assert_int_equal(w.sent, 5);
	assert_int_equal(cap_at(&w, t + DAY), 20);
	assert_int_equal(w.sent, 0);
	t += 2 * DAY;
	send(&w, t, 9);
	assert_int_equal(cap_at(&w, t + DAY), 20);
	send(&w, t + DAY, 20);
	assert_int_equal(cap_at(&w, t + 2 * DAY), 40);
	send(&w, t + 2 * DAY, 40);
	assert_int_equal(cap_at(&w, t + 3 * DAY), 0); /* it is over */
	send(&w, t + 3 * DAY, 100000);
	assert_int_equal(cap_at(&w, t + 30 * DAY), 0);
}

static void test_half_of_an_odd_cap(void **state)
{
	static const u32 odd[] = { 5, 1, 7 };
	const struct mx_ramp r = { odd, 3, false };
	struct mx_warmup w = { 0 };

	(void)state;
	mx_warmup_charge(&w, DRIVE_START, 2, 2);
	mx_warmup_advance(&w, &r, DRIVE_START + DAY);
	assert_int_equal(w.day, 0);
	mx_warmup_charge(&w, DRIVE_START + DAY, 3, 3);
	mx_warmup_advance(&w, &r, DRIVE_START + 2 * DAY);
	assert_int_equal(w.day, 1);
	mx_warmup_charge(&w, DRIVE_START + 2 * DAY, 1, 1);
	mx_warmup_advance(&w, &r, DRIVE_START + 3 * DAY);
	assert_int_equal(w.day, 2);
}

static void test_hourly_days_count_their_best_hour(void **state)
{
	struct mx_warmup w = { 0 };

	(void)state;
	mx_warmup_charge(&w, DRIVE_START, 4, 4);
	mx_warmup_charge(&w, DRIVE_START + 5 * HOUR, 4, 4); /* much in a day, little in any hour */
	mx_warmup_charge(&w, DRIVE_START + 9 * HOUR, 4, 4);
	mx_warmup_advance(&w, &hourly, DRIVE_START + DAY);
	assert_int_equal(w.day, 0);
	mx_warmup_charge(&w, DRIVE_START + DAY, 3, 3);
	mx_warmup_charge(&w, DRIVE_START + DAY, 2, 5);
	mx_warmup_advance(&w, &hourly, DRIVE_START + 2 * DAY);
	assert_int_equal(w.day, 1);
}

static void test_steering(void **state)
{
	struct mx_warmup w = { 0 };
	u64 t = DRIVE_START;

	(void)state;
	send(&w, t, 10);
	mx_warmup_steer(&w, &ramp, MX_WARMUP_HOLD);
	assert_int_equal(cap_at(&w, t + DAY), 10);
	send(&w, t + DAY, 10);
	mx_warmup_steer(&w, &ramp, MX_WARMUP_RESUME);
	assert_int_equal(cap_at(&w, t + 2 * DAY), 20);
	send(&w, t + 2 * DAY, 15);
	mx_warmup_steer(&w, &ramp, MX_WARMUP_BACK);
	assert_int_equal(mx_warmup_cap(&w, &ramp), 10);
	assert_int_equal(w.sent, 15); /* nothing more today */
	mx_warmup_steer(&w, &ramp, MX_WARMUP_BACK);
	mx_warmup_steer(&w, &ramp, MX_WARMUP_BACK);
	assert_int_equal(mx_warmup_cap(&w, &ramp), 10);
	mx_warmup_steer(&w, &ramp, MX_WARMUP_FINISH);
	assert_int_equal(cap_at(&w, t + 2 * DAY), 0);
	mx_warmup_steer(&w, &ramp, MX_WARMUP_BACK);
	assert_int_equal(mx_warmup_cap(&w, &ramp), 40);
	mx_warmup_steer(&w, &ramp, MX_WARMUP_HOLD);
	mx_warmup_steer(&w, &ramp, MX_WARMUP_START);
	assert_int_equal(mx_warmup_cap(&w, &ramp), 10);
	assert_int_equal(w.sent, 0);
	assert_false(w.held);
}

static void test_idle(void **state)
{
	struct mx_warmup w = { 0 };
	u64 t = DRIVE_START;

	(void)state;
	send(&w, t, 10);
	send(&w, t + DAY, 20);
	assert_int_equal(cap_at(&w, t + 31 * DAY - 1), 40);
	assert_int_equal(cap_at(&w, t + 31 * DAY), 10);
	mx_warmup_steer(&w, &ramp, MX_WARMUP_FINISH);
	send(&w, t + 40 * DAY, 1);
	assert_int_equal(cap_at(&w, t + 69 * DAY), 0);
	assert_int_equal(cap_at(&w, t + 70 * DAY), 10); /* also after its end */
}

/* What failed was not sent; what is reported for a day that is over is not sent today. */
static void test_returned_and_reported(void **state)
{
	struct mx_warmup w = { 0 };
	u64 t = DRIVE_START;

	(void)state;
	send(&w, t, 8);
	mx_warmup_return(&w, t, 5);
	assert_int_equal(w.sent, 3);
	mx_warmup_settle(&w, t, 4, 7);
	assert_int_equal(w.sent, 7);
	mx_warmup_return(&w, t, 100);
	assert_int_equal(w.sent, 0);
	send(&w, t + HOUR, 9);
	mx_warmup_advance(&w, &ramp, t + DAY);
	assert_int_equal(w.day, 1);
	mx_warmup_settle(&w, t, 6, 6);
	assert_int_equal(w.sent, 0);
	assert_true(mx_warmup_day_ends(&w) == MX_NEVER); /* no day begins by that */
	send(&w, t + DAY + HOUR, 2);
	mx_warmup_settle(&w, t, 6, 6);
	mx_warmup_return(&w, t, 1);
	assert_int_equal(w.sent, 2);
}

/* --- in the ledger ----------------------------------------------------------------------------------------------- */

#define SCHEDULES "schedules: { s: { daily = [ 10, 20, 40 ]; }; h: { hourly = [ 6, 12 ]; }; };"
#define MAIN "pools: { main: { members: { new = 1; old = 1; }; }; }; routes = ( { pool = \"main\"; } );"
#define PROVIDERS                                                                                                      \
	"providers: { p0: { prefixes = [ \"198.51.100.0/24\" ]; }; p1: { prefixes = [ \"203.0.113.0/24\" ]; };"        \
	" default: { balance = \"weighted\"; }; };"
#define NEW(warmup) "sources: { new: { address = \"192.0.2.1\"; warmup: { " warmup " }; };"
#define POLICY(warmup) SCHEDULES NEW(warmup) " old: { address = \"192.0.2.2\"; }; };" MAIN PROVIDERS
#define ALONE(warmup)                                                                                                  \
	SCHEDULES                                                                                                      \
	NEW(warmup) "}; pools: { main: { members: { new = 1; }; }; }; routes = ( { pool = \"main\"; } );" PROVIDERS
#define LANES "started = \"2026-01-01\"; schedule = \"s\";"
#define WHOLE LANES " scope = \"source\";"

#define AT_P0 "198.51.100.7"
#define AT_P1 "203.0.113.7"

static struct drive d;

/* Of `n` connections, how many the new source carried; *refused: how many nobody did. */
static u32 carried(const char *to, u32 n, u32 *refused)
{
	struct mx_flow flow = flow_to(to);
	u32 by_new = 0;

	*refused = 0;
	while (n--) {
		struct mx_verdict v = drive_serve(&d, &flow);

		by_new += v.action == MX_ASSIGN && v.source == 0;
		*refused += v.action != MX_ASSIGN;
		if (v.action != MX_ASSIGN)
			assert_int_equal(v.reason, MX_REASON_WARMUP);
	}
	return by_new;
}

static u32 carries(const char *to, u32 n)
{
	u32 refused, by_new = carried(to, n, &refused);

	assert_int_equal(refused, 0);
	return by_new;
}

static void test_lane_by_lane(void **state)
{
	u32 refused;

	(void)state;
	drive_up(&d, POLICY(LANES), DRIVE_START);
	assert_int_equal(carries(AT_P0, 100), 10); /* the rest flows to the other */
	assert_int_equal(carries(AT_P1, 100), 10); /* a ramp of its own */
	assert_int_equal(carries(AT_P0, 100), 0);
	d.now += DAY;
	assert_int_equal(carries(AT_P0, 100), 20);
	d.now += DAY;
	assert_int_equal(carries(AT_P0, 100), 40);
	assert_int_equal(carries(AT_P1, 100), 20);
	d.now += DAY;
	assert_int_equal(carries(AT_P0, 100), 50); /* no cap any more */
	drive_down(&d);
	drive_up(&d, ALONE(LANES), DRIVE_START); /* all members warm up */
	assert_int_equal(carried(AT_P0, 50, &refused), 10);
	assert_int_equal(refused, 40);
	drive_down(&d);
}

static void test_a_source_as_a_whole(void **state)
{
	(void)state;
	drive_up(&d, POLICY(WHOLE), DRIVE_START);
	assert_int_equal(carries(AT_P0, 12), 6);
	assert_int_equal(carries(AT_P1, 100), 4);
	assert_int_equal(carries("192.0.2.200", 100), 0);
	d.now += DAY;
	assert_int_equal(carries("192.0.2.200", 100), 20);
	drive_down(&d);
}

/* At the default provider each network has its own. */
static void test_network_by_network(void **state)
{
	(void)state;
	drive_up(&d, POLICY(LANES), DRIVE_START);
	assert_int_equal(carries("192.0.2.200", 100), 10);
	assert_int_equal(carries("192.0.2.1", 100), 0);  /* the same /24 */
	assert_int_equal(carries("192.0.3.1", 100), 10); /* another */
	assert_int_equal(carries(AT_P0, 100), 10);
	d.now += DAY;
	assert_int_equal(carries("192.0.2.1", 100), 20);
	drive_reload(&d, POLICY(LANES));
	assert_int_equal(carries("192.0.2.1", 100), 0);
	drive_commit(&d);
	drive_restart(&d, POLICY(LANES));
	assert_int_equal(carries("192.0.2.1", 100), 0);
	assert_in_range(carries("192.0.3.1", 100), 16, 20); /* what was leased is lost */
	drive_down(&d);
}

#define NETWORKS 10000

/* One connection to each of many networks; returns to how many there was one. */
static u32 serve_networks(u32 first, bool *served)
{
	struct mx_flow flow = flow_to("11.0.0.1");
	u32 i, n = 0;

	for (i = 0; i < NETWORKS; i++) {
		struct mx_verdict v;

		flow.to.lo = 0x0b000001 + ((first + i) << 8);
		v = drive_serve(&d, &flow);
		assert_true(v.action == MX_ASSIGN || v.reason == MX_REASON_WARMUP);
		served[i] = v.action == MX_ASSIGN;
		n += served[i];
	}
	return n;
}

/*
 * More networks than there are places: those that have one keep it for their day, and get no more than its cap. Next
 * day the places are free, and the rows of those that went go with them.
 */
static void test_more_networks_than_places(void **state)
{
	static bool served[NETWORKS], again[NETWORKS];
	const u32 places = MX_NETWORK_WAYS * MX_NETWORK_BUCKETS;
	u32 i, n, round;

	(void)state;
	drive_up(&d, ALONE(LANES), DRIVE_START);
	n = serve_networks(0, served);
	assert_in_range(n, places / 2, places);
	for (round = 1; round < 12; round++) {
		serve_networks(0, again);
		for (i = 0; i < NETWORKS; i++)
			assert_int_equal(again[i], served[i] && round < 10);
	}
	d.now += DAY + 2000;
	for (i = 0; i < places; i++) /* they are not open any more */
		d.networks->lane[i / MX_NETWORK_WAYS][i % MX_NETWORK_WAYS].open = 0;
	n = serve_networks(2 * NETWORKS, served);
	assert_in_range(n, places / 2, places);
	drive_commit(&d);
	assert_in_range(d.file_count, n, places + 10);
	d.now += 2 * DAY; /* the ledger knows nothing any more of those that went */
	assert_true(serve_networks(2 * NETWORKS, again) >= n);
	drive_down(&d);
}

static void test_nothing_before_it_starts(void **state)
{
	static const char text[] = POLICY("started = \"2026-01-05\"; schedule = \"s\";");

	(void)state;
	drive_up(&d, text, DRIVE_START);
	assert_int_equal(carries(AT_P0, 100), 0);
	drive_commit(&d);
	d.now = DRIVE_START + 4 * DAY - 1;
	assert_int_equal(carries(AT_P0, 100), 0);
	d.now++;
	assert_int_equal(carries(AT_P0, 100), 10);
	drive_down(&d);

	drive_up(&d, text, DRIVE_START); /* the time of day is set */
	assert_int_equal(carries(AT_P0, 100), 0);
	d.wall_ahead = 5 * DAY;
	d.now += HOUR;
	assert_int_equal(carries(AT_P0, 100), 10);
	drive_down(&d);
}

/* A new daemon, of which nobody has asked anything yet, writes its books: it knows the time of day by then. */
static void test_started_and_restarted(void **state)
{
	(void)state;
	drive_up(&d, POLICY(LANES), DRIVE_START + DAY);
	assert_int_equal(carries(AT_P0, 8), 4);
	drive_commit(&d);
	d.now += DAY;
	drive_restart(&d, POLICY(LANES));
	drive_commit(&d);
	assert_true(carries(AT_P0, 100) > 0);
	drive_down(&d);
}

/* A day ends also for a lane that had room left. */
static void test_room_left_is_not_added(void **state)
{
	(void)state;
	drive_up(&d, POLICY(LANES), DRIVE_START);
	assert_int_equal(carries(AT_P0, 12), 6);
	drive_commit(&d);
	d.now += DAY + HOUR;
	assert_int_equal(carries(AT_P0, 100), 20);
	d.now += DAY;
	drive_commit(&d);
	d.now += 31 * DAY; /* idle */
	assert_int_equal(carries(AT_P0, 100), 10);
	drive_down(&d);

	drive_up(&d, POLICY(LANES), DRIVE_START); /* less than half the cap in one day, and more than half in two */
	assert_int_equal(carries(AT_P0, 8), 4);
	drive_commit(&d);
	d.now += 3 * DAY;
	assert_int_equal(carries(AT_P0, 8), 4);
	drive_commit(&d);
	d.now += DAY;
	assert_int_equal(carries(AT_P0, 100), 10);
	drive_down(&d);
}

/* A daemon that dies counts the lease in the day it may have been spent in; one that ends in order counts nothing. */
static void test_restarts(void **state)
{
	struct mx_flow flow = flow_to(AT_P0);
	u32 i, n = 0;

	(void)state;
	drive_up(&d, ALONE(LANES), DRIVE_START);
	assert_int_equal(drive_decide(&d, &flow, 0).action, MX_HOLD);
	drive_commit(&d); /* a lease, and nothing was ever sent */
	for (i = 0; i < 20; i++)
		n += drive_decide(&d, &flow, MX_LEDGER_PATIENCE).action == MX_ASSIGN;
	assert_true(n > 0);
	drive_restart(&d, ALONE(LANES));
	for (i = 0; i < 20; i++)
		n += drive_serve(&d, &flow).action == MX_ASSIGN;
	assert_in_range(n, 8, 10);
	drive_commit(&d);

	d.now += DAY; /* spent of yesterday's lease today, and then it dies */
	drive_tick(&d);
	for (n = 0, i = 0; i < 20; i++)
		n += drive_decide(&d, &flow, MX_LEDGER_PATIENCE).action == MX_ASSIGN;
	drive_restart(&d, ALONE(LANES));
	for (i = 0; i < 40; i++)
		n += drive_serve(&d, &flow).action == MX_ASSIGN;
	assert_in_range(n, 16, 20);
	drive_down(&d);
}

static void restart_in_order(const char *text)
{
	mx_ledger_end_leases(d.ledger);
	while (drive_collect(&d, false))
		drive_land(&d, LANDED);
	drive_restart(&d, text);
	drive_commit(&d);
}

/* Also one that was finished by hand, and has no cap, begins again. */
static void test_finished_and_idle(void **state)
{
	(void)state;
	drive_up(&d, POLICY(LANES), DRIVE_START);
	assert_true(mx_ledger_steer_warmup(d.ledger, 0, 0, MX_WARMUP_FINISH, d.now));
	assert_int_equal(carries(AT_P0, 100), 50);
	d.now += 29 * DAY;
	assert_int_equal(carries(AT_P0, 100), 50);
	d.now += 30 * DAY;
	assert_int_equal(carries(AT_P0, 100), 10);
	drive_down(&d);
}

static void test_a_restart_is_no_message(void **state)
{
	u32 i;

	(void)state;
	drive_up(&d, POLICY(LANES), DRIVE_START);
	assert_int_equal(carries(AT_P0, 20), 10);
	d.now += DAY;
	assert_int_equal(carries(AT_P0, 40), 20);
	for (i = 0; i < 4; i++) {
		restart_in_order(POLICY(LANES));
		d.now += 8 * DAY;
	}
	assert_int_equal(carries(AT_P0, 100), 10); /* idle for 32 days */
	drive_down(&d);
}

static void test_steered_and_restarted(void **state)
{
	(void)state;
	drive_up(&d, POLICY(LANES), DRIVE_START);
	assert_true(mx_ledger_steer_warmup(d.ledger, 0, 0, MX_WARMUP_FINISH, d.now));
	assert_true(mx_ledger_steer_warmup(d.ledger, 0, 1, MX_WARMUP_HOLD, d.now));
	restart_in_order(POLICY(LANES));
	assert_int_equal(carries(AT_P0, 100), 50);
	assert_int_equal(carries(AT_P1, 100), 10);
	d.now += DAY;
	assert_int_equal(carries(AT_P1, 100), 10);
	assert_true(mx_ledger_steer_warmup(d.ledger, 0, MX_NONE, MX_WARMUP_RESUME, d.now));
	d.now += DAY;
	assert_int_equal(carries(AT_P1, 100), 20);
	assert_true(mx_ledger_steer_warmup(d.ledger, 0, 1, MX_WARMUP_BACK, d.now));
	assert_int_equal(carries(AT_P1, 100), 0);
	assert_true(mx_ledger_steer_warmup(d.ledger, 0, 1, MX_WARMUP_START, d.now));
	assert_int_equal(carries(AT_P1, 100), 10);
	assert_false(mx_ledger_steer_warmup(d.ledger, 1, 1, MX_WARMUP_START, d.now)); /* old is not warmed up */
	drive_down(&d);
}

/* --- random ------------------------------------------------------------------------------------------------------ */

#if defined(__SANITIZE_ADDRESS__)
#define RUNS 20
#else
#define RUNS 200
#endif
#define STEPS 2000

/* What a sending day is, once more and simply. */
struct day {
	u64 began, last;
	u32 day, sent;
	bool any;
};

static void book_day(struct day *o, u64 now, u32 n)
{
	if (o->any && now - o->last >= 30 * DAY) {
		*o = (struct day){ 0 };
	} else if (o->any && now >= o->began + DAY && o->day < 3) {
		o->day += o->sent >= caps[o->day] / 2;
		o->sent = 0;
		o->began = now;
	}
	if (!o->any)
		o->began = now;
	o->any = true;
	o->last = now;
	o->sent += n;
	if (o->day < 3)
		assert_in_range(o->sent, 1, caps[o->day]);
}

static u64 later(u64 *seed, const struct day *o, u64 now)
{
	switch (random_next(seed) % 40) {
	case 0:
		return o->any && o->began + DAY > now ? o->began + DAY + random_next(seed) % 3 - 1 : now + DAY;
	case 1:
		return o->any ? now + (random_next(seed) % 4 ? DAY : 30 * DAY) : now;
	case 2:
		return now + HOUR + random_next(seed) % 3 - 1;
	case 3:
		return now + random_next(seed) % DAY;
	default:
		return now + random_next(seed) % 2000;
	}
}

static void test_random_days(void **state)
{
	static const char daily[] = ALONE(LANES), whole[] = ALONE(WHOLE);
	u64 seed = 77, sent = 0, finished = 0;
	u32 run, i;

	(void)state;
	print_message("# seed %llu\n", (unsigned long long)seed);
	for (run = 0; run < RUNS; run++) {
		const char *text = run % 2 ? whole : daily;
		struct mx_flow flow = flow_to(run % 3 ? AT_P0 : run % 2 ? AT_P1 : "192.0.2.200");
		struct day o = { 0 };

		drive_up(&d, text, DRIVE_START + DAY + random_next(&seed) % DAY);
		for (i = 0; i < STEPS; i++) {
			d.now = later(&seed, &o, d.now);
			if (drive_serve(&d, &flow).action == MX_ASSIGN) {
				book_day(&o, d.now, 1);
				sent++;
			} else if (o.any && o.day < 3) { /* only who has sent what he may is turned away */
				assert_int_equal(o.sent, caps[o.day]);
				assert_true(d.now < o.began + DAY);
			}
			if (!(random_next(&seed) % 4))
				drive_commit(&d);
			if (!(random_next(&seed) % 200))
				drive_reload(&d, text);
		}
		finished += o.day == 3;
		drive_down(&d);
	}
	assert_true(finished > RUNS / 4 && sent > RUNS * STEPS / 20);
}

/* What was sent at or after `first`. */
static u32 sent_since(const u64 *times, u32 count, u64 first)
{
	u32 n = 0;

	while (n < count && times[count - 1 - n] >= first)
		n++;
	return n;
}

/* Goes on to the day of `now`; *best is the most in an hour of the day, as a window of 24 widths counts. */
static void next_hourly_day(struct day *o, u32 *best, u64 now)
{
	if (o->any && now >= o->began + DAY) {
		o->day += *best >= (o->day ? 6 : 3);
		o->any = false;
		*best = 0;
	}
	if (!o->any)
		o->began = now;
	o->any = true;
	o->last = now;
}

static void test_random_hours(void **state)
{
	static const char text[] = ALONE("started = \"2026-01-01\"; schedule = \"h\";");
	const u64 width = HOUR / 24;
	static u64 times[STEPS];
	struct mx_flow flow = flow_to(AT_P0);
	u64 seed = 78, refused = 0;
	u32 run, i, finished = 0;

	(void)state;
	print_message("# seed %llu\n", (unsigned long long)seed);
	for (run = 0; run < RUNS; run++) {
		u32 count = 0, best = 0, window;
		struct day o = { 0 };

		drive_up(&d, text, DRIVE_START + DAY + random_next(&seed) % DAY);
		for (i = 0; i < STEPS && o.day < 2; i++) {
			d.now = later(&seed, &o, d.now);
			if (o.any && d.now - o.last >= 30 * DAY)
				break;
			if (drive_serve(&d, &flow).action != MX_ASSIGN) {
				refused++;
				continue;
			}
			next_hourly_day(&o, &best, d.now);
			times[count++] = d.now;
			if (o.day < 2)
				assert_in_range(sent_since(times, count, d.now - HOUR), 1, o.day ? 12 : 6);
			window = sent_since(times, count, (d.now / width - 24) * width);
			best = window > best ? window : best;
		}
		finished += o.day == 2;
		drive_down(&d);
	}
	assert_true(refused > RUNS && finished > RUNS / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_days),
		cmocka_unit_test(test_half_of_an_odd_cap),
		cmocka_unit_test(test_hourly_days_count_their_best_hour),
		cmocka_unit_test(test_steering),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_returned_and_reported),
		cmocka_unit_test(test_lane_by_lane),
		cmocka_unit_test(test_a_source_as_a_whole),
		cmocka_unit_test(test_network_by_network),
		cmocka_unit_test(test_more_networks_than_places),
		cmocka_unit_test(test_nothing_before_it_starts),
		cmocka_unit_test(test_started_and_restarted),
		cmocka_unit_test(test_room_left_is_not_added),
		cmocka_unit_test(test_restarts),
		cmocka_unit_test(test_finished_and_idle),
		cmocka_unit_test(test_a_restart_is_no_message),
		cmocka_unit_test(test_steered_and_restarted),
		cmocka_unit_test(test_random_days),
		cmocka_unit_test(test_random_hours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
