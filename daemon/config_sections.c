// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/config_sections.h"

#include <ctype.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/flow.h"
#include "daemon/config_names.h"
#include "daemon/text.h"

/* --- names ------------------------------------------------------------------------------------------------------ */

typedef u16 lookup_fn(const struct mx_config *config, const char *name);

/* A name that also serves as a part of the names of nft chains. */
static bool check_name(struct mx_reader *r, const config_setting_t *s)
{
	const char *name = config_setting_name(s);
	size_t i;

	for (i = 0; name[i]; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '-' && name[i] != '_')
			break;
	if (name[i] || i > MX_NAME_MAX)
		return mx_reader_fail(r, s, "name \"%s\": expected up to %d letters, digits, - and _", name,
				      MX_NAME_MAX);
	return true;
}

/* option->words[0] says what kind of thing is named, option->min tells which look-up. */
static lookup_fn *const lookups[] = { mx_config_pool, mx_config_provider, mx_config_class, mx_config_schedule };
enum { LOOK_POOL, LOOK_PROVIDER, LOOK_CLASS, LOOK_SCHEDULE };
static const char *const look_words[][2] = {
	{ "pool", NULL }, { "provider", NULL }, { "class", NULL }, { "schedule", NULL }
};

static MX_READER(read_reference)
{
	const char *text = config_setting_get_string(s);
	const char *kind = look_words[option->min][0];
	u16 index;

	if (!text)
		return mx_reader_fail(r, s, "%s: expected the name of a %s in quotes", option->name, kind);
	index = lookups[option->min](r->config, text);
	if (index == MX_NONE)
		return mx_reader_fail(r, s, "%s: unknown %s \"%s\": expected one that is configured", option->name,
				      kind, text);
	*(u16 *)target = index;
	return true;
}

/* --- sources and schedules -------------------------------------------------------------------------------------- */

/* An address that a server elsewhere can answer to. */
static bool is_sender(enum mx_family family, struct mx_addr a)
{
	if (family == MX_IPV4)
		return a.lo >> 24 != 0 && a.lo >> 24 != 127 && a.lo >> 28 < 0xe && a.lo >> 16 != 0xa9fe;
	return a.hi >> 56 != 0xff && a.hi >> 54 != 0xfe80 >> 6 && (a.hi || a.lo > 1);
}

static MX_READER(read_address)
{
	struct mx_conf_source *source = target;
	enum mx_family want = (enum mx_family)option->min, family;
	const char *text = config_setting_get_string(s);
	struct mx_addr addr;

	if (!text || !mx_addr_parse(text, &family, &addr) || family != want)
		return mx_reader_fail(r, s, "%s: expected an %s address in quotes", option->name,
				      want == MX_IPV4 ? "IPv4" : "IPv6");
	if (!is_sender(want, addr))
		return mx_reader_fail(r, s,
				      "%s: %s: expected an address that mail can leave from: not loopback, link-local, "
				      "multicast or unspecified",
				      option->name, text);
	source->addr[want] = addr;
	source->families |= 1u << want;
	return true;
}

static MX_READER(read_date)
{
	const char *text = config_setting_get_string(s);
	struct tm tm = { .tm_mday = 0 }, real;
	const char *end = text && strlen(text) == 10 ? strptime(text, "%Y-%m-%d", &tm) : NULL;

	real = tm;
	if (!end || *end || timegm(&real) == -1 || real.tm_mday != tm.tm_mday) /* there is no February 31 */
		return mx_reader_fail(r, s, "%s: expected a date like \"2026-11-01\"", option->name);
	return mx_read_string(r, s, target, option);
}

static MX_READER(read_scope)
{
	const char *text = config_setting_get_string(s);

	if (!text || (strcmp(text, "provider") && strcmp(text, "source")))
		return mx_reader_fail(r, s, "%s: expected \"provider\" or \"source\"", option->name);
	*(bool *)target = !strcmp(text, "source");
	return true;
}

