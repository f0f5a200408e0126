// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/match.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"

/* Others to the same host may live for long: those that are over do not wait longer. */
#define PATIENCE (300 * REP_SECOND)
#define SLACK (3 * REP_SECOND / 2)
#define STAGES 30
#define STEPS 160u        /* of each stage, for each delivery */
#define STEPS_MAX 200000u /* of each stage: half a second an attempt */
#define STEPS_MIN 20u     /* for each delivery: with fewer a group stays as it is */
#define ATTEMPTS 10
#define FITS 5                      /* misfit of a connection that is good enough */
#define FITS_NOT 100                /* misfit with which nothing is explained */
#define PLAUSIBLE 4                 /* times what a guess may be off */
#define ENOUGH (STAGES * STEPS_MAX) /* no further group, until next time, after so many steps */

struct group {
	struct rep_flow **flows; /* all to one host */
	u32 count;
};

static bool is_ripe(const struct rep_flow *flow, s64 now)
{
	return !flow->is_matched && !flow->was_before && rep_flow_was_ours(flow) && flow->closed &&
	       now - flow->closed > REP_FLOW_LATE;
}

/* --- what deliveries take --------------------------------------------------------------------------------------- */

enum way { SAID, HEARD, WAYS };

/* Bytes that no line tells of: of a connection by itself, of each delivery, and of one with its message besides. */
enum part { BASE, EACH, BODY, PARTS };

/* What is believed of one of them, and how far off that may be. */
struct belief {
	double mean, off;
};

/*
 * What they are about before anything is learned, how far off that may be, and the least that the protocol allows. To
 * the host go EHLO and QUIT; MAIL, RCPT and RSET, besides addresses; DATA and the dot, less what Postfix's size counts
 * too many. From it come its greeting and what it offers; two answers of "OK"; and two more, of which one says how a
 * message ends.
 */
static const struct {
	struct belief about;
	double least;
} guess[WAYS][PARTS] = {
	[SAID] = { { { 35, 20 }, 10 }, { { 45, 10 }, 32 }, { { 5, 6 }, -10 } },
	[HEARD] = { { { 150, 60 }, 40 }, { { 50, 20 }, 16 }, { { 45, 15 }, 16 } },
};

/* What was learned may be off by so much elsewhere: hosts differ in what they offer, and so in what they are told. */
#define HABIT_OFF 2

/* What they may be off by at first, in all. */
static const double doubt[WAYS] = { 15, 20 };

/* What connections differ by anyway. */
static const double noise[WAYS] = { 2, 1 };

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
	double (*left)[WAYS];             /* of each connection: the bytes that its deliveries do not explain */
	double (*spread)[WAYS];           /* how far off these may be */
	struct belief prior[WAYS][PARTS]; /* what is believed before the connections tell */
	double takes[WAYS][PARTS];
	u32 seed;
};

static u64 dialogue(const struct rep_flow *flow, enum way way)
{
	return way == SAID ? flow->said : flow->heard;
}

static double bytes_of(const struct puzzle *p, const struct delivery *d, enum way way)
{
	return d->logged[way] + p->takes[way][EACH] + (d->has_body ? p->takes[way][BODY] : 0);
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
	}
}

#define FAR 3

/* How badly something is explained: in proportion where it is far off, as where lines were sent again. */
static double misfit(double left, double spread)
{
	double z = fabs(left) / spread;

	return z < FAR ? z * z : FAR * (2 * z - FAR);
}

