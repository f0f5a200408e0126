// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/mxrep/search.h"

#define MOST 10000

struct places {
	u32 count;
	struct {
		u32 text;
		size_t start;
	} place[MOST];
};

static void note(u32 text, size_t start, void *context)
{
	struct places *places = context;

	assert_true(places->count < MOST);
	places->place[places->count].text = text;
	places->place[places->count++].start = start;
}

static struct rep_text text_of(const char *text)
{
	return (struct rep_text){ text, strlen(text) };
}

/* Texts with blanks between them, and what has to be told: "TEXT@START TEXT@START". */
static void expect(const char *texts, const char *in, const char *told)
{
	struct places *places = calloc(1, sizeof(*places));
	struct rep_text list[20];
	struct rep_search *search;
	char line[500] = "";
	u32 count = 0;

	while (*texts) {
		size_t length = strcspn(texts, " ");

		list[count++] = (struct rep_text){ texts, length };
		texts += length + strspn(texts + length, " ");
	}
	search = rep_search_new(list, count);
	assert_non_null(search);
	rep_search_run(search, text_of(in), note, places);
	for (u32 i = 0; i < places->count; i++)
		snprintf(line + strlen(line), sizeof(line) - strlen(line), "%s%u@%zu", i ? " " : "",
			 places->place[i].text, places->place[i].start);
	assert_string_equal(line, told);
	rep_search_free(search);
	free(places);
}

static void test_places(void **state)
{
	(void)state;
	expect("he she his hers", "ushers", "1@1 0@2 3@2");
	expect("a", "banana", "0@1 0@3 0@5");
	expect("ana", "banana", "0@1 0@3");
	expect("aa", "aaaa", "0@0 0@1 0@2");
	expect("abcd bc", "abce", "1@1"); /* found on the way to another that is not there */
	expect("abcd bcx", "abcx", "1@1");
	expect("x", "", "");
	expect("", "x", "");
	expect("same other same", "the same", "0@4 2@4");
	expect("spam", "SPAM", "");
}

static void test_every_byte(void **state)
{
	struct places *places = calloc(1, sizeof(*places));
	struct rep_search *search;
	struct rep_text texts[256];
	char bytes[256];

	(void)state;
	for (u32 i = 0; i < 256; i++) {
		bytes[i] = (char)i;
		texts[i] = (struct rep_text){ bytes + i, 1 };
	}
	search = rep_search_new(texts, 256);
	rep_search_run(search, (struct rep_text){ bytes, 256 }, note, places);
	assert_int_equal(places->count, 256);
	for (u32 i = 0; i < 256; i++) {
		assert_int_equal(places->place[i].text, i);
		assert_int_equal(places->place[i].start, i);
	}
	rep_search_free(search);
	free(places);
}

/* As many bytes as are allowed, in one text and in several; one more is too many. */
static void test_most(void **state)
{
	char *bytes = malloc(REP_SEARCH_MAX + 1);
	struct places *places = calloc(1, sizeof(*places));
	struct rep_text two[2];
	struct rep_search *search;

	(void)state;
	for (u32 i = 0; i <= REP_SEARCH_MAX; i++)
		bytes[i] = (char)(i * 2654435761u >> 24);
	two[0] = (struct rep_text){ bytes, REP_SEARCH_MAX };
	search = rep_search_new(two, 1);
	assert_non_null(search);
	rep_search_run(search, two[0], note, places);
	assert_int_equal(places->count, 1);
	assert_int_equal(places->place[0].start, 0);
	rep_search_free(search);
	two[1] = (struct rep_text){ bytes, 1 };
	assert_null(rep_search_new(two, 2));
	two[0].length--;
	search = rep_search_new(two, 2);
	assert_non_null(search);
	rep_search_free(search);
	two[0].length = REP_SEARCH_MAX + 1;
	assert_null(rep_search_new(two, 1));
	free(places);
	free(bytes);
}

static u32 next(u32 *state)
{
	return (*state = *state * 1664525u + 1013904223u) >> 16;
}

/* The slow way. */
static u32 count_places(struct rep_text in, const struct rep_text *texts, u32 count)
{
	u32 found = 0;

	for (u32 i = 0; i < count; i++)
		for (size_t at = 0; at + texts[i].length <= in.length; at++)
			found += !memcmp(in.at + at, texts[i].at, texts[i].length);
	return found;
}

/* Few letters, so that texts overlap and stand in each other; all that is told is so, and nothing is left out. */
static void test_random(void **state)
{
	struct places *places = malloc(sizeof(*places));
	char bytes[400];
	u32 seed = 1;

	(void)state;
	for (u32 round = 0; round < 3000; round++) {
		struct rep_text texts[12], in = { bytes, 1 + next(&seed) % 300 };
		u32 count = 1 + next(&seed) % 12, letters = 1 + next(&seed) % 3;
		struct rep_search *search;

		for (u32 i = 0; i < sizeof(bytes); i++)
			bytes[i] = (char)('a' + next(&seed) % letters);
		for (u32 i = 0; i < count; i++)
			texts[i] = (struct rep_text){ bytes + next(&seed) % 380, 1 + next(&seed) % 8 };
		search = rep_search_new(texts, count);
		places->count = 0;
		rep_search_run(search, in, note, places);
		assert_int_equal(places->count, count_places(in, texts, count));
		for (u32 i = 0; i < places->count; i++) {
			const struct rep_text *text = &texts[places->place[i].text];

			assert_true(places->place[i].start + text->length <= in.length);
			assert_memory_equal(in.at + places->place[i].start, text->at, text->length);
		}
		rep_search_free(search);
	}
	free(places);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_most),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
