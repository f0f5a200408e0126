// SPDX-License-Identifier: GPL-2.0-or-later
/* A name is asked for again when its records are over, within bounds, and ever more seldom while it fails. */
#include "tests/unit/build.h"

#include "daemon/dns_times.h"

/* What it comes to with no spread, and the most that the spread makes of it. */
static void check(u32 (*after)(u32, u32), u32 what, u32 middle)
{
	u32 least = ~0u, most = 0, random, got;

	for (random = 0; random < 1000; random++) {
		got = after(what, random);
		least = got < least ? got : least;
		most = got > most ? got : most;
	}
	assert_int_equal(after(what, 100), middle);
	assert_int_equal(least, middle - middle / 10);
	assert_int_equal(most, middle + middle / 10);
}

static void test_refresh(void **state)
{
	(void)state;
	check(mx_dns_refresh_after, 0, 300);
	check(mx_dns_refresh_after, 299, 300);
	check(mx_dns_refresh_after, 3600, 3600);
	check(mx_dns_refresh_after, 86400, 86400);
	check(mx_dns_refresh_after, 0x7fffffff, 86400);
	check(mx_dns_refresh_after, ~0u, 86400);
}

static void test_retry(void **state)
{
	static const u32 minutes[] = { 1, 2, 4, 8, 16, 32, 60, 60 };
	u32 i;

	(void)state;
	for (i = 0; i < sizeof(minutes) / sizeof(minutes[0]); i++)
		check(mx_dns_retry_after, i + 1, minutes[i] * 60);
	check(mx_dns_retry_after, 1000000, 3600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refresh),
		cmocka_unit_test(test_retry),
	};

	return cmocka_run_group_tests_name("dns_times", tests, NULL, NULL);
}