static const struct mx_option warmup_options[] = {
	{ .name = "started", .read = read_date, .offset = offsetof(struct mx_conf_warmup, started) },
	{ .name = "schedule",
	  .read = read_reference,
	  .offset = offsetof(struct mx_conf_warmup, schedule),
	  .min = LOOK_SCHEDULE },
	{ .name = "scope", .read = read_scope, .offset = offsetof(struct mx_conf_warmup, whole_source) },
	{ 0 },
};

static MX_READER(read_warmup)
{
	struct mx_conf_warmup *warmup = target;

	warmup->schedule = MX_NONE;
	if (!mx_read_group(r, s, warmup_options, warmup))
		return false;
	if (!warmup->started || warmup->schedule == MX_NONE)
		return mx_reader_fail(r, s, "%s: expected started and schedule", option->name);
	warmup->given = true;
	return true;
}

static MX_READER(read_hostname)
{
	const char *text = config_setting_get_string(s);

	if (!text || mx_name_wrong(text, 1))
		return mx_reader_fail(r, s, "%s: expected a host name in quotes", option->name);
	return mx_read_string(r, s, target, option);
}

static MX_READER(read_public)
{
	const char *text = config_setting_get_string(s);
	enum mx_family family;
	struct mx_addr addr;

	if (!text || !mx_addr_parse(text, &family, &addr) || !is_sender(family, addr))
		return mx_reader_fail(r, s, "%s: expected the address that the world sees, in quotes", option->name);
	return mx_read_string(r, s, target, option);
}

static const struct mx_option source_options[] = {
	{ .name = "address", .read = read_address, .min = MX_IPV4 },
	{ .name = "address6", .read = read_address, .min = MX_IPV6 },
	{ .name = "hostname", .read = read_hostname, .offset = offsetof(struct mx_conf_source, hostname) },
	{ .name = "public", .read = read_public, .offset = offsetof(struct mx_conf_source, public) },
	{ .name = "limits", .read = mx_read_limits, .offset = offsetof(struct mx_conf_source, limits) },
	{ .name = "warmup", .read = read_warmup, .offset = offsetof(struct mx_conf_source, warmup) },
	{ 0 },
};

bool mx_section_source(struct mx_reader *r, config_setting_t *s)
{
	struct mx_config *c = r->config;
	struct mx_conf_source *source;

	if (!check_name(r, s))
		return false;
	c->sources = mx_grow(c->sources, c->source_count, sizeof(*source));
	source = &c->sources[c->source_count++];
	*source = (struct mx_conf_source){ .name = mx_strdup(config_setting_name(s)), .place = mx_reader_place(r, s) };
	if (!mx_read_group(r, s, source_options, source))
		return false;
	if (!source->families)
		return mx_reader_fail(r, s, "source %s: expected address or address6", source->name);
	return true;
}

static MX_READER(read_caps)
{
	struct mx_conf_schedule *schedule = target;
	int i;

	if (!mx_read_is_list(r, s))
		return false;
	if (schedule->count)
		return mx_reader_fail(r, s, "%s: expected either daily or hourly, not both", option->name);
	schedule->hourly = option->min;
	for (i = 0; i < config_setting_length(s); i++) {
		config_setting_t *e = config_setting_get_elem(s, (unsigned int)i);
		long long n = 0;

		if (!mx_reader_number(e, &n) || n < 1 || n > 1000000000)
			return mx_reader_fail(r, e, "%s: expected numbers from 1 to 1000000000", option->name);
		schedule->caps = mx_grow(schedule->caps, schedule->count, sizeof(u32));
		schedule->caps[schedule->count++] = (u32)n;
	}
	return true;
}

static const struct mx_option schedule_options[] = {
	{ .name = "daily", .read = read_caps, .min = 0 },
	{ .name = "hourly", .read = read_caps, .min = 1 },
	{ 0 },
};

