// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/steer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/log.h"

#define LONGEST_REST 14400    /* seconds: a rest doubles each time, up to this, or the rule's own if that is longer */
#define FORGIVEN 86400        /* seconds without a new sign, and the next rest is a first one again */
#define SIGNS_MAX_AGE 600     /* seconds: what an old log tells asks for nothing */
#define AMBIGUOUS_SIGNS 3     /* of a source that was only guessed: so many in an hour */
#define RECONSIDER 3600       /* seconds between two changes of a lane's factor */
#define ACTIONS_MAX_AGE 3600  /* seconds: what could not be done for so long is left */
#define SUSPICIOUS_FACTOR 500 /* thousandths */
#define SPAMMER_FACTOR 100
#define RECOVERED 0.7      /* of a threshold: a rate has to be below it for a lane to get its weight back */
#define NETWORK_MINIMUM 20 /* connections that failed, to be a signal */
#define NETWORK_REST 900   /* seconds */

/* What stands on a lane by mxrep; what would, in a dry run, is kept apart. */
struct standing {
	u32 lane;
	enum rep_judgement judgement;
	u32 factor; /* thousandths */
	s64 rest_until;
	u32 rests;       /* one after the other */
	s64 rest_signed; /* the last sign that asked for one */
	s64 changed;     /* the factor */
};

static struct standing read_standing(struct rep_steer *steer, u32 lane)
{
	struct standing s = { .lane = lane, .factor = 1000 };
	sqlite3_stmt *q =
		rep_store_bind(steer->store,
			       "SELECT judgement, factor, rest_until, rests, rest_signed, changed FROM standing"
			       " WHERE lane = ? AND dry = ?",
			       "ii", (s64)lane, (s64)steer->dry);

	if (rep_store_row(steer->store, q)) {
		s.judgement = (enum rep_judgement)sqlite3_column_int(q, 0);
		s.factor = (u32)sqlite3_column_int(q, 1);
		s.rest_until = sqlite3_column_int64(q, 2);
		s.rests = (u32)sqlite3_column_int(q, 3);
		s.rest_signed = sqlite3_column_int64(q, 4);
		s.changed = sqlite3_column_int64(q, 5);
	}
	sqlite3_reset(q);
	return s;
}

static void write_standing(struct rep_steer *steer, const struct standing *s)
{
	rep_store_run(steer->store, "INSERT OR REPLACE INTO standing VALUES (?, ?, ?, ?, ?, ?, ?, ?)", "iiiiiiii",
		      (s64)s->lane, (s64)steer->dry, (s64)s->judgement, (s64)s->factor, s->rest_until, (s64)s->rests,
		      s->rest_signed, s->changed);
}

/* Decided; done when the daemon has it. */
static void decide(struct rep_steer *s, s64 now, u32 lane, const char *what, const char *value, const char *reason,
		   const char *evidence)
{
	rep_store_run(
		s->store,
		"INSERT INTO action (time, lane, what, value, reason, evidence, result) VALUES (?, ?, ?, ?, ?, ?, ?)",
		"iisssss", now, (s64)lane, what, value, reason, evidence, s->dry ? "dry-run" : "pending");
}

/* --- signs ------------------------------------------------------------------------------------------------------ */

static bool asks_for_rest(const struct rep_sign *sign)
{
	if (!sign->source || !*sign->source || !sign->meaning.pause || sign->outcome == REP_SENT)
		return false;
	return sign->meaning.scope == REP_SCOPE_SOURCE || sign->meaning.scope == REP_SCOPE_NETWORK;
}

/* The first rest is as long as the rule says; each further one in a row twice as long. */
static u32 rest_of(const struct standing *st, const struct rep_meaning *meaning)
{
	u32 longest = meaning->pause > LONGEST_REST ? meaning->pause : LONGEST_REST, rest = meaning->pause, i;

	for (i = 0; i < st->rests && rest < longest; i++)
		rest *= 2;
	return rest < longest ? rest : longest;
}

