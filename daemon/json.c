// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/json.h"

#include "daemon/text.h"

json_t *mx_json_text(const char *text)
{
	return text ? json_string(text) : json_null();
}

json_t *mx_json_number(u64 n)
{
	return json_integer((json_int_t)n);
}

json_t *mx_json_ways(u64 sent, u64 received)
{
	return json_pack("{s:I,s:I}", "sent", (json_int_t)sent, "received", (json_int_t)received);
}

json_t *mx_json_time(s64 t)
{
	char text[MX_TIME_TEXT];

	return t ? json_string(mx_time_text(t, text)) : json_null();
}

json_t *mx_json_address(enum mx_family family, struct mx_addr addr)
{
	char text[MX_ADDR_TEXT];

	return json_string(mx_addr_text(family, addr, text));
}

json_t *mx_json_left(struct mx_left left)
{
	if (left.limit == MX_REASON_CANDIDATE)
		return json_null();
	return json_pack("{s:I,s:s}", "connections", (json_int_t)left.connections, "limit", mx_reason_name(left.limit));
}

json_t *mx_json_day(u32 day)
{
	return day ? mx_json_number(day) : json_null();
}
