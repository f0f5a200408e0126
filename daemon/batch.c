// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/batch.h"

#include <errno.h>
#include <libnftnl/common.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/log.h"

#define ROOM 65536 /* for one message */

static char *room(struct mx_batch *b)
{
	if (b->length + ROOM > b->size) {
		b->size = b->size ? 2 * b->size : 2 * ROOM;
		b->buffer = mx_realloc(b->buffer, b->size);
	}
	return b->buffer + b->length;
}

void mx_batch_begin(struct mx_batch *b)
{
	memset(b, 0, sizeof(*b));
	mx_batch_close(b, nftnl_batch_begin(room(b), b->sequence++));
}

struct nlmsghdr *mx_batch_add(struct mx_batch *b, u16 type, u16 flags)
{
	return nftnl_nlmsg_build_hdr(room(b), type, NFPROTO_INET, flags, b->sequence++);
}

void mx_batch_close(struct mx_batch *b, const struct nlmsghdr *nlh)
{
	b->length += MNL_ALIGN(nlh->nlmsg_len);
}

static u16 flags_of(u16 type)
{
	return type == NFT_MSG_NEWRULE ? NLM_F_CREATE | NLM_F_APPEND
	       : type == NFT_MSG_NEWCHAIN || type == NFT_MSG_NEWSET || type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE
												  : 0;
}

/* Without a name it would mean everything there is: what shall be emptied would be all rules of all chains. */
static void expect(bool named)
{
	if (!named)
		mx_fatal("out of memory");
}

void mx_batch_chain(struct mx_batch *b, u16 type, struct nftnl_chain *chain)
{
	struct nlmsghdr *nlh = mx_batch_add(b, type, flags_of(type));

	expect(nftnl_chain_is_set(chain, NFTNL_CHAIN_TABLE) && nftnl_chain_is_set(chain, NFTNL_CHAIN_NAME));
	nftnl_chain_nlmsg_build_payload(nlh, chain);
	mx_batch_close(b, nlh);
	nftnl_chain_free(chain);
}

void mx_batch_rule(struct mx_batch *b, u16 type, struct nftnl_rule *rule)
{
	struct nlmsghdr *nlh = mx_batch_add(b, type, flags_of(type));

	expect(nftnl_rule_is_set(rule, NFTNL_RULE_TABLE) && nftnl_rule_is_set(rule, NFTNL_RULE_CHAIN));
	nftnl_rule_nlmsg_build_payload(nlh, rule);
	mx_batch_close(b, nlh);
	nftnl_rule_free(rule);
}

void mx_batch_set(struct mx_batch *b, u16 type, struct nftnl_set *set)
{
	struct nlmsghdr *nlh = mx_batch_add(b, type, flags_of(type));

	expect(nftnl_set_is_set(set, NFTNL_SET_TABLE) && nftnl_set_is_set(set, NFTNL_SET_NAME));
	nftnl_set_nlmsg_build_payload(nlh, set);
	mx_batch_close(b, nlh);
	nftnl_set_free(set);
}

void mx_batch_elements(struct mx_batch *b, u16 type, struct nftnl_set *set)
{
	struct nlmsghdr *nlh = mx_batch_add(b, type, flags_of(type));

	expect(nftnl_set_is_set(set, NFTNL_SET_TABLE) && nftnl_set_is_set(set, NFTNL_SET_NAME));
	nftnl_set_elems_nlmsg_build_payload(nlh, set);
	mx_batch_close(b, nlh);
	nftnl_set_free(set);
}

static int type_of(const struct mx_batch *b, u32 sequence)
{
	size_t at = 0;

	while (at < b->length) {
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)(b->buffer + at);

		if (nlh->nlmsg_seq == sequence)
			return nlh->nlmsg_type & 0xff;
		at += MNL_ALIGN(nlh->nlmsg_len);
	}
	return -1;
}

/* The kernel has answered before sendmsg returns: what is not there yet will not come. */
static int first_error(const struct mx_batch *b, struct mnl_socket *socket, int *which)
{
	char buffer[8192] __attribute__((aligned(8)));
	int error = 0;
	ssize_t n;

	while ((n = recv(mnl_socket_get_fd(socket), buffer, sizeof(buffer), MSG_DONTWAIT)) > 0) {
		struct nlmsghdr *nlh = (struct nlmsghdr *)buffer;
		int left = (int)n;

		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

			if (nlh->nlmsg_type != NLMSG_ERROR || !e->error || error)
				continue;
			error = -e->error;
			if (which)
				*which = type_of(b, nlh->nlmsg_seq);
		}
	}
	return error;
}

void mx_batch_free(struct mx_batch *b)
{
	free(b->buffer);
}

int mx_batch_commit(struct mx_batch *b, struct mnl_socket *socket, int *which)
{
	int fd = mnl_socket_get_fd(socket), size, error;

	mx_batch_close(b, nftnl_batch_end(room(b), b->sequence++));
	size = (int)b->length + 65536;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (which)
		*which = -1;
	error = mnl_socket_sendto(socket, b->buffer, b->length) < 0 ? errno : first_error(b, socket, which);
	free(b->buffer);
	return error;
}
