// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/show.h"

#include <stdlib.h>
#include <string.h>

#include "core/balance.h"
#include "core/classify.h"
#include "daemon/flows.h"
#include "daemon/names.h"
#include "daemon/text.h"

#define RECENT_FLOWS 200 /* of the connections that are over, and of those in all unless `limit` says so */

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *number(u64 n)
{
	return json_integer((json_int_t)n);
}

static json_t *when(s64 t)
{
	char text[MX_TIME_TEXT];

	return t ? json_string(mx_time_text(t, text)) : json_null();
}

static json_t *address(enum mx_family family, struct mx_addr addr)
{
	char text[MX_ADDR_TEXT];

	return json_string(mx_addr_text(family, addr, text));
}

static json_t *answer(void)
{
	return json_pack("{s:b}", "ok", 1);
}

/* --- status ----------------------------------------------------------------------------------------------------- */

/* What the kernel says of a queue: number, port, waiting, copy mode, copy range, dropped, dropped for want of room. */
static void kernel_queue(u32 wanted, u64 *waiting, u64 *dropped, u64 *user_dropped)
{
	FILE *in = fopen("/proc/net/netfilter/nfnetlink_queue", "re");
	unsigned long number_, w, d, u;

	*waiting = *dropped = *user_dropped = 0;
	while (in && fscanf(in, "%lu %*u %lu %*u %*u %lu %lu %*u %*u", &number_, &w, &d, &u) == 4)
		if (number_ == wanted) {
			*waiting = w;
			*dropped = d;
			*user_dropped = u;
		}
	if (in)
		fclose(in);
}

static json_t *status_queues(const struct mx_daemon *d)
{
	json_t *list = json_array();
	u32 i;

	for (i = 0; i < mx_queues_count(d->queues); i++) {
		struct mx_queue_stats s = mx_queues_stats(d->queues, i);
		u64 waiting, dropped, user;

		kernel_queue(s.number, &waiting, &dropped, &user);
		json_array_append_new(list, json_pack("{s:i,s:I,s:I,s:I,s:I,s:I}", "number", (int)s.number, "waiting",
						      (json_int_t)waiting, "dropped", (json_int_t)dropped,
						      "user_dropped", (json_int_t)user, "answered",
						      (json_int_t)s.answered, "repeated", (json_int_t)s.repeated));
	}
	return list;
}

static json_t *source_problems(const struct mx_policy *p, u32 source)
{
	const struct mx_conf_source *s = &p->config->sources[source];
	json_t *list = json_array();
	char text[MX_ADDR_TEXT];
	u32 family;

	for (family = 0; family < MX_FAMILIES; family++)
		if (s->families & ~p->state.usable[source] & (1u << family))
			json_array_append_new(list, json_sprintf("%s is not on this host",
								 mx_addr_text(family, s->addr[family], text)));
	return list;
}

static json_t *warnings(struct mx_daemon *d)
{
	struct mx_bookkeeper_stats books = mx_bookkeeper_stats(d->bookkeeper);
	const struct mx_config *c = d->policy.config;
	json_t *list = json_array(), *problems, *problem;
	size_t j;
	u32 i;

	if (d->table_error)
		json_array_append_new(list, json_string(d->table_error));
	if (mx_store_error(d->store))
		json_array_append_new(list, json_sprintf("ledger: %s", mx_store_error(d->store)));
	if (*books.error)
		json_array_append_new(
			list, json_sprintf("ledger: %s: connections are refused where it has to be written first",
					   books.error));
	if (mx_ledger_lost(d->policy.ledger))
		json_array_append_new(
			list, json_sprintf("ledger: %llu connections count as made: it is not known whether they were, "
					   "because the daemon did not end in order",
					   (unsigned long long)mx_ledger_lost(d->policy.ledger)));
	if (d->flows && mx_flows_overruns(d->flows))
		json_array_append_new(list,
				      json_sprintf("conntrack dropped events %u times: established, failed and bytes "
						   "are too low, pending is too high",
						   mx_flows_overruns(d->flows)));
	if (d->flows && mx_flows_zeroed(d->flows))
		json_array_append_new(list,
				      json_sprintf("somebody resets the counters of conntrack: bytes are too low (seen "
						   "on %u connections)",
						   mx_flows_zeroed(d->flows)));
	if (mx_ledger_is_guessing(d->policy.ledger, mx_clock_now(&d->policy.clock)))
		json_array_append_new(list, json_string("limits in messages are estimates: nothing has told how many "
							"there were (mxload settle, mxrep) within an hour"));
	if (atomic_load(&d->watched->tripped))
		json_array_append_new(list, json_string("the queue is away: a thread does not answer"));
	for (i = 0; i < c->source_count; i++) {
		problems = source_problems(&d->policy, i);
		json_array_foreach (problems, j, problem)
			json_array_append_new(
				list, json_sprintf("source %s: %s", c->sources[i].name, json_string_value(problem)));
		json_decref(problems);
	}
	for (i = 0; i < c->warnings.count; i++)
		json_array_append_new(list, json_string(c->warnings.items[i]));
	return list;
}

