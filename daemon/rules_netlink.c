// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/rules_netlink.h"

#include <arpa/inet.h>
#include <endian.h>
#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <string.h>

#include "daemon/text.h"

#define ELEMENTS_PER_MESSAGE 250 /* an attribute holds 64 KiB */
#define TARGET_BYTES 8           /* struct xt_NFQ_info_v3, aligned as xtables wants it */

/* nft's own numbers for the types of keys, so that `nft list` shows them as what they are. */
enum { NFT_TYPE_IPADDR = 7, NFT_TYPE_IP6ADDR = 8, NFT_TYPE_INET_SERVICE = 13, NFT_TYPE_MARK = 19 };

/* --- sets ------------------------------------------------------------------------------------------------------- */

static u32 key_bytes(enum mx_set_type type)
{
	return type == MX_SET_PORT ? 2 : type == MX_SET_ADDR6 ? 16 : 4;
}

/* Interval sets compare bytes, so the numbers of a draw stand in network order; marks in the host's. */
static void put_key(const struct mx_set *set, struct mx_addr key, struct nftnl_set_elem *e)
{
	u8 bytes[16];
	u16 port = htons((u16)key.lo);
	u32 number = set->key == MX_SET_DRAW ? htonl((u32)key.lo) : (u32)key.lo;

	if (set->key == MX_SET_PORT)
		memcpy(bytes, &port, sizeof(port));
	else if (set->key == MX_SET_MARK || set->key == MX_SET_DRAW)
		memcpy(bytes, &number, sizeof(number));
	else
		mx_addr_to_bytes(set->key == MX_SET_ADDR4 ? MX_IPV4 : MX_IPV6, key, bytes);
	mx_kept(nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, bytes, key_bytes(set->key)));
}

static void put_data(const struct mx_set *set, const struct mx_element *from, struct nftnl_set_elem *e)
{
	u8 bytes[16];

	if (set->verdicts) {
		nftnl_set_elem_set_u32(e, NFTNL_SET_ELEM_VERDICT, (u32)NFT_GOTO);
		mx_kept(nftnl_set_elem_set_str(e, NFTNL_SET_ELEM_CHAIN, from->chain));
	} else if (set->addresses) {
		mx_addr_to_bytes(set->data_family, from->data, bytes);
		mx_kept(nftnl_set_elem_set(e, NFTNL_SET_ELEM_DATA, bytes, (u32)mx_addr_size(set->data_family)));
	}
}

static void add_end(struct nftnl_set *out, const struct mx_set *set, struct mx_addr key)
{
	struct nftnl_set_elem *e = mx_have(nftnl_set_elem_alloc());

	put_key(set, key, e);
	nftnl_set_elem_set_u32(e, NFTNL_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
	nftnl_set_elem_add(out, e);
}

static bool is_last_key(const struct mx_set *set, struct mx_addr key)
{
	if (set->key == MX_SET_ADDR6)
		return mx_addr_is_max(key, MX_IPV6);
	return mx_addr_is_max(key, MX_IPV4);
}

static struct nftnl_expr *counter_expr(void)
{
	return mx_have(nftnl_expr_alloc("counter"));
}

/* A lease is a limit that regains one token a week; what has none gets one that nothing reaches. */
static struct nftnl_expr *limit_expr(u32 lease)
{
	struct nftnl_expr *e = mx_have(nftnl_expr_alloc("limit"));

	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_RATE, lease == MX_LEASE_FREE ? 1000000 : 1);
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_UNIT, lease == MX_LEASE_FREE ? 1 : 604800);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_BURST, lease == MX_LEASE_FREE ? 1000000 : lease);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
	return e;
}

/* An interval is a start and, behind its last key, an end; where the next one starts, that is end enough. */
static void add_element(struct nftnl_set *out, const struct mx_set *set, u32 i)
{
	const struct mx_element *from = &set->items[i];
	struct nftnl_set_elem *e = mx_have(nftnl_set_elem_alloc());
	struct mx_addr zero = { 0, 0 };

	if (set->interval && !i && mx_addr_cmp(from->first, zero))
		add_end(out, set, zero);
	put_key(set, from->first, e);
	put_data(set, from, e);
	if (set->leased) {
		nftnl_set_elem_add_expr(e, counter_expr());
		nftnl_set_elem_add_expr(e, limit_expr(from->lease));
	}
	nftnl_set_elem_add(out, e);
	if (set->interval && !is_last_key(set, from->last))
		add_end(out, set, mx_addr_next(from->last));
}

