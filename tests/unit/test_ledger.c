// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random schedules against a naive oracle: whatever is configured, however connections arrive, fail, are reported on,
 * and whatever becomes of the file and of the daemon, no interval of any limit's length ever holds more than the limit.
 * And while nothing goes wrong, nobody is turned away who had room.
 */
#include "tests/unit/drive.h"

#if defined(__SANITIZE_ADDRESS__)
#define RUNS 40
#else
#define RUNS 300
#endif
#define STEPS 1500
#define ARRIVALS 3 /* at most in one step */

#define SOURCES 3
#define PROVIDERS 3 /* p0, p1, default */
#define HELD 64

/* --- what is configured ------------------------------------------------------------------------------------------ */

struct limits {
	u32 most[MX_UNITS][MX_PERIODS]; /* 0: none */
};

struct plan {
	struct limits source[SOURCES], total[PROVIDERS], each[PROVIDERS], lane[PROVIDERS][SOURCES];
	u32 messages[PROVIDERS], hourly, daily; /* caps of the warm-up of source 0 and of source 1; 0: none */
	bool paced[PROVIDERS], sticky[PROVIDERS], whole;
};

static u64 seed;

static u32 random_below(u32 n)
{
	return (u32)(random_next(&seed) % n);
}

static struct limits random_limits(u32 one_in)
{
	struct limits l = { { { 0 } } };
	u32 unit, period;

	for (unit = 0; unit < MX_UNITS; unit++)
		for (period = 0; period < MX_PERIODS; period++)
			if (!random_below(one_in))
				l.most[unit][period] = 1 + random_below(random_below(3) ? 12 : 200) * (period + 1);
	return l;
}

static bool is_empty(const struct limits *l)
{
	static const struct limits none;

	return !memcmp(l, &none, sizeof(none));
}

static struct plan random_plan(bool warm)
{
	struct plan p = { 0 };
	u32 i, j;

	for (i = 0; i < SOURCES; i++)
		p.source[i] = random_limits(8);
	for (i = 0; i < PROVIDERS; i++) {
		p.total[i] = random_limits(10);
		p.each[i] = random_limits(5);
		for (j = 0; j < SOURCES; j++)
			p.lane[i][j] = random_limits(random_below(3) ? 1000000 : 6);
		p.messages[i] = random_below(2) ? 1 : 1 + random_below(12);
		p.paced[i] = !random_below(5);
		p.sticky[i] = random_below(2);
	}
	if (warm) {
		p.hourly = 5 + random_below(40);
		p.daily = 5 + random_below(100);
		p.whole = random_below(2);
	}
	return p;
}

static void put_limits(FILE *out, const char *option, const struct limits *l)
{
	u32 unit, period;
	bool any = false;

	if (is_empty(l))
		return;
	fprintf(out, "%s = [", option);
	for (unit = 0; unit < MX_UNITS; unit++)
		for (period = 0; period < MX_PERIODS; period++)
			if (l->most[unit][period]) {
				fprintf(out, "%s \"%u %s/%s\"", any ? "," : "", l->most[unit][period],
					mx_unit_name(unit), mx_period_name(period));
				any = true;
			}
	fprintf(out, " ];");
}

static void put_warmup(FILE *out, const struct plan *p, u32 source)
{
	if (source < 2 && p->hourly)
		fprintf(out, "warmup: { started = \"2026-01-01\"; schedule = \"%s\"; scope = \"%s\"; };",
			source ? "d" : "h", p->whole ? "source" : "provider");
}

static void put_provider(FILE *out, const struct plan *p, u32 i)
{
	u32 j;

	fprintf(out, "%s: { balance = \"%s\"; messages-per-connection = %u; pace = \"%s\";",
		i == 2 ? "default"
		: i    ? "p1"
		       : "p0",
		p->sticky[i] ? "sticky" : "weighted", p->messages[i], p->paced[i] ? "even" : "");
	if (i < 2)
		fprintf(out, "prefixes = [ \"%s\" ];", i ? "203.0.113.0/24" : "198.51.100.0/24");
	put_limits(out, "limits", &p->each[i]);
	put_limits(out, "total-limits", &p->total[i]);
	fprintf(out, "sources: {");
	for (j = 0; j < SOURCES; j++)
		if (!is_empty(&p->lane[i][j])) {
			fprintf(out, "s%u: {", j);
			put_limits(out, "limits", &p->lane[i][j]);
			fprintf(out, "};");
		}
	fprintf(out, "}; };\n");
}

