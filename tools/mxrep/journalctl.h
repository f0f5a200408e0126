/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mail facility of systemd's journal, as journalctl prints it, from the cursor where it was left. */
#ifndef MX_REP_JOURNALCTL_H
#define MX_REP_JOURNALCTL_H

#include "tools/mxrep/pass.h"

struct rep_journalctl;

struct rep_journalctl *rep_journalctl_new(const char *name);
void rep_journalctl_free(struct rep_journalctl *journal);

/* As rep_follow_step(). journalctl is started when it does not run, at most every ten seconds. */
bool rep_journalctl_step(struct rep_journalctl *journal, struct rep_pass *pass, s64 now);
int rep_journalctl_descriptor(const struct rep_journalctl *journal);

#endif
