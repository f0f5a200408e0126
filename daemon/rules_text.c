// SPDX-License-Identifier: GPL-2.0-or-later
/* The rules as text for nft(8). nft 1.0 wants the closing brace of sets and chains on a line of its own. */
#include "daemon/rules.h"
#include "daemon/text.h"

#define ELEMENTS_PER_COMMAND 256

static void print_key(FILE *out, const struct mx_set *set, struct mx_addr key)
{
	char text[MX_ADDR_TEXT];

	if (set->key == MX_SET_ADDR4 || set->key == MX_SET_ADDR6)
		fputs(mx_addr_text(set->key == MX_SET_ADDR4 ? MX_IPV4 : MX_IPV6, key, text), out);
	else if (set->key == MX_SET_MARK)
		fprintf(out, "0x%08llx", (unsigned long long)key.lo);
	else
		fprintf(out, "%llu", (unsigned long long)key.lo);
}

static void print_element(FILE *out, const struct mx_set *set, const struct mx_element *e)
{
	char text[MX_ADDR_TEXT];

	print_key(out, set, e->first);
	if (mx_addr_cmp(e->first, e->last)) {
		fputc('-', out);
		print_key(out, set, e->last);
	}
	if (set->verdicts)
		fprintf(out, " : goto %s", e->chain);
	else if (set->addresses)
		fprintf(out, " : %s", mx_addr_text(set->data_family, e->data, text));
}

/*
 * A lease is never written into a file: loaded twice, it would be spent twice. So what is limited has no element, and
 * is refused until the daemon answers. (nft 1.0.6 would also take the burst of the set for that of each element.)
 *
 * In commands of bounded size: nft 1.0 fails on very long ones. `bymark` starts with two elements of mxload.nft. */
static void print_elements(FILE *out, const struct mx_set *set)
{
	u32 i, n = 0;

	for (i = 0; i < set->count && !set->leased; i++) {
		if (n % ELEMENTS_PER_COMMAND == 0)
			fprintf(out, "%sadd element inet mxload %s { ", n ? " }\n" : "", set->name);
		else
			fputs(", ", out);
		print_element(out, set, &set->items[i]);
		n++;
	}
	if (n)
		fputs(" }\n", out);
}

static void print_set(FILE *out, const struct mx_set *set)
{
	static const char *const types[] = {
		[MX_SET_PORT] = "type inet_service",
		[MX_SET_ADDR4] = "type ipv4_addr",
		[MX_SET_ADDR6] = "type ipv6_addr",
		[MX_SET_MARK] = "type mark",
		[MX_SET_DRAW] = "typeof numgen random mod 65536",
	};

	fprintf(out, "\t%s %s {\n\t\t%s%s%s%s\n\t}\n", set->verdicts ? "map" : "set", set->name, types[set->key],
		set->verdicts ? " : verdict" : "", set->interval ? "; flags interval" : "",
		set->leased ? "; counter limit rate 1/week burst 1 packets" : "");
}

static void print_rule(FILE *out, const struct mx_rules *r, const struct mx_rule *rule)
{
	const char *ip = rule->family == MX_IPV4 ? "ip" : "ip6";
	char text[MX_ADDR_TEXT];

	switch (rule->kind) {
	case MX_RULE_JUMP:
		fprintf(out, "\t\tjump %s\n", rule->target);
		break;
	case MX_RULE_GOTO:
		fprintf(out, "\t\tgoto %s\n", rule->target);
		break;
	case MX_RULE_MARK:
		fprintf(out, "\t\tmeta mark & 0x%08x == 0x%08x goto %s\n", rule->mask, rule->value, rule->target);
		break;
	case MX_RULE_USER:
		fprintf(out, "\t\tmeta skuid %u goto %s\n", rule->value, rule->target);
		break;
	case MX_RULE_GROUP:
		fprintf(out, "\t\tmeta skgid %u goto %s\n", rule->value, rule->target);
		break;
	case MX_RULE_FROM:
		fprintf(out, "\t\t%s saddr %s goto %s\n", ip,
			mx_prefix_text(rule->family, rule->addr, rule->length, text), rule->target);
		break;
	case MX_RULE_TO:
		fprintf(out, "\t\t%s daddr vmap @%s\n", ip, rule->target);
		break;
	case MX_RULE_DRAW:
		fprintf(out, "\t\tnumgen random mod %d vmap @%s\n", MX_DRAW_RANGE, rule->target);
		break;
	case MX_RULE_SET_MARK:
		fprintf(out,
			"\t\tmeta mark set meta mark & 0x%08x | 0x%08x\n\t\tct mark set ct mark & 0x%08x | "
			"0x%08x\n\t\taccept\n",
			~r->mark_mask, rule->value, ~r->mark_mask, rule->value);
		break;
	}
}

static void print_contents(const struct mx_rules *r, FILE *out)
{
	u32 i, j;

	for (i = 0; i < MX_FIXED_CHAINS; i++)
		fprintf(out, "flush chain inet mxload %s\n", r->chains[i].name);
	fputs("table inet mxload {\n", out);
	for (i = MX_FIXED_CHAINS; i < r->chain_count; i++) /* first all of them, since they name each other */
		fprintf(out, "\tchain %s {\n\t}\n", r->chains[i].name);
	for (i = r->fixed_sets; i < r->set_count; i++)
		print_set(out, &r->sets[i]);
	for (i = 0; i < r->chain_count; i++) {
		fprintf(out, "\tchain %s {\n", r->chains[i].name);
		for (j = 0; j < r->chains[i].count; j++)
			print_rule(out, r, &r->chains[i].items[j]);
		fputs("\t}\n", out);
	}
	fputs("}\n", out);
	for (i = 0; i < r->set_count; i++)
		print_elements(out, &r->sets[i]);
}

void mx_rules_print(const struct mx_rules *r, const char *base, FILE *out)
{
	fprintf(out,
		"#!/usr/sbin/nft -f\n# Kept by mxloadd: what the boot scripts load, until it answers.\n"
		"define MASK = 0x%08x\ndefine KEEP = 0x%08x\ndefine REFUSE = 0x%08x\ndefine PASS = 0x%08x\n"
		"include \"%s\"\n",
		r->mark_mask, ~r->mark_mask, mx_mark_refuse(r->mark_mask), mx_mark_pass(r->mark_mask), base);
	print_contents(r, out);
}
