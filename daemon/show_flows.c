// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/show.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/flows.h"
#include "daemon/json.h"

#define RECENT_FLOWS 200 /* are listed unless `limit` says how many; those that are open come first */

static json_t *known(u32 number, u32 unknown)
{
	return number == unknown ? json_null() : json_integer(number);
}

/* Who makes a connection, as far as the module has told it. */
static void put_caller(json_t *o, const struct mx_event *e)
{
	bool told = e && e->by_module;

	json_object_set_new(o, "process", told ? known(e->process, 0) : json_null());
	json_object_set_new(o, "local_process", told ? known(e->local_process, 0) : json_null());
	json_object_set_new(o, "user", told ? known(e->user, MX_NO_ID) : json_null());
}

static json_t *flow_json(const struct mx_event *e, const char *state, const char *reason)
{
	bool translated = e->source != NULL;

	return json_pack("{s:o,s:o,s:i,s:s?,s:o,s:o,s:o,s:i,s:s?,s:s,s:s?,s:o,s:o}", "time", mx_json_time(e->time),
			 "from", mx_json_address(e->family, e->from), "from_port", (int)e->from_port, "source",
			 e->source, "source_address",
			 translated ? mx_json_address(e->family, e->source_addr) : json_null(), "source_port",
			 translated ? json_integer(e->source_port) : json_null(), "to",
			 mx_json_address(e->family, e->to), "to_port", (int)e->to_port, "provider", e->provider,
			 "state", state, "reason", reason, "bytes", mx_json_ways(e->close.sent, e->close.received),
			 "packets", mx_json_ways(e->close.packets_sent, e->close.packets_received));
}

static json_t *decision_json(const struct mx_event *e)
{
	json_t *o = json_pack(
		"{s:s,s:o,s:o,s:i,s:o,s:i,s:s?,s:o,s:s?,s:s,s:s?,s:s,s:o,s:o}", "event", "decision", "time",
		mx_json_time(e->time), "from", mx_json_address(e->family, e->from), "from_port", (int)e->from_port,
		"to", mx_json_address(e->family, e->to), "to_port", (int)e->to_port, "provider", e->provider, "route",
		e->route == MX_NONE ? json_null() : json_integer(e->route + 1), "pool", e->pool, "action",
		mx_action_name(e->action), "source", e->source, "reason", mx_reason_name(e->reason), "left",
		mx_json_left(e->decision.left), "warmup_day", mx_json_day(e->decision.warmup_day));

	json_object_set_new(o, "engine", json_string(e->by_module ? "kmod" : "queue"));
	put_caller(o, e);
	return o;
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
		put_caller(o, NULL);
		return o;
	case MX_EVENT_STATE:
		return json_pack("{s:s,s:o,s:s?,s:s?,s:s,s:s,s:s}", "event", "state", "time", mx_json_time(e->time),
				 "source", e->source, "provider", e->provider, "state", e->state.state, "owner",
				 e->state.owner, "reason", e->state.reason);
	case MX_EVENT_WEIGHT:
		return json_pack("{s:s,s:o,s:s?,s:s?,s:s?,s:i}", "event", "weight", "time", mx_json_time(e->time),
				 "source", e->source, "provider", e->provider, "pool", e->pool, "weight",
				 (int)e->weight);
	case MX_EVENT_CUT:
		return json_pack("{s:s,s:o,s:s,s:s?,s:I}", "event", "reset", "time", mx_json_time(e->time), "source",
				 e->source, "provider", e->provider, "connections", (json_int_t)e->connections);
	case MX_EVENT_CALLER:
		o = json_pack("{s:s,s:o,s:o,s:i,s:o,s:i}", "event", "connect", "time", mx_json_time(e->time), "from",
			      mx_json_address(e->family, e->from), "from_port", (int)e->from_port, "to",
			      mx_json_address(e->family, e->to), "to_port", (int)e->to_port);
		put_caller(o, e);
		return o;
	case MX_EVENT_RELOAD:
		return json_pack("{s:s,s:o,s:I}", "event", "reload", "time", mx_json_time(e->time), "generation",
				 (json_int_t)e->generation);
	}
	return json_object();
}

