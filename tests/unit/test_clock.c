// SPDX-License-Identifier: GPL-2.0-or-later
/* The ledger's clock never goes back, and never by more than has really passed. */
#include "tests/unit/build.h"

#include "daemon/clock.h"

#define DAY 86400000LL
#define EPOCH 1767225600000LL

static struct mx_clock_reading reading(s64 wall, u64 boot, const char *id, bool synchronised)
{
	struct mx_clock_reading r = { .wall = wall, .boot = boot, .synchronised = synchronised };

	snprintf(r.boot_id, sizeof(r.boot_id), "%s", id);
	return r;
}

/* What the ledger's clock says at such a reading. */
static u64 now(const struct mx_clock *c, const struct mx_clock_reading *r)
{
	return mx_clock_mark(c, r).ledger;
}

static struct mx_clock_mark mark_at(u64 ledger, s64 wall, u64 boot, const char *id)
{
	struct mx_clock_mark mark = { .ledger = ledger, .wall = wall, .boot = boot };

	snprintf(mark.boot_id, sizeof(mark.boot_id), "%s", id);
	return mark;
}

static void test_first_start(void **state)
{
	struct mx_clock_reading r = reading(EPOCH, 5000, "a", true), later = reading(EPOCH - DAY, 9000, "a", true);
	struct mx_clock c;

	(void)state;
	mx_clock_start(&c, NULL, &r);
	assert_int_equal(now(&c, &r), EPOCH);
	assert_int_equal(now(&c, &later), EPOCH + 4000); /* whatever the time of day does */
}

/* Within a boot the time of day means nothing. */
static void test_same_boot(void **state)
{
	static const s64 jump[] = { 0, -400 * DAY, 400 * DAY };
	struct mx_clock_mark mark = mark_at(777, EPOCH, 50000, "a");
	struct mx_clock c;
	u32 i;

	(void)state;
	for (i = 0; i < 6; i++) {
		struct mx_clock_reading r = reading(EPOCH + jump[i / 2], 80000, "a", i % 2);

		mx_clock_start(&c, &mark, &r);
		assert_int_equal(now(&c, &r), 777 + 30000);
		r.synchronised = true;
		mx_clock_catch_up(&c, &r);
		assert_int_equal(now(&c, &r), 777 + 30000);
	}
}

static void test_another_boot(void **state)
{
	struct mx_clock_mark mark = mark_at(777, EPOCH, 50000, "a");
	struct mx_clock_reading good = reading(EPOCH + 3 * DAY, 60000, "b", true);
	struct mx_clock_reading bad = reading(EPOCH + 3 * DAY, 60000, "b", false);
	struct mx_clock_reading soon = reading(EPOCH + 3 * DAY + 5000, 65000, "b", true);
	struct mx_clock c;

	(void)state;
	mx_clock_start(&c, &mark, &good);
	assert_int_equal(now(&c, &good), 777 + 3 * DAY);
	mx_clock_start(&c, &mark, &bad); /* so much is sure */
	assert_int_equal(now(&c, &bad), 777 + 60000);
	mx_clock_catch_up(&c, &bad);
	assert_int_equal(now(&c, &bad), 777 + 60000);
	mx_clock_catch_up(&c, &soon);
	assert_int_equal(now(&c, &soon), 777 + 3 * DAY + 5000);
	soon.wall += 10 * DAY; /* once */
	mx_clock_catch_up(&c, &soon);
	assert_int_equal(now(&c, &soon), 777 + 3 * DAY + 5000);
}

/* A host without a battery for its clock: it is back in the year that it was made until it is synchronised. */
static void test_time_of_day_behind(void **state)
{
	struct mx_clock_mark mark = mark_at(777, EPOCH, 50000, "a");
	struct mx_clock_reading behind = reading(EPOCH - 900 * DAY, 60000, "b", false);
	struct mx_clock_reading good = reading(EPOCH + 2 * DAY, 90000, "b", true);
	struct mx_clock c;

	(void)state;
	mx_clock_start(&c, &mark, &behind);
	assert_in_range(now(&c, &behind), 777, 777 + 60000);
	mx_clock_catch_up(&c, &good);
	assert_int_equal(now(&c, &good), 777 + 2 * DAY);
	mx_clock_start(&c, &mark, &behind);
	behind.synchronised = true; /* set back by somebody, who is believed: it does not go back */
	mx_clock_catch_up(&c, &behind);
	assert_in_range(now(&c, &behind), 777, 777 + 60000);
}

