// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmod/protocol.h"

#include <linux/module.h>
#include <net/genetlink.h>

#include "core/classify.h"
#include "kmod/convert.h"
#include "kmod/namespace.h"

#define VALID_MAX 3600000 /* ms */
#define COUNTS 256        /* in one answer */
#define FLOWS 256

static struct genl_family family;

/* --- what is asked ---------------------------------------------------------------------------------------------- */

#define ARRAY                                                                                                          \
	{                                                                                                              \
		.type = NLA_BINARY, .len = MXLOAD_ARRAY_MAX                                                            \
	}

static struct netlink_range_validation valid_range = { .min = 1, .max = VALID_MAX };

static const struct nla_policy no_policy[] = {
	[MXLOAD_A_PAD] = { .type = NLA_REJECT },
};

static const struct nla_policy generation_policy[] = {
	[MXLOAD_A_GENERATION] = NLA_POLICY_MIN(NLA_U64, 1),
};

static const struct nla_policy begin_policy[] = {
	[MXLOAD_A_GENERATION] = NLA_POLICY_MIN(NLA_U64, 1),
	[MXLOAD_A_SIZE] = { .type = NLA_U64 },
	[MXLOAD_A_CHECKSUM] = { .type = NLA_U64 },
	[MXLOAD_A_SEED] = { .type = NLA_U64 },
};

static const struct nla_policy chunk_policy[] = {
	[MXLOAD_A_GENERATION] = NLA_POLICY_MIN(NLA_U64, 1),
	[MXLOAD_A_OFFSET] = { .type = NLA_U64 },
	[MXLOAD_A_DATA] = ARRAY,
};

static const struct nla_policy set_policy[] = {
	[MXLOAD_A_GENERATION] = NLA_POLICY_MIN(NLA_U64, 1),
	[MXLOAD_A_VALID] = NLA_POLICY_FULL_RANGE(NLA_U32, &valid_range),
	[MXLOAD_A_SLOTS] = ARRAY,
	[MXLOAD_A_SOURCES] = ARRAY,
	[MXLOAD_A_PROVIDERS] = ARRAY,
	[MXLOAD_A_LANES] = ARRAY,
	[MXLOAD_A_LEARNED] = ARRAY,
};

static const struct nla_policy commit_policy[] = {
	[MXLOAD_A_GENERATION] = NLA_POLICY_MIN(NLA_U64, 1),
	[MXLOAD_A_VALID] = NLA_POLICY_FULL_RANGE(NLA_U32, &valid_range),
};

static const struct nla_policy counters_policy[] = {
	[MXLOAD_A_GENERATION] = NLA_POLICY_MIN(NLA_U64, 1),
	[MXLOAD_A_FLAGS] = NLA_POLICY_MASK(NLA_U32, MXLOAD_ALL),
	[MXLOAD_A_AT] = { .type = NLA_U32 },
};

static const struct nla_policy recall_policy[] = {
	[MXLOAD_A_GENERATION] = NLA_POLICY_MIN(NLA_U64, 1),
	[MXLOAD_A_LANES] = ARRAY,
};

static const struct nla_policy decide_policy[] = {
	[MXLOAD_A_GENERATION] = NLA_POLICY_MIN(NLA_U64, 1),
	[MXLOAD_A_FLAGS] = NLA_POLICY_MASK(NLA_U32, MXLOAD_BOOK),
	[MXLOAD_A_FLOWS] = ARRAY,
};

/* 0, or the error that one of `count` attributes is missing. */
static int require(struct genl_info *info, const int *attributes, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (!info->attrs[attributes[i]]) {
			NL_SET_ERR_MSG(info->extack, "an attribute is missing that this command needs");
			return -EINVAL;
		}
	return 0;
}

#define REQUIRE(info, ...) require(info, (const int[]){ __VA_ARGS__ }, ARRAY_SIZE(((const int[]){ __VA_ARGS__ })))

/* The entries of an array; one that is not there has none. */
static int array_of(struct genl_info *info, int attribute, u32 size, u32 most, const void **data, u32 *count)
{
	const struct nlattr *a = info->attrs[attribute];

	*data = a ? nla_data(a) : NULL;
	*count = a ? nla_len(a) / size : 0;
	if (!a || (nla_len(a) % size == 0 && *count && *count <= most))
		return 0;
	NL_SET_ERR_MSG_ATTR(info->extack, a, "an array has whole entries, at least one, and not too many");
	return -EINVAL;
}

