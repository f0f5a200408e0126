/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When a name is asked for again. Pure. Both take a random number and spread by it, 10 % either way, so that what was
 * asked for together does not come together for ever. Seconds.
 */
#ifndef MX_DAEMON_DNS_TIMES_H
#define MX_DAEMON_DNS_TIMES_H

#include "core/port.h"

#define MX_DNS_SOONEST 300
#define MX_DNS_LATEST 86400
#define MX_DNS_RETRY_LATEST 3600

/* After an answer of which the first record is over in `ttl`: MX_DNS_SOONEST to MX_DNS_LATEST, before the spread. */
u32 mx_dns_refresh_after(u32 ttl, u32 random);

/* After so many failures in a row, at least 1: a minute, twice as long each time, at most MX_DNS_RETRY_LATEST. */
u32 mx_dns_retry_after(u32 failures, u32 random);

#endif
