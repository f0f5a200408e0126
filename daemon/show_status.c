// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/show.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/flows.h"
#include "daemon/json.h"
#include "daemon/metrics.h"
#include "daemon/text.h"

/* null: not known */
static json_t *known(const struct mx_kernel_queue *q, u64 packets)
{
	return q->is_known ? json_integer((json_int_t)packets) : json_null();
}

static json_t *status_queues(const struct mx_daemon *d)
{
	json_t *list = json_array();
	u32 i;

	for (i = 0; i < mx_queues_count(d->queues); i++) {
		struct mx_queue_stats s = mx_queues_stats(d->queues, i);
		struct mx_kernel_queue q = mx_kernel_queues_read(d->kernel_queues, s.number);

		json_array_append_new(list, json_pack("{s:i,s:o,s:o,s:o,s:I,s:I}", "number", (int)s.number, "waiting",
						      known(&q, q.waiting), "dropped", known(&q, q.dropped),
						      "user_dropped", known(&q, q.user_dropped), "answered",
						      (json_int_t)s.answered, "repeated", (json_int_t)s.repeated));
	}
	return list;
}

struct failing {
	json_t *list;
	const char *provider;
};

static void warn_of_domain(const struct mx_domain_report *r, void *arg)
{
	const struct failing *failing = arg;
	char since[MX_TIME_TEXT];

	if (r->failing && time(NULL) - r->failing > MX_DOMAINS_WARN_AFTER)
		json_array_append_new(failing->list,
				      json_sprintf("provider %s: domain %s: %s since %s: its addresses are not learned",
						   failing->provider, r->name, mx_domain_state_name(r->state),
						   mx_time_text(r->failing, since)));
}

static void warn_of_domains(const struct mx_daemon *d, json_t *list)
{
	u32 i;

	for (i = 0; i < d->policy.config->provider_count; i++) {
		struct failing failing = { list, d->policy.config->providers[i].name };

		mx_domains_each(mx_resolver_domains(d->resolver), (u16)i, warn_of_domain, &failing);
	}
}

static void warn_of_module(const struct mx_daemon *d, json_t *list)
{
	struct mx_module_stats m = mx_module_stats(d->module);

	if (*m.error)
		json_array_append_new(list, json_sprintf("the kernel module cannot be used: %s", m.error));
	else if (d->policy.config->engine == MX_ENGINE_KMOD && !m.loaded)
		json_array_append_new(list, json_string("engine is kmod, but the module mxload is not loaded: the "
							"queue decides"));
}

static json_t *warnings(struct mx_daemon *d)
{
	struct mx_bookkeeper_stats books = mx_bookkeeper_stats(d->bookkeeper);
	const struct mx_config *c = d->policy.config;
	json_t *list = json_array(), *problems, *problem;
	size_t j;
	u32 i;

	if (d->table_error)
		json_array_append_new(list, json_string(d->table_error));
	if (mx_store_error(d->store))
		json_array_append_new(list, json_sprintf("ledger: %s", mx_store_error(d->store)));
	if (*books.error)
		json_array_append_new(
			list, json_sprintf("ledger: %s: connections are refused where it has to be written first",
					   books.error));
	if (mx_ledger_lost(d->policy.ledger))
		json_array_append_new(
			list, json_sprintf("ledger: %llu connections count as made: it is not known whether they were, "
					   "because the daemon did not end in order",
					   (unsigned long long)mx_ledger_lost(d->policy.ledger)));
	if (d->flows && mx_flows_overruns(d->flows))
		json_array_append_new(list,
				      json_sprintf("conntrack dropped events %u times: established, failed and bytes "
						   "are too low, pending is too high",
						   mx_flows_overruns(d->flows)));
	if (d->flows && mx_flows_zeroed(d->flows))
		json_array_append_new(list,
				      json_sprintf("somebody resets the counters of conntrack: bytes are too low (seen "
						   "on %u connections)",
						   mx_flows_zeroed(d->flows)));
	if (mx_ledger_is_guessing(d->policy.ledger, mx_clock_now(&d->policy.clock)))
		json_array_append_new(list, json_string("limits in messages are estimates: nothing has told how many "
							"there were (mxload settle, mxrep) within an hour"));
	if (atomic_load(&d->watched->tripped))
		json_array_append_new(list, json_string("the queue is away: a thread does not answer"));
	warn_of_module(d, list);
	if (mx_metrics_error(d->metrics))
		json_array_append_new(list, json_string(mx_metrics_error(d->metrics)));
	for (i = 0; i < c->source_count; i++) {
		problems = mx_show_problems(&d->policy, i);
		json_array_foreach(problems, j, problem)
			json_array_append_new(
				list, json_sprintf("source %s: %s", c->sources[i].name, json_string_value(problem)));
		json_decref(problems);
	}
	warn_of_domains(d, list);
	for (i = 0; i < c->warnings.count; i++)
		json_array_append_new(list, json_string(c->warnings.items[i]));
	return list;
}