static u64 generation_of(const struct genl_info *info)
{
	return nla_get_u64(info->attrs[MXLOAD_A_GENERATION]);
}

/* Which policy is meant. */
enum which {
	IN_FORCE = 1,
	BEFORE = 2,
	BEGUN = 4,
};

static struct mxload_policy *policy_of(struct mxload_namespace *n, struct genl_info *info, u32 which)
{
	struct mxload_policy *in_force = mxload_namespace_policy(n);
	u64 generation = generation_of(info);

	if ((which & IN_FORCE) && in_force && in_force->generation == generation)
		return in_force;
	if ((which & BEGUN) && n->begun && n->begun->generation == generation)
		return n->begun;
	if ((which & BEFORE) && n->before && n->before->generation == generation)
		return n->before;
	NL_SET_ERR_MSG(info->extack, "there is no policy of this generation for that");
	return NULL;
}

/* --- what is answered ------------------------------------------------------------------------------------------- */

struct answer {
	struct sk_buff *skb;
	void *head;
};

static int begin_answer(struct answer *answer, struct genl_info *info, u32 size)
{
	answer->skb = genlmsg_new(size, GFP_KERNEL);
	if (!answer->skb)
		return -ENOMEM;
	answer->head = genlmsg_put_reply(answer->skb, info, &family, 0, info->genlhdr->cmd);
	if (answer->head)
		return 0;
	nlmsg_free(answer->skb);
	return -EMSGSIZE;
}

/* Sends it, when `error` is 0. */
static int end_answer(struct answer *answer, struct genl_info *info, int error)
{
	if (error) {
		nlmsg_free(answer->skb);
		return error;
	}
	genlmsg_end(answer->skb, answer->head);
	return genlmsg_reply(answer->skb, info);
}

static void tally(const struct mxload_namespace *n, struct mxload_status *status)
{
	int cpu, i;

	for_each_possible_cpu(cpu) {
		const struct mxload_tally *t = per_cpu_ptr(n->tally, cpu);

		status->decided += READ_ONCE(t->of[MXLOAD_LEFT_NOT]);
		for (i = MXLOAD_LEFT_NOT + 1; i < __MXLOAD_LEFT_END; i++)
			status->left[i] += READ_ONCE(t->of[i]);
	}
}

static int do_status(struct mxload_namespace *n, struct genl_info *info)
{
	const struct mxload_policy *policy = mxload_namespace_policy(n);
	struct mxload_status status = {
		.generation = policy ? policy->generation : 0,
		.before = n->before ? n->before->generation : 0,
		.begun = n->begun ? n->begun->generation : 0,
		.valid = policy ? mxload_policy_valid(policy) : 0,
		.lost = n->decisions ? mxload_decisions_lost(n->decisions) : 0,
	};
	struct answer answer;
	int error = begin_answer(&answer, info, nla_total_size(sizeof(status)));

	if (error)
		return error;
	tally(n, &status);
	return end_answer(&answer, info, nla_put(answer.skb, MXLOAD_A_STATUS, sizeof(status), &status));
}

/* --- a new policy ----------------------------------------------------------------------------------------------- */

static int do_begin(struct mxload_namespace *n, struct genl_info *info)
{
	const struct mxload_policy *in_force = mxload_namespace_policy(n);
	struct mxload_policy *policy;
	int error = REQUIRE(info, MXLOAD_A_SIZE, MXLOAD_A_CHECKSUM, MXLOAD_A_SEED);

	if (error)
		return error;
	if ((in_force && in_force->generation == generation_of(info)) ||
	    (n->before && n->before->generation == generation_of(info))) {
		NL_SET_ERR_MSG(info->extack, "a policy of this generation is, or was just, in force");
		return -EEXIST;
	}
	policy = mxload_policy_new(generation_of(info), nla_get_u64(info->attrs[MXLOAD_A_SIZE]),
				   nla_get_u64(info->attrs[MXLOAD_A_CHECKSUM]), nla_get_u64(info->attrs[MXLOAD_A_SEED]),
				   info->extack);
	if (IS_ERR(policy))
		return PTR_ERR(policy);
	mxload_policy_free(n->begun);
	n->begun = policy;
	return 0;
}

