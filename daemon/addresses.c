// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/addresses.h"

#include <linux/if_addr.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/names.h"
#include "daemon/route_link.h"
#include "daemon/text.h"

struct address {
	struct mx_addr addr;
	enum mx_family family;
	u32 interface;
};

struct mx_addresses {
	struct mnl_socket *events;
	struct address *items;
	u32 count;
	bool changed;
};

/* --- following -------------------------------------------------------------------------------------------------- */

static int find(const struct mx_addresses *a, const struct address *wanted)
{
	u32 i;

	for (i = 0; i < a->count; i++)
		if (a->items[i].family == wanted->family && a->items[i].interface == wanted->interface &&
		    !mx_addr_cmp(a->items[i].addr, wanted->addr))
			return (int)i;
	return -1;
}

static void note(struct mx_addresses *a, const struct address *address, bool there)
{
	int i = find(a, address);

	if (there && i < 0) {
		a->items = mx_grow(a->items, a->count, sizeof(*a->items));
		a->items[a->count++] = *address;
		a->changed = true;
	} else if (!there && i >= 0) {
		a->items[i] = a->items[--a->count];
		a->changed = true;
	}
}

/* An IPv6 address that is still being tested, or has failed the test, is not there yet. */
static int take_address(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr, *local = NULL, *plain = NULL;
	struct address address = { .interface = ifa->ifa_index };
	u32 flags = ifa->ifa_flags;

	if (nlh->nlmsg_type != RTM_NEWADDR && nlh->nlmsg_type != RTM_DELADDR)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*ifa)) {
		if (mnl_attr_get_type(attr) == IFA_LOCAL)
			local = attr;
		else if (mnl_attr_get_type(attr) == IFA_ADDRESS)
			plain = attr;
		else if (mnl_attr_get_type(attr) == IFA_FLAGS)
			flags = mnl_attr_get_u32(attr);
	}
	if (!local)
		local = plain;
	if (!local || (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6))
		return MNL_CB_OK;
	address.family = ifa->ifa_family == AF_INET ? MX_IPV4 : MX_IPV6;
	if (mnl_attr_get_payload_len(local) != mx_addr_size(address.family))
		return MNL_CB_OK;
	address.addr = mx_addr_from_bytes(address.family, mnl_attr_get_payload(local));
	note(arg, &address, nlh->nlmsg_type == RTM_NEWADDR && !(flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)));
	return MNL_CB_OK;
}

static void list(struct mx_addresses *a)
{
	int error;

	a->count = 0;
	error = mx_route_list(RTM_GETADDR, take_address, a);
	if (error)
		mx_log(MX_LOG_ERROR, "cannot list the addresses of this host: %s", strerror(error));
}

struct mx_addresses *mx_addresses_open(void)
{
	struct mx_addresses *a = mx_alloc(sizeof(*a));

	a->events = mx_route_open(RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);
	list(a);
	return a;
}

void mx_addresses_close(struct mx_addresses *a)
{
	mnl_socket_close(a->events);
	free(a->items);
	free(a);
}

int mx_addresses_fd(const struct mx_addresses *a)
{
	return mnl_socket_get_fd(a->events);
}

bool mx_addresses_changed(struct mx_addresses *a)
{
	a->changed = false;
	if (!mx_route_read(a->events, take_address, a)) {
		list(a);
		a->changed = true;
	}
	return a->changed;
}

bool mx_addresses_has(const struct mx_addresses *a, enum mx_family family, struct mx_addr addr)
{
	u32 i;

	for (i = 0; i < a->count; i++)
		if (a->items[i].family == family && !mx_addr_cmp(a->items[i].addr, addr))
			return true;
	return false;
}

static void tell(const struct mx_conf_source *source, enum mx_family family, bool there)
{
	char text[MX_ADDR_TEXT];

	mx_addr_text(family, source->addr[family], text);
	if (there)
		mx_log(MX_LOG_INFO, "source %s: %s is on this host: used", source->name, text);
	else
		mx_log(MX_LOG_WARNING, "source %s: %s is not on this host: not used", source->name, text);
}

u8 mx_addresses_usable(const struct mx_conf_source *source, void *addresses)
{
	u8 usable = 0;
	u32 family;

	for (family = 0; family < MX_FAMILIES; family++)
		if ((source->families & (1u << family)) && mx_addresses_has(addresses, family, source->addr[family]))
			usable |= (u8)(1u << family);
	return usable;
}

