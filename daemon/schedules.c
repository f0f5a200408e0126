// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Schedules that need not be written down: those that others have published, and a slow one.
 *
 *   gentle     doubles each day; for the mail of a small host at one provider
 *   sparkpost  messages a day and address, of SparkPost's "IP Warm-up Overview" (2026)
 *   sendgrid   messages an hour and address by its age in days, of SendGrid's "Automated IP warmup hourly send
 * schedule"
 */
#include "daemon/schedules.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/text.h"

static const u32 gentle[] = { 50, 100, 200, 400, 800, 1600, 3200, 6400 };

static const u32 sparkpost[] = { 200,     500,     1000,    2000,    5000,    10000,   20000,   40000,
				 50000,   75000,   100000,  150000,  200000,  250000,  325000,  400000,
				 500000,  600000,  750000,  1000000, 1250000, 1750000, 2000000, 3000000,
				 4250000, 5000000, 6000000, 7500000, 10000000 };

static const u32 sendgrid[] = { 20,      28,      39,      55,       77,       108,     151,     211,     295,
				413,     579,     810,     1000,     1587,     2222,    3111,    4356,    6098,
				8583,    11953,   16734,   23427,    32798,    45917,   64284,   89998,   125997,
				176395,  246953,  345735,  484029,   677640,   948696,  1328175, 1859444, 2603222,
				3644511, 5102316, 7143242, 10000539, 14000754, 19601056 };

static const struct {
	const char *name;
	const u32 *caps;
	u32 count;
	bool hourly;
} shipped[] = {
	{ "gentle", gentle, sizeof(gentle) / sizeof(gentle[0]), false },
	{ "sparkpost", sparkpost, sizeof(sparkpost) / sizeof(sparkpost[0]), false },
	{ "sendgrid", sendgrid, sizeof(sendgrid) / sizeof(sendgrid[0]), true },
};

void mx_schedules_add_shipped(struct mx_config *c)
{
	size_t i;

	for (i = 0; i < sizeof(shipped) / sizeof(shipped[0]); i++) {
		struct mx_conf_schedule s = { .name = mx_strdup(shipped[i].name),
					      .hourly = shipped[i].hourly,
					      .count = shipped[i].count,
					      .shipped = true };

		s.caps = mx_alloc(s.count * sizeof(s.caps[0]));
		memcpy(s.caps, shipped[i].caps, s.count * sizeof(s.caps[0]));
		c->schedules = mx_grow(c->schedules, c->schedule_count, sizeof(s));
		c->schedules[c->schedule_count++] = s;
	}
}
