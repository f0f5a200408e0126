// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/intake.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/names.h"
#include "daemon/text.h"
#include "tools/mxrep/suppress.h"

static struct rep_text text_of(const char *text)
{
	return (struct rep_text){ text ? text : "", text ? strlen(text) : 0 };
}

static struct rep_text domain_of(const char *address)
{
	const char *at = address ? strrchr(address, '@') : NULL;

	return text_of(at ? at + 1 : "");
}

/* A time that a report gives is no later than now, and not so long ago that nothing is kept of it. */
static u32 hour_of(s64 reported)
{
	s64 now = time(NULL);

	if (reported <= 0 || reported > now || now - reported > 400 * 86400LL)
		reported = now;
	return (u32)(reported / 3600);
}

/* A lane of the source and the provider of a domain. */
static u32 lane_of(struct rep_intake *in, const char *source, struct rep_text domain)
{
	return rep_store_lane(in->store, source, rep_policy_domain(in->policy, domain), "");
}

/* The lane that a message left by; without one that is known, its provider alone. */
static u32 lane_of_message(struct rep_intake *in, const char *message_id, const char *recipient, enum rep_how *how)
{
	struct rep_text id = text_of(message_id), to = text_of(recipient);
	u32 lane = 0;

	if (id.length)
		lane = rep_store_find_message(in->store, rep_hash(id), to.length ? rep_hash_folded(to) : 0);
	*how = lane ? REP_EXACT : REP_UNKNOWN;
	in->attributed += lane != 0;
	return lane ? lane : lane_of(in, "", domain_of(recipient));
}

/* --- bounces ---------------------------------------------------------------------------------------------------- */

/* Our own MTA's bounces say what its log has said. */
static bool is_in_the_log(const struct rep_bounce *b)
{
	return b->queue_id != NULL;
}

static bool take_bounce(const struct rep_bounce *b, void *context)
{
	struct rep_intake *in = context;
	struct rep_meaning meaning;
	enum rep_how how;
	u32 lane;

	in->told++;
	if (b->outcome != REP_BOUNCED)
		return true;
	lane = lane_of_message(in, b->message_id, b->recipient, &how);
	meaning = rep_rules_match(in->rules, "", text_of(b->reply), text_of(b->status));
	if (!is_in_the_log(b))
		rep_store_count(in->store, hour_of(b->time), lane, REP_WHAT_LATE, meaning.category, how, 1);
	if (meaning.category == REP_USER_UNKNOWN && b->recipient)
		rep_suppress(in->store, b->recipient, REP_BLACKLIST, "user unknown", 0);
	return true;
}

/* --- complaints ------------------------------------------------------------------------------------------------- */

static bool take_complaint(const struct rep_complaint *c, void *context)
{
	struct rep_intake *in = context;
	const char *source = c->has_source ? rep_policy_source(in->policy, c->family, c->source) : NULL;
	struct rep_text domain = c->recipient ? domain_of(c->recipient) : text_of(c->reporter);
	enum rep_how how = REP_UNKNOWN;
	u32 lane;

	in->told++;
	if (c->type && !strcmp(c->type, "not-spam"))
		return true;
	lane = lane_of_message(in, c->message_id, c->recipient, &how);
	if (how == REP_UNKNOWN && source) {
		lane = lane_of(in, source, domain);
		how = REP_INFERRED;
		in->attributed++;
	}
	rep_store_count(in->store, hour_of(c->time), lane, REP_WHAT_COMPLAINT, REP_NONE, how, c->incidents);
	if (c->recipient)
		rep_suppress(in->store, c->recipient, c->list_unsubscribe ? REP_GREYLIST : REP_BLACKLIST, "complaint",
			     0);
	return true;
}

/* --- DMARC ------------------------------------------------------------------------------------------------------ */

static bool take_dmarc(const struct rep_dmarc_row *row, void *context)
{
	struct rep_intake *in = context;
	const char *source = rep_policy_source(in->policy, row->family, row->source);
	char address[MX_ADDR_TEXT];

	in->told += row->count;
	in->attributed += source ? row->count : 0;
	rep_store_run(in->store,
		      "INSERT INTO dmarc VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
		      "issssiii", row->begin / 86400, row->header_from ? row->header_from : row->domain,
		      source ? source : mx_addr_text(row->family, row->source, address), row->reporter,
		      row->disposition, (s64)row->dkim_aligned, (s64)row->spf_aligned, (s64)row->count);
	return true;
}

/* --- what was seen before --------------------------------------------------------------------------------------- */

static bool is_new(struct rep_intake *in, u64 print)
{
	return rep_store_run(in->store, "INSERT OR IGNORE INTO seen VALUES (?, ?)", "ii", (s64)print, (s64)time(NULL));
}

/* --- traps ------------------------------------------------------------------------------------------------------ */

static void take_trap_hit(s64 message, u32 lane, u32 hour, void *context)
{
	struct rep_intake *in = context;

	if (!is_new(in, rep_hash((struct rep_text){ (const char *)&message, sizeof(message) })))
		return;
	rep_store_count(in->store, hour, lane, REP_WHAT_TRAP, REP_NONE, REP_EXACT, 1);
	in->told++;
	in->attributed++;
}

bool rep_intake_trap(struct rep_intake *in, const char *address)
{
	bool good;

	rep_store_begin(in->store);
	good = rep_suppress(in->store, address, REP_BLACKLIST, "spam trap", 0);
	if (good)
		rep_store_messages_to(in->store, rep_hash_folded(text_of(address)), take_trap_hit, in);
	rep_store_commit(in->store);
	return good;
}

/* --- any -------------------------------------------------------------------------------------------------------- */

int rep_intake_mail(struct rep_intake *in, enum rep_mail kind, const char *bytes, size_t length, char *error,
		    size_t size)
{
	int n;

	rep_store_begin(in->store);
	/* The same report may come twice: to two aliases, or fed again after an error. */
	if (!is_new(in, rep_hash((struct rep_text){ bytes, length }))) {
		in->repeated++;
		rep_store_commit(in->store);
		return 0;
	}
	switch (kind) {
	case REP_MAIL_BOUNCE:
		n = rep_bounce_read(bytes, length, take_bounce, in, error, size);
		break;
	case REP_MAIL_COMPLAINT:
		n = rep_complaint_read(bytes, length, take_complaint, in, error, size);
		break;
	default:
		n = rep_dmarc_read(bytes, length, take_dmarc, in, error, size);
	}
	if (n < 0)
		rep_store_forget(in->store);
	else
		rep_store_commit(in->store);
	return n;
}
