// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/mxrep/rules_parts.h"

#define SHIPPED "tools/mxrep/replies.rules"
#define CATALOGUE "catalogue/providers.conf"

static char folder[] = "/tmp/test_rep_rules.XXXXXX";
static char error[600];

static const char *in_folder(const char *name)
{
	static char path[2][200];
	static u32 turn;

	turn = !turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", folder, name);
	return path[turn];
}

static void write_bytes(const char *name, const void *bytes, size_t length)
{
	FILE *out = fopen(in_folder(name), "w");

	assert_non_null(out);
	assert_int_equal(fwrite(bytes, 1, length, out), length);
	assert_int_equal(fclose(out), 0);
}

static void write_file(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}

static struct rep_rules *read_file(const char *name)
{
	memset(error, 0, sizeof(error));
	return rep_rules_read(in_folder(name), error, sizeof(error));
}

static struct rep_rules *rules_of(const char *text)
{
	struct rep_rules *rules;

	write_file("rules", text);
	rules = read_file("rules");
	assert_string_equal(error, "");
	assert_non_null(rules);
	return rules;
}

static struct rep_text text_of(const char *text)
{
	return (struct rep_text){ text, strlen(text) };
}

/* The line of the rule that takes it; 0: none. */
static unsigned int line_told(const struct rep_rules *rules, const char *provider, const char *reply, const char *dsn)
{
	return rep_rules_match(rules, provider, text_of(reply), text_of(dsn)).line;
}

static unsigned int line_of(const struct rep_rules *rules, const char *provider, const char *reply)
{
	return line_told(rules, provider, reply, "");
}

/* Whether one rule with this pattern takes the reply. */
static bool takes(const char *pattern, const char *reply)
{
	char text[500];
	struct rep_rules *rules;
	bool taken;

	snprintf(text, sizeof(text), "* * * content message - %s\n", pattern);
	rules = rules_of(text);
	taken = line_of(rules, "", reply) == 1;
	rep_rules_free(rules);
	return taken;
}

/* --- the rules that are shipped ----------------------------------------------------------------------------------- */

static struct rep_rules *shipped(void)
{
	struct rep_rules *rules = rep_rules_read(SHIPPED, error, sizeof(error));

	if (!rules)
		fail_msg("%s", error);
	return rules;
}

static void test_shipped_examples(void **state)
{
	struct rep_rules *rules = shipped();
	unsigned int examples = 0, missed;
	char *said;
	size_t length;
	FILE *out = open_memstream(&said, &length);

	(void)state;
	missed = rep_rules_try(rules, out, &examples);
	fclose(out);
	assert_string_equal(said, "");
	assert_int_equal(missed, 0);
	assert_in_range(examples, 500, 10000);
	assert_int_equal(examples, rules->example_count);
	for (u32 i = 0; i < rules->rule_count; i++)
		if (!rules->rules[i].examples)
			fail_msg("%s:%u: a rule without an example", SHIPPED, rules->rules[i].meaning.line);
	free(said);
	rep_rules_free(rules);
}

static void test_shipped_categories(void **state)
{
	struct rep_rules *rules = shipped();
	u32 categories[REP_CATEGORIES] = { 0 }, scopes[REP_SCOPES] = { 0 };

	(void)state;
	for (u32 i = 0; i < rules->rule_count; i++) {
		categories[rules->rules[i].meaning.category]++;
		scopes[rules->rules[i].meaning.scope]++;
	}
	assert_int_equal(categories[REP_NONE], 0);
	for (u32 i = REP_NONE + 1; i < REP_CATEGORIES; i++)
		assert_true(categories[i] > 0);
	for (u32 i = 0; i < REP_SCOPES; i++)
		assert_true(scopes[i] > 0);
	rep_rules_free(rules);
}

/* What is about a recipient, a message or a domain is no cause for a source to rest. */
static void test_shipped_pauses(void **state)
{
	struct rep_rules *rules = shipped();

	(void)state;
	for (u32 i = 0; i < rules->rule_count; i++) {
		const struct rep_meaning *meaning = &rules->rules[i].meaning;

		if (meaning->scope != REP_SCOPE_SOURCE && meaning->scope != REP_SCOPE_NETWORK)
			assert_int_equal(meaning->pause, 0);
		if (meaning->category == REP_GREYLISTED)
			assert_int_equal(meaning->pause, 0);
		if (meaning->category == REP_BLOCKED_ADDRESS || meaning->category == REP_BLOCKED_NETWORK)
			assert_in_range(meaning->pause, 3600, 86400);
		assert_in_range(meaning->pause, 0, 86400);
	}
	rep_rules_free(rules);
}

/* A provider's group in the catalogue begins a line: "    google: {". */
static bool is_in_catalogue(const char *catalogue, const char *name, size_t length)
{
	char line[100];

	snprintf(line, sizeof(line), "\n    %.*s: {", (int)length, name);
	return strstr(catalogue, line) != NULL;
}

static void test_shipped_providers(void **state)
{
	static char catalogue[100000];
	struct rep_rules *rules = shipped();
	FILE *in = fopen(CATALOGUE, "r");

	(void)state;
	assert_non_null(in);
	assert_in_range(fread(catalogue, 1, sizeof(catalogue) - 1, in), 1000, sizeof(catalogue) - 2);
	fclose(in);
	for (u32 i = 0; i < rules->rule_count; i++) {
		const char *names = rules->rules[i].providers;

		while (names && *names) {
			size_t length = strcspn(names, ",");

			if (!is_in_catalogue(catalogue, names, length))
				fail_msg("%s:%u: no provider %.*s", SHIPPED, rules->rules[i].meaning.line, (int)length,
					 names);
			names += length + (names[length] == ',');
		}
	}
	rep_rules_free(rules);
}

