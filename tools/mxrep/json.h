/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MX_REP_JSON_H
#define MX_REP_JSON_H

#include <jansson.h>
#include <stdio.h>

/* Prints an answer (which it takes) as every command does with -j, with the end of its last line. */
void rep_json_print(json_t *answer, FILE *out);

#endif
