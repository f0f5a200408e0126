// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmod/policy.h"

#include <linux/bitmap.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "core/classify.h"
#include "core/turns.h"

#define STATE_MAX (1ULL << 29) /* bytes: what the largest policy that makes sense takes, many times over */
#define WORK_MAX (1ULL << 20)  /* comparisons for one connection: a hundredth of a second, if ever it comes to that */

#define CREDIT_MAX (2LL * MX_NONE * MX_WEIGHT_MAX)

/* `what` is a constant; NL_SET_ERR_MSG() takes literals alone. */
static int refuse(struct netlink_ext_ack *extack, const char *what)
{
	if (extack)
		extack->_msg = what;
	return -EINVAL;
}

/* --- making one ------------------------------------------------------------------------------------------------- */

/* No policy is worth that somebody else is killed for its memory. */
#define MEMORY (GFP_KERNEL_ACCOUNT | __GFP_NOWARN | __GFP_RETRY_MAYFAIL)

static void *zeroed(u64 size)
{
	return kvzalloc(size, MEMORY);
}

struct mxload_policy *mxload_policy_new(u64 generation, u64 size, u64 checksum, u64 seed,
					struct netlink_ext_ack *extack)
{
	struct mxload_policy *p;

	if (size < sizeof(struct mx_snapshot) || size > MXLOAD_SNAPSHOT_MAX) {
		NL_SET_ERR_MSG(extack, "a snapshot has at least the size of its header, and at most 128 MiB");
		return ERR_PTR(-EINVAL);
	}
	p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	if (!p)
		return ERR_PTR(-ENOMEM);
	p->generation = generation;
	p->size = size;
	p->checksum = checksum;
	seqlock_init(&p->learning);
	p->snapshot = zeroed(size);
	p->learned = zeroed(sizeof(*p->learned));
	if (!p->snapshot || !p->learned) {
		mxload_policy_free(p);
		return ERR_PTR(-ENOMEM);
	}
	p->learned->seed = seed;
	return p;
}

void mxload_policy_free(struct mxload_policy *p)
{
	if (!p)
		return;
	kvfree(p->snapshot);
	kvfree(p->memory);
	kvfree(p->shards);
	kvfree(p->learned);
	bitmap_free(p->changed_lanes);
	bitmap_free(p->changed_groups);
	kfree(p);
}

/*
 * What a source or a provider may send is in the leases of its lanes; their own rooms are open. A lane of which nothing
 * was said has a lease of nothing.
 */
static void open_rooms(const struct mxload_policy *p, struct mx_state *st)
{
	u32 i;

	for (i = 0; i < p->sources; i++)
		st->source_room[i].opened = true;
	for (i = 0; i < p->providers; i++)
		st->provider_room[i].opened = true;
	for (i = 0; i < p->providers * p->sources; i++) {
		struct mx_room *room = &st->lanes[i].room;

		room->opened = true;
		room->limited = 1u << MX_CONNECTIONS;
		room->left[MX_CONNECTIONS] = ~0u;
	}
}

/*
 * What there is to look through for one connection, at worst. It happens with softirqs off, and who sends the policy
 * may be nobody but the owner of a namespace.
 */
static u64 work_of(const struct mx_snapshot *s)
{
	u64 work = (u64)mx_snapshot_count(s, MX_SECTION_MEMBERS) + mx_snapshot_count(s, MX_SECTION_PORTS) +
		   mx_snapshot_count(s, MX_SECTION_SERVED) + mx_snapshot_count(s, MX_SECTION_ROUTES);
	u32 i;

	for (i = 0; i < mx_snapshot_count(s, MX_SECTION_ROUTES); i++) {
		u16 class = mx_snapshot_routes(s)[i].class;
		const struct mx_class *c = class == MX_NONE ? NULL : &mx_snapshot_classes(s)[class];

		if (c)
			work += (u64)c->marks.count + c->users.count + c->groups.count + c->clients.count;
	}
	return work;
}

