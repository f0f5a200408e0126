// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/object.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/names.h"

#define LAYOUT "layout_1" /* a chain of mxload.nft: this daemon can fill a table that has it */
#define SHIELD "mxload_shield"
#define SHIELD_PRIORITY (NF_IP_PRI_NAT_SRC - 4) /* behind `translate` */
#define OWNED 2                                 /* NFT_TABLE_F_OWNER, since Linux 5.12 */
#define PROBE "mxload_probe"

/* What the table was last made to say, in numbers; worth nothing once somebody else has touched it. */
struct applied {
	bool known;
	u64 structure;
	u64 *elements; /* of each set */
	struct mx_queue_rule queue;
};

struct mx_table {
	struct mnl_socket *socket; /* transactions and questions; owns the shield */
	struct mnl_socket *events;
	char *base, *saved;
	struct mx_loader *loader;
	pid_t nft; /* that loaded the table last: its changes are ours */
	u32 restored;
	bool loaded;   /* it was there once */
	bool shielded; /* the shield is up */
	bool saving_failed;
	struct applied applied;
	struct returned {
		char *set;
		const char *source;
		u32 lease, spent;
	} * returned; /* since the last mx_table_returned() */
	u32 returned_count;
	bool returned_all;
	bool foreign; /* somebody else has changed our table */
};

/* Every element of a large transaction is an event too: there is room for all of them. */
#define SOCKET_BYTES (64 << 20)

static struct mnl_socket *open_socket(u32 groups)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	int size = SOCKET_BYTES;

	if (!s || mnl_socket_bind(s, groups, MNL_SOCKET_AUTOPID) < 0)
		mx_fatal("cannot open a netlink socket: %s", strerror(errno));
	setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return s;
}

struct mx_table *mx_table_open(struct mx_loader *loader, const char *base, const char *saved)
{
	struct mx_table *t = mx_alloc(sizeof(*t));

	t->loader = loader;
	t->base = mx_strdup(base);
	t->saved = mx_strdup(saved);
	t->socket = open_socket(0);
	t->returned_all = true;
	t->events = open_socket(1u << (NFNLGRP_NFTABLES - 1));
	return t;
}

static void forget_returned(struct mx_table *t)
{
	while (t->returned_count)
		free(t->returned[--t->returned_count].set);
	t->returned_all = true;
}

void mx_table_close(struct mx_table *t)
{
	mnl_socket_close(t->socket);
	mnl_socket_close(t->events);
	free(t->base);
	free(t->saved);
	free(t->applied.elements);
	forget_returned(t);
	free(t->returned);
	free(t);
}

/* --- questions -------------------------------------------------------------------------------------------------- */

/* Sends one request and hands every message of the answer to `each`. 0 or errno. */
static int ask(struct mx_table *t, struct nlmsghdr *nlh, mnl_cb_t each, void *arg)
{
	char buffer[32768] __attribute__((aligned(8)));
	u32 port = mnl_socket_get_portid(t->socket), sequence = nlh->nlmsg_seq;
	ssize_t n;
	int rc;

	if (mnl_socket_sendto(t->socket, nlh, nlh->nlmsg_len) < 0)
		return errno;
	do {
		n = mnl_socket_recvfrom(t->socket, buffer, sizeof(buffer));
		if (n < 0)
			return errno;
		rc = mnl_cb_run(buffer, (size_t)n, sequence, port, each, arg);
	} while (rc > MNL_CB_STOP);
	return rc < 0 ? errno : 0;
}

static int count_one(const struct nlmsghdr *nlh, void *arg)
{
	(void)nlh;
	++*(u32 *)arg;
	return MNL_CB_OK;
}

static bool exists(struct mx_table *t, struct nlmsghdr *question)
{
	u32 found = 0;

	return ask(t, question, count_one, &found) == 0 && found;
}

static bool table_exists(struct mx_table *t, const char *name)
{
	char buffer[512];
	struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETTABLE, NFPROTO_INET, NLM_F_ACK, 1);

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, name);
	return exists(t, nlh);
}

