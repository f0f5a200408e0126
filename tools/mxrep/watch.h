/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon tells of connections, into the table of flows. */
#ifndef MX_REP_WATCH_H
#define MX_REP_WATCH_H

#include "tools/mxrep/flows.h"
#include "tools/mxrep/link.h"
#include "tools/mxrep/policy.h"

struct rep_watch {
	struct rep_link *link;
	struct rep_flows *flows;
	struct rep_store *store; /* gives lanes their numbers */
	struct rep_policy *policy;
	bool was_wrong;
	bool is_behind; /* the daemon could not tell it everything */
};

/* Begins, or begins again when the daemon was away or has not told everything; says so once. False: it is not there. */
bool rep_watch_start(struct rep_watch *watch);

/* Takes what has come, for less than a second: what else there is to do must not wait longer. */
void rep_watch_read(struct rep_watch *watch);

/* Waits, up to ten seconds, until the daemon answers: what has happened until now it tells at its next tick. */
void rep_watch_ask(struct rep_watch *watch);

#endif
