// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the kernel module's decision costs: 250 sources in a pool, 100,000 prefixes. Asks it for decisions by netlink,
 * in handfuls, so that the way there counts little. Prints nanoseconds for each decision that is booked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/compile.h"
#include "daemon/module_link.h"
#include "tests/bench/configuration.h"

#define SOURCES 250
#define PREFIXES 100000
#define ROUNDS 400
#define HANDFUL 256 /* flows in one message */

static void check(const char *wrong)
{
	if (!wrong)
		return;
	fprintf(stderr, "module_decide: %s\n", wrong);
	exit(1);
}

static void put_configuration(FILE *out)
{
	int i;

	fputs("catalogue = \"\"; sources: {\n", out);
	for (i = 0; i < SOURCES; i++)
		fprintf(out, "s%d: { address = \"10.0.0.%d\"; };\n", i, i + 1);
	fputs("}; pools: { main: { members: {", out);
	for (i = 0; i < SOURCES; i++)
		fprintf(out, " s%d = %d;", i, 1 + i % 7);
	fputs("}; }; }; providers: { large: { prefixes = [ ", out);
	for (i = 0; i < PREFIXES; i++) /* every other /24, so that none can be joined to its neighbour */
		fprintf(out, "%s\"%d.%d.%d.0/24\"", i ? ", " : "", 11 + i / 32768, i / 128 % 256, i % 128 * 2);
	fputs(" ]; }; }; routes = ( { pool = \"main\"; } );\n", out);
}

/* Every lane is free, every source is usable. */
static void give_policy(struct mx_module_link *link, const struct mx_snapshot *s)
{
	struct mxload_slot *slots = calloc(s->slots, sizeof(*slots));
	struct mxload_source sources[SOURCES];
	struct mxload_lane lanes[SOURCES];
	u32 i;

	memset(lanes, 0, sizeof(lanes));
	for (i = 0; i < s->slots; i++)
		slots[i] = (struct mxload_slot){ .slot = i,
						 .set = MXLOAD_SLOT_WEIGHT,
						 .weight = 1000 * (1 + i % SOURCES % 7) };
	for (i = 0; i < SOURCES; i++) {
		sources[i] = (struct mxload_source){ (u16)i, 1u << MX_IPV4 };
		lanes[i] = (struct mxload_lane){ .source = (u16)i, .state = MXLOAD_LANE_FREE };
	}
	check(mx_module_link_begin(link, s, 1));
	check(mx_module_link_set(link, s->generation, MXLOAD_A_SLOTS, slots, s->slots));
	check(mx_module_link_set(link, s->generation, MXLOAD_A_SOURCES, sources, SOURCES));
	check(mx_module_link_set(link, s->generation, MXLOAD_A_LANES, lanes, SOURCES));
	check(mx_module_link_commit(link, s->generation, 600000));
	free(slots);
}

static u64 nanoseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

int main(void)
{
	static struct mxload_verdict verdicts[HANDFUL];
	static struct mxload_flow flows[HANDFUL];
	struct mx_config *config = bench_configuration(put_configuration);
	u32 numbers[SOURCES], i;
	struct mx_snapshot *s;
	struct mx_module_link *link = mx_module_link_open();
	u64 begun;

	check(link ? NULL : "the module mxload is not loaded");
	for (i = 0; i < SOURCES; i++)
		numbers[i] = i + 1;
	s = mx_compile(config, numbers, 1);
	give_policy(link, s);
	for (i = 0; i < HANDFUL; i++)
		flows[i] = (struct mxload_flow){
			.to_lo = (11u << 24) + i * 7919 % PREFIXES * 512, .to_port = 25, .user = ~0u, .group = ~0u
		};
	check(mx_module_link_decide(link, 1, flows, HANDFUL, true, verdicts));
	for (i = 0; i < HANDFUL; i++)
		if (verdicts[i].left) {
			fprintf(stderr, "module_decide: flow %u was left to the queue, why %u (kmod/uapi/mxload.h)\n",
				i, verdicts[i].left);
			return 1;
		}
	begun = nanoseconds();
	for (i = 0; i < ROUNDS; i++)
		check(mx_module_link_decide(link, 1, flows, HANDFUL, true, verdicts));
	printf("%llu\n", (unsigned long long)((nanoseconds() - begun) / (ROUNDS * HANDFUL)));
	mx_module_link_close(link);
	return 0;
}