static bool has_layout(struct mx_table *t)
{
	char buffer[512];
	struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETCHAIN, NFPROTO_INET, NLM_F_ACK, 1);

	mnl_attr_put_strz(nlh, NFTA_CHAIN_TABLE, MX_TABLE);
	mnl_attr_put_strz(nlh, NFTA_CHAIN_NAME, LAYOUT);
	return exists(t, nlh);
}

/* Names of chains and sets in our table that the daemon has made: those with a dot. */
struct names {
	char **items;
	u32 count;
};

static void add_name(struct names *names, const char *table, const char *name)
{
	if (!table || !name || strcmp(table, MX_TABLE) || !strchr(name, '.'))
		return;
	names->items = mx_grow(names->items, names->count, sizeof(char *));
	names->items[names->count++] = mx_strdup(name);
}

static void free_names(struct names *names)
{
	while (names->count)
		free(names->items[--names->count]);
	free(names->items);
}

static int take_chain(const struct nlmsghdr *nlh, void *arg)
{
	struct nftnl_chain *chain = mx_have(nftnl_chain_alloc());

	if (nftnl_chain_nlmsg_parse(nlh, chain) == 0)
		add_name(arg, nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE),
			 nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME));
	nftnl_chain_free(chain);
	return MNL_CB_OK;
}

static int take_set(const struct nlmsghdr *nlh, void *arg)
{
	struct nftnl_set *set = mx_have(nftnl_set_alloc());

	if (nftnl_set_nlmsg_parse(nlh, set) == 0)
		add_name(arg, nftnl_set_get_str(set, NFTNL_SET_TABLE), nftnl_set_get_str(set, NFTNL_SET_NAME));
	nftnl_set_free(set);
	return MNL_CB_OK;
}

static int list_names(struct mx_table *t, u16 type, mnl_cb_t each, struct names *names)
{
	char buffer[512];
	struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr(buffer, type, NFPROTO_INET, NLM_F_DUMP, 1);

	mnl_attr_put_strz(nlh, 1 /* the table, for chains and sets alike */, MX_TABLE);
	return ask(t, nlh, each, names);
}

/* The mark of the element of `bymark` that goes to `refuse` is the mask the table was loaded with. */
static int take_mask(const struct nlmsghdr *nlh, void *arg)
{
	struct nftnl_set *set = mx_have(nftnl_set_alloc());
	struct nftnl_set_elems_iter *iter;
	struct nftnl_set_elem *e;
	u32 *mask = arg, length;

	if (nftnl_set_elems_nlmsg_parse(nlh, set) == 0 && (iter = nftnl_set_elems_iter_create(set))) {
		while ((e = nftnl_set_elems_iter_next(iter))) {
			const char *chain = nftnl_set_elem_get_str(e, NFTNL_SET_ELEM_CHAIN);
			const void *key = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &length);

			if (chain && key && !strcmp(chain, "refuse") && length == sizeof(*mask))
				memcpy(mask, key, sizeof(*mask));
		}
		nftnl_set_elems_iter_destroy(iter);
	}
	nftnl_set_free(set);
	return MNL_CB_OK;
}

static u32 loaded_mask(struct mx_table *t)
{
	char buffer[512];
	struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETSETELEM, NFPROTO_INET, NLM_F_DUMP, 1);
	u32 mask = 0;

	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, MX_TABLE);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, "bymark");
	ask(t, nlh, take_mask, &mask);
	return mask;
}

static int take_counter(const struct nlmsghdr *nlh, void *arg)
{
	struct nftnl_obj *obj = mx_have(nftnl_obj_alloc());

	if (nftnl_obj_nlmsg_parse(nlh, obj) == 0)
		*(u64 *)arg = nftnl_obj_get_u64(obj, NFTNL_OBJ_CTR_PKTS);
	nftnl_obj_free(obj);
	return MNL_CB_OK;
}

/* False: there is no such counter; *packets stays as it is then. */
static bool read_counter(struct mx_table *t, const char *table, const char *name, u64 *packets)
{
	char buffer[512];
	struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETOBJ, NFPROTO_INET, NLM_F_ACK, 1);

	mnl_attr_put_strz(nlh, NFTA_OBJ_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_OBJ_NAME, name);
	mnl_attr_put_u32(nlh, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
	return ask(t, nlh, take_counter, packets) == 0;
}

