// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/watch.h"

#include <string.h>

#include "daemon/log.h"
#include "daemon/names.h"
#include "daemon/text.h"
#include "tools/mxrep/moment.h"
#include "tools/mxrep/pass.h"

#define AT_ONCE 65536 /* events: less than a second of work */

static const char *text(const json_t *o, const char *key)
{
	const char *value = json_string_value(json_object_get(o, key));

	return value ? value : "";
}

static u32 number(const json_t *o, const char *key)
{
	return (u32)json_integer_value(json_object_get(o, key));
}

/*
 * An event came a moment ago, and its own stamp has whole seconds only: not later than now, nor than that second. But a
 * listing tells of what is long past.
 */
static s64 time_of(const json_t *o, s64 now)
{
	s64 seconds;

	if (!mx_time_parse(text(o, "time"), &seconds) || (seconds + 1) * REP_SECOND > now)
		return now;
	return seconds * REP_SECOND + (seconds * REP_SECOND + 2 * REP_SECOND > now ? REP_SECOND : 0);
}

/* Both ends; false: not a connection as the daemon tells of them. */
static bool read_ends(const json_t *o, struct rep_flow *flow)
{
	enum mx_family other;

	flow->from_port = (u16)number(o, "from_port");
	flow->to_port = (u16)number(o, "to_port");
	return mx_addr_parse(text(o, "from"), &other, &flow->from) &&
	       mx_addr_parse(text(o, "to"), &flow->family, &flow->to) && other == flow->family;
}

static void read_caller(const json_t *o, struct rep_flow *flow)
{
	if (number(o, "process"))
		flow->process = number(o, "process");
	if (number(o, "local_process"))
		flow->local_process = number(o, "local_process");
}

/* Whose it is: a source at a provider; without a source it was left as it is. */
static void read_lane(struct rep_watch *w, const json_t *o, struct rep_flow *flow)
{
	const char *provider = *text(o, "provider") ? text(o, "provider") : "default";
	char network[MX_ADDR_TEXT] = "";

	flow->source = mx_name(text(o, "source"));
	flow->provider = mx_name(provider);
	flow->passed = !*flow->source;
	if (!strcmp(provider, "default"))
		rep_network(flow->family, flow->to, network);
	flow->lane = rep_store_lane(w->store, flow->source, provider, network);
}

static void take_decision(struct rep_watch *w, const json_t *o, s64 now)
{
	struct rep_flow flow = { 0 };

	if (!read_ends(o, &flow))
		return;
	flow.refused = !strcmp(text(o, "action"), "refuse");
	flow.opened = time_of(o, now);
	flow.closed = flow.refused ? flow.opened : 0;
	if (!strcmp(text(o, "action"), "hold"))
		return; /* the decision comes when there is room */
	read_lane(w, o, &flow);
	read_caller(o, &flow);
	rep_flows_open(w->flows, &flow);
}

/* The module left a SYN to the queue: who makes it is told before, or behind, what the queue decides. */
static void take_caller(struct rep_watch *w, const json_t *o)
{
	struct rep_flow ends = { 0 }, *flow;

	if (!read_ends(o, &ends))
		return;
	flow = rep_flows_find(w->flows, &ends);
	if (flow && !flow->closed)
		read_caller(o, flow);
	else
		rep_flows_expect(w->flows, &ends, number(o, "process"), number(o, "local_process"));
}

/* Bytes without the headers of their packets: of IP, and of TCP with time stamps, as Linux sends them. */
static u64 dialogue(const json_t *o, const char *direction, enum mx_family family)
{
	u64 bytes = (u64)json_integer_value(json_object_get(json_object_get(o, "bytes"), direction)),
	    packets = (u64)json_integer_value(json_object_get(json_object_get(o, "packets"), direction)),
	    headers = packets * (family == MX_IPV4 ? 52 : 72);

	return bytes > headers && packets ? bytes - headers : 0;
}

static void read_end(const json_t *o, struct rep_flow *flow)
{
	flow->failed = !strcmp(text(o, "state"), "failed");
	flow->said = dialogue(o, "sent", flow->family);
	flow->heard = dialogue(o, "received", flow->family);
}

