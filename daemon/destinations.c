// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/destinations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/snapshot.h"
#include "daemon/log.h"

#define REWRITE_SECONDS 3600 /* how old the file's word on when something was confirmed may be */

/* What is kept beside a slot of the table. */
struct note {
	char *host; /* NULL: none */
	u32 first, until;
	u32 written; /* what the file says of `confirmed` */
	bool is_dirty;
};

struct gone {
	enum mx_family family;
	struct mx_addr addr;
};

struct mx_destinations {
	struct mx_learned learned;
	struct note note[MX_LEARNED_SLOTS];
	u32 *dirty; /* slots */
	u32 dirty_count;
	struct gone *gone; /* rows that have to go */
	u32 gone_count;
	u32 version;
};

struct mx_destinations *mx_destinations_new(void)
{
	struct mx_destinations *d = mx_alloc(sizeof(*d));

	if (getrandom(&d->learned.seed, sizeof(d->learned.seed), 0) != sizeof(d->learned.seed))
		mx_fatal("no random numbers from the kernel");
	return d;
}

void mx_destinations_free(struct mx_destinations *d)
{
	u32 i;

	for (i = 0; i < MX_LEARNED_SLOTS; i++)
		free(d->note[i].host);
	free(d->dirty);
	free(d->gone);
	free(d);
}

const struct mx_learned *mx_destinations_learned(const struct mx_destinations *d)
{
	return &d->learned;
}

u32 mx_destinations_version(const struct mx_destinations *d)
{
	return d->version;
}

/* --- what has to be written ------------------------------------------------------------------------------------- */

static void put_dirty(struct mx_destinations *d, u32 slot)
{
	if (d->note[slot].is_dirty)
		return;
	d->note[slot].is_dirty = true;
	d->dirty = mx_grow(d->dirty, d->dirty_count, sizeof(d->dirty[0]));
	d->dirty[d->dirty_count++] = slot;
}

/* A row that is forgotten here stays in the file until it is over. */
static void put_gone(struct mx_destinations *d, enum mx_family family, struct mx_addr addr)
{
	if (d->gone_count == MX_LEARNED_SLOTS) /* the file cannot be written for long */
		return;
	d->gone = mx_grow(d->gone, d->gone_count, sizeof(d->gone[0]));
	d->gone[d->gone_count++] = (struct gone){ family, addr };
}

static void fill_row(const struct mx_destinations *d, u32 slot, const char *const *names,
		     struct mx_destination_row *row)
{
	const struct mx_learned_address *a = &d->learned.slot[slot];
	const struct note *n = &d->note[slot];

	*row = (struct mx_destination_row){ .family = (enum mx_family)a->family,
					    .addr = a->addr,
					    .origin = (enum mx_origin)a->origin,
					    .provider = names[a->provider],
					    .first = n->first,
					    .confirmed = a->confirmed,
					    .until = n->until };
	snprintf(row->host, sizeof(row->host), "%s", n->host ? n->host : "");
}

/* Rows that go come first: an address may be known again. */
u32 mx_destinations_collect(struct mx_destinations *d, const char *const *names, struct mx_destination_row *rows,
			    u32 count)
{
	u32 n = 0;

	while (n < count && d->gone_count) {
		const struct gone *g = &d->gone[--d->gone_count];

		rows[n++] = (struct mx_destination_row){ .family = g->family, .addr = g->addr };
	}
	while (n < count && d->dirty_count) {
		u32 slot = d->dirty[--d->dirty_count];

		d->note[slot].is_dirty = false;
		if (d->learned.slot[slot].origin == MX_ORIGIN_NONE)
			continue;
		d->note[slot].written = d->learned.slot[slot].confirmed;
		fill_row(d, slot, names, &rows[n++]);
	}
	return n;
}

void mx_destinations_again(struct mx_destinations *d, const struct mx_destination_row *rows, u32 count)
{
	u32 i, slot;

	for (i = 0; i < count; i++) {
		slot = mx_learned_find(&d->learned, rows[i].family, rows[i].addr);
		if (slot < MX_LEARNED_SLOTS)
			put_dirty(d, slot);
		else
			put_gone(d, rows[i].family, rows[i].addr);
	}
}

/* --- learning --------------------------------------------------------------------------------------------------- */

static void clear_note(struct mx_destinations *d, u32 slot)
{
	struct note *n = &d->note[slot];

	free(n->host);
	n->host = NULL;
	n->first = n->until = n->written = 0;
}

static void remove_slot(struct mx_destinations *d, u32 slot)
{
	const struct mx_learned_address *a = &d->learned.slot[slot];

	put_gone(d, (enum mx_family)a->family, a->addr);
	clear_note(d, slot);
	mx_learned_remove(&d->learned, slot);
	d->version++;
}

static void note_host(struct note *n, const char *host)
{
	if (n->host && !strcmp(n->host, host))
		return;
	free(n->host);
	n->host = *host ? mx_strdup(host) : NULL;
}