/* Long ones: they never come to their end, after which there is no cap. */
static void put_schedules(FILE *out, const struct plan *p)
{
	u32 i, day;

	fprintf(out, "schedules: {");
	for (i = 0; i < 2; i++) {
		fprintf(out, "%s [ %u", i ? "d: { daily =" : "h: { hourly =", i ? p->daily : p->hourly);
		for (day = 1; day < 1000; day++)
			fprintf(out, ", %u", i ? p->daily : p->hourly);
		fprintf(out, " ]; };\n");
	}
	fprintf(out, "};\n");
}

/* The configuration as text, which the caller frees. */
static char *text_of(const struct plan *p)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	u32 i;

	if (p->hourly)
		put_schedules(out, p);
	fprintf(out, "sources: {");
	for (i = 0; i < SOURCES; i++) {
		fprintf(out, "s%u: { address = \"192.0.2.%u\";", i, i + 1);
		put_limits(out, "limits", &p->source[i]);
		put_warmup(out, p, i);
		fprintf(out, "};\n");
	}
	fprintf(out, "}; pools: { main: { members: { s0 = 3; s1 = 1; s2 = 2; }; }; };\nproviders: {");
	for (i = 0; i < PROVIDERS; i++)
		put_provider(out, p, i);
	fprintf(out, "}; routes = ( { pool = \"main\"; } );");
	fclose(out);
	return text;
}

/* --- the oracle -------------------------------------------------------------------------------------------------- */

/* One account: everything that was charged to it, in order. */
struct entry {
	u64 time;
	u32 messages, connections; /* 0 when it was given back */
	u32 charged;               /* messages, before a report */
	u32 settled;               /* by which of the book's reports; 0: by none */
	bool loose;                /* nothing limited it: no lease stands for it in the file */
};

struct book {
	struct entry *entries;
	u32 count, written;           /* of those before, the file knows */
	u32 reports, written_reports; /* the same */
};

enum { BOOK_PROVIDER = SOURCES, BOOK_LANE = BOOK_PROVIDER + PROVIDERS, BOOKS = BOOK_LANE + PROVIDERS * SOURCES };

/* An open connection: where it stands in its books. */
struct connection {
	struct mx_lane_id lane;
	u64 made;
	u32 charged;
	bool old; /* made before the daemon died */
	u32 book[3], entry[3];
};

struct world {
	struct drive d;
	struct plan plan;
	char *text;
	struct book books[BOOKS];
	struct connection *open;
	u32 open_count;
	struct {
		struct mx_flow flow;
		u64 since;
	} held[HELD];
	u32 held_count, flying[BOOKS], flying_reports[BOOKS];
	bool rough;   /* things go wrong */
	bool reports; /* connections fail and are reported on */
	struct mx_verdict last;
	u64 reloaded; /* when */
	u64 asked, assigned, refused, ledger, lost;
};

static u64 length_of(u32 period)
{
	return mx_period_length((enum mx_period)period);
}

/* What an account holds of the interval that ends now; both ends count. */
static u64 sum_since(const struct book *b, u64 first, u32 unit)
{
	u64 sum = 0;
	u32 i;

	for (i = b->count; i && b->entries[i - 1].time >= first; i--)
		sum += unit == MX_MESSAGES ? b->entries[i - 1].messages : b->entries[i - 1].connections;
	return sum;
}

/* The same in messages, without what reports have found beyond the charge: that may be too much for a day's cap. */
static u64 charged_since(const struct book *b, u64 first)
{
	u64 sum = 0;
	u32 i;

	for (i = b->count; i && b->entries[i - 1].time >= first; i--)
		sum += b->entries[i - 1].messages < b->entries[i - 1].charged ? b->entries[i - 1].messages
									      : b->entries[i - 1].charged;
	return sum;
}