bool mx_section_schedule(struct mx_reader *r, config_setting_t *s)
{
	struct mx_config *c = r->config;
	struct mx_conf_schedule *schedule;

	if (!check_name(r, s))
		return false;
	c->schedules = mx_grow(c->schedules, c->schedule_count, sizeof(*schedule));
	schedule = &c->schedules[c->schedule_count++];
	*schedule = (struct mx_conf_schedule){ .name = mx_strdup(config_setting_name(s)) };
	if (!mx_read_group(r, s, schedule_options, schedule))
		return false;
	if (!schedule->count)
		return mx_reader_fail(r, s, "schedule %s: expected daily or hourly caps", schedule->name);
	return true;
}

/* --- pools ------------------------------------------------------------------------------------------------------ */

static const struct mx_option pool_options[] = {
	{ .name = "members", .read = mx_read_weights, .offset = offsetof(struct mx_conf_pool, members) },
	{ .name = "overflow",
	  .read = read_reference,
	  .offset = offsetof(struct mx_conf_pool, overflow),
	  .min = LOOK_POOL },
	{ .name = "max-share",
	  .read = mx_read_number,
	  .offset = offsetof(struct mx_conf_pool, max_share),
	  .min = 1,
	  .max = 100 },
	{ 0 },
};

bool mx_section_pool_name(struct mx_reader *r, config_setting_t *s)
{
	struct mx_config *c = r->config;

	if (!check_name(r, s))
		return false;
	c->pools = mx_grow(c->pools, c->pool_count, sizeof(c->pools[0]));
	c->pools[c->pool_count++] = (struct mx_conf_pool){ .name = mx_strdup(config_setting_name(s)),
							   .overflow = MX_NONE,
							   .max_share = 100,
							   .place = mx_reader_place(r, s) };
	return true;
}

bool mx_section_pool(struct mx_reader *r, config_setting_t *s)
{
	struct mx_conf_pool *pool = &r->config->pools[mx_config_pool(r->config, config_setting_name(s))];

	if (!mx_read_group(r, s, pool_options, pool))
		return false;
	if (!pool->members.count)
		return mx_reader_fail(r, s, "pool %s: expected members", pool->name);
	return true;
}

/* --- providers -------------------------------------------------------------------------------------------------- */

static const struct mx_option lane_options[] = {
	{ .name = "limits", .read = mx_read_limits, .offset = offsetof(struct mx_conf_lane, limits) },
	{ .name = "concurrency",
	  .read = mx_read_number,
	  .offset = offsetof(struct mx_conf_lane, concurrency),
	  .min = 1,
	  .max = 100000 },
	{ 0 },
};

static struct mx_conf_lane *lane_of(struct mx_conf_lanes *lanes, u16 source)
{
	u32 i;

	for (i = 0; i < lanes->count; i++)
		if (lanes->items[i].source == source)
			return &lanes->items[i];
	lanes->items = mx_grow(lanes->items, lanes->count, sizeof(lanes->items[0]));
	lanes->items[lanes->count] = (struct mx_conf_lane){ .source = source };
	return &lanes->items[lanes->count++];
}

static MX_READER(read_lanes)
{
	int i;

	if (!config_setting_is_group(s))
		return mx_reader_fail(r, s, "%s: expected a group { source: { ... }; ... }", option->name);
	for (i = 0; i < config_setting_length(s); i++) {
		config_setting_t *e = config_setting_get_elem(s, (unsigned int)i);
		u16 source = mx_config_source(r->config, config_setting_name(e));

		if (source == MX_NONE)
			return mx_reader_fail(r, e, "%s: unknown source \"%s\": expected one of the group sources",
					      option->name, config_setting_name(e));
		if (!mx_read_group(r, e, lane_options, lane_of(target, source)))
			return false;
	}
	return true;
}

static MX_READER(read_pace)
{
	const char *text = config_setting_get_string(s);

	if (!text || (*text && strcmp(text, "even")))
		return mx_reader_fail(r, s, "%s: expected \"even\" or \"\"", option->name);
	*(bool *)target = *text;
	return true;
}

static const char *const balance_words[] = { "weighted", "sticky", NULL };

