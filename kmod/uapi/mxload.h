/* SPDX-License-Identifier: GPL-2.0-or-later WITH Linux-syscall-note */
/*
 * The protocol between mxload.ko and whoever tells it what to do: generic netlink, family "mxload". Every network
 * namespace has its own policy. CAP_NET_ADMIN in the namespace is needed for everything.
 *
 * A policy has a generation, any number but 0. It is sent in pieces (BEGIN, CHUNK ..., SET ...) and takes force as a
 * whole (COMMIT). The one before decides nothing from the moment that COMMIT is answered, but its counters can be read
 * until the next COMMIT or DROP: what was spent of its leases is lost to nobody.
 *
 * A policy in force decides for as long as it was last told to (VALID), so that a daemon that is gone leaves no policy
 * behind that nobody watches. What it does not decide it leaves unmarked; see enum mxload_left.
 *
 * Numbers are in the byte order of the machine. Indices are those of the snapshot (core/snapshot.h), and enumerated
 * values those of core: action, reason, family, origin. Addresses are numbers, see core/addr.h. An attribute that holds
 * an array holds whole entries only. An answer that is an error says what was expected (extended ACK).
 */
#ifndef MXLOAD_UAPI_H
#define MXLOAD_UAPI_H

#include <linux/types.h>

#define MXLOAD_GENL_NAME "mxload"
#define MXLOAD_GENL_VERSION 1
#define MXLOAD_GROUP_DECISIONS "decisions"

#define MXLOAD_ARRAY_MAX 61440        /* bytes of one array, or of one piece of a snapshot */
#define MXLOAD_SNAPSHOT_MAX (1 << 27) /* bytes */

/* Every message says GENERATION, but for STATUS. */
enum mxload_cmd {
	MXLOAD_CMD_UNSPEC,
	MXLOAD_CMD_STATUS,    /* -> STATUS */
	MXLOAD_CMD_BEGIN,     /* a new policy: SIZE, CHECKSUM, SEED. One that was begun before is forgotten */
	MXLOAD_CMD_CHUNK,     /* OFFSET, DATA; in order, without a gap */
	MXLOAD_CMD_SET,       /* SLOTS, SOURCES, PROVIDERS, LANES, LEARNED, VALID: any of them */
	MXLOAD_CMD_COMMIT,    /* VALID */
	MXLOAD_CMD_DROP,      /* the policy in force decides no more; or the one before is forgotten */
	MXLOAD_CMD_COUNTERS,  /* AT, FLAGS -> COUNTS, GROUPS, and AT to go on from; no AT: that was all */
	MXLOAD_CMD_RECALL,    /* LANES: what they have left is taken from them -> COUNTS */
	MXLOAD_CMD_DECIDE,    /* FLOWS, FLAGS -> VERDICTS: what would be decided */
	MXLOAD_CMD_DECISIONS, /* an event: GENERATION, FIRST, DECISIONS */
	__MXLOAD_CMD_END,
};

enum mxload_attr {
	MXLOAD_A_UNSPEC,
	MXLOAD_A_PAD,
	MXLOAD_A_GENERATION, /* u64 */
	MXLOAD_A_SIZE,       /* u64: bytes of the snapshot */
	MXLOAD_A_CHECKSUM,   /* u64: of mx_snapshot_checksum() */
	MXLOAD_A_SEED,       /* u64: of the learned addresses' table */
	MXLOAD_A_OFFSET,     /* u64 */
	MXLOAD_A_DATA,       /* bytes */
	MXLOAD_A_VALID,      /* u32: ms from now on; 1 to 3600000 */
	MXLOAD_A_FLAGS,      /* u32: enum mxload_flags */
	MXLOAD_A_AT,         /* u32: 0 to begin with */
	MXLOAD_A_FIRST,      /* u64: number of the first decision; a gap to the last one's is what was lost */
	MXLOAD_A_STATUS,     /* struct mxload_status */
	MXLOAD_A_SLOTS,      /* struct mxload_slot[], and so on */
	MXLOAD_A_SOURCES,
	MXLOAD_A_PROVIDERS,
	MXLOAD_A_LANES,
	MXLOAD_A_LEARNED,
	MXLOAD_A_COUNTS,
	MXLOAD_A_GROUPS,
	MXLOAD_A_FLOWS,
	MXLOAD_A_VERDICTS,
	MXLOAD_A_DECISIONS,
	__MXLOAD_A_END,
};

enum mxload_flags {
	MXLOAD_ALL = 1,  /* COUNTERS: all that ever counted, not only what has changed since it was last read */
	MXLOAD_BOOK = 2, /* DECIDE: book it, as if the connection had been made */
};