/* A source that was only guessed rests when several answers point at it. */
static bool is_sure(struct rep_steer *s, const struct rep_sign *sign)
{
	u32 hour = (u32)(sign->time / 3600);

	if (sign->how == REP_EXACT || sign->how == REP_INFERRED)
		return true;
	return rep_store_number(s->store, 0, "SELECT SUM(n) FROM count WHERE lane = ? AND category = ? AND hour >= ?",
				"iii", (s64)sign->lane, (s64)sign->meaning.category, (s64)hour) +
		       1 >=
	       AMBIGUOUS_SIGNS;
}

void rep_steer_sign(struct rep_steer *s, const struct rep_sign *sign)
{
	char value[16], reason[300], evidence[700], text[500];
	struct standing st;
	s64 now = time(NULL);

	if (!asks_for_rest(sign) || now - sign->time > SIGNS_MAX_AGE || !is_sure(s, sign))
		return;
	st = read_standing(s, sign->lane);
	if (sign->time <= st.rest_until)
		return; /* of connections that were made before it rests */
	if (now - st.rest_signed > FORGIVEN)
		st.rests = 0;
	snprintf(value, sizeof(value), "%u", rest_of(&st, &sign->meaning));
	snprintf(reason, sizeof(reason), "%s: %s", rep_category_name(sign->meaning.category),
		 rep_text_plain(sign->reply, text, 200));
	snprintf(evidence, sizeof(evidence), "rule %u, %s: %s", sign->meaning.line, rep_outcome_name(sign->outcome),
		 rep_text_plain(sign->reply, text, 500));
	decide(s, now, sign->lane, "backoff", value, reason, evidence);
	st.rest_until = now + rest_of(&st, &sign->meaning);
	st.rests++;
	st.rest_signed = now;
	write_standing(s, &st);
}

/* --- judgements ------------------------------------------------------------------------------------------------- */

static u32 factor_of(enum rep_judgement judgement)
{
	switch (judgement) {
	case REP_SPAMMER:
		return SPAMMER_FACTOR;
	case REP_SUSPICIOUS:
		return SUSPICIOUS_FACTOR;
	default:
		return 1000;
	}
}

/* Well below of what made it so: else a lane at a threshold would go to and fro. */
static bool has_recovered(const struct rep_counts *c, const struct rep_judge *j)
{
	struct rep_judge strict = *j;

	strict.suspicious = (u32)(j->suspicious * RECOVERED);
	strict.complaints = (u32)(j->complaints * RECOVERED);
	strict.deferred = (u32)(j->deferred * RECOVERED);
	return rep_judge(c, &strict, NULL, 0) <= REP_ACCEPTABLE &&
	       (!strict.suspicious || rep_counts_rate(c) * REP_WHOLE < (double)strict.suspicious);
}

static void change_factor(struct rep_steer *s, struct standing *st, u32 factor, const char *why, s64 now)
{
	char value[16];

	snprintf(value, sizeof(value), "%.3f", factor / 1000.0);
	decide(s, now, st->lane, "factor", value, rep_judgement_name(st->judgement), why);
	if (st->judgement == REP_SUSPICIOUS)
		decide(s, now, st->lane, "warmup", "hold", rep_judgement_name(st->judgement), why);
	else if (st->judgement == REP_SPAMMER)
		decide(s, now, st->lane, "warmup", "back", rep_judgement_name(st->judgement), why);
	else
		decide(s, now, st->lane, "warmup", "resume", rep_judgement_name(st->judgement), why);
	st->factor = factor;
	st->changed = now;
}

/* A source at the default provider as a whole is never turned down: its small providers have little to do with each
 * other. */
