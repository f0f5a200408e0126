// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/flows.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"

#define PLACES 4096u    /* of the table by destination */
#define ENDS (1u << 16) /* of the table by both ends */
#define EXPECTED 64u

/*
 * A stamp of whole seconds stands for the second that begins with it, and a line is written a little after what it
 * tells of: this much off is not off.
 */
#define SLACK (3 * REP_SECOND / 2)
#define REFUSAL_SLACK (5 * REP_SECOND) /* an MTA may try several hosts before it says what happened */

struct rep_flows {
	struct place {
		struct rep_flow *latest, *first;
	} by_place[PLACES];
	struct rep_flow *by_ends[ENDS];
	struct rep_flow *oldest, *newest;
	u32 count;
	struct rep_flow expected[EXPECTED]; /* callers that were told before their connection, in turn */
	u32 expected_next;
};

struct rep_flows *rep_flows_new(void)
{
	return mx_alloc(sizeof(struct rep_flows));
}

static void free_flow(struct rep_flow *flow)
{
	free(flow->carried.items);
	free(flow);
}

void rep_flows_free(struct rep_flows *f)
{
	struct rep_flow *next;

	if (!f)
		return;
	for (; f->oldest; f->oldest = next) {
		next = f->oldest->newer;
		free_flow(f->oldest);
	}
	free(f);
}

static u64 mix(u64 a, u64 b)
{
	return ((a * 31) ^ b) * 0x9e3779b97f4a7c15u;
}

static u64 mix_end(struct mx_addr addr, u16 port)
{
	return mix(addr.hi, addr.lo ^ port);
}

/* Its place in the table: 12 bits. */
static u32 place_number(struct mx_addr to, u16 to_port)
{
	return (u32)(mix_end(to, to_port) >> 52);
}

static struct rep_flow *latest_to(const struct rep_flows *f, struct mx_addr to, u16 to_port)
{
	return f->by_place[place_number(to, to_port)].latest;
}

static struct rep_flow **ends_of(struct rep_flows *f, const struct rep_flow *ends)
{
	u64 to = mix_end(ends->to, ends->to_port), from = mix_end(ends->from, ends->from_port);

	return &f->by_ends[mix(to, from) >> 48]; /* 16 bits */
}

static bool goes_to(const struct rep_flow *flow, enum mx_family family, struct mx_addr to, u16 to_port)
{
	return flow->family == family && flow->to_port == to_port && !mx_addr_cmp(flow->to, to);
}

static bool has_ends(const struct rep_flow *a, const struct rep_flow *b)
{
	return a->from_port == b->from_port && goes_to(a, b->family, b->to, b->to_port) &&
	       !mx_addr_cmp(a->from, b->from);
}

struct rep_flow *rep_flows_find(struct rep_flows *f, const struct rep_flow *ends)
{
	struct rep_flow *flow = *ends_of(f, ends);

	while (flow && !has_ends(flow, ends))
		flow = flow->same_next;
	return flow;
}

/* Among those to the same place: mostly it is the latest, and where a listing tells of them the first. */
static void put_in_place(struct rep_flows *f, struct rep_flow *flow)
{
	struct place *place = &f->by_place[place_number(flow->to, flow->to_port)];
	struct rep_flow *before = NULL, *next = place->latest;

	if (place->first && place->first->opened > flow->opened) {
		before = place->first;
		next = NULL;
	}
	while (next && next->opened > flow->opened) {
		before = next;
		next = next->next;
	}
	flow->before = before;
	flow->next = next;
	*(before ? &before->next : &place->latest) = flow;
	*(next ? &next->before : &place->first) = flow;
}

static void put_by_ends(struct rep_flows *f, struct rep_flow *flow)
{
	struct rep_flow **link = ends_of(f, flow);

	flow->same_next = *link;
	*link = flow;
}

static void take_out(struct rep_flows *f, struct rep_flow *flow)
{
	struct place *place = &f->by_place[place_number(flow->to, flow->to_port)];
	struct rep_flow **link = ends_of(f, flow);

	*(flow->before ? &flow->before->next : &place->latest) = flow->next;
	*(flow->next ? &flow->next->before : &place->first) = flow->before;
	while (*link != flow) /* few: there are as many places as a third of all flows */
		link = &(*link)->same_next;
	*link = flow->same_next;
	*(flow->older ? &flow->older->newer : &f->oldest) = flow->newer;
	*(flow->newer ? &flow->newer->older : &f->newest) = flow->older;
	f->count--;
}

void rep_flows_expect(struct rep_flows *f, const struct rep_flow *ends, u32 process, u32 local_process)
{
	struct rep_flow *e = &f->expected[f->expected_next++ % EXPECTED];

	*e = *ends;
	e->process = process;
	e->local_process = local_process;
}

static void take_expected(struct rep_flows *f, struct rep_flow *flow)
{
	u32 i;

	for (i = 0; i < EXPECTED && !flow->process; i++) {
		struct rep_flow *e = &f->expected[i];

		if (!e->process || !has_ends(e, flow))
			continue;
		flow->process = e->process;
		flow->local_process = e->local_process;
		e->process = 0;
	}
}