struct flow_list {
	struct mx_request *request;
	json_t *list;
	size_t limit;
	struct mx_live *live;
	u32 live_count;
	const struct mx_event *events; /* what the journal still knows */
	u32 count;
	u32 told; /* of those, the others follow behind the answer */
};

static bool wanted(const struct mx_request *r, const struct mx_event *e)
{
	return !r->to_given || (e->family == r->to_family && !mx_addr_cmp(e->to, r->to));
}

/* The latest event of a type on the same addresses and ports, of the first `count` ones. */
static const struct mx_event *latest(const struct flow_list *l, u32 count, const struct mx_event *e,
				     enum mx_event_type type)
{
	u32 i;

	for (i = count; i-- > 0;) {
		const struct mx_event *d = &l->events[i];

		if (d->type == type && d->from_port == e->from_port && d->family == e->family &&
		    !mx_addr_cmp(d->from, e->from) && !mx_addr_cmp(d->to, e->to))
			return d;
	}
	return NULL;
}

/*
 * A connection with what was told when it was decided, among the first `count` events; `closed`: when it was over, 0
 * for one that is open.
 */
static void add_flow(struct flow_list *l, u32 count, const struct mx_event *e, const char *state, s64 closed)
{
	const struct mx_event *d = latest(l, count, e, MX_EVENT_DECISION), *caller = d;
	struct mx_event flow = *e;
	json_t *o;

	if (d && d >= l->events + l->told)
		return;
	flow.time = d ? d->time : 0;
	if (!d || !d->by_module)
		caller = latest(l, count, e, MX_EVENT_CALLER);
	o = flow_json(&flow, state, d ? mx_reason_name(d->reason) : NULL);
	json_object_set_new(o, "closed", mx_json_time(closed));
	put_caller(o, caller);
	json_array_append_new(l->list, o);
}

static void collect_live(const struct mx_live *live, void *arg)
{
	struct flow_list *l = arg;

	if (!wanted(l->request, &live->event) || l->live_count >= l->limit)
		return;
	l->live = mx_grow(l->live, l->live_count, sizeof(*l->live));
	l->live[l->live_count++] = *live;
}

static void add_live(struct flow_list *l)
{
	u32 i;

	for (i = 0; i < l->live_count; i++)
		add_flow(l, l->count, &l->live[i].event, l->live[i].state, 0);
}

static void add_closed(struct flow_list *l)
{
	u32 i;

	for (i = l->told; i-- > 0 && json_array_size(l->list) < l->limit;) {
		const struct mx_event *e = &l->events[i];

		if (e->type == MX_EVENT_CLOSE && wanted(l->request, e))
			add_flow(l, i, e, e->close.established ? "closed" : "failed", e->time);
	}
}

/*
 * A connection is decided before conntrack knows it. So what is live is looked at first, and then what was decided;
 * what was decided after the request came is left to the events that follow, where they do.
 */
json_t *mx_show_flows(struct mx_request *r)
{
	json_int_t limit = json_integer_value(json_object_get(r->args, "limit"));
	struct mx_event *events = mx_alloc(MX_JOURNAL_EVENTS * sizeof(*events));
	struct flow_list l = { .request = r, .list = json_array(), .events = events };
	u64 at = 0, lost;

	l.limit = limit > 0 ? (size_t)limit : RECENT_FLOWS;
	mx_flows_list(&r->daemon->policy, collect_live, &l);
	l.count = l.told = mx_journal_read(r->daemon->journal, &at, events, MX_JOURNAL_EVENTS, &lost);
	if (r->stream != MX_STREAM_NONE)
		l.told = at - r->begin < l.count ? l.count - (u32)(at - r->begin) : 0;
	add_live(&l);
	add_closed(&l);
	free(l.live);
	free(events);
	return json_pack("{s:b,s:o}", "ok", 1, "flows", l.list);
}