static void expect_meaning(const struct rep_rules *rules, const char *provider, const char *reply, const char *dsn,
			   const char *category, const char *scope, unsigned int pause)
{
	struct rep_meaning meaning = rep_rules_match(rules, provider, text_of(reply), text_of(dsn));

	assert_string_equal(rep_category_name(meaning.category), category);
	if (meaning.category == REP_NONE)
		return;
	assert_string_equal(rep_scope_name(meaning.scope), scope);
	assert_int_equal(meaning.pause, pause);
}

/* Replies that are no examples of the file: as others say it, at providers without rules of their own, in full. */
static void test_shipped_others(void **state)
{
	struct rep_rules *rules = shipped();

	(void)state;
	expect_meaning(rules, "yahoo",
		       "421 4.7.0 [TSS04] Messages from 198.51.100.7 temporarily deferred due to unexpected volume or "
		       "user complaints - 4.16.55.1; see https://postmaster.yahooinc.com/error-codes",
		       "4.7.0", "rate-limited", "source", 7200);
	expect_meaning(rules, "google",
		       "550-5.1.1 The email account that you tried to reach does not exist. Please try\\n550-5.1.1 "
		       "double-checking the recipient's email address for typos or\\n550 5.1.1 unnecessary spaces.",
		       "", "user-unknown", "recipient", 0);
	expect_meaning(rules, "t-online", "554 IP=203.0.113.9 - None/bad reputation. Ask your postmaster for help",
		       "5.0.0", "blocked-address", "source", 86400);
	expect_meaning(rules, "microsoft", "550 5.7.633 Access denied, banned sending IP [198.51.100.7]", "5.7.633",
		       "blocked-address", "source", 86400);
	expect_meaning(rules, "microsoft", "550 5.7.650 Anything", "5.7.650", "policy", "message", 0);
	expect_meaning(rules, "", "550 5.7.633 Access denied, banned sending IP [198.51.100.7]", "", "blocked-address",
		       "source", 3600);
	expect_meaning(rules, "default", "450 4.7.1 <a@example.org>: Recipient address rejected: Greylisted", "4.7.1",
		       "greylisted", "recipient", 0);
	expect_meaning(rules, "", "connect to mx.example.org[198.51.100.25]:25: Connection refused", "4.4.1", "network",
		       "provider", 0);
	expect_meaning(rules, "google", "lost connection with alt1.example.org[198.51.100.25] while sending RCPT TO",
		       "4.4.2", "network", "provider", 0);
	expect_meaning(rules, "", "451 4.3.5 <a@example.org>: Recipient address rejected: Server configuration error",
		       "4.3.5", "network", "provider", 0);
	expect_meaning(rules, "google", "250 2.0.0 OK 1637012345 spam - gsmtp", "2.0.0", "none", "", 0);
	expect_meaning(rules, "", "550 no", "", "none", "", 0);
	rep_rules_free(rules);
}

/* What mxrep-rules(5) shows: own rules in front of those that are shipped. */
static void test_rules_of_the_manual(void **state)
{
	char text[1000], root[500];
	struct rep_rules *rules;
	unsigned int examples;

	(void)state;
	assert_non_null(getcwd(root, sizeof(root)));
	snprintf(text, sizeof(text),
		 "# The filter of a partner says this for ten minutes when it is busy.\n"
		 "partner  451 4.7.1 rate-limited source 10m  try later * queue\n"
		 "= 451 4.7.1 Please try later: our queue is long\n"
		 "\n"
		 "*        5xx *     policy    recipient -    private list | local blacklist\n"
		 "= 554 5.7.1 You are on our private list\n"
		 "\n"
		 "include \"%s/" SHIPPED "\"\n",
		 root);
	rules = rules_of(text);
	assert_int_equal(rep_rules_try(rules, stderr, &examples), 0);
	assert_in_range(examples, 502, 10000);
	expect_meaning(rules, "partner", "451 4.7.1 Try later: the queue", "", "rate-limited", "source", 600);
	expect_meaning(rules, "google", "550 5.7.1 Private list", "", "policy", "recipient", 0);
	expect_meaning(rules, "google", "421-4.7.28 unusual 421-4.7.28 rate of mail", "", "rate-limited", "source",
		       600);
	rep_rules_free(rules);
}

/* --- which rule --------------------------------------------------------------------------------------------------- */

static void test_first_match_wins(void **state)
{
	struct rep_rules *rules = rules_of("# a comment\n"
					   "\n"
					   "* 550 * user-unknown recipient - unknown\n"
					   "* 5xx * policy       message   - *\n"
					   "* *   * content      message   - spam\n"
					   "* *   * mailbox-full recipient - full\n");

	(void)state;
	assert_int_equal(line_of(rules, "", "550 unknown full spam"), 3);
	assert_int_equal(line_of(rules, "", "551 unknown full spam"), 4);
	assert_int_equal(line_of(rules, "", "451 full spam"), 5);
	assert_int_equal(line_of(rules, "", "451 full"), 6);
	assert_int_equal(line_of(rules, "", "451 nothing"), 0);
	assert_int_equal(rep_rules_match(rules, "", text_of("451 nothing"), text_of("")).category, REP_NONE);
	rep_rules_free(rules);
}

