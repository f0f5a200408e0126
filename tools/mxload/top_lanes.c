// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxload/top_lanes.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SAMPLES 32                          /* one may be younger than the next is old: enough for the window */
#define SAMPLE_SPACING (MX_TOP_WINDOW / 30) /* ms; in between the last sample is replaced */
#define KEPT_BACK(row) ((row)->state >= MX_TOP_OFF)

struct lane {
	struct mx_top_row row;
	size_t source, provider;
	long weight;                     /* as stats have it; -1: as sources have it */
	long long policy, answer;        /* of which it is a part: see struct mx_top_lanes */
	struct mx_top_limit limit, ramp; /* of quota and of warmup */
	long day, days;
	const char *warmup;
	const char *full;
	const struct mx_top_rest *rest;
	bool networks_rest;
	long long samples[SAMPLES];
};

/* A source or a provider. */
struct name {
	char *text;
	bool unusable;  /* a source whose addresses are not on the host */
	long day, days; /* of a source's own warm-up */
	const char *warmup;
	struct mx_top_limit limit, ramp; /* of all its lanes together */
	const struct mx_top_rest *rest;
};

struct names {
	struct name *items;
	size_t count, room;
	json_t *index; /* text: number */
};

struct mx_top_lanes {
	struct names sources, providers;
	struct lane *items;
	size_t count, room;
	json_t *index;          /* source, line break, provider: number */
	size_t *shown, showing; /* those that the policy or stats have */
	struct mx_top_summary summary;
	struct mx_top_rest *rests;
	size_t rest_count;
	json_t *reasons; /* names of limits, as keys: they stay as long as the lanes do */
	json_t *status, *pools, *source_list, *provider_list;
	long long policy;    /* counts providers and pools, as they were asked for anew; 0: never */
	long long of_policy; /* its generation */
	long long answer;    /* counts stats */
	char since[32];      /* of the daemon whose stats they are */
	long long times[SAMPLES];
	size_t newest, sampled;
};

static const char *text(const json_t *o, const char *key)
{
	const char *value = json_string_value(json_object_get(o, key));

	return value ? value : "";
}

