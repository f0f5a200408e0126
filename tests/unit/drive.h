/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Policy, ledger and file, driven as daemon/policy.c and daemon/bookkeeper.c drive them, under a clock that the test
 * sets. The file is an array in memory, so that a test may let commits fail and daemons die.
 */
#ifndef MX_TEST_DRIVE_H
#define MX_TEST_DRIVE_H

#include "tests/unit/build.h"

#include "daemon/ledger.h"
#include "daemon/names.h"

#define DRIVE_ROWS 64
#define DRIVE_FILE 12000
#define DRIVE_START 1767225600000ULL /* 2026-01-01, on both clocks */

struct drive {
	struct build b;
	struct mx_ledger *ledger;
	struct mx_networks *networks;
	const char *source_names[8], *provider_names[8];
	u64 now, wall_ahead;
	struct mx_ledger_row file[DRIVE_FILE]; /* what a new daemon would find */
	u32 file_count;
	struct mx_ledger_row flight[DRIVE_ROWS]; /* collected, and not yet known to be there */
	u32 flight_count;
};

static inline void drive_tick(struct drive *d)
{
	mx_ledger_tick(d->ledger, d->now, d->now + d->wall_ahead);
}

static inline void drive_adopt(struct drive *d)
{
	struct mx_ledger_terms terms = { d->b.config, d->b.snapshot, &d->b.state, d->source_names, d->provider_names };
	u32 i;

	for (i = 0; i < d->b.config->source_count; i++)
		d->source_names[i] = mx_name(d->b.config->sources[i].name);
	for (i = 0; i < d->b.config->provider_count; i++)
		d->provider_names[i] = mx_name(d->b.config->providers[i].name);
	d->b.state.networks = d->networks;
	mx_ledger_adopt(d->ledger, &terms, d->now, d->now + d->wall_ahead);
}

static inline void drive_up(struct drive *d, const char *text, u64 now)
{
	memset(d, 0, sizeof(*d));
	d->now = now;
	d->ledger = mx_ledger_new();
	d->networks = calloc(1, sizeof(*d->networks));
	build_up(&d->b, text);
	drive_adopt(d);
}

static inline void drive_down(struct drive *d)
{
	mx_ledger_free(d->ledger);
	free(d->networks);
	build_down(&d->b);
}

static inline struct mx_lane_id drive_lane(const struct drive *d, u32 provider, u32 source, const struct mx_flow *flow)
{
	return (struct mx_lane_id){ provider, source,
				    provider == d->b.snapshot->default_provider ? mx_network_of(flow->to, flow->family)
										: 0 };
}

/* As mx_policy_decide(). */
static inline struct mx_verdict drive_decide(struct drive *d, const struct mx_flow *flow, u64 waited)
{
	struct mx_verdict v;

	drive_tick(d);
	mx_decide(d->b.snapshot, &d->b.state, flow, MX_NONE, (struct mx_moment){ d->now, waited }, &v);
	mx_account(d->b.snapshot, &d->b.state, flow, d->now, &v);
	if (v.action == MX_ASSIGN)
		mx_ledger_charge(d->ledger, drive_lane(d, v.provider, v.source, flow), 1, d->now);
	else if (v.action == MX_HOLD && v.reason == MX_REASON_LEDGER && v.source != MX_NONE)
		mx_ledger_want(d->ledger, drive_lane(d, v.provider, v.source, flow), d->now);
	return v;
}

static inline bool drive_same_row(const struct mx_ledger_row *a, const struct mx_ledger_row *b)
{
	return a->network == b->network && !strcmp(a->source, b->source) && !strcmp(a->provider, b->provider);
}

static inline void drive_write_row(struct drive *d, const struct mx_ledger_row *row)
{
	u32 i;

	for (i = 0; i < d->file_count && !drive_same_row(&d->file[i], row); i++)
		;
	if (row->gone) {
		if (i < d->file_count)
			d->file[i] = d->file[--d->file_count];
		return;
	}
	assert_true(i < DRIVE_FILE);
	d->file[i] = *row;
	if (i == d->file_count)
		d->file_count++;
}

/* The first half of a commit: true when there is something to write. */
static inline bool drive_collect(struct drive *d, bool leases)
{
	d->flight_count = mx_ledger_collect(d->ledger, d->flight, DRIVE_ROWS, leases, d->now);
	return d->flight_count;
}

enum landing { LANDED, FAILED, FAILED_BUT_THERE };

/* The second half. */
static inline void drive_land(struct drive *d, enum landing landing)
{
	u32 i;

	for (i = 0; landing != FAILED && i < d->flight_count; i++)
		drive_write_row(d, &d->flight[i]);
	mx_ledger_written(d->ledger, d->flight, d->flight_count, landing == LANDED, d->now);
	d->b.state.ledger_stuck = landing != LANDED;
	d->flight_count = 0;
}

/* Everything is written, and well. */
static inline void drive_commit(struct drive *d)
{
	while (drive_collect(d, true))
		drive_land(d, LANDED);
}

/* As a connection that may wait for a lease and nothing else. */
static inline struct mx_verdict drive_serve(struct drive *d, const struct mx_flow *flow)
{
	struct mx_verdict v = drive_decide(d, flow, 0);

	if (v.action == MX_HOLD && v.reason == MX_REASON_LEDGER) {
		drive_commit(d);
		mx_state_forget_held(&d->b.state, d->b.snapshot);
		v = drive_decide(d, flow, 1);
	}
	mx_state_forget_held(&d->b.state, d->b.snapshot);
	return v;
}

/* The same policy from another text, with the counters carried over as daemon/policy.c does; same names in order. */
static inline void drive_reload(struct drive *d, const char *text)
{
	struct build old = d->b;
	u32 lanes = old.state.sources * old.state.providers;

	build_up(&d->b, text);
	assert_int_equal(d->b.state.sources * d->b.state.providers, lanes);
	memcpy(d->b.state.lanes, old.state.lanes, lanes * sizeof(old.state.lanes[0]));
	d->b.state.ledger_stuck = old.state.ledger_stuck;
	drive_adopt(d);
	build_down(&old);
}

/* The daemon dies and is started again. */
static inline void drive_restart(struct drive *d, const char *text)
{
	u32 i;

	mx_ledger_free(d->ledger);
	free(d->networks);
	build_down(&d->b);
	d->flight_count = 0;
	d->ledger = mx_ledger_new();
	d->networks = calloc(1, sizeof(*d->networks));
	build_up(&d->b, text);
	for (i = 0; i < d->file_count; i++)
		mx_ledger_load(d->ledger, &d->file[i], d->now);
	drive_adopt(d);
}

#endif
