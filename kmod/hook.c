// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A SYN in the order of the table's own rules (nft-rules/mxload.nft, chains decide_... and ask): bare, to one of the
 * ports, forwarded ones from a client, of a new connection that nobody has marked, not to this host, not exempt. What
 * is decided is marked, and the table does the rest.
 */
#include "kmod/hook.h"

#include <linux/cred.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/tcp.h>
#include <net/ip6_fib.h>
#include <net/ipv6.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/route.h>

#include "core/classify.h"
#include "kmod/namespace.h"

/* --- what a packet is ------------------------------------------------------------------------------------------- */

/* Most packets are none: this is all that they cost. What is kept on the stack is zeroed, so it is little. */
static __always_inline const struct tcphdr *bare_syn(const struct sk_buff *skb, int offset, struct tcphdr *buffer)
{
	const struct tcphdr *tcp = skb_header_pointer(skb, offset, sizeof(*buffer), buffer);
	const __be32 looked_at = TCP_FLAG_SYN | TCP_FLAG_ACK | TCP_FLAG_FIN | TCP_FLAG_RST;

	return tcp && (tcp_flag_word(tcp) & looked_at) == TCP_FLAG_SYN ? tcp : NULL;
}

static const struct tcphdr *bare_syn4(const struct sk_buff *skb, struct tcphdr *buffer)
{
	const struct iphdr *ip = ip_hdr(skb);

	if (ip->protocol != IPPROTO_TCP || ip_is_fragment(ip))
		return NULL;
	return bare_syn(skb, skb_network_offset(skb) + (int)ip->ihl * 4, buffer);
}

static const struct tcphdr *bare_syn6(const struct sk_buff *skb, struct tcphdr *buffer)
{
	unsigned short fragment = 0;
	unsigned int offset = 0;

	if (ipv6_find_hdr(skb, &offset, IPPROTO_TCP, &fragment, NULL) != IPPROTO_TCP || fragment)
		return NULL;
	return bare_syn(skb, (int)offset, buffer);
}

static struct mx_addr number_of(const struct in6_addr *a)
{
	return (struct mx_addr){ (u64)ntohl(a->s6_addr32[0]) << 32 | ntohl(a->s6_addr32[1]),
				 (u64)ntohl(a->s6_addr32[2]) << 32 | ntohl(a->s6_addr32[3]) };
}

/* All but the owner of its socket. */
static struct mx_flow flow_of(const struct sk_buff *skb, u8 pf, const struct tcphdr *tcp)
{
	bool v4 = pf == NFPROTO_IPV4;

	return (struct mx_flow){
		.from = v4 ? (struct mx_addr){ 0, ntohl(ip_hdr(skb)->saddr) } : number_of(&ipv6_hdr(skb)->saddr),
		.to = v4 ? (struct mx_addr){ 0, ntohl(ip_hdr(skb)->daddr) } : number_of(&ipv6_hdr(skb)->daddr),
		.family = v4 ? MX_IPV4 : MX_IPV6,
		.from_port = ntohs(tcp->source),
		.to_port = ntohs(tcp->dest),
		.mark = skb->mark,
		.user = MX_NO_ID,
		.group = MX_NO_ID,
	};
}

/* By the route that it has so far. */
static bool is_to_this_host(const struct sk_buff *skb, enum mx_family family)
{
	const struct dst_entry *dst = skb_dst(skb);

	if (!dst)
		return true;
	if (family == MX_IPV4)
		return skb_rtable(skb)->rt_type == RTN_LOCAL;
	return ((const struct rt6_info *)dst)->rt6i_flags & RTF_LOCAL;
}

/* One that nobody has decided yet; without conntrack no address can be translated. */
static bool is_new(const struct sk_buff *skb, u32 mask)
{
	enum ip_conntrack_info info;
	const struct nf_conn *ct = nf_ct_get(skb, &info);

	return ct && info == IP_CT_NEW && !(READ_ONCE(ct->mark) & mask) && !(skb->mark & mask);
}

/*
 * Owner of the socket, as the queue would be told: of the file, in the numbers of the first user namespace, and unknown
 * without one. With softirqs off.
 */
static void read_owner(const struct sk_buff *skb, struct mx_flow *flow)
{
	struct sock *sk = skb->sk;
	const struct cred *cred;

	if (!sk || !sk_fullsock(sk))
		return;
	read_lock(&sk->sk_callback_lock);
	if (sk->sk_socket && sk->sk_socket->file) {
		cred = sk->sk_socket->file->f_cred;
		flow->user = __kuid_val(cred->fsuid);
		flow->group = __kgid_val(cred->fsgid);
	}
	read_unlock(&sk->sk_callback_lock);
}

