// SPDX-License-Identifier: GPL-2.0-or-later
/* What the metrics say: the figures of status, stats and quota, family by family. */
#include <stdlib.h>
#include <string.h>

#include "daemon/exposition.h"
#include "daemon/flows.h"
#include "daemon/metrics.h"
#include "daemon/show.h"
#include "daemon/stats.h"

/* A limit, of a source or a provider as a whole (the other one is MX_NONE) or of a lane. */
struct told_limit {
	struct mx_quota quota;
	u32 provider, source;
};

struct told {
	FILE *out;
	struct mx_daemon *daemon;
	json_t *status;
	struct mx_stats stats;
	bool *has_news; /* [provider * sources + source]: the lane is told of */
	struct mx_lane_stats *lanes;
	u32 lane_count, left_out;
	struct told_limit *limits;
	u32 limit_count;
};

/* --- which lanes ------------------------------------------------------------------------------------------------ */

/*
 * A large policy has a hundred thousand lanes, most of which are never used. A lane is told of when it has something to
 * tell: connections, messages, a limit that something was used of, a state or a factor of its own; and no more than
 * MX_METRICS_LANES are, those with the most connections.
 */

static bool was_used(const struct mx_lane *lane)
{
	return lane->connections || lane->adopted || lane->established || lane->failed || lane->settled ||
	       lane->reported[0] || lane->reported[1] || lane->reported[2];
}

static bool *news_of(const struct told *t, u32 provider, u32 source)
{
	return &t->has_news[provider * t->stats.policy.state.sources + source];
}

static void mark_used(struct told *t)
{
	const struct mx_state *st = &t->stats.policy.state;
	u32 provider, source;

	for (provider = 0; provider < st->providers; provider++)
		for (source = 0; source < st->sources; source++)
			*news_of(t, provider, source) = was_used(mx_state_lane(st, provider, source));
}

static void mark_named(struct told *t, const char *source, const char *provider)
{
	const struct mx_config *c = t->daemon->policy.config;
	u16 s = mx_config_source(c, source), p = mx_config_provider(c, provider);

	if (s != MX_NONE && p != MX_NONE)
		*news_of(t, p, s) = true;
}

static void mark_set(struct told *t)
{
	const struct mx_policy *p = &t->daemon->policy;
	u32 i;

	for (i = 0; i < p->state_count; i++)
		if (*p->states[i].provider)
			mark_named(t, p->states[i].source, p->states[i].provider);
	for (i = 0; i < p->factor_count; i++)
		if (p->factors[i].thousandths != 1000)
			mark_named(t, p->factors[i].source, p->factors[i].provider);
}

struct busy {
	u64 connections;
	u32 lane;
};

static int by_connections(const void *a, const void *b)
{
	const struct busy *x = a, *y = b;

	if (x->connections != y->connections)
		return x->connections > y->connections ? -1 : 1;
	return x->lane < y->lane ? -1 : 1;
}

/* Leaves only the busiest marked, when there are too many. */
static void choose(struct told *t)
{
	const struct mx_state *st = &t->stats.policy.state;
	u32 lanes = st->providers * st->sources, count = 0, i;
	struct busy *busy;

	for (i = 0; i < lanes; i++)
		count += t->has_news[i];
	t->lane_count = count < MX_METRICS_LANES ? count : MX_METRICS_LANES;
	t->left_out = count - t->lane_count;
	if (!t->left_out)
		return;
	busy = mx_alloc(count * sizeof(*busy));
	for (count = i = 0; i < lanes; i++)
		if (t->has_news[i])
			busy[count++] = (struct busy){ st->lanes[i].connections, i };
	qsort(busy, count, sizeof(*busy), by_connections);
	for (i = MX_METRICS_LANES; i < count; i++)
		t->has_news[busy[i].lane] = false;
	free(busy);
}

