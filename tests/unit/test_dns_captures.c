// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Answers of real DNS servers (tests/captures): what is read of each is what another library found in it, as it stands
 * beside it. Started in the root of the tree.
 */
#include <arpa/inet.h>
#include <glob.h>

#include "tests/unit/dns_message.h"

#include "daemon/datagram.h"
#include "tests/dns_check.h"

#define AT_LEAST 100 /* captures: a test of none would be well too */

static const char *or_root(const char *name)
{
	return *name ? name : ".";
}

static void tell_record(FILE *out, const struct mx_dns_record *r)
{
	static const char *const types[] = {
		[MX_DNS_A] = "A",   [MX_DNS_CNAME] = "CNAME", [MX_DNS_PTR] = "PTR",
		[MX_DNS_MX] = "MX", [MX_DNS_AAAA] = "AAAA",
	};
	char address[MX_ADDR_TEXT];

	fprintf(out, "%s %s %u %s ", r->additional ? "additional" : "answer", or_root(r->owner), r->ttl,
		types[r->type]);
	if (r->type == MX_DNS_MX)
		fprintf(out, "%u ", r->preference);
	if (r->type == MX_DNS_A || r->type == MX_DNS_AAAA)
		fprintf(out, "%s\n", mx_addr_text(r->family, r->addr, address));
	else
		fprintf(out, "%s\n", or_root(r->target));
}

/* As the .expected files are written. */
static void tell(FILE *out, enum mx_dns_result result, const struct mx_dns_answer *answer)
{
	u32 i;

	fprintf(out, "%s\n", mx_dns_result_text(result));
	if (result != MX_DNS_READ && result < MX_DNS_NXDOMAIN)
		return;
	fprintf(out, "question %s %u\ncode %u\n", or_root(answer->name), answer->type, answer->error);
	if (answer->truncated)
		fprintf(out, "truncated\n");
	for (i = 0; i < answer->count; i++)
		tell_record(out, &answer->records[i]);
	if (answer->skipped)
		fprintf(out, "skipped %u\n", answer->skipped);
	if (answer->unusable)
		fprintf(out, "unusable %u\n", answer->unusable);
}

/* All of a file, with a NUL behind it. */
static char *slurp(const char *path, size_t *length)
{
	FILE *in = fopen(path, "r");
	char *bytes = malloc(65536);

	if (!in)
		fail_msg("%s: expected a file", path);
	*length = fread(bytes, 1, 65535, in);
	bytes[*length] = '\0';
	fclose(in);
	return bytes;
}

static void try_capture(const char *path)
{
	static struct mx_dns_answer answer;
	char other[256], *wire, *expected, *found;
	size_t length, size;
	FILE *out = open_memstream(&found, &size);
	enum mx_dns_result result;

	snprintf(other, sizeof(other), "%.*s.expected", (int)(strlen(path) - strlen(".answer")), path);
	wire = slurp(path, &length);
	expected = slurp(other, &size);
	result = read_exact(wire, length, &answer);
	assert_true(dns_answer_is_sane(result, &answer));
	tell(out, result, &answer);
	fclose(out);
	if (strcmp(found, expected))
		fail_msg("%s: expected\n%sfound\n%s", path, expected, found);
	free(wire);
	free(expected);
	free(found);
}

static void test_captures(void **state)
{
	glob_t found;
	size_t i;

	(void)state;
	assert_int_equal(glob("tests/captures/*.answer", 0, NULL, &found), 0);
	for (i = 0; i < found.gl_pathc; i++)
		try_capture(found.gl_pathv[i]);
	print_message("# %zu captures\n", found.gl_pathc);
	assert_true(found.gl_pathc >= AT_LEAST);
	globfree(&found);
}

/* A packet from the loopback, and what came out of the socket. */
static void try_packet(const char *path, const char *answer_path, enum mx_family family, u64 last)
{
	size_t length, size;
	char *packet = slurp(path, &length), *payload = slurp(answer_path, &size);
	struct mx_datagram d;

	assert_true(mx_datagram_parse(packet, length, &d));
	assert_int_equal(d.family, family);
	assert_true(!d.from.hi && d.from.lo == last && !mx_addr_cmp(d.from, d.to));
	assert_int_equal(d.from_port, 53);
	assert_true(d.to_port > 1023 && !d.cut);
	assert_int_equal(d.length, size);
	assert_memory_equal(d.data, payload, size);
	free(packet);
	free(payload);
}

static void test_packets(void **state)
{
	(void)state;
	try_packet("tests/captures/packet4.packet", "tests/captures/packet4.answer", MX_IPV4, 0x7f000001);
	try_packet("tests/captures/packet6.packet", "tests/captures/packet6.answer", MX_IPV6, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_captures), cmocka_unit_test(test_packets) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
