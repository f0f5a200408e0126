// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/vm/abuse/victim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/balance.h"
#include "daemon/compile.h"
#include "tests/vm/abuse/wire.h"

#define SOURCES 3
#define LEARNED_SEED 42
#define LEARNED_AT 0xc0000263 /* 192.0.2.99: of the provider "google" */

static const char policy[] =
	"catalogue = \"\"; ports = [ 25, 587 ]; clients = [ \"10.9.0.0/16\", \"2001:db8:9::/48\" ];"
	"exempt = [ \"198.51.100.200/32\", \"2001:db8:100::200/128\" ];"
	"sources: {"
	" mx1: { address = \"192.0.2.1\"; address6 = \"2001:db8::1\"; limits = [ \"50000 messages/week\" ]; };"
	" mx2: { address = \"192.0.2.2\"; };"
	" mx3: { address = \"192.0.2.3\"; address6 = \"2001:db8::3\";"
	"        warmup: { started = \"2026-11-01\"; schedule = \"gentle\"; }; };"
	"};"
	"schedules: { gentle: { daily = [ 50, 100, 200 ]; }; };"
	"pools: { main: { members: { mx1 = 5; mx2 = 3; mx3 = 1; }; overflow = \"second\"; max-share = 90; };"
	" second: { members: { mx2 = 1; mx1 = 2; }; }; };"
	"providers: {"
	" google: { prefixes = [ \"198.51.100.0/24\", \"2001:db8:100::/48\" ]; limits = [ \"3000 connections/hour\" ];"
	"  total-limits = [ \"9000 connections/day\" ]; concurrency = 20;"
	"  sources: { mx2: { limits = [ \"20 connections/hour\" ]; }; }; };"
	" isp: { prefixes = [ \"203.0.113.0/24\", \"2001:db8:113::/48\" ]; balance = \"sticky\"; };"
	" default: { balance = \"sticky\"; };"
	"};"
	"classes: { c: { users = [ 1000, 1001 ]; groups = [ 1003 ]; marks = [ 4 ]; clients = [ \"10.0.0.0/8\" ]; }; };"
	"routes = ( { class = \"c\"; pool = \"second\"; }, { pool = \"main\"; } );";

/* --- into force ------------------------------------------------------------------------------------------------- */

struct mx_snapshot *victim_snapshot(u64 generation)
{
	char path[] = "/tmp/mxload-abuse-XXXXXX", error[MX_CONFIG_ERROR] = "";
	const u32 numbers[SOURCES] = { 1, 2, 3 };
	FILE *out = fdopen(mkstemp(path), "w");
	struct mx_snapshot *s;
	struct mx_config *c;

	fputs(policy, out);
	fclose(out);
	c = mx_config_read(path, error);
	unlink(path);
	if (!c)
		die("%s", error);
	s = mx_compile(c, numbers, generation);
	mx_config_free(c);
	return s;
}

static const char *set_slots(struct mx_module_link *link, const struct mx_snapshot *s)
{
	struct mxload_slot *slots = calloc(s->slots, sizeof(*slots));
	const char *wrong;
	u32 i;

	for (i = 0; i < s->slots; i++)
		slots[i] = (struct mxload_slot){ .slot = i, .set = MXLOAD_SLOT_WEIGHT, .weight = 1000 * (1 + i % 5) };
	wrong = mx_module_link_set(link, s->generation, MXLOAD_A_SLOTS, slots, s->slots);
	free(slots);
	return wrong;
}

static const char *set_sources(struct mx_module_link *link, const struct mx_snapshot *s)
{
	u32 count = mx_snapshot_count(s, MX_SECTION_SOURCES), i;
	struct mxload_source *sources = calloc(count, sizeof(*sources));
	const char *wrong;

	for (i = 0; i < count; i++)
		sources[i] = (struct mxload_source){ (u16)i, 3 };
	wrong = mx_module_link_set(link, s->generation, MXLOAD_A_SOURCES, sources, count);
	free(sources);
	return wrong;
}

/* The first source has leases, the second is free, the third shut at every other provider. */
static struct mxload_lane lane_of(u32 provider, u32 source)
{
	struct mxload_lane lane = { .provider = (u16)provider, .source = (u16)source, .state = MXLOAD_LANE_FREE };

	if (!source)
		lane = (struct mxload_lane){ .provider = (u16)provider, .grant = 1000000 };
	if (source == 2 && provider % 2) {
		lane.state = MXLOAD_LANE_SHUT;
		lane.why = MX_REASON_LIMIT_HOUR;
		lane.ready = 1000;
	}
	return lane;
}

static const char *set_lanes(struct mx_module_link *link, const struct mx_snapshot *s)
{
	u32 sources = mx_snapshot_count(s, MX_SECTION_SOURCES), i;
	u32 count = sources * mx_snapshot_count(s, MX_SECTION_PROVIDERS);
	struct mxload_lane *lanes = calloc(count, sizeof(*lanes));
	const char *wrong;

	for (i = 0; i < count; i++)
		lanes[i] = lane_of(i / sources, i % sources);
	wrong = mx_module_link_set(link, s->generation, MXLOAD_A_LANES, lanes, count);
	free(lanes);
	return wrong;
}

static const char *set_learned(struct mx_module_link *link, const struct mx_snapshot *s)
{
	struct mx_learned *table = calloc(1, sizeof(*table));
	struct mx_learned_address gone, address = { .addr = { 0, LEARNED_AT }, .origin = MX_ORIGIN_DOMAIN };
	struct mxload_learned told = { .lo = LEARNED_AT, .origin = MX_ORIGIN_DOMAIN };

	table->seed = LEARNED_SEED;
	told.slot = mx_learned_put(table, &address, &gone);
	free(table);
	return mx_module_link_set(link, s->generation, MXLOAD_A_LEARNED, &told, 1);
}