static void take_lanes(struct told *t)
{
	const struct mx_state *st = &t->stats.policy.state;
	u32 provider, source, count = 0;

	t->lanes = mx_alloc((t->lane_count + 1) * sizeof(*t->lanes));
	for (provider = 0; provider < st->providers; provider++)
		for (source = 0; source < st->sources; source++)
			if (*news_of(t, provider, source))
				t->lanes[count++] = mx_stats_lane(&t->stats, provider, source);
}

/* --- limits ----------------------------------------------------------------------------------------------------- */

struct asked {
	struct told *told;
	u32 provider, source;
};

/* Nobody needs to be told of a lane's limit that nothing was used of: most lanes of a large policy have one. */
static void take_limit(const struct mx_quota *q, void *arg)
{
	const struct asked *a = arg;
	struct told *t = a->told;

	if (a->provider != MX_NONE && a->source != MX_NONE) {
		if (!q->used)
			return;
		*news_of(t, a->provider, a->source) = true;
	}
	t->limits = mx_grow(t->limits, t->limit_count, sizeof(*t->limits));
	t->limits[t->limit_count++] = (struct told_limit){ *q, a->provider, a->source };
}

/* Of all sources at a provider, or (MX_NONE) wherever they send. The lock is open between providers. */
static void take_limits_at(struct told *t, u32 provider)
{
	struct mx_policy *p = &t->daemon->policy;
	struct asked asked = { t, provider, MX_NONE };
	u64 now;

	mx_policy_lock(p);
	now = mx_policy_tick(p);
	if (provider != MX_NONE)
		mx_ledger_quota_of(p->ledger, provider, MX_NONE, now, take_limit, &asked);
	for (asked.source = 0; asked.source < p->state.sources; asked.source++)
		mx_ledger_quota_of(p->ledger, provider, asked.source, now, take_limit, &asked);
	mx_policy_unlock(p);
}

static void take_limits(struct told *t)
{
	u32 provider;

	take_limits_at(t, MX_NONE);
	for (provider = 0; provider < t->daemon->policy.state.providers; provider++)
		take_limits_at(t, provider);
}

static void put_limits(const struct told *t, const struct mx_metric *m, enum mx_unit unit, bool used)
{
	u32 i;

	for (i = 0; i < t->limit_count; i++) {
		const struct told_limit *l = &t->limits[i];
		const struct mx_label labels[] = { { "source", l->quota.source },
						   { "provider", l->quota.provider },
						   { "window", mx_period_name(l->quota.limit.period) },
						   { NULL, NULL } };
		bool lane = l->provider != MX_NONE && l->source != MX_NONE;

		if (l->quota.limit.unit == unit && (!lane || *news_of(t, l->provider, l->source)))
			mx_expose_sample(t->out, m, labels, used ? l->quota.used : l->quota.limit.most);
	}
}

static void put_limit_connections(const struct told *t, const struct mx_metric *m)
{
	put_limits(t, m, MX_CONNECTIONS, false);
}

static void put_used_connections(const struct told *t, const struct mx_metric *m)
{
	put_limits(t, m, MX_CONNECTIONS, true);
}

static void put_limit_messages(const struct told *t, const struct mx_metric *m)
{
	put_limits(t, m, MX_MESSAGES, false);
}

static void put_used_messages(const struct told *t, const struct mx_metric *m)
{
	put_limits(t, m, MX_MESSAGES, true);
}

/* --- samples ---------------------------------------------------------------------------------------------------- */

/* With one label at most. */
static void put(const struct told *t, const struct mx_metric *m, const char *label, const char *value, double number)
{
	const struct mx_label labels[] = { { label ? label : "", value }, { NULL, NULL } };

	mx_expose_sample(t->out, m, labels, number);
}

/* One of some words is true. */
static void put_choice(const struct told *t, const struct mx_metric *m, const char *label, const char *const *words,
		       const char *word)
{
	for (; *words; words++)
		put(t, m, label, *words, !strcmp(*words, word));
}

/* Of a lane, with one label more. */
static void put_lane(const struct told *t, const struct mx_metric *m, const struct mx_lane_stats *l, const char *label,
		     const char *value, double number)
{
	const struct mx_label labels[] = {
		{ "source", l->source }, { "provider", l->provider }, { label ? label : "", value }, { NULL, NULL }
	};

	mx_expose_sample(t->out, m, labels, number);
}

