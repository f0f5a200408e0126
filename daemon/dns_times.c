// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/dns_times.h"

#define RETRY_FIRST 60
#define DOUBLINGS 6 /* a minute that is doubled so often is more than the latest */

static u32 spread(u32 seconds, u32 random)
{
	return (u32)((u64)seconds * (900 + random % 201) / 1000);
}

u32 mx_dns_refresh_after(u32 ttl, u32 random)
{
	return spread(ttl < MX_DNS_SOONEST ? MX_DNS_SOONEST : ttl > MX_DNS_LATEST ? MX_DNS_LATEST : ttl, random);
}

u32 mx_dns_retry_after(u32 failures, u32 random)
{
	u32 doublings = failures - 1 < DOUBLINGS ? failures - 1 : DOUBLINGS;
	u32 seconds = RETRY_FIRST << doublings;

	return spread(seconds < MX_DNS_RETRY_LATEST ? seconds : MX_DNS_RETRY_LATEST, random);
}
