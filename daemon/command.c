// SPDX-License-Identifier: GPL-2.0-or-later
/* The frame: rights, arguments, errors, and the commands that change something. Those that show are in show.c. */
#include "daemon/command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/classify.h"
#include "daemon/json.h"
#include "daemon/names.h"
#include "daemon/show.h"
#include "daemon/states.h"
#include "daemon/text.h"

json_t *mx_command_error(const char *code, const char *error)
{
	return json_pack("{s:b,s:s,s:s}", "ok", 0, "error", error, "code", code);
}

static json_t *fail(struct mx_request *r, const char *code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static json_t *fail(struct mx_request *r, const char *code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->error, sizeof(r->error), format, args);
	va_end(args);
	r->code = code;
	return NULL;
}

static json_t *done(void)
{
	return json_pack("{s:b}", "ok", 1);
}

/* --- arguments -------------------------------------------------------------------------------------------------- */

/* The source and, when given, the provider and pool of a request. False after an error. */
static bool take_lane(struct mx_request *r, const char **source, const char **provider)
{
	const struct mx_config *c = r->daemon->policy.config;
	const char *s = json_string_value(json_object_get(r->args, "source"));
	json_t *p = json_object_get(r->args, "provider");
	const char *name = json_string_value(p);

	if (!s)
		return fail(r, "argument", "expected \"source\": the name of a source");
	if (mx_config_source(c, s) == MX_NONE)
		return fail(r, "not-found", "there is no source \"%.64s\"", s);
	if (p && !json_is_null(p) && !name)
		return fail(r, "argument", "expected \"provider\" to be a name");
	if (name && mx_config_provider(c, name) == MX_NONE)
		return fail(r, "not-found", "there is no provider \"%.64s\"", name);
	*source = mx_name(s);
	*provider = mx_name(name ? name : "");
	return true;
}

static bool take_pool(struct mx_request *r, const char **pool)
{
	json_t *p = json_object_get(r->args, "pool");
	const char *name = json_string_value(p);

	if (p && !json_is_null(p) && !name)
		return fail(r, "argument", "expected \"pool\" to be a name");
	if (name && mx_config_pool(r->daemon->policy.config, name) == MX_NONE)
		return fail(r, "not-found", "there is no pool \"%.64s\"", name);
	*pool = mx_name(name ? name : "");
	return true;
}

/* The network of an address, for what is kept of each network of the default provider by itself. False after an error.
 */
static bool take_network(struct mx_request *r, const char *provider, u64 *network)
{
	json_t *to = json_object_get(r->args, "to");
	enum mx_family family;
	struct mx_addr addr;

	*network = 0;
	if (!to || json_is_null(to))
		return true;
	if (!json_string_value(to) || !mx_addr_parse(json_string_value(to), &family, &addr))
		return fail(r, "argument", "expected \"to\" to be an address");
	if (strcmp(provider, "default"))
		return fail(r, "argument",
			    "expected the provider \"default\" with \"to\": others are known as a whole");
	*network = mx_network_of(addr, family);
	return true;
}

/* A whole number; `missing` when it is not given. False after an error. */
static bool take_number(struct mx_request *r, const char *key, s64 most, s64 missing, s64 *n)
{
	json_t *value = json_object_get(r->args, key);

	*n = missing;
	if (!value || json_is_null(value))
		return true;
	*n = json_integer_value(value);
	if (!json_is_integer(value) || *n < 0 || *n > most)
		return fail(r, "argument", "expected \"%s\": a number from 0 to %lld", key, (long long)most);
	return true;
}

/* --- weight ----------------------------------------------------------------------------------------------------- */

static json_t *changed_weights(const struct mx_policy *p, const char *source, const char *provider, const char *pool)
{
	json_t *list = json_array();
	u32 i, j, k;

	for (i = 0; i < p->config->pool_count; i++)
		for (j = 0; j < p->config->pools[i].members.count; j++) {
			if (p->source_names[p->config->pools[i].members.items[j].source] != source ||
			    (*pool && p->pool_names[i] != pool))
				continue;
			for (k = 0; k < p->config->provider_count; k++)
				if (!*provider || p->provider_names[k] == provider)
					json_array_append_new(
						list, json_pack("{s:s,s:s,s:s,s:i}", "pool", p->pool_names[i],
								"provider", p->provider_names[k], "source", source,
								"weight", (int)mx_policy_weight(p, i, k, j)));
		}
	return list;
}