/* How badly everything is: the bytes, and the guesses. */
static double misfit_of_all(const struct puzzle *p)
{
	double sum = 0;
	enum way way;
	u32 i;

	for (way = 0; way < WAYS; way++) {
		for (i = 0; i < p->group->count; i++)
			sum += misfit(p->left[i][way], p->spread[i][way]);
		for (i = 0; i < PARTS; i++)
			sum += misfit(p->takes[way][i] - p->prior[way][i].mean, p->prior[way][i].off);
	}
	return sum;
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

#define PINNED 1e9 /* observed so surely that nothing else counts */

/* The same, with what would be less than it can be held there. */
static void solve_within(double a[PARTS][PARTS + 1], enum way way, double x[PARTS])
{
	double b[PARTS][PARTS + 1];
	u32 i, pins;

	do {
		memcpy(b, a, sizeof(b));
		solve(b, x);
		for (i = 0, pins = 0; i < PARTS; i++) {
			if (x[i] >= guess[way][i].least - 0.01)
				continue;
			a[i][i] += PINNED;
			a[i][PARTS] += PINNED * guess[way][i].least;
			pins++;
		}
	} while (pins);
}

/*
 * Least squares over the connections, with what is believed as if it had been observed, too; who is far off counts for
 * less (P. J. Huber, Robust Estimation of a Location Parameter, 1964).
 */
static void learn(struct puzzle *p, enum way way)
{
	double(*x)[PARTS + 1] = mx_alloc(p->group->count * sizeof(*x));
	double a[PARTS][PARTS + 1] = { { 0 } };
	u32 i, j, k;

	for (i = 0; i < p->group->count; i++) {
		x[i][BASE] = 1;
		x[i][PARTS] = (double)dialogue(p->group->flows[i], way);
	}
	for (i = 0; i < p->count; i++) {
		x[p->deliveries[i].at][EACH]++;
		x[p->deliveries[i].at][BODY] += p->deliveries[i].has_body;
		x[p->deliveries[i].at][PARTS] -= p->deliveries[i].logged[way];
	}
	for (i = 0; i < p->group->count; i++) {
		double z = fabs(p->left[i][way]) / p->spread[i][way],
		       weight = fmin(1, FAR / z) / (p->spread[i][way] * p->spread[i][way]);

		for (j = 0; j < PARTS; j++)
			for (k = 0; k <= PARTS; k++)
				a[j][k] += weight * x[i][j] * x[i][k];
	}
	for (j = 0; j < PARTS; j++) {
		double weight = 1 / (p->prior[way][j].off * p->prior[way][j].off);

		a[j][j] += weight;
		a[j][PARTS] += weight * p->prior[way][j].mean;
	}
	solve_within(a, way, p->takes[way]);
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

/* Whether the daemon has told the bytes of each connection, and the log the size of most messages. */
static bool is_told(const struct group *g)
{
	u32 deliveries = 0, sized = 0, i, j;

	for (i = 0; i < g->count; i++) {
		if (!g->flows[i]->said || !g->flows[i]->heard)
			return false;
		deliveries += g->flows[i]->carried.count;
		for (j = 0; j < g->flows[i]->carried.count; j++)
			sized += g->flows[i]->carried.items[j].size > 0;
	}
	return sized >= deliveries - deliveries / 10;
}

/* What a line does not tell, another of the same message may. */
static u32 recipient_of(const struct rep_booked *b, struct rep_queue *queue)
{
	const struct rep_queued *queued = b->recipient ? NULL : rep_queue_recall(queue, b->queue_id);

	return queued ? queued->recipient : b->recipient;
}

/* What stands in for what none tells. */
struct means {
	double recipient, sender, size;
};

static struct means means_of(const struct group *g)
{
	struct means sum = { 0 };
	u32 recipients = 0, sizes = 0, i, j;

	for (i = 0; i < g->count; i++)
		for (j = 0; j < g->flows[i]->carried.count; j++) {
			const struct rep_booked *b = &g->flows[i]->carried.items[j];

			sum.recipient += b->recipient;
			recipients += b->recipient > 0;
			sum.sender += b->sender;
			sum.size += b->size;
			sizes += b->size > 0;
		}
	return (struct means){ recipients ? sum.recipient / recipients : 0, sizes ? sum.sender / sizes : 0,
			       sizes ? sum.size / sizes : 0 };
}

/* Bytes to the host that the log tells of. */
static double said_by_log(const struct rep_booked *b, struct rep_queue *queue, const struct means *means)
{
	u32 recipient = recipient_of(b, queue);
	double said = recipient ? recipient : means->recipient;

	said += b->size ? b->sender : means->sender;
	if (b->has_body)
		said += b->size ? b->size : means->size;
	return said;
}

static void collect_deliveries(struct puzzle *p, struct rep_queue *queue)
{
	struct means means = means_of(p->group);
	u32 i, j;

	for (i = 0; i < p->group->count; i++) {
		const struct rep_carried *c = &p->group->flows[i]->carried;

		for (j = 0; j < c->count; j++) {
			const struct rep_booked *b = &c->items[j];

			if (j && b[-1].delivery == b->delivery) {
				p->deliveries[p->count - 1].count++;
				continue;
			}
			p->deliveries = mx_grow(p->deliveries, p->count, sizeof(*p->deliveries));
			p->deliveries[p->count++] =
				(struct delivery){ .items = b,
						   .count = 1,
						   .from = i,
						   .at = i,
						   .best = i,
						   .has_body = b->has_body,
						   .logged = { said_by_log(b, queue, &means), b->reply } };
		}
	}
}

static bool was_open(const struct rep_flow *flow, const struct delivery *d)
{
	return flow->opened <= d->items->time + REP_SECOND + SLACK && flow->closed >= d->items->time - SLACK;
}

/* What is known stays with its source. */
static bool can_carry(const struct puzzle *p, const struct delivery *d, u32 to)
{
	const struct rep_flow *flow = p->group->flows[to];

	return was_open(flow, d) && (d->items->how != REP_EXACT || flow->source == p->group->flows[d->from]->source);
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

/* How much better the bytes are explained when `d` goes to `to`, and `back` (or NULL) comes from there. */
static double gain(const struct puzzle *p, const struct delivery *d, const struct delivery *back, u32 to)
{
	double sum = 0;
	enum way way;

	for (way = 0; way < WAYS; way++) {
		double bytes = bytes_of(p, d, way) - (back ? bytes_of(p, back, way) : 0);
		double here = p->left[d->at][way], there = p->left[to][way];
		double spread_here = p->spread[d->at][way], spread_there = p->spread[to][way];

		sum += misfit(here, spread_here) - misfit(here + bytes, spread_here);
		sum += misfit(there, spread_there) - misfit(there - bytes, spread_there);
	}
	return sum;
}

static u32 random_below(u32 *seed, u32 end)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (u32)(((u64)*seed * end) >> 32);
}

/* Whether to take what is worse by so much: the more so, the rarer, unless it is `cold`. */
static bool dares(struct puzzle *p, double worse, bool cold)
{
	return !cold && random_below(&p->seed, 1000000) < 1e6 * exp(-worse / 2);
}

/* One delivery to another connection, or two that change theirs, as chance has it. */
static void step(struct puzzle *p, bool cold)
{
	struct delivery *d = &p->deliveries[random_below(&p->seed, p->count)], *back = NULL;
	u32 to = random_below(&p->seed, p->group->count), at = d->at;
	double better;

	if (random_below(&p->seed, 4)) {
		back = &p->deliveries[random_below(&p->seed, p->count)];
		to = back->at;
	}
	if (to == at || !can_carry(p, d, to) || (back && !can_carry(p, back, at)))
		return;
	better = gain(p, d, back, to);
	if (better < 0 && !dares(p, -better, cold))
		return;
	go(p, d, to);
	if (back)
		go(p, back, at);
}

/*
 * How far off what a connection carried may be: at first by what the guess of a delivery may, for each that it carried,
 * in the end by no more than the noise. So those that carried few are explained first, and teach what the others take.
 */
static void allow(struct puzzle *p, u32 stage)
{
	double heard = 0, share = pow(0.001, (double)stage / STAGES);
	enum way way;
	u32 i;

	for (i = 0; i < p->group->count; i++)
		heard += (double)p->group->flows[i]->heard;
	for (i = 0; i < p->group->count; i++)
		for (way = 0; way < WAYS; way++) {
			double carried = p->count * (double)p->group->flows[i]->heard / heard;

			p->spread[i][way] = hypot(noise[way], share * doubt[way] * carried);
		}
}

/* With what is known of the habit, if it is given. */
static void believe(struct puzzle *p, const struct rep_habit *habit)
{
	enum way way;
	u32 i;

	for (way = 0; way < WAYS; way++)
		for (i = 0; i < PARTS; i++)
			p->prior[way][i] = guess[way][i].about;
	if (habit) {
		p->prior[SAID][EACH] = (struct belief){ habit->each, HABIT_OFF };
		p->prior[SAID][BODY] = (struct belief){ habit->body, HABIT_OFF };
	}
	for (way = 0; way < WAYS; way++)
		for (i = 0; i < PARTS; i++)
			p->takes[way][i] = p->prior[way][i].mean;
}

/* Places and learns in turn (S. Kirkpatrick et al., Optimization by Simulated Annealing, 1983). */
static void attempt(struct puzzle *p, u32 steps)
{
	enum way way;
	u32 stage, i;

	explain(p);
	for (stage = 0; stage <= STAGES; stage++) {
		allow(p, stage);
		for (i = 0; i < steps; i++)
			step(p, stage == STAGES);
		for (way = 0; way < WAYS; way++)
			learn(p, way);
		explain(p);
	}
}

/*
 * What is learned has to be near what was guessed: where the dialogue is encrypted, say, it is not, and connections
 * differ by more than their deliveries.
 */
static bool is_plausible(const struct puzzle *p)
{
	enum way way;
	u32 i;

	for (way = 0; way < WAYS; way++)
		for (i = 0; i < PARTS; i++)
			if (fabs(p->takes[way][i] - guess[way][i].about.mean) > PLAUSIBLE * guess[way][i].about.off)
				return false;
	return true;
}

/*
 * The best of some attempts, as long as none fits well: two of three with what was learned elsewhere. How many steps
 * were made.
 */
static u32 place(struct puzzle *p, struct rep_habit *habit)
{
	u32 steps = p->count * STEPS < STEPS_MAX ? p->count * STEPS : STEPS_MAX, i, n;
	double least = FITS_NOT * (double)p->group->count, now;

	for (n = 0; n < ATTEMPTS && least > FITS * p->group->count; n++) {
		believe(p, habit->is_known && n % 3 < 2 ? habit : NULL);
		attempt(p, steps);
		now = misfit_of_all(p);
		if (now >= least || !is_plausible(p))
			continue;
		least = now;
		if (now <= FITS * p->group->count)
			*habit = (struct rep_habit){ true, p->takes[SAID][EACH], p->takes[SAID][BODY] };
		for (i = 0; i < p->count; i++)
			p->deliveries[i].best = p->deliveries[i].at;
	}
	mx_log(MX_LOG_DEBUG, "%u deliveries over %u connections to one host: misfit %.1f after %u attempts", p->count,
	       p->group->count, least / p->group->count, n);
	return n * STAGES * steps;
}

static int by_opening(const void *left, const void *right)
{
	const struct rep_flow *a = *(struct rep_flow *const *)left, *b = *(struct rep_flow *const *)right;

	return (a->opened > b->opened) - (a->opened < b->opened);
}

static int by_time(const void *left, const void *right)
{
	const struct delivery *a = left, *b = right;

	return (a->items->time > b->items->time) - (a->items->time < b->items->time);
}

/*
 * Where lines tell the port of a connection, as Exim's do but for hosts that it passed over: those of which none tells
 * belong to the deliveries without one, in the order of time.
 */
static void place_nameless(struct puzzle *p)
{
	bool *is_taken = mx_alloc(p->group->count * sizeof(*is_taken));
	u32 i, j, named = 0;

	for (i = 0; i < p->count; i++)
		if (p->deliveries[i].items->is_named) {
			is_taken[p->deliveries[i].at] = true;
			named++;
		}
	qsort(p->deliveries, p->count, sizeof(*p->deliveries), by_time);
	for (i = 0; i < p->count && named; i++) {
		struct delivery *d = &p->deliveries[i];

		for (j = 0; j < p->group->count && !d->items->is_named; j++) {
			if (is_taken[j] || !was_open(p->group->flows[j], d))
				continue;
			is_taken[j] = true;
			d->best = j;
			break;
		}
	}
	free(is_taken);
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

/* How many went over; *work grows by what was done for it. */
static u32 match_group(struct rep_queue *queue, struct rep_store *store, struct rep_habit *habit, const struct group *g,
		       u32 *work)
{
	struct puzzle p = { .group = g };
	u32 i, moved = 0;

	for (i = 0; i < g->count; i++)
		g->flows[i]->is_matched = true;
	if (is_one_source(g))
		return 0;
	qsort(g->flows, g->count, sizeof(*g->flows), by_opening);
	collect_deliveries(&p, queue);
	if (!is_told(g)) {
		place_nameless(&p);
	} else if (p.count && p.count * STEPS_MIN <= STEPS_MAX) {
		p.left = mx_alloc(g->count * sizeof(*p.left));
		p.spread = mx_alloc(g->count * sizeof(*p.spread));
		*work += place(&p, habit);
		free(p.spread);
		free(p.left);
	}
	for (i = 0; i < p.count; i++)
		if (g->flows[p.deliveries[i].best]->lane != g->flows[p.deliveries[i].from]->lane) {
			move(store, &p, &p.deliveries[i]);
			moved++;
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

u32 rep_match(struct rep_flows *flows, struct rep_queue *queue, struct rep_store *store, struct rep_habit *habit,
	      s64 now)
{
	struct search s = { .now = now };
	u32 begin, end, moved = 0, work = 0;

	rep_flows_each(flows, collect, &s);
	if (s.count)
		qsort(s.ripe, s.count, sizeof(*s.ripe), by_place);
	for (begin = 0; begin < s.count && work < ENOUGH; begin = end) {
		struct group g = { s.ripe + begin, 0 };

		for (end = begin; end < s.count && !by_place(&s.ripe[begin], &s.ripe[end]); end++)
			g.count++;
		if (!is_waiting(flows, &g, now))
			moved += match_group(queue, store, habit, &g, &work);
	}
	free(s.ripe);
	return moved;
}