/* --- the daemon ------------------------------------------------------------------------------------------------- */

static void put_build(const struct told *t, const struct mx_metric *m)
{
	put(t, m, "version", MX_VERSION, 1);
}

static void put_start(const struct told *t, const struct mx_metric *m)
{
	put(t, m, NULL, NULL, (double)t->daemon->started);
}

static void put_mode(const struct told *t, const struct mx_metric *m)
{
	static const char *const modes[] = { "enforce", "observe", NULL };

	put_choice(t, m, "mode", modes, json_string_value(json_object_get(t->status, "mode")));
}

static void put_engine(const struct told *t, const struct mx_metric *m)
{
	static const char *const engines[] = { "queue", "kmod", NULL };

	put_choice(t, m, "engine", engines, json_string_value(json_object_get(t->status, "engine")));
}

static void put_warnings(const struct told *t, const struct mx_metric *m)
{
	put(t, m, NULL, NULL, (double)json_array_size(json_object_get(t->status, "warnings")));
}

static void put_left_out(const struct told *t, const struct mx_metric *m)
{
	put(t, m, NULL, NULL, t->left_out);
}

static void put_written(const struct told *t, const struct mx_metric *m)
{
	s64 written = mx_bookkeeper_stats(t->daemon->bookkeeper).written;

	if (written)
		put(t, m, NULL, NULL, (double)written);
}

static void put_guard(const struct told *t, const struct mx_metric *m)
{
	const json_t *table = json_object_get(t->status, "table");

	put(t, m, "by", "table", json_number_value(json_object_get(table, "guarded")));
	put(t, m, "by", "shield", json_number_value(json_object_get(table, "shielded")));
}

static void put_flow_events(const struct told *t, const struct mx_metric *m)
{
	if (t->daemon->flows)
		put(t, m, NULL, NULL, mx_flows_overruns(t->daemon->flows));
}

static void put_flow_resets(const struct told *t, const struct mx_metric *m)
{
	if (t->daemon->flows)
		put(t, m, NULL, NULL, mx_flows_zeroed(t->daemon->flows));
}

static void put_watch_events(const struct told *t, const struct mx_metric *m)
{
	put(t, m, NULL, NULL, (double)mx_control_lost(t->daemon->control));
}

static void put_module_left(const struct told *t, const struct mx_metric *m)
{
	json_t *left = json_object_get(json_object_get(t->status, "module"), "left");
	const char *why;
	json_t *count;

	json_object_foreach(left, why, count) put(t, m, "why", why, json_number_value(count));
}

/* --- queues ----------------------------------------------------------------------------------------------------- */

static void put_queues(const struct told *t, const struct mx_metric *m, const char *key, const char *cause)
{
	json_t *queue;
	size_t i;

	json_array_foreach(json_object_get(t->status, "queues"), i, queue) {
		char number[16];
		const struct mx_label labels[] = { { "queue", number }, { "cause", cause }, { NULL, NULL } };

		if (json_is_null(json_object_get(queue, key)))
			continue;
		snprintf(number, sizeof(number), "%d", (int)json_integer_value(json_object_get(queue, "number")));
		mx_expose_sample(t->out, m, labels, json_number_value(json_object_get(queue, key)));
	}
}

static void put_queue_waiting(const struct told *t, const struct mx_metric *m)
{
	put_queues(t, m, "waiting", NULL);
}

static void put_queue_drops(const struct told *t, const struct mx_metric *m)
{
	put_queues(t, m, "dropped", "full");
	put_queues(t, m, "user_dropped", "socket");
}

static void put_queue_answered(const struct told *t, const struct mx_metric *m)
{
	put_queues(t, m, "answered", NULL);
}

static void put_queue_repeated(const struct told *t, const struct mx_metric *m)
{
	put_queues(t, m, "repeated", NULL);
}

/* --- sources and providers -------------------------------------------------------------------------------------- */

