/* SPDX-License-Identifier: GPL-2.0-or-later OR MIT */
/* What a connection is: its provider, and the route it takes. */
#ifndef MX_CORE_CLASSIFY_H
#define MX_CORE_CLASSIFY_H

#include "core/flow.h"
#include "core/learned.h"
#include "core/snapshot.h"

/* Whether a SYN is one to decide: to one of the ports and, when it is forwarded, from a network that is served. */
bool mx_classify_asked(const struct mx_snapshot *s, const struct mx_flow *flow, bool forwarded);

/* Whether the destination is one that mxload leaves alone. */
bool mx_classify_exempt(const struct mx_snapshot *s, const struct mx_flow *flow);

/*
 * Index of the provider of the destination: of the longest prefix that holds it, else what was learned of its address
 * (`learned` may be NULL), else the default.
 */
u16 mx_classify_provider(const struct mx_snapshot *s, const struct mx_learned *learned, const struct mx_flow *flow);

/* The same by the prefixes alone; MX_NO_VALUE: none holds it. */
u16 mx_classify_prefix(const struct mx_snapshot *s, enum mx_family family, struct mx_addr to);

/* Whether a connection belongs to a class: any of the values of an option, all of the options given. */
bool mx_classify_member(const struct mx_snapshot *s, const struct mx_class *class, const struct mx_flow *flow);

/*
 * Index of the first route for a connection to `provider`. With `class` other than MX_NONE the connection is taken as
 * one of that class and no other (to explain a class without a connection of it).
 */
u16 mx_classify_route(const struct mx_snapshot *s, const struct mx_flow *flow, u16 provider, u16 class);

#endif
