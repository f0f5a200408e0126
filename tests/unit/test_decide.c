// SPDX-License-Identifier: GPL-2.0-or-later
/* Each step of the policy and each of its reasons. */
#include "tests/unit/build.h"

static const char policy[] =
	"exempt = [ \"203.0.113.0/28\", \"2001:db8:e::/48\" ];"
	"sources: { mx1: { address = \"192.0.2.1\"; address6 = \"2001:db8::1\"; }; mx2: { address = \"192.0.2.2\"; };"
	" fw1: { address = \"192.0.2.9\"; }; spare: { address = \"192.0.2.8\"; }; };"
	"pools: { main: { members: { mx1 = 3; mx2 = 1; }; overflow = \"reserve\"; }; nospam: { members: { fw1 = 1; }; "
	"};"
	" reserve: { members: { spare = 1; }; }; };"
	"providers: { google: { prefixes = [ \"198.51.100.0/24\", \"2001:db8:100::/48\" ]; };"
	" inner: { prefixes = [ \"198.51.100.128/25\" ]; weights: { mx2 = 0; }; }; };"
	"classes: { forwarded: { users = [ 65534 ]; marks = [ \"0x10/0xf0\", \"0x20/0xf0\" ]; };"
	" lan: { clients = [ \"10.0.0.0/8\", \"fd00::/8\" ]; groups = [ 5 ]; }; };"
	"routes = ( { class = \"forwarded\"; provider = \"google\"; pool = \"nospam\"; },"
	" { class = \"lan\"; pool = \"nospam\"; }, { pool = \"main\"; } );";

static struct build b;

static int up(void **state)
{
	(void)state;
	build_up(&b, policy);
	return 0;
}

static int down(void **state)
{
	(void)state;
	build_down(&b);
	return 0;
}

static const char *provider_of(const char *to)
{
	struct mx_flow flow = flow_to(to);

	return b.config->providers[decide(&b, &flow).provider].name;
}

static const char *source_of(const struct mx_flow *flow)
{
	u16 source = decide(&b, flow).source;

	return source == MX_NONE ? "none" : b.config->sources[source].name;
}

static void test_provider(void **state)
{
	(void)state;
	assert_string_equal(provider_of("198.51.100.1"), "google");
	assert_string_equal(provider_of("198.51.100.129"), "inner"); /* the longest prefix */
	assert_string_equal(provider_of("198.51.101.1"), "default");
	assert_string_equal(provider_of("2001:db8:100::1"), "google");
	assert_string_equal(provider_of("2001:db8:101::1"), "default");
}

/* What was learned is asked where no prefix is. */
static void test_learned_provider(void **state)
{
	struct mx_learned *learned = calloc(1, sizeof(*learned));
	static const char *const to[] = { "203.0.113.99", "198.51.100.1" };
	struct mx_learned_address gone;
	u32 i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct mx_flow flow = flow_to(to[i]);
		struct mx_learned_address address = { flow.to, 1, 1, (u8)flow.family, MX_ORIGIN_ANSWER };

		assert_string_equal(b.config->providers[1].name, "inner");
		mx_learned_put(learned, &address, &gone);
	}
	b.state.learned = learned;
	assert_string_equal(provider_of("203.0.113.99"), "inner");
	assert_string_equal(provider_of("203.0.113.98"), "default");
	assert_string_equal(provider_of("198.51.100.1"), "google"); /* a prefix is stronger */
	free(learned);
}

static void test_exempt(void **state)
{
	struct mx_flow flow = flow_to("203.0.113.5"), flow6 = flow_to("2001:db8:e::1"), not = flow_to("203.0.113.16");

	(void)state;
	assert_int_equal(decide(&b, &flow).action, MX_PASS);
	assert_int_equal(decide(&b, &flow).reason, MX_REASON_EXEMPT);
	assert_int_equal(decide(&b, &flow).mark, 0x0ffe0000);
	assert_int_equal(decide(&b, &flow6).action, MX_PASS);
	assert_int_equal(decide(&b, &not ).action, MX_ASSIGN);
}

static void test_class(void **state)
{
	struct mx_flow flow = flow_to("198.51.100.1");

	(void)state;
	flow.user = 65534;
	assert_string_not_equal(source_of(&flow), "fw1"); /* all of the options */
	flow.mark = 0x15;
	assert_string_equal(source_of(&flow), "fw1");
	flow.mark = 0x2f;
	assert_string_equal(source_of(&flow), "fw1"); /* any of the values */
	flow.mark = 0x3f;
	assert_string_not_equal(source_of(&flow), "fw1");
	flow.mark = 0x15 | 0x0fff0000;
	assert_string_equal(source_of(&flow), "fw1"); /* our own bits are nobody's class */
	flow.user = MX_NO_ID;
	assert_string_not_equal(source_of(&flow), "fw1");
	flow.group = 5;
	flow.from = (struct mx_addr){ 0, 0x0a010203 };
	assert_string_equal(source_of(&flow), "fw1");
	flow.from = (struct mx_addr){ 0, 0x0b010203 };
	assert_string_not_equal(source_of(&flow), "fw1");
}

