/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Destinations whose provider nobody knew when they were decided, on their way from the queue threads to the main
 * thread. Bounded, and never waited for: what finds no place, or meets another at the door, is left for the next
 * connection to the same address.
 */
#ifndef MX_DAEMON_WONDERS_H
#define MX_DAEMON_WONDERS_H

#include "core/addr.h"

#define MX_WONDERS 256           /* that wait */
#define MX_WONDER_AGAIN 86400    /* s: so long the same address is not taken again */
#define MX_WONDER_AGAIN_SOON 600 /* s: unless nobody answered */

struct mx_wonders;

struct mx_wonder {
	enum mx_family family;
	struct mx_addr addr;
};

struct mx_wonders *mx_wonders_new(void);
void mx_wonders_free(struct mx_wonders *wonders);

/* An eventfd, readable when something has come. */
int mx_wonders_fd(const struct mx_wonders *wonders);

/* Whether it is of any use: false, and nothing is taken. From any thread, as at first. */
void mx_wonders_want(struct mx_wonders *wonders, bool wanted);

/*
 * From any thread; costs about as much as a look into a table. `now` in seconds of a clock that does not go back.
 * True: it was taken. Addresses that no DNS of the world knows (private, loopback, link-local, multicast) are not.
 */
bool mx_wonders_add(struct mx_wonders *wonders, enum mx_family family, struct mx_addr addr, u32 now);

/* Takes the oldest. False: there is none. */
bool mx_wonders_take(struct mx_wonders *wonders, struct mx_wonder *wonder);

/* Nobody answered: the address may come again in MX_WONDER_AGAIN_SOON. */
void mx_wonders_again(struct mx_wonders *wonders, const struct mx_wonder *wonder, u32 now);

#endif
