// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target: the bytes are a file of rules and, behind the first zero byte, a reply. A file is refused with one line,
 * or its rules and those that are shipped say what the reply means: the same twice, in capital letters and with blanks
 * behind it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/target.h"
#include "tools/mxrep/rules_parts.h"

#define PROVIDER "google"

static struct rep_rules *read_shipped(void)
{
	static struct rep_rules *shipped;
	char error[300];

	if (!shipped)
		shipped = rep_rules_read("tools/mxrep/replies.rules", error, sizeof(error));
	if (!shipped)
		abort();
	return shipped;
}

static struct rep_rules *read_bytes(const u8 *bytes, size_t length)
{
	int file = memfd_create("rules", 0);
	char path[40], error[300] = "";
	struct rep_rules *rules;

	if (file < 0 || write(file, bytes, length) != (ssize_t)length)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	rules = rep_rules_read(path, error, sizeof(error));
	close(file);
	if (!rules != !!*error || strpbrk(error, "\r\n"))
		abort();
	return rules;
}

static void expect(const struct rep_rules *rules, u32 found, struct rep_text reply, struct rep_text dsn)
{
	if (rep_rules_find(rules, PROVIDER, reply, dsn) != found)
		abort();
}

static void match(const struct rep_rules *rules, struct rep_text reply, struct rep_text dsn)
{
	u32 found = rep_rules_find(rules, PROVIDER, reply, dsn);
	char *other = malloc(reply.length + 10);
	struct rep_text changed = { other, reply.length };

	if (found != REP_RULES_NONE && found >= rules->rule_count)
		abort();
	expect(rules, found, reply, dsn);
	for (size_t i = 0; i < reply.length; i++)
		other[i] = (char)(reply.at[i] >= 'a' && reply.at[i] <= 'z' ? reply.at[i] - 'a' + 'A' : reply.at[i]);
	if (!memmem(reply.at, reply.length, "\\", 1)) /* "\n" is the end of a line, "\N" is not */
		expect(rules, found, changed, dsn);
	memcpy(other, reply.at, reply.length);
	memset(other + reply.length, '\t', 10);
	changed.length += 10;
	if (reply.length < REP_REPLY_MAX)
		expect(rules, found, changed, dsn);
	free(other);
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t length)
{
	const u8 *zero = memchr(bytes, '\0', length);
	size_t rules_length = zero ? (size_t)(zero - bytes) : length, behind = zero ? rules_length + 1 : 0;
	struct rep_text reply = { (const char *)bytes + behind, length - behind }, dsn = { reply.at, 0 };
	struct rep_rules *rules;
	unsigned int examples;
	FILE *out;

	while (dsn.length < reply.length && dsn.length < 6)
		dsn.length++;
	match(read_shipped(), reply, dsn);
	dsn.length = 0;
	match(read_shipped(), reply, dsn);
	/* no strangers' files */
	if (memmem(bytes, rules_length, "include", 7) && memchr(bytes, '/', rules_length))
		return 0;
	rules = read_bytes(bytes, rules_length);
	if (!rules)
		return 0;
	match(rules, reply, dsn);
	out = fopen("/dev/null", "w");
	if (!out || rep_rules_try(rules, out, &examples) > examples || examples != rules->example_count)
		abort();
	fclose(out);
	rep_rules_free(rules);
	return 0;
}