static void put_usable(const struct told *t, const struct mx_metric *m)
{
	static const char *const families[MX_FAMILIES] = { "ipv4", "ipv6" };
	const struct mx_policy *p = &t->stats.policy;
	u32 source, family;

	for (source = 0; source < p->config->source_count; source++)
		for (family = 0; family < MX_FAMILIES; family++) {
			const struct mx_label labels[] = { { "source", p->source_names[source] },
							   { "family", families[family] },
							   { NULL, NULL } };

			if (p->config->sources[source].families & (1u << family))
				mx_expose_sample(t->out, m, labels, (p->state.usable[source] & (1u << family)) != 0);
		}
}

/* By what the labels have: 0 when all is the same. */
static int by_labels(const void *a, const void *b)
{
	const struct mx_set_state *x = *(struct mx_set_state *const *)a, *y = *(struct mx_set_state *const *)b;
	int order = strcmp(x->source, y->source);

	order = order ? order : strcmp(x->provider, y->provider);
	order = order ? order : strcmp(x->state, y->state);
	return order ? order : strcmp(x->owner, y->owner);
}

/* At the default provider each network may have a state of its own: they are counted. */
static void put_resting(const struct told *t, const struct mx_metric *m)
{
	const struct mx_policy *p = &t->daemon->policy;
	const struct mx_set_state **states = mx_alloc((p->state_count + 1) * sizeof(*states));
	u32 i, count, n = 0;

	for (i = 0; i < p->state_count; i++)
		if (mx_config_source(p->config, p->states[i].source) != MX_NONE)
			states[n++] = &p->states[i];
	qsort(states, n, sizeof(*states), by_labels);
	for (i = 0; i < n; i += count) {
		const struct mx_label labels[] = { { "source", states[i]->source },
						   { "provider", states[i]->provider },
						   { "state", states[i]->state },
						   { "owner", states[i]->owner },
						   { NULL, NULL } };

		for (count = 1; i + count < n && !by_labels(&states[i], &states[i + count]); count++)
			;
		mx_expose_sample(t->out, m, labels, count);
	}
	free(states);
}

static void put_refused(const struct told *t, const struct mx_metric *m)
{
	const struct mx_policy *p = &t->stats.policy;
	u32 provider, reason;

	for (provider = 0; provider < p->state.providers; provider++)
		for (reason = 0; reason < MX_REASON_COUNT; reason++) {
			u64 refused = *mx_state_refused(&p->state, provider, reason);
			const struct mx_label labels[] = { { "provider", p->provider_names[provider] },
							   { "reason", mx_reason_name(reason) },
							   { NULL, NULL } };

			if (refused)
				mx_expose_sample(t->out, m, labels, (double)refused);
		}
}

static void put_held_now(const struct told *t, const struct mx_metric *m)
{
	const struct mx_policy *p = &t->stats.policy;
	u32 i;

	for (i = 0; i < p->state.providers; i++)
		if (p->state.held_total[i] || p->state.held[i])
			put(t, m, "provider", p->provider_names[i], p->state.held[i]);
}

static void put_held_total(const struct told *t, const struct mx_metric *m)
{
	const struct mx_policy *p = &t->stats.policy;
	u32 i;

	for (i = 0; i < p->state.providers; i++)
		if (p->state.held_total[i] || p->state.held[i])
			put(t, m, "provider", p->provider_names[i], (double)p->state.held_total[i]);
}

static void put_learned(const struct told *t, const struct mx_metric *m)
{
	u32 *learned = mx_show_learned_counts(&t->daemon->policy), i;

	for (i = 0; i < t->stats.policy.state.providers; i++)
		if (learned[i])
			put(t, m, "provider", t->stats.policy.provider_names[i], learned[i]);
	free(learned);
}

/* --- lanes ------------------------------------------------------------------------------------------------------ */

#define LANE_FIGURE(name, figure)                                                                                      \
	static double name(const struct mx_lane_stats *l)                                                              \
	{                                                                                                              \
		return (double)(figure);                                                                               \
	}