/* The state of a snapshot that was checked. */
static int lay_out(struct mxload_policy *p, struct netlink_ext_ack *extack)
{
	struct mx_state state;
	u32 i;

	if (mx_state_size(p->snapshot) > STATE_MAX) {
		NL_SET_ERR_MSG(extack, "the policy has more lanes than there can be");
		return -E2BIG;
	}
	if (work_of(p->snapshot) > WORK_MAX) {
		NL_SET_ERR_MSG(extack, "a connection would take too long to decide");
		return -E2BIG;
	}
	p->providers = mx_snapshot_count(p->snapshot, MX_SECTION_PROVIDERS);
	p->sources = mx_snapshot_count(p->snapshot, MX_SECTION_SOURCES);
	p->groups = mx_snapshot_count(p->snapshot, MX_SECTION_POOLS) * p->providers;
	p->memory = zeroed(mx_state_size(p->snapshot));
	p->changed_lanes = bitmap_zalloc(p->providers * p->sources, MEMORY);
	p->changed_groups = bitmap_zalloc(p->groups, MEMORY);
	if (!p->memory || !p->changed_lanes || !p->changed_groups)
		return -ENOMEM;
	p->shards = kvcalloc(p->providers, sizeof(*p->shards), MEMORY);
	if (!p->shards)
		return -ENOMEM;
	mx_state_init(&state, p->snapshot, p->memory);
	state.learned = p->learned;
	open_rooms(p, &state);
	for (i = 0; i < p->providers; i++) {
		spin_lock_init(&p->shards[i].lock);
		p->shards[i].state = state;
	}
	return 0;
}

static int check(struct mxload_policy *p, struct netlink_ext_ack *extack)
{
	const char *wrong;

	if (mx_snapshot_checksum(p->snapshot, p->size) != p->checksum) {
		NL_SET_ERR_MSG(extack, "the snapshot is not what its checksum says");
		return -EBADMSG;
	}
	wrong = mx_snapshot_check(p->snapshot, p->size);
	if (wrong)
		return refuse(extack, wrong);
	if (p->snapshot->generation != p->generation)
		return refuse(extack, "the snapshot is of another generation");
	return lay_out(p, extack);
}

int mxload_policy_chunk(struct mxload_policy *p, u64 offset, const void *data, u32 size, struct netlink_ext_ack *extack)
{
	if (offset != p->received || !size || size > p->size - p->received)
		return refuse(extack,
			      "pieces of a snapshot come in order, none is empty, and the last ends where it ends");
	memcpy((u8 *)p->snapshot + offset, data, size);
	p->received += size;
	return p->received == p->size ? check(p, extack) : 0;
}

/* --- what changes ----------------------------------------------------------------------------------------------- */

static u32 lane_number(const struct mxload_policy *p, u32 provider, u32 source)
{
	return provider * p->sources + source;
}

static bool is_lane(const struct mxload_policy *p, u32 provider, u32 source)
{
	return provider < p->providers && source < p->sources;
}

/* A pool at a provider, of which weights were set. */
struct reweighed {
	u32 pool; /* MX_NONE: none */
	u32 provider;
};

static struct reweighed group_of_slot(const struct mxload_policy *p, u32 slot)
{
	u32 pool = mx_snapshot_pool_of_slot(p->snapshot, slot);
	const struct mx_pool *of = &mx_snapshot_pools(p->snapshot)[pool];

	return (struct reweighed){ pool, (slot - of->first_slot) / of->members };
}

/* Nobody is paid for what he was owed under other weights; as the daemon does it. */
static void bound_credit(struct mxload_policy *p, const struct reweighed *group)
{
	struct mxload_shard *shard;

	if (group->pool == MX_NONE)
		return;
	shard = &p->shards[group->provider];
	spin_lock_bh(&shard->lock);
	mx_state_bound_credit(&shard->state, p->snapshot, group->pool, group->provider);
	spin_unlock_bh(&shard->lock);
}

static int check_slot(const struct mxload_policy *p, const struct mxload_slot *slot, struct netlink_ext_ack *extack)
{
	if (slot->slot >= p->snapshot->slots)
		return refuse(extack, "no such slot");
	if (!slot->set || slot->set & ~(MXLOAD_SLOT_WEIGHT | MXLOAD_SLOT_CREDIT) || slot->reserved)
		return refuse(extack, "a slot's weight or credit is set, and nothing else");
	if (slot->weight > MX_WEIGHT_MAX || slot->credit > CREDIT_MAX || slot->credit < -CREDIT_MAX)
		return refuse(extack, "a weight is at most 1000000, and no credit beyond what that can lead to");
	return 0;
}

