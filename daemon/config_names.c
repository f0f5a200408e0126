// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/config_names.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/addr.h"
#include "daemon/log.h"

#define NAME_BYTES 253
#define LABEL_BYTES 63

/* --- one name --------------------------------------------------------------------------------------------------- */

static bool is_label(const char *label, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		if (!isalnum((unsigned char)label[i]) && label[i] != '-' && label[i] != '_')
			return false;
	return length && length <= LABEL_BYTES && *label != '-' && label[length - 1] != '-';
}

const char *mx_name_wrong(const char *text, u32 labels)
{
	const char *label = text;
	u32 count = 1;
	size_t length;

	if (strlen(text) > NAME_BYTES)
		return "expected a name of at most 253 bytes";
	for (;; label += length + 1, count++) {
		length = strcspn(label, ".");
		if (!is_label(label, length))
			return "expected labels of letters, digits, - and _ with one dot between them, international "
			       "ones as \"xn--...\"";
		if (!label[length])
			break;
	}
	if (strspn(label, "0123456789") == length)
		return "expected a name, not an address";
	return count < labels ? "expected at least two labels, like \"example.com\"" : NULL;
}

/* --- lists ------------------------------------------------------------------------------------------------------ */

static void empty(struct mx_strings *list)
{
	while (list->count)
		free(list->items[--list->count]);
}

static void append(struct mx_strings *list, const char *text, struct mx_place place)
{
	char *copy = mx_strdup(text), *c;

	for (c = copy; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	list->items = mx_grow(list->items, list->count, sizeof(char *));
	list->places = mx_grow(list->places, list->count, sizeof(place));
	list->items[list->count] = copy;
	list->places[list->count++] = place;
}

/* `item`: as it stands in the list, not only the same text. */
static void take_away(struct mx_strings *list, const char *item)
{
	u32 i = 0;

	while (list->items[i] != item)
		i++;
	free(list->items[i]);
	list->count--;
	memmove(list->items + i, list->items + i + 1, (list->count - i) * sizeof(*list->items));
	memmove(list->places + i, list->places + i + 1, (list->count - i) * sizeof(*list->places));
}

MX_READER(mx_read_names)
{
	struct mx_strings *list = target;
	int i;

	if (!mx_read_is_list(r, s))
		return false;
	empty(list);
	list->catalogue = r->catalogue;
	for (i = 0; i < config_setting_length(s); i++) {
		config_setting_t *e = config_setting_get_elem(s, (unsigned int)i);
		const char *text = mx_read_element(r, e, "a domain"), *expected;

		if (!text)
			return false;
		expected = mx_name_wrong(text, (u32)option->min);
		if (expected)
			return mx_reader_fail(r, e, "%s: \"%.80s\": %s", option->name, text, expected);
		append(list, text, mx_reader_place(r, e));
	}
	return true;
}

/* --- between providers ------------------------------------------------------------------------------------------ */

/* A name with the list that it stands in. */
struct named {
	const char *text;
	struct mx_strings *list;
	const char *provider;
	struct mx_place place;
	u32 order;
};

struct all {
	struct named *items;
	u32 count;
	const char *option; /* "mx" or "domains" */
};

/* Equal names stand together, those of the administrator first. */
static int compare(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = strcmp(x->text, y->text);

	if (order)
		return order;
	if (x->list->catalogue != y->list->catalogue)
		return x->list->catalogue ? 1 : -1;
	return x->order < y->order ? -1 : 1;
}

/* The lists of all providers at `offset` of their structures, sorted. */
static struct all collect(struct mx_config *c, const char *option, size_t offset)
{
	struct all all = { .option = option };
	u32 i, j;

	for (i = 0; i < c->provider_count; i++) {
		struct mx_strings *list = (struct mx_strings *)(void *)((char *)&c->providers[i] + offset);

		for (j = 0; j < list->count; j++) {
			all.items = mx_grow(all.items, all.count, sizeof(*all.items));
			all.items[all.count] = (struct named){ list->items[j], list, c->providers[i].name,
							       list->places[j], all.count };
			all.count++;
		}
	}
	if (all.count)
		qsort(all.items, all.count, sizeof(*all.items), compare);
	return all;
}

/* Neither the administrator nor the catalogue may give a name twice. */
static bool check_doubled(struct mx_reader *r, const struct all *all)
{
	u32 i;

	for (i = 1; i < all->count; i++) {
		const struct named *n = &all->items[i], *other = &all->items[i - 1];

		if (!strcmp(n->text, other->text) && n->list->catalogue == other->list->catalogue)
			return mx_reader_fail_at(r, n->place,
						 "%s: %s of %s is doubled: %s has it at %s:%u: expected each name once",
						 all->option, n->text, n->provider, other->provider, other->place.file,
						 other->place.line);
	}
	return true;
}

/* The longest suffix wins: what the administrator gave may not get all that he thinks of. */
static void warn_longer(struct mx_reader *r, const struct all *all, const struct named *own)
{
	size_t length = strlen(own->text);
	u32 i;

	for (i = 0; i < all->count; i++) {
		const struct named *n = &all->items[i];
		size_t more = strlen(n->text) > length ? strlen(n->text) - length : 0;

		if (!more || !n->list->catalogue || !strcmp(n->provider, own->provider) || n->text[more - 1] != '.' ||
		    strcmp(n->text + more, own->text))
			continue;
		mx_reader_warn_at(
			r, own->place, "%s: %s of %s does not get hosts under %s: the catalogue's %s has that at %s:%u",
			all->option, own->text, own->provider, n->text, n->provider, n->place.file, n->place.line);
	}
}

/* With no name doubled on either side, what is here twice is the administrator's first and the catalogue's second. */
static void settle(struct mx_reader *r, const struct all *all)
{
	u32 i;

	for (i = 0; i + 1 < all->count; i++) {
		const struct named *own = &all->items[i], *other = own + 1;

		if (strcmp(own->text, other->text))
			continue;
		mx_reader_warn_at(r, own->place, "%s: %s of %s is taken from %s, which the catalogue gives it at %s:%u",
				  all->option, own->text, own->provider, other->provider, other->place.file,
				  other->place.line);
		take_away(other->list, other->text);
		i++; /* the text of that one is gone */
	}
}

static bool check_option(struct mx_reader *r, const char *option, size_t offset)
{
	struct all all = collect(r->config, option, offset);
	bool good = check_doubled(r, &all);

	if (good)
		settle(r, &all);
	free(all.items);
	return good;
}

static void warn_longer_suffixes(struct mx_reader *r)
{
	struct all all = collect(r->config, "mx", offsetof(struct mx_conf_provider, mx));
	u32 i;

	for (i = 0; i < all.count; i++)
		if (!all.items[i].list->catalogue)
			warn_longer(r, &all, &all.items[i]);
	free(all.items);
}

bool mx_names_check(struct mx_reader *r)
{
	if (!check_option(r, "mx", offsetof(struct mx_conf_provider, mx)) ||
	    !check_option(r, "domains", offsetof(struct mx_conf_provider, domains)))
		return false;
	warn_longer_suffixes(r);
	return true;
}
