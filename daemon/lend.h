/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leases for the fallback: what nftables alone may still send while nobody answers the queue. Each draw of a source
 * that is limited somewhere is an element that passes only so often. What is lent is written into the ledger first,
 * then stands in the table; what comes back says how much of it was spent, and what does not come back counts as spent.
 *
 * A draw may serve several providers. Its lease is then taken from the limits of each of them.
 */
#ifndef MX_DAEMON_LEND_H
#define MX_DAEMON_LEND_H

#include "daemon/bookkeeper.h"
#include "daemon/rules.h"
#include "daemon/table.h"

struct mx_lend;

/*
 * Puts leases into the draws of `rules`, which belong to `policy`, and writes into the ledger of `ledger_policy` (the
 * one in force) that they are lent. `leaving`: the daemon ends, the fallback gets all there is. To be followed by
 * mx_lend_settle(), which frees it.
 */
struct mx_lend *mx_lend_plan(struct mx_policy *ledger_policy, const struct mx_policy *policy, struct mx_rules *rules,
			     struct mx_bookkeeper *bookkeeper, bool leaving);

/* After the table was applied, or (`applied` false) could not be: books what came back and what is out. */
void mx_lend_settle(struct mx_lend *lend, struct mx_table *table, bool applied);

#endif