/* Why a SYN was left to the queue. */
enum mxload_left {
	MXLOAD_LEFT_NOT,      /* it was decided */
	MXLOAD_LEFT_EXPIRED,  /* the policy in force is no longer valid */
	MXLOAD_LEFT_UNKNOWN,  /* the destination belongs to no named provider */
	MXLOAD_LEFT_PROVIDER, /* the provider is one to ask about */
	MXLOAD_LEFT_LEASE,    /* the chosen source has no lease (left) */
	MXLOAD_LEFT_NONE,     /* no source is a candidate: it has to wait, or is refused */
	__MXLOAD_LEFT_END,
};

struct mxload_status {
	__u64 generation; /* in force; 0: none */
	__u64 before;     /* whose counters can still be read; 0: none */
	__u64 begun;      /* 0: none */
	__u64 decided;    /* by this namespace's policies, in all */
	__u64 left[8];    /* by enum mxload_left */
	__u64 lost;       /* decisions that could not be told */
	__u32 valid;      /* ms */
	__u32 reserved;
};

#define MXLOAD_SLOT_WEIGHT 1
#define MXLOAD_SLOT_CREDIT 2

/* A member of a pool at a provider: entry first_slot + provider * members + member of struct mx_pool. */
struct mxload_slot {
	__u32 slot;
	__u32 set;    /* MXLOAD_SLOT_...: what is set */
	__u32 weight; /* in thousandths; at most 1000000 */
	__u32 carried;
	__s64 credit;
	__u32 asked;
	__u32 reserved;
};

struct mxload_source {
	__u16 source;
	__u16 families; /* those whose address is on this host: bit 1 << enum mx_family */
};

#define MXLOAD_PROVIDER_ASK 1 /* everything that goes there is left to the queue */

struct mxload_provider {
	__u16 provider;
	__u16 flags;
};

enum mxload_lane_state {
	MXLOAD_LANE_LEASED, /* as many connections as were granted; what every lane is that was never told of */
	MXLOAD_LANE_FREE,   /* no limit concerns it */
	MXLOAD_LANE_SHUT,   /* no candidate, for the reason `why` */
};

struct mxload_lane {
	__u16 provider;
	__u16 source;
	__u8 state;
	__u8 why;
	__u16 reserved;
	__u32 grant; /* connections more than it has; for LEASED alone */
	__u32 padding;
	__u64 ready; /* of one that is shut: when it will have room; ms of the ledger's clock, 0 when not known */
};

/* Slot of struct mx_learned; origin 0: nothing is known any more. */
struct mxload_learned {
	__u64 hi, lo;
	__u32 slot;
	__u16 provider;
	__u8 family;
	__u8 origin;
};

struct mxload_count {
	__u16 provider;
	__u16 source;
	__u32 left; /* of its lease */
	__u64 connections;
	__u64 provider_key; /* of the snapshot: who takes over from another daemon knows them by these */
	__u64 source_key;
};

struct mxload_group {
	__u16 pool;
	__u16 provider;
	__u32 reserved;
	__u64 decided[2]; /* by family */
};

struct mxload_flow {
	__u64 from_hi, from_lo;
	__u64 to_hi, to_lo;
	__u64 now;    /* ms of the ledger's clock */
	__u64 waited; /* ms */
	__u16 from_port;
	__u16 to_port;
	__u32 mark;
	__u32 user; /* ~0: not known */
	__u32 group;
	__u8 family;
	__u8 reserved[7];
};

struct mxload_verdict {
	__u8 left; /* enum mxload_left: what the module does not decide has a verdict all the same, but at LEFT_UNKNOWN
		    * and LEFT_PROVIDER, where it does not look
		    */
	__u8 action;
	__u8 reason;
	__u8 reserved;
	__u16 provider;
	__u16 route;
	__u16 pool;
	__u16 member;
	__u16 source;
	__u16 padding;
	__u32 mark;
};

struct mxload_decision {
	__u64 time; /* ns since the epoch, as of the last tick of the kernel's timer */
	__u64 from_hi, from_lo;
	__u64 to_hi, to_lo;
	__u16 from_port;
	__u16 to_port;
	__u8 family;
	__u8 forwarded;
	__u16 reserved;
	__u32 process;       /* that connects; 0: not known */
	__u32 local_process; /* the same as its own pid namespace knows it */
	__u32 user;          /* of the socket; ~0: not known */
	struct mxload_verdict verdict;
};

#endif
