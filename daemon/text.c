// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/text.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mx_addr mx_addr_from_bytes(enum mx_family family, const void *bytes)
{
	u64 part[2];
	u32 v4;

	if (family == MX_IPV4) {
		memcpy(&v4, bytes, sizeof(v4));
		return (struct mx_addr){ 0, ntohl(v4) };
	}
	memcpy(part, bytes, sizeof(part));
	return (struct mx_addr){ be64toh(part[0]), be64toh(part[1]) };
}

void mx_addr_to_bytes(enum mx_family family, struct mx_addr addr, void *bytes)
{
	u64 part[2] = { htobe64(addr.hi), htobe64(addr.lo) };
	u32 v4 = htonl((u32)addr.lo);

	if (family == MX_IPV4)
		memcpy(bytes, &v4, sizeof(v4));
	else
		memcpy(bytes, part, sizeof(part));
}

bool mx_addr_parse(const char *text, enum mx_family *family, struct mx_addr *addr)
{
	struct in6_addr bytes;

	if (inet_pton(AF_INET, text, &bytes) == 1)
		*family = MX_IPV4;
	else if (inet_pton(AF_INET6, text, &bytes) == 1 && !IN6_IS_ADDR_V4MAPPED(&bytes))
		*family = MX_IPV6;
	else
		return false;
	*addr = mx_addr_from_bytes(*family, &bytes);
	return true;
}

const char *mx_prefix_parse(const char *text, enum mx_family *family, struct mx_addr *addr, u8 *length)
{
	char buffer[MX_ADDR_TEXT];
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	struct mx_addr hosts;
	unsigned long bits;
	char *end;

	if (n >= sizeof(buffer))
		return "expected an address or address/length";
	memcpy(buffer, text, n);
	buffer[n] = '\0';
	if (!mx_addr_parse(buffer, family, addr))
		return "expected an address or address/length";
	*length = mx_family_bits(*family);
	if (!slash)
		return NULL;
	bits = strtoul(slash + 1, &end, 10);
	if (slash[1] < '0' || slash[1] > '9' || *end || bits > *length)
		return *family == MX_IPV4 ? "expected a length from 0 to 32" : "expected a length from 0 to 128";
	*length = (u8)bits;
	hosts = mx_addr_hostmask(*family, *length);
	if ((addr->hi & hosts.hi) || (addr->lo & hosts.lo))
		return "expected no bits set behind the length";
	return NULL;
}

const char *mx_addr_text(enum mx_family family, struct mx_addr addr, char *text)
{
	u8 bytes[16];

	mx_addr_to_bytes(family, addr, bytes);
	inet_ntop(family == MX_IPV4 ? AF_INET : AF_INET6, bytes, text, MX_ADDR_TEXT);
	return text;
}

const char *mx_prefix_text(enum mx_family family, struct mx_addr addr, u8 length, char *text)
{
	mx_addr_text(family, addr, text);
	if (length != mx_family_bits(family))
		snprintf(text + strlen(text), MX_ADDR_TEXT - strlen(text), "/%u", length);
	return text;
}

const char *mx_time_text(time_t when, char *text)
{
	struct tm tm;

	gmtime_r(&when, &tm);
	strftime(text, MX_TIME_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return text;
}

bool mx_time_parse(const char *text, s64 *when)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S%z", &tm);

	if (!end || *end)
		return false;
	*when = (s64)timegm(&tm) - tm.tm_gmtoff;
	return true;
}
