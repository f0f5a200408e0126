/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A log that grows and is rotated, and the journal: from where it was left, through all that was rotated away since,
 * and on. Lines wait a moment before they are passed, so that the daemon's word of their connections is there first.
 */
#ifndef MX_REP_FOLLOW_H
#define MX_REP_FOLLOW_H

#include "tools/mxrep/pass.h"
#include "tools/mxrep/settings.h"

#define REP_FOLLOW_WAIT_MS 300 /* how long a line waits */

struct rep_follow;

struct rep_follow *rep_follow_new(const struct rep_log *log);
void rep_follow_free(struct rep_follow *follow);

/*
 * Passes what has come; `now`: milliseconds of a clock that does not leap. True: there is more, call again at once. A
 * file that cannot be read is said once, and tried again each time.
 */
bool rep_follow_step(struct rep_follow *follow, struct rep_pass *pass, s64 now);

/* What to poll for besides (the journal); -1: nothing. */
int rep_follow_descriptor(const struct rep_follow *follow);

#endif
