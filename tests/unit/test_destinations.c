// SPDX-License-Identifier: GPL-2.0-or-later
/* What is known of addresses: who is believed, for how long, and what is written down. */
#include "tests/unit/build.h"

#include "daemon/destinations.h"

static const char *const names[] = { "google", "yahoo", "other" };
static struct mx_destinations *d;

static int up(void **state)
{
	(void)state;
	d = mx_destinations_new();
	return 0;
}

static int down(void **state)
{
	(void)state;
	mx_destinations_free(d);
	return 0;
}

static bool learn(const char *address, u16 provider, enum mx_origin origin, u32 lasts, u32 now)
{
	struct mx_flow flow = flow_to(address);
	struct mx_lesson lesson = { flow.family, flow.to, provider, origin, "mx.example", lasts };

	return mx_destinations_learn(d, &lesson, now);
}

static u16 provider_of(const char *address)
{
	struct mx_flow flow = flow_to(address);
	struct mx_destination found;

	return mx_destinations_find(d, flow.family, flow.to, &found) ? found.provider : MX_NONE;
}

static void test_the_newest_of_an_origin(void **state)
{
	(void)state;
	assert_true(learn("192.0.2.1", 0, MX_ORIGIN_ANSWER, 100, 1000));
	assert_false(learn("192.0.2.1", 0, MX_ORIGIN_ANSWER, 100, 1001)); /* nothing new */
	assert_true(learn("192.0.2.1", 1, MX_ORIGIN_ANSWER, 100, 1002));
	assert_int_equal(provider_of("192.0.2.1"), 1);
}

static void test_the_stronger_origin(void **state)
{
	(void)state;
	learn("192.0.2.1", 0, MX_ORIGIN_DOMAIN, 100, 1000);
	assert_false(learn("192.0.2.1", 1, MX_ORIGIN_ANSWER, 100, 1001));
	assert_false(learn("192.0.2.1", 1, MX_ORIGIN_PTR, 100, 1001));
	assert_int_equal(provider_of("192.0.2.1"), 0);
	assert_true(learn("192.0.2.1", 1, MX_ORIGIN_ANSWER, 100, 1100)); /* what was stronger is over */
	assert_true(learn("192.0.2.1", 2, MX_ORIGIN_OPERATOR, 0, 1101));
	assert_false(learn("192.0.2.1", 0, MX_ORIGIN_DOMAIN, 100, 2000000000));
	assert_int_equal(provider_of("192.0.2.1"), 2);
}

static void test_fades(void **state)
{
	u32 before;

	(void)state;
	learn("192.0.2.1", 0, MX_ORIGIN_ANSWER, 100, 1000);
	learn("192.0.2.2", 0, MX_ORIGIN_ANSWER, 100, 1050);
	learn("192.0.2.3", 0, MX_ORIGIN_OPERATOR, 0, 1000);
	before = mx_destinations_version(d);
	mx_destinations_fade(d, 1099);
	assert_int_equal(mx_destinations_version(d), before);
	assert_int_equal(provider_of("192.0.2.1"), 0);
	mx_destinations_fade(d, 1100);
	assert_int_not_equal(mx_destinations_version(d), before);
	assert_int_equal(provider_of("192.0.2.1"), MX_NONE);
	assert_int_equal(provider_of("192.0.2.2"), 0);
	learn("192.0.2.2", 0, MX_ORIGIN_ANSWER, 100, 1140);
	mx_destinations_fade(d, 1200);
	assert_int_equal(provider_of("192.0.2.2"), 0); /* confirmed meanwhile */
	mx_destinations_fade(d, 2000000000);
	assert_int_equal(provider_of("192.0.2.2"), MX_NONE);
	assert_int_equal(provider_of("192.0.2.3"), 0);
}

static void test_renumbered(void **state)
{
	static const u16 map[] = { 2, MX_NONE, 0 };

	(void)state;
	learn("192.0.2.1", 0, MX_ORIGIN_ANSWER, 100, 1000);
	learn("192.0.2.2", 1, MX_ORIGIN_ANSWER, 100, 1000);
	learn("192.0.2.3", 2, MX_ORIGIN_ANSWER, 100, 1000);
	mx_destinations_renumber(d, map);
	assert_int_equal(provider_of("192.0.2.1"), 2);
	assert_int_equal(provider_of("192.0.2.2"), MX_NONE);
	assert_int_equal(provider_of("192.0.2.3"), 0);
}

/* A file: what was written last of each address. */
static struct mx_destination_row file[64];
static u32 file_count;

