// SPDX-License-Identifier: MIT
/* Figures with lines: a metric along a dimension, the same against a baseline, and latency percentiles. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/crossing.h"
#include "cli/figure.h"
#include "lib/units.h"
#include "measure/hist.h"

int write_curve(struct chart *c, struct err *e)
{
	const struct figure *f = c->d->figure;
	const char *unit = metric_find(f->metric)->unit;
	const struct result_cell *steps[STEPS_MAX];
	struct line_end ends[SERIES_MAX];
	struct axis y = axis_make(f->log);
	unsigned int n = chart_steps(c, steps, STEPS_MAX);
	bool has[SERIES_MAX] = {0};

	(void)e;
	for (unsigned int i = 0; i < c->nseries; i++) {
		ends[i] = (struct line_end){.y = NAN};
		chart_block(c, c->series[i].label, "x\tmedian\tlo\thi");
		has[i] = true; /* a series has a cell, and a cell has the metric */
		for (unsigned int k = 0; k < n; k++) {
			const struct result_cell *cell = chart_cell(c, i, steps[k]);
			struct summary s;

			if (!cell || !result_cell_metric(cell, f->metric, &s))
				continue;
			ends[i].x = chart_along(c, cell);
			ends[i].y = s.median;
			axis_add(&y, s.lo);
			axis_add(&y, s.hi);
			fprintf(c->data, "%.10g\t%.10g\t%.10g\t%.10g\n", ends[i].x, s.median, s.lo,
				s.hi);
		}
		snprintf(ends[i].text, sizeof(ends[i].text), "%s", c->series[i].label);
	}
	chart_lines(c, "lines", has);
	axis_widen(&y);
	chart_axis(c, 'y', &y, unit);
	chart_axis_along(c);
	chart_text(c, "x_label", "%s",
		   f->along == DIM_BS        ? "block size"
		   : f->along == DIM_CLIENTS ? "clients"
					     : "operations in flight for each client");
	chart_label_lines(c, &y, ends, c->nseries);
	return 0;
}

unsigned int chart_baseline(const struct chart *c)
{
	for (unsigned int i = 0; i < c->nseries; i++)
		if (!strcmp(c->series[i].label, "copy"))
			return i;
	return 0;
}

/* The ratios of series i to the baseline, as far as both have cells. Returns their number. */
static unsigned int ratios_of(const struct chart *c, unsigned int i, unsigned int base,
			      struct ratio *ratios)
{
	const struct result_cell *steps[STEPS_MAX];
	unsigned int n = chart_steps(c, steps, STEPS_MAX), k = 0;

	for (unsigned int step = 0; step < n && i != base; step++) {
		const struct result_cell *a = chart_cell(c, i, steps[step]);
		const struct result_cell *b = chart_cell(c, base, steps[step]);

		if (!a || !b || !ratio_of(a, b, c->d->figure->metric, &ratios[k]))
			continue;
		ratios[k++].x = chart_along(c, a);
	}
	return k;
}

int write_crossover(struct chart *c, struct err *e)
{
	struct line_end ends[SERIES_MAX];
	struct axis y = axis_make(true);
	bool has[SERIES_MAX] = {0};
	unsigned int base = chart_baseline(c);

	for (unsigned int i = 0; i < c->nseries; i++) {
		struct ratio r[STEPS_MAX];
		unsigned int n = ratios_of(c, i, base, r);
		struct crossing x;
		char how[80];

		ends[i] = (struct line_end){.y = NAN};
		if (!n)
			continue;
		has[i] = true;
		chart_block(c, c->series[i].label, "x\tratio\tlo\thi");
		for (unsigned int k = 0; k < n; k++) {
			axis_add(&y, r[k].s.lo);
			axis_add(&y, r[k].s.hi);
			fprintf(c->data, "%.10g\t%.10g\t%.10g\t%.10g\n", r[k].x, r[k].s.median,
				r[k].s.lo, r[k].s.hi);
		}
		crossing_find(r, n, &x);
		ends[i].x = r[n - 1].x;
		ends[i].y = r[n - 1].s.median;
		crossing_describe(how, sizeof(how), &x, n);
		snprintf(ends[i].text, sizeof(ends[i].text), "%s: %s", c->series[i].label, how);
		fprintf(c->data, "# %s\n", ends[i].text);
	}
	if (!c->nblocks) {
		err_set(e, -ENODATA,
			"figure crossover needs two paths with the same block sizes in one run");
		return err_remedy(e, "%s", c->d->figure->remedy);
	}
	chart_lines(c, "lines", has);
	axis_add(&y, 1);
	axis_widen(&y);
	chart_axis(c, 'y', &y, "ratio");
	chart_axis_along(c);
	chart_text(c, "x_label", "block size");
	chart_text(c, "y_label", "throughput / that of %s", c->series[base].label);
	fprintf(c->script, "line_at = 1\nwide_labels = 1\n");
	chart_label_lines(c, &y, ends, c->nseries);
	return 0;
}

/* One round's operations. */
static void load_histogram(const json_t *round, struct hist *h)
{
	const json_t *latency = json_object_get(round, "latency_ns");
	json_t *pair;
	size_t i;

	hist_init(h);
	json_array_foreach (json_object_get(round, "latency_histogram"), i, pair) {
		json_int_t bucket = json_integer_value(json_array_get(pair, 0));
		json_int_t n = json_integer_value(json_array_get(pair, 1));

		if (bucket < 0 || bucket >= HIST_BUCKETS || n <= 0)
			continue;
		h->count[bucket] += (uint64_t)n;
		h->total += (uint64_t)n;
	}
	h->min = (uint64_t)json_integer_value(json_object_get(latency, "min"));
	h->max = (uint64_t)json_integer_value(json_object_get(latency, "max"));
}

