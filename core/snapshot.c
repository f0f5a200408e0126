// SPDX-License-Identifier: GPL-2.0-or-later OR MIT
#include "core/flow.h"
#include "core/prefix.h"
#include "core/snapshot.h"

static const u8 entry_size[MX_SECTION_COUNT] = {
#define X(id, type, name) sizeof(type),
	MX_SECTIONS(X)
#undef X
};

static u64 align8(u64 n)
{
	return (n + 7) & ~7ULL;
}

u64 mx_snapshot_layout(struct mx_snapshot *header, const u32 counts[MX_SECTION_COUNT])
{
	u64 at = align8(sizeof(struct mx_snapshot));
	u32 i;

	for (i = 0; i < MX_SECTION_COUNT; i++) {
		if (header) {
			header->section[i].offset = at;
			header->section[i].count = counts[i];
		}
		at += align8((u64)counts[i] * entry_size[i]);
	}
	if (header) {
		header->magic = MX_SNAPSHOT_MAGIC;
		header->version = MX_SNAPSHOT_VERSION;
		header->size = at;
	}
	return at;
}

/* Sections stand exactly where mx_snapshot_layout() puts them: nothing overlaps, nothing is hidden in between. */
static const char *check_layout(const struct mx_snapshot *s, u64 size)
{
	u64 at = align8(sizeof(*s));
	u32 i;

	if (size < sizeof(*s))
		return "shorter than its header";
	if (s->magic != MX_SNAPSHOT_MAGIC)
		return "not a snapshot";
	if (s->version != MX_SNAPSHOT_VERSION)
		return "another version";
	if (s->size != size)
		return "wrong size";
	for (i = 0; i < MX_SECTION_COUNT; i++) {
		if (s->section[i].count > 0x7fffffff || s->section[i].offset != at)
			return "section out of place";
		at += align8(s->section[i].count * entry_size[i]);
		if (at > size)
			return "section out of bounds";
	}
	return at == size ? NULL : "section out of place";
}

static bool is_contiguous(u32 mask)
{
	u32 values = mask ? mask / (mask & (~mask + 1)) : 0;

	return values && !(values & (values + 1));
}

static const char *check_by_mark(const struct mx_snapshot *s)
{
	const struct mx_source *sources = mx_snapshot_sources(s);
	const u16 *by_mark = mx_snapshot_by_mark(s);
	u32 count = mx_snapshot_count(s, MX_SECTION_SOURCES);
	u32 i;

	if (mx_snapshot_count(s, MX_SECTION_BY_MARK) != count)
		return "source without a place in the order of marks";
	for (i = 0; i < count; i++)
		if (by_mark[i] >= count || (i && sources[by_mark[i]].mark <= sources[by_mark[i - 1]].mark))
			return "marks not sorted, or one given twice";
	return NULL;
}

static bool span_fits(struct mx_span span, u32 count)
{
	return span.first <= count && span.count <= count - span.first;
}

static bool are_limits(const struct mx_snapshot *s, struct mx_span span)
{
	return span_fits(span, mx_snapshot_count(s, MX_SECTION_LIMITS));
}

static const char *check_limits(const struct mx_snapshot *s)
{
	const struct mx_limit *limits = mx_snapshot_limits(s);
	u32 i;

	for (i = 0; i < mx_snapshot_count(s, MX_SECTION_LIMITS); i++)
		if (!limits[i].most || limits[i].unit >= MX_UNITS || limits[i].period >= MX_PERIODS)
			return "limit of nothing";
	return NULL;
}

static const char *check_sources(const struct mx_snapshot *s)
{
	const struct mx_source *sources = mx_snapshot_sources(s);
	u32 mask = s->mark_mask;
	u32 i;

	if (!is_contiguous(mask) || mx_snapshot_count(s, MX_SECTION_SOURCES) >= MX_NONE)
		return "bad mark mask or too many sources";
	for (i = 0; i < mx_snapshot_count(s, MX_SECTION_SOURCES); i++) {
		u32 mark = sources[i].mark;

		if (!mark || (mark & ~mask) || mark == mx_mark_refuse(mask) || mark == mx_mark_pass(mask))
			return "source with a bad mark";
		if (!sources[i].families || sources[i].families >> MX_FAMILIES)
			return "source without an address";
		if (sources[i].warmup > MX_WARMS_WHOLE)
			return "source with an unknown warm-up";
		if (!are_limits(s, sources[i].limits))
			return "source with limits out of place";
	}
	return check_by_mark(s);
}