static u64 counter(struct mx_table *t, const char *table, const char *name)
{
	u64 packets = 0;

	read_counter(t, table, name, &packets);
	return packets;
}

struct mx_table_counters mx_table_counters(struct mx_table *t)
{
	return (struct mx_table_counters){
		.refused = counter(t, MX_TABLE, "refused"),
		.undecided = counter(t, MX_TABLE, "undecided"),
		.untracked = counter(t, MX_TABLE, "untracked"),
		.guarded = counter(t, MX_TABLE, "guarded"),
		.shielded = counter(t, SHIELD, "guarded"),
		.cut = counter(t, MX_TABLE, "cut"),
	};
}

bool mx_table_cuts(struct mx_table *t)
{
	u64 packets;

	return read_counter(t, MX_TABLE, "cut", &packets);
}

/* --- small transactions ----------------------------------------------------------------------------------------- */

static void put_table(struct mx_batch *b, u16 type, const char *name, u32 flags)
{
	struct nlmsghdr *nlh = mx_batch_add(b, type, type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0);

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, name);
	if (flags)
		mnl_attr_put_u32(nlh, NFTA_TABLE_FLAGS, htonl(flags));
	mx_batch_close(b, nlh);
}

static struct nftnl_chain *new_chain(const char *table, const char *name)
{
	struct nftnl_chain *chain = mx_have(nftnl_chain_alloc());

	mx_kept(nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, table));
	mx_kept(nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name));
	return chain;
}

/*
 * Where xtables' targets are modules, a rule of the family inet cannot make the kernel load one: it looks for them by
 * the names of ip and ip6 alone. Asked whether ip has this one, it loads it. What it answers shows when the rule is
 * added.
 */
static void load_target(struct mx_table *t)
{
	char buffer[512];
	struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr(buffer, NFNL_MSG_COMPAT_GET, NFPROTO_IPV4, NLM_F_ACK, 1);
	u32 found = 0;

	nlh->nlmsg_type = NFNL_SUBSYS_NFT_COMPAT << 8 | NFNL_MSG_COMPAT_GET;
	mnl_attr_put_strz(nlh, NFTA_COMPAT_NAME, "NFQUEUE");
	mnl_attr_put_u32(nlh, NFTA_COMPAT_REV, htonl(3));
	mnl_attr_put_u32(nlh, NFTA_COMPAT_TYPE, htonl(1)); /* a target, not a match */
	ask(t, nlh, count_one, &found);
}

enum mx_queue_expression mx_table_probe_queue(struct mx_table *t)
{
	struct mx_queue_rule rule = { MX_QUEUE_NFT, 0, 1 };
	struct mx_batch b;

	mx_batch_begin(&b);
	put_table(&b, NFT_MSG_NEWTABLE, PROBE, 0);
	mx_batch_chain(&b, NFT_MSG_NEWCHAIN, new_chain(PROBE, "probe"));
	mx_rules_put_queue(&b, PROBE, "probe", &rule);
	put_table(&b, NFT_MSG_DELTABLE, PROBE, 0);
	if (mx_batch_commit(&b, t->socket, NULL) == 0)
		return MX_QUEUE_NFT;
	load_target(t);
	return MX_QUEUE_XTABLES;
}

/* --- loading ---------------------------------------------------------------------------------------------------- */

/*
 * Loads base text and contents by nft in one transaction; `first`: what it is to do before, in the same. A file holds
 * no leases: until the table is filled its fallback would refuse, so it is left empty, and what meets it is dropped and
 * sent again.
 */
static char *load(struct mx_table *t, const char *first, const struct mx_rules *rules)
{
	FILE *text;

	if (access(t->base, R_OK))
		return mx_format("cannot read the rules %s: %s", t->base, strerror(errno));
	text = mx_loader_begin(t->loader);
	if (!text)
		return mx_format("cannot run nft: %s", strerror(errno));
	fputs(first, text);
	mx_rules_print(rules, t->base, text);
	fputs("flush chain inet " MX_TABLE " fallback\n", text);
	if (!mx_loader_end(t->loader, text, &t->nft))
		return mx_strdup("nft could not load the table: expected it to be installed (package nftables)");
	t->applied.known = false;
	return NULL;
}