static void test_meaning(void **state)
{
	struct rep_rules *rules = rules_of("google 421 4.7.28 rate-limited source 10m unusual rate\n"
					   "* * * ours provider - own\n");
	struct rep_meaning meaning = rep_rules_match(rules, "google", text_of("421 4.7.28 Unusual rate"), text_of(""));

	(void)state;
	assert_int_equal(meaning.category, REP_RATE_LIMITED);
	assert_int_equal(meaning.scope, REP_SCOPE_SOURCE);
	assert_int_equal(meaning.pause, 600);
	assert_int_equal(meaning.line, 1);
	meaning = rep_rules_match(rules, "google", text_of("Own"), text_of(""));
	assert_int_equal(meaning.category, REP_OURS);
	assert_int_equal(meaning.scope, REP_SCOPE_PROVIDER);
	assert_int_equal(meaning.pause, 0);
	assert_int_equal(meaning.line, 2);
	rep_rules_free(rules);
}

static void test_pauses(void **state)
{
	struct rep_rules *rules = rules_of("* * 5.0.1 policy source 90s *\n* * 5.0.2 policy source 10m *\n"
					   "* * 5.0.3 policy source 2h *\n* * 5.0.4 policy source 1d *\n"
					   "* * 5.0.5 policy source - *\n");
	static const unsigned int pauses[] = { 90, 600, 7200, 86400, 0 };

	(void)state;
	for (u32 i = 0; i < 5; i++) {
		char reply[] = "550 5.0.X x";

		reply[8] = (char)('1' + i);
		assert_int_equal(line_of(rules, "", reply), i + 1);
		assert_int_equal(rep_rules_match(rules, "", text_of(reply), text_of("")).pause, pauses[i]);
	}
	rep_rules_free(rules);
}

static void test_providers(void **state)
{
	struct rep_rules *rules = rules_of("google * * content message - x\n"
					   "outlook,microsoft * * content message - x\n"
					   "- * * content message - y\n");

	(void)state;
	assert_int_equal(line_of(rules, "google", "550 x"), 1);
	assert_int_equal(line_of(rules, "outlook", "550 x"), 2);
	assert_int_equal(line_of(rules, "microsoft", "550 x"), 2);
	assert_int_equal(line_of(rules, "", "550 x"), 0);
	assert_int_equal(line_of(rules, "googl", "550 x"), 0);
	assert_int_equal(line_of(rules, "google2", "550 x"), 0);
	assert_int_equal(line_of(rules, "Google", "550 x"), 0);
	assert_int_equal(line_of(rules, "outlook,microsoft", "550 x"), 0);
	assert_int_equal(line_of(rules, "soft", "550 x"), 0);
	assert_int_equal(line_of(rules, "google", "550 y"), 3);
	assert_int_equal(line_of(rules, "", "550 y"), 3);
	rep_rules_free(rules);
}

static void test_codes(void **state)
{
	struct rep_rules *rules = rules_of("* 550  * content message - x\n"
					   "* 55x  * content message - x\n"
					   "* 5XX  * content message - x\n"
					   "* 42x  * content message - x\n"
					   "* 4xx  * content message - x\n"
					   "* none * content message - x\n");

	(void)state;
	assert_int_equal(line_of(rules, "", "550 x"), 1);
	assert_int_equal(line_of(rules, "", "550-x"), 1);
	assert_int_equal(line_of(rules, "", "  550 x"), 1);
	assert_int_equal(line_of(rules, "", "559 x"), 2);
	assert_int_equal(line_of(rules, "", "551 x"), 2);
	assert_int_equal(line_of(rules, "", "549 x"), 3);
	assert_int_equal(line_of(rules, "", "560 x"), 3);
	assert_int_equal(line_of(rules, "", "421 x"), 4);
	assert_int_equal(line_of(rules, "", "499 x"), 5);
	assert_int_equal(line_of(rules, "", "430 x"), 5);
	assert_int_equal(line_of(rules, "", "x"), 6);
	assert_int_equal(line_of(rules, "", "5500 x"), 6);
	assert_int_equal(line_of(rules, "", "550x"), 6);
	assert_int_equal(line_of(rules, "", "650 x"), 6);
	assert_int_equal(line_of(rules, "", "55 x"), 6);
	rep_rules_free(rules);
}

/* A delivery means nothing, whatever is said with it. */
static void test_deliveries(void **state)
{
	struct rep_rules *rules = rules_of("* * * content message - *\n");

	(void)state;
	assert_int_equal(line_of(rules, "", "250 2.0.0 Ok: queued"), 0);
	assert_int_equal(line_of(rules, "", "354 go ahead"), 0);
	assert_int_equal(line_of(rules, "", "400"), 1);
	assert_int_equal(line_of(rules, "", "550"), 1);
	assert_int_equal(line_of(rules, "", ""), 1);
	rep_rules_free(rules);
}

