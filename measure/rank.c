// SPDX-License-Identifier: MIT
/* Rank tests; see rank.h. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "measure/rank.h"

struct item {
	double value;
	bool mine; /* of the first set, or a positive difference */
};

static int compare(const void *a, const void *b)
{
	double x = ((const struct item *)a)->value, y = ((const struct item *)b)->value;

	return (x > y) - (x < y);
}

/* Sorts the items, puts twice the midrank of each into `ranks` (twice, so that it is whole), and returns
 * the sum over groups of t equal values of t^3 - t. */
static double rank_items(struct item *items, size_t n, unsigned int *ranks)
{
	double ties = 0;

	qsort(items, n, sizeof(*items), compare);
	for (size_t i = 0, end; i < n; i = end) {
		double t;

		for (end = i + 1; end < n && items[end].value <= items[i].value; end++)
			;
		/* ranks i + 1 to end */
		for (size_t k = i; k < end; k++)
			ranks[k] = (unsigned int)(i + 1 + end);
		t = (double)(end - i);
		ties += t * t * t - t;
	}
	return ties;
}

static void *must_alloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		abort(); /* a megabyte */
	return p;
}

/* The share of ways[0..sums) that is at least as far from `middle` as `seen`. */
static double share_beyond(const double *ways, size_t sums, double middle, double seen)
{
	const double distance = fabs(seen - middle) - 1e-9;
	double beyond = 0, all = 0;

	for (size_t s = 0; s < sums; s++) {
		all += ways[s];
		if (fabs((double)s - middle) >= distance)
			beyond += ways[s];
	}
	return beyond / all;
}

/* ways[k * sums + s]: in how many ways k of the ranks seen so far add up to s. */
static double rank_sum_exact(const unsigned int *ranks, size_t n, size_t k, double seen)
{
	const size_t sums = n * (n + 1) + 1;
	double *ways = must_alloc((k + 1) * sums, sizeof(*ways)), p;

	ways[0] = 1;
	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1 < k ? i + 1 : k; j > 0; j--)
			for (size_t s = ranks[i]; s < sums; s++)
				ways[j * sums + s] += ways[(j - 1) * sums + s - ranks[i]];
	p = share_beyond(ways + k * sums, sums, (double)k * (double)(n + 1), seen);
	free(ways);
	return p;
}

/* Of the normal distribution, both tails. */
static double both_tails(double deviation, double variance, double continuity)
{
	double z = fabs(deviation) - continuity;

	if (variance <= 0 || z <= 0)
		return 1;
	return erfc(z / sqrt(2 * variance));
}

double rank_test(const double *a, size_t na, const double *b, size_t nb)
{
	const size_t n = na + nb;
	struct item *items = must_alloc(n, sizeof(*items));
	unsigned int *ranks = must_alloc(n, sizeof(*ranks));
	const double x = (double)na, y = (double)nb, all = (double)n;
	double ties, sum = 0, p;

	for (size_t i = 0; i < n; i++)
		items[i] = i < na ? (struct item){a[i], true} : (struct item){b[i - na], false};
	ties = rank_items(items, n, ranks);
	for (size_t i = 0; i < n; i++)
		sum += items[i].mine ? ranks[i] : 0;
	if (n <= RANK_EXACT_MAX)
		p = rank_sum_exact(ranks, n, na, sum);
	else
		p = both_tails((sum - x * (all + 1)) / 2,
			       x * y / 12 * (all + 1 - ties / (all * (all - 1))), 0.5);
	free(items);
	free(ranks);
	return p;
}

double rank_test_smallest(size_t na, size_t nb)
{
	return 2 * exp(lgamma((double)na + 1) + lgamma((double)nb + 1) - lgamma((double)(na + nb) + 1));
}

/* ways[s]: in how many ways signs give the positive ranks seen so far the sum s. */
static double signed_rank_exact(const unsigned int *ranks, size_t n, double seen)
{
	const size_t sums = n * (n + 1) + 1;
	double *ways = must_alloc(sums, sizeof(*ways)), p;

	ways[0] = 1;
	for (size_t i = 0; i < n; i++)
		for (size_t s = sums - 1; s >= ranks[i]; s--)
			ways[s] += ways[s - ranks[i]];
	p = share_beyond(ways, sums, (double)(n * (n + 1)) / 2, seen);
	free(ways);
	return p;
}

double signed_rank_test(const double *differences, size_t n)
{
	struct item *items = must_alloc(n ? n : 1, sizeof(*items));
	unsigned int *ranks = must_alloc(n ? n : 1, sizeof(*ranks));
	double ties, sum = 0, p, k;
	size_t used = 0;

	for (size_t i = 0; i < n; i++)
		if (differences[i] > 0 || differences[i] < 0)
			items[used++] = (struct item){fabs(differences[i]), differences[i] > 0};
	ties = rank_items(items, used, ranks);
	for (size_t i = 0; i < used; i++)
		sum += items[i].mine ? ranks[i] : 0;
	k = (double)used;
	if (!used)
		p = 1;
	else if (used <= RANK_EXACT_MAX)
		p = signed_rank_exact(ranks, used, sum);
	else
		p = both_tails(sum / 2 - k * (k + 1) / 4, k * (k + 1) * (2 * k + 1) / 24 - ties / 48,
			       0.5);
	free(items);
	free(ranks);
	return p;
}

double signed_rank_test_smallest(size_t n)
{
	return n < 1 ? 1 : ldexp(2, -(int)n);
}
