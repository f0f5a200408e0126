// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/config.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <net/if.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/config_check.h"
#include "daemon/config_read.h"
#include "daemon/config_sections.h"
#include "daemon/schedules.h"
#include "daemon/config_text.h"
#include "daemon/text.h"

#ifndef MX_DATADIR
#define MX_DATADIR "/usr/share/mxload"
#endif
#define MX_DEFAULT_CATALOGUE MX_DATADIR "/providers.conf"

/* --- names ------------------------------------------------------------------------------------------------------ */

#define LOOKUP(function, array, number)                                                                                \
	u16 function(const struct mx_config *config, const char *name)                                                 \
	{                                                                                                              \
		u32 i;                                                                                                 \
                                                                                                                       \
		for (i = 0; i < config->number; i++)                                                                   \
			if (!strcmp(config->array[i].name, name))                                                      \
				return (u16)i;                                                                         \
		return MX_NONE;                                                                                        \
	}
LOOKUP(mx_config_source, sources, source_count)
LOOKUP(mx_config_pool, pools, pool_count)
LOOKUP(mx_config_provider, providers, provider_count)
LOOKUP(mx_config_class, classes, class_count)
LOOKUP(mx_config_schedule, schedules, schedule_count)

/* --- the whole file --------------------------------------------------------------------------------------------- */

static const char *const mode_words[] = { "enforce", "observe", NULL };
static const char *const engine_words[] = { "auto", "queue", "kmod", NULL };
static const char *const down_words[] = { "balance", "refuse", NULL };
static const char *const mark_packets_words[] = { "auto", "always", NULL };
static const char *const log_words[] = { "error", "warning", "info", "debug", NULL };

static MX_READER(read_interface)
{
	const char *text = config_setting_get_string(s);

	if (!text || strlen(text) >= IFNAMSIZ || strpbrk(text, "/ \t\n"))
		return mx_reader_fail(r, s, "%s: expected the name of an interface, up to %d bytes, or \"\"",
				      option->name, IFNAMSIZ - 1);
	return mx_read_string(r, s, target, option);
}

/* ADDRESS:PORT, an IPv6 address in brackets */
static bool is_endpoint(const char *text)
{
	char address[64], port[8], more;
	enum mx_family family;
	struct mx_addr addr;
	int bracket = *text == '[';

	return sscanf(text, bracket ? "[%63[^]]]:%5[0-9]%c" : "%63[^:]:%5[0-9]%c", address, port, &more) == 2 &&
	       mx_addr_parse(address, &family, &addr) && (family == MX_IPV6) == bracket && atoi(port) > 0 &&
	       atoi(port) < 65536;
}

static MX_READER(read_endpoint)
{
	const char *text = config_setting_get_string(s);

	if (!text || (*text && !is_endpoint(text)))
		return mx_reader_fail(r, s, "%s: expected \"ADDRESS:PORT\", \"[IPV6]:PORT\" or \"\"", option->name);
	return mx_read_string(r, s, target, option);
}

/* Its place is kept: a reload that changes it is refused there. */
static MX_READER(read_mark_mask)
{
	r->config->mark_mask_place = mx_reader_place(r, s);
	return mx_read_number(r, s, target, option);
}

