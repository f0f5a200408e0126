// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/daemon.h"

#include <errno.h>
#include <libgen.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/control.h"
#include "daemon/flows.h"
#include "daemon/lend.h"
#include "daemon/loader.h"
#include "daemon/metrics.h"
#include "daemon/privileges.h"
#include "daemon/states.h"
#include "daemon/supervisor.h"

#define TICK_USEC 250000
#define LEARN_SECONDS 60
#define FADE_SECONDS 60
#define LEND_SECONDS 60
#define LEND_FIRST_SECONDS 5 /* to a lane that came into use */
#define LEND_PART 20         /* while many do, so small a part of the time goes into it */

/* --- the table follows ------------------------------------------------------------------------------------------ */

static struct mx_queue_rule rule_now(const struct mx_daemon *d)
{
	struct mx_queue_rule rule = d->queue_rule;

	if (!d->queues || atomic_load(&d->watched->tripped))
		rule.expression = MX_QUEUE_NONE;
	return rule;
}

static u32 limited_accounts(struct mx_daemon *d)
{
	u32 limited;

	mx_policy_lock(&d->policy);
	limited = mx_ledger_limited(d->policy.ledger);
	mx_policy_unlock(&d->policy);
	return limited;
}

/* Who leaves hears of no rule that comes later. */
static bool is_steered(const struct mx_daemon *d, const struct mx_config *config)
{
	return d->leaving || config->mark_packets == MX_MARK_ALWAYS ||
	       mx_ip_rules_look_at(d->ip_rules, config->mark_mask);
}

static void apply(struct mx_daemon *d, const struct mx_policy *policy, const struct mx_policy *leaving)
{
	u32 version = mx_destinations_version(d->policy.destinations); /* of before: nothing is missed */
	struct mx_prefixes learned[MX_FAMILIES] = { mx_policy_learned(&d->policy, policy, MX_IPV4),
						    mx_policy_learned(&d->policy, policy, MX_IPV6) };
	u32 limited = limited_accounts(d);
	u64 began = mx_clock_steady_ms();
	struct mx_rules *rules = mx_rules_new(policy, leaving, learned, is_steered(d, policy->config));
	struct mx_queue_rule rule = rule_now(d);
	struct mx_lend *lend = mx_lend_plan(&d->policy, policy, rules, d->bookkeeper, d->leaving);
	char *wrong = mx_table_apply(d->table, rules, &rule);

	mx_lend_settle(lend, d->table, !wrong);
	d->lent_rows = mx_bookkeeper_stats(d->bookkeeper).rows;
	d->lent_limited = limited;
	d->lent_at = time(NULL);
	d->lent_took = mx_clock_steady_ms() - began;

	if (wrong && (!d->table_error || strcmp(wrong, d->table_error)))
		mx_log(MX_LOG_ERROR, "%s", wrong);
	free(d->table_error);
	d->table_error = wrong;
	d->learned_version = version;
	d->learned_at = time(NULL);
	free(learned[MX_IPV4].items);
	free(learned[MX_IPV6].items);
	mx_rules_free(rules);
	if (d->module && !d->leaving)
		mx_module_sync(d->module);
	malloc_trim(0); /* the model of a large policy takes megabytes, for a moment */
}

void mx_daemon_apply(struct mx_daemon *d)
{
	apply(d, &d->policy, NULL);
	d->sources_left = false;
}

static void on_table(evutil_socket_t fd, short what, void *arg)
{
	struct mx_daemon *d = arg;

	(void)fd, (void)what;
	if (mx_table_changed(d->table))
		mx_daemon_apply(d);
}

/* Somebody waits for what is lent to the fallback: with the table's next state it comes back. */
static void on_recall(evutil_socket_t fd, short what, void *arg)
{
	eventfd_t count;

	(void)what;
	eventfd_read(fd, &count);
	mx_daemon_apply(arg);
}

static void on_address(evutil_socket_t fd, short what, void *arg)
{
	struct mx_daemon *d = arg;

	(void)fd, (void)what;
	if (!mx_addresses_changed(d->addresses))
		return;
	mx_addresses_manage(d->addresses, &d->policy);
	if (mx_addresses_update(d->addresses, &d->policy, false))
		mx_daemon_apply(d);
}

static void on_ip_rule(evutil_socket_t fd, short what, void *arg)
{
	struct mx_daemon *d = arg;
	bool before = is_steered(d, d->policy.config);

	(void)fd, (void)what;
	if (!mx_ip_rules_changed(d->ip_rules) || is_steered(d, d->policy.config) == before)
		return;
	mx_log(MX_LOG_INFO, before ? "no ip rule looks at the marks of sources any more: first packets alone are marked"
				   : "an ip rule looks at the marks of sources: each packet gets its mark");
	mx_daemon_apply(d);
}