static struct nftnl_set *named_set(const char *table, const char *name)
{
	struct nftnl_set *set = mx_have(nftnl_set_alloc());

	mx_kept(nftnl_set_set_str(set, NFTNL_SET_TABLE, table));
	mx_kept(nftnl_set_set_str(set, NFTNL_SET_NAME, name));
	return set;
}

/* What has no lease is left out. */
static bool is_out(const struct mx_set *set, u32 i)
{
	return set->leased && !set->items[i].lease;
}

static void put_elements(struct mx_batch *b, const char *table, const struct mx_set *set)
{
	struct nftnl_set *out = NULL;
	u32 i, n = 0;

	for (i = 0; i < set->count; i++) {
		if (is_out(set, i))
			continue;
		if (!out)
			out = named_set(table, set->name);
		add_element(out, set, i);
		if (++n % ELEMENTS_PER_MESSAGE)
			continue;
		mx_batch_elements(b, NFT_MSG_NEWSETELEM, out);
		out = NULL;
	}
	if (out)
		mx_batch_elements(b, NFT_MSG_NEWSETELEM, out);
}

void mx_rules_put_set(struct mx_batch *b, const char *table, const struct mx_set *set)
{
	mx_batch_elements(b, NFT_MSG_DELSETELEM, named_set(table, set->name));
	put_elements(b, table, set);
}

void mx_rules_make_set(struct mx_batch *b, const char *table, const struct mx_set *set)
{
	static const u32 types[] = { NFT_TYPE_INET_SERVICE, NFT_TYPE_IPADDR, NFT_TYPE_IP6ADDR, NFT_TYPE_MARK,
				     NFT_TYPE_MARK };
	struct nftnl_set *out = named_set(table, set->name);
	u32 flags = (set->interval ? NFT_SET_INTERVAL : 0) | (set->verdicts ? NFT_SET_MAP : 0) |
		    (set->leased ? NFT_SET_EXPR : 0);

	nftnl_set_set_u32(out, NFTNL_SET_FAMILY, NFPROTO_INET);
	nftnl_set_set_u32(out, NFTNL_SET_ID, b->sequence); /* any number that no other set of this batch has */
	nftnl_set_set_u32(out, NFTNL_SET_FLAGS, flags);
	nftnl_set_set_u32(out, NFTNL_SET_KEY_TYPE, types[set->key]);
	nftnl_set_set_u32(out, NFTNL_SET_KEY_LEN, key_bytes(set->key));
	if (set->verdicts) {
		nftnl_set_set_u32(out, NFTNL_SET_DATA_TYPE, NFT_DATA_VERDICT);
		nftnl_set_set_u32(out, NFTNL_SET_DATA_LEN, 0);
	}
	if (set->leased) {
		nftnl_set_add_expr(out, counter_expr());
		nftnl_set_add_expr(out, limit_expr(1));
	}
	mx_batch_set(b, NFT_MSG_NEWSET, out);
}

/* --- rules ------------------------------------------------------------------------------------------------------ */

static struct nftnl_expr *add_expr(struct nftnl_rule *rule, const char *name)
{
	struct nftnl_expr *e = mx_have(nftnl_expr_alloc(name));

	if (!e)
		mx_fatal("libnftnl does not know the expression %s", name);
	nftnl_rule_add_expr(rule, e);
	return e;
}

static void expr_verdict(struct nftnl_rule *rule, u32 verdict, const char *chain)
{
	struct nftnl_expr *e = add_expr(rule, "immediate");

	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, verdict);
	if (chain)
		mx_kept(nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, chain));
}