static int do_chunk(struct mxload_namespace *n, struct genl_info *info)
{
	struct mxload_policy *policy = policy_of(n, info, BEGUN);
	const struct nlattr *data = info->attrs[MXLOAD_A_DATA];
	int error = REQUIRE(info, MXLOAD_A_OFFSET, MXLOAD_A_DATA);

	if (error || !policy)
		return error ?: -ENOENT;
	error = mxload_policy_chunk(policy, nla_get_u64(info->attrs[MXLOAD_A_OFFSET]), nla_data(data), nla_len(data),
				    info->extack);
	if (error) { /* nothing can become of it */
		mxload_policy_free(policy);
		n->begun = NULL;
	}
	return error;
}

#define SET(set)                                                                                                       \
	static int set(struct mxload_policy *p, const void *entries, u32 count, struct netlink_ext_ack *extack)        \
	{                                                                                                              \
		return mxload_policy_##set(p, entries, count, extack);                                                 \
	}

SET(set_slots)
SET(set_sources)
SET(set_providers)
SET(set_lanes)
SET(set_learned)

static const struct {
	int attribute;
	u32 size; /* of an entry */
	int (*set)(struct mxload_policy *p, const void *entries, u32 count, struct netlink_ext_ack *extack);
} sets[] = {
	{ MXLOAD_A_SLOTS, sizeof(struct mxload_slot), set_slots },
	{ MXLOAD_A_SOURCES, sizeof(struct mxload_source), set_sources },
	{ MXLOAD_A_PROVIDERS, sizeof(struct mxload_provider), set_providers },
	{ MXLOAD_A_LANES, sizeof(struct mxload_lane), set_lanes },
	{ MXLOAD_A_LEARNED, sizeof(struct mxload_learned), set_learned },
};

static int do_set(struct mxload_namespace *n, struct genl_info *info)
{
	struct mxload_policy *policy = policy_of(n, info, BEGUN | IN_FORCE);
	int error = 0;
	u32 i;

	if (!policy)
		return -ENOENT;
	if (!policy->shards) {
		NL_SET_ERR_MSG(info->extack, "the snapshot is not complete");
		return -EINVAL;
	}
	for (i = 0; !error && i < ARRAY_SIZE(sets); i++) {
		const void *entries;
		u32 count;

		error = array_of(info, sets[i].attribute, sets[i].size, ~0u, &entries, &count);
		if (!error && count)
			error = sets[i].set(policy, entries, count, info->extack);
	}
	if (!error && info->attrs[MXLOAD_A_VALID])
		mxload_policy_set_valid(policy, nla_get_u32(info->attrs[MXLOAD_A_VALID]));
	return error;
}

static int do_commit(struct mxload_namespace *n, struct genl_info *info)
{
	int error = REQUIRE(info, MXLOAD_A_VALID);

	if (error || !policy_of(n, info, BEGUN))
		return error ?: -ENOENT;
	return mxload_namespace_commit(n, nla_get_u32(info->attrs[MXLOAD_A_VALID]), info->extack);
}

static int do_drop(struct mxload_namespace *n, struct genl_info *info)
{
	return mxload_namespace_drop(n, generation_of(info), info->extack);
}

/* --- counters and leases ---------------------------------------------------------------------------------------- */

/* Lanes first, then groups: `at` counts through both. */
static int put_counts(struct sk_buff *skb, struct mxload_policy *p, u32 at, bool all)
{
	u32 lanes = p->providers * p->sources, lane = min(at, lanes), group = at - lane, count = 0, groups = 0;
	struct mxload_count *counts;
	struct mxload_group *more;
	int error = 0;

	counts = kvcalloc(COUNTS, sizeof(*counts) + sizeof(*more), GFP_KERNEL);
	if (!counts)
		return -ENOMEM;
	more = (struct mxload_group *)(counts + COUNTS);
	while (count < COUNTS && mxload_policy_count(p, &lane, all, &counts[count]))
		count++;
	while (lane == lanes && groups < COUNTS && mxload_policy_group(p, &group, all, &more[groups]))
		groups++;
	if (count)
		error = nla_put(skb, MXLOAD_A_COUNTS, count * sizeof(*counts), counts);
	if (!error && groups)
		error = nla_put(skb, MXLOAD_A_GROUPS, groups * sizeof(*more), more);
	if (!error && (lane < lanes || group < p->groups))
		error = nla_put_u32(skb, MXLOAD_A_AT, lane + group);
	kvfree(counts);
	return error;
}

