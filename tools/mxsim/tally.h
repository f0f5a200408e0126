/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What came of it: all that the reports tell. */
#ifndef MX_SIM_TALLY_H
#define MX_SIM_TALLY_H

#include "tools/mxsim/waits.h"
#include "tools/mxsim/world.h"

/* Of a source at a provider, in a day or an hour. */
struct sim_sent {
	u32 messages, connections;
};

/* Of a provider, in a day or an hour. */
struct sim_mail {
	u64 refused; /* connections */
	u32 arrived, expired;
	u64 waiting; /* at its end */
};

/* Of a provider, in all. */
struct sim_provider {
	u64 arrived, sent, expired;   /* messages */
	u64 deferred;                 /* that were refused at least once */
	u64 waiting;                  /* when the simulation ends */
	u64 refused[MX_REASON_COUNT]; /* connections */
	u64 held[MX_REASON_COUNT];    /* connections that had to wait in the queue; by the first reason */
	struct sim_waits waits;       /* of what was refused or held, and sent later */
};

/* A limit, and the most that was used of it. */
struct sim_limit {
	const char *source, *provider; /* NULL: of all together */
	struct mx_limit limit;
	u32 peak;
	u64 when; /* ms of the clock */
};

/* How many connections a lane may have open, and had. */
struct sim_slots {
	u32 source, provider, most, peak;
	u64 when;
};

/* A sending day of a warm-up. */
struct sim_day {
	u32 day;   /* from 0 on */
	u32 cap;   /* 0: over */
	u32 sent;  /* messages, as charged */
	u32 peak;  /* the most in an hour, as far as it was looked at: every 150 s */
	u64 began; /* ms of the clock */
};

struct sim_warmup {
	u16 source, provider; /* provider MX_NONE: all together */
	bool hourly;
	u64 look_at; /* when another sending day may begin, in ms of the clock */
	struct sim_day *days;
	u32 count;
};

struct sim_tally {
	const struct sim_plan *plan;
	struct sim_world *world;
	u32 step;                  /* minutes of a row below */
	u32 steps;                 /* how many */
	struct sim_sent *sent;     /* [step][provider][source] */
	struct sim_mail *mail;     /* [step][provider] */
	struct sim_sent *sent_now; /* the row of now */
	struct sim_mail *mail_now;
	struct sim_provider *providers; /* [provider] */
	struct sim_limit *limits;
	u32 limit_count;
	struct sim_slots *slots;
	u32 slot_count;
	struct sim_slots **slots_of; /* [provider * sources + source]; NULL: no limit */
	struct sim_warmup *warmups;
	u32 warmup_count;
	struct sim_warmup **warmup_of; /* [provider * sources + source]; NULL: none, or of a network */
	u64 sample_every;              /* ms: how often limits have to be looked at for their peak to be exact */
	u64 decisions;                 /* that ended in an assignment or a refusal */
	u64 counted;                   /* refusals that were counted without asking again */
	u64 nanoseconds;               /* of processor time that it all took */
	FILE *trace;
};

void sim_tally_init(struct sim_tally *tally, const struct sim_plan *plan, struct sim_world *world);
void sim_tally_free(struct sim_tally *tally);

/* A minute begins, and ends. */
void sim_tally_begin(struct sim_tally *tally, u32 minute);
void sim_tally_end(struct sim_tally *tally, u32 minute);

/* Mail of so many messages was sent; after mx_ledger_charge(). */
void sim_tally_sent(struct sim_tally *tally, const struct mx_verdict *verdict, u32 messages, u64 now);

/* Looks at the limits and the warm-ups, at a time at which what is used is about to run out. */
void sim_tally_sample(struct sim_tally *tally, u64 now);

/* The row of a lane in a step, and of a provider. */
static inline struct sim_sent *sim_tally_sent_at(const struct sim_tally *t, u32 step, u32 provider, u32 source)
{
	const struct mx_state *st = &t->world->state;

	return &t->sent[((size_t)step * st->providers + provider) * st->sources + source];
}

static inline struct sim_mail *sim_tally_mail_at(const struct sim_tally *t, u32 step, u32 provider)
{
	return &t->mail[(size_t)step * t->world->state.providers + provider];
}

/* The sending day that was on when a step ended; NULL: none, or the warm-up was over. */
const struct sim_day *sim_tally_day_at(const struct sim_tally *tally, u32 step, u32 provider, u32 source);

/* The weight of a source in the pool that mail to a provider is routed to; -1: it is not in it. */
int sim_tally_weight(const struct sim_tally *tally, u32 provider, u32 source);

#endif