LANE_FIGURE(assigned, l->lane->connections)
LANE_FIGURE(pending, l->pending)
LANE_FIGURE(reset, l->lane->reset)
LANE_FIGURE(early, l->lane->early)
LANE_FIGURE(weight, l->weight)
LANE_FIGURE(factor, l->factor / 1000.0)
LANE_FIGURE(expected_share, l->expected_share)

static void put_outcomes(const struct told *t, const struct mx_metric *m)
{
	u32 i;

	for (i = 0; i < t->lane_count; i++) {
		put_lane(t, m, &t->lanes[i], "outcome", "established", (double)t->lanes[i].lane->established);
		put_lane(t, m, &t->lanes[i], "outcome", "failed", (double)t->lanes[i].lane->failed);
	}
}

static void put_messages(const struct told *t, const struct mx_metric *m)
{
	static const char *const kinds[] = { "sent", "deferred", "bounced" };
	u32 i, kind;

	for (i = 0; i < t->lane_count; i++)
		for (kind = 0; kind < 3; kind++)
			put_lane(t, m, &t->lanes[i], "kind", kinds[kind], (double)t->lanes[i].lane->reported[kind]);
}

static void put_bytes(const struct told *t, const struct mx_metric *m)
{
	u32 i;

	for (i = 0; i < t->lane_count; i++) {
		put_lane(t, m, &t->lanes[i], "direction", "sent", (double)t->lanes[i].lane->bytes_sent);
		put_lane(t, m, &t->lanes[i], "direction", "received", (double)t->lanes[i].lane->bytes_received);
	}
}

static void put_lane_state(const struct told *t, const struct mx_metric *m)
{
	u32 i;

	for (i = 0; i < t->lane_count; i++) {
		u32 flags = t->lanes[i].lane->flags;
		bool paused = flags & MX_LANE_PAUSED, backing_off = !paused && (flags & MX_LANE_BACKING_OFF);

		put_lane(t, m, &t->lanes[i], "state", "active", !paused && !backing_off);
		put_lane(t, m, &t->lanes[i], "state", "backing-off", backing_off);
		put_lane(t, m, &t->lanes[i], "state", "paused", paused);
	}
}

static void put_room(const struct told *t, const struct mx_metric *m)
{
	u32 i;

	for (i = 0; i < t->lane_count; i++)
		if (t->lanes[i].left.limit != MX_REASON_CANDIDATE)
			put_lane(t, m, &t->lanes[i], NULL, NULL, t->lanes[i].left.connections);
}

static void put_warmup_day(const struct told *t, const struct mx_metric *m)
{
	u32 i;

	for (i = 0; i < t->lane_count; i++)
		if (t->lanes[i].warmup_day)
			put_lane(t, m, &t->lanes[i], NULL, NULL, t->lanes[i].warmup_day);
}

/* --- the families ----------------------------------------------------------------------------------------------- */

#define COUNTER(name, help)                                                                                            \
	{                                                                                                              \
		"mxload_" name "_total", MX_METRIC_COUNTER, help                                                       \
	}
#define GAUGE(name, help)                                                                                              \
	{                                                                                                              \
		"mxload_" name, MX_METRIC_GAUGE, help                                                                  \
	}

