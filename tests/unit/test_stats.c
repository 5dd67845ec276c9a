// SPDX-License-Identifier: MIT
/* Proves that the median is exact, and that the bootstrap interval is what it says: the same for
 * the same samples, around the median, and about as often right as 95 % promises. */
#include <math.h>

#include "measure/stats.h"
#include "tests/unit/unit.h"

static void assert_median(double want, double *values, size_t n)
{
	assert_double(stats_median(values, n), want);
	for (size_t i = 1; i < n; i++)
		assert_true(values[i - 1] <= values[i]); /* it says that it sorts */
}

static void test_median(void **state)
{
	(void)state;
	assert_median(7, (double[]){7}, 1);
	assert_median(2.5, (double[]){4, 1}, 2);
	assert_median(3, (double[]){3, 100, 1}, 3);
	assert_median(3.5, (double[]){3, 100, 1, 4}, 4);
	assert_median(-2, (double[]){5, -2, -7, -2, 0}, 5);
	assert_median(0.25, (double[]){0.25, 0.25, 0.25, 0.25, 1e300, 1e300}, 6);
	assert_median(5e-324, (double[]){0, 5e-324, 1}, 3);
}

static void test_one_sample(void **state)
{
	struct summary s = stats_summarise((double[]){42.5}, 1);

	(void)state;
	assert_double(s.median, 42.5);
	assert_double(s.lo, 42.5);
	assert_double(s.hi, 42.5);
}

/* A quarter of the resamples of two values are the one twice, a quarter the other twice: far more
 * than the 2.5 % that are cut off at each end. */
static void test_two_samples(void **state)
{
	struct summary s = stats_summarise((double[]){30, 10}, 2);

	(void)state;
	assert_double(s.median, 20);
	assert_double(s.lo, 10);
	assert_double(s.hi, 30);
}

static void test_equal_samples(void **state)
{
	double values[9];
	struct summary s;

	(void)state;
	for (size_t i = 0; i < 9; i++)
		values[i] = 3.25;
	s = stats_summarise(values, 9);
	assert_double(s.median, 3.25);
	assert_double(s.lo, 3.25);
	assert_double(s.hi, 3.25);
}

/* One wild value in nine moves neither the median nor an end of the interval to itself. */
static void test_an_outlier(void **state)
{
	struct summary s = stats_summarise((double[]){11, 12, 13, 14, 15, 16, 17, 18, 1e9}, 9);

	(void)state;
	assert_double(s.median, 15);
	assert_in_range((long)s.lo, 11, 14);
	assert_in_range((long)s.hi, 16, 18);
}

static void fill_exponential(double *values, size_t n, uint64_t *seed)
{
	for (size_t i = 0; i < n; i++)
		values[i] = -log(1 - random_unit(seed));
}

static void test_samples_are_left_alone_and_decide_alone(void **state)
{
	double values[15], before[15];
	struct summary first, second;
	uint64_t seed = 3;

	(void)state;
	fill_exponential(values, 15, &seed);
	memcpy(before, values, sizeof(values));
	first = stats_summarise(values, 15);
	assert_memory_equal(values, before, sizeof(values));
	stats_summarise((double[]){1, 2, 3}, 3); /* no state is left between calls */
	second = stats_summarise(values, 15);
	assert_memory_equal(&first, &second, sizeof(first));
}

static void test_the_interval_is_around_the_median(void **state)
{
	uint64_t seed = 5;

	(void)state;
	for (size_t n = 2; n <= 40; n++) {
		double values[40], sorted[40];
		struct summary s;

		fill_exponential(values, n, &seed);
		s = stats_summarise(values, n);
		memcpy(sorted, values, n * sizeof(values[0]));
		assert_double(s.median, stats_median(sorted, n));
		assert_true(sorted[0] <= s.lo);
		assert_true(s.lo < s.median);
		assert_true(s.median < s.hi);
		assert_true(s.hi <= sorted[n - 1]);
	}
}

/* What is cut off at one end is cut off at the other. */
static void test_the_interval_is_symmetric(void **state)
{
	double values[15], mirrored[15];
	struct summary s, m;
	uint64_t seed = 6;

	(void)state;
	for (int k = 0; k < 50; k++) {
		fill_exponential(values, 15, &seed);
		for (size_t i = 0; i < 15; i++)
			mirrored[i] = -values[i];
		s = stats_summarise(values, 15);
		m = stats_summarise(mirrored, 15);
		assert_double(m.median, -s.median);
		assert_double(m.lo, -s.hi);
		assert_double(m.hi, -s.lo);
	}
}

/* 300 experiments of 15 rounds each. An interval that is too narrow is right too rarely; one that
 * spans all samples is right always. */
static void test_coverage(void **state)
{
	const double truth = log(2); /* the median of the exponential distribution */
	unsigned int right = 0;
	double width = 0;
	uint64_t seed = 7;

	(void)state;
	for (int i = 0; i < 300; i++) {
		double values[15];
		struct summary s;

		fill_exponential(values, 15, &seed);
		s = stats_summarise(values, 15);
		right += s.lo <= truth && truth <= s.hi;
		width += (s.hi - s.lo) / 300;
	}
	assert_in_range(right, 255, 299);
	/* The samples' own spread is 3.3 on average (the harmonic number H14). */
	assert_true(width > 0.5 && width < 1.5);
}

static void test_more_rounds_narrow_the_interval(void **state)
{
	double few = 0, many = 0;
	uint64_t seed = 9;

	(void)state;
	for (int i = 0; i < 20; i++) {
		double values[160];
		struct summary s;

		fill_exponential(values, 160, &seed);
		s = stats_summarise(values, 10);
		few += s.hi - s.lo;
		s = stats_summarise(values, 160);
		many += s.hi - s.lo;
	}
	/* the width goes with 1 / sqrt(n): a quarter */
	assert_true(many / few > 0.15 && many / few < 0.35);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_median),
		cmocka_unit_test(test_one_sample),
		cmocka_unit_test(test_two_samples),
		cmocka_unit_test(test_equal_samples),
		cmocka_unit_test(test_an_outlier),
		cmocka_unit_test(test_samples_are_left_alone_and_decide_alone),
		cmocka_unit_test(test_the_interval_is_around_the_median),
		cmocka_unit_test(test_the_interval_is_symmetric),
		cmocka_unit_test(test_coverage),
		cmocka_unit_test(test_more_rounds_narrow_the_interval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