static const struct limits *limits_of_book(const struct plan *p, u32 book)
{
	u32 lane = book - BOOK_LANE;

	if (book < BOOK_PROVIDER)
		return &p->source[book];
	if (book < BOOK_LANE)
		return &p->total[book - BOOK_PROVIDER];
	return is_empty(&p->lane[lane / SOURCES][lane % SOURCES]) ? &p->each[lane / SOURCES]
								  : &p->lane[lane / SOURCES][lane % SOURCES];
}

static void assert_below(const struct world *w, u32 book)
{
	const struct limits *l = limits_of_book(&w->plan, book);
	u32 unit, period;

	for (unit = 0; unit < MX_UNITS; unit++)
		for (period = 0; period < MX_PERIODS; period++)
			if (l->most[unit][period] &&
			    sum_since(&w->books[book], w->d.now - length_of(period), unit) > l->most[unit][period])
				fail_msg("account %u: more than %u %s in a %s\n%s", book, l->most[unit][period],
					 mx_unit_name(unit), mx_period_name(period), w->text);
}

/* Caps of a warm-up: in any hour; of the two sending days that a day touches, since they have been these. */
static void assert_below_caps(const struct world *w, u32 provider, u32 source)
{
	u32 book = w->plan.whole ? source : BOOK_LANE + provider * SOURCES + source;
	const struct book *b = &w->books[book];
	u64 first = w->d.now - length_of(MX_DAY) + 1;

	if (!w->plan.hourly || source > 1 || (!w->plan.whole && provider == 2))
		return;
	if (source == 0)
		assert_in_range(sum_since(b, w->d.now - length_of(MX_HOUR), MX_MESSAGES), 0, w->plan.hourly);
	else
		assert_in_range(charged_since(b, first > w->reloaded ? first : w->reloaded), 0, 2 * w->plan.daily);
}

/* Whether a limit leaves no room for one more, as a ring of 24 widths and the one that has begun counts. */
static bool is_full(const struct world *w, u32 book, u32 messages)
{
	const struct limits *l = limits_of_book(&w->plan, book);
	u32 unit, period;

	for (unit = 0; unit < MX_UNITS; unit++)
		for (period = 0; period < MX_PERIODS; period++) {
			u64 width = length_of(period) / 24, first = (w->d.now / width - 24) * width;
			u32 n = unit == MX_MESSAGES ? messages : 1;

			if (l->most[unit][period] &&
			    sum_since(&w->books[book], first, unit) + n > l->most[unit][period])
				return true;
		}
	return false;
}

static bool is_warming(const struct world *w, u32 source)
{
	return w->plan.hourly && source < 2;
}

/* Who was turned away had no room anywhere. */
static void assert_no_room(struct world *w, u32 provider)
{
	u32 messages = w->plan.messages[provider], source;

	if (w->plan.paced[provider])
		return;
	for (source = 0; source < SOURCES; source++)
		if (!is_warming(w, source) && !is_full(w, source, messages) &&
		    !is_full(w, BOOK_PROVIDER + provider, messages) &&
		    !is_full(w, BOOK_LANE + provider * SOURCES + source, messages))
			fail_msg("s%u has room at provider %u, at %llu\n%s", source, provider,
				 (unsigned long long)w->d.now, w->text);
}

/* --- what happens ------------------------------------------------------------------------------------------------ */

static const struct mx_room *room_of(const struct world *w, u32 book)
{
	const struct mx_state *st = &w->d.b.state;
	u32 lane = book - BOOK_LANE;

	if (book < BOOK_PROVIDER)
		return &st->source_room[book];
	if (book < BOOK_LANE)
		return &st->provider_room[book - BOOK_PROVIDER];
	return &mx_state_lane(st, lane / SOURCES, lane % SOURCES)->room;
}

static void book_charge(struct world *w, struct connection *c, u32 at, u32 book, u32 messages)
{
	struct book *b = &w->books[book];

	b->entries = mx_grow(b->entries, b->count, sizeof(b->entries[0]));
	c->book[at] = book;
	c->entry[at] = b->count;
	b->entries[b->count++] = (struct entry){ w->d.now, messages, 1, messages, 0, !room_of(w, book)->limited };
	assert_below(w, book);
}