bool mx_addresses_update(struct mx_addresses *a, struct mx_policy *policy, bool name_missing)
{
	const struct mx_config *c = policy->config;
	bool any = false;
	u32 i, family;

	for (i = 0; i < c->source_count; i++) {
		u8 usable = mx_addresses_usable(&c->sources[i], a), differ = usable ^ policy->state.usable[i];

		any |= differ != 0;
		for (family = 0; family < MX_FAMILIES; family++)
			if ((differ | (name_missing ? c->sources[i].families & ~usable : 0)) & (1u << family))
				tell(&c->sources[i], family, usable & (1u << family));
		mx_policy_set_usable(policy, i, usable);
	}
	return any;
}

/* --- managing --------------------------------------------------------------------------------------------------- */

static int change(u16 type, enum mx_family family, struct mx_addr addr, u32 interface)
{
	char buffer[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct ifaddrmsg *ifa;
	u8 bytes[16];

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | (type == RTM_NEWADDR ? NLM_F_CREATE | NLM_F_EXCL : 0);
	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	ifa->ifa_family = family == MX_IPV4 ? AF_INET : AF_INET6;
	ifa->ifa_prefixlen = mx_family_bits(family);
	ifa->ifa_flags = family == MX_IPV6 ? IFA_F_NODAD : 0; /* it is ours: no second of waiting */
	ifa->ifa_index = interface;
	mx_addr_to_bytes(family, addr, bytes);
	mnl_attr_put(nlh, IFA_LOCAL, mx_addr_size(family), bytes);
	mnl_attr_put(nlh, IFA_ADDRESS, mx_addr_size(family), bytes);
	return mx_route_ask(nlh, NULL, NULL);
}

static void add_missing(struct mx_addresses *a, const struct mx_policy *policy, u32 interface)
{
	const struct mx_config *c = policy->config;
	char text[MX_ADDR_TEXT];
	u32 i, family;

	for (i = 0; i < c->source_count; i++)
		for (family = 0; family < MX_FAMILIES; family++) {
			struct mx_addr addr = c->sources[i].addr[family];
			int error;

			if (!(c->sources[i].families & (1u << family)) || mx_addresses_has(a, family, addr))
				continue;
			mx_addr_text(family, addr, text);
			error = change(RTM_NEWADDR, family, addr, interface);
			if (error) {
				mx_log(MX_LOG_ERROR, "cannot add %s to %s: %s", text, c->manage_addresses,
				       strerror(error));
				continue;
			}
			mx_log(MX_LOG_INFO, "added %s to %s", text, c->manage_addresses);
			mx_store_put_address(policy->store, text, true);
		}
}

static bool is_source(const struct mx_config *c, enum mx_family family, struct mx_addr addr)
{
	u32 i;

	for (i = 0; i < c->source_count; i++)
		if ((c->sources[i].families & (1u << family)) && !mx_addr_cmp(c->sources[i].addr[family], addr))
			return true;
	return false;
}

struct stale {
	const struct mx_config *config;
	struct mx_strings list;
};

static void collect_stale(const char *address, void *arg)
{
	struct stale *stale = arg;
	enum mx_family family;
	struct mx_addr addr;

	if (!mx_addr_parse(address, &family, &addr) || is_source(stale->config, family, addr))
		return;
	stale->list.items = mx_grow(stale->list.items, stale->list.count, sizeof(char *));
	stale->list.items[stale->list.count++] = mx_strdup(address);
}

/* An address may have been moved to another interface since: it is taken away where it is. */
static void remove_stale(struct mx_addresses *a, const struct mx_policy *policy)
{
	struct stale stale = { .config = policy->config };
	enum mx_family family;
	struct mx_addr addr;
	u32 i, j;

	if (!mx_store_addresses(policy->store, collect_stale, &stale))
		mx_log(MX_LOG_WARNING, "addresses that no source has any more may stay");
	for (i = 0; i < stale.list.count; i++) {
		mx_addr_parse(stale.list.items[i], &family, &addr);
		for (j = 0; j < a->count; j++)
			if (a->items[j].family == family && !mx_addr_cmp(a->items[j].addr, addr) &&
			    !change(RTM_DELADDR, family, addr, a->items[j].interface))
				mx_log(MX_LOG_INFO, "took %s away: no source has it any more", stale.list.items[i]);
		mx_store_put_address(policy->store, stale.list.items[i], false);
		free(stale.list.items[i]);
	}
	free(stale.list.items);
}

void mx_addresses_manage(struct mx_addresses *a, const struct mx_policy *policy)
{
	const char *name = policy->config->manage_addresses;
	u32 interface;

	if (*name) {
		interface = if_nametoindex(name);
		if (interface)
			add_missing(a, policy, interface);
		else
			mx_log(MX_LOG_ERROR, "manage-addresses: there is no interface %s", name);
	}
	remove_stale(a, policy);
}
