/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way of a line: read → attributed to a connection → its reply understood → counted. Everything that a line changes
 * is in the store's transaction at hand, with the position behind it; but what it tells of a connection is not, which
 * is no more than memory of the last minutes.
 */
#ifndef MX_REP_PASS_H
#define MX_REP_PASS_H

#include "tools/mxrep/flows.h"
#include "tools/mxrep/policy.h"
#include "tools/mxrep/queue.h"
#include "tools/mxrep/rules.h"
#include "tools/mxrep/settle.h"

/* What a line said of a source at a provider that may need an answer at once. */
struct rep_sign {
	s64 time; /* seconds */
	u32 lane;
	const char *source, *provider; /* mx_name() */
	struct rep_meaning meaning;
	enum rep_outcome outcome;
	enum rep_how how;
	struct rep_text reply;
};

#define REP_PASS_REMEMBERED 64

struct rep_pass {
	struct rep_store *store;
	const struct rep_rules *rules;
	struct rep_policy *policy;
	struct rep_flows *flows;   /* NULL: no daemon was asked, sources are not known */
	struct rep_settle *settle; /* NULL: nothing is settled */
	/*
	 * Waits for what is told of connections, before one is called unknown of which a line of `time` (microseconds)
	 * speaks. False: that will not come. NULL: nothing comes.
	 */
	bool (*look)(s64 time, void *context);
	void (*sign)(const struct rep_sign *sign, void *context); /* NULL: nobody hears them */
	void *context;
	struct rep_queue *queue;
	struct rep_pass_lane {
		const char *provider; /* mx_name() */
		u32 lane;
	} remembered[REP_PASS_REMEMBERED]; /* of messages without a connection */
	u64 lines, attempts;               /* passed */
};

/* One line of a log, read by `reader`. */
void rep_pass_line(struct rep_pass *pass, struct rep_reader *reader, const char *text, size_t length);

/* The same, but nothing is counted: only what is in the queue is learned. For what stands before where one begins. */
void rep_pass_before(struct rep_pass *pass, struct rep_reader *reader, const char *text, size_t length);

/* The network that a destination of the default provider is counted under, /24 or /64, in `text`. */
const char *rep_network(enum mx_family family, struct mx_addr address, char *text);

#endif