bool rep_flows_refused(const struct rep_flows *f, enum mx_family family, struct mx_addr to, u16 to_port, s64 time)
{
	const struct rep_flow *flow;

	for (flow = latest_to(f, to, to_port); flow; flow = flow->next) {
		if (flow->opened < time - REFUSAL_SLACK)
			return false;
		if (flow->refused && goes_to(flow, family, to, to_port) && flow->opened < time + REFUSAL_SLACK)
			return true;
	}
	return false;
}

struct rep_flow *rep_flows_open(struct rep_flows *f, const struct rep_flow *from)
{
	struct rep_flow *flow = rep_flows_find(f, from);

	if (flow && !flow->closed)
		flow->closed = from->opened;
	flow = mx_alloc(sizeof(*flow));
	*flow = *from;
	flow->used = flow->opened;
	take_expected(f, flow);
	put_in_place(f, flow);
	put_by_ends(f, flow);
	flow->older = f->newest;
	flow->newer = NULL;
	*(f->newest ? &f->newest->newer : &f->oldest) = flow;
	f->newest = flow;
	f->count++;
	return flow;
}

/* The oldest may live for long: those behind it are looked at too, the table's room is what bounds the whole. */
void rep_flows_expire(struct rep_flows *f, s64 now)
{
	struct rep_flow *flow, *newer;

	for (flow = f->oldest; flow; flow = newer) {
		newer = flow->newer;
		if (f->count <= REP_FLOWS_MAX && (!flow->closed || now - flow->closed < REP_FLOW_KEPT))
			continue;
		take_out(f, flow);
		free_flow(flow);
	}
}

void rep_flows_doubt(struct rep_flows *f)
{
	struct rep_flow *flow;

	for (flow = f->oldest; flow; flow = flow->newer)
		flow->is_in_doubt = !flow->closed;
}

void rep_flows_end_doubted(struct rep_flows *f, s64 now)
{
	struct rep_flow *flow;

	for (flow = f->oldest; flow; flow = flow->newer) {
		if (flow->is_in_doubt && !flow->closed)
			flow->closed = now;
		flow->is_in_doubt = false;
	}
}

void rep_flows_each(struct rep_flows *f, void (*each)(struct rep_flow *, void *), void *context)
{
	struct rep_flow *flow;

	for (flow = f->oldest; flow; flow = flow->newer)
		each(flow, context);
}

void rep_flow_book(struct rep_flow *flow, const struct rep_booked *booked)
{
	struct rep_carried *c = &flow->carried;

	c->items = mx_grow(c->items, c->count, sizeof(*c->items));
	c->items[c->count] = *booked;
	c->items[c->count++].delivery = flow->deliveries;
}

bool rep_flows_open_since(const struct rep_flows *f, const struct rep_flow *like, s64 time, s64 until)
{
	const struct rep_flow *flow;

	for (flow = latest_to(f, like->to, like->to_port); flow; flow = flow->next)
		if (!flow->passed && !flow->refused && goes_to(flow, like->family, like->to, like->to_port) &&
		    flow->opened < time && (!flow->closed || flow->closed > until))
			return true;
	return false;
}

u32 rep_flows_count(const struct rep_flows *f)
{
	return f->count;
}

/* --- attribution ------------------------------------------------------------------------------------------------ */

/* What a line tells of the connection that it speaks of. */
struct clues {
	const struct rep_line *line;
	const char *own; /* the source whose address the provider quotes, or NULL */
	s64 begin, end;  /* of the delivery: the connection was open then */
	s64 connect;     /* not before this was it opened, for a connection's first delivery */
	bool is_first;   /* the connection's first */
	u64 queue_id;    /* its hash */
};

static struct clues read_clues(const struct rep_line *line, const char *own)
{
	struct clues c = { .line = line, .own = own, .queue_id = rep_hash(line->queue_id) };

	/* a stamp of whole seconds may be cut to its second; and the daemon's word comes a little later than the packet
	 */
	c.end = line->time + (line->time % REP_SECOND ? REP_SECOND / 3 : REP_SECOND);
	c.begin = line->time - line->transfer_ms * 1000ll;
	c.connect = c.begin - line->connect_ms * 1000ll;
	c.is_first = line->uses == 1;
	return c;
}

/* Whether a connection can have carried it. */
static bool is_possible(const struct rep_flow *flow, const struct clues *c)
{
	if (!rep_flow_was_ours(flow) || !goes_to(flow, c->line->family, c->line->address, c->line->port))
		return false;
	if (flow->opened > c->end || (flow->closed && flow->closed < c->begin - SLACK))
		return false;
	return !c->is_first || !flow->opened || flow->opened >= c->connect - SLACK;
}

/*
 * Whether it is the one whose port the line tells. Exim writes of a delivery when it is done with all the message's
 * others, and need not say how long it took: only that it was not opened later counts. The daemon's stamps are of whole
 * seconds.
 */
static bool is_named(const struct rep_flow *flow, const struct clues *c)
{
	return rep_flow_was_ours(flow) && flow->from_port == c->line->local_port &&
	       goes_to(flow, c->line->family, c->line->address, c->line->port) && flow->opened <= c->end + REP_SECOND;
}

