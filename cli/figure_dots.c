// SPDX-License-Identifier: MIT
/* Figures with a row for each path and markers in it: the values of a dimension side by side, and what is
 * evicted from caches. */
#include <string.h>

#include "cli/figure.h"

/* A marker in the row of series i, with its place below or above the row's middle. */
static void write_dot(struct chart *c, struct axis *x, unsigned int i, unsigned int k, unsigned int n,
		      const struct summary *s)
{
	double row = (double)(c->nseries - i) + 0.5 * (n > 1 ? 0.5 - (double)k / (double)(n - 1) : 0);

	axis_add(x, s->lo);
	axis_add(x, s->hi);
	fprintf(c->data, "%.6g\t%.10g\t%.10g\t%.10g\n", row, s->median, s->lo, s->hi);
}

static void name_group(struct chart *c, unsigned int k, const char *text)
{
	char name[40];

	snprintf(name, sizeof(name), "group_name_%u", k + 1);
	chart_text(c, name, "%s", text);
}

static void finish_dots(struct chart *c, struct axis *x, const char *unit, unsigned int groups)
{
	axis_widen(x);
	chart_axis(c, 'x', x, unit);
	fprintf(c->script, "groups = %u\nset yrange [0.4:%u.6]\nset ytics (", groups, c->nseries);
	for (unsigned int i = 0; i < c->nseries; i++) {
		fprintf(c->script, "%s", i ? ", " : "");
		chart_quote(c, c->series[i].label);
		fprintf(c->script, " %u", c->nseries - i);
	}
	fprintf(c->script, ")\n");
}

/* "sink null", "sink file in /tmp/x", "op write produced once" */
static void describe_step(char *buf, size_t len, const struct figure *f, const struct result_cell *c)
{
	char value[200];

	result_cell_value(value, sizeof(value), c, f->along);
	snprintf(buf, len, "%s %s%s%s%s", dimension_names[f->along], value,
		 f->along == DIM_SINK && c->store[0] ? " in " : "", f->along == DIM_SINK ? c->store : "",
		 f->along == DIM_OP && !strcmp(c->produce, "once") ? " produced once" : "");
}

int write_dots(struct chart *c, struct err *e)
{
	const struct figure *f = c->d->figure;
	const struct result_cell *steps[STEPS_MAX];
	unsigned int n = chart_steps(c, steps, STEPS_MAX);
	struct axis x = axis_make(f->log);

	(void)e;
	for (unsigned int k = 0; k < n; k++) {
		char value[300];

		describe_step(value, sizeof(value), f, steps[k]);
		chart_block(c, value, "row\tmedian\tlo\thi");
		name_group(c, k, value);
		for (unsigned int i = 0; i < c->nseries; i++) {
			const struct result_cell *cell = chart_cell(c, i, steps[k]);
			struct summary s;

			if (cell && result_cell_metric(cell, f->metric, &s))
				write_dot(c, &x, i, k, n, &s);
		}
	}
	finish_dots(c, &x, metric_find(f->metric)->unit, n);
	return 0;
}

static const struct {
	const char *metric, *label;
} pollutions[] = {
	{"client_l2_pollution_ns_per_line", "client, L2"},
	{"server_l2_pollution_ns_per_line", "server, L2"},
	{"client_llc_pollution_ns_per_line", "client, last level"},
	{"server_llc_pollution_ns_per_line", "server, last level"},
};
#define POLLUTIONS (sizeof(pollutions) / sizeof(pollutions[0]))

bool fits_pollution(const struct result_cell *c)
{
	struct summary s;
	bool any = false;

	for (size_t k = 0; k < POLLUTIONS; k++)
		any |= result_cell_metric(c, pollutions[k].metric, &s);
	return any;
}

int write_pollution(struct chart *c, struct err *e)
{
	const char *unit = metric_find(pollutions[0].metric)->unit;
	struct axis x = axis_make(false);
	size_t have[POLLUTIONS];
	unsigned int n = 0;
	struct summary s;

	(void)e;
	for (size_t k = 0; k < POLLUTIONS; k++) {
		bool any = false;

		for (unsigned int i = 0; i < c->nseries; i++)
			any |= result_cell_metric(chart_cell(c, i, NULL), pollutions[k].metric, &s);
		if (any)
			have[n++] = k;
	}
	for (unsigned int k = 0; k < n; k++) {
		chart_block(c, pollutions[have[k]].label, "row\tmedian\tlo\thi");
		name_group(c, k, pollutions[have[k]].label);
		for (unsigned int i = 0; i < c->nseries; i++)
			if (result_cell_metric(chart_cell(c, i, NULL), pollutions[have[k]].metric, &s))
				write_dot(c, &x, i, k, n, &s);
	}
	finish_dots(c, &x, unit, n);
	chart_text(c, "x_label", "%s slower than before", unit);
	return 0;
}