static void set_slot(struct mxload_policy *p, const struct reweighed *group, const struct mxload_slot *from)
{
	struct mxload_shard *shard = &p->shards[group->provider];
	struct mx_slot *to = &shard->state.slots[from->slot];

	spin_lock_bh(&shard->lock);
	mx_turns_settle(&shard->state, p->snapshot, group->pool, group->provider);
	if (from->set & MXLOAD_SLOT_WEIGHT)
		to->weight = from->weight;
	if (from->set & MXLOAD_SLOT_CREDIT) {
		to->credit = from->credit;
		to->carried = from->carried;
		to->asked = from->asked;
	}
	mx_state_changed(&shard->state);
	spin_unlock_bh(&shard->lock);
}

int mxload_policy_set_slots(struct mxload_policy *p, const struct mxload_slot *slots, u32 count,
			    struct netlink_ext_ack *extack)
{
	const struct reweighed none = { MX_NONE, 0 };
	struct reweighed last = none;
	int error = 0;
	u32 i;

	for (i = 0; i < count; i++) {
		struct reweighed group;

		error = check_slot(p, &slots[i], extack);
		if (error)
			break;
		group = group_of_slot(p, slots[i].slot);
		if (group.pool != last.pool || group.provider != last.provider)
			bound_credit(p, &last);
		last = slots[i].set & MXLOAD_SLOT_CREDIT ? none : group; /* it is as told */
		set_slot(p, &group, &slots[i]);
	}
	bound_credit(p, &last);
	return error;
}

int mxload_policy_set_sources(struct mxload_policy *p, const struct mxload_source *sources, u32 count,
			      struct netlink_ext_ack *extack)
{
	int error = 0;
	u32 i;

	for (i = 0; !error && i < count; i++) {
		if (sources[i].source >= p->sources)
			error = refuse(extack, "no such source");
		else if (sources[i].families >> MX_FAMILIES)
			error = refuse(extack, "no such family");
		else
			WRITE_ONCE(p->shards[0].state.usable[sources[i].source], (u8)sources[i].families);
	}
	for (i = 0; i < p->providers; i++) { /* those that were right count */
		spin_lock_bh(&p->shards[i].lock);
		mx_state_changed(&p->shards[i].state);
		spin_unlock_bh(&p->shards[i].lock);
	}
	return error;
}

int mxload_policy_set_providers(struct mxload_policy *p, const struct mxload_provider *providers, u32 count,
				struct netlink_ext_ack *extack)
{
	u32 i;

	for (i = 0; i < count; i++) {
		if (providers[i].provider >= p->providers)
			return refuse(extack, "no such provider");
		if (providers[i].flags & ~MXLOAD_PROVIDER_ASK)
			return refuse(extack, "no such flag of a provider");
		WRITE_ONCE(p->shards[providers[i].provider].ask, providers[i].flags & MXLOAD_PROVIDER_ASK);
	}
	return 0;
}

static void set_room(struct mx_room *room, const struct mxload_lane *lane)
{
	u32 covered = lane->state == MXLOAD_LANE_LEASED ? room->covered[MX_CONNECTIONS] : 0;

	*room = (struct mx_room){ .opened = true, .ready = lane->ready };
	if (lane->state == MXLOAD_LANE_FREE)
		return;
	room->limited = 1u << MX_CONNECTIONS;
	room->why[MX_CONNECTIONS] = lane->why;
	room->left[MX_CONNECTIONS] = lane->state == MXLOAD_LANE_SHUT ? 0 : ~0u;
	room->covered[MX_CONNECTIONS] = covered + lane->grant < covered ? ~0u : covered + lane->grant;
}

int mxload_policy_set_lanes(struct mxload_policy *p, const struct mxload_lane *lanes, u32 count,
			    struct netlink_ext_ack *extack)
{
	u32 i;

