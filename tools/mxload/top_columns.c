// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxload/top_columns.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define GAP 2
#define BAR 10
#define NAME_LEAST 6
#define NAME_MOST 24
#define STATE_LEAST 12

static const struct {
	const char *heading;
	int width; /* 0: see below */
} columns[MX_TOP_COLUMNS] = {
	[MX_TOP_SOURCE] = { "SOURCE", 0 },
	[MX_TOP_PROVIDER] = { "PROVIDER", 0 },
	[MX_TOP_WEIGHT] = { "WEIGHT", 6 },
	[MX_TOP_RATE] = { "RATE/MIN", 8 },
	[MX_TOP_SHARE] = { "SHARE", 6 },
	[MX_TOP_EXPECTED] = { "EXPECTED", 8 },
	[MX_TOP_CONNECTIONS] = { "CONNECTIONS", 11 },
	[MX_TOP_FAILED] = { "FAILED", 6 },
	[MX_TOP_LIMIT] = { "LIMIT", 0 },
	[MX_TOP_STATE] = { "STATE", 0 },
};

/* The forms of LIMIT: "[#####.....] 15/30 conn/hour", the text alone, "50%". */
#define LIMIT_LONG 26
#define LIMIT_SHORT 5

/* What goes first, and on. Of LIMIT the bar goes, then the text, then all of it. */
static const enum mx_top_column sacrifices[] = { MX_TOP_CONNECTIONS, MX_TOP_EXPECTED, MX_TOP_LIMIT, MX_TOP_WEIGHT,
						 MX_TOP_FAILED,      MX_TOP_LIMIT,    MX_TOP_SHARE, MX_TOP_LIMIT };

static int between(size_t n, int least, int most)
{
	return n < (size_t)least ? least : n > (size_t)most ? most : (int)n;
}

static int width_of(const struct mx_top_layout *l)
{
	int i, sum = -GAP;

	for (i = 0; i < MX_TOP_COLUMNS; i++)
		sum += l->width[i] ? l->width[i] + GAP : 0;
	return sum;
}

static void sacrifice(struct mx_top_layout *l, enum mx_top_column column)
{
	if (column != MX_TOP_LIMIT)
		l->width[column] = 0;
	else if (l->bar)
		l->width[column] = LIMIT_LONG;
	else
		l->width[column] = l->width[column] == LIMIT_LONG ? LIMIT_SHORT : 0;
	if (column == MX_TOP_LIMIT)
		l->bar = 0;
}

/* The longer of both names gives way, as long as that helps. */
static void shorten_names(struct mx_top_layout *l, int width)
{
	int *source = &l->width[MX_TOP_SOURCE], *provider = &l->width[MX_TOP_PROVIDER];

	while (width_of(l) > width && (*source > NAME_LEAST || *provider > NAME_LEAST))
		--*(*source > *provider ? source : provider);
}

struct mx_top_layout mx_top_layout(const struct mx_top_view *v, int width)
{
	struct mx_top_layout l = { .bar = BAR };
	int x = 0, most = between((size_t)width / 6, NAME_LEAST, NAME_MOST);
	size_t i;

	for (i = 0; i < MX_TOP_COLUMNS; i++)
		l.width[i] = columns[i].width;
	l.width[MX_TOP_SOURCE] = v->group == MX_TOP_BY_PROVIDER ? 0 : between(v->source_width, NAME_LEAST, most);
	l.width[MX_TOP_PROVIDER] =
		v->group == MX_TOP_BY_SOURCE ? 0 : between(v->provider_width, NAME_LEAST + 2, most + 2);
	l.width[MX_TOP_LIMIT] = BAR + 3 + LIMIT_LONG;
	l.width[MX_TOP_STATE] = STATE_LEAST;
	for (i = 0; width_of(&l) > width && i < sizeof(sacrifices) / sizeof(sacrifices[0]); i++)
		sacrifice(&l, sacrifices[i]);
	shorten_names(&l, width);
	if (width_of(&l) < width)
		l.width[MX_TOP_STATE] += width - width_of(&l); /* reasons are long */
	for (i = 0; i < MX_TOP_COLUMNS; i++) {
		l.x[i] = x;
		x += l.width[i] ? l.width[i] + GAP : 0;
	}
	return l;
}

const char *mx_top_heading(enum mx_top_column column)
{
	return columns[column].heading;
}

bool mx_top_is_number(enum mx_top_column column)
{
	return column >= MX_TOP_WEIGHT && column <= MX_TOP_FAILED;
}

/* --- cells ------------------------------------------------------------------------------------------------------ */