static void test_first_route_wins(void **state)
{
	struct mx_flow flow = flow_to("198.51.100.1");

	(void)state;
	flow.user = 65534;
	flow.mark = 0x10;
	flow.group = 5;
	flow.from = (struct mx_addr){ 0, 0x0a000001 };
	assert_int_equal(decide(&b, &flow).route, 0);
	flow = flow_to("192.0.2.77"); /* not google: the first route is none of it */
	flow.user = 65534;
	flow.mark = 0x10;
	assert_int_equal(decide(&b, &flow).route, 2);
}

/* As explain asks: of that class and of no other, whatever the connection looks like. */
static void test_taken_for_a_class(void **state)
{
	u16 forwarded = mx_config_class(b.config, "forwarded"), lan = mx_config_class(b.config, "lan");
	struct mx_flow flow = flow_to("198.51.100.1"), elsewhere = flow_to("192.0.2.77");
	struct mx_verdict v;

	(void)state;
	mx_decide(b.snapshot, &b.state, &flow, forwarded, (struct mx_moment){ 0, 0 }, &v);
	assert_int_equal(v.route, 0);
	mx_decide(b.snapshot, &b.state, &flow, lan, (struct mx_moment){ 0, 0 }, &v);
	assert_int_equal(v.route, 1);
	mx_decide(b.snapshot, &b.state, &elsewhere, forwarded, (struct mx_moment){ 0, 0 }, &v);
	assert_int_equal(v.route, 2);
	flow.user = 65534;
	flow.mark = 0x10;
	mx_decide(b.snapshot, &b.state, &flow, lan, (struct mx_moment){ 0, 0 }, &v);
	assert_int_equal(v.route, 1);
}

static void test_reasons(void **state)
{
	u16 google = mx_config_provider(b.config, "google"), inner = mx_config_provider(b.config, "inner");
	struct mx_flow flow = flow_to("198.51.100.1"), flow6 = flow_to("2001:db8:100::1"),
		       to_inner = flow_to("198.51.100.200");

	(void)state;
	assert_int_equal(decide(&b, &flow).reason, MX_REASON_WEIGHTED);
	assert_string_equal(source_of(&flow6), "mx1"); /* the only one with such an address */
	assert_string_equal(source_of(&to_inner), "mx1");
	mx_state_lane(&b.state, google, 0)->flags = MX_LANE_PAUSED;
	assert_string_equal(source_of(&flow), "mx2");
	assert_string_equal(source_of(&to_inner), "mx1");              /* it rests at google and only there */
	assert_int_equal(decide(&b, &flow6).reason, MX_REASON_PAUSED); /* and spare has no IPv6 address */
	mx_state_lane(&b.state, google, 1)->flags = MX_LANE_PAUSED;
	assert_int_equal(decide(&b, &flow).reason, MX_REASON_OVERFLOW);
	assert_string_equal(source_of(&flow), "spare");
	b.state.usable[3] = 0;
	assert_int_equal(decide(&b, &flow).action, MX_REFUSE);
	assert_int_equal(decide(&b, &flow).reason, MX_REASON_PAUSED);
	assert_int_equal(decide(&b, &flow).mark, 0x0fff0000);
	b.state.usable[0] = b.state.usable[1] = 0;
	assert_int_equal(decide(&b, &flow).reason, MX_REASON_UNUSABLE);
	b.state.usable[1] = 1;
	assert_int_equal(decide(&b, &to_inner).reason, MX_REASON_WEIGHT_ZERO); /* mx2 came further than mx1 */
	flow6.group = 5;
	flow6.from = (struct mx_addr){ 0xfd00000000000000ULL, 1 };
	assert_int_equal(decide(&b, &flow6).reason, MX_REASON_NO_ADDRESS);
	assert_int_equal(inner, decide(&b, &to_inner).provider);
}

static void test_account(void **state)
{
	u16 google = mx_config_provider(b.config, "google");
	struct mx_flow flow = flow_to("198.51.100.1"), exempt = flow_to("203.0.113.1");
	u32 i;

	(void)state;
	for (i = 0; i < 40; i++)
		serve(&b, &flow);
	mx_state_settle_expected(&b.state, b.snapshot);
	assert_int_equal(mx_state_lane(&b.state, google, 0)->connections, 30);
	assert_int_equal(mx_state_lane(&b.state, google, 1)->connections, 10);
	assert_int_equal(mx_state_lane(&b.state, google, 0)->expected, 30000);
	mx_state_lane(&b.state, google, 0)->flags = MX_LANE_PAUSED;
	for (i = 0; i < 10; i++)
		serve(&b, &flow);
	mx_state_settle_expected(&b.state, b.snapshot);
	assert_int_equal(mx_state_lane(&b.state, google, 0)->expected, 30000);
	assert_int_equal(mx_state_lane(&b.state, google, 1)->expected, 20000);
	serve(&b, &exempt);
	assert_int_equal(b.state.passed[mx_config_provider(b.config, "default")], 1);
	b.state.usable[1] = b.state.usable[3] = 0;
	serve(&b, &flow);
	assert_int_equal(*mx_state_refused(&b.state, google, MX_REASON_PAUSED), 1);
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(mx_reason_name(MX_REASON_NO_ADDRESS), "no-address");
	assert_string_equal(mx_reason_name(MX_REASON_COUNT), "unknown");
	assert_string_equal(mx_action_name(MX_REFUSE), "refuse");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_provider), TEST(test_learned_provider), TEST(test_exempt),
		TEST(test_class),    TEST(test_first_route_wins), TEST(test_taken_for_a_class),
		TEST(test_reasons),  TEST(test_account),          TEST(test_names)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
