// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxrep/spf.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include <spf2/spf.h>
#include <spf2/spf_dns.h>

#include "daemon/log.h"
#include "daemon/text.h"

#define VERSION "v=spf1"
#define BLANKS " "

/* The DNS as libspf2 sees it. */
struct layer {
	SPF_dns_server_t server; /* first: libspf2 gives us its address */
	struct rep_dns *dns;
	bool pending;
};

const char *rep_spf_name(enum rep_spf_result result)
{
	static const char *const names[] = {
		"pending", "pass", "fail", "softfail", "neutral", "temperror", "permerror"
	};

	return names[result];
}

bool rep_spf_is_record(const char *text)
{
	size_t length = strlen(VERSION);

	return !strncasecmp(text, VERSION, length) && (!text[length] || text[length] == ' ');
}

static void put_record(SPF_dns_rr_t *rr, enum rep_dns_type type, const struct rep_dns_record *record)
{
	int at = rr->num_rr;
	size_t length = record->text ? strlen(record->text) + 1 : sizeof(struct in6_addr);

	if (SPF_dns_rr_buf_realloc(rr, at, length) != SPF_E_SUCCESS)
		mx_fatal("out of memory");
	if (type == REP_DNS_A)
		mx_addr_to_bytes(MX_IPV4, record->address, &rr->rr[at]->a);
	else if (type == REP_DNS_AAAA)
		mx_addr_to_bytes(MX_IPV6, record->address, &rr->rr[at]->aaaa);
	else
		memcpy(rr->rr[at]->txt, record->text, length);
	rr->num_rr++;
}

static bool is_known_type(ns_type type)
{
	return type == ns_t_a || type == ns_t_aaaa || type == ns_t_ptr || type == ns_t_mx || type == ns_t_txt;
}

/* Records that are too long for us are none for libspf2 either, which does not read them well. */
static void put_records(SPF_dns_rr_t *rr, enum rep_dns_type type, const struct rep_dns_answer *answer)
{
	u32 i;

	for (i = 0; i < answer->count; i++)
		if (!answer->records[i].text || strlen(answer->records[i].text) <= REP_SPF_MAX)
			put_record(rr, type, &answer->records[i]);
	if (!rr->num_rr)
		rr->herrno = NO_DATA;
}

static SPF_dns_rr_t *look_up(SPF_dns_server_t *server, const char *name, ns_type type, int cached)
{
	struct layer *layer = (struct layer *)server;
	const struct rep_dns_answer *answer;
	SPF_dns_rr_t *rr;

	(void)cached;
	rr = mx_have(SPF_dns_rr_new_init(server, name, type, 0, NETDB_SUCCESS));
	if (!is_known_type(type)) {
		rr->herrno = NO_DATA;
		return rr;
	}
	answer = rep_dns_ask(layer->dns, name, (enum rep_dns_type)type);
	layer->pending |= answer->state == REP_DNS_PENDING;
	if (answer->state == REP_DNS_FOUND)
		put_records(rr, (enum rep_dns_type)type, answer);
	else
		rr->herrno = answer->state == REP_DNS_ABSENT ? HOST_NOT_FOUND : TRY_AGAIN;
	return rr;
}

static enum rep_spf_result result_of(SPF_response_t *response)
{
	switch (response ? SPF_response_result(response) : SPF_RESULT_INVALID) {
	case SPF_RESULT_PASS:
		return REP_SPF_PASS;
	case SPF_RESULT_FAIL:
		return REP_SPF_FAIL;
	case SPF_RESULT_SOFTFAIL:
		return REP_SPF_SOFTFAIL;
	case SPF_RESULT_NEUTRAL:
	case SPF_RESULT_NONE:
		return REP_SPF_NEUTRAL;
	case SPF_RESULT_TEMPERROR:
		return REP_SPF_TEMPERROR;
	default:
		return REP_SPF_PERMERROR;
	}
}

