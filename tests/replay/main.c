// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * parity - sequences through the daemon's queue engine, through core alone, and (--module) through the module, which is
 * loaded: they have to give the same verdicts.
 *
 *	parity [--module] [--least N] [--verdicts FOLDER] [--without KIND] SEQUENCE...
 *
 * Prints a line for each sequence. With --verdicts the verdicts of each engine are left in FOLDER as NAME.queue, .core
 * and .module: one struct mxload_verdict for each connection. --least: so many connections at least have to be looked
 * at in all. Status 1: the engines differ, or a sequence did not bring what it expects.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/log.h"
#include "daemon/text.h"
#include "tests/replay/module_engine.h"
#include "tests/replay/sequence.h"

struct options {
	struct mx_module_link *link; /* NULL: no module */
	const char *folder;
	u64 least;
	enum event_kind without; /* EVENT_KINDS: nothing */
};

struct verdicts {
	struct mxload_verdict *of;
	u32 count;
};

/* --- words ------------------------------------------------------------------------------------------------------ */

static const char *left_name(u8 left)
{
	static const char *const names[] = { "decided",           "left: expired",  "left: unknown destination",
					     "left: to be asked", "left: no lease", "left: no source" };

	return left < sizeof(names) / sizeof(names[0]) ? names[left] : "left: for no known reason";
}

static const char *action_name(u8 action)
{
	return action <= MX_HOLD ? mx_action_name(action) : "no action";
}

static void say_verdict(const char *engine, const struct mxload_verdict *v)
{
	fprintf(stderr, "  %-7s %s: %s, %s, provider %u, route %u, pool %u, member %u, source %u, mark 0x%x\n", engine,
		left_name(v->left), action_name(v->action), mx_reason_name(v->reason), v->provider, v->route, v->pool,
		v->member, v->source, v->mark);
}

static void say_flow(const struct sequence *s, u32 number, const struct event *event)
{
	const struct mxload_flow *f = &event->flow;
	struct mx_flow flow = mxload_flow_of(f);
	char from[MX_ADDR_TEXT], to[MX_ADDR_TEXT];

	fprintf(stderr, "%s, line %u, connection %u: %s %u to %s, mark 0x%x, user %d, group %d, waited %llu ms:\n",
		s->path, event->line, number, mx_addr_text(flow.family, flow.from, from), f->from_port,
		mx_addr_text(flow.family, flow.to, to), f->mark, (int)f->user, (int)f->group,
		(unsigned long long)f->waited);
}

/* --- the three engines ------------------------------------------------------------------------------------------ */

static struct verdicts room_for(const struct recording *r)
{
	return (struct verdicts){ mx_alloc((r->counts[EVENT_FLOW] + 1UL) * sizeof(struct mxload_verdict)),
				  r->counts[EVENT_FLOW] };
}

static struct verdicts of_queue(const struct recording *r)
{
	struct verdicts v = room_for(r);
	u32 i, n = 0;

	for (i = 0; i < r->count; i++)
		if (r->events[i].kind == EVENT_FLOW)
			v.of[n++] = r->events[i].verdict;
	return v;
}

static struct verdicts of_core(const struct recording *r)
{
	struct core_engine engine = { 0 };
	struct verdicts v = room_for(r);
	u32 i, n = 0;

	for (i = 0; i < r->count; i++) {
		struct mxload_verdict verdict = core_engine_take(&engine, &r->events[i]);

		if (r->events[i].kind == EVENT_FLOW)
			v.of[n++] = verdict;
	}
	core_engine_free(&engine);
	return v;
}

static struct verdicts of_module(const struct sequence *s, struct mx_module_link *link)
{
	struct verdicts v = room_for(&s->recorder.recording);
	const char *wrong = module_engine_play(link, &s->recorder.recording, v.of);

	if (wrong)
		mx_fatal("%s: the module says: %s", s->path, wrong);
	return v;
}

/* --- comparing -------------------------------------------------------------------------------------------------- */

static const struct event *flow_number(const struct recording *r, u32 number)
{
	u32 i;

	for (i = 0; i < r->count; i++)
		if (r->events[i].kind == EVENT_FLOW && !number--)
			break;
	return &r->events[i];
}

/* True when they are the same; else the first difference is told. */
static bool compare(const struct sequence *s, const struct verdicts *queue, const char *engine,
		    const struct verdicts *other)
{
	u32 i;

	for (i = 0; i < queue->count; i++) {
		if (!memcmp(&queue->of[i], &other->of[i], sizeof(queue->of[i])))
			continue;
		say_flow(s, i + 1, flow_number(&s->recorder.recording, i));
		say_verdict("queue", &queue->of[i]);
		say_verdict(engine, &other->of[i]);
		return false;
	}
	return true;
}

static void keep(const struct options *o, const struct sequence *s, const char *engine, const struct verdicts *v)
{
	const char *name = strrchr(s->path, '/') ? strrchr(s->path, '/') + 1 : s->path;
	char *path;
	FILE *out;

	if (!o->folder)
		return;
	path = mx_format("%s/%.*s.%s", o->folder, (int)strcspn(name, "."), name, engine);
	out = fopen(path, "we");
	if (!out || fwrite(v->of, sizeof(v->of[0]), v->count, out) != v->count || fclose(out))
		mx_fatal("cannot write %s: %s", path, strerror(errno));
	free(path);
}