/* Each has one of the three: a figure of status, by its path; a figure of every lane; or a function of its own. */
static const struct family {
	struct mx_metric metric;
	const char *path;
	double (*figure)(const struct mx_lane_stats *lane);
	void (*put)(const struct told *told, const struct mx_metric *metric);
} families[] = {
	{ GAUGE("build_info", "The version that runs; always 1."), .put = put_build },
	{ GAUGE("start_time_seconds", "When the daemon was started, since the epoch."), .put = put_start },
	{ GAUGE("generation", "How often a policy has come into force."), .path = "generation" },
	{ GAUGE("mode", "1 for the mode that is in force."), .put = put_mode },
	{ GAUGE("engine", "1 for the engine that decides."), .put = put_engine },
	{ GAUGE("warnings", "Warnings that mxload status shows."), .put = put_warnings },

	{ GAUGE("source_usable", "Whether the address of a source is on this host."), .put = put_usable },
	{ GAUGE("resting", "States that were set on a source, at a provider or everywhere."), .put = put_resting },

	{ COUNTER("connections_assigned", "Connections that were given to a source at a provider."),
	  .figure = assigned },
	{ COUNTER("connections", "Connections whose outcome is known."), .put = put_outcomes },
	{ GAUGE("connections_pending", "Connections that are open, or whose outcome is not known."),
	  .figure = pending },
	{ COUNTER("connections_reset", "Established connections that ended by a reset."), .figure = reset },
	{ COUNTER("connections_early", "Established connections that closed before mail could have passed."),
	  .figure = early },
	{ COUNTER("messages", "Messages that were reported, by what became of them."), .put = put_messages },
	{ COUNTER("transferred_bytes", "Bytes of connections that are over, with the headers of the packets."),
	  .put = put_bytes },
	{ GAUGE("weight", "The weight of a source at a provider."), .figure = weight },
	{ GAUGE("factor_ratio", "What the weight is multiplied by, for its reputation."), .figure = factor },
	{ GAUGE("expected_share_ratio", "The part of the provider's connections that the weights asked for."),
	  .figure = expected_share },
	{ GAUGE("lane_state", "1 for the state of a source at a provider."), .put = put_lane_state },
	{ GAUGE("room_connections", "How many connections the limits leave room for."), .put = put_room },
	{ GAUGE("warmup_day", "The day of its warm-up that a source is in at a provider."), .put = put_warmup_day },
	{ GAUGE("lanes_left_out", "Sources at providers that are not told of, because there are too many."),
	  .put = put_left_out },

	{ GAUGE("limit_connections", "Connections that a limit allows in its window."), .put = put_limit_connections },
	{ GAUGE("limit_used_connections", "Connections of them that were used."), .put = put_used_connections },
	{ GAUGE("limit_messages", "Messages that a limit allows in its window."), .put = put_limit_messages },
	{ GAUGE("limit_used_messages", "Messages of them that were used."), .put = put_used_messages },

	{ COUNTER("syns_refused", "First packets that were answered with a reset, by reason."), .put = put_refused },
	{ GAUGE("held_connections", "Connections that wait for room now."), .put = put_held_now },
	{ COUNTER("connections_held", "Connections that had to wait for room."), .put = put_held_total },
	{ GAUGE("learned_addresses", "Addresses of a provider that were learned."), .put = put_learned },

	{ COUNTER("guard_dropped_packets", "Packets dropped because they would have left from a wrong address."),
	  .put = put_guard },
	{ COUNTER("table_refused_packets", "First packets that the table answered with a reset."),
	  .path = "table.refused" },
	{ COUNTER("table_undecided_packets", "First packets that the fallback decided."), .path = "table.undecided" },
	{ COUNTER("table_untracked_packets", "First packets that somebody keeps from conntrack."),
	  .path = "table.untracked" },
	{ COUNTER("table_cut_packets", "Packets answered with a reset because their connection was ended."),
	  .path = "table.cut" },
	{ COUNTER("table_restored", "How often the table was missing and put back."), .path = "table.restored" },

	{ GAUGE("queue_waiting_packets", "Packets that wait in a queue."), .put = put_queue_waiting },
	{ COUNTER("queue_dropped_packets", "Packets that a queue has dropped."), .put = put_queue_drops },
	{ COUNTER("queue_answered_packets", "Packets that were answered."), .put = put_queue_answered },
	{ COUNTER("queue_repeated_packets", "Packets of connections that were decided before."),
	  .put = put_queue_repeated },
	{ COUNTER("watchdog_trips", "How often the watchdog took the queue away."), .path = "watchdog.trips" },

	{ GAUGE("ledger_ok", "Whether the ledger can be written."), .path = "ledger.ok" },
	{ COUNTER("ledger_errors", "How often the ledger could not be written."), .path = "ledger.errors" },
	{ GAUGE("ledger_last_write_timestamp_seconds", "When the ledger was written last, since the epoch."),
	  .put = put_written },
	{ COUNTER("ledger_commits", "How often the ledger was written."), .path = "ledger.commits" },
	{ COUNTER("ledger_rows", "Accounts that were written."), .path = "ledger.rows" },
	{ COUNTER("ledger_lost_connections", "Connections that count as made, though nobody knows."),
	  .path = "ledger.lost" },

	{ GAUGE("dns_heard", "Whether DNS answers are heard."), .path = "dns.heard" },
	{ COUNTER("dns_questions", "DNS questions that were heard."), .path = "dns.questions" },
	{ COUNTER("dns_answers", "DNS answers that were heard."), .path = "dns.answers" },
	{ COUNTER("dns_unasked_answers", "DNS answers to no question that was heard."), .path = "dns.unasked" },
	{ COUNTER("dns_broken_answers", "DNS answers that cannot be read."), .path = "dns.broken" },
	{ COUNTER("dns_losses", "How often the kernel dropped copies of DNS answers."), .path = "dns.lost" },
	{ COUNTER("dns_reversed_addresses", "Unknown destinations whose name was asked for."), .path = "dns.reversed" },
	{ COUNTER("dns_confirmed_addresses", "Those of them that were found to be a provider's."),
	  .path = "dns.confirmed" },

	{ COUNTER("flow_event_losses", "How often the kernel dropped events of conntrack."), .put = put_flow_events },
	{ COUNTER("flow_counters_reset", "Connections whose counters somebody has reset."), .put = put_flow_resets },
	{ COUNTER("watch_events_lost", "Events that who watches was not told of."), .put = put_watch_events },

	{ GAUGE("module_loaded", "Whether the kernel module is loaded."), .path = "module.loaded" },
	{ COUNTER("module_taken_over", "How often the module has taken over from the queue."), .path = "module.taken" },
	{ COUNTER("module_decided_connections", "Connections that the module has decided."), .path = "module.decided" },
	{ COUNTER("module_left_connections", "Connections that the module has left to the queue."),
	  .put = put_module_left },
	{ COUNTER("module_decisions_lost", "Decisions of the module that nobody was told of."), .path = "module.lost" },
};

