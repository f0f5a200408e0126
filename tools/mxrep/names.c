// SPDX-License-Identifier: GPL-2.0-or-later
/* What names tell by themselves. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "tools/mxrep/check.h"

#define NUMBERS_MAX 32

/* Words in names of lines that providers of access give to their customers. */
static const char *const words[] = { "adsl",  "broadband", "cable",       "client",     "cpe",   "customer",
				     "dhcp",  "dial",      "dialin",      "dialup",     "dip",   "dsl",
				     "dyn",   "dynamic",   "dynip",       "pool",       "pools", "ppp",
				     "pppoe", "res",       "residential", "unassigned", "vdsl",  "xdsl" };

const char *rep_reverse(enum mx_family family, struct mx_addr address, const char *list, char *name)
{
	const char *arpa = family == MX_IPV4 ? "in-addr.arpa" : "ip6.arpa";
	size_t used = 0, i;
	u8 bytes[16];

	mx_addr_to_bytes(family, address, bytes);
	for (i = mx_addr_size(family); i--;)
		used += (size_t)(family == MX_IPV4 ? sprintf(name + used, "%u.", bytes[i])
						   : sprintf(name + used, "%x.%x.", bytes[i] & 15u, bytes[i] >> 4u));
	snprintf(name + used, REP_REVERSE - used, "%s", list ? list : arpa);
	return name;
}

const char *rep_organization(const char *name)
{
	const char *at = name + strlen(name);
	u32 dots = 0;

	while (at > name && (at[-1] != '.' || ++dots < 2))
		at--;
	return at;
}

bool rep_same_organization(const char *a, const char *b)
{
	return !strcasecmp(rep_organization(a), rep_organization(b));
}

/* What stands before the organization's part is what says of which kind the host is. */
static size_t own_part(const char *name)
{
	return (size_t)(rep_organization(name) - name);
}

static bool has_word(const char *name, size_t length)
{
	size_t at = 0, end, i;

	for (; at < length; at = end + 1) {
		for (end = at; end < length && isalpha((unsigned char)name[end]);)
			end++;
		for (i = 0; i < sizeof(words) / sizeof(*words); i++)
			if (strlen(words[i]) == end - at && !strncasecmp(words[i], name + at, end - at))
				return true;
	}
	return false;
}

/* The numbers of a name; as a number each, so that 001 is 1. */
static u32 numbers_of(const char *name, size_t length, u32 *numbers)
{
	u32 count = 0;
	size_t i = 0;

	while (i < length && count < NUMBERS_MAX) {
		if (!isdigit((unsigned char)name[i])) {
			i++;
			continue;
		}
		for (numbers[count] = 0; i < length && isdigit((unsigned char)name[i]); i++)
			if (numbers[count] < 1000000)
				numbers[count] = numbers[count] * 10 + (u32)(name[i] - '0');
		count++;
	}
	return count;
}

/* At least three numbers of the address, one behind the other, forward or backward: one or two may be by chance. */
static bool has_octets(const char *name, size_t length, const u8 *bytes)
{
	u32 numbers[NUMBERS_MAX], count = numbers_of(name, length, numbers), i, first;

	for (i = 0; i + 3 <= count; i++)
		for (first = 0; first < 2; first++) {
			const u8 *b = bytes + first;

			if (numbers[i] == b[0] && numbers[i + 1] == b[1] && numbers[i + 2] == b[2])
				return true;
			if (numbers[i] == b[2] && numbers[i + 1] == b[1] && numbers[i + 2] == b[0])
				return true;
		}
	return false;
}

/* The address as one run of digits: hexadecimal, or three decimal ones for each byte. */
static bool has_run(const char *name, size_t length, enum mx_family family, const u8 *bytes)
{
	char squeezed[256], hex[33], decimal[13];
	size_t i, used = 0;

	for (i = 0; i < length && used < sizeof(squeezed) - 1; i++)
		if (name[i] != '-' && name[i] != '.' && name[i] != '_')
			squeezed[used++] = (char)tolower((unsigned char)name[i]);
	squeezed[used] = '\0';
	for (i = 0; i < mx_addr_size(family); i++)
		sprintf(hex + 2 * i, "%02x", bytes[i]);
	if (strstr(squeezed, hex))
		return true;
	if (family != MX_IPV4)
		return false;
	sprintf(decimal, "%03u%03u%03u%03u", bytes[0], bytes[1], bytes[2], bytes[3]);
	return strstr(squeezed, decimal);
}

/* An IPv6 address as it is written, with other signs for the colons. */
static bool has_written(const char *name, size_t length, enum mx_family family, struct mx_addr address)
{
	char text[MX_ADDR_TEXT], begin[256];
	char *c;

	mx_addr_text(family, address, text);
	for (c = text; *c; c++)
		if (*c == ':')
			*c = '-';
	snprintf(begin, sizeof(begin), "%.*s", (int)length, name);
	return family == MX_IPV6 && strcasestr(begin, text);
}

bool rep_name_is_generic(const char *name, enum mx_family family, struct mx_addr address)
{
	size_t length = own_part(name);
	u8 bytes[16];

	mx_addr_to_bytes(family, address, bytes);
	return has_word(name, length) || has_run(name, length, family, bytes) ||
	       has_written(name, length, family, address) || (family == MX_IPV4 && has_octets(name, length, bytes));
}
