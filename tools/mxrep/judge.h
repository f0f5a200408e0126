/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is made of the counts: rates, and judgements that a few messages cannot cause. */
#ifndef MX_REP_JUDGE_H
#define MX_REP_JUDGE_H

#include "tools/mxrep/settings.h"
#include "tools/mxrep/store.h"

enum rep_judgement {
	REP_UNJUDGED, /* too few messages */
	REP_ACCEPTABLE,
	REP_SUSPICIOUS,
	REP_SPAMMER,
};

/* "unjudged", "acceptable", "suspicious", "spammer". */
const char *rep_judgement_name(enum rep_judgement judgement);

/* What was counted of a lane in a time. */
struct rep_counts {
	char *source, *provider, *network, *day; /* "" where it is not told apart, or not known */
	u32 lane;                                /* in the store; of one of them where several are added up */
	u64 what[REP_WHATS];
	u64 category[REP_CATEGORIES]; /* of answers that are no deliveries, and of late bounces */
	u64 bad;                      /* trap hits, and addresses that are none */
	u64 blocked;                  /* answered: a rate, a block, a list, a policy against us */
	u64 how[REP_HOWS];            /* of the messages */
};

struct rep_counts_list {
	struct rep_counts *items;
	u32 count;
};

enum rep_by { REP_BY_LANE, REP_BY_NETWORK, REP_BY_SOURCE, REP_BY_PROVIDER, REP_BY_DAY };

/*
 * What was counted from the hour of `since` up to that of `until` (seconds; 0: now), added up by lane (a source at a
 * provider), network (lanes of the default provider apart), source, provider or day and lane; sorted by name. To be
 * freed by rep_counts_free().
 */
struct rep_counts_list rep_counts_read(struct rep_store *store, enum rep_by by, s64 since, s64 until);
void rep_counts_free(struct rep_counts_list *list);

/* Messages: what the provider answered. */
u64 rep_counts_messages(const struct rep_counts *counts);

/* (Bad addresses + complaints) of all messages: 0 to 1, 0 where there are none. */
double rep_counts_rate(const struct rep_counts *counts);

/*
 * What the rate is at least: the lower end of Wilson's interval, one-sided at 95 % (Wilson, "Probable inference",
 * 1927). So 1 of 3 says little, and 10 of 300 says more than 1 %.
 */
double rep_rate_at_least(u64 hits, u64 of);

/* A judgement, and in `why` (if not NULL; `size` bytes) which rate it comes from. */
enum rep_judgement rep_judge(const struct rep_counts *counts, const struct rep_judge *judge, char *why, size_t size);

#endif