static void expr_load(struct nftnl_rule *rule, const char *what, u32 key)
{
	struct nftnl_expr *e = add_expr(rule, what);
	bool ct = !strcmp(what, "ct");

	nftnl_expr_set_u32(e, ct ? NFTNL_EXPR_CT_KEY : NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, ct ? NFTNL_EXPR_CT_DREG : NFTNL_EXPR_META_DREG, NFT_REG_1);
}

static void expr_store(struct nftnl_rule *rule, const char *what, u32 key)
{
	struct nftnl_expr *e = add_expr(rule, what);
	bool ct = !strcmp(what, "ct");

	nftnl_expr_set_u32(e, ct ? NFTNL_EXPR_CT_KEY : NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, ct ? NFTNL_EXPR_CT_SREG : NFTNL_EXPR_META_SREG, NFT_REG_1);
}

/* register := register & mask ^ flip */
static void expr_bitwise(struct nftnl_rule *rule, const void *mask, const void *flip, u32 bytes)
{
	struct nftnl_expr *e = add_expr(rule, "bitwise");

	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, bytes);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, mask, bytes);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, flip, bytes);
}

static void expr_equal(struct nftnl_rule *rule, const void *data, u32 bytes)
{
	struct nftnl_expr *e = add_expr(rule, "cmp");

	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, data, bytes);
}

/* Loads the source or destination address, after it has made sure of the family. */
static void expr_address(struct nftnl_rule *rule, enum mx_family family, bool destination)
{
	u8 proto = family == MX_IPV4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
	u32 offset = family == MX_IPV4 ? (destination ? 16 : 12) : (destination ? 24 : 8);
	struct nftnl_expr *e;

	expr_load(rule, "meta", NFT_META_NFPROTO);
	expr_equal(rule, &proto, sizeof(proto));
	e = add_expr(rule, "payload");
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, (u32)mx_addr_size(family));
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
}

static void expr_vmap(struct nftnl_rule *rule, const char *set)
{
	struct nftnl_expr *e = add_expr(rule, "lookup");

	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
	mx_kept(nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, set));
}

static void expr_draw(struct nftnl_rule *rule)
{
	struct nftnl_expr *e = add_expr(rule, "numgen");

	nftnl_expr_set_u32(e, NFTNL_EXPR_NG_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NG_MODULUS, MX_DRAW_RANGE);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NG_TYPE, NFT_NG_RANDOM);
	e = add_expr(rule, "byteorder");
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_DREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_LEN, 4);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_SIZE, 4);
}

static void expr_from(struct nftnl_rule *out, const struct mx_rule *rule)
{
	u32 bytes = (u32)mx_addr_size(rule->family);
	struct mx_addr hosts = mx_addr_hostmask(rule->family, rule->length);
	u8 mask[16], zero[16] = { 0 }, addr[16];

	mx_addr_to_bytes(rule->family, (struct mx_addr){ ~hosts.hi, ~hosts.lo }, mask);
	mx_addr_to_bytes(rule->family, rule->addr, addr);
	expr_address(out, rule->family, false);
	expr_bitwise(out, mask, zero, bytes);
	expr_equal(out, addr, bytes);
	expr_verdict(out, (u32)NFT_GOTO, rule->target);
}

static void expr_set_mark(struct nftnl_rule *out, u32 mark_mask, u32 value)
{
	u32 keep = ~mark_mask;

	expr_load(out, "meta", NFT_META_MARK);
	expr_bitwise(out, &keep, &value, sizeof(keep));
	expr_store(out, "meta", NFT_META_MARK);
	expr_load(out, "ct", NFT_CT_MARK);
	expr_bitwise(out, &keep, &value, sizeof(keep));
	expr_store(out, "ct", NFT_CT_MARK);
	expr_verdict(out, NF_ACCEPT, NULL);
}

