// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmod/decisions.h"

#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "kmod/convert.h"
#include "kmod/protocol.h"

#define RING 1024      /* of one processor, a power of two */
#define HANDFUL 128    /* in one message */
#define GATHER_MSEC 80 /* a little less than the daemon's round, so that both are one awakening */

struct ring {
	u32 head; /* written by this processor alone, with softirqs off */
	u32 tail; /* by who sends */
	u64 lost;
	u64 lost_told; /* how many of them the numbers of the decisions leave out already */
	struct entry {
		u64 generation;
		struct mxload_decision decision;
	} entry[RING];
};

struct mxload_decisions {
	struct net *net;
	struct delayed_work work;
	struct mutex sending; /* one sends: the rings are emptied in order */
	u64 told;             /* number of the next decision */
	u64 unheard;
	struct ring *ring[];
};

/* --- telling ---------------------------------------------------------------------------------------------------- */

struct mxload_verdict mxload_decisions_verdict(enum mxload_left left, const struct mx_verdict *v)
{
	if (left == MXLOAD_LEFT_EXPIRED)
		return (struct mxload_verdict){ .left = (u8)left };
	return mxload_verdict_of(left, v);
}

/* A SYN of connect() comes by in the process that connects; one that is sent again, or is forwarded, does not. */
static bool is_in_process(bool forwarded)
{
	return !forwarded && in_task() && !(current->flags & PF_KTHREAD);
}

/* As its own pid namespace knows it; in the first one it has no other number. */
static u32 local_process(void)
{
	return (u32)(task_pid(current)->level ? task_tgid_vnr(current) : task_tgid_nr(current));
}

/*
 * Sending wakes up two processes, which costs as much as many decisions: so it waits until there is a handful. It does
 * not where somebody waits for it, a lane that has no lease; nor until the ring is full.
 */
static void have_sent(struct mxload_decisions *ds, u32 filled, enum mxload_left left)
{
	if (left == MXLOAD_LEFT_LEASE || filled == RING / 2)
		mod_delayed_work(system_unbound_wq, &ds->work, 0);
	else if (!delayed_work_pending(&ds->work))
		queue_delayed_work(system_unbound_wq, &ds->work, msecs_to_jiffies(GATHER_MSEC));
}

void mxload_decisions_tell(struct mxload_decisions *ds, u64 generation, const struct mx_flow *flow, bool forwarded,
			   enum mxload_left left, const struct mx_verdict *verdict)
{
	struct ring *ring = ds->ring[smp_processor_id()];
	struct entry *entry = &ring->entry[ring->head % RING];
	/* what stood here before has been read: see the release in send_some() */
	u32 filled = ring->head - smp_load_acquire(&ring->tail);

	if (filled < RING) {
		entry->generation = generation;
		/* what is left out would be zeroed first, all of it */
		entry->decision = (struct mxload_decision){
			.time = ktime_get_coarse_real_ns(),
			.from_hi = flow->from.hi,
			.from_lo = flow->from.lo,
			.to_hi = flow->to.hi,
			.to_lo = flow->to.lo,
			.from_port = flow->from_port,
			.to_port = flow->to_port,
			.family = (u8)flow->family,
			.forwarded = forwarded,
			.reserved = 0,
			.process = is_in_process(forwarded) ? (u32)task_tgid_nr(current) : 0,
			.local_process = is_in_process(forwarded) ? local_process() : 0,
			.user = flow->user,
			.verdict = mxload_decisions_verdict(left, verdict),
		};
		/* whoever sees the new head sees the entry */
		smp_store_release(&ring->head, ring->head + 1);
	} else {
		WRITE_ONCE(ring->lost, ring->lost + 1);
	}
	/* either this sees that the work has begun, or the work sees the new head */
	smp_mb();
	have_sent(ds, filled, left);
}

/* --- sending ---------------------------------------------------------------------------------------------------- */

/* Sends up to a handful of one generation. False: there is nothing. */
static bool send_some(struct mxload_decisions *ds, struct ring *ring)
{
	/* the entries before it are whole: see mxload_decisions_tell() */
	u32 head = smp_load_acquire(&ring->head), n = 0;
	u64 generation = ring->entry[ring->tail % RING].generation, lost = READ_ONCE(ring->lost);
	bool heard = mxload_protocol_is_heard(ds->net);
	struct mxload_decision *to;
	struct sk_buff *skb;

	ds->told += lost - ring->lost_told;
	ring->lost_told = lost;
	while (n < HANDFUL && ring->tail + n != head && ring->entry[(ring->tail + n) % RING].generation == generation)
		n++;
	if (!n)
		return false;
	skb = heard ? mxload_protocol_decisions(generation, ds->told, n, &to) : NULL;
	if (skb) {
		u32 i;

		for (i = 0; i < n; i++)
			to[i] = ring->entry[(ring->tail + i) % RING].decision;
	}
	/* these have been read and may be written over */
	smp_store_release(&ring->tail, ring->tail + n);
	ds->told += n;
	if (heard && (!skb || mxload_protocol_send(ds->net, skb) == -ENOBUFS))
		WRITE_ONCE(ds->unheard, ds->unheard + n);
	return true;
}

void mxload_decisions_flush(struct mxload_decisions *ds)
{
	u32 cpu;

	mutex_lock(&ds->sending);
	for_each_possible_cpu(cpu) {
		while (send_some(ds, ds->ring[cpu]))
			cond_resched();
	}
	mutex_unlock(&ds->sending);
}

static void send(struct work_struct *work)
{
	mxload_decisions_flush(container_of(to_delayed_work(work), struct mxload_decisions, work));
}

/* --- from start to end ------------------------------------------------------------------------------------------ */

struct mxload_decisions *mxload_decisions_new(struct net *net)
{
	struct mxload_decisions *ds = kzalloc(struct_size(ds, ring, nr_cpu_ids), GFP_KERNEL_ACCOUNT);
	u32 cpu;

	if (!ds)
		return NULL;
	ds->net = net;
	mutex_init(&ds->sending);
	INIT_DELAYED_WORK(&ds->work, send);
	for_each_possible_cpu(cpu) {
		ds->ring[cpu] = kvzalloc_node(sizeof(*ds->ring[cpu]), GFP_KERNEL_ACCOUNT, cpu_to_node(cpu));
		if (!ds->ring[cpu]) {
			mxload_decisions_free(ds);
			return NULL;
		}
	}
	return ds;
}

void mxload_decisions_free(struct mxload_decisions *ds)
{
	u32 cpu;

	if (!ds)
		return;
	cancel_delayed_work_sync(&ds->work);
	for_each_possible_cpu(cpu)
		kvfree(ds->ring[cpu]);
	kfree(ds);
}

u64 mxload_decisions_lost(const struct mxload_decisions *ds)
{
	u64 lost = READ_ONCE(ds->unheard);
	u32 cpu;

	for_each_possible_cpu(cpu)
		lost += READ_ONCE(ds->ring[cpu]->lost);
	return lost;
}