/* --- what is done with it --------------------------------------------------------------------------------------- */

/* Whether another mark could lead elsewhere: there are rules beside those of every host, or policies of IPsec. */
static bool mark_may_lead_elsewhere(const struct nf_hook_state *state)
{
#ifdef CONFIG_XFRM
	if (READ_ONCE(state->net->xfrm.policy_count[XFRM_POLICY_OUT]))
		return true;
#endif
#ifdef CONFIG_IPV6_MULTIPLE_TABLES
	if (state->pf == NFPROTO_IPV6)
		return READ_ONCE(state->net->ipv6.fib6_has_custom_rules);
#endif
#ifdef CONFIG_IP_MULTIPLE_TABLES
	if (state->pf == NFPROTO_IPV4)
		return READ_ONCE(state->net->ipv4.fib_has_custom_rules);
#endif
	return false;
}

static unsigned int mark(struct sk_buff *skb, const struct nf_hook_state *state, u32 mark, u32 mask)
{
	int error;

	skb->mark = (skb->mark & ~mask) | mark;
	/* A forwarded packet was routed before: so it is with the queue. */
	if (state->hook != NF_INET_LOCAL_OUT || !mark_may_lead_elsewhere(state))
		return NF_ACCEPT;
	error = state->pf == NFPROTO_IPV4 ? ip_route_me_harder(state->net, state->sk, skb, RTN_UNSPEC)
					  : nf_ip6_route_me_harder(state->net, state->sk, skb);
	return error ? NF_DROP_ERR(error) : NF_ACCEPT;
}

static MX_WHOLE MX_APART unsigned int decide(struct mxload_namespace *n, struct mxload_policy *p, struct sk_buff *skb,
					     const struct nf_hook_state *state, const struct tcphdr *tcp)
{
	struct mx_flow flow = flow_of(skb, state->pf, tcp);
	bool forwarded = state->hook == NF_INET_FORWARD;
	u32 mask = p->snapshot->mark_mask;
	enum mxload_left left = MXLOAD_LEFT_EXPIRED;
	struct mx_verdict v;

	if (!mx_classify_asked(p->snapshot, &flow, forwarded) || !is_new(skb, mask) ||
	    (!forwarded && is_to_this_host(skb, flow.family)) || mx_classify_exempt(p->snapshot, &flow))
		return NF_ACCEPT;
	local_bh_disable();
	read_owner(skb, &flow);
	/* How long it has waited and what the ledger's clock says only matters to who has to wait, and he is left. */
	if (mxload_policy_valid(p))
		left = mxload_policy_decide(p, &flow, (struct mx_moment){ 0, 0 }, true, &v);
	this_cpu_inc(n->tally->of[left]);
	mxload_decisions_tell(n->decisions, p->generation, &flow, forwarded, left, &v);
	local_bh_enable();
	return left == MXLOAD_LEFT_NOT ? mark(skb, state, v.mark, mask) : NF_ACCEPT;
}

static unsigned int hook(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct mxload_namespace *n = priv;
	const struct tcphdr *tcp;
	struct mxload_policy *p;
	struct tcphdr buffer;

	tcp = state->pf == NFPROTO_IPV4 ? bare_syn4(skb, &buffer) : bare_syn6(skb, &buffer);
	if (!tcp)
		return NF_ACCEPT;
	p = rcu_dereference(n->policy);
	return p ? decide(n, p, skb, state, tcp) : NF_ACCEPT;
}

int mxload_hook_register(struct mxload_namespace *n)
{
	static const struct {
		u8 family;
		unsigned int number;
	} places[MXLOAD_HOOKS] = {
		{ NFPROTO_IPV4, NF_INET_LOCAL_OUT },
		{ NFPROTO_IPV4, NF_INET_FORWARD },
		{ NFPROTO_IPV6, NF_INET_LOCAL_OUT },
		{ NFPROTO_IPV6, NF_INET_FORWARD },
	};
	u32 i;

	for (i = 0; i < MXLOAD_HOOKS; i++)
		n->hooks[i] = (struct nf_hook_ops){ .hook = hook,
						    .priv = n,
						    .pf = places[i].family,
						    .hooknum = places[i].number,
						    .priority = NF_IP_PRI_MANGLE - 1 };
	return nf_register_net_hooks(n->net, n->hooks, MXLOAD_HOOKS);
}

void mxload_hook_unregister(struct mxload_namespace *n)
{
	nf_unregister_net_hooks(n->net, n->hooks, MXLOAD_HOOKS);
}