static json_t *dns(struct mx_daemon *d)
{
	struct mx_reverse_stats names = mx_resolver_reverse_stats(d->resolver);
	struct mx_dns_tap_stats s = { 0 };

	if (d->tap)
		s = mx_dns_tap_stats(d->tap);
	return json_pack("{s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "heard", d->tap != NULL, "questions",
			 (json_int_t)s.questions, "answers", (json_int_t)s.answers, "unasked", (json_int_t)s.unasked,
			 "broken", (json_int_t)s.broken, "lost", (json_int_t)s.lost, "reversed",
			 (json_int_t)names.asked, "confirmed", (json_int_t)names.confirmed);
}

static json_t *status_module(const struct mx_module_stats *m)
{
	const __u64 *left = m->module.left;

	return json_pack("{s:b,s:b,s:i,s:i,s:I,s:I,s:{s:I,s:I,s:I,s:I,s:I},s:s?}", "loaded", m->loaded, "decides",
			 m->decides, "taken", (int)m->taken, "valid", (int)m->module.valid, "decided",
			 (json_int_t)m->module.decided, "lost", (json_int_t)m->module.lost, "left", "expired",
			 (json_int_t)left[MXLOAD_LEFT_EXPIRED], "unknown", (json_int_t)left[MXLOAD_LEFT_UNKNOWN],
			 "provider", (json_int_t)left[MXLOAD_LEFT_PROVIDER], "lease",
			 (json_int_t)left[MXLOAD_LEFT_LEASE], "none", (json_int_t)left[MXLOAD_LEFT_NONE], "error",
			 *m->error ? m->error : NULL);
}

json_t *mx_show_status(struct mx_daemon *d)
{
	const struct mx_config *c = d->policy.config;
	struct mx_table_counters n = mx_table_counters(d->table);
	struct mx_bookkeeper_stats books = mx_bookkeeper_stats(d->bookkeeper);
	const char *error = *books.error ? books.error : mx_store_error(d->store);
	struct mx_module_stats module = mx_module_stats(d->module);
	json_t *a = json_pack("{s:b}", "ok", 1);

	json_object_set_new(a, "version", json_string(MX_VERSION));
	json_object_set_new(a, "mode", json_string(c->mode == MX_OBSERVE ? "observe" : "enforce"));
	json_object_set_new(a, "engine", json_string(module.decides ? "kmod" : "queue"));
	json_object_set_new(a, "module", status_module(&module));
	json_object_set_new(a, "queue_expression",
			    json_string(d->queue_rule.expression == MX_QUEUE_NFT ? "nft" : "xtables"));
	json_object_set_new(a, "queues", status_queues(d));
	json_object_set_new(a, "generation", mx_json_number(d->policy.snapshot->generation));
	json_object_set_new(a, "since", mx_json_time(d->started));
	json_object_set_new(a, "uptime", mx_json_number((u64)(time(NULL) - d->started)));
	json_object_set_new(a, "configuration", json_string(c->path));
	json_object_set_new(a, "ledger",
			    json_pack("{s:s,s:b,s:s?,s:I,s:I,s:I,s:I,s:o}", "path", c->ledger, "ok", !error, "error",
				      error, "commits", (json_int_t)books.commits, "rows", (json_int_t)books.rows,
				      "lost", (json_int_t)mx_ledger_lost(d->policy.ledger), "errors",
				      (json_int_t)books.errors, "written", mx_json_time(books.written)));
	json_object_set_new(a, "table",
			    json_pack("{s:i,s:I,s:I,s:I,s:I,s:I,s:I}", "restored", (int)mx_table_restored(d->table),
				      "refused", (json_int_t)n.refused, "undecided", (json_int_t)n.undecided,
				      "untracked", (json_int_t)n.untracked, "guarded", (json_int_t)n.guarded,
				      "shielded", (json_int_t)n.shielded, "cut", (json_int_t)n.cut));
	json_object_set_new(a, "dns", dns(d));
	json_object_set_new(a, "watchdog", json_pack("{s:i}", "trips", (int)atomic_load(&d->watched->trips)));
	json_object_set_new(a, "warnings", warnings(d));
	return a;
}
