// SPDX-License-Identifier: MIT
/* Ratios and their crossing; see crossing.h. */
#include <math.h>
#include <stdlib.h>

#include "cli/crossing.h"

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
	free(x);
	return n > 0;
}

static int side(const struct ratio *r)
{
	return r->s.lo > 1 ? 1 : r->s.hi < 1 ? -1 : 0;
}

void crossing_find(const struct ratio *r, unsigned int n, struct crossing *c)
{
	unsigned int last = 0; /* where the side was last known */

	*c = (struct crossing){.everywhere = true};
	for (unsigned int i = 0; i < n; i++) {
		int s = side(&r[i]);

		c->everywhere &= s != 0;
		if (!s)
			continue;
		if (!c->side_after)
			c->first = r[i].x;
		c->last = r[i].x;
		if (c->side_after && s != c->side_after) {
			c->side_before = c->side_after;
			c->lo = r[last].x;
			c->hi = r[i].x;
		}
		c->side_after = s;
		last = i;
	}
}