json_t *mx_show_status(struct mx_daemon *d)
{
	const struct mx_config *c = d->policy.config;
	struct mx_table_counters n = mx_table_counters(d->table);
	struct mx_bookkeeper_stats books = mx_bookkeeper_stats(d->bookkeeper);
	const char *error = *books.error ? books.error : mx_store_error(d->store);
	json_t *a = answer();

	json_object_set_new(a, "version", json_string(MX_VERSION));
	json_object_set_new(a, "mode", json_string(c->mode == MX_OBSERVE ? "observe" : "enforce"));
	json_object_set_new(a, "engine", json_string("queue"));
	json_object_set_new(a, "queue_expression",
			    json_string(d->queue_rule.expression == MX_QUEUE_NFT ? "nft" : "xtables"));
	json_object_set_new(a, "queues", status_queues(d));
	json_object_set_new(a, "generation", number(d->policy.snapshot->generation));
	json_object_set_new(a, "since", when(d->started));
	json_object_set_new(a, "uptime", number((u64)(time(NULL) - d->started)));
	json_object_set_new(a, "configuration", json_string(c->path));
	json_object_set_new(a, "ledger",
			    json_pack("{s:s,s:b,s:s?,s:I,s:I,s:I}", "path", c->ledger, "ok", !error, "error", error,
				      "commits", (json_int_t)books.commits, "rows", (json_int_t)books.rows, "lost",
				      (json_int_t)mx_ledger_lost(d->policy.ledger)));
	json_object_set_new(a, "table",
			    json_pack("{s:i,s:I,s:I,s:I,s:I,s:I,s:I}", "restored", (int)mx_table_restored(d->table),
				      "refused", (json_int_t)n.refused, "undecided", (json_int_t)n.undecided,
				      "untracked", (json_int_t)n.untracked, "guarded", (json_int_t)n.guarded,
				      "shielded", (json_int_t)n.shielded, "cut", (json_int_t)n.cut));
	json_object_set_new(a, "watchdog", json_pack("{s:i}", "trips", (int)atomic_load(&d->watched->trips)));
	json_object_set_new(a, "warnings", warnings(d));
	return a;
}

/* --- stats ------------------------------------------------------------------------------------------------------ */

/* A lane is shown when it has been used or can be. */
static u32 lane_weight(const struct mx_policy *p, u32 provider, u32 source, bool *member)
{
	u32 weight = 0, pool, i;

	*member = false;
	for (pool = 0; pool < p->config->pool_count; pool++)
		for (i = 0; i < p->config->pools[pool].members.count; i++)
			if (p->config->pools[pool].members.items[i].source == source) {
				u32 w = mx_policy_weight(p, pool, provider, i);

				*member = true;
				weight = w > weight ? w : weight;
			}
	return weight;
}

struct totals {
	u64 connections, expected;
};

static struct totals provider_totals(const struct mx_policy *p, u32 provider)
{
	struct totals t = { 0, 0 };
	u32 source;

	for (source = 0; source < p->state.sources; source++) {
		const struct mx_lane *lane = mx_state_lane(&p->state, provider, source);

		t.connections += lane->connections;
		t.expected += lane->expected;
	}
	return t;
}

/* Assigned, by this daemon or the one before, and not yet told of. */
static u64 pending(const struct mx_lane *lane)
{
	u64 begun = lane->connections + lane->adopted, ended = lane->established + lane->failed;

	return begun > ended ? begun - ended : 0;
}

static json_t *left_json(struct mx_left left)
{
	if (left.limit == MX_REASON_CANDIDATE)
		return json_null();
	return json_pack("{s:I,s:s}", "connections", (json_int_t)left.connections, "limit", mx_reason_name(left.limit));
}

static json_t *day_json(u32 day)
{
	return day ? number(day) : json_null();
}

/* The ledger is not part of the copy. */
static u32 warmup_day(struct mx_policy *live, u32 provider, u32 source)
{
	u32 day;

	mx_policy_lock(live);
	day = mx_ledger_warmup_day(live->ledger, provider, source);
	mx_policy_unlock(live);
	return day;
}

