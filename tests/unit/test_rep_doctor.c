// SPDX-License-Identifier: GPL-2.0-or-later
/* What mxrep doctor makes of texts by itself: names, terms, tags, keys. What it makes of the DNS: tests/doctor.t. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tools/mxrep/check.h"
#include "tools/mxrep/spf.h"
#include "tools/mxrep/tags.h"

static struct mx_addr address_of(const char *text, enum mx_family *family)
{
	struct mx_addr address;

	assert_true(mx_addr_parse(text, family, &address));
	return address;
}

static void expect_reverse(const char *text, const char *list, const char *expected)
{
	char name[REP_REVERSE];
	enum mx_family family;
	struct mx_addr address = address_of(text, &family);

	assert_string_equal(rep_reverse(family, address, list, name), expected);
}

static void test_reverse(void **state)
{
	(void)state;
	expect_reverse("192.0.2.1", NULL, "1.2.0.192.in-addr.arpa");
	expect_reverse("192.0.2.1", "list.example", "1.2.0.192.list.example");
	expect_reverse("2001:db8::f00d", NULL,
		       "d.0.0.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

static bool is_generic(const char *name, const char *text)
{
	enum mx_family family;
	struct mx_addr address = address_of(text, &family);

	return rep_name_is_generic(name, family, address);
}

static void test_generic_names(void **state)
{
	(void)state;
	assert_true(is_generic("ip-198-51-100-7.example.net", "198.51.100.7"));
	assert_true(is_generic("7.100.51.198.example.net", "198.51.100.7"));
	assert_true(is_generic("h7-100-51.example.net", "198.51.100.7"));
	assert_true(is_generic("h198x051x100.example.net", "198.51.100.7"));
	assert_true(is_generic("c6336407.example.net", "198.51.100.7"));
	assert_true(is_generic("C6-33-64-07.example.net", "198.51.100.7"));
	assert_true(is_generic("a198051100007b.example.net", "198.51.100.7"));
	assert_true(is_generic("x.DYN.example.net", "198.51.100.7"));
	assert_true(is_generic("adsl17x.example.net", "198.51.100.7"));
	assert_true(is_generic("2001-db8--7.example.net", "2001:db8::7"));
	assert_true(is_generic("20010db8-00000000-00000000-00000007.example.net", "2001:db8::7"));
	assert_false(is_generic("mail7.example.net", "198.51.100.7"));
	assert_false(is_generic("mail100-7.example.net", "198.51.100.7"));
	assert_false(is_generic("mail100-51.example.net", "198.51.100.7"));
	assert_false(is_generic("a.pool.net", "198.51.100.7"));
	assert_false(is_generic("dsl", "198.51.100.7"));
	assert_false(is_generic("pooling.dslam.example.net", "198.51.100.7"));
	assert_false(is_generic("", "198.51.100.7"));
	assert_false(is_generic("2001-db8.mail7.example.net", "2001:db8::7"));
}

static void test_organizations(void **state)
{
	(void)state;
	assert_string_equal(rep_organization("a.b.example.com"), "example.com");
	assert_string_equal(rep_organization("example.com"), "example.com");
	assert_string_equal(rep_organization("com"), "com");
	assert_string_equal(rep_organization(""), "");
	assert_true(rep_same_organization("a.Example.com", "example.COM"));
	assert_false(rep_same_organization("badexample.com", "example.com"));
}

static void test_which_records_are_spf(void **state)
{
	(void)state;
	assert_true(rep_spf_is_record("v=spf1"));
	assert_true(rep_spf_is_record("V=SPF1 -all"));
	assert_false(rep_spf_is_record("v=spf10"));
	assert_false(rep_spf_is_record("v=spf1\t-all"));
	assert_false(rep_spf_is_record(" v=spf1"));
	assert_false(rep_spf_is_record("v=spf"));
}

static void expect_insert(const char *record, const char *terms, bool first, const char *expected)
{
	char *text = rep_spf_insert(record, terms, first);

	assert_string_equal(text, expected);
	free(text);
}

static void test_insert(void **state)
{
	(void)state;
	expect_insert("v=spf1 a -all", "ip4:192.0.2.1", false, "v=spf1 a ip4:192.0.2.1 -all");
	expect_insert("v=spf1  a   all  x ~all", "ip4:192.0.2.1", false, "v=spf1 a ip4:192.0.2.1 all x ~all");
	expect_insert("v=spf1 a Redirect=x.example", "ip4:192.0.2.1", false,
		      "v=spf1 a ip4:192.0.2.1 Redirect=x.example");
	expect_insert("v=spf1 redirect= include:all", "ip4:192.0.2.1", false,
		      "v=spf1 redirect= include:all ip4:192.0.2.1");
	expect_insert("v=spf1", "ip4:192.0.2.1", false, "v=spf1 ip4:192.0.2.1");
	expect_insert("v=spf1 a -all", "ip4:192.0.2.1", true, "v=spf1 ip4:192.0.2.1 a -all");
	expect_insert("v=spf1 a -all", "", false, "v=spf1 a -all");
}

static void test_merge(void **state)
{
	char a[] = "v=spf1 a MX ~all", b[] = "v=spf1 mx a:x -all", c[] = "v=spf1 redirect=y";
	char *both[] = { a, b }, *other[] = { c, b }, *text;

	(void)state;
	text = rep_spf_merge(both, 2);
	assert_string_equal(text, "v=spf1 a MX a:x ~all");
	free(text);
	text = rep_spf_merge(other, 2);
	assert_string_equal(text, "v=spf1 mx a:x redirect=y");
	free(text);
}

static void test_tags(void **state)
{
	struct rep_tags tags;
	const char *wrong;
	char many[REP_TAGS_MAX * 8 + 16] = "";
	u32 i;

	(void)state;
	assert_true(rep_tags_read(&tags, " v = DKIM1 ;\tp=a=b; n=; ", &wrong));
	assert_null(wrong);
	assert_int_equal(tags.count, 3);
	assert_string_equal(rep_tags_get(&tags, "v"), "DKIM1");
	assert_string_equal(rep_tags_get(&tags, "p"), "a=b");
	assert_string_equal(rep_tags_get(&tags, "n"), "");
	assert_null(rep_tags_get(&tags, "V"));
	rep_tags_free(&tags);
	for (i = 0; i < REP_TAGS_MAX; i++)
		sprintf(many + strlen(many), "t%u=;", i);
	assert_true(rep_tags_read(&tags, many, &wrong));
	rep_tags_free(&tags);
	strcat(many, "x=");
	assert_false(rep_tags_read(&tags, many, &wrong));
	assert_string_equal(wrong, "expected at most 64 tags");
	rep_tags_free(&tags);
	assert_true(rep_tags_has(" a : Sha256", ':', "sha256"));
	assert_false(rep_tags_has("sha2567", ':', "sha256"));
	assert_false(rep_tags_has("", ':', "y"));
}

static void test_length_of_tags(void **state)
{
	char *text = malloc(REP_TAGS_BYTES + 2);
	struct rep_tags tags;
	const char *wrong;

	(void)state;
	memset(text, 'x', REP_TAGS_BYTES + 1);
	text[1] = '=';
	text[REP_TAGS_BYTES + 1] = '\0';
	assert_false(rep_tags_read(&tags, text, &wrong));
	assert_string_equal(wrong, "expected at most 16384 bytes");
	rep_tags_free(&tags);
	text[REP_TAGS_BYTES] = '\0';
	assert_true(rep_tags_read(&tags, text, &wrong));
	rep_tags_free(&tags);
	free(text);
}

static void expect_base64(const char *text, const char *bytes, size_t length)
{
	u8 found[16];

	assert_int_equal(rep_base64(text, found, sizeof(found)), length);
	if (length != SIZE_MAX)
		assert_memory_equal(found, bytes, length);
}

static void test_base64(void **state)
{
	u8 two[2];

	(void)state;
	expect_base64("", "", 0);
	expect_base64("QQ==", "A", 1);
	expect_base64("QQ", "A", 1);
	expect_base64("QUI=", "AB", 2);
	expect_base64("QU JD\r\n\tRA==", "ABCD", 4);
	expect_base64("+/+/", "\373\377\277", 3);
	expect_base64("Q", NULL, SIZE_MAX);
	expect_base64("QQ=", NULL, SIZE_MAX);
	expect_base64("QQ===", NULL, SIZE_MAX);
	expect_base64("Q===", NULL, SIZE_MAX);
	expect_base64("QQ==QQ==", NULL, SIZE_MAX);
	expect_base64("=", NULL, SIZE_MAX);
	expect_base64("Q-_Q", NULL, SIZE_MAX);
	assert_int_equal(rep_base64("QUI=", two, 2), 2);
	assert_int_equal(rep_base64("QUJD", two, 2), SIZE_MAX);
}

/* RSAPublicKey with a modulus of these bytes, given in a block of its exact size. */
static u32 bits_of(const u8 *modulus, u8 length)
{
	u8 *key = malloc(length + 7u);
	u32 bits;

	key[0] = 0x30;
	key[1] = (u8)(length + 5);
	key[2] = 2;
	key[3] = length;
	memcpy(key + 4, modulus, length);
	memcpy(key + 4 + length, "\2\1\3", 3);
	bits = rep_rsa_bits(key, length + 7u);
	free(key);
	return bits;
}

