// SPDX-License-Identifier: MIT
/* Medians, bootstrap, many tests; see stats.h. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "measure/random.h"
#include "measure/stats.h"

#define RESAMPLES 2000

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double stats_median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

double stats_median_of(const double *values, size_t n)
{
	double *copy = malloc(n * sizeof(*copy)), m;

	if (!copy)
		abort(); /* a few kilobytes */
	memcpy(copy, values, n * sizeof(*copy));
	m = stats_median(copy, n);
	free(copy);
	return m;
}

#define SEED 0x9e3779b97f4a7c15ULL

/* As many values again, drawn from them. */
static void resample(double *draw, const double *values, size_t n, uint64_t *state)
{
	for (size_t k = 0; k < n; k++)
		draw[k] = values[(next_random(state) >> 32) * n >> 32];
}

static void interval(struct summary *s, double *resampled)
{
	qsort(resampled, RESAMPLES, sizeof(*resampled), compare);
	s->lo = resampled[RESAMPLES * 25 / 1000];
	s->hi = resampled[RESAMPLES * 975 / 1000 - 1];
}

static double *must_alloc(size_t n)
{
	double *p = malloc((n ? n : 1) * sizeof(*p));

	if (!p)
		abort(); /* a few kilobytes */
	return p;
}

struct summary stats_summarise(const double *values, size_t n)
{
	double *draw = must_alloc(n), *medians = must_alloc(RESAMPLES);
	uint64_t state = SEED;
	struct summary s = {0};

	memcpy(draw, values, n * sizeof(*draw));
	s.median = s.lo = s.hi = stats_median(draw, n);
	if (n >= 2) {
		for (int i = 0; i < RESAMPLES; i++) {
			resample(draw, values, n, &state);
			medians[i] = stats_median(draw, n);
		}
		interval(&s, medians);
	}
	free(draw);
	free(medians);
	return s;
}

static double ratio(double of, double base)
{
	if (base > 0)
		return of / base;
	return of > 0 ? INFINITY : 1;
}

struct summary stats_ratio(const double *of, size_t nof, const double *base, size_t nbase)
{
	double *x = must_alloc(nof), *y = must_alloc(nbase), *ratios = must_alloc(RESAMPLES);
	uint64_t state = SEED;
	struct summary s;

	memcpy(x, of, nof * sizeof(*x));
	memcpy(y, base, nbase * sizeof(*y));
	s.median = ratio(stats_median(x, nof), stats_median(y, nbase));
	for (int i = 0; i < RESAMPLES; i++) {
		resample(x, of, nof, &state);
		resample(y, base, nbase, &state);
		ratios[i] = ratio(stats_median(x, nof), stats_median(y, nbase));
	}
	interval(&s, ratios);
	free(x);
	free(y);
	free(ratios);
	return s;
}

struct summary stats_ratio_paired(const double *of, const double *base, size_t n)
{
	double *ratios = must_alloc(n);
	struct summary s;

	for (size_t i = 0; i < n; i++)
		ratios[i] = ratio(of[i], base[i]);
	s = stats_summarise(ratios, n);
	free(ratios);
	return s;
}

struct ranked {
	double p;
	size_t at;
};

static int compare_ranked(const void *a, const void *b)
{
	return compare(&((const struct ranked *)a)->p, &((const struct ranked *)b)->p);
}

void stats_adjust(double *p, size_t n)
{
	struct ranked *sorted = calloc(n ? n : 1, sizeof(*sorted));
	double least = 1;

	if (!sorted)
		abort();
	for (size_t i = 0; i < n; i++)
		sorted[i] = (struct ranked){p[i], i};
	qsort(sorted, n, sizeof(*sorted), compare_ranked);
	for (size_t i = n; i-- > 0;) {
		double adjusted = sorted[i].p * (double)n / (double)(i + 1);

		if (adjusted < least)
			least = adjusted;
		p[sorted[i].at] = least;
	}
	free(sorted);
}
