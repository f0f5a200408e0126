// SPDX-License-Identifier: GPL-2.0-or-later
/* Requests as they go from the process that reads them to the daemon, and each way in which that process may lie. */
#include "daemon/arguments.h"
#include "tests/unit/build.h"

static struct mx_arguments arguments;
static char error[MX_ARGUMENTS_ERROR];

/* From a block of just this size, so that ASan sees each byte read behind it. */
static json_t *taken(size_t size)
{
	void *exact = malloc(size ? size : 1);
	json_t *object;

	memcpy(exact, &arguments, size);
	object = mx_arguments_object(exact, size, error);
	free(exact);
	return object;
}

static json_t *read_text(const char *text)
{
	memset(&arguments, 0xff, sizeof(arguments));
	mx_arguments_read(text, strlen(text), &arguments);
	return taken(mx_arguments_size(&arguments));
}

static void assert_same(const char *text, const char *expected)
{
	json_t *object = read_text(text);
	char *dumped = object ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;

	assert_non_null(dumped);
	assert_string_equal(dumped, expected);
	free(dumped);
	json_decref(object);
}

static void assert_refused(const char *text, const char *why)
{
	assert_null(read_text(text));
	if (!strstr(error, why))
		fail_msg("%s: %s", text, error);
}

static void test_every_kind_of_value(void **state)
{
	(void)state;
	assert_same("{}", "{}");
	assert_same(" {\"b\": 1, \"a\":\"x\"} ", "{\"a\":\"x\",\"b\":1}");
	assert_same("{\"a\":true,\"b\":false,\"c\":null}", "{\"a\":true,\"b\":false,\"c\":null}");
	assert_same("{\"a\":9223372036854775807,\"b\":-9223372036854775808}",
		    "{\"a\":9223372036854775807,\"b\":-9223372036854775808}");
	assert_same("{\"a\":0.5}", "{\"a\":0.5}");
	assert_same("{\"a\":\"\",\"\":\"b\"}", "{\"\":\"b\",\"a\":\"\"}");
	assert_same("{\"a\":\"\\u00e4\\n\\\"\"}", "{\"a\":\"\303\244\\n\\\"\"}");
	assert_same("{\"a\":{\"b\":1},\"c\":[1,2]}", "{\"a\":[],\"c\":[]}"); /* something, and nothing that is taken */
}

static void test_what_is_no_object(void **state)
{
	(void)state;
	assert_refused("", "expected one JSON object a line");
	assert_refused("[1]", "this is something else");
	assert_refused("{\"a\":1", "expected one JSON object a line");
	assert_refused("{\"a\":1,\"a\":2}", "duplicate");
	assert_refused("{\"a\":\"\xff\"}", "0xff");
	assert_refused("{\"a\":\"\\u0000\"}", "expected one JSON object a line");
	assert_refused("{\"a\":1e999}", "expected one JSON object a line");
	assert_refused("\303\244\303\244\303\244", "expected one JSON object a line");
}

/* A name that is too long is none of ours; a text is cut between two characters. */
static void test_what_is_too_long(void **state)
{
	char text[4 * MX_ARGUMENT_TEXT], expected[4 * MX_ARGUMENT_TEXT];
	u32 i, n;

	(void)state;
	snprintf(text, sizeof(text), "{\"%0*d\":1,\"%0*d\":2}", MX_ARGUMENT_KEY, 0, MX_ARGUMENT_KEY - 1, 0);
	snprintf(expected, sizeof(expected), "{\"%0*d\":2}", MX_ARGUMENT_KEY - 1, 0);
	assert_same(text, expected);
	for (n = MX_ARGUMENT_TEXT - 3; n < MX_ARGUMENT_TEXT + 3; n++) {
		u32 kept = n < MX_ARGUMENT_TEXT ? n : MX_ARGUMENT_TEXT - 1;
		bool whole = n + 2 < MX_ARGUMENT_TEXT;

		snprintf(text, sizeof(text), "{\"a\":\"%0*d\303\244\"}", (int)n, 0);
		snprintf(expected, sizeof(expected), "{\"a\":\"%0*d%s\"}", (int)kept, 0, whole ? "\303\244" : "");
		assert_same(text, expected);
	}
	n = (u32)snprintf(text, sizeof(text), "{\"a\":0");
	for (i = 1; i < MX_ARGUMENTS; i++)
		n += (u32)snprintf(text + n, sizeof(text) - n, ",\"%u\":1", i);
	snprintf(text + n, sizeof(text) - n, "}");
	json_decref(read_text(text));
	assert_int_equal(arguments.count, MX_ARGUMENTS);
	snprintf(text + n, sizeof(text) - n, ",\"b\":1}");
	assert_refused(text, "at most 32 arguments");
}

static void begin(void)
{
	json_t *object = read_text("{\"command\":\"pause\",\"source\":\"mx1\",\"for\":60}");

	assert_non_null(object);
	json_decref(object);
}

static void assert_unread(size_t size)
{
	assert_null(taken(size));
	assert_string_equal(error, "the request could not be read: try again");
}

static void test_every_lie(void **state)
{
	size_t size;

	(void)state;
	begin();
	size = mx_arguments_size(&arguments);
	assert_unread(0);
	assert_unread(3);
	assert_unread(size - 1);
	assert_unread(size + 1);
	arguments.count = MX_ARGUMENTS + 1;
	assert_unread(sizeof(arguments));
	begin();
	arguments.count--;
	assert_unread(size);
	begin();
	memset(arguments.error, 'a', sizeof(arguments.error));
	assert_unread(size);
	memcpy(arguments.error, "\xff", 2);
	assert_unread(size);
	begin();
	memset(arguments.items[1].key, 'a', sizeof(arguments.items[1].key));
	assert_unread(size);
	memcpy(arguments.items[1].key, "\xff", 2);
	assert_unread(size);
	begin();
	memset(arguments.items[0].text, 'a', sizeof(arguments.items[0].text));
	assert_unread(size);
	memcpy(arguments.items[0].text, "\xff", 2);
	assert_unread(size);
	begin();
	arguments.items[2].type = MX_ARGUMENT_TYPES;
	assert_unread(size);
	arguments.items[2].type = MX_ARGUMENT_REAL;
	memset(&arguments.items[2].number, 0xff, sizeof(arguments.items[2].number)); /* not a number */
	assert_unread(size);
}

/* Whatever comes, it is an object or it is none. */
static void test_random_bytes(void **state)
{
	u64 seed = 11;
	u32 run;

	(void)state;
	for (run = 0; run < 5000; run++) {
		size_t size;

		begin();
		size = mx_arguments_size(&arguments);
		random_scribble(&arguments, size, &seed);
		json_decref(taken(random_next(&seed) % 4 ? size : random_next(&seed) % size));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind_of_value), cmocka_unit_test(test_what_is_no_object),
		cmocka_unit_test(test_what_is_too_long),    cmocka_unit_test(test_every_lie),
		cmocka_unit_test(test_random_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