static json_t *stats_lane(const struct mx_policy *p, struct mx_policy *live, u32 provider, u32 source, u32 weight,
			  struct totals t)
{
	const struct mx_lane *lane = mx_state_lane(&p->state, provider, source);
	double expected = t.expected ? (double)lane->expected / (double)t.expected : 0;
	double share = t.connections ? (double)lane->connections / (double)t.connections : 0;

	json_t *o = json_pack("{s:s,s:s,s:i,s:f,s:f,s:I,s:I,s:I,s:I,s:I,s:I}", "source", p->source_names[source],
			      "provider", p->provider_names[provider], "weight", (int)weight, "expected_share",
			      expected, "share", share, "connections", (json_int_t)lane->connections, "established",
			      (json_int_t)lane->established, "failed", (json_int_t)lane->failed, "reset",
			      (json_int_t)lane->reset, "early", (json_int_t)lane->early, "pending",
			      (json_int_t)pending(lane));
	enum mx_reason room = mx_state_room(&p->state, p->snapshot, provider, source);
	u32 day = warmup_day(live, provider, source);

	json_object_set_new(o, "messages",
			    json_pack("{s:I,s:I,s:I}", "sent", (json_int_t)lane->reported[0], "deferred",
				      (json_int_t)lane->reported[1], "bounced", (json_int_t)lane->reported[2]));
	json_object_set_new(o, "charged",
			    json_pack("{s:I,s:I,s:I,s:I,s:I}", "messages", (json_int_t)lane->charged, "settled",
				      (json_int_t)lane->settled, "estimated",
				      (json_int_t)(lane->charged + lane->refunded - lane->settled), "refunded",
				      (json_int_t)lane->refunded, "per_connection",
				      (json_int_t)mx_state_messages(&p->state, p->snapshot, provider, source)));
	json_object_set_new(o, "limit", room == MX_REASON_CANDIDATE ? json_null() : json_string(mx_reason_name(room)));
	json_object_set_new(
		o, "left",
		left_json(mx_state_left(&p->state, p->snapshot, (struct mx_lane_id){ provider, source, 0 })));
	json_object_set_new(o, "warmup_day", day_json(day));
	json_object_set_new(o, "bytes",
			    json_pack("{s:I,s:I}", "sent", (json_int_t)lane->bytes_sent, "received",
				      (json_int_t)lane->bytes_received));
	return o;
}

static json_t *stats_lanes(const struct mx_policy *p, struct mx_policy *live)
{
	json_t *list = json_array();
	u32 provider, source;

	for (provider = 0; provider < p->state.providers; provider++) {
		struct totals t = provider_totals(p, provider);

		for (source = 0; source < p->state.sources; source++) {
			const struct mx_lane *lane = mx_state_lane(&p->state, provider, source);
			bool member;
			u32 weight;

			if (!t.connections && !lane->failed && !lane->established)
				continue; /* nothing was sent there yet */
			weight = lane_weight(p, provider, source, &member);
			if (member || lane->connections)
				json_array_append_new(list, stats_lane(p, live, provider, source, weight, t));
		}
	}
	return list;
}

static json_t *stats_refused(const struct mx_policy *p)
{
	json_t *list = json_array();
	u32 provider, reason;

	for (provider = 0; provider < p->state.providers; provider++)
		for (reason = 0; reason < MX_REASON_COUNT; reason++) {
			u64 n = *mx_state_refused(&p->state, provider, reason);

			if (n)
				json_array_append_new(list,
						      json_pack("{s:s,s:s,s:I}", "provider",
								p->provider_names[provider], "reason",
								mx_reason_name(reason), "connections", (json_int_t)n));
		}
	return list;
}

static json_t *stats_held(const struct mx_policy *p)
{
	json_t *list = json_array();
	u32 i;

	for (i = 0; i < p->config->provider_count; i++)
		if (p->state.held_total[i] || p->state.held[i])
			json_array_append_new(list, json_pack("{s:s,s:i,s:I}", "provider", p->provider_names[i], "now",
							      (int)p->state.held[i], "total",
							      (json_int_t)p->state.held_total[i]));
	return list;
}

/*
 * The figures belong together, so they are read under the lock; what is slow (making JSON of them) is done on a copy
 * of the counters.
 */
static struct mx_policy frozen(struct mx_daemon *d, void **memory)
{
	struct mx_policy copy;
	u64 size = mx_state_size(d->policy.snapshot);

	*memory = mx_alloc(size);
	mx_policy_lock(&d->policy);
	mx_state_settle_expected(&d->policy.state, d->policy.snapshot);
	copy = d->policy;
	memcpy(*memory, d->policy.memory, size);
	mx_policy_unlock(&d->policy);
	mx_state_init(&copy.state, copy.snapshot, *memory);
	return copy;
}

