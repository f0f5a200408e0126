// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/log.h"
#include "tools/html/chart.h"
#include "tools/html/text.h"
#include "tools/mxrep/page.h"
#include "tools/mxrep/report.h"

#define NOON (20000 * 86400LL + 43200) /* 2024-10-04T12:00:00Z */
#define HOUR ((u32)(NOON / 3600))

static char folder[] = "/tmp/rep-page-XXXXXX", store_path[64], page_path[64];
static struct rep_settings *settings;

static int begin(void **state)
{
	char error[1000];

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(store_path, sizeof(store_path), "%s/store.db", folder);
	snprintf(page_path, sizeof(page_path), "%s/page.html", folder);
	settings = rep_settings_read("/nonexistent/mxrep.conf", false, error);
	assert_non_null(settings);
	free(settings->store);
	settings->store = mx_strdup(store_path);
	return 0;
}

static int end(void **state)
{
	char command[100];

	(void)state;
	rep_settings_free(settings);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static struct rep_store *new_store(void)
{
	char error[300], path[80];

	unlink(store_path);
	snprintf(path, sizeof(path), "%s-wal", store_path);
	unlink(path);
	return rep_store_open(store_path, error, sizeof(error));
}

static char *page_of(struct rep_store *store)
{
	char *bytes;
	size_t length;
	FILE *out = open_memstream(&bytes, &length);

	rep_page_print(store, settings, NOON, out);
	fclose(out);
	return bytes;
}

static void has(const char *page, const char *text)
{
	if (!strstr(page, text))
		fail_msg("not in the page: %s", text);
}

static void lacks(const char *page, const char *text)
{
	if (strstr(page, text))
		fail_msg("in the page: %s", text);
}

static u32 times(const char *page, const char *text)
{
	u32 n = 0;

	for (; (page = strstr(page, text)); page++)
		n++;
	return n;
}

/* --- texts ------------------------------------------------------------------------------------------------------ */

#define UNKNOWN "\xef\xbf\xbd"

static void expect_cut(const char *text, size_t most, const char *written)
{
	char *bytes;
	size_t length;
	FILE *out = open_memstream(&bytes, &length);

	mx_html_cut(text, most, out);
	fclose(out);
	assert_string_equal(bytes, written);
	free(bytes);
}

static void expect(const char *text, const char *written)
{
	expect_cut(text, 1000, written);
}

static void test_text(void **state)
{
	(void)state;
	expect("plain text, ~{}[]!", "plain text, ~{}[]!");
	expect("<b a=\"1\" b='2'>&amp;", "&lt;b a=&quot;1&quot; b=&#39;2&#39;&gt;&amp;amp;");
	expect("]]>", "]]&gt;");
	expect("a\tb\r\nc", "a b  c");
	expect("\x01\x07\x1b[31m\x7f", UNKNOWN UNKNOWN UNKNOWN "[31m" UNKNOWN);
	expect("\xc2\x9b"
	       "31m \xc2\x80 \xc2\xa0",
	       UNKNOWN "31m " UNKNOWN " \xc2\xa0");
	expect("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
	expect("", "");
}

static void test_text_unseen(void **state)
{
	(void)state;
	expect("\xe2\x80\xae", UNKNOWN); /* override from right to left */
	expect("\xe2\x81\xa6\xe2\x81\xa9", UNKNOWN UNKNOWN);
	expect("\xe2\x80\x8b\xe2\x80\x8f\xef\xbb\xbf", UNKNOWN UNKNOWN UNKNOWN);
	expect("\xe2\x80\xa8\xe2\x80\xa9\xd8\x9c\xc2\xad", UNKNOWN UNKNOWN UNKNOWN UNKNOWN);
	expect("\xf3\xa0\x81\x81", UNKNOWN);                                         /* a tag */
	expect("\xef\xbf\xbe\xef\xbf\xbf\xf0\x9f\xbf\xbe", UNKNOWN UNKNOWN UNKNOWN); /* no characters */
}

static void test_text_broken(void **state)
{
	(void)state;
	expect("\xff\xfe\x80", UNKNOWN UNKNOWN UNKNOWN);
	expect("\xc0\xbc", UNKNOWN UNKNOWN); /* "<", too long */
	expect("\xc1\xbf\xe0\x80\xbc", UNKNOWN UNKNOWN UNKNOWN UNKNOWN UNKNOWN);
	expect("\xed\xa0\x80", UNKNOWN UNKNOWN UNKNOWN);             /* half of a pair */
	expect("\xf4\x90\x80\x80", UNKNOWN UNKNOWN UNKNOWN UNKNOWN); /* beyond the last */
	expect("\xf5\x80\x80\x80", UNKNOWN UNKNOWN UNKNOWN UNKNOWN);
	expect("\xf0\x80\x80\xbc", UNKNOWN UNKNOWN UNKNOWN UNKNOWN);
	expect("\xe2\x82<", UNKNOWN UNKNOWN "&lt;"); /* what follows is no part of it */
	expect("\xc3", UNKNOWN);                     /* nor is the end */
	expect("\xe2\x82", UNKNOWN UNKNOWN);
	expect("\xf0\x9f\x98", UNKNOWN UNKNOWN UNKNOWN);
}

static void test_text_cut(void **state)
{
	(void)state;
	expect_cut("abc", 3, "abc");
	expect_cut("abcd", 3, "abc\xe2\x80\xa6");
	expect_cut("\xc3\xa9\xc3\xa9<", 2, "\xc3\xa9\xc3\xa9\xe2\x80\xa6");
	expect_cut("<<<", 1, "&lt;\xe2\x80\xa6");
	expect_cut("", 0, "");
	expect_cut("a", 0, "\xe2\x80\xa6");
}

/* --- charts ----------------------------------------------------------------------------------------------------- */

static const char *date(const void *arg, u32 day, char *text)
{
	(void)arg;
	sprintf(text, "d%u", day);
	return text;
}

static char *chart_of(struct mx_chart *c)
{
	char *bytes;
	size_t length;
	FILE *out = open_memstream(&bytes, &length);

	c->title = "t<";
	c->unit = "u";
	c->date = date;
	mx_chart_print(c, out);
	fclose(out);
	return bytes;
}

/* The small chart's axis of values stands at 186 and reaches up to 12: 174 for what is the highest. */
static void test_bars(void **state)
{
	struct mx_chart c = { .days = 4, .small = true, .description = "d>" };
	struct mx_series *a = mx_chart_add(&c, 0, MX_DRAW_BAR), *b = mx_chart_add(&c, 5, MX_DRAW_STRIPED);
	char *page;

	(void)state;
	strcpy(a->name, "below");
	strcpy(b->name, "upon");
	a->values[0] = 500;
	b->values[0] = 500;
	b->values[1] = 250;
	a->values[2] = 0.001;
	page = chart_of(&c);
	has(page, "<h2>t&lt;</h2>");
	has(page, "role=\"img\" aria-label=\"t&lt;\">\n<desc>d&gt;</desc>");
	has(page, "d=\"M107.5 186.0V99.0M289.5 186.0V185.0\"><title>below</title>");
	has(page, "d=\"M107.5 99.0V12.0M198.5 186.0V142.5\"><title>upon</title>");
	assert_int_equal(times(page, "class=\"bar striped\""), 2); /* and in the legend */
	assert_int_equal(times(page, "class=\"marker\""), 0);
	has(page, ">1 k</text>");
	lacks(page, ">1.2 k</text>");
	free(page);
}

static void test_lines(void **state)
{
	struct mx_chart c = { .days = 3, .small = true, .heading = "h4" };
	struct mx_series *a = mx_chart_add(&c, 0, MX_DRAW_LINE), *b = mx_chart_add(&c, 3, MX_DRAW_LIMIT);
	char *page;
	u32 i;

	(void)state;
	a->values[0] = 10;
	a->values[2] = 5;
	for (i = 0; i < 3; i++)
		b->values[i] = 2.5;
	page = chart_of(&c);
	has(page, "<h4>t&lt;</h4>");
	has(page, "d=\"M62.0 12.0M426.0 99.0\">"); /* no line where a day has none */
	has(page, "d=\"M62.0 12.0m-4 0a4");
	has(page, "M426.0 99.0m-4 0a4");
	has(page, "class=\"limit\" stroke=\"#000000\" d=\"M62 142.5H426\">");
	free(page);
}

/* A marker on each third day, and on one that would not be seen without. */
static void test_markers(void **state)
{
	struct mx_chart c = { .days = 20, .small = true };
	struct mx_series *a = mx_chart_add(&c, 0, MX_DRAW_LINE);
	char *page;
	u32 i;

	(void)state;
	a->values[1] = 10;
	for (i = 8; i < 20; i++)
		a->values[i] = 10;
	page = chart_of(&c);
	has(page, "d=\"M81.2 12.0m-4 0a4");
	has(page, "M234.4 12.0m-4 0a4"); /* the ninth */
	assert_int_equal(times(page, "12.0m-4"), 5);
	free(page);
}

/* --- the page --------------------------------------------------------------------------------------------------- */

static void count(struct rep_store *s, u32 days_ago, u32 lane, enum rep_what what, enum rep_category category, u32 n)
{
	rep_store_count(s, HOUR - 24 * days_ago, lane, what, category, REP_EXACT, n);
}

/* A pass remembers messages, too. */
static void end_pass(struct rep_store *s)
{
	rep_store_message(s, 1, 2, 1, HOUR);
	rep_store_commit(s);
}

static void test_empty(void **state)
{
	struct rep_store *s = new_store();
	char *page = page_of(s);

	(void)state;
	has(page, "Written by mxrep at 2024-10-04T12:00:00Z, of the store /tmp/rep-page-");
	has(page, "Nothing has been counted in the last 30 days</h2>");
	has(page, "No log is named yet: name the MTA's log in <code>logs</code> of");
	has(page, "<code>/nonexistent/mxrep.conf</code>");
	has(page, "<code>mxrep ingest /var/log/mail.log*</code>");
	has(page, "<code>mxrep dmarc</code>");
	lacks(page, "<table");
	lacks(page, "<svg");
	lacks(page, "href=");
	free(page);
	rep_store_close(s);
}

static void test_lanes(void **state)
{
	struct rep_store *s = new_store();
	u32 good, bad, few;
	char *page;

	(void)state;
	rep_store_begin(s);
	good = rep_store_lane(s, "mx1", "google", "");
	bad = rep_store_lane(s, "mx2", "isp", "");
	few = rep_store_lane(s, "", "isp", "");
	count(s, 0, good, REP_WHAT_SENT, REP_NONE, 990);
	count(s, 0, good, REP_WHAT_DEFERRED, REP_GREYLISTED, 8);
	count(s, 0, good, REP_WHAT_BOUNCED, REP_USER_UNKNOWN, 2);
	count(s, 0, good, REP_WHAT_FAILED, REP_NETWORK, 7);
	count(s, 3, good, REP_WHAT_SENT, REP_NONE, 1000);
	count(s, 0, bad, REP_WHAT_SENT, REP_NONE, 300);
	count(s, 0, bad, REP_WHAT_BOUNCED, REP_USER_UNKNOWN, 100);
	count(s, 0, bad, REP_WHAT_COMPLAINT, REP_NONE, 5);
	count(s, 2, few, REP_WHAT_SENT, REP_NONE, 3);
	rep_store_run(s, "INSERT INTO standing VALUES (?, 0, 3, 100, ?, 1, 0, 0)", "ii", (s64)bad, NOON + 600);
	rep_store_run(s, "INSERT INTO action VALUES (1, ?, ?, 'backoff', '900', 'r<1>', 'e<1>', 'done')", "ii",
		      NOON - 100, (s64)bad);
	rep_store_run(s, "INSERT INTO action VALUES (2, ?, ?, 'warmup', 'back', 'spammer', '', 'dry-run')", "ii",
		      NOON - 50, (s64)bad);
	rep_store_run(s, "INSERT INTO action VALUES (3, ?, ?, 'factor', '0.100', 'long ago', '', 'done')", "ii",
		      NOON - 100000, (s64)good);
	rep_store_run(s, "INSERT INTO reply VALUES (?, ?, 1, '451 <grey>', ?)", "iii", (s64)good, (s64)REP_GREYLISTED,
		      NOON - 9);
	end_pass(s);
	page = page_of(s);
	has(page, "<p>1 of 2 lanes is not as it should be:</p>");
	has(page, "<li class=\"spammer\"><strong>spammer</strong> mx2 at isp: 100 bad addresses and 5 complaints of 400"
		  " messages: 26.25 %. Done: warm-up set back at 2024-10-04T11:59:10Z (dry-run); rest of 15 min at"
		  " 2024-10-04T11:58:20Z (done). Its share is at 10.0 %. It rests until 2024-10-04T12:10:00Z.</li>");
	has(page, "<tr class=\"spammer\"><th scope=\"row\">mx2</th><td class=\"t\">isp</td><td>400</td><td>300</td>"
		  "<td>0</td><td>100</td><td>0</td><td>5</td><td>100</td><td>26.25 %</td>"
		  "<td class=\"t\">spammer</td></tr>");
	has(page, "<tr><th scope=\"row\">mx1</th><td class=\"t\">google</td><td>1000</td><td>990</td><td>8</td>"
		  "<td>2</td><td>7</td><td>0</td><td>2</td><td>0.20 %</td><td class=\"t\">acceptable</td></tr>");
	has(page, "<tr><th scope=\"row\">mx1</th><td class=\"t\">google</td><td>2000</td><td>1990</td><td>8</td>");
	has(page, "<th scope=\"row\">(not known)</th><td class=\"t\">isp</td><td>3</td>");
	has(page, "<tr class=\"sum\"><th scope=\"row\">all</th><td class=\"t\">2 lanes</td><td>1400</td><td>1290</td>"
		  "<td>8</td><td>102</td><td>7</td><td>5</td><td>102</td><td>7.64 %</td>");
	assert_true(strstr(page, "<th scope=\"row\">mx2") <
		    strstr(page, "<th scope=\"row\">mx1")); /* the worst first */
	has(page, "<tr class=\"sum\"><th scope=\"row\">all</th><td class=\"t\">3 lanes</td><td>2403</td>");
	has(page, "Bars for 30 days: 1990 sent, 8 deferred, 2 bounced; most on 2024-10-01: 1000 messages.");
	has(page, "bad addresses and complaints: at most 26.25 %, on 2024-10-04.");
	has(page,
	    "<h4>messages</h4>\n<svg viewBox=\"0 0 440 230\" role=\"img\" aria-label=\"mx1 at google: messages\">");
	has(page, "<title>spammer from 10 %</title>");          /* of mx2 */
	has(page, "<title>spammer from 10 % (beyond)</title>"); /* of mx1 */
	has(page, "<title>complaints: suspicious from 0.3 %</title>");
	has(page, "<tr><th scope=\"row\">greylisted</th><td>8</td><td>8</td><td class=\"t\">451 &lt;grey&gt;</td>");
	has(page, "<tr><th scope=\"row\">user-unknown</th><td>102</td><td>102</td><td class=\"t\"></td>");
	has(page, "r&lt;1&gt;</td><td class=\"t\">e&lt;1&gt;</td>");
	has(page, "<td class=\"t\">share at 10 %</td>");
	has(page, "<tr><th scope=\"row\">mx1</th><td class=\"t when\">2024-10-01</td><td>2</td><td>1000</td>"
		  "<td>1000</td><td class=\"t when\">2024-10-01</td><td>0</td><td>1000</td></tr>");
	has(page, "<tr><th scope=\"row\">exact</th><td>1400</td><td>2403</td>");
	assert_int_equal(times(page, "<svg viewBox"), 2 + 3 * (3 + 2 + 3)); /* warm-up; sources, providers, lanes */
	assert_int_equal(times(page, "<table>"), times(page, "<caption>"));
	free(page);
	settings->steer = false;
	rep_store_run(s, "DELETE FROM action", "");
	page = page_of(s);
	has(page, "26.25 %. Nothing was done: steering is off. Its share is");
	settings->steer = true;
	free(page);
	rep_store_close(s);
}

/* What stands on a lane from before, and on a network of the default provider. */
static void test_standings(void **state)
{
	struct rep_store *s = new_store();
	u32 lane, network, whole;
	char *page;

	(void)state;
	rep_store_begin(s);
	lane = rep_store_lane(s, "mx1", "google", "");
	whole = rep_store_lane(s, "mx1", "default", "192.0.2.0/24");
	network = rep_store_lane(s, "mx1", "default", "198.51.100.0/24");
	count(s, 0, lane, REP_WHAT_SENT, REP_NONE, 300);
	count(s, 0, lane, REP_WHAT_DEFERRED, REP_RATE_LIMITED, 30);
	count(s, 0, whole, REP_WHAT_SENT, REP_NONE, 300);
	count(s, 0, whole, REP_WHAT_BOUNCED, REP_USER_UNKNOWN, 100);
	rep_store_run(s, "INSERT INTO standing VALUES (?, 0, 1, 500, ?, 0, 0, 0)", "ii", (s64)lane, NOON - 5);
	rep_store_run(s, "INSERT INTO standing VALUES (?, 0, 3, 1000, ?, 0, 0, 0)", "ii", (s64)whole, NOON);
	rep_store_run(s, "INSERT INTO standing VALUES (?, 0, 0, 1000, ?, 0, 0, 0)", "ii", (s64)network, NOON + 1);
	rep_store_run(s, "INSERT INTO action VALUES (1, ?, ?, 'backoff', '60', 'greylisted: 4<>', '', 'pending')", "ii",
		      NOON - 100, (s64)network);
	rep_store_run(s, "INSERT INTO action VALUES (2, ?, ?, 'factor', '0.500', 'suspicious', '', 'done')", "ii",
		      NOON - 86401, (s64)lane);
	end_pass(s);
	page = page_of(s);
	has(page, "deferred: at most 9.09 %, on 2024-10-04. turned down: rate, block or policy: at most 9.09 %, on");
	assert_int_equal(times(page, "<li class=\"s"), 3);
	has(page, "<strong>spammer</strong> mx1 at default: 100 bad addresses");
	has(page,
	    "<strong>held down</strong> mx1 at google: suspicious. Nothing was done. Its share is at 50.0 %.</li>");
	has(page,
	    "<strong>resting</strong> mx1 at default, network 198.51.100.0/24: greylisted: 4&lt;&gt;. Done: rest of"
	    " 1 min at 2024-10-04T11:58:20Z (pending). It rests until 2024-10-04T12:00:01Z.</li>");
	free(page);
	rep_store_close(s);
}

static void test_well(void **state)
{
	struct rep_store *s = new_store();
	char *page;

	(void)state;
	rep_store_begin(s);
	count(s, 0, rep_store_lane(s, "mx1", "google", ""), REP_WHAT_SENT, REP_NONE, 300);
	count(s, 0, rep_store_lane(s, "mx2", "google", ""), REP_WHAT_SENT, REP_NONE, 3);
	end_pass(s);
	page = page_of(s);
	has(page, "<p class=\"well\">Nothing is amiss: 2 lanes, 1 of them with enough mail to be judged.</p>");
	has(page, "<p>Nothing was done.</p>");
	has(page, "<p>No report of the last 30 days.");
	free(page);
	rep_store_close(s);
}

/* A hundred lanes more than the table has rows for. */
static void test_many(void **state)
{
	struct rep_store *s = new_store();
	char *page, name[20];
	u32 i;

	(void)state;
	rep_store_begin(s);
	for (i = 0; i < REP_PAGE_LANES + 100; i++) {
		u32 lane;

		snprintf(name, sizeof(name), "s%03u", i);
		lane = rep_store_lane(s, name, "isp", "");
		count(s, 0, lane, REP_WHAT_SENT, REP_NONE, 1000 - i);
		rep_store_run(s, "INSERT INTO action VALUES (?, ?, ?, 'backoff', '90', '', '', 'done')", "iii",
			      (s64)i + 1, NOON - 10, (s64)lane);
	}
	end_pass(s);
	page = page_of(s);
	has(page, "<th scope=\"row\">s000</th><td class=\"t\">isp</td><td>1000</td>");
	has(page, "<th scope=\"row\">s199</th><td class=\"t\">isp</td><td>801</td>");
	lacks(page, "<th scope=\"row\">s200</th><td class=\"t\">isp</td>");
	has(page, "<th scope=\"row\">the others</th><td class=\"t\">100 lanes</td><td>75050</td><td>75050</td>");
	has(page, "<th scope=\"row\">all</th><td class=\"t\">300 lanes</td><td>255150</td>");
	has(page, "<summary>the other 100 lanes, with their messages</summary>\n<p><b>s200</b>: isp 800</p>");
	has(page, "<p><b>s299</b>: isp 701</p></details>");
	has(page, "<h3>s007</h3>");
	lacks(page, "<h3>s008</h3>");
	has(page, "<h3>The other 292 sources together</h3>");
	has(page, "<desc>Bars for 30 days: 247178 sent");
	has(page, "<td class=\"t\">rest of 90 s</td>");
	assert_int_equal(times(page, "<tr class=\"when\">"), REP_PAGE_ACTIONS);
	free(page);
	rep_store_close(s);
}

static void test_dmarc(void **state)
{
	static const char insert[] = "INSERT INTO dmarc VALUES (?, 'example.com', ?, ?, ?, ?, ?, ?)";
	struct rep_store *s = new_store();
	char *page;

	(void)state;
	rep_store_run(s, insert, "isssiii", NOON / 86400, "mx1", "google.com", "none", 1ll, 0ll, 40ll);
	rep_store_run(s, insert, "isssiii", NOON / 86400 - 1, "mx1", "other", "none", 1ll, 1ll, 60ll);
	rep_store_run(s, insert, "isssiii", NOON / 86400 - 1, "192.0.2.9", "other", "reject", 0ll, 0ll, 9ll);
	rep_store_run(s, insert, "isssiii", NOON / 86400 - 31, "mx1", "other", "none", 1ll, 1ll, 5000ll);
	page = page_of(s);
	has(page, "<tr><th scope=\"row\">example.com</th><td class=\"t\">mx1</td><td>100</td><td>100</td><td>0</td>"
		  "<td>100</td><td>60</td><td>0</td></tr>");
	has(page, "<tr class=\"suspicious\"><th scope=\"row\">example.com</th><td class=\"t\">192.0.2.9</td><td>9</td>"
		  "<td>0</td><td>9</td><td>0</td><td>0</td><td>9</td></tr>");
	has(page, "<tr><th scope=\"row\">other</th><td>69</td><td>60</td><td>9</td>");
	has(page, "<desc>Bars for 30 days: 100 passed, 9 failed.</desc>");
	free(page);
	rep_store_close(s);
}

/* Counts of a source over more than the time that is plotted, and of one that is older than what is looked at. */
static void test_warmup(void **state)
{
	struct rep_store *s = new_store();
	char *page;
	u32 lane, i;

	(void)state;
	rep_store_begin(s);
	lane = rep_store_lane(s, "new", "isp", "");
	for (i = 0; i <= 40; i++)
		count(s, i, lane, REP_WHAT_SENT, REP_NONE, 500 - i);
	lane = rep_store_lane(s, "old", "isp", "");
	for (i = 0; i <= 95; i++)
		count(s, i, lane, REP_WHAT_SENT, REP_NONE, 10);
	end_pass(s);
	page = page_of(s);
	has(page,
	    "<tr><th scope=\"row\">new</th><td class=\"t when\">2024-08-25</td><td>41</td><td>460</td><td>500</td>"
	    "<td class=\"t when\">2024-10-04</td><td>499</td><td>500</td></tr>");
	has(page, "<tr><th scope=\"row\">old</th><td class=\"t when\">2024-07-05 or before</td><td>92</td>");
	has(page, "<title>new</title>");
	lacks(page, "<title>old</title>");
	free(page);
	rep_store_close(s);
}

/* --- the file --------------------------------------------------------------------------------------------------- */

static u32 files(void)
{
	char command[100], line[20] = "";
	FILE *in;

	snprintf(command, sizeof(command), "ls -A %s | grep -c '^page'", folder);
	in = popen(command, "r");
	assert_non_null(fgets(line, sizeof(line), in));
	pclose(in);
	return (u32)atoi(line);
}

static void expect_file(const char *path, mode_t mode)
{
	char text[16] = "";
	struct stat st;
	FILE *in = fopen(path, "r");

	assert_non_null(in);
	assert_non_null(fgets(text, sizeof(text), in));
	assert_int_equal(fstat(fileno(in), &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
	fclose(in);
	assert_string_equal(text, "<!DOCTYPE html>");
}

static void test_file(void **state)
{
	struct rep_store *s = new_store();
	char error[300], link[80], path[200];
	struct stat st;
	FILE *out;

	(void)state;
	umask(077);
	assert_true(rep_report_page(s, settings, page_path, error, sizeof(error)));
	expect_file(page_path, 0644);
	out = fopen(page_path, "w"); /* another page is there, and somebody reads it */
	fputs("old", out);
	fclose(out);
	out = fopen(page_path, "r");
	assert_true(rep_report_page(s, settings, page_path, error, sizeof(error)));
	assert_non_null(fgets(path, sizeof(path), out));
	assert_string_equal(path, "old");
	fclose(out);
	expect_file(page_path, 0644);
	snprintf(link, sizeof(link), "%s/page-link", folder);
	assert_int_equal(symlink(page_path, link), 0);
	assert_int_equal(truncate(page_path, 0), 0);
	assert_true(rep_report_page(s, settings, link, error, sizeof(error)));
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	expect_file(page_path, 0644);
	assert_int_equal(files(), 2);

	assert_false(rep_report_page(s, settings, folder, error, sizeof(error)));
	snprintf(path, sizeof(path), "%s: Is a directory: expected a file, in a folder that may be written to", folder);
	assert_string_equal(error, path);
	snprintf(link, sizeof(link), "%s/page-pipe", folder);
	assert_int_equal(mkfifo(link, 0600), 0);
	assert_false(rep_report_page(s, settings, link, error, sizeof(error)));
	snprintf(path, sizeof(path), "%s: Invalid argument: expected a file, in a folder that may be written to", link);
	assert_string_equal(error, path);
	assert_int_equal(stat(link, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_false(rep_report_page(s, settings, "/nonexistent/page.html", error, sizeof(error)));
	assert_string_equal(error,
			    "/nonexistent/page.html: No such file or directory: expected a file, in a folder that"
			    " may be written to");
	assert_int_equal(files(), 3);
	rep_store_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),        cmocka_unit_test(test_text_unseen),
		cmocka_unit_test(test_text_broken), cmocka_unit_test(test_text_cut),
		cmocka_unit_test(test_bars),        cmocka_unit_test(test_lines),
		cmocka_unit_test(test_markers),     cmocka_unit_test(test_empty),
		cmocka_unit_test(test_lanes),       cmocka_unit_test(test_standings),
		cmocka_unit_test(test_well),        cmocka_unit_test(test_many),
		cmocka_unit_test(test_dmarc),       cmocka_unit_test(test_warmup),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
