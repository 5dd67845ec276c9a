// SPDX-License-Identifier: MIT
/* Figures with a stacked bar for each path: what CPU time and copies are made of. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "cli/figure.h"
#include "lib/units.h"

#define PARTS_MAX 16

/* What bars are stacked from, from below. `hatch` tells it apart from its neighbour in grey print: gnuplot's
 * fill pattern, 0 for none. */
struct part {
	const char *name; /* as in the result, where it is a member there */
	const char *label;
	const char *colour;
	int hatch;
};

/* The bars of a drawing: a row of data for each series, the upper ends of its parts. */
struct stack {
	const struct part *parts;
	unsigned int n;
	bool used[PARTS_MAX]; /* in any bar: the others are not in the legend */
	double top[SERIES_MAX][PARTS_MAX];
	struct summary total[SERIES_MAX];
	double expected[SERIES_MAX]; /* NAN: none */
	char text[SERIES_MAX][32];   /* above the bar */
};

/* Fills in a bar. Its height is the median of the total; `parts`, in whatever unit, say what shares they have
 * in it, because medians of parts would not add up to the total's. */
static void stack_bar(struct stack *s, unsigned int i, const double *parts, struct summary total)
{
	double top = 0, all = 0;

	for (unsigned int p = 0; p < s->n; p++)
		all += parts[p];

	s->total[i] = total;
	s->expected[i] = NAN;
	for (unsigned int p = 0; p < s->n; p++) {
		top += all > 0 ? total.median * parts[p] / all : 0;
		s->top[i][p] = top;
		s->used[p] |= parts[p] > 0;
	}
}

static void write_stack(struct chart *c, struct stack *s, const char *unit)
{
	struct axis y = axis_make(false);
	unsigned int shown = 0;
	bool expects = false;
	char name[40];

	fprintf(c->data, "# path\tmedian\tlo\thi\texpected\ttext\t0");
	for (unsigned int p = 0; p < s->n; p++) {
		if (!s->used[p])
			continue;
		fprintf(c->data, "\tup to %s", s->parts[p].label);
		shown++;
		snprintf(name, sizeof(name), "part_name_%u", shown);
		chart_text(c, name, "%s", s->parts[p].label);
		fprintf(c->script, "part_colour_%u = '%s'\npart_hatch_%u = %d\n", shown,
			s->parts[p].colour, shown, s->parts[p].hatch);
	}
	for (unsigned int i = 0; i < c->nseries; i++) {
		const struct summary *t = &s->total[i];

		fprintf(c->data, "\n%s\t%.6g\t%.6g\t%.6g\t", c->series[i].label, t->median, t->lo,
			t->hi);
		if (isfinite(s->expected[i]))
			fprintf(c->data, "%.6g", s->expected[i]);
		else
			fprintf(c->data, "NaN");
		fprintf(c->data, "\t%s\t0", s->text[i]);
		for (unsigned int p = 0; p < s->n; p++)
			if (s->used[p])
				fprintf(c->data, "\t%.6g", s->top[i][p]);
		expects |= isfinite(s->expected[i]);
		axis_add(&y, t->hi);
		axis_add(&y, s->expected[i]);
	}
	fputc('\n', c->data);
	/* the numbers above the bars need room */
	axis_add(&y, y.hi * 1.08);
	axis_widen(&y);
	chart_axis(c, 'y', &y, unit);
	fprintf(c->script, "parts = %u\nexpects = %d\n", shown, expects);
}

/* Sum of a member over all rounds; NAN if one of them lacks it. */
static double sum(const struct result_cell *cell, const char *a, const char *b, const char *m)
{
	double total = 0;
	json_t *round;
	size_t i;

	json_array_foreach (cell->rounds, i, round) {
		const json_t *v = json_object_get(json_object_get(json_object_get(round, a), b), m);

		total += json_is_number(v) ? json_number_value(v) : NAN;
	}
	return total;
}

/* Shares as in all rounds together. */
int write_cpu(struct chart *c, struct err *e)
{
	static const struct part parts[] = {
		{"", "client, user", "#9ccfee", 0},
		{"", "client, kernel", "#0072b2", 0},
		{"", "server, user", "#f6c28b", 4},
		{"", "server, kernel", "#d55e00", 4},
	};
	struct stack s = {.parts = parts, .n = 4};

	(void)e;
	for (unsigned int i = 0; i < c->nseries; i++) {
		const struct result_cell *cell = chart_cell(c, i, NULL);
		double part[4];
		struct summary total;

		result_cell_metric(cell, "cpu_ns_per_kib", &total);
		for (int p = 0; p < 4; p++)
			part[p] = sum(cell, "cpu_ns", p < 2 ? "client" : "server",
				      p % 2 ? "kernel" : "user");
		stack_bar(&s, i, part, total);
		snprintf(s.text[i], sizeof(s.text[i]), "%.0f", total.median);
	}
	write_stack(c, &s, "ns/KiB");
	return 0;
}

