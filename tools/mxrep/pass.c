// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/pass.h"

#include <stdint.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/names.h"
#include "daemon/text.h"
#include "tools/mxrep/moment.h"

static u64 queue_key(const struct rep_line *line)
{
	return rep_hash(line->queue_id) ^ (line->instance.length ? rep_hash(line->instance) : 0);
}

/* --- one attempt ------------------------------------------------------------------------------------------------ */

const char *rep_network(enum mx_family family, struct mx_addr address, char *text)
{
	u8 length = family == MX_IPV4 ? 24 : 64;
	struct mx_addr mask = mx_addr_hostmask(family, length);

	address.hi &= ~mask.hi;
	address.lo &= ~mask.lo;
	return mx_prefix_text(family, address, length, text);
}

static const char *provider_of(struct rep_pass *p, const struct rep_line *line)
{
	struct rep_text domain = line->recipient;
	const char *at = domain.length ? memrchr(domain.at, '@', domain.length) : NULL;

	if (line->has_address || line->relay.length)
		return rep_policy_provider(p->policy, line->relay, line->family,
					   line->has_address ? &line->address : NULL);
	if (!at)
		return mx_name("default");
	domain.length -= (size_t)(at + 1 - domain.at);
	domain.at = at + 1;
	return rep_policy_domain(p->policy, domain);
}

/* Without a connection: the source is not known, the provider by the relay's name or address. */
static u32 lane_without(struct rep_pass *p, const struct rep_line *line, const char **provider)
{
	struct rep_pass_lane *place;

	*provider = provider_of(p, line);
	place = &p->remembered[((uintptr_t)*provider >> 4) % REP_PASS_REMEMBERED];
	if (place->provider != *provider) {
		place->provider = *provider;
		place->lane = rep_store_lane(p->store, "", *provider, "");
	}
	return place->lane;
}

static enum rep_what what_of(const struct rep_line *line)
{
	if (line->reach == REP_SUSPENDED)
		return REP_WHAT_SUSPENDED;
	return line->reach == REP_ANSWERED ? (enum rep_what)line->outcome : REP_WHAT_FAILED;
}

static void keep_reply(struct rep_pass *p, const struct rep_sign *sign)
{
	struct rep_text reply = sign->reply;

	if (reply.length > 500)
		reply.length = 500;
	rep_store_run(p->store,
		      "INSERT INTO reply VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET text = excluded.text, time = "
		      "excluded.time WHERE excluded.time > time + 60",
		      "iiiti", (s64)sign->lane, (s64)sign->meaning.category, (s64)sign->outcome, reply, sign->time);
}

/* A line may be read sooner than what was told of its connection meanwhile. */
static struct rep_flow *find_flow(struct rep_pass *p, const struct rep_line *line, const char *own, enum rep_how *how)
{
	struct rep_flow *flow = rep_flows_carried(p->flows, line, own, how);

	while (!flow && p->look && line->has_address && p->look(line->time, p->context))
		flow = rep_flows_carried(p->flows, line, own, how);
	return flow;
}

static void take_attempt(struct rep_pass *p, const struct rep_line *line)
{
	const char *own = line->outcome == REP_SENT ? NULL : rep_policy_quoted(p->policy, line->reply);
	struct rep_sign sign = { .time = line->time / REP_SECOND, .outcome = line->outcome, .reply = line->reply };
	struct rep_flow *flow = NULL;
	enum rep_what what = what_of(line);
	u32 hour = (u32)(sign.time / 3600), n = line->recipients ? line->recipients : 1;
	bool has_body = line->has_body || line->outcome == REP_SENT;
	u64 id = queue_key(line);
	struct rep_queued *queued = rep_queue_recall(p->queue, id);

	sign.how = REP_UNKNOWN;
	if (p->flows && line->reach != REP_SUSPENDED && line->reach != REP_UNREACHED)
		flow = find_flow(p, line, own, &sign.how);
	if (flow) {
		sign.lane = flow->lane;
		sign.source = flow->source;
		sign.provider = flow->provider;
	} else {
		sign.lane = lane_without(p, line, &sign.provider);
	}
	if (p->flows && line->reach == REP_UNREACHED && line->has_address &&
	    rep_flows_refused(p->flows, line->family, line->address, line->port, line->time))
		sign.meaning.category = REP_OURS;
	else if (line->outcome != REP_SENT)
		sign.meaning = rep_rules_match(p->rules, sign.provider, line->reply, line->dsn);
	rep_store_count(p->store, hour, sign.lane, what, sign.meaning.category, sign.how, (s32)n);
	if (flow)
		rep_flow_book(flow, &(struct rep_booked){ .time = line->time,
							  .queue_id = id,
							  .hour = hour,
							  .n = n,
							  .what = what,
							  .category = sign.meaning.category,
							  .how = sign.how,
							  .size = queued ? queued->size : 0,
							  .sender = queued ? queued->sender : 0,
							  .recipient = (u32)line->recipient.length,
							  .reply = (u32)line->reply.length,
							  .has_body = has_body,
							  .is_named = line->local_port != 0 });
	if (queued && line->recipient.length)
		queued->recipient = (u32)line->recipient.length;
	p->attempts += n;
	if (line->reach != REP_ANSWERED)
		return;
	if (queued && queued->message && line->outcome == REP_SENT)
		rep_store_message(p->store, queued->message, rep_hash_folded(line->recipient), sign.lane, hour);
	if (flow && p->settle) {
		flow->messages += n;
		rep_settle_messages(p->settle, sign.lane, sign.time, sign.outcome, n);
	}
	if (line->outcome != REP_SENT)
		keep_reply(p, &sign);
	if (p->sign)
		p->sign(&sign, p->context);
}

static void take_size(struct rep_pass *p, const struct rep_line *line)
{
	struct rep_queued *queued = rep_queue_remember(p->queue, queue_key(line));

	queued->size = line->size;
	queued->sender = line->sender;
}

/* What is in the queue, and what is no more. */
static void learn(struct rep_pass *p, const struct rep_line *line)
{
	if (line->kind == REP_LINE_QUEUED)
		rep_queue_remember(p->queue, queue_key(line))->message = rep_hash(line->message_id);
	else if (line->kind == REP_LINE_SIZED && p->flows)
		take_size(p, line);
	else if (line->kind == REP_LINE_REMOVED)
		rep_queue_forget(p->queue, queue_key(line));
}

void rep_pass_before(struct rep_pass *p, struct rep_reader *reader, const char *text, size_t length)
{
	struct rep_line line;

	rep_reader_line(reader, text, length, &line);
	learn(p, &line);
}

void rep_pass_line(struct rep_pass *p, struct rep_reader *reader, const char *text, size_t length)
{
	struct rep_line line;

	p->lines++;
	rep_reader_line(reader, text, length, &line);
	if (line.kind == REP_LINE_ATTEMPT)
		take_attempt(p, &line);
	else
		learn(p, &line);
}
