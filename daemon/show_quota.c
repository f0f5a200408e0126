// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/show.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/json.h"
#include "daemon/text.h"

/* --- quota ------------------------------------------------------------------------------------------------------ */

/* What was asked for; quotas are gathered under the lock, and made JSON of afterwards. */
struct quota {
	json_t *list;
	const char *source, *provider; /* NULL: all */
	u64 now;
	s64 wall; /* seconds */
	struct mx_quota *items;
	u32 count;
};

/* For a source all of its limits; for one at a provider those of both as well. */
static bool bears_on(const struct mx_quota *q, const struct quota *wanted)
{
	if (wanted->provider)
		return (!q->source || q->source == wanted->source) && (!q->provider || q->provider == wanted->provider);
	return !wanted->source || q->source == wanted->source;
}

static void take_quota(const struct mx_quota *q, void *arg)
{
	struct quota *wanted = arg;

	if (!bears_on(q, wanted))
		return;
	wanted->items = mx_grow(wanted->items, wanted->count, sizeof(*q));
	wanted->items[wanted->count++] = *q;
}

static void put_quota(const struct mx_quota *q, struct quota *wanted)
{
	u32 used = q->used, most = q->limit.most;
	json_t *o;

	o = json_pack("{s:s?,s:s?,s:s,s:s,s:I,s:I,s:I,s:I}", "source", q->source, "provider", q->provider, "unit",
		      mx_unit_name(q->limit.unit), "period", mx_period_name(q->limit.period), "limit", (json_int_t)most,
		      "used", (json_int_t)used, "free", (json_int_t)(used < most ? most - used : 0), "over",
		      (json_int_t)(used > most ? used - most : 0));
	if (q->limit.unit == MX_MESSAGES) {
		json_object_set_new(o, "settled", mx_json_number(q->settled));
		json_object_set_new(o, "estimated", mx_json_number(q->estimated));
	}
	json_object_set_new(o, "frees",
			    q->free_at <= wanted->now || q->free_at == MX_NEVER
				    ? json_null()
				    : mx_json_time(wanted->wall + (s64)((q->free_at - wanted->now + 999) / 1000)));
	json_array_append_new(wanted->list, o);
}

json_t *mx_show_quota(struct mx_daemon *d, const char *source, const char *provider)
{
	struct quota wanted = { json_array(), source, provider, 0, time(NULL), NULL, 0 };
	json_t *a = json_pack("{s:b}", "ok", 1);
	u32 i;

	mx_policy_lock(&d->policy);
	wanted.now = mx_policy_tick(&d->policy);
	mx_ledger_quota(d->policy.ledger, wanted.now, take_quota, &wanted);
	mx_policy_unlock(&d->policy);
	for (i = 0; i < wanted.count; i++)
		put_quota(&wanted.items[i], &wanted);
	free(wanted.items);
	json_object_set_new(a, "quotas", wanted.list);
	return a;
}

/* --- warm-up ---------------------------------------------------------------------------------------------------- */

static const char *warmup_state(const struct mx_warming *w)
{
	return w->waits                           ? "waiting"
	       : w->warmup->day >= w->ramp->count ? "finished"
	       : w->warmup->held                  ? "held"
						  : "warming";
}

static void warmup_json(const struct mx_warming *w, void *arg)
{
	u32 cap = mx_warmup_cap(w->warmup, w->ramp), sent = w->ramp->hourly ? w->hour : w->warmup->sent;
	struct quota *wanted = arg;
	char text[MX_ADDR_TEXT];
	enum mx_family family;
	struct mx_addr first;
	u64 ends = mx_warmup_day_ends(w->warmup);
	json_t *o;

	if ((wanted->source && w->source != wanted->source) || (wanted->provider && w->provider != wanted->provider))
		return;
	o = json_pack("{s:s,s:s?,s:s,s:I,s:I,s:s,s:I,s:I}", "source", w->source, "provider", w->provider, "state",
		      warmup_state(w), "day", (json_int_t)w->warmup->day + (cap != 0), "days",
		      (json_int_t)w->ramp->count, "period", w->ramp->hourly ? "hour" : "day", "cap", (json_int_t)cap,
		      "sent", (json_int_t)sent);
	first = mx_network_first(w->network, &family);
	json_object_set_new(o, "network",
			    w->network ? json_string(mx_prefix_text(family, first, family == MX_IPV4 ? 24 : 64, text))
				       : json_null());
	json_object_set_new(o, "day_ends",
			    ends == MX_NEVER || ends < wanted->now
				    ? json_null()
				    : mx_json_time(wanted->wall + (s64)((ends - wanted->now) / 1000)));
	json_array_append_new(wanted->list, o);
}

json_t *mx_show_warmup(struct mx_daemon *d, const char *source, const char *provider)
{
	struct quota wanted = { json_array(), source, provider, 0, time(NULL), NULL, 0 };
	json_t *a = json_pack("{s:b}", "ok", 1);

	mx_policy_lock(&d->policy);
	wanted.now = mx_policy_tick(&d->policy);
	mx_ledger_warmups(d->policy.ledger, wanted.now, warmup_json, &wanted);
	mx_policy_unlock(&d->policy);
	json_object_set_new(a, "warmups", wanted.list);
	return a;
}
