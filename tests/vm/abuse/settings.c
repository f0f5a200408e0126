// SPDX-License-Identifier: GPL-2.0-or-later
/* What is set entry by entry: what is wrong in itself is refused, and what stood before it counts. */
#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>

#include "core/learned.h"
#include "core/reason.h"
#include "tests/vm/abuse/victim.h"
#include "tests/vm/abuse/wire.h"

#define IN_FORCE 7

static struct victim victim;
static u32 tried;

/* Alone, it has to be refused and to change nothing. */
static void expect_no(enum mxload_attr attribute, const void *entry, const char *expected)
{
	const char *wrong = mx_module_link_set(victim.link, IN_FORCE, attribute, entry, 1), *touched;

	tried++;
	if (!wrong || strncmp(wrong, expected, strlen(expected)))
		die("attribute %d: \"%s\"; expected \"%s\"", attribute, wrong ? wrong : "accepted", expected);
	touched = victim_touched(&victim);
	if (touched)
		die("\"%s\", and yet: %s", expected, touched);
}

static void slots(void)
{
	static const char range[] = "a weight is at most 1000000", what[] = "a slot's weight or credit is set";
	const s64 credit = 2LL * MX_NONE * 1000000;
	const struct mxload_slot good = { .set = MXLOAD_SLOT_WEIGHT | MXLOAD_SLOT_CREDIT, .weight = 1000 };
	struct mxload_slot e = good;

#define SLOT(field, value, words)                                                                                      \
	do {                                                                                                           \
		e = good;                                                                                              \
		e.field = value;                                                                                       \
		expect_no(MXLOAD_A_SLOTS, &e, words);                                                                  \
	} while (0)

	SLOT(slot, victim.snapshot->slots, "no such slot");
	SLOT(slot, ~0u, "no such slot");
	SLOT(set, 0, what);
	SLOT(set, 4, what);
	SLOT(reserved, 1, what);
	SLOT(weight, 1000001, range); /* the products of core's comparisons are not made for more */
	SLOT(weight, ~0u, range);
	SLOT(credit, credit + 1, range);
	SLOT(credit, -credit - 1, range);
	SLOT(credit, INT64_MIN, range);
}

static void lanes(void)
{
	const u16 providers = (u16)mx_snapshot_count(victim.snapshot, MX_SECTION_PROVIDERS);
	const struct mxload_lane bad[] = {
		{ .provider = providers },
		{ .source = (u16)mx_snapshot_count(victim.snapshot, MX_SECTION_SOURCES) },
		{ .state = MXLOAD_LANE_SHUT + 1 },
		{ .padding = 1 },
		{ .source = 1, .state = MXLOAD_LANE_FREE, .grant = 1 },
		{ .why = MX_REASON_COUNT },
		{ .state = MXLOAD_LANE_FREE }, /* the first source has leases everywhere */
	};
	static const char *const words[] = {
		"no such lane",
		"no such lane",
		"a lane is leased, free or shut",
		"a lane is leased, free or shut",
		"only a leased lane is granted anything",
		"no such reason",
		"what a lane has left is recalled",
	};
	u32 i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_no(MXLOAD_A_LANES, &bad[i], words[i]);
}

static void others(void)
{
	const u16 none = MX_NONE;
	const struct mxload_source sources[] = { { none, 1 }, { 0, 4 }, { 0, 0x8001 } };
	const struct mxload_provider providers[] = { { none, 0 }, { 0, 2 } };
	const struct mxload_learned learned[] = {
		{ .slot = MX_LEARNED_SLOTS },
		{ .provider = none },
		{ .family = MX_FAMILIES },
		{ .origin = MX_ORIGIN_COUNT },
	};
	static const char address[] = "an address is of a family, has a provider, and was learned somehow";

	expect_no(MXLOAD_A_SOURCES, &sources[0], "no such source");
	expect_no(MXLOAD_A_SOURCES, &sources[1], "no such family");
	expect_no(MXLOAD_A_SOURCES, &sources[2], "no such family");
	expect_no(MXLOAD_A_PROVIDERS, &providers[0], "no such provider");
	expect_no(MXLOAD_A_PROVIDERS, &providers[1], "no such flag of a provider");
	expect_no(MXLOAD_A_LEARNED, &learned[0], "no such place for a learned address");
	expect_no(MXLOAD_A_LEARNED, &learned[1], address);
	expect_no(MXLOAD_A_LEARNED, &learned[2], address);
	expect_no(MXLOAD_A_LEARNED, &learned[3], address);
}

static void no_count(const struct mxload_count *count, void *arg)
{
	(void)count;
	(void)arg;
}

/* What is taken has to be told: so of a right lane and a wrong one neither is taken. */
static void recall_all_or_none(void)
{
	const struct mxload_lane lanes[] = { { 0 }, { .provider = MX_NONE } };
	const struct mx_module_reader reader = { .count = no_count };
	const char *wrong = mx_module_link_recall(victim.link, IN_FORCE, lanes, 2, &reader), *touched;

	touched = victim_touched(&victim);
	if (!wrong || touched)
		die("a wrong lane is recalled: %s", touched ? touched : "accepted");
}

/* The first source has lost its addresses, and then comes an entry that is wrong. */
static void right_before_wrong(void)
{
	const struct mxload_source sources[] = { { 0, 0 }, { MX_NONE, 0 } };
	const char *wrong = mx_module_link_set(victim.link, IN_FORCE, MXLOAD_A_SOURCES, sources, 2);
	struct mxload_verdict verdicts[VICTIM_FLOWS];
	u32 i;

	if (!wrong)
		die("no such source, and nothing is said");
	wrong = mx_module_link_decide(victim.link, IN_FORCE, victim.flows, VICTIM_FLOWS, false, verdicts);
	if (wrong)
		die("%s", wrong);
	for (i = 0; i < VICTIM_FLOWS; i++)
		if (verdicts[i].left == MXLOAD_LEFT_NOT && !verdicts[i].source)
			die("flow %u would leave from an address that is gone", i);
}

int main(void)
{
	if (unshare(CLONE_NEWNET))
		die("no network namespace: %s", strerror(errno));
	victim_set_up(&victim, 6, IN_FORCE);
	slots();
	lanes();
	others();
	recall_all_or_none();
	right_before_wrong();
	printf("%u were refused\n", tried);
	victim_tear_down(&victim);
	return 0;
}
