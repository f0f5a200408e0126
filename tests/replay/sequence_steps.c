// SPDX-License-Identifier: GPL-2.0-or-later
/* What each line of a sequence does. */
#include <stdlib.h>

#include "daemon/names.h"
#include "daemon/states.h"
#include "daemon/text.h"
#include "tests/replay/clock.h"
#include "tests/replay/sequence.h"

/* --- words ------------------------------------------------------------------------------------------------------ */

static u64 number(const struct sequence *s, const char *word)
{
	char *end;
	u64 n = word ? strtoull(word, &end, 0) : 0;

	if (!word || end == word || *end)
		sequence_fail(s, "a number");
	return n;
}

static u16 source(const struct sequence *s, u32 word)
{
	u16 index = s->words[word] ? mx_config_source(s->engine.policy.config, s->words[word]) : MX_NONE;

	if (index == MX_NONE)
		sequence_fail(s, "the name of a source");
	return index;
}

static u16 provider(const struct sequence *s, u32 word)
{
	u16 index = s->words[word] ? mx_config_provider(s->engine.policy.config, s->words[word]) : MX_NONE;

	if (index == MX_NONE)
		sequence_fail(s, "the name of a provider");
	return index;
}

static struct traffic_net net(const struct sequence *s, const char *word)
{
	struct traffic_net n;

	if (mx_prefix_parse(word, &n.family, &n.addr, &n.length))
		sequence_fail(s, "an address or a prefix");
	return n;
}

/* --- connections ------------------------------------------------------------------------------------------------ */

static void step_seed(struct sequence *s)
{
	s->seed = number(s, s->words[1]) * 0x9e3779b97f4a7c15ULL + 1;
}

static void step_place(struct sequence *s)
{
	struct sequence_place *place = &s->places[s->place_count++];
	u32 i;

	if (s->place_count > SEQUENCE_PLACES || s->count < 3 || s->count - 2 > TRAFFIC_VALUES ||
	    strlen(s->words[1]) >= sizeof(place->name))
		sequence_fail(s, "place NAME PREFIX..., not too many");
	strcpy(place->name, s->words[1]);
	for (i = 2; i < s->count; i++)
		place->nets[place->count++] = net(s, s->words[i]);
}

static void add_place(const struct sequence *s, struct traffic *t, const char *name)
{
	u32 i, j;

	for (i = 0; i < s->place_count && strcmp(s->places[i].name, name) != 0; i++)
		;
	if (i == s->place_count)
		sequence_fail(s, "the name of a place");
	for (j = 0; j < s->places[i].count; j++) {
		if (t->tos == 4 * TRAFFIC_VALUES)
			sequence_fail(s, "fewer places");
		t->to[t->tos++] = s->places[i].nets[j];
	}
}

static void add_id(const struct sequence *s, u32 *ids, u32 *count, const char *word)
{
	if (*count == TRAFFIC_VALUES)
		sequence_fail(s, "fewer values");
	ids[(*count)++] = strcmp(word, "-") != 0 ? (u32)number(s, word) : MX_NO_ID;
}

static void add_value(const struct sequence *s, struct traffic *t, const char *what, const char *word)
{
	if (!strcmp(what, "to"))
		add_place(s, t, word);
	else if (!strcmp(what, "from") && t->froms < TRAFFIC_VALUES)
		t->from[t->froms++] = net(s, word);
	else if (!strcmp(what, "users"))
		add_id(s, t->users, &t->user_count, word);
	else if (!strcmp(what, "groups"))
		add_id(s, t->groups, &t->group_count, word);
	else if (!strcmp(what, "marks"))
		add_id(s, t->marks, &t->mark_count, word);
	else if (!strcmp(what, "every"))
		t->every = (u32)number(s, word);
	else
		sequence_fail(s, "flows N to PLACE... [from PREFIX...] [users ID...] [groups ID...] [marks N...] "
				 "[every MS]");
}

static bool is_keyword(const char *word)
{
	static const char *const words[] = { "to", "from", "users", "groups", "marks", "every" };
	u32 i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i], word))
			return true;
	return false;
}

static void step_flows(struct sequence *s)
{
	u64 n = number(s, s->words[1]);
	struct traffic t = { 0 };
	const char *what = "";
	u32 i;

	for (i = 2; i < s->count; i++) {
		if (is_keyword(s->words[i]))
			what = s->words[i];
		else
			add_value(s, &t, what, s->words[i]);
	}
	if (!t.tos)
		sequence_fail(s, "flows N to PLACE...");
	while (n--) {
		struct mx_flow flow = traffic_next(&t, &s->seed);

		queue_engine_decide(&s->engine, &flow);
		if (t.every)
			queue_engine_pass(&s->engine, traffic_below(&s->seed, 2 * t.every + 1));
	}
}

static void step_close(struct sequence *s)
{
	queue_engine_close(&s->engine, (u32)number(s, s->words[1]), !strcmp(s->words[0], "close"));
}

/* --- settings --------------------------------------------------------------------------------------------------- */

