// SPDX-License-Identifier: GPL-2.0-or-later
/* Bounces: the delivery status of RFC 3464 and RFC 6533, and what words add to it or have in its place. */
#include "tools/mxrep/bounce_forms.h"

#include <strings.h>

/* One recipient's fields, as far as they have come. */
struct record {
	struct rep_text final, original, action, status, diagnostic, remote, last_attempt;
};

/* What is said once for all of them. */
struct report {
	struct rep_mail *mail;
	struct rep_text reporter, queue_id, message_id, arrival;
	GArray *records; /* of struct record */
	GArray *words;   /* of struct rep_bounce: what the words for people say */
	const char *copied_id;
	s64 date;
};

/* --- the delivery status ------------------------------------------------------------------------------------------ */

static bool is_named(const struct rep_field *field, const char *name)
{
	return field->name.length == strlen(name) && rep_text_starts(field->name, name);
}

static bool take_common(struct report *r, const struct rep_field *field)
{
	const struct {
		const char *name;
		struct rep_text *to;
	} known[] = { { "Reporting-MTA", &r->reporter },
		      { "X-Postfix-Queue-ID", &r->queue_id },
		      { "X-Original-Message-ID", &r->message_id },
		      { "Arrival-Date", &r->arrival } };

	for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
		if (is_named(field, known[i].name)) {
			if (!known[i].to->at)
				*known[i].to = field->value;
			return true;
		}
	}
	return false;
}

/*
 * Takes the field into the record; false when it begins the next. Blank lines between the recipients are missing in
 * some reports and too many in others, so it is the fields that tell: one that stands there twice, or who it is about
 * behind a blank line when all that matters was said.
 */
static bool take_field(struct record *record, const struct rep_field *field)
{
	const struct {
		const char *name;
		struct rep_text *to;
		bool begins, ends; /* may begin a record; if it is there again, it is the next one's */
	} known[] = { { "Final-Recipient", &record->final, true, true },
		      { "Original-Recipient", &record->original, true, true },
		      { "Action", &record->action, false, true },
		      { "Status", &record->status, false, true },
		      { "Diagnostic-Code", &record->diagnostic, false, false },
		      { "Remote-MTA", &record->remote, false, false },
		      { "Last-Attempt-Date", &record->last_attempt, false, false } };

	for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
		if (!is_named(field, known[i].name))
			continue;
		if (known[i].to->at && known[i].ends)
			return false;
		if (known[i].begins && field->apart && record->final.at && record->action.at)
			return false;
		if (!known[i].to->at)
			*known[i].to = field->value;
		return true;
	}
	return true;
}

static void end_record(struct report *r, struct record *record)
{
	if ((record->final.at || record->original.at) && r->records->len < REP_MAIL_RECIPIENTS)
		g_array_append_val(r->records, *record);
	memset(record, 0, sizeof(*record));
}

static void read_status(struct report *r, const char *text)
{
	struct rep_fields fields = rep_fields_read(text);
	struct record record = { 0 };

	for (guint i = 0; i < fields.list->len; i++) {
		const struct rep_field *field = &g_array_index(fields.list, struct rep_field, i);

		if (take_common(r, field) || take_field(&record, field))
			continue;
		end_record(r, &record);
		take_field(&record, field);
	}
	end_record(r, &record);
	rep_fields_free(fields);
}

/* Whatever type it was given: a delivery status begins with what only such a one has, and names a recipient. */
static bool looks_like_status(const char *text)
{
	static const char *const first[] = { "Reporting-MTA:", "Original-Envelope-Id:", "Final-Recipient:",
					     "Original-Recipient:", "Arrival-Date:" };
	struct rep_text all = rep_text_strip(rep_text_of(text));

	for (size_t i = 0; i < G_N_ELEMENTS(first); i++)
		if (rep_text_starts(all, first[i]))
			return rep_text_has(all, "\nFinal-Recipient:") || rep_text_starts(all, "Final-Recipient:") ||
			       rep_text_has(all, "\nOriginal-Recipient:");
	return false;
}

static bool is_status(const struct rep_part *part)
{
	return !strcmp(part->type, "message/delivery-status") || !strcmp(part->type, "message/global-delivery-status");
}

static void read_statuses(struct report *r)
{
	for (unsigned int i = 0; i < r->mail->count; i++)
		if (is_status(&r->mail->parts[i]))
			read_status(r, rep_part_text(r->mail, &r->mail->parts[i]));
	for (unsigned int i = 0; i < r->mail->count && !r->records->len; i++) {
		const struct rep_part *part = &r->mail->parts[i];

		if (!rep_part_is_message(part) && looks_like_status(rep_part_text(r->mail, part)))
			read_status(r, rep_part_text(r->mail, part));
	}
}

