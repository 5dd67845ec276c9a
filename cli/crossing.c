// SPDX-License-Identifier: MIT
/* Ratios and their crossing; see crossing.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/crossing.h"
#include "lib/units.h"

bool ratio_of(const struct result_cell *a, const struct result_cell *b, const char *metric,
	      struct ratio *r)
{
	const struct metric *m = metric_find(metric);
	size_t na = json_array_size(a->rounds), nb = json_array_size(b->rounds), n = 0;
	double *x = calloc(na + nb + 1, sizeof(*x)), *y = x ? x + na : NULL;

	if (!x || m->counted) {
		free(x);
		return false;
	}
	result_cell_samples(a, m, x);
	result_cell_samples(b, m, y);
	for (size_t i = 0; i < na && i < nb; i++)
		if (isfinite(x[i] / y[i]))
			x[n++] = x[i] / y[i];
	if (n)
		r->s = stats_summarise(x, n);
	r->rounds = (unsigned int)n;
	free(x);
	return n > 0;
}

int summary_side(const struct summary *s)
{
	return s->lo > 1 ? 1 : s->hi < 1 ? -1 : 0;
}

static int side(const struct ratio *r)
{
	return r->rounds < CROSSING_ROUNDS ? 0 : summary_side(&r->s);
}

void crossing_find(const struct ratio *r, unsigned int n, struct crossing *c)
{
	unsigned int last = 0; /* where a side was last shown */

	*c = (struct crossing){0};
	for (unsigned int i = 0; i < n; i++) {
		int s = side(&r[i]);

		c->few_rounds |= r[i].rounds < CROSSING_ROUNDS;
		if (!s)
			continue;
		if (c->side && s != c->side) {
			c->crosses = true;
			c->lo = r[last].x;
			c->hi = r[i].x;
		}
		c->side = s;
		c->shown++;
		last = i;
	}
	for (unsigned int i = 0; i < n && c->crosses; i++) {
		double way = (r[i].s.median - 1) * c->side;

		/* on the wrong side, if only by its median */
		if ((r[i].x <= c->lo && way > 0) || (r[i].x >= c->hi && way < 0)) {
			c->crosses = false;
			c->side = 0;
		}
	}
}

char *crossing_describe(char *buf, size_t len, const struct crossing *c, unsigned int n)
{
	const char *word = c->side > 0 ? "faster" : "slower";
	char lo[32], hi[32];

	format_size(lo, sizeof(lo), (uint64_t)c->lo);
	format_size(hi, sizeof(hi), (uint64_t)c->hi);
	if (c->few_rounds)
		snprintf(buf, len, "too few rounds to tell");
	else if (c->crosses)
		snprintf(buf, len, "%s %s..%s", c->side > 0 ? "overtakes at" : "falls behind at", lo,
			 hi);
	else if (c->side && c->shown == n)
		snprintf(buf, len, "always %s", word);
	else if (c->side)
		snprintf(buf, len, "%s at %u of %u sizes", word, c->shown, n);
	else
		snprintf(buf, len, "%s", c->shown ? "no clear crossing" : "no difference shown");
	return buf;
}
