/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is done about what was seen: a source that a provider turns away rests there at once, and comes back by the
 * daemon's slow start; one whose rates are bad gets a part of its weight there, and its warm-up waits. All of it is
 * decided in the store, with its evidence, before the daemon is asked, and asked for again until the daemon has it.
 */
#ifndef MX_REP_STEER_H
#define MX_REP_STEER_H

#include "tools/mxrep/judge.h"
#include "tools/mxrep/link.h"
#include "tools/mxrep/pass.h"

struct rep_steer {
	struct rep_store *store;
	const struct rep_settings *settings;
	bool dry; /* only say what would be done */
};

/* A reply that may need a rest, within the store's transaction at hand. */
void rep_steer_sign(struct rep_steer *steer, const struct rep_sign *sign);

/* Judges every lane anew, `now` in seconds; in a transaction of its own. */
void rep_steer_judge(struct rep_steer *steer, s64 now);

/* The daemon's own signals: connections that fail at a provider from one source but not from others. */
void rep_steer_network(struct rep_steer *steer, struct rep_link *link, s64 now);

/* Asks the daemon for what was decided and not done yet. */
void rep_steer_act(struct rep_steer *steer, struct rep_link *link, s64 now);

#endif