/* The copy for the boot scripts; the old one stays when there is no room for a new one. */
static void save(struct mx_table *t, const struct mx_rules *rules)
{
	char *part = mx_format("%s.new", t->saved);
	FILE *out = fopen(part, "we");
	bool good = out != NULL;

	if (out) {
		mx_rules_print(rules, t->base, out);
		good = !ferror(out) && !fflush(out) && !fsync(fileno(out));
		good = !fclose(out) && good;
	}
	if (good)
		good = !rename(part, t->saved);
	if (!good && !t->saving_failed)
		mx_log(MX_LOG_ERROR, "%s cannot be written: %s: a reboot would start with older weights", t->saved,
		       strerror(errno));
	if (!good)
		unlink(part);
	t->saving_failed = !good;
	free(part);
}

/* --- the shield ------------------------------------------------------------------------------------------------- */

static bool is_shield_set(const struct mx_set *set)
{
	static const char *const names[] = {
		"enforced", "clients4", "clients6", "exempt4", "exempt6", "ours4", "ours6"
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(set->name, names[i]))
			return true;
	return false;
}

static const char *const shield_chains[] = { "drop_wrong", "guarded", "guard" };

/* The rules of the guard as they were loaded, moved to the shield. */
static int copy_rule(const struct nlmsghdr *nlh, void *arg)
{
	struct nftnl_rule *rule = mx_have(nftnl_rule_alloc());
	size_t i;

	if (nftnl_rule_nlmsg_parse(nlh, rule) == 0 && !strcmp(nftnl_rule_get_str(rule, NFTNL_RULE_TABLE), MX_TABLE))
		for (i = 0; i < sizeof(shield_chains) / sizeof(shield_chains[0]); i++) {
			if (strcmp(nftnl_rule_get_str(rule, NFTNL_RULE_CHAIN), shield_chains[i]))
				continue;
			nftnl_rule_unset(rule, NFTNL_RULE_HANDLE);
			nftnl_rule_unset(rule, NFTNL_RULE_POSITION);
			mx_kept(nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, SHIELD));
			mx_batch_rule(arg, NFT_MSG_NEWRULE, rule);
			return MNL_CB_OK;
		}
	nftnl_rule_free(rule);
	return MNL_CB_OK;
}

/*
 * As a chain for address translation it sees first packets alone, and no packet that `translate` has given an address:
 * it costs nothing while our table stands.
 */
static void put_shield_chains(struct mx_batch *b)
{
	struct nftnl_chain *guard = new_chain(SHIELD, "guard");

	mx_batch_chain(b, NFT_MSG_NEWCHAIN, new_chain(SHIELD, "drop_wrong"));
	mx_batch_chain(b, NFT_MSG_NEWCHAIN, new_chain(SHIELD, "guarded"));
	nftnl_chain_set_u32(guard, NFTNL_CHAIN_HOOKNUM, NF_INET_POST_ROUTING);
	nftnl_chain_set_u32(guard, NFTNL_CHAIN_PRIO, SHIELD_PRIORITY);
	nftnl_chain_set_u32(guard, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	mx_kept(nftnl_chain_set_str(guard, NFTNL_CHAIN_TYPE, "nat"));
	mx_batch_chain(b, NFT_MSG_NEWCHAIN, guard);
}

static void put_shield_counter(struct mx_batch *b)
{
	struct nftnl_obj *obj = mx_have(nftnl_obj_alloc());
	struct nlmsghdr *nlh = mx_batch_add(b, NFT_MSG_NEWOBJ, NLM_F_CREATE);

	nftnl_obj_set_str(obj, NFTNL_OBJ_TABLE, SHIELD);
	nftnl_obj_set_str(obj, NFTNL_OBJ_NAME, "guarded");
	nftnl_obj_set_u32(obj, NFTNL_OBJ_TYPE, NFT_OBJECT_COUNTER);
	nftnl_obj_set_u64(obj, NFTNL_OBJ_CTR_PKTS, 0);
	nftnl_obj_nlmsg_build_payload(nlh, obj);
	mx_batch_close(b, nlh);
	nftnl_obj_free(obj);
}

static void put_shield(struct mx_table *t, struct mx_batch *b, const struct mx_rules *rules)
{
	char buffer[512];
	struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETRULE, NFPROTO_INET, NLM_F_DUMP, 1);
	bool fresh = !t->shielded;
	u32 i;

	if (fresh) {
		put_table(b, NFT_MSG_NEWTABLE, SHIELD, OWNED);
		put_shield_counter(b);
		for (i = 0; i < rules->fixed_sets; i++)
			if (is_shield_set(&rules->sets[i]))
				mx_rules_make_set(b, SHIELD, &rules->sets[i]);
		put_shield_chains(b);
		mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, MX_TABLE);
		ask(t, nlh, copy_rule, b);
	}
	for (i = 0; i < rules->fixed_sets; i++)
		if (is_shield_set(&rules->sets[i]))
			mx_rules_put_set(b, SHIELD, &rules->sets[i]);
}

