// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a decision costs among many: 250 sources in a pool, each with limits, 20 of them at a limit. Prints nanoseconds
 * for each decision that is booked and charged.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/compile.h"
#include "daemon/ledger.h"
#include "daemon/names.h"
#include "daemon/text.h"
#include "tests/bench/configuration.h"

#define SOURCES 250
#define FULL 20
#define DECISIONS 200000
#define START 1800000000000ULL

static void put_configuration(FILE *out)
{
	int i;

	fputs("catalogue = \"\"; sources: {\n", out);
	for (i = 0; i < SOURCES; i++)
		fprintf(out, "s%d: { address = \"10.0.0.%d\"; limits = [ \"%d connections/week\" ]; };\n", i, i + 1,
			i < FULL ? 1 : 1000000000);
	fputs("}; pools: { main: { members: {", out);
	for (i = 0; i < SOURCES; i++)
		fprintf(out, " s%d = %d;", i, 1 + i % 7);
	fputs("}; }; }; providers: { google: { prefixes = [ \"192.0.2.0/24\" ]; limits = [ \"1000000000 messages/day\" "
	      "];"
	      " total-limits = [ \"1000000000 messages/day\" ]; }; }; routes = ( { pool = \"main\"; } );\n",
	      out);
}

struct world {
	struct mx_config *config;
	struct mx_snapshot *snapshot;
	struct mx_state state;
	struct mx_ledger *ledger;
	const char *sources[SOURCES], *providers[2];
};

static void build(struct world *w)
{
	u32 numbers[SOURCES], i, j;
	struct mx_ledger_terms terms;

	w->config = bench_configuration(put_configuration);
	for (i = 0; i < SOURCES; i++) {
		numbers[i] = i + 1;
		w->sources[i] = mx_name(w->config->sources[i].name);
	}
	for (i = 0; i < w->config->provider_count; i++)
		w->providers[i] = mx_name(w->config->providers[i].name);
	w->snapshot = mx_compile(w->config, numbers, 1);
	mx_state_init(&w->state, w->snapshot, calloc(1, mx_state_size(w->snapshot)));
	for (i = 0; i < SOURCES; i++) {
		w->state.usable[i] = 1u << MX_IPV4;
		for (j = 0; j < w->config->provider_count; j++)
			mx_state_slot(&w->state, mx_snapshot_pools(w->snapshot), j, i)->weight = 1000 * (1 + i % 7);
	}
	w->ledger = mx_ledger_new();
	terms = (struct mx_ledger_terms){ w->config, w->snapshot, &w->state, w->sources, w->providers };
	mx_ledger_adopt(w->ledger, &terms, START, START);
}

static void write_down(struct world *w, u64 now)
{
	static struct mx_ledger_row rows[64];
	u32 n;

	while ((n = mx_ledger_collect(w->ledger, rows, 64, true, now)))
		mx_ledger_written(w->ledger, rows, n, true, now);
}

/* True when it was assigned. */
static bool serve(struct world *w, const struct mx_flow *flow, u64 now)
{
	struct mx_lane_id lane;
	struct mx_verdict v;

	mx_ledger_tick(w->ledger, now, now);
	mx_decide(w->snapshot, &w->state, flow, MX_NONE, (struct mx_moment){ now, 0 }, &v);
	lane = (struct mx_lane_id){ v.provider, v.source, 0 };
	if (v.action == MX_HOLD && v.source != MX_NONE) {
		mx_ledger_want(w->ledger, lane, now);
		write_down(w, now);
		return false;
	}
	mx_account(w->snapshot, &w->state, flow, now, &v);
	if (v.action == MX_ASSIGN)
		mx_ledger_charge(w->ledger, lane, 1, now);
	if (mx_ledger_is_urgent(w->ledger))
		write_down(w, now);
	return v.action == MX_ASSIGN;
}

int main(void)
{
	struct mx_flow flow = { .to_port = 25, .user = MX_NO_ID, .group = MX_NO_ID };
	struct timespec from, to;
	static struct world w;
	u32 i, assigned = 0;

	build(&w);
	mx_addr_parse("192.0.2.7", &flow.family, &flow.to);
	for (i = 0; i < 20000; i++) /* each has been used, and 20 are full */
		serve(&w, &flow, START + i);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (i = 0; i < DECISIONS; i++)
		assigned += serve(&w, &flow, START + 20000 + i / 30);
	clock_gettime(CLOCK_MONOTONIC, &to);
	if (assigned < DECISIONS / 10 * 9) {
		fprintf(stderr, "decide: only %u of %d were assigned\n", assigned, DECISIONS);
		return 1;
	}
	printf("%.0f\n", ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / DECISIONS);
	return 0;
}