static int do_counters(struct mxload_namespace *n, struct genl_info *info)
{
	struct mxload_policy *policy = policy_of(n, info, IN_FORCE | BEFORE);
	bool all = info->attrs[MXLOAD_A_FLAGS] && nla_get_u32(info->attrs[MXLOAD_A_FLAGS]) & MXLOAD_ALL;
	u32 at = info->attrs[MXLOAD_A_AT] ? nla_get_u32(info->attrs[MXLOAD_A_AT]) : 0;
	struct answer answer;
	int error;

	if (!policy)
		return -ENOENT;
	error = begin_answer(&answer, info,
			     nla_total_size(COUNTS * sizeof(struct mxload_count)) +
				     nla_total_size(COUNTS * sizeof(struct mxload_group)) +
				     nla_total_size(sizeof(u32)));
	if (error)
		return error;
	return end_answer(&answer, info, put_counts(answer.skb, policy, at, all));
}

static int do_recall(struct mxload_namespace *n, struct genl_info *info)
{
	struct mxload_policy *policy = policy_of(n, info, IN_FORCE);
	int error = REQUIRE(info, MXLOAD_A_LANES);
	const struct mxload_lane *lanes;
	struct mxload_count *counts;
	struct nlattr *attribute;
	struct answer answer;
	u32 count, i;

	if (error || !policy)
		return error ?: -ENOENT;
	error = array_of(info, MXLOAD_A_LANES, sizeof(*lanes), COUNTS, (const void **)&lanes, &count);
	if (!error)
		error = begin_answer(&answer, info, nla_total_size(count * sizeof(*counts)));
	if (error)
		return error;
	attribute = nla_reserve(answer.skb, MXLOAD_A_COUNTS, count * sizeof(*counts));
	if (!attribute)
		return end_answer(&answer, info, -EMSGSIZE);
	counts = nla_data(attribute);
	for (i = 0; i < count; i++) /* all or none: what was taken must be told */
		if (lanes[i].provider >= policy->providers || lanes[i].source >= policy->sources)
			error = -EINVAL;
	for (i = 0; !error && i < count; i++)
		error = mxload_policy_recall(policy, &lanes[i], &counts[i], info->extack);
	if (error)
		NL_SET_ERR_MSG(info->extack, "no such lane");
	return end_answer(&answer, info, error);
}

/* --- what would be decided -------------------------------------------------------------------------------------- */

static bool is_flow(const struct mxload_flow *f)
{
	return f->family == MX_IPV6 ||
	       (f->family == MX_IPV4 && !f->from_hi && !f->to_hi && !(f->from_lo >> 32) && !(f->to_lo >> 32));
}

static int decide(struct mxload_policy *p, const struct mxload_flow *flows, u32 count, bool book,
		  struct mxload_verdict *verdicts, struct netlink_ext_ack *extack)
{
	u32 i;

	for (i = 0; i < count; i++) {
		struct mx_flow flow = mxload_flow_of(&flows[i]);
		enum mxload_left left = MXLOAD_LEFT_NOT;
		struct mx_verdict v;

		if (!is_flow(&flows[i])) {
			NL_SET_ERR_MSG(extack, "no such family, or no address of it");
			return -EINVAL;
		}
		local_bh_disable();
		if (!mxload_policy_pass(p, &flow, &v))
			left = mxload_policy_decide(p, &flow, (struct mx_moment){ flows[i].now, flows[i].waited }, book,
						    &v);
		local_bh_enable();
		verdicts[i] = mxload_decisions_verdict(left, &v);
		cond_resched();
	}
	return 0;
}

static int do_decide(struct mxload_namespace *n, struct genl_info *info)
{
	struct mxload_policy *policy = policy_of(n, info, IN_FORCE);
	bool book = info->attrs[MXLOAD_A_FLAGS] && nla_get_u32(info->attrs[MXLOAD_A_FLAGS]) & MXLOAD_BOOK;
	int error = REQUIRE(info, MXLOAD_A_FLOWS);
	const struct mxload_flow *flows;
	struct nlattr *verdicts;
	struct answer answer;
	u32 count;

	if (error || !policy)
		return error ?: -ENOENT;
	error = array_of(info, MXLOAD_A_FLOWS, sizeof(*flows), FLOWS, (const void **)&flows, &count);
	if (!error)
		error = begin_answer(&answer, info, nla_total_size(count * sizeof(struct mxload_verdict)));
	if (error)
		return error;
	verdicts = nla_reserve(answer.skb, MXLOAD_A_VERDICTS, count * sizeof(struct mxload_verdict));
	if (!verdicts)
		return end_answer(&answer, info, -EMSGSIZE);
	return end_answer(&answer, info, decide(policy, flows, count, book, nla_data(verdicts), info->extack));
}

/* --- the family ------------------------------------------------------------------------------------------------- */