/* Where a curve ends: with fewer operations of a round beyond a point, it says nothing about paths. */
#define TAIL_MIN 10
#define STEP     0.02 /* of the x axis, on which each whole number is a tenth of the operations before */
#define GRID     320

/* Enough operations in each round for its median. */
bool fits_latency(const struct result_cell *c)
{
	json_t *round;
	size_t i;

	json_array_foreach (c->rounds, i, round)
		if (!json_object_get(round, "latency_histogram") ||
		    json_integer_value(json_object_get(round, "ops")) < (json_int_t)2 * TAIL_MIN)
			return false;
	return json_array_size(c->rounds) > 0;
}

/* Percentiles of a cell, each the median over rounds as the summary's are: the curve runs through them.
 * Returns how many steps it has. */
static unsigned int latency_curve(const struct result_cell *cell, double *curve)
{
	static struct hist h;
	size_t n = json_array_size(cell->rounds);
	double *values = calloc(n * GRID, sizeof(*values));
	uint64_t least = UINT64_MAX;
	unsigned int steps = 0;

	if (!values)
		return 0;
	for (size_t i = 0; i < n; i++) {
		load_histogram(json_array_get(cell->rounds, i), &h);
		if (h.total < least)
			least = h.total;
		for (unsigned int k = 0; k < GRID; k++)
			values[k * n + i] = hist_quantile(&h, 1 - pow(10, -STEP * k));
	}
	for (; steps < GRID && (double)least * pow(10, -STEP * steps) >= TAIL_MIN; steps++)
		curve[steps] = stats_median(&values[steps * n], n);
	free(values);
	return steps;
}

static const struct {
	const char *metric, *label;
	double slower;
} percentiles[] = {
	/* gnuplot formats the labels of ticks: %% is one % */
	{"latency_p50_ns", "half", 0.5},   {"latency_p90_ns", "90 %%", 0.1},
	{"latency_p99_ns", "99 %%", 0.01}, {"latency_p999_ns", "99.9 %%", 0.001},
	{NULL, "99.99 %%", 0.0001},        {NULL, "99.999 %%", 0.00001},
};
#define PERCENTILES (sizeof(percentiles) / sizeof(percentiles[0]))

/* The intervals at the percentiles that the curve reaches; not those beyond it. Returns whether there are
 * any. */
static bool write_intervals(struct chart *c, unsigned int i, double end, struct axis *y)
{
	bool any = false;

	for (size_t k = 0; k < PERCENTILES; k++) {
		double x = -log10(percentiles[k].slower);
		struct summary s;

		if (!percentiles[k].metric || x > end ||
		    !result_cell_metric(chart_cell(c, i, NULL), percentiles[k].metric, &s))
			continue;
		if (!any)
			chart_block(c, c->series[i].label, "x\tmedian\tlo\thi");
		any = true;
		axis_add(y, s.lo);
		axis_add(y, s.hi);
		fprintf(c->data, "%.6g\t%.10g\t%.10g\t%.10g\n", x, s.median, s.lo, s.hi);
	}
	return any;
}

int write_percentiles(struct chart *c, struct err *e)
{
	struct axis x = axis_make(false), y = axis_make(true);
	bool has[SERIES_MAX] = {0}, has_intervals[SERIES_MAX] = {0};
	struct line_end ends[SERIES_MAX];

	for (unsigned int i = 0; i < c->nseries; i++) {
		double curve[GRID];
		unsigned int n = latency_curve(chart_cell(c, i, NULL), curve);

		ends[i] = (struct line_end){.y = NAN};
		if (!n)
			return err_sys(e, -ENOMEM, "figure latency");
		has[i] = true;
		chart_block(c, c->series[i].label,
			    "-log10(share of the operations that took longer)\tns");
		for (unsigned int k = 0; k < n; k++) {
			axis_add(&y, curve[k]);
			fprintf(c->data, "%.6g\t%.10g\n", STEP * k, curve[k]);
		}
		ends[i].x = STEP * (n - 1);
		ends[i].y = curve[n - 1];
		axis_add(&x, ends[i].x);
		snprintf(ends[i].text, sizeof(ends[i].text), "%s", c->series[i].label);
	}
	for (unsigned int i = 0; i < c->nseries; i++)
		has_intervals[i] = write_intervals(c, i, ends[i].x, &y);
	chart_lines(c, "lines", has);
	chart_lines(c, "intervals", has_intervals);
	axis_widen(&y);
	chart_axis(c, 'y', &y, "ns");
	axis_add(&x, 2);
	fprintf(c->script, "set xrange [0:%.6g]\nset xtics (", x.hi + 0.03);
	for (size_t k = 0; k < PERCENTILES; k++)
		fprintf(c->script, "%s'%s' %.6g", k ? ", " : "", percentiles[k].label,
			-log10(percentiles[k].slower));
	fprintf(c->script, ")\n");
	chart_text(c, "x_label", "of the operations are faster");
	for (unsigned int i = 0; i < c->nseries; i++)
		ends[i].inside = ends[i].x < 0.85 * x.hi;
	chart_label_lines(c, &y, ends, c->nseries);
	return 0;
}
