// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/match.h"

#include <math.h>
#include <stdlib.h>

#include "daemon/log.h"

/* Others to the same host may live for long: those that are over do not wait longer. */
#define PATIENCE (300 * REP_SECOND)
#define SLACK (3 * REP_SECOND / 2)
#define PASSES 8 /* of learning what deliveries take, and placing them by it */
#define ATTEMPTS 6
#define ENOUGH 50000000u /* no further attempt after so much work: about a second */
#define FITS 2.5         /* misfit that is good enough */
#define SWEEPS 20        /* over all deliveries, while placing helps */
#define CHANCE 0.1       /* what is only so little better may be chance */
/* What one sweep looks at, at most: a larger group is not compared pair by pair, or stays as it is. */
#define WORK 2000000u

struct group {
	struct rep_flow **flows; /* all to one host */
	u32 count;
};

static bool is_ripe(const struct rep_flow *flow, s64 now)
{
	return !flow->is_matched && rep_flow_was_ours(flow) && flow->closed && now - flow->closed > REP_FLOW_LATE;
}

/* --- what deliveries take --------------------------------------------------------------------------------------- */

enum way { SAID, HEARD, WAYS };

/* Bytes of a connection by itself, of a delivery with the message besides what is logged of it, and of one without. */
enum part { BASE, WITH, WITHOUT, PARTS };

/* What it is about before anything is learned, and how far off that may be. */
static const struct {
	double mean, off;
} guess[WAYS][PARTS] = {
	[SAID] = { { 40, 40 }, { 68, 15 }, { 61, 15 } },
	[HEARD] = { { 150, 150 }, { 75, 25 }, { 45, 25 } },
};

/* What connections differ by anyway: acknowledgements with other options, lines that are sent again. */
static const double noise[WAYS] = { 20, 15 };

/* A delivery, with its further recipients. */
struct delivery {
	const struct rep_booked *items;
	u32 count;
	u32 from, at, best; /* connections of the group: where it was booked, where it is now, and where it fits best */
	bool has_body;
	double logged[WAYS]; /* bytes that are known from the log */
};

struct puzzle {
	const struct group *group;
	struct delivery *deliveries;
	u32 count;
	double (*left)[WAYS]; /* of each connection: the bytes that its deliveries do not explain */
	double takes[WAYS][PARTS];
	double spread[WAYS]; /* of what is left */
	u64 work;            /* done so far */
};

static u64 dialogue(const struct rep_flow *flow, enum way way)
{
	return way == SAID ? flow->said : flow->heard;
}

static double bytes_of(const struct puzzle *p, const struct delivery *d, enum way way)
{
	return d->logged[way] + p->takes[way][d->has_body ? WITH : WITHOUT];
}

static void explain(struct puzzle *p)
{
	enum way way;
	u32 i;

	for (way = 0; way < WAYS; way++) {
		for (i = 0; i < p->group->count; i++)
			p->left[i][way] = (double)dialogue(p->group->flows[i], way) - p->takes[way][BASE];
		for (i = 0; i < p->count; i++)
			p->left[p->deliveries[i].at][way] -= bytes_of(p, &p->deliveries[i], way);
		p->spread[way] = 0;
		for (i = 0; i < p->group->count; i++)
			p->spread[way] += p->left[i][way] * p->left[i][way] / p->group->count;
		p->spread[way] = fmax(sqrt(p->spread[way]), noise[way]);
	}
}

/* Solves the normal equations, which the guesses make regular, by elimination. */
static void solve(double a[PARTS][PARTS + 1], double x[PARTS])
{
	int i, j, k;

	for (i = 0; i < PARTS; i++)
		for (j = i + 1; j < PARTS; j++)
			for (k = PARTS; k >= i; k--)
				a[j][k] -= a[i][k] * a[j][i] / a[i][i];
	for (i = PARTS - 1; i >= 0; i--) {
		x[i] = a[i][PARTS];
		for (j = i + 1; j < PARTS; j++)
			x[i] -= a[i][j] * x[j];
		x[i] /= a[i][i];
	}
}

/*
 * Least squares over the connections, with the guesses as if they had been observed, too: `stiffness` times as often
 * as what they may be off is to what the connections are off. What the connections tell is little where all carried
 * the same mix of deliveries.
 */
static void learn(struct puzzle *p, enum way way, double stiffness)
{
	double(*x)[PARTS + 1] = mx_alloc(p->group->count * sizeof(*x));
	double a[PARTS][PARTS + 1] = { { 0 } };
	u32 i, j, k;

	for (i = 0; i < p->group->count; i++) {
		x[i][BASE] = 1;
		x[i][PARTS] = (double)dialogue(p->group->flows[i], way);
	}
	for (i = 0; i < p->count; i++) {
		x[p->deliveries[i].at][p->deliveries[i].has_body ? WITH : WITHOUT]++;
		x[p->deliveries[i].at][PARTS] -= p->deliveries[i].logged[way];
	}
	for (i = 0; i < p->group->count; i++)
		for (j = 0; j < PARTS; j++)
			for (k = 0; k <= PARTS; k++)
				a[j][k] += x[i][j] * x[i][k];
	for (j = 0; j < PARTS; j++) {
		double weight = stiffness * p->spread[way] * p->spread[way] / (guess[way][j].off * guess[way][j].off);

		a[j][j] += weight;
		a[j][PARTS] += weight * guess[way][j].mean;
	}
	solve(a, p->takes[way]);
	free(x);
}