json_t *mx_show_stats(struct mx_daemon *d)
{
	json_t *a = answer();
	void *memory;
	struct mx_policy p = frozen(d, &memory);

	json_object_set_new(a, "lanes", stats_lanes(&p, &d->policy));
	json_object_set_new(a, "refused", stats_refused(&p));
	json_object_set_new(a, "held", stats_held(&p));
	json_object_set_new(a, "guarded", number(mx_table_counters(d->table).guarded));
	json_object_set_new(a, "since", when(p.since));
	free(memory);
	return a;
}

/* --- quota ------------------------------------------------------------------------------------------------------ */

/* What was asked for; quotas are gathered under the lock, and made JSON of afterwards. */
struct quota {
	json_t *list;
	const char *source, *provider; /* NULL: all */
	u64 now;
	s64 wall; /* seconds */
	struct mx_quota *items;
	u32 count;
};

/* For a source all of its limits; for one at a provider those of both as well. */
static bool bears_on(const struct mx_quota *q, const struct quota *wanted)
{
	if (wanted->provider)
		return (!q->source || q->source == wanted->source) && (!q->provider || q->provider == wanted->provider);
	return !wanted->source || q->source == wanted->source;
}

static void take_quota(const struct mx_quota *q, void *arg)
{
	struct quota *wanted = arg;

	if (!bears_on(q, wanted))
		return;
	wanted->items = mx_grow(wanted->items, wanted->count, sizeof(*q));
	wanted->items[wanted->count++] = *q;
}

static void put_quota(const struct mx_quota *q, struct quota *wanted)
{
	u32 used = q->used, most = q->limit.most;
	json_t *o;

	o = json_pack("{s:s?,s:s?,s:s,s:s,s:I,s:I,s:I,s:I}", "source", q->source, "provider", q->provider, "unit",
		      mx_unit_name(q->limit.unit), "period", mx_period_name(q->limit.period), "limit", (json_int_t)most,
		      "used", (json_int_t)used, "free", (json_int_t)(used < most ? most - used : 0), "over",
		      (json_int_t)(used > most ? used - most : 0));
	if (q->limit.unit == MX_MESSAGES) {
		json_object_set_new(o, "settled", number(q->settled));
		json_object_set_new(o, "estimated", number(q->estimated));
	}
	json_object_set_new(o, "frees",
			    q->free_at <= wanted->now || q->free_at == MX_NEVER
				    ? json_null()
				    : when(wanted->wall + (s64)((q->free_at - wanted->now + 999) / 1000)));
	json_array_append_new(wanted->list, o);
}

json_t *mx_show_quota(struct mx_daemon *d, const char *source, const char *provider)
{
	struct quota wanted = { json_array(), source, provider, 0, time(NULL), NULL, 0 };
	json_t *a = answer();
	u32 i;

	mx_policy_lock(&d->policy);
	wanted.now = mx_policy_tick(&d->policy);
	mx_ledger_quota(d->policy.ledger, wanted.now, take_quota, &wanted);
	mx_policy_unlock(&d->policy);
	for (i = 0; i < wanted.count; i++)
		put_quota(&wanted.items[i], &wanted);
	free(wanted.items);
	json_object_set_new(a, "quotas", wanted.list);
	return a;
}

/* --- warm-up ---------------------------------------------------------------------------------------------------- */

static const char *warmup_state(const struct mx_warming *w)
{
	return w->waits                           ? "waiting"
	       : w->warmup->day >= w->ramp->count ? "finished"
	       : w->warmup->held                  ? "held"
						  : "warming";
}

static void warmup_json(const struct mx_warming *w, void *arg)
{
	u32 cap = mx_warmup_cap(w->warmup, w->ramp), sent = w->ramp->hourly ? w->hour : w->warmup->sent;
	struct quota *wanted = arg;
	char text[MX_ADDR_TEXT];
	enum mx_family family;
	struct mx_addr first;
	u64 ends = mx_warmup_day_ends(w->warmup);
	json_t *o;

	if ((wanted->source && w->source != wanted->source) || (wanted->provider && w->provider != wanted->provider))
		return;
	o = json_pack("{s:s,s:s?,s:s,s:I,s:I,s:s,s:I,s:I}", "source", w->source, "provider", w->provider, "state",
		      warmup_state(w), "day", (json_int_t)w->warmup->day + (cap != 0), "days",
		      (json_int_t)w->ramp->count, "period", w->ramp->hourly ? "hour" : "day", "cap", (json_int_t)cap,
		      "sent", (json_int_t)sent);
	first = mx_network_first(w->network, &family);
	json_object_set_new(o, "network",
			    w->network ? json_string(mx_prefix_text(family, first, family == MX_IPV4 ? 24 : 64, text))
				       : json_null());
	json_object_set_new(o, "day_ends",
			    ends == MX_NEVER || ends < wanted->now
				    ? json_null()
				    : when(wanted->wall + (s64)((ends - wanted->now) / 1000)));
	json_array_append_new(wanted->list, o);
}

