// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/hold.h"
#include "daemon/thread.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define BATCH 64            /* answers that are gathered before they are sent */
#define LOOK_NSEC 250000000 /* the longest that the thread sleeps while somebody waits: patience ends by itself */

struct held {
	struct held *next;
	struct mx_flow flow;
	u32 sequence;
	u64 since; /* ms of the ledger's clock */
	struct mx_held_packet packet;
};

struct mx_hold {
	pthread_t thread;
	struct mx_intake *intake;
	struct held *first, **last;
	bool leaving;
};

struct answer {
	struct mx_held_packet packet;
	enum mx_answer answer;
	u32 mark;
};

void mx_hold_put(struct mx_hold *h, const struct mx_flow *flow, u32 sequence, const struct mx_held_packet *packet)
{
	struct held *held = mx_alloc(sizeof(*held));

	held->flow = *flow;
	held->sequence = sequence;
	held->since = mx_clock_now(&h->intake->policy->clock);
	held->packet = *packet;
	*h->last = held;
	h->last = &held->next;
	if (h->first == held) /* the thread sleeps without an end */
		pthread_cond_broadcast(h->intake->policy->room);
}

static struct held *take_out(struct mx_hold *h, struct held **at)
{
	struct held *held = *at;

	*at = held->next;
	if (!*at)
		h->last = at;
	return held;
}

/* Asks about everybody, in order; returns how many have an answer now. */
static u32 ask_all(struct mx_hold *h, struct answer *answers)
{
	struct mx_policy *p = h->intake->policy;
	u64 now = mx_policy_tick(p);
	struct held **at = &h->first;
	u32 n = 0;

	mx_state_forget_held(&p->state, p->snapshot);
	while (*at) {
		struct held *held = *at;
		u64 waited = now > held->since ? now - held->since : 1; /* 0 is for who has just come */
		enum mx_answer answer = MX_ANSWER_WAIT;
		u32 mark = 0;

		if (n < BATCH)
			answer = mx_intake_answer_again(h->intake, &held->flow, held->sequence, waited, &mark);
		else
			mx_policy_hold_place(p, &held->flow);
		if (answer == MX_ANSWER_WAIT) {
			at = &held->next;
			continue;
		}
		answers[n++] = (struct answer){ held->packet, answer, mark };
		free(take_out(h, at));
	}
	return n;
}

static void send_all(const struct answer *answers, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		answers[i].packet.answer(answers[i].packet.queue, answers[i].packet.id, answers[i].answer,
					 answers[i].mark);
}

/* Until there may be room: when the ledger says, when somebody says so, or by and by. */
static void sleep_some(struct mx_hold *h)
{
	struct mx_policy *p = h->intake->policy;
	u64 now = mx_clock_now(&p->clock), next = mx_ledger_next(p->ledger);
	u64 nsec = next <= now ? 1000000 : next - now < LOOK_NSEC / 1000000 ? (next - now) * 1000000 : LOOK_NSEC;
	struct timespec until;

	if (!h->first) {
		mx_policy_wait(p, p->room, NULL);
		return;
	}
	until = mx_thread_deadline(nsec);
	mx_policy_wait(p, p->room, &until);
}

static void *run(void *arg)
{
	struct mx_hold *h = arg;
	struct mx_policy *p = h->intake->policy;
	struct answer answers[BATCH];
	u32 n;

	mx_policy_lock(p);
	while (!h->leaving) {
		sleep_some(h);
		if (!h->first)
			continue;
		n = ask_all(h, answers);
		mx_policy_unlock(p);
		send_all(answers, n);
		mx_policy_lock(p);
	}
	mx_policy_unlock(p);
	return NULL;
}

struct mx_hold *mx_hold_start(struct mx_intake *intake)
{
	struct mx_hold *h = mx_alloc(sizeof(*h));

	h->intake = intake;
	h->last = &h->first;
	mx_thread_start(&h->thread, run, h, "those that wait");
	return h;
}

void mx_hold_stop(struct mx_hold *h)
{
	struct mx_policy *p = h->intake->policy;

	mx_policy_lock(p);
	h->leaving = true;
	pthread_cond_broadcast(p->room);
	mx_policy_unlock(p);
	pthread_join(h->thread, NULL);
	while (h->first) {
		struct held *held = take_out(h, &h->first);

		held->packet.answer(held->packet.queue, held->packet.id, MX_ANSWER_DROP, 0);
		free(held);
	}
	free(h);
}
