// SPDX-License-Identifier: MIT
/* Proves that change points are found where they were put, that the noise of a series without one seldom
 * makes one, and that too short a series has none. */
#include <math.h>

#include "measure/changes.h"
#include "tests/unit/unit.h"

/* Skewed and with rare wild values, as times are. */
static double noise(uint64_t *seed)
{
	double v = -0.02 * log(1 - random_unit(seed));

	return random64(seed) % 20 ? v : 10 * v;
}

static void fill(double *values, size_t from, size_t to, double level, uint64_t *seed)
{
	for (size_t i = from; i < to; i++)
		values[i] = level * (1 + noise(seed));
}

static void test_one_step(void **state)
{
	double v[40];
	size_t at[40];
	uint64_t seed = 21;

	(void)state;
	fill(v, 0, 25, 100, &seed);
	fill(v, 25, 40, 120, &seed);
	assert_int_equal(changes_find(v, 40, 0.01, at), 1);
	assert_int_equal(at[0], 25);
}

static void test_two_steps_in_order(void **state)
{
	double v[60];
	size_t at[60];
	uint64_t seed = 22;

	(void)state;
	fill(v, 0, 20, 100, &seed);
	fill(v, 20, 45, 80, &seed);
	fill(v, 45, 60, 100, &seed);
	assert_int_equal(changes_find(v, 60, 0.01, at), 2);
	assert_in_range(at[0], 19, 21);
	assert_in_range(at[1], 44, 46);
}

/* By hand: 0 0 0 10 10 10. Split at 3: A = 90, L = R = 0, e = 2 * 90 / 9 = 20, q = 20 * 9 / 6 = 30; but of
 * the 20 ways to deal them 2 are as good, so 1 % cannot be reached, and 20 % can. */
static void test_six_values(void **state)
{
	const double v[] = {0, 0, 0, 10, 10, 10};
	size_t at[6];

	(void)state;
	assert_int_equal(changes_find(v, 6, 0.01, at), 0);
	assert_int_equal(changes_find(v, 6, 0.2, at), 1);
	assert_int_equal(at[0], 3);
}

static void test_nothing_to_find(void **state)
{
	double same[30];
	size_t at[30];

	(void)state;
	for (int i = 0; i < 30; i++)
		same[i] = 7;
	assert_int_equal(changes_find(same, 30, 0.01, at), 0);
	assert_int_equal(changes_find(same, 0, 0.01, at), 0);
	assert_int_equal(changes_find(same, 1, 0.01, at), 0);
	assert_int_equal(changes_find((double[]){1, 2, 3, 4, 5}, 5, 1, at), 0);
}

/* One outlier is no change. */
static void test_an_outlier(void **state)
{
	double v[40];
	size_t at[40];
	uint64_t seed = 23;

	(void)state;
	fill(v, 0, 40, 100, &seed);
	v[20] = 1000;
	assert_int_equal(changes_find(v, 40, 0.01, at), 0);
}

static void test_false_alarms(void **state)
{
	unsigned int alarms = 0;
	uint64_t seed = 24;

	(void)state;
	for (int trial = 0; trial < 300; trial++) {
		double v[20];
		size_t at[20];

		fill(v, 0, 20, 100, &seed);
		alarms += changes_find(v, 20, 0.05, at) > 0;
	}
	/* 5 % of 300 are 15; four standard deviations are 15 */
	assert_in_range(alarms, 1, 30);
}

static void test_power(void **state)
{
	unsigned int found = 0;
	uint64_t seed = 25;

	(void)state;
	for (int trial = 0; trial < 100; trial++) {
		double v[20];
		size_t at[20];

		fill(v, 0, 12, 100, &seed);
		fill(v, 12, 20, 110, &seed);
		found += changes_find(v, 20, 0.01, at) > 0 && at[0] >= 11 && at[0] <= 13;
	}
	assert_true(found >= 90);
}

static void test_the_same_again(void **state)
{
	double v[50];
	size_t first[50], second[50], n;
	uint64_t seed = 26;

	(void)state;
	fill(v, 0, 30, 100, &seed);
	fill(v, 30, 50, 105, &seed);
	n = changes_find(v, 50, 0.01, first);
	assert_int_equal(changes_find(v, 50, 0.01, second), n);
	assert_memory_equal(first, second, n * sizeof(first[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_step),   cmocka_unit_test(test_two_steps_in_order),
		cmocka_unit_test(test_six_values), cmocka_unit_test(test_nothing_to_find),
		cmocka_unit_test(test_an_outlier), cmocka_unit_test(test_false_alarms),
		cmocka_unit_test(test_power),      cmocka_unit_test(test_the_same_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