/* --- reload ----------------------------------------------------------------------------------------------------- */

static void warn_restart(const char *name, bool differs)
{
	if (differs)
		mx_log(MX_LOG_WARNING, "reload: %s takes effect when the daemon is started again", name);
}

static void log_warnings(const struct mx_config *c)
{
	u32 i;

	for (i = 0; i < c->warnings.count; i++)
		mx_log(MX_LOG_WARNING, "%s", c->warnings.items[i]);
}

bool mx_daemon_reload(struct mx_daemon *d, char *error)
{
	const struct mx_config *old = d->policy.config;
	struct mx_config *config = mx_config_read(old->path, error);
	struct mx_event event = { .type = MX_EVENT_RELOAD, .time = time(NULL) };
	struct mx_policy *next;

	if (config && config->mark_mask != old->mark_mask) {
		snprintf(error, MX_CONFIG_ERROR,
			 "%s:%u: mark-mask is fixed while the rules are loaded: expected 0x%08x",
			 config->mark_mask_place.file, config->mark_mask_place.line, old->mark_mask);
		mx_config_free(config);
		config = NULL;
	}
	if (!config) {
		mx_log(MX_LOG_ERROR, "reload: %s: the running policy stays", error);
		return false;
	}
	warn_restart("queues", config->queues != old->queues || config->queue_first != old->queue_first);
	warn_restart("ledger", strcmp(config->ledger, old->ledger));
	warn_restart("control", strcmp(config->control, old->control));
	warn_restart("flow-accounting", config->flow_accounting != old->flow_accounting);
	log_warnings(config);
	mx_log_set_level(config->log_level);
	next = mx_policy_prepare(&d->policy, config);
	if (!next) {
		snprintf(error, MX_CONFIG_ERROR, "the ledger cannot be read");
		mx_config_free(config);
		return false;
	}
	mx_addresses_manage(d->addresses, next);
	mx_addresses_changed(d->addresses);
	mx_addresses_update(d->addresses, next, true);
	/* First the table knows the new sources, then they are decided for; the tick takes the old ones out. */
	apply(d, next, &d->policy);
	if (d->table_error) {
		snprintf(error, MX_CONFIG_ERROR, "%s", d->table_error);
		mx_policy_discard(next);
		return false;
	}
	mx_policy_commit(&d->policy, next);
	mx_module_sync(d->module);
	mx_resolver_reload(d->resolver);
	mx_metrics_reload(d->metrics);
	d->sources_left = true;
	event.generation = d->policy.snapshot->generation;
	mx_journal_add(d->journal, &event);
	mx_log(MX_LOG_INFO, "reloaded %s: generation %llu", config->path,
	       (unsigned long long)d->policy.snapshot->generation);
	return true;
}

/* --- the watchdog's other half ---------------------------------------------------------------------------------- */

/* The queue comes back when every thread has moved since the last tick. */
static void take_queue_back(struct mx_daemon *d)
{
	u32 count = mx_queues_count(d->queues), i;
	bool moving = true;

	for (i = 0; i < count; i++) {
		unsigned int beat = atomic_load(&d->watched->beats[i]);

		moving &= beat != d->beats_seen[i];
		d->beats_seen[i] = beat;
	}
	if (!moving || !atomic_load(&d->watched->tripped))
		return;
	atomic_store(&d->watched->tripped, false);
	mx_log(MX_LOG_WARNING, "the queue threads answer again");
	mx_daemon_apply(d);
}

/* What is lent follows what is left, when something was spent. */
static bool lend_again(struct mx_daemon *d)
{
	time_t since = time(NULL) - d->lent_at, pause = LEND_FIRST_SECONDS + (time_t)(d->lent_took * LEND_PART / 1000);

	return (since >= pause && limited_accounts(d) != d->lent_limited) ||
	       (since >= LEND_SECONDS && mx_bookkeeper_stats(d->bookkeeper).rows != d->lent_rows);
}

/* The fallback follows what was learned by and by: it is a large change for the table. */
static bool learned_more(const struct mx_daemon *d)
{
	return time(NULL) >= d->learned_at + LEARN_SECONDS &&
	       mx_destinations_version(d->policy.destinations) != d->learned_version;
}

