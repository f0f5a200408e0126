// SPDX-License-Identifier: GPL-2.0-or-later
/* Without memory the program ends, whoever asked for it. */
#include <jansson.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/unit/build.h"

#if defined(__SANITIZE_ADDRESS__)
#define NEEDS_ITS_OWN skip() /* the sanitizer has one */
#else
#define NEEDS_ITS_OWN ((void)0)
#endif

/* volatile: the compiler makes nothing that nobody looks at */
static volatile size_t large = 512 << 20, absurd = (size_t)-1 / 4;
static void *volatile made;

static void one_block(void)
{
	made = malloc(large);
}

static void many_objects(void)
{
	made = calloc(large / 8, 8);
}

static void a_larger_block(void)
{
	made = realloc(malloc(10), large);
}

/* libraries: they would say NULL, or read from there */
static void jansson(void)
{
	json_t *list = json_array();

	while (!json_array_append_new(list, json_string("a text of some length, again and again")))
		;
}

static void c_library(void)
{
	char *text;

	while (asprintf(&text, "%1000d", 1) > 0)
		;
}

/* What a process says that does `what` with little memory; it has to end with status 1. */
static void try(void (*what)(void), char *said, size_t size)
{
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct rlimit little = { 256 << 20, 256 << 20 };

		dup2(fds[1], STDERR_FILENO);
		setrlimit(RLIMIT_AS, &little);
		what();
		_exit(0);
	}
	close(fds[1]);
	n = read(fds[0], said, size - 1);
	said[n < 0 ? 0 : n] = 0;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

static void without_memory_it_ends_with_one_line(void **state)
{
	static void (*const ways[])(void) = { one_block, many_objects, a_larger_block, jansson, c_library };
	char said[200];
	size_t i;

	(void)state;
	NEEDS_ITS_OWN;
	for (i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		try(ways[i], said, sizeof(said));
		assert_string_equal(said, "mxloadd: error: out of memory\n");
	}
}

static void nothing_is_not_too_much(void **state)
{
	(void)state;
	free(malloc(0));
	free(calloc(0, 8));
	free(calloc(8, 0));
	assert_null(realloc(malloc(8), 0)); /* the C library frees it */
}

/* A number in a stranger's archive ends no program. */
static void who_asks_for_too_much_is_told(void **state)
{
	(void)state;
	NEEDS_ITS_OWN;
	assert_null(made = malloc(absurd));
	assert_null(made = calloc(absurd, 8));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_memory_it_ends_with_one_line),
		cmocka_unit_test(nothing_is_not_too_much),
		cmocka_unit_test(who_asks_for_too_much_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