static void test_status(void **state)
{
	struct rep_rules *rules = rules_of("* * 4.7.28      content message - *\n"
					   "* * *.7.26      content message - *\n"
					   "* * 5.7.606-649 content message - *\n"
					   "* * 4.2.*       content message - *\n"
					   "* * *.1.*       content message - *\n");

	(void)state;
	assert_int_equal(line_of(rules, "", "421 4.7.28 x"), 1);
	assert_int_equal(line_of(rules, "", "421-4.7.28 x"), 1);
	assert_int_equal(line_of(rules, "", "421 4.7.28"), 1);
	assert_int_equal(line_of(rules, "", "421 4.7.28: x"), 1);
	assert_int_equal(line_of(rules, "", "421  4.7.28 x"), 1);
	assert_int_equal(line_of(rules, "", "421 x 4.7.28"), 0);
	assert_int_equal(line_of(rules, "", "421 4.7.2 8"), 0);
	assert_int_equal(line_of(rules, "", "421 4.7.280"), 0);
	assert_int_equal(line_of(rules, "", "421 4.7.28.1"), 0);
	assert_int_equal(line_of(rules, "", "421 4.1.1234 x"), 0);
	assert_int_equal(line_of(rules, "", "421 4.7.26 x"), 2);
	assert_int_equal(line_of(rules, "", "550 5.7.26 x"), 2);
	assert_int_equal(line_of(rules, "", "550 5.7.605 x"), 0);
	assert_int_equal(line_of(rules, "", "550 5.7.606 x"), 3);
	assert_int_equal(line_of(rules, "", "550 5.7.649 x"), 3);
	assert_int_equal(line_of(rules, "", "550 5.7.650 x"), 0);
	assert_int_equal(line_of(rules, "", "450 4.2.0 x"), 4);
	assert_int_equal(line_of(rules, "", "550 5.2.0 x"), 0);
	assert_int_equal(line_of(rules, "", "550 5.1.999 x"), 5);
	assert_int_equal(line_of(rules, "", "550 x"), 0);
	assert_int_equal(line_of(rules, "", "4.7.28 x"), 0); /* without a code it is text */
	rep_rules_free(rules);
}

/* What the MTA tells apart counts more than what stands in the reply, if it is a status. */
static void test_status_told(void **state)
{
	struct rep_rules *rules = rules_of("* * 4.4.1 network provider - *\n"
					   "* * 4.7.0 content message - *\n");

	(void)state;
	assert_int_equal(line_told(rules, "", "connect to mx: timed out", "4.4.1"), 1);
	assert_int_equal(line_told(rules, "", "450 4.7.0 x", "4.4.1"), 1);
	assert_int_equal(line_told(rules, "", "450 4.7.0 x", ""), 2);
	assert_int_equal(line_told(rules, "", "450 4.7.0 x", "4.4"), 2);
	assert_int_equal(line_told(rules, "", "450 4.7.0 x", "4.4.1 "), 2);
	assert_int_equal(line_told(rules, "", "450 4.7.0 x", "hello"), 2);
	assert_int_equal(line_told(rules, "", "450 4.7.0 x", "4.4.1.1"), 2);
	rep_rules_free(rules);
}

/* --- patterns ----------------------------------------------------------------------------------------------------- */

static void test_patterns(void **state)
{
	(void)state;
	assert_true(takes("User Unknown", "550 5.1.1 USER unknown"));
	assert_true(takes("spam", "550 antispam")); /* anywhere */
	assert_true(takes("550", "550"));
	assert_false(takes("spam", "550 spa m"));
	assert_true(takes("too  many\terrors", "421 too many errors"));
	assert_true(takes("too many errors", "421 too \t  many\r\nerrors"));
	assert_false(takes("too many", "421 toomany"));
	assert_true(takes("a|b", "550 a|b"));
	assert_false(takes("a|b", "550 b"));
	assert_true(takes("a| b", "550 a| b"));
	assert_false(takes("a| b", "550 b"));
	assert_true(takes("a |b", "550 a |b"));
	assert_false(takes("a |b", "550 a"));
	assert_true(takes("a # b", "550 a # b"));
	assert_true(takes("domain\\name", "550 DOMAIN\\name")); /* "\n" is a blank on both sides */
	assert_true(takes("domain ame", "550 DOMAIN\\name"));
	assert_true(takes("domain\\user", "550 DOMAIN\\user"));
	assert_false(takes("domain user", "550 DOMAIN\\user"));
	assert_true(takes("\303\244nderung", "550 \303\244NDERUNG"));
}

static void test_alternatives(void **state)
{
	(void)state;
	assert_true(takes("one | two | three", "550 one"));
	assert_true(takes("one | two | three", "550 two"));
	assert_true(takes("one | two | three", "550 three"));
	assert_false(takes("one | two | three", "550 | four"));
	assert_true(takes("full | quota * exceeded", "552 quota (1 GB) exceeded"));
	assert_false(takes("full | quota * exceeded", "552 exceeded quota"));
}

static void test_more_alternatives(void **state)
{
	struct rep_rules *rules = rules_of("* * * content message - one | two\n"
					   "   | three | four * five\n"
					   "# between\n"
					   "| six\n"
					   "= 550 six\n"
					   "* * * policy message - three | seven\n");

	(void)state;
	assert_int_equal(line_of(rules, "", "550 one"), 1);
	assert_int_equal(line_of(rules, "", "550 three"), 1);
	assert_int_equal(line_of(rules, "", "550 four, five"), 1);
	assert_int_equal(line_of(rules, "", "550 four"), 0);
	assert_int_equal(line_of(rules, "", "550 six"), 1);
	assert_int_equal(line_of(rules, "", "550 seven"), 6);
	rep_rules_free(rules);
}

static void test_text_between(void **state)
{
	(void)state;
	assert_true(takes("too many * from", "421 too many errors from 192.0.2.1"));
	assert_true(takes("too many * from", "421 too many from 192.0.2.1"));
	assert_true(takes("too many*from", "421 too manyfrom"));
	assert_false(takes("too many * from", "421 from: too many"));
	assert_true(takes("ofr*_104", "421 mwinf OFR004_104 [104]"));
	assert_true(takes("* spam *", "550 spam"));
	assert_true(takes("a * * b", "550 ab"));
	/* pieces follow on each other and never share a byte */
	assert_false(takes("aba * aba", "550 ababa"));
	assert_true(takes("aba * aba", "550 abaaba"));
	assert_true(takes("aba * aba", "550 ababababa"));
	assert_false(takes("x * x * x", "550 xx"));
	assert_true(takes("x * x * x", "550 xxx"));
	assert_true(takes("a * ab * b", "550 a ab b"));
	assert_false(takes("a * ab * b", "550 ab a b"));
	assert_false(takes("rest * test", "550 rest"));
}

