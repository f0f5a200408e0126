// SPDX-License-Identifier: GPL-2.0-or-later
/* What answers teach, and what they do not. */
#include "tests/unit/build.h"

#include "daemon/learner.h"

static const char policy[] = "sources: { s: { address = \"192.0.2.1\"; }; };"
			     "pools: { p: { members: { s = 1; }; }; };"
			     "providers: { google: { mx = [ \"google.com\" ]; domains = [ \"gmail.com\" ]; };"
			     " inner: { mx = [ \"special.google.com\" ]; };"
			     " yahoo: { mx = [ \"yahoodns.net\" ]; domains = [ \"yahoo.com\" ]; }; };"
			     "routes = ( { pool = \"p\"; } );";
#define NOW 1000000u

static struct build b;
static struct mx_suffixes *suffixes;
static struct mx_learner *learner;
static struct mx_dns_answer answer;
static char learned[1024]; /* "ADDRESS=PROVIDER by HOST; " for each lesson */

static int up(void **state)
{
	(void)state;
	build_up(&b, policy);
	suffixes = mx_suffixes_new(b.config);
	learner = mx_learner_new();
	return 0;
}

static int down(void **state)
{
	(void)state;
	mx_learner_free(learner);
	mx_suffixes_free(suffixes);
	build_down(&b);
	return 0;
}

static void ask(const char *name, enum mx_dns_type type)
{
	memset(&answer, 0, sizeof(answer));
	snprintf(answer.name, sizeof(answer.name), "%s", name);
	answer.type = (u16)type;
}

static struct mx_dns_record *put(const char *owner, enum mx_dns_type type, const char *data)
{
	struct mx_dns_record *r = &answer.records[answer.count++];

	r->type = type;
	r->ttl = 300;
	snprintf(r->owner, sizeof(r->owner), "%s", owner);
	if (type == MX_DNS_A || type == MX_DNS_AAAA)
		assert_true(mx_addr_parse(data, &r->family, &r->addr));
	else
		snprintf(r->target, sizeof(r->target), "%s", data);
	return r;
}

static void note(const struct mx_lesson *lesson, void *arg)
{
	char text[MX_ADDR_TEXT];
	size_t n = strlen(learned);

	(void)arg;
	assert_int_equal(lesson->lasts, 300 + MX_LEARNER_GRACE);
	snprintf(learned + n, sizeof(learned) - n, "%s=%s by %s; ", mx_addr_text(lesson->family, lesson->addr, text),
		 b.config->providers[lesson->provider].name, lesson->host);
}

static const char *take_at(u32 now)
{
	*learned = '\0';
	mx_learner_take(learner, suffixes, &answer, MX_ORIGIN_ANSWER, now, note, NULL);
	return learned;
}

static const char *take(void)
{
	return take_at(NOW);
}

static void test_by_suffix(void **state)
{
	(void)state;
	ask("aspmx.l.google.com", MX_DNS_A);
	put("aspmx.l.google.com", MX_DNS_A, "192.0.2.7");
	put("aspmx.l.google.com", MX_DNS_AAAA, "2001:db8::7");
	assert_string_equal(take(),
			    "192.0.2.7=google by aspmx.l.google.com; 2001:db8::7=google by aspmx.l.google.com; ");
	ask("google.com", MX_DNS_A);
	put("google.com", MX_DNS_A, "192.0.2.7");
	assert_string_equal(take(), "192.0.2.7=google by google.com; ");
}

static void test_by_labels(void **state)
{
	static const char *const not [] = { "evil-google.com", "google.com.evil.example", "com", "notgoogle.com", "" };
	u32 i;

	(void)state;
	for (i = 0; i < 5; i++) {
		ask(not [i], MX_DNS_A);
		put(not [i], MX_DNS_A, "192.0.2.7");
		assert_string_equal(take(), "");
	}
	ask("a.special.google.com", MX_DNS_A); /* the longest suffix */
	put("a.special.google.com", MX_DNS_A, "192.0.2.7");
	assert_string_equal(take(), "192.0.2.7=inner by a.special.google.com; ");
}