static void write_down(const struct mx_destination_row *row)
{
	u32 i;

	for (i = 0; i < file_count && (file[i].family != row->family || mx_addr_cmp(file[i].addr, row->addr)); i++)
		;
	if (row->origin == MX_ORIGIN_NONE) {
		if (i < file_count)
			file[i] = file[--file_count];
		return;
	}
	file[i] = *row;
	file_count += i == file_count;
}

static u32 flush(void)
{
	struct mx_destination_row rows[3];
	u32 n, i, all = 0;

	while ((n = mx_destinations_collect(d, names, rows, 3))) {
		for (i = 0; i < n; i++)
			write_down(&rows[i]);
		all += n;
	}
	return all;
}

static void test_written_down(void **state)
{
	struct mx_flow flow = flow_to("192.0.2.2");
	struct mx_destination_row rows[3];
	u32 n, i;

	(void)state;
	file_count = 0;
	learn("192.0.2.1", 0, MX_ORIGIN_ANSWER, 100000, 1000);
	learn("192.0.2.2", 1, MX_ORIGIN_PTR, 100000, 1000);
	learn("2001:db8::3", 2, MX_ORIGIN_OPERATOR, 0, 1000);
	assert_int_equal(flush(), 3);
	learn("192.0.2.1", 0, MX_ORIGIN_ANSWER, 100000, 1100);
	assert_int_equal(flush(), 0); /* confirmed again soon: not worth a write */
	learn("192.0.2.1", 0, MX_ORIGIN_ANSWER, 100000, 5000);
	assert_int_equal(flush(), 1);
	assert_true(mx_destinations_forget(d, flow.family, flow.to));
	assert_false(mx_destinations_forget(d, flow.family, flow.to));
	assert_int_equal(flush(), 1);
	assert_int_equal(file_count, 2);
	learn("192.0.2.4", 1, MX_ORIGIN_ANSWER, 100, 5000);
	n = mx_destinations_collect(d, names, rows, 3);
	assert_int_equal(n, 1);
	mx_destinations_again(d, rows, n); /* it could not be written */
	assert_int_equal(flush(), 1);

	mx_destinations_free(d);
	d = mx_destinations_new();
	for (i = 0; i < file_count; i++)
		mx_destinations_load(d, &file[i], !strcmp(file[i].provider, "google") ? 0 : 1);
	assert_int_equal(provider_of("192.0.2.1"), 0);
	assert_int_equal(provider_of("192.0.2.2"), MX_NONE);
	assert_int_equal(provider_of("2001:db8::3"), 1);
	assert_int_equal(flush(), 0); /* the file has it */
	mx_destinations_fade(d, 105100);
	assert_int_equal(provider_of("192.0.2.1"), MX_NONE);
	assert_int_equal(provider_of("2001:db8::3"), 1);
}

/* Whatever comes and goes, the file has in the end what is known. */
static void test_the_file_follows(void **state)
{
	u32 i, known = 0;
	u64 seed = 7;

	(void)state;
	file_count = 0;
	for (i = 0; i < 20000; i++) {
		u64 r = random_next(&seed);
		struct mx_flow flow = flow_to("192.0.2.0");
		struct mx_lesson lesson = { flow.family, flow.to, (u16)(r >> 16) % 3, 1 + (r >> 24) % 3, "h", 50 };

		lesson.addr.lo += r % 40;
		if ((r >> 32) % 4)
			mx_destinations_learn(d, &lesson, 1000 + i);
		else
			mx_destinations_forget(d, lesson.family, lesson.addr);
		if ((r >> 40) % 16 == 0)
			mx_destinations_fade(d, 1000 + i);
		if ((r >> 44) % 8 == 0)
			flush();
	}
	flush();
	for (i = 0; i < 40; i++) {
		char text[MX_ADDR_TEXT];
		u16 provider;

		snprintf(text, sizeof(text), "192.0.2.%u", i);
		provider = provider_of(text);
		known += provider != MX_NONE;
	}
	assert_int_equal(file_count, known);
	for (i = 0; i < file_count; i++) {
		char text[MX_ADDR_TEXT];

		assert_string_equal(names[provider_of(mx_addr_text(file[i].family, file[i].addr, text))],
				    file[i].provider);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_the_newest_of_an_origin),
					    TEST(test_the_stronger_origin),
					    TEST(test_fades),
					    TEST(test_renumbered),
					    TEST(test_written_down),
					    TEST(test_the_file_follows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
