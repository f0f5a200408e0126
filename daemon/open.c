// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/open.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "daemon/flows.h"
#include "daemon/log.h"

#define LOOKS 2
#define SETTLE_MSEC 20 /* between looks: a SYN that was answered is in conntrack a little later */

struct found {
	struct mx_event event; /* of its close */
	struct mx_lane_id lane;
	struct mx_flow flow;
};

struct search {
	const struct mx_policy *policy;
	const struct mx_reach *reach;
	struct found *found;
	u32 count;
};

static bool is_meant(const struct mx_reach *reach, const struct found *f)
{
	return f->event.source == reach->source && (!*reach->provider || f->event.provider == reach->provider) &&
	       (!reach->network || f->lane.network == reach->network);
}

static void take(const struct nf_conntrack *ct, void *arg)
{
	struct search *s = arg;
	struct found f = { 0 };

	if (!mx_flows_read(s->policy, ct, &f.event, &f.lane) || !mx_conntrack_is_open(ct) || !is_meant(s->reach, &f))
		return;
	f.flow = mx_conntrack_flow(ct);
	s->found = mx_grow(s->found, s->count, sizeof(s->found[0]));
	s->found[s->count++] = f;
}

/* Finds what is open now. 0 or errno. */
static int look(struct search *s)
{
	u16 source = mx_config_source(s->policy->config, s->reach->source);

	s->count = 0;
	if (source == MX_NONE)
		return 0;
	return mx_conntrack_dump(mx_snapshot_sources(s->policy->snapshot)[source].mark, s->policy->snapshot->mark_mask,
				 take, s);
}

int mx_open_count(const struct mx_policy *p, const struct mx_reach *reach)
{
	struct search s = { .policy = p, .reach = reach };
	int error = look(&s);

	free(s.found);
	errno = error;
	return error ? -1 : (int)s.count;
}

/*
 * Its mark is nobody's now, so that what conntrack tells of its end is not counted again. One that was not established
 * when it was marked never will be: the packet that would do it is reset.
 */
static void book_end(struct mx_policy *p, struct found *f, struct mx_journal *journal)
{
	struct mx_end end = { .sent = f->event.close.sent,
			      .received = f->event.close.received,
			      .established = f->event.close.established,
			      .cut = true };

	mx_policy_lock(p);
	mx_policy_end_connection(p, f->lane.provider, f->lane.source, &f->flow, &end);
	mx_policy_unlock(p);
	f->event.time = time(NULL);
	mx_journal_add(journal, &f->event);
}

/* Cuts what was found; who has ended meanwhile is left alone. 0 or errno; *cut counts on. */
static int cut_found(struct mx_policy *p, const struct search *s, struct mnl_socket *socket, struct mx_journal *journal,
		     bool book, int *cut)
{
	u32 mask = p->snapshot->mark_mask, i;

	for (i = 0; i < s->count; i++) {
		struct found *f = &s->found[i];
		int error =
			mx_conntrack_mark(socket, &f->flow, mx_mark_refuse(mask), mask, &f->event.close.established);

		if (error == ENOENT)
			continue;
		if (error)
			return error;
		++*cut;
		if (book)
			book_end(p, f, journal);
	}
	return 0;
}

static void tell(const struct mx_reach *reach, struct mx_journal *journal, int cut)
{
	struct mx_event e = { .type = MX_EVENT_CUT, .time = time(NULL), .source = reach->source };

	e.provider = *reach->provider ? reach->provider : NULL;
	e.connections = (u32)cut;
	mx_journal_add(journal, &e);
	mx_log(MX_LOG_INFO, "%s%s%s: %d open connection%s reset", reach->source, *reach->provider ? " at " : "",
	       reach->provider, cut, cut == 1 ? "" : "s");
}

int mx_open_cut(struct mx_policy *p, const struct mx_reach *reach, struct mx_journal *journal, bool book)
{
	struct mnl_socket *socket = mx_conntrack_open();
	struct search s = { .policy = p, .reach = reach };
	int error = socket ? 0 : errno, cut = 0, i;

	for (i = 0; !error && i < LOOKS; i++) {
		if (i)
			poll(NULL, 0, SETTLE_MSEC);
		error = look(&s);
		if (!error)
			error = cut_found(p, &s, socket, journal, book, &cut);
	}
	if (socket)
		mnl_socket_close(socket);
	free(s.found);
	tell(reach, journal, cut);
	errno = error;
	return error ? -1 : cut;
}
