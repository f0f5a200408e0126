// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/exposition.h"

#include <math.h>

/* In a label's value quotes are escaped, in a help they are not. */
static void put_escaped(FILE *out, const char *text, int quotes)
{
	for (; *text; text++)
		if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '\\' || (quotes && *text == '"'))
			fprintf(out, "\\%c", *text);
		else
			putc(*text, out);
}

void mx_expose(FILE *out, const struct mx_metric *m)
{
	fprintf(out, "# HELP %s ", m->name);
	put_escaped(out, m->help, 0);
	fprintf(out, "\n# TYPE %s %s\n", m->name, m->type == MX_METRIC_COUNTER ? "counter" : "gauge");
}

static void put_labels(FILE *out, const struct mx_label *labels)
{
	char before = '{';

	for (; labels->name; labels++) {
		if (!labels->value || !*labels->value)
			continue;
		fprintf(out, "%c%s=\"", before, labels->name);
		put_escaped(out, labels->value, 1);
		putc('"', out);
		before = ',';
	}
	if (before == ',')
		putc('}', out);
}

static void put_value(FILE *out, double value)
{
	if (isnan(value))
		fputs("NaN", out);
	else if (isinf(value))
		fputs(value > 0 ? "+Inf" : "-Inf", out);
	else
		fprintf(out, "%.16g", value);
}

void mx_expose_sample(FILE *out, const struct mx_metric *m, const struct mx_label *labels, double value)
{
	fputs(m->name, out);
	put_labels(out, labels);
	putc(' ', out);
	put_value(out, value);
	putc('\n', out);
}
