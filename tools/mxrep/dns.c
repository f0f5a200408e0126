// SPDX-License-Identifier: GPL-2.0-or-later
#define CARES_NO_DEPRECATED /* what c-ares 1.18 has is there in newer ones, too */
#include "tools/mxrep/dns.h"

#include <ares.h>
#include <netdb.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/select.h>
#include <time.h>

#include "daemon/log.h"
#include "daemon/text.h"
#include "tools/mxrep/moment.h"

#define CLASS_IN 1
#define NAME_MAX_TEXT 1024 /* a name of 255 bytes, each of which may be written as \ddd */
#define PACKET 1232        /* what is asked for by UDP: no fragments (DNS flag day 2020) */
#define TRIES 2
#define ALL_OF_IT 6 /* times the time for one question */
#define RECORDS_MAX 1000u

struct question {
	struct rep_dns *dns;
	struct question *next; /* of those that wait to be asked */
	char *name;
	enum rep_dns_type type;
	struct rep_dns_answer answer;
};

struct rep_dns {
	ares_channel channel;
	void *questions; /* tsearch() */
	struct question *first, **last;
	u32 count, in_flight;
	s64 allowed, end; /* milliseconds; end 0: nothing has been asked yet */
};

static int compare(const void *a, const void *b)
{
	const struct question *x = a, *y = b;

	return x->type != y->type ? (int)x->type - (int)y->type : strcasecmp(x->name, y->name);
}

static void free_question(void *item)
{
	struct question *q = item;

	while (q->answer.count)
		free(q->answer.records[--q->answer.count].text);
	free(q->answer.records);
	free(q->name);
	free(q);
}

static int allowed_ms(void)
{
	const char *text = getenv(REP_DNS_TIMEOUT_VARIABLE);
	double seconds = text ? strtod(text, NULL) : 0;

	return seconds >= 0.1 && seconds <= 60 ? (int)(seconds * 1000) : REP_DNS_TIMEOUT;
}

