// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/journal.h"

#include <pthread.h>
#include <stdlib.h>

#include "daemon/log.h"

struct mx_journal {
	pthread_mutex_t lock;
	u64 next;
	struct mx_event event[MX_JOURNAL_EVENTS];
};

struct mx_journal *mx_journal_new(void)
{
	struct mx_journal *journal = mx_alloc(sizeof(*journal));

	pthread_mutex_init(&journal->lock, NULL);
	return journal;
}

void mx_journal_free(struct mx_journal *journal)
{
	pthread_mutex_destroy(&journal->lock);
	free(journal);
}

void mx_journal_add(struct mx_journal *journal, const struct mx_event *event)
{
	pthread_mutex_lock(&journal->lock);
	journal->event[journal->next++ % MX_JOURNAL_EVENTS] = *event;
	pthread_mutex_unlock(&journal->lock);
}

u64 mx_journal_next(struct mx_journal *journal)
{
	u64 next;

	pthread_mutex_lock(&journal->lock);
	next = journal->next;
	pthread_mutex_unlock(&journal->lock);
	return next;
}

u32 mx_journal_read(struct mx_journal *journal, u64 *at, struct mx_event *events, u32 max, u64 *lost)
{
	u32 n = 0;

	pthread_mutex_lock(&journal->lock);
	*lost = 0;
	if (journal->next > MX_JOURNAL_EVENTS && *at < journal->next - MX_JOURNAL_EVENTS) {
		*lost = journal->next - MX_JOURNAL_EVENTS - *at;
		*at = journal->next - MX_JOURNAL_EVENTS;
	}
	while (n < max && *at < journal->next)
		events[n++] = journal->event[(*at)++ % MX_JOURNAL_EVENTS];
	pthread_mutex_unlock(&journal->lock);
	return n;
}