json_t *mx_show_warmup(struct mx_daemon *d, const char *source, const char *provider)
{
	struct quota wanted = { json_array(), source, provider, 0, time(NULL), NULL, 0 };
	json_t *a = answer();

	mx_policy_lock(&d->policy);
	wanted.now = mx_policy_tick(&d->policy);
	mx_ledger_warmups(d->policy.ledger, wanted.now, warmup_json, &wanted);
	mx_policy_unlock(&d->policy);
	json_object_set_new(a, "warmups", wanted.list);
	return a;
}

/* --- sources, providers, pools ---------------------------------------------------------------------------------- */

static json_t *states_of(const struct mx_policy *p, const char *source)
{
	json_t *list = json_array();
	u32 i;

	for (i = 0; i < p->state_count; i++) {
		const struct mx_set_state *s = &p->states[i];

		if (s->source != source)
			continue;
		json_array_append_new(list,
				      json_pack("{s:s?,s:s,s:s,s:s,s:o,s:o}", "provider",
						*s->provider ? s->provider : NULL, "state", s->state, "owner", s->owner,
						"reason", s->reason, "since", when(s->since), "until", when(s->until)));
	}
	return list;
}

/* The weights as they were given: one for each pool, and one for each provider where it differs from that. */
static json_t *weights_of(const struct mx_policy *p, u32 source)
{
	u16 usual = mx_config_provider(p->config, "default");
	json_t *list = json_array();
	u32 pool, i, provider;

	for (pool = 0; pool < p->config->pool_count; pool++)
		for (i = 0; i < p->config->pools[pool].members.count; i++) {
			if (p->config->pools[pool].members.items[i].source != source)
				continue;
			for (provider = 0; provider <= p->config->provider_count; provider++) {
				bool base = provider == p->config->provider_count;
				u32 at = base ? usual : provider;
				u32 weight = mx_policy_weight(p, pool, at, i);

				if (!base && weight == mx_policy_weight(p, pool, usual, i))
					continue;
				json_array_append_new(
					list, json_pack("{s:s,s:s?,s:i,s:s}", "pool", p->pool_names[pool], "provider",
							base ? NULL : p->provider_names[provider], "weight",
							(int)weight, "origin",
							mx_policy_weight_is_set(p, pool, at, i) ? "operator"
												: "configuration"));
			}
		}
	return list;
}

static json_t *show_source(const struct mx_policy *p, u32 i)
{
	const struct mx_conf_source *s = &p->config->sources[i];
	json_t *o = json_object();
	u64 connections = 0;
	u32 provider;

	for (provider = 0; provider < p->state.providers; provider++)
		connections += mx_state_lane(&p->state, provider, i)->connections;
	json_object_set_new(o, "name", json_string(s->name));
	json_object_set_new(o, "address", s->families & 1 ? address(MX_IPV4, s->addr[MX_IPV4]) : json_null());
	json_object_set_new(o, "address6", s->families & 2 ? address(MX_IPV6, s->addr[MX_IPV6]) : json_null());
	json_object_set_new(o, "hostname", text_or_null(s->hostname));
	json_object_set_new(o, "mark", json_sprintf("0x%08x", mx_snapshot_sources(p->snapshot)[i].mark));
	json_object_set_new(o, "usable", json_boolean(p->state.usable[i]));
	json_object_set_new(o, "problems", source_problems(p, i));
	json_object_set_new(o, "states", states_of(p, p->source_names[i]));
	json_object_set_new(o, "weights", weights_of(p, i));
	json_object_set_new(o, "connections", number(connections));
	return o;
}

json_t *mx_show_sources(struct mx_daemon *d)
{
	json_t *list = json_array();
	u32 i;

	for (i = 0; i < d->policy.config->source_count; i++)
		json_array_append_new(list, show_source(&d->policy, i));
	return json_pack("{s:b,s:o}", "ok", 1, "sources", list);
}

static json_t *strings(const struct mx_strings *s)
{
	json_t *list = json_array();
	u32 i;

	for (i = 0; i < s->count; i++)
		json_array_append_new(list, json_string(s->items[i]));
	return list;
}

static json_t *prefixes(const struct mx_conf_nets *nets)
{
	json_t *list = json_array();
	char text[MX_ADDR_TEXT];
	u32 i;

	for (i = 0; i < nets->count; i++)
		json_array_append_new(list, json_string(mx_prefix_text(nets->items[i].family, nets->items[i].addr,
								       nets->items[i].length, text)));
	return list;
}

