// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/reverse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "daemon/learner.h"
#include "daemon/log.h"
#include "daemon/text.h"

struct mx_reverse {
	struct mx_policy *policy;
	struct mx_dns_client *client;
	struct mx_wonders *wonders;
	struct event *come, *rested;
	u64 next; /* ms: not before is another asked for */
	u32 open;
	struct mx_reverse_stats stats;
};

/* An address that is being asked for. */
struct look {
	struct mx_reverse *reverse;
	struct mx_wonder wonder;
	char host[MX_DNS_NAME];
};

const char *mx_reverse_name(enum mx_family family, struct mx_addr addr, char *name)
{
	u8 bytes[16];
	char *end = name;
	int i;

	mx_addr_to_bytes(family, addr, bytes);
	for (i = (int)mx_addr_size(family) - 1; i >= 0; i--)
		end += family == MX_IPV4 ? sprintf(end, "%u.", bytes[i])
					 : sprintf(end, "%x.%x.", bytes[i] & 15u, bytes[i] >> 4);
	strcpy(end, family == MX_IPV4 ? "in-addr.arpa" : "ip6.arpa");
	return name;
}

/* --- one address ------------------------------------------------------------------------------------------------ */

static void ask_more(struct mx_reverse *r);

static void end_look(struct look *look, enum mx_dns_fate fate)
{
	struct mx_reverse *r = look->reverse;

	if (fate == MX_DNS_FATE_SERVFAIL || fate == MX_DNS_FATE_TIMEOUT || fate == MX_DNS_FATE_CANCELLED)
		mx_wonders_again(r->wonders, &look->wonder, (u32)mx_clock_boot_seconds());
	free(look);
	r->open--;
	ask_more(r);
}

static void learn(struct look *look, u32 ttl)
{
	struct mx_policy *p = look->reverse->policy;
	struct mx_lesson lesson = { look->wonder.family, look->wonder.addr, MX_NONE,
				    MX_ORIGIN_PTR,       look->host,        mx_learner_lasting(ttl) };

	mx_policy_lock(p);
	lesson.provider = mx_suffixes_host(p->suffixes, look->host); /* another policy may be in force by now */
	if (lesson.provider != MX_NONE)
		mx_destinations_learn(p->destinations, &lesson, (u32)time(NULL));
	mx_policy_unlock(p);
	look->reverse->stats.confirmed++;
}

/* Anybody may give his address any name: only who has the name can say that it is so. */
static void on_addresses(enum mx_dns_fate fate, const struct mx_dns_answer *answer, void *arg)
{
	struct look *look = arg;
	u32 i;

	for (i = 0; answer && i < answer->count; i++) {
		const struct mx_dns_record *r = &answer->records[i];

		if ((r->type != MX_DNS_A && r->type != MX_DNS_AAAA) || r->family != look->wonder.family ||
		    mx_addr_cmp(r->addr, look->wonder.addr))
			continue;
		learn(look, r->ttl);
		break;
	}
	end_look(look, fate);
}

/* Which of its names is a provider's; NULL: none. */
static const char *name_of(struct mx_policy *p, const struct mx_dns_answer *answer)
{
	const char *name = NULL;
	u32 i;

	mx_policy_lock(p);
	for (i = 0; i < answer->count && !name; i++)
		if (answer->records[i].type == MX_DNS_PTR &&
		    mx_suffixes_host(p->suffixes, answer->records[i].target) != MX_NONE)
			name = answer->records[i].target;
	mx_policy_unlock(p);
	return name;
}

static void on_name(enum mx_dns_fate fate, const struct mx_dns_answer *answer, void *arg)
{
	struct look *look = arg;
	const char *name = answer ? name_of(look->reverse->policy, answer) : NULL;

	if (!name) {
		end_look(look, fate);
		return;
	}
	snprintf(look->host, sizeof(look->host), "%s", name);
	mx_dns_client_ask(look->reverse->client, MX_DNS_LINE_REVERSE, look->host,
			  look->wonder.family == MX_IPV4 ? MX_DNS_A : MX_DNS_AAAA, on_addresses, look);
}

static void ask(struct mx_reverse *r, const struct mx_wonder *wonder)
{
	struct look *look = mx_alloc(sizeof(*look));
	char name[MX_DNS_NAME];

	look->reverse = r;
	look->wonder = *wonder;
	r->open++;
	r->stats.asked++;
	mx_dns_client_ask(r->client, MX_DNS_LINE_REVERSE, mx_reverse_name(wonder->family, wonder->addr, name),
			  MX_DNS_PTR, on_name, look);
}

/* --- one after the other ---------------------------------------------------------------------------------------- */

static void rest(struct mx_reverse *r, u64 left)
{
	struct timeval time = { 0, (suseconds_t)left * 1000 };

	event_add(r->rested, &time);
}

static void ask_more(struct mx_reverse *r)
{
	struct mx_wonder wonder;
	u64 now = mx_clock_steady_ms();

	if (r->open >= MX_REVERSE_OPEN || !mx_dns_client_ready(r->client))
		return;
	if (now < r->next) {
		rest(r, r->next - now);
		return;
	}
	if (!mx_wonders_take(r->wonders, &wonder))
		return;
	r->next = now + MX_REVERSE_REST_MSEC;
	rest(r, MX_REVERSE_REST_MSEC);
	ask(r, &wonder);
}

static void on_rested(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	ask_more(arg);
}

static void on_come(evutil_socket_t fd, short what, void *arg)
{
	eventfd_t count;

	(void)what;
	eventfd_read(fd, &count);
	ask_more(arg);
}

void mx_reverse_tick(struct mx_reverse *r)
{
	ask_more(r);
}

struct mx_reverse_stats mx_reverse_stats(const struct mx_reverse *r)
{
	return r->stats;
}

struct mx_reverse *mx_reverse_new(struct event_base *base, struct mx_policy *policy, struct mx_dns_client *client,
				  struct mx_wonders *wonders)
{
	struct mx_reverse *r = mx_alloc(sizeof(*r));

	r->policy = policy;
	r->client = client;
	r->wonders = wonders;
	r->rested = evtimer_new(base, on_rested, r);
	r->come = event_new(base, mx_wonders_fd(wonders), EV_READ | EV_PERSIST, on_come, r);
	if (!r->rested || !r->come || event_add(r->come, NULL))
		mx_fatal("cannot watch for unknown destinations");
	return r;
}

void mx_reverse_free(struct mx_reverse *r)
{
	event_free(r->come);
	event_free(r->rested);
	free(r);
}
