// SPDX-License-Identifier: GPL-2.0-or-later
/* Complaints: feedback reports of RFC 5965, and the form that Outlook.com's programme (JMRP) has instead. */
#include "daemon/text.h"
#include "tools/mxrep/mail_parts.h"

#define INCIDENTS_MAX 1000u
#define RECEIVED_MAX 50u /* lines of a header that are looked at for an address */

struct reading {
	struct rep_mail *mail;
	struct rep_fields report;  /* of the feedback report; none in Outlook.com's form */
	struct rep_fields message; /* the header of the message complained of */
};

static struct rep_text of_report(const struct reading *r, const char *name)
{
	return rep_fields_find(r->report, name);
}

static struct rep_text of_message(const struct reading *r, const char *name)
{
	return rep_fields_find(r->message, name);
}

static struct rep_text of_header(const struct reading *r, const char *name)
{
	return rep_fields_find(r->mail->header, name);
}

/* --- the source --------------------------------------------------------------------------------------------------- */

/* An address as it stands in reports: "192.0.2.1", "[192.0.2.1]", "IPv6:2001:db8::1", "::ffff:192.0.2.1". */
static bool read_address(struct rep_text text, enum mx_family *family, struct mx_addr *address)
{
	char line[MX_ADDR_TEXT];
	size_t length = 0;

	text = rep_text_strip(text);
	if (rep_text_starts(text, "[") || rep_text_starts(text, "("))
		text = rep_text_from(text, 1);
	if (rep_text_starts(text, "IPv6:"))
		text = rep_text_from(text, strlen("IPv6:"));
	if (rep_text_starts(text, "::ffff:") && memchr(text.at, '.', text.length))
		text = rep_text_from(text, strlen("::ffff:"));
	while (length < text.length &&
	       (g_ascii_isxdigit(text.at[length]) || text.at[length] == '.' || text.at[length] == ':'))
		length++;
	if (!length || length >= sizeof(line))
		return false;
	memcpy(line, text.at, length);
	line[length] = '\0';
	return mx_addr_parse(line, family, address);
}

/* Addresses that say nothing outside of the network that they are in. */
static bool is_private(enum mx_family family, struct mx_addr address)
{
	static const char *const networks[] = { "10.0.0.0/8",     "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8",
						"169.254.0.0/16", "::1/128",       "fc00::/7",       "fe80::/10" };

	for (size_t i = 0; i < G_N_ELEMENTS(networks); i++) {
		enum mx_family of;
		struct mx_addr first;
		u8 length;

		if (!mx_prefix_parse(networks[i], &of, &first, &length) && of == family &&
		    !mx_addr_cmp(mx_addr_first(address, family, length), first))
			return true;
	}
	return false;
}

/* The last two labels of a host's name: what hosts of one party have in common. */
static const char *owner(const char *host)
{
	const char *dot = host ? strrchr(host, '.') : NULL;

	while (dot && dot > host && dot[-1] != '.')
		dot--;
	return dot && dot > host ? dot : host;
}

static struct rep_text word_behind(struct rep_text text, const char *word)
{
	size_t at = rep_text_find(text, word);

	return at < text.length ? rep_text_from(text, at + strlen(word)) : (struct rep_text){ NULL, 0 };
}

/* "from mail.example.com (192.0.2.1) by mx.example.net": the address, unless both are the same party's. */
static bool read_received(struct reading *r, struct rep_text value, struct rep_complaint *complaint)
{
	const char *line = rep_mail_keep(r->mail, value), *sender, *receiver;
	struct rep_text by;

	value = rep_text_of(line);
	if (!rep_text_starts(value, "from "))
		return false;
	by = word_behind(value, " by ");
	sender = rep_mail_host(r->mail, word_behind(value, "from "));
	receiver = rep_mail_host(r->mail, by);
	if (sender && receiver && !strcmp(owner(sender), owner(receiver)))
		return false;
	if (by.at)
		value.length = (size_t)(by.at - value.at);
	for (; value.length; value.at++, value.length--) {
		if (*value.at != '[' && *value.at != '(')
			continue;
		if (read_address(value, &complaint->family, &complaint->source) &&
		    !is_private(complaint->family, complaint->source))
			return true;
	}
	return false;
}

static bool find_source(struct reading *r, struct rep_complaint *complaint)
{
	static const char *const fields[] = { "X-Originating-IP", "X-Sender-IP" };
	struct rep_text subject = word_behind(of_header(r, "Subject"), "complaint about message from ");
	unsigned int looked = 0;

	if (read_address(of_report(r, "Source-IP"), &complaint->family, &complaint->source))
		return true;
	if (read_address(subject, &complaint->family, &complaint->source))
		return true;
	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
		if (read_address(of_message(r, fields[i]), &complaint->family, &complaint->source))
			return true;
	for (guint i = 0; i < r->message.list->len && looked < RECEIVED_MAX; i++) {
		const struct rep_field *field = &g_array_index(r->message.list, struct rep_field, i);

		if (field->name.length != strlen("Received") || !rep_text_starts(field->name, "Received"))
			continue;
		looked++;
		if (read_received(r, field->value, complaint))
			return true;
	}
	return false;
}

/* --- the rest ----------------------------------------------------------------------------------------------------- */

static const char *small(struct reading *r, struct rep_text text)
{
	char *lower = text.length ? g_ascii_strdown(text.at, (gssize)text.length) : NULL;
	const char *kept = rep_mail_keep(r->mail, rep_text_of(lower));

	g_free(lower);
	return kept;
}

static const char *either(const char *first, const char *second)
{
	return first ? first : second;
}