static void test_blanks_asked_for(void **state)
{
	(void)state;
	assert_true(takes("~spf~", "550 failed spf check"));
	assert_true(takes("~spf~", "550 failed SPF"));
	assert_true(takes("~full", "full"));
	assert_true(takes("full~", "full"));
	assert_false(takes("~spf~", "550 spf-failed"));
	assert_false(takes("~spf~", "550 aspf"));
	assert_true(takes("a ~ b", "550 a b"));
	assert_true(takes("a~~b", "550 a   b"));
	assert_false(takes("a~b", "550 ab"));
	assert_true(takes("of~*~end", "550 of the end"));
	assert_false(takes("of~*~end", "550 of theend"));
}

/* --- replies of several lines ------------------------------------------------------------------------------------- */

static void test_marks(void **state)
{
	(void)state;
	assert_true(takes("please try double-checking", "550-5.1.1 Please try 550-5.1.1 double-checking"));
	assert_true(takes("please try double-checking", "550-5.1.1 Please try 550 5.1.1 double-checking"));
	assert_true(takes("please try double-checking", "550-5.1.1 Please try 550-double-checking"));
	assert_true(takes("please try double-checking", "550-5.1.1 Please try\\n550-5.1.1 double-checking"));
	assert_true(takes("please try double-checking", "550-5.1.1 Please try\r\n550-5.1.1 double-checking"));
	assert_true(takes("please try double-checking", "550-5.1.1 Please 550-5.1.1 try 550 5.1.1  double-checking"));
	assert_true(takes("no smtp service bad", "554-mx No SMTP service 554-Bad DNS PTR resource record. 554 See"));
	assert_true(takes("550-5.1.1 please", "550-5.1.1 Please")); /* the first stays */
	/* another code or status is part of the text, as is everything in a reply of one line */
	assert_false(takes("try double", "550-5.1.1 try 551-5.1.1 double"));
	assert_true(takes("try 5.1.2 double", "550-5.1.1 try 550-5.1.2 double"));
	assert_true(takes("try 5.1.10 double", "550-5.1.1 try 550-5.1.10 double"));
	assert_true(takes("try 5.1.1 double", "550-try 550-5.1.1 double"));
	assert_true(takes("said: 550 no", "550 5.1.1 unverified: host said: 550 no"));
	assert_true(takes("x550-5.1.1 y", "550-5.1.1 x550-5.1.1 y"));
	assert_true(takes("number 5501 is", "550-5.1.1 number 5501 is"));
	/* at the end */
	assert_true(takes("try~", "550-5.1.1 try 550-5.1.1"));
	assert_true(takes("try~", "550-5.1.1 try 550 5.1.1 "));
	assert_true(takes("try 550~", "550-5.1.1 try 550"));
	assert_true(takes("try 5.1~", "550-5.1.1 try 550-5.1"));
}

/* --- sizes and hostile text --------------------------------------------------------------------------------------- */

static void test_length(void **state)
{
	struct rep_rules *rules = rules_of("* * * content message - needle\n");
	char reply[REP_REPLY_MAX + 100];

	(void)state;
	memset(reply, 'x', sizeof(reply));
	memcpy(reply, "550 ", 4);
	memcpy(reply + REP_REPLY_MAX - 6, "needle", 6);
	assert_int_equal(rep_rules_match(rules, "", (struct rep_text){ reply, sizeof(reply) }, text_of("")).line, 1);
	reply[REP_REPLY_MAX - 7] = 'n';
	memcpy(reply + REP_REPLY_MAX - 6, "xneedle", 7);
	assert_int_equal(rep_rules_match(rules, "", (struct rep_text){ reply, sizeof(reply) }, text_of("")).line, 0);
	rep_rules_free(rules);
}

/* Each reply in a block of its own size (for ASan): all prefixes of a text full of marks, and of every byte there is.
 */
static void test_any_bytes(void **state)
{
	static const char marks[] = "550-5.1.1 550-5.1.1 550-5.1.1\\n550 5.1.1 550-5.1. 550-5. 550- 550 5.1.1";
	struct rep_rules *rules = shipped();
	char bytes[600];

	(void)state;
	for (u32 i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i < sizeof(marks) - 1 ? marks[i] : (int)(i * 7));
	for (u32 length = 0; length < sizeof(bytes); length++) {
		char *exact = malloc(length + 1);
		struct rep_text reply = { memcpy(exact + 1, bytes, length), length };
		struct rep_text dsn = { exact + 1, length > 9 ? 9 : length };

		rep_rules_match(rules, "google", reply, dsn);
		rep_rules_match(rules, "google", dsn, reply);
		free(exact);
	}
	rep_rules_free(rules);
}

/* Nothing but blanks, and nothing at all. */
static void test_empty_replies(void **state)
{
	struct rep_rules *rules = rules_of("* none * content message - a\n* none * network provider - *\n");

	(void)state;
	assert_int_equal(line_of(rules, "", ""), 2);
	assert_int_equal(line_of(rules, "", " \t\r\n "), 2);
	rep_rules_free(rules);
	rules = rules_of("# no rule at all\n");
	assert_int_equal(rules->rule_count, 0);
	assert_int_equal(line_of(rules, "google", "550 5.1.1 User unknown"), 0);
	rep_rules_free(rules);
}

/* --- mistakes ----------------------------------------------------------------------------------------------------- */