static json_t *routes_of(const struct mx_config *c, u32 provider)
{
	json_t *list = json_array();
	u32 i;

	for (i = 0; i < c->route_count; i++) {
		const struct mx_conf_route *r = &c->routes[i];

		if (r->provider != MX_NONE && r->provider != provider)
			continue;
		json_array_append_new(list, json_pack("{s:s?,s:s}", "class",
						      r->class == MX_NONE ? NULL : c->classes[r->class].name, "pool",
						      c->pools[r->pool].name));
		if (r->class == MX_NONE)
			break;
	}
	return list;
}

static json_t *lanes_of(const struct mx_policy *p, u32 provider)
{
	json_t *list = json_array();
	u32 pool, i;

	for (pool = 0; pool < p->config->pool_count; pool++)
		for (i = 0; i < p->config->pools[pool].members.count; i++) {
			u32 source = p->config->pools[pool].members.items[i].source;
			const struct mx_lane *lane = mx_state_lane(&p->state, provider, source);

			json_array_append_new(list,
					      json_pack("{s:s,s:s,s:i,s:s,s:I}", "source", p->source_names[source],
							"pool", p->pool_names[pool], "weight",
							(int)mx_policy_weight(p, pool, provider, i), "state",
							lane->flags & MX_LANE_PAUSED ? "paused" : "active",
							"connections", (json_int_t)lane->connections));
		}
	return list;
}

json_t *mx_show_providers(struct mx_daemon *d, const char *name)
{
	const struct mx_policy *p = &d->policy;
	json_t *list = json_array();
	u32 i;

	for (i = 0; i < p->config->provider_count; i++) {
		const struct mx_conf_provider *c = &p->config->providers[i];
		json_t *o;

		if (name && strcmp(c->name, name))
			continue;
		o = json_pack("{s:s,s:s,s:o,s:o,s:o,s:I,s:o}", "name", c->name, "balance",
			      c->balance == MX_STICKY ? "sticky" : "weighted", "prefixes", prefixes(&c->prefixes), "mx",
			      strings(&c->mx), "domains", strings(&c->domains), "connections",
			      (json_int_t)provider_totals(p, i).connections, "routes", routes_of(p->config, i));
		if (name)
			json_object_set_new(o, "lanes", lanes_of(p, i));
		json_array_append_new(list, o);
	}
	return json_pack("{s:b,s:o}", "ok", 1, "providers", list);
}

json_t *mx_show_pools(struct mx_daemon *d)
{
	const struct mx_policy *p = &d->policy;
	u16 usual = mx_config_provider(p->config, "default");
	json_t *list = json_array();
	u32 i, j;

	for (i = 0; i < p->config->pool_count; i++) {
		const struct mx_conf_pool *pool = &p->config->pools[i];
		json_t *members = json_array();

		for (j = 0; j < pool->members.count; j++) {
			u32 source = pool->members.items[j].source;

			json_array_append_new(members, json_pack("{s:s,s:i,s:b}", "source", p->source_names[source],
								 "weight", (int)mx_policy_weight(p, i, usual, j),
								 "usable", p->state.usable[source] != 0));
		}
		json_array_append_new(list, json_pack("{s:s,s:o,s:s?,s:i}", "name", pool->name, "members", members,
						      "overflow",
						      pool->overflow == MX_NONE ? NULL : p->pool_names[pool->overflow],
						      "max_share", (int)pool->max_share));
	}
	return json_pack("{s:b,s:o}", "ok", 1, "pools", list);
}

/* --- explain ---------------------------------------------------------------------------------------------------- */

/* The prefix that names the provider: the longest configured one that holds the address. */
static json_t *rule_of(const struct mx_config *c, const struct mx_flow *flow)
{
	const struct mx_conf_net *best = NULL;
	char text[MX_ADDR_TEXT];
	u32 i, j;

	for (i = 0; i < c->provider_count; i++)
		for (j = 0; j < c->providers[i].prefixes.count; j++) {
			const struct mx_conf_net *n = &c->providers[i].prefixes.items[j];

			if (n->family == flow->family &&
			    !mx_addr_cmp(mx_addr_first(flow->to, n->family, n->length), n->addr) &&
			    (!best || n->length > best->length))
				best = n;
		}
	if (!best)
		return json_string("default");
	return json_sprintf("prefix %s", mx_prefix_text(best->family, best->addr, best->length, text));
}