	for (i = 0; i < count; i++) {
		const struct mxload_lane *from = &lanes[i];
		struct mxload_shard *shard;
		struct mx_room *room;
		bool spendable;

		if (!is_lane(p, from->provider, from->source))
			return refuse(extack, "no such lane");
		if (from->state > MXLOAD_LANE_SHUT || from->reserved || from->padding)
			return refuse(extack, "a lane is leased, free or shut");
		if (from->grant && from->state != MXLOAD_LANE_LEASED)
			return refuse(extack, "only a leased lane is granted anything");
		if (from->why >= MX_REASON_COUNT)
			return refuse(extack, "no such reason");
		shard = &p->shards[from->provider];
		spin_lock_bh(&shard->lock);
		room = &mx_state_lane(&shard->state, from->provider, from->source)->room;
		spendable = !room->limited || !room->covered[MX_CONNECTIONS];
		if (from->state != MXLOAD_LANE_LEASED && !spendable) {
			spin_unlock_bh(&shard->lock);
			return refuse(extack, "what a lane has left is recalled before it is leased no more");
		}
		set_room(room, from);
		mx_state_changed(&shard->state);
		spin_unlock_bh(&shard->lock);
	}
	return 0;
}

int mxload_policy_set_learned(struct mxload_policy *p, const struct mxload_learned *learned, u32 count,
			      struct netlink_ext_ack *extack)
{
	u32 i;

	for (i = 0; i < count; i++) {
		const struct mxload_learned *from = &learned[i];

		if (from->slot >= MX_LEARNED_SLOTS)
			return refuse(extack, "no such place for a learned address");
		if (from->provider >= p->providers || from->family >= MX_FAMILIES || from->origin >= MX_ORIGIN_COUNT)
			return refuse(extack, "an address is of a family, has a provider, and was learned somehow");
		write_seqlock_bh(&p->learning);
		p->learned->slot[from->slot] = (struct mx_learned_address){ .addr = { from->hi, from->lo },
									    .provider = from->provider,
									    .family = from->family,
									    .origin = from->origin };
		write_sequnlock_bh(&p->learning);
	}
	return 0;
}

void mxload_policy_set_valid(struct mxload_policy *p, u32 ms)
{
	WRITE_ONCE(p->valid_until, get_jiffies_64() + msecs_to_jiffies(ms));
}

u32 mxload_policy_valid(const struct mxload_policy *p)
{
	u64 until = READ_ONCE(p->valid_until), now = get_jiffies_64();

	return until > now ? jiffies_to_msecs(until - now) : 0;
}

/* --- what is read ----------------------------------------------------------------------------------------------- */

/* Under the shard's lock. */
static void read_lane(const struct mxload_policy *p, u32 provider, u32 source, struct mxload_count *count)
{
	const struct mx_lane *lane = mx_state_lane(&p->shards[provider].state, provider, source);

	*count = (struct mxload_count){ .provider = (u16)provider,
					.source = (u16)source,
					.left = lane->room.limited ? lane->room.covered[MX_CONNECTIONS] : 0,
					.connections = lane->connections,
					.provider_key = mx_snapshot_providers(p->snapshot)[provider].key,
					.source_key = mx_snapshot_sources(p->snapshot)[source].key };
}

int mxload_policy_recall(struct mxload_policy *p, const struct mxload_lane *lane, struct mxload_count *count,
			 struct netlink_ext_ack *extack)
{
	struct mxload_shard *shard;

	if (!is_lane(p, lane->provider, lane->source))
		return refuse(extack, "no such lane");
	shard = &p->shards[lane->provider];
	spin_lock_bh(&shard->lock);
	read_lane(p, lane->provider, lane->source, count);
	clear_bit(lane_number(p, lane->provider, lane->source), p->changed_lanes);
	mx_state_lane(&shard->state, lane->provider, lane->source)->room.covered[MX_CONNECTIONS] = 0;
	spin_unlock_bh(&shard->lock);
	return 0;
}

bool mxload_policy_count(struct mxload_policy *p, u32 *at, bool all, struct mxload_count *count)
{
	u32 lanes = p->providers * p->sources, i;

	for (i = *at; i < lanes; i++) {
		struct mxload_shard *shard;

		if (!all)
			i = find_next_bit(p->changed_lanes, lanes, i);
		if (i >= lanes)
			break;
		shard = &p->shards[i / p->sources];
		spin_lock_bh(&shard->lock);
		clear_bit(i, p->changed_lanes);
		read_lane(p, i / p->sources, i % p->sources, count);
		spin_unlock_bh(&shard->lock);
		*at = i + 1;
		if (count->connections || count->left)
			return true;
		cond_resched();
	}
	*at = lanes;
	return false;
}