/* It is believed, but says less than what has surely passed. */
static void test_set_back_a_little(void **state)
{
	struct mx_clock_mark mark = mark_at(777, EPOCH, 50000, "a");
	struct mx_clock_reading r = reading(EPOCH + 1000, 60000, "b", true);
	struct mx_clock c;

	(void)state;
	mx_clock_start(&c, &mark, &r);
	assert_int_equal(now(&c, &r), 777 + 60000);
}

/* A mark that was made while the time of day was wrong says nothing of how long the host was off. */
static void test_mark_of_a_wrong_time(void **state)
{
	struct mx_clock_reading wrong = reading(EPOCH - 900 * DAY, 50000, "a", false);
	struct mx_clock_reading good = reading(EPOCH, 60000, "b", true);
	struct mx_clock_mark mark;
	struct mx_clock c;

	(void)state;
	mx_clock_start(&c, NULL, &wrong);
	mark = mx_clock_mark(&c, &wrong);
	mx_clock_start(&c, &mark, &good);
	assert_in_range(now(&c, &good), mark.ledger, mark.ledger + 60000);
}

/* The world: what really passes, and what the host's clocks say of it. */
struct host {
	u64 real, boot;
	s64 wrong; /* how far the time of day is off */
	bool synchronised;
	char id[16];
	u32 boots;
};

static struct mx_clock_reading read_host(const struct host *h)
{
	return reading((s64)h->real + h->wrong, h->boot, h->id, h->synchronised);
}

static void pass_time(struct host *h, u64 step)
{
	h->real += step;
	h->boot += step;
}

static void reboot(struct host *h, u64 *seed)
{
	pass_time(h, random_next(seed) % (4 * (u64)DAY));
	h->boot = random_next(seed) % 100000;
	h->real += h->boot;
	h->synchronised = false;
	h->wrong = random_next(seed) % 2 ? 0 : (s64)(random_next(seed) % (800 * (u64)DAY)) - 400 * DAY;
	snprintf(h->id, sizeof(h->id), "boot-%u", ++h->boots);
}

static void synchronise(struct host *h)
{
	h->synchronised = true;
	h->wrong = 0;
}

/* Started, stopped, switched off, set and synchronised at random, beside the time that really passes. */
static void test_random(void **state)
{
	struct host h = { .real = EPOCH, .boot = 10000, .id = "boot-0" };
	struct mx_clock_mark mark = { 0 };
	u64 seed = 12, last = 0, real = 0, from, real_from, caught = 0;
	struct mx_clock_reading r;
	struct mx_clock c;
	u32 starts, i;

	(void)state;
	print_message("# seed %llu\n", (unsigned long long)seed);
	for (starts = 0; starts < 30000; starts++) {
		if (!(random_next(&seed) % 3))
			synchronise(&h);
		r = read_host(&h);
		mx_clock_start(&c, starts ? &mark : NULL, &r);
		from = last;
		real_from = real;
		for (i = random_next(&seed) % 5; i < 5; i++) {
			u64 reached;

			r = read_host(&h);
			reached = now(&c, &r);
			mx_clock_catch_up(&c, &r);
			caught += now(&c, &r) > reached;
			reached = now(&c, &r);
			assert_true(reached >= last);
			if (starts) /* since the mark that it went on from */
				assert_in_range(reached - from, 0, h.real - real_from);
			last = reached;
			real = h.real;
			mark = mx_clock_mark(&c, &r);
			pass_time(&h, random_next(&seed) % 1000000);
			if (!(random_next(&seed) % 6))
				synchronise(&h);
		}
		if (random_next(&seed) % 2)
			reboot(&h, &seed);
	}
	assert_true(caught > 1000);
}

/* What the system itself says. */
static void test_of_this_host(void **state)
{
	struct mx_clock_reading r = mx_clock_read();
	struct mx_clock c;
	u64 first;

	(void)state;
	assert_true(*r.boot_id && r.boot > 0 && r.wall > EPOCH - 2000 * DAY);
	mx_clock_start(&c, NULL, &r);
	first = mx_clock_now(&c);
	assert_in_range(first, r.wall, r.wall + 60000);
	assert_true(mx_clock_now(&c) >= first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_start),
		cmocka_unit_test(test_same_boot),
		cmocka_unit_test(test_another_boot),
		cmocka_unit_test(test_time_of_day_behind),
		cmocka_unit_test(test_mark_of_a_wrong_time),
		cmocka_unit_test(test_set_back_a_little),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_of_this_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
