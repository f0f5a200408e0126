/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the text and the DNS messages of strangers, in a process of its own that may do nothing else (jail.h). What
 * comes from there is checked before it is used: a flat object, or an answer in a struct.
 */
#ifndef MX_DAEMON_PARSER_H
#define MX_DAEMON_PARSER_H

#include "daemon/dns_answer.h"
#include "daemon/arguments.h"

struct mx_parser;

struct mx_parser *mx_parser_start(void);
void mx_parser_stop(struct mx_parser *parser);

/* To be called when a child has ended, and now and then. */
void mx_parser_revive(struct mx_parser *parser);

/*
 * The object in a line of text, which the caller frees; NULL: there is none, and error (MX_ARGUMENTS_ERROR bytes) says
 * why. For the main thread alone.
 */
json_t *mx_parser_object(struct mx_parser *parser, const char *line, char *error);

/* A DNS message is what mx_dns_answer_read() or mx_dns_question_read() reads. */
enum mx_parser_message {
	MX_PARSER_ANSWER,
	MX_PARSER_QUESTION,
};

/* The same result; MX_DNS_ERROR also when it could not be read. For one thread at a time. */
enum mx_dns_result mx_parser_message(struct mx_parser *parser, enum mx_parser_message kind, const u8 *data,
				     size_t length, struct mx_dns_answer *answer);

#endif
