// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/config.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <malloc.h>
#include <net/if.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/flow.h"
#include "daemon/config_check.h"
#include "daemon/config_text.h"
#include "daemon/config_read.h"
#include "daemon/text.h"

#define MX_DEFAULT_CATALOGUE "/usr/share/mxload/providers.conf"

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

	if (!text || !mx_reader_is_domain(text))
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
	{ .name = "limits", .read = mx_read_limits, .offset = offsetof(struct mx_conf_source, limits), .later = true },
	{ .name = "warmup", .read = read_warmup, .offset = offsetof(struct mx_conf_source, warmup), .later = true },
	{ 0 },
};

static bool read_source(struct mx_reader *r, config_setting_t *s)
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
		schedule->caps = mx_grow(schedule->caps, schedule->count, sizeof(u64));
		schedule->caps[schedule->count++] = (u64)n;
	}
	return true;
}

static const struct mx_option schedule_options[] = {
	{ .name = "daily", .read = read_caps, .min = 0 },
	{ .name = "hourly", .read = read_caps, .min = 1 },
	{ 0 },
};

static bool read_schedule(struct mx_reader *r, config_setting_t *s)
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
	  .max = 100,
	  .later = true },
	{ 0 },
};

static bool name_pool(struct mx_reader *r, config_setting_t *s)
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

static bool read_pool(struct mx_reader *r, config_setting_t *s)
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
	{ .name = "limits", .read = mx_read_limits, .offset = offsetof(struct mx_conf_lane, limits), .later = true },
	{ .name = "concurrency",
	  .read = mx_read_number,
	  .offset = offsetof(struct mx_conf_lane, concurrency),
	  .min = 1,
	  .max = 100000,
	  .later = true },
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
	{ .name = "mx", .read = mx_read_strings, PROVIDER(mx), .later = true },
	{ .name = "domains", .read = mx_read_strings, PROVIDER(domains), .later = true },
	{ .name = "prefixes", .read = mx_read_nets, PROVIDER(prefixes) },
	{ .name = "balance", .read = mx_read_choice, PROVIDER(balance), .words = balance_words },
	{ .name = "limits", .read = mx_read_limits, PROVIDER(limits), .later = true },
	{ .name = "total-limits", .read = mx_read_limits, PROVIDER(total_limits), .later = true },
	{ .name = "concurrency",
	  .read = mx_read_number,
	  PROVIDER(concurrency),
	  .min = 1,
	  .max = 100000,
	  .later = true },
	{ .name = "pace", .read = read_pace, PROVIDER(even_pace), .later = true },
	{ .name = "wait", .read = mx_read_number, PROVIDER(wait), .max = 25, .later = true },
	{ .name = "wait-max", .read = mx_read_number, PROVIDER(wait_max), .max = 1000, .later = true },
	{ .name = "messages-per-connection",
	  .read = mx_read_number,
	  PROVIDER(messages_per_connection),
	  .min = 1,
	  .max = 10000,
	  .later = true },
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

/* A provider that the catalogue has named already keeps what is not given here. */
static bool read_provider(struct mx_reader *r, config_setting_t *s)
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

static bool read_class(struct mx_reader *r, config_setting_t *s)
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

static bool read_route(struct mx_reader *r, config_setting_t *s)
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

/* --- the whole file --------------------------------------------------------------------------------------------- */

static const char *const mode_words[] = { "enforce", "observe", NULL };
static const char *const engine_words[] = { "auto", "queue", "kmod", NULL };
static const char *const down_words[] = { "balance", "refuse", NULL };
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
	{ .name = "metrics", .read = read_endpoint, TOP(metrics), .later = true },
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