static void take_assigned(struct world *w, const struct mx_flow *flow, const struct mx_verdict *v, u32 messages)
{
	struct connection c = { .lane = drive_lane(&w->d, v->provider, v->source, flow),
				.made = w->d.now,
				.charged = messages };

	w->assigned++;
	book_charge(w, &c, 0, v->source, messages);
	book_charge(w, &c, 1, BOOK_PROVIDER + v->provider, messages);
	book_charge(w, &c, 2, BOOK_LANE + v->provider * SOURCES + v->source, messages);
	assert_below_caps(w, v->provider, v->source);
	w->open = mx_grow(w->open, w->open_count, sizeof(c));
	w->open[w->open_count++] = c;
}

/* What a decision charges is asked for before: the state has learned something else by the time of a report. */
static u32 charge_of(const struct world *w, u32 provider, u32 source)
{
	return mx_state_messages(&w->d.b.state, w->d.b.snapshot, provider, source);
}

static bool is_limit(enum mx_reason reason)
{
	return reason >= MX_REASON_LIMIT_HOUR && reason <= MX_REASON_LIMIT_WEEK;
}

/* True: it waits. */
static bool ask(struct world *w, const struct mx_flow *flow, u64 waited)
{
	u32 before[PROVIDERS * SOURCES], i;
	struct mx_verdict v;

	for (i = 0; i < PROVIDERS * SOURCES; i++)
		before[i] = charge_of(w, i / SOURCES, i % SOURCES);
	v = w->last = drive_decide(&w->d, flow, waited);
	w->asked += !waited;
	if (v.action == MX_ASSIGN) {
		assert_true(v.reason == MX_REASON_WEIGHTED || v.reason == MX_REASON_STICKY);
		take_assigned(w, flow, &v, before[v.provider * SOURCES + v.source]);
		return false;
	}
	assert_true(v.reason >= MX_REASON_LIMIT_HOUR && v.reason <= MX_REASON_LEDGER);
	w->ledger += v.reason == MX_REASON_LEDGER;
	if (!w->rough && !w->reports && is_limit(v.reason) && !w->held_count)
		assert_no_room(w, v.provider);
	w->refused += v.action == MX_REFUSE;
	return v.action == MX_HOLD;
}

/* As daemon/hold.c: all of them, in order. */
static void ask_held(struct world *w)
{
	u32 i, kept = 0, count = w->held_count;

	mx_state_forget_held(&w->d.b.state, w->d.b.snapshot);
	for (i = 0; i < count; i++) {
		u64 waited = w->d.now > w->held[i].since ? w->d.now - w->held[i].since : 1;

		w->held_count = kept;
		if (ask(w, &w->held[i].flow, waited))
			w->held[kept++] = w->held[i];
	}
	w->held_count = kept;
}

/* --- the file ---------------------------------------------------------------------------------------------------- */

static u32 book_of(const struct world *w, const struct mx_ledger_row *row)
{
	u32 s, p;

	for (s = 0; s < SOURCES && strcmp(row->source, w->d.source_names[s]); s++)
		;
	for (p = 0; p < PROVIDERS && strcmp(row->provider, w->d.provider_names[p]); p++)
		;
	return s == SOURCES ? BOOK_PROVIDER + p : p == PROVIDERS ? s : BOOK_LANE + p * SOURCES + s;
}

static void note_collected(struct world *w)
{
	u32 i;

	for (i = 0; i < w->d.flight_count; i++)
		if (!w->d.flight[i].network) {
			u32 book = book_of(w, &w->d.flight[i]);

			w->flying[book] = w->books[book].count;
			w->flying_reports[book] = w->books[book].reports;
		}
}

static void land(struct world *w, enum landing landing)
{
	u32 i;

	for (i = 0; landing != FAILED && i < w->d.flight_count; i++)
		if (!w->d.flight[i].network) {
			u32 book = book_of(w, &w->d.flight[i]);

			w->books[book].written = w->flying[book];
			w->books[book].written_reports = w->flying_reports[book];
		}
	drive_land(&w->d, landing);
}

static bool collect(struct world *w)
{
	if (!drive_collect(&w->d, true))
		return false;
	note_collected(w);
	return true;
}

static void write_all(struct world *w)
{
	while (collect(w))
		land(w, LANDED);
}

