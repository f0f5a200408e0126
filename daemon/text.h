/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses, prefixes and times as text. */
#ifndef MX_DAEMON_TEXT_H
#define MX_DAEMON_TEXT_H

#include <time.h>

#include "core/addr.h"

#define MX_ADDR_TEXT 64 /* room for any address or prefix as text, with its NUL */
#define MX_TIME_TEXT 32

/* Reads an address; false when `text` is none. IPv4-mapped IPv6 addresses are none. */
bool mx_addr_parse(const char *text, enum mx_family *family, struct mx_addr *addr);

/*
 * Reads "address/length" or "address" (a single one). NULL if it is a prefix, else what was expected (constant text).
 */
const char *mx_prefix_parse(const char *text, enum mx_family *family, struct mx_addr *addr, u8 *length);

/* Both write into `text` (MX_ADDR_TEXT bytes) and return it. A prefix of full length is written as an address. */
const char *mx_addr_text(enum mx_family family, struct mx_addr addr, char *text);
const char *mx_prefix_text(enum mx_family family, struct mx_addr addr, u8 length, char *text);

/* Between an address and its bytes in network order: 4 or 16 of them. */
struct mx_addr mx_addr_from_bytes(enum mx_family family, const void *bytes);
void mx_addr_to_bytes(enum mx_family family, struct mx_addr addr, void *bytes);
static inline size_t mx_addr_size(enum mx_family family)
{
	return family == MX_IPV4 ? 4 : 16;
}

/* RFC 3339 in UTC with seconds, in `text` (MX_TIME_TEXT bytes), which is returned. */
const char *mx_time_text(time_t when, char *text);

/* Reads such a time, seconds since the epoch; an offset like +02:00 in place of Z will do. False: it is none. */
bool mx_time_parse(const char *text, s64 *when);

#endif