/* Follows the overflow pools from `pool`. A circle has no end, either. */
static bool overflow_ends(const struct mx_pool *pools, u16 pool)
{
	u32 steps;

	for (steps = 0; steps <= MX_OVERFLOW_MAX + 1; steps++) {
		if (pool == MX_NONE)
			return true;
		pool = pools[pool].overflow;
	}
	return false;
}

static const char *check_pools(const struct mx_snapshot *s)
{
	const struct mx_pool *pools = mx_snapshot_pools(s);
	const struct mx_member *members = mx_snapshot_members(s);
	u32 count = mx_snapshot_count(s, MX_SECTION_POOLS);
	u32 providers = mx_snapshot_count(s, MX_SECTION_PROVIDERS);
	u64 member = 0, slot = 0;
	u32 i;

	if (!count || count >= MX_NONE)
		return "no pool or too many";
	for (i = 0; i < count; i++) {
		if (!pools[i].members || pools[i].first_member != member || pools[i].first_slot != slot)
			return "pool with members out of place";
		if (!pools[i].max_share || pools[i].max_share > 100)
			return "pool with a max-share out of range";
		if (pools[i].overflow != MX_NONE && pools[i].overflow >= count)
			return "unknown overflow pool";
		member += pools[i].members;
		slot += (u64)pools[i].members * providers;
	}
	if (member != mx_snapshot_count(s, MX_SECTION_MEMBERS) || slot != s->slots)
		return "pool with members out of place";
	for (i = 0; i < count; i++)
		if (!overflow_ends(pools, (u16)i))
			return "overflow pools in a circle, or too many in a row";
	for (i = 0; i < member; i++)
		if (members[i].source >= mx_snapshot_count(s, MX_SECTION_SOURCES))
			return "pool with an unknown source";
	return NULL;
}

static const char *check_providers(const struct mx_snapshot *s)
{
	const struct mx_provider *providers = mx_snapshot_providers(s);
	u32 count = mx_snapshot_count(s, MX_SECTION_PROVIDERS);
	u32 i;

	if (count >= MX_NONE || s->default_provider >= count)
		return "no default provider or too many providers";
	for (i = 0; i < count; i++) {
		if (providers[i].balance > MX_STICKY)
			return "provider with an unknown balance";
		if (!providers[i].messages || !are_limits(s, providers[i].limits) ||
		    !are_limits(s, providers[i].total_limits))
			return "provider with limits out of place";
	}
	return NULL;
}

static u32 lane_of(const struct mx_lane_rule *rule)
{
	return (u32)rule->provider << 16 | rule->source;
}

static const char *check_lane_rules(const struct mx_snapshot *s)
{
	const struct mx_lane_rule *rules = mx_snapshot_lane_rules(s);
	u32 i;

	for (i = 0; i < mx_snapshot_count(s, MX_SECTION_LANE_RULES); i++) {
		if (rules[i].provider >= mx_snapshot_count(s, MX_SECTION_PROVIDERS) ||
		    rules[i].source >= mx_snapshot_count(s, MX_SECTION_SOURCES))
			return "rule of an unknown lane";
		if (i && lane_of(&rules[i]) <= lane_of(&rules[i - 1]))
			return "rules of lanes not sorted";
		if (!are_limits(s, rules[i].limits))
			return "lane with limits out of place";
	}
	return NULL;
}

