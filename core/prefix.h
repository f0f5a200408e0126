/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/*
 * Longest-prefix match, as a sorted list of disjoint ranges.
 *
 * The nesting of prefixes is resolved once, when the table is built: afterwards the range that starts last at or
 * before an address carries the value of the longest prefix that holds it. A look-up is one binary search (20 steps
 * for a million prefixes), a check of the whole table is one pass, and nft's interval maps want the same ranges.
 */
#ifndef MX_CORE_PREFIX_H
#define MX_CORE_PREFIX_H

#include "core/addr.h"

#define MX_NO_VALUE 0xffff

struct mx_prefix {
	struct mx_addr addr; /* host bits are ignored */
	u8 length;
	u16 value; /* below MX_NO_VALUE */
};

/* Addresses from `start` up to the next range's start. */
struct mx_range {
	struct mx_addr start;
	u16 value; /* MX_NO_VALUE: no prefix holds them */
};

/* The order that mx_prefix_flatten() wants: by first address, the shorter prefix first; 0 for the same prefix. */
int mx_prefix_cmp(enum mx_family family, const struct mx_prefix *a, const struct mx_prefix *b);

/* Ranges that `count` prefixes can need at most. */
static inline u32 mx_prefix_ranges_max(u32 count)
{
	return 2 * count + 1;
}

/* Room to work in: the prefixes that hold an address, each inside the one before, at most one of each length. */
struct mx_prefix_nest {
	struct {
		struct mx_addr last;
		u16 value;
	} level[129];
	u32 depth;
};

/*
 * Turns `count` prefixes of one family, sorted by mx_prefix_cmp() and none twice, into ranges that cover the whole
 * address space, the first starting at 0. `ranges` has room for mx_prefix_ranges_max(count); what `nest` holds does not
 * matter. Returns the number of ranges.
 */
u32 mx_prefix_flatten(enum mx_family family, const struct mx_prefix *prefixes, u32 count, struct mx_range *ranges,
		      struct mx_prefix_nest *nest);

/* Index of the range that holds `addr`; `starts` is sorted, starts[0] is 0, count > 0. */
u32 mx_prefix_find4(const u32 *starts, u32 count, u32 addr);
u32 mx_prefix_find6(const struct mx_addr *starts, u32 count, struct mx_addr addr);

#endif
