/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks for many texts at once: one step for each byte that is searched, however many texts there are. */
#ifndef MX_REP_SEARCH_H
#define MX_REP_SEARCH_H

#include "core/port.h"
#include "tools/mxrep/reply.h"

#define REP_SEARCH_MAX 65534u /* bytes of all the texts together */

struct rep_search;

/*
 * For `count` texts of at least one byte each, of which copies are kept where they are needed; several may be the same.
 * NULL: they are longer than REP_SEARCH_MAX together.
 */
struct rep_search *rep_search_new(const struct rep_text *texts, u32 count);
void rep_search_free(struct rep_search *search); /* NULL is well */

/* Told of each place where a text stands: which text, and its first byte's. */
typedef void rep_search_told(u32 text, size_t start, void *context);

/* Tells all places in the order of their ends; those with the same end from the longest text to the shortest. */
void rep_search_run(const struct rep_search *search, struct rep_text in, rep_search_told *told, void *context);

#endif