/* --- what is told of it ------------------------------------------------------------------------------------------- */

/* "\x{20AC}" in an address of RFC 6533; its length in the text, 0: it is none. */
static size_t unescape(struct rep_text text, gunichar *c)
{
	size_t i = 3;

	if (!rep_text_starts(text, "\\x{"))
		return 0;
	for (*c = 0; i < text.length && g_ascii_isxdigit(text.at[i]) && i < 9; i++)
		*c = *c << 4 | (gunichar)g_ascii_xdigit_value(text.at[i]);
	if (i == 3 || i >= text.length || text.at[i] != '}' || !g_unichar_validate(*c) || !*c)
		return 0;
	return i + 1;
}

/*
 * The address of "rfc822; user@example.com". One that was given with the message may still stand as it does in ORCPT
 * (RFC 3461): of what is printable, only + and = are written as a number there.
 */
static const char *address_of(struct rep_mail *mail, struct rep_text value, bool given)
{
	bool global = rep_text_starts(rep_text_strip(value), "utf-8");
	struct rep_text text = rep_typed(value);
	GString *plain = g_string_new("");
	const char *address;

	text.length = MIN(text.length, 4 * REP_TOLD_MAX);
	while (text.length) {
		gunichar c;
		size_t escape = global ? unescape(text, &c) : 0;

		if (escape) {
			g_string_append_unichar(plain, c);
		} else if (given && (rep_text_starts(text, "+2B") || rep_text_starts(text, "+3D"))) {
			g_string_append_c(plain, text.at[1] == '2' ? '+' : '=');
			escape = 3;
		} else {
			g_string_append_c(plain, *text.at);
			escape = 1;
		}
		text.at += escape;
		text.length -= escape;
	}
	address = rep_mail_address(mail, rep_text_of(plain->str));
	g_string_free(plain, true);
	return address;
}

/* What became of it: REP_SENT for all that needs no word, REP_OUTCOMES when nothing is said. */
static enum rep_outcome outcome_of(const struct record *record, const char *status)
{
	static const struct {
		const char *action;
		enum rep_outcome outcome;
	} actions[] = { { "failed", REP_BOUNCED },
			{ "delayed", REP_DEFERRED },
			{ "delivered", REP_SENT },
			{ "relayed", REP_SENT },
			{ "expanded", REP_SENT } };

	for (size_t i = 0; i < G_N_ELEMENTS(actions); i++)
		if (rep_text_starts(record->action, actions[i].action))
			return actions[i].outcome;
	if (!status)
		return record->diagnostic.length ? REP_BOUNCED : REP_OUTCOMES;
	return *status == '5' ? REP_BOUNCED : *status == '4' ? REP_DEFERRED : REP_SENT;
}

/* What the status leaves out, the words may have. */
static void add_words(const struct report *r, struct rep_bounce *bounce)
{
	for (guint i = 0; i < r->words->len; i++) {
		const struct rep_bounce *said = &g_array_index(r->words, struct rep_bounce, i);

		if (strcmp(said->recipient, bounce->recipient) != 0)
			continue;
		if (!bounce->reply)
			bounce->reply = said->reply;
		if (!bounce->remote)
			bounce->remote = said->remote;
		if (!bounce->original)
			bounce->original = said->original;
		return;
	}
}

static bool same_address(const char *a, const char *b)
{
	return a && b && !strcasecmp(a, b);
}

static struct rep_bounce bounce_of(struct report *r, const struct record *record)
{
	struct rep_mail *mail = r->mail;
	struct rep_text status = rep_bounce_status(rep_text_strip(record->status));
	struct rep_bounce bounce = { .original = address_of(mail, record->original, true) };

	bounce.recipient = address_of(mail, record->final, false);
	if (!bounce.recipient)
		bounce.recipient = bounce.original;
	if (same_address(bounce.original, bounce.recipient))
		bounce.original = NULL;
	bounce.status = rep_mail_keep(mail, status);
	bounce.outcome = outcome_of(record, bounce.status);
	if (record->remote.length)
		bounce.remote = rep_mail_host(mail, rep_typed(record->remote));
	if (record->diagnostic.length) {
		const char *line = rep_mail_keep(mail, rep_typed(record->diagnostic));

		rep_bounce_reply(mail, rep_text_of(line), &bounce);
	}
	bounce.reporter = rep_mail_host(mail, rep_typed(r->reporter));
	bounce.queue_id = rep_mail_keep(mail, rep_text_strip(r->queue_id));
	bounce.time = rep_mail_date(record->last_attempt);
	return bounce;
}