static void fade(struct mx_daemon *d)
{
	time_t now = time(NULL);

	if (now < d->faded_at + FADE_SECONDS)
		return;
	d->faded_at = now;
	mx_policy_lock(&d->policy);
	mx_destinations_fade(d->policy.destinations, (u32)now);
	mx_policy_unlock(&d->policy);
}

static void revive(struct mx_daemon *d)
{
	mx_parser_revive(d->parser);
	mx_resolver_revive(d->resolver);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct mx_daemon *d = arg;

	(void)fd, (void)what;
	take_queue_back(d);
	fade(d);
	if (mx_states_expire(&d->policy, time(NULL)) || (d->sources_left && mx_module_follows(d->module)) ||
	    mx_table_changed(d->table) || lend_again(d) || learned_more(d))
		mx_daemon_apply(d);
	revive(d);
	mx_resolver_tick(d->resolver);
	mx_control_tick(d->control);
	mx_supervisor_alive();
	mx_metrics_tick(d->metrics);
}

/* --- signals ---------------------------------------------------------------------------------------------------- */

static void on_leave(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	event_base_loopbreak(arg);
}

static void on_hangup(evutil_socket_t fd, short what, void *arg)
{
	char error[MX_CONFIG_ERROR];

	(void)fd, (void)what;
	mx_daemon_reload(arg, error);
}

static void on_child(evutil_socket_t fd, short what, void *arg)
{
	struct mx_daemon *d = arg;

	(void)fd, (void)what;
	if (waitpid(mx_loader_pid(d->loader), NULL, WNOHANG) > 0) {
		mx_log(MX_LOG_ERROR, "the loader of rules is gone: a new start brings it back");
		event_base_loopbreak(d->base);
	}
	if (waitpid(d->watchdog, NULL, WNOHANG) == d->watchdog) {
		mx_log(MX_LOG_WARNING, "the watchdog is gone: started again");
		d->watchdog = mx_watchdog_start(d->watched);
	}
	revive(d);
}

static struct event *watch(struct event_base *base, evutil_socket_t fd, short what, event_callback_fn call, void *arg)
{
	struct event *event = event_new(base, fd, what | EV_PERSIST, call, arg);

	if (!event || event_add(event, NULL))
		mx_fatal("cannot start the event loop");
	return event;
}

static void watch_everything(struct mx_daemon *d)
{
	struct timeval tick = { 0, TICK_USEC };

	d->signals[0] = watch(d->base, SIGTERM, EV_SIGNAL, on_leave, d->base);
	d->signals[1] = watch(d->base, SIGINT, EV_SIGNAL, on_leave, d->base);
	d->signals[2] = watch(d->base, SIGHUP, EV_SIGNAL, on_hangup, d);
	d->signals[3] = watch(d->base, SIGCHLD, EV_SIGNAL, on_child, d);
	d->table_event = watch(d->base, mx_table_fd(d->table), EV_READ, on_table, d);
	d->recall_event = watch(d->base, d->policy.recall, EV_READ, on_recall, d);
	d->address_event = watch(d->base, mx_addresses_fd(d->addresses), EV_READ, on_address, d);
	d->ip_rule_event = watch(d->base, mx_ip_rules_fd(d->ip_rules), EV_READ, on_ip_rule, d);
	d->tick = event_new(d->base, -1, EV_PERSIST, on_tick, d);
	event_add(d->tick, &tick);
}

/* --- from start to end ------------------------------------------------------------------------------------------ */

