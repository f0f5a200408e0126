// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/replay/queue_engine.h"

#include <stdlib.h>

#include "daemon/log.h"
#include "daemon/names.h"
#include "daemon/queued.h"
#include "daemon/states.h"
#include "tests/replay/clock.h"
#include "tests/replay/syn.h"

#define ROWS 64

/* --- the ledger's file ------------------------------------------------------------------------------------------ */

/* As the bookkeeper does it. True: somebody who waited for it may go on. */
static bool write_ledger(struct queue_engine *q)
{
	struct mx_policy *p = &q->policy;
	static struct mx_ledger_row rows[ROWS];
	bool any = false;
	u32 n;

	q->undone = 0;
	while ((n = mx_ledger_collect(p->ledger, rows, ROWS, true, clock_read()))) {
		mx_ledger_written(p->ledger, rows, n, !q->disk_fails, clock_read());
		p->state.ledger_stuck = q->disk_fails;
		any = true;
		if (q->disk_fails)
			break;
	}
	return any;
}

/* --- one decision ----------------------------------------------------------------------------------------------- */

static void remember(struct queue_engine *q, const struct mx_flow *flow, const struct mx_verdict *v)
{
	const struct mx_policy *p = &q->policy;

	if (v->action != MX_ASSIGN)
		return;
	q->open = mx_grow(q->open, q->open_count, sizeof(q->open[0]));
	q->open[q->open_count++] =
		(struct open_connection){ *flow, p->source_names[v->source], p->provider_names[v->provider] };
}

/* What the queue engine has decided is what it answers. */
static void check_mark(struct queue_engine *q, const struct mx_flow *flow, enum mx_answer answer, u32 mark)
{
	const struct mx_verdict *v = &q->policy.decided.verdict;
	u32 mask = q->policy.snapshot->mark_mask;

	if ((answer == MX_ANSWER_WAIT) != (v->action == MX_HOLD) ||
	    (answer == MX_ANSWER_ACCEPT && mark != (v->mark | (flow->mark & ~mask))))
		mx_fatal("line %u: the queue was answered something else than was decided", q->recorder->line);
}

/* True: it waits. */
static bool answer(struct queue_engine *q, const struct mx_flow *flow, u32 sequence, u64 waited)
{
	struct mx_policy *p = &q->policy;
	enum mx_answer answer;
	u32 mark = 0;
	bool known = false;

	mx_policy_tick(p);
	recorder_before(q->recorder, p, flow);
	if (waited)
		answer = mx_intake_answer_again(&q->intake, flow, sequence, waited, &mark);
	else
		answer = mx_intake_answer(&q->intake, flow, sequence, &mark, &known);
	if (known)
		mx_fatal("line %u: a new connection was taken for a known one", q->recorder->line);
	check_mark(q, flow, answer, mark);
	recorder_after(q->recorder, flow, (struct mx_moment){ clock_read(), waited }, &p->decided.verdict);
	remember(q, flow, &p->decided.verdict);
	return answer == MX_ANSWER_WAIT;
}

/* In order, as hold.c does it; under the lock. */
static void ask_waiting(struct queue_engine *q)
{
	u64 now = mx_policy_tick(&q->policy);
	u32 i, n = 0;

	mx_state_forget_held(&q->policy.state, q->policy.snapshot);
	for (i = 0; i < q->waiting_count; i++) {
		struct waiting w = q->waiting[i];
		u64 waited = now > w.since ? now - w.since : 1;

		mx_policy_unlock(&q->policy);
		mx_policy_lock(&q->policy); /* that books the one before */
		if (answer(q, &w.flow, w.sequence, waited))
			q->waiting[n++] = w;
	}
	q->waiting_count = n;
}

/* Writes what somebody waits for, as soon as the disk is done. */
static void settle_down(struct queue_engine *q)
{
	struct mx_policy *p = &q->policy;
	u32 rounds;

	mx_policy_lock(p);
	for (rounds = 0; rounds < 8 && mx_ledger_is_urgent(p->ledger) && q->undone >= q->disk_takes; rounds++) {
		write_ledger(q);
		if (q->waiting_count)
			ask_waiting(q);
		mx_policy_unlock(p);
		mx_policy_lock(p);
		if (q->disk_fails)
			break;
	}
	mx_policy_unlock(p);
}

static bool is_same_flow(const struct mx_flow *a, const struct mx_flow *b)
{
	return a->family == b->family && !mx_addr_cmp(a->from, b->from) && !mx_addr_cmp(a->to, b->to) &&
	       a->from_port == b->from_port && a->to_port == b->to_port && a->mark == b->mark && a->user == b->user &&
	       a->group == b->group;
}

/* From the bytes that the kernel would have sent. */
static struct mx_queued read_queued(const struct queue_engine *q, const struct mx_flow *flow)
{
	char message[SYN_MESSAGE];
	struct mx_queued queued;

