/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text of any origin as part of a page of HTML: in an element, or in an attribute between quotes. */
#ifndef MX_HTML_TEXT_H
#define MX_HTML_TEXT_H

#include <stdio.h>

/*
 * Writes bytes of any kind up to the NUL: what HTML would take for its own is written as a reference; what is no UTF-8,
 * controls, or could make the text around it look like another (marks of direction, blanks without width) as U+FFFD.
 * Ends of lines and tabs become blanks.
 */
void mx_html_text(const char *text, FILE *out);

/* The same of at most `most` characters; "…" stands for what is left out. */
void mx_html_cut(const char *text, size_t most, FILE *out);

#endif