static const char *find_recipient(struct reading *r)
{
	const char *recipient = rep_mail_address(r->mail, rep_typed(of_report(r, "Original-Rcpt-To")));

	if (!recipient)
		recipient = rep_mail_address(r->mail, of_message(r, "X-HmXmrOriginalRecipient"));
	return either(recipient, rep_mail_mailbox(r->mail, of_message(r, "To")));
}

static const char *find_sender(struct reading *r)
{
	const char *sender = rep_mail_address(r->mail, of_report(r, "Original-Mail-From"));

	return either(sender, rep_mail_address(r->mail, of_message(r, "Return-Path")));
}

static const char *find_domain(struct reading *r)
{
	const char *domain = rep_mail_host(r->mail, of_report(r, "Reported-Domain"));

	return either(domain, rep_mail_domain(rep_mail_mailbox(r->mail, of_message(r, "From"))));
}

static const char *find_reporter(struct reading *r)
{
	const char *reporter = rep_mail_host(r->mail, rep_typed(of_report(r, "Reporting-MTA")));

	return either(reporter, rep_mail_domain(rep_mail_mailbox(r->mail, of_header(r, "From"))));
}

static unsigned int find_incidents(struct reading *r)
{
	struct rep_text text = rep_text_strip(of_report(r, "Incidents"));
	unsigned int incidents = 0;

	for (size_t i = 0; i < text.length && g_ascii_isdigit(text.at[i]) && incidents < INCIDENTS_MAX; i++)
		incidents = incidents * 10 + (unsigned int)(text.at[i] - '0');
	return incidents ? MIN(incidents, INCIDENTS_MAX) : 1;
}

static s64 find_time(struct reading *r)
{
	s64 time = rep_mail_date(of_report(r, "Arrival-Date"));

	if (!time)
		time = rep_mail_date(of_report(r, "Received-Date"));
	return time ? time : rep_mail_date(of_header(r, "Date"));
}

static void tell(struct reading *r, const char *type, rep_complaint_told *told, void *context)
{
	struct rep_complaint complaint = {
		.type = type,
		.recipient = find_recipient(r),
		.sender = find_sender(r),
		.domain = find_domain(r),
		.reporter = find_reporter(r),
		.message_id = rep_mail_id(r->mail, of_message(r, "Message-ID")),
		.feedback_id = rep_mail_keep(r->mail, of_message(r, "Feedback-ID")),
		.list_unsubscribe = of_message(r, "List-Unsubscribe").at != NULL,
		.incidents = find_incidents(r),
		.time = find_time(r),
	};

	complaint.has_source = find_source(r, &complaint);
	told(&complaint, context);
}

/* --- what kind of message it is ----------------------------------------------------------------------------------- */

static bool is_report(struct rep_mail *mail, const struct rep_part *part)
{
	struct rep_text text;

	if (!strcmp(part->type, "message/feedback-report"))
		return true;
	if (strcmp(mail->report, "feedback-report") != 0 || rep_part_is_message(part))
		return false;
	text = rep_text_strip(rep_text_of(rep_part_text(mail, part))); /* of a wrong type */
	return rep_text_starts(text, "Feedback-Type:") || rep_text_starts(text, "User-Agent:") ||
	       rep_text_starts(text, "Version:");
}

static const struct rep_part *find_report(struct rep_mail *mail)
{
	for (unsigned int i = 0; i < mail->count; i++)
		if (is_report(mail, &mail->parts[i]))
			return &mail->parts[i];
	return NULL;
}

/* The message complained of: as such, or its header; where it is of another type, what comes behind the report. */
static const struct rep_part *find_message(struct rep_mail *mail, const struct rep_part *report)
{
	for (unsigned int i = 0; i < mail->count; i++)
		if (rep_part_is_message(&mail->parts[i]))
			return &mail->parts[i];
	return report && report + 1 < mail->parts + mail->count ? report + 1 : NULL;
}

static int read_feedback(struct reading *r, rep_complaint_told *told, void *context, char *error, size_t size)
{
	const char *type = small(r, of_report(r, "Feedback-Type"));

	if (!type)
		return rep_mail_error(error, size, "expected a Feedback-Type in the feedback report, there is none");
	tell(r, type, told, context);
	return 1;
}

/* Outlook.com's: nothing but the message, in which it has put the recipient. */
static int read_plain(struct reading *r, rep_complaint_told *told, void *context, char *error, size_t size)
{
	const char *sender = rep_mail_mailbox(r->mail, of_header(r, "From"));

	if (of_message(r, "X-HmXmrOriginalRecipient").at ||
	    (rep_text_starts(of_header(r, "Subject"), "complaint about message from ") && r->message.list->len)) {
		tell(r, "abuse", told, context);
		return 1;
	}
	return rep_mail_error(error, size,
			      "expected a complaint (multipart/report with a feedback report), this is a message of %s",
			      sender ? sender : "an unknown sender");
}

int rep_complaint_read(const char *bytes, size_t length, rep_complaint_told *told, void *context, char *error,
		       size_t size)
{
	struct rep_mail *mail = rep_mail_open(bytes, length, "a complaint", error, size);
	const struct rep_part *report, *message;
	struct reading r = { .mail = mail };
	int count;

	if (!mail)
		return -1;
	report = find_report(mail);
	message = find_message(mail, report);
	r.report = rep_fields_read(report ? rep_part_text(mail, report) : "");
	r.message = message ? rep_part_header(mail, message) : rep_fields_read("");
	count = report ? read_feedback(&r, told, context, error, size) : read_plain(&r, told, context, error, size);
	rep_fields_free(r.report);
	rep_fields_free(r.message);
	rep_mail_close(mail);
	return count;
}