static void note(struct mx_daemon *d, enum mx_event_type type, const char *source, const char *provider,
		 const char *pool, u32 weight)
{
	struct mx_event e = { .type = type, .time = time(NULL), .source = source, .provider = provider, .pool = pool };

	e.weight = weight;
	mx_journal_add(d->journal, &e);
}

static json_t *run_weight(struct mx_request *r)
{
	struct mx_policy *p = &r->daemon->policy;
	json_t *weight = json_object_get(r->args, "weight"), *changed;
	bool reset = json_is_true(json_object_get(r->args, "reset"));
	const char *source, *provider, *pool = "";
	int value = -1;

	if (!take_lane(r, &source, &provider) || !take_pool(r, &pool))
		return NULL;
	if (!reset) {
		if (!json_is_integer(weight) || json_integer_value(weight) < 0 || json_integer_value(weight) > 1000)
			return fail(r, "argument", "expected \"weight\": a number from 0 to 1000, or \"reset\": true");
		value = (int)json_integer_value(weight);
	}
	changed = changed_weights(p, source, provider, pool);
	if (!json_array_size(changed)) {
		json_decref(changed);
		return fail(r, "not-found", "source \"%s\" is in no such pool", source);
	}
	json_decref(changed);
	mx_policy_set_weight(p, source, provider, pool, value);
	mx_daemon_apply(r->daemon);
	changed = changed_weights(p, source, provider, pool);
	note(r->daemon, MX_EVENT_WEIGHT, source, *provider ? provider : NULL, *pool ? pool : NULL,
	     (u32)json_integer_value(json_object_get(json_array_get(changed, 0), "weight")));
	mx_log(MX_LOG_INFO, "weight of %s%s%s%s%s: %s", source, *provider ? " at " : "", provider, *pool ? " in " : "",
	       pool,
	       reset                     ? "reset"
	       : json_is_integer(weight) ? "set"
					 : "");
	return json_pack("{s:b,s:o}", "ok", 1, "changed", changed);
}

/* --- states ----------------------------------------------------------------------------------------------------- */

static void note_state(struct mx_daemon *d, const struct mx_set_state *s)
{
	struct mx_event e = { .type = MX_EVENT_STATE,
			      .time = time(NULL),
			      .source = s->source,
			      .provider = *s->provider ? s->provider : NULL };

	e.state.state = mx_name(s->state ? s->state : "active");
	e.state.owner = mx_name(s->owner);
	snprintf(e.state.reason, sizeof(e.state.reason), "%s", s->reason ? s->reason : "");
	mx_journal_add(d->journal, &e);
}

static bool set_state(struct mx_request *r, const char *state, struct mx_set_state *set)
{
	json_t *period = json_object_get(r->args, "for"), *reason = json_object_get(r->args, "reason");
	char text[200];

	*set = (struct mx_set_state){ .owner = r->owner, .state = state, .since = time(NULL) };
	if (!take_lane(r, &set->source, &set->provider) || !take_network(r, set->provider, &set->network))
		return false;
	if (period && !json_is_null(period)) {
		if (!json_is_integer(period) || json_integer_value(period) < 1 ||
		    json_integer_value(period) > 10 * 365 * 86400LL)
			return fail(r, "argument", "expected \"for\": a number of seconds up to ten years");
		set->until = set->since + json_integer_value(period);
	}
	if (reason && !json_is_null(reason) && !json_is_string(reason))
		return fail(r, "argument", "expected \"reason\" to be text");
	snprintf(text, sizeof(text), "%s", json_is_string(reason) ? json_string_value(reason) : "");
	set->reason = text;
	mx_states_set(&r->daemon->policy, set);
	mx_daemon_apply(r->daemon);
	note_state(r->daemon, set);
	mx_log(MX_LOG_INFO, "%s%s%s: %s by %s%s%s", set->source, *set->provider ? " at " : "", set->provider, state,
	       set->owner, *text ? ": " : "", text);
	set->reason = NULL;
	return true;
}

