/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mxrep.conf(5) as read. */
#ifndef MX_REP_SETTINGS_H
#define MX_REP_SETTINGS_H

#include "daemon/config.h"
#include "tools/mxrep/line.h"

#define REP_CONFIG MX_SYSCONFDIR "/mxload/mxrep.conf"

/* Rates are kept in these: 1 % is 1,000. */
#define REP_WHOLE 100000u

struct rep_log {
	char *name, *path;
	enum rep_format format;
	struct mx_place place;
};

/* From which rates on a lane is not as it should be; 0: never. */
struct rep_judge {
	u32 suspicious, spammer; /* bad addresses and complaints together, of all messages */
	u32 complaints;          /* complaints alone: suspicious */
	u32 deferred;            /* suspicious: deferred because of us (rate, block, policy), of all messages */
	u32 minimum;             /* fewer messages than this are not judged */
};

struct rep_provider {
	char *name;
	struct rep_judge judge; /* where it differs: REP_UNSET where it does not */
};

#define REP_UNSET 0xffffffffu

struct rep_settings {
	char *path;
	char *store, *control, *rules, *html;
	char *policy;                /* mxload.conf(5): providers and sources when no daemon answers; "" for none */
	struct mx_strings domains;   /* sending domains */
	struct mx_strings lists;     /* DNS block lists that doctor asks */
	struct mx_strings selectors; /* of DKIM keys that doctor looks for */
	struct rep_log *logs;
	u32 log_count;
	struct rep_judge judge;
	u32 window; /* seconds that are judged together */
	u32 keep;   /* seconds that counts are kept */
	struct rep_provider *providers;
	u32 provider_count;
	bool steer;
	struct mx_config *book; /* files and places that the readers name */
};

/* Reads a file; one that is absent, and not `needed`, gives the defaults. NULL: `error` (MX_CONFIG_ERROR bytes) says
 * why. */
struct rep_settings *rep_settings_read(const char *path, bool needed, char *error);
void rep_settings_free(struct rep_settings *settings);

/* By what a provider's lanes are judged. */
struct rep_judge rep_settings_judge(const struct rep_settings *settings, const char *provider);

#endif