static struct nftnl_set *new_set(const char *name)
{
	struct nftnl_set *set = mx_have(nftnl_set_alloc());

	mx_kept(nftnl_set_set_str(set, NFTNL_SET_TABLE, MX_TABLE));
	mx_kept(nftnl_set_set_str(set, NFTNL_SET_NAME, name));
	return set;
}

static bool is_draw(const char *set)
{
	return !strncmp(set, "pick.", 5) || !strncmp(set, "draw.", 5);
}

/* --- filling ---------------------------------------------------------------------------------------------------- */

/* Takes out all that the daemon has put in: rules first, then the sets they use, then the chains. */
static void put_clearance(struct mx_batch *b, const struct mx_rules *rules, const struct names *chains,
			  const struct names *sets)
{
	u32 i;

	for (i = 0; i < MX_FIXED_CHAINS; i++)
		mx_rules_flush_chain(b, rules->chains[i].name);
	for (i = 0; i < chains->count; i++)
		mx_rules_flush_chain(b, chains->items[i]);
	for (i = 0; i < rules->fixed_sets; i++)
		mx_batch_elements(b, NFT_MSG_DELSETELEM, new_set(rules->sets[i].name));
	for (i = 0; i < sets->count; i++) {
		if (is_draw(sets->items[i])) /* element by element: each tells what it has spent */
			mx_batch_elements(b, NFT_MSG_DELSETELEM, new_set(sets->items[i]));
		mx_batch_set(b, NFT_MSG_DELSET, new_set(sets->items[i]));
	}
	for (i = 0; i < chains->count; i++)
		mx_batch_chain(b, NFT_MSG_DELCHAIN, new_chain(MX_TABLE, chains->items[i]));
}

/* Everything anew. */
static int put_all(struct mx_table *t, struct mx_batch *b, const struct mx_rules *rules)
{
	struct names chains = { 0 }, sets = { 0 };
	int error = list_names(t, NFT_MSG_GETCHAIN, take_chain, &chains);

	if (!error)
		error = list_names(t, NFT_MSG_GETSET, take_set, &sets);
	if (!error) {
		put_clearance(b, rules, &chains, &sets);
		mx_rules_put(b, rules);
	}
	free_names(&chains);
	free_names(&sets);
	return error;
}

/*
 * Only the elements that have changed. Packets on their way then meet the same chains and maps as before; when chains
 * come and go, one that is just passing may find an empty one.
 */
static void put_changes(struct mx_table *t, struct mx_batch *b, const struct mx_rules *rules)
{
	u32 i;

	for (i = 0; i < rules->set_count; i++) {
		/* what is lent comes back each time: else nobody would know what of it was spent */
		if (rules->sets[i].leased || mx_rules_elements(&rules->sets[i]) != t->applied.elements[i])
			mx_rules_put_set(b, MX_TABLE, &rules->sets[i]);
	}
}

static void put_queue(struct mx_table *t, struct mx_batch *b, const struct mx_queue_rule *queue)
{
	if (t->applied.known && !memcmp(queue, &t->applied.queue, sizeof(*queue)))
		return;
	mx_rules_flush_chain(b, "decide");
	if (queue->expression != MX_QUEUE_NONE)
		mx_rules_put_queue(b, MX_TABLE, "decide", queue);
}