static bool is_over(const struct mx_destinations *d, u32 slot, u32 now)
{
	return d->note[slot].until && d->note[slot].until <= now;
}

/* Puts it into its slot; MX_LEARNED_SLOTS: there is no place for it. *before is what was known of the address. */
static u32 put(struct mx_destinations *d, const struct mx_learned_address *address, u16 *before)
{
	u32 slot = mx_learned_find(&d->learned, (enum mx_family)address->family, address->addr);
	bool known = slot < MX_LEARNED_SLOTS;
	struct mx_learned_address gone;

	*before = known ? d->learned.slot[slot].provider : MX_NONE;
	slot = mx_learned_put(&d->learned, address, &gone);
	if (slot < MX_LEARNED_SLOTS && !known) {
		clear_note(d, slot);
		if (gone.origin != MX_ORIGIN_NONE)
			put_gone(d, (enum mx_family)gone.family, gone.addr);
	}
	return slot;
}

bool mx_destinations_learn(struct mx_destinations *d, const struct mx_lesson *lesson, u32 now)
{
	struct mx_learned_address address = { lesson->addr, now, lesson->provider, (u8)lesson->family,
					      (u8)lesson->origin };
	u32 slot = mx_learned_find(&d->learned, lesson->family, lesson->addr);
	struct note *n;
	u16 before;

	if (slot < MX_LEARNED_SLOTS && d->learned.slot[slot].origin > lesson->origin && !is_over(d, slot, now))
		return false;
	slot = put(d, &address, &before);
	if (slot == MX_LEARNED_SLOTS)
		return false;
	n = &d->note[slot];
	if (before != lesson->provider)
		n->first = now;
	n->until = lesson->lasts ? now + lesson->lasts : 0;
	note_host(n, lesson->host);
	if (before != lesson->provider || now - n->written >= REWRITE_SECONDS)
		put_dirty(d, slot);
	d->version += before != lesson->provider;
	return before != lesson->provider;
}

bool mx_destinations_forget(struct mx_destinations *d, enum mx_family family, struct mx_addr addr)
{
	u32 slot = mx_learned_find(&d->learned, family, addr);

	if (slot == MX_LEARNED_SLOTS)
		return false;
	remove_slot(d, slot);
	return true;
}

void mx_destinations_fade(struct mx_destinations *d, u32 now)
{
	u32 slot;

	for (slot = 0; slot < MX_LEARNED_SLOTS; slot++)
		if (d->learned.slot[slot].origin != MX_ORIGIN_NONE && is_over(d, slot, now))
			remove_slot(d, slot);
}

void mx_destinations_renumber(struct mx_destinations *d, const u16 *map)
{
	u32 slot;

	for (slot = 0; slot < MX_LEARNED_SLOTS; slot++) {
		struct mx_learned_address *a = &d->learned.slot[slot];

		if (a->origin == MX_ORIGIN_NONE)
			continue;
		if (map[a->provider] == MX_NONE)
			remove_slot(d, slot);
		else
			a->provider = map[a->provider];
	}
}

/* --- telling ---------------------------------------------------------------------------------------------------- */

static struct mx_destination tell(const struct mx_destinations *d, u32 slot)
{
	const struct mx_learned_address *a = &d->learned.slot[slot];
	const struct note *n = &d->note[slot];

	return (struct mx_destination){ .family = (enum mx_family)a->family,
					.addr = a->addr,
					.provider = a->provider,
					.origin = (enum mx_origin)a->origin,
					.first = n->first,
					.confirmed = a->confirmed,
					.until = n->until,
					.host = n->host ? n->host : "" };
}

bool mx_destinations_find(const struct mx_destinations *d, enum mx_family family, struct mx_addr addr,
			  struct mx_destination *found)
{
	u32 slot = mx_learned_find(&d->learned, family, addr);

	if (slot == MX_LEARNED_SLOTS)
		return false;
	*found = tell(d, slot);
	return true;
}

void mx_destinations_each(const struct mx_destinations *d, void (*each)(const struct mx_destination *, void *),
			  void *arg)
{
	u32 slot;

	for (slot = 0; slot < MX_LEARNED_SLOTS; slot++)
		if (d->learned.slot[slot].origin != MX_ORIGIN_NONE) {
			struct mx_destination found = tell(d, slot);

			each(&found, arg);
		}
}

void mx_destinations_load(struct mx_destinations *d, const struct mx_destination_row *row, u16 provider)
{
	struct mx_learned_address address = { row->addr, row->confirmed, provider, (u8)row->family, (u8)row->origin };
	u16 before;
	u32 slot = put(d, &address, &before);

	if (slot == MX_LEARNED_SLOTS)
		return;
	d->note[slot].first = row->first;
	d->note[slot].until = row->until;
	d->note[slot].written = row->confirmed;
	note_host(&d->note[slot], row->host);
	d->version++;
}
