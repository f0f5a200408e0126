// SPDX-License-Identifier: GPL-2.0-or-later
/* The prefix table against an oracle that looks at every prefix. */
#include "tests/unit/build.h"

#include "core/prefix.h"

struct list {
	struct mx_prefix *items;
	u32 count;
	enum mx_family family;
};

static int compare(const void *a, const void *b, void *family)
{
	return mx_prefix_cmp(*(enum mx_family *)family, a, b);
}

static u16 oracle(const struct list *l, struct mx_addr addr)
{
	u16 value = MX_NO_VALUE;
	int longest = -1;
	u32 i;

	for (i = 0; i < l->count; i++) {
		const struct mx_prefix *p = &l->items[i];

		if ((int)p->length > longest && !mx_addr_cmp(mx_addr_first(addr, l->family, p->length),
							     mx_addr_first(p->addr, l->family, p->length))) {
			longest = p->length;
			value = p->value;
		}
	}
	return value;
}

/* Few different bits, so that prefixes nest and touch. */
static struct mx_addr random_addr(u64 *seed, enum mx_family family)
{
	struct mx_addr a = { 0, 0 };
	u64 r = random_next(seed);

	if (family == MX_IPV4)
		a.lo = (u32)(r & 0xc30000f3) | ((r >> 40) % 3 ? 0 : 0xffffffff << (r >> 59));
	else
		a = (struct mx_addr){ r & 0xf0000000000000f1ULL, random_next(seed) & 0x80000000000000f3ULL };
	if (family == MX_IPV4)
		a.lo &= 0xffffffff;
	return a;
}

static void sort_unique(struct list *l)
{
	u32 i, n = 0;

	qsort_r(l->items, l->count, sizeof(*l->items), compare, &l->family);
	for (i = 0; i < l->count; i++)
		if (!n || mx_prefix_cmp(l->family, &l->items[n - 1], &l->items[i]))
			l->items[n++] = l->items[i];
	l->count = n;
}

static u16 look_up(const struct mx_range *ranges, u32 count, enum mx_family family, struct mx_addr addr)
{
	u32 *starts4 = malloc(count * sizeof(*starts4)), i;
	struct mx_addr *starts6 = malloc(count * sizeof(*starts6));

	for (i = 0; i < count; i++) {
		starts4[i] = (u32)ranges[i].start.lo;
		starts6[i] = ranges[i].start;
	}
	i = family == MX_IPV4 ? mx_prefix_find4(starts4, count, (u32)addr.lo) : mx_prefix_find6(starts6, count, addr);
	free(starts4);
	free(starts6);
	return ranges[i].value;
}

static void check_against_oracle(enum mx_family family, u64 seed)
{
	struct mx_prefix items[60];
	struct mx_range ranges[121];
	struct mx_prefix_nest nest;
	struct list l = { items, 1 + (u32)(random_next(&seed) % 60), family };
	u32 i, count;

	for (i = 0; i < l.count; i++)
		items[i] = (struct mx_prefix){ random_addr(&seed, family),
					       (u8)(random_next(&seed) % (mx_family_bits(family) + 1u)), (u16)i };
	sort_unique(&l);
	count = mx_prefix_flatten(family, items, l.count, ranges, &nest);
	assert_in_range(count, 1, mx_prefix_ranges_max(l.count));
	for (i = 1; i < count; i++) {
		assert_true(mx_addr_cmp(ranges[i - 1].start, ranges[i].start) < 0);
		assert_int_not_equal(ranges[i - 1].value, ranges[i].value);
	}
	for (i = 0; i < 60; i++) {
		struct mx_addr addr = random_addr(&seed, family);

		assert_int_equal(look_up(ranges, count, family, addr), oracle(&l, addr));
	}
	for (i = 0; i < l.count; i++) {
		struct mx_addr first = mx_addr_first(items[i].addr, family, items[i].length);
		struct mx_addr last = mx_addr_last(items[i].addr, family, items[i].length);

		assert_int_equal(look_up(ranges, count, family, first), oracle(&l, first));
		assert_int_equal(look_up(ranges, count, family, last), oracle(&l, last));
	}
}

static void test_random(void **state)
{
	u64 seed;

	(void)state;
	print_message("# seeds 1 to 1500\n");
	for (seed = 1; seed <= 1500; seed++) {
		check_against_oracle(MX_IPV4, seed * 0x9e3779b97f4a7c15ULL);
		check_against_oracle(MX_IPV6, seed * 0xbf58476d1ce4e5b9ULL);
	}
}

