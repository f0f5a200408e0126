/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounces, complaints and DMARC reports on their way into the counts: attributed to the lane that the message left by,
 * each report once, and those who must not be written to again suppressed.
 */
#ifndef MX_REP_INTAKE_H
#define MX_REP_INTAKE_H

#include "tools/mxrep/mail.h"
#include "tools/mxrep/pass.h"
#include "tools/mxrep/rules.h"

struct rep_intake {
	struct rep_store *store;
	const struct rep_rules *rules;
	struct rep_policy *policy;
	u64 told, attributed,
		repeated; /* so far: in reports, of these with a lane; and reports that were seen before */
};

enum rep_mail { REP_MAIL_BOUNCE, REP_MAIL_COMPLAINT, REP_MAIL_DMARC };

/*
 * One message (DMARC: or bare report). All or nothing; -1: what is wrong with it is in `error` (`size` bytes), else how
 * many recipients, complaints or rows were new.
 */
int rep_intake_mail(struct rep_intake *intake, enum rep_mail kind, const char *bytes, size_t length, char *error,
		    size_t size);

/*
 * An address is a spam trap: each message to it that is remembered is a trap hit where it left, once, and it gets no
 * more. False: the text is no mail address.
 */
bool rep_intake_trap(struct rep_intake *intake, const char *address);

#endif
