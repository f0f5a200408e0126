/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel module as the daemon speaks to it (kmod/uapi/mxload.h), one request after the other. Each returns NULL or
 * what went wrong, a text that lives until the next request.
 */
#ifndef MX_DAEMON_MODULE_LINK_H
#define MX_DAEMON_MODULE_LINK_H

#include "core/snapshot.h"
#include "kmod/uapi/mxload.h"

struct mx_module_link;

/* NULL: the module is not loaded, or not of this protocol. */
struct mx_module_link *mx_module_link_open(void);
void mx_module_link_close(struct mx_module_link *link);

/* Whether the last request failed because the module is gone. */
bool mx_module_link_is_gone(const struct mx_module_link *link);

const char *mx_module_link_status(struct mx_module_link *link, struct mxload_status *status);

/* Sends a whole snapshot. It can be set from then on, and is to be committed. */
const char *mx_module_link_begin(struct mx_module_link *link, const struct mx_snapshot *snapshot, u64 seed);
const char *mx_module_link_commit(struct mx_module_link *link, u64 generation, u32 valid_ms);
const char *mx_module_link_drop(struct mx_module_link *link, u64 generation);

/* `count` entries of what `attribute` is an array of, in as many messages as that takes. */
const char *mx_module_link_set(struct mx_module_link *link, u64 generation, enum mxload_attr attribute,
			       const void *entries, u32 count);
const char *mx_module_link_renew(struct mx_module_link *link, u64 generation, u32 valid_ms);

/* What the calls below bring; called between the request and its return. */
struct mx_module_reader {
	void (*count)(const struct mxload_count *count, void *arg);
	void (*group)(const struct mxload_group *group, void *arg); /* NULL: nobody wants to know */
	void *arg;
};

/* All counters, or those that have changed since they were last read. */
const char *mx_module_link_counters(struct mx_module_link *link, u64 generation, bool all,
				    const struct mx_module_reader *reader);

/* Takes away what `count` lanes have left. After an error some may have been taken: they are not told. */
const char *mx_module_link_recall(struct mx_module_link *link, u64 generation, const struct mxload_lane *lanes,
				  u32 count, const struct mx_module_reader *reader);

/* What would be decided of `count` flows, and (`book`) is booked. */
const char *mx_module_link_decide(struct mx_module_link *link, u64 generation, const struct mxload_flow *flows,
				  u32 count, bool book, struct mxload_verdict *verdicts);

/* --- events ----------------------------------------------------------------------------------------------------- */

struct mx_module_ear;

/* Hears decisions; NULL with errno. */
struct mx_module_ear *mx_module_ear_open(void);
void mx_module_ear_close(struct mx_module_ear *ear);
int mx_module_ear_fd(const struct mx_module_ear *ear);

/*
 * Reads all that has come, without waiting. `each` gets the decisions of one policy; *lost grows by those that were
 * lost. False: the socket is broken.
 */
bool mx_module_ear_read(struct mx_module_ear *ear, u64 *lost,
			void (*each)(u64 generation, const struct mxload_decision *decisions, u32 count, void *arg),
			void *arg);

#endif