static void test_bits(void **state)
{
	(void)state;
	assert_int_equal(bits_of((const u8 *)"\1", 1), 1);
	assert_int_equal(bits_of((const u8 *)"\177", 1), 7);
	assert_int_equal(bits_of((const u8 *)"\0\200", 2), 8);
	assert_int_equal(bits_of((const u8 *)"\1\0\0", 3), 17);
	assert_int_equal(bits_of((const u8 *)"\0\0", 2), 0);
	assert_int_equal(bits_of((const u8 *)"", 0), 0);
}

/* RSA of 512 bits, as openssl writes it. */
static const char small[] = "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKEOOwYxBHvYas2Fgsa27jZPuPi7+v43qqlv4Lmg+4Hf"
			    "ggL3T9gV1B4JHSpQt3r0NBDJ1TkhzZ/ETDQSKdJGf3sCAwEAAQ==";

static void test_keys(void **state)
{
	u8 bytes[200], *exact;
	size_t length = rep_base64(small, bytes, sizeof(bytes)), i;

	(void)state;
	assert_int_equal(rep_rsa_bits(bytes, length), 512);
	for (i = 0; i < length; i++) { /* each way to be cut */
		exact = malloc(i ? i : 1);
		memcpy(exact, bytes, i);
		assert_int_equal(rep_rsa_bits(exact, i), 0);
		free(exact);
	}
	bytes[length] = 0; /* more behind it */
	assert_int_equal(rep_rsa_bits(bytes, length + 1), 0);
	bytes[12] ^= 1; /* another algorithm */
	assert_int_equal(rep_rsa_bits(bytes, length), 0);
}