static void step_clock(struct sequence *s)
{
	queue_engine_pass(&s->engine, number(s, s->words[1]));
}

static void step_weight(struct sequence *s)
{
	const char *last = s->words[s->count - 1];

	source(s, 1);
	if (s->count == 4)
		provider(s, 2);
	recorder_settings_changed(&s->recorder);
	mx_policy_set_weight(&s->engine.policy, s->words[1], s->count == 4 ? s->words[2] : "", "",
			     strcmp(last, "-") != 0 ? (int)number(s, last) : -1);
}

static void set_state(struct sequence *s, const char *state, u64 seconds)
{
	static char reason[] = "sequence";
	s64 now = (s64)(clock_read() / 1000);
	struct mx_set_state set = { .source = s->words[1],
				    .provider = s->words[2] ? s->words[2] : "",
				    .owner = "operator",
				    .state = state,
				    .reason = reason,
				    .since = now,
				    .until = seconds ? now + (s64)seconds : 0 };

	source(s, 1);
	if (s->words[2])
		provider(s, 2);
	recorder_settings_changed(&s->recorder);
	mx_states_set(&s->engine.policy, &set);
}

static void step_pause(struct sequence *s)
{
	set_state(s, "paused", 0);
}

static void step_resume(struct sequence *s)
{
	set_state(s, NULL, 0);
}

static void step_backoff(struct sequence *s)
{
	set_state(s, "backing-off", number(s, s->count == 4 ? s->words[3] : NULL));
}

static void step_learn(struct sequence *s)
{
	struct mx_policy *p = &s->engine.policy;
	bool forgets = !strcmp(s->words[0], "forget");
	struct mx_lesson lesson = { .origin = MX_ORIGIN_OPERATOR, .host = "" };

	if (!s->words[1] || !mx_addr_parse(s->words[1], &lesson.family, &lesson.addr))
		sequence_fail(s, "an address");
	lesson.provider = forgets ? 0 : provider(s, 2);
	mx_policy_lock(p);
	if (!(forgets ? mx_destinations_forget(p->destinations, lesson.family, lesson.addr)
		      : mx_destinations_learn(p->destinations, &lesson, (u32)(clock_read() / 1000))))
		sequence_fail(s, "something that was not so before");
	mx_policy_unlock(p);
}

static void step_usable(struct sequence *s)
{
	u8 families = 0;

	if (!strcmp(s->words[0], "usable"))
		families = (1u << MX_FAMILIES) - 1;
	else if (s->words[2])
		families = !strcmp(s->words[2], "4") ? 1u << MX_IPV6 : 1u << MX_IPV4;
	queue_engine_set_usable(&s->engine, source(s, 1), families);
}

static void step_settle(struct sequence *s)
{
	struct mx_policy *p = &s->engine.policy;
	struct mx_lane_id id = { .source = source(s, 1), .provider = provider(s, 2) };

	mx_policy_lock(p);
	mx_policy_settle(p, id, clock_read(), (u32)number(s, s->words[3]), (u32)number(s, s->words[4]),
			 (u32)number(s, s->words[4]));
	mx_policy_unlock(p);
}

static void step_disk(struct sequence *s)
{
	const char *how = s->words[1] ? s->words[1] : "";

	if (!strcmp(how, "slow"))
		s->engine.disk_takes = (u32)number(s, s->words[2]);
	else if (!strcmp(how, "fails") || !strcmp(how, "works"))
		s->engine.disk_fails = !strcmp(how, "fails");
	else
		sequence_fail(s, "disk slow N, disk fails or disk works");
}

static void step_expect(struct sequence *s)
{
	struct sequence_wish wish = { .least = s->count == 4 ? (u32)number(s, s->words[3]) : 1, .line = s->line };

	if (s->count < 3 || s->wish_count == sizeof(s->wishes) / sizeof(s->wishes[0]))
		sequence_fail(s, "expect ACTION REASON [N], not too many");
	while (strcmp(mx_action_name(wish.action), s->words[1]) != 0)
		if (++wish.action > MX_HOLD)
			sequence_fail(s, "an action");
	while (strcmp(mx_reason_name(wish.reason), s->words[2]) != 0)
		if (++wish.reason == MX_REASON_COUNT)
			sequence_fail(s, "a reason");
	s->wishes[s->wish_count++] = wish;
}

/* ---------------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *word;
	void (*step)(struct sequence *s);
} steps[] = {
	{ "place", step_place },     { "seed", step_seed },       { "flows", step_flows },   { "clock", step_clock },
	{ "close", step_close },     { "fail", step_close },      { "weight", step_weight }, { "pause", step_pause },
	{ "resume", step_resume },   { "backoff", step_backoff }, { "learn", step_learn },   { "forget", step_learn },
	{ "unusable", step_usable }, { "usable", step_usable },   { "settle", step_settle }, { "disk", step_disk },
	{ "expect", step_expect },
};

void sequence_step(struct sequence *s)
{
	u32 i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (!strcmp(s->words[0], steps[i].word)) {
			steps[i].step(s);
			return;
		}
	sequence_fail(s, "a step");
}