bool mxload_policy_group(struct mxload_policy *p, u32 *at, bool all, struct mxload_group *group)
{
	u32 i;

	for (i = *at; i < p->groups; i++) {
		struct mxload_shard *shard;
		const struct mx_group *from;

		if (!all)
			i = find_next_bit(p->changed_groups, p->groups, i);
		if (i >= p->groups)
			break;
		shard = &p->shards[i % p->providers];
		spin_lock_bh(&shard->lock);
		clear_bit(i, p->changed_groups);
		from = &shard->state.groups[i];
		*group = (struct mxload_group){ .pool = (u16)(i / p->providers),
						.provider = (u16)(i % p->providers),
						.decided = { from->decided[MX_IPV4], from->decided[MX_IPV6] } };
		spin_unlock_bh(&shard->lock);
		*at = i + 1;
		if (group->decided[MX_IPV4] || group->decided[MX_IPV6])
			return true;
		cond_resched();
	}
	*at = p->groups;
	return false;
}

/* --- deciding --------------------------------------------------------------------------------------------------- */

static u16 provider_of(struct mxload_policy *p, const struct mx_flow *flow)
{
	unsigned int turn;
	u16 provider;

	do {
		turn = read_seqbegin(&p->learning);
		provider = mx_classify_provider(p->snapshot, p->learned, flow);
	} while (read_seqretry(&p->learning, turn));
	return provider;
}

bool mxload_policy_pass(struct mxload_policy *p, const struct mx_flow *flow, struct mx_verdict *v)
{
	if (!mx_classify_exempt(p->snapshot, flow))
		return false;
	*v = (struct mx_verdict){ .action = MX_PASS,
				  .reason = MX_REASON_EXEMPT,
				  .mark = mx_mark_pass(p->snapshot->mark_mask),
				  .provider = provider_of(p, flow),
				  .route = MX_NONE,
				  .pool = MX_NONE,
				  .member = MX_NONE,
				  .source = MX_NONE };
	return true;
}

/*
 * Only what assigns a source is decided here: who has to wait does so in the queue, and the ledger has the last word.
 * Nothing else is booked. Of what is left for a member's share, the queue lets that share pass; if it were counted here
 * as well, a max-share of 60 would let 84 of 100 pass.
 */
static enum mxload_left left_by(const struct mx_verdict *v)
{
	if (v->action == MX_ASSIGN)
		return MXLOAD_LEFT_NOT;
	return v->reason == MX_REASON_LEDGER ? MXLOAD_LEFT_LEASE : MXLOAD_LEFT_NONE;
}

/* Mostly nobody has asked since the connection before. Only who holds the shard's lock sets or clears its bits. */
static void note_change(u32 bit, unsigned long *changed)
{
	if (!test_bit(bit, changed))
		set_bit(bit, changed);
}

enum mxload_left mxload_policy_decide(struct mxload_policy *p, const struct mx_flow *flow, struct mx_moment moment,
				      bool book, struct mx_verdict *v)
{
	u16 provider = provider_of(p, flow);
	struct mxload_shard *shard = &p->shards[provider];
	enum mxload_left left;

	*v = (struct mx_verdict){
		.provider = provider, .route = MX_NONE, .pool = MX_NONE, .member = MX_NONE, .source = MX_NONE
	};
	if (provider == p->snapshot->default_provider)
		return MXLOAD_LEFT_UNKNOWN;
	if (READ_ONCE(shard->ask))
		return MXLOAD_LEFT_PROVIDER;
	spin_lock(&shard->lock);
	mx_decide_at(p->snapshot, &shard->state, flow, provider, MX_NONE, moment, v);
	left = left_by(v);
	if (book && left == MXLOAD_LEFT_NOT) {
		mx_account(p->snapshot, &shard->state, flow, moment.now, v);
		note_change(lane_number(p, provider, v->source), p->changed_lanes);
		note_change(v->pool * p->providers + provider, p->changed_groups);
	}
	spin_unlock(&shard->lock);
	return left;
}