static int (*const commands[__MXLOAD_CMD_END])(struct mxload_namespace *n, struct genl_info *info) = {
	[MXLOAD_CMD_STATUS] = do_status,     [MXLOAD_CMD_BEGIN] = do_begin,   [MXLOAD_CMD_CHUNK] = do_chunk,
	[MXLOAD_CMD_SET] = do_set,           [MXLOAD_CMD_COMMIT] = do_commit, [MXLOAD_CMD_DROP] = do_drop,
	[MXLOAD_CMD_COUNTERS] = do_counters, [MXLOAD_CMD_RECALL] = do_recall, [MXLOAD_CMD_DECIDE] = do_decide,
};

static int do_command(struct sk_buff *skb, struct genl_info *info)
{
	struct mxload_namespace *n = mxload_namespace_of(genl_info_net(info));
	u8 command = info->genlhdr->cmd;
	int error = command == MXLOAD_CMD_STATUS ? 0 : REQUIRE(info, MXLOAD_A_GENERATION);

	if (error)
		return error;
	mutex_lock(&n->lock);
	error = commands[command](n, info);
	mutex_unlock(&n->lock);
	if (error == -ENOMEM)
		NL_SET_ERR_MSG(info->extack, "out of memory");
	return error;
}

#define COMMAND(number, attributes)                                                                                    \
	{                                                                                                              \
		.cmd = number, .doit = do_command, .flags = GENL_UNS_ADMIN_PERM, .policy = attributes,                 \
		.maxattr = ARRAY_SIZE(attributes) - 1                                                                  \
	}

static const struct genl_ops operations[] = {
	COMMAND(MXLOAD_CMD_STATUS, no_policy),         COMMAND(MXLOAD_CMD_BEGIN, begin_policy),
	COMMAND(MXLOAD_CMD_CHUNK, chunk_policy),       COMMAND(MXLOAD_CMD_SET, set_policy),
	COMMAND(MXLOAD_CMD_COMMIT, commit_policy),     COMMAND(MXLOAD_CMD_DROP, generation_policy),
	COMMAND(MXLOAD_CMD_COUNTERS, counters_policy), COMMAND(MXLOAD_CMD_RECALL, recall_policy),
	COMMAND(MXLOAD_CMD_DECIDE, decide_policy),
};

/* Decisions name processes and addresses: not for everybody. */
static const struct genl_multicast_group multicast_groups[] = {
	{ .name = MXLOAD_GROUP_DECISIONS, .flags = GENL_MCAST_CAP_NET_ADMIN },
};

static struct genl_family family __ro_after_init = {
	.name = MXLOAD_GENL_NAME,
	.version = MXLOAD_GENL_VERSION,
	.maxattr = __MXLOAD_A_END - 1,
	.netnsok = true,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.ops = operations,
	.n_ops = ARRAY_SIZE(operations),
	.mcgrps = multicast_groups,
	.n_mcgrps = ARRAY_SIZE(multicast_groups),
};

bool mxload_protocol_is_heard(const struct net *net)
{
	return genl_has_listeners(&family, (struct net *)net, 0);
}

struct sk_buff *mxload_protocol_decisions(u64 generation, u64 first, u32 count, struct mxload_decision **decisions)
{
	u32 size = count * sizeof(**decisions);
	struct sk_buff *skb = genlmsg_new(2 * nla_total_size_64bit(sizeof(u64)) + nla_total_size(size), GFP_KERNEL);
	struct nlattr *array;
	void *head;

	if (!skb)
		return NULL;
	head = genlmsg_put(skb, 0, 0, &family, 0, MXLOAD_CMD_DECISIONS);
	if (!head || nla_put_u64_64bit(skb, MXLOAD_A_GENERATION, generation, MXLOAD_A_PAD) ||
	    nla_put_u64_64bit(skb, MXLOAD_A_FIRST, first, MXLOAD_A_PAD))
		goto no_room;
	array = nla_reserve(skb, MXLOAD_A_DECISIONS, size);
	if (!array)
		goto no_room;
	*decisions = nla_data(array);
	genlmsg_end(skb, head);
	return skb;
no_room:
	nlmsg_free(skb);
	return NULL;
}

int mxload_protocol_send(struct net *net, struct sk_buff *skb)
{
	return genlmsg_multicast_netns(&family, net, skb, 0, 0, GFP_KERNEL);
}

int mxload_protocol_start(void)
{
	return genl_register_family(&family);
}

void mxload_protocol_stop(void)
{
	genl_unregister_family(&family);
}
