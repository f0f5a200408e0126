/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counts open connections. Deciding only counts them up; when a lane has as many as it may, a thread asks conntrack how
 * many there really are: the kernel tells of the end of a connection minutes late, and never of one it forgot to tell.
 * So a lost event costs nothing, and a verdict never waits.
 */
#ifndef MX_DAEMON_CENSUS_H
#define MX_DAEMON_CENSUS_H

#include "daemon/policy.h"

struct mx_census;

/* Counts once, so that connections of before a restart are known, and starts the thread. */
struct mx_census *mx_census_start(struct mx_policy *policy);
void mx_census_stop(struct mx_census *census);

#endif