/* --- one group -------------------------------------------------------------------------------------------------- */

static bool is_one_source(const struct group *g)
{
	u32 i;

	for (i = 1; i < g->count; i++)
		if (g->flows[i]->source != g->flows[0]->source)
			return false;
	return true;
}

static bool is_told(const struct group *g)
{
	u32 i;

	for (i = 0; i < g->count; i++)
		if (!g->flows[i]->said || !g->flows[i]->heard)
			return false;
	return true;
}

static void collect_deliveries(struct puzzle *p)
{
	u32 i, j;

	for (i = 0; i < p->group->count; i++) {
		const struct rep_carried *c = &p->group->flows[i]->carried;

		for (j = 0; j < c->count; j++) {
			const struct rep_booked *b = &c->items[j];

			if (j && b[-1].use == b->use) {
				p->deliveries[p->count - 1].count++;
				continue;
			}
			p->deliveries = mx_grow(p->deliveries, p->count, sizeof(*p->deliveries));
			p->deliveries[p->count++] = (struct delivery){ .items = b,
								       .count = 1,
								       .from = i,
								       .at = i,
								       .has_body = b->has_body,
								       .logged = { b->size + b->recipient, b->reply } };
		}
	}
}

/* What is known stays with its source. */
static bool can_carry(const struct puzzle *p, const struct delivery *d, u32 to)
{
	const struct rep_flow *flow = p->group->flows[to];

	return flow->opened <= d->items->time + REP_SECOND + SLACK && flow->closed >= d->items->time - SLACK &&
	       (d->items->how != REP_EXACT || flow->source == p->group->flows[d->from]->source);
}

/* How much better the bytes are explained when `d` goes to `to`, and `back` (or NULL) comes from there. */
static double gain(const struct puzzle *p, const struct delivery *d, const struct delivery *back, u32 to)
{
	double sum = 0;
	enum way way;

	for (way = 0; way < WAYS; way++) {
		double bytes = bytes_of(p, d, way) - (back ? bytes_of(p, back, way) : 0), here = p->left[d->at][way],
		       there = p->left[to][way];

		/* here² + there² - (here + bytes)² - (there - bytes)² */
		sum += 2 * bytes * (there - here - bytes) / (p->spread[way] * p->spread[way]);
	}
	return sum;
}

static void go(struct puzzle *p, struct delivery *d, u32 to)
{
	enum way way;

	for (way = 0; way < WAYS; way++) {
		p->left[d->at][way] += bytes_of(p, d, way);
		p->left[to][way] -= bytes_of(p, d, way);
	}
	d->at = to;
}

struct step {
	double gain;
	struct delivery *back;
	u32 to;
};

static void consider(const struct puzzle *p, const struct delivery *d, struct delivery *back, u32 to, struct step *best)
{
	double g = to == d->at ? 0 : gain(p, d, back, to);

	if (g > best->gain && can_carry(p, d, to) && (!back || can_carry(p, back, d->at)))
		*best = (struct step){ g, back, to };
}

/* Each delivery to where it helps most, alone or in exchange for another. False: nothing helps. */
static bool sweep(struct puzzle *p)
{
	bool exchange = (u64)p->count * p->count <= WORK, any = false;
	u32 i, j;

	p->work += (u64)p->count * (p->group->count + (exchange ? p->count : 0));
	for (i = 0; i < p->count; i++) {
		struct delivery *d = &p->deliveries[i];
		struct step best = { .gain = CHANCE };
		u32 at = d->at;

		for (j = 0; j < p->group->count; j++)
			consider(p, d, NULL, j, &best);
		for (j = 0; j < p->count && exchange; j++)
			consider(p, d, &p->deliveries[j], p->deliveries[j].at, &best);
		if (best.gain <= CHANCE)
			continue;
		go(p, d, best.to);
		if (best.back)
			go(p, best.back, at);
		any = true;
	}
	return any;
}

/* From where the deliveries are. */
static void improve(struct puzzle *p)
{
	enum way way;
	u32 part, pass, n;

	for (way = 0; way < WAYS; way++)
		for (part = 0; part < PARTS; part++)
			p->takes[way][part] = guess[way][part].mean;
	explain(p);
	/* At first the guesses count for more: what is learned from deliveries in wrong places keeps them there. */
	for (pass = 0; pass < PASSES; pass++) {
		for (way = 0; way < WAYS; way++)
			learn(p, way, pass < PASSES / 2 ? 100 : 1);
		explain(p);
		for (n = 0; n < SWEEPS && sweep(p); n++)
			;
		if (!n && pass >= PASSES / 2)
			break;
	}
	explain(p);
}