/* --- what a sequence is about ----------------------------------------------------------------------------------- */

static u32 looked_at(const struct verdicts *v)
{
	u32 n = 0, i;

	for (i = 0; i < v->count; i++)
		n += is_looked_at(&v->of[i]);
	return n;
}

static u32 count_of(const struct verdicts *v, const struct sequence_wish *wish)
{
	u32 n = 0, i;

	for (i = 0; i < v->count; i++)
		n += is_looked_at(&v->of[i]) && v->of[i].action == wish->action && v->of[i].reason == wish->reason;
	return n;
}

static bool has_what_it_wants(const struct sequence *s, const struct verdicts *queue)
{
	bool good = !*s->recorder.wrong;
	u32 i;

	if (!good)
		fprintf(stderr, "%s: %s\n", s->path, s->recorder.wrong);
	for (i = 0; i < s->wish_count; i++) {
		const struct sequence_wish *wish = &s->wishes[i];
		u32 n = count_of(queue, wish);

		if (n >= wish->least)
			continue;
		fprintf(stderr, "%s, line %u: expected at least %u times %s, %s: there are %u\n", s->path, wish->line,
			wish->least, mx_action_name(wish->action), mx_reason_name(wish->reason), n);
		good = false;
	}
	return good;
}

static void say(const struct sequence *s, const struct verdicts *queue, bool good)
{
	const u32 *n = s->recorder.recording.counts;

	printf("%s: %u connections, %u looked at; told: %u policies, %u slots, %u sources, %u providers, "
	       "%u lanes, %u recalls, %u addresses: %s\n",
	       s->path, queue->count, looked_at(queue), n[EVENT_POLICY], n[EVENT_SLOT], n[EVENT_SOURCE],
	       n[EVENT_PROVIDER], n[EVENT_LANE], n[EVENT_RECALL], n[EVENT_LEARNED], good ? "the same" : "NOT the same");
}

struct total {
	u64 connections, looked_at;
};

static bool run(const struct options *o, const char *path, struct total *total)
{
	struct sequence *s = mx_alloc(sizeof(*s));
	struct verdicts queue, core, module;
	bool good;

	sequence_run(s, path);
	queue = of_queue(&s->recorder.recording);
	if (o->without < EVENT_KINDS)
		recording_leave_out(&s->recorder.recording, o->without);
	core = of_core(&s->recorder.recording);
	keep(o, s, "queue", &queue);
	keep(o, s, "core", &core);
	good = compare(s, &queue, "core", &core);
	if (o->link) {
		module = of_module(s, o->link);
		keep(o, s, "module", &module);
		good = compare(s, &queue, "module", &module) && good;
		free(module.of);
	}
	good = has_what_it_wants(s, &queue) && good;
	say(s, &queue, good);
	total->connections += queue.count;
	total->looked_at += looked_at(&queue);
	free(queue.of);
	free(core.of);
	sequence_free(s);
	free(s);
	return good;
}

static void usage(void)
{
	mx_fatal("usage: parity [--module] [--least N] [--verdicts FOLDER] [--without KIND] SEQUENCE...");
}

static void take_option(struct options *o, int c)
{
	if (c == 'm' && !(o->link = mx_module_link_open()))
		mx_fatal("the module does not answer: expected mxload.ko to be loaded");
	else if (c == 'l')
		o->least = strtoull(optarg, NULL, 10);
	else if (c == 'v')
		o->folder = optarg;
	else if (c == 'w' && (o->without = recording_kind(optarg)) == EVENT_KINDS)
		mx_fatal("expected slots, sources, providers, lanes, recalls or addresses to be left out");
	else if (c == '?')
		usage();
}

static struct options read_options(int argc, char **argv)
{
	static const struct option known[] = { { "module", no_argument, NULL, 'm' },
					       { "least", required_argument, NULL, 'l' },
					       { "verdicts", required_argument, NULL, 'v' },
					       { "without", required_argument, NULL, 'w' },
					       { 0 } };
	struct options o = { .without = EVENT_KINDS };
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) >= 0)
		take_option(&o, c);
	if (optind >= argc)
		usage();
	return o;
}

int main(int argc, char **argv)
{
	struct options o = read_options(argc, argv);
	bool good = true;
	struct total total = { 0 };

	setenv("TZ", "UTC", 1);
	tzset();
	mx_log_set_program("parity");
	mx_log_set_level(MX_LOG_ERROR);
	for (; optind < argc; optind++)
		good = run(&o, argv[optind], &total) && good;
	mx_module_link_close(o.link);
	printf("%llu connections in all, %llu of them looked at\n", (unsigned long long)total.connections,
	       (unsigned long long)total.looked_at);
	if (total.looked_at < o.least)
		mx_fatal("expected %llu connections or more", (unsigned long long)o.least);
	return !good;
}
