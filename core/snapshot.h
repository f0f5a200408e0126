/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/*
 * The snapshot: one policy, compiled into one flat block without pointers, so that a process, the kernel and a file
 * can hold the same bytes. Everything refers to everything by index; sections follow the header in the order of
 * enum mx_section, each aligned to 8 bytes. Byte order and padding are those of the machine.
 *
 * Who takes a snapshot from somebody else calls mx_snapshot_check() first. Everything else in core relies on it.
 */
#ifndef MX_CORE_SNAPSHOT_H
#define MX_CORE_SNAPSHOT_H

#include "core/addr.h"
#include "core/limit.h"

#define MX_SNAPSHOT_MAGIC 0x6d786c64 /* "mxld" */
#define MX_SNAPSHOT_VERSION 2
#define MX_OVERFLOW_MAX 100 /* pools that one connection may overflow through */
#define MX_NONE 0xffff      /* no such index: any class, any provider, no overflow pool */

/* X(id, type of an entry, name of the accessor) */
#define MX_SECTIONS(X)                                                                                                 \
	X(SOURCES, struct mx_source, sources)                                                                          \
	X(BY_MARK, u16, by_mark)                                                                                       \
	X(POOLS, struct mx_pool, pools)                                                                                \
	X(MEMBERS, struct mx_member, members)                                                                          \
	X(PROVIDERS, struct mx_provider, providers)                                                                    \
	X(LANE_RULES, struct mx_lane_rule, lane_rules)                                                                 \
	X(LIMITS, struct mx_limit, limits)                                                                             \
	X(ROUTES, struct mx_route, routes)                                                                             \
	X(CLASSES, struct mx_class, classes)                                                                           \
	X(MARKS, struct mx_masked, marks)                                                                              \
	X(USERS, u32, users)                                                                                           \
	X(GROUPS, u32, groups)                                                                                         \
	X(CLIENTS, struct mx_net, clients)                                                                             \
	X(PORTS, u16, ports)                                                                                           \
	X(SERVED, struct mx_net, served)                                                                               \
	X(PREFIX4, u32, prefix4)                                                                                       \
	X(PREFIX4_VALUE, u16, prefix4_value)                                                                           \
	X(PREFIX6, struct mx_addr, prefix6)                                                                            \
	X(PREFIX6_VALUE, u16, prefix6_value)                                                                           \
	X(EXEMPT4, u32, exempt4)                                                                                       \
	X(EXEMPT4_VALUE, u16, exempt4_value)                                                                           \
	X(EXEMPT6, struct mx_addr, exempt6)                                                                            \
	X(EXEMPT6_VALUE, u16, exempt6_value)

/*
 * BY_MARK holds every source once, in the order of their marks. PORTS are those that are asked about, SERVED the
 * networks behind this host whose mail is balanced, too: where nft picks out the connections, it looks there itself.
 */
enum mx_section {
#define X(id, type, name) MX_SECTION_##id,
	MX_SECTIONS(X)
#undef X
		MX_SECTION_COUNT
};

struct mx_span {
	u32 first;
	u32 count;
};

struct mx_source {
	u64 key;               /* stable hash of its name: what the sticky choice knows it by */
	u32 mark;              /* under the mark mask; neither 0 nor one of the two reserved ones */
	u16 families;          /* bit 1 << enum mx_family for each address it has */
	u16 warmup;            /* enum mx_warms */
	struct mx_span limits; /* of all that it sends */
};

/* What of a source is warmed up: nothing, each lane by itself, or all its mail together. */
enum mx_warms {
	MX_WARMS_NOTHING,
	MX_WARMS_LANES,
	MX_WARMS_WHOLE,
};

struct mx_pool {
	u32 first_member;
	u32 members;    /* at least 1 */
	u32 first_slot; /* of its slots in the state: one for each member at each provider, provider by provider */
	u16 overflow;   /* pool, or MX_NONE */
	u16 max_share;  /* percent of the pool's connections at a provider that one member may carry; 1 to 100 */
};

struct mx_member {
	u16 source;
};

enum mx_balance {
	MX_WEIGHTED = 0,
	MX_STICKY = 1,
};

