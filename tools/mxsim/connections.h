/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One connection after another: decided, opened and closed, held, refused. The model says when. */
#ifndef MX_SIM_CONNECTIONS_H
#define MX_SIM_CONNECTIONS_H

#include "tools/mxsim/arrivals.h"
#include "tools/mxsim/retries.h"
#include "tools/mxsim/streams.h"
#include "tools/mxsim/tally.h"

/* A connection that waits in the queue. */
struct sim_held {
	struct mx_flow flow;
	u64 since;
	u32 messages, born, minute; /* ... and the minute of `since` */
	u16 provider, refusals;
};

/* A connection of a lane that may have so many: its end is awaited. All last equally long, so the first ends first. */
struct sim_open {
	u64 ends;
	struct mx_lane_id lane;
};

/*
 * A provider to which all was refused lately. Nothing can have changed before `until`, unless the model has moved on
 * in between: what comes meanwhile need not be decided, it is counted.
 */
struct sim_closed {
	u64 move, until;
	enum mx_reason reason;
};

struct sim_model {
	const struct sim_plan *plan;
	struct sim_world *world;
	struct sim_tally *tally;
	struct sim_arrivals arrivals;
	struct sim_retries *retries;
	struct sim_streams streams;
	struct sim_closed *closed; /* [provider] */
	u32 *phase;                /* [provider] */
	bool networks_differ;      /* a refusal at one network of the default provider says nothing of the others */
	u64 move;                  /* counts what may have changed an answer */
	u64 random;
	u32 minute;
	u64 began; /* this minute, in ms of the clock */
	u64 next;  /* when something happens by itself */
	u64 next_sample;

	struct sim_held *held; /* in the order in which they came */
	u32 held_count, held_room;
	u64 next_look; /* when those have to be asked about again */

	struct sim_open *open; /* a ring */
	u32 open_first, open_count, open_room;
};

/* Decides and books a connection that has waited for so long (ms). *v is never MX_HOLD for the ledger. */
void sim_decide(struct sim_model *m, const struct mx_flow *flow, u64 now, u64 waited, struct mx_verdict *v);

/* What becomes of it: its messages are sent, it waits in the queue, or they are refused and come back or expire
 * (`part`: of a cohort, see retries.h). */
void sim_sent(struct sim_model *m, const struct mx_flow *flow, const struct mx_verdict *v, u32 messages, u64 now);
void sim_hold(struct sim_model *m, const struct sim_held *held, enum mx_reason reason);
void sim_refused(struct sim_model *m, struct sim_cohort cohort, bool part);

/* Writes a verdict into the trace, if there is one. */
void sim_trace(const struct sim_model *m, const struct mx_verdict *v, u32 messages, u64 now);

/* Everything that happens by itself up to `now`: connections end, those that wait get their turn, limits are read. */
void sim_happen(struct sim_model *m, u64 now);

/* Works out when that will be. */
void sim_plan_next(struct sim_model *m);

#endif