static long long number(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

static void *grown(void *items, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return items;
	*room = *room ? 2 * *room : 64;
	items = realloc(items, *room * size);
	if (!items)
		abort();
	return items;
}

static void replace(char **place, const char *with)
{
	free(*place);
	*place = strdup(with);
	if (!*place)
		abort();
}

/* --- names and lanes -------------------------------------------------------------------------------------------- */

static size_t name_of(struct names *names, const char *name)
{
	const json_t *known = json_object_get(names->index, name);

	if (known)
		return (size_t)json_integer_value(known);
	names->items = grown(names->items, names->count, &names->room, sizeof(names->items[0]));
	names->items[names->count] = (struct name){ 0 };
	replace(&names->items[names->count].text, name);
	json_object_set_new(names->index, name, json_integer((json_int_t)names->count));
	return names->count++;
}

/* The name, or NULL where an answer has none: it is about all of them. */
static struct name *named(struct names *names, const json_t *o, const char *key)
{
	const char *name = json_string_value(json_object_get(o, key));

	return name ? &names->items[name_of(names, name)] : NULL;
}

static struct lane *lane_of(struct mx_top_lanes *l, const char *source, const char *provider)
{
	char *key = NULL;
	const json_t *known;
	struct lane *lane;

	if (asprintf(&key, "%s\n%s", source, provider) < 0)
		abort();
	known = json_object_get(l->index, key);
	if (known) {
		free(key);
		return &l->items[json_integer_value(known)];
	}
	l->items = grown(l->items, l->count, &l->room, sizeof(l->items[0]));
	lane = &l->items[l->count];
	*lane = (struct lane){ .source = name_of(&l->sources, source),
			       .provider = name_of(&l->providers, provider),
			       .weight = -1 };
	json_object_set_new(l->index, key, json_integer((json_int_t)l->count++));
	free(key);
	return lane;
}

static struct lane *lane_in(struct mx_top_lanes *l, const json_t *o)
{
	return lane_of(l, text(o, "source"), text(o, "provider"));
}

static struct names new_names(void)
{
	return (struct names){ .index = json_object() };
}

struct mx_top_lanes *mx_top_lanes_new(void)
{
	struct mx_top_lanes *l = calloc(1, sizeof(*l));

	if (!l)
		abort();
	l->sources = new_names();
	l->providers = new_names();
	l->index = json_object();
	l->reasons = json_object();
	replace(&l->summary.engine, "");
	replace(&l->summary.mode, "");
	return l;
}

static void free_names(struct names *names)
{
	size_t i;

	for (i = 0; i < names->count; i++)
		free(names->items[i].text);
	free(names->items);
	json_decref(names->index);
}

static void free_rests(struct mx_top_lanes *l)
{
	size_t i;

	for (i = 0; i < l->rest_count; i++) {
		free(l->rests[i].owner);
		free(l->rests[i].reason);
	}
	free(l->rests);
	l->rests = NULL;
	l->rest_count = 0;
}

void mx_top_lanes_free(struct mx_top_lanes *l)
{
	free_rests(l);
	free_names(&l->sources);
	free_names(&l->providers);
	free(l->items);
	free(l->shown);
	free(l->summary.engine);
	free(l->summary.mode);
	json_decref(l->index);
	json_decref(l->reasons);
	json_decref(l->status);
	json_decref(l->pools);
	json_decref(l->source_list);
	json_decref(l->provider_list);
	free(l);
}

/* --- rates ------------------------------------------------------------------------------------------------------ */

static size_t before(size_t sample)
{
	return (sample + SAMPLES - 1) % SAMPLES;
}

/* Where the sample of now goes. Samples that are close together would fill the window with its end alone. */
static void begin_sample(struct mx_top_lanes *l, long long now)
{
	bool replaces = l->sampled > 1 && l->times[l->newest] - l->times[before(l->newest)] < SAMPLE_SPACING;

	if (l->sampled && !replaces)
		l->newest = (l->newest + 1) % SAMPLES;
	if (l->sampled < SAMPLES && !replaces)
		l->sampled++;
	l->times[l->newest] = now;
}

/* The oldest sample within the window, at least the one before the newest; the newest itself when it is alone. */
static size_t first_sample(const struct mx_top_lanes *l)
{
	size_t first = l->newest, i;

	for (i = 1; i < l->sampled; i++) {
		size_t older = before(first);

		if (i > 1 && l->times[l->newest] - l->times[older] > MX_TOP_WINDOW)
			break;
		first = older;
	}
	return first;
}

static double rate_of(const struct mx_top_lanes *l, const struct lane *lane, size_t first)
{
	long long time = l->times[l->newest] - l->times[first];

	return time > 0 ? (double)(lane->samples[l->newest] - lane->samples[first]) * 60000 / (double)time : 0;
}

/* --- answers ---------------------------------------------------------------------------------------------------- */

static void keep(json_t **place, const json_t *answer)
{
	json_decref(*place);
	*place = json_deep_copy(answer);
}

static void take_status(struct mx_top_lanes *l, const json_t *a)
{
	struct mx_top_summary *s = &l->summary;
	const json_t *queue;
	size_t i;

	keep(&l->status, a);
	replace(&s->engine, text(a, "engine"));
	replace(&s->mode, text(a, "mode"));
	s->uptime = number(a, "uptime");
	s->generation = number(a, "generation");
	s->warnings = json_object_get(l->status, "warnings");
	s->waiting = 0;
	json_array_foreach(json_object_get(a, "queues"), i, queue)
		s->waiting += number(queue, "waiting");
}

/* The key of an object stays where it is. */
static const char *lasting(json_t *set, const char *name)
{
	if (!json_object_get(set, name))
		json_object_set_new(set, name, json_true());
	return json_object_iter_key(json_object_iter_at(set, name));
}

static void take_lane(struct mx_top_lanes *l, const json_t *o, double at_provider)
{
	struct lane *lane = lane_in(l, o);
	const char *full = json_string_value(json_object_get(o, "limit"));

	lane->answer = l->answer;
	lane->weight = (long)number(o, "weight");
	lane->row.share = json_number_value(json_object_get(o, "share"));
	lane->row.expected = json_number_value(json_object_get(o, "expected_share"));
	lane->row.asked = lane->row.expected * at_provider;
	lane->row.connections = number(o, "connections");
	lane->row.failed = number(o, "failed");
	lane->full = full ? lasting(l->reasons, full) : NULL;
	lane->samples[l->newest] = lane->row.connections;
}

static void forget_stats(struct mx_top_lanes *l)
{
	size_t i;

	for (i = 0; i < l->count; i++) {
		struct lane *lane = &l->items[i];

		lane->row = (struct mx_top_row){ 0 };
		lane->weight = -1;
		lane->full = NULL;
		lane->samples[l->newest] = 0;
	}
}

static void take_stats(struct mx_top_lanes *l, const json_t *a, long long now)
{
	struct mx_top_summary *s = &l->summary;
	json_t *at_provider = json_object();
	const json_t *lane, *o;
	size_t i;

	if (strcmp(l->since, text(a, "since"))) {
		snprintf(l->since, sizeof(l->since), "%s", text(a, "since"));
		l->sampled = 0;
		l->of_policy = -1; /* its first generation has the same number as that of the one before */
	}
	begin_sample(l, now);
	forget_stats(l);
	l->answer++;
	json_array_foreach(json_object_get(a, "lanes"), i, lane) {
		const char *provider = text(lane, "provider");

		json_object_set_new(at_provider, provider,
				    json_integer(json_integer_value(json_object_get(at_provider, provider)) +
						 (json_int_t)number(lane, "connections")));
	}
	json_array_foreach(json_object_get(a, "lanes"), i, lane)
		take_lane(l, lane, (double)number(at_provider, text(lane, "provider")));
	json_decref(at_provider);
	s->refused = s->held = s->held_ever = 0;
	s->guarded = number(a, "guarded");
	json_array_foreach(json_object_get(a, "refused"), i, o)
		s->refused += number(o, "connections");
	json_array_foreach(json_object_get(a, "held"), i, o) {
		s->held += number(o, "now");
		s->held_ever += number(o, "total");
	}
}

double mx_top_fullness(const struct mx_top_limit *limit)
{
	return limit->most ? (double)limit->used / (double)limit->most : 0;
}

static void take_fuller(struct mx_top_limit *place, const struct mx_top_limit *limit)
{
	if (limit->most && (!place->most || mx_top_fullness(limit) > mx_top_fullness(place)))
		*place = *limit;
}

static struct mx_top_limit limit_of(const json_t *o, const char *most, const char *used, const char *unit)
{
	struct mx_top_limit limit = { .used = number(o, used), .most = number(o, most), .whose = "" };

	snprintf(limit.unit, sizeof(limit.unit), "%s", unit);
	snprintf(limit.period, sizeof(limit.period), "%s", text(o, "period"));
	return limit;
}

static void forget_limits(struct mx_top_lanes *l)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		l->items[i].limit = (struct mx_top_limit){ 0 };
	for (i = 0; i < l->sources.count; i++)
		l->sources.items[i].limit = (struct mx_top_limit){ 0 };
	for (i = 0; i < l->providers.count; i++)
		l->providers.items[i].limit = (struct mx_top_limit){ 0 };
}