#define PROVIDER(field) .offset = offsetof(struct mx_conf_provider, field)
static const struct mx_option provider_options[] = {
	{ .name = "mx", .read = mx_read_names, PROVIDER(mx), .min = 2 },
	{ .name = "domains", .read = mx_read_names, PROVIDER(domains), .min = 1 },
	{ .name = "prefixes", .read = mx_read_nets, PROVIDER(prefixes) },
	{ .name = "balance", .read = mx_read_choice, PROVIDER(balance), .words = balance_words },
	{ .name = "limits", .read = mx_read_limits, PROVIDER(limits) },
	{ .name = "total-limits", .read = mx_read_limits, PROVIDER(total_limits) },
	{ .name = "concurrency", .read = mx_read_number, PROVIDER(concurrency), .max = 100000 }, /* 0: none */
	{ .name = "pace", .read = read_pace, PROVIDER(even_pace) },
	{ .name = "wait", .read = mx_read_number, PROVIDER(wait), .max = 25 },
	{ .name = "wait-max", .read = mx_read_number, PROVIDER(wait_max), .max = 1000 },
	{ .name = "messages-per-connection",
	  .read = mx_read_number,
	  PROVIDER(messages_per_connection),
	  .min = 1,
	  .max = 10000 },
	{ .name = "weights", .read = mx_read_weights, PROVIDER(weights) },
	{ .name = "sources", .read = read_lanes, PROVIDER(lanes) },
	{ 0 },
};

static struct mx_conf_provider *add_provider(struct mx_config *c, const char *name, struct mx_place place)
{
	struct mx_conf_provider *p;

	c->providers = mx_grow(c->providers, c->provider_count, sizeof(*p));
	p = &c->providers[c->provider_count++];
	*p = (struct mx_conf_provider){ .name = mx_strdup(name),
					.balance = strcmp(name, "default") ? MX_WEIGHTED : MX_STICKY,
					.wait = 20,
					.wait_max = 20,
					.messages_per_connection = 1,
					.place = place };
	return p;
}

bool mx_section_provider(struct mx_reader *r, config_setting_t *s)
{
	u16 known = mx_config_provider(r->config, config_setting_name(s));
	struct mx_conf_provider *p;

	if (!check_name(r, s))
		return false;
	if (known == MX_NONE)
		p = add_provider(r->config, config_setting_name(s), mx_reader_place(r, s));
	else
		p = &r->config->providers[known];
	p->place = mx_reader_place(r, s);
	if (!mx_read_group(r, s, provider_options, p))
		return false;
	if (!strcmp(p->name, "default") && (p->prefixes.count || p->mx.count || p->domains.count))
		return mx_reader_fail(r, s,
				      "provider default: expected no prefixes, mx or domains: it is everyone else");
	return true;
}

bool mx_section_default_provider(struct mx_reader *r)
{
	if (mx_config_provider(r->config, "default") == MX_NONE)
		add_provider(r->config, "default", (struct mx_place){ r->config->path, 1 });
	return true;
}

/* --- classes and routes ----------------------------------------------------------------------------------------- */

static bool parse_u32(const char *text, u32 *n)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 0);

	*n = (u32)value;
	return isdigit((unsigned char)*text) && !*end && value <= 0xffffffff;
}

static bool parse_mark(const char *text, struct mx_conf_mark *mark)
{
	char *copy = mx_strdup(text), *slash = strchr(copy, '/');
	bool good;

	mark->mask = 0xffffffff;
	if (slash)
		*slash = '\0';
	good = parse_u32(copy, &mark->value) && (!slash || parse_u32(slash + 1, &mark->mask)) &&
	       !(mark->value & ~mark->mask);
	free(copy);
	return good;
}

/* Numbers may stand with or without quotes. */
static const char *element_text(config_setting_t *e, char *buffer, size_t size)
{
	long long n;

	if (!mx_reader_number(e, &n))
		return config_setting_get_string(e);
	snprintf(buffer, size, "%lld", n);
	return buffer;
}