static struct mx_reach reach_of(const struct mx_set_state *s)
{
	return (struct mx_reach){ s->source, s->provider, s->network };
}

static bool take_now(struct mx_request *r, bool *now)
{
	json_t *value = json_object_get(r->args, "now");

	*now = json_is_true(value);
	if (value && !json_is_null(value) && !json_is_boolean(value))
		return fail(r, "argument", "expected \"now\" to be true or false");
	return true;
}

static json_t *run_pause(struct mx_request *r)
{
	struct mx_daemon *d = r->daemon;
	struct mx_set_state set;
	struct mx_reach reach;
	char until[MX_TIME_TEXT];
	bool now;
	int count;

	if (!take_now(r, &now) || !set_state(r, "paused", &set))
		return NULL;
	reach = reach_of(&set);
	if (now && !mx_table_cuts(d->table))
		return fail(r, "failed",
			    "paused, but the loaded table inet mxload is an older one, which resets "
			    "nothing: expected mxload-rules reload");
	count = now ? mx_open_cut(&d->policy, &reach, d->journal, d->flows != NULL) : mx_open_count(&d->policy, &reach);
	if (count < 0)
		return fail(r, "failed", "paused, but conntrack does not %s: %s",
			    now ? "let us reset what is open" : "say what is open", strerror(errno));
	return json_pack("{s:b,s:s,s:s?,s:s?,s:i}", "ok", 1, "source", set.source, "provider",
			 *set.provider ? set.provider : NULL, "until",
			 set.until ? mx_time_text(set.until, until) : NULL, now ? "reset" : "open", count);
}

static json_t *run_backoff(struct mx_request *r)
{
	const char *provider = json_string_value(json_object_get(r->args, "provider"));
	struct mx_set_state set;
	char until[MX_TIME_TEXT];

	if (!provider)
		return fail(r, "argument", "expected \"provider\": the name of a provider");
	if (!json_object_get(r->args, "for"))
		json_object_set_new(r->args, "for", json_integer(MX_BACKOFF_SECONDS));
	if (!set_state(r, "backing-off", &set))
		return NULL;
	return json_pack("{s:b,s:s,s:s,s:s}", "ok", 1, "source", set.source, "provider", set.provider, "until",
			 mx_time_text(set.until, until));
}

static json_t *run_factor(struct mx_request *r)
{
	json_t *value = json_object_get(r->args, "factor");
	double factor = json_number_value(value);
	const char *source, *provider;

	if (!take_lane(r, &source, &provider))
		return NULL;
	if (!*provider)
		return fail(r, "argument", "expected \"provider\": the name of a provider");
	if (!json_is_number(value) || !(factor >= 0 && factor <= 1))
		return fail(r, "argument", "expected \"factor\": a number from 0 to 1");
	mx_policy_set_factor(&r->daemon->policy, source, provider, (u32)(factor * 1000 + 0.5));
	mx_daemon_apply(r->daemon);
	mx_log(MX_LOG_INFO, "%s at %s: weight times %.3f, by %s", source, provider, factor, r->owner);
	return json_pack("{s:b,s:s,s:s,s:f}", "ok", 1, "source", source, "provider", provider, "factor", factor);
}

static json_t *run_drain(struct mx_request *r)
{
	struct mx_set_state set;
	int live;

	if (!set_state(r, "draining", &set))
		return NULL;
	r->drained = reach_of(&set);
	live = mx_open_count(&r->daemon->policy, &r->drained);
	if (live < 0)
		return fail(r, "failed", "paused, but conntrack does not say what is open: %s", strerror(errno));
	r->stream = MX_STREAM_DRAIN;
	return json_pack("{s:b,s:i}", "ok", 1, "live", live);
}

