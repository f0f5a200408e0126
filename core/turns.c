// SPDX-License-Identifier: GPL-2.0-or-later OR MIT
#include "core/turns.h"

/*
 * So many rounds, and all is added up: credits as they are kept lie within 2^38 + 2^20 * 2^20 < 2^41, and their
 * products with a weight (2^20) fit.
 */
#define ROUNDS_MAX (1u << 20)

struct turns {
	struct mx_turns *t;
	struct mx_slot *slots;
	u16 *order; /* the heap of those that are due; behind it, from the end backwards, that of the others */
};

static struct turns turns_of(const struct mx_state *st, const struct mx_snapshot *s, u32 index, u32 provider)
{
	const struct mx_pool *pool = &mx_snapshot_pools(s)[index];

	return (struct turns){ &mx_state_group(st, index, provider)->turns, mx_state_slot(st, pool, provider, 0),
			       mx_turns_order(st, pool, provider) };
}

/* --- the order within each heap ---------------------------------------------------------------------------------- */

/* Who would first be owed a whole connection: by (total - credit) / weight. Of two alike the first in the pool. */
static bool sooner_owed(const struct turns *q, u16 a, u16 b)
{
	const struct mx_slot *x = &q->slots[a], *y = &q->slots[b];
	s64 left = (q->t->total - x->credit) * y->weight, right = (q->t->total - y->credit) * x->weight;

	return left < right || (left == right && a < b);
}

/* Who is due first: by -credit / weight. */
static bool sooner_due(const struct turns *q, u16 a, u16 b)
{
	const struct mx_slot *x = &q->slots[a], *y = &q->slots[b];

	return -x->credit * y->weight < -y->credit * x->weight;
}

static bool is_due(const struct turns *q, u16 member)
{
	const struct mx_slot *slot = &q->slots[member];

	return slot->credit + (s64)(q->t->rounds + 1) * slot->weight > 0;
}

/* --- the heaps --------------------------------------------------------------------------------------------------- */

/*
 * One way for both heaps: that of those who wait stands on its head, behind the other one. Who comes to the top sinks
 * to the end along the best of each pair and rises again from there: he mostly belongs near the end, and half as many
 * are compared on the way.
 */
struct heap {
	u16 *root;
	s32 step; /* to the next place: 1, or -1 */
	u32 count;
	bool (*before)(const struct turns *q, u16 a, u16 b);
};

static inline u16 *place(const struct heap *h, u32 at)
{
	return h->root + h->step * (s32)at;
}

static inline void rise(const struct turns *q, const struct heap *h, u32 at, u16 member)
{
	for (; at && h->before(q, member, *place(h, (at - 1) / 2)); at = (at - 1) / 2)
		*place(h, at) = *place(h, (at - 1) / 2);
	*place(h, at) = member;
}

/* The one at the top is another. */
static inline void replace(const struct turns *q, const struct heap *h, u16 member)
{
	u32 at = 0, child;

	while ((child = 2 * at + 1) < h->count) {
		if (child + 1 < h->count && h->before(q, *place(h, child + 1), *place(h, child)))
			child++;
		*place(h, at) = *place(h, child);
		at = child;
	}
	rise(q, h, at, member);
}

static inline struct heap due(const struct turns *q)
{
	return (struct heap){ q->order, 1, q->t->due, sooner_owed };
}

static inline struct heap waiting(const struct turns *q)
{
	return (struct heap){ &q->order[q->t->count - 1], -1, q->t->waiting, sooner_due };
}

static void due_add(const struct turns *q, u16 member)
{
	struct heap h = due(q);

	rise(q, &h, q->t->due++, member);
}

static void waiting_add(const struct turns *q, u16 member)
{
	struct heap h = waiting(q);

	rise(q, &h, q->t->waiting++, member);
}

static void due_replace(const struct turns *q, u16 member)
{
	struct heap h = due(q);

	replace(q, &h, member);
}

static void waiting_replace(const struct turns *q, u16 member)
{
	struct heap h = waiting(q);

	replace(q, &h, member);
}

static bool someone_comes_due(const struct turns *q)
{
	return q->t->waiting && is_due(q, q->order[q->t->count - 1]);
}

/* --- turns ------------------------------------------------------------------------------------------------------- */

void MX_APART mx_turns_settle(const struct mx_state *st, const struct mx_snapshot *s, u32 pool, u32 provider)
{
	struct turns q = turns_of(st, s, pool, provider);
	u32 i;

	for (i = 0; q.t->rounds && i < q.t->count; i++) {
		struct mx_slot *slot = &q.slots[q.order[i]];

		slot->credit += (s64)q.t->rounds * slot->weight;
	}
	q.t->rounds = 0;
	q.t->count = q.t->due = q.t->waiting = 0;
	q.t->families = 0;
}

static bool is_candidate(const struct mx_slot *slot, enum mx_family family)
{
	return mx_slot_shut(slot, family) == MX_REASON_CANDIDATE;
}

/* For whom the order of `family` is right: for the other family, too, when it has the same candidates. */
static u8 families_of(const struct turns *q, u32 members, enum mx_family family)
{
	u32 i;

	for (i = 0; i < members; i++)
		if (is_candidate(&q->slots[i], MX_IPV4) != is_candidate(&q->slots[i], MX_IPV6))
			return (u8)(1u << family);
	return 1u << MX_IPV4 | 1u << MX_IPV6;
}

static MX_APART void make(const struct turns *q, u32 members, enum mx_family family)
{
	u32 i;

	q->t->families = families_of(q, members, family);
	q->t->total = 0;
	for (i = 0; i < members; i++)
		if (is_candidate(&q->slots[i], family)) {
			q->t->total += q->slots[i].weight;
			q->t->count++;
		}
	for (i = 0; i < members; i++)
		if (is_candidate(&q->slots[i], family))
			(is_due(q, (u16)i) ? due_add : waiting_add)(q, (u16)i);
}

void mx_turns_seen(const struct mx_state *st, const struct mx_snapshot *s, u32 pool, u32 provider,
		   enum mx_family family)
{
	struct turns q = turns_of(st, s, pool, provider);

	if (q.t->version == st->version && q.t->seen == family)
		make(&q, mx_snapshot_pools(s)[pool].members, family);
	q.t->version = st->version;
	q.t->seen = (u8)family;
}

void mx_turns_take(const struct mx_state *st, const struct mx_snapshot *s, u32 pool, u32 provider)
{
	struct turns q = turns_of(st, s, pool, provider);
	u16 served = q.order[0];

	q.slots[served].credit -= q.t->total;
	if (++q.t->rounds == ROUNDS_MAX) {
		mx_turns_settle(st, s, pool, provider);
		return;
	}
	if (is_due(&q, served)) {
		due_replace(&q, served);
	} else if (someone_comes_due(&q)) { /* most often: they change places */
		u16 next = q.order[q.t->count - 1];

		waiting_replace(&q, served);
		due_replace(&q, next);
	} else {
		u16 last = q.order[--q.t->due];

		if (q.t->due)
			due_replace(&q, last);
		waiting_add(&q, served);
	}
	while (someone_comes_due(&q)) {
		u16 next = q.order[q.t->count - 1], last = q.order[q.t->count - q.t->waiting--];

		if (q.t->waiting)
			waiting_replace(&q, last);
		due_add(&q, next);
	}
}
