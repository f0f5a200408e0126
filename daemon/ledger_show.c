// SPDX-License-Identifier: GPL-2.0-or-later
/* What the ledger tells people: where warm-ups are, and what is used of each limit. */
#include <search.h>

#include "daemon/account.h"

static u32 day_of_warmup(const struct account *a)
{
	return a && a->warming && mx_account_warmup_cap(a) ? a->warming->state.day + 1u : 0;
}

u32 mx_ledger_warmup_day(const struct mx_ledger *l, u32 provider, u32 source)
{
	u32 day = day_of_warmup(mx_account_find(l, l->terms.source_names[source], NULL, 0));

	return day ? day
		   : day_of_warmup(
			     mx_account_find(l, l->terms.source_names[source], l->terms.provider_names[provider], 0));
}

struct warmups {
	const struct mx_ledger *ledger;
	u64 now;
	void (*each)(const struct mx_warming *, void *);
	void *arg;
};

static void tell_warmup(const void *node, VISIT order, void *arg)
{
	struct account *a = *(struct account *const *)node;
	const struct warmups *w = arg;
	struct mx_warming told;

	if ((order != postorder && order != leaf) || !a->room || !a->warming || !a->warming->ramp.count)
		return;
	mx_warmup_advance(&a->warming->state, &a->warming->ramp, w->now);
	told = (struct mx_warming){
		.source = a->source,
		.provider = a->provider,
		.network = a->network,
		.warmup = &a->warming->state,
		.ramp = &a->warming->ramp,
		.hour = mx_window_used(&a->window[MX_HOUR], MX_HOUR, w->now, MX_MESSAGES),
		.waits = w->ledger->wall < a->warming->from,
	};
	w->each(&told, w->arg);
}

void mx_ledger_warmups(struct mx_ledger *l, u64 now, void (*each)(const struct mx_warming *, void *), void *arg)
{
	struct warmups w = { l, now, each, arg };
	u32 source, provider;

	for (source = 0; source < l->terms.state->sources; source++) {
		if (mx_account_terms(l, source)->warmup == MX_WARMS_WHOLE)
			mx_account_of_source(l, source, now);
		for (provider = 0; provider < l->terms.state->providers; provider++)
			if (mx_account_terms(l, source)->warmup == MX_WARMS_LANES)
				mx_account_of_lane(l, provider, source, now);
	}
	twalk_r(l->accounts, tell_warmup, &w);
}

bool mx_ledger_is_guessing(const struct mx_ledger *l, u64 now)
{
	return l->guessed_since && now > l->guessed_since + mx_period_length(MX_HOUR);
}

struct asked {
	const struct mx_ledger *ledger;
	u64 now;
	void (*each)(const struct mx_quota *, void *);
	void *arg;
};

static void tell(const struct asked *asked, const char *source, const char *provider, struct mx_span limits)
{
	const struct account *a = limits.count ? mx_account_find(asked->ledger, source, provider, 0) : NULL;
	const struct mx_limit *limit = &mx_snapshot_limits(asked->ledger->terms.snapshot)[limits.first];
	u32 i;

	for (i = 0; i < limits.count; i++, limit++) {
		struct mx_quota q = { source, provider, *limit, 0, 0, 0, asked->now };

		if (a) {
			const struct mx_window *w = &a->window[limit->period];

			q.used = mx_window_used(w, limit->period, asked->now, limit->unit);
			q.settled = mx_window_count(w, limit->period, asked->now, MX_COUNT_SETTLED);
			q.estimated = mx_window_count(w, limit->period, asked->now, MX_COUNT_ESTIMATED);
			q.free_at = mx_window_free_at(w, limit->period, asked->now, limit->unit, limit->most, 1);
		}
		asked->each(&q, asked->arg);
	}
}

void mx_ledger_quota_of(const struct mx_ledger *l, u32 provider, u32 source, u64 now,
			void (*each)(const struct mx_quota *, void *), void *arg)
{
	const char *source_name = source == MX_NONE ? NULL : l->terms.source_names[source];
	const char *provider_name = provider == MX_NONE ? NULL : l->terms.provider_names[provider];
	const struct mx_snapshot *s = l->terms.snapshot;
	struct asked asked = { l, now, each, arg };

	tell(&asked, source_name, provider_name,
	     provider == MX_NONE ? mx_snapshot_sources(s)[source].limits
	     : source == MX_NONE ? mx_snapshot_providers(s)[provider].total_limits
				 : mx_snapshot_lane_limits(s, provider, source));
}

void mx_ledger_quota(const struct mx_ledger *l, u64 now, void (*each)(const struct mx_quota *, void *), void *arg)
{
	u32 provider, source;

	for (source = 0; source < l->terms.state->sources; source++)
		mx_ledger_quota_of(l, MX_NONE, source, now, each, arg);
	for (provider = 0; provider < l->terms.state->providers; provider++) {
		mx_ledger_quota_of(l, provider, MX_NONE, now, each, arg);
		for (source = 0; source < l->terms.state->sources; source++)
			mx_ledger_quota_of(l, provider, source, now, each, arg);
	}
}