static json_t *run_resume(struct mx_request *r)
{
	struct mx_set_state set = { .owner = r->owner };

	if (!take_lane(r, &set.source, &set.provider) || !take_network(r, set.provider, &set.network))
		return NULL;
	if (!mx_states_set(&r->daemon->policy, &set))
		return fail(r, "not-found", "%s%s%s is not paused by %s", set.source, *set.provider ? " at " : "",
			    set.provider, set.owner);
	mx_daemon_apply(r->daemon);
	note_state(r->daemon, &set);
	mx_log(MX_LOG_INFO, "%s%s%s: resumed by %s", set.source, *set.provider ? " at " : "", set.provider, set.owner);
	return done();
}

/* --- what the ledger is told ------------------------------------------------------------------------------------ */

/* A time of day as the ledger has it: not later than now, and a second earlier, which is safe. */
static u64 ledger_time(u64 now, s64 at)
{
	s64 ago = at ? (s64)time(NULL) - at : 0;

	return ago >= 0 ? now - (u64)(ago + 1) * 1000 : now;
}

static bool take_time(struct mx_request *r, s64 *at)
{
	json_t *value = json_object_get(r->args, "at");

	*at = 0;
	if (!value || json_is_null(value))
		return true;
	if (!json_string_value(value) || !mx_time_parse(json_string_value(value), at))
		return fail(r, "argument", "expected \"at\": a time like \"2026-11-01T09:00:00Z\"");
	return true;
}

/* A report that may be said again: its book and its number there; none: "" and 0. */
static bool take_serial(struct mx_request *r, const char **book, s64 *serial)
{
	json_t *value = json_object_get(r->args, "book");

	*book = json_is_string(value) ? json_string_value(value) : "";
	if ((value && !json_is_null(value) && !**book) || strlen(*book) > MX_BOOK_MAX)
		return fail(r, "argument", "expected \"book\": a name of 1 to %d bytes", MX_BOOK_MAX);
	if (!take_number(r, "serial", INT64_MAX, 0, serial))
		return false;
	if (!**book != !*serial)
		return fail(r, "argument", "expected \"book\" and \"serial\" together, from 1 on");
	return true;
}

/* What was reported of a lane. */
struct report {
	struct mx_lane_id lane;
	s64 connections, messages, carried, at, outcome[3];
	const char *book;
	s64 serial;
};

static bool take_report(struct mx_request *r, struct report *report)
{
	static const char *const kinds[] = { "sent", "deferred", "bounced" };
	const struct mx_config *config = r->daemon->policy.config;
	const char *source, *provider;
	s64 sum = 0;
	u32 i;

	if (!take_lane(r, &source, &provider) || !take_network(r, provider, &report->lane.network) ||
	    !take_time(r, &report->at) || !take_serial(r, &report->book, &report->serial) ||
	    !take_number(r, "connections", 1000000, 0, &report->connections))
		return false;
	if (!*provider)
		return fail(r, "argument", "expected \"provider\": the name of a provider");
	for (i = 0; i < 3; i++) {
		if (!take_number(r, kinds[i], 100000000, 0, &report->outcome[i]))
			return false;
		sum += report->outcome[i];
	}
	if (!take_number(r, "messages", 100000000, sum, &report->messages) ||
	    !take_number(r, "carried", 100000000, report->messages, &report->carried))
		return false;
	if (sum > report->messages)
		return fail(r, "argument", "expected no more messages sent, deferred and bounced than \"messages\"");
	if (!report->connections && !report->messages)
		return fail(r, "argument", "expected \"connections\", and \"messages\" or what became of them");
	report->lane.source = mx_config_source(config, source);
	report->lane.provider = mx_config_provider(config, provider);
	return true;
}

/* Books a report, if it is not one that was booked before. With the lock held. */
static bool book_report(struct mx_policy *p, const struct report *report)
{
	struct mx_lane *lane = mx_state_lane(&p->state, report->lane.provider, report->lane.source);
	u64 now = mx_policy_tick(p);
	u32 i;

	if (report->serial && mx_reports_has(&p->reports, report->book, (u64)report->serial))
		return false;
	mx_policy_settle(p, report->lane, ledger_time(now, report->at), (u32)report->connections, (u32)report->messages,
			 (u32)report->carried);
	for (i = 0; i < 3; i++)
		lane->reported[i] += (u64)report->outcome[i];
	mx_states_succeed(p, report->lane, (u32)report->outcome[0]);
	if (report->serial)
		mx_reports_take(&p->reports, report->book, (u64)report->serial);
	return true;
}

