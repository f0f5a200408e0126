/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The checks of mxrep doctor. Each says all that it finds, and is called again as long as something that it has asked
 * for was pending: nothing of what was found before an answer was there is kept.
 */
#ifndef MX_REP_CHECK_H
#define MX_REP_CHECK_H

#include "daemon/text.h"
#include "tools/mxrep/dns.h"
#include "tools/mxrep/findings.h"

/* An address that the world sees mail coming from. */
struct rep_sender {
	const struct mx_conf_source *source;
	enum mx_family family;
	struct mx_addr address;
	char text[MX_ADDR_TEXT];
	bool sends; /* its source is in a pool */
};

struct rep_check {
	const struct rep_settings *settings;
	const struct mx_config *config;
	struct rep_dns *dns;
	struct rep_findings *findings;
	struct rep_sender *senders;
	u32 sender_count;
};

/* PTR records, the way back from them, and the name to greet with. */
void rep_check_source(struct rep_check *check, const struct rep_sender *sender);

/* The source's address on the block lists, and whether the lists themselves answer as they should. */
void rep_check_lists(struct rep_check *check);

/* What a sending domain says of its mail. */
void rep_check_spf(struct rep_check *check, const char *domain);
void rep_check_dkim(struct rep_check *check, const char *domain);
void rep_check_dmarc(struct rep_check *check, const char *domain);
void rep_check_mx(struct rep_check *check, const char *domain);

#define REP_REVERSE 300 /* room for the name of an address, under a list's name too */

/* The name of an address under in-addr.arpa or ip6.arpa, or under `list` in their place; into `name` (REP_REVERSE). */
const char *rep_reverse(enum mx_family family, struct mx_addr address, const char *list, char *name);

/* A name that tells more of the address than of who is behind it: digits of the address in it, "dynamic", "pool". */
bool rep_name_is_generic(const char *name, enum mx_family family, struct mx_addr address);

/* The last two labels of a name: what is taken for the domain of its organization. */
const char *rep_organization(const char *name);

/* Whether two names are of one organization as far as that can be told. */
bool rep_same_organization(const char *a, const char *b);

#endif
