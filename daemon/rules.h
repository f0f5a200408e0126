/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the daemon wants to stand in `inet mxload`, as a model: sets with their elements, chains with their rules. One
 * function works it out from the policy; one writes it as nft text (for boot), one as netlink messages (while
 * running). Base chains and everything else fixed stand in nft-rules/mxload.nft and are not part of it.
 *
 * Sets and chains of the daemon's own making have a dot in their names: src.SOURCE, lane.POOL.PROVIDER,
 * draws.POOL.PROVIDER, pick.POOL, pick.POOL.PROVIDER, draw.spent, route.N, to4.N ...; by that it knows them again after
 * a restart.
 */
#ifndef MX_DAEMON_RULES_H
#define MX_DAEMON_RULES_H

#include <stdio.h>

#include "daemon/compile.h"
#include "daemon/policy.h"

/*
 * Draws of the fallback before it refuses: rounds of so many each. One whose lease is spent is drawn like the others,
 * so with a share of 0.9 that is spent one connection in 700,000 would be refused that another source could have.
 */
#define MX_DRAWS 8
#define MX_DRAW_ROUNDS 16
#define MX_DRAW_RANGE 65536 /* a draw is a number below this */

enum mx_set_type { MX_SET_PORT, MX_SET_ADDR4, MX_SET_ADDR6, MX_SET_MARK, MX_SET_DRAW };

#define MX_LEASE_MOST                                                                                                  \
	15251 /* with `limit rate 1/week`; a larger burst overflows in the kernel, and lets nothing pass */
#define MX_LEASE_FREE (~0u) /* no limit */

struct mx_element {
	struct mx_addr first, last; /* the same but in interval sets */
	const char *chain;          /* `goto` it, in a map of verdicts */
	struct mx_addr data;        /* in a map of addresses */
	u32 lease;                  /* in a leased map: how often it may be picked; 0: it is left out */
	u16 source;                 /* in a leased map */
};

struct mx_set {
	char *name;
	enum mx_set_type key;
	bool interval;
	bool verdicts;  /* a map to verdicts */
	bool addresses; /* a map to addresses: IPv6 ones when the name says so */
	enum mx_family data_family;
	bool leased;    /* each element counts its picks and lets no more pass than its lease */
	u16 *providers; /* of a draw: whom it serves */
	u32 provider_count;
	struct mx_element *items;
	u32 count;
};

enum mx_rule_kind {
	MX_RULE_JUMP,     /* jump chain */
	MX_RULE_GOTO,     /* goto chain */
	MX_RULE_MARK,     /* meta mark & mask == value goto chain */
	MX_RULE_USER,     /* meta skuid value goto chain */
	MX_RULE_GROUP,    /* meta skgid value goto chain */
	MX_RULE_FROM,     /* ip saddr net goto chain */
	MX_RULE_TO,       /* ip daddr vmap @set, of `family` */
	MX_RULE_DRAW,     /* numgen random mod MX_DRAW_RANGE vmap @set */
	MX_RULE_SET_MARK, /* mark and ct mark := value, under the mark mask; accept */
};

struct mx_rule {
	enum mx_rule_kind kind;
	const char *target; /* chain or set */
	u32 value, mask;
	enum mx_family family;
	struct mx_addr addr;
	u8 length;
};

struct mx_chain {
	char *name;
	struct mx_rule *items;
	u32 count;
};

/* Chains of mxload.nft whose rules are the daemon's. */
enum mx_fixed_chain {
	MX_CHAIN_FALLBACK,
	MX_CHAIN_STEER,
	MX_FIXED_CHAINS,
};

struct mx_rules {
	u32 mark_mask;
	struct mx_set *sets; /* those of mxload.nft first */
	u32 set_count, fixed_sets;
	struct mx_chain *chains; /* those of mxload.nft first: enum mx_fixed_chain */
	u32 chain_count;
};

/*
 * Works out what should stand in the table. `leaving` is NULL, or the policy that still decides: its sources are kept
 * besides, for packets that it has marked. `learned` are the addresses of mx_policy_learned(). `is_steered`: each
 * packet of a connection gets its mark, not only the first. To be freed by mx_rules_free().
 */
struct mx_rules *mx_rules_new(const struct mx_policy *policy, const struct mx_policy *leaving,
			      const struct mx_prefixes learned[MX_FAMILIES], bool is_steered);
void mx_rules_free(struct mx_rules *rules);

/*
 * A number for what does not change with weights and states: which sets and chains there are, and their rules; and one
 * for the elements of a set. Different contents have different numbers, for all that matters (64 bits).
 */
u64 mx_rules_structure(const struct mx_rules *rules);
u64 mx_rules_elements(const struct mx_set *set);

/*
 * Writes a file for nft -f: the defines, the include of `base` (path of mxload.nft), the contents. Loading it on a
 * host without the table is one transaction.
 */
void mx_rules_print(const struct mx_rules *rules, const char *base, FILE *out);

#endif