/* What libconfig has to say about a file that it could not parse, and what was expected. */
static bool fail_parse(struct mx_reader *r, const config_t *tree, const char *path)
{
	const char *text = config_error_text(tree), *expected = "name = value; or name: { ... };";
	const char *file = config_error_file(tree);

	if (strstr(text, "duplicate"))
		expected = "each name once in its group";
	if (strstr(text, "mismatched"))
		expected = "elements of one kind, numbers all with an L behind them or none";
	if (strstr(text, "include"))
		expected = "at most ten files inside each other, named from the folder of the first one";
	return mx_reader_fail_at(r, mx_reader_place_in(r, file ? file : path, (u32)config_error_line(tree)),
				 "%s: expected %s", text, expected);
}

static bool parse_file(struct mx_reader *r, config_t *tree, const char *path)
{
	char *copy = mx_strdup(path);

	config_set_include_dir(tree, dirname(copy));
	free(copy);
	return config_read_file(tree, path) || fail_parse(r, tree, path);
}

static void free_strings(struct mx_strings *list)
{
	while (list->count)
		free(list->items[--list->count]);
	free(list->items);
}

/* Reads one file with all that it includes, and calls `read` with its tree. */
static bool read_file(struct mx_reader *r, const char *path, bool (*read)(struct mx_reader *, config_t *))
{
	const struct mx_strings *outer = r->files;
	struct mx_strings files = { 0 };
	config_t tree;
	bool good;

	config_init(&tree);
	good = mx_config_find_files(r, path, &files);
	r->files = &files;
	good = good && parse_file(r, &tree, path) && read(r, &tree) && mx_config_check_numbers(r, &files);
	r->files = outer;
	config_destroy(&tree);
	free_strings(&files);
	return good;
}

/* A catalogue holds providers and nothing else. */
static bool read_catalogue_tree(struct mx_reader *r, config_t *tree)
{
	static const struct mx_option options[] = { { .name = "providers", .read = mx_read_skip }, { 0 } };

	return mx_read_group(r, config_root_setting(tree), options, r->config) &&
	       each(r, tree, "providers", NULL, read_provider);
}

/* The shipped catalogue may be absent; one that is named may not. */
static bool read_catalogue(struct mx_reader *r)
{
	const char *path = r->config->catalogue;

	if (!*path || (!strcmp(path, MX_DEFAULT_CATALOGUE) && access(path, F_OK)))
		return true;
	if (access(path, R_OK))
		return mx_reader_fail_at(r, mx_reader_place_of(r, "catalogue"),
					 "catalogue: %s: %s: expected a readable file", path, strerror(errno));
	return read_file(r, path, read_catalogue_tree);
}

/* Everyone else is a provider too, named or not. */
static bool add_default(struct mx_reader *r)
{
	if (mx_config_provider(r->config, "default") == MX_NONE)
		add_provider(r->config, "default", (struct mx_place){ r->config->path, 1 });
	return true;
}

/* In the order in which things refer to each other, whatever the order in the file. */
static bool read_tree(struct mx_reader *r, config_t *tree)
{
	r->tree = tree;
	return mx_read_group(r, config_root_setting(tree), top_options, r->config) &&
	       each(r, tree, "schedules", NULL, read_schedule) && each(r, tree, "sources", "source", read_source) &&
	       each(r, tree, "pools", "pool", name_pool) && each(r, tree, "pools", "pool", read_pool) &&
	       read_catalogue(r) && each(r, tree, "providers", NULL, read_provider) && add_default(r) &&
	       each(r, tree, "classes", NULL, read_class) && each(r, tree, "routes", "route", read_route) &&
	       mx_config_check(r);
}

struct mx_config *mx_config_read(const char *path, char *error)
{
	struct mx_config *config = mx_alloc(sizeof(*config));
	struct mx_reader r = { .config = config, .error = error };
	bool good;

	config->path = mx_strdup(path);
	set_defaults(config);
	good = read_file(&r, path, read_tree);
	if (!good) {
		mx_config_free(config);
		config = NULL;
	}
	malloc_trim(0);
	return config;
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
	free_strings(&p->mx);
	free_strings(&p->domains);
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
	free_strings(&c->warnings);
	free_strings(&c->files);
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
