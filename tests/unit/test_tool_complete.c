// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tools/mxload/complete_help.h"

/* All entries, as "name=argument:text;". */
static const char *entries(const char *text, const char *command)
{
	struct mx_help *help = mx_help_read(text, command);
	static char out[1024];
	size_t i, n = 0;

	*out = '\0';
	for (i = 0; i < help->count; i++) {
		const struct mx_help_entry *e = &help->entries[i];

		n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%s%s:%s;", e->name, e->argument ? "=" : "",
				      e->argument ? e->argument : "", e->text);
	}
	mx_help_free(help);
	return out;
}

static void test_options(void **state)
{
	(void)state;
	assert_string_equal(
		entries("  -s SOCKET  of the daemon (or --socket)\n  -j         as it came\n  --version\n", NULL),
		"-s=SOCKET:of the daemon (or --socket);-j:as it came;--version:;");
	assert_string_equal(entries("  -c, --config FILE  instead\n", NULL), "-c=FILE:instead;--config=FILE:instead;");
	assert_string_equal(entries("      --source A, --provider B   these\n", NULL),
			    "--source=A:these;--provider=B:these;");
	assert_string_equal(entries("  -h, --help, --version\n", NULL), "-h:;--help:;--version:;");
	assert_string_equal(entries("  --retry TIME[,TIME]...        when\n  --by a|b  --c  what\n", NULL),
			    "--retry=TIME[,TIME]...:when;--by=a|b:--c  what;");
	assert_string_equal(entries("text -x\n-y behind nothing\n  and - alone\n", NULL), "");
}

static void test_commands(void **state)
{
	static const char help[] =
		"usage: p [-c FILE] COMMAND\n\n  run    does it\n  runs   them\n  No command\n    nor this\n"
		"  lonely\n  -x  an option\n";

	(void)state;
	assert_string_equal(entries(help, NULL), "run:does it;runs:them;-x:an option;");
	assert_string_equal(entries(help, "run"), "-x:an option;");
	assert_string_equal(entries("usage: p [-c FILE]\n\n  run    does it\n", NULL), "");
}

static const char *arguments(const char *usage, const char *command)
{
	struct mx_help *help = mx_help_read(usage, command);
	static char out[256];

	snprintf(out, sizeof(out), "%s", help->arguments);
	mx_help_free(help);
	return out;
}

static void test_usage(void **state)
{
	(void)state;
	assert_string_equal(arguments("usage: p weight SOURCE [PROVIDER] N [--pool POOL] [--reset]\n", "weight"),
			    " SOURCE [PROVIDER] N  ");
	assert_string_equal(arguments("usage: p [-c FILE] feed [OPTION...] FILE...\n", "feed"), "  FILE...");
	assert_string_equal(arguments("usage: p run\n", "run"), "");
	assert_string_equal(arguments("usage: p runner X\n", "run"), "");
}

static void gather(const char *word, void *out)
{
	strcat(strcat(out, word), " ");
}

static const char *next(const char *usage, unsigned int given)
{
	static char out[256];

	*out = '\0';
	mx_help_next(usage, given, gather, out);
	return out;
}

static void test_next(void **state)
{
	static const char weight[] = " SOURCE [PROVIDER] N", warmup[] = "[SOURCE [PROVIDER] [start|stop]]";

	(void)state;
	assert_string_equal(next(weight, 0), "SOURCE ");
	assert_string_equal(next(weight, 1), "PROVIDER N ");
	assert_string_equal(next(weight, 2), "N ");
	assert_string_equal(next(weight, 3), "");
	assert_string_equal(next(warmup, 0), "SOURCE ");
	assert_string_equal(next(warmup, 1), "PROVIDER start|stop ");
	assert_string_equal(next(warmup, 2), "start|stop ");
	assert_string_equal(next(warmup, 3), "");
	assert_string_equal(next("[FILE...]", 0), "FILE ");
	assert_string_equal(next("[FILE...]", 40), "FILE ");
	assert_string_equal(next("[FILE...]", 64), "");
	assert_string_equal(next("add|remove ...", 0), "add|remove ");
	assert_string_equal(next("add|remove ...", 2), "");
	assert_string_equal(next("FILE... LAST", 0), "FILE ");
	assert_string_equal(next("FILE... LAST", 1), "FILE LAST ");
	assert_string_equal(next("", 0), "");
	assert_string_equal(next("[A [B", 1), "B ");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_options), cmocka_unit_test(test_commands),
					    cmocka_unit_test(test_usage), cmocka_unit_test(test_next) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
