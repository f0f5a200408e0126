// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/replay/clock.h"

#include "daemon/clock.h"
#include "daemon/resolver.h"

/* What the linker calls them. */
u64 __wrap_mx_clock_now(const struct mx_clock *clock);
u64 __wrap_mx_clock_wall(void);
u32 __wrap_mx_clock_coarse_seconds(void);
void __wrap_mx_resolver_wonder(struct mx_resolver *resolver, const struct mx_flow *flow);

static u64 time_now;

void clock_set(u64 now)
{
	time_now = now;
}

u64 clock_read(void)
{
	return time_now;
}

u64 __wrap_mx_clock_now(const struct mx_clock *clock)
{
	(void)clock;
	return time_now;
}

u64 __wrap_mx_clock_wall(void)
{
	return time_now;
}

u32 __wrap_mx_clock_coarse_seconds(void)
{
	return (u32)(time_now / 1000);
}

/* Nobody asks the DNS here. */
void __wrap_mx_resolver_wonder(struct mx_resolver *resolver, const struct mx_flow *flow)
{
	(void)resolver, (void)flow;
}
