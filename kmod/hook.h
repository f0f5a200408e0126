/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where packets come by: just before the table of nftables asks the queue. */
#ifndef MXLOAD_HOOK_H
#define MXLOAD_HOOK_H

#define MXLOAD_HOOKS 4 /* output and forward, of both families */

struct mxload_namespace;

/* 0 or an error. Once for a namespace. */
int mxload_hook_register(struct mxload_namespace *n);
void mxload_hook_unregister(struct mxload_namespace *n);

#endif
