// SPDX-License-Identifier: MIT
/* After how many transfers what is paid once has paid; see payback.h. */
#include <math.h>
#include <stdlib.h>

#include "cli/payback.h"

static int rising(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* How many of n values at each end lie outside of the median's interval: the largest k with
 * 2 * P(fewer than k of n coin tosses are heads) <= 5 %. */
static size_t outside(size_t n)
{
	double term = pow(0.5, (double)n), sum = 0; /* P(exactly k heads), P(at most k) */
	size_t k = 0;

	for (; k < n / 2; k++) {
		sum += term;
		if (2 * sum > 0.05)
			break;
		term *= (double)(n - k) / (double)(k + 1);
	}
	return k ? k - 1 : 0;
}

struct payback payback_find(const double *extra, const double *saved, size_t n)
{
	double *after = malloc((n + 1) * sizeof(*after));
	struct payback p = {NAN, NAN, NAN, n};
	size_t k = outside(n);

	if (!after || !n) {
		free(after);
		return p;
	}
	for (size_t i = 0; i < n; i++) {
		if (extra[i] <= 0 && saved[i] >= 0)
			after[i] = 0;
		else
			after[i] = saved[i] > 0 ? extra[i] / saved[i] : HUGE_VAL;
	}
	qsort(after, n, sizeof(*after), rising);
	/* (an even number of which the upper half never pays: the median does not, either) */
	p.median = n % 2 ? after[n / 2] : (after[n / 2 - 1] + after[n / 2]) / 2;
	p.lo = after[k];
	p.hi = after[n - 1 - k];
	free(after);
	return p;
}

size_t payback_costs(const struct result_cell *c, double **once, double **each)
{
	const size_t room = json_array_size(c->rounds);
	size_t n;

	*once = calloc(2 * room + 1, sizeof(**once));
	if (!*once)
		return 0;
	*each = *once + room;
	result_cell_samples(c, metric_find("path_setup_ns"), *once);
	n = result_cell_samples(c, metric_find("throughput_bytes_per_s"), *each);
	for (size_t i = 0; i < n; i++)
		(*each)[i] = (double)c->bs / (*each)[i] * 1e9;
	return n;
}

bool payback_of(const struct result_cell *a, const struct result_cell *base, struct payback *p)
{
	double *once[2], *each[2];
	const size_t n = payback_costs(a, &once[0], &each[0]);
	const size_t nb = payback_costs(base, &once[1], &each[1]);
	size_t kept = 0;

	for (size_t i = 0; i < n && i < nb; i++) {
		const double extra = once[0][i] - once[1][i], saved = each[1][i] - each[0][i];

		if (!isfinite(extra) || !isfinite(saved))
			continue;
		once[0][kept] = extra;
		each[0][kept++] = saved;
	}
	if (kept)
		*p = payback_find(once[0], each[0], kept);
	free(once[0]);
	free(once[1]);
	return kept > 0;
}