static MX_READER(read_marks)
{
	struct mx_conf_marks *list = target;
	int i;

	if (!mx_read_is_list(r, s))
		return false;
	for (i = 0; i < config_setting_length(s); i++) {
		config_setting_t *e = config_setting_get_elem(s, (unsigned int)i);
		char buffer[32];
		const char *text = element_text(e, buffer, sizeof(buffer));
		struct mx_conf_mark mark;

		if (!text || !parse_mark(text, &mark))
			return mx_reader_fail(
				r, e, "%s: expected \"value\" or \"value/mask\", no value bits outside the mask",
				option->name);
		list->items = mx_grow(list->items, list->count, sizeof(mark));
		list->items[list->count++] = mark;
	}
	return true;
}

static bool find_user(const char *name, u32 *id)
{
	struct passwd *user = getpwnam(name);

	*id = user ? user->pw_uid : 0;
	return user != NULL;
}

static bool find_group(const char *name, u32 *id)
{
	struct group *group = getgrnam(name);

	*id = group ? group->gr_gid : 0;
	return group != NULL;
}

static MX_READER(read_ids)
{
	struct mx_conf_ids *list = target;
	bool users = option->min == 0;
	int i;

	if (!mx_read_is_list(r, s))
		return false;
	for (i = 0; i < config_setting_length(s); i++) {
		config_setting_t *e = config_setting_get_elem(s, (unsigned int)i);
		char buffer[32];
		const char *text = element_text(e, buffer, sizeof(buffer));
		u32 id;

		if (!text || (!parse_u32(text, &id) && !(users ? find_user : find_group)(text, &id)) || id == MX_NO_ID)
			return mx_reader_fail(r, e, "%s: \"%s\": expected the name or number of a %s on this host",
					      option->name, text ? text : "", users ? "user" : "group");
		list->items = mx_grow(list->items, list->count, sizeof(u32));
		list->items[list->count++] = id;
	}
	return true;
}

static const struct mx_option class_options[] = {
	{ .name = "marks", .read = read_marks, .offset = offsetof(struct mx_conf_class, marks) },
	{ .name = "users", .read = read_ids, .offset = offsetof(struct mx_conf_class, users), .min = 0 },
	{ .name = "groups", .read = read_ids, .offset = offsetof(struct mx_conf_class, groups), .min = 1 },
	{ .name = "clients", .read = mx_read_nets, .offset = offsetof(struct mx_conf_class, clients) },
	{ 0 },
};

bool mx_section_class(struct mx_reader *r, config_setting_t *s)
{
	struct mx_config *c = r->config;
	struct mx_conf_class *class;

	if (!check_name(r, s))
		return false;
	c->classes = mx_grow(c->classes, c->class_count, sizeof(*class));
	class = &c->classes[c->class_count++];
	*class = (struct mx_conf_class){ .name = mx_strdup(config_setting_name(s)) };
	if (!mx_read_group(r, s, class_options, class))
		return false;
	if (!class->marks.count && !class->users.count && !class->groups.count && !class->clients.count)
		return mx_reader_fail(r, s, "class %s: expected marks, users, groups or clients", class->name);
	return true;
}

static const struct mx_option route_options[] = {
	{ .name = "class", .read = read_reference, .offset = offsetof(struct mx_conf_route, class), .min = LOOK_CLASS },
	{ .name = "provider",
	  .read = read_reference,
	  .offset = offsetof(struct mx_conf_route, provider),
	  .min = LOOK_PROVIDER },
	{ .name = "pool", .read = read_reference, .offset = offsetof(struct mx_conf_route, pool), .min = LOOK_POOL },
	{ 0 },
};

bool mx_section_route(struct mx_reader *r, config_setting_t *s)
{
	struct mx_config *c = r->config;
	struct mx_conf_route route = { MX_NONE, MX_NONE, MX_NONE, mx_reader_place(r, s) };

	if (!config_setting_is_group(s))
		return mx_reader_fail(r, s, "routes: expected groups { class = ...; provider = ...; pool = ...; }");
	if (!mx_read_group(r, s, route_options, &route))
		return false;
	if (route.pool == MX_NONE)
		return mx_reader_fail(r, s, "route: expected pool = \"NAME\"");
	c->routes = mx_grow(c->routes, c->route_count, sizeof(route));
	c->routes[c->route_count++] = route;
	return true;
}
