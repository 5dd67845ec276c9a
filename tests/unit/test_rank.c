// SPDX-License-Identifier: MIT
/* Proves that the rank tests give published p-values, agree with counting by hand, and do as they promise:
 * seldom an alarm where nothing changed, nearly always one where something did. */
#include <math.h>

#include "measure/rank.h"
#include "measure/stats.h"
#include "tests/unit/unit.h"

#define assert_near(got, want, tolerance)                                                               \
	do {                                                                                            \
		double got_ = (got), want_ = (want);                                                    \
		if (!(fabs(got_ - want_) <= (tolerance)))                                               \
			fail_msg("%s is %.9g, not %.9g", #got, got_, want_);                            \
	} while (0)

/* Permeability of the human chorioamnion: Hollander and Wolfe (1999), table 4.1; one-sided 0.1272. */
static void test_published_rank_sum(void **state)
{
	const double term[] = {0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46};
	const double early[] = {1.15, 0.88, 0.90, 0.74, 1.21};

	(void)state;
	assert_near(rank_test(term, 10, early, 5), 0.2544, 0.0001);
	assert_near(rank_test(early, 5, term, 10), 0.2544, 0.0001);
}

/* Depression scale factor IV: Hollander and Wolfe (1999), table 3.1; one-sided 0.01953. */
static void test_published_signed_rank(void **state)
{
	const double before[] = {1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30};
	const double after[] = {0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29};
	double d[9];

	(void)state;
	for (int i = 0; i < 9; i++)
		d[i] = before[i] - after[i];
	assert_near(signed_rank_test(d, 9), 0.0390625, 1e-9);
}

/* All of one side above all of the other: 2 of C(n + m, n) ways. */
static void test_separated(void **state)
{
	const double low[] = {1, 2, 3, 4, 5, 6, 7}, high[] = {11, 12, 13, 14, 15, 16, 17};

	(void)state;
	assert_near(rank_test(low, 5, high, 5), 2.0 / 252, 1e-12);
	assert_near(rank_test(high, 5, low, 5), 2.0 / 252, 1e-12);
	assert_near(rank_test(low, 4, high, 3), 2.0 / 35, 1e-12);
	assert_near(rank_test(low, 3, high, 2), 2.0 / 10, 1e-12);
	assert_near(rank_test(low, 1, high, 1), 1, 1e-12);
	for (size_t n = 1; n <= 7; n++) {
		if (n > 1)
			assert_near(rank_test(low, n, high, n), rank_test_smallest(n, n), 1e-9);
		assert_near(signed_rank_test(high, n), signed_rank_test_smallest(n), 1e-12);
	}
	assert_near(rank_test_smallest(5, 5), 0.0079365, 1e-6);
	assert_near(rank_test_smallest(10, 10), 1.0825e-5, 1e-8);
}

/* {1, 2} and {2, 3}: midranks 1, 2.5, 2.5, 4. The six ways to deal two of them give the sums 3.5, 3.5, 5,
 * 5, 6.5, 6.5; 3.5 was seen, and four of six are as far from 5. */
static void test_ties(void **state)
{
	const double same[] = {4, 4, 4, 4, 4, 4};

	(void)state;
	assert_near(rank_test((double[]){1, 2}, 2, (double[]){2, 3}, 2), 4.0 / 6, 1e-12);
	assert_near(rank_test(same, 6, same, 6), 1, 1e-12);
	assert_near(rank_test(same, 2, same, 1), 1, 1e-12);
	/* 1, 1, 2 with midranks 1.5, 1.5, 3: sums of eight sign patterns 0, 1.5, 1.5, 3, 3, 4.5, 4.5, 6;
	 * seen 1.5 + 3 = 4.5, as far from 3 as 1.5: all but the two 3s */
	assert_near(signed_rank_test((double[]){1, -1, 2}, 3), 6.0 / 8, 1e-12);
	assert_near(signed_rank_test((double[]){0, 0, 0}, 3), 1, 1e-12);
	assert_near(signed_rank_test(NULL, 0), 1, 1e-12);
	/* zeros are left out */
	assert_near(signed_rank_test((double[]){0, 3, 4, 5, 0}, 5), 2.0 / 8, 1e-12);
}

/* By brute force: every way to choose `k` of `n` values as the first side. */
static double by_counting(const double *all, unsigned int n, unsigned int mine)
{
	double far = 0, ways = 0, rank[16], seen = 0, middle;
	const unsigned int k = (unsigned int)__builtin_popcount(mine);

	for (unsigned int i = 0; i < n; i++) {
		rank[i] = 0.5;
		for (unsigned int j = 0; j < n; j++)
			rank[i] += all[j] < all[i] ? 1 : all[j] > all[i] ? 0 : 0.5;
		seen += mine >> i & 1 ? rank[i] : 0;
	}
	middle = k * (n + 1) / 2.0;
	for (unsigned int set = 0; set < 1u << n; set++) {
		double sum = 0;

		if ((unsigned int)__builtin_popcount(set) != k)
			continue;
		for (unsigned int i = 0; i < n; i++)
			sum += set >> i & 1 ? rank[i] : 0;
		ways++;
		far += fabs(sum - middle) >= fabs(seen - middle) - 1e-9;
	}
	return far / ways;
}

static void test_exact_agrees_with_counting(void **state)
{
	uint64_t seed = 11;

	(void)state;
	for (int trial = 0; trial < 60; trial++) {
		double all[12];
		unsigned int n = 4 + (unsigned int)(random64(&seed) % 9), k = 1 + trial % (n - 1);

		/* few different values: many ties */
		for (unsigned int i = 0; i < n; i++)
			all[i] = (double)(random64(&seed) % (trial % 2 ? 5 : 1000));
		assert_near(rank_test(all, k, all + k, n - k), by_counting(all, n, (1u << k) - 1), 1e-9);
	}
}

/* Where the exact test ends, the approximation takes over without a jump. */
static void test_approximation(void **state)
{
	uint64_t seed = 12;

	(void)state;
	for (int trial = 0; trial < 20; trial++) {
		double a[26], b[26], exact, large, d[51];

		for (int i = 0; i < 26; i++) {
			a[i] = random_unit(&seed);
			b[i] = random_unit(&seed) + 0.01 * trial;
		}
		exact = rank_test(a, 25, b, 25);
		large = rank_test(a, 26, b, 25);
		assert_true(fabs(log(exact / large)) < 1);
		for (int i = 0; i < 51; i++)
			d[i] = random_unit(&seed) - 0.5 + 0.005 * trial;
		exact = signed_rank_test(d, 50);
		large = signed_rank_test(d, 51);
		assert_true(fabs(log(exact / large)) < 1);
	}
	/* By the formula: n = m = 30, all separated, U = 0: z = (450 - 0.5) / sqrt(4575) = 6.6455 */
	double low[30], high[30];

	for (int i = 0; i < 30; i++) {
		low[i] = i;
		high[i] = 100 + i;
	}
	assert_near(rank_test(low, 30, high, 30), erfc(449.5 / sqrt(2 * 4575.0)), 1e-14);
}

static double noisy(uint64_t *seed)
{
	return exp(random_unit(seed) + random_unit(seed) + random_unit(seed));
}

/* 2000 experiments in which nothing changed. */
static void test_false_alarms(void **state)
{
	unsigned int sums = 0, signs = 0;
	uint64_t seed = 13;

	(void)state;
	for (int trial = 0; trial < 2000; trial++) {
		double a[10], b[10], d[10];

		for (int i = 0; i < 10; i++) {
			a[i] = noisy(&seed);
			b[i] = noisy(&seed);
			d[i] = log(b[i] / a[i]);
		}
		sums += rank_test(a, 10, b, 10) <= 0.05;
		signs += signed_rank_test(d, 10) <= 0.05;
	}
	/* 5 % of 2000 are 100; four standard deviations are 39 */
	assert_in_range(sums, 50, 139);
	assert_in_range(signs, 50, 139);
}

/* 500 experiments with a shift by as much as the samples spread. */
static void test_power(void **state)
{
	unsigned int found = 0, paired = 0;
	uint64_t seed = 14;

	(void)state;
	for (int trial = 0; trial < 500; trial++) {
		double a[10], b[10], d[10];

		for (int i = 0; i < 10; i++) {
			a[i] = noisy(&seed);
			b[i] = noisy(&seed) * exp(1);
			d[i] = log(b[i] / a[i]);
		}
		found += rank_test(a, 10, b, 10) <= 0.05;
		paired += signed_rank_test(d, 10) <= 0.05;
	}
	assert_true(found > 475);
	assert_true(paired > 475);
}

/* Benjamini and Hochberg (1995), section 3.2: 15 p-values, of which 4 are findings at q = 0.05. */
static void test_published_adjustment(void **state)
{
	double p[] = {0.0298, 0.0001, 0.0278, 0.0004, 0.0019, 0.0095, 0.0201, 0.0344,
		      0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000};
	unsigned int findings = 0;

	(void)state;
	stats_adjust(p, 15);
	for (int i = 0; i < 15; i++)
		findings += p[i] <= 0.05;
	assert_int_equal(findings, 4);
	assert_near(p[1], 0.0015, 1e-9);
	assert_near(p[5], 0.0095 * 15 / 4, 1e-9);
	/* 0.0201 * 15 / 5 = 0.0603 and 0.0278 * 15 / 6 = 0.0695; 0.0298 * 15 / 7 = 0.06386 is smaller */
	assert_near(p[6], 0.0603, 1e-9);
	assert_near(p[2], 0.0298 * 15 / 7, 1e-9);
	assert_near(p[14], 1, 0);
}

static void test_ratio(void **state)
{
	const double base[] = {10, 11, 9, 10, 12, 8, 10, 10}, twice[] = {20, 22, 18, 20, 24, 16, 20, 20};
	const double zero[] = {0, 0, 0};
	struct summary s = stats_ratio(twice, 8, base, 8);

	(void)state;
	assert_double(s.median, 2);
	assert_true(s.lo > 1.5 && s.lo < 2 && s.hi > 2 && s.hi < 2.7);
	s = stats_ratio_paired(twice, base, 8);
	assert_double(s.median, 2);
	assert_double(s.lo, 2);
	assert_double(s.hi, 2);
	s = stats_ratio(zero, 3, zero, 3);
	assert_double(s.median, 1);
	assert_double(s.lo, 1);
	assert_double(s.hi, 1);
	s = stats_ratio(base, 8, zero, 3);
	assert_true(isinf(s.median) && isinf(s.lo) && isinf(s.hi));
	s = stats_ratio(zero, 3, base, 8);
	assert_double(s.median, 0);
}

/* 400 experiments, the true ratio is 1.3: how often is it in the interval? */
static void test_ratio_coverage(void **state)
{
	unsigned int right = 0, paired = 0;
	uint64_t seed = 15;

	(void)state;
	for (int trial = 0; trial < 400; trial++) {
		double a[12], b[12];
		struct summary s;

		for (int i = 0; i < 12; i++) {
			a[i] = noisy(&seed);
			b[i] = 1.3 * noisy(&seed);
		}
		s = stats_ratio(b, 12, a, 12);
		right += s.lo <= 1.3 && 1.3 <= s.hi;
		s = stats_ratio_paired(b, a, 12);
		paired += s.lo <= 1.3 && 1.3 <= s.hi;
	}
	assert_in_range(right, 360, 399);
	assert_in_range(paired, 360, 399);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published_rank_sum),
		cmocka_unit_test(test_published_signed_rank),
		cmocka_unit_test(test_separated),
		cmocka_unit_test(test_ties),
		cmocka_unit_test(test_exact_agrees_with_counting),
		cmocka_unit_test(test_approximation),
		cmocka_unit_test(test_false_alarms),
		cmocka_unit_test(test_power),
		cmocka_unit_test(test_published_adjustment),
		cmocka_unit_test(test_ratio),
		cmocka_unit_test(test_ratio_coverage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
