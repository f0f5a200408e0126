/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/*
 * An IP address as a number in host order, so that addresses of both families are compared and counted alike.
 * IPv4: hi is 0 and lo below 2^32.
 */
#ifndef MX_CORE_ADDR_H
#define MX_CORE_ADDR_H

#include "core/port.h"

enum mx_family {
	MX_IPV4 = 0,
	MX_IPV6 = 1,
	MX_FAMILIES = 2,
};

struct mx_addr {
	u64 hi;
	u64 lo;
};

/* Number of bits of an address. */
static inline u8 mx_family_bits(enum mx_family family)
{
	return family == MX_IPV4 ? 32 : 128;
}

/* <0, 0, >0 as a comes before, is, or comes after b. */
static inline int mx_addr_cmp(struct mx_addr a, struct mx_addr b)
{
	if (a.hi != b.hi)
		return a.hi < b.hi ? -1 : 1;
	if (a.lo != b.lo)
		return a.lo < b.lo ? -1 : 1;
	return 0;
}

/* The bits in which the addresses of one prefix differ: the last `bits - length` ones set. */
static inline struct mx_addr mx_addr_hostmask(enum mx_family family, u8 length)
{
	u8 host = mx_family_bits(family) - length;
	struct mx_addr mask = { 0, 0 };

	if (host >= 128)
		mask.hi = ~0ULL;
	else if (host > 64)
		mask.hi = (1ULL << (host - 64)) - 1;
	if (host >= 64)
		mask.lo = ~0ULL;
	else
		mask.lo = (1ULL << host) - 1;
	return mask;
}

static inline struct mx_addr mx_addr_first(struct mx_addr a, enum mx_family family, u8 length)
{
	struct mx_addr mask = mx_addr_hostmask(family, length);

	return (struct mx_addr){ a.hi & ~mask.hi, a.lo & ~mask.lo };
}

static inline struct mx_addr mx_addr_last(struct mx_addr a, enum mx_family family, u8 length)
{
	struct mx_addr mask = mx_addr_hostmask(family, length);

	return (struct mx_addr){ a.hi | mask.hi, a.lo | mask.lo };
}

static inline bool mx_addr_is_max(struct mx_addr a, enum mx_family family)
{
	return family == MX_IPV4 ? a.lo == 0xffffffffULL : a.hi == ~0ULL && a.lo == ~0ULL;
}

static inline struct mx_addr mx_addr_next(struct mx_addr a)
{
	a.lo++;
	if (!a.lo)
		a.hi++;
	return a;
}

#endif