static void test_records_as_text(void **state)
{
	char long_text[300], *record;

	(void)state;
	record = rep_txt_record("x.example", "a\"b\\c\x1b\xff");
	assert_string_equal(record, "x.example. TXT \"a\\\"b\\\\c\\027\\255\"");
	free(record);
	memset(long_text, 'x', sizeof(long_text));
	long_text[256] = '\0';
	record = rep_txt_record("x.example", long_text);
	assert_int_equal(strlen(record), strlen("x.example. TXT \"\" \"\"") + 256);
	assert_string_equal(record + strlen(record) - 5, "\" \"x\"");
	free(record);
	long_text[255] = '\0';
	record = rep_txt_record("x.example", long_text);
	assert_string_equal(record + strlen(record) - 4, "xxx\"");
	free(record);
}

static void test_worst(void **state)
{
	struct rep_findings *findings = rep_findings_new();
	struct rep_about about = { REP_SUBJECT_DOMAIN, "example.com", NULL, "spf" };

	(void)state;
	assert_int_equal(rep_findings_worst(findings), REP_WELL);
	rep_findings_add(findings, &about, REP_WARNING, NULL, NULL, "x");
	assert_int_equal(rep_findings_worst(findings), REP_WARNING);
	rep_findings_add(findings, &about, REP_UNCHECKED, NULL, NULL, "x");
	assert_int_equal(rep_findings_worst(findings), REP_UNCHECKED);
	rep_findings_add(findings, &about, REP_ERROR, NULL, NULL, "x");
	rep_findings_add(findings, &about, REP_UNCHECKED, NULL, NULL, "x");
	assert_int_equal(rep_findings_worst(findings), REP_ERROR);
	rep_findings_clear(findings);
	assert_int_equal(rep_findings_worst(findings), REP_WELL);
	rep_findings_free(findings);
}