static json_t *candidates(const struct mx_policy *p, const struct mx_ballot *ballot)
{
	json_t *list = json_array();
	u64 total = 0;
	u32 i;

	for (i = 0; i < ballot->pool->members; i++)
		if (mx_balance_candidate(ballot, i) == MX_REASON_CANDIDATE)
			total += mx_state_slot(&p->state, ballot->pool, ballot->provider, i)->weight;
	for (i = 0; i < ballot->pool->members; i++) {
		u32 source = mx_snapshot_members(p->snapshot)[ballot->pool->first_member + i].source;
		u32 weight = mx_state_slot(&p->state, ballot->pool, ballot->provider, i)->weight;
		u32 day = mx_ledger_warmup_day(p->ledger, ballot->provider, source);
		enum mx_reason reason = mx_balance_candidate(ballot, i);
		bool eligible = reason == MX_REASON_CANDIDATE;

		json_array_append_new(list,
				      json_pack("{s:s,s:i,s:f,s:b,s:s,s:o,s:o}", "source", p->source_names[source],
						"weight", (int)(weight / 1000), "share",
						eligible && total ? (double)weight / (double)total : 0.0, "eligible",
						eligible, "reason", mx_reason_name(reason), "left",
						left_json(mx_state_left(&p->state, p->snapshot,
									(struct mx_lane_id){ ballot->provider, source,
											     ballot->network })),
						"warmup_day", day_json(day)));
	}
	return list;
}

json_t *mx_show_explain(struct mx_daemon *d, const struct mx_flow *flow, u16 class)
{
	struct mx_policy *p = &d->policy;
	struct mx_verdict v;
	json_t *a = answer(), *tried;
	u16 route_class;

	mx_policy_lock(p);
	mx_decide(p->snapshot, &p->state, flow, class, (struct mx_moment){ mx_policy_tick(p), 0 }, &v);
	if (v.action == MX_HOLD && v.reason == MX_REASON_LEDGER) { /* a moment; it is as good as assigned */
		v.action = MX_ASSIGN;
		v.reason =
			p->config->providers[v.provider].balance == MX_STICKY ? MX_REASON_STICKY : MX_REASON_WEIGHTED;
	}
	if (v.pool == MX_NONE) {
		tried = json_array();
	} else {
		struct mx_ballot ballot = { .snapshot = p->snapshot,
					    .state = &p->state,
					    .pool = &mx_snapshot_pools(p->snapshot)[v.pool],
					    .provider = v.provider,
					    .family = flow->family,
					    .network = mx_policy_lane(p, v.provider, 0, flow->to, flow->family).network,
					    .now = mx_clock_now(&p->clock) };

		tried = candidates(p, &ballot);
	}
	mx_policy_unlock(p);
	route_class = v.route == MX_NONE ? MX_NONE : p->config->routes[v.route].class;
	json_object_set_new(a, "address", address(flow->family, flow->to));
	json_object_set_new(a, "provider", json_string(p->provider_names[v.provider]));
	json_object_set_new(a, "rule", rule_of(p->config, flow));
	json_object_set_new(a, "route", v.route == MX_NONE ? json_null() : json_integer(v.route + 1));
	json_object_set_new(a, "class",
			    text_or_null(route_class == MX_NONE ? NULL : p->config->classes[route_class].name));
	json_object_set_new(a, "pool", text_or_null(v.pool == MX_NONE ? NULL : p->pool_names[v.pool]));
	json_object_set_new(a, "balance",
			    json_string(p->config->providers[v.provider].balance == MX_STICKY ? "sticky" : "weighted"));
	json_object_set_new(a, "action", json_string(mx_action_name(v.action)));
	json_object_set_new(a, "source", text_or_null(v.source == MX_NONE ? NULL : p->source_names[v.source]));
	json_object_set_new(a, "reason", json_string(mx_reason_name(v.reason)));
	json_object_set_new(a, "candidates", tried);
	return a;
}

/* --- flows and events ------------------------------------------------------------------------------------------- */

static json_t *flow_json(const struct mx_event *e, const char *state, const char *reason)
{
	bool translated = e->source != NULL;

	return json_pack("{s:o,s:o,s:i,s:s?,s:o,s:o,s:o,s:i,s:s?,s:s,s:s?,s:{s:I,s:I}}", "time", when(e->time), "from",
			 address(e->family, e->from), "from_port", (int)e->from_port, "source", e->source,
			 "source_address", translated ? address(e->family, e->source_addr) : json_null(), "source_port",
			 translated ? json_integer(e->source_port) : json_null(), "to", address(e->family, e->to),
			 "to_port", (int)e->to_port, "provider", e->provider, "state", state, "reason", reason, "bytes",
			 "sent", (json_int_t)e->close.sent, "received", (json_int_t)e->close.received);
}