static void remember(struct mx_table *t, const struct mx_rules *rules, const struct mx_queue_rule *queue)
{
	u32 i;

	free(t->applied.elements);
	t->applied.elements = mx_alloc(rules->set_count * sizeof(u64));
	for (i = 0; i < rules->set_count; i++)
		t->applied.elements[i] = mx_rules_elements(&rules->sets[i]);
	t->applied.structure = mx_rules_structure(rules);
	t->applied.queue = *queue;
	t->applied.known = true;
}

static char *fill(struct mx_table *t, const struct mx_rules *rules, const struct mx_queue_rule *queue)
{
	struct mx_batch b;
	int error = 0, which = -1;

	mx_batch_begin(&b);
	if (t->applied.known && t->applied.structure == mx_rules_structure(rules))
		put_changes(t, &b, rules);
	else
		error = put_all(t, &b, rules);
	put_queue(t, &b, queue);
	put_shield(t, &b, rules);
	if (error)
		mx_batch_free(&b);
	else
		error = mx_batch_commit(&b, t->socket, &which);
	t->applied.known = false;
	if (error)
		return mx_format("cannot fill the table: %s (nf_tables message %d)", strerror(error), which);
	t->shielded = true;
	remember(t, rules, queue);
	return NULL;
}

static char *load_missing(struct mx_table *t, const struct mx_rules *rules)
{
	char *wrong = load(t, "", rules);

	if (wrong)
		return wrong;
	mx_log(t->loaded ? MX_LOG_WARNING : MX_LOG_INFO,
	       t->loaded ? "somebody took the table inet mxload away: put back" : "loaded the table inet mxload");
	t->restored += t->loaded;
	t->returned_all = false;
	return NULL;
}

/* --- events ----------------------------------------------------------------------------------------------------- */

int mx_table_fd(const struct mx_table *t)
{
	return mnl_socket_get_fd(t->events);
}

u32 mx_table_restored(const struct mx_table *t)
{
	return t->restored;
}

/* The counter and the lease of an element. */
static int take_expr(struct nftnl_expr *e, void *arg)
{
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);
	struct returned *r = arg;

	if (!strcmp(name, "counter"))
		r->spent = (u32)nftnl_expr_get_u64(e, NFTNL_EXPR_CTR_PACKETS);
	else if (!strcmp(name, "limit"))
		r->lease = nftnl_expr_get_u64(e, NFTNL_EXPR_LIMIT_RATE) == 1
				   ? nftnl_expr_get_u32(e, NFTNL_EXPR_LIMIT_BURST)
				   : MX_LEASE_FREE;
	return 0;
}

static void take_element(struct mx_table *t, const char *set, struct nftnl_set_elem *e)
{
	const char *chain = nftnl_set_elem_get_str(e, NFTNL_SET_ELEM_CHAIN);
	struct returned r = { 0 };

	nftnl_set_elem_expr_foreach(e, take_expr, &r);
	if (!r.lease || !chain || strncmp(chain, "src.", 4))
		return;
	if (r.spent > r.lease)
		r.spent = r.lease;
	r.set = mx_strdup(set);
	r.source = mx_name(chain + 4);
	t->returned = mx_grow(t->returned, t->returned_count, sizeof(r));
	t->returned[t->returned_count++] = r;
}

/* An element that is taken out tells what it has spent. */
static void take_elements(struct mx_table *t, const struct nlmsghdr *nlh)
{
	struct nftnl_set *set = mx_have(nftnl_set_alloc());
	struct nftnl_set_elems_iter *iter;
	struct nftnl_set_elem *e;
	const char *name;

	if (nftnl_set_elems_nlmsg_parse(nlh, set) == 0 && (name = nftnl_set_get_str(set, NFTNL_SET_NAME)) &&
	    is_draw(name) && (iter = nftnl_set_elems_iter_create(set))) {
		while ((e = nftnl_set_elems_iter_next(iter)))
			take_element(t, name, e);
		nftnl_set_elems_iter_destroy(iter);
	}
	nftnl_set_free(set);
}

/*
 * Every event of nf_tables names its table in attribute 1, and in nlmsg_pid the socket that asked for the change: for a
 * process with one socket, that is its process id.
 */