static void expect_mistake(const char *text, const char *said)
{
	char expected[600];

	write_file("rules", text);
	assert_null(read_file("rules"));
	snprintf(expected, sizeof(expected), "%s%s", in_folder("rules"), said);
	assert_string_equal(error, expected);
}

#define GOOD "* * * content message - x\n"
#define COLUMNS_EXPECTED "expected PROVIDER CODE ENHANCED CATEGORY SCOPE PAUSE PATTERN, not "
#define PROVIDER_EXPECTED "expected a provider's name, several with commas between them, or *, not "
#define CODE_EXPECTED "expected a code like 421, 55x or 4xx, none or *, not "
#define STATUS_EXPECTED "expected a status like 4.7.28, *.7.26, 4.7.* or 5.7.606-649, or *, not "
#define PAUSE_EXPECTED "expected a pause like 90s, 10m, 2h or 1d, or - for none, not "

static void test_mistakes_in_columns(void **state)
{
	static const char *const codes[] = { "55", "5501", "250", "350", "650", "x50", "5x0", "5x5", "abc", "55*" };
	static const char *const statuses[] = { "4",     "4.7",   "4.7.28.1", "4.7.1000",   "4.7.",  "..",
						"4.7.x", "a.b.c", "4.7.9-5",  "4.7.1-1000", "4.7.1-" };
	static const char *const names[] = { ",", "a,", ",a", "a,,b", "a/b", "*,a" };
	static const char *const pauses[] = { "*", "10", "m", "0m", "-1m", "1w", "10m5s", "99999999999999d" };
	char text[200], said[300];

	(void)state;
	expect_mistake(GOOD "\n*\n", ":3: " COLUMNS_EXPECTED "1 column");
	expect_mistake(GOOD "* * *  content  message\n", ":2: " COLUMNS_EXPECTED "5 columns");
	expect_mistake("* * * content message -   \n", ":1: " COLUMNS_EXPECTED "6 columns");
	for (u32 i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
		snprintf(text, sizeof(text), "* %s * content message - x\n", codes[i]);
		snprintf(said, sizeof(said), ":1: " CODE_EXPECTED "\"%s\"", codes[i]);
		expect_mistake(text, said);
	}
	for (u32 i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		snprintf(text, sizeof(text), GOOD "* * %s content message - x\n", statuses[i]);
		snprintf(said, sizeof(said), ":2: " STATUS_EXPECTED "\"%s\"", statuses[i]);
		expect_mistake(text, said);
	}
	for (u32 i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(text, sizeof(text), "%s * * content message - x\n", names[i]);
		snprintf(said, sizeof(said), ":1: " PROVIDER_EXPECTED "\"%s\"", names[i]);
		expect_mistake(text, said);
	}
	for (u32 i = 0; i < sizeof(pauses) / sizeof(*pauses); i++) {
		snprintf(text, sizeof(text), "* * * content message %s x\n", pauses[i]);
		snprintf(said, sizeof(said), ":1: " PAUSE_EXPECTED "\"%s\"", pauses[i]);
		expect_mistake(text, said);
	}
	expect_mistake("* * * userunknown recipient - x\n",
		       ":1: expected a category like user-unknown or rate-limited, not \"userunknown\"");
	expect_mistake("* * * none recipient - x\n",
		       ":1: expected a category like user-unknown or rate-limited, not \"none\"");
	expect_mistake("* * * content sender - x\n",
		       ":1: expected a scope: recipient, message, domain, source, network or provider, not \"sender\"");
}

static void test_mistakes_in_patterns(void **state)
{
	(void)state;
	expect_mistake("* * * content message - a |\n", ":1: expected words in each part of a pattern, not \"\"");
	expect_mistake("* * * content message - | a\n", ":1: expected words in each part of a pattern, not \"\"");
	expect_mistake("* * * content message - a | | b\n", ":1: expected words in each part of a pattern, not \"\"");
	expect_mistake("* * * content message - a | *\n", ":1: expected words in each part of a pattern, not \"*\"");
	expect_mistake("* * * content message - **\n", ":1: expected words in each part of a pattern, not \"**\"");
	expect_mistake(GOOD "|\n", ":2: expected words in each part of a pattern, not \"\"");
	expect_mistake(GOOD "| a |\n", ":2: expected words in each part of a pattern, not \"\"");
	expect_mistake("| a\n" GOOD, ":1: expected a rule above a line with |, not none");
	expect_mistake("* * * content message - *\n| a\n",
		       ":2: expected words in the rule above a line with |, not any text");
	expect_mistake("* * * content message - a | ~\n", ":1: expected words between blanks, not \"~\"");
	expect_mistake("* * * content message - a | ~\\n~\n", ":1: expected words between blanks, not \"~\\n~\"");
	expect_mistake("* * * content message - a * ~ * b\n", ":1: expected words between blanks, not \"a * ~ * b\"");
}

static void test_mistakes_in_lines(void **state)
{
	static const char zero[] = GOOD GOOD "* * * content\0message - x\n";

	(void)state;
	expect_mistake("= 550 x\n" GOOD, ":1: expected a rule above its example, not none");
	expect_mistake(GOOD "=  \n", ":2: expected a reply behind =, not nothing");
	expect_mistake(GOOD "include\n", ":2: expected include \"FILE\", not \"\"");
	expect_mistake(GOOD "include other\n", ":2: expected include \"FILE\", not \"other\"");
	expect_mistake(GOOD "include \"\"\n", ":2: expected include \"FILE\", not \"\"\"\"");
	expect_mistake(GOOD "include \"a\" b\n", ":2: expected include \"FILE\", not \"\"a\" b\"");
	expect_mistake(GOOD "include \"a\n", ":2: expected include \"FILE\", not \"\"a\"");
	write_bytes("rules", zero, sizeof(zero) - 1);
	assert_null(read_file("rules"));
	assert_non_null(strstr(error, "rules:3: expected text, not a zero byte"));
	/* what is quoted is cut, and is one line */
	expect_mistake(
		"* 1234567890123456789012345678901234567890123456789012345678901234567890123456789012345 * content "
		"message - x\n",
		":1: " CODE_EXPECTED
		"\"12345678901234567890123456789012345678901234567890123456789012345678901234567890\"");
	expect_mistake("* * * content message - a | *\r*\n",
		       ":1: expected words in each part of a pattern, not \"* *\"");
}