static void take_quota(struct mx_top_lanes *l, const json_t *a)
{
	const json_t *o;
	size_t i;

	forget_limits(l);
	json_array_foreach(json_object_get(a, "quotas"), i, o) {
		struct mx_top_limit limit = limit_of(o, "limit", "used", text(o, "unit"));
		struct name *source = named(&l->sources, o, "source"), *provider = named(&l->providers, o, "provider");

		limit.whose = !source ? "provider" : !provider ? "source" : "";
		if (source && provider)
			take_fuller(&lane_in(l, o)->limit, &limit);
		else if (source || provider)
			take_fuller(source ? &source->limit : &provider->limit, &limit);
	}
}

static const char *warmup_state(const char *state)
{
	static const char *const states[] = { "warming", "held", "waiting" };
	size_t i;

	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (!strcmp(state, states[i]))
			return states[i];
	return NULL; /* finished */
}

/* A ramp's cap is a limit as any other. */
static void take_ramp(const json_t *o, long *day, long *days, const char **state, struct mx_top_limit *place,
		      const char *whose)
{
	struct mx_top_limit limit = limit_of(o, "cap", "sent", "warm-up");

	*state = warmup_state(text(o, "state"));
	*day = *state ? (long)number(o, "day") : 0;
	*days = *state ? (long)number(o, "days") : 0;
	limit.whose = whose;
	*place = *state && strcmp(*state, "waiting") ? limit : (struct mx_top_limit){ 0 };
}

