// SPDX-License-Identifier: MIT
/* Proves after how many transfers a set-up has paid, with its interval, for rounds that pay, that never do,
 * and that disagree. */
#include <math.h>

#include "cli/payback.h"
#include "tests/unit/unit.h"

static void check(const double *extra, const double *saved, size_t n, double median, double lo,
		  double hi)
{
	struct payback p = payback_find(extra, saved, n);

	assert_int_equal(p.rounds, n);
	assert_true(p.median == median);
	assert_true(p.lo == lo);
	assert_true(p.hi == hi);
}

static void test_each_round_counts(void **state)
{
	(void)state;
	check((double[]){100}, (double[]){10}, 1, 10, 10, 10);
	check((double[]){100, 300, 200}, (double[]){10, 10, 10}, 3, 20, 10, 30);
	/* nothing extra: at once */
	check((double[]){-5, 0, 200}, (double[]){10, 0, 10}, 3, 0, 0, 20);
}

static void test_never(void **state)
{
	(void)state;
	check((double[]){100, 100, 100}, (double[]){0, -1, -2}, 3, HUGE_VAL, HUGE_VAL, HUGE_VAL);
	/* cheaper once, and dearer each time */
	check((double[]){-100}, (double[]){-1}, 1, HUGE_VAL, HUGE_VAL, HUGE_VAL);
	/* rounds that disagree */
	check((double[]){100, 100, 100}, (double[]){10, -1, 5}, 3, 20, 10, HUGE_VAL);
	check((double[]){100, 100}, (double[]){10, -1}, 2, HUGE_VAL, 10, HUGE_VAL);
}

/* Ranks of the 95 % interval of a median, as tables have them: n = 5: 1..5; 6: 1..6; 9: 2..8; 15: 4..12;
 * 20: 6..15. */
static void test_interval(void **state)
{
	static const struct {
		size_t n, lo, hi;
	} ranks[] = {{1, 1, 1}, {5, 1, 5},   {6, 1, 6},   {8, 1, 8},
		     {9, 2, 8}, {12, 3, 10}, {15, 4, 12}, {20, 6, 15}};
	double extra[20], saved[20];

	(void)state;
	for (size_t i = 0; i < 20; i++) {
		extra[i] = (double)(20 - i); /* falling: they are sorted */
		saved[i] = 1;
	}
	for (size_t k = 0; k < sizeof(ranks) / sizeof(ranks[0]); k++) {
		const size_t n = ranks[k].n;
		struct payback p = payback_find(extra + 20 - n, saved, n);

		assert_true(p.lo == (double)ranks[k].lo);
		assert_true(p.hi == (double)ranks[k].hi);
	}
	assert_true(isnan(payback_find(extra, saved, 0).median));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_round_counts),
		cmocka_unit_test(test_never),
		cmocka_unit_test(test_interval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