static json_t *run_settle(struct mx_request *r)
{
	struct mx_policy *p = &r->daemon->policy;
	struct report report = { 0 };
	bool is_new;

	if (!take_report(r, &report))
		return NULL;
	mx_policy_lock(p);
	is_new = book_report(p, &report);
	mx_policy_unlock(p);
	return json_pack(
		"{s:b,s:b,s:b,s:I}", "ok", 1, "repeated", !is_new, "durable",
		mx_bookkeeper_flush(r->daemon->bookkeeper), "charge",
		(json_int_t)mx_state_messages(&p->state, p->snapshot, report.lane.provider, report.lane.source));
}

static json_t *run_warmup(struct mx_request *r)
{
	static const char *const steps[] = { "start", "hold", "resume", "back", "finish" };
	struct mx_policy *p = &r->daemon->policy;
	json_t *wanted = json_object_get(r->args, "step");
	const char *source = NULL, *provider = "", *text = json_string_value(wanted);
	u32 step = 0;
	bool done_it;

	if (json_object_get(r->args, "source") || json_object_get(r->args, "provider") || wanted)
		if (!take_lane(r, &source, &provider))
			return NULL;
	if (!wanted || json_is_null(wanted))
		return mx_show_warmup(r->daemon, source, *provider ? provider : NULL);
	if (r->right < MX_RIGHT_STEER)
		return fail(r, "denied", "you may not steer a warm-up here: expected root, the admin group or mxrep");
	while (text && step < 5 && strcmp(text, steps[step]))
		step++;
	if (!text || step == 5)
		return fail(r, "argument", "expected \"step\": start, hold, resume, back or finish");
	mx_policy_lock(p);
	done_it = mx_ledger_steer_warmup(p->ledger, mx_config_source(p->config, source),
					 *provider ? mx_config_provider(p->config, provider) : MX_NONE, step,
					 mx_policy_tick(p));
	pthread_cond_broadcast(p->room);
	mx_policy_unlock(p);
	if (!done_it)
		return fail(r, "not-found", "source \"%s\" has no warm-up%s of its own%s%s", source,
			    *provider ? "" : " at all", *provider ? " at " : "", provider);
	mx_log(MX_LOG_INFO, "warm-up of %s%s%s: %s by %s", source, *provider ? " at " : "", provider, text, r->owner);
	mx_bookkeeper_flush(r->daemon->bookkeeper);
	return mx_show_warmup(r->daemon, source, *provider ? provider : NULL);
}

/* --- learn, forget ---------------------------------------------------------------------------------------------- */

static bool take_address(struct mx_request *r, enum mx_family *family, struct mx_addr *addr)
{
	const char *text = json_string_value(json_object_get(r->args, "address"));

	if (!text || !mx_addr_parse(text, family, addr))
		return fail(r, "argument", "expected \"address\": an IPv4 or IPv6 address");
	return true;
}

/* What the operator says is written at once. */
static json_t *run_learn(struct mx_request *r)
{
	const char *name = json_string_value(json_object_get(r->args, "provider"));
	struct mx_lesson lesson = { .origin = MX_ORIGIN_OPERATOR, .host = "" };
	struct mx_policy *p = &r->daemon->policy;
	struct mx_destination_row row = { .origin = MX_ORIGIN_OPERATOR };

	if (!take_address(r, &lesson.family, &lesson.addr))
		return NULL;
	if (!name)
		return fail(r, "argument", "expected \"provider\": the name of a provider");
	lesson.provider = mx_config_provider(p->config, name);
	if (lesson.provider == MX_NONE || lesson.provider == p->snapshot->default_provider)
		return fail(r, "not-found", "there is no provider \"%.64s\" that could have addresses", name);
	if (mx_classify_prefix(p->snapshot, lesson.family, lesson.addr) != MX_NO_VALUE)
		return fail(r, "argument", "a configured prefix says whose this address is: it is stronger");
	row.family = lesson.family;
	row.addr = lesson.addr;
	row.provider = p->provider_names[lesson.provider];
	row.first = row.confirmed = (u32)time(NULL);
	mx_policy_lock(p);
	mx_destinations_learn(p->destinations, &lesson, row.first);
	mx_policy_unlock(p);
	mx_daemon_apply(r->daemon);
	return json_pack("{s:b,s:o,s:s,s:b}", "ok", 1, "address", mx_json_address(lesson.family, lesson.addr),
			 "provider", row.provider, "durable",
			 mx_store_put_destinations(r->daemon->store, &row, 1) == NULL);
}

