/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What rests, and why: states that operators, mxrep and the daemon have set on lanes. Each owner lifts only its own,
 * the strictest holds. They last until their time is over, also across a restart.
 *
 * A source that backs off rests first; then it may have one connection open at a time, and one more for each that goes
 * well, until it has what it may have anyhow, or MX_BACKOFF_SLOTS.
 */
#ifndef MX_DAEMON_STATES_H
#define MX_DAEMON_STATES_H

#include "daemon/policy.h"

#define MX_BACKOFF_SLOTS 20
#define MX_BACKOFF_MOST 100000 /* the most that may be configured */
#define MX_BACKOFF_SECONDS 600 /* of the pause, unless something else is asked for */

void mx_states_load(struct mx_policy *policy);
void mx_states_free(struct mx_policy *policy);

/* Writes them into the state of the policy, under its lock. */
void mx_states_apply(struct mx_policy *policy);

/* Sets a state of one owner, or takes it back (state NULL). Durable. False: there was none to take back. */
bool mx_states_set(struct mx_policy *policy, const struct mx_set_state *state);

/* Goes on to the next step of those whose time is over at `now`, or takes them back. True when there were any. */
bool mx_states_expire(struct mx_policy *policy, s64 now);

/* `n` connections of a lane went well, under the lock. */
void mx_states_succeed(struct mx_policy *policy, struct mx_lane_id lane, u32 n);

#endif
