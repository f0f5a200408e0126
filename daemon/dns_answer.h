/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A DNS answer as it came by UDP: what was asked, and the records that lead from a mail domain to addresses and back.
 * Pure: nothing is allocated or kept. The bytes may be anybody's: whatever they are, nothing outside of them is read.
 */
#ifndef MX_DAEMON_DNS_ANSWER_H
#define MX_DAEMON_DNS_ANSWER_H

#include "core/addr.h"
#include "daemon/dns_name.h"

/*
 * So many records of an answer are looked into. The largest mail providers have about five MX hosts with an address or
 * two of each family, at most 25 records with the additional ones; four times that is still a small struct.
 */
#define MX_DNS_RECORDS 64

/* Types, by their numbers in the protocol. */
enum mx_dns_type {
	MX_DNS_A = 1,
	MX_DNS_CNAME = 5,
	MX_DNS_PTR = 12,
	MX_DNS_MX = 15,
	MX_DNS_AAAA = 28,
};

enum mx_dns_result {
	MX_DNS_READ,       /* an answer without an error; it may hold no records */
	MX_DNS_NOT_ANSWER, /* a question, another opcode than a query's, not one question, not of class IN */
	MX_DNS_UNUSABLE,   /* the name asked for has labels of other bytes than letters, digits, '-' and '_' */
	MX_DNS_CUT,        /* it ends before its counts and lengths say */
	MX_DNS_MALFORMED,  /* it breaks the protocol's rules */
	MX_DNS_NXDOMAIN,   /* no such name */
	MX_DNS_SERVFAIL,   /* the resolver could not find out */
	MX_DNS_ERROR,      /* any other error, those of EDNS included */
	MX_DNS_RESULTS,
};

/* Of class IN. Names as mx_dns_name_read() gives them. */
struct mx_dns_record {
	enum mx_dns_type type;
	bool additional;       /* from the additional section; else from the answer section */
	u16 preference;        /* of an MX */
	enum mx_family family; /* of an A or AAAA, as is addr */
	u32 ttl;               /* seconds, 0 to 2^31 - 1; with the top bit set it counts as 0 (RFC 2181, 8) */
	struct mx_addr addr;
	char owner[MX_DNS_NAME];
	char target[MX_DNS_NAME]; /* of MX, CNAME, PTR, else ""; "" of an MX: no mail is taken (RFC 7505) */
};

struct mx_dns_answer {
	char name[MX_DNS_NAME]; /* what was asked, of class IN */
	u16 type;               /* any, not only the types above */
	u16 error;              /* the response code, with the upper bits of EDNS: 0 to 4095 */
	bool truncated;         /* the TC bit: more would have come by TCP */
	u32 count;              /* of records */
	u32 skipped;            /* not looked into: of the types above, but behind MX_DNS_RECORDS others */
	u32 unusable;           /* dropped for a name with other bytes than letters, digits, '-' and '_' */
	struct mx_dns_record records[MX_DNS_RECORDS];
};

/*
 * Reads the `length` bytes of a DNS message, from its header on, into *answer (the caller's; it need not be cleared).
 * Records of the types above are taken from the answer section, and from the additional one if the question was for
 * MX. All others are passed by: only their lengths have to be right, so that whatever comes, the work is bounded.
 * Bytes behind the message are left alone. Unless the result is MX_DNS_READ there are no records; the question is
 * there with MX_DNS_READ and with the errors that the answer itself tells (from MX_DNS_NXDOMAIN on).
 */
enum mx_dns_result mx_dns_answer_read(const u8 *data, size_t length, struct mx_dns_answer *answer);

/*
 * Reads a plain query for recursion in the same way: MX_DNS_READ, and what is asked is in the question's name and type;
 * anything else is MX_DNS_NOT_ANSWER, or what is wrong with it.
 */
enum mx_dns_result mx_dns_question_read(const u8 *data, size_t length, struct mx_dns_answer *question);

/* How many of its bytes count: up to the last of its records. */
size_t mx_dns_answer_size(const struct mx_dns_answer *answer);

/*
 * True when these `size` bytes are an answer as mx_dns_answer_read() makes them: for those that come from a process
 * that is not trusted. Each field is one that it may be, each name a name; what it claims is another matter.
 */
bool mx_dns_answer_is_sound(const void *answer, size_t size);

/* A word or two for it, constant text. */
const char *mx_dns_result_text(enum mx_dns_result result);

#endif
