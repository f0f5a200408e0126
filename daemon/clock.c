// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/clock.h"

#include <stdio.h>
#include <sys/timex.h>
#include <time.h>

static u64 read_ms(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (u64)t.tv_sec * 1000 + (u64)t.tv_nsec / 1000000;
}

struct mx_clock_reading mx_clock_read(void)
{
	struct mx_clock_reading r = { .wall = (s64)read_ms(CLOCK_REALTIME), .boot = read_ms(CLOCK_BOOTTIME) };
	FILE *in = fopen("/proc/sys/kernel/random/boot_id", "re");
	struct timex timex = { 0 };

	if (!in || fscanf(in, "%39s", r.boot_id) != 1)
		r.boot_id[0] = '\0';
	if (in)
		fclose(in);
	r.synchronised = adjtimex(&timex) >= 0 && !(timex.status & STA_UNSYNC);
	return r;
}

static bool same_boot(const struct mx_clock_mark *mark, const struct mx_clock_reading *r)
{
	return *r->boot_id && !strcmp(mark->boot_id, r->boot_id) && r->boot >= mark->boot;
}

void mx_clock_catch_up(struct mx_clock *c, const struct mx_clock_reading *r)
{
	u64 reached;

	if (!c->late || !r->synchronised || r->wall < c->mark.wall)
		return;
	c->late = false;
	reached = c->mark.ledger + (u64)(r->wall - c->mark.wall);
	if (reached > r->boot + c->ahead)
		c->ahead = reached - r->boot;
}

/* At least: all of another boot came after the mark. When it is not known which boot this is, what holds for both. */
static u64 surely_passed(const struct mx_clock_mark *mark, const struct mx_clock_reading *r)
{
	if (!same_boot(mark, r) && (*r->boot_id || r->boot < mark->boot))
		return r->boot;
	return r->boot - mark->boot;
}

void mx_clock_start(struct mx_clock *c, const struct mx_clock_mark *mark, const struct mx_clock_reading *r)
{
	*c = (struct mx_clock){ 0 };
	if (!mark) {
		c->ahead = (u64)r->wall - r->boot;
		return;
	}
	c->mark = *mark;
	c->late = !same_boot(mark, r) && mark->wall;
	c->ahead = mark->ledger + surely_passed(mark, r) - r->boot;
	mx_clock_catch_up(c, r);
}

struct mx_clock_mark mx_clock_mark(const struct mx_clock *c, const struct mx_clock_reading *r)
{
	struct mx_clock_mark mark = { .ledger = r->boot + c->ahead, .boot = r->boot };

	mark.wall = r->synchronised ? r->wall : 0;
	snprintf(mark.boot_id, sizeof(mark.boot_id), "%s", r->boot_id);
	return mark;
}

u64 mx_clock_now(const struct mx_clock *c)
{
	return read_ms(CLOCK_BOOTTIME) + c->ahead;
}

u64 mx_clock_wall(void)
{
	return read_ms(CLOCK_REALTIME);
}

u64 mx_clock_boot_seconds(void)
{
	return read_ms(CLOCK_BOOTTIME) / 1000;
}

u64 mx_clock_steady_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

u64 mx_clock_steady_usec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000 + (u64)t.tv_nsec / 1000;
}

u32 mx_clock_coarse_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (u32)t.tv_sec;
}