/* What libspf2 has against the record: its errors, or else the error that ended it. */
static void say_why(SPF_response_t *response, SPF_errcode_t code, char *why, size_t size)
{
	int i;

	for (i = 0; response && i < SPF_response_messages(response); i++)
		if (SPF_error_errorp(SPF_response_message(response, i))) {
			snprintf(why, size, "%s", SPF_error_message(SPF_response_message(response, i)));
			return;
		}
	if (response && code == SPF_E_SUCCESS)
		code = SPF_response_errcode(response);
	snprintf(why, size, "%s", SPF_strerror(code));
}

static SPF_request_t *new_request(const struct rep_spf *spf, SPF_server_t *server, enum mx_family family,
				  struct mx_addr address)
{
	SPF_request_t *request = SPF_request_new(server);
	char *from = mx_format("postmaster@%s", spf->domain);
	struct in6_addr six;
	struct in_addr four;

	mx_have(request);
	if (family == MX_IPV4) {
		mx_addr_to_bytes(MX_IPV4, address, &four);
		SPF_request_set_ipv4(request, four);
	} else {
		mx_addr_to_bytes(MX_IPV6, address, &six);
		SPF_request_set_ipv6(request, six);
	}
	SPF_request_set_helo_dom(request, spf->helo);
	SPF_request_set_env_from(request, from);
	free(from);
	return request;
}

static enum rep_spf_result evaluate(const struct rep_spf *spf, SPF_request_t *request, const struct layer *layer,
				    char *why, size_t size)
{
	SPF_response_t *response = NULL;
	SPF_errcode_t code = SPF_request_query_fallback(request, &response, spf->record);
	enum rep_spf_result result = result_of(response);

	say_why(response, code, why, size);
	if (response)
		SPF_response_free(response);
	return layer->pending ? REP_SPF_PENDING : result;
}

enum rep_spf_result rep_spf_evaluate(const struct rep_spf *spf, enum mx_family family, struct mx_addr address,
				     char *why, size_t size)
{
	struct layer layer = { .server = { .lookup = look_up, .name = "mxrep" }, .dns = spf->dns };
	SPF_server_t *server = SPF_server_new_dns(&layer.server, 0);
	enum rep_spf_result result;
	SPF_request_t *request;

	mx_have(server);
	request = new_request(spf, server, family, address);
	result = evaluate(spf, request, &layer, why, size);
	SPF_request_free(request);
	SPF_server_free(server);
	return result;
}

/* --- terms ------------------------------------------------------------------------------------------------------ */

/* The next term of a record behind `*at`, or NULL; *length of it. */
static const char *next_term(const char **at, size_t *length)
{
	const char *term = *at + strspn(*at, BLANKS);

	*length = strcspn(term, BLANKS);
	*at = term + *length;
	return *length ? term : NULL;
}

static const char *first_term(const char *record, const char **at, size_t *length)
{
	*at = record + strlen(VERSION);
	return next_term(at, length);
}

/* Whether a term is of this name; *value: what stands behind its ':' or '=', if any. */
static bool is_term(const char *term, size_t length, const char *name, struct rep_dns_record *value)
{
	size_t own = strlen(name), begin = term[0] && strchr("+-~?", term[0]) ? 1 : 0;

	value->text = NULL;
	if (length < begin + own || strncasecmp(term + begin, name, own))
		return false;
	begin += own;
	if (begin == length)
		return true;
	if (!strchr(":=/", term[begin]))
		return false;
	value->text = strndup(term + begin + 1, length - begin - 1);
	return true;
}

bool rep_spf_is_all(const char *term, size_t length, char *qualifier)
{
	bool qualified = length && strchr("+-~?", term[0]);

	*qualifier = qualified ? term[0] : '+';
	return length == 3u + qualified && !strncasecmp(term + qualified, "all", 3);
}

static bool has_all(const char *record)
{
	const char *at, *term;
	size_t length;
	char qualifier;

	for (term = first_term(record, &at, &length); term; term = next_term(&at, &length))
		if (rep_spf_is_all(term, length, &qualifier))
			return true;
	return false;
}

static u32 lookups_behind(struct rep_dns *dns, const char *name, u32 depth, bool *pending);