/* --- of which message --------------------------------------------------------------------------------------------- */

/* Some give the copy the type of a text. The first part is for people, and may quote anything. */
static bool may_be_copy(struct rep_mail *mail, unsigned int i)
{
	if (rep_part_is_message(&mail->parts[i]))
		return true;
	return i && !strcmp(mail->report, "delivery-status") && !strcmp(mail->parts[i].type, "text/plain");
}

static const char *id_of_copy(struct rep_mail *mail)
{
	const char *id = NULL;

	for (unsigned int i = 0; i < mail->count && !id; i++) {
		struct rep_fields fields;

		if (!may_be_copy(mail, i))
			continue;
		fields = rep_part_header(mail, &mail->parts[i]);
		id = rep_mail_id(mail, rep_fields_find(fields, "Message-ID"));
		rep_fields_free(fields);
	}
	return id;
}

static const char *find_id(struct report *r)
{
	const char *id = id_of_copy(r->mail);

	if (!id)
		id = rep_mail_id(r->mail, r->message_id);
	if (!id)
		id = rep_bounce_copied_id(r->mail);
	return id ? id : rep_mail_id(r->mail, rep_fields_find(r->mail->header, "In-Reply-To"));
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static int tell(struct report *r, rep_bounce_told *told, void *context)
{
	int count = 0;
	bool more = true;

	for (guint i = 0; more && i < r->records->len + (r->records->len ? 0 : r->words->len); i++) {
		struct rep_bounce bounce;

		if (r->records->len) {
			bounce = bounce_of(r, &g_array_index(r->records, struct record, i));
			if (!bounce.recipient || (bounce.outcome != REP_BOUNCED && bounce.outcome != REP_DEFERRED))
				continue;
			add_words(r, &bounce);
		} else {
			bounce = g_array_index(r->words, struct rep_bounce, i);
		}
		bounce.message_id = r->copied_id;
		if (!bounce.time)
			bounce.time = r->date;
		count++;
		more = told(&bounce, context);
	}
	return count;
}

/* Nobody is named: is that no bounce, or one that we do not understand? */
static int nobody(struct rep_mail *mail, enum rep_letter letter, char *error, size_t size)
{
	const char *sender = rep_mail_mailbox(mail, rep_fields_find(mail->header, "From"));

	if (letter == REP_LETTER_VACATION || letter == REP_LETTER_AUTOMATIC)
		return 0;
	if (!strcmp(mail->report, "feedback-report"))
		return rep_mail_error(error, size, "expected a bounce, this is a feedback report (a complaint)");
	if (letter == REP_LETTER_DAEMON || !strcmp(mail->report, "delivery-status"))
		return rep_mail_error(error, size, "expected a bounce that names a recipient, this one of %s does not",
				      sender ? sender : "an unknown sender");
	return rep_mail_error(
		error, size,
		"expected a bounce (a report of multipart/report, or a mail system's words), this is a message of %s",
		sender ? sender : "an unknown sender");
}

int rep_bounce_read(const char *bytes, size_t length, rep_bounce_told *told, void *context, char *error, size_t size)
{
	struct rep_mail *mail = rep_mail_open(bytes, length, "a bounce", error, size);
	struct report r = { .mail = mail };
	enum rep_letter letter;
	bool complaint;
	int count;

	if (!mail)
		return -1;
	letter = rep_bounce_letter(mail);
	complaint = !strcmp(mail->report, "feedback-report");
	r.records = g_array_new(false, false, sizeof(struct record));
	if (!complaint)
		read_statuses(&r);
	if (!complaint && (r.records->len || letter == REP_LETTER_DAEMON || letter == REP_LETTER_AUTOMATIC))
		r.words = rep_bounce_forms(mail, letter != REP_LETTER_DAEMON);
	else
		r.words = g_array_new(false, false, sizeof(struct rep_bounce));
	r.copied_id = find_id(&r);
	r.date = rep_mail_date(rep_fields_find(mail->header, "Date"));
	if (!r.date)
		r.date = rep_mail_date(r.arrival);
	count = tell(&r, told, context);
	if (!r.records->len && !r.words->len)
		count = nobody(mail, letter, error, size);
	g_array_free(r.records, true);
	g_array_free(r.words, true);
	rep_mail_close(mail);
	return count;
}
