// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/wonders.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/flow_cache.h"
#include "daemon/log.h"

#define SEEN_BUCKETS 16384 /* 65,536 addresses, 1 MB */

struct mx_wonders {
	pthread_mutex_t lock; /* of all below; the queue threads do not wait for it */
	struct mx_flow_cache *seen;
	struct mx_wonder ring[MX_WONDERS];
	u32 first, count;
	int fd;
	atomic_bool wanted;
};

struct mx_wonders *mx_wonders_new(void)
{
	struct mx_wonders *w = mx_alloc(sizeof(*w));

	pthread_mutex_init(&w->lock, NULL);
	w->seen = mx_flow_cache_new(SEEN_BUCKETS, MX_WONDER_AGAIN);
	w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->fd < 0)
		mx_fatal("cannot make an eventfd: %s", strerror(errno));
	return w;
}

void mx_wonders_free(struct mx_wonders *w)
{
	close(w->fd);
	free(w->seen);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

int mx_wonders_fd(const struct mx_wonders *w)
{
	return w->fd;
}

void mx_wonders_want(struct mx_wonders *w, bool wanted)
{
	atomic_store(&w->wanted, wanted);
}

static bool begins(u32 addr, u32 prefix, u32 length)
{
	return (addr ^ prefix) >> (32 - length) == 0;
}

/* RFC 6890, as far as mail could be sent there. */
static bool is_public4(u32 addr)
{
	return !begins(addr, 0x00000000, 8) && !begins(addr, 0x0a000000, 8) && !begins(addr, 0x64400000, 10) &&
	       !begins(addr, 0x7f000000, 8) && !begins(addr, 0xa9fe0000, 16) && !begins(addr, 0xac100000, 12) &&
	       !begins(addr, 0xc0a80000, 16) && !begins(addr, 0xe0000000, 3);
}

/* ::/8 holds loopback and addresses that stand for others; fc00::/7 are private, fe80::/10 local, ff00::/8 groups. */
static bool is_public6(u32 first)
{
	return !begins(first, 0x00000000, 8) && !begins(first, 0xfc000000, 7) && !begins(first, 0xfe800000, 10) &&
	       !begins(first, 0xff000000, 8);
}

static bool is_public(enum mx_family family, struct mx_addr addr)
{
	return family == MX_IPV4 ? is_public4((u32)addr.lo) : is_public6((u32)(addr.hi >> 32));
}

static struct mx_flow_place place_of(struct mx_wonders *w, enum mx_family family, struct mx_addr addr)
{
	struct mx_flow flow = { .family = family, .to = addr };

	return mx_flow_cache_place(w->seen, &flow, 0);
}

static bool add(struct mx_wonders *w, enum mx_family family, struct mx_addr addr, u32 now)
{
	struct mx_flow_place place = place_of(w, family, addr);

	if (w->count == MX_WONDERS || mx_flow_cache_find(w->seen, &place, now))
		return false;
	mx_flow_cache_add(&place, now, 0);
	w->ring[(w->first + w->count++) % MX_WONDERS] = (struct mx_wonder){ family, addr };
	return true;
}

bool mx_wonders_add(struct mx_wonders *w, enum mx_family family, struct mx_addr addr, u32 now)
{
	bool added;

	if (!atomic_load(&w->wanted) || !is_public(family, addr) || pthread_mutex_trylock(&w->lock))
		return false;
	added = add(w, family, addr, now);
	pthread_mutex_unlock(&w->lock);
	if (added)
		eventfd_write(w->fd, 1);
	return added;
}

bool mx_wonders_take(struct mx_wonders *w, struct mx_wonder *wonder)
{
	bool any;

	pthread_mutex_lock(&w->lock);
	any = w->count != 0;
	if (any) {
		*wonder = w->ring[w->first];
		w->first = (w->first + 1) % MX_WONDERS;
		w->count--;
	}
	pthread_mutex_unlock(&w->lock);
	return any;
}

void mx_wonders_again(struct mx_wonders *w, const struct mx_wonder *wonder, u32 now)
{
	struct mx_flow_place place;
	struct mx_flow_entry *seen;

	pthread_mutex_lock(&w->lock);
	place = place_of(w, wonder->family, wonder->addr);
	seen = mx_flow_cache_find(w->seen, &place, now);
	if (seen)
		seen->time = now - MX_WONDER_AGAIN + MX_WONDER_AGAIN_SOON;
	pthread_mutex_unlock(&w->lock);
}
