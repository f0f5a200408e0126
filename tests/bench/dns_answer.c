// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What reading an answer costs: an MX answer with five records and the ten addresses beside them, and the most tedious
 * 64 KB there are. Prints the nanoseconds for each, one line a message.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/dns_answer.h"

static struct mx_dns_answer answer;
static u8 bytes[65535];

static size_t load(const char *path)
{
	FILE *in = fopen(path, "r");
	size_t length;

	if (!in) {
		fprintf(stderr, "dns_answer: %s: expected a file; start it in the root of the tree\n", path);
		exit(1);
	}
	length = fread(bytes, 1, sizeof(bytes), in);
	fclose(in);
	return length;
}

static void measure(const char *name, size_t length, u32 rounds)
{
	enum mx_dns_result result = MX_DNS_READ;
	struct timespec from, to;
	u32 i;

	clock_gettime(CLOCK_MONOTONIC, &from);
	for (i = 0; i < rounds; i++)
		result = mx_dns_answer_read(bytes, length, &answer);
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("%-8s %6zu bytes, %2u records, %s: %.0f ns\n", name, length, answer.count, mx_dns_result_text(result),
	       ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / rounds);
}

/* Records that are passed by build up the longest name there is; then each that is looked into holds it twice. */
static size_t make_tedious(void)
{
	static const u8 head[] = { 0, 1, 0x81, 0x80, 0, 1, 0xff, 0xff, 0, 0, 0, 0 };
	static const u8 txt[] = { 0, 16, 0, 1, 0, 0, 0, 0, 0, 0 };
	static const u8 cname[] = { 0, 5, 0, 1, 0, 0, 0, 0, 0, 2 };
	size_t at = sizeof(head), name = at;
	u32 i;

	memcpy(bytes, head, sizeof(head));
	memcpy(bytes + at, "\1x\0\0\1\0\1", 7);
	at += 7;
	for (i = 1; i < 127; i++) { /* a label more, and a pointer to the name of before */
		memcpy(bytes + at, (u8[]){ 1, 'x', (u8)(0xc0 | name >> 8), (u8)name }, 4);
		name = at;
		memcpy(bytes + at + 4, txt, sizeof(txt));
		at += 4 + sizeof(txt);
	}
	for (; at + 4 + sizeof(cname) <= sizeof(bytes); at += 4 + sizeof(cname)) {
		u8 pointer[] = { (u8)(0xc0 | name >> 8), (u8)name };

		memcpy(bytes + at, pointer, 2);
		memcpy(bytes + at + 2, cname, sizeof(cname));
		memcpy(bytes + at + 2 + sizeof(cname), pointer, 2);
	}
	return at;
}

int main(void)
{
	measure("mx", load("tests/captures/kresd-mx.answer"), 1000000);
	measure("mx+more", load("tests/captures/unbound-mx.answer"), 1000000);
	measure("tedious", make_tedious(), 100);
	return 0;
}