static u32 count_lookups(struct rep_dns *dns, const char *record, u32 depth, bool *pending)
{
	static const char *const costly[] = { "include", "a", "mx", "ptr", "exists", "redirect" };
	const char *at, *term;
	size_t length, i;
	u32 count = 0;

	for (term = first_term(record, &at, &length); term && count < REP_SPF_COUNTED; term = next_term(&at, &length))
		for (i = 0; i < sizeof(costly) / sizeof(*costly); i++) {
			struct rep_dns_record value;

			if (!is_term(term, length, costly[i], &value))
				continue;
			if (strcmp(costly[i], "redirect") || !has_all(record)) {
				count++;
				if (value.text && (!strcmp(costly[i], "include") || !strcmp(costly[i], "redirect")))
					count += lookups_behind(dns, value.text, depth + 1, pending);
			}
			free(value.text);
		}
	return count < REP_SPF_COUNTED ? count : REP_SPF_COUNTED;
}

/* What macros make of a name depends on the mail: not followed. Deeper than the lookups that are allowed, neither. */
static u32 lookups_behind(struct rep_dns *dns, const char *name, u32 depth, bool *pending)
{
	const struct rep_dns_answer *answer;
	u32 i;

	if (strchr(name, '%') || depth > REP_SPF_LOOKUPS)
		return 0;
	answer = rep_dns_ask(dns, name, REP_DNS_TXT);
	*pending |= answer->state == REP_DNS_PENDING;
	for (i = 0; i < answer->count; i++)
		if (rep_spf_is_record(answer->records[i].text) && strlen(answer->records[i].text) <= REP_SPF_MAX)
			return count_lookups(dns, answer->records[i].text, depth, pending);
	return 0;
}

u32 rep_spf_lookups(struct rep_dns *dns, const char *record, bool *pending)
{
	*pending = false;
	return count_lookups(dns, record, 0, pending);
}

/* --- records to publish ----------------------------------------------------------------------------------------- */

struct draft {
	FILE *out;
	char *text;
	size_t size;
};

static void begin(struct draft *d)
{
	d->out = mx_have(open_memstream(&d->text, &d->size));
	fputs(VERSION, d->out);
}

static char *finish(struct draft *d)
{
	fclose(d->out);
	return d->text;
}

static bool is_last(const char *term, size_t length)
{
	char qualifier;

	return rep_spf_is_all(term, length, &qualifier) || (length > 9 && !strncasecmp(term, "redirect=", 9));
}

char *rep_spf_insert(const char *record, const char *terms, bool first)
{
	struct draft d;
	const char *at, *term;
	size_t length;
	bool done = !*terms;

	begin(&d);
	for (term = first_term(record, &at, &length); term; term = next_term(&at, &length)) {
		if (!done && (first || is_last(term, length))) {
			fprintf(d.out, " %s", terms);
			done = true;
		}
		fprintf(d.out, " %.*s", (int)length, term);
	}
	if (!done)
		fprintf(d.out, " %s", terms);
	return finish(&d);
}

static bool was_before(char *const *records, u32 record, const char *wanted, size_t wanted_length)
{
	const char *at, *term;
	size_t length;
	u32 i;

	for (i = 0; i <= record; i++)
		for (term = first_term(records[i], &at, &length); term; term = next_term(&at, &length)) {
			if (term == wanted)
				return false;
			if (length == wanted_length && !strncasecmp(term, wanted, length))
				return true;
		}
	return false;
}

char *rep_spf_merge(char *const *records, u32 count)
{
	struct draft d;
	const char *at, *term, *last = NULL;
	size_t length, last_length = 0;
	u32 i;

	begin(&d);
	for (i = 0; i < count; i++)
		for (term = first_term(records[i], &at, &length); term; term = next_term(&at, &length)) {
			if (is_last(term, length)) {
				last_length = last ? last_length : length;
				last = last ? last : term;
			} else if (!was_before(records, i, term, length)) {
				fprintf(d.out, " %.*s", (int)length, term);
			}
		}
	if (last)
		fprintf(d.out, " %.*s", (int)last_length, last);
	return finish(&d);
}
