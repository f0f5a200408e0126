/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mxrep ingest: old logs, each line once. */
#ifndef MX_REP_INGEST_H
#define MX_REP_INGEST_H

#include "tools/mxrep/pass.h"

/*
 * Passes files, compressed or not, from where they were left; shows how far it is on a terminal, and what it found at
 * the end. How many could not be read.
 */
u32 rep_ingest(struct rep_pass *pass, char **paths, int count, enum rep_format format);

#endif