const char *victim_push(struct mx_module_link *link, const struct mx_snapshot *s)
{
	const char *wrong = mx_module_link_begin(link, s, LEARNED_SEED);

	if (!wrong)
		wrong = set_slots(link, s);
	if (!wrong)
		wrong = set_sources(link, s);
	if (!wrong)
		wrong = set_lanes(link, s);
	return wrong ? wrong : set_learned(link, s);
}

/* --- what it is ------------------------------------------------------------------------------------------------- */

struct mxload_flow victim_flow(u32 i)
{
	static const u32 networks[] = { 0xc6336400, 0xcb007100, LEARNED_AT & ~0xffu, 0x08080800 };
	static const u16 six[] = { 0x0100, 0x0113, 0x0777 };
	struct mxload_flow f = {
		.to_port = 25, .from_port = (u16)(10000 + i), .user = i % 3 ? MX_NO_ID : 1000, .group = 1003, .now = 5
	};

	if (i % 5 == 4) {
		f.family = MX_IPV6;
		f.to_hi = 0x20010db800000000ULL | (u64)six[i % 3] << 16;
		f.to_lo = i;
	} else {
		f.from_lo = 0x0a000001;
		f.to_lo = networks[i % 4] | (i * 3 & 0x7f);
	}
	if (i % 4 == 2 && f.family == MX_IPV4)
		f.to_lo = LEARNED_AT;
	return f;
}

static void add(u64 *sum, const void *data, size_t size)
{
	const u8 *bytes = data;
	size_t i;

	for (i = 0; i < size; i++)
		*sum = mx_mix64(*sum + bytes[i] + 1);
}

static void add_count(const struct mxload_count *count, void *arg)
{
	add(arg, count, sizeof(*count));
}

static void add_group(const struct mxload_group *group, void *arg)
{
	add(arg, group, sizeof(*group));
}

static const char *read_counters(struct victim *v, u64 sums[2])
{
	struct mx_module_reader reader = { add_count, add_group, &sums[0] };
	const char *wrong = mx_module_link_counters(v->link, v->generation, true, &reader);

	reader.arg = &sums[1];
	return wrong ? wrong : mx_module_link_counters(v->link, v->before, true, &reader);
}

static void look(struct victim *v, struct mxload_status *status, struct mxload_verdict *verdicts, u64 counters[2])
{
	const char *wrong = mx_module_link_status(v->link, status);

	counters[0] = counters[1] = 0;
	if (!wrong && (status->generation != v->generation || status->before != v->before))
		die("generation %llu is in force and %llu was before: expected %llu and %llu", status->generation,
		    status->before, (unsigned long long)v->generation, (unsigned long long)v->before);
	if (!wrong)
		wrong = mx_module_link_decide(v->link, v->generation, v->flows, VICTIM_FLOWS, false, verdicts);
	if (!wrong)
		wrong = read_counters(v, counters);
	if (wrong)
		die("the policy in force cannot be read: %s", wrong);
	status->begun = status->valid = 0;
}

const char *victim_touched(struct victim *v)
{
	struct mxload_verdict verdicts[VICTIM_FLOWS];
	struct mxload_status status;
	u64 counters[2];

	look(v, &status, verdicts, counters);
	if (memcmp(&status, &v->status, sizeof(status)))
		return "what STATUS says has changed";
	if (memcmp(verdicts, v->verdicts, sizeof(verdicts)))
		return "it decides otherwise";
	if (counters[0] != v->counters[0])
		return "its counters or leases have changed";
	return counters[1] != v->counters[1] ? "the counters of the one before have changed" : NULL;
}

static void put_in_force(struct victim *v, u64 generation)
{
	struct mxload_verdict verdicts[VICTIM_FLOWS];
	const char *wrong;

	free(v->snapshot);
	v->snapshot = victim_snapshot(generation);
	wrong = victim_push(v->link, v->snapshot);
	if (!wrong)
		wrong = mx_module_link_commit(v->link, generation, VICTIM_VALID);
	if (!wrong)
		wrong = mx_module_link_decide(v->link, generation, v->flows, VICTIM_FLOWS, true, verdicts);
	if (wrong)
		die("a policy cannot be put in force: %s", wrong);
}

/* Otherwise "untouched" would say nothing. */
static void expect_variety(const struct victim *v)
{
	u32 left[__MXLOAD_LEFT_END] = { 0 }, sources[SOURCES] = { 0 }, i;

	for (i = 0; i < VICTIM_FLOWS; i++) {
		left[v->verdicts[i].left]++;
		if (v->verdicts[i].left == MXLOAD_LEFT_NOT)
			sources[v->verdicts[i].source]++;
	}
	if (!left[MXLOAD_LEFT_NOT] || !left[MXLOAD_LEFT_UNKNOWN] || !sources[0] || !sources[1])
		die("the flows of the test do not go everywhere: %u decided, %u unknown, sources %u %u %u",
		    left[MXLOAD_LEFT_NOT], left[MXLOAD_LEFT_UNKNOWN], sources[0], sources[1], sources[2]);
}

void victim_set_up(struct victim *v, u64 before, u64 generation)
{
	u32 i;

	if (!v->link)
		v->link = mx_module_link_open();
	if (!v->link)
		die("the module is not loaded");
	for (i = 0; i < VICTIM_FLOWS; i++)
		v->flows[i] = victim_flow(i);
	v->generation = generation;
	v->before = before;
	put_in_force(v, before);
	put_in_force(v, generation);
	look(v, &v->status, v->verdicts, v->counters);
	expect_variety(v);
}

void victim_tear_down(struct victim *v)
{
	mx_module_link_close(v->link);
	free(v->snapshot);
	memset(v, 0, sizeof(*v));
}