#define TOP(field) .offset = offsetof(struct mx_config, field)
static const struct mx_option top_options[] = {
	{ .name = "mode", .read = mx_read_choice, TOP(mode), .words = mode_words },
	{ .name = "engine", .read = mx_read_choice, TOP(engine), .words = engine_words },
	{ .name = "ports", .read = mx_read_numbers, TOP(ports), .min = 1, .max = 65535 },
	{ .name = "mark-mask", .read = read_mark_mask, TOP(mark_mask), .min = 1, .max = 0xffffffff },
	{ .name = "mark-packets", .read = mx_read_choice, TOP(mark_packets), .words = mark_packets_words },
	{ .name = "clients", .read = mx_read_nets, TOP(clients) },
	{ .name = "exempt", .read = mx_read_nets, TOP(exempt) },
	{ .name = "manage-addresses", .read = read_interface, TOP(manage_addresses) },
	{ .name = "queues", .read = mx_read_number, TOP(queues), .min = 1, .max = 64 },
	{ .name = "queue-first", .read = mx_read_number, TOP(queue_first), .max = 65535 },
	{ .name = "flow-accounting", .read = mx_read_bool, TOP(flow_accounting) },
	{ .name = "when-down", .read = mx_read_choice, TOP(when_down), .words = down_words },
	{ .name = "ledger", .read = mx_read_path, TOP(ledger), .max = PATH_MAX - 1 },
	{ .name = "control",
	  .read = mx_read_path,
	  TOP(control),
	  .max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1 },
	{ .name = "admin-group", .read = mx_read_string, TOP(admin_group) },
	{ .name = "reader-group", .read = mx_read_string, TOP(reader_group) },
	{ .name = "reputation-user", .read = mx_read_string, TOP(reputation_user) },
	{ .name = "metrics", .read = read_endpoint, TOP(metrics) },
	{ .name = "catalogue", .read = mx_read_string, TOP(catalogue) },
	{ .name = "log-level", .read = mx_read_choice, TOP(log_level), .words = log_words },
	{ .name = "sources", .read = mx_read_skip },
	{ .name = "schedules", .read = mx_read_skip },
	{ .name = "pools", .read = mx_read_skip },
	{ .name = "providers", .read = mx_read_skip },
	{ .name = "classes", .read = mx_read_skip },
	{ .name = "routes", .read = mx_read_skip },
	{ 0 },
};

static void set_defaults(struct mx_config *c)
{
	c->mark_mask = 0x0fff0000;
	c->mark_mask_place = (struct mx_place){ c->path, 1 };
	c->ports.items = mx_grow(NULL, 0, sizeof(u32));
	c->ports.items[0] = 25;
	c->ports.count = 1;
	c->manage_addresses = mx_strdup("");
	c->queues = 2;
	c->queue_first = 250;
	c->flow_accounting = true;
	c->ledger = mx_strdup("/var/lib/mxload/ledger.db");
	c->control = mx_strdup("/run/mxload/control.sock");
	c->admin_group = mx_strdup("mxload");
	c->reader_group = mx_strdup("");
	c->reputation_user = mx_strdup("mxrep");
	c->metrics = mx_strdup("127.0.0.1:9525");
	c->catalogue = mx_strdup(MX_DEFAULT_CATALOGUE);
	c->log_level = MX_LOG_INFO;
}

/* Calls `read` for every element of the section, when it is there. `needed`: what there has to be at least one of. */
static bool each(struct mx_reader *r, config_t *tree, const char *section, const char *needed,
		 bool (*read)(struct mx_reader *, config_setting_t *))
{
	config_setting_t *s = config_lookup(tree, section);
	bool routes = !strcmp(section, "routes");
	int i;

	if (!s && !needed)
		return true;
	if (!s)
		return mx_reader_fail_at(r, mx_reader_place_of(r, section), "expected %s with at least one %s", section,
					 needed);
	if (routes ? !config_setting_is_list(s) : !config_setting_is_group(s))
		return mx_reader_fail(r, s, "%s: expected a %s", section, routes ? "list ( ... )" : "group { ... }");
	if (needed && !config_setting_length(s))
		return mx_reader_fail(r, s, "%s: expected at least one %s", section, needed);
	for (i = 0; i < config_setting_length(s); i++)
		if (!read(r, config_setting_get_elem(s, (unsigned int)i)))
			return false;
	return true;
}

/* A catalogue holds providers and nothing else. */
static bool read_catalogue_tree(struct mx_reader *r, config_t *tree)
{
	config_setting_t *root = config_root_setting(tree), *s;
	bool good;
	int i;

	for (i = 0; i < config_setting_length(root); i++) {
		s = config_setting_get_elem(root, (unsigned int)i);
		if (strcmp(config_setting_name(s), "providers"))
			return mx_reader_fail(r, s, "%s: expected providers alone in the catalogue",
					      config_setting_name(s));
	}
	r->catalogue = true;
	good = each(r, tree, "providers", NULL, mx_section_provider);
	r->catalogue = false;
	return good;
}

/* The shipped catalogue may be absent; one that is named may not. */
static bool read_catalogue(struct mx_reader *r)
{
	const char *path = r->config->catalogue;

	if (!*path || (!config_lookup(r->tree, "catalogue") && access(path, F_OK)))
		return true;
	if (access(path, R_OK))
		return mx_reader_fail_at(r, mx_reader_place_of(r, "catalogue"),
					 "catalogue: %s: %s: expected a readable file", path, strerror(errno));
	return mx_reader_file(r, path, read_catalogue_tree);
}