static bool is_made_by(const struct rep_flow *flow, u32 pid)
{
	return pid && (flow->process == pid || flow->local_process == pid);
}

/* Whether it has carried as many as the line says were carried before; where it does not say, none is the likeliest. */
static bool is_due(const struct rep_flow *flow, const struct clues *c)
{
	return flow->uses == (c->line->uses ? c->line->uses - 1 : 0);
}

/*
 * The process that wrote the line made this connection, and has not written of it yet: a process has one at a time. Not
 * so where the line says that the connection was used before, maybe by another process.
 */
static bool is_own_of_process(const struct rep_flow *flow, const struct clues *c)
{
	return is_made_by(flow, c->line->pid) && (c->is_first || (!c->line->uses && !flow->uses));
}

/*
 * Better than another: one from the address that the provider quotes; for a connection's first delivery one that the
 * process made which wrote the line, and for others one that is due; and then whichever has waited longest, because
 * lines of equal standing are written in the order of what they tell.
 */
static bool is_better(const struct rep_flow *a, const struct rep_flow *b, const struct clues *c)
{
	bool by_process = is_made_by(a, c->line->pid) != is_made_by(b, c->line->pid);
	bool by_turn = is_due(a, c) != is_due(b, c);

	if (c->own && (a->source == c->own) != (b->source == c->own))
		return a->source == c->own;
	if (by_process && (c->is_first || !by_turn))
		return is_made_by(a, c->line->pid);
	if (by_turn)
		return is_due(a, c);
	if (!c->is_first && (a->line_process == c->line->pid) != (b->line_process == c->line->pid))
		return a->line_process == c->line->pid; /* mostly the same process uses it again */
	return a->used != b->used ? a->used < b->used : a->opened < b->opened;
}

/* Several recipients of one message go in one delivery: that is no further use of the connection. */
static bool is_same_delivery(const struct rep_flow *flow, const struct clues *c)
{
	return flow->queue_id == c->queue_id && flow->line_process == c->line->pid &&
	       (!c->line->uses || flow->uses == c->line->uses) && flow->used - c->line->time <= SLACK &&
	       c->line->time - flow->used <= SLACK;
}

/* What has been seen of those that may have carried a delivery. */
struct choice {
	struct rep_flow *best, *due; /* due: the last one seen of those that are */
	bool is_certain;             /* the best is the one */
	bool others;                 /* another source was possible */
	bool others_due;             /* and due */
};

static void weigh(struct choice *o, struct rep_flow *flow, const struct clues *c)
{
	o->others |= o->best && flow->source != o->best->source;
	if (is_due(flow, c)) {
		o->others_due |= o->due && flow->source != o->due->source;
		o->due = flow;
	}
	if (!o->best || is_better(flow, o->best, c))
		o->best = flow;
}

/* The latest of those with that port, which no other connection can have had at the same time. */
static struct choice choose_named(struct rep_flows *f, const struct clues *c)
{
	struct rep_flow *flow = latest_to(f, c->line->address, c->line->port);

	while (flow && !is_named(flow, c))
		flow = flow->next;
	return (struct choice){ .best = flow, .is_certain = true };
}

static struct choice choose(struct rep_flows *f, const struct clues *c)
{
	const struct rep_line *line = c->line;
	struct choice o = { 0 };
	struct rep_flow *flow;

	if (line->local_port)
		return choose_named(f, c);
	for (flow = latest_to(f, line->address, line->port); flow; flow = flow->next) {
		if (c->is_first && flow->opened < c->connect - SLACK)
			break; /* and so are all behind it */
		if (!is_possible(flow, c))
			continue;
		if (is_same_delivery(flow, c))
			return (struct choice){ .best = flow, .is_certain = true };
		weigh(&o, flow, c);
	}
	/* Rather than none, one of those of which nobody knows when it opened. */
	if (!o.best)
		for (; flow; flow = flow->next)
			if (!flow->opened && is_possible(flow, c))
				weigh(&o, flow, c);
	return o;
}

struct rep_flow *rep_flows_carried(struct rep_flows *f, const struct rep_line *line, const char *own, enum rep_how *how)
{
	struct clues c = read_clues(line, own);
	struct choice o = { 0 };

	if (line->has_address)
		o = choose(f, &c);
	*how = REP_UNKNOWN;
	if (!o.best)
		return NULL;
	if (o.is_certain && !line->local_port) {
		*how = o.best->how;
		return o.best;
	}
	if (o.is_certain || !o.others || (own && o.best->source == own) || is_own_of_process(o.best, &c))
		*how = REP_EXACT;
	else
		*how = is_due(o.best, &c) && !o.others_due ? REP_INFERRED : REP_AMBIGUOUS;
	o.best->uses =
		line->uses ? line->uses : o.best->uses + 1; /* what the line says is right, if lines were missed */
	o.best->deliveries++;
	o.best->used = line->time;
	o.best->queue_id = c.queue_id;
	o.best->line_process = line->pid;
	o.best->how = *how;
	return o.best;
}