static void take_close(struct rep_watch *w, const json_t *o, s64 now)
{
	struct rep_flow ends = { 0 }, *flow;

	if (!read_ends(o, &ends))
		return;
	flow = rep_flows_find(w->flows, &ends);
	if (!flow || flow->closed)
		return;
	flow->closed = now;
	read_end(o, flow);
}

/* One of the list of those that live, or have closed lately. */
static void take_listed(struct rep_watch *w, const json_t *o, s64 now)
{
	struct rep_flow flow = { 0 }, *known;
	s64 closed;
	bool lives = strcmp(text(o, "state"), "closed") && strcmp(text(o, "state"), "failed");

	if (!read_ends(o, &flow))
		return;
	known = rep_flows_find(w->flows, &flow);
	flow.opened = *text(o, "time") ? time_of(o, now) : 0; /* so long ago that nobody knows */
	if (known && flow.opened <= known->opened + REP_SECOND) {
		known->is_in_doubt = false;
		if (!lives)
			take_close(w, o, now);
		return;
	}
	flow.was_before = true;
	flow.closed = lives ? 0 : mx_time_parse(text(o, "closed"), &closed) ? (closed + 1) * REP_SECOND : now;
	read_end(o, &flow);
	read_lane(w, o, &flow);
	read_caller(o, &flow);
	rep_flows_open(w->flows, &flow);
}

static void take_event(struct rep_watch *w, const json_t *o)
{
	const char *event = text(o, "event");
	s64 now = rep_now_us();

	if (!strcmp(event, "decision"))
		take_decision(w, o, now);
	else if (!strcmp(event, "connect"))
		take_caller(w, o);
	else if (!strcmp(event, "close"))
		take_close(w, o, now);
	else if (!strcmp(event, "lost"))
		w->is_behind = true;
}

/* The addresses of the sources, also when this process may not read the daemon's configuration. */
static void learn_sources(struct rep_watch *w)
{
	static const char *const keys[] = { "address", "address6", "public" };
	char error[REP_LINK_ERROR];
	json_t *answer = rep_link_ask(w->link, json_pack("{s:s}", "command", "sources"), error), *source;
	size_t i, j;

	json_array_foreach(json_object_get(answer, "sources"), i, source)
		for (j = 0; j < sizeof(keys) / sizeof(*keys); j++) {
			enum mx_family family;
			struct mx_addr address;

			if (mx_addr_parse(text(source, keys[j]), &family, &address))
				rep_policy_add_source(w->policy, text(source, "name"), family, address);
		}
	json_decref(answer);
}

bool rep_watch_start(struct rep_watch *w)
{
	char error[REP_LINK_ERROR];
	json_t *answer, *flow;
	s64 now = rep_now_us();
	size_t i;

	if (rep_link_descriptor(w->link) >= 0 && !w->is_behind)
		return true;
	answer = rep_link_follow(w->link, error);
	if (!answer) {
		if (!w->was_wrong)
			mx_log(MX_LOG_WARNING, "%s: sources of what is logged now are not known", error);
		w->was_wrong = true;
		return false;
	}
	mx_log(MX_LOG_INFO, "mxloadd tells of its connections");
	w->was_wrong = w->is_behind = false;
	rep_flows_doubt(w->flows);
	json_array_foreach(json_object_get(answer, "flows"), i, flow)
		take_listed(w, flow, now);
	rep_flows_end_doubted(w->flows, now);
	json_decref(answer);
	learn_sources(w);
	return true;
}

void rep_watch_read(struct rep_watch *w)
{
	json_t *event;
	u32 i;

	for (i = 0; i < AT_ONCE && (event = rep_link_event(w->link)); i++) {
		take_event(w, event);
		json_decref(event);
	}
}

void rep_watch_ask(struct rep_watch *w)
{
	char error[REP_LINK_ERROR];

	json_decref(rep_link_ask(w->link, json_pack("{s:s}", "command", "help"), error));
}
