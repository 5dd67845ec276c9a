// SPDX-License-Identifier: MIT
/* Median and bootstrap; see stats.h. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

/* xorshift64* (Vigna 2016): good enough to draw indices, and the same on every machine. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

struct summary stats_summarise(const double *values, size_t n)
{
	double *draw = malloc(n * sizeof(*draw));
	double *medians = malloc(RESAMPLES * sizeof(*medians));
	uint64_t state = 0x9e3779b97f4a7c15ULL;
	struct summary s = {0};

	if (!draw || !medians)
		abort(); /* a few kilobytes */
	memcpy(draw, values, n * sizeof(*draw));
	s.median = s.lo = s.hi = stats_median(draw, n);
	if (n >= 2) {
		for (int i = 0; i < RESAMPLES; i++) {
			for (size_t k = 0; k < n; k++)
				draw[k] = values[(next_random(&state) >> 32) * n >> 32];
			medians[i] = stats_median(draw, n);
		}
		qsort(medians, RESAMPLES, sizeof(*medians), compare);
		s.lo = medians[RESAMPLES * 25 / 1000];
		s.hi = medians[RESAMPLES * 975 / 1000 - 1];
	}
	free(draw);
	free(medians);
	return s;
}