static void test_little_room_for_the_mistake(void **state)
{
	char little[20];

	(void)state;
	write_file("rules", "bad\n");
	memset(little, '#', sizeof(little));
	assert_null(rep_rules_read(in_folder("rules"), little, 10));
	assert_int_equal(strlen(little), 9);
	assert_int_equal(little[10], '#');
	assert_null(rep_rules_read(in_folder("rules"), little, 0));
	assert_int_equal(little[10], '#');
}

/* --- files -------------------------------------------------------------------------------------------------------- */

static void test_ends_of_lines(void **state)
{
	struct rep_rules *rules = rules_of("\r\n  # comment\r\n\t* * * content message - one\r\n  = 550 one\r\n"
					   "* * * policy message - two");
	unsigned int examples;

	(void)state;
	assert_int_equal(line_of(rules, "", "550 one"), 3);
	assert_int_equal(line_of(rules, "", "550 two"), 5);
	assert_int_equal(rep_rules_try(rules, stderr, &examples), 0);
	assert_int_equal(examples, 1);
	rep_rules_free(rules);
}

static void test_files_that_are_none(void **state)
{
	char expected[600];

	(void)state;
	assert_null(read_file("missing"));
	snprintf(expected, sizeof(expected), "%s: expected a file of rules: No such file or directory",
		 in_folder("missing"));
	assert_string_equal(error, expected);
	assert_null(read_file("."));
	assert_non_null(strstr(error, ": expected a regular file of rules, not another kind"));
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	assert_null(read_file("fifo"));
	assert_non_null(strstr(error, "/fifo: expected a regular file of rules, not another kind"));
	assert_null(rep_rules_read("/dev/zero", error, sizeof(error)));
	assert_string_equal(error, "/dev/zero: expected a regular file of rules, not another kind");
}

static void test_largest_file(void **state)
{
	size_t most = 1u << 20;
	char *bytes = malloc(most + 1);
	struct rep_rules *rules;

	(void)state;
	memset(bytes, '#', most + 1);
	write_bytes("large", bytes, most);
	rules = read_file("large");
	assert_non_null(rules);
	rep_rules_free(rules);
	write_bytes("large", bytes, most + 1);
	assert_null(read_file("large"));
	assert_non_null(strstr(error, "/large: expected at most 1048576 bytes, not more"));
	free(bytes);
}

/* All patterns together have a bound. */
static void test_too_many_patterns(void **state)
{
	char *text = malloc(300000);
	size_t used = 0;
	struct rep_rules *rules;

	(void)state;
	for (u32 i = 0; i < 6553; i++)
		used += (size_t)sprintf(text + used, "* * * content message - ten%07u\n", i);
	used += (size_t)sprintf(text + used, "* * * content message - four\n");
	write_bytes("many", text, used);
	rules = read_file("many");
	assert_non_null(rules);
	assert_int_equal(line_of(rules, "", "550 ten0006552"), 6553);
	assert_int_equal(line_of(rules, "", "550 four"), 6554);
	rep_rules_free(rules);
	used += (size_t)sprintf(text + used, "* * * content message - x\n");
	write_bytes("many", text, used);
	assert_null(read_file("many"));
	assert_non_null(strstr(error, "/many: expected patterns of at most 65534 bytes in all, not more"));
	free(text);
}

/* --- include ------------------------------------------------------------------------------------------------------ */

/* Where the line stands, there the other file's rules stand. */
static void test_include(void **state)
{
	struct rep_rules *rules;
	unsigned int examples;

	(void)state;
	write_file("other", "\n\n* * * content message - a | b\n= 550 b\n");
	rules = rules_of(
		"* * * policy message - a\n= 550 a\ninclude \"other\"\n* * * network provider - b | c\n= 550 c\n");
	assert_int_equal(line_of(rules, "", "550 a"), 1);
	assert_int_equal(line_of(rules, "", "550 b"), 3);
	assert_int_equal(rep_rules_match(rules, "", text_of("550 b"), text_of("")).category, REP_CONTENT);
	assert_int_equal(line_of(rules, "", "550 c"), 4);
	assert_int_equal(rep_rules_try(rules, stderr, &examples), 0);
	assert_int_equal(examples, 3);
	rep_rules_free(rules);
	rules = rules_of("include   \"other\"  \n* * * policy message - a\n");
	assert_int_equal(rep_rules_match(rules, "", text_of("550 a"), text_of("")).category, REP_CONTENT);
	rep_rules_free(rules);
}

/* From the folder of the file that includes, or from the root. */
static void test_include_paths(void **state)
{
	struct rep_rules *rules;
	char text[600];

	(void)state;
	mkdir(in_folder("deeper"), 0700);
	write_file("deeper/one", "include \"two\"\n");
	write_file("deeper/two", "* * * content message - two\n");
	rules = rules_of("include \"deeper/one\"\n");
	assert_int_equal(line_of(rules, "", "550 two"), 1);
	rep_rules_free(rules);
	snprintf(text, sizeof(text), "include \"%s\"\n", in_folder("deeper/two"));
	write_file("deeper/three", text);
	rules = read_file("deeper/three");
	assert_non_null(rules);
	rep_rules_free(rules);
}