static void test_nothing_configured(void **state)
{
	struct rep_settings settings = { 0 };
	struct mx_config config = { 0 };
	struct rep_doctor doctor = { .settings = &settings, .config = &config, .server = "127.0.0.1:1" };
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(rep_doctor_run(&doctor, out, false), REP_WARNING);
	fclose(out);
	assert_non_null(
		strstr(text, "configuration\n  warning    config: no sources are configured: none was looked at\n"));
	assert_non_null(strstr(text, "  warning    config: no sending domains are configured: none was looked at\n"));
	assert_non_null(strstr(text, "\nerrors: 0, unchecked: 0, warnings: 2, well: 0\n"));
	free(text);
}

/* What is asked twice is one question, whatever the case and the dot at its end; what is no name is absent. */
static void test_questions(void **state)
{
	char error[200], name[2000];
	struct rep_dns *dns = rep_dns_new("127.0.0.1:1", error, sizeof(error));
	const struct rep_dns_answer *a;

	(void)state;
	assert_non_null(dns);
	assert_false(rep_dns_wait(dns));
	a = rep_dns_ask(dns, "example.com", REP_DNS_A);
	assert_int_equal(a->state, REP_DNS_PENDING);
	assert_ptr_equal(rep_dns_ask(dns, "Example.COM.", REP_DNS_A), a);
	assert_ptr_not_equal(rep_dns_ask(dns, "example.com", REP_DNS_AAAA), a);
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(rep_dns_ask(dns, name, REP_DNS_A)->state, REP_DNS_ABSENT);
	name[100] = '\0';
	a = rep_dns_ask(dns, name, REP_DNS_A); /* a label of 100 letters: c-ares says that it is none */
	assert_true(rep_dns_wait(dns));
	assert_int_equal(a->state, REP_DNS_ABSENT);
	assert_int_equal(rep_dns_ask(dns, "example.com", REP_DNS_A)->state, REP_DNS_FAILED);
	assert_false(rep_dns_wait(dns));
	rep_dns_free(dns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reverse),       cmocka_unit_test(test_generic_names),
		cmocka_unit_test(test_organizations), cmocka_unit_test(test_which_records_are_spf),
		cmocka_unit_test(test_insert),        cmocka_unit_test(test_merge),
		cmocka_unit_test(test_tags),          cmocka_unit_test(test_length_of_tags),
		cmocka_unit_test(test_base64),        cmocka_unit_test(test_bits),
		cmocka_unit_test(test_keys),          cmocka_unit_test(test_records_as_text),
		cmocka_unit_test(test_worst),         cmocka_unit_test(test_nothing_configured),
		cmocka_unit_test(test_questions),
	};

	return cmocka_run_group_tests_name("rep_doctor", tests, NULL, NULL);
}