static const struct mx_lane_rule *find_lane_rule(const struct mx_snapshot *s, u32 provider, u32 source)
{
	const struct mx_lane_rule *rules = mx_snapshot_lane_rules(s);
	u32 low = 0, high = mx_snapshot_count(s, MX_SECTION_LANE_RULES), lane = provider << 16 | source;

	while (low < high) {
		u32 middle = (low + high) / 2;

		if (lane_of(&rules[middle]) < lane)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == mx_snapshot_count(s, MX_SECTION_LANE_RULES) || lane_of(&rules[low]) != lane)
		return NULL;
	return &rules[low];
}

struct mx_span mx_snapshot_lane_limits(const struct mx_snapshot *s, u32 provider, u32 source)
{
	const struct mx_lane_rule *rule = find_lane_rule(s, provider, source);

	return rule && rule->limits.count ? rule->limits : mx_snapshot_providers(s)[provider].limits;
}

u32 mx_snapshot_lane_concurrency(const struct mx_snapshot *s, u32 provider, u32 source)
{
	const struct mx_lane_rule *rule = find_lane_rule(s, provider, source);

	return rule && rule->concurrency ? rule->concurrency : mx_snapshot_providers(s)[provider].concurrency;
}

static const char *check_routes(const struct mx_snapshot *s)
{
	const struct mx_route *routes = mx_snapshot_routes(s);
	u32 count = mx_snapshot_count(s, MX_SECTION_ROUTES);
	u32 i;

	if (!count || count >= MX_NONE)
		return "no route, or too many";
	for (i = 0; i < count; i++) {
		if (routes[i].class != MX_NONE && routes[i].class >= mx_snapshot_count(s, MX_SECTION_CLASSES))
			return "route with an unknown class";
		if (routes[i].provider != MX_NONE && routes[i].provider >= mx_snapshot_count(s, MX_SECTION_PROVIDERS))
			return "route with an unknown provider";
		if (routes[i].pool >= mx_snapshot_count(s, MX_SECTION_POOLS))
			return "route with an unknown pool";
	}
	if (routes[count - 1].class != MX_NONE || routes[count - 1].provider != MX_NONE)
		return "the last route does not match everything";
	return NULL;
}

static bool are_ids(const u32 *ids, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (ids[i] == MX_NO_ID)
			return false;
	return true;
}

static const char *check_classes(const struct mx_snapshot *s)
{
	const struct mx_class *classes = mx_snapshot_classes(s);
	const struct mx_net *nets = mx_snapshot_clients(s);
	u32 i;

	if (mx_snapshot_count(s, MX_SECTION_CLASSES) >= MX_NONE)
		return "too many classes";
	for (i = 0; i < mx_snapshot_count(s, MX_SECTION_CLASSES); i++)
		if (!span_fits(classes[i].marks, mx_snapshot_count(s, MX_SECTION_MARKS)) ||
		    !span_fits(classes[i].users, mx_snapshot_count(s, MX_SECTION_USERS)) ||
		    !span_fits(classes[i].groups, mx_snapshot_count(s, MX_SECTION_GROUPS)) ||
		    !span_fits(classes[i].clients, mx_snapshot_count(s, MX_SECTION_CLIENTS)))
			return "class with values out of place";
	if (!are_ids(mx_snapshot_users(s), mx_snapshot_count(s, MX_SECTION_USERS)) ||
	    !are_ids(mx_snapshot_groups(s), mx_snapshot_count(s, MX_SECTION_GROUPS)))
		return "class with a user or group that nobody can be";
	for (i = 0; i < mx_snapshot_count(s, MX_SECTION_CLIENTS); i++)
		if (nets[i].family >= MX_FAMILIES)
			return "class with an unknown family";
	return NULL;
}

static const char *check_scope(const struct mx_snapshot *s)
{
	const struct mx_net *served = mx_snapshot_served(s);
	u32 i;

	for (i = 0; i < mx_snapshot_count(s, MX_SECTION_SERVED); i++)
		if (served[i].family >= MX_FAMILIES)
			return "clients with an unknown family";
	return NULL;
}

static const char *check_values(const u16 *values, u32 count, u32 limit)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (values[i] != MX_NO_VALUE && values[i] >= limit)
			return "prefix with an unknown value";
	return NULL;
}

