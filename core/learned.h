/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/*
 * Addresses whose provider was learned while the policy was in force, so that it need not be compiled again for each.
 * Bounded: in a bucket of eight the one that was confirmed longest ago goes, those of a weaker origin first.
 *
 * Whoever adds or removes keeps others away meanwhile.
 */
#ifndef MX_CORE_LEARNED_H
#define MX_CORE_LEARNED_H

#include "core/addr.h"

#define MX_LEARNED_WAYS 8
#define MX_LEARNED_BUCKETS 8192
#define MX_LEARNED_SLOTS (MX_LEARNED_WAYS * MX_LEARNED_BUCKETS)

/* How an address became known; a stronger origin is not overruled by a weaker one. */
enum mx_origin {
	MX_ORIGIN_NONE,
	MX_ORIGIN_PTR,      /* the name of the address, forward-confirmed */
	MX_ORIGIN_ANSWER,   /* a DNS answer that this host or a client of it got */
	MX_ORIGIN_DOMAIN,   /* asked for: the MX of a configured domain */
	MX_ORIGIN_OPERATOR, /* told */
	MX_ORIGIN_COUNT,
};

struct mx_learned_address {
	struct mx_addr addr;
	u32 confirmed; /* when it was learned last, in seconds of whatever clock the caller has */
	u16 provider;  /* index in the snapshot in force */
	u8 family;     /* enum mx_family */
	u8 origin;     /* enum mx_origin; MX_ORIGIN_NONE: free */
};

/* All zero: nothing is known. A slot stays that of an address until it is removed or given up. */
struct mx_learned {
	u64 seed; /* so that nobody outside can fill one bucket; set before the first use, then fixed */
	struct mx_learned_address slot[MX_LEARNED_SLOTS];
};

/* ptr, answer, domain, operator; - for none. */
const char *mx_origin_name(enum mx_origin origin);

/* The slot of an address; MX_LEARNED_SLOTS: it is not known. */
u32 mx_learned_find(const struct mx_learned *learned, enum mx_family family, struct mx_addr addr);

/*
 * Keeps what is known of `address`, and gives up whatever was in its slot, which *gone is then (all zero: nothing).
 * Returns the slot; MX_LEARNED_SLOTS: what is there is all of a stronger origin.
 */
u32 mx_learned_put(struct mx_learned *learned, const struct mx_learned_address *address,
		   struct mx_learned_address *gone);

void mx_learned_remove(struct mx_learned *learned, u32 slot);

#endif