/* In the order in which things refer to each other, whatever the order in the file. */
static bool read_tree(struct mx_reader *r, config_t *tree)
{
	r->tree = tree;
	if (!mx_read_group(r, config_root_setting(tree), top_options, r->config) ||
	    !each(r, tree, "schedules", NULL, mx_section_schedule))
		return false;
	mx_schedules_add_shipped(r->config);
	return each(r, tree, "sources", "source", mx_section_source) &&
	       each(r, tree, "pools", "pool", mx_section_pool_name) &&
	       each(r, tree, "pools", "pool", mx_section_pool) && read_catalogue(r) &&
	       each(r, tree, "providers", NULL, mx_section_provider) && mx_section_default_provider(r) &&
	       each(r, tree, "classes", NULL, mx_section_class) && each(r, tree, "routes", "route", mx_section_route) &&
	       mx_config_check(r);
}

struct mx_config *mx_config_read(const char *path, char *error)
{
	struct mx_config *config = mx_alloc(sizeof(*config));
	struct mx_reader r = { .config = config, .error = error };
	bool good;

	config->path = mx_strdup(path);
	set_defaults(config);
	good = mx_reader_file(&r, path, read_tree);
	if (!good) {
		mx_config_free(config);
		config = NULL;
	}
	malloc_trim(0);
	return config;
}

struct mx_config *mx_config_read_catalogue(const char *path, char *error)
{
	struct mx_config *config = mx_alloc(sizeof(*config));
	struct mx_reader r = { .config = config, .error = error };

	config->path = mx_strdup(path ? path : MX_DEFAULT_CATALOGUE);
	if (mx_reader_file(&r, config->path, read_catalogue_tree))
		return config;
	mx_config_free(config);
	return NULL;
}

static void free_provider(struct mx_conf_provider *p)
{
	u32 i;

	for (i = 0; i < p->lanes.count; i++)
		free(p->lanes.items[i].limits.items);
	free(p->lanes.items);
	free(p->weights.items);
	free(p->limits.items);
	free(p->total_limits.items);
	free(p->prefixes.items);
	mx_strings_free(&p->mx);
	mx_strings_free(&p->domains);
	free(p->name);
}

static void free_source(struct mx_conf_source *s)
{
	free(s->name);
	free(s->hostname);
	free(s->public);
	free(s->limits.items);
	free(s->warmup.started);
}

static void free_class(struct mx_conf_class *class)
{
	free(class->name);
	free(class->marks.items);
	free(class->users.items);
	free(class->groups.items);
	free(class->clients.items);
}

static void free_settings(struct mx_config *c)
{
	free(c->path);
	free(c->manage_addresses);
	free(c->ledger);
	free(c->control);
	free(c->admin_group);
	free(c->reader_group);
	free(c->reputation_user);
	free(c->metrics);
	free(c->catalogue);
	free(c->ports.items);
	free(c->clients.items);
	free(c->exempt.items);
}

void mx_config_free(struct mx_config *c)
{
	u32 i;

	if (!c)
		return;
	for (i = 0; i < c->source_count; i++)
		free_source(&c->sources[i]);
	for (i = 0; i < c->schedule_count; i++) {
		free(c->schedules[i].name);
		free(c->schedules[i].caps);
	}
	for (i = 0; i < c->pool_count; i++) {
		free(c->pools[i].name);
		free(c->pools[i].members.items);
	}
	for (i = 0; i < c->provider_count; i++)
		free_provider(&c->providers[i]);
	for (i = 0; i < c->class_count; i++)
		free_class(&c->classes[i]);
	free(c->sources);
	free(c->schedules);
	free(c->pools);
	free(c->providers);
	free(c->classes);
	free(c->routes);
	mx_strings_free(&c->warnings);
	mx_strings_free(&c->files);
	free_settings(c);
	free(c);
}

u32 mx_config_weight(const struct mx_config *config, u16 pool, u32 member, u16 provider)
{
	const struct mx_conf_weight *m = &config->pools[pool].members.items[member];
	const struct mx_conf_weights *own = &config->providers[provider].weights;
	u32 i;

	for (i = 0; i < own->count; i++)
		if (own->items[i].source == m->source)
			return own->items[i].weight;
	return m->weight;
}