static void judge_lane(struct rep_steer *s, const struct rep_counts *c, s64 now)
{
	struct rep_judge j = rep_settings_judge(s->settings, c->provider);
	struct standing st = read_standing(s, c->lane);
	char why[200];
	enum rep_judgement judgement = rep_judge(c, &j, why, sizeof(why)), before = st.judgement;
	u32 factor = factor_of(judgement);

	if (!*c->source)
		return;
	st.judgement = judgement;
	if (strcmp(c->provider, "default") &&
	    (factor < st.factor || (factor > st.factor && now - st.changed >= RECONSIDER && has_recovered(c, &j))))
		change_factor(s, &st, factor, why, now);
	if (st.judgement != before || st.changed == now)
		write_standing(s, &st);
}

void rep_steer_judge(struct rep_steer *s, s64 now)
{
	struct rep_counts_list l = rep_counts_read(s->store, REP_BY_LANE, now - s->settings->window, 0);
	u32 i;

	rep_store_begin(s->store);
	for (i = 0; i < l.count; i++)
		judge_lane(s, &l.items[i], now);
	rep_store_commit(s->store);
	rep_counts_free(&l);
}

/* --- the daemon's signals --------------------------------------------------------------------------------------- */

struct line_of_stats {
	const char *source, *provider;
	s64 established, failed;
};

static struct line_of_stats read_stats(const json_t *lane)
{
	return (struct line_of_stats){
		json_string_value(json_object_get(lane, "source")),
		json_string_value(json_object_get(lane, "provider")),
		json_integer_value(json_object_get(lane, "established")),
		json_integer_value(json_object_get(lane, "failed")) +
			json_integer_value(json_object_get(lane, "early")) +
			json_integer_value(json_object_get(lane, "reset")),
	};
}

/* What has been added since the daemon was asked last; its counters may have begun anew. */
static struct line_of_stats added(struct rep_steer *s, const struct line_of_stats *now)
{
	struct line_of_stats l = *now;
	char name[160];
	s64 before[2];

	snprintf(name, sizeof(name), "stats %s %s", now->source, now->provider);
	before[0] = rep_store_number(s->store, 0, "SELECT value FROM meta WHERE name = ? || ' established'", "s", name);
	before[1] = rep_store_number(s->store, 0, "SELECT value FROM meta WHERE name = ? || ' failed'", "s", name);
	rep_store_run(s->store, "INSERT OR REPLACE INTO meta VALUES (? || ' established', ?)", "si", name,
		      now->established);
	rep_store_run(s->store, "INSERT OR REPLACE INTO meta VALUES (? || ' failed', ?)", "si", name, now->failed);
	if (now->established >= before[0] && now->failed >= before[1]) {
		l.established -= before[0];
		l.failed -= before[1];
	}
	return l;
}

/* Most of its connections fail, and most of the others' there do not: it is the source that is turned away. */
static bool is_turned_away(const struct line_of_stats *lines, u32 count, u32 i)
{
	s64 good = 0, failed = 0;
	u32 j;

	if (lines[i].failed < NETWORK_MINIMUM || lines[i].failed <= lines[i].established ||
	    !strcmp(lines[i].provider, "default"))
		return false;
	for (j = 0; j < count; j++)
		if (j != i && !strcmp(lines[j].provider, lines[i].provider)) {
			good += lines[j].established;
			failed += lines[j].failed;
		}
	return good > 4 * failed && good >= NETWORK_MINIMUM;
}

static void rest_for_network(struct rep_steer *s, const struct line_of_stats *l, s64 now)
{
	u32 lane = rep_store_lane(s->store, l->source, l->provider, "");
	struct standing st = read_standing(s, lane);
	char value[16], evidence[200];

	if (now <= st.rest_until)
		return;
	snprintf(value, sizeof(value), "%d", NETWORK_REST);
	snprintf(evidence, sizeof(evidence),
		 "%lld of %lld connections failed, were reset or closed early; other sources' did not",
		 (long long)l->failed, (long long)(l->failed + l->established));
	decide(s, now, lane, "backoff", value, "network: turned away", evidence);
	st.rest_until = now + NETWORK_REST;
	st.rest_signed = now;
	st.rests++;
	write_standing(s, &st);
}

