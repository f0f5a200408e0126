// SPDX-License-Identifier: GPL-2.0-or-later
/* Addresses that were learned: found again, bounded, and the stronger origin stays. */
#include "tests/unit/build.h"

#include "core/balance.h"
#include "core/classify.h"

static struct mx_learned *learned;

static int up(void **state)
{
	(void)state;
	learned = calloc(1, sizeof(*learned));
	learned->seed = 42;
	return 0;
}

static int down(void **state)
{
	(void)state;
	free(learned);
	return 0;
}

static struct mx_learned_address some(const char *text, u16 provider, enum mx_origin origin, u32 confirmed)
{
	struct mx_flow flow = flow_to(text);

	return (struct mx_learned_address){ flow.to, confirmed, provider, (u8)flow.family, (u8)origin };
}

static u32 find(const char *text)
{
	struct mx_flow flow = flow_to(text);

	return mx_learned_find(learned, flow.family, flow.to);
}

static u32 put(struct mx_learned_address address)
{
	struct mx_learned_address gone;

	return mx_learned_put(learned, &address, &gone);
}

static void test_found_again(void **state)
{
	u32 slot;

	(void)state;
	assert_int_equal(find("192.0.2.1"), MX_LEARNED_SLOTS);
	slot = put(some("192.0.2.1", 3, MX_ORIGIN_ANSWER, 10));
	assert_in_range(slot, 0, MX_LEARNED_SLOTS - 1);
	assert_int_equal(find("192.0.2.1"), slot);
	assert_int_equal(learned->slot[slot].provider, 3);
	assert_int_equal(find("192.0.2.2"), MX_LEARNED_SLOTS);
	assert_int_equal(find("::c000:201"), MX_LEARNED_SLOTS); /* the same bits in the other family */
	assert_int_equal(put(some("192.0.2.1", 4, MX_ORIGIN_ANSWER, 11)), slot);
	assert_int_equal(learned->slot[slot].provider, 4);
	put(some("2001:db8::1", 5, MX_ORIGIN_PTR, 10));
	assert_int_equal(learned->slot[find("2001:db8::1")].provider, 5);
	assert_int_equal(find("2001:db8:0:1::1"), MX_LEARNED_SLOTS);
	mx_learned_remove(learned, slot);
	assert_int_equal(find("192.0.2.1"), MX_LEARNED_SLOTS);
}

static struct mx_learned_address numbered(u32 n, enum mx_origin origin, u32 confirmed)
{
	return (struct mx_learned_address){ { 0, n }, confirmed, (u16)n, MX_IPV4, (u8)origin };
}

static bool has(u32 n)
{
	u32 slot = mx_learned_find(learned, MX_IPV4, (struct mx_addr){ 0, n });

	if (slot == MX_LEARNED_SLOTS)
		return false;
	assert_int_equal(learned->slot[slot].provider, (u16)n);
	return true;
}

static u32 count(u32 first, u32 n)
{
	u32 i, known = 0;

	for (i = first; i < first + n; i++)
		known += has(i);
	return known;
}

static void test_room_for_many(void **state)
{
	u32 i;

	(void)state;
	for (i = 0; i < MX_LEARNED_SLOTS / 2; i++)
		put(numbered(i, MX_ORIGIN_ANSWER, 10));
	assert_in_range(count(0, MX_LEARNED_SLOTS / 2), MX_LEARNED_SLOTS / 2 * 97 / 100, MX_LEARNED_SLOTS / 2);
}

/* Whoever is asked for again and again stays, however many others come by. */
static void test_the_one_confirmed_longest_ago_goes(void **state)
{
	u32 i;

	(void)state;
	for (i = 0; i < 4 * MX_LEARNED_SLOTS; i++) {
		put(numbered(1000000 + i, MX_ORIGIN_ANSWER, i));
		if (i % 1024 == 0)
			put(numbered(7, MX_ORIGIN_ANSWER, i));
	}
	assert_true(has(7));
	assert_int_equal(count(1000000, 1000), 0);
	assert_in_range(count(1000000 + 3 * MX_LEARNED_SLOTS, MX_LEARNED_SLOTS), MX_LEARNED_SLOTS / 2,
			MX_LEARNED_SLOTS);
}

static void test_a_stronger_origin_stays(void **state)
{
	struct mx_learned_address gone, told = numbered(7, MX_ORIGIN_OPERATOR, 0);
	u32 i, kept = 0;

	(void)state;
	put(told);
	for (i = 0; i < MX_LEARNED_SLOTS; i++)
		put(numbered(1000000 + i, MX_ORIGIN_DOMAIN, i));
	assert_true(has(7));
	for (i = 0; i < 16 * MX_LEARNED_SLOTS; i++)
		put(numbered(20000000 + i, MX_ORIGIN_OPERATOR, i));
	assert_false(has(7)); /* among its like the oldest goes */
	for (i = 0; i < MX_LEARNED_SLOTS; i++) {
		struct mx_learned_address weak = numbered(3000000 + i, MX_ORIGIN_PTR, ~0u);

		kept += mx_learned_put(learned, &weak, &gone) < MX_LEARNED_SLOTS;
		assert_true(gone.origin == MX_ORIGIN_NONE);
	}
	assert_in_range(kept, 0, MX_LEARNED_SLOTS / 100);
}

static void test_who_goes_is_told(void **state)
{
	static bool known[4 * MX_LEARNED_SLOTS];
	u32 i, now = 0, left = 0;

	(void)state;
	for (i = 0; i < 4 * MX_LEARNED_SLOTS; i++) {
		struct mx_learned_address address = numbered(i, MX_ORIGIN_ANSWER, i), gone;

		assert_in_range(mx_learned_put(learned, &address, &gone), 0, MX_LEARNED_SLOTS - 1);
		known[i] = true;
		now++;
		if (gone.origin == MX_ORIGIN_NONE)
			continue;
		assert_true(known[gone.addr.lo]);
		known[gone.addr.lo] = false;
		now--;
	}
	for (i = 0; i < 4 * MX_LEARNED_SLOTS; i++) {
		assert_int_equal(has(i), known[i]);
		left += known[i];
	}
	assert_int_equal(left, now);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_found_again), TEST(test_room_for_many),
					    TEST(test_the_one_confirmed_longest_ago_goes),
					    TEST(test_a_stronger_origin_stays), TEST(test_who_goes_is_told) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
