/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses whose provider was learned: what core needs of them (core/learned.h), and beside it by which host's name,
 * since when and until when. Bounded, 65,536 of them. Used under the policy's lock.
 *
 * Times are seconds since the epoch.
 */
#ifndef MX_DAEMON_DESTINATIONS_H
#define MX_DAEMON_DESTINATIONS_H

#include "core/learned.h"

#define MX_HOST_TEXT 256 /* room for any host name, with its NUL */

struct mx_destinations;

/* Something that was learned. */
struct mx_lesson {
	enum mx_family family;
	struct mx_addr addr;
	u16 provider; /* index in the policy in force */
	enum mx_origin origin;
	const char *host; /* by whose name; "": none */
	u32 lasts;        /* seconds; 0: for ever */
};

/* What is known of an address. */
struct mx_destination {
	enum mx_family family;
	struct mx_addr addr;
	u16 provider;
	enum mx_origin origin;
	u32 first, confirmed; /* when it was learned, and when it was last */
	u32 until;            /* 0: for ever */
	const char *host;     /* as long as nothing else is learned */
};

struct mx_destinations *mx_destinations_new(void);
void mx_destinations_free(struct mx_destinations *destinations);

/* For the decision. Lives as long. */
const struct mx_learned *mx_destinations_learned(const struct mx_destinations *destinations);

/*
 * Takes a lesson, unless what is known comes from a stronger origin. True: the provider of the address is another now.
 */
bool mx_destinations_learn(struct mx_destinations *destinations, const struct mx_lesson *lesson, u32 now);

/* False: it was not known. */
bool mx_destinations_forget(struct mx_destinations *destinations, enum mx_family family, struct mx_addr addr);

/* Forgets what is over. */
void mx_destinations_fade(struct mx_destinations *destinations, u32 now);

/* A new policy is in force: the provider of index i is now of index map[i], or (MX_NONE) there is none. */
void mx_destinations_renumber(struct mx_destinations *destinations, const u16 *map);

/* False: nothing is known. */
bool mx_destinations_find(const struct mx_destinations *destinations, enum mx_family family, struct mx_addr addr,
			  struct mx_destination *found);

/* In no order. */
void mx_destinations_each(const struct mx_destinations *destinations,
			  void (*each)(const struct mx_destination *, void *), void *arg);

/* Changes whenever the provider of some address does. */
u32 mx_destinations_version(const struct mx_destinations *destinations);

/* --- written down ----------------------------------------------------------------------------------------------- */

/* As it is written: origin MX_ORIGIN_NONE: its row goes. */
struct mx_destination_row {
	enum mx_family family;
	struct mx_addr addr;
	enum mx_origin origin;
	const char *provider; /* of mx_name() */
	u32 first, confirmed, until;
	char host[MX_HOST_TEXT];
};

/*
 * Fills up to `count` rows with what has changed since it was collected; returns how many. What could not be written
 * is collected again after mx_destinations_again().
 */
u32 mx_destinations_collect(struct mx_destinations *destinations, const char *const *provider_names,
			    struct mx_destination_row *rows, u32 count);
void mx_destinations_again(struct mx_destinations *destinations, const struct mx_destination_row *rows, u32 count);

/* Takes one from the file. `provider` is the index of its name in the policy in force. */
void mx_destinations_load(struct mx_destinations *destinations, const struct mx_destination_row *row, u16 provider);

#endif