void rep_steer_network(struct rep_steer *s, struct rep_link *link, s64 now)
{
	char error[REP_LINK_ERROR];
	json_t *answer = rep_link_ask(link, json_pack("{s:s}", "command", "stats"), error), *lane;
	json_t *list = json_object_get(answer, "lanes");
	struct line_of_stats *lines = mx_alloc((json_array_size(list) + 1) * sizeof(*lines));
	u32 count = 0, i;
	size_t k;

	rep_store_begin(s->store);
	json_array_foreach(list, k, lane) {
		struct line_of_stats l = read_stats(lane);

		if (l.source && l.provider)
			lines[count++] = added(s, &l);
	}
	for (i = 0; i < count; i++)
		if (is_turned_away(lines, count, i))
			rest_for_network(s, &lines[i], now);
	rep_store_commit(s->store);
	free(lines);
	json_decref(answer);
}

/* --- the daemon -------------------------------------------------------------------------------------------------- */

static json_t *request_of(sqlite3_stmt *q)
{
	const char *what = rep_store_text(q, 1), *value = rep_store_text(q, 2);
	json_t *o = json_pack("{s:s,s:s,s:s}", "command", what, "source", rep_store_text(q, 4), "provider",
			      rep_store_text(q, 5));

	if (!strcmp(what, "backoff")) {
		json_object_set_new(o, "for", json_integer(atoll(value)));
		json_object_set_new(o, "reason", json_string(rep_store_text(q, 3)));
		rep_link_put_network(o, rep_store_text(q, 6));
	} else if (!strcmp(what, "factor")) {
		json_object_set_new(o, "factor", json_real(atof(value)));
	} else if (!strcmp(what, "warmup")) {
		json_object_set_new(o, "step", json_string(value));
	}
	return o;
}

static void finish(struct rep_steer *s, s64 id, const char *result)
{
	rep_store_run(s->store, "UPDATE action SET result = ? WHERE id = ?", "si", result, id);
}

void rep_steer_act(struct rep_steer *s, struct rep_link *link, s64 now)
{
	char error[REP_LINK_ERROR];
	s64 ids[64];
	char *results[64];
	u32 count = 0, i;
	sqlite3_stmt *q;

	q = rep_store_bind(s->store,
			   "SELECT action.id, what, value, reason, source, provider, network, time FROM action"
			   " JOIN lane ON lane.id = action.lane WHERE result = 'pending' ORDER BY action.id LIMIT 64",
			   "");
	while (rep_store_row(s->store, q)) {
		json_t *answer = NULL;
		const char *result = "done";

		if (now - sqlite3_column_int64(q, 7) > ACTIONS_MAX_AGE) {
			result = "too late: mxloadd was not there";
		} else {
			answer = rep_link_ask(link, request_of(q), error);
			if (!answer && !rep_link_is_up(link))
				break;
			if (!answer)
				result = error;
			/* a source that is not warmed up has nothing to hold */
			mx_log(answer || !strcmp(rep_store_text(q, 1), "warmup") ? MX_LOG_INFO : MX_LOG_WARNING,
			       "%s %s at %s: %s (%s): %s", rep_store_text(q, 1), rep_store_text(q, 4),
			       rep_store_text(q, 5), rep_store_text(q, 2), rep_store_text(q, 3), result);
		}
		json_decref(answer);
		ids[count] = sqlite3_column_int64(q, 0);
		results[count++] = mx_strdup(result);
	}
	sqlite3_reset(q);
	if (!count)
		return;
	rep_store_begin(s->store);
	for (i = 0; i < count; i++) {
		finish(s, ids[i], results[i]);
		free(results[i]);
	}
	rep_store_commit(s->store);
}