static json_t *decision_json(const struct mx_event *e)
{
	return json_pack("{s:s,s:o,s:o,s:i,s:o,s:i,s:s?,s:o,s:s?,s:s,s:s?,s:s,s:o,s:o}", "event", "decision", "time",
			 when(e->time), "from", address(e->family, e->from), "from_port", (int)e->from_port, "to",
			 address(e->family, e->to), "to_port", (int)e->to_port, "provider", e->provider, "route",
			 e->route == MX_NONE ? json_null() : json_integer(e->route + 1), "pool", e->pool, "action",
			 mx_action_name(e->action), "source", e->source, "reason", mx_reason_name(e->reason), "left",
			 left_json(e->decision.left), "warmup_day", day_json(e->decision.warmup_day));
}

json_t *mx_command_event(const struct mx_event *e)
{
	json_t *o;

	switch (e->type) {
	case MX_EVENT_DECISION:
		return decision_json(e);
	case MX_EVENT_CLOSE:
		o = flow_json(e, e->close.established ? "closed" : "failed", NULL);
		json_object_set_new(o, "event", json_string("close"));
		return o;
	case MX_EVENT_STATE:
		return json_pack("{s:s,s:o,s:s?,s:s?,s:s,s:s,s:s}", "event", "state", "time", when(e->time), "source",
				 e->source, "provider", e->provider, "state", e->state.state, "owner", e->state.owner,
				 "reason", e->state.reason);
	case MX_EVENT_WEIGHT:
		return json_pack("{s:s,s:o,s:s?,s:s?,s:s?,s:i}", "event", "weight", "time", when(e->time), "source",
				 e->source, "provider", e->provider, "pool", e->pool, "weight", (int)e->weight);
	case MX_EVENT_CUT:
		return json_pack("{s:s,s:o,s:s,s:s?,s:I}", "event", "reset", "time", when(e->time), "source", e->source,
				 "provider", e->provider, "connections", (json_int_t)e->connections);
	case MX_EVENT_RELOAD:
		return json_pack("{s:s,s:o,s:I}", "event", "reload", "time", when(e->time), "generation",
				 (json_int_t)e->generation);
	}
	return json_object();
}

struct flow_list {
	struct mx_request *request;
	json_t *list;
	size_t limit;
	const struct mx_event *decided; /* what the journal still knows */
	u32 decided_count;
};

static bool wanted(const struct mx_request *r, const struct mx_event *e)
{
	return !r->to_given || (e->family == r->to_family && !mx_addr_cmp(e->to, r->to));
}

/* The latest decision on the same addresses and ports. */
static const struct mx_event *decision_of(const struct flow_list *l, const struct mx_event *e)
{
	u32 i;

	for (i = l->decided_count; i-- > 0;) {
		const struct mx_event *d = &l->decided[i];

		if (d->type == MX_EVENT_DECISION && d->from_port == e->from_port && d->family == e->family &&
		    !mx_addr_cmp(d->from, e->from) && !mx_addr_cmp(d->to, e->to))
			return d;
	}
	return NULL;
}

static void add_live(const struct mx_live *live, void *arg)
{
	struct flow_list *l = arg;
	struct mx_event e = live->event;
	const struct mx_event *d;

	if (!wanted(l->request, &e) || json_array_size(l->list) >= l->limit)
		return;
	d = decision_of(l, &e);
	e.time = d ? d->time : 0;
	json_array_append_new(l->list, flow_json(&e, live->state, d ? mx_reason_name(d->reason) : NULL));
}

static void add_closed(struct flow_list *l)
{
	u32 i, closed = 0;

	for (i = l->decided_count; i-- > 0 && closed < RECENT_FLOWS && json_array_size(l->list) < l->limit;) {
		const struct mx_event *e = &l->decided[i], *d;

		if (e->type != MX_EVENT_CLOSE || !wanted(l->request, e))
			continue;
		d = decision_of(l, e);
		json_array_append_new(l->list, flow_json(e, e->close.established ? "closed" : "failed",
							 d ? mx_reason_name(d->reason) : NULL));
		closed++;
	}
}

json_t *mx_show_flows(struct mx_request *r)
{
	json_int_t limit = json_integer_value(json_object_get(r->args, "limit"));
	struct mx_event *events = mx_alloc(4096 * sizeof(*events));
	struct flow_list l = { .request = r, .list = json_array(), .decided = events };
	u64 at = 0, lost;

	l.limit = limit > 0 ? (size_t)limit : RECENT_FLOWS;
	l.decided_count = mx_journal_read(r->daemon->journal, &at, events, 4096, &lost);
	mx_flows_list(&r->daemon->policy, add_live, &l);
	add_closed(&l);
	free(events);
	return json_pack("{s:b,s:o}", "ok", 1, "flows", l.list);
}
