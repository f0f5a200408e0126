/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which reports of messages were taken: whoever settles may number what he reports, from 1 on, under the name of his
 * book, and say it again when he does not know whether it was heard. Written with the ledger, in one transaction.
 */
#ifndef MX_DAEMON_REPORTS_H
#define MX_DAEMON_REPORTS_H

#include "core/port.h"

#define MX_BOOK_MAX 32 /* bytes of a book's name */
#define MX_BOOKS 8     /* a further one takes the place of the one that was used longest ago */

struct mx_report {
	char book[MX_BOOK_MAX + 1];
	u64 serial; /* the last one that was taken */
};

struct mx_reports {
	struct mx_report items[MX_BOOKS]; /* the one used last is the first */
	u32 count;
	bool changed; /* since it was written */
};

/* Whether a report of this serial number, or a later one, was taken before. */
bool mx_reports_has(const struct mx_reports *reports, const char *book, u64 serial);

/* It is taken. Nothing happens to a book whose name is too long or empty. */
void mx_reports_take(struct mx_reports *reports, const char *book, u64 serial);

#endif
