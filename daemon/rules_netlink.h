/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules as netlink messages: the whole contents of the table are replaced in one transaction. */
#ifndef MX_DAEMON_RULES_NETLINK_H
#define MX_DAEMON_RULES_NETLINK_H

#include "daemon/batch.h"
#include "daemon/rules.h"

/* The queue rule of the chain `decide`. */
enum mx_queue_expression {
	MX_QUEUE_NONE,    /* no rule: the fallback decides */
	MX_QUEUE_NFT,     /* nft's `queue` */
	MX_QUEUE_XTABLES, /* the NFQUEUE target of xtables, where the kernel lacks that */
};

struct mx_queue_rule {
	enum mx_queue_expression expression;
	u16 first, count;
};

/* Empties the fixed sets and fills them. Used for the shield's table too, as far as it has them. */
void mx_rules_put_set(struct mx_batch *batch, const char *table, const struct mx_set *set);

/* Makes a set of that type in a table. */
void mx_rules_make_set(struct mx_batch *batch, const char *table, const struct mx_set *set);

/* Adds everything of the model to a table whose fixed sets and `fallback` are empty and which has none of its own. */
void mx_rules_put(struct mx_batch *batch, const struct mx_rules *rules);

/* Takes out every rule of a chain. */
void mx_rules_flush_chain(struct mx_batch *batch, const char *chain);

/* Adds the queue rule to a chain. */
void mx_rules_put_queue(struct mx_batch *batch, const char *table, const char *chain, const struct mx_queue_rule *rule);

#endif