static void take_warmup(struct mx_top_lanes *l, const json_t *a)
{
	const json_t *o;
	size_t i;

	for (i = 0; i < l->count; i++)
		take_ramp(NULL, &l->items[i].day, &l->items[i].days, &l->items[i].warmup, &l->items[i].ramp, "");
	for (i = 0; i < l->sources.count; i++)
		take_ramp(NULL, &l->sources.items[i].day, &l->sources.items[i].days, &l->sources.items[i].warmup,
			  &l->sources.items[i].ramp, "");
	json_array_foreach(json_object_get(a, "warmups"), i, o) {
		struct name *source = named(&l->sources, o, "source");
		struct lane *lane;

		if (json_is_string(json_object_get(o, "network")))
			continue; /* each has a ramp of its own: none is the lane's */
		if (!json_is_string(json_object_get(o, "provider"))) {
			take_ramp(o, &source->day, &source->days, &source->warmup, &source->ramp, "source");
			continue;
		}
		lane = lane_in(l, o);
		take_ramp(o, &lane->day, &lane->days, &lane->warmup, &lane->ramp, "");
	}
}

static long long seconds_of(const char *utc)
{
	struct tm tm = { 0 };
	const char *end = strptime(utc, "%Y-%m-%dT%H:%M:%SZ", &tm);

	return end && !*end ? (long long)timegm(&tm) : 0;
}

static enum mx_top_state rest_state(const char *state)
{
	return !strcmp(state, "backing-off") ? MX_TOP_BACKING_OFF
	       : !strcmp(state, "draining")  ? MX_TOP_DRAINING
					     : MX_TOP_PAUSED;
}

/* The strictest holds; of two alike that which lasts longer. */
static void take_stricter(const struct mx_top_rest **place, const struct mx_top_rest *rest)
{
	const struct mx_top_rest *old = *place;

	if (!old || rest->state > old->state ||
	    (rest->state == old->state && old->until && (!rest->until || rest->until > old->until)))
		*place = rest;
}

static size_t count_states(const json_t *sources)
{
	const json_t *source;
	size_t i, n = 0;

	json_array_foreach(sources, i, source)
		n += json_array_size(json_object_get(source, "states"));
	return n;
}

static void take_state(struct mx_top_lanes *l, const char *source, const json_t *o)
{
	struct mx_top_rest *rest = &l->rests[l->rest_count++];
	const char *provider = json_string_value(json_object_get(o, "provider"));

	*rest = (struct mx_top_rest){ .state = rest_state(text(o, "state")), .until = seconds_of(text(o, "until")) };
	replace(&rest->owner, text(o, "owner"));
	replace(&rest->reason, text(o, "reason"));
	if (json_is_string(json_object_get(o, "network")))
		lane_of(l, source, provider ? provider : "default")->networks_rest = true;
	else
		take_stricter(provider ? &lane_of(l, source, provider)->rest
				       : &l->sources.items[name_of(&l->sources, source)].rest,
			      rest);
}