static json_t *run_forget(struct mx_request *r)
{
	struct mx_policy *p = &r->daemon->policy;
	struct mx_destination_row row = { .origin = MX_ORIGIN_NONE };
	bool known;

	if (!take_address(r, &row.family, &row.addr))
		return NULL;
	mx_policy_lock(p);
	known = mx_destinations_forget(p->destinations, row.family, row.addr);
	mx_policy_unlock(p);
	if (!known)
		return fail(r, "not-found", "nothing was learned of this address");
	mx_daemon_apply(r->daemon);
	return json_pack("{s:b,s:o,s:b}", "ok", 1, "address", mx_json_address(row.family, row.addr), "durable",
			 mx_store_put_destinations(r->daemon->store, &row, 1) == NULL);
}

/* --- reload, watch ---------------------------------------------------------------------------------------------- */

static json_t *run_reload(struct mx_request *r)
{
	if (!mx_daemon_reload(r->daemon, r->error)) {
		r->code = "configuration";
		return NULL;
	}
	return json_pack("{s:b,s:I}", "ok", 1, "generation", (json_int_t)r->daemon->policy.snapshot->generation);
}

static json_t *run_watch(struct mx_request *r)
{
	r->stream = MX_STREAM_WATCH;
	return done();
}

static json_t *run_flows(struct mx_request *r)
{
	const char *to = json_string_value(json_object_get(r->args, "to"));

	if (json_object_get(r->args, "to") && (!to || !mx_addr_parse(to, &r->to_family, &r->to)))
		return fail(r, "argument", "expected \"to\" to be an address");
	r->to_given = to != NULL;
	if (json_is_true(json_object_get(r->args, "follow")))
		r->stream = MX_STREAM_FLOWS;
	return mx_show_flows(r);
}

static json_t *run_providers(struct mx_request *r)
{
	const char *name = json_string_value(json_object_get(r->args, "name"));

	if (json_object_get(r->args, "name") && !name)
		return fail(r, "argument", "expected \"name\" to be the name of a provider");
	if (name && mx_config_provider(r->daemon->policy.config, name) == MX_NONE)
		return fail(r, "not-found", "there is no provider \"%.64s\"", name);
	return mx_show_providers(r->daemon, name);
}

static json_t *run_explain(struct mx_request *r)
{
	const struct mx_config *c = r->daemon->policy.config;
	const char *address = json_string_value(json_object_get(r->args, "address"));
	const char *class = json_string_value(json_object_get(r->args, "class"));
	json_t *port = json_object_get(r->args, "port");
	struct mx_flow flow = { .from_port = 0, .to_port = 25, .user = MX_NO_ID, .group = MX_NO_ID };
	u16 class_index = MX_NONE;

	if (!address || !mx_addr_parse(address, &flow.family, &flow.to))
		return fail(r, "argument", "expected \"address\": an IPv4 or IPv6 address");
	if (class) {
		class_index = mx_config_class(c, class);
		if (class_index == MX_NONE)
			return fail(r, "not-found", "there is no class \"%.64s\"", class);
	}
	if (port && (!json_is_integer(port) || json_integer_value(port) < 1 || json_integer_value(port) > 65535))
		return fail(r, "argument", "expected \"port\": a number from 1 to 65535");
	if (port)
		flow.to_port = (u16)json_integer_value(port);
	return mx_show_explain(r->daemon, &flow, class_index);
}