static const char *check_prefix4(const struct mx_snapshot *s, enum mx_section starts, const u32 *start,
				 const u16 *value, u32 limit)
{
	u32 count = mx_snapshot_count(s, starts);
	u32 i;

	if (!count || count != mx_snapshot_count(s, starts + 1) || start[0])
		return "prefix table without a start";
	for (i = 1; i < count; i++)
		if (start[i] <= start[i - 1])
			return "prefix table not sorted";
	return check_values(value, count, limit);
}

static const char *check_prefix6(const struct mx_snapshot *s, enum mx_section starts, const struct mx_addr *start,
				 const u16 *value, u32 limit)
{
	u32 count = mx_snapshot_count(s, starts);
	u32 i;

	if (!count || count != mx_snapshot_count(s, starts + 1) || start[0].hi || start[0].lo)
		return "prefix table without a start";
	for (i = 1; i < count; i++)
		if (mx_addr_cmp(start[i], start[i - 1]) <= 0)
			return "prefix table not sorted";
	return check_values(value, count, limit);
}

static const char *check_prefixes(const struct mx_snapshot *s)
{
	u32 providers = mx_snapshot_count(s, MX_SECTION_PROVIDERS);
	const char *wrong =
		check_prefix4(s, MX_SECTION_PREFIX4, mx_snapshot_prefix4(s), mx_snapshot_prefix4_value(s), providers);

	if (!wrong)
		wrong = check_prefix6(s, MX_SECTION_PREFIX6, mx_snapshot_prefix6(s), mx_snapshot_prefix6_value(s),
				      providers);
	if (!wrong)
		wrong = check_prefix4(s, MX_SECTION_EXEMPT4, mx_snapshot_exempt4(s), mx_snapshot_exempt4_value(s), 1);
	if (!wrong)
		wrong = check_prefix6(s, MX_SECTION_EXEMPT6, mx_snapshot_exempt6(s), mx_snapshot_exempt6_value(s), 1);
	return wrong;
}

u64 mx_snapshot_checksum(const struct mx_snapshot *s, u64 size)
{
	const u8 *byte = (const u8 *)s;
	u64 sum = 0xcbf29ce484222325ULL, i;

	for (i = 0; i < size; i++)
		sum = (sum ^ byte[i]) * 0x100000001b3ULL;
	return sum;
}

const char *mx_snapshot_check(const struct mx_snapshot *s, u64 size)
{
	const char *wrong = check_layout(s, size);

	if (!wrong)
		wrong = check_limits(s);
	if (!wrong)
		wrong = check_sources(s);
	if (!wrong)
		wrong = check_providers(s);
	if (!wrong)
		wrong = check_lane_rules(s);
	if (!wrong)
		wrong = check_pools(s);
	if (!wrong)
		wrong = check_routes(s);
	if (!wrong)
		wrong = check_classes(s);
	if (!wrong)
		wrong = check_scope(s);
	if (!wrong)
		wrong = check_prefixes(s);
	return wrong;
}

u16 mx_snapshot_source_of_mark(const struct mx_snapshot *s, u32 mark)
{
	const struct mx_source *sources = mx_snapshot_sources(s);
	const u16 *by_mark = mx_snapshot_by_mark(s);
	u32 low = 0, high = mx_snapshot_count(s, MX_SECTION_SOURCES);

	mark &= s->mark_mask;
	while (low < high) {
		u32 middle = (low + high) / 2;

		if (sources[by_mark[middle]].mark == mark)
			return by_mark[middle];
		if (sources[by_mark[middle]].mark < mark)
			low = middle + 1;
		else
			high = middle;
	}
	return MX_NONE;
}

u32 mx_snapshot_pool_of_slot(const struct mx_snapshot *s, u32 slot)
{
	const struct mx_pool *pools = mx_snapshot_pools(s);
	u32 low = 0, high = mx_snapshot_count(s, MX_SECTION_POOLS);

	while (high - low > 1) {
		u32 middle = (low + high) / 2;

		if (pools[middle].first_slot <= slot)
			low = middle;
		else
			high = middle;
	}
	return low;
}