static void take_sources(struct mx_top_lanes *l, const json_t *a)
{
	const json_t *list = json_object_get(a, "sources"), *o, *state;
	size_t i, j;

	keep(&l->source_list, list);
	free_rests(l);
	for (i = 0; i < l->count; i++) {
		l->items[i].rest = NULL;
		l->items[i].networks_rest = false;
	}
	for (i = 0; i < l->sources.count; i++)
		l->sources.items[i].rest = NULL;
	l->rests = calloc(count_states(list) + 1, sizeof(l->rests[0]));
	if (!l->rests)
		abort();
	json_array_foreach(list, i, o) {
		const char *name = text(o, "name");

		l->sources.items[name_of(&l->sources, name)].unusable = json_is_false(json_object_get(o, "usable"));
		json_array_foreach(json_object_get(o, "states"), j, state)
			take_state(l, name, state);
	}
	l->summary.sources = json_array_size(list);
}

/* --- which lanes there are -------------------------------------------------------------------------------------- */

static const json_t *pool_named(const struct mx_top_lanes *l, const char *name)
{
	const json_t *pool;
	size_t i;

	json_array_foreach(l->pools, i, pool)
		if (!strcmp(text(pool, "name"), name))
			return pool;
	return NULL;
}

/* The lanes of a provider in a pool, and in those that it overflows into: no more of them than there are pools. */
static void list_pool(struct mx_top_lanes *l, const char *provider, const char *name)
{
	size_t left = json_array_size(l->pools), i;
	const json_t *pool, *member;

	for (pool = pool_named(l, name); pool && left; pool = pool_named(l, text(pool, "overflow")), left--)
		json_array_foreach(json_object_get(pool, "members"), i, member)
			lane_of(l, text(member, "source"), provider)->policy = l->policy;
}

static void list_lanes(struct mx_top_lanes *l)
{
	const json_t *provider, *route;
	size_t i, j;

	l->policy++;
	json_array_foreach(l->provider_list, i, provider)
		json_array_foreach(json_object_get(provider, "routes"), j, route)
			list_pool(l, text(provider, "name"), text(route, "pool"));
	l->of_policy = l->summary.generation;
	l->summary.providers = json_array_size(l->provider_list);
}

bool mx_top_lanes_are_old(const struct mx_top_lanes *l)
{
	return !l->policy || l->of_policy != l->summary.generation;
}

/* Of a lane that stats do not have: the highest of its pools, as there. */
static void take_weights(struct mx_top_lanes *l, size_t source, const json_t *weights, long *by_provider)
{
	long usual = 0;
	const json_t *o;
	size_t i;

	json_array_foreach(weights, i, o)
		if (!json_is_string(json_object_get(o, "provider")) && number(o, "weight") > usual)
			usual = (long)number(o, "weight");
	for (i = 0; i < l->providers.count; i++)
		by_provider[source * l->providers.count + i] = usual;
	json_array_foreach(weights, i, o)
		if (json_is_string(json_object_get(o, "provider")))
			by_provider[source * l->providers.count + name_of(&l->providers, text(o, "provider"))] =
				(long)number(o, "weight");
}

/* --- together --------------------------------------------------------------------------------------------------- */

static void settle_limit(const struct mx_top_lanes *l, struct lane *lane)
{
	lane->row.limit = lane->limit;
	take_fuller(&lane->row.limit, &lane->ramp);
	take_fuller(&lane->row.limit, &l->sources.items[lane->source].limit);
	take_fuller(&lane->row.limit, &l->sources.items[lane->source].ramp);
	take_fuller(&lane->row.limit, &l->providers.items[lane->provider].limit);
	if (!lane->row.limit.whose)
		lane->row.limit.whose = "";
}

