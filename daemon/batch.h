/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One nf_tables transaction: messages are collected, then all of them take effect, or none. */
#ifndef MX_DAEMON_BATCH_H
#define MX_DAEMON_BATCH_H

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>

#include "core/port.h"

#define MX_TABLE "mxload"

struct mx_batch {
	char *buffer;
	size_t length, size;
	u32 sequence;
};

void mx_batch_begin(struct mx_batch *batch);

/* Starts a message of nf_tables; the payload is appended with libmnl or libnftnl, up to 60,000 bytes of it. */
struct nlmsghdr *mx_batch_add(struct mx_batch *batch, u16 type, u16 flags);

/* Ends the message that was started last. */
void mx_batch_close(struct mx_batch *batch, const struct nlmsghdr *nlh);

/* The common messages. Objects are freed. */
void mx_batch_chain(struct mx_batch *batch, u16 type, struct nftnl_chain *chain);
void mx_batch_rule(struct mx_batch *batch, u16 type, struct nftnl_rule *rule);
void mx_batch_set(struct mx_batch *batch, u16 type, struct nftnl_set *set);
void mx_batch_elements(struct mx_batch *batch, u16 type, struct nftnl_set *set);

/* Forgets a batch that is not sent. */
void mx_batch_free(struct mx_batch *batch);

/*
 * Sends the transaction and frees the batch. 0, or the errno of the first message that was refused; then nothing has
 * changed, and *which (unless NULL) is that message's type.
 */
int mx_batch_commit(struct mx_batch *batch, struct mnl_socket *socket, int *which);

#endif
