/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections that wait for room: their SYNs stay in the kernel's queue, unanswered, and the MTA notices nothing but a
 * slow connect. A thread asks the intake about them again, in the order in which they came, whenever there may be room,
 * and when their patience is over.
 */
#ifndef MX_DAEMON_HOLD_H
#define MX_DAEMON_HOLD_H

#include "daemon/intake.h"

struct mx_hold;

/* Who sends the answer to packet `id`; called without the policy's lock. */
struct mx_held_packet {
	void (*answer)(void *queue, u32 id, enum mx_answer answer, u32 mark);
	void *queue;
	u32 id;
};

struct mx_hold *mx_hold_start(struct mx_intake *intake);

/* Ends the thread and drops what waits: TCP sends it again, and the fallback decides. */
void mx_hold_stop(struct mx_hold *hold);

/* Keeps a packet for which the intake said MX_ANSWER_WAIT; under the policy's lock. */
void mx_hold_put(struct mx_hold *hold, const struct mx_flow *flow, u32 sequence, const struct mx_held_packet *packet);

#endif