static void settle_state(const struct mx_top_lanes *l, struct lane *lane)
{
	const struct name *source = &l->sources.items[lane->source];
	struct mx_top_row *row = &lane->row;

	row->rest = lane->rest;
	if (source->rest)
		take_stricter(&row->rest, source->rest);
	row->warmup = lane->warmup ? lane->warmup : source->warmup;
	row->day = lane->warmup ? lane->day : source->day;
	row->days = lane->warmup ? lane->days : source->days;
	row->full = lane->full;
	row->networks_rest = lane->networks_rest;
	row->state = source->unusable ? MX_TOP_UNUSABLE
		     : row->rest      ? row->rest->state
		     : lane->full     ? MX_TOP_FULL
		     : !row->weight   ? MX_TOP_OFF
		     : row->warmup    ? MX_TOP_WARMING
				      : MX_TOP_ACTIVE;
	row->lanes = 1;
	row->kept_back = KEPT_BACK(row);
}

/* Every weight that a lane has in some pool, by source and provider. */
static long *all_weights(struct mx_top_lanes *l)
{
	const json_t *o;
	long *weights;
	size_t i;

	/* names first: the table's size depends on them */
	json_array_foreach(l->provider_list, i, o)
		name_of(&l->providers, text(o, "name"));
	weights = calloc(l->sources.count * l->providers.count + 1, sizeof(*weights));
	if (!weights)
		abort();
	json_array_foreach(l->source_list, i, o)
		take_weights(l, name_of(&l->sources, text(o, "name")), json_object_get(o, "weights"), weights);
	return weights;
}

void mx_top_lanes_settle(struct mx_top_lanes *l)
{
	size_t first = first_sample(l), i;
	long *weights = all_weights(l);

	l->shown = realloc(l->shown, (l->count + 1) * sizeof(l->shown[0]));
	if (!l->shown)
		abort();
	l->showing = 0;
	l->summary.rate = 0;
	for (i = 0; i < l->count; i++) {
		struct lane *lane = &l->items[i];

		lane->row.source = l->sources.items[lane->source].text;
		lane->row.provider = l->providers.items[lane->provider].text;
		lane->row.weight =
			lane->weight >= 0 ? lane->weight : weights[lane->source * l->providers.count + lane->provider];
		lane->row.rate = rate_of(l, lane, first);
		settle_limit(l, lane);
		settle_state(l, lane);
		l->summary.rate += lane->row.rate;
		if (lane->policy == l->policy || (l->answer && lane->answer == l->answer))
			l->shown[l->showing++] = i;
	}
	free(weights);
}

void mx_top_lanes_take(struct mx_top_lanes *l, const char *command, const json_t *answer, long long now)
{
	if (!strcmp(command, "status"))
		take_status(l, answer);
	else if (!strcmp(command, "stats"))
		take_stats(l, answer, now);
	else if (!strcmp(command, "sources"))
		take_sources(l, answer);
	else if (!strcmp(command, "quota"))
		take_quota(l, answer);
	else if (!strcmp(command, "warmup"))
		take_warmup(l, answer);
	else if (!strcmp(command, "pools"))
		keep(&l->pools, json_object_get(answer, "pools"));
	else if (!strcmp(command, "providers"))
		keep(&l->provider_list, json_object_get(answer, "providers"));
	if (l->pools && l->provider_list && (!strcmp(command, "pools") || !strcmp(command, "providers")))
		list_lanes(l);
}

size_t mx_top_lanes_count(const struct mx_top_lanes *l)
{
	return l->showing;
}

const struct mx_top_row *mx_top_lanes_row(const struct mx_top_lanes *l, size_t i)
{
	return &l->items[l->shown[i]].row;
}

const struct mx_top_summary *mx_top_lanes_summary(const struct mx_top_lanes *l)
{
	return &l->summary;
}