static json_t *run_quota(struct mx_request *r)
{
	const char *source = NULL, *provider = NULL;

	if (json_object_get(r->args, "source") || json_object_get(r->args, "provider"))
		if (!take_lane(r, &source, &provider))
			return NULL;
	return mx_show_quota(r->daemon, source, provider && *provider ? provider : NULL);
}

static json_t *run_status(struct mx_request *r)
{
	return mx_show_status(r->daemon);
}

static json_t *run_stats(struct mx_request *r)
{
	return mx_show_stats(r->daemon);
}

static json_t *run_sources(struct mx_request *r)
{
	return mx_show_sources(r->daemon);
}

static json_t *run_pools(struct mx_request *r)
{
	return mx_show_pools(r->daemon);
}

/* --- the table -------------------------------------------------------------------------------------------------- */

static json_t *run_help(struct mx_request *r);

static const struct {
	const char *name;
	enum mx_right right;
	json_t *(*run)(struct mx_request *r);
} commands[] = {
	{ "status", MX_RIGHT_READ, run_status },    { "stats", MX_RIGHT_READ, run_stats },
	{ "sources", MX_RIGHT_READ, run_sources },  { "providers", MX_RIGHT_READ, run_providers },
	{ "pools", MX_RIGHT_READ, run_pools },      { "quota", MX_RIGHT_READ, run_quota },
	{ "warmup", MX_RIGHT_READ, run_warmup },    { "weight", MX_RIGHT_CHANGE, run_weight },
	{ "pause", MX_RIGHT_STEER, run_pause },     { "resume", MX_RIGHT_STEER, run_resume },
	{ "backoff", MX_RIGHT_STEER, run_backoff }, { "factor", MX_RIGHT_STEER, run_factor },
	{ "settle", MX_RIGHT_STEER, run_settle },   { "drain", MX_RIGHT_CHANGE, run_drain },
	{ "explain", MX_RIGHT_READ, run_explain },  { "learn", MX_RIGHT_CHANGE, run_learn },
	{ "forget", MX_RIGHT_CHANGE, run_forget },  { "flows", MX_RIGHT_READ, run_flows },
	{ "watch", MX_RIGHT_READ, run_watch },      { "reload", MX_RIGHT_CHANGE, run_reload },
	{ "help", MX_RIGHT_READ, run_help },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static json_t *run_help(struct mx_request *r)
{
	json_t *names = json_array();
	size_t i;

	(void)r;
	for (i = 0; i < COMMANDS; i++)
		json_array_append_new(names, json_string(commands[i].name));
	return json_pack("{s:b,s:o}", "ok", 1, "commands", names);
}

/*
 * What the kernel module has counted is booked before anybody is told of it, and what was changed is in force there
 * before that is answered. A report of mxrep's is neither, and there are many.
 */
static json_t *run_in_step(struct mx_request *r, json_t *(*command)(struct mx_request *r), enum mx_right right)
{
	struct mx_module *module = r->daemon->module;
	json_t *answer;

	if (right == MX_RIGHT_READ)
		mx_module_sync(module);
	answer = command(r);
	if (right != MX_RIGHT_READ && command != run_settle)
		mx_module_sync(module);
	return answer;
}

json_t *mx_command_run(struct mx_request *r)
{
	const char *name = json_string_value(json_object_get(r->args, "command"));
	json_t *answer = NULL;
	size_t i = 0;

	if (!name)
		return mx_command_error("syntax", "expected an object with \"command\": the name of a command");
	while (i < COMMANDS && strcmp(commands[i].name, name))
		i++;
	if (i == COMMANDS)
		fail(r, "unknown-command", "unknown command \"%.64s\": help lists them", name);
	else if (r->right < commands[i].right)
		fail(r, "denied", "you may not %s here: expected root or a member of the admin group", name);
	else
		answer = run_in_step(r, commands[i].run, commands[i].right);
	if (!answer)
		r->stream = MX_STREAM_NONE;
	return answer ? answer : mx_command_error(r->code ? r->code : "failed", r->error);
}
