/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records that are lists of tags, "v=DKIM1; k=rsa; p=...": DKIM's keys (RFC 6376 3.2) and DMARC's policies. */
#ifndef MX_REP_TAGS_H
#define MX_REP_TAGS_H

#include "core/port.h"

#define REP_TAGS_MAX 64u
#define REP_TAGS_BYTES 16384 /* longer records are not read */

struct rep_tags {
	struct rep_tag {
		char *name, *value; /* without the blanks around them */
	} items[REP_TAGS_MAX];
	u32 count;
	char *text;
};

/*
 * Reads a list. False: it is none, and `wrong` says why (constant text). To be freed by rep_tags_free() in either case.
 */
bool rep_tags_read(struct rep_tags *tags, const char *text, const char **wrong);
void rep_tags_free(struct rep_tags *tags);

/* The value of a tag, or NULL. */
const char *rep_tags_get(const struct rep_tags *tags, const char *name);

/* Whether a word is in a value, between `separator`s; blanks and case do not count. */
bool rep_tags_has(const char *value, char separator, const char *word);

/* --- keys ------------------------------------------------------------------------------------------------------- */

/* Decodes base64 with blanks in it. SIZE_MAX: it is none, or longer than `size`. */
size_t rep_base64(const char *text, u8 *bytes, size_t size);

/* Bits of the modulus of an RSA key: SubjectPublicKeyInfo, or RSAPublicKey alone. 0: it is none. */
u32 rep_rsa_bits(const u8 *bytes, size_t length);

#endif