/* A number or a truth of status, by its path. */
static double status_figure(const json_t *status, const char *path)
{
	const char *dot = strchr(path, '.');
	const json_t *value;
	char first[32];

	if (dot) {
		snprintf(first, sizeof(first), "%.*s", (int)(dot - path), path);
		return status_figure(json_object_get(status, first), dot + 1);
	}
	value = json_object_get(status, path);
	return json_is_boolean(value) ? json_is_true(value) : json_number_value(value);
}

static void put_family(const struct told *t, const struct family *f)
{
	u32 i;

	mx_expose(t->out, &f->metric);
	if (f->path)
		put(t, &f->metric, NULL, NULL, status_figure(t->status, f->path));
	else if (f->put)
		f->put(t, &f->metric);
	else
		for (i = 0; i < t->lane_count; i++)
			put_lane(t, &f->metric, &t->lanes[i], NULL, NULL, f->figure(&t->lanes[i]));
}

/* What the kernel module has counted is booked before anybody is told of it. */
char *mx_metrics_text(struct mx_daemon *d, size_t *size)
{
	struct told t = { .daemon = d };
	char *text = NULL;
	size_t i;

	t.out = mx_have(open_memstream(&text, size));
	mx_module_sync(d->module);
	t.status = mx_show_status(d);
	t.stats = mx_stats_take(&d->policy);
	t.has_news = mx_alloc((size_t)t.stats.policy.state.providers * t.stats.policy.state.sources);
	mark_used(&t);
	mark_set(&t);
	take_limits(&t);
	choose(&t);
	take_lanes(&t);
	for (i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		put_family(&t, &families[i]);
	fclose(t.out);
	free(t.lanes);
	free(t.limits);
	free(t.has_news);
	mx_stats_free(&t.stats);
	json_decref(t.status);
	return text;
}