void mx_top_duration(long long seconds, char *out, size_t size)
{
	if (seconds >= 86400)
		snprintf(out, size, "%lldd%lldh", seconds / 86400, seconds / 3600 % 24);
	else if (seconds >= 3600)
		snprintf(out, size, "%lldh%lldm", seconds / 3600, seconds / 60 % 60);
	else if (seconds >= 60)
		snprintf(out, size, "%lldm", seconds / 60);
	else
		snprintf(out, size, "%llds", seconds > 0 ? seconds : 0);
}

static const char *short_unit(const char *unit)
{
	return !strcmp(unit, "connections") ? "conn" : !strcmp(unit, "messages") ? "msg" : unit;
}

static void limit_cell(const struct mx_top_limit *limit, const struct mx_top_layout *l, char *out)
{
	int bar = l ? l->bar : BAR, full, n = 0;

	*out = '\0';
	if (!limit->most)
		return;
	if (l && l->width[MX_TOP_LIMIT] == LIMIT_SHORT) {
		snprintf(out, MX_TOP_CELL, "%.0f%%", 100 * mx_top_fullness(limit));
		return;
	}
	full = mx_top_fullness(limit) >= 1 ? bar : (int)(mx_top_fullness(limit) * bar);
	if (bar)
		n = snprintf(out, MX_TOP_CELL, "[%.*s%.*s] ", full, "##########", bar - full, "..........");
	snprintf(out + n, (size_t)(MX_TOP_CELL - n), "%lld/%lld %s/%s%s%s%s", limit->used, limit->most,
		 short_unit(limit->unit), limit->period, *limit->whose ? " (" : "", limit->whose,
		 *limit->whose ? ")" : "");
}

static const char *state_name(const struct mx_top_row *row)
{
	switch (row->state) {
	case MX_TOP_ACTIVE:
		return "active";
	case MX_TOP_WARMING:
		return !strcmp(row->warmup, "held")      ? "warm-up held"
		       : !strcmp(row->warmup, "waiting") ? "warm-up waits"
							 : "warming";
	case MX_TOP_OFF:
		return "weight 0";
	case MX_TOP_FULL:
		return "full:";
	case MX_TOP_BACKING_OFF:
		return "backing off";
	case MX_TOP_DRAINING:
		return "draining";
	case MX_TOP_PAUSED:
		return "paused";
	default:
		return "not on host";
	}
}

static void state_cell(const struct mx_top_row *row, char *out)
{
	const struct mx_top_rest *rest = row->rest;
	size_t n = 0;

	*out = '\0';
	if (row->lanes > 1 && row->kept_back)
		n = (size_t)snprintf(out, MX_TOP_CELL, "%zu/%zu ", row->kept_back, row->lanes);
	n += (size_t)snprintf(out + n, MX_TOP_CELL - n, "%s", state_name(row));
	if (row->state == MX_TOP_WARMING && row->day)
		snprintf(out + n, MX_TOP_CELL - n, " %ld/%ld", row->day, row->days);
	else if (row->state == MX_TOP_FULL)
		snprintf(out + n, MX_TOP_CELL - n, " %s", row->full);
	else if (rest && row->state == rest->state) {
		char left[32] = "";

		if (rest->until)
			mx_top_duration(rest->until - (long long)time(NULL), left, sizeof(left));
		snprintf(out + n, MX_TOP_CELL - n, "%s%s by %s%s%s", *left ? " " : "", left, rest->owner,
			 *rest->reason ? ": " : "", rest->reason);
	} else if (row->networks_rest)
		snprintf(out + n, MX_TOP_CELL - n, ", some networks rest");
}

void mx_top_cell(const struct mx_top_row *row, enum mx_top_column column, const struct mx_top_layout *layout, char *out)
{
	switch (column) {
	case MX_TOP_SOURCE:
		snprintf(out, MX_TOP_CELL, "%s", row->source ? row->source : "(all)");
		break;
	case MX_TOP_PROVIDER:
		snprintf(out, MX_TOP_CELL, "%s", row->provider ? row->provider : "(all)");
		break;
	case MX_TOP_WEIGHT:
		snprintf(out, MX_TOP_CELL, "%ld", row->weight);
		break;
	case MX_TOP_RATE:
		snprintf(out, MX_TOP_CELL, "%.1f", row->rate);
		break;
	case MX_TOP_SHARE:
		snprintf(out, MX_TOP_CELL, "%.1f%%", 100 * row->share);
		break;
	case MX_TOP_EXPECTED:
		snprintf(out, MX_TOP_CELL, "%.1f%%", 100 * row->expected);
		break;
	case MX_TOP_CONNECTIONS:
		snprintf(out, MX_TOP_CELL, "%lld", row->connections);
		break;
	case MX_TOP_FAILED:
		snprintf(out, MX_TOP_CELL, "%lld", row->failed);
		break;
	case MX_TOP_LIMIT:
		limit_cell(&row->limit, layout, out);
		break;
	default:
		state_cell(row, out);
	}
}
