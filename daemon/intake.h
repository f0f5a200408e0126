/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is done with a SYN, wherever it comes from: one that was seen before gets the same answer; else it is decided,
 * booked, remembered and told. Who has to wait is kept by hold.h.
 */
#ifndef MX_DAEMON_INTAKE_H
#define MX_DAEMON_INTAKE_H

#include "daemon/dns_tap.h"
#include "daemon/flow_cache.h"
#include "daemon/journal.h"
#include "daemon/policy.h"
#include "daemon/resolver.h"

struct mx_intake {
	struct mx_policy *policy;
	struct mx_flow_cache *recent; /* of mx_intake_recent() */
	struct mx_journal *journal;
	struct mx_dns_tap *tap; /* NULL: nobody hears DNS answers */
	struct mx_resolver *resolver;
	struct mx_flow_cache *strangers; /* of mx_intake_strangers() */
};

enum mx_answer {
	MX_ANSWER_ACCEPT, /* with the mark */
	MX_ANSWER_WAIT,   /* not yet: nothing is sent */
	MX_ANSWER_DROP,   /* the same SYN waits already */
};

/*
 * SYNs that were decided lately, so that one sent again gets the same answer and is charged once. The kernel knows a
 * repeated SYN itself as soon as the first has left; this covers one that was queued twice, or lost behind the queue.
 * 65,536 of them; to be freed by free().
 */
struct mx_flow_cache *mx_intake_recent(void);

/* Destinations that were unknown within this second, though everything that was told had been read. To be freed by
 * free(). */
struct mx_flow_cache *mx_intake_strangers(void);

/* Answers one SYN, under the policy's lock. *mark is the packet's whole mark; *known: it was decided before. */
enum mx_answer mx_intake_answer(struct mx_intake *intake, const struct mx_flow *flow, u32 sequence, u32 *mark,
				bool *known);

/* Answers one that has waited for `waited` ms again, under the policy's lock. */
enum mx_answer mx_intake_answer_again(struct mx_intake *intake, const struct mx_flow *flow, u32 sequence, u64 waited,
				      u32 *mark);

/* After answers were sent: what was decided is booked. Takes the lock. */
void mx_intake_finish(struct mx_intake *intake);

#endif