static void keep_books(struct world *w)
{
	if (w->d.flight_count) {
		if (random_below(3))
			land(w, !w->rough || random_below(4) ? LANDED : random_below(2) ? FAILED : FAILED_BUT_THERE);
		return;
	}
	if (!mx_ledger_is_urgent(w->d.ledger) && random_below(8))
		return;
	if (w->rough) {
		collect(w);
		return;
	}
	write_all(w);
}

/* What is written down is there: each source may be asked about for the first time, and then nothing is in the way. */
static void ask_covered(struct world *w, const struct mx_flow *flow)
{
	u32 i;

	for (i = 0; i <= SOURCES && w->last.action == MX_HOLD && w->last.reason == MX_REASON_LEDGER; i++) {
		write_all(w);
		mx_state_forget_held(&w->d.b.state, w->d.b.snapshot);
		ask(w, flow, 1);
	}
	if (w->last.reason == MX_REASON_LEDGER)
		fail_msg("it is written down, and yet held\n%s", w->text);
	w->refused += w->last.action == MX_HOLD; /* for room: it need not wait on */
	mx_state_forget_held(&w->d.b.state, w->d.b.snapshot);
}

static void arrive(struct world *w)
{
	static const char *const to[] = { "198.51.100.7", "203.0.113.9", "192.0.2.200" };
	struct mx_flow flow = flow_to(to[random_below(3)]);

	flow.to.lo += random_below(3) << 16; /* for the sticky ones */
	if (random_below(2))
		flow = flow_to(to[random_below(2)]);
	if (!ask(w, &flow, 0))
		return;
	if (!w->rough && !w->held_count && w->last.reason == MX_REASON_LEDGER) {
		ask_covered(w, &flow);
		return;
	}
	if (w->held_count == HELD) {
		w->refused++; /* nobody waits for that long here */
		return;
	}
	w->held[w->held_count].flow = flow;
	w->held[w->held_count++].since = w->d.now;
}

/* Of an account that no limit held, what was not yet written is gone; and what was not, of reports of more. */
static void forget_unwritten(struct book *b)
{
	struct entry *e;

	for (e = b->entries; e < b->entries + b->count; e++) {
		if (e->settled > b->written_reports && e->messages > e->charged)
			e->messages = e->charged;
		if (e->loose && e >= b->entries + b->written)
			e->messages = e->connections = 0;
	}
}

/* The power goes. */
static void crash(struct world *w)
{
	u32 i;

	if (w->d.flight_count && random_below(2))
		land(w, FAILED_BUT_THERE);
	w->d.now += random_below(100000);
	drive_restart(&w->d, w->text);
	for (i = 0; i < BOOKS; i++)
		forget_unwritten(&w->books[i]);
	for (i = 0; i < w->open_count; i++)
		w->open[i].old = true;
	w->lost += w->held_count;
	w->held_count = 0;
}

/* --- what comes later -------------------------------------------------------------------------------------------- */

static struct connection take_open(struct world *w)
{
	u32 i = random_below(2) ? w->open_count - 1 : random_below(w->open_count);
	struct connection c = w->open[i];

	w->open[i] = w->open[--w->open_count];
	return c;
}

static void fail_one(struct world *w, const struct connection *c)
{
	u32 i;

	mx_ledger_refund(w->d.ledger, c->lane, c->made, c->charged, w->d.now);
	for (i = 0; i < 3; i++) {
		struct entry *e = &w->books[c->book[i]].entries[c->entry[i]];

		e->messages = e->connections = 0;
	}
}

static void settle_one(struct world *w, const struct connection *c)
{
	u32 messages = random_below(2) ? random_below(4) : random_below(20), i;

	mx_ledger_settle(w->d.ledger, c->lane, c->made, 1, messages, messages, w->d.now);
	for (i = 0; i < 3; i++) {
		struct book *b = &w->books[c->book[i]];
		struct entry *e = &b->entries[c->entry[i]];

		e->settled = ++b->reports;
		if (e->connections)
			e->messages = messages;
	}
}