struct mx_provider {
	u64 key; /* stable hash of its name */
	u16 balance;
	u16 pace;                    /* 1: limits are spread evenly */
	u32 messages;                /* charged for a connection until more is known, at least 1 */
	u32 concurrency;             /* of each source there; 0: no limit */
	u32 wait;                    /* how long a connection may be held, in milliseconds */
	u32 wait_max;                /* how many may be held at once */
	struct mx_span limits;       /* of each source there */
	struct mx_span total_limits; /* of all sources there together */
};

/* What is set for one source at one provider alone; sorted by provider, then source. */
struct mx_lane_rule {
	u16 provider;
	u16 source;
	u32 concurrency;       /* 0: the provider's */
	struct mx_span limits; /* none: the provider's */
};

struct mx_route {
	u16 class;    /* or MX_NONE: any */
	u16 provider; /* or MX_NONE: any */
	u16 pool;
	u16 reserved;
};

/* A span of none: this option was not given and matches everything. */
struct mx_class {
	struct mx_span marks;
	struct mx_span users;
	struct mx_span groups;
	struct mx_span clients;
};

struct mx_masked {
	u32 value;
	u32 mask;
};

struct mx_net {
	struct mx_addr first;
	struct mx_addr last;
	u32 family;
	u32 reserved;
};

struct mx_snapshot {
	u32 magic;
	u32 version;
	u64 size; /* of the whole block in bytes */
	u64 generation;
	u32 mark_mask;
	u32 slots;            /* sum over the pools of members x providers */
	u16 default_provider; /* of every address that no prefix holds */
	u16 reserved[3];
	struct {
		u64 offset; /* from the start of the block, in bytes */
		u64 count;  /* of entries */
	} section[MX_SECTION_COUNT];
};

#define X(id, type, name)                                                                                              \
	static inline const type *mx_snapshot_##name(const struct mx_snapshot *s)                                      \
	{                                                                                                              \
		return (const type *)((const u8 *)s + s->section[MX_SECTION_##id].offset);                             \
	}
MX_SECTIONS(X)
#undef X

static inline u32 mx_snapshot_count(const struct mx_snapshot *s, enum mx_section id)
{
	return (u32)s->section[id].count;
}

/* The two reserved marks; the rest between 0 and them are sources. */
static inline u32 mx_mark_refuse(u32 mark_mask)
{
	return mark_mask;
}

static inline u32 mx_mark_pass(u32 mark_mask)
{
	return mark_mask & (mark_mask - 1);
}

/*
 * The size of a snapshot whose sections have these counts. With a header it also fills in magic, version, size and
 * sections; the caller fills the rest.
 */
u64 mx_snapshot_layout(struct mx_snapshot *header, const u32 counts[MX_SECTION_COUNT]);

/* The source whose connections carry `mark`, whatever its bits outside the mark mask are; MX_NONE: nobody's. */
u16 mx_snapshot_source_of_mark(const struct mx_snapshot *s, u32 mark);

/* The pool, by its number, that a slot (below `slots`) belongs to: they stand pool by pool, and in a pool provider by
 * provider. */
u32 mx_snapshot_pool_of_slot(const struct mx_snapshot *s, u32 slot);

/* The limits of a source at a provider, and how many connections it may have open there (0: no limit). */
struct mx_span mx_snapshot_lane_limits(const struct mx_snapshot *s, u32 provider, u32 source);
u32 mx_snapshot_lane_concurrency(const struct mx_snapshot *s, u32 provider, u32 source);

/* A number for the bytes of a snapshot: FNV-1a, so that one that came in pieces is known to be whole. */
u64 mx_snapshot_checksum(const struct mx_snapshot *s, u64 size);

/*
 * Whether the `size` bytes at `s` (aligned to 8) are a snapshot that the rest of core can use without looking: every
 * section inside the block, every index in range, no mark given twice, ranges sorted, the last route for everything, no
 * overflow in a circle. NULL if so, else what is wrong (a constant string).
 */
const char *mx_snapshot_check(const struct mx_snapshot *s, u64 size);

#endif