static void test_by_alias(void **state)
{
	(void)state;
	ask("mx.customer.example", MX_DNS_A);
	put("mx.customer.example", MX_DNS_CNAME, "relay.customer.example");
	put("relay.customer.example", MX_DNS_CNAME, "aspmx.l.google.com");
	put("aspmx.l.google.com", MX_DNS_A, "192.0.2.7");
	assert_string_equal(take(), "192.0.2.7=google by aspmx.l.google.com; ");
	ask("mx.google.com", MX_DNS_A); /* what is asked for counts before what it is an alias of */
	put("mx.google.com", MX_DNS_CNAME, "host.yahoodns.net");
	put("host.yahoodns.net", MX_DNS_A, "192.0.2.8");
	assert_string_equal(take(), "192.0.2.8=google by mx.google.com; ");
}

/* Records beside the chain of aliases are judged by their own names. */
static void test_no_alias(void **state)
{
	(void)state;
	ask("mx.google.com", MX_DNS_A);
	put("mx.google.com", MX_DNS_CNAME, "mx.google.com"); /* to itself */
	put("other.example", MX_DNS_A, "192.0.2.9");
	assert_string_equal(take(), "");
	ask("mx.google.com", MX_DNS_A);
	put("a.google.com", MX_DNS_CNAME, "b.example");
	put("b.example", MX_DNS_CNAME, "a.google.com");
	put("c.example", MX_DNS_A, "192.0.2.9");
	assert_string_equal(take(), "");
}

static void test_by_domain(void **state)
{
	(void)state;
	ask("yahoo.com", MX_DNS_MX);
	put("yahoo.com", MX_DNS_MX, "odd.host.example");
	assert_string_equal(take(), "");
	ask("odd.host.example", MX_DNS_A);
	put("odd.host.example", MX_DNS_A, "192.0.2.7");
	assert_string_equal(take(), "192.0.2.7=yahoo by odd.host.example; ");
	assert_string_equal(take_at(NOW + 300 + MX_LEARNER_GRACE - 1), "192.0.2.7=yahoo by odd.host.example; ");
	assert_string_equal(take_at(NOW + 300 + MX_LEARNER_GRACE), ""); /* the MX record is over */
	ask("sub.yahoo.com", MX_DNS_MX);                                /* another domain */
	put("sub.yahoo.com", MX_DNS_MX, "other.example");
	take();
	ask("other.example", MX_DNS_A);
	put("other.example", MX_DNS_A, "192.0.2.7");
	assert_string_equal(take(), "");
	ask("yahoo.com", MX_DNS_MX);
	put("yahoo.com", MX_DNS_MX, "odd.host.example");
	take();
	mx_learner_forget(learner);
	ask("odd.host.example", MX_DNS_A);
	put("odd.host.example", MX_DNS_A, "192.0.2.7");
	assert_string_equal(take(), "");
}

/* Besides what was asked for counts only what belongs to it. */
static void test_additional(void **state)
{
	(void)state;
	ask("customer.example", MX_DNS_MX);
	put("customer.example", MX_DNS_MX, "aspmx.l.google.com");
	put("aspmx.l.google.com", MX_DNS_A, "192.0.2.7")->additional = true;
	put("mta.yahoodns.net", MX_DNS_A, "192.0.2.8")->additional = true;
	assert_string_equal(take(), "192.0.2.7=google by aspmx.l.google.com; ");
	ask("customer.example", MX_DNS_A);
	put("mta.yahoodns.net", MX_DNS_MX, "mta.yahoodns.net")->additional = true;
	put("mta.yahoodns.net", MX_DNS_A, "192.0.2.8")->additional = true;
	assert_string_equal(take(), "");
}

static void test_bounded(void **state)
{
	char name[32];
	u32 i;

	(void)state;
	for (i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "h%u.example", i);
		mx_learner_add_host(learner, name, 3, 300, NOW);
	}
	ask("h4095.example", MX_DNS_A);
	put("h4095.example", MX_DNS_A, "192.0.2.7");
	assert_string_not_equal(take(), "");
	ask("h4096.example", MX_DNS_A);
	put("h4096.example", MX_DNS_A, "192.0.2.7");
	assert_string_equal(take(), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_by_suffix), TEST(test_by_labels), TEST(test_by_alias),
					    TEST(test_no_alias),  TEST(test_by_domain), TEST(test_additional),
					    TEST(test_bounded) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
