// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "tools/html/text.h"
#include "tools/mxrep/page.h"

void rep_page_section(struct rep_page *p, const char *id, const char *title)
{
	fprintf(p->out, "<h2 id=\"%s\">%s</h2>\n", id, title);
}

/* A table that is wider than the screen is moved within its own frame, also by the keyboard. */
void rep_page_table(struct rep_page *p, const char *caption, const char *const *columns)
{
	fputs("<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"", p->out);
	mx_html_text(caption, p->out);
	fputs("\"><table><caption>", p->out);
	mx_html_text(caption, p->out);
	fputs("</caption>\n<thead><tr>", p->out);
	for (; *columns; columns++) {
		bool is_text = **columns == '<';

		fprintf(p->out, "<th scope=\"col\"%s>%s</th>", is_text ? " class=\"t\"" : "", *columns + is_text);
	}
	fputs("</tr></thead><tbody>\n", p->out);
}

void rep_page_table_end(struct rep_page *p)
{
	fputs("</tbody></table></div>\n", p->out);
}

void rep_page_row(struct rep_page *p, const char *class, const char *text)
{
	fputs("<tr", p->out);
	if (class)
		fprintf(p->out, " class=\"%s\"", class);
	fputs("><th scope=\"row\">", p->out);
	mx_html_cut(text, REP_PAGE_TEXT, p->out);
	fputs("</th>", p->out);
}

void rep_page_row_end(struct rep_page *p)
{
	fputs("</tr>\n", p->out);
}

void rep_page_text(struct rep_page *p, const char *text, size_t most)
{
	fputs("<td class=\"t\">", p->out);
	mx_html_cut(text, most, p->out);
	fputs("</td>", p->out);
}

void rep_page_when(struct rep_page *p, const char *text)
{
	fprintf(p->out, "<td class=\"t when\">%s</td>", text);
}

void rep_page_number(struct rep_page *p, u64 n)
{
	fprintf(p->out, "<td>%llu</td>", (unsigned long long)n);
}

void rep_page_percent(struct rep_page *p, double part)
{
	fprintf(p->out, "<td>%.2f %%</td>", 100 * part);
}

const char *rep_page_source(const char *name)
{
	return *name ? name : "(not known)";
}

/* The daemon's words for what it was asked, in the administrator's. */
void rep_page_deed(struct rep_page *p, const struct rep_page_action *a)
{
	static const char *const steps[][2] = { { "hold", "warm-up held" },
						{ "back", "warm-up set back" },
						{ "resume", "warm-up resumed" } };
	long long seconds;
	size_t i;

	if (!strcmp(a->what, "backoff")) {
		seconds = atoll(a->value);
		fprintf(p->out, "rest of %lld %s", seconds % 60 ? seconds : seconds / 60, seconds % 60 ? "s" : "min");
		return;
	}
	if (!strcmp(a->what, "factor")) {
		fprintf(p->out, "share at %.0f %%", 100 * atof(a->value));
		return;
	}
	for (i = 0; !strcmp(a->what, "warmup") && i < sizeof(steps) / sizeof(steps[0]); i++)
		if (!strcmp(a->value, steps[i][0])) {
			fputs(steps[i][1], p->out);
			return;
		}
	mx_html_cut(a->what, REP_PAGE_TEXT, p->out);
	fputc(' ', p->out);
	mx_html_cut(a->value, REP_PAGE_TEXT, p->out);
}