static void put_exprs(struct nftnl_rule *out, u32 mark_mask, const struct mx_rule *rule)
{
	u32 zero = 0;

	switch (rule->kind) {
	case MX_RULE_JUMP:
		expr_verdict(out, (u32)NFT_JUMP, rule->target);
		break;
	case MX_RULE_GOTO:
		expr_verdict(out, (u32)NFT_GOTO, rule->target);
		break;
	case MX_RULE_MARK:
		expr_load(out, "meta", NFT_META_MARK);
		expr_bitwise(out, &rule->mask, &zero, sizeof(zero));
		expr_equal(out, &rule->value, sizeof(rule->value));
		expr_verdict(out, (u32)NFT_GOTO, rule->target);
		break;
	case MX_RULE_USER:
	case MX_RULE_GROUP:
		expr_load(out, "meta", rule->kind == MX_RULE_USER ? NFT_META_SKUID : NFT_META_SKGID);
		expr_equal(out, &rule->value, sizeof(rule->value));
		expr_verdict(out, (u32)NFT_GOTO, rule->target);
		break;
	case MX_RULE_FROM:
		expr_from(out, rule);
		break;
	case MX_RULE_TO:
		expr_address(out, rule->family, true);
		expr_vmap(out, rule->target);
		break;
	case MX_RULE_DRAW:
		expr_draw(out);
		expr_vmap(out, rule->target);
		break;
	case MX_RULE_SET_MARK:
		expr_set_mark(out, mark_mask, rule->value);
		break;
	}
}

static struct nftnl_rule *rule_in(const char *table, const char *chain)
{
	struct nftnl_rule *rule = mx_have(nftnl_rule_alloc());

	nftnl_rule_set_u32(rule, NFTNL_RULE_FAMILY, NFPROTO_INET);
	mx_kept(nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, table));
	mx_kept(nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain));
	return rule;
}

void mx_rules_flush_chain(struct mx_batch *b, const char *chain)
{
	mx_batch_rule(b, NFT_MSG_DELRULE, rule_in(MX_TABLE, chain));
}

void mx_rules_put(struct mx_batch *b, const struct mx_rules *r)
{
	u32 i, j;

	for (i = MX_FIXED_CHAINS; i < r->chain_count; i++) {
		struct nftnl_chain *chain = mx_have(nftnl_chain_alloc());

		mx_kept(nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, MX_TABLE));
		mx_kept(nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, r->chains[i].name));
		mx_batch_chain(b, NFT_MSG_NEWCHAIN, chain);
	}
	for (i = r->fixed_sets; i < r->set_count; i++) {
		mx_rules_make_set(b, MX_TABLE, &r->sets[i]);
		put_elements(b, MX_TABLE, &r->sets[i]);
	}
	for (i = 0; i < r->chain_count; i++)
		for (j = 0; j < r->chains[i].count; j++) {
			struct nftnl_rule *rule = rule_in(MX_TABLE, r->chains[i].name);

			put_exprs(rule, r->mark_mask, &r->chains[i].items[j]);
			mx_batch_rule(b, NFT_MSG_NEWRULE, rule);
		}
	for (i = 0; i < r->fixed_sets; i++)
		put_elements(b, MX_TABLE, &r->sets[i]);
}

void mx_rules_put_queue(struct mx_batch *b, const char *table, const char *chain, const struct mx_queue_rule *q)
{
	struct nftnl_rule *rule = rule_in(table, chain);
	bool fanout = q->count > 1;

	if (q->expression == MX_QUEUE_NFT) {
		struct nftnl_expr *e = add_expr(rule, "queue");

		nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_NUM, q->first);
		nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_TOTAL, q->count);
		nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_FLAGS,
				   NFT_QUEUE_FLAG_BYPASS | (fanout ? NFT_QUEUE_FLAG_CPU_FANOUT : 0));
	} else {
		struct nftnl_expr *e = add_expr(rule, "target");
		struct xt_NFQ_info_v3 *info = mx_alloc(TARGET_BYTES);

		info->queuenum = q->first;
		info->queues_total = q->count;
		info->flags = NFQ_FLAG_BYPASS | (fanout ? NFQ_FLAG_CPU_FANOUT : 0);
		mx_kept(nftnl_expr_set_str(e, NFTNL_EXPR_TG_NAME, "NFQUEUE"));
		nftnl_expr_set_u32(e, NFTNL_EXPR_TG_REV, 3);
		nftnl_expr_set(e, NFTNL_EXPR_TG_INFO, info, TARGET_BYTES); /* libnftnl frees info */
	}
	mx_batch_rule(b, NFT_MSG_NEWRULE, rule);
}