bool fits_classes(const struct result_cell *c)
{
	struct summary s;

	return json_object_size(json_object_get(
		       json_object_get(json_object_get(c->json, "breakdown"), "client"), "classes")) &&
	       result_cell_metric(c, "cpu_ns_per_kib", &s);
}

static double samples(const struct result_cell *cell, const char *role)
{
	const json_t *breakdown = json_object_get(cell->json, "breakdown");

	return json_number_value(json_object_get(json_object_get(breakdown, role), "samples"));
}

/* ns for each KiB that a role spent in a class of code; 0 if no sample was in it. */
static double class_time(const struct result_cell *cell, const char *role, const char *class)
{
	const json_t *breakdown = json_object_get(cell->json, "breakdown");
	const json_t *classes = json_object_get(json_object_get(breakdown, role), "classes");

	return json_number_value(json_object_get(json_object_get(classes, class), "ns_per_op")) /
	       ((double)cell->bs / 1024);
}

int write_cpu_classes(struct chart *c, struct err *e)
{
	/* copying first, at the bottom, where heights can be compared */
	static const struct part parts[] = {
		{"copy", "copying", "#000000", 0},
		{"checksum", "checksum", "#e69f00", 0},
		{"page_pinning", "pinning pages", "#56b4e9", 4},
		{"fuse", "FUSE", "#0072b2", 0},
		{"io_uring", "io_uring", "#009e73", 4},
		{"wakeup_and_scheduling", "waking, scheduling", "#cc79a7", 0},
		{"network", "network", "#d55e00", 4},
		{"idle", "idle", "#eeeeee", 0},
		{"other", "other", "#bbbbbb", 5},
	};
	const unsigned int n = sizeof(parts) / sizeof(parts[0]);
	struct stack s = {.parts = parts, .n = n};
	double least = HUGE_VAL;

	(void)e;
	for (unsigned int i = 0; i < c->nseries; i++) {
		const struct result_cell *cell = chart_cell(c, i, NULL);
		struct summary total;
		double part[PARTS_MAX];

		least = fmin(least, samples(cell, "client") + samples(cell, "server"));

		result_cell_metric(cell, "cpu_ns_per_kib", &total);
		for (unsigned int p = 0; p < n; p++)
			part[p] = class_time(cell, "client", parts[p].name) +
				  class_time(cell, "server", parts[p].name);
		stack_bar(&s, i, part, total);
		snprintf(s.text[i], sizeof(s.text[i]), "%.0f", total.median);
	}
	write_stack(c, &s, "ns/KiB");
	chart_text(c, "x_label", "shares estimated from samples: %.0f or more for each path", least);
	return 0;
}

int write_copies(struct chart *c, struct err *e)
{
	/* the way of a WRITE, from below */
	static const struct part parts[] = {
		{"client_user", "client's own code", "#9ccfee", 0},
		{"client_syscall", "client's syscalls", "#0072b2", 4},
		{"fuse", "in FUSE", "#000000", 0},
		{"server_user", "server's own code", "#f6c28b", 4},
		{"sink", "at the sink", "#d55e00", 0},
	};
	const unsigned int n = sizeof(parts) / sizeof(parts[0]);
	struct stack s = {.parts = parts, .n = n};

	(void)e;
	for (unsigned int i = 0; i < c->nseries; i++) {
		const struct result_cell *cell = chart_cell(c, i, NULL);
		double part[PARTS_MAX];
		const json_t *expected =
			json_object_get(json_object_get(cell->json, "expected"), "copy_factor");
		struct summary total;

		result_cell_metric(cell, "copy_factor", &total);
		for (unsigned int p = 0; p < n; p++) {
			bool user = strstr(parts[p].name, "_user");

			part[p] = sum(cell, "copied_bytes", parts[p].name, user ? "user" : "kernel");
			if (!isfinite(part[p]))
				part[p] = 0;
		}
		stack_bar(&s, i, part, total);
		if (json_is_number(expected))
			s.expected[i] = json_number_value(expected);
		snprintf(s.text[i], sizeof(s.text[i]), "%.2f", total.median);
	}
	write_stack(c, &s, "1");
	return 0;
}
