/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of the DNS: from the bytes of a message to text, and by suffix. Pure: no state, nothing allocated. */
#ifndef MX_DAEMON_DNS_NAME_H
#define MX_DAEMON_DNS_NAME_H

#include "core/port.h"

/*
 * Room for a name as text with its NUL. The wire form has at most 255 bytes; as text the root label and the length of
 * the first label are gone.
 */
#define MX_DNS_NAME 254

enum mx_dns_name_result {
	MX_DNS_NAME_READ,
	MX_DNS_NAME_UNUSABLE,  /* well formed, but with other bytes than letters, digits, '-' and '_' in a label */
	MX_DNS_NAME_MALFORMED, /* too long, an unknown kind of label, or a pointer that does not lead backwards */
	MX_DNS_NAME_CUT,       /* it does not end before `end` */
};

/*
 * Reads the name that begins at data[*at] and has to end before data[end]; `data` is the message from its header on,
 * and `end` is at most its length. A pointer may lead to names of before, wherever they stand behind the header
 * (RFC 1035 4.1.4). Read or unusable: *at is moved behind the name, and `text` (MX_DNS_NAME bytes) holds it in lower
 * case, without the dot at its end; "" is the root, and what an unusable name gives. Otherwise neither means anything.
 */
enum mx_dns_name_result mx_dns_name_read(const u8 *data, size_t end, size_t *at, char *text);

/*
 * Moves *at behind the name there without following its pointer, and so without a look at what that leads to. Never
 * MX_DNS_NAME_UNUSABLE.
 */
enum mx_dns_name_result mx_dns_name_skip(const u8 *data, size_t end, size_t *at);

/*
 * True when `name` is `suffix` or ends with it label by label: "alt1.google.com" ends with "google.com",
 * "evil-google.com" does not. Both without a dot at either end; letters of either case are the same. Nothing ends with
 * the empty suffix: whoever means everything should say so.
 */
bool mx_dns_name_ends_with(const char *name, const char *suffix);

#endif