/* How badly the bytes are explained: 1 is as well as can be. */
static double misfit(const struct puzzle *p)
{
	return fmax(p->spread[SAID] / noise[SAID], p->spread[HEARD] / noise[HEARD]);
}

static u32 random_below(u32 *seed, u32 end)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (u32)(((u64)*seed * end) >> 32);
}

/* Another order to look at them, and every second one begins elsewhere. */
static void shuffle(struct puzzle *p, u32 *seed)
{
	u32 i;

	for (i = p->count; i > 1; i--) {
		u32 j = random_below(seed, i);
		struct delivery d = p->deliveries[i - 1];

		p->deliveries[i - 1] = p->deliveries[j];
		p->deliveries[j] = d;
	}
	for (i = 0; i < p->count; i++) {
		struct delivery *d = &p->deliveries[i];
		u32 to = random_below(seed, p->group->count);

		d->at = i % 2 && can_carry(p, d, to) ? to : d->from;
	}
}

/* The best of some attempts, from different beginnings as long as none fits well. */
static void place(struct puzzle *p)
{
	double least = INFINITY, now;
	u32 i, n, seed = 1;

	for (n = 0; n < ATTEMPTS && least > FITS && p->work < ENOUGH; n++) {
		if (n)
			shuffle(p, &seed);
		improve(p);
		now = misfit(p);
		if (now >= least)
			continue;
		least = now;
		for (i = 0; i < p->count; i++)
			p->deliveries[i].best = p->deliveries[i].at;
	}
}

static void move(struct rep_store *store, const struct puzzle *p, const struct delivery *d)
{
	u32 i;

	for (i = 0; i < d->count; i++) {
		const struct rep_booked *b = &d->items[i];

		rep_store_count(store, b->hour, p->group->flows[d->from]->lane, b->what, b->category, b->how,
				-(s32)b->n);
		rep_store_count(store, b->hour, p->group->flows[d->best]->lane, b->what, b->category, REP_INFERRED,
				(s32)b->n);
	}
}

static u32 match_group(struct rep_store *store, const struct group *g)
{
	struct puzzle p = { .group = g };
	u32 i, moved = 0;

	for (i = 0; i < g->count; i++)
		g->flows[i]->is_matched = true;
	if (is_one_source(g) || !is_told(g))
		return 0;
	collect_deliveries(&p);
	if (p.count && (u64)p.count * g->count <= WORK) {
		p.left = mx_alloc(g->count * sizeof(*p.left));
		place(&p);
		for (i = 0; i < p.count; i++)
			if (g->flows[p.deliveries[i].best]->lane != g->flows[p.deliveries[i].from]->lane) {
				move(store, &p, &p.deliveries[i]);
				moved++;
			}
		free(p.left);
	}
	free(p.deliveries);
	return moved;
}

/* --- all -------------------------------------------------------------------------------------------------------- */

struct search {
	struct rep_flow **ripe;
	u32 count;
	s64 now;
};

static void collect(struct rep_flow *flow, void *context)
{
	struct search *s = context;

	if (!is_ripe(flow, s->now))
		return;
	s->ripe = mx_grow(s->ripe, s->count, sizeof(*s->ripe));
	s->ripe[s->count++] = flow;
}

static int by_place(const void *left, const void *right)
{
	const struct rep_flow *a = *(struct rep_flow *const *)left, *b = *(struct rep_flow *const *)right;
	int c = mx_addr_cmp(a->to, b->to);

	return c ? c : a->to_port != b->to_port ? (a->to_port < b->to_port ? -1 : 1) : (int)a->family - (int)b->family;
}

/* Whether a connection to the same host is not over that was there at the same time: what is booked here may be its. */
static bool is_waiting(struct rep_flows *flows, const struct group *g, s64 now)
{
	s64 first = INT64_MAX, last = 0;
	u32 i;

	for (i = 0; i < g->count; i++) {
		if (g->flows[i]->closed < first)
			first = g->flows[i]->closed;
		if (g->flows[i]->closed > last)
			last = g->flows[i]->closed;
	}
	return now - first < PATIENCE && rep_flows_open_since(flows, g->flows[0], last, now - REP_FLOW_LATE);
}

u32 rep_match(struct rep_flows *flows, struct rep_store *store, s64 now)
{
	struct search s = { .now = now };
	u32 begin, end, moved = 0;

	rep_flows_each(flows, collect, &s);
	if (s.count)
		qsort(s.ripe, s.count, sizeof(*s.ripe), by_place);
	for (begin = 0; begin < s.count; begin = end) {
		struct group g = { s.ripe + begin, 0 };

		for (end = begin; end < s.count && !by_place(&s.ripe[begin], &s.ripe[end]); end++)
			g.count++;
		if (!is_waiting(flows, &g, now))
			moved += match_group(store, &g);
	}
	free(s.ripe);
	return moved;
}