/* First everything that can fail, then the rule: nobody's mail waits for a daemon that does not start. */
static void start(struct mx_daemon *d, struct mx_config *config, const char *rules)
{
	char *ledger = mx_strdup(config->ledger), *saved = mx_format("%s/fallback.nft", dirname(ledger));
	char *base = realpath(rules, NULL);

	if (!base)
		mx_fatal("cannot read the rules %s: %s", rules, strerror(errno));
	signal(SIGPIPE, SIG_IGN);
	/* The threads seldom ask for memory: one of their own for each would lie about unused. */
	mallopt(M_ARENA_MAX, 1);
	d->started = time(NULL);
	d->loader = mx_loader_start();
	d->parser = mx_parser_start();
	d->watched = mx_watched_new();
	d->watchdog = mx_watchdog_start(d->watched);
	d->store = mx_store_open(config->ledger);
	d->addresses = mx_addresses_open();
	d->ip_rules = mx_ip_rules_open();
	mx_policy_init(&d->policy, config, d->store, mx_addresses_usable, d->addresses);
	d->journal = mx_journal_new();
	d->recent = mx_intake_recent();
	mx_addresses_manage(d->addresses, &d->policy);
	mx_addresses_changed(d->addresses);
	mx_addresses_update(d->addresses, &d->policy, true);
	d->bookkeeper = mx_bookkeeper_start(&d->policy, config->ledger);
	d->table = mx_table_open(d->loader, base, saved);
	d->base = event_base_new();
	d->resolver = mx_resolver_start(d->base, &d->policy);
	d->control = mx_control_open(d);
	d->queue_rule =
		(struct mx_queue_rule){ mx_table_probe_queue(d->table), (u16)config->queue_first, (u16)config->queues };
	mx_daemon_apply(d); /* without the queue rule: the fallback decides until we answer */
	if (d->table_error)
		exit(1);
	d->census = mx_census_start(&d->policy);
	d->tap = mx_dns_tap_start(&d->policy, d->parser);
	if (!d->tap)
		mx_log(MX_LOG_WARNING,
		       "no copies of DNS answers (log group %d): %s: providers are not learned from them",
		       MX_DNS_TAP_GROUP, strerror(errno));
	d->strangers = mx_intake_strangers();
	d->intake = (struct mx_intake){ &d->policy, d->recent, d->journal, d->tap, d->resolver, d->strangers };
	d->queues = mx_queues_start(config->queue_first, config->queues, &d->intake, d->watched->beats);
	d->module = mx_module_start(&d->policy, d->bookkeeper, d->journal);
	d->flows = config->flow_accounting ? mx_flows_start(&d->policy, d->journal) : NULL;
	mx_daemon_apply(d);
	if (d->table_error)
		exit(1);
	atomic_store(&d->watched->count, config->queues);
	d->metrics = mx_metrics_start(d);
	watch_everything(d);
	mx_privileges_filter();
	free(ledger);
	free(saved);
	free(base);
}

/* The queue rule goes first, so that new connections meet the fallback; then what waits is answered. */
static void leave(struct mx_daemon *d)
{
	struct mx_queues *queues = d->queues;
	size_t i;

	mx_log(MX_LOG_INFO, "leaving: the fallback decides from now on");
	atomic_store(&d->watched->count, 0);
	mx_metrics_stop(d->metrics);
	mx_module_stop(d->module);
	d->queues = NULL;
	d->leaving = true;
	mx_daemon_apply(d);
	mx_queues_stop(queues);
	if (d->tap)
		mx_dns_tap_stop(d->tap);
	mx_resolver_stop(d->resolver);
	for (i = 0; i < sizeof(d->signals) / sizeof(d->signals[0]); i++)
		event_free(d->signals[i]);
	event_free(d->table_event);
	event_free(d->recall_event);
	event_free(d->address_event);
	event_free(d->ip_rule_event);
	event_free(d->tick);
	mx_control_close(d->control);
	if (d->flows)
		mx_flows_stop(d->flows);
	event_base_free(d->base);
	mx_census_stop(d->census);
	mx_bookkeeper_stop(d->bookkeeper);
	mx_table_close(d->table);
	mx_loader_stop(d->loader);
	mx_parser_stop(d->parser);
	mx_ip_rules_close(d->ip_rules);
	mx_addresses_close(d->addresses);
	mx_policy_free(&d->policy);
	mx_store_close(d->store);
	mx_journal_free(d->journal);
	free(d->recent);
	free(d->strangers);
	free(d->table_error);
	mx_kernel_queues_close(d->kernel_queues);
	kill(d->watchdog, SIGKILL);
	waitpid(d->watchdog, NULL, 0);
}

void mx_daemon_run(struct mx_config *config, const char *rules, const struct mx_daemon_user *user)
{
	static struct mx_daemon d;

	mx_log_set_level(config->log_level);
	log_warnings(config);
	d.kernel_queues = mx_kernel_queues_open();
	if (!d.kernel_queues)
		mx_log(MX_LOG_WARNING, "the kernel's counters of packet queues cannot be read: %s", strerror(errno));
	mx_privileges_drop(config, user->name, user->is_default);
	start(&d, config, rules);
	mx_log(MX_LOG_INFO, "ready: %u sources, %u providers, queues %u-%u by %s, mode %s", config->source_count,
	       config->provider_count, config->queue_first, config->queue_first + config->queues - 1,
	       d.queue_rule.expression == MX_QUEUE_NFT ? "nft" : "xtables",
	       config->mode == MX_OBSERVE ? "observe" : "enforce");
	mx_supervisor_ready("deciding");
	event_base_dispatch(d.base);
	mx_supervisor_leaving();
	leave(&d);
}
