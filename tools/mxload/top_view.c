// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/mxload/top_view.h"

#include <stdlib.h>
#include <string.h>

#include "tools/mxload/top_columns.h"

static void *zeroed(size_t count, size_t size)
{
	void *memory = calloc(count + 1, size);

	if (!memory)
		abort();
	return memory;
}

/* --- sums ------------------------------------------------------------------------------------------------------- */

/* What the shares of a sum are of: all connections, and those that the weights asked for. */
struct whole {
	double connections, asked;
};

static void add(struct mx_top_row *sum, const struct mx_top_row *row)
{
	sum->weight += row->weight;
	sum->rate += row->rate;
	sum->connections += row->connections;
	sum->failed += row->failed;
	sum->expected += row->asked;
	sum->lanes += row->lanes;
	sum->kept_back += row->kept_back;
	sum->networks_rest |= row->networks_rest;
	if (!sum->limit.most || mx_top_fullness(&row->limit) > mx_top_fullness(&sum->limit))
		sum->limit = row->limit;
	if (sum->lanes == row->lanes || row->state > sum->state) {
		sum->state = row->state;
		sum->rest = row->rest;
		sum->full = row->full;
		sum->warmup = row->warmup;
		sum->day = row->day;
		sum->days = row->days;
	}
}

static int by_source(const void *a, const void *b)
{
	return strcmp((*(const struct mx_top_row *const *)a)->source, (*(const struct mx_top_row *const *)b)->source);
}

static int by_provider(const void *a, const void *b)
{
	return strcmp((*(const struct mx_top_row *const *)a)->provider,
		      (*(const struct mx_top_row *const *)b)->provider);
}

static size_t sum_up(struct mx_top_view *v, const struct mx_top_row **lanes, size_t count)
{
	bool sources = v->group == MX_TOP_BY_SOURCE;
	struct whole whole = { 0, 0 };
	size_t i, n = 0;

	qsort(lanes, count, sizeof(lanes[0]), sources ? by_source : by_provider);
	for (i = 0; i < count; i++) {
		const char *name = sources ? lanes[i]->source : lanes[i]->provider;

		if (!n || strcmp(sources ? v->sums[n - 1].source : v->sums[n - 1].provider, name))
			v->sums[n++] = (struct mx_top_row){ .source = sources ? name : NULL,
							    .provider = sources ? NULL : name };
		add(&v->sums[n - 1], lanes[i]);
		whole.connections += (double)lanes[i]->connections;
		whole.asked += lanes[i]->asked;
	}
	for (i = 0; i < n; i++) {
		struct mx_top_row *sum = &v->sums[i];

		sum->share = whole.connections > 0 ? (double)sum->connections / whole.connections : 0;
		sum->expected = whole.asked > 0 ? sum->expected / whole.asked : 0;
	}
	return n;
}

/* --- order ------------------------------------------------------------------------------------------------------ */

static const struct mx_top_view *sorted; /* qsort() has no argument for its comparison */

static int compare(double a, double b)
{
	return (a > b) - (a < b);
}

static int compare_names(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) : (a != NULL) - (b != NULL);
}

/* Names upwards, all else downwards. */
static int compare_by(enum mx_top_column column, const struct mx_top_row *a, const struct mx_top_row *b)
{
	switch (column) {
	case MX_TOP_SOURCE:
		return compare_names(a->source, b->source);
	case MX_TOP_PROVIDER:
		return compare_names(a->provider, b->provider);
	case MX_TOP_WEIGHT:
		return compare((double)b->weight, (double)a->weight);
	case MX_TOP_RATE:
		return compare(b->rate, a->rate);
	case MX_TOP_SHARE:
		return compare(b->share, a->share);
	case MX_TOP_EXPECTED:
		return compare(b->expected, a->expected);
	case MX_TOP_CONNECTIONS:
		return compare((double)b->connections, (double)a->connections);
	case MX_TOP_FAILED:
		return compare((double)b->failed, (double)a->failed);
	case MX_TOP_LIMIT:
		return compare(mx_top_fullness(&b->limit), mx_top_fullness(&a->limit));
	case MX_TOP_STATE:
		return (int)b->state - (int)a->state;
	default:
		return 0;
	}
}

/* Where the column decides nothing, the names do: lines do not change places without a reason. */
static int in_order(const void *a, const void *b)
{
	const struct mx_top_row *x = *(const struct mx_top_row *const *)a, *y = *(const struct mx_top_row *const *)b;
	int order = compare_by(sorted->sort, x, y);

	if (sorted->reverse)
		order = -order;
	order = order ? order : compare_names(x->provider, y->provider);
	return order ? order : compare_names(x->source, y->source);
}

/* --- filters ---------------------------------------------------------------------------------------------------- */

static bool has(const char *text, const char *part)
{
	return text && strcasestr(text, part);
}

static bool is_wanted(const struct mx_top_view *v, const struct mx_top_row *row)
{
	char state[MX_TOP_CELL];

	if (v->busy && row->rate <= 0)
		return false;
	if (!*v->filter || has(row->source, v->filter) || has(row->provider, v->filter))
		return true;
	mx_top_cell(row, MX_TOP_STATE, NULL, state);
	return has(state, v->filter);
}

static void widen(size_t *width, const char *name)
{
	if (name && strlen(name) > *width)
		*width = strlen(name);
}

void mx_top_view_fill(struct mx_top_view *v, const struct mx_top_lanes *l)
{
	size_t lanes = mx_top_lanes_count(l), i;

	mx_top_view_clear(v);
	v->rows = zeroed(lanes, sizeof(v->rows[0]));
	for (i = 0; i < lanes; i++)
		v->rows[i] = mx_top_lanes_row(l, i);
	v->of = lanes;
	if (v->group != MX_TOP_BY_LANE) {
		v->sums = zeroed(lanes, sizeof(v->sums[0]));
		v->of = sum_up(v, v->rows, lanes);
		for (i = 0; i < v->of; i++)
			v->rows[i] = &v->sums[i];
	}
	v->source_width = v->provider_width = 0;
	for (i = 0; i < v->of; i++) {
		widen(&v->source_width, v->rows[i]->source);
		widen(&v->provider_width, v->rows[i]->provider);
		if (is_wanted(v, v->rows[i]))
			v->rows[v->count++] = v->rows[i];
	}
	sorted = v;
	qsort(v->rows, v->count, sizeof(v->rows[0]), in_order);
}

void mx_top_view_clear(struct mx_top_view *v)
{
	free(v->rows);
	free(v->sums);
	v->rows = NULL;
	v->sums = NULL;
	v->count = v->of = 0;
}