/* c-ares doubles the time for the second round through all the servers. */
static int open_channel(struct rep_dns *dns, const char *server, u32 servers)
{
	struct ares_options options = {
		.flags = ARES_FLAG_EDNS,
		.ednspsz = PACKET,
		.tries = TRIES,
		.timeout = (int)dns->allowed / (int)(3 * servers),
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TRIES | ARES_OPT_TIMEOUTMS, status;

	status = ares_init_options(&dns->channel, &options, mask);
	if (status == ARES_SUCCESS && server) {
		status = ares_set_servers_ports_csv(dns->channel, server);
		if (status != ARES_SUCCESS)
			ares_destroy(dns->channel);
	}
	return status;
}

static u32 count_servers(ares_channel channel)
{
	struct ares_addr_port_node *servers = NULL, *s;
	u32 count = 0;

	if (ares_get_servers_ports(channel, &servers) == ARES_SUCCESS)
		for (s = servers; s; s = s->next)
			count++;
	if (servers)
		ares_free_data(servers);
	return count ? count : 1;
}

/* Opened twice where the host names several servers: how many has to be known for the time each of them gets. */
static int open_for_all(struct rep_dns *dns, const char *server)
{
	int status = open_channel(dns, server, 1);
	u32 servers;

	if (status != ARES_SUCCESS)
		return status;
	servers = count_servers(dns->channel);
	if (servers == 1)
		return status;
	ares_destroy(dns->channel);
	return open_channel(dns, server, servers);
}

struct rep_dns *rep_dns_new(const char *server, char *error, size_t size)
{
	struct rep_dns *dns = mx_alloc(sizeof(*dns));
	int status = ares_library_init(ARES_LIB_INIT_ALL);

	dns->last = &dns->first;
	dns->allowed = allowed_ms();
	if (status == ARES_SUCCESS)
		status = open_for_all(dns, server);
	if (status == ARES_SUCCESS)
		return dns;
	if (server)
		snprintf(error, size, "%.100s: expected the address of a DNS server, like 192.0.2.53 or 192.0.2.53:53",
			 server);
	else
		snprintf(error, size, "cannot ask the DNS: %s", ares_strerror(status));
	free(dns);
	return NULL;
}

void rep_dns_free(struct rep_dns *dns)
{
	ares_destroy(dns->channel);
	ares_library_cleanup();
	tdestroy(dns->questions, free_question);
	free(dns);
}

static void fail(struct question *q, const char *problem)
{
	q->answer.state = REP_DNS_FAILED;
	q->answer.problem = problem;
}

static struct rep_dns_record *add_record(struct question *q)
{
	struct rep_dns_answer *a = &q->answer;

	a->records = mx_grow(a->records, a->count, sizeof(*a->records));
	a->records[a->count] = (struct rep_dns_record){ 0 };
	return &a->records[a->count++];
}

static void add_name(struct question *q, const char *name)
{
	char *text = mx_strdup(name);
	size_t length = strlen(text);

	if (length && text[length - 1] == '.')
		text[length - 1] = '\0';
	add_record(q)->text = text;
}

static int read_a(struct question *q, const u8 *bytes, int length)
{
	static struct ares_addrttl found[RECORDS_MAX];
	int count = RECORDS_MAX, status = ares_parse_a_reply(bytes, length, NULL, found, &count), i;

	for (i = 0; status == ARES_SUCCESS && i < count; i++)
		add_record(q)->address = mx_addr_from_bytes(MX_IPV4, &found[i].ipaddr);
	return status;
}

static int read_aaaa(struct question *q, const u8 *bytes, int length)
{
	static struct ares_addr6ttl found[RECORDS_MAX];
	int count = RECORDS_MAX, status = ares_parse_aaaa_reply(bytes, length, NULL, found, &count), i;

	for (i = 0; status == ARES_SUCCESS && i < count; i++)
		add_record(q)->address = mx_addr_from_bytes(MX_IPV6, &found[i].ip6addr);
	return status;
}

static int read_ptr(struct question *q, const u8 *bytes, int length)
{
	struct hostent *host = NULL;
	int status = ares_parse_ptr_reply(bytes, length, "\0\0\0", 4, AF_INET, &host);
	char **name;

	if (status != ARES_SUCCESS)
		return status;
	for (name = host->h_aliases; name && *name; name++)
		add_name(q, *name);
	ares_free_hostent(host);
	return ARES_SUCCESS;
}

static int read_mx(struct question *q, const u8 *bytes, int length)
{
	struct ares_mx_reply *found = NULL, *mx;
	int status = ares_parse_mx_reply(bytes, length, &found);

	if (status != ARES_SUCCESS)
		return status;
	for (mx = found; mx; mx = mx->next)
		add_name(q, mx->host);
	ares_free_data(found);
	return ARES_SUCCESS;
}

/* A NUL has no place in any record that is looked for: what stands in its place has none either. */
static void append_string(struct rep_dns_record *record, size_t *used, const struct ares_txt_ext *part)
{
	char *text = realloc(record->text, *used + part->length + 1);
	size_t i;

	if (!text)
		mx_fatal("out of memory");
	for (i = 0; i < part->length; i++)
		text[(*used)++] = (char)(part->txt[i] ? part->txt[i] : 1);
	text[*used] = '\0';
	record->text = text;
}

static int read_txt(struct question *q, const u8 *bytes, int length)
{
	struct ares_txt_ext *found = NULL, *part;
	int status = ares_parse_txt_reply_ext(bytes, length, &found);
	struct rep_dns_record *record = NULL;
	size_t used = 0;

	if (status != ARES_SUCCESS)
		return status;
	for (part = found; part; part = part->next) {
		if (!record || part->record_start) {
			record = add_record(q);
			used = 0;
		}
		append_string(record, &used, part);
	}
	ares_free_data(found);
	return ARES_SUCCESS;
}

static int read_records(struct question *q, const u8 *bytes, int length)
{
	switch (q->type) {
	case REP_DNS_A:
		return read_a(q, bytes, length);
	case REP_DNS_AAAA:
		return read_aaaa(q, bytes, length);
	case REP_DNS_PTR:
		return read_ptr(q, bytes, length);
	case REP_DNS_MX:
		return read_mx(q, bytes, length);
	case REP_DNS_TXT:
		return read_txt(q, bytes, length);
	}
	return ARES_EBADQUERY;
}

static const char *problem_of(int status)
{
	switch (status) {
	case ARES_ETIMEOUT:
		return "no answer in time";
	case ARES_ESERVFAIL:
	case ARES_EREFUSED:
	case ARES_ECONNREFUSED: /* what c-ares 1.18 says of the other two, too, once each server has said it */
		return "every server failed (SERVFAIL), or none is there";
	case ARES_EBADRESP:
		return "the answer is malformed";
	case ARES_ECANCELLED:
		return "no answer before the time for everything was up";
	}
	return ares_strerror(status);
}

static void on_answer(void *context, int status, int timeouts, unsigned char *bytes, int length)
{
	struct question *q = context;

	(void)timeouts;
	q->dns->in_flight--;
	if (status == ARES_SUCCESS)
		status = read_records(q, bytes, length);
	switch (status) {
	case ARES_SUCCESS:
		q->answer.state = q->answer.count ? REP_DNS_FOUND : REP_DNS_ABSENT;
		break;
	case ARES_ENODATA:
	case ARES_ENOTFOUND:
	case ARES_EBADNAME: /* what cannot be a name has no records */
		q->answer.state = REP_DNS_ABSENT;
		break;
	default:
		fail(q, problem_of(status));
	}
}

static bool is_over(const struct rep_dns *dns)
{
	return dns->end && rep_now_ms() >= dns->end;
}

/* A name that is longer than any name cannot be there. */
static void begin(struct rep_dns *dns, struct question *q)
{
	if (strlen(q->name) >= NAME_MAX_TEXT) {
		q->answer.state = REP_DNS_ABSENT;
	} else if (is_over(dns)) {
		fail(q, problem_of(ARES_ECANCELLED));
	} else {
		*dns->last = q;
		dns->last = &q->next;
	}
}

static struct question *new_question(struct rep_dns *dns, char *name, enum rep_dns_type type)
{
	struct question *q = mx_alloc(sizeof(*q));

	*q = (struct question){ .dns = dns, .name = mx_strdup(name), .type = type };
	mx_have(tsearch(q, &dns->questions, compare));
	dns->count++;
	begin(dns, q);
	return q;
}

const struct rep_dns_answer *rep_dns_ask(struct rep_dns *dns, const char *name, enum rep_dns_type type)
{
	static const struct rep_dns_answer too_many = { .state = REP_DNS_FAILED, .problem = "too many questions" };
	char plain[NAME_MAX_TEXT + 1];
	struct question wanted = { .name = plain, .type = type }, *const * found;
	size_t length = strnlen(name, NAME_MAX_TEXT);

	if (length && name[length - 1] == '.')
		length--;
	memcpy(plain, name, length);
	plain[length] = '\0';
	found = tfind(&wanted, &dns->questions, compare);
	if (found)
		return &(*found)->answer;
	if (dns->count >= REP_DNS_QUESTIONS)
		return &too_many;
	return &new_question(dns, plain, type)->answer;
}

static void ask_more(struct rep_dns *dns)
{
	while (dns->first && dns->in_flight < REP_DNS_IN_FLIGHT) {
		struct question *q = dns->first;

		dns->first = q->next;
		if (!dns->first)
			dns->last = &dns->first;
		dns->in_flight++;
		ares_query(dns->channel, q->name, CLASS_IN, (int)q->type, on_answer, q);
	}
}

static void exchange(struct rep_dns *dns)
{
	s64 left = dns->end - rep_now_ms();
	struct timeval longest, time, *wait;
	fd_set readable, writable;
	int descriptors;

	left = left > 0 ? left : 0;
	longest = (struct timeval){ left / 1000, left % 1000 * 1000 };
	FD_ZERO(&readable);
	FD_ZERO(&writable);
	descriptors = ares_fds(dns->channel, &readable, &writable);
	wait = ares_timeout(dns->channel, &longest, &time);
	if (select(descriptors, &readable, &writable, NULL, wait) < 0) {
		FD_ZERO(&readable);
		FD_ZERO(&writable);
	}
	ares_process(dns->channel, &readable, &writable);
}

static void give_up(struct rep_dns *dns)
{
	ares_cancel(dns->channel);
	for (; dns->first; dns->first = dns->first->next)
		fail(dns->first, problem_of(ARES_ECANCELLED));
	dns->last = &dns->first;
}

bool rep_dns_wait(struct rep_dns *dns)
{
	if (!dns->first)
		return false;
	if (!dns->end)
		dns->end = rep_now_ms() + ALL_OF_IT * dns->allowed;
	for (ask_more(dns); dns->in_flight || dns->first; ask_more(dns)) {
		if (is_over(dns)) {
			give_up(dns);
			break;
		}
		if (dns->in_flight)
			exchange(dns);
	}
	return true;
}

bool rep_dns_has(const struct rep_dns_answer *answer, struct mx_addr address)
{
	u32 i;

	for (i = 0; i < answer->count; i++)
		if (!mx_addr_cmp(answer->records[i].address, address))
			return true;
	return false;
}