static void test_everything_and_single_addresses(void **state)
{
	struct mx_prefix items[] = { { { 0, 0 }, 0, 7 }, { { 0, 0 }, 32, 1 }, { { 0, 0xffffffff }, 32, 2 } };
	struct mx_range ranges[7];
	struct mx_prefix_nest nest;
	u32 count = mx_prefix_flatten(MX_IPV4, items, 3, ranges, &nest);

	(void)state;
	assert_int_equal(count, 3);
	assert_int_equal(look_up(ranges, count, MX_IPV4, (struct mx_addr){ 0, 0 }), 1);
	assert_int_equal(look_up(ranges, count, MX_IPV4, (struct mx_addr){ 0, 1 }), 7);
	assert_int_equal(look_up(ranges, count, MX_IPV4, (struct mx_addr){ 0, 0xffffffff }), 2);
}

/* A prefix of every length, each inside the one before: as deep as it can get. */
static void check_deepest(enum mx_family family, bool upper)
{
	struct mx_prefix items[129];
	struct mx_range ranges[2 * 129 + 1];
	struct mx_prefix_nest nest;
	u32 bits = mx_family_bits(family), i, count;
	struct mx_addr max = mx_addr_hostmask(family, 0), zero = { 0, 0 }, innermost = upper ? max : zero;
	struct list l = { items, bits + 1, family };

	for (i = 0; i <= bits; i++)
		items[i] = (struct mx_prefix){ innermost, (u8)i, (u16)i };
	sort_unique(&l);
	assert_int_equal(l.count, bits + 1);
	count = mx_prefix_flatten(family, items, l.count, ranges, &nest);
	assert_int_equal(count, bits + 1);
	assert_int_equal(look_up(ranges, count, family, innermost), bits);
	assert_int_equal(look_up(ranges, count, family, upper ? zero : max), 0);
	for (i = 1; i < bits; i++) { /* the last address on the inner side that the next prefix does not hold */
		struct mx_addr half = mx_addr_hostmask(family, (u8)(i + 1));
		struct mx_addr addr = upper ? mx_addr_first(max, family, (u8)i) : mx_addr_next(half);

		assert_int_equal(look_up(ranges, count, family, addr), i);
	}
}

static void test_deepest(void **state)
{
	(void)state;
	check_deepest(MX_IPV4, false);
	check_deepest(MX_IPV4, true);
	check_deepest(MX_IPV6, false);
	check_deepest(MX_IPV6, true);
}

static void test_none(void **state)
{
	struct mx_prefix_nest nest;
	struct mx_range range;

	(void)state;
	assert_int_equal(mx_prefix_flatten(MX_IPV6, NULL, 0, &range, &nest), 1);
	assert_int_equal(range.value, MX_NO_VALUE);
	assert_true(!range.start.hi && !range.start.lo);
}

static void test_million(void **state)
{
	const u32 n = 1000000;
	struct mx_prefix *items = malloc(n * sizeof(*items));
	struct mx_range *ranges = malloc(mx_prefix_ranges_max(n) * sizeof(*ranges));
	struct mx_prefix_nest nest;
	u32 *starts = malloc(mx_prefix_ranges_max(n) * sizeof(*starts)), i, count;

	(void)state;
	for (i = 0; i < n; i++) /* every other /24 of the first half */
		items[i] = (struct mx_prefix){ { 0, (u64)i << 9 }, 24, (u16)(i % 50000) };
	count = mx_prefix_flatten(MX_IPV4, items, n, ranges, &nest);
	assert_int_equal(count, 2 * n);
	for (i = 0; i < count; i++)
		starts[i] = (u32)ranges[i].start.lo;
	for (i = 0; i < n; i++) {
		assert_int_equal(ranges[mx_prefix_find4(starts, count, (i << 9) + 77)].value, i % 50000);
		assert_int_equal(ranges[mx_prefix_find4(starts, count, (i << 9) + 300)].value, MX_NO_VALUE);
	}
	free(items);
	free(ranges);
	free(starts);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_random),
					    cmocka_unit_test(test_everything_and_single_addresses),
					    cmocka_unit_test(test_deepest), cmocka_unit_test(test_none),
					    cmocka_unit_test(test_million) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
