// SPDX-License-Identifier: MIT
/* Figure amortise: what a transfer takes when what was paid once is shared by so many transfers. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "cli/crossing.h"
#include "cli/figure.h"
#include "cli/payback.h"

#define MOST 262144 /* transfers at the right end */

/* Of one client that has one operation in flight, the time for a transfer is payload / throughput. */
bool fits_amortise(const struct result_cell *c)
{
	struct summary s;

	return c->depth == 1 && c->clients == 1 && result_cell_metric(c, "path_setup_ns", &s) &&
	       result_cell_metric(c, "throughput_bytes_per_s", &s);
}

static void describe(char *buf, size_t len, const char *label, const struct payback *p, const char *base)
{
	if (p->rounds < CROSSING_ROUNDS)
		snprintf(buf, len, "%s: too few rounds to tell", label);
	else if (isinf(p->lo))
		snprintf(buf, len, "%s: never overtakes %s", label, base);
	else if (isinf(p->hi))
		snprintf(buf, len, "%s: not shown to overtake", label);
	else if (p->hi < 1)
		snprintf(buf, len, "%s: ahead from the first", label);
	else
		snprintf(buf, len, "%s: pays after %.0f..%.0f", label, ceil(p->lo), ceil(p->hi));
}

/* Median and interval of (once + transfers * each) / transfers over the rounds. */
static struct summary share(const double *once, const double *each, size_t n, double transfers,
			    double *room)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		const double v = once[i] / transfers + each[i];

		if (isfinite(v))
			room[kept++] = v;
	}
	return kept ? stats_summarise(room, kept) : (struct summary){NAN, NAN, NAN};
}

static int write_line(struct chart *c, const struct result_cell *cell, struct axis *y,
		      struct line_end *end)
{
	double *once, *each, *room;
	size_t n = payback_costs(cell, &once, &each);

	room = calloc(n + 1, sizeof(*room));
	if (!once || !room) {
		free(once);
		free(room);
		return -ENOMEM;
	}
	for (double transfers = 1; transfers <= MOST; transfers *= 4) {
		struct summary s = share(once, each, n, transfers, room);

		fprintf(c->data, "%.10g\t%.10g\t%.10g\t%.10g\n", transfers, s.median, s.lo, s.hi);
		axis_add(y, s.lo);
		axis_add(y, s.hi);
		end->x = transfers;
		end->y = s.median;
	}
	free(once);
	free(room);
	return 0;
}

int write_amortise(struct chart *c, struct err *e)
{
	struct axis y = axis_make(true), x = {.log = true, .lo = 0.8, .hi = MOST * 1.25};
	const unsigned int base = chart_baseline(c);
	const struct result_cell *b = chart_cell(c, base, NULL);
	struct line_end ends[SERIES_MAX];
	struct payback p;
	bool has[SERIES_MAX];

	for (unsigned int i = 0; i < c->nseries; i++) {
		const struct result_cell *cell = chart_cell(c, i, NULL);

		has[i] = true;
		ends[i] = (struct line_end){.y = NAN};
		chart_block(c, c->series[i].label, "transfers\tns each\tlo\thi");
		if (write_line(c, cell, &y, &ends[i]))
			return err_sys(e, -ENOMEM, "figure amortise");
		if (i != base && payback_of(cell, b, &p))
			describe(ends[i].text, sizeof(ends[i].text), c->series[i].label, &p,
				 c->series[base].label);
		else
			snprintf(ends[i].text, sizeof(ends[i].text), "%s", c->series[i].label);
		fprintf(c->data, "# %s\n", ends[i].text);
	}
	chart_lines(c, "lines", has);
	axis_widen(&y);
	chart_axis(c, 'y', &y, "ns");
	chart_axis(c, 'x', &x, "1");
	chart_text(c, "x_label", "transfers that share what is paid once");
	fprintf(c->script, "wide_labels = 1\n");
	chart_label_lines(c, &y, ends, c->nseries);
	return 0;
}