static int take_event(const struct nlmsghdr *nlh, void *arg)
{
	struct mx_table *t = arg;
	u32 own = mnl_socket_get_portid(t->socket);
	const struct nlattr *attr;
	bool ours = false;

	if ((nlh->nlmsg_type & 0xff) == NFT_MSG_NEWGEN)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
		ours |= mnl_attr_get_type(attr) == 1 && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0 &&
			!strcmp(mnl_attr_get_str(attr), MX_TABLE);
	if (ours && (nlh->nlmsg_type & 0xff) == NFT_MSG_DELSETELEM)
		take_elements(t, nlh);
	if (nlh->nlmsg_pid != own && nlh->nlmsg_pid != (u32)t->nft)
		t->foreign |= ours;
	return MNL_CB_OK;
}

/* Notes what was returned, and whether somebody else has changed our table. */
static void read_events(struct mx_table *t)
{
	char buffer[65536] __attribute__((aligned(8)));
	ssize_t n;

	for (;;) {
		n = recv(mnl_socket_get_fd(t->events), buffer, sizeof(buffer), MSG_DONTWAIT);
		if (n > 0)
			mnl_cb_run(buffer, (size_t)n, 0, 0, take_event, t);
		else if (n < 0 && errno == ENOBUFS)
			t->foreign = true, t->returned_all = false; /* events were lost: look for ourselves */
		else if (n < 0 && errno != EINTR)
			break;
	}
}

bool mx_table_changed(struct mx_table *t)
{
	bool foreign;

	read_events(t);
	foreign = t->foreign;
	t->foreign = false;
	if (foreign)
		t->applied.known = false;
	return foreign;
}

bool mx_table_returned(struct mx_table *t, void (*each)(const struct mx_returned *, void *), void *arg)
{
	bool all;
	u32 i;

	for (i = 0; i < t->returned_count; i++) {
		const struct returned *r = &t->returned[i];
		struct mx_returned told = { r->set, r->source, r->lease, r->spent };

		each(&told, arg);
	}
	all = t->returned_all;
	forget_returned(t);
	return all;
}

/* --- applying --------------------------------------------------------------------------------------------------- */

/* What is lent comes back; until the table is another one the fallback drops what it should decide. */
static int put_recall(struct mx_table *t, struct mx_batch *b)
{
	struct names sets = { 0 };
	int error = list_names(t, NFT_MSG_GETSET, take_set, &sets);
	u32 i;

	mx_rules_flush_chain(b, "fallback");
	for (i = 0; i < sets.count; i++)
		if (is_draw(sets.items[i]))
			mx_batch_elements(b, NFT_MSG_DELSETELEM, new_set(sets.items[i]));
	free_names(&sets);
	return error;
}

/* The table of another version of mxload: this one's takes its place, in one transaction. */
static char *load_anew(struct mx_table *t, const struct mx_rules *rules)
{
	struct mx_batch b;
	int error, which = -1;
	char *wrong;

	mx_batch_begin(&b);
	error = put_recall(t, &b);
	if (error)
		mx_batch_free(&b);
	else
		error = mx_batch_commit(&b, t->socket, &which);
	read_events(t);
	if (error) /* whatever it is: what is not back counts as spent */
		t->returned_all = false;
	wrong = load(t, "delete table inet " MX_TABLE "\n", rules);
	if (wrong)
		return wrong;
	mx_log(MX_LOG_INFO, "the loaded table inet mxload is of another version of mxload: replaced");
	return NULL;
}

char *mx_table_apply(struct mx_table *t, const struct mx_rules *rules, const struct mx_queue_rule *queue)
{
	char *wrong = NULL;

	if (!table_exists(t, MX_TABLE))
		wrong = load_missing(t, rules);
	else if (!t->loaded && loaded_mask(t) != rules->mark_mask)
		wrong = mx_format(
			"the table inet mxload was loaded with mark-mask 0x%08x, expected 0x%08x: load it anew, or "
			"change mark-mask back",
			loaded_mask(t), rules->mark_mask);
	else if (!t->loaded && !has_layout(t))
		wrong = load_anew(t, rules);
	if (wrong)
		return wrong;
	t->loaded = true;
	wrong = fill(t, rules, queue);
	read_events(t); /* the kernel has told of all that was taken out */
	if (!wrong)
		save(t, rules);
	return wrong;
}