	if (!mx_queued_read(syn_message(message, flow, ~q->sequence, q->sequence), &queued) || !queued.is_syn ||
	    queued.id != ~q->sequence || queued.sequence != q->sequence || !is_same_flow(&queued.flow, flow))
		mx_fatal("line %u: expected to read the SYN that was queued", q->recorder->line);
	return queued;
}

void queue_engine_decide(struct queue_engine *q, const struct mx_flow *flow)
{
	struct mx_queued queued;

	q->sequence++;
	queued = read_queued(q, flow);
	mx_policy_lock(&q->policy);
	if (answer(q, &queued.flow, queued.sequence, 0)) {
		q->waiting = mx_grow(q->waiting, q->waiting_count, sizeof(q->waiting[0]));
		q->waiting[q->waiting_count++] = (struct waiting){ queued.flow, queued.sequence, clock_read() };
	}
	mx_policy_unlock(&q->policy);
	q->undone++;
	settle_down(q);
}

/* --- what else happens ------------------------------------------------------------------------------------------ */

void queue_engine_pass(struct queue_engine *q, u64 ms)
{
	clock_set(clock_read() + ms);
	if (clock_read() / 1000 != q->looked / 1000 && mx_states_expire(&q->policy, (s64)(clock_read() / 1000)))
		recorder_settings_changed(q->recorder);
	q->looked = clock_read();
	mx_policy_lock(&q->policy);
	if (q->waiting_count)
		ask_waiting(q);
	mx_policy_unlock(&q->policy);
	settle_down(q);
}

/* As the census counts: what is open and no more. */
static void count_open(struct queue_engine *q)
{
	struct mx_policy *p = &q->policy;
	u32 lanes = p->state.providers * p->state.sources, i;

	for (i = 0; i < lanes; i++)
		p->state.lanes[i].open = 0;
	for (i = q->open_first; i < q->open_count; i++) {
		u16 source = mx_config_source(p->config, q->open[i].source);
		u16 provider = mx_config_provider(p->config, q->open[i].provider);

		if (source != MX_NONE && provider != MX_NONE)
			mx_state_lane(&p->state, provider, source)->open++;
	}
	mx_state_changed(&p->state);
}

void queue_engine_close(struct queue_engine *q, u32 count, bool established)
{
	struct mx_policy *p = &q->policy;
	struct mx_end end = { .sent = 5000, .received = 500, .established = established };

	mx_policy_lock(p);
	for (; count && q->open_first < q->open_count; count--) {
		const struct open_connection *open = &q->open[q->open_first++];
		u16 source = mx_config_source(p->config, open->source);
		u16 provider = mx_config_provider(p->config, open->provider);

		if (source != MX_NONE && provider != MX_NONE)
			mx_policy_end_connection(p, provider, source, &open->flow, &end);
	}
	count_open(q);
	if (q->waiting_count)
		ask_waiting(q);
	mx_policy_unlock(p);
	settle_down(q);
}

/* --- from start to end ------------------------------------------------------------------------------------------ */

static u8 usable(const struct mx_conf_source *source, void *arg)
{
	const struct queue_engine *q = arg;
	u8 families = (u8)source->families;
	u32 i;

	for (i = 0; i < q->gone_count; i++)
		if (q->gone[i].source == mx_name(source->name))
			families = (u8)(families & ~q->gone[i].families);
	return families;
}

void queue_engine_set_usable(struct queue_engine *q, u16 source, u8 families)
{
	const char *name = q->policy.source_names[source];
	u32 i;

	for (i = 0; i < q->gone_count && q->gone[i].source != name; i++)
		;
	if (i == q->gone_count) {
		q->gone = mx_grow(q->gone, q->gone_count, sizeof(q->gone[0]));
		q->gone[q->gone_count++].source = name;
	}
	q->gone[i].families = (u8)~families;
	mx_policy_set_usable(&q->policy, source, usable(&q->policy.config->sources[source], q));
}

void queue_engine_start(struct queue_engine *q, struct mx_config *config, struct recorder *recorder)
{
	*q = (struct queue_engine){ .recorder = recorder, .looked = clock_read() };
	q->store = mx_store_open(":memory:");
	mx_policy_init(&q->policy, config, q->store, usable, q);
	q->intake = (struct mx_intake){ .policy = &q->policy,
					.recent = mx_intake_recent(),
					.journal = mx_journal_new(),
					.strangers = mx_intake_strangers() };
}

void queue_engine_stop(struct queue_engine *q)
{
	mx_policy_free(&q->policy);
	mx_store_close(q->store);
	mx_journal_free(q->intake.journal);
	free(q->intake.recent);
	free(q->intake.strangers);
	free(q->waiting);
	free(q->open);
	free(q->gone);
}

void queue_engine_reload(struct queue_engine *q, struct mx_config *config)
{
	mx_policy_commit(&q->policy, mx_policy_prepare(&q->policy, config));
	mx_policy_lock(&q->policy);
	count_open(q);
	if (q->waiting_count)
		ask_waiting(q);
	mx_policy_unlock(&q->policy);
	settle_down(q);
}