static void test_include_of_itself(void **state)
{
	char expected[600];

	(void)state;
	snprintf(expected, sizeof(expected), ":2: expected a file that is not being read already, not \"%s\"",
		 in_folder("rules"));
	expect_mistake(GOOD "include \"rules\"\n", expected);
	write_file("back", "#\n#\ninclude \"rules\"\n");
	write_file("rules", GOOD "include \"back\"\n");
	assert_null(read_file("rules"));
	snprintf(expected, sizeof(expected), "%s:3: expected a file that is not being read already, not \"%s\"",
		 in_folder("back"), in_folder("rules"));
	assert_string_equal(error, expected);
	assert_int_equal(symlink("rules", in_folder("link")), 0);
	write_file("rules", "include \"link\"\n");
	assert_null(read_file("rules"));
	assert_non_null(strstr(error, "rules:1: expected a file that is not being read already"));
	/* twice, one after the other, is well */
	write_file("other", GOOD);
	rep_rules_free(rules_of("include \"other\"\ninclude \"other\"\n"));
}

static void test_mistakes_of_include(void **state)
{
	char expected[600], text[600] = "";

	(void)state;
	snprintf(expected, sizeof(expected), ":2: expected a file of rules, not \"%s\": No such file or directory",
		 in_folder("absent"));
	expect_mistake(GOOD "include \"absent\"\n", expected);
	write_file("other", "#\nbad\n");
	write_file("rules", "include \"other\"\n");
	assert_null(read_file("rules"));
	assert_non_null(strstr(error, "/other:2: " COLUMNS_EXPECTED "1 column"));
	write_file("other", GOOD);
	expect_mistake(GOOD "include \"other\"\n= 550 x\n", ":3: expected a rule above its example, not none");
	for (u32 i = 0; i < 31; i++)
		strcat(text, "include \"other\"\n");
	rep_rules_free(rules_of(text));
	strcat(text, "include \"other\"\n");
	expect_mistake(text, ":32: expected at most 32 files in all, not more");
}

/* --- examples ----------------------------------------------------------------------------------------------------- */

static void test_misses(void **state)
{
	struct rep_rules *rules;
	unsigned int examples = 0;
	char *said, expected[1000];
	size_t length;
	FILE *out = open_memstream(&said, &length);
	const char *path;

	(void)state;
	rules = rules_of("google * * content message - a\n"
			 "= 550 a\n"
			 "= 550 b\n"
			 "yahoo,google * * policy message - a | b\n"
			 "= 550 b\n"
			 "= 550 a\n"
			 "* * * network provider - c\n"
			 "= 550 c\n");
	assert_int_equal(rep_rules_try(rules, out, &examples), 2);
	assert_int_equal(examples, 5);
	fclose(out);
	path = in_folder("rules");
	snprintf(expected, sizeof(expected),
		 "%s:3: expected the rule of line 1 to take this example, but %s:4 does\n"
		 "%s:6: expected the rule of line 4 to take this example, but %s:1 does\n",
		 path, path, path, path);
	assert_string_equal(said, expected);
	free(said);
	rep_rules_free(rules);
	rules = rules_of("yahoo,google * * content message - a\n= 550 b\n");
	out = open_memstream(&said, &length);
	assert_int_equal(rep_rules_try(rules, out, &examples), 1);
	assert_int_equal(examples, 1);
	fclose(out);
	snprintf(expected, sizeof(expected), "%s:2: expected the rule of line 1 to take this example, but none does\n",
		 in_folder("rules"));
	assert_string_equal(said, expected);
	free(said);
	rep_rules_free(rules);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	static const char *const names[] = { "rules", "fifo", "large",      "many",       "other",
					     "back",  "link", "deeper/one", "deeper/two", "deeper/three" };

	(void)state;
	for (u32 i = 0; i < sizeof(names) / sizeof(*names); i++)
		unlink(in_folder(names[i]));
	rmdir(in_folder("deeper"));
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped_examples),
		cmocka_unit_test(test_shipped_categories),
		cmocka_unit_test(test_shipped_pauses),
		cmocka_unit_test(test_shipped_providers),
		cmocka_unit_test(test_shipped_others),
		cmocka_unit_test(test_rules_of_the_manual),
		cmocka_unit_test(test_first_match_wins),
		cmocka_unit_test(test_meaning),
		cmocka_unit_test(test_pauses),
		cmocka_unit_test(test_providers),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_deliveries),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_status_told),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_alternatives),
		cmocka_unit_test(test_more_alternatives),
		cmocka_unit_test(test_text_between),
		cmocka_unit_test(test_blanks_asked_for),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_empty_replies),
		cmocka_unit_test(test_mistakes_in_columns),
		cmocka_unit_test(test_mistakes_in_patterns),
		cmocka_unit_test(test_mistakes_in_lines),
		cmocka_unit_test(test_little_room_for_the_mistake),
		cmocka_unit_test(test_ends_of_lines),
		cmocka_unit_test(test_files_that_are_none),
		cmocka_unit_test(test_largest_file),
		cmocka_unit_test(test_too_many_patterns),
		cmocka_unit_test(test_include),
		cmocka_unit_test(test_include_paths),
		cmocka_unit_test(test_include_of_itself),
		cmocka_unit_test(test_mistakes_of_include),
		cmocka_unit_test(test_misses),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
