/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration: mxload.conf(5) as read, every name resolved, every value in range.
 */
#ifndef MX_DAEMON_CONFIG_H
#define MX_DAEMON_CONFIG_H

#include <stdio.h>

#include "core/limit.h"
#include "core/snapshot.h"
#include "daemon/log.h"

#define MX_NAME_MAX 31 /* longest name of a source, pool, provider, class or schedule */
#define MX_CONFIG_ERROR 512

/* Where in the files something stands. `file` lives as long as the configuration. */
struct mx_place {
	const char *file;
	unsigned int line;
};

struct mx_strings {
	char **items;
	u32 count;
	struct mx_place *places; /* of names of providers: where each stands */
	bool catalogue;          /* likewise: the catalogue gave them, not the administrator */
};

void mx_strings_free(struct mx_strings *strings); /* what is in it */

struct mx_conf_net {
	struct mx_addr addr;
	struct mx_place place;
	enum mx_family family;
	u8 length;
};

struct mx_conf_nets {
	struct mx_conf_net *items;
	u32 count;
};

struct mx_limits {
	struct mx_limit *items;
	u32 count;
};

struct mx_conf_warmup {
	char *started; /* "2026-11-01", or NULL: no warm-up */
	u16 schedule;
	bool whole_source; /* scope: all of the source's mail together */
	bool given;
};

struct mx_conf_source {
	char *name;
	struct mx_addr addr[MX_FAMILIES];
	u32 families; /* bit 1 << enum mx_family */
	char *hostname;
	char *public;
	struct mx_limits limits;
	struct mx_conf_warmup warmup;
	struct mx_place place;
};

struct mx_conf_schedule {
	char *name;
	bool hourly;
	bool shipped; /* with mxload, not of the configuration */
	u32 *caps;
	u32 count;
};

struct mx_conf_weight {
	u16 source;
	u16 weight;
};

struct mx_conf_weights {
	struct mx_conf_weight *items;
	u32 count;
};

struct mx_conf_pool {
	char *name;
	struct mx_conf_weights members;
	u16 overflow;  /* pool, or MX_NONE */
	u32 max_share; /* percent */
	struct mx_place place;
};

/* What a provider asks of one source there. */
struct mx_conf_lane {
	u16 source;
	struct mx_limits limits;
	u32 concurrency; /* 0: no limit */
};

struct mx_conf_lanes {
	struct mx_conf_lane *items;
	u32 count;
};

struct mx_conf_provider {
	char *name;
	struct mx_strings mx;
	struct mx_strings domains;
	struct mx_conf_nets prefixes;
	enum mx_balance balance;
	struct mx_limits limits;
	struct mx_limits total_limits;
	u32 concurrency; /* 0: no limit */
	bool even_pace;
	u32 wait;
	u32 wait_max;
	u32 messages_per_connection;
	struct mx_conf_weights weights;
	struct mx_conf_lanes lanes;
	struct mx_place place;
};

struct mx_conf_mark {
	u32 value;
	u32 mask;
};

struct mx_conf_marks {
	struct mx_conf_mark *items;
	u32 count;
};

struct mx_conf_ids {
	u32 *items;
	u32 count;
};

struct mx_conf_class {
	char *name;
	struct mx_conf_marks marks;
	struct mx_conf_ids users;
	struct mx_conf_ids groups;
	struct mx_conf_nets clients;
};

struct mx_conf_route {
	u16 class;    /* or MX_NONE */
	u16 provider; /* or MX_NONE */
	u16 pool;
	struct mx_place place;
};

enum mx_mode { MX_ENFORCE, MX_OBSERVE };
enum mx_engine { MX_ENGINE_AUTO, MX_ENGINE_QUEUE, MX_ENGINE_KMOD };
enum mx_when_down { MX_DOWN_BALANCE, MX_DOWN_REFUSE };
enum mx_mark_packets { MX_MARK_AUTO, MX_MARK_ALWAYS };

struct mx_config {
	char *path;
	enum mx_mode mode;
	enum mx_engine engine;
	struct mx_conf_ids ports;
	u32 mark_mask;
	struct mx_place mark_mask_place;
	enum mx_mark_packets mark_packets;
	struct mx_conf_nets clients;
	struct mx_conf_nets exempt;
	char *manage_addresses;
	u32 queues;
	u32 queue_first;
	bool flow_accounting;
	enum mx_when_down when_down;
	char *ledger;
	char *control;
	char *admin_group;
	char *reader_group;
	char *reputation_user;
	char *metrics;
	char *catalogue;
	enum mx_log_level log_level;

	struct mx_conf_source *sources;
	u32 source_count;
	struct mx_conf_schedule *schedules;
	u32 schedule_count;
	struct mx_conf_pool *pools;
	u32 pool_count;
	struct mx_conf_provider *providers; /* the default provider among them */
	u32 provider_count;
	struct mx_conf_class *classes;
	u32 class_count;
	struct mx_conf_route *routes;
	u32 route_count;

	struct mx_strings warnings; /* what is not as it may be meant, and options not yet in force: one line each */
	struct mx_strings files;    /* that were read: what places point to */
};

/*
 * Reads and checks a configuration. NULL when there is a mistake: `error` (MX_CONFIG_ERROR bytes) then holds one line
 * with file, line and what was expected.
 */
struct mx_config *mx_config_read(const char *path, char *error);
void mx_config_free(struct mx_config *config);

/* Reads a catalogue alone: the providers of a configuration that has nothing else. path NULL: the shipped one. */
struct mx_config *mx_config_read_catalogue(const char *path, char *error);

/* Index of a name, or MX_NONE. */
u16 mx_config_source(const struct mx_config *config, const char *name);
u16 mx_config_pool(const struct mx_config *config, const char *name);
u16 mx_config_provider(const struct mx_config *config, const char *name);
u16 mx_config_class(const struct mx_config *config, const char *name);
u16 mx_config_schedule(const struct mx_config *config, const char *name);

/* The weight that the configuration gives to a member of a pool at a provider. */
u32 mx_config_weight(const struct mx_config *config, u16 pool, u32 member, u16 provider);

/* Writes it in canonical form: what reads back the same, defaults left out. */
void mx_config_print(const struct mx_config *config, FILE *out);

#endif