/* A new daemon does not know what the connections of the old one were charged for: at most one price later. */
static bool is_price_known(const struct world *w, const struct connection *c)
{
	const struct mx_lane *lane = mx_state_lane(&w->d.b.state, c->lane.provider, c->lane.source);

	return !c->old || (lane->price ? lane->returned : charge_of(w, c->lane.provider, c->lane.source)) <= c->charged;
}

static void report_one(struct world *w)
{
	struct connection c = take_open(w);

	if (!is_price_known(w, &c))
		return;
	if (random_below(2))
		fail_one(w, &c);
	else
		settle_one(w, &c);
}

static void reload(struct world *w, bool warm)
{
	free(w->text);
	w->plan = random_plan(warm);
	w->text = text_of(&w->plan);
	drive_reload(&w->d, w->text);
	w->reloaded = w->d.now + 1;
}

/* Now and then at an edge of a bucket, exactly a period after something, or when the ledger says; often at once. */
static u64 next_time(struct world *w)
{
	u64 now = w->d.now, length = length_of(random_below(MX_PERIODS)), width = length / 24, next;

	switch (random_below(16)) {
	case 0:
		return (now / width + 1) * width + random_below(3) - 1;
	case 1:
		return now + length + random_below(3) - 1;
	case 2:
		next = w->open_count ? w->open[random_below(w->open_count)].made + length + random_below(3) - 1 : now;
		return next > now ? next : now;
	case 3:
	case 4:
		next = mx_ledger_next(w->d.ledger);
		return next != MX_NEVER && next > now + 1 ? next + random_below(3) - 1 : now + 1;
	case 5:
		return now + random_below((u32)width);
	case 6:
		return now + random_below(30000);
	case 7:
	case 8:
		return now + random_below(300000);
	default:
		return now + random_below(2);
	}
}

static void step(struct world *w, bool warm)
{
	u32 n;

	w->d.now = next_time(w);
	ask_held(w);
	for (n = 1 + random_below(ARRIVALS); n; n--)
		arrive(w);
	keep_books(w);
	if (w->reports && w->open_count && !random_below(6))
		report_one(w);
	if (w->rough && !random_below(200))
		crash(w);
	if (!random_below(300))
		reload(w, warm);
}

static void start(struct world *w, bool warm)
{
	memset(w, 0, sizeof(*w));
	w->plan = random_plan(warm);
	w->text = text_of(&w->plan);
	drive_up(&w->d, w->text, DRIVE_START + random_next(&seed) % 2000000000);
}

static void end(struct world *w)
{
	u32 i;

	for (i = 0; i < BOOKS; i++)
		free(w->books[i].entries);
	free(w->open);
	free(w->text);
	drive_down(&w->d);
}

static struct world world;

static void run(u32 first, bool rough, bool reports)
{
	u64 asked = 0, assigned = 0, refused = 0, ledger = 0;
	u32 runs, i;

	for (runs = 0; runs < RUNS; runs++) {
		bool warm = runs % 4 == 3;

		seed = first + runs;
		random_next(&seed);
		start(&world, warm);
		world.rough = rough;
		world.reports = reports;
		for (i = 0; i < STEPS; i++)
			step(&world, warm);
		asked += world.asked;
		assigned += world.assigned;
		refused += world.refused;
		ledger += world.ledger;
		assert_int_equal(world.asked, world.assigned + world.refused + world.lost + world.held_count);
		end(&world);
	}
	print_message("# seeds from %u: %llu decisions, %llu assigned, %llu refused, %llu times the ledger\n", first,
		      (unsigned long long)asked, (unsigned long long)assigned, (unsigned long long)refused,
		      (unsigned long long)ledger);
	assert_true(assigned > asked / 20 && refused > asked / 20 && ledger > 0);
}

/* Nothing goes wrong: no limit is ever broken, and each is reached. */
static void test_fair_weather(void **state)
{
	(void)state;
	run(1000000, false, false);
}

/* Commits fail, are there nevertheless, come late; the power goes: no limit is ever broken. */
static void test_rough_weather(void **state)
{
	(void)state;
	run(2000000, true, false);
}

/* Connections fail and reports come, in both weathers. */
static void test_reports(void **state)
{
	(void)state;
	run(3000000, false, true);
	run(4000000, true, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_fair_weather), cmocka_unit_test(test_rough_weather),
					    cmocka_unit_test(test_reports) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
