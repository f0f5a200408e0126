/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon as a whole: what it consists of, and what the control commands may ask of it. All of it runs in the main
 * thread but the queue threads, that of those that wait, the flow thread, the census and the bookkeeper.
 */
#ifndef MX_DAEMON_DAEMON_H
#define MX_DAEMON_DAEMON_H

#include <event2/event.h>

#include "daemon/addresses.h"
#include "daemon/ip_rules.h"
#include "daemon/bookkeeper.h"
#include "daemon/census.h"
#include "daemon/journal.h"
#include "daemon/kernel_queues.h"
#include "daemon/module.h"
#include "daemon/parser.h"
#include "daemon/policy.h"
#include "daemon/queue.h"
#include "daemon/table.h"
#include "daemon/watchdog.h"

struct mx_flows;
struct mx_control;
struct mx_metrics;

struct mx_daemon {
	struct mx_policy policy;
	struct mx_store *store;
	struct mx_loader *loader;
	struct mx_parser *parser;
	struct mx_table *table;
	struct mx_addresses *addresses;
	struct mx_ip_rules *ip_rules;
	struct mx_flow_cache *recent, *strangers; /* of the intake */
	struct mx_journal *journal;
	struct mx_dns_tap *tap; /* NULL: the kernel gives no copies */
	struct mx_resolver *resolver;
	struct mx_intake intake;
	struct mx_bookkeeper *bookkeeper;
	struct mx_census *census;
	struct mx_module *module;
	struct mx_queues *queues;
	struct mx_kernel_queues *kernel_queues; /* NULL: may not be read */
	struct mx_flows *flows;                 /* NULL: flow-accounting is off */
	struct mx_control *control;
	struct mx_metrics *metrics;
	struct mx_watched *watched;
	pid_t watchdog;
	struct event_base *base;
	struct event *signals[4];
	struct event *table_event, *recall_event, *address_event, *ip_rule_event, *tick;
	struct mx_queue_rule queue_rule;
	unsigned int beats_seen[MX_QUEUES_MAX];
	char *table_error; /* NULL: the table says what it should */
	bool leaving;      /* the daemon ends */
	u64 lent_rows;     /* of the bookkeeper, when the fallback got its leases */
	u64 lent_took;     /* ms */
	u32 lent_limited;  /* accounts with limits, at that time */
	time_t lent_at;
	u32 learned_version; /* of what was learned, when the fallback got it */
	time_t learned_at;
	time_t faded_at;   /* when what is over was last forgotten */
	bool sources_left; /* the table still has sources of the policy before */
	time_t started;
};

/* Who it is from its start on: mx_privileges_drop() has more. */
struct mx_daemon_user {
	const char *name;
	bool is_default;
};

/* Runs until SIGTERM or SIGINT. Takes the configuration. `rules` is the path of mxload.nft. */
void mx_daemon_run(struct mx_config *config, const char *rules, const struct mx_daemon_user *user);

/* After a change of policy, states or addresses: makes the table follow. */
void mx_daemon_apply(struct mx_daemon *daemon);

/*
 * Reads the configuration again and puts it in force. False: nothing has changed, and `error` (MX_CONFIG_ERROR bytes)
 * says why in one line.
 */
bool mx_daemon_reload(struct mx_daemon *daemon, char *error);

#endif
