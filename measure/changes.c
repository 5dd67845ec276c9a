// SPDX-License-Identifier: MIT
/* E-divisive change points; see changes.h. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "measure/random.h"
#include "measure/changes.h"

static void *must_alloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p)
		abort(); /* a few megabytes */
	return p;
}

struct split {
	size_t at; /* values of the left side */
	double q;  /* energy distance, scaled by the sides' sizes; -1: there is none */
};

/* The best split of values[0..n), and how good it is.
 *
 * With A the sum of distances between the sides, L and R those within them (each pair once):
 * e = 2 A / (l r) - 2 L / (l (l - 1)) - 2 R / (r (r - 1)), q = e l r / (l + r). One value at a time
 * goes from the right side to the left; its distances to both sides are all that changes. */
static struct split best_split(const double *values, size_t n)
{
	struct split best = {.q = -1};
	double across = 0, left = 0, right = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = i + 1; k < n; k++)
			right += fabs(values[i] - values[k]);
	for (size_t l = 1; l + CHANGES_SIDE_MIN <= n; l++) {
		const double moved = values[l - 1], m = (double)l, r = (double)(n - l);
		double to_left = 0, to_right = 0, q;

		for (size_t i = 0; i < l - 1; i++)
			to_left += fabs(values[i] - moved);
		for (size_t i = l; i < n; i++)
			to_right += fabs(values[i] - moved);
		left += to_left;
		right -= to_right;
		across += to_right - to_left;
		if (l < CHANGES_SIDE_MIN)
			continue;
		q = (2 * across / (m * r) - 2 * left / (m * (m - 1)) - 2 * right / (r * (r - 1))) * m *
		    r / (m + r);
		if (q > best.q)
			best = (struct split){l, q};
	}
	return best;
}

static void shuffle(double *values, size_t n, uint64_t *state)
{
	for (size_t i = n - 1; i > 0; i--) {
		size_t k = (next_random(state) >> 32) * (i + 1) >> 32;
		double v = values[i];

		values[i] = values[k];
		values[k] = v;
	}
}

/* Whether the split is better than chance. Ends early once it cannot be any more. */
static int stands(const double *values, size_t n, const struct split *split, double alpha,
		  double *scratch, uint64_t *state)
{
	const double allowed = alpha * (CHANGES_SHUFFLES + 1) - 1;
	double as_good = 0;

	for (size_t i = 0; i < n; i++)
		scratch[i] = values[i];
	for (int i = 0; i < CHANGES_SHUFFLES; i++) {
		shuffle(scratch, n, state);
		as_good += best_split(scratch, n).q >= split->q * (1 - 1e-12);
		if (as_good > allowed)
			return 0;
	}
	return 1;
}

/* From left to right, so that at[] rises. */
static void divide(const double *values, size_t first, size_t n, double alpha, double *scratch,
		   size_t *at, size_t *found, uint64_t *state)
{
	struct split s;

	if (n < 2 * CHANGES_SIDE_MIN)
		return;
	s = best_split(values + first, n);
	if (s.q <= 0 || !stands(values + first, n, &s, alpha, scratch, state))
		return;
	divide(values, first, s.at, alpha, scratch, at, found, state);
	at[(*found)++] = first + s.at;
	divide(values, first + s.at, n - s.at, alpha, scratch, at, found, state);
}

size_t changes_find(const double *values, size_t n, double alpha, size_t *at)
{
	double *scratch = must_alloc(n, sizeof(*scratch));
	uint64_t state = 0x9e3779b97f4a7c15ULL;
	size_t found = 0;

	divide(values, 0, n, alpha, scratch, at, &found, &state);
	free(scratch);
	return found;
}
