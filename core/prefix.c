// SPDX-License-Identifier: GPL-2.0-or-later OR MIT
#include "core/prefix.h"

int mx_prefix_cmp(enum mx_family family, const struct mx_prefix *a, const struct mx_prefix *b)
{
	int order = mx_addr_cmp(mx_addr_first(a->addr, family, a->length), mx_addr_first(b->addr, family, b->length));

	return order ? order : (int)a->length - (int)b->length;
}

/* From `start` on the value is `value`. Two ranges never share a start, neighbours never a value. */
static u32 emit(struct mx_range *ranges, u32 count, struct mx_addr start, u16 value)
{
	if (count && !mx_addr_cmp(ranges[count - 1].start, start))
		count--;
	if (count && ranges[count - 1].value == value)
		return count;
	ranges[count].start = start;
	ranges[count].value = value;
	return count + 1;
}

/* Leaves every prefix that ends before `upto` (all of them for NULL). */
static u32 leave_nested(struct mx_prefix_nest *nest, enum mx_family family, const struct mx_addr *upto,
			struct mx_range *ranges, u32 count)
{
	while (nest->depth) {
		struct mx_addr last = nest->level[nest->depth - 1].last;
		u16 outer;

		if (upto && mx_addr_cmp(last, *upto) >= 0)
			break;
		nest->depth--;
		if (mx_addr_is_max(last, family))
			continue;
		outer = nest->depth ? nest->level[nest->depth - 1].value : MX_NO_VALUE;
		count = emit(ranges, count, mx_addr_next(last), outer);
	}
	return count;
}

u32 mx_prefix_flatten(enum mx_family family, const struct mx_prefix *prefixes, u32 count, struct mx_range *ranges,
		      struct mx_prefix_nest *nest)
{
	u32 made = emit(ranges, 0, (struct mx_addr){ 0, 0 }, MX_NO_VALUE);
	u32 i;

	nest->depth = 0;
	for (i = 0; i < count; i++) {
		const struct mx_prefix *p = &prefixes[i];
		struct mx_addr first = mx_addr_first(p->addr, family, p->length);

		made = leave_nested(nest, family, &first, ranges, made);
		nest->level[nest->depth].last = mx_addr_last(p->addr, family, p->length);
		nest->level[nest->depth].value = p->value;
		nest->depth++;
		made = emit(ranges, made, first, p->value);
	}
	return leave_nested(nest, family, NULL, ranges, made);
}

u32 mx_prefix_find4(const u32 *starts, u32 count, u32 addr)
{
	u32 low = 0;

	while (count > 1) {
		u32 half = count / 2;

		if (starts[low + half] <= addr)
			low += half;
		count -= half;
	}
	return low;
}

u32 mx_prefix_find6(const struct mx_addr *starts, u32 count, struct mx_addr addr)
{
	u32 low = 0;

	while (count > 1) {
		u32 half = count / 2;

		if (mx_addr_cmp(starts[low + half], addr) <= 0)
			low += half;
		count -= half;
	}
	return low;
}
