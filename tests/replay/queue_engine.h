/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's queue engine without the kernel's queue: policy, ledger, intake and what reads a queued packet are the
 * daemon's own. What its other threads do (those that wait, the bookkeeper, the census) is done here in turn, so that a
 * sequence goes the same way each time.
 */
#ifndef MX_REPLAY_QUEUE_ENGINE_H
#define MX_REPLAY_QUEUE_ENGINE_H

#include "daemon/intake.h"
#include "tests/replay/recorder.h"

struct waiting {
	struct mx_flow flow;
	u32 sequence;
	u64 since;
};

struct open_connection {
	struct mx_flow flow;
	const char *source, *provider; /* of mx_name() */
};

struct gone_address {
	const char *source; /* of mx_name() */
	u8 families;        /* bit 1 << enum mx_family */
};

struct queue_engine {
	struct mx_policy policy;
	struct mx_store *store; /* in memory: for what is set by hand; the ledger is not written anywhere */
	struct mx_intake intake;
	struct recorder *recorder;
	struct waiting *waiting; /* in the order in which they came */
	u32 waiting_count;
	struct open_connection *open; /* the oldest first */
	u32 open_count, open_first;
	struct gone_address *gone; /* addresses that are not on this host */
	u32 gone_count;
	u32 sequence;
	u32 disk_takes; /* connections that are decided until something is written; 0: at once */
	u32 undone;     /* since it was written */
	bool disk_fails;
	u64 looked; /* when states were looked at, ms */
};

/* The engine keeps the configuration. The recorder is the caller's, and stays as long. */
void queue_engine_start(struct queue_engine *engine, struct mx_config *config, struct recorder *recorder);
void queue_engine_stop(struct queue_engine *engine);

void queue_engine_reload(struct queue_engine *engine, struct mx_config *config);
void queue_engine_set_usable(struct queue_engine *engine, u16 source, u8 families);

/* Decides a connection whose SYN is queued now. */
void queue_engine_decide(struct queue_engine *engine, const struct mx_flow *flow);

/* Whatever is due happens: those that wait are asked about, states go on. */
void queue_engine_pass(struct queue_engine *engine, u64 ms);

/* Up to `count` connections end, the oldest first; `established` false: they never came about. */
void queue_engine_close(struct queue_engine *engine, u32 count, bool established);

#endif
